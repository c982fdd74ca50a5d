//! What stands for an event that the worker has handed out, until somebody says how it ended.
//!
//! Each is counted once, whatever happens to whoever holds it: one that is dropped unsaid, by a panic or with its thread, is
//! counted as lost. A flush waits for all that were given out before it. Held on the worker and on the thread that
//! delivers; never blocks beyond the ledger's own lock, never panics.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::{Ledger, Lost};

/// The right, and the duty, to say how one event ended.
#[derive(Debug)]
pub(crate) struct Receipt {
    errand: Errand,
    /// A sink has taken it already: it is delivered, whatever becomes of it elsewhere.
    taken: bool,
    /// It is on its way to a server.
    forwarded: bool,
    end: Result<(), Lost>,
}

impl Receipt {
    /// A sink has taken it.
    pub(crate) fn take(&mut self) {
        self.taken = true;
    }

    /// It is on its way to a server, which ends it.
    #[cfg(feature = "sentry")]
    pub(crate) fn forward(&mut self) {
        self.forwarded = true;
    }

    /// Says how it ended.
    pub(crate) fn end(mut self, end: Result<(), Lost>) {
        self.end = end;
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        let ledger = Arc::clone(&self.errand.ledger);
        self.errand.give_back(|| {
            if let (Err(reason), true) = (self.end, self.forwarded)
                && let Some(unsent) = ledger.unsent.get(reason as usize)
            {
                unsent.fetch_add(1, Ordering::Relaxed);
                ledger.stir();
            }
            match self.end {
                Err(reason) if !self.taken => ledger.lose(reason),
                _ => {
                    ledger.delivered.fetch_add(1, Ordering::Relaxed);
                }
            }
            1
        });
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
        Receipt { errand: self.errand(), taken: false, forwarded: false, end: Err(Lost::Internal) }
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
