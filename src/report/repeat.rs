//! One line about what came again.

use std::time::Duration;

use tracing::Level;

use super::frames::place;
use super::page::{Line, Page};
use super::style::{Ink, Look};
use super::time::{count, stretch};
use super::{ink_of, word};
use crate::model::EventKind;

/// What came again, and how often since it was last told.
#[derive(Debug)]
pub(crate) struct Repeat<'a> {
    pub(crate) of: &'a Subject,
    pub(crate) times: u64,
    /// Since when; None where this is the first that is told of it.
    pub(crate) within: Option<Duration>,
}

/// What it is that came again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// An issue.
    Issue { kind: EventKind, level: Level, title: String },
    /// A line whose failures were not told apart.
    Line { target: String, file: Option<String>, line: Option<u32> },
}

/// `ERROR ×37 in 10 s  checkout failed`, on one line whatever its title is.
pub(crate) fn repeat(repeat: &Repeat<'_>, look: Look) -> String {
    let mut page = Page::new(look);
    let (ink, lead) = match repeat.of {
        Subject::Issue { kind, level, .. } => (ink_of(*level), word(*kind, *level)),
        Subject::Line { .. } => (Ink::Error, Level::ERROR.as_str()),
    };
    let line = Line::one_row(0).add(ink, lead).add(Ink::Plain, " ");
    let line = match repeat.within {
        Some(within) if repeat.times == 1 => {
            line.add(Ink::Strong, "again").add(Ink::Dim, &format!(" after {}", stretch(within)))
        }
        within => {
            let within = within.map(|within| format!(" in {}", stretch(within))).unwrap_or_default();
            line.add(Ink::Strong, &format!("×{}", count(repeat.times))).add(Ink::Dim, &within)
        }
    };
    let line = line.add(Ink::Plain, "  ");
    page.put(match repeat.of {
        Subject::Issue { title, .. } => line.add(Ink::Plain, title),
        Subject::Line { target, file, line: number } => {
            let place = place(file.as_deref(), *number);
            let place = if place.is_empty() { place } else { format!(" ({place})") };
            line.add(Ink::Plain, &format!("at {target}{place}")).add(Ink::Dim, ", not told apart")
        }
    });
    page.into_text()
}
