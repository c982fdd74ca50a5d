//! What a message says beside the error it ends with: `cannot charge order 17` of `cannot charge order 17: no answer`.

use crate::model::TrackedEvent;

/// The message without the error's own text, and without what led over to it; empty where the error was all it said.
pub(super) fn head(event: &TrackedEvent) -> &str {
    let Some(message) = event.message.as_deref() else { return "" };
    let at = event.error_at.or_else(|| repeated_at(event, message));
    match at.and_then(|at| message.get(..at)) {
        Some(before) => without_bridge(before),
        None => without_colon(message.trim()),
    }
}

/// Where a message repeats the error that a field handed over. Only where something leads over to it: a short text may
/// stand in any sentence.
fn repeated_at(event: &TrackedEvent, message: &str) -> Option<usize> {
    let error = event.chain.first()?.value.trim();
    if error.is_empty() {
        return None;
    }
    let mut places = message.match_indices(error).map(|(at, _)| at);
    places.find(|at| {
        let before = message.get(..*at).unwrap_or_default().trim_end();
        let behind = message.get(at + error.len()..).unwrap_or_default().trim_start();
        if before.is_empty() {
            return behind.is_empty() || behind.starts_with([':', '\n']);
        }
        without_mark(before).is_some() && !behind.starts_with(char::is_alphanumeric)
    })
}

/// Whether a text names anything that went wrong, and not only that something did.
pub(super) fn says_something(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let is_empty = |word: &str| EMPTY_WORDS.iter().any(|empty| empty.eq_ignore_ascii_case(word));
    words.filter(|word| word.chars().any(char::is_alphabetic)).any(|word| !is_empty(word))
}

/// A text that is an error by itself is quoted by its `Debug`.
pub(super) fn unquoted(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"').and_then(|inside| inside.strip_suffix('"')).unwrap_or(text)
}

/// Takes off what stands between a message and its error: `: `, ` - `, `, error=`, `; caused by: `, ` due to `.
fn without_bridge(before: &str) -> &str {
    let mut head = before.trim();
    loop {
        let shorter = without_mark(head).map(str::trim_end);
        match shorter.or_else(|| BRIDGES.iter().find_map(|bridge| bridged(head, bridge)).map(str::trim_end)) {
            Some(shorter) => head = shorter,
            None => return head,
        }
    }
}

/// The text before the mark that it ends with, if that leads over to something. A quote does where it opens; `>` where
/// it is the tip of an arrow.
fn without_mark(text: &str) -> Option<&str> {
    let last = text.chars().next_back()?;
    let before = text.get(..text.len() - last.len_utf8())?;
    let leads = match last {
        ':' | '-' | '–' | '—' | '=' | ',' | ';' | '(' | '[' | '{' => true,
        '"' | '`' => before.matches(last).count() % 2 == 0,
        '\'' => before.is_empty() || before.ends_with([' ', '(', '[', ':', '=']),
        '>' => before.ends_with(['-', '=']),
        _ => false,
    };
    leads.then_some(before)
}

/// The text before a bridge. A name such as `error` is one only behind a mark: `Database error` is a head.
fn bridged<'a>(text: &'a str, bridge: &Bridge) -> Option<&'a str> {
    let at = text.len().checked_sub(bridge.words.len())?;
    let (before, end) = (text.get(..at)?, text.get(at..)?);
    let apart = match bridge.behind {
        Behind::Mark => before.trim_end().ends_with([',', ';', '(', '[', '{', '-', '–', '—', ':', '.', '|']),
        Behind::Space => before.ends_with(char::is_whitespace),
    };
    (apart && end.eq_ignore_ascii_case(bridge.words)).then_some(before)
}

fn without_colon(message: &str) -> &str {
    message.trim_end_matches(|c: char| c == ':' || c.is_whitespace())
}

struct Bridge {
    words: &'static str,
    behind: Behind,
}

enum Behind {
    Mark,
    Space,
}

const fn mark(words: &'static str) -> Bridge {
    Bridge { words, behind: Behind::Mark }
}

const fn space(words: &'static str) -> Bridge {
    Bridge { words, behind: Behind::Space }
}

const BRIDGES: [Bridge; 16] = [
    mark("error"),
    mark("err"),
    mark("e"),
    mark("cause"),
    mark("reason"),
    mark("source"),
    space("with error"),
    space("with an error"),
    space("with err"),
    space("due to error"),
    space("due to"),
    space("because of"),
    space("because"),
    space("caused by"),
    space("error ="),
    space("error:"),
];

const EMPTY_WORDS: [&str; 42] = [
    "a",
    "an",
    "and",
    "are",
    "been",
    "by",
    "caught",
    "critical",
    "e",
    "encountered",
    "err",
    "erred",
    "error",
    "errored",
    "errors",
    "exception",
    "fail",
    "failed",
    "failing",
    "fails",
    "failure",
    "failures",
    "fatal",
    "following",
    "from",
    "got",
    "had",
    "has",
    "in",
    "is",
    "of",
    "occurred",
    "oops",
    "something",
    "the",
    "there",
    "unexpected",
    "unknown",
    "was",
    "went",
    "with",
    "wrong",
];
