//! Which issues are asked for, and what a person decides of them: the words of the command, as the book understands them.

use std::time::Duration;

use crate::issues::{self, Only, Query};
use crate::limits::LISTED_ISSUES;

/// Which issues a list shows, and in which order: by default those of every state, the one that was seen last first,
/// [`limits::LISTED_ISSUES`](crate::limits::LISTED_ISSUES) at the most.
///
/// ```
/// use crumbtrail::view::{Filter, Sort};
///
/// let mut filter = Filter::default();
/// filter.sort = Sort::Users;
/// filter.tag = Some(("provider".to_owned(), "google".to_owned()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filter {
    /// What comes first.
    pub sort: Sort,
    /// Only those in this state.
    pub state: Option<State>,
    /// Only those that came in this release.
    pub release: Option<String>,
    /// Only those that came in this environment.
    pub environment: Option<String>,
    /// Only those with an event that has this tag with this value.
    pub tag: Option<(String, String)>,
    /// Only those whose title, place or text contains this, whatever its capitals.
    pub text: Option<String>,
    /// How many at the most; None is all.
    pub limit: Option<usize>,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            sort: Sort::default(),
            state: None,
            release: None,
            environment: None,
            tag: None,
            text: None,
            limit: Some(LISTED_ISSUES),
        }
    }
}

impl Filter {
    pub(super) fn query(&self) -> Query {
        let Self { sort, state, release, environment, tag, text, limit } = self.clone();
        Query {
            sort: match sort {
                Sort::LastSeen => issues::Sort::LastSeen,
                Sort::Count => issues::Sort::Count,
                Sort::Users => issues::Sort::Users,
            },
            state: state.map(|state| match state {
                State::Unresolved => Only::Unresolved,
                State::Resolved => Only::Resolved,
                State::Muted => Only::Muted,
            }),
            release,
            environment,
            tag,
            text,
            most: limit,
        }
    }
}

/// What comes first in a list of issues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sort {
    /// The one that was seen last.
    #[default]
    LastSeen,
    /// The one with most occurrences.
    Count,
    /// The one that hit most users.
    Users,
}

/// Whether somebody has to look at an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Nothing was decided, or it came back.
    Unresolved,
    /// It is mended.
    Resolved,
    /// Nobody wants to hear of it.
    Muted,
}

/// How long an issue is muted.
///
/// ```
/// use std::time::Duration;
/// use crumbtrail::view::Mute;
///
/// let until_tomorrow = Mute::For(Duration::from_secs(24 * 60 * 60));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mute {
    /// For good.
    Forever,
    /// For so long.
    For(Duration),
    /// Until so many further occurrences.
    Count(u64),
    /// Until so many further users were hit.
    Users(u64),
}

impl From<Mute> for issues::Mute {
    fn from(mute: Mute) -> Self {
        match mute {
            Mute::Forever => Self::Forever,
            Mute::For(time) => Self::For(time),
            Mute::Count(count) => Self::Count(count),
            Mute::Users(users) => Self::Users(users),
        }
    }
}
