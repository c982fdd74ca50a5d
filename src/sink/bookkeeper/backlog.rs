//! What a book keeps for a server: what of it is on its way, and when what waits is sent again.
//!
//! An event that a book keeps is on its way, waits, or is done with. It is taken out of the book when its receipt says that
//! nobody will send it any more, and before anybody who flushes goes on; where the book cannot be written just then, a moment
//! later. What waits is sent as the way to the server has room for it, a few events at a time, the oldest first. Called on the
//! worker.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::diag::Said;
use crate::issues::{Moment, Outgoing, Waiting};
use crate::ledger::{Kept, Ledger, Lost, Returned};
use crate::limits::{BOOK_RETRY_MOST, STORED_OUTBOX_EVERY};
use crate::model::{EventId, TrackedEvent};
use crate::sink::Forward;

/// The events of a book that are to be sent.
#[derive(Debug)]
pub(super) struct Backlog {
    ledger: Arc<Ledger>,
    home: Sender<Returned>,
    returned: Receiver<Returned>,
    /// Those whose receipts are out, or that the book still has though they are done with.
    on_way: BTreeSet<EventId>,
    /// Those that are done with, and that the book still has.
    done: Vec<EventId>,
    /// When the book is asked again, after it said no.
    retry_ms: u64,
    /// There may be some that wait.
    waits: bool,
    /// Events recorded since it was looked whether they are too many.
    recorded: usize,
}

impl Backlog {
    pub(super) fn new(ledger: Arc<Ledger>) -> Self {
        let (home, returned) = unbounded();
        Self {
            ledger,
            home,
            returned,
            on_way: BTreeSet::new(),
            done: Vec::new(),
            retry_ms: 0,
            waits: true,
            recorded: 0,
        }
    }

    /// Sends an event that the book has just recorded.
    pub(super) fn send(&mut self, event: Arc<TrackedEvent>, next: &mut dyn Forward) {
        self.recorded += 1;
        self.forward(event, false, next);
    }

    /// Notes what became of those that were sent, and sends some of those that wait.
    pub(super) fn work(&mut self, book: &mut dyn Outgoing, next: &mut dyn Forward, now_ms: u64) {
        self.collect(book, now_ms);
        self.refill(book, next, now_ms);
    }

    /// How long there is nothing to do by itself. While the server has room it is sent more at once; while it is away, it is
    /// asked now and then.
    pub(super) fn wait(&self, next: &dyn Forward, now_ms: u64) -> Option<Duration> {
        let pause = Duration::from_millis(self.retry_ms.saturating_sub(now_ms));
        let again = (!self.done.is_empty()).then_some(pause);
        let more = self.waits.then(|| if next.room() > 1 { pause } else { STORED_OUTBOX_EVERY });
        again.into_iter().chain(more).min()
    }

    /// Others may have left something.
    pub(super) fn look_again(&mut self) {
        self.waits = true;
    }

    /// Whether so much came that the book may have too much of it.
    pub(super) fn has_grown(&self) -> bool {
        self.recorded >= GROWN
    }

    /// Gives up what has waited too long, or is too much.
    pub(super) fn give_up(&mut self, book: &mut dyn Outgoing, now: Moment) {
        static TOO_MUCH: Said = Said::new();
        self.recorded = 0;
        let on_way = &self.on_way;
        match book.give_up(&|id| on_way.contains(&id), now) {
            Ok(0) | Err(_) => {}
            Ok(count) => {
                TOO_MUCH.say(
                    "events wait in the store for a server that has been out of reach for too long, or for another one; \
                     the oldest are not sent any more, see Stats::unsent",
                );
                self.ledger.unsend(Lost::OutboxOverflow, count);
            }
        }
    }

    /// The pipeline has ended, and so has the way to the server when nothing is on it any more: waits for that.
    pub(super) fn finish(mut self, book: &mut dyn Outgoing) {
        let (nobody, _) = unbounded();
        self.home = nobody;
        while let Ok(returned) = self.returned.recv() {
            let mut errands = vec![returned];
            errands.extend(self.returned.try_iter());
            self.note(&errands);
            self.settle(book, u64::MAX);
        }
    }

    fn collect(&mut self, book: &mut dyn Outgoing, now_ms: u64) {
        // Given back at the end, when the book is written: whoever flushes waits for that.
        let errands: Vec<Returned> = self.returned.try_iter().collect();
        self.note(&errands);
        self.settle(book, now_ms);
    }

    fn note(&mut self, errands: &[Returned]) {
        for returned in errands {
            if returned.is_done {
                self.done.push(returned.id);
            } else {
                self.on_way.remove(&returned.id);
                self.waits = true;
            }
        }
    }

    fn settle(&mut self, book: &mut dyn Outgoing, now_ms: u64) {
        if self.done.is_empty() || now_ms < self.retry_ms {
            return;
        }
        match book.settle(&self.done) {
            Ok(()) => self.done.drain(..).for_each(|id| {
                self.on_way.remove(&id);
            }),
            Err(_) => self.leave_alone(now_ms),
        }
    }

    fn leave_alone(&mut self, now_ms: u64) {
        let wait_ms = u64::try_from(BOOK_RETRY_MOST.as_millis()).unwrap_or(u64::MAX);
        self.retry_ms = now_ms.saturating_add(wait_ms);
    }

    /// Sends some of those that wait, where there is room for them.
    fn refill(&mut self, book: &mut dyn Outgoing, next: &mut dyn Forward, now_ms: u64) {
        if !self.waits || now_ms < self.retry_ms {
            return;
        }
        let room = next.room();
        if room == 0 {
            return;
        }
        let most = if room == 1 { 1 } else { AT_ONCE };
        let on_way = &self.on_way;
        let Ok(waiting) = book.waiting(most, &|id| on_way.contains(&id)) else {
            return self.leave_alone(now_ms);
        };
        self.waits = waiting.len() == most;
        for Waiting { id, event } in waiting {
            match event {
                Some(event) => self.forward(Arc::new(abroad(event)), true, next),
                None => {
                    self.ledger.unsend(Lost::Internal, 1);
                    self.on_way.insert(id);
                    self.done.push(id);
                }
            }
        }
    }

    fn forward(&mut self, event: Arc<TrackedEvent>, again: bool, next: &mut dyn Forward) {
        self.on_way.insert(event.id);
        let receipt = self.ledger.receipt_of_kept(Kept { id: event.id, again }, &self.home);
        next.forward(event, receipt);
    }
}

/// As it is told outside of the process that it happened in: there, its addresses meant something.
fn abroad(mut event: TrackedEvent) -> TrackedEvent {
    event.frames.iter_mut().for_each(|frame| frame.address = None);
    event
}

/// How many are read at once: the worker has more to do.
const AT_ONCE: usize = 16;
/// Events after which it is looked whether they are too many.
const GROWN: usize = 256;
