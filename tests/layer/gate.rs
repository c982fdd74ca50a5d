//! Which callsites are live: the defaults, directives per target, and what lies below.

use std::cell::Cell;

use tracing::Level;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{fmt, registry};

use crate::prelude::{Lines, fault, pipeline, pipeline_with, trail};
use crate::support::{child, ledger_balances, role};

#[test]
fn by_default_warn_and_above_become_breadcrumbs() {
    let (ours, guard, memory) = pipeline();
    let _default = registry().with(ours).set_default();
    tracing::trace!("trace");
    tracing::debug!("debug");
    tracing::info!("info");
    tracing::warn!("warn");
    tracing::error!("an error that carries none");
    tracing::error!(error = %fault(), "lost");
    assert_eq!(trail(&memory.events()[0]), ["warn", "an error that carries none"]);
    assert_eq!(ledger_balances(&guard).errors_without_error, 1);
}

#[test]
fn by_default_spans_from_info_on_are_seen_and_those_of_tower_http_from_debug_on() {
    let (ours, guard, memory) = pipeline();
    let _default = registry().with(ours).set_default();
    let _outer = tracing::info_span!("outer").entered();
    let _debug = tracing::debug_span!("held back").entered();
    let _trace = tracing::trace_span!("held back too").entered();
    // As `tower_http::trace::DefaultMakeSpan` opens it.
    let _request =
        tracing::debug_span!(target: "tower_http::trace::make_span", "request", method = "GET").entered();
    let _trace = tracing::trace_span!(target: "tower_http::trace::make_span", "below").entered();
    tracing::error!(error = %fault(), "lost");
    let event = &memory.events()[0];
    let spans: Vec<_> = event.spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(spans, ["request", "outer"]);
    ledger_balances(&guard);
}

#[test]
fn a_span_below_the_gate_does_not_stand_in_the_way_of_its_lane() {
    let (ours, guard, memory) = pipeline();
    // Beside a layer that sees all spans, so that the ones below the gate exist.
    let _default = registry().with(ours).with(fmt::layer().with_writer(Lines::default())).set_default();
    let ada = tracing::info_span!("job", user.id = "ada");
    let bob = tracing::info_span!("job", user.id = "bob");
    for (job, step) in [(&ada, "ada's step"), (&bob, "bob's step")] {
        let _job = job.enter();
        let _between = tracing::debug_span!("between").entered();
        let _inner = tracing::info_span!("inner").entered();
        let _within = tracing::trace_span!("within").entered();
        tracing::warn!("{step}");
    }
    {
        let _job = ada.enter();
        let between = tracing::debug_span!("between");
        tracing::warn!(parent: &between, "named between");
        let _between = between.entered();
        tracing::error!(error = %fault(), "lost");
        crumbtrail::set_tag("plan", "pro");
        crumbtrail::add_breadcrumb(crumbtrail::Breadcrumb::new("added"));
        crumbtrail::capture_error(&fault());
    }
    let events = memory.events();
    assert_eq!(trail(&events[0]), ["ada's step", "named between"]);
    assert_eq!(trail(&events[1]), ["ada's step", "named between", "lost", "added"]);
    assert_eq!(events[1].tags.get("plan").map(String::as_str), Some("pro"));
    for event in &events {
        assert_eq!(event.user.as_ref().and_then(|user| user.id.as_deref()), Some("ada"));
        assert_eq!(event.spans.len(), 1, "{:?}", event.spans);
    }
    ledger_balances(&guard);
}

#[test]
fn directives_hold_for_their_targets() {
    let directives = "warn,chatty=off,detail=debug,detail::noise=error";
    let (ours, guard, memory) =
        pipeline_with(|builder| builder.breadcrumbs(directives).spans("off,seen=trace"));
    let _default = registry().with(ours).set_default();
    let _seen = tracing::trace_span!(target: "seen::deep", "seen").entered();
    let _unseen = tracing::error_span!(target: "other", "unseen").entered();
    tracing::warn!(target: "chatty", "chatty warn");
    tracing::debug!(target: "detail", "detail debug");
    tracing::debug!(target: "detail::inner", "inner debug");
    tracing::trace!(target: "detail", "detail trace");
    tracing::warn!(target: "detail::noise", "noise warn");
    tracing::error!(target: "detail::noise", "noise error");
    tracing::info!(target: "other", "other info");
    tracing::warn!(target: "other", "other warn");
    // An ERROR is never below the gate.
    tracing::error!(target: "chatty", error = %fault(), "lost");
    let event = &memory.events()[0];
    assert_eq!(trail(event), ["detail debug", "inner debug", "noise error", "other warn"]);
    assert_eq!(event.spans.len(), 1);
    assert_eq!(event.spans[0].name, "seen");
    ledger_balances(&guard);
}

#[test]
fn below_the_gate_no_argument_is_evaluated() {
    // In a process of its own: another test's subscriber would evaluate them.
    if role().is_none() {
        child("alone", "gate::below_the_gate_no_argument_is_evaluated").run().succeeded();
        return;
    }
    let evaluated = Cell::new(0);
    let argument = || {
        evaluated.set(evaluated.get() + 1);
        evaluated.get()
    };
    let program = |live: bool| {
        tracing::trace!(n = argument(), "trace");
        tracing::debug!(n = argument(), "debug");
        tracing::info!(n = argument(), "{}", argument());
        tracing::warn!(target: "quiet", n = argument(), "warn");
        let _below = tracing::debug_span!("below", n = argument()).entered();
        assert_eq!(evaluated.get(), 0);
        for level in [tracing::enabled!(Level::DEBUG), tracing::enabled!(Level::INFO)] {
            assert!(!level);
        }
        assert_eq!(tracing::enabled!(Level::WARN), live);
        tracing::warn!(n = argument(), "warn");
        assert_eq!(evaluated.get(), u32::from(live));
        evaluated.set(0);
    };
    for directives in ["warn,quiet=error", "warn,quiet=error,detail=trace"] {
        let (ours, guard, _memory) = pipeline_with(|builder| builder.breadcrumbs(directives));
        tracing::subscriber::with_default(registry().with(ours), || program(true));
        ledger_balances(&guard);
        let (ours, _guard, _memory) = pipeline_with(|builder| builder.breadcrumbs(directives));
        let beside = fmt::layer().with_writer(Lines::default()).with_filter(LevelFilter::ERROR);
        tracing::subscriber::with_default(registry().with(ours).with(beside), || program(true));
    }
    program(false);
}

#[test]
fn a_gate_raised_for_one_target_leaves_the_others_disabled() {
    if role().is_none() {
        child("alone", "gate::a_gate_raised_for_one_target_leaves_the_others_disabled").run().succeeded();
        return;
    }
    let (ours, guard, _memory) = pipeline_with(|builder| builder.breadcrumbs("warn,sqlx::query=debug"));
    let _default = registry().with(ours).set_default();
    assert!(tracing::event_enabled!(target: "sqlx::query", Level::DEBUG));
    assert!(!tracing::event_enabled!(target: "sqlx::query", Level::TRACE));
    assert!(!tracing::event_enabled!(target: "sqlx", Level::INFO));
    assert!(!tracing::event_enabled!(target: "other", Level::INFO));
    assert!(!tracing::span_enabled!(target: "sqlx::query", Level::DEBUG));
    assert!(tracing::span_enabled!(target: "other", Level::INFO));
    ledger_balances(&guard);
}

#[test]
fn spaces_and_commas_too_many_change_no_directive() {
    for directives in ["warn,", " warn ", "warn, noisy=debug", "warn,,noisy=debug", ",warn\n"] {
        let (ours, guard, memory) = pipeline_with(|builder| builder.breadcrumbs(directives));
        let _default = registry().with(ours).set_default();
        tracing::warn!("warn");
        tracing::error!(error = %fault(), "lost");
        assert_eq!(trail(&memory.events()[0]), ["warn"], "{directives:?}");
        ledger_balances(&guard);
    }
    let refused =
        crumbtrail::builder().breadcrumbs("warn noisy=debug").build::<tracing_subscriber::Registry>();
    assert!(refused.is_err_and(|error| error.is_directive()));
}
