//! Which lane is whose, and what an ERROR sees of the others.

use std::thread;

use crumbtrail::{Breadcrumb, TrailSource};
use tracing::{Span, debug_span, info_span, warn};

use crate::rig::{Rig, fail, named, trail};

#[test]
fn the_nearest_root_is_the_lane() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _outer = info_span!("outer", crumbtrail.lane = true).entered();
        let _middle = info_span!("middle").entered();
        let _inner = info_span!("inner", crumbtrail.lane = true).entered();
        info_span!("step").in_scope(|| warn!("in a step"));
        let _leaf = info_span!("leaf").entered();
        warn!("in the leaf");
        fail("failed");
    });
    let event = rig.event();
    assert_eq!(trail(&event), ["in a step", "in the leaf"]);
    assert_eq!(event.trail, TrailSource::Span);
    let names: Vec<_> = event.spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["leaf", "inner", "middle", "outer"]);
    assert_eq!(event.culprit, "outer");
}

#[test]
fn without_a_root_the_outermost_span_is_the_lane() {
    let rig = Rig::new();
    rig.on_thread(|| {
        info_span!("earlier work").in_scope(|| warn!("of earlier work"));
        let _outermost = info_span!("work").entered();
        warn!("at the top");
        info_span!("one").in_scope(|| info_span!("deeper").in_scope(|| warn!("in a closed sibling")));
        info_span!("two").in_scope(|| fail("failed"));
    });
    assert_eq!(trail(&rig.event()), ["at the top", "in a closed sibling"]);
}

#[test]
fn without_a_span_the_thread_is_the_lane() {
    let rig = Rig::new();
    let (first, second) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    thread::scope(|scope| {
        for name in ["a", "b"] {
            let (rig, first, second) = (&rig, &first, &second);
            scope.spawn(move || {
                rig.run(|| {
                    warn!("{name} 1");
                    first.wait();
                    warn!("{name} 2");
                    second.wait();
                    fail(name);
                });
            });
        }
    });
    let events = rig.events();
    assert_eq!(trail(named(&events, "a")), ["a 1", "a 2"]);
    assert_eq!(trail(named(&events, "b")), ["b 1", "b 2"]);
    assert!(events.iter().all(|event| event.trail == TrailSource::Thread && event.spans.is_empty()));
}

#[test]
fn everyone_sees_what_start_up_logged_in_the_order_of_time() {
    let rig = Rig::here(|builder| builder);
    rig.run(|| {
        warn!("start-up: no cache directory");
        info_span!("migrations").in_scope(|| warn!("inside a span of start-up"));
        rig.on_thread(|| {
            let _span = info_span!("work").entered();
            warn!("work 1");
            fail("first");
        });
        warn!("start-up: slow disk");
        rig.on_thread(|| fail("second"));
    });
    let events = rig.events();
    assert_eq!(trail(named(&events, "first")), ["start-up: no cache directory", "work 1"]);
    assert_eq!(trail(named(&events, "second")), ["start-up: no cache directory", "start-up: slow disk"]);
}

#[test]
fn start_up_is_not_seen_twice_by_itself() {
    let rig = Rig::here(|builder| builder);
    rig.run(|| {
        warn!("one");
        let _span = info_span!("work").entered();
        warn!("two");
        fail("in a span");
        drop(_span);
        fail("outside");
    });
    let events = rig.events();
    assert_eq!(trail(named(&events, "in a span")), ["one", "two"]);
    assert_eq!(trail(named(&events, "outside")), ["one"]);
}

#[test]
fn start_up_stays_whole_for_the_thread_it_ran_on() {
    let rig = Rig::here(|builder| builder);
    rig.run(|| {
        warn!("no cache directory");
        info_span!("first job").in_scope(|| warn!("of the first job"));
        warn!("slow disk");
        info_span!("second job").in_scope(|| fail("failed"));
    });
    assert_eq!(trail(&rig.event()), ["no cache directory", "slow disk"]);
}

#[test]
fn of_an_enclosing_lane_only_what_its_own_ancestors_logged_is_seen() {
    let rig = Rig::with(|builder| builder.lanes("[job]"));
    rig.on_thread(|| {
        let _worker = info_span!("worker").entered();
        warn!("worker: queue is long");
        info_span!("poll").in_scope(|| warn!("in a sibling of all jobs"));
        let _shift = info_span!("shift").entered();
        warn!("shift: begins");
        let first = info_span!("job");
        first.in_scope(|| {
            warn!("job 1");
            info_span!("step").in_scope(|| warn!("step of job 1"));
        });
        let second = info_span!("job");
        second.in_scope(|| warn!("job 2"));
        warn!("shift: goes on");
        first.in_scope(|| fail("1"));
        second.in_scope(|| info_span!("step").in_scope(|| fail("2")));
        fail("of the shift");
    });
    let events = rig.events();
    let around = ["worker: queue is long", "shift: begins"];
    let with = |own: &[&'static str]| [&around[..], own, &["shift: goes on"]].concat();
    assert_eq!(trail(named(&events, "1")), with(&["job 1", "step of job 1"]));
    // The first failure is a breadcrumb of its own job only.
    assert_eq!(trail(named(&events, "2")), with(&["job 2"]));
    let of_the_shift =
        ["worker: queue is long", "in a sibling of all jobs", "shift: begins", "shift: goes on"];
    assert_eq!(trail(named(&events, "of the shift")), of_the_shift);
}

#[test]
fn several_enclosing_lanes_each_show_their_own_line_of_ancestors() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let lane = |level: u32| info_span!("lane", level, crumbtrail.lane = true);
        let mut open = Vec::new();
        for level in 0..5 {
            open.push(lane(level).entered());
            warn!("level {level}");
            lane(100 + level).in_scope(|| warn!("beside level {level}"));
            info_span!("sibling").in_scope(|| warn!("under level {level}, closed"));
        }
        fail("failed");
        while let Some(innermost) = open.pop() {
            drop(innermost);
        }
    });
    let expected = ["level 0", "level 1", "level 2", "level 3", "level 4", "under level 4, closed"];
    assert_eq!(trail(&rig.event()), expected);
}

#[test]
fn of_very_many_enclosing_lanes_the_nearest_are_shown_and_the_trail_is_called_cut() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let mut open = Vec::new();
        for level in 0..20 {
            open.push(info_span!("lane", level, crumbtrail.lane = true).entered());
            warn!("level {level}");
        }
        fail("failed");
        while let Some(innermost) = open.pop() {
            drop(innermost);
        }
    });
    let event = rig.event();
    let expected: Vec<String> = (12..20).map(|level| format!("level {level}")).collect();
    assert_eq!((trail(&event), event.trail_cut), (expected.iter().map(String::as_str).collect(), true));
}

#[test]
fn inside_a_span_nothing_is_seen_of_a_thread_that_may_be_pooled() {
    let rig = Rig::new();
    rig.on_thread(|| {
        warn!("long ago");
        info_span!("first").in_scope(|| warn!("in the first"));
        warn!("between");
        let second = info_span!("second");
        second.in_scope(|| {
            info_span!("child").in_scope(|| warn!("in a child, which is no root"));
            warn!("in the second");
            fail("failed");
        });
    });
    assert_eq!(trail(&rig.event()), ["in a child, which is no root", "in the second"]);
}

#[test]
fn a_span_that_is_not_listened_to_is_as_if_it_were_not_there() {
    // Where nobody listens, and where another layer does.
    for rig in [Rig::new(), Rig::beside_another_layer()] {
        rig.on_thread(|| {
            let _silent = debug_span!("silent", unseen = 1).entered();
            warn!("below nothing");
            let _span = info_span!("work").entered();
            warn!("in the work");
            let _deeper = debug_span!("deeper").entered();
            warn!("in a silent child");
            crumbtrail::set_tag("told", "in a silent child");
            crumbtrail::add_breadcrumb(Breadcrumb::new("added in a silent child"));
            let _leaf = info_span!("leaf").entered();
            fail("failed");
        });
        let event = rig.event();
        let expected = ["in the work", "in a silent child", "added in a silent child"];
        assert_eq!(trail(&event), expected);
        let names: Vec<_> = event.spans.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names, ["leaf", "work"]);
        assert_eq!(event.tags["told"], "in a silent child");
    }
}

#[test]
fn a_span_keeps_its_lane_across_threads_and_entries() {
    let rig = Rig::new();
    let span = rig.on_thread(|| info_span!("job"));
    let step = |name: &'static str, foreign: &'static str| {
        rig.on_thread(|| {
            info_span!("foreign").in_scope(|| warn!("{foreign}"));
            span.in_scope(|| warn!("{name}"));
            // Entered again while it is entered.
            span.in_scope(|| span.in_scope(|| warn!("{name}, once more")));
        });
    };
    step("one", "x");
    step("two", "y");
    rig.on_thread(|| span.in_scope(|| fail("failed")));
    assert_eq!(trail(&rig.event()), ["one", "one, once more", "two", "two, once more"]);
}

#[test]
fn two_pipelines_in_one_process_do_not_mix() {
    let (one, two) = (Rig::new(), Rig::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            one.run(|| {
                warn!("one");
                crumbtrail::set_tag("pipeline", "one");
                two.run(|| {
                    warn!("two");
                    crumbtrail::set_tag("pipeline", "two");
                    fail("of two");
                });
                fail("of one");
            });
        });
    });
    for (rig, name) in [(&one, "one"), (&two, "two")] {
        let event = rig.event();
        assert_eq!(event.message.as_deref(), Some(format!("of {name}").as_str()));
        assert_eq!(trail(&event), [name]);
        assert_eq!(event.tags["pipeline"], name);
    }
}

#[test]
fn a_span_of_one_pipeline_means_nothing_to_another() {
    let (one, two) = (Rig::new(), Rig::new());
    let span: Span = one.on_thread(|| info_span!("of one", secret = 1));
    two.on_thread(|| {
        let _own = info_span!("of two").entered();
        span.in_scope(|| {
            warn!("logged to two");
            fail("failed");
        });
    });
    let event = two.event();
    assert_eq!(trail(&event), ["logged to two"]);
    assert_eq!(event.spans.len(), 1);
    assert_eq!(event.spans[0].name, "of two");
    assert!(one.events().is_empty());
}
