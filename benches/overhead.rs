//! What a program pays for crumbtrail, in time: a WARN against the floor, an event below the gate, and spans.
//!
//! Excluded: formatting a message with arguments, fields with a `Debug` of their own, what other layers do, and whatever
//! an ERROR costs.

#[path = "harness/crew.rs"]
mod crew;
#[path = "harness/failure.rs"]
mod failure;
#[path = "harness/floor.rs"]
mod floor;
#[path = "harness/report.rs"]
mod report;
#[path = "harness/rounds.rs"]
mod rounds;
#[path = "harness/subjects.rs"]
mod subjects;
#[path = "harness/work.rs"]
mod work;

use std::error::Error;

use report::Report;
use rounds::{Measure, ROUNDS, RUNS};
use subjects::{BOOKLESS, COUNTING, FLOOR, OURS};
use work::{Depth, Job, Operation};

const MEASURES: [Measure; 13] = [
    warn("WARN, no span, against the floor", OURS, Depth::Outside, 1, "<= 0.85"),
    warn("WARN, root span, against the floor", OURS, Depth::Root, 1, "<= 1.25"),
    warn("WARN, three spans deep, against the floor", OURS, Depth::Three, 1, "<= 1.25"),
    warn("WARN, two threads, no span, against the floor", OURS, Depth::Outside, 2, "<= 1.5"),
    warn("WARN, two threads, each in a root, against the floor", OURS, Depth::Root, 2, "<= 2.2"),
    warn("for comparison: the floor with the barest shared ring", "floor+ring", Depth::Outside, 1, ""),
    warn("for comparison: the same, two threads", "floor+ring", Depth::Outside, 2, ""),
    below("event below the gate", OURS),
    below("event below the gate, beside fmt at INFO", "crumbtrail+fmt"),
    span("span new, enter, exit, close, against the registry", Operation::Span, "<= 2"),
    span("span re-entered, against the registry", Operation::Reenter, "<= 1.1"),
    counted("a lane of a user and a tag, counted, above uncounted", Operation::Lane, "<= 250"),
    counted("span that names nobody, counted, above uncounted", Operation::Span, "<= 10"),
];

fn main() -> Result<(), Box<dyn Error>> {
    if rounds::serve(subjects::install)? || !report::is_bench_run()? {
        return Ok(());
    }
    let mut report = Report::new("overhead");
    report::say(&format!(
        "medians of {ROUNDS} interleaved rounds; {RUNS} runs, of which two must meet the bar"
    ));
    rounds::run(&MEASURES, &mut report)?;
    report.finish(
        env!("CARGO_MANIFEST_DIR"),
        "benches/README.md",
        &["crumbtrail", "tracing", "tracing-subscriber"],
    )
}

const fn warn(
    name: &'static str,
    subject: &'static str,
    depth: Depth,
    threads: usize,
    bar: &'static str,
) -> Measure {
    let job = Job::new(Operation::Warn, depth, threads);
    Measure { name, job, subject, against: Some(FLOOR), above: false, bar }
}

const fn below(name: &'static str, subject: &'static str) -> Measure {
    let job = Job::new(Operation::Debug, Depth::Outside, 1);
    Measure { name, job, subject, against: None, above: false, bar: "<= 2" }
}

const fn span(name: &'static str, operation: Operation, bar: &'static str) -> Measure {
    let job = Job::new(operation, Depth::Outside, 1);
    Measure { name, job, subject: OURS, against: Some("registry"), above: false, bar }
}

/// What it costs the caller that lanes are counted, from the opening of a span to its close.
const fn counted(name: &'static str, operation: Operation, bar: &'static str) -> Measure {
    let job = Job::new(operation, Depth::Outside, 1);
    Measure { name, job, subject: COUNTING, against: Some(BOOKLESS), above: true, bar }
}
