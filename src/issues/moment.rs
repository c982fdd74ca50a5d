//! A moment of wall time, as issues are counted by it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970; what lies before reads as 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Moment(u64);

impl Moment {
    /// No later than what a signed number of 64 bits can say, which is what files hold.
    pub(crate) fn from_ms(ms: u64) -> Self {
        Self(ms.min(i64::MAX as u64))
    }

    pub(crate) fn of(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn ms(self) -> u64 {
        self.0
    }

    pub(crate) fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0)
    }

    /// Minutes since 1970.
    pub(crate) fn minute(self) -> u64 {
        self.0 / 60_000
    }

    /// Hours since 1970.
    pub(crate) fn hour(self) -> u64 {
        self.0 / 3_600_000
    }

    /// Days since 1970.
    pub(crate) fn day(self) -> u64 {
        self.0 / 86_400_000
    }

    /// So long before; not before 1970.
    pub(crate) fn before(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
    }

    pub(crate) fn after(self, by: Duration) -> Self {
        Self::from_ms(self.0.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The same, where it is not ahead of `now`; else `now`. Somebody's clock was ahead for a while, and what it said would
    /// stand as the newest for as long. Another thread's clock may be ahead by [`AHEAD`].
    pub(crate) fn no_later_than(self, now: Self) -> Self {
        if self > now.after(AHEAD) { now } else { self }
    }

    /// How long after `earlier`; nothing where it is not.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// What a moment may be ahead of the present one.
const AHEAD: Duration = Duration::from_secs(60);
