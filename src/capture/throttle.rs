//! The throttle: how much of a storm is told in full.

use crate::ledger::Budget;
use crate::limits::{THROTTLE_ALL, THROTTLE_ISSUE, THROTTLE_LINE};

/// How many events are told in full. The rest is counted, exactly: an issue's next event says how many there were.
///
/// ```
/// use crumbtrail::Throttle;
///
/// let (_layer, _guard) = crumbtrail::builder()
///     .throttle(Throttle::Limits { issue: 3, all: 100, line: 1_000 })
///     .sink(crumbtrail::Memory::new())
///     .build::<tracing_subscriber::Registry>()?;
/// # Ok::<(), crumbtrail::BuildError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Throttle {
    /// Up to these, each at least 1.
    Limits {
        /// Events a minute of one error: by default [`limits::THROTTLE_ISSUE`](crate::limits::THROTTLE_ISSUE). Errors
        /// are told apart by the line and by its text, without numbers and quoted parts.
        issue: u32,
        /// Events a minute of the whole program: by default [`limits::THROTTLE_ALL`](crate::limits::THROTTLE_ALL).
        all: u32,
        /// ERRORs a second of one line: by default [`limits::THROTTLE_LINE`](crate::limits::THROTTLE_LINE). Beyond them
        /// nothing of the line is formatted any more, and its errors are not told apart.
        line: u32,
    },
    /// Every one is told, as far as the queue has room.
    Off,
}

impl Default for Throttle {
    fn default() -> Self {
        Self::Limits { issue: THROTTLE_ISSUE, all: THROTTLE_ALL, line: THROTTLE_LINE }
    }
}

impl Throttle {
    /// What may be told within a minute.
    pub(super) fn budget(self) -> Budget {
        match self {
            Self::Limits { issue, all, .. } => Budget { of_text: issue.into(), of_all: all.into() },
            Self::Off => Budget { of_text: u64::MAX, of_all: u64::MAX },
        }
    }

    /// How many ERRORs of one line are looked at within a second.
    pub(super) fn line(self) -> u64 {
        match self {
            Self::Limits { line, .. } => line.into(),
            Self::Off => u64::MAX,
        }
    }
}
