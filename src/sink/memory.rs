//! Events kept in memory, for tests.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::Sink;
use crate::ledger::{Handle, Lost};
use crate::limits::{MEMORY_EVENTS, MEMORY_FLUSH};
use crate::model::TrackedEvent;

/// A sink for tests: keeps events so that a test can look at them. Its clones share what they keep.
///
/// It keeps the first [`limits::MEMORY_EVENTS`](crate::limits::MEMORY_EVENTS) events and refuses more, which are
/// counted as lost.
///
/// ```
/// use tracing_subscriber::prelude::*;
///
/// let memory = crumbtrail::Memory::new();
/// let (layer, _guard) = crumbtrail::builder().sink(memory.clone()).build()?;
/// let _default = tracing_subscriber::registry().with(layer).set_default();
///
/// tracing::warn!(left = 3, "stock is low");
/// let error = std::io::Error::other("disk on fire");
/// tracing::error!(%error, "order failed");
///
/// let events = memory.events();
/// assert_eq!(events[0].title, "order failed");
/// assert_eq!(events[0].value, "disk on fire");
/// assert_eq!(events[0].breadcrumbs[0].message, "stock is low");
/// # Ok::<(), crumbtrail::BuildError>(())
/// ```
#[derive(Clone, Default)]
pub struct Memory(Arc<Kept>);

#[derive(Default)]
struct Kept {
    events: Mutex<Vec<TrackedEvent>>,
    handles: Mutex<Vec<Handle>>,
}

impl Memory {
    /// An empty memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything captured so far, in the order of delivery. Waits until it has arrived,
    /// [`limits::MEMORY_FLUSH`](crate::limits::MEMORY_FLUSH) at the most for each pipeline it is a sink of.
    pub fn events(&self) -> Vec<TrackedEvent> {
        let handles = self.0.handles.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for handle in handles {
            // What is not there in time is not there; the ledger tells.
            let _ = handle.flush(MEMORY_FLUSH);
        }
        self.0.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets what it keeps.
    pub fn clear(&self) {
        self.0.events.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Sink for Memory {
    fn deliver(&self, event: &TrackedEvent) -> Result<(), Lost> {
        let mut events = self.0.events.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() >= MEMORY_EVENTS {
            return Err(Lost::Sink);
        }
        events.push(event.clone());
        Ok(())
    }

    fn attach(&self, handle: &Handle) {
        self.0.handles.lock().unwrap_or_else(PoisonError::into_inner).push(handle.clone());
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.0.events.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("Memory").field("events", &kept).finish_non_exhaustive()
    }
}
