//! What a person calls an issue: the beginning of its id, the id of one of its events, or the latest.

use super::error::ViewError;
use crate::issues::{Book, Fault, IssueId, NAMED, Query};
use crate::model::{EventId, TrackedEvent};
use crate::sink::Store;

/// What a name names.
#[derive(Debug)]
pub(super) enum Named {
    Issue(IssueId),
    /// One of its events.
    Event(IssueId, Box<TrackedEvent>),
}

impl Named {
    pub(super) fn issue(&self) -> IssueId {
        match self {
            Self::Issue(id) | Self::Event(id, _) => *id,
        }
    }
}

/// Why there is nothing of that name: the question's fault, or the book's.
pub(super) enum Missing {
    View(ViewError),
    Book(Fault),
}

impl From<Fault> for Missing {
    fn from(fault: Fault) -> Self {
        Self::Book(fault)
    }
}

/// Finds what is called so.
pub(super) fn find(book: &Store, name: &str) -> Result<Named, Missing> {
    let name = name.trim();
    if name == LATEST {
        let newest = book.list(&Query { most: Some(1), ..Query::default() })?;
        let newest = newest.first().ok_or_else(|| unknown("there is no issue yet"))?;
        return Ok(Named::Issue(newest.id));
    }
    let is_hexadecimal = !name.is_empty() && name.bytes().all(|digit| digit.is_ascii_hexdigit());
    let digits = match name.parse::<EventId>() {
        // With hyphens, as some write it.
        Ok(id) => id.to_string(),
        Err(_) if is_hexadecimal && name.len() <= EVENT_DIGITS => name.to_ascii_lowercase(),
        Err(_) => {
            return Err(Missing::View(ViewError::name(format!(
                "`{name}` names no issue: say the first digits of its id, as `crumbtrail issues` lists them, of the id of \
                 one of its events, or `{LATEST}`"
            ))));
        }
    };
    let mut candidates = Vec::new();
    if digits.len() <= ISSUE_DIGITS {
        let issues = book.named(&digits)?;
        if let [id] = issues.as_slice() {
            return Ok(Named::Issue(*id));
        }
        for id in issues {
            let title = book.issue(id)?.map(|issue| issue.summary.title);
            candidates.push(format!("{id}  {}", title.unwrap_or_default()));
        }
    }
    if candidates.is_empty() && digits.len() >= EVENT_DIGITS_LEAST {
        let mut events = book.called(&digits)?;
        if events.len() > 1 {
            candidates.extend(events.iter().map(|event| format!("{}  {}", event.id, event.title)));
        } else if let Some(event) = events.pop() {
            return Ok(Named::Event(IssueId::of(&event.fingerprint), Box::new(event)));
        }
    }
    if candidates.is_empty() {
        return Err(unknown(format!(
            "no issue and no kept event has an id that begins with `{digits}`; `crumbtrail issues --limit 0` lists the issues"
        )));
    }
    let more = if candidates.len() < NAMED { "" } else { ", and maybe of others" };
    let words = format!("`{digits}` is the beginning of several ids{more}; say more digits of one of");
    Err(Missing::View(ViewError::name(words).candidates(candidates)))
}

fn unknown(words: impl Into<String>) -> Missing {
    Missing::View(ViewError::unknown(words))
}

/// What the issue that was seen last is called.
const LATEST: &str = "latest";
/// The digits of an issue's id.
const ISSUE_DIGITS: usize = 16;
/// Those of an event's.
const EVENT_DIGITS: usize = 32;
/// As many of them as a list of events shows.
const EVENT_DIGITS_LEAST: usize = 8;
