//! What a list of events shows first, on one line.
//!
//! The message says what the program was about; an `#[instrument(err)]` has none, so its function stands in; then the
//! error speaks for itself. A title is of one event: ids in it stay.

use super::fingerprint::is_specific;
use super::head::{head, says_something, unquoted};
use super::instrumented;
use crate::limits::TITLE_BYTES;
use crate::model::{EventKind, TrackedEvent};

pub(super) fn title(event: &TrackedEvent) -> String {
    let error = event.chain.first();
    let text = error.map(|error| first_line(unquoted(&error.value))).filter(|line| !line.is_empty());
    if event.kind == EventKind::Panic {
        return shortened(&format!("panicked: {}", text.unwrap_or("(no text)")));
    }
    let head = first_line(head(event));
    if says_something(head) {
        return shortened(head);
    }
    let name = error.and_then(|error| error.type_name.as_deref()).map(first_line);
    let name = name.filter(|name| !name.is_empty());
    let silent = event.message.is_none();
    let named = instrumented(event).or_else(|| name.filter(|name| silent && is_specific(name)));
    match named.or(text).or_else(|| Some(head).filter(|head| !head.is_empty())).or(name) {
        Some(title) => shortened(title),
        None if event.kind == EventKind::Log && !event.fields.is_empty() => shortened(&values(event)),
        None => "(no text)".to_owned(),
    }
}

/// The first line that says something itself: not the heading of a section, which the reports of errors are made of.
fn first_line(text: &str) -> &str {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_heading = |line: &str| {
        let name = line.trim_matches(['━', '─', ' ', ':']);
        HEADINGS.iter().any(|heading| name.eq_ignore_ascii_case(heading))
    };
    let line = lines().find(|line| !is_heading(line)).or_else(|| lines().next()).unwrap_or_default();
    // Reports that number their causes begin with the error itself.
    line.strip_prefix("0: ").map_or(line, str::trim_start)
}

/// Of a line that has fields only: those.
fn values(event: &TrackedEvent) -> String {
    let value = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let said = event.fields.iter().map(|(name, of)| format!("{name}={}", first_line(&value(of))));
    said.collect::<Vec<_>>().join(" ")
}

fn shortened(line: &str) -> String {
    match line.char_indices().find(|(at, character)| at + character.len_utf8() > TITLE_BYTES) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
    }
}

const HEADINGS: [&str; 8] = [
    "backtrace",
    "caused by",
    "error",
    "location",
    "spantrace",
    "stack backtrace",
    "the application panicked (crashed).",
    "traceback",
];
