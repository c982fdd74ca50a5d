//! The re-entrancy shell around everything the layer does.
//!
//! One flag and one buffer per thread. What a user's `Debug` logs while we format it comes back to us on the same
//! thread, inside the shell: it is counted and left alone. `tracing` itself guards against this only while a scoped
//! subscriber exists. The thread-local has no destructor, so logging from another one's destructor is safe.

use std::cell::RefCell;

use crate::sync::Inside;
use crate::trail::crumb::Buffer;

/// Runs `work` with this thread's buffer; None when this thread is inside already.
pub(super) fn enter<T>(work: impl FnOnce(&mut Buffer) -> T) -> Option<T> {
    let _inside = Inside::enter()?;
    BUFFER.try_with(|buffer| buffer.try_borrow_mut().ok().map(|mut buffer| work(&mut buffer))).ok().flatten()
}

thread_local! {
    static BUFFER: RefCell<Buffer> = const { RefCell::new(Buffer::new()) };
}
