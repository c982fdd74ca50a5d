//! Subscribers that come, go and change: swapped, reloaded, with two of our layers, with ours under a filter.

use std::time::Duration;

use crumbtrail::Lost;
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, fmt, registry, reload};

use crate::prelude::{Lines, fault, pipeline, trail};
use crate::support::ledger_balances;

#[test]
fn each_subscriber_has_its_own_trail() {
    let (first, first_guard, first_memory) = pipeline();
    let (second, second_guard, second_memory) = pipeline();
    let (first, second) = (Dispatch::new(registry().with(first)), Dispatch::new(registry().with(second)));
    let job = dispatcher::with_default(&first, || {
        tracing::warn!("first's step");
        tracing::info_span!("first's job", user.id = "ada")
    });
    dispatcher::with_default(&second, || {
        tracing::warn!("second's step");
        // A span belongs to the subscriber that it was opened under.
        let _job = job.enter();
        tracing::error!(error = %fault(), "second's loss");
    });
    dispatcher::with_default(&first, || {
        let _job = job.enter();
        tracing::error!(error = %fault(), "first's loss");
    });
    let [event] = <[_; 1]>::try_from(first_memory.events()).expect("one event");
    assert_eq!((event.message.as_deref(), event.spans.len()), (Some("first's loss"), 1));
    assert_eq!(trail(&event), ["first's step"]);
    let [event] = <[_; 1]>::try_from(second_memory.events()).expect("one event");
    assert_eq!((event.message.as_deref(), event.spans.len()), (Some("second's loss"), 0));
    assert_eq!(trail(&event), ["second's step"]);
    ledger_balances(&first_guard);
    ledger_balances(&second_guard);
}

#[test]
fn a_subscriber_may_be_swapped_in_the_middle_of_a_span() {
    let (first, first_guard, first_memory) = pipeline();
    let (second, second_guard, second_memory) = pipeline();
    let outer = registry().with(first).set_default();
    let job = tracing::info_span!("job").entered();
    tracing::warn!("step");
    {
        let _inner = registry().with(second).set_default();
        tracing::warn!("elsewhere");
        let _other = tracing::info_span!("other").entered();
        tracing::error!(error = %fault(), "other's loss");
    }
    tracing::error!(error = %fault(), "lost");
    drop((job, outer));
    assert_eq!(trail(&first_memory.events()[0]), ["step"]);
    assert_eq!(trail(&second_memory.events()[0]), ["elsewhere"]);
    assert_eq!(ledger_balances(&first_guard).accepted, 1);
    assert_eq!(ledger_balances(&second_guard).accepted, 1);
}

#[test]
fn two_of_our_layers_in_one_stack_each_count_once() {
    let (first, first_guard, first_memory) = pipeline();
    let (second, second_guard, second_memory) = pipeline();
    let _default =
        registry().with(first).with(fmt::layer().with_writer(Lines::default())).with(second).set_default();
    for _ in 0..3 {
        let _job = tracing::info_span!("job", k = 1).entered();
        tracing::warn!("step");
        tracing::error!("an error that carries none");
        tracing::error!(error = %fault(), "lost");
    }
    for (guard, memory) in [(&first_guard, &first_memory), (&second_guard, &second_memory)] {
        let events = memory.events();
        assert_eq!(events.len(), 3, "{events:?}");
        for event in &events {
            assert_eq!(trail(event), ["step", "an error that carries none"]);
            assert_eq!(event.spans.len(), 1);
        }
        let stats = ledger_balances(guard);
        assert_eq!((stats.accepted, stats.errors_without_error, stats.recursion), (3, 3, 0));
    }
}

#[test]
fn another_layers_filter_may_be_reloaded() {
    let (ours, guard, memory) = pipeline();
    let lines = Lines::default();
    let (filter, handle) = reload::Layer::new(LevelFilter::TRACE);
    let view = fmt::layer().without_time().with_writer(lines.clone()).with_filter(filter);
    let _default = registry().with(ours).with(view).set_default();
    for level in [LevelFilter::OFF, LevelFilter::WARN, LevelFilter::TRACE, LevelFilter::ERROR] {
        handle.reload(level).expect("the subscriber is alive");
        let _job = tracing::info_span!("job").entered();
        tracing::debug!("below");
        tracing::warn!("step");
        tracing::error!(error = %fault(), "lost");
    }
    let events = memory.events();
    assert_eq!(events.len(), 4);
    for event in &events {
        assert_eq!(trail(event), ["step"]);
    }
    assert_eq!(lines.text().matches("step").count(), 2, "{}", lines.text());
    assert_eq!(lines.text().matches("lost").count(), 3, "{}", lines.text());
    ledger_balances(&guard);
}

#[test]
fn a_global_filter_may_be_reloaded() {
    let (ours, guard, memory) = pipeline();
    let (filter, handle) = reload::Layer::new(EnvFilter::new("error"));
    let _default = registry().with(ours).with(filter).set_default();
    let program = || {
        tracing::warn!("step");
        tracing::error!(error = %fault(), "lost");
    };
    program();
    handle.reload(EnvFilter::new("trace")).expect("the subscriber is alive");
    program();
    handle.modify(|filter| *filter = EnvFilter::new("off")).expect("the subscriber is alive");
    program();
    let events = memory.events();
    assert_eq!(events.len(), 2);
    assert_eq!(trail(&events[0]), [""; 0]);
    // What a global filter holds back, nobody sees.
    assert_eq!(trail(&events[1]), ["lost", "step"]);
    ledger_balances(&guard);
}

#[test]
fn our_layer_may_stand_under_a_filter() {
    macro_rules! seen {
        ($filter:expr) => {{
            let (ours, guard, memory) = pipeline();
            let view = fmt::layer().with_writer(Lines::default());
            let _default = registry().with(ours.with_filter($filter)).with(view).set_default();
            for _ in 0..2 {
                tracing::warn!(target: "quiet", "quiet step");
                let _hidden = tracing::info_span!(target: "quiet", "quiet").entered();
                let _job = tracing::info_span!("job").entered();
                let _hidden = tracing::info_span!(target: "quiet", "quiet").entered();
                tracing::warn!("step");
                tracing::debug!("below");
                tracing::error!(target: "quiet", error = %fault(), "quiet loss");
                assert!(tracing::enabled!(tracing::Level::ERROR));
                tracing::error!(error = %fault(), "lost");
            }
            let events = memory.events();
            assert_eq!(events.len(), 2, "{}: {events:?}", stringify!($filter));
            for event in &events {
                assert_eq!(trail(event), ["step"], "{}", stringify!($filter));
                let spans: Vec<_> = event.spans.iter().map(|span| span.name.as_str()).collect();
                assert_eq!(spans, ["job"], "{}", stringify!($filter));
            }
            assert_eq!(ledger_balances(&guard).accepted, 2);
        }};
    }
    let not_quiet = Targets::new().with_default(LevelFilter::TRACE).with_target("quiet", LevelFilter::OFF);
    seen!(not_quiet);
    seen!(EnvFilter::new("trace,quiet=off"));
    seen!(filter_fn(|callsite| callsite.target() != "quiet"));
}

#[test]
fn a_layer_outlives_its_guard() {
    let (ours, guard, memory) = pipeline();
    let handle = guard.handle();
    let _default = registry().with(ours).set_default();
    drop(guard);
    tracing::warn!("step");
    tracing::error!(error = %fault(), "lost");
    assert_eq!(handle.flush(Duration::from_secs(5)), Ok(()));
    assert_eq!(trail(&memory.events()[0]), ["step"]);
    let stats = handle.stats();
    assert_eq!((stats.accepted, stats.delivered, stats.pending), (1, 1, 0));
}

#[test]
fn after_the_shutdown_events_are_counted_and_the_host_goes_on() {
    let (ours, guard, memory) = pipeline();
    let lines = Lines::default();
    let _default = registry().with(ours).with(fmt::layer().with_writer(lines.clone())).set_default();
    let job = tracing::info_span!("job").entered();
    tracing::warn!("before");
    tracing::error!(error = %fault(), "delivered");
    assert_eq!(guard.shutdown(Duration::from_secs(5)), Ok(()));
    tracing::warn!("after");
    tracing::error!(error = %fault(), "too late");
    tracing::error!("an error that carries none");
    assert_eq!(crumbtrail::capture_error(&fault()), None, "what is not tracked has no name");
    job.record("unknown", 1);
    drop(job);
    assert_eq!(guard.flush(Duration::from_secs(5)), Ok(()));
    assert_eq!(guard.shutdown(Duration::from_secs(5)), Ok(()));
    assert_eq!(guard.shutdown(Duration::ZERO), Ok(()));
    let events = memory.events();
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(lines.text().contains("too late"));
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.delivered, stats.lost[&Lost::AfterShutdown]), (3, 1, 2));
    drop(guard);
    tracing::error!(error = %fault(), "later still");
}
