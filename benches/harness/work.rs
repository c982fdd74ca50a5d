//! What every subject is asked to do: the same event and the same spans, compiled once.
//!
//! The event carries four fields: two integers, a string and a literal message.

use std::fmt;
use std::hint::black_box;
use std::str::FromStr;

use tracing::{Span, debug, info_span, warn};

use crate::failure::Failure;

/// What is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// The event at WARN.
    Warn,
    /// The event at DEBUG, which nobody wants.
    Debug,
    /// A span with two fields: new, enter, exit, close.
    Span,
    /// A span that names a user and a tag: new, close.
    Lane,
    /// Enter and exit of a span that stays open: what every poll of an instrumented future pays.
    Reenter,
    /// An ERROR, in a span of its own; what comes before it is no part of the work.
    Error(Failure),
}

/// The spans around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    Outside,
    Root,
    Three,
}

/// One thing to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) operation: Operation,
    pub(crate) depth: Depth,
    /// How many threads do it at once, each in spans of its own.
    pub(crate) threads: usize,
}

impl Job {
    pub(crate) const fn new(operation: Operation, depth: Depth, threads: usize) -> Self {
        Self { operation, depth, threads }
    }
}

/// As a child process is told it.
impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = match self.operation {
            Operation::Warn => "warn",
            Operation::Debug => "debug",
            Operation::Span => "span",
            Operation::Lane => "lane",
            Operation::Reenter => "reenter",
            Operation::Error(failure) => failure.name(),
        };
        let depth = match self.depth {
            Depth::Outside => "outside",
            Depth::Root => "root",
            Depth::Three => "three",
        };
        write!(f, "{operation} {depth} {}", self.threads)
    }
}

impl FromStr for Job {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("no job: {text}");
        let mut words = text.split(' ');
        let operation = match words.next() {
            Some("warn") => Operation::Warn,
            Some("debug") => Operation::Debug,
            Some("span") => Operation::Span,
            Some("lane") => Operation::Lane,
            Some("reenter") => Operation::Reenter,
            other => {
                let failure = Failure::ALL.into_iter().find(|failure| Some(failure.name()) == other);
                Operation::Error(failure.ok_or_else(wrong)?)
            }
        };
        let depth = match words.next() {
            Some("outside") => Depth::Outside,
            Some("root") => Depth::Root,
            Some("three") => Depth::Three,
            _ => return Err(wrong()),
        };
        let threads = words.next().and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
        Ok(Self { operation, depth, threads })
    }
}

/// Does the work so many times.
#[inline(never)]
pub(crate) fn repeat(operation: Operation, times: u64) {
    match operation {
        Operation::Warn => (0..times).for_each(|order| slow_payment(black_box(order))),
        Operation::Debug => (0..times).for_each(|order| {
            debug!(order = black_box(order), attempt = 3_u64, gateway = "north", "payment was slow");
        }),
        Operation::Span => (0..times).for_each(|order| {
            let _entered = request(black_box(order)).entered();
        }),
        Operation::Lane => (0..times).for_each(|user| {
            drop(info_span!("request", user.id = black_box(user), tags.plan = "pro"));
        }),
        Operation::Reenter => {
            let span = request(0);
            (0..times).for_each(|_| {
                let _entered = black_box(&span).enter();
            });
        }
        Operation::Error(failure) => failure.each(times, &mut |call| call()),
    }
}

/// Runs `work` in the spans.
pub(crate) fn within<T>(depth: Depth, work: impl FnOnce() -> T) -> T {
    match depth {
        Depth::Outside => work(),
        Depth::Root => request(1).in_scope(work),
        Depth::Three => request(1).in_scope(|| {
            info_span!("order", number = 2_u64)
                .in_scope(|| info_span!("payment", gateway = "north").in_scope(work))
        }),
    }
}

/// The event.
#[inline(never)]
pub(crate) fn slow_payment(order: u64) {
    warn!(order, attempt = 3_u64, gateway = "north", "payment was slow");
}

fn request(number: u64) -> Span {
    info_span!("request", number, route = "/pay")
}
