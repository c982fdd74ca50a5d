//! The shim for what a model checker must see, the mark of threads that are inside crumbtrail, and the net under code
//! that is not ours.
//!
//! The ring takes its atomics from here: the standard library's, or loom's in builds with `--cfg crumbtrail_loom`
//! (never `--cfg loom`, which other crates listen to). Nothing here blocks, allocates or panics.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[cfg(crumbtrail_loom)]
pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicU64, Ordering, fence};
#[cfg(not(crumbtrail_loom))]
pub(crate) use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering, fence};

// A cell that is set once without anyone waiting: of two that race, one wins and both go on with it.
pub(crate) use once_cell::race::OnceBox;

/// Runs code that is not ours; None if it panicked.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(value) => Some(value),
        Err(panic) => {
            // What was thrown may itself panic when it is dropped, once more and no further: then it is let go.
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
                std::mem::forget(again);
            }
            None
        }
    }
}

/// This thread is inside crumbtrail until the value is dropped: what it logs meanwhile is not ours to record.
#[derive(Debug)]
pub(crate) struct Inside(());

impl Inside {
    /// Enters, unless this thread is inside already or its thread-locals are gone.
    pub(crate) fn enter() -> Option<Self> {
        let free = INSIDE.try_with(|inside| !inside.replace(true)).unwrap_or(false);
        free.then_some(Self(()))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = INSIDE.try_with(|inside| inside.set(false));
    }
}

thread_local! {
    /// Without a destructor, so that logging from another thread-local's destructor finds it.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}
