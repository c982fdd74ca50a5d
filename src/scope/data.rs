//! What a lane may be told, bounded: user, tags, contexts.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::limits::{CONTEXT_DEPTH, FIELD_BYTES, FIELDS, LANE_ENTRIES};
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

/// A value whose texts, widths and depth are bounded; what lies deeper than [`CONTEXT_DEPTH`] becomes `…`.
pub(crate) fn value(value: Value) -> Value {
    bounded(value, CONTEXT_DEPTH)
}

fn bounded(value: Value, depth: usize) -> Value {
    match value {
        Value::String(long) if long.len() > FIELD_BYTES => Value::String(text(&long)),
        Value::Array(_) | Value::Object(_) if depth == 0 => Value::String("…".to_owned()),
        Value::Array(items) => items.into_iter().take(FIELDS).map(|item| bounded(item, depth - 1)).collect(),
        Value::Object(entries) => {
            let entries = entries.into_iter().take(FIELDS);
            Value::Object(entries.map(|(name, entry)| (text(&name), bounded(entry, depth - 1))).collect())
        }
        small => small,
    }
}
