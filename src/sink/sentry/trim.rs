//! What becomes of an event that is too long for an envelope: it loses what tells least, with a mark that says what.
//!
//! In this order, and no more of it than is needed: breadcrumbs, the oldest first; frames, from the middle of the stack;
//! fields of the line, the longest first; contexts of the spans; those of the program; tags; the message; and if all that
//! was not enough, every text that is long. Its names, its fingerprint and what the error says stay. Pure; every part is
//! measured once.

use std::cmp::Reverse;
use std::io;

use serde_json::{Map, Value};

use super::wire::{FIELDS, OWN, SHORT, SPAN, Wire, stack_of};
use crate::limits::{
    ENVELOPE_BYTES, ENVELOPE_HEADERS_BYTES, TRIM_FRAMES, TRIM_MARK_BYTES, TRIM_NAMES, TRIM_TEXT_BYTES,
};
use crate::model::TrackedEvent;

impl Wire {
    /// The event as the protocol's JSON, at most [`ENVELOPE_BYTES`] less room for the headers, trimmed with marks where it
    /// is longer.
    pub(super) fn payload(&mut self, event: &TrackedEvent) -> Vec<u8> {
        fit(self.object(event), ENVELOPE_BYTES - ENVELOPE_HEADERS_BYTES)
    }
}

/// The event as JSON, of so many bytes at the most.
pub(super) fn fit(mut event: Map<String, Value>, limit: usize) -> Vec<u8> {
    let whole = serde_json::to_vec(&event).unwrap_or_default();
    if whole.len() <= limit {
        return whole;
    }
    let mut trim = Trim { over: (whole.len() + TRIM_MARK_BYTES).saturating_sub(limit), mark: Map::new() };
    drop(whole);
    trim.breadcrumbs(&mut event);
    trim.frames(&mut event);
    trim.contexts(&mut event);
    trim.tags(&mut event);
    trim.message(&mut event);
    trim.texts(&mut event);
    let own = event.get_mut("contexts").and_then(|contexts| contexts.get_mut(OWN));
    if let Some(Value::Object(own)) = own {
        own.insert("trimmed".to_owned(), Value::Object(trim.mark));
    }
    serde_json::to_vec(&event).unwrap_or_default()
}

struct Trim {
    /// Bytes that it has yet to lose.
    over: usize,
    mark: Map<String, Value>,
}

impl Trim {
    fn breadcrumbs(&mut self, event: &mut Map<String, Value>) {
        let Some(crumbs) = event.get_mut("breadcrumbs").and_then(|crumbs| crumbs.get_mut("values")) else {
            return;
        };
        let Some(crumbs) = crumbs.as_array_mut() else { return };
        let lost = crumbs.iter().take_while(|crumb| self.lose(crumb)).count();
        crumbs.drain(..lost);
        self.note("breadcrumbs", lost);
    }

    fn frames(&mut self, event: &mut Map<String, Value>) {
        let Some(frames) = stack_of(event).and_then(|stack| stack.get_mut("frames")?.as_array_mut()) else {
            return;
        };
        let (mut from, mut to) = (frames.len() / 2, frames.len() / 2);
        while to - from < frames.len().saturating_sub(2 * TRIM_FRAMES) {
            // The innermost ones, which stand last, are of most use: in doubt an outer one goes.
            let is_outer = from >= frames.len() - to;
            let next = if is_outer { from.saturating_sub(1) } else { to };
            if !frames.get(next).is_some_and(|frame| self.lose(frame)) {
                break;
            }
            (from, to) = if is_outer { (next, to) } else { (from, to + 1) };
        }
        frames.drain(from..to);
        self.note("frames", to - from);
    }

    fn contexts(&mut self, event: &mut Map<String, Value>) {
        let Some(Value::Object(contexts)) = event.get_mut("contexts") else { return };
        if let Some(Value::Object(fields)) = contexts.get_mut(FIELDS) {
            self.longest("fields", fields, |_| true);
        }
        self.longest("spans", contexts, |name| name.starts_with(SPAN));
        self.longest("contexts", contexts, |name| !SHORT.contains(&name));
    }

    fn tags(&mut self, event: &mut Map<String, Value>) {
        if let Some(Value::Object(tags)) = event.get_mut("tags") {
            self.longest("tags", tags, |_| true);
        }
    }

    fn message(&mut self, event: &mut Map<String, Value>) {
        if self.over > 0
            && let Some(entry) = event.get_mut("logentry")
            && self.cut(entry) > 0
        {
            self.mark.insert("message".to_owned(), true.into());
        }
    }

    fn texts(&mut self, event: &mut Map<String, Value>) {
        if self.over > 0 {
            let others = event.iter_mut().filter(|(name, _)| *name != "fingerprint");
            let cut = others.map(|(_, part)| self.cut(part)).sum();
            self.note("texts", cut);
        }
    }

    /// Cuts every long text in it; returns how many.
    fn cut(&mut self, part: &mut Value) -> usize {
        match part {
            Value::String(text) => {
                let before = text_size(text);
                let is_long = before > TRIM_TEXT_BYTES;
                if is_long {
                    *text = beginning(text);
                    self.over = self.over.saturating_sub(before.saturating_sub(text_size(text)));
                }
                usize::from(is_long)
            }
            Value::Array(items) => items.iter_mut().map(|item| self.cut(item)).sum(),
            Value::Object(entries) => entries.iter_mut().map(|(_, value)| self.cut(value)).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
    }

    /// Removes entries that may go, the longest first.
    fn longest(&mut self, mark: &str, entries: &mut Map<String, Value>, may_go: impl Fn(&str) -> bool) {
        if self.over == 0 {
            return;
        }
        let measured = entries.iter().filter(|(name, _)| may_go(name));
        let mut measured: Vec<(usize, String)> =
            measured.map(|(name, value)| (text_size(name) + size(value), name.clone())).collect();
        measured.sort_by_key(|(bytes, _)| Reverse(*bytes));
        let mut lost = Vec::new();
        for (bytes, name) in measured {
            if self.over == 0 {
                break;
            }
            self.over = self.over.saturating_sub(bytes + 2);
            entries.remove(&name);
            lost.push(name);
        }
        let shown = lost.iter().take(TRIM_NAMES);
        let mut names: Vec<Value> = shown.map(|name| short(name).into()).collect();
        if let Some(more) = lost.len().checked_sub(TRIM_NAMES).filter(|more| *more > 0) {
            names.push(format!("… {more} more").into());
        }
        if !names.is_empty() {
            self.mark.insert(mark.to_owned(), names.into());
        }
    }

    /// Counts a part as lost; false where that is not needed any more.
    fn lose(&mut self, part: &Value) -> bool {
        let needed = self.over > 0;
        if needed {
            self.over = self.over.saturating_sub(size(part) + 1);
        }
        needed
    }

    fn note(&mut self, name: &str, count: usize) {
        if count > 0 {
            self.mark.insert(name.to_owned(), count.into());
        }
    }
}

/// As much of a text as is left of a long one, with a mark.
fn beginning(text: &str) -> String {
    let mut room = TRIM_TEXT_BYTES - QUOTES_BYTES - '…'.len_utf8();
    let end = text.char_indices().find(|(_, character)| {
        let bytes = written(*character);
        let fits = bytes <= room;
        room = room.saturating_sub(bytes);
        !fits
    });
    let end = end.map_or(text.len(), |(at, _)| at);
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// Bytes of the quotes around a text.
const QUOTES_BYTES: usize = 2;

/// Bytes that a character takes within JSON's quotes.
fn written(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        character if character < ' ' => 6,
        character => character.len_utf8(),
    }
}

/// The beginning of a name.
fn short(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(NAME_CHARS).collect()
}

/// Characters of a name that a mark shows: four lists of such have room in [`TRIM_MARK_BYTES`], whatever they are.
const NAME_CHARS: usize = 24;

/// Bytes that a text takes as JSON.
fn text_size(text: &str) -> usize {
    QUOTES_BYTES + text.chars().map(written).sum::<usize>()
}

/// Bytes that it takes as JSON.
fn size(part: &Value) -> usize {
    let mut counted = Counted(0);
    // It cannot fail: it has no key but texts, and counting takes whatever comes.
    let _ = serde_json::to_writer(&mut counted, part);
    counted.0
}

struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_measured_as_it_is_written() {
        for character in ('\0'..='\u{2100}').chain(['\u{FFFF}', '💳']) {
            let text = format!("a{character}");
            assert_eq!(text_size(&text), serde_json::to_vec(&text).unwrap().len(), "{character:?}");
        }
    }

    #[test]
    fn what_is_left_of_a_text_is_its_beginning() {
        for (piece, bytes) in [("x", 1), ("é", 2), ("\u{1}", 6), ("💳", 4)] {
            let left = beginning(&piece.repeat(TRIM_TEXT_BYTES));
            let size = text_size(&left);
            assert!((TRIM_TEXT_BYTES - bytes..=TRIM_TEXT_BYTES).contains(&size), "{size} bytes of {piece:?}");
            assert!(left.strip_suffix('…').is_some_and(|left| left.replace(piece, "").is_empty()));
        }
    }
}
