//! What a WARN costs where time does not matter: instructions, allocations and locks, exact and repeatable.
//!
//! Excluded: the inside of the clock, which is a system call under valgrind; waiting for memory and for other cores; what
//! the first WARN of a thread, a callsite or a process pays. With `-- --profile` it lists the dearest functions.

#[path = "harness/alloc.rs"]
mod alloc;
#[path = "harness/callgrind.rs"]
mod callgrind;
#[path = "harness/failure.rs"]
mod failure;
#[path = "harness/floor.rs"]
mod floor;
#[path = "harness/report.rs"]
mod report;
#[path = "harness/subjects.rs"]
mod subjects;
#[path = "harness/work.rs"]
mod work;

use std::error::Error;

use alloc::Counting;
use report::{Figure, Report};
use subjects::{FLOOR, OURS};
use work::{Depth, Job, Operation};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SITUATIONS: [(&str, Depth, &str); 3] = [
    ("no span", Depth::Outside, "<= 800"),
    ("root span", Depth::Root, "<= 1100"),
    ("three spans deep", Depth::Three, "<= 1100"),
];

fn main() -> Result<(), Box<dyn Error>> {
    if callgrind::be_counted(subjects::install)?
        || alloc::be_counted(subjects::install)?
        || !report::is_bench_run()?
    {
        return Ok(());
    }
    let mut report = Report::new("instructions");
    for (situation, depth, bar) in SITUATIONS {
        count(&mut report, OURS, situation, depth, bar, "<= 0");
    }
    count(&mut report, FLOOR, "the floor", Depth::Outside, "", "<= 0");
    // A counter that shows nothing where there is something would show nothing everywhere.
    count(&mut report, "floor+faults", "control that locks once", Depth::Outside, "", ">= 1");
    for (situation, depth, _) in SITUATIONS {
        allocations(&mut report, OURS, situation, depth, "<= 0")?;
    }
    allocations(&mut report, "floor+faults", "control that allocates once", Depth::Outside, ">= 1")?;
    report.finish(
        env!("CARGO_MANIFEST_DIR"),
        "benches/README.md",
        &["crumbtrail", "tracing", "tracing-subscriber"],
    )
}

/// All instructions, and those inside a lock: of ours, of the standard library's and of `tracing`'s together.
fn count(report: &mut Report, subject: &str, situation: &str, depth: Depth, bar: &str, lock_bar: &str) {
    let (all, locking, why) = match callgrind::count(subject, Job::new(Operation::Warn, depth, 1)) {
        Ok(counts) => (counts.instructions(), counts.locking(), String::new()),
        Err(why) => (f64::NAN, f64::NAN, why.to_string()),
    };
    judge(report, &format!("instructions of a WARN, {situation}"), all, bar, &why);
    judge(report, &format!("of these inside a lock, {situation}"), locking, lock_bar, &why);
}

fn allocations(
    report: &mut Report,
    subject: &str,
    situation: &str,
    depth: Depth,
    bar: &str,
) -> Result<(), Box<dyn Error>> {
    let (count, _) = alloc::count(subject, Job::new(Operation::Warn, depth, 1))?;
    judge(report, &format!("allocations of a WARN, {situation}"), count, bar, "");
    Ok(())
}

fn judge(report: &mut Report, name: &str, value: f64, bar: &str, detail: &str) {
    report.judge(name, Figure { value, unit: "", decimals: 0 }, bar, detail);
}
