//! What the program tells a lane: user, tags, contexts; and the name of its newest event.

use serde_json::json;
use tracing::{info_span, warn};

use crumbtrail::{User, limits};

use crate::rig::{Rig, fail, named};
use crate::support::{child, role};

#[test]
fn a_lane_keeps_its_user_tags_and_contexts_from_any_of_its_spans() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _request = info_span!("request").entered();
        info_span!("authentication").in_scope(|| {
            crumbtrail::set_user(User::new("42").email("ada@example.com").username("ada"));
            crumbtrail::set_tag("plan", "free");
        });
        crumbtrail::set_tag("plan", "pro");
        crumbtrail::set_context("cart", json!({ "items": 3 }));
        info_span!("payment").in_scope(|| fail("failed"));
    });
    let event = rig.event();
    let user = event.user.unwrap();
    assert_eq!(user, User::new("42").email("ada@example.com").username("ada"));
    assert_eq!(event.tags["plan"], "pro", "the later one holds");
    assert_eq!(event.contexts["cart"], json!({ "items": 3 }));
}

#[test]
fn what_one_lane_was_told_no_other_knows() {
    let rig = Rig::new();
    rig.on_thread(|| {
        info_span!("first").in_scope(|| {
            crumbtrail::set_user(User::new("1"));
            crumbtrail::set_tag("of", "first");
            crumbtrail::set_context("of", "first");
            fail("first");
        });
        info_span!("second").in_scope(|| fail("second"));
        fail("outside");
    });
    let events = rig.events();
    assert!(named(&events, "first").user.is_some());
    for name in ["second", "outside"] {
        let event = named(&events, name);
        assert_eq!((&event.user, event.tags.get("of"), event.contexts.get("of")), (&None, None, None));
    }
}

#[test]
fn an_inner_lane_outranks_the_ones_around_it() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _worker = info_span!("worker").entered();
        crumbtrail::set_user(User::new("the worker").email("worker@example.com"));
        crumbtrail::set_tag("shop", "north");
        crumbtrail::set_tag("queue", "orders");
        crumbtrail::set_context("job", "none");
        {
            let _job = info_span!("job", crumbtrail.lane = true).entered();
            crumbtrail::set_user(User::new("ada"));
            crumbtrail::set_tag("shop", "south");
            crumbtrail::set_context("job", "17");
            fail("inner");
        }
        fail("outer");
    });
    let events = rig.events();
    let inner = named(&events, "inner");
    // A user is taken whole: half of one and half of another would be a third person.
    assert_eq!(inner.user, Some(User::new("ada")));
    assert_eq!((inner.tags["shop"].as_str(), inner.tags["queue"].as_str()), ("south", "orders"));
    assert_eq!(inner.contexts["job"], "17");
    let outer = named(&events, "outer");
    assert_eq!(outer.user, Some(User::new("the worker").email("worker@example.com")));
    assert_eq!((outer.tags["shop"].as_str(), &outer.contexts["job"]), ("north", &json!("none")));
}

#[test]
fn a_user_is_refused_on_a_bare_thread_and_counted() {
    let rig = Rig::with(|builder| builder.user(User::new("the only one")));
    rig.on_thread(|| {
        crumbtrail::set_user(User::new("ada"));
        crumbtrail::set_user(User::new("bob"));
        crumbtrail::set_tag("plan", "pro");
        fail("on the thread");
        info_span!("work").in_scope(|| {
            fail("in a span");
            crumbtrail::set_user(User::new("ada"));
            fail("told");
        });
    });
    let events = rig.events();
    let only = Some(User::new("the only one"));
    assert_eq!(named(&events, "on the thread").user, only);
    assert_eq!(named(&events, "on the thread").tags["plan"], "pro", "tags do stick to a thread");
    assert_eq!(named(&events, "in a span").user, only);
    assert_eq!(named(&events, "told").user, Some(User::new("ada")), "any user that is named outranks it");
    assert_eq!(rig.stats().users_refused, 2);
}

#[test]
fn that_a_user_was_refused_is_said_once() {
    if role().is_some() {
        let rig = Rig::new();
        rig.on_thread(|| (0..10).for_each(|_| crumbtrail::set_user(User::new("secret name"))));
        rig.on_thread(|| crumbtrail::set_user(User::new("secret name")));
        assert_eq!(rig.stats().users_refused, 11);
        return;
    }
    let ended = child("refused", "told::that_a_user_was_refused_is_said_once").run().succeeded();
    assert_eq!(ended.stderr.matches("set_user").count(), 1, "{}", ended.stderr);
    assert!(!ended.stderr.contains("secret name"), "{}", ended.stderr);
}

#[test]
fn a_lane_has_room_for_so_many_tags_and_counts_the_others() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _work = info_span!("work").entered();
        for number in 0..limits::LANE_ENTRIES + 10 {
            crumbtrail::set_tag(format!("tag {number:03}"), "first");
            crumbtrail::set_context(format!("context {number:03}"), "first");
        }
        crumbtrail::set_tag("tag 000", "again");
        fail("failed");
    });
    let event = rig.event();
    assert_eq!(event.tags.len(), limits::LANE_ENTRIES);
    assert_eq!(event.tags["tag 000"], "again", "what is there can be changed");
    assert_eq!(
        event.contexts.keys().filter(|name| name.starts_with("context")).count(),
        limits::LANE_ENTRIES
    );
    assert_eq!(rig.stats().lane_entries_refused, 20);
}

#[test]
fn what_is_too_long_wide_or_deep_is_cut_with_a_mark() {
    let rig = Rig::new();
    let long = "ä".repeat(limits::FIELD_BYTES);
    let deep = (0..10).fold(json!("bottom"), |inner, level| json!({ level.to_string(): inner }));
    rig.on_thread(|| {
        let _work = info_span!("work").entered();
        crumbtrail::set_user(User::new(&long).username("\u{1b}[31m"));
        crumbtrail::set_tag("long", &long);
        crumbtrail::set_tag(&long, "long name");
        crumbtrail::set_context("long", json!({ "text": long, "list": [long] }));
        crumbtrail::set_context("deep", deep);
        crumbtrail::set_context("wide", json!(vec![1; 1_000]));
        crumbtrail::set_context(
            "broad",
            (0..1_000)
                .map(|number| (format!("{number:04}"), json!(number)))
                .collect::<serde_json::Map<_, _>>(),
        );
        fail("failed");
    });
    let event = rig.event();
    let bounded = |text: &str| text.len() <= limits::FIELD_BYTES + '…'.len_utf8() && text.ends_with("ä…");
    let user = event.user.as_ref().unwrap();
    assert!(bounded(user.id.as_deref().unwrap()));
    assert_eq!(user.username.as_deref(), Some("\u{1b}[31m"), "kept as it is; whoever prints it escapes it");
    assert!(bounded(&event.tags["long"]));
    assert!(event.tags.keys().any(|name| bounded(name)));
    assert!(bounded(event.contexts["long"]["text"].as_str().unwrap()));
    assert!(bounded(event.contexts["long"]["list"][0].as_str().unwrap()));
    let mut inner = &event.contexts["deep"];
    for level in (10 - limits::CONTEXT_DEPTH..10).rev() {
        inner = &inner[level.to_string()];
    }
    assert_eq!(*inner, json!("…"));
    let wide = event.contexts["wide"].as_array().unwrap();
    assert_eq!((wide.len(), wide.last()), (limits::FIELDS + 1, Some(&json!("…"))));
    let broad = event.contexts["broad"].as_object().unwrap();
    assert_eq!((broad.len(), broad.get("…")), (limits::FIELDS + 1, Some(&json!("…"))));
}

#[test]
fn the_newest_event_of_a_lane_can_be_asked_for() {
    let rig = Rig::new();
    let error = std::io::Error::other("disk");
    let asked = rig.on_thread(|| {
        assert_eq!(crumbtrail::last_event_id(), None);
        let outer = info_span!("outer").entered();
        assert_eq!(crumbtrail::last_event_id(), None);
        warn!("no event");
        let first = crumbtrail::capture_error(&error).unwrap();
        assert_eq!(crumbtrail::last_event_id(), Some(first));
        let inner = info_span!("inner", crumbtrail.lane = true).entered();
        assert_eq!(crumbtrail::last_event_id(), None, "another lane");
        let step = info_span!("step").entered();
        fail("second");
        let second = crumbtrail::last_event_id().unwrap();
        drop((step, inner));
        assert_eq!(crumbtrail::last_event_id(), Some(first), "of its own lane");
        drop(outer);
        assert_eq!(crumbtrail::last_event_id(), None, "the thread had none");
        let third = crumbtrail::capture_error(&error).unwrap();
        assert_eq!(crumbtrail::last_event_id(), Some(third));
        vec![first, second, third]
    });
    let ids: Vec<_> = rig.events().iter().map(|event| event.id).collect();
    assert_eq!(ids, asked);
}

#[test]
fn without_a_pipeline_the_free_functions_do_nothing() {
    // Under a subscriber of its own without crumbtrail; the first pipeline of the process may stand in, or none.
    let rig = Rig::new();
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), || {
        crumbtrail::set_user(User::new("nobody"));
        crumbtrail::set_tag("of", "nobody");
        crumbtrail::set_context("of", "nobody");
        crumbtrail::add_breadcrumb(crumbtrail::Breadcrumb::new("of nobody"));
        let _ = crumbtrail::last_event_id();
    });
    rig.on_thread(|| fail("failed"));
    let event = rig.event();
    assert_eq!((event.tags.get("of"), event.breadcrumbs.len()), (None, 0));
}
