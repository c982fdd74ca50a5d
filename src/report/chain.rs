//! What went wrong: the title, how often, and the chain of causes.

use super::page::{Line, Page};
use super::style::Ink;
use super::time::{count, stretch};
use super::told::Told;
use super::{Seen, ink_of, word};
use crate::model::{Cause, EventKind, TrackedEvent};

pub(super) fn title(page: &mut Page, event: &TrackedEvent) {
    let (ink, word) = (ink_of(event.level), word(event.kind, event.level));
    page.put(Line::at(0).add(ink, word).add(Ink::Plain, " ").hang_here().add(Ink::Strong, &event.title));
}

/// How it ended and how often it came; nothing where there is nothing to say.
pub(super) fn how_often(page: &mut Page, event: &TrackedEvent, seen: Option<Seen>) {
    let mut parts = Vec::new();
    // A panic is never handled.
    if !event.handled && event.kind != EventKind::Panic {
        parts.push("not handled".to_owned());
    }
    match seen {
        Some(seen) => {
            parts.push(format!("first seen {} ago · ×{} since", stretch(seen.ago), count(seen.since)));
        }
        None if event.tallied_before > 0 => {
            parts.push(format!("×{} more since the last one in full", count(event.tallied_before)));
        }
        None => {}
    }
    if !parts.is_empty() {
        page.put(Line::at(2).add(Ink::Dim, &parts.join(" · ")));
    }
}

/// The error and its causes, the further errors of the same line, and the message where these do not tell it.
pub(super) fn chain(page: &mut Page, event: &TrackedEvent, told: Told<'_>) {
    if let Some(message) = told.message() {
        page.put(Line::at(2).hang(HANG).value(Ink::Plain, message));
    }
    for index in 0..event.chain.len() {
        let lead = if index == 0 { "" } else { CAUSED_BY };
        cause(page, lead, told.cause(&event.chain, index));
    }
    if event.chain_cut {
        page.put(Line::at(2).add(Ink::Dim, CAUSED_BY).add(Ink::Dim, "…"));
    }
    for sibling in &event.siblings {
        for (index, Cause { type_name, value, .. }) in sibling.iter().enumerate() {
            let lead = if index == 0 { "and " } else { CAUSED_BY };
            cause(page, lead, (type_name.as_deref(), Some(value)));
        }
    }
}

fn cause(page: &mut Page, lead: &str, (type_name, value): (Option<&str>, Option<&str>)) {
    let mut line = Line::at(2).hang(HANG);
    if type_name.is_none() && value.is_none() {
        return;
    }
    line = line.add(Ink::Dim, lead);
    if let Some(name) = type_name {
        line = line.add(Ink::Strong, name);
    }
    if let Some(value) = value {
        let apart = if type_name.is_some() { ": " } else { "" };
        line = line.add(Ink::Plain, apart).value(Ink::Plain, value);
    }
    page.put(line);
}

const CAUSED_BY: &str = "caused by ";
/// Further in than any line of the report begins: a value's own lines are not taken for those.
const HANG: usize = 6;
