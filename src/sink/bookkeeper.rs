//! Writes what happens into the book of issues, in batches, and hands on what is to go to a server.
//!
//! An event is *recorded* when the batch it is in was, as a whole; until then its receipt is out, so a flush waits for it and
//! nothing is delivered that a disk did not take. What goes to a server goes there after that. Where the book cannot be
//! written, because another process holds it or the disk is full, the batch waits and is tried again, bounded in bytes: beyond,
//! the oldest event goes to the server as it is, or is lost with its reason; counts are put together instead and never lost.
//! Where the book outlives the process, it keeps what goes to a server until that has it (`backlog`). Called on the worker; it
//! may wait for a disk, never panics.

mod backlog;
mod batch;
mod herald;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Forward;
use crate::clock::Clock;
use crate::diag::Said;
use crate::issues::{Book, Entry, Fault, Moment, ProcessNote, Retention, Sighting};
use crate::ledger::{Counted, Errand, Ledger, Lost, Receipt};
use crate::limits::{ADOPT_EVERY, BOOK_BATCH, BOOK_RETRY, BOOK_RETRY_MOST, PRUNE_EVENTS, PRUNE_EVERY};
use crate::model::{EventId, TrackedEvent};

use backlog::Backlog;
use batch::{Batch, Kept};
pub(crate) use herald::Herald;

/// The worker's end of a book.
pub(crate) struct Bookkeeper {
    book: Box<dyn Book>,
    /// Where events go that are recorded.
    next: Option<Box<dyn Forward>>,
    /// What the book keeps of those, where it outlives the process.
    backlog: Option<Backlog>,
    ledger: Arc<Ledger>,
    clock: Clock,
    herald: Herald,
    batch: Batch,
    /// Out while counts wait in the batch that the book did not take: whoever flushes waits for them as for events.
    owed: Option<Errand>,
    /// What the book said the last times in a row was no.
    failures: u32,
    /// When it is asked again.
    retry_ms: u64,
    /// When there may be something to forget.
    prune_ms: u64,
    /// When another process may have left something.
    adopt_ms: u64,
    /// Events recorded since something was forgotten.
    recorded: usize,
    note: ProcessNote,
}

impl Bookkeeper {
    pub(crate) fn new(
        mut book: Box<dyn Book>,
        next: Option<Box<dyn Forward>>,
        ledger: Arc<Ledger>,
        clock: Clock,
        herald: Herald,
    ) -> Self {
        let now_ms = clock.now_ms();
        let server = next.as_ref().and_then(|next| next.server());
        let backlog = server.zip(book.outgoing()).map(|(server, outgoing)| {
            outgoing.send_to(server);
            Backlog::new(Arc::clone(&ledger))
        });
        Self {
            book,
            next,
            backlog,
            ledger,
            clock,
            herald,
            batch: Batch::default(),
            owed: None,
            failures: 0,
            retry_ms: now_ms,
            prune_ms: now_ms,
            adopt_ms: now_ms,
            recorded: 0,
            note: ProcessNote::new(now()),
        }
    }

    /// Records what waits, unless it was tried a moment ago.
    fn record(&mut self) {
        let now_ms = self.clock.now_ms();
        if self.batch.is_empty() || now_ms < self.retry_ms {
            return;
        }
        // What was refused is asked for by a little, and then by more and more.
        let mut most = if self.failures > 0 { 1 } else { BOOK_BATCH };
        while !self.batch.is_empty() {
            let part = self.batch.first(most);
            let length = part.len();
            match self.book.record(part, now()) {
                Ok(sightings) => {
                    self.recorded(length, &sightings);
                    most = (most * 2).min(BOOK_BATCH);
                }
                // There may still be room for a part of it.
                Err(Fault::Full) if length > 1 => most = length / 4 + 1,
                Err(fault) => return self.refused(&fault, now_ms),
            }
        }
        self.owed = None;
    }

    /// The first so many entries of the batch were.
    fn recorded(&mut self, length: usize, sightings: &[Sighting]) {
        self.failures = 0;
        let kept = self.batch.take(length);
        self.recorded += kept.len();
        for Kept { event, mut receipt } in kept {
            receipt.take();
            match (&mut self.next, &mut self.backlog) {
                (Some(next), Some(backlog)) => {
                    backlog.send(event, next.as_mut());
                    receipt.end(Ok(()));
                }
                (Some(next), None) => next.forward(event, receipt),
                (None, _) => receipt.end(Ok(())),
            }
        }
        self.herald.tell(sightings, self.clock.now_ms());
    }

    /// The batch stays, and is tried again later and later.
    fn refused(&mut self, fault: &Fault, now_ms: u64) {
        static FULL: Said = Said::new();
        static BROKEN: Said = Said::new();
        let wait = BOOK_RETRY.saturating_mul(1 << self.failures.min(8)).min(BOOK_RETRY_MOST);
        self.retry_ms = now_ms.saturating_add(ms(wait));
        self.failures = self.failures.saturating_add(1);
        match fault {
            // Somebody else's turn: nothing to tell.
            Fault::Busy => {}
            Fault::Full => {
                FULL.say(
                    "there is no room for the store; events wait in memory for it, and the oldest are lost",
                );
                // What can be spared is: the older events of every issue.
                let spare = Retention { events: SPARE_EVENTS, variant_events: 1, ..Retention::default() };
                let _ = self.book.prune(&spare, now());
            }
            Fault::Broken(_) | Fault::Newer(_) | Fault::Foreign => BROKEN.say(&format!(
                "the store cannot be written: {fault}; events wait in memory for it, and the oldest are lost"
            )),
        }
        self.shrink();
        if self.owed.is_none() && self.batch.has_counts() {
            self.owed = Some(self.ledger.errand());
        }
    }

    /// What waits stays within its bounds.
    fn shrink(&mut self) {
        let beyond = self.batch.shrink();
        self.ledger.count_several(Counted::LaneUncounted, beyond.uncounted as u64);
        self.do_without(beyond.events);
    }

    /// Something was added, which may have to wait for long.
    fn added(&mut self) {
        if self.batch.is_large() {
            self.record();
        }
        if self.failures > 0 && self.batch.has_grown() {
            self.shrink();
        }
    }

    /// Events are not recorded: whoever can be told of them all the same is.
    fn do_without(&mut self, surplus: Vec<Kept>) {
        for Kept { event, receipt } in surplus {
            match &mut self.next {
                Some(next) => next.forward(event, receipt),
                None => receipt.end(Err(Lost::StoreOverflow)),
            }
        }
    }

    /// Takes over what other processes left, now and then.
    fn adopt(&mut self) {
        let now_ms = self.clock.now_ms();
        if now_ms < self.adopt_ms || self.failures > 0 {
            return;
        }
        self.adopt_ms = now_ms.saturating_add(ms(ADOPT_EVERY));
        if let Ok(sightings) = self.book.adopt(now()) {
            self.herald.tell(&sightings, now_ms);
        }
        if let (Some(backlog), Some(outgoing)) = (&mut self.backlog, self.book.outgoing()) {
            backlog.look_again();
            backlog.give_up(outgoing, now());
        }
    }

    /// Sees to what the book keeps for the server, and says when to do so again.
    fn send_kept(&mut self) -> Option<Duration> {
        let now_ms = self.clock.now_ms();
        let (backlog, next) = (self.backlog.as_mut()?, self.next.as_mut()?);
        let outgoing = self.book.outgoing()?;
        backlog.work(outgoing, next.as_mut(), now_ms);
        if backlog.has_grown() {
            backlog.give_up(outgoing, now());
        }
        // A clock that stands still wakes nobody.
        let look_again = |wait: Duration| if self.clock.is_manual() { wait.min(LOOK_AGAIN) } else { wait };
        backlog.wait(next.as_ref(), now_ms).map(look_again)
    }

    /// Forgets what need not be kept, a bit at a time.
    fn prune(&mut self) {
        let now_ms = self.clock.now_ms();
        if self.failures > 0 || (now_ms < self.prune_ms && self.recorded < PRUNE_EVENTS) {
            return;
        }
        self.recorded = 0;
        self.prune_ms = now_ms.saturating_add(ms(PRUNE_EVERY));
        if let Ok(pruned) = self.book.prune(&Retention::default(), now())
            && pruned.is_more
        {
            self.prune_ms = now_ms;
        }
    }

    /// Notes the ledger of this process beside the issues, for whoever looks at them.
    fn note_ledger(&mut self) {
        if self.failures == 0 && self.note.update(&self.ledger.stats(), now()) {
            let _ = self.book.note(&self.note);
        }
    }
}

impl Forward for Bookkeeper {
    fn hold(&mut self, event: &Arc<TrackedEvent>) {
        if self.book.is_durable() {
            self.batch.hold(event);
            self.added();
        }
    }

    fn release(&mut self, ids: Vec<EventId>) {
        if self.book.is_durable() {
            self.batch.push(Entry::Released(ids));
        }
    }

    fn forward(&mut self, event: Arc<TrackedEvent>, receipt: Receipt) {
        self.batch.event(Kept { event, receipt }, self.next.is_some());
        self.added();
    }

    fn note(&mut self, entries: Vec<Entry>) {
        entries.into_iter().for_each(|entry| self.batch.push(entry));
        self.added();
    }

    fn work(&mut self) -> Option<Duration> {
        self.record();
        self.adopt();
        self.herald.catch_up(self.clock.now_ms());
        let further = self.next.as_mut().and_then(|next| next.work());
        let kept = self.send_kept();
        let now_ms = self.clock.now_ms();
        let own = [
            (!self.batch.is_empty()).then(|| self.retry_ms.saturating_sub(now_ms).max(1)),
            self.herald.due_ms().map(|due_ms| due_ms.saturating_sub(now_ms).max(1)),
        ];
        own.into_iter().flatten().map(Duration::from_millis).chain(further).chain(kept).min()
    }

    fn catch_up(&mut self) {
        self.prune();
        self.note_ledger();
        if let Some(next) = &mut self.next {
            next.catch_up();
        }
    }

    fn flush(&mut self) {
        // Somebody waits: it is tried at once, whatever came of it a moment ago.
        self.retry_ms = self.retry_ms.min(self.clock.now_ms());
        self.record();
        self.herald.finish(self.clock.now_ms());
        self.note_ledger();
        if let Some(next) = &mut self.next {
            next.flush();
        }
        self.send_kept();
    }

    fn keeps_book(&self) -> bool {
        true
    }
}

impl Drop for Bookkeeper {
    /// The pipeline ends: what waits has this one chance, and what it does not get in by it is lost. What is on its way to a
    /// server goes on, and is noted when it has arrived.
    fn drop(&mut self) {
        self.retry_ms = 0;
        self.record();
        let left = self.batch.take(usize::MAX);
        self.do_without(left);
        self.owed = None;
        self.note_ledger();
        self.next = None;
        if let (Some(backlog), Some(outgoing)) = (self.backlog.take(), self.book.outgoing()) {
            backlog.finish(outgoing);
        }
    }
}

fn now() -> Moment {
    Moment::of(SystemTime::now())
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// Events of an issue that are left where the disk is full.
const SPARE_EVENTS: usize = 3;

#[cfg(test)]
mod tests;
