//! Names as the protocol takes them: what a server would refuse, or drop in silence, is made to fit or left out.
//!
//! The rules are those of Sentry's own intake, the strictest of the servers: for
//! [releases](https://docs.sentry.io/product/releases/naming-releases/),
//! [environments](https://docs.sentry.io/product/sentry-basics/environments/) and
//! [tags](https://develop.sentry.dev/sdk/data-model/event-payloads/#optional-attributes). Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sentry_types::protocol::v7;
use tracing::Level;

use crate::limits::{ENVIRONMENT_CHARS, RELEASE_CHARS, TAG_CHARS};

/// The protocol knows no TRACE.
pub(super) fn level(level: Level) -> v7::Level {
    match level {
        Level::ERROR => v7::Level::Error,
        Level::WARN => v7::Level::Warning,
        Level::INFO => v7::Level::Info,
        _ => v7::Level::Debug,
    }
}

/// The release, if it is one. It is never changed: another name would be another release.
pub(super) fn release(name: &str) -> Option<&str> {
    const RESERVED: [&str; 4] = ["", ".", "..", "latest"];
    let name = name.trim();
    let is_reserved = RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved));
    let is_wrong = |c: char| c.is_control() || matches!(c, '/' | '\\');
    (!is_reserved && !name.contains(is_wrong) && name.chars().count() <= RELEASE_CHARS).then_some(name)
}

/// The environment, if it is one.
pub(super) fn environment(name: &str) -> Option<String> {
    let name = line(&name.replace(['/', '\\'], "-"), ENVIRONMENT_CHARS)?;
    (!name.eq_ignore_ascii_case("none")).then_some(name)
}

/// Tags that the protocol takes, and those whose names it keeps for itself, or would take for another one's.
pub(super) fn tags(tags: &BTreeMap<String, String>) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let mut taken = BTreeMap::new();
    let mut kept = BTreeMap::new();
    for (name, value) in tags {
        let sent = tag_name(name);
        let Some(value) = line(value, TAG_CHARS).filter(|_| !sent.is_empty()) else { continue };
        if is_reserved(&sent) || taken.contains_key(&sent) {
            kept.insert(cut(name, TAG_CHARS).into_owned(), value);
        } else {
            taken.insert(sent, value);
        }
    }
    (taken, kept)
}

fn tag_name(name: &str) -> String {
    let is_taken = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
    name.trim().chars().map(|c| if is_taken(c) { c } else { '_' }).take(TAG_CHARS).collect()
}

/// Whether a server writes the tag itself, and drops ours.
fn is_reserved(name: &str) -> bool {
    const RESERVED: [&str; 6] = ["dist", "environment", "filename", "function", "release", "user"];
    name.starts_with("sentry:") || RESERVED.contains(&name)
}

/// At most so many characters, the last of which is a mark where there were more.
pub(super) fn cut(text: &str, chars: usize) -> Cow<'_, str> {
    // A character has a byte at least.
    if text.len() <= chars || text.chars().nth(chars).is_none() {
        return Cow::Borrowed(text);
    }
    let end = text.char_indices().nth(chars.saturating_sub(1)).map_or(0, |(at, _)| at);
    Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default()))
}

/// On one line, at most so many characters long; None where nothing is left.
pub(super) fn line(text: &str, chars: usize) -> Option<String> {
    let shown = text.trim().chars().take(chars + 1);
    let line: String = shown.map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = cut(line.trim(), chars);
    (!line.is_empty()).then(|| line.into_owned())
}
