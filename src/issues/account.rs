//! What stands in one row of an issue: what every occurrence changes, by the same rules in every book.

use super::{Decision, Heading, IssueId, Moment, News, Seen, Sighting, State, Summary, UserCount};

/// An issue without its counts by hour, users, tags and events. A book reads it, lets it change, and keeps it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Account {
    /// As the newest occurrence says; of two of one moment, the one that was recorded later.
    pub(crate) heading: Heading,
    pub(crate) first_seen: Moment,
    pub(crate) last_seen: Moment,
    /// That of the earliest occurrence that names one, as far as they are recorded in their order.
    pub(crate) first_release: Option<String>,
    /// That of the newest occurrence that names one, as far as they are recorded in their order.
    pub(crate) last_release: Option<String>,
    /// All occurrences, with those that were only counted.
    pub(crate) count: u64,
    /// Those that were only counted.
    pub(crate) tallied: u64,
    pub(crate) state: State,
    pub(crate) regressed: bool,
}

/// One occurrence, or several that were counted together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occurrence<'a> {
    pub(crate) at: Moment,
    pub(crate) release: Option<&'a str>,
    /// When the book first saw that release, with this occurrence.
    pub(crate) release_begun: Option<Moment>,
    pub(crate) count: u64,
    /// They have no event of their own.
    pub(crate) is_tallied: bool,
}

impl Account {
    /// An issue that has not occurred yet.
    pub(crate) fn new(heading: Heading, at: Moment) -> Self {
        Self {
            heading,
            first_seen: at,
            last_seen: at,
            first_release: None,
            last_release: None,
            count: 0,
            tallied: 0,
            state: State::Unresolved,
            regressed: false,
        }
    }

    /// Counts an occurrence, with which the issue hit so many users in all, and says what is new by it.
    pub(crate) fn occur(&mut self, heading: &Heading, by: Occurrence<'_>, users: u64) -> Option<News> {
        let Occurrence { at, release, release_begun, count, is_tallied } = by;
        let is_first = self.count == 0;
        if release.is_some() && (self.first_release.is_none() || at < self.first_seen) {
            self.first_release = release.map(str::to_owned);
        }
        if at >= self.last_seen {
            if self.heading != *heading {
                self.heading = heading.clone();
            }
            if release.is_some() && self.last_release.as_deref() != release {
                self.last_release = release.map(str::to_owned);
            }
        } else if self.last_release.is_none() {
            self.last_release = release.map(str::to_owned);
        }
        self.first_seen = self.first_seen.min(at);
        self.last_seen = self.last_seen.max(at);
        self.count = self.count.saturating_add(count);
        if is_tallied {
            self.tallied = self.tallied.saturating_add(count);
        }
        if is_first {
            return Some(News::First);
        }
        let (state, news) = self.state.after(Seen { at, release_begun, count: self.count, users });
        self.become_known(state, news)
    }

    /// It is known by now that it hit so many users in all.
    pub(crate) fn hit(&mut self, users: u64) -> Option<News> {
        let (state, news) = self.state.after_hit(users);
        self.become_known(state, news)
    }

    pub(crate) fn decide(&mut self, decision: Decision, users: u64, now: Moment) {
        self.state = decision.state(now, self.count, users);
        self.regressed = false;
    }

    pub(crate) fn id(&self) -> IssueId {
        IssueId::of(&self.heading.fingerprint)
    }

    pub(crate) fn sighting(&self, news: News) -> Sighting {
        Sighting { id: self.id(), kind: self.heading.kind, title: self.heading.title.clone(), news }
    }

    pub(crate) fn summary(&self, users: UserCount) -> Summary {
        Summary {
            id: self.id(),
            kind: self.heading.kind,
            level: self.heading.level,
            title: self.heading.title.clone(),
            culprit: self.heading.culprit.clone(),
            state: self.state,
            regressed: self.regressed,
            count: self.count,
            users,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            first_release: self.first_release.clone(),
            last_release: self.last_release.clone(),
        }
    }

    fn become_known(&mut self, state: State, news: Option<News>) -> Option<News> {
        self.state = state;
        self.regressed |= news == Some(News::Regressed);
        news
    }
}
