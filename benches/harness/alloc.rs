//! An allocator that counts, per thread, what the work in front of it allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::any::Any;
use std::cell::Cell;
use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::thread;

use crate::failure::{Failure, SEEN};
use crate::work::{Job, Operation, repeat, within};

/// The system's allocator with a counter for each thread.
pub(crate) struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn note() {
    // A thread that is about to end allocates uncounted.
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: every call is handed on to the system's allocator as it came; counting touches a thread-local without a
// destructor and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller upholds the same contract for us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller upholds the same contract for us.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: the caller upholds the same contract for us.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds the same contract for us.
        unsafe { System.dealloc(memory, layout) }
    }
}

const TIMES: u64 = 100_000;
/// Of an ERROR, with what comes before it.
const ERRORS: u64 = 100;
const ALLOCATE: &str = "--allocate";

/// Counts what the work allocates if this process was started for it.
pub(crate) fn be_counted(
    install: impl FnOnce(&str) -> Result<Box<dyn Any>, Box<dyn Error>>,
) -> Result<bool, Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [mode, subject, job] = arguments.as_slice() else { return Ok(false) };
    if mode != ALLOCATE {
        return Ok(false);
    }
    let _kept = install(subject)?;
    let job: Job = job.parse()?;
    let work = move || match job.operation {
        Operation::Error(failure) => of_calls(failure),
        _ => within(job.depth, || {
            repeat(job.operation, 1_000);
            let before = ALLOCATIONS.get();
            repeat(job.operation, TIMES);
            (ALLOCATIONS.get() - before) as f64 / TIMES as f64
        }),
    };
    let allocations = thread::spawn(work).join().map_err(|_| "the work panicked")?;
    let [crumbs, frames] = [&SEEN.crumbs, &SEEN.frames].map(|seen| seen.load(Ordering::Relaxed));
    writeln!(io::stdout(), "{allocations} {crumbs} {frames}")?;
    Ok(true)
}

/// Allocations of one call, without those of what comes before it.
fn of_calls(failure: Failure) -> f64 {
    let mut spent = 0;
    failure.each(ERRORS / 4, &mut |call| call());
    failure.each(ERRORS, &mut |call| {
        let before = ALLOCATIONS.get();
        call();
        spent += ALLOCATIONS.get() - before;
    });
    spent as f64 / ERRORS as f64
}

/// Allocations of one repetition; and breadcrumbs and frames of the last event, if there was one.
pub(crate) fn count(subject: &str, job: Job) -> Result<(f64, [u64; 2]), Box<dyn Error>> {
    let output = Command::new(env::current_exe()?)
        .args([ALLOCATE, subject, &job.to_string()])
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let parse = || {
        let mut words = text.split_whitespace();
        let each = words.next()?.parse().ok()?;
        let mut number = || words.next()?.parse().ok();
        Some((each, [number()?, number()?]))
    };
    parse().ok_or_else(|| format!("{subject} at {job} answered {text:?}").into())
}
