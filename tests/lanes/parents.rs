//! Parents that a line names itself: another span, none, one that is gone.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use tracing::field::Empty;
use tracing::span::Id;
use tracing::{error, error_span, info_span, warn};

use crumbtrail::TrailSource;

use crate::rig::{Rig, fail, named, trail};

#[test]
fn an_event_with_a_parent_of_its_own_belongs_to_that_parents_lane() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let other = info_span!("other", user.id = 7);
        let _current = info_span!("current").entered();
        warn!("of current");
        warn!(parent: &other, "of other");
        error!(parent: &other, error = "refused", "in other");
        error!(parent: other.id(), error = "refused", "in other by id");
        fail("in current");
    });
    let events = rig.events();
    assert_eq!(trail(named(&events, "in other")), ["of other"]);
    assert_eq!(named(&events, "in other").user.as_ref().unwrap().id.as_deref(), Some("7"));
    assert_eq!(trail(named(&events, "in other by id")), ["of other", "in other"]);
    assert_eq!(trail(named(&events, "in current")), ["of current"]);
}

#[test]
fn an_event_without_a_parent_belongs_to_the_thread() {
    let rig = Rig::new();
    rig.on_thread(|| {
        warn!("of the thread");
        let _current = info_span!("current", user.id = 7).entered();
        warn!("of current");
        warn!(parent: None, "of the thread too");
        error!(parent: None, error = "refused", "outside");
        // A pooled thread's own lines may be about anybody: they are not seen from inside.
        fail("inside");
    });
    let events = rig.events();
    let outside = named(&events, "outside");
    assert_eq!(trail(outside), ["of the thread", "of the thread too"]);
    assert_eq!((outside.trail, &outside.user), (TrailSource::Thread, &None));
    assert_eq!(trail(named(&events, "inside")), ["of current"]);
}

#[test]
fn a_span_with_a_parent_of_its_own_joins_that_parents_lane() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let other = info_span!("other");
        let _current = info_span!("current").entered();
        warn!("of current");
        let child = info_span!(parent: &other, "child");
        child.in_scope(|| {
            warn!("of the child");
            fail("in the child");
        });
        let alone = info_span!(parent: None, "alone");
        alone.in_scope(|| {
            warn!("of the one alone");
            fail("alone");
        });
        other.in_scope(|| fail("in other"));
    });
    let events = rig.events();
    assert_eq!(trail(named(&events, "in the child")), ["of the child"]);
    assert_eq!(named(&events, "in the child").culprit, "other");
    assert_eq!(trail(named(&events, "alone")), ["of the one alone"]);
    assert_eq!(named(&events, "alone").spans.len(), 1);
    assert_eq!(trail(named(&events, "in other")), ["of the child", "in the child"]);
}

#[test]
fn a_parent_that_is_held_back_by_the_gate_leads_to_the_next_one_outwards() {
    let rig = Rig::beside_another_layer();
    rig.on_thread(|| {
        let work = info_span!("work");
        let silent = tracing::debug_span!(parent: &work, "silent");
        let _elsewhere = info_span!("elsewhere").entered();
        warn!(parent: &silent, "of the work");
        let child = info_span!(parent: &silent, "child");
        child.in_scope(|| fail("in the child"));
        error!(parent: &silent, error = "refused", "in the silent one");
    });
    let events = rig.events();
    assert_eq!(trail(named(&events, "in the child")), ["of the work"]);
    assert_eq!(trail(named(&events, "in the silent one")), ["of the work", "in the child"]);
}

#[test]
fn a_parent_that_is_gone_is_nobody() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let gone = {
            let span = error_span!("gone", user.id = 7);
            span.in_scope(|| warn!("of the span that is gone"));
            span.id()
        };
        let _current = info_span!("current").entered();
        warn!("of current");
        error!(parent: gone, error = "refused", "late");
    });
    let event = rig.event();
    assert_eq!(trail(&event), [""; 0]);
    assert_eq!((&event.user, event.spans.len()), (&None, 0));
}

#[test]
fn a_parent_that_closes_meanwhile_is_seen_whole_or_not_at_all() {
    const EVENTS: usize = 1_500;
    let rig = Rig::new();
    let newest = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            rig.run(|| {
                let mut number = 0_u64;
                while !done.load(Ordering::Relaxed) {
                    number += 1;
                    let span =
                        info_span!("short", number, user.id = number, tags.number = number, long = Empty);
                    newest.store(span.id().map_or(0, |id| id.into_u64()), Ordering::Relaxed);
                    if number.is_multiple_of(2) {
                        span.record("long", "x".repeat(300));
                        span.in_scope(|| crumbtrail::set_context("number", number));
                    }
                }
            });
        });
        scope.spawn(|| {
            rig.run(|| {
                while newest.load(Ordering::Relaxed) == 0 {
                    thread::yield_now();
                }
                for _ in 0..EVENTS {
                    let id = Id::from_u64(newest.load(Ordering::Relaxed));
                    error!(parent: id, error = "refused", "late");
                }
                done.store(true, Ordering::Relaxed);
            });
        });
    });
    let events = rig.events();
    assert_eq!(events.len(), EVENTS);
    let seen = events.iter().filter(|event| !event.spans.is_empty()).count();
    println!("{seen} of {EVENTS} events found their parent alive");
    for event in &events {
        let Some(span) = event.spans.first() else {
            assert!(event.user.is_none() && event.tags.is_empty(), "{event:?}");
            continue;
        };
        let number = span.fields["number"].to_string();
        assert_eq!(event.user.as_ref().unwrap().id.as_deref(), Some(number.as_str()));
        assert_eq!(event.tags["number"], number);
        if let Some(told) = event.contexts.get("number") {
            assert_eq!(told.to_string(), number);
        }
    }
}

#[test]
fn a_child_that_outlives_its_parents_handle_keeps_the_lane() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let parent = info_span!("parent", tags.shop = "north");
        parent.in_scope(|| warn!("of the parent"));
        let child = info_span!(parent: &parent, "child");
        drop(parent);
        for _ in 0..100 {
            drop(info_span!("churn"));
        }
        child.in_scope(|| fail("failed"));
    });
    let event = rig.event();
    assert_eq!(trail(&event), ["of the parent"]);
    assert_eq!(event.tags["shop"], "north");
}
