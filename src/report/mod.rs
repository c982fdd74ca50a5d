//! Reports: an event, an issue or a list of them as text that a person understands in ten seconds.
//!
//! The most important comes first: what went wrong and how often, why, where, what led to it, whom it hit. Nothing is
//! said twice, long values are folded and lose their middle, and everything that came from outside is escaped. A report
//! begins in the first column and nothing else of it does; it ends with an empty line. A list has a line each. Pure: the
//! same event gives the same text. Never panics.

mod chain;
mod clip;
mod facts;
mod frames;
#[cfg(feature = "store")]
mod issue;
#[cfg(feature = "store")]
mod list;
mod page;
mod repeat;
#[cfg(feature = "store")]
mod row;
#[cfg(test)]
#[cfg(feature = "store")]
mod sample;
#[cfg(feature = "store")]
mod sentence;
mod sighted;
#[cfg(feature = "store")]
mod sound;
mod style;
#[cfg(feature = "store")]
mod table;
mod time;
mod timeline;
mod told;
mod values;

use std::time::Duration;

use tracing::Level;

use crate::model::{EventKind, TrackedEvent};

use page::Page;
use style::Ink;
use told::Told;

pub(crate) use repeat::{Repeat, Subject, repeat};
pub(crate) use sighted::{Kept, sighted, sighted_more};
pub(crate) use style::{Look, Style};
#[cfg(feature = "store")]
pub(crate) use {
    issue::issue,
    list::{events, issues, lines, short_id},
    row::row,
    sentence::sentence,
    time::{count, rfc3339, stretch},
};

/// How often the issue came before, as far as the one who asks for a report knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// How long ago it was first seen.
    pub(crate) ago: Duration,
    /// How many came since, this one included.
    pub(crate) since: u64,
}

/// The whole event.
pub(crate) fn event(event: &TrackedEvent, seen: Option<Seen>, look: Look) -> String {
    let told = Told::by(event);
    let mut page = Page::new(look);
    chain::title(&mut page, event);
    chain::how_often(&mut page, event, seen);
    chain::chain(&mut page, event, told);
    page.blank();
    frames::frames(&mut page, &event.frames);
    frames::also_logged(&mut page, event);
    page.blank();
    timeline::trail(&mut page, event, told);
    page.blank();
    facts::facts(&mut page, event, told);
    page.blank();
    page.into_text()
}

/// The word that a report begins with.
fn word(kind: EventKind, level: Level) -> &'static str {
    match kind {
        EventKind::Panic => "PANIC",
        EventKind::Error | EventKind::Log => level.as_str(),
    }
}

fn ink_of(level: Level) -> Ink {
    match level {
        Level::ERROR => Ink::Error,
        Level::WARN => Ink::Warn,
        _ => Ink::Dim,
    }
}
