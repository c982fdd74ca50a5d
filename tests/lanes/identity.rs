//! Span ids repeat, tables grow, nesting goes deep: nobody gets anything of anybody else.

use tracing::{Span, info_span, warn};

use crumbtrail::{User, limits};

use crate::rig::{Rig, fail, trail};

#[test]
fn a_span_whose_id_was_another_ones_before_inherits_nothing() {
    const REQUESTS: u64 = 200_000;
    let rig = Rig::new();
    let repeated = rig.on_thread(|| {
        let mut ids = std::collections::HashSet::new();
        for request in 0..REQUESTS {
            let span = info_span!("request", request);
            ids.extend(span.id().map(|id| id.into_u64()));
            let _entered = span.entered();
            warn!("{request}");
            // Every third leaves something behind that the next owner of its id must not find.
            match request % 3 {
                0 => {
                    crumbtrail::set_user(User::new(request.to_string()));
                    crumbtrail::set_tag("request", request.to_string());
                }
                1 => _ = Span::current().record("request", request),
                _ => {}
            }
            if request % 1_000 == 2 {
                assert_eq!(crumbtrail::last_event_id(), None);
                fail(request);
                assert!(crumbtrail::last_event_id().is_some());
            }
        }
        ids.len() < REQUESTS as usize
    });
    assert!(repeated, "the registry never gave an id out twice: the test shows nothing");
    let events = rig.events();
    assert_eq!(events.len(), 200);
    for event in &events {
        let request = event.message.as_deref().unwrap();
        assert_eq!(trail(event), [request]);
        assert!(!event.trail_cut, "the lane is younger than the ring's last lap");
        assert_eq!(event.spans.len(), 1);
        assert_eq!(event.spans[0].fields["request"].to_string(), request);
        let told: u64 = request.parse().unwrap();
        let own = told.is_multiple_of(3).then(|| request.to_owned());
        assert_eq!(event.user.as_ref().and_then(|user| user.id.clone()), own);
        assert_eq!(event.tags.get("request").cloned(), own);
    }
}

#[test]
fn twenty_thousand_spans_alive_at_once_are_told_apart() {
    const SPANS: usize = 20_000;
    let rig = Rig::new();
    rig.on_thread(|| {
        for round in 0..2 {
            let spans: Vec<Span> = (0..SPANS).map(|index| info_span!("job", index)).collect();
            for (index, span) in spans.iter().enumerate() {
                span.in_scope(|| warn!("{round} {index}"));
            }
            for (index, span) in spans.iter().enumerate().filter(|(index, _)| index % 97 == 0) {
                span.in_scope(|| fail(format_args!("{round} {index}")));
            }
        }
    });
    let events = rig.events();
    assert_eq!(events.len(), 2 * SPANS.div_ceil(97));
    for event in &events {
        assert_eq!(trail(event), [event.message.as_deref().unwrap()]);
        assert_eq!(event.spans.len(), 1);
    }
    assert_eq!(rig.stats().spans_untracked, 0);
}

#[test]
fn nesting_deeper_than_an_event_lists_keeps_lane_user_and_trail() {
    const DEEP: usize = 3 * limits::SPANS;
    let rig = Rig::new();
    rig.on_thread(|| {
        let _request = info_span!("request", user.id = "ada").entered();
        crumbtrail::set_tag("plan", "pro");
        let mut open = Vec::new();
        for level in 0..DEEP {
            open.push(info_span!("level", level).entered());
            if level % 2 == 0 {
                crumbtrail::add_breadcrumb(crumbtrail::Breadcrumb::new(level.to_string()));
            }
        }
        fail("failed");
        while let Some(innermost) = open.pop() {
            drop(innermost);
        }
    });
    let event = rig.event();
    let logged: Vec<String> = (0..DEEP).step_by(2).map(|level| level.to_string()).collect();
    assert_eq!(trail(&event), logged);
    assert!(!event.trail_cut);
    assert_eq!(event.spans.len(), limits::SPANS);
    assert_eq!(event.spans[0].fields["level"], DEEP - 1);
    // Of too many, the innermost, and the outermost: it says what all of them are about.
    assert_eq!((event.culprit.as_str(), event.spans[limits::SPANS - 2].name.as_str()), ("request", "level"));
    assert_eq!(event.user.as_ref().unwrap().id.as_deref(), Some("ada"));
    assert_eq!(event.tags["plan"], "pro", "what the lane was told is kept however deep the event");
}

#[test]
fn an_enclosing_lane_far_outside_shows_its_ancestors_too() {
    const DEEP: usize = 2 * limits::SPANS;
    let rig = Rig::new();
    rig.on_thread(|| {
        let _worker = info_span!("worker").entered();
        warn!("of the worker");
        let nested = |open: &mut Vec<_>| open.extend((0..DEEP).map(|_| info_span!("level").entered()));
        let mut open = Vec::new();
        nested(&mut open);
        open.push(info_span!("job", crumbtrail.lane = true).entered());
        warn!("of the job");
        nested(&mut open);
        fail("failed");
        while let Some(innermost) = open.pop() {
            drop(innermost);
        }
    });
    assert_eq!(trail(&rig.event()), ["of the worker", "of the job"]);
}
