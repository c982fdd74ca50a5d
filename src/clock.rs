//! Wall time for records, and the monotonic clock for everything that is measured.
//!
//! Breadcrumbs are stamped on the caller's thread, so the clock must be cheap: on Linux the kernel's coarse clock,
//! which steps by a few milliseconds and costs a quarter of the precise one. Order never comes from time; it comes
//! from the position in the ring. Never blocks, allocates or panics; a time before 1970 reads as 1970.
#![cfg_attr(
    any(target_os = "linux", target_os = "android"),
    expect(unsafe_code, reason = "the coarse clock has no safe interface without another dependency")
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The clock by which limits, holds and waits are measured: it never goes back, whatever happens to wall time.
///
/// A test may bring its own, which stands still until it is moved.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicU64>>);

impl Clock {
    /// A clock that only [`advance`](Self::advance) moves.
    pub fn manual() -> Self {
        Self(Some(Arc::default()))
    }

    /// Moves a manual clock; the system's goes by itself.
    pub fn advance(&self, by: Duration) {
        if let Some(now_ms) = &self.0 {
            now_ms.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// Milliseconds since some moment before the first call.
    #[inline]
    pub(crate) fn now_ms(&self) -> u64 {
        match &self.0 {
            None => monotonic_ms(),
            Some(now_ms) => now_ms.load(Ordering::Relaxed),
        }
    }

    /// Whether time only passes when a test says so: who waits for it must look again and again.
    pub(crate) fn is_manual(&self) -> bool {
        self.0.is_some()
    }
}

/// Milliseconds of the coarse monotonic clock.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn monotonic_ms() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: as in `coarse_ns`.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut now) } != 0;
    if failed { 0 } else { (now.tv_sec as u64).wrapping_mul(1_000) + now.tv_nsec as u64 / 1_000_000 }
}

/// Milliseconds since the first call, where there is no coarse clock.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn monotonic_ms() -> u64 {
    static BEGUN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let begun = BEGUN.get_or_init(std::time::Instant::now);
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

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

/// A point in time as [`coarse_ns`] names it.
pub(crate) fn ns_of(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The point in time that [`coarse_ns`] named.
pub(crate) fn time_of(ns: u64) -> SystemTime {
    let before_1970 = ns > i64::MAX as u64;
    UNIX_EPOCH + Duration::from_nanos(if before_1970 { 0 } else { ns })
}

#[cold]
fn precise_ns() -> u64 {
    ns_of(SystemTime::now())
}
