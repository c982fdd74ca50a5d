//! What stands for an event that the worker has handed out, until somebody says how it ended.
//!
//! Each is counted once, whatever happens to whoever holds it: one that is dropped unsaid, by a panic or with its thread, is
//! counted as lost. A flush waits for all that were given out before it. That of an event which a store keeps comes home
//! instead: the event is delivered already, and what became of it elsewhere is noted in the store before anybody who flushes
//! goes on. Held on the worker and on the thread that delivers; never blocks beyond the ledger's own lock, never panics.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use crossbeam_channel::Sender;

use super::{Ledger, Lost};
use crate::model::EventId;

/// The right, and the duty, to say how one event ended.
#[derive(Debug)]
pub(crate) struct Receipt {
    /// None when it was given back, or taken home.
    errand: Option<Errand>,
    of: Of,
    /// It is on its way to a server.
    forwarded: bool,
    end: Result<(), Lost>,
}

/// Whom a receipt is for.
#[derive(Debug)]
enum Of {
    /// An event of the queue. Where a sink has `taken` it already, it is delivered, whatever becomes of it elsewhere.
    Queued { taken: bool },
    /// One that a store keeps for as long as it may still be sent.
    Kept { kept: Kept, home: Sender<Returned> },
}

/// An event that a store keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) id: EventId,
    /// It waited there: its process is another one, or has tried in vain.
    #[cfg_attr(
        not(feature = "sentry"),
        expect(dead_code, reason = "where nothing is sent, nothing comes back")
    )]
    pub(crate) again: bool,
}

/// What became of an event that a store keeps. Who drops it has noted that.
#[derive(Debug)]
pub(crate) struct Returned {
    pub(crate) id: EventId,
    /// Whether nobody will send it any more: it arrived, or was refused for good.
    pub(crate) is_done: bool,
    _errand: Errand,
}

impl Receipt {
    /// A sink has taken it.
    pub(crate) fn take(&mut self) {
        if let Of::Queued { taken } = &mut self.of {
            *taken = true;
        }
    }

    /// It is on its way to a server, which ends it.
    #[cfg(feature = "sentry")]
    pub(crate) fn forward(&mut self) {
        self.forwarded = true;
    }

    /// Whether it waited in a store, and can do so again.
    #[cfg(feature = "sentry")]
    pub(crate) fn is_again(&self) -> bool {
        matches!(self.of, Of::Kept { kept: Kept { again: true, .. }, .. })
    }

    /// Says how it ended.
    pub(crate) fn end(mut self, end: Result<(), Lost>) {
        self.end = end;
    }

    /// Why it is never sent, if so.
    fn unsent(&self) -> Option<Lost> {
        let reason = self.end.err().filter(|_| self.forwarded)?;
        match self.of {
            Of::Queued { .. } => Some(reason),
            Of::Kept { .. } => Some(reason).filter(|reason| !reason.may_pass()),
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        let Some(mut errand) = self.errand.take() else { return };
        let ledger = Arc::clone(&errand.ledger);
        let unsent = self.unsent();
        let count_unsent = || {
            if let Some(reason) = unsent {
                ledger.unsend(reason, 1);
            }
        };
        match &self.of {
            Of::Queued { taken } => errand.give_back(|| {
                count_unsent();
                match self.end {
                    Err(reason) if !taken => ledger.lose(reason),
                    _ => {
                        ledger.delivered.fetch_add(1, Ordering::Relaxed);
                    }
                }
                1
            }),
            Of::Kept { kept, home } => {
                count_unsent();
                let is_done = self.end.is_ok() || unsent.is_some();
                // Where nobody is at home any more, the store has it still, and the errand is over.
                let _ = home.send(Returned { id: kept.id, is_done, _errand: errand });
                ledger.nudge();
            }
        }
    }
}

/// Something on its way that is no event, and that a flush waits for all the same.
#[derive(Debug)]
pub(crate) struct Errand {
    ledger: Arc<Ledger>,
    /// None when it was given back.
    number: Option<u64>,
}

impl Errand {
    /// Counts, under the lock, and says to those who wait. `count` says how many events of the queue ended by it.
    fn give_back(&mut self, count: impl FnOnce() -> u64) {
        let Some(number) = self.number.take() else { return };
        let ledger = Arc::clone(&self.ledger);
        let mut progress = ledger.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.ended = progress.ended.saturating_add(count());
        progress.out.remove(&number);
        let gone = ledger.worker_gone.load(Ordering::Relaxed);
        if progress.pay() || gone && progress.out.is_empty() {
            ledger.progressed.notify_all();
        }
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        self.give_back(|| 0);
    }
}

impl Ledger {
    /// An event of the queue is handed out.
    pub(crate) fn receipt(self: &Arc<Self>) -> Receipt {
        let of = Of::Queued { taken: false };
        Receipt { errand: Some(self.errand()), of, forwarded: false, end: Err(Lost::Internal) }
    }

    /// An event that a store keeps, and that is delivered by that, is handed out; the receipt comes `home`.
    pub(crate) fn receipt_of_kept(self: &Arc<Self>, kept: Kept, home: &Sender<Returned>) -> Receipt {
        let of = Of::Kept { kept, home: home.clone() };
        Receipt { errand: Some(self.errand()), of, forwarded: false, end: Err(Lost::Internal) }
    }

    /// Something else is under way.
    pub(crate) fn errand(self: &Arc<Self>) -> Errand {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.given += 1;
        let number = progress.given;
        progress.out.insert(number);
        drop(progress);
        Errand { ledger: Arc::clone(self), number: Some(number) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How much is owed, what is answered, and how many of the first have ended.
    fn progress(ledger: &Ledger) -> (usize, u64, u64) {
        let progress = ledger.progress.lock().unwrap();
        (progress.owed.len(), progress.answered, progress.through)
    }

    #[test]
    fn to_ask_again_and_again_while_nothing_comes_back_takes_no_memory() {
        let ledger = Arc::new(Ledger::default());
        let under_way = ledger.errand();
        for asked in 1..=10_000 {
            ledger.handed_out(asked);
            ledger.answer(asked);
        }
        assert_eq!(progress(&ledger), (1, 0, 0));
        drop(under_way);
        assert_eq!(progress(&ledger), (0, 10_000, 10_000));
    }

    #[test]
    fn what_is_asked_waits_for_all_that_was_out_and_for_nothing_later() {
        let ledger = Arc::new(Ledger::default());
        let [first, second] = [ledger.errand(), ledger.errand()];
        ledger.answer(1);
        let third = ledger.errand();
        ledger.answer(2);
        drop(second);
        assert_eq!(progress(&ledger).1, 0);
        drop(first);
        assert_eq!(progress(&ledger).1, 1);
        drop(third);
        assert_eq!(progress(&ledger).1, 2);
    }
}
