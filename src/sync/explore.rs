//! Runs a model under loom: all its interleavings and all the old values that its loads may still see, with an honest
//! word on how far that went. Each run prints whether it was complete and how many executions it made.
//!
//! What loom does not do: it knows no load buffering, treats `SeqCst` accesses as `AcqRel`, keeps the seven newest
//! stores of an atomic, and orders a read-modify-write behind everything when it read an old store. So models use
//! compare-exchange only from a value that is in force, and never `fetch_or`. And it remembers only the last access to an
//! atomic when it looks for what else could have come first: *complete* means that loom had nothing left to try. So the
//! threads that read stand last in a model, where that finds most, and the stress tests run on real threads besides.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use loom::model::Builder;

/// How far a model is explored.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Extent {
    /// Everything; it is an error if the clock runs out before.
    All,
    /// Everything with at most so many preemptions; it is an error if the clock runs out before.
    Preemptions(usize),
    /// What the clock allows, with at most so many preemptions.
    Cut(usize),
}

/// Runs `model`. A failure of its own passes through; where loom finds a thread that waits for ever, that breaks
/// property 1.
pub(crate) fn explore(name: &str, extent: Extent, model: impl Fn() + Send + Sync + 'static) {
    let (preemptions, limit) = match extent {
        Extent::All => (None, COMPLETE),
        Extent::Preemptions(preemptions) => (Some(preemptions), COMPLETE),
        Extent::Cut(preemptions) => (Some(preemptions), clock()),
    };
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions;
    builder.max_duration = Some(limit);
    builder.checkpoint_interval = 64;
    let executions = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&executions);
    let started = Instant::now();
    let run = catch_unwind(AssertUnwindSafe(|| {
        builder.check(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            model();
        });
    }));
    let (elapsed, executions) = (started.elapsed(), executions.load(Ordering::Relaxed));
    let within = preemptions.map_or(String::new(), |bound| format!(" within {bound} preemptions"));
    if let Err(panic) = run {
        println!("model {name}: failed after {executions} executions{within}");
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        assert!(!text.contains("maximum number of branches"), "property 1: a thread waits for another");
        panic_any(text);
    }
    // Loom does not say which it was. A run that ended in the very moment is taken for a cut one.
    let cut = elapsed >= limit;
    let word = if cut { "cut after" } else { "complete:" };
    println!("model {name}: {word} {executions} executions{within}, {:.1} s", elapsed.as_secs_f64());
    assert!(!cut || matches!(extent, Extent::Cut(_)), "the model {name} was not explored to its end");
}

/// A model that is to be complete has so long.
const COMPLETE: Duration = Duration::from_secs(60);

/// A model that is cut has so long, or the seconds that `CRUMBTRAIL_MODEL_SECONDS` says.
fn clock() -> Duration {
    let seconds = std::env::var("CRUMBTRAIL_MODEL_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(20))
}
