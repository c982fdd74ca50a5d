//! What reports append to an error's text: backtraces, span traces, locations, suggestions. They are attachments, no part
//! of what the error says.

use super::stack;
use crate::model::Frame;

/// An error's text, and the stack that came with it.
#[derive(Debug)]
pub(super) struct Parts<'t> {
    /// What stands before the first section.
    pub(super) text: &'t str,
    /// Innermost first; empty if there is none.
    pub(super) stack: Vec<Frame>,
    /// Something was cut off.
    pub(super) cut: bool,
}

/// Splits a text without colours at its first section.
pub(super) fn split(text: &str) -> Parts<'_> {
    let mut end = None;
    let mut offset = 0;
    let mut blank_before = true;
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let next = lines.peek().map(|next| next.trim_end_matches(['\n', '\r']));
        let behind = offset + line.len();
        match section(line.trim_end_matches(['\n', '\r']), next, blank_before) {
            Some(Section::Backtrace) => {
                let end = end.unwrap_or(offset);
                let stack = stack::frames(text.get(behind..).unwrap_or_default());
                return Parts { text: before(text, end), stack, cut: true };
            }
            Some(Section::Other) => end = end.or(Some(offset)),
            None => {}
        }
        blank_before = line.trim().is_empty();
        offset = behind;
    }
    Parts { text: end.map_or(text, |end| before(text, end)), stack: Vec::new(), cut: end.is_some() }
}

/// Whether a text may have sections or listed backtraces at all: a look that is cheap.
pub(super) fn may_have(text: &str) -> bool {
    text.contains('\n') || text.contains(LIST)
}

/// Takes the frames out of the backtraces that a derived `Debug` lists, `Backtrace [{ fn: "…" }, …]`; None where there
/// are none.
pub(super) fn without_lists(text: &str) -> Option<String> {
    let mut bare = String::new();
    let mut rest = text;
    while let Some((before, list)) = rest.split_once(LIST) {
        bare.push_str(before);
        bare.push_str(LIST);
        if list.trim_start().starts_with("{ fn: \"") {
            let end = end_of_list(list);
            bare.push('…');
            rest = list.get(end..).unwrap_or_default();
        } else {
            rest = list;
        }
    }
    bare.push_str(rest);
    (bare.len() < text.len()).then_some(bare)
}

/// Where the bracket stands that closes a list, outside of strings.
fn end_of_list(list: &str) -> usize {
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in list.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'[' if !quoted => depth += 1,
            b']' if !quoted && depth == 0 => return at,
            b']' if !quoted => depth -= 1,
            _ => {}
        }
    }
    list.len()
}

const LIST: &str = "Backtrace [";

enum Section {
    Backtrace,
    Other,
}

/// What section a line begins, if any. What a message may say too counts only in the shape that reports give it.
fn section(line: &str, next: Option<&str>, blank_before: bool) -> Option<Section> {
    let other = |is: bool| is.then_some(Section::Other);
    match line {
        "Stack backtrace:" | "stack backtrace:" | "Backtrace:" if blank_before => {
            // A text may have been cut right behind.
            next.is_none_or(|next| stack::begins(next) || next.trim().is_empty())
                .then_some(Section::Backtrace)
        }
        "Location:" if blank_before => {
            other(next.is_none_or(|next| next.starts_with("   ") && stack::is_place(next)))
        }
        _ if line.starts_with("backtrace no. ") => Some(Section::Backtrace),
        _ if line.trim_start().starts_with("━━━") => {
            if line.contains(" BACKTRACE ") {
                Some(Section::Backtrace)
            } else {
                other(line.contains(" SPANTRACE ") || line.trim().chars().all(|rule| rule == '━'))
            }
        }
        _ => other(blank_before && APPENDED.iter().any(|begin| line.starts_with(begin)))
            .or_else(|| other(line.starts_with("NOTE: If you're looking for the fancy error reports"))),
    }
}

/// What color-eyre and snafu write below an error.
const APPENDED: [&str; 4] = [
    "Backtrace omitted. Run with ",
    "Run with COLORBT_SHOW_HIDDEN=1 ",
    "NOTE: Some redundant information has been removed",
    "Run with RUST_BACKTRACE=full to include source",
];

fn before(text: &str, end: usize) -> &str {
    text.get(..end).unwrap_or_default().trim_end()
}
