//! What a program does while the fault is there: the same for both sides, in a process of its own, which tells what it
//! sees and ends without cleaning up.

use std::error::Error;
use std::fmt;
use std::fs;
use std::hint::black_box;
use std::panic::catch_unwind;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{error, info_span, warn};

use crate::NEXT;
use crate::child::tell;
use crate::sides::{Hooks, Side};

/// How long a program waits for its events to be sent, where that is not what is measured.
const PATIENCE: Duration = Duration::from_secs(10);
/// Until what was logged is on its way to the server.
const MOMENT: Duration = Duration::from_millis(300);
/// Of which each ends with an ERROR, where calls are timed.
const REQUESTS: usize = 400;
/// More than either side's queue holds, by default.
const FLOOD: usize = 2 * crumbtrail::limits::QUEUE_ITEMS;

/// Plays a scene as one side.
pub(crate) fn play(scene: &str, side: Side, dsn: &str) -> Result<(), Box<dyn Error>> {
    let hooks = match scene {
        "hook-panics" => Hooks { before_send: Some(panics_once), ..Hooks::default() },
        "send-logs" => Hooks { before_send: Some(logs_error), ..Hooks::default() },
        "breadcrumb-logs" => Hooks { before_breadcrumb: Some(logs_warn), ..Hooks::default() },
        _ => Hooks::default(),
    };
    let threads_before = threads();
    let tracker = side.start((scene != "no-dsn").then_some(dsn), hooks)?;
    match scene {
        "drop" => {
            fail("the card was declined");
            thread::sleep(MOMENT);
            let begun = Instant::now();
            drop(tracker);
            tell("returned_ms", begun.elapsed().as_millis())?;
        }
        "flush" => {
            (0..FLOOD).for_each(fail_distinctly);
            thread::sleep(MOMENT);
            // Whoever was only about to begin has taken something out by then.
            (FLOOD..2 * FLOOD).for_each(fail_distinctly);
            let begun = Instant::now();
            tracker.flush(Duration::from_millis(500));
            tell("returned_ms", begun.elapsed().as_millis())?;
        }
        "hook-panics" => {
            let unwound = catch_unwind(|| fail("the card was declined")).is_err();
            tell("unwound", u8::from(unwound))?;
            fail(NEXT);
            tracker.settle(PATIENCE);
        }
        "cycle" => {
            let begun = Instant::now();
            error!(error = &Cycle as &dyn Error, "payment failed");
            tell("returned_ms", begun.elapsed().as_millis())?;
            tracker.settle(PATIENCE);
        }
        "huge" => {
            let order = "x".repeat(100 * 1024 * 1024);
            error!(error = &Failed("the card was declined") as &dyn Error, "payment failed: {order}");
            tracker.settle(PATIENCE);
        }
        "endless" => {
            fail("the card was declined");
            tracker.settle(PATIENCE);
            let before_kib = resident_kib();
            fail(NEXT);
            let mut most_kib = before_kib;
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(3) {
                thread::sleep(MOMENT / 10);
                most_kib = most_kib.max(resident_kib());
            }
            tell("grown_kib", most_kib - before_kib)?;
        }
        "redirect" => {
            fail("the card was declined");
            tracker.settle(PATIENCE / 5);
        }
        "limits" => {
            fail("the card was declined");
            tracker.settle(PATIENCE / 5);
            // Beyond the shorter limit.
            thread::sleep(Duration::from_millis(2_000));
            fail(NEXT);
            tracker.flush(PATIENCE / 5);
        }
        "burst" => {
            (0..500).for_each(fail_distinctly);
            tracker.settle(3 * PATIENCE);
        }
        "reset" => {
            fail("the card was declined");
            tracker.settle(2 * PATIENCE);
        }
        "unwell" => {
            fail("the card was declined");
            tracker.settle(PATIENCE);
            fail(NEXT);
            tracker.settle(PATIENCE);
            // What was lost may be reported with the next envelope, or behind it.
            fail("the bank refused the refund");
            tracker.settle(PATIENCE);
            drop(tracker);
        }
        "send-logs" | "breadcrumb-logs" => {
            warn!(order = 7, "payment is slow");
            fail("the card was declined");
            tell("returned_ms", 0)?;
            tracker.settle(PATIENCE);
        }
        "no-dsn" => {
            warn!(order = 7, "payment is slow");
            fail("the card was declined");
            thread::sleep(MOMENT);
            tell("threads", threads() - threads_before)?;
            let mut warns = Vec::with_capacity(REQUESTS);
            let mut errors = Vec::with_capacity(REQUESTS);
            for number in 0..REQUESTS {
                if number % 100 == 0 {
                    tracker.settle(PATIENCE);
                }
                let request = info_span!("request", number).entered();
                let begun = Instant::now();
                (0..100).for_each(|order| warn!(order = black_box(order), "payment is slow"));
                warns.push(begun.elapsed().as_nanos() / 100);
                let begun = Instant::now();
                fail_distinctly(number);
                errors.push(begun.elapsed().as_nanos());
                drop(request);
            }
            for (name, mut times) in [("warn_ns", warns), ("error_ns", errors)] {
                times.sort_unstable();
                tell(name, times.get(REQUESTS / 2).copied().unwrap_or_default())?;
            }
        }
        other => return Err(format!("no such scene: {other}").into()),
    }
    // Without what a side may still do at its end: that is a scene of its own.
    process::exit(0)
}

fn fail(what: &'static str) {
    let error = Failed(what);
    error!(error = &error as &dyn Error, order = 7, attempt = 3, "payment failed");
}

/// Each time an error whose text is like no other's.
fn fail_distinctly(number: usize) {
    let letters = number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
    error!(error = &Distinct(letters) as &dyn Error, order = 7, attempt = 3, "payment failed");
}

fn panics_once() {
    static PANICKED: AtomicBool = AtomicBool::new(false);
    if !PANICKED.swap(true, Ordering::Relaxed) {
        panic!("the hook panics");
    }
}

fn logs_error() {
    fail("the hook has failed");
}

fn logs_warn() {
    warn!(order = 8, "the hook was called");
}

/// Threads of this process.
fn threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// What the process holds in memory.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or_default()
}

#[derive(Debug)]
struct Failed(&'static str);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Failed {}

#[derive(Debug)]
struct Distinct(String);

impl fmt::Display for Distinct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no such table: {}", self.0)
    }
}

impl Error for Distinct {}

/// An error that names itself as its cause.
#[derive(Debug)]
struct Cycle;

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the ledger is closed")
    }
}

impl Error for Cycle {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}
