//! Sinks: where tracked events go. They run on crumbtrail's own thread, one event at a time.

mod console;
mod memory;

use crate::ledger::{Handle, Lost};
use crate::model::{Tally, TrackedEvent};

pub use console::Console;
pub use memory::Memory;

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

    /// Called once, when the pipeline is built, for a sink that wants to flush it. Does nothing by default.
    fn attach(&self, handle: &Handle) {
        let _ = handle;
    }
}
