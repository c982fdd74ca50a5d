//! Whether somebody has to look at an issue, what decides that, and what an occurrence makes of it.
//!
//! Pure rules: they are told the time, and never wait, block or panic.

use std::time::Duration;

use super::{IssueId, IssueKind, Moment};
use crate::limits::RESOLVED_QUIET;

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

impl State {
    /// What an occurrence makes of it, and what is new by that.
    ///
    /// Resolved means mended in the next release: only a release that was first seen after the decision reopens it, so that
    /// what is still running of the earlier ones does not. An occurrence that names no release says nothing of that; it
    /// reopens from [`RESOLVED_QUIET`] after the decision on, whether other occurrences name one or not.
    pub(crate) fn after(self, occurrence: Seen) -> (Self, Option<News>) {
        let Seen { at, release_begun, count, users } = occurrence;
        let is_over = match self {
            Self::Unresolved => return (self, None),
            Self::Resolved { at: decided } => {
                let returned = match release_begun {
                    Some(begun) => begun > decided,
                    None => at >= decided.after(RESOLVED_QUIET),
                };
                return if returned { (Self::Unresolved, Some(News::Regressed)) } else { (self, None) };
            }
            Self::Muted { until: Until::Forever } => false,
            Self::Muted { until: Until::Time(until) } => at >= until,
            Self::Muted { until: Until::Count(until) } => count >= until,
            Self::Muted { until: Until::Users(until) } => users >= until,
        };
        if is_over { (Self::Unresolved, Some(News::Unmuted)) } else { (self, None) }
    }

    /// What it makes of it that so many users are known to be hit by what was counted before.
    pub(crate) fn after_hit(self, users: u64) -> (Self, Option<News>) {
        match self {
            Self::Muted { until: Until::Users(until) } if users >= until => {
                (Self::Unresolved, Some(News::Unmuted))
            }
            _ => (self, None),
        }
    }
}

/// An occurrence, as far as the state of its issue depends on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) at: Moment,
    /// When the book first saw the release that the occurrence names.
    pub(crate) release_begun: Option<Moment>,
    /// All occurrences of the issue, this one among them.
    pub(crate) count: u64,
    /// All users of the issue, this one's among them.
    pub(crate) users: u64,
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

impl Decision {
    /// The state of an issue with so many occurrences and users by then.
    pub(crate) fn state(self, now: Moment, count: u64, users: u64) -> State {
        let until = match self {
            Self::Resolve => return State::Resolved { at: now },
            Self::Reopen => return State::Unresolved,
            Self::Mute(Mute::Forever) => Until::Forever,
            Self::Mute(Mute::For(time)) => Until::Time(now.after(time)),
            Self::Mute(Mute::Count(further)) => Until::Count(count.saturating_add(further)),
            Self::Mute(Mute::Users(further)) => Until::Users(users.saturating_add(further)),
        };
        State::Muted { until }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const DECIDED: u64 = 1_000_000_000;

    fn at(ms: u64) -> Moment {
        Moment::from_ms(ms)
    }

    fn seen(ms: u64, release_begun: Option<u64>, count: u64, users: u64) -> Seen {
        Seen { at: at(ms), release_begun: release_begun.map(at), count, users }
    }

    #[test]
    fn a_resolved_issue_is_reopened_by_a_release_that_came_later() {
        let quiet = u64::try_from(RESOLVED_QUIET.as_millis()).unwrap();
        let resolved = State::Resolved { at: at(DECIDED) };
        for (ms, release_begun, returns) in [
            (DECIDED + 1, Some(DECIDED - 1), false),
            (DECIDED + 100 * quiet, Some(DECIDED - 1), false),
            (DECIDED + 1, Some(DECIDED), false),
            (DECIDED + 1, Some(DECIDED + 1), true),
            (DECIDED + quiet - 1, None, false),
            (DECIDED + quiet, None, true),
            (DECIDED - 1, None, false),
        ] {
            let after = resolved.after(seen(ms, release_begun, 2, 1));
            let expected =
                if returns { (State::Unresolved, Some(News::Regressed)) } else { (resolved, None) };
            assert_eq!(after, expected, "{ms} {release_begun:?}");
        }
    }

    #[test]
    fn a_muted_issue_is_heard_of_when_what_it_is_muted_until_is_reached() {
        for (mute, occurrence, is_over) in [
            (Mute::Forever, seen(u64::MAX, None, u64::MAX, u64::MAX), false),
            (Mute::For(Duration::from_millis(10)), seen(DECIDED + 9, None, 1_000, 1_000), false),
            (Mute::For(Duration::from_millis(10)), seen(DECIDED + 10, None, 8, 3), true),
            (Mute::For(Duration::MAX), seen(u64::MAX - 1, None, 8, 3), true),
            (Mute::Count(5), seen(DECIDED, None, 11, 1_000), false),
            (Mute::Count(5), seen(DECIDED, None, 12, 3), true),
            (Mute::Count(5), seen(DECIDED, None, 4_711, 3), true),
            (Mute::Count(0), seen(DECIDED, None, 8, 3), true),
            (Mute::Count(u64::MAX), seen(DECIDED, None, 4_711, 3), false),
            (Mute::Users(2), seen(DECIDED, None, 1_000, 4), false),
            (Mute::Users(2), seen(DECIDED, None, 8, 5), true),
        ] {
            let muted = Decision::Mute(mute).state(at(DECIDED), 7, 3);
            let expected = if is_over { (State::Unresolved, Some(News::Unmuted)) } else { (muted, None) };
            assert_eq!(muted.after(occurrence), expected, "{mute:?} {occurrence:?}");
        }
    }

    #[test]
    fn whom_a_counted_occurrence_hit_ends_what_waits_for_users_alone() {
        let users = Decision::Mute(Mute::Users(2)).state(at(DECIDED), 7, 3);
        assert_eq!(users.after_hit(4), (users, None));
        assert_eq!(users.after_hit(5), (State::Unresolved, Some(News::Unmuted)));
        for decision in [Decision::Resolve, Decision::Reopen, Decision::Mute(Mute::Count(1))] {
            let state = decision.state(at(DECIDED), 7, 3);
            assert_eq!(state.after_hit(u64::MAX), (state, None));
        }
    }

    #[test]
    fn an_issue_that_nothing_was_decided_of_stays_so() {
        let unresolved = Decision::Reopen.state(at(DECIDED), 7, 3);
        assert_eq!(unresolved, State::Unresolved);
        assert_eq!(unresolved.after(seen(DECIDED, Some(DECIDED), 8, 3)), (State::Unresolved, None));
    }
}
