//! The order of a trail, how much of it an event carries, and when it says that something is missing.

use std::sync::Barrier;
use std::thread;

use tracing::{Level, info_span, warn};

use crumbtrail::{Breadcrumb, limits};

use crate::rig::{Rig, fail, named, trail};

#[test]
fn a_trail_stands_in_the_order_in_which_it_was_logged() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _span = info_span!("work").entered();
        for number in 0..50 {
            info_span!("step").in_scope(|| warn!("{number}"));
        }
        fail("failed");
    });
    let event = rig.event();
    let expected: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    assert_eq!(trail(&event), expected);
    assert!(event.breadcrumbs.is_sorted_by_key(|crumb| crumb.time));
    assert!(event.breadcrumbs.iter().all(|crumb| crumb.time <= event.time && crumb.level == Level::WARN));
    assert!(!event.trail_cut);
}

#[test]
fn an_event_carries_the_newest_of_a_long_trail_and_says_so() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _span = info_span!("work").entered();
        for number in 0..limits::TRAIL_CRUMBS + 50 {
            warn!("{number}");
        }
        fail("failed");
    });
    let event = rig.event();
    let expected: Vec<String> = (50..limits::TRAIL_CRUMBS + 50).map(|number| number.to_string()).collect();
    assert_eq!(trail(&event), expected);
    assert!(event.trail_cut);
}

#[test]
fn a_trail_that_just_fits_is_not_called_cut() {
    let rig = Rig::new();
    rig.on_thread(|| {
        for number in [0, limits::TRAIL_CRUMBS - 1, limits::TRAIL_CRUMBS] {
            let _span = info_span!("work").entered();
            (0..number).for_each(|_| warn!("one more"));
            fail(number);
        }
    });
    for event in rig.events() {
        assert_eq!(event.breadcrumbs.len().to_string(), event.message.clone().unwrap());
        assert!(!event.trail_cut, "{:?}", event.message);
    }
}

#[test]
fn what_the_ring_has_overwritten_is_gone_and_said_to_be() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let old = info_span!("old");
        old.in_scope(|| warn!("before the lap"));
        let noise = info_span!("noise");
        let noise = || noise.in_scope(|| (0..limits::RING_CELLS).for_each(|_| warn!("noise")));
        noise();
        old.in_scope(|| fail("nothing left"));
        old.in_scope(|| warn!("after the lap"));
        old.in_scope(|| fail("one left"));
        info_span!("young").in_scope(|| {
            warn!("young");
            fail("never lost any");
        });
    });
    let events = rig.events();
    let nothing = named(&events, "nothing left");
    assert_eq!((trail(nothing), nothing.trail_cut), (vec![], true));
    let one = named(&events, "one left");
    assert_eq!((trail(one), one.trail_cut), (vec!["nothing left", "after the lap"], true));
    let young = named(&events, "never lost any");
    assert_eq!((trail(young), young.trail_cut), (vec!["young"], false));
}

#[test]
fn a_lane_with_many_crumbs_of_its_own_crowds_out_nobody_elses() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let quiet = info_span!("quiet");
        quiet.in_scope(|| warn!("early"));
        info_span!("loud").in_scope(|| (0..10_000).for_each(|_| warn!("loud")));
        quiet.in_scope(|| {
            warn!("late");
            fail("failed");
        });
    });
    let event = rig.event();
    assert_eq!((trail(&event), event.trail_cut), (vec!["early", "late"], false));
}

#[test]
fn start_up_takes_no_room_from_what_came_after_it() {
    let rig = Rig::here(|builder| builder);
    rig.run(|| (0..300).for_each(|number| warn!("start-up {number}")));
    rig.on_thread(|| {
        let _span = info_span!("work").entered();
        (0..30).for_each(|number| warn!("work {number}"));
        fail("failed");
    });
    let event = rig.event();
    let start_up = (230..300).map(|number| format!("start-up {number}"));
    let expected: Vec<String> = start_up.chain((0..30).map(|number| format!("work {number}"))).collect();
    assert_eq!(trail(&event), expected);
    assert!(event.trail_cut);
}

#[test]
fn a_long_start_up_is_called_cut_where_it_is() {
    for number in [limits::TRAIL_CRUMBS, limits::TRAIL_CRUMBS + 1, 3 * limits::TRAIL_CRUMBS] {
        let rig = Rig::here(|builder| builder);
        rig.run(|| (0..number).for_each(|number| warn!("{number}")));
        rig.on_thread(|| fail("failed"));
        let event = rig.event();
        let expected: Vec<String> =
            (number - limits::TRAIL_CRUMBS..number).map(|number| number.to_string()).collect();
        assert_eq!(trail(&event), expected);
        assert_eq!(event.trail_cut, number > limits::TRAIL_CRUMBS, "{number}");
    }
}

#[test]
fn an_enclosing_lane_that_logged_nothing_makes_no_trail_cut() {
    let rig = Rig::with(|builder| builder.lanes("[job]"));
    rig.on_thread(|| {
        let _worker = info_span!("worker").entered();
        info_span!("noise").in_scope(|| (0..limits::RING_CELLS + 10).for_each(|_| warn!("noise")));
        let _shift = info_span!("shift").entered();
        warn!("of the shift");
        info_span!("job").in_scope(|| {
            warn!("of the job");
            fail("failed");
        });
    });
    let event = rig.event();
    assert_eq!((trail(&event), event.trail_cut), (vec!["of the shift", "of the job"], false));
}

#[test]
fn what_start_up_logged_ages_like_everything_else() {
    let rig = Rig::here(|builder| builder);
    rig.run(|| warn!("start-up"));
    rig.on_thread(|| {
        info_span!("noise").in_scope(|| (0..limits::RING_CELLS + 10).for_each(|_| warn!("noise")));
        info_span!("young").in_scope(|| fail("failed"));
    });
    let event = rig.event();
    assert_eq!(trail(&event), [""; 0]);
}

#[test]
fn a_breadcrumb_keeps_level_category_time_and_data() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _span = info_span!("work").entered();
        warn!(target: "db::pool", waited_ms = 250, busy = true, share = 0.75, who = "ada", "pool is exhausted");
        crumbtrail::add_breadcrumb(
            Breadcrumb::new("voucher redeemed")
                .category("cart")
                .level(Level::DEBUG)
                .data("text", "ten")
                .data("whole", 10)
                .data("negative", -10)
                .data("huge", u64::MAX)
                .data("part", 0.5)
                .data("yes", true)
                .data("nothing", serde_json::Value::Null)
                .data("list", serde_json::json!([1, "two"]))
                .data("object", serde_json::json!({ "a": { "b": 1 } })),
        );
        fail("failed");
    });
    let event = rig.event();
    let [logged, added] = &event.breadcrumbs[..] else { panic!("{:?}", event.breadcrumbs) };
    assert_eq!((logged.category.as_str(), logged.target.as_str()), ("db::pool", "db::pool"));
    assert_eq!(
        serde_json::to_value(&logged.data).unwrap(),
        serde_json::json!({ "waited_ms": 250, "busy": true, "share": 0.75, "who": "ada" })
    );
    assert_eq!((added.category.as_str(), added.target.as_str()), ("cart", ""));
    assert_eq!((added.message.as_str(), added.level), ("voucher redeemed", Level::DEBUG));
    assert_eq!(
        serde_json::to_value(&added.data).unwrap(),
        serde_json::json!({
            "text": "ten", "whole": 10, "negative": -10, "huge": u64::MAX, "part": 0.5, "yes": true,
            // As documented: what is neither text nor number nor boolean is its JSON text.
            "nothing": "null", "list": "[1,\"two\"]", "object": "{\"a\":{\"b\":1}}",
        })
    );
    assert!(!logged.cut && !added.cut);
}

#[test]
fn a_breadcrumb_too_long_for_its_cells_is_cut_with_a_mark() {
    let rig = Rig::new();
    let long = "ä".repeat(5_000);
    rig.on_thread(|| {
        let _span = info_span!("work").entered();
        warn!(first = 1, text = long.as_str(), last = 2, "message");
        crumbtrail::add_breadcrumb(Breadcrumb::new(long.as_str()).category("c".repeat(300)));
        warn!("whole");
        fail("failed");
    });
    let event = rig.event();
    let [logged, added, whole] = &event.breadcrumbs[..] else { panic!("{:?}", event.breadcrumbs) };
    assert!(logged.cut && added.cut && !whole.cut);
    let text = logged.data["text"].as_str().unwrap();
    assert!(text.ends_with("ä…") && text.len() > 200, "{text}");
    // The message is what the macro records first; what stands behind the long field found no room.
    assert_eq!((logged.message.as_str(), logged.data["first"].as_i64()), ("message", Some(1)));
    assert!(!logged.data.contains_key("last"));
    assert_eq!(added.category, "c".repeat(300));
    assert!(added.message.ends_with('…') && added.message.len() > 50, "{}", added.message);
}

#[test]
fn a_thread_that_goes_on_logging_outside_any_span_takes_no_room_from_an_events_own() {
    let rig = Rig::here(|builder| builder);
    let (begun, logged) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            rig.run(|| {
                let _request = info_span!("request").entered();
                warn!("mine");
                begun.wait();
                logged.wait();
                fail("failed");
            });
        });
        begun.wait();
        rig.run(|| (0..150).for_each(|number| warn!("main loop {number}")));
        logged.wait();
    });
    let event = rig.event();
    assert_eq!(event.breadcrumbs.len(), limits::TRAIL_CRUMBS);
    assert_eq!(trail(&event)[..2], ["mine", "main loop 51"]);
    assert!(event.trail_cut);
}

#[test]
fn start_up_that_has_aged_away_cuts_no_trail() {
    let rig = Rig::here(|builder| builder);
    rig.run(|| warn!("starting"));
    rig.on_thread(|| {
        info_span!("noise").in_scope(|| (0..limits::RING_CELLS).for_each(|_| warn!("noise")));
        let _request = info_span!("request").entered();
        fail("failed");
    });
    let event = rig.event();
    assert_eq!(trail(&event), [""; 0]);
    assert!(!event.trail_cut);
}
