//! The guard: what a program holds so that nothing is lost at its end.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};

use crate::diag;
use crate::error::FlushError;
use crate::ledger::{Handle, Ledger, Stats};
use crate::limits::DROP_FLUSH;
use crate::worker::without_error;

/// Keeps the promise that what was captured is delivered: dropping it at the end of `main` waits for that,
/// [`limits::DROP_FLUSH`](crate::limits::DROP_FLUSH) at the most.
///
/// The pipeline itself works for as long as its layer lives, guard or not. A program that ends by
/// `std::process::exit` or by a signal drops nothing: call [`flush`](Self::flush) before.
///
/// ```
/// use std::time::Duration;
///
/// let (layer, guard) = crumbtrail::builder().sink(crumbtrail::Memory::new()).build()?;
/// # drop::<crumbtrail::CrumbLayer<tracing_subscriber::Registry>>(layer);
/// // … the program …
/// if let Err(late) = guard.flush(Duration::from_millis(500)) {
///     eprintln!("not everything was delivered: {late}");
/// }
/// # Ok::<(), crumbtrail::BuildError>(())
/// ```
#[must_use = "dropping the guard at once means that nothing waits for the last events when the program ends"]
pub struct Guard {
    ledger: Arc<Ledger>,
    stop: Sender<()>,
}

impl Guard {
    pub(crate) fn new(ledger: Arc<Ledger>, stop: Sender<()>) -> Self {
        Self { ledger, stop }
    }

    /// Waits until every event captured before the call has ended in a sink or in the ledger, `timeout` at the most.
    ///
    /// # Errors
    /// When the time was up, when called on crumbtrail's own thread, or when its worker is not running. Nothing is
    /// lost by an error: what is left goes on being delivered.
    pub fn flush(&self, timeout: Duration) -> Result<(), FlushError> {
        self.ledger.settle(timeout)
    }

    /// Ends the pipeline: what is captured from now on is counted as lost, and what was captured before is flushed,
    /// within `timeout`; a store's file is closed when that was enough. A second call finds nothing left to do.
    ///
    /// # Errors
    /// As [`flush`](Self::flush); what is left then goes on being delivered while the process lives.
    pub fn shutdown(&self, timeout: Duration) -> Result<(), FlushError> {
        let begun = Instant::now();
        self.ledger.close();
        let settled = self.ledger.settle(timeout);
        // Full means that it was stopped before.
        let _ = self.stop.try_send(());
        if settled.is_ok() {
            self.ledger.wait_for_worker(timeout.saturating_sub(begun.elapsed()));
        }
        settled
    }

    /// The ledger at this moment.
    pub fn stats(&self) -> Stats {
        self.ledger.stats()
    }

    /// A clonable handle that flushes too, for the task or thread that waits for signals, and for async code. It takes a
    /// lock, so it is not to be called from inside a signal handler.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.ledger))
    }
}

impl Guard {
    /// Says on stderr what a program should know at its end: by a thread, and not waited for without end, since the sink that
    /// hangs may be the one that holds stderr.
    fn say(text: String, patience: Duration) {
        let (said, heard) = bounded::<()>(0);
        let teller = thread::Builder::new().name("crumbtrail-last".to_owned());
        let _ = teller.spawn(move || {
            diag::say(&text);
            drop(said);
        });
        let _ = heard.recv_timeout(patience);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // What the parent captured is the parent's to tell.
        if self.ledger.is_forked() {
            return;
        }
        let begun = Instant::now();
        let settled = self.ledger.settle(DROP_FLUSH);
        // What is left of the time that the drop may take, and a moment in any case.
        let patience = || DROP_FLUSH.saturating_sub(begun.elapsed()).max(LAST_WORDS);
        if let Err(late) = settled
            && late.is_deadline()
        {
            let text = format!("the guard was dropped, but {late}; they are lost if the program ends now");
            Self::say(text, patience());
        }
        let stats = self.ledger.stats();
        if let Some(summary) = without_error::summary(stats.errors_without_error, &stats.lines) {
            Self::say(summary, patience());
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// How long the drop waits for its own words, where it has no time left.
const LAST_WORDS: Duration = Duration::from_millis(20);
