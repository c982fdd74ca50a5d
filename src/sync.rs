//! The shim for what a model checker must see, the door that a thread passes to be inside crumbtrail, and the net under
//! code that is not ours.
//!
//! The ring takes its atomics from here: the standard library's, or loom's in builds with `--cfg crumbtrail_loom`
//! (never `--cfg loom`, which other crates listen to). Nothing here blocks, allocates or panics.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::limits::SPAN_BYTES;

#[cfg(crumbtrail_loom)]
pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicU64, Ordering, fence};
#[cfg(not(crumbtrail_loom))]
pub(crate) use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering, fence};

// A cell that is set once without anyone waiting: of two that race, one wins and both go on with it.
pub(crate) use once_cell::race::OnceBox;

/// Runs code that is not ours; None if it panicked.
#[inline]
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(discard).ok()
}

/// Drops what was thrown, which may panic once more and no further: then it is let go.
#[cold]
fn discard(panic: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(again);
    }
}

/// Runs `work` inside crumbtrail, with this thread's scratch memory; None if this thread is inside already, or if its
/// thread-locals are gone.
///
/// What a user's formatter or a sink logs meanwhile comes back to us on the same thread and is not ours to record:
/// `tracing` itself guards against that only while a scoped subscriber exists.
#[inline]
pub(crate) fn enter<T>(work: impl FnOnce(&mut Scratch) -> T) -> Option<T> {
    let entered =
        SCRATCH.try_with(|scratch| scratch.try_borrow_mut().ok().map(|mut scratch| work(&mut scratch)));
    entered.ok().flatten()
}

/// Room for the longest encoding.
pub(crate) type Scratch = [u8; SPAN_BYTES];

thread_local! {
    /// Without a destructor, so that logging from another thread-local's destructor finds it.
    static SCRATCH: RefCell<Scratch> = const { RefCell::new([0; SPAN_BYTES]) };
}

#[cfg(test)]
#[cfg(crumbtrail_loom)]
pub(crate) mod explore;
