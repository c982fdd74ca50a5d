//! What a lane may be told, bounded: user, tags, contexts.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::limits::{CONTEXT_BYTES, CONTEXT_DEPTH, FIELD_BYTES, FIELDS, LANE_ENTRIES};
use crate::trail::text::BoundedString;

/// Inserts, and says whether there was room: a lane holds [`LANE_ENTRIES`] entries. One that is there is replaced.
pub(crate) fn insert<V>(entries: &mut BTreeMap<String, V>, name: &str, value: V) -> bool {
    let room = entries.len() < LANE_ENTRIES || entries.contains_key(name);
    if room {
        entries.insert(name.to_owned(), value);
    }
    room
}

/// A text of at most [`FIELD_BYTES`] bytes; one that was cut ends with `…`.
pub(crate) fn text(text: &str) -> String {
    BoundedString::format(FIELD_BYTES, format_args!("{text}"))
}

/// A value whose texts, widths, depth and size are bounded; `…` stands for what lies deeper than [`CONTEXT_DEPTH`],
/// behind the first [`FIELDS`] items of a list or entries of an object, and beyond [`CONTEXT_BYTES`].
pub(crate) fn value(value: Value) -> Value {
    bounded(value, CONTEXT_DEPTH, &mut { CONTEXT_BYTES })
}

fn bounded(value: Value, depth: usize, room: &mut usize) -> Value {
    *room = room.saturating_sub(size_of::<Value>());
    match value {
        Value::Array(_) | Value::Object(_) if depth == 0 || *room == 0 => MORE.into(),
        Value::String(long) => {
            let kept = if long.len() > FIELD_BYTES { text(&long) } else { long };
            let left = room.checked_sub(kept.len());
            *room = left.unwrap_or(0);
            if left.is_some() { kept.into() } else { MORE.into() }
        }
        Value::Array(items) => {
            let more = (items.len() > FIELDS).then(|| MORE.into());
            items.into_iter().take(FIELDS).map(|item| bounded(item, depth - 1, room)).chain(more).collect()
        }
        Value::Object(entries) => {
            let more = (entries.len() > FIELDS).then(|| (MORE.to_owned(), MORE.into()));
            let kept = entries.into_iter().take(FIELDS).map(|(name, entry)| {
                let name = text(&name);
                *room = room.saturating_sub(name.len());
                (name, bounded(entry, depth - 1, room))
            });
            Value::Object(kept.chain(more).collect())
        }
        small => small,
    }
}

/// Stands for what was left out.
const MORE: &str = "…";
