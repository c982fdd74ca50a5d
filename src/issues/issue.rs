//! An issue, as a book tells of it.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use tracing::Level;

use super::{Moment, State, TagShares, UserCount};
use crate::model::{EventKind, Fingerprint, TrackedEvent};

/// The short name of an issue: a hash of its fingerprint, the same in every store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct IssueId(pub(crate) u64);

impl IssueId {
    pub(crate) fn of(fingerprint: &Fingerprint) -> Self {
        // Each part with its end.
        Self(hash(fingerprint.parts().iter().flat_map(|part| part.bytes().chain([0xff]))))
    }

    /// Those whose names begin so, whatever the capitals; None where no name does.
    pub(crate) fn beginning(prefix: &str) -> Option<RangeInclusive<Self>> {
        let is_name = prefix.len() <= DIGITS && prefix.bytes().all(|digit| digit.is_ascii_hexdigit());
        let name = |rest: &str| {
            let digits = prefix.chars().chain(rest.chars().cycle()).take(DIGITS);
            digits.collect::<String>().parse().ok()
        };
        is_name.then_some(name("0")?..=name("f")?)
    }
}

/// The same in every process: by [FNV-1a](https://datatracker.ietf.org/doc/html/draft-eastlake-fnv), then mixed as
/// [MurmurHash3](https://github.com/aappleby/smhasher/wiki/MurmurHash3) ends, so that what is nearly alike differs in the first
/// digits too.
pub(super) fn hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let hash = bytes.into_iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// The digits of a name.
const DIGITS: usize = 16;

/// Sixteen hexadecimal digits, of which the first eight are enough to name it among tens of thousands.
impl fmt::Display for IssueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for IssueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for IssueId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// What sort of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum IssueKind {
    Error,
    Panic,
    /// ERRORs that carried no error: counted and listed, never sent, never alerted.
    Log,
}

impl From<EventKind> for IssueKind {
    fn from(kind: EventKind) -> Self {
        match kind {
            EventKind::Error => Self::Error,
            EventKind::Panic => Self::Panic,
            EventKind::Log => Self::Log,
        }
    }
}

/// One line of a list of issues.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Summary {
    pub(crate) id: IssueId,
    pub(crate) kind: IssueKind,
    pub(crate) level: Level,
    pub(crate) title: String,
    pub(crate) culprit: String,
    pub(crate) state: State,
    /// It came back after it was resolved, and nobody has decided since.
    pub(crate) regressed: bool,
    /// All occurrences, with those that were only counted.
    pub(crate) count: u64,
    pub(crate) users: UserCount,
    pub(crate) first_seen: Moment,
    pub(crate) last_seen: Moment,
    pub(crate) first_release: Option<String>,
    pub(crate) last_release: Option<String>,
}

/// Everything that is known of an issue, but its events.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Issue {
    pub(crate) summary: Summary,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) target: String,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    /// How many of the occurrences had no event of their own.
    pub(crate) tallied: u64,
    /// Occurrences by hour, release and environment, oldest first. Older ones stand together by day, in its first hour.
    pub(crate) buckets: Vec<Bucket>,
    /// By tag, in the alphabet's order.
    pub(crate) tags: Vec<TagShares>,
    /// Those with most occurrences first.
    pub(crate) variants: Vec<Variant>,
    /// How many events are kept.
    pub(crate) kept: u64,
    /// The newest of them.
    pub(crate) newest: Option<TrackedEvent>,
}

/// How often it came in one hour, release and environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bucket {
    /// Hours since 1970.
    pub(crate) hour: u64,
    /// It stands for the whole day that begins with the hour.
    pub(crate) is_day: bool,
    pub(crate) release: Option<String>,
    pub(crate) environment: String,
    pub(crate) count: u64,
}

/// Events of an issue that are alike down to their root cause and the place of the program's own that they come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variant {
    /// What tells it apart, to read: the root cause, and the innermost frame of the program's own.
    pub(crate) label: String,
    /// Events told in full.
    pub(crate) count: u64,
    pub(crate) last_seen: Moment,
}

/// What was counted of a line without telling issues apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineTotal {
    pub(crate) target: String,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    pub(crate) count: u64,
    pub(crate) last_seen: Moment,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Eight digits of 32 bits: among 20,000 names, two that begin alike are as many as chance makes.
    #[test]
    fn eight_digits_tell_thousands_of_fingerprints_that_are_nearly_alike() {
        let names = (0..20_000).map(|number| {
            let id = IssueId::of(&Fingerprint::from_iter(["v1", "shop", &format!("lost {number}")]));
            id.to_string().chars().take(8).collect::<String>()
        });
        assert!(names.collect::<BTreeSet<_>>().len() >= 19_999);
    }
}
