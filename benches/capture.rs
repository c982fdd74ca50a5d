//! What a program pays for an ERROR on the thread that logs it: time, instructions and allocations.
//!
//! Each call is timed by itself. Excluded: what the worker does with it, and
//! the spans and WARNs that come before it. With `-- --profile` it lists the dearest functions.

#[path = "harness/alloc.rs"]
mod alloc;
#[path = "harness/callgrind.rs"]
mod callgrind;
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

use alloc::Counting;
use failure::Failure;
use report::{Figure, Report};
use rounds::{Measure, ROUNDS, RUNS, Subject};
use subjects::{STACKS, TELLING, THROTTLED};
use work::{Depth, Job, Operation};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MEASURES: [Measure; 4] = [
    time("ERROR ending a request of 3 crumbs", TELLING, Failure::Request, "<= 4000"),
    time("ERROR ending a request of 3 crumbs, stack", STACKS, Failure::Deep, "<= 16000"),
    time("ERROR, 100 crumbs out of a full ring", TELLING, Failure::Lap, "<= 15000"),
    time("throttled ERROR, 10,000 a second on one line", THROTTLED, Failure::Storm, "<= 1000"),
];

type Counted = (&'static str, &'static str, Failure, &'static str, &'static str, [u64; 2]);

/// What is counted: the situation, its bars in instructions and in allocations, and the crumbs and frames that its
/// events must have.
const COUNTED: [Counted; 4] = [
    ("ERROR ending a request", TELLING, Failure::Request, "<= 16000", "", [3, 0]),
    ("ERROR ending a request, stack", STACKS, Failure::Deep, "", "", [3, 20]),
    ("ERROR, 100 crumbs of a full ring", TELLING, Failure::Lap, "", "", [100, 0]),
    ("throttled ERROR", THROTTLED, Failure::Storm, "<= 5500", "<= 0", [0, 0]),
];

fn main() -> Result<(), Box<dyn Error>> {
    if rounds::serve(subjects::install)?
        || callgrind::be_counted(subjects::install)?
        || alloc::be_counted(subjects::install)?
        || !report::is_bench_run()?
    {
        return Ok(());
    }
    let mut report = Report::new("capture");
    let mut judge = |name: &str, value: f64, bar: &str, detail: &str| {
        report.judge(name, Figure { value, unit: "", decimals: 0 }, bar, detail);
    };
    for (situation, subject, failure, bar, allocation_bar, expected) in COUNTED {
        let job = error(failure);
        let (all, locking, why) = match callgrind::count(subject, job) {
            Ok(counts) => (counts.instructions(), counts.locking(), String::new()),
            Err(why) => (f64::NAN, f64::NAN, why.to_string()),
        };
        judge(&format!("instructions of {situation}"), all, bar, &why);
        judge(&format!("of these inside a lock, {situation}"), locking, "", &why);
        let (allocations, has @ [crumbs, frames]) = alloc::count(subject, job)?;
        let what = if failure == Failure::Storm { "the last that was told" } else { "each event" };
        let detail = format!("{what} has {crumbs} crumbs and {frames} frames");
        judge(&format!("allocations of {situation}"), allocations, allocation_bar, &detail);
        if failure != Failure::Storm && has != expected {
            return Err(format!("{situation}: {detail}, instead of {expected:?}").into());
        }
    }
    report::say(&format!(
        "medians of {ROUNDS} interleaved rounds; {RUNS} runs, of which two must meet the bar"
    ));
    rounds::run(&MEASURES, &mut report)?;
    // More than a second passes before each: a few of them, in one process.
    let value = Subject::start(TELLING)?.measure(error(Failure::Pause), 9)?;
    let figure = Figure { value, unit: " ns", decimals: 0 };
    report.judge("for comparison: the first after a second without one", figure, "", "the worker slept");
    report.finish(
        env!("CARGO_MANIFEST_DIR"),
        "benches/README.md",
        &["crumbtrail", "tracing", "tracing-subscriber"],
    )
}

const fn time(name: &'static str, subject: &'static str, failure: Failure, bar: &'static str) -> Measure {
    Measure { name, job: error(failure), subject, against: None, above: false, bar }
}

const fn error(failure: Failure) -> Job {
    Job::new(Operation::Error(failure), Depth::Outside, 1)
}
