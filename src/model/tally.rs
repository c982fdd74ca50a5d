//! What happened too often to be told each time.

use super::Fingerprint;

/// Occurrences that were counted without an event of their own: throttled, sampled out, or beyond what the queue could
/// hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// The issue they belong to; None where they were not told apart, and only the line is known.
    pub fingerprint: Option<Fingerprint>,
    /// The title of that issue; of a line, empty.
    pub title: String,
    /// The module that logged them.
    pub target: String,
    /// The file that logged them, where the record names one.
    pub file: Option<String>,
    /// The line that logged them.
    pub line: Option<u32>,
    /// How many since the last tally of the same issue or line.
    pub count: u64,
}
