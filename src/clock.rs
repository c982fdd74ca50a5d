//! Wall time for records.
//!
//! Breadcrumbs are stamped on the caller's thread, so the clock must be cheap: on Linux the kernel's coarse clock,
//! which steps by a few milliseconds and costs a quarter of the precise one. Order never comes from time; it comes
//! from the position in the ring. Never blocks, allocates or panics; a time before 1970 reads as 1970.
#![cfg_attr(
    any(target_os = "linux", target_os = "android"),
    expect(unsafe_code, reason = "the coarse clock has no safe interface without another dependency")
)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970, from the coarse clock.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn coarse_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec that the call fills; it has no other effect.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_REALTIME_COARSE, &raw mut now) } != 0;
    if failed {
        return precise_ns();
    }
    // A time before 1970 wraps to beyond 2262, which `time_of` knows for what it is.
    (now.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec as u64)
}

/// Nanoseconds since 1970, where there is no coarse clock.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn coarse_ns() -> u64 {
    precise_ns()
}

/// The point in time that [`coarse_ns`] named.
pub(crate) fn time_of(ns: u64) -> SystemTime {
    let before_1970 = ns > i64::MAX as u64;
    UNIX_EPOCH + Duration::from_nanos(if before_1970 { 0 } else { ns })
}

#[cold]
fn precise_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
