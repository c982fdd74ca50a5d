//! An event as one line, as it comes.

use super::list::short_id;
use super::page::{Line, Page};
use super::style::{Ink, Look};
use super::time::moment;
use super::{ink_of, word};
use crate::issues::{IssueId, identity};
use crate::model::TrackedEvent;

/// When, of which issue, what, why, and whom it hit: on one line, whatever stands in them.
pub(crate) fn row(event: &TrackedEvent, issue: IssueId, look: Look) -> String {
    let mut page = Page::new(look);
    let mut line = Line::one_row(0)
        .add(Ink::Dim, &moment(event.time))
        .add(Ink::Plain, "  ")
        .add(Ink::Plain, &short_id(issue))
        .add(Ink::Plain, "  ")
        .add(ink_of(event.level), word(event.kind, event.level))
        .add(Ink::Plain, " ")
        .add(Ink::Strong, &event.title);
    let root = event.chain.last().map(|cause| cause.value.as_str());
    if let Some(root) = root.filter(|root| !root.is_empty() && *root != event.title) {
        line = line.add(Ink::Plain, ": ").add(Ink::Plain, root);
    }
    if let Some((_, user)) = event.user.as_ref().and_then(identity) {
        line = line.add(Ink::Dim, "  user ").add(Ink::Plain, user);
    }
    page.put(line);
    page.into_text()
}
