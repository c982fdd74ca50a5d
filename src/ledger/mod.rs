//! The ledger: where every accepted event ended, exactly.
//!
//! **accepted = delivered + folded + tallied + dropped + lost (both by reason) + pending.** `accepted` is counted where an
//! event enters, before anything can go wrong with it, and never derived from the other terms. Counting is one relaxed
//! add; [`Ledger::settle`] is the
//! only call that waits, and it always returns by its deadline. Called on any thread.

mod handle;
mod lines;
mod receipt;
mod stats;
mod tallies;

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use crate::error::FlushError;

pub use handle::Handle;
pub(crate) use lines::{COMMON, Line, Lines};
pub(crate) use receipt::{Errand, Kept, Receipt, Returned};
pub use stats::{Dropped, LineCount, Lost, Stats};
pub(crate) use tallies::{Admission, Budget, Counts, Tallies};

/// The counters of one pipeline, and the wait for its worker.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    accepted: AtomicU64,
    delivered: AtomicU64,
    tallied: AtomicU64,
    dropped: [AtomicU64; Dropped::ALL.len()],
    folded: AtomicU64,
    lost: [AtomicU64; Lost::ALL.len()],
    /// Events that did not reach the server, by reason, whether another sink took them or not.
    unsent: [AtomicU64; Lost::ALL.len()],
    counted: [AtomicU64; Counted::ALL.len()],
    /// Events that were given a place in the queue; a place is given before the event is sent.
    enqueued: AtomicU64,
    progress: Mutex<Progress>,
    progressed: Condvar,
    /// How many of the enqueued somebody wants to be settled; it only grows.
    wanted: AtomicU64,
    /// Something came that the worker has not settled since.
    unsettled: AtomicBool,
    /// The worker is about it: what came before may not be told yet.
    settling: AtomicBool,
    /// How often somebody has asked for that; it only grows.
    asked: AtomicU64,
    worker: OnceLock<ThreadId>,
    /// Wakes the worker, when there is something for it beside the queue.
    nudge: OnceLock<Sender<()>>,
    /// Since when a hook or a sink runs on the worker, in milliseconds behind `begun`, and one more; 0 where none does.
    busy_ms: AtomicU64,
    begun: OnceLock<Instant>,
    /// The worker takes nothing new; what is queued it still delivers.
    worker_ending: AtomicBool,
    worker_gone: AtomicBool,
    closed: AtomicBool,
    home: Home,
    /// The lines that log ERRORs.
    pub(crate) lines: Lines,
    /// The texts of this minute.
    pub(crate) tallies: Tallies,
}

/// The process that the pipeline was built in.
#[derive(Debug)]
struct Home(u32);

impl Default for Home {
    fn default() -> Self {
        Self(std::process::id())
    }
}

/// How an event ended that the worker did not offer to any sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Dropped(Dropped),
    Lost(Lost),
}

/// How far the worker has come, and those that what it handed out is with.
#[derive(Debug, Default)]
struct Progress {
    /// Events of the queue that have ended: in whatever order, since the worker holds some of them.
    ended: u64,
    /// So many of the enqueued have ended, the first ones, whatever came later.
    through: u64,
    /// So many of those who asked have their answer: what was enqueued before has ended, what was counted is told.
    answered: u64,
    /// Receipts and errands that were given out, ever.
    given: u64,
    /// Those of them that are still out, by number.
    out: BTreeSet<u64>,
    /// What the worker has said, but holds only when all that was out at the time is back.
    owed: VecDeque<Owed>,
}

/// What becomes true when all receipts and errands up to a number are back.
#[derive(Debug)]
struct Owed {
    given: u64,
    through: u64,
    answered: u64,
}

impl Progress {
    fn owe(&mut self, through: u64, answered: u64) {
        // By what is still out: who asks again and again while nothing comes back asks for the same.
        let given = self.out.last().copied().unwrap_or_default();
        match self.owed.back_mut().filter(|last| last.given == given) {
            Some(last) => {
                last.through = last.through.max(through);
                last.answered = last.answered.max(answered);
            }
            None => self.owed.push_back(Owed { given, through, answered }),
        }
        self.pay();
    }

    /// Says what is true by now; whether that is anything.
    fn pay(&mut self) -> bool {
        let oldest = self.out.first().copied().unwrap_or(u64::MAX);
        let mut paid = false;
        while let Some(owed) = self.owed.front().filter(|owed| owed.given < oldest) {
            self.through = self.through.max(owed.through);
            self.answered = self.answered.max(owed.answered);
            self.owed.pop_front();
            paid = true;
        }
        paid
    }
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
    /// A note of a lane that found no room, or a name in it.
    LaneUncounted,
    /// An event of which a rule that asks for a type could not be asked.
    Unjudged,
}

impl Counted {
    const ALL: [Self; 8] = [
        Self::ErrorWithoutError,
        Self::CrumbBusy,
        Self::Recursion,
        Self::UserRefused,
        Self::LaneEntryRefused,
        Self::SpanUntracked,
        Self::LaneUncounted,
        Self::Unjudged,
    ];
}

// Every counter is Relaxed: it publishes nothing but itself. What a flush must see is ordered by the lock around
// `progress`.
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
        self.stir();
    }

    /// So many events did not reach the server, and never will.
    pub(crate) fn unsend(&self, reason: Lost, count: u64) {
        if let Some(unsent) = self.unsent.get(reason as usize) {
            unsent.fetch_add(count, Ordering::Relaxed);
            self.stir();
        }
    }

    /// An event that entered is nobody's to be told, for this reason.
    pub(crate) fn drop_one(&self, reason: Dropped) {
        if let Some(counter) = self.dropped.get(reason as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.stir();
    }

    /// An event that entered was counted with others of its text or line; `first` since the worker took their counts,
    /// which it is to do again.
    pub(crate) fn tally(&self, first: bool) {
        self.tallied.fetch_add(1, Ordering::Relaxed);
        if first {
            self.counted_first();
        }
    }

    /// Something was counted that the worker is to tell.
    pub(crate) fn counted_first(&self) {
        self.stir();
        self.nudge();
    }

    /// A flush has something to wait for, or to have told.
    pub(crate) fn stir(&self) {
        if !self.unsettled.load(Ordering::SeqCst) {
            self.unsettled.store(true, Ordering::SeqCst);
        }
    }

    /// The worker begins to settle: what comes from now on may be for the next time.
    pub(crate) fn settles(&self) {
        // SeqCst, and in this order: who sees that nothing is unsettled sees whether that is about to be true.
        self.settling.store(true, Ordering::SeqCst);
        self.unsettled.store(false, Ordering::SeqCst);
    }

    pub(crate) fn count(&self, what: Counted) {
        self.count_several(what, 1);
    }

    pub(crate) fn count_several(&self, what: Counted, number: u64) {
        if let Some(counter) = self.counted.get(what as usize) {
            counter.fetch_add(number, Ordering::Relaxed);
        }
    }

    /// An event was given a place in the queue.
    pub(crate) fn enqueue(&self) {
        self.stir();
        self.enqueued.fetch_add(1, Ordering::Relaxed);
    }

    /// A place in the queue came to nothing, where the queue is gone: no worker will process it.
    pub(crate) fn unqueue(&self) {
        self.end(|| {});
    }

    /// The worker found that an event tells of the same failure as another one.
    pub(crate) fn fold(&self) {
        self.end(|| {
            self.folded.fetch_add(1, Ordering::Relaxed);
        });
    }

    /// The worker is done with one event of the queue, which no sink is to see.
    pub(crate) fn process(&self, end: End) {
        self.end(|| match end {
            End::Dropped(reason) => self.drop_one(reason),
            End::Lost(reason) => self.lose(reason),
        });
    }

    /// One place in the queue is done with. Counted under the lock, so that nobody sees an event as pending and as
    /// ended.
    fn end(&self, count: impl FnOnce()) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        count();
        progress.ended = progress.ended.saturating_add(1);
    }

    /// Waits until everything enqueued before the call has ended, `timeout` at the most.
    pub(crate) fn settle(&self, timeout: Duration) -> Result<(), FlushError> {
        // Before any lock: one that was held when the process was forked is never given back in the child.
        if self.is_forked() {
            return Err(FlushError::worker_gone());
        }
        self.check_not_worker()?;
        let target = self.enqueued.load(Ordering::Relaxed);
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        // What has ended may be on its way all the same, where a store keeps it.
        let is_settled = progress.ended >= target && progress.out.is_empty();
        drop(progress);
        // SeqCst, and in this order: see `settles`.
        let is_told = || !self.unsettled.load(Ordering::SeqCst) && !self.settling.load(Ordering::SeqCst);
        if is_settled && is_told() {
            return Ok(());
        }
        // SeqCst: where the channel is full, its word is still unread, and whoever reads it then sees these numbers. The
        // channel orders its own state by SeqCst before it says that it is full. Who sees that we asked sees what for.
        self.wanted.fetch_max(target, Ordering::SeqCst);
        let ticket = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.nudge();
        let begun = Instant::now();
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        while progress.answered < ticket {
            // By subtraction: `begun + timeout` overflows for a timeout of centuries.
            let left = timeout.checked_sub(begun.elapsed()).filter(|left| !left.is_zero());
            let gone = self.worker_gone.load(Ordering::Relaxed);
            match left {
                // A sink that puts off part of its work may be late with that; no event is.
                None if progress.through >= target
                    || progress.ended >= self.enqueued.load(Ordering::Relaxed) =>
                {
                    return Ok(());
                }
                // What the worker handed out before it went may still come to an end.
                _ if gone && progress.out.is_empty() && progress.ended >= target => return Ok(()),
                _ if gone && progress.out.is_empty() => return Err(FlushError::worker_gone()),
                None => return Err(FlushError::deadline(target.saturating_sub(progress.ended))),
                Some(left) => {
                    let woken = self.progressed.wait_timeout(progress, left);
                    progress = woken.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
        Ok(())
    }

    /// Who waits, and for how many of the enqueued: the number of those who have asked so far, and what the last of them
    /// may want.
    pub(crate) fn asked(&self) -> (u64, u64) {
        // SeqCst, and in this order: see `settle`.
        let asked = self.asked.load(Ordering::SeqCst);
        (asked, self.wanted.load(Ordering::SeqCst))
    }

    /// Of the first `enqueued` nothing waits in the queue or is held: they have ended, or are on their way.
    pub(crate) fn handed_out(&self, enqueued: u64) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.owe(enqueued, 0);
    }

    /// The first `asked` of those who wait have what they wait for, once all that is on its way has arrived.
    pub(crate) fn answer(&self, asked: u64) {
        self.settling.store(false, Ordering::SeqCst);
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.owe(0, asked);
        self.progressed.notify_all();
    }

    /// This process was forked from the one that the pipeline was built in: no thread of ours is here, and what the parent
    /// holds is the parent's.
    pub(crate) fn is_forked(&self) -> bool {
        std::process::id() != self.home.0
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

    /// Runs code that is not ours on the worker, so that [`Stats`] can tell of one that hangs.
    pub(crate) fn busy<T>(&self, work: impl FnOnce() -> T) -> T {
        self.busy_ms.store(self.elapsed_ms().saturating_add(1), Ordering::Relaxed);
        let done = work();
        self.busy_ms.store(0, Ordering::Relaxed);
        done
    }

    fn elapsed_ms(&self) -> u64 {
        let elapsed = self.begun.get_or_init(Instant::now).elapsed();
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    }

    /// By which the worker wants to be woken.
    pub(crate) fn nudge_by(&self, nudge: Sender<()>) {
        let _ = self.nudge.set(nudge);
    }

    /// There is something for the worker beside the queue. Full means that it was told and has not looked yet.
    pub(crate) fn nudge(&self) {
        // To wake somebody takes a lock; see `settle`.
        if let Some(nudge) = self.nudge.get().filter(|_| !self.is_forked()) {
            let _ = nudge.try_send(());
        }
    }

    /// The worker has ended, or never began: nobody will process what is left.
    pub(crate) fn worker_gone(&self) {
        self.worker_ends();
        let _progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        // Relaxed: read under the same lock.
        self.worker_gone.store(true, Ordering::Relaxed);
        self.progressed.notify_all();
    }

    /// Waits until the worker has put away all that it worked with, `timeout` at the most.
    pub(crate) fn wait_for_worker(&self, timeout: Duration) {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        // Relaxed: written under the same lock.
        let works = |_: &mut Progress| !self.worker_gone.load(Ordering::Relaxed);
        drop(self.progressed.wait_timeout_while(progress, timeout, works));
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
            target: site.map_or_else(String::new, |site| site.target.to_string()),
            file: site.and_then(|site| site.file.as_ref().map(ToString::to_string)),
            line: site.and_then(|site| site.line),
            without_error: line.without_error(),
            not_told_apart: line.untold_ever(),
        });
        let mut counts: Vec<LineCount> = counts.filter(|count| count.total() > 0).collect();
        let place = |count: &LineCount| (count.target.clone(), count.file.clone(), count.line);
        counts.sort_by(|a, b| b.total().cmp(&a.total()).then_with(|| place(a).cmp(&place(b))));
        counts
    }

    pub(crate) fn stats(&self) -> Stats {
        let count = |what: Counted| self.counted.get(what as usize).map_or(0, |c| c.load(Ordering::Relaxed));
        // What is pending in the process that this one was forked from ends there.
        let progress =
            (!self.is_forked()).then(|| self.progress.lock().unwrap_or_else(PoisonError::into_inner));
        // Read before `enqueued`, under the lock, so that a finished event is never seen as pending as well.
        let lost = Lost::ALL
            .into_iter()
            .filter_map(|reason| {
                let count = self.lost.get(reason as usize)?.load(Ordering::Relaxed);
                (count > 0).then_some((reason, count))
            })
            .collect();
        let unsent = Lost::ALL.into_iter().filter_map(|reason| {
            let count = self.unsent.get(reason as usize)?.load(Ordering::Relaxed);
            (count > 0).then_some((reason, count))
        });
        let unsent = unsent.collect();
        let dropped = Dropped::ALL.into_iter().filter_map(|reason| {
            let count = self.dropped.get(reason as usize)?.load(Ordering::Relaxed);
            (count > 0).then_some((reason, count))
        });
        let dropped = dropped.collect();
        let busy_for = match self.busy_ms.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_millis(self.elapsed_ms().saturating_sub(since - 1)),
        };
        Stats {
            accepted: self.accepted.load(Ordering::Relaxed),
            delivered: self.delivered.load(Ordering::Relaxed),
            tallied: self.tallied.load(Ordering::Relaxed),
            dropped,
            folded: self.folded.load(Ordering::Relaxed),
            lost,
            unsent,
            pending: progress
                .map_or(0, |progress| self.enqueued.load(Ordering::Relaxed).saturating_sub(progress.ended)),
            errors_without_error: count(Counted::ErrorWithoutError),
            crumbs_lost: count(Counted::CrumbBusy),
            recursion: count(Counted::Recursion),
            users_refused: count(Counted::UserRefused),
            lane_entries_refused: count(Counted::LaneEntryRefused),
            lanes_uncounted: count(Counted::LaneUncounted),
            spans_untracked: count(Counted::SpanUntracked),
            unjudged: count(Counted::Unjudged),
            lines: self.line_counts(),
            busy_for,
        }
    }
}
