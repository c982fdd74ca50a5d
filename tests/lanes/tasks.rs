//! The lane of a tokio task, which is what there is outside of any span.

use std::sync::Arc;

use crumbtrail::{TrailSource, User, limits};
use tokio::sync::Barrier;
use tokio::task::{JoinSet, yield_now};
use tracing::{Instrument, info_span, warn};

use crate::heap::taken;
use crate::rig::{Rig, fail, named, trail};

#[test]
fn without_a_span_the_task_is_the_lane_wherever_it_runs() {
    const TASKS: usize = 200;
    let rig = Rig::new();
    rig.block_on(4, async {
        let barrier = Arc::new(Barrier::new(TASKS));
        let mut all = JoinSet::new();
        for task in 0..TASKS {
            let barrier = Arc::clone(&barrier);
            all.spawn(async move {
                for step in 0..5 {
                    warn!("{task} {step}");
                    barrier.wait().await;
                }
                fail(task);
            });
        }
        all.join_all().await;
    });
    let events = rig.events();
    assert_eq!(events.len(), TASKS);
    for event in &events {
        let task = event.message.as_deref().unwrap();
        let expected: Vec<String> = (0..5).map(|step| format!("{task} {step}")).collect();
        assert_eq!(trail(event), expected);
        assert_eq!(event.trail, TrailSource::Task);
    }
}

#[test]
fn tasks_that_come_one_after_another_on_one_thread_do_not_mix() {
    const TASKS: usize = 2_000;
    let rig = Rig::new();
    rig.block_on(1, async {
        for task in 0..TASKS {
            let job = async move {
                crumbtrail::set_tag("task", task.to_string());
                warn!("{task}");
                fail(task);
            };
            tokio::spawn(job).await.unwrap();
        }
    });
    let events = rig.events();
    assert_eq!(events.len(), TASKS);
    for event in &events {
        let task = event.message.as_deref().unwrap();
        assert_eq!((trail(event), event.tags["task"].as_str()), (vec![task], task));
    }
}

#[test]
fn jobs_without_a_span_in_one_task_share_its_trail_until_they_get_one() {
    let rig = Rig::new();
    rig.block_on(2, async {
        let jobs = async {
            for job in 0..2 {
                warn!("bare {job}");
                yield_now().await;
                fail(format_args!("bare {job} failed"));
            }
            for job in 0..2 {
                let work = async {
                    warn!("spanned {job}");
                    yield_now().await;
                    fail(format_args!("spanned {job} failed"));
                };
                work.instrument(info_span!("job")).await;
            }
        };
        tokio::spawn(jobs).await.unwrap();
    });
    let events = rig.events();
    assert_eq!(trail(named(&events, "bare 0 failed")), ["bare 0"]);
    assert_eq!(trail(named(&events, "bare 1 failed")), ["bare 0", "bare 0 failed", "bare 1"]);
    assert!(events.iter().take(2).all(|event| event.trail == TrailSource::Task));
    let before = ["bare 0", "bare 0 failed", "bare 1", "bare 1 failed"];
    assert_eq!(trail(named(&events, "spanned 0 failed")), [&before[..], &["spanned 0"]].concat());
    assert_eq!(trail(named(&events, "spanned 1 failed")), ["spanned 1"]);
}

#[test]
fn tasks_that_are_over_take_no_room() {
    // More than have a breadcrumb in the ring at once, so that the first round makes all the room there is.
    const TASKS: usize = 3 * limits::RING_CELLS / 2;
    let rig = Rig::new();
    let growth = rig.on_thread(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let round = || {
            runtime.block_on(async {
                for _ in 0..TASKS {
                    tokio::spawn(async { warn!("a task's only line") }).await.unwrap();
                }
            });
        };
        round();
        let ((), growth) = taken(round);
        growth
    });
    assert!(growth.kept < 64 << 10, "{growth:?}");
    assert!(rig.events().is_empty());
}

#[test]
fn what_tasks_that_are_over_were_told_takes_bounded_room() {
    const TASKS: usize = 4_000;
    let rig = Rig::new();
    let growth = rig.on_thread(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let text = "x".repeat(4_000);
        let told = || {
            runtime.block_on(async {
                for _ in 0..TASKS {
                    let text = text.clone();
                    let job = async move {
                        crumbtrail::set_context("cart", vec![text.clone(), text.clone(), text])
                    };
                    tokio::spawn(job).await.unwrap();
                }
            });
        };
        taken(told).1
    });
    // All of them together hold 48 MB.
    assert!(growth.peak < 32 << 20, "{growth:?}");
    assert_eq!(rig.stats().lane_entries_refused, 0);
}

/// An HTTP/1 connection that is kept alive: one task, several people in turn, and lines of the connection's own.
#[test]
fn a_request_on_a_kept_alive_connection_sees_nothing_of_those_before_it() {
    const CONNECTIONS: usize = 20;
    let rig = Rig::new();
    rig.block_on(4, async {
        let mut all = JoinSet::new();
        for connection in 0..CONNECTIONS {
            all.spawn(async move {
                for turn in 0..4 {
                    let who = format!("{connection}.{turn}");
                    warn!("{who} read from the socket");
                    yield_now().await;
                    let span = tracing::debug_span!(target: "tower_http::trace::make_span", "request");
                    let handler = async {
                        crumbtrail::set_user(crumbtrail::User::new(&who));
                        warn!("{who} handled");
                        yield_now().await;
                        tokio::spawn(async {}.in_current_span()).await.unwrap();
                        fail(&who);
                    };
                    handler.instrument(span).await;
                    warn!("{who} written to the socket");
                }
            });
        }
        all.join_all().await;
    });
    let events = rig.events();
    assert_eq!(events.len(), CONNECTIONS * 4);
    for event in &events {
        let who = event.message.as_deref().unwrap();
        let (connection, turn) = who.split_once('.').unwrap();
        let mut expected = vec![format!("{who} read from the socket"), format!("{who} handled")];
        if let Some(before) = turn.parse::<u32>().unwrap().checked_sub(1) {
            // Of the request before, only what the connection did after it was over.
            expected.insert(0, format!("{connection}.{before} written to the socket"));
        }
        assert_eq!(trail(event), expected);
        assert_eq!(event.user.as_ref().unwrap().id.as_deref(), Some(who));
    }
}

#[test]
fn a_task_outside_any_span_keeps_what_it_was_told_and_no_longer() {
    let rig = Rig::new();
    rig.block_on(1, async {
        let told = async {
            crumbtrail::set_user(User::new("ada"));
            crumbtrail::set_tag("plan", "pro");
            tokio::task::yield_now().await;
            fail("told");
        };
        tokio::spawn(told).await.unwrap();
        tokio::spawn(async { fail("not told") }).await.unwrap();
    });
    let events = rig.events();
    assert_eq!(named(&events, "told").user, Some(User::new("ada")));
    assert_eq!(named(&events, "told").tags["plan"], "pro");
    assert_eq!((&named(&events, "not told").user, named(&events, "not told").tags.len()), (&None, 0));
    assert_eq!(rig.stats().users_refused, 0);
}

#[test]
fn a_root_that_closes_on_another_task_takes_nothing_of_that_tasks_trail() {
    let rig = Rig::new();
    rig.block_on(2, async {
        let elsewhere = tokio::spawn(async { info_span!("begun elsewhere") }).await.unwrap();
        tokio::spawn(async move {
            warn!("of this task");
            drop(elsewhere);
            let _job = info_span!("job").entered();
            fail("failed");
        })
        .await
        .unwrap();
    });
    assert_eq!(trail(&rig.event()), ["of this task"]);
}

#[test]
fn what_a_task_was_told_holds_in_its_spans_until_a_root_closes() {
    let rig = Rig::new();
    rig.block_on(2, async {
        tokio::spawn(async {
            crumbtrail::set_user(crumbtrail::User::new("ada"));
            crumbtrail::set_tag("plan", "pro");
            info_span!("first request").in_scope(|| fail("first"));
            assert!(crumbtrail::last_event_id().is_some(), "the task is told of its span's event");
            crumbtrail::set_user(crumbtrail::User::new("bob"));
            drop(info_span!("a request without a line"));
            crumbtrail::set_tag("path", "/pay");
            info_span!("last request").in_scope(|| fail("second"));
        })
        .await
        .unwrap();
    });
    let events = rig.events();
    let first = named(&events, "first");
    assert_eq!(first.user.as_ref().and_then(|user| user.id.as_deref()), Some("ada"));
    assert_eq!(first.tags["plan"], "pro");
    // A connection that is kept alive goes on for somebody else.
    let second = named(&events, "second");
    assert_eq!((&second.user, second.tags["path"].as_str(), second.tags.len()), (&None, "/pay", 1));
}
