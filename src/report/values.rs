//! Names with their values: the data of a breadcrumb, the fields of a line, tags.

use std::borrow::Cow;

use serde_json::Value;

use super::page::Line;
use super::style::Ink;

/// A value as text: a string without quotes, anything else as JSON.
pub(super) fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// Adds `name=value` pairs, two spaces apart. Texts of several lines come last, each below its name.
pub(super) fn pairs<'a>(
    mut line: Line,
    pairs: impl IntoIterator<Item = (&'a str, Cow<'a, str>)>,
) -> (Line, Vec<Block>) {
    let mut blocks = Vec::new();
    for (name, value) in pairs {
        if value.trim_end_matches(['\n', '\r']).contains('\n') {
            blocks.push(Block { name: name.to_owned(), value: value.into_owned() });
            continue;
        }
        if !line.is_empty() {
            line = line.add(Ink::Plain, "  ");
        }
        let value = quoted(&value);
        line = if name.len() + value.len() <= HELD_BYTES {
            line.held(Ink::Dim, &format!("{name}=")).held(Ink::Plain, &value)
        } else {
            line.add(Ink::Dim, &format!("{name}=")).value(Ink::Plain, &value)
        };
    }
    (line, blocks)
}

/// A value of several lines.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) name: String,
    pub(super) value: String,
}

impl Block {
    /// Its name, and its lines below, further in.
    pub(super) fn lines(&self, indent: usize) -> [Line; 2] {
        let name = Line::at(indent).add(Ink::Dim, &format!("{}=", self.name));
        [name, Line::at(indent + 2).hang_here().value(Ink::Plain, &self.value)]
    }
}

/// In quotes, where it could be read as more than one value.
pub(super) fn quoted(value: &str) -> Cow<'_, str> {
    if value.is_empty()
        || value.contains(|character: char| character.is_whitespace() || matches!(character, '"' | '='))
    {
        Cow::Owned(format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")))
    } else {
        Cow::Borrowed(value)
    }
}

/// A pair that is not longer than this stays together where it can.
const HELD_BYTES: usize = 60;
