//! Whether somebody has to look at an issue, what decides that, and what an occurrence makes of it.

use std::time::Duration;

use super::{IssueId, IssueKind, Moment};

/// What was decided of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    /// Nothing yet.
    #[default]
    Unresolved,
    /// It is mended, in the next release.
    Resolved { at: Moment },
    /// Nobody wants to hear of it.
    Muted { until: Until },
}

/// How long an issue is muted. Each is exceeded by the occurrence that reaches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    Forever,
    Time(Moment),
    /// As many occurrences in all.
    Count(u64),
    /// As many distinct users in all.
    Users(u64),
}

/// What a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Resolve,
    Mute(Mute),
    Reopen,
}

/// How long from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mute {
    Forever,
    For(Duration),
    /// Further occurrences.
    Count(u64),
    /// Further users.
    Users(u64),
}

/// An issue that an entry made something of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) id: IssueId,
    pub(crate) kind: IssueKind,
    pub(crate) title: String,
    pub(crate) news: News,
}

/// What is new of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// It was never seen before.
    First,
    /// It was resolved.
    Regressed,
    /// It was muted until this.
    Unmuted,
}
