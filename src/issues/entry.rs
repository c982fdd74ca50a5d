//! What is written into a book: events, counts, and the traffic around them.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::Level;

use super::{IssueKind, Moment};
use crate::model::{Fingerprint, TrackedEvent, User};

/// One thing that happened, as a book takes it. A batch of them is recorded as a whole or not at all, in its order.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    /// An event that the worker holds: it is no part of any issue yet, but shall not be lost with the process. What is in a
    /// file and never released is recorded by whoever opens the file later. A book in memory leaves it out.
    Held(Arc<TrackedEvent>),
    /// An event that the worker has let go: one occurrence of its issue. Of each line that told of it (`logged_at`), what
    /// was held is over. Where it is to be `sent`, that is noted with it.
    Event { event: Arc<TrackedEvent>, sent: bool },
    /// Events that the worker held and that came to nothing: dropped or lost.
    Released(Vec<crate::model::EventId>),
    /// Occurrences without an event of their own.
    Count(Count),
    /// Whom an occurrence without an event hit.
    Hit(Hit),
    /// Lanes that are over, failed or not.
    Traffic(Traffic),
}

/// Occurrences that were only counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) at: Moment,
    pub(crate) release: Option<String>,
    pub(crate) environment: String,
    pub(crate) count: u64,
    pub(crate) of: Of,
}

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Of {
    /// Occurrences of an issue, which begins with them where it is not there.
    Issue(Heading),
    /// Of a line, not told apart: which issues they are of is not known.
    Line { target: String, file: Option<String>, line: Option<u32> },
}

/// What an issue is called and where it comes from: the newest occurrence says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heading {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) kind: IssueKind,
    pub(crate) level: Level,
    pub(crate) title: String,
    pub(crate) culprit: String,
    pub(crate) target: String,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
}

impl Heading {
    pub(crate) fn of(event: &TrackedEvent) -> Self {
        Self {
            fingerprint: event.fingerprint.clone(),
            kind: event.kind.into(),
            level: event.level,
            title: event.title.clone(),
            culprit: event.culprit.clone(),
            target: event.target.clone(),
            file: event.file.clone(),
            line: event.line,
        }
    }
}

/// Whom an occurrence hit that was only counted: known when its lane closes. It counts nobody twice, and no occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) at: Moment,
    pub(crate) release: Option<String>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) user: Option<User>,
    /// None where it is not known which tags it had.
    pub(crate) tags: Option<BTreeMap<String, String>>,
}

/// Lanes that are over, of one hour and release: what shares are of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// Within the hour in which they closed.
    pub(crate) at: Moment,
    pub(crate) release: Option<String>,
    /// How many named a user or a tag.
    pub(crate) lanes: u64,
    /// Who they were about; the same one may stand there several times.
    pub(crate) users: Vec<User>,
    /// How many had a tag with a value, by tag and value.
    pub(crate) tags: BTreeMap<String, BTreeMap<String, u64>>,
}
