//! A WARN to a breadcrumb, and an ERROR to an event, against `sentry` with `sentry-tracing`.
//!
//! The peer runs with its defaults and a transport that drops what it is given, so nothing is sent by either side: neither
//! serialises an event, and only crumbtrail hands it to another thread. Excluded: spans of performance monitoring (its
//! `traces_sample_rate` is 0 by default), structured logs, and its debug images, which only a server has use for.

#[path = "../harness/alloc.rs"]
mod alloc;
#[path = "../harness/callgrind.rs"]
mod callgrind;
#[path = "../harness/crew.rs"]
mod crew;
#[path = "../harness/failure.rs"]
mod failure;
#[path = "../harness/floor.rs"]
mod floor;
#[path = "../harness/report.rs"]
mod report;
#[path = "../harness/rounds.rs"]
mod rounds;
#[path = "../harness/subjects.rs"]
mod subjects;
#[path = "../harness/work.rs"]
mod work;

use std::any::Any;
use std::error::Error;
use std::sync::Arc;

use sentry::integrations::backtrace::{AttachStacktraceIntegration, ProcessStacktraceIntegration};
use sentry::integrations::contexts::ContextIntegration;
use sentry::integrations::panic::PanicIntegration;
use sentry::protocol::{EnvelopeItem, Event};
use sentry::{ClientOptions, Envelope, Transport};
use sentry_tracing::{BreadcrumbLayer, ErrorLayer, SpanLayer};
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

use alloc::Counting;
use failure::{Failure, SEEN};
use report::{Figure, Report};
use rounds::{Measure, ROUNDS, RUNS};
use subjects::{FLOOR, OURS, STACKS, TELLING};
use work::{Depth, Job, Operation};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The peer by its present layers, for spans, breadcrumbs and errors, with the levels that its documentation names.
const PEER: &str = "sentry";
/// The peer by its combined layer, which it has deprecated.
const COMBINED: &str = "sentry-combined";
/// The peer by its present layers, with `attach_stacktrace`.
const PEER_STACKS: &str = "sentry+stacks";

/// How many times longer the peer takes.
const MEASURES: [Measure; 15] = [
    warn("times faster than the peer: WARN, no span", PEER, OURS, Depth::Outside, 1, ">= 6"),
    warn("times faster than the peer: WARN, root span", PEER, OURS, Depth::Root, 1, ">= 4"),
    warn("times faster than the peer: WARN, three spans deep", PEER, OURS, Depth::Three, 1, ">= 4"),
    warn("times faster than the peer: WARN, two threads", PEER, OURS, Depth::Outside, 2, ""),
    warn("times faster than its combined layer: WARN, no span", COMBINED, OURS, Depth::Outside, 1, ">= 6"),
    warn("times faster than its combined layer: WARN, root span", COMBINED, OURS, Depth::Root, 1, ">= 4"),
    warn("times faster than its combined layer: WARN, three deep", COMBINED, OURS, Depth::Three, 1, ">= 4"),
    warn("for comparison: crumbtrail, no span, against the floor", OURS, FLOOR, Depth::Outside, 1, ""),
    warn("for comparison: the peer, no span, against the floor", PEER, FLOOR, Depth::Outside, 1, ""),
    compare("times faster than the peer: event below the gate", Operation::Debug),
    compare("times faster than the peer: span new, enter, exit, close", Operation::Span),
    compare("times faster than the peer: span re-entered", Operation::Reenter),
    fail("times faster than the peer: ERROR ending a request", PEER, TELLING, Failure::Request, ">= 10"),
    fail("times faster than the peer: the same, stack", PEER_STACKS, STACKS, Failure::Deep, ">= 20"),
    fail("times faster than the peer: ERROR out of a full ring", PEER, TELLING, Failure::Lap, ">= 3"),
];

/// What is counted of an ERROR.
const COUNTED: [(&str, Failure); 6] = [
    (TELLING, Failure::Request),
    (STACKS, Failure::Deep),
    (TELLING, Failure::Lap),
    (PEER, Failure::Request),
    (PEER_STACKS, Failure::Deep),
    (PEER, Failure::Lap),
];

fn main() -> Result<(), Box<dyn Error>> {
    if rounds::serve(install)?
        || callgrind::be_counted(install)?
        || alloc::be_counted(install)?
        || !report::is_bench_run()?
    {
        return Ok(());
    }
    let mut report = Report::new("peer");
    report::say(&format!(
        "medians of {ROUNDS} interleaved rounds; {RUNS} runs, of which two must meet the bar"
    ));
    rounds::run(&MEASURES, &mut report)?;
    for subject in [OURS, PEER, COMBINED] {
        for (situation, depth) in [("no span", Depth::Outside), ("root span", Depth::Root)] {
            let job = Job::new(Operation::Warn, depth, 1);
            count(&mut report, &format!("a WARN, {subject}, {situation}"), subject, job)?;
        }
    }
    for (subject, failure) in COUNTED {
        let job = Job::new(Operation::Error(failure), Depth::Outside, 1);
        count(&mut report, &format!("an ERROR, {subject}, {}", failure.name()), subject, job)?;
    }
    report.finish(
        env!("CARGO_MANIFEST_DIR"),
        "../README.md",
        &["sentry", "sentry-tracing", "tracing", "tracing-subscriber"],
    )
}

/// Instructions and allocations of one repetition.
fn count(report: &mut Report, name: &str, subject: &str, job: Job) -> Result<(), Box<dyn Error>> {
    let mut judge = |what, value, detail: &str| {
        report.judge(&format!("{what} of {name}"), Figure { value, unit: "", decimals: 0 }, "", detail);
    };
    match callgrind::count(subject, job) {
        Ok(counts) => {
            judge("instructions", counts.instructions(), "");
            judge("instructions inside locks", counts.locking(), "");
        }
        Err(why) => judge("instructions", f64::NAN, &why.to_string()),
    }
    let (allocations, [crumbs, frames]) = alloc::count(subject, job)?;
    let detail = match job.operation {
        Operation::Error(_) => format!("each event has {crumbs} crumbs and {frames} frames"),
        _ => String::new(),
    };
    judge("allocations", allocations, &detail);
    Ok(())
}

const fn warn(
    name: &'static str,
    subject: &'static str,
    against: &'static str,
    depth: Depth,
    threads: usize,
    bar: &'static str,
) -> Measure {
    let job = Job::new(Operation::Warn, depth, threads);
    Measure { name, job, subject, against: Some(against), above: false, bar }
}

const fn compare(name: &'static str, operation: Operation) -> Measure {
    let job = Job::new(operation, Depth::Outside, 1);
    Measure { name, job, subject: PEER, against: Some(OURS), above: false, bar: "" }
}

const fn fail(
    name: &'static str,
    subject: &'static str,
    against: &'static str,
    failure: Failure,
    bar: &'static str,
) -> Measure {
    let job = Job::new(Operation::Error(failure), Depth::Outside, 1);
    Measure { name, job, subject, against: Some(against), above: false, bar }
}

/// The peer, or one of the others.
fn install(subject: &str) -> Result<Box<dyn Any>, Box<dyn Error>> {
    if ![PEER, COMBINED, PEER_STACKS].contains(&subject) {
        return subjects::install(subject);
    }
    let transport = |_: &ClientOptions| -> Arc<dyn Transport> { Arc::new(Nowhere) };
    // Its default integrations in their order, but for the debug images.
    let options = ClientOptions::new()
        .dsn("https://key@localhost/1")
        .transport(transport)
        .default_integrations(false)
        .add_integration(AttachStacktraceIntegration)
        .add_integration(ContextIntegration::default())
        .add_integration(PanicIntegration::default())
        .add_integration(ProcessStacktraceIntegration);
    let guard = sentry::init(options.attach_stacktrace(subject == PEER_STACKS));
    let registry = tracing_subscriber::registry();
    if subject == COMBINED {
        #[expect(deprecated, reason = "it is what most programs use")]
        registry.with(sentry_tracing::layer()).try_init()?;
    } else {
        let warn_and_info = filter_fn(|callsite| {
            callsite.is_event() && matches!(*callsite.level(), Level::WARN | Level::INFO)
        });
        registry
            .with(SpanLayer::new().with_filter(LevelFilter::INFO))
            .with(BreadcrumbLayer::new().with_filter(warn_and_info))
            .with(ErrorLayer::new().with_filter(LevelFilter::ERROR))
            .try_init()?;
    }
    Ok(Box::new(guard))
}

/// A transport that drops everything.
struct Nowhere;

impl Transport for Nowhere {
    fn send_envelope(&self, envelope: Envelope) {
        let events = envelope.items().filter_map(|item| match item {
            EnvelopeItem::Event(event) => Some(event),
            _ => None,
        });
        events.for_each(|event| SEEN.note(event.breadcrumbs.len(), frames(event)));
        // Dropped here, as a program's own transport would drop it once it is sent.
        drop(envelope);
    }
}

/// Frames of an event's stack; where it stands depends on the peer's version.
fn frames(event: &Event<'_>) -> usize {
    let own =
        event.stacktrace.iter().chain(event.threads.iter().filter_map(|thread| thread.stacktrace.as_ref()));
    own.chain(event.exception.iter().filter_map(|exception| exception.stacktrace.as_ref()))
        .map(|stack| stack.frames.len())
        .max()
        .unwrap_or_default()
}
