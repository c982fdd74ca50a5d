//! Records of the `log` crate. Its logger is global, so each test runs in a process of its own.

use tracing::dispatcher;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, fmt, registry};

use crate::prelude::{Lines, fault, pipeline, pipeline_with, trail};
use crate::support::{child, ledger_balances, role};

macro_rules! in_a_child {
    ($name:literal) => {
        if role().is_none() {
            child("alone", concat!("log_records::", $name)).run().succeeded();
            return;
        }
    };
}

#[test]
fn a_record_is_known_by_its_own_target() {
    in_a_child!("a_record_is_known_by_its_own_target");
    let (ours, guard, memory) = pipeline();
    registry().with(ours).init();
    let _job = tracing::info_span!("job").entered();
    log::info!("below the gate");
    log::warn!(target: "pool::connect", "slow");
    log::warn!("{} left", 3);
    log::error!("an error that carries none");
    tracing::error!(error = %fault(), "lost");
    let event = &memory.events()[0];
    assert_eq!(trail(event), ["slow", "3 left", "an error that carries none"]);
    let targets: Vec<_> = event.breadcrumbs.iter().map(|crumb| crumb.target.as_str()).collect();
    assert_eq!(targets, ["pool::connect", module_path!(), module_path!()]);
    for crumb in &event.breadcrumbs {
        assert_eq!(crumb.category, crumb.target);
        // What the bridge wraps the record in is none of its data.
        assert!(crumb.data.is_empty(), "{crumb:?}");
    }
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.errors_without_error), (1, 1));
}

#[test]
fn directives_hold_for_the_true_target() {
    in_a_child!("directives_hold_for_the_true_target");
    let program = || {
        log::debug!(target: "sqlx::query", "query");
        log::trace!(target: "sqlx::query", "query in detail");
        log::info!(target: "other", "other info");
        log::warn!(target: "hyper::client", "hyper warn");
        log::warn!(target: "other", "other warn");
        // The name of the bridge's own callsites is nobody's target.
        log::debug!(target: "log", "log debug");
        // As a library does that wants to save work; the verdict it leaves behind is taken up by no event.
        for _ in 0..2 {
            assert!(log::log_enabled!(target: "other", log::Level::Warn));
            tracing::error!(error = %fault(), "lost");
        }
    };
    let directives = "warn,hyper=off,sqlx=debug";
    let expected = ["query", "other warn"];
    tracing_log::LogTracer::init().expect("no other logger");
    macro_rules! seen {
        (|$ours:ident| $stack:expr) => {{
            let ($ours, guard, memory) = pipeline_with(|builder| builder.breadcrumbs(directives));
            dispatcher::with_default(&tracing::Dispatch::new($stack), program);
            let events = memory.events();
            assert_eq!(events.len(), 2, "{}", stringify!($stack));
            assert_eq!(trail(&events[0]), expected, "{}", stringify!($stack));
            assert_eq!(ledger_balances(&guard).accepted, 2);
        }};
    }
    let lines = Lines::default();
    macro_rules! view {
        () => {
            fmt::layer().with_writer(lines.clone())
        };
    }
    seen!(|ours| registry().with(ours));
    seen!(|ours| registry().with(ours).with(view!()));
    seen!(|ours| registry().with(view!()).with(ours));
    seen!(|ours| registry().with(ours).with(view!().with_filter(EnvFilter::new("info"))));
    seen!(|ours| registry().with(ours).with(view!()).with(EnvFilter::new("trace")));
    let all = || fmt().with_writer(lines.clone()).with_max_level(tracing::Level::TRACE).finish();
    seen!(|ours| all().with(ours));
    seen!(|ours| all().with(ours.boxed()));
}

#[test]
fn other_layers_see_records_as_without_us() {
    in_a_child!("other_layers_see_records_as_without_us");
    tracing_log::LogTracer::init().expect("no other logger");
    let program = || {
        for _ in 0..2 {
            log::trace!(target: "sqlx::query", "trace");
            log::debug!(target: "sqlx::query", "debug");
            log::info!("info");
            log::warn!("warn");
            log::error!("error");
        }
    };
    let outputs = ["sqlx=debug,info", "trace", "error"].map(|directives| {
        let lines = [Lines::default(), Lines::default(), Lines::default()];
        macro_rules! view {
            ($index:literal) => {{
                let layer = fmt::layer().without_time().with_writer(lines[$index].clone());
                layer.with_filter(EnvFilter::new(directives))
            }};
        }
        tracing::subscriber::with_default(registry().with(view!(0)), program);
        tracing::subscriber::with_default(registry().with(pipeline().0).with(view!(1)), program);
        tracing::subscriber::with_default(registry().with(view!(2)).with(pipeline().0), program);
        lines.map(|lines| lines.text())
    });
    for [without, before, after] in outputs {
        assert!(without.contains("error"));
        assert_eq!(before, without);
        assert_eq!(after, without);
    }
}
