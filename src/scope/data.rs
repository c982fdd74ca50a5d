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

/// A value whose texts, widths and depth are bounded; `…` stands for what lies deeper than [`CONTEXT_DEPTH`], and
/// behind the first [`FIELDS`] items of a list or entries of an object.
pub(crate) fn value(value: Value) -> Value {
    bounded(value, CONTEXT_DEPTH)
}

fn bounded(value: Value, depth: usize) -> Value {
    match value {
        Value::String(long) if long.len() > FIELD_BYTES => Value::String(text(&long)),
        Value::Array(_) | Value::Object(_) if depth == 0 => MORE.into(),
        Value::Array(items) => {
            let more = (items.len() > FIELDS).then(|| MORE.into());
            items.into_iter().take(FIELDS).map(|item| bounded(item, depth - 1)).chain(more).collect()
        }
        Value::Object(entries) => {
            let more = (entries.len() > FIELDS).then(|| (MORE.to_owned(), MORE.into()));
            let kept = entries.into_iter().take(FIELDS);
            Value::Object(
                kept.map(|(name, entry)| (text(&name), bounded(entry, depth - 1))).chain(more).collect(),
            )
        }
        small => small,
    }
}

/// Stands for what was left out.
const MORE: &str = "…";
