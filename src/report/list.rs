//! Issues, events and lines, one a row.

use super::page::{Line, Page};
use super::style::{Ink, Look};
use crate::issues::{LineTotal, Moment, Sighting, Summary};
use crate::model::TrackedEvent;

/// Issues, in the order they are given in.
pub(crate) fn issues(issues: &[Summary], _now: Moment, look: Look) -> String {
    let mut page = Page::new(look);
    issues.iter().for_each(|issue| page.put(Line::one_row(0).add(Ink::Plain, &issue.title)));
    page.into_text()
}

/// What was counted by line, not told apart.
pub(crate) fn lines(lines: &[LineTotal], _now: Moment, look: Look) -> String {
    let mut page = Page::new(look);
    lines.iter().for_each(|line| page.put(Line::one_row(0).add(Ink::Plain, &line.target)));
    page.into_text()
}

/// Events of one issue, in the order they are given in.
pub(crate) fn events(events: &[TrackedEvent], _now: Moment, look: Look) -> String {
    let mut page = Page::new(look);
    events.iter().for_each(|event| page.put(Line::one_row(0).add(Ink::Plain, &event.title)));
    page.into_text()
}

/// One line, without its end, for the first sight of an issue.
pub(crate) fn sighted(sighting: &Sighting) -> String {
    let mut text = String::new();
    crate::diag::escape_into(&sighting.title, &mut text);
    text
}
