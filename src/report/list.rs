//! Issues, events and lines, one a row.
//!
//! Called in the command's own process. Pure; never panics; everything from outside is escaped.

use std::time::Duration;

use super::clip::clip;
use super::frames::place;
use super::page::Page;
use super::style::{Ink, Look};
use super::table::{Cell, Table};
use super::time::{count, moment, stretch};
use crate::issues::{IssueId, IssueKind, LineTotal, Moment, State, Summary, UserCount, identity};
use crate::limits::{REPORT_COLUMN_CHARS, REPORT_WORD_CHARS};
use crate::model::{EventKind, TrackedEvent};

/// Issues, in the order they are given in.
pub(crate) fn issues(issues: &[Summary], now: Moment, look: Look) -> String {
    if issues.is_empty() {
        return "no issues\n".to_owned();
    }
    let mut table = Table::at(0, &["issue", "state", "count", "users", "last seen", "releases", "what"]);
    for issue in issues {
        let (ink, state) = state(issue);
        let title = match issue.kind {
            IssueKind::Panic => Cell::text(Ink::Error, "PANIC ").and(Ink::Strong, long(&issue.title)),
            IssueKind::Error => Cell::text(Ink::Strong, long(&issue.title)),
            IssueKind::Log => Cell::text(Ink::Plain, long(&issue.title)).and(Ink::Dim, " (no error)"),
        };
        table.row([
            Cell::text(Ink::Plain, short_id(issue.id)),
            Cell::text(ink, state),
            Cell::number(Ink::Plain, count(issue.count)),
            Cell::number(Ink::Plain, users(issue.users)),
            Cell::number(Ink::Plain, stretch_since(now, issue.last_seen)),
            Cell::text(Ink::Dim, releases(issue)),
            if issue.culprit.is_empty() || issue.culprit == issue.title {
                title
            } else {
                title.and(Ink::Dim, format!(" · {}", long(&issue.culprit)))
            },
        ]);
    }
    text(table, look)
}

/// What was counted by line, not told apart; nothing where there is nothing.
pub(crate) fn lines(lines: &[LineTotal], now: Moment, look: Look) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut table = Table::at(0, &["count", "last seen", "line, not told apart"]);
    for LineTotal { target, file, line, count: times, last_seen } in lines {
        let place = place(file.as_deref(), *line);
        let cell = Cell::text(Ink::Plain, long(target));
        table.row([
            Cell::number(Ink::Plain, count(*times)),
            Cell::number(Ink::Plain, stretch_since(now, *last_seen)),
            if place.is_empty() { cell } else { cell.and(Ink::Dim, format!(" ({})", long(&place))) },
        ]);
    }
    text(table, look)
}

/// Events of one issue, in the order they are given in.
pub(crate) fn events(events: &[TrackedEvent], now: Moment, look: Look) -> String {
    if events.is_empty() {
        return "no events are kept\n".to_owned();
    }
    let mut table = Table::at(0, &["event", "time, UTC", "age", "user", "release", "what"]);
    for event in events {
        let user = event.user.as_ref().and_then(identity).map_or("-", |(_, user)| user);
        let id: String = event.id.to_string().chars().take(ID_DIGITS).collect();
        let mut what = match event.kind {
            EventKind::Panic => Cell::text(Ink::Error, "PANIC ").and(Ink::Strong, long(&event.title)),
            EventKind::Error | EventKind::Log => Cell::text(Ink::Strong, long(&event.title)),
        };
        if let Some(root) = event.chain.last().map(|root| &root.value).filter(|root| **root != event.title) {
            what = what.and(Ink::Plain, format!(": {}", long(root)));
        }
        table.row([
            Cell::text(Ink::Plain, id),
            Cell::text(Ink::Plain, moment(event.time).trim_end_matches(" UTC")),
            Cell::number(Ink::Plain, stretch_since(now, Moment::of(event.time))),
            Cell::text(Ink::Plain, short(user)),
            Cell::text(Ink::Dim, event.release.as_deref().map_or_else(|| "-".to_owned(), short)),
            what,
        ]);
    }
    text(table, look)
}

/// As many digits as name an issue among tens of thousands.
pub(crate) fn short_id(id: IssueId) -> String {
    format!("{id}").chars().take(ID_DIGITS).collect()
}

pub(super) fn users(users: UserCount) -> String {
    format!("{}{}", if users.is_estimate { "≈" } else { "" }, count(users.number))
}

/// How long since then, in words that fit into a column.
fn stretch_since(now: Moment, then: Moment) -> String {
    let since = now.since(then);
    if since < Duration::from_secs(1) { "now".to_owned() } else { stretch(since) }
}

fn state(issue: &Summary) -> (Ink, &'static str) {
    match issue.state {
        State::Unresolved if issue.regressed => (Ink::Error, "back"),
        State::Unresolved => (Ink::Plain, "open"),
        State::Resolved { .. } => (Ink::Dim, "resolved"),
        State::Muted { .. } => (Ink::Dim, "muted"),
    }
}

/// The first and the last one.
fn releases(issue: &Summary) -> String {
    match (&issue.first_release, &issue.last_release) {
        (Some(first), Some(last)) if first == last => short(first),
        (Some(first), Some(last)) => format!("{} → {}", short(first), short(last)),
        (Some(one), None) | (None, Some(one)) => short(one),
        (None, None) => "-".to_owned(),
    }
}

fn short(text: &str) -> String {
    clip(text, REPORT_COLUMN_CHARS)
}

fn long(text: &str) -> String {
    clip(text, REPORT_WORD_CHARS)
}

fn text(table: Table, look: Look) -> String {
    let mut page = Page::new(look);
    table.put(&mut page);
    page.into_text()
}

/// Digits of an id that are shown in a list.
const ID_DIGITS: usize = 8;

#[cfg(test)]
mod tests;
