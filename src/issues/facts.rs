//! What the data proves of an issue: what the sentence is made of.

use std::time::Duration;

use super::{Moment, UserCount};

/// The facts that a book can tell of one issue at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Facts {
    pub(crate) since: Since,
    pub(crate) first_seen: Moment,
    /// Occurrences of the past 60 minutes, by whole minutes: no more than were.
    pub(crate) past_hour: u64,
    /// Distinct users that were hit in all, so that ten failures of one user are not taken for those of ten.
    pub(crate) users: UserCount,
    /// None where no user was named in that time, by a failure or by another lane.
    pub(crate) share: Option<Share>,
    /// Of each tag, the value that most of the events have.
    pub(crate) evidence: Vec<Evidence>,
}

/// The release an issue begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Since {
    /// An earlier release had traffic, and had not the issue.
    Started(String),
    /// It was seen in no other release before, but no earlier one is known that could have shown it.
    FirstSeen(String),
    /// The program names no release.
    Unknown,
}

/// Distinct users that were hit, of those that were seen in the same window and release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) hit: UserCount,
    pub(crate) seen: UserCount,
    /// How far back it looks: since the release began, 24 hours at the most.
    pub(crate) window: Duration,
}

/// How one value of a tag is spread over the events and over all lanes, since the release began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) tag: String,
    pub(crate) value: String,
    /// Occurrences whose tags are known.
    pub(crate) events: u64,
    /// Of these, those with this value.
    pub(crate) events_with: u64,
    /// Lanes that have the tag, whatever its value, failed or not.
    pub(crate) lanes: u64,
    /// Of these, those with this value.
    pub(crate) lanes_with: u64,
}
