//! The clonable half of the guard: flush and read the ledger from anywhere.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use super::{Ledger, Stats};
use crate::error::FlushError;

/// A handle to a pipeline: what a [`Guard`](crate::Guard) can do, without ending anything when it is dropped.
#[derive(Clone)]
pub struct Handle(Arc<Ledger>);

impl Handle {
    pub(crate) fn new(ledger: Arc<Ledger>) -> Self {
        Self(ledger)
    }

    /// Waits until every event captured before the call has ended in a sink or in the ledger, `timeout` at the most.
    ///
    /// # Errors
    /// When the time was up, when called on crumbtrail's own thread, or when its worker is not running. Nothing is
    /// lost by an error: what is left goes on being delivered.
    pub fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        self.0.settle(timeout)
    }

    /// As [`flush`](Self::flush), for async code on any runtime, or on none: the wait takes place on a thread of its
    /// own for as long as it lasts.
    pub fn flush_async(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = Result<(), FlushError>> + Send + use<> {
        let answer = Arc::new(Mutex::new(Answer::default()));
        if let Err(refused) = self.0.check_not_worker() {
            // The thread that would wait is not the worker, but the one that waits for it may be.
            answer.lock().unwrap_or_else(PoisonError::into_inner).finish(Err(refused));
            return Flush(answer);
        }
        let (ledger, waiting) = (Arc::clone(&self.0), Arc::clone(&answer));
        let spawned = thread::Builder::new().name("crumbtrail-flush".into()).spawn(move || {
            let outcome = ledger.settle(timeout);
            let waker = waiting.lock().unwrap_or_else(PoisonError::into_inner).finish(outcome);
            waker.into_iter().for_each(Waker::wake);
        });
        if spawned.is_err() {
            answer.lock().unwrap_or_else(PoisonError::into_inner).finish(Err(FlushError::no_thread()));
        }
        Flush(answer)
    }

    /// The ledger at this moment.
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Answer {
    outcome: Option<Result<(), FlushError>>,
    waker: Option<Waker>,
}

impl Answer {
    fn finish(&mut self, outcome: Result<(), FlushError>) -> Option<Waker> {
        self.outcome = Some(outcome);
        self.waker.take()
    }
}

struct Flush(Arc<Mutex<Answer>>);

impl Future for Flush {
    type Output = Result<(), FlushError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Cloned before the lock is taken, and the old one dropped after: a waker is the runtime's code.
        let waker = context.waker().clone();
        let mut answer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = answer.outcome {
            return Poll::Ready(outcome);
        }
        let replaced = answer.waker.replace(waker);
        drop(answer);
        drop(replaced);
        Poll::Pending
    }
}
