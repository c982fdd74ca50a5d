//! The stack as return addresses. Symbols are the worker's: finding them takes a lock and tens of microseconds.
//!
//! # Invariants
//! 1. `trace_unsynchronized` is called only where the platform's unwinder may run on several threads at once: the
//!    `_Unwind_Backtrace` of Unix. Elsewhere the synchronised walk is used.
#![cfg_attr(
    all(feature = "stack", unix),
    expect(unsafe_code, reason = "the walk without the lock that symbol resolution holds")
)]

/// The return addresses of this thread, innermost first, up to
/// [`limits::STACK_ADDRESSES`](crate::limits::STACK_ADDRESSES).
#[cfg(feature = "stack")]
pub(super) fn addresses() -> Vec<usize> {
    use crate::limits::STACK_ADDRESSES;

    let mut addresses = [0; STACK_ADDRESSES];
    let mut walked = 0;
    let visit = |frame: &backtrace::Frame| match addresses.get_mut(walked) {
        Some(slot) => {
            *slot = frame.ip().addr();
            walked += 1;
            true
        }
        None => false,
    };
    #[cfg(unix)]
    // SAFETY: by invariant 1.
    unsafe {
        backtrace::trace_unsynchronized(visit);
    }
    #[cfg(not(unix))]
    backtrace::trace(visit);
    addresses.get(..walked).unwrap_or_default().to_vec()
}

#[cfg(not(feature = "stack"))]
pub(super) fn addresses() -> Vec<usize> {
    Vec::new()
}
