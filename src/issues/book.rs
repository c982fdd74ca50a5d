//! Where issues are kept.

use std::cmp::{Ordering, Reverse};
use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::{
    Decision, Entry, Facts, Issue, IssueId, LineTotal, Moment, Outgoing, ProcessNote, Sighting, State,
    Summary,
};
use crate::limits::{KEEP_DAYS, KEEP_EVENTS, KEEP_HOURLY_DAYS, KEEP_VARIANT_EVENTS, STORE_BYTES};
use crate::model::TrackedEvent;

/// A book of issues. What it is told in one call it keeps as a whole or not at all.
///
/// It is told the time, and asks no clock: `now` is when it is asked. It may wait for a disk, and for another process that
/// writes, a bounded time; it never panics.
pub(crate) trait Book: Send {
    /// Records what happened, in order, and says what is new by it.
    ///
    /// # Errors
    /// Why nothing of it is recorded.
    fn record(&mut self, entries: &[Entry], now: Moment) -> Result<Vec<Sighting>, Fault>;

    /// Decides on an issue; false where there is none of that name.
    fn decide(&mut self, issue: IssueId, decision: Decision, now: Moment) -> Result<bool, Fault>;

    /// Forgets what need not be kept. No total is touched.
    fn prune(&mut self, keep: &Retention, now: Moment) -> Result<Pruned, Fault>;

    /// The issues that a query asks for, in its order.
    fn list(&self, query: &Query) -> Result<Vec<Summary>, Fault>;

    /// The issues whose names begin so, [`NAMED`] at the most: one, where the name is long enough.
    fn named(&self, prefix: &str) -> Result<Vec<IssueId>, Fault>;

    fn issue(&self, issue: IssueId) -> Result<Option<Issue>, Fault>;

    /// The newest events that are kept of an issue, newest first; of one moment, the greater id first.
    fn events(&self, issue: IssueId, most: usize) -> Result<Vec<TrackedEvent>, Fault>;

    /// What the data proves of an issue.
    fn facts(&self, issue: IssueId, now: Moment) -> Result<Option<Facts>, Fault>;

    /// What was counted by line, those with most first; of one count, by target, file and line.
    fn lines(&self) -> Result<Vec<LineTotal>, Fault>;

    /// Takes over what processes left that are gone: what they held is recorded, and what they did not get sent is this
    /// one's to send. Says what is new by it. It is to be asked now and then.
    fn adopt(&mut self, now: Moment) -> Result<Vec<Sighting>, Fault> {
        let _ = now;
        Ok(Vec::new())
    }

    /// What is to be sent of it, where that outlives the process.
    fn outgoing(&mut self) -> Option<&mut dyn Outgoing> {
        None
    }

    /// Whether what is recorded outlives the process. If not, nobody need tell of what is only held.
    fn is_durable(&self) -> bool {
        false
    }

    /// Keeps what a process says of itself, in place of what it said before.
    fn note(&mut self, note: &ProcessNote) -> Result<(), Fault> {
        let _ = note;
        Ok(())
    }

    /// What processes have said of themselves, the newest first.
    fn notes(&self) -> Result<Vec<ProcessNote>, Fault> {
        Ok(Vec::new())
    }
}

/// How many names [`Book::named`] tells at the most.
pub(crate) const NAMED: usize = 10;

/// Which issues, and in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) sort: Sort,
    /// Only those in this state.
    pub(crate) state: Option<Only>,
    /// Only those that came in this release.
    pub(crate) release: Option<String>,
    /// Only those that came in this environment.
    pub(crate) environment: Option<String>,
    /// Only those with an event of this tag and value.
    pub(crate) tag: Option<(String, String)>,
    /// Only those whose title, culprit, target or an event's text contains this, whatever its capitals.
    pub(crate) text: Option<String>,
    /// How many at the most; None is all.
    pub(crate) most: Option<usize>,
}

impl Query {
    /// The text that is looked for, as [`finds`] takes it.
    pub(crate) fn needle(&self) -> Option<String> {
        self.text.as_ref().map(|text| text.to_lowercase())
    }
}

/// Whether a text has another one in it, which is all small.
pub(crate) fn finds(text: &str, needle: &str) -> bool {
    text.to_lowercase().contains(needle)
}

/// The texts of an event that a [`Query`] looks through.
pub(crate) fn texts(event: &TrackedEvent) -> impl Iterator<Item = &str> {
    let causes = event.siblings.iter().chain([&event.chain]).flatten().map(|cause| cause.value.as_str());
    event.message.as_deref().into_iter().chain([event.value.as_str()]).chain(causes)
}

/// States to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Only {
    Unresolved,
    Resolved,
    Muted,
}

impl Only {
    pub(crate) fn admits(self, state: State) -> bool {
        self == match state {
            State::Unresolved => Self::Unresolved,
            State::Resolved { .. } => Self::Resolved,
            State::Muted { .. } => Self::Muted,
        }
    }
}

/// What comes first. What is equal by it comes by its id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    /// The issue that was seen last.
    #[default]
    LastSeen,
    /// The one with most occurrences.
    Count,
    /// The one that hit most users.
    Users,
}

impl Sort {
    pub(crate) fn compare(self, a: &Summary, b: &Summary) -> Ordering {
        let rank = |of: &Summary| match self {
            Self::LastSeen => of.last_seen.ms(),
            Self::Count => of.count,
            Self::Users => of.users.number,
        };
        (Reverse(rank(a)), a.id).cmp(&(Reverse(rank(b)), b.id))
    }
}

/// What is kept, and how long. The totals of an issue are kept for as long as the issue is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Retention {
    /// Events, and issues that nothing was seen of for so long.
    pub(crate) age: Duration,
    /// The whole file, or memory.
    pub(crate) bytes: u64,
    /// The newest events of an issue.
    pub(crate) events: usize,
    /// The newest events of a variant.
    pub(crate) variant_events: usize,
    /// Counts by hour; by day beyond.
    pub(crate) hourly: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            age: Duration::from_secs(KEEP_DAYS * DAY),
            bytes: STORE_BYTES,
            events: KEEP_EVENTS,
            variant_events: KEEP_VARIANT_EVENTS,
            hourly: Duration::from_secs(KEEP_HOURLY_DAYS * DAY),
        }
    }
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Pruned {
    pub(crate) events: u64,
    pub(crate) issues: u64,
    /// Counts by hour that now stand by day.
    pub(crate) buckets: u64,
    /// There is more to forget: it is done a bit at a time.
    pub(crate) is_more: bool,
}

/// Why a book did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Another process writes. It may go better later.
    Busy,
    /// There is no room. It may go better when something was forgotten, or space was made.
    Full,
    /// It cannot be read or written; in words.
    Broken(String),
    /// It was made by a later version of crumbtrail, which knows this form.
    Newer(i64),
    /// It is no store of crumbtrail's.
    Foreign,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("another process holds it; try again"),
            Self::Full => f.write_str("there is no room left for it"),
            Self::Broken(why) => f.write_str(why),
            Self::Newer(version) => write!(
                f,
                "it was made by a later version of crumbtrail (form {version}); take a crumbtrail as new as the program"
            ),
            Self::Foreign => f.write_str("it is no store of crumbtrail's"),
        }
    }
}

impl Error for Fault {}
