//! The ledger: where every accepted event ended, exactly.
//!
//! **accepted = delivered + lost (by reason) + pending.** `accepted` is counted where an event enters, before anything
//! can go wrong with it, and never derived from the other terms. Counting is one relaxed add; [`Ledger::settle`] is the
//! only call that waits, and it always returns by its deadline. Called on any thread.

mod handle;
mod lines;
mod stats;
mod tallies;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use crate::error::FlushError;

pub use handle::Handle;
pub(crate) use lines::{COMMON, Line, Lines};
pub use stats::{Dropped, LineCount, Lost, Stats};
pub(crate) use tallies::{Admission, Budget, Tallies};

/// The counters of one pipeline, and the wait for its worker.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    accepted: AtomicU64,
    delivered: AtomicU64,
    tallied: AtomicU64,
    dropped: [AtomicU64; Dropped::ALL.len()],
    lost: [AtomicU64; Lost::ALL.len()],
    counted: [AtomicU64; Counted::ALL.len()],
    /// Events that were given a place in the queue; a place is given before the event is sent.
    enqueued: AtomicU64,
    /// Events that the worker has finished with, in the order of the queue.
    processed: Mutex<u64>,
    progressed: Condvar,
    worker: OnceLock<ThreadId>,
    /// Wakes the worker, when there is something for it beside the queue.
    nudge: OnceLock<Sender<()>>,
    /// The worker takes nothing new; what is queued it still delivers.
    worker_ending: AtomicBool,
    worker_gone: AtomicBool,
    closed: AtomicBool,
    /// The lines that log ERRORs.
    pub(crate) lines: Lines,
    /// The texts of this minute.
    pub(crate) tallies: Tallies,
}

/// How an event ended that the worker had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Delivered,
    Dropped(Dropped),
    Lost(Lost),
}

/// What is counted beside the equation: nothing of it was an event.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Counted {
    /// An ERROR line that carried no error.
    ErrorWithoutError,
    /// A breadcrumb that met a busy cell at every position it tried.
    CrumbBusy,
    /// A log line written while crumbtrail was working on this thread.
    Recursion,
    /// A `set_user` outside a span, request or task.
    UserRefused,
    /// A tag or context that its lane had no room for.
    LaneEntryRefused,
    /// A span that found no place in the table of live spans.
    SpanUntracked,
    /// An event of which a rule that asks for a type could not be asked.
    Unjudged,
}

impl Counted {
    const ALL: [Self; 7] = [
        Self::ErrorWithoutError,
        Self::CrumbBusy,
        Self::Recursion,
        Self::UserRefused,
        Self::LaneEntryRefused,
        Self::SpanUntracked,
        Self::Unjudged,
    ];
}

// Every counter is Relaxed: it publishes nothing but itself. What a flush must see is ordered by the lock around
// `processed`.
impl Ledger {
    /// An event entered.
    pub(crate) fn accept(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// An event that entered ended here, for this reason.
    pub(crate) fn lose(&self, reason: Lost) {
        if let Some(counter) = self.lost.get(reason as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// An event that entered is nobody's to be told, for this reason.
    pub(crate) fn drop_one(&self, reason: Dropped) {
        if let Some(counter) = self.dropped.get(reason as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// An event that entered was counted with others of its text or line; `first` since the worker took their counts,
    /// which it is to do again.
    pub(crate) fn tally(&self, first: bool) {
        self.tallied.fetch_add(1, Ordering::Relaxed);
        if first {
            self.nudge();
        }
    }

    pub(crate) fn count(&self, what: Counted) {
        if let Some(counter) = self.counted.get(what as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// An event was given a place in the queue.
    pub(crate) fn enqueue(&self) {
        self.enqueued.fetch_add(1, Ordering::Relaxed);
    }

    /// A place in the queue came to nothing: no worker will process it.
    pub(crate) fn unqueue(&self) {
        self.progress(|| {});
    }

    /// The worker is done with one event of the queue.
    pub(crate) fn process(&self, end: End) {
        self.progress(|| match end {
            End::Delivered => {
                self.delivered.fetch_add(1, Ordering::Relaxed);
            }
            End::Dropped(reason) => self.drop_one(reason),
            End::Lost(reason) => self.lose(reason),
        });
    }

    /// One place in the queue is done with. Counted under the lock, so that nobody sees an event as pending and as
    /// ended.
    fn progress(&self, count: impl FnOnce()) {
        let mut processed = self.processed.lock().unwrap_or_else(PoisonError::into_inner);
        count();
        *processed = processed.saturating_add(1);
        self.progressed.notify_all();
    }

    /// Waits until everything enqueued before the call is processed, `timeout` at the most.
    pub(crate) fn settle(&self, timeout: Duration) -> Result<(), FlushError> {
        self.check_not_worker()?;
        let target = self.enqueued.load(Ordering::Relaxed);
        let begun = Instant::now();
        let mut processed = self.processed.lock().unwrap_or_else(PoisonError::into_inner);
        while *processed < target {
            if self.worker_gone.load(Ordering::Relaxed) {
                return Err(FlushError::worker_gone());
            }
            // By subtraction: `begun + timeout` overflows for a timeout of centuries.
            let Some(left) = timeout.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) else {
                return Err(FlushError::deadline(target.saturating_sub(*processed)));
            };
            let woken = self.progressed.wait_timeout(processed, left).unwrap_or_else(PoisonError::into_inner);
            processed = woken.0;
        }
        Ok(())
    }

    /// Refuses the worker, which would wait for itself.
    pub(crate) fn check_not_worker(&self) -> Result<(), FlushError> {
        let on_worker = self.worker.get() == Some(&thread::current().id());
        if on_worker { Err(FlushError::on_worker()) } else { Ok(()) }
    }

    /// The calling thread is the worker.
    pub(crate) fn work_here(&self) {
        let _ = self.worker.set(thread::current().id());
    }

    /// The worker ends once the queue is empty: nothing more can be handed to it.
    pub(crate) fn worker_ends(&self) {
        // SeqCst: ordered against the queue's room, which a sender takes before it asks.
        self.worker_ending.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_worker_ending(&self) -> bool {
        self.worker_ending.load(Ordering::SeqCst)
    }

    /// By which the worker wants to be woken.
    pub(crate) fn nudge_by(&self, nudge: Sender<()>) {
        let _ = self.nudge.set(nudge);
    }

    /// There is something for the worker beside the queue. Full means that it was told and has not looked yet.
    pub(crate) fn nudge(&self) {
        if let Some(nudge) = self.nudge.get() {
            let _ = nudge.try_send(());
        }
    }

    /// The worker has ended, or never began: nobody will process what is left.
    pub(crate) fn worker_gone(&self) {
        self.worker_ends();
        let _processed = self.processed.lock().unwrap_or_else(PoisonError::into_inner);
        // Relaxed: read under the same lock.
        self.worker_gone.store(true, Ordering::Relaxed);
        self.progressed.notify_all();
    }

    /// No event enters the queue any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// The lines that have something to say, those with most first.
    fn line_counts(&self) -> Vec<LineCount> {
        let counts = self.lines.seen().map(|(site, line)| LineCount {
            target: site.map_or_else(String::new, |site| site.target.clone()),
            file: site.and_then(|site| site.file.clone()),
            line: site.and_then(|site| site.line),
            without_error: line.without_error(),
            not_told_apart: line.untold_ever(),
        });
        let mut counts: Vec<LineCount> = counts.filter(|count| count.total() > 0).collect();
        counts.sort_by_key(|count| std::cmp::Reverse(count.total()));
        counts
    }

    pub(crate) fn stats(&self) -> Stats {
        let count = |what: Counted| self.counted.get(what as usize).map_or(0, |c| c.load(Ordering::Relaxed));
        let processed = self.processed.lock().unwrap_or_else(PoisonError::into_inner);
        // Read before `enqueued`, under the lock, so that a finished event is never seen as pending as well.
        let lost = Lost::ALL
            .into_iter()
            .filter_map(|reason| {
                let count = self.lost.get(reason as usize)?.load(Ordering::Relaxed);
                (count > 0).then_some((reason, count))
            })
            .collect();
        let dropped = Dropped::ALL.into_iter().filter_map(|reason| {
            let count = self.dropped.get(reason as usize)?.load(Ordering::Relaxed);
            (count > 0).then_some((reason, count))
        });
        let dropped = dropped.collect();
        Stats {
            accepted: self.accepted.load(Ordering::Relaxed),
            delivered: self.delivered.load(Ordering::Relaxed),
            tallied: self.tallied.load(Ordering::Relaxed),
            dropped,
            lost,
            pending: self.enqueued.load(Ordering::Relaxed).saturating_sub(*processed),
            errors_without_error: count(Counted::ErrorWithoutError),
            crumbs_lost: count(Counted::CrumbBusy),
            recursion: count(Counted::Recursion),
            users_refused: count(Counted::UserRefused),
            lane_entries_refused: count(Counted::LaneEntryRefused),
            spans_untracked: count(Counted::SpanUntracked),
            unjudged: count(Counted::Unjudged),
            lines: self.line_counts(),
        }
    }
}
