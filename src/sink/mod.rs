//! Sinks: where tracked events go. They run on crumbtrail's own thread, one event at a time.

mod bookkeeper;
mod console;
mod memory;
#[cfg(feature = "sentry")]
mod sentry;
#[cfg(feature = "store")]
mod store;

use std::sync::Arc;
use std::time::Duration;

use crate::issues::Entry;
use crate::ledger::{Handle, Lost, Receipt};
use crate::model::{EventId, Tally, TrackedEvent};

pub(crate) use bookkeeper::{Bookkeeper, Herald};
pub use console::Console;
pub use memory::Memory;
#[cfg(feature = "sentry")]
pub use sentry::{Diagnosis, Finding, Step};
#[cfg(feature = "sentry")]
pub(crate) use sentry::{Dsn, Sentry, diagnose};
#[cfg(feature = "store")]
pub(crate) use store::{Access, Condition, Mark, Store, default_path, is_test_binary, newest, to_json};

/// A place that tracked events go to.
///
/// ```
/// use crumbtrail::{Lost, Sink, TrackedEvent};
///
/// /// Counts what went wrong.
/// struct Failures(std::sync::atomic::AtomicU64);
///
/// impl Sink for Failures {
///     fn deliver(&self, _event: &TrackedEvent) -> Result<(), Lost> {
///         self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
///         Ok(())
///     }
/// }
/// ```
pub trait Sink: Send + Sync + 'static {
    /// Takes an event.
    ///
    /// Called on crumbtrail's worker, so it may take its time, but while it does, events queue up. A panic is caught
    /// and counted. What it logs itself is not recorded.
    ///
    /// # Errors
    /// The reason why the event could not be taken. An event that no sink takes is counted under it.
    fn deliver(&self, event: &TrackedEvent) -> Result<(), Lost>;

    /// Is told of occurrences that were counted without an event of their own, at most once a second for each issue and
    /// line. Does nothing by default.
    fn tally(&self, tally: &Tally) {
        let _ = tally;
    }

    /// Is called about once a second while events or tallies come, and some times after they end, for a sink that puts
    /// off part of its work and now may find it due. Does nothing by default.
    ///
    /// Called on crumbtrail's worker, like [`deliver`](Self::deliver), between two events.
    fn catch_up(&self) {}

    /// Is told to finish what it put off: somebody [flushes](crate::Guard::flush), or the pipeline ends. Does nothing by
    /// default.
    ///
    /// Called on crumbtrail's worker, behind the last [`deliver`](Self::deliver) and [`tally`](Self::tally) of what was
    /// captured before, and before the one who flushes goes on.
    fn flush(&self) {}

    /// Called once, when the pipeline is built, for a sink that wants to flush it. Does nothing by default.
    fn attach(&self, handle: &Handle) {
        let _ = handle;
    }
}

/// Takes events elsewhere: what becomes of one is known later than its worker can wait for. Called on the worker.
pub(crate) trait Forward: Send {
    /// Sends an event on its way, and sees to it that its receipt is ended.
    fn forward(&mut self, event: Arc<TrackedEvent>, receipt: Receipt);

    /// Does what is due, about once a second while something comes.
    fn catch_up(&mut self);

    /// Somebody waits for all that is on its way.
    fn flush(&mut self);

    /// Does what is due whenever the worker is awake, and says how long there will be nothing to do.
    fn work(&mut self) -> Option<Duration> {
        None
    }

    /// The server it sends to, by the URL of its project, without the key.
    fn server(&self) -> Option<&str> {
        None
    }

    /// How many bytes of what waits elsewhere it would take at present, about; 0 where that does better to wait.
    fn room(&self) -> usize {
        0
    }

    /// Whether it wants what follows: what issues are made of beside the events themselves.
    fn keeps_book(&self) -> bool {
        false
    }

    /// An event is held; it comes by [`forward`](Self::forward) later, or is [released](Self::release).
    fn hold(&mut self, event: &Arc<TrackedEvent>) {
        let _ = event;
    }

    /// What was held under these names comes to nothing.
    fn release(&mut self, ids: Vec<EventId>) {
        let _ = ids;
    }

    /// What was counted.
    fn note(&mut self, entries: Vec<Entry>) {
        let _ = entries;
    }
}

/// Where the events of a pipeline go.
pub(crate) struct Sinks {
    /// Those that are done with an event when they have returned.
    pub(crate) here: Vec<Box<dyn Sink>>,
    /// The one that is not: the book, the way to a server, or the one before the other.
    pub(crate) forward: Option<Box<dyn Forward>>,
}
