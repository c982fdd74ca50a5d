//! The ERRORs that are measured, and what comes before each of them: one call at a time.
//!
//! The ERROR is the same everywhere: a typed error with one cause, two integers and a literal message, in a request's
//! root span. What stands around it, the spans and the WARNs before it, is done between two measured calls; the wait for
//! the worker, between two batches of some calls.

use std::error::Error;
use std::fmt;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{Span, error, info_span, warn};

use crate::work::slow_payment;

/// An ERROR, by what it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// A request with 3 breadcrumbs, between which other requests logged 100.
    Request,
    /// The same, out of some calls inside one another, so that the event's stack has 20 frames.
    Deep,
    /// The same as a request, after a while in which nothing failed: the worker sleeps.
    Pause,
    /// A request whose 100 breadcrumbs are spread over the whole ring, which is full of others'.
    Lap,
    /// One of 10,000 a second, of the same line and the same error.
    Storm,
}

/// Calls inside one another in [`Failure::Deep`], on a thread of the harness.
const CALLS: u32 = 15;
/// Breadcrumbs of others.
const OTHERS: usize = 100;
/// Of others in [`Failure::Lap`], for each of the request's own: together they fill the ring.
const BETWEEN: usize = crumbtrail::limits::RING_CELLS / 100 - 1;
/// From one call to the next in [`Failure::Storm`].
const PACE: Duration = Duration::from_micros(100);
/// Nothing failed for so long before [`Failure::Pause`]: longer than the worker looks for more.
const PAUSE: Duration = Duration::from_millis(1_200);
/// How long the worker may take before the next batch comes all the same.
const PATIENCE: Duration = Duration::from_millis(200);

/// What the sinks have seen.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) events: AtomicU64,
    /// Breadcrumbs and frames of the last event.
    pub(crate) crumbs: AtomicU64,
    pub(crate) frames: AtomicU64,
}

/// What the sink of this process has seen.
pub(crate) static SEEN: Seen =
    Seen { events: AtomicU64::new(0), crumbs: AtomicU64::new(0), frames: AtomicU64::new(0) };

impl Seen {
    pub(crate) fn note(&self, crumbs: usize, frames: usize) {
        self.crumbs.store(crumbs as u64, Ordering::Relaxed);
        self.frames.store(frames as u64, Ordering::Relaxed);
        self.events.fetch_add(1, Ordering::Release);
    }

    fn events(&self) -> u64 {
        self.events.load(Ordering::Acquire)
    }
}

impl Failure {
    pub(crate) const ALL: [Self; 5] = [Self::Request, Self::Deep, Self::Pause, Self::Lap, Self::Storm];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Deep => "deep",
            Self::Pause => "pause",
            Self::Lap => "lap",
            Self::Storm => "storm",
        }
    }

    /// Logs so many of them; `watch` is handed each call, to make it.
    pub(crate) fn each(self, times: u64, watch: &mut dyn FnMut(&mut dyn FnMut())) {
        let others: Vec<_> = (0..10).map(|number| info_span!("request", number, route = "/stock")).collect();
        let mut next = Instant::now();
        let before = SEEN.events();
        for order in 0..times {
            let error = Declined { code: 51, source: Refused { host: "cards.example" } };
            let mut call = || payment_failed(order, &error);
            let request = info_span!("request", number = order, route = "/pay");
            request.in_scope(|| match self {
                Self::Request => {
                    crumbs(3, OTHERS, &others);
                    watch(&mut call);
                }
                Self::Deep => {
                    crumbs(3, OTHERS, &others);
                    within(CALLS, &mut || watch(&mut call));
                }
                Self::Pause => {
                    crumbs(3, OTHERS, &others);
                    thread::sleep(PAUSE);
                    watch(&mut call);
                }
                Self::Lap => {
                    crumbs(100, 100 * BETWEEN, &others);
                    watch(&mut call);
                }
                Self::Storm => {
                    next = (next + PACE).max(Instant::now());
                    wait_until(|| Instant::now() >= next);
                    watch(&mut call);
                }
            });
        }
        if self != Self::Storm {
            let until = Instant::now() + PATIENCE;
            wait_until(|| SEEN.events() >= before + times || Instant::now() >= until);
        }
    }
}

/// The ERROR.
#[inline(never)]
fn payment_failed(order: u64, error: &Declined) {
    error!(error = error as &dyn Error, order, attempt = 3_u64, "payment failed");
}

/// So many of the request's own breadcrumbs, and behind each its share of others'.
fn crumbs(own: usize, others: usize, spans: &[Span]) {
    let mut left = others;
    for number in (1..=own).rev() {
        slow_payment(black_box(number as u64));
        let share = left / number;
        left -= share;
        for (number, span) in (0..share).zip(spans.iter().cycle()) {
            stock_low(black_box(number as u64), span);
        }
    }
}

/// A WARN of another request: of its lane here, while the peer keeps one trail for all that a thread logs in a span.
#[inline(never)]
fn stock_low(order: u64, request: &Span) {
    warn!(parent: request, order, attempt = 3_u64, gateway = "north", "stock is low");
}

/// Calls inside one another that are not merged.
#[inline(never)]
fn within(calls: u32, work: &mut dyn FnMut()) {
    if calls == 0 {
        work()
    } else {
        within(black_box(calls - 1), work)
    }
    // Something to be done behind the call, so that it is one.
    black_box(calls);
}

fn wait_until(done: impl Fn() -> bool) {
    while !done() {
        thread::yield_now();
    }
}

/// The error.
#[derive(Debug)]
pub(crate) struct Declined {
    code: u16,
    source: Refused,
}

/// Its cause.
#[derive(Debug)]
struct Refused {
    host: &'static str,
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the card was declined with code {}", self.code)
    }
}

impl Error for Declined {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection to {} refused", self.host)
    }
}

impl Error for Refused {}
