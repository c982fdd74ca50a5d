//! The skeleton of a text: what a line of code says every time, with placeholders where it says something else.
//!
//! `order 17 of ada@example.org took 1.5s` becomes `order <*> of <email> took <duration>`. Read by hand in one pass, in
//! time that grows with the text alone; at most [`SKELETON_CHARS`] long, on one line; the skeleton of a skeleton is
//! itself. Never panics.
//!
//! What stays: words with digits inside (`utf8`, `s3`, `E0382`), names of standards (`UTF-8`, `HTTP/1.1`), and numbers
//! that tell one failure from another (see [`codes`]). Placeholders of one kind in a row become one: a list of three is
//! the same failure as a list of four.

use std::borrow::Cow;

use super::codes::{self, Before};
use super::runs::{back_quoted, bracketed_address, double_quoted, is_code, path, run, scheme};
use super::values;
use crate::limits::SKELETON_CHARS;

pub(super) fn skeleton(text: &str) -> String {
    within(text, SKELETON_CHARS, LINES)
}

/// The skeleton of a longer part of a text, its lines joined: what stays in there is no value.
pub(super) fn without_values(text: &str) -> String {
    within(text, SCANNED_CHARS, usize::MAX)
}

fn within(text: &str, chars: usize, lines: usize) -> String {
    let text = without_invisible(text);
    let mut scanner = Scanner { chars, lines, ..Scanner::default() };
    let mut rest = text.trim();
    while !rest.is_empty() && !scanner.ended {
        let taken = scanner.take(rest);
        rest = rest.get(taken..).unwrap_or_default();
        scanner.bound();
    }
    scanner.out.truncate(scanner.out.trim_end().len());
    scanner.out
}

/// Without the colours of terminals and what has no width: neither is part of what is said.
fn without_invisible(text: &str) -> Cow<'_, str> {
    let invisible = |c: char| {
        (c.is_control() && !c.is_whitespace())
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
    };
    if !text.contains(invisible) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' && characters.next_if_eq(&'[').is_some() {
            while characters.next_if(|c| c.is_ascii_digit() || matches!(c, ';' | '?')).is_some() {}
            characters.next_if(char::is_ascii_alphabetic);
        } else if !invisible(character) {
            clean.push(character);
        }
    }
    Cow::Owned(clean)
}

/// What was read so far. Every decision rests on what was written, not on what was read: so it falls the same way when
/// the output is read again.
#[derive(Default)]
struct Scanner<'a> {
    out: String,
    /// Where the output may be cut so that it ends with a whole piece and has room for the mark.
    safe: usize,
    before: Before<'a>,
    /// The newest placeholder, and where it ends in the output.
    newest: Option<(&'static str, usize)>,
    /// Characters that the output may have.
    chars: usize,
    /// Lines that may be read yet.
    lines: usize,
    /// No apostrophe further on closes a quote.
    unquoted: bool,
    ended: bool,
}

impl<'a> Scanner<'a> {
    /// Takes one piece off the front of a text; returns its length.
    fn take(&mut self, text: &'a str) -> usize {
        let Some(first) = text.chars().next() else { return 0 };
        if first.is_whitespace() {
            return self.space(text);
        }
        let quoted = match first {
            '"' => double_quoted(text),
            '`' => back_quoted(text),
            '\'' => self.single_quoted(text),
            _ => None,
        };
        if let Some(length) = quoted {
            match text.get(..length).filter(|quoted| first == '`' && is_code(quoted.trim_matches('`'))) {
                Some(code) => self.literal(code),
                None => self.value(values::TEXT),
            }
            return length;
        }
        if let Some(length) = bracketed_address(text) {
            self.value(values::HOST);
            return length;
        }
        if let Some(length) = path(text).filter(|_| self.is_apart()) {
            self.value(values::PATH);
            return length;
        }
        match Word::read(text) {
            Some(word) => self.word(text, &word),
            None => {
                self.literal(text.get(..first.len_utf8()).unwrap_or_default());
                first.len_utf8()
            }
        }
    }

    /// Keeps the output within its bound: what does not fit as a whole is left out, with a mark.
    fn bound(&mut self) {
        let length = self.out.chars().count();
        if length < self.chars {
            self.safe = self.out.len();
        } else if length > self.chars {
            self.out.truncate(self.safe);
            self.out.truncate(self.out.trim_end().len());
            self.out.push('…');
            self.ended = true;
        }
    }

    /// A run of white space is one space. Two lines are enough: what follows is detail.
    fn space(&mut self, text: &str) -> usize {
        let length = text.find(|c: char| !c.is_whitespace()).unwrap_or(text.len());
        if text.get(..length).is_some_and(|space| space.contains('\n')) {
            self.lines = self.lines.saturating_sub(1);
            self.ended = self.lines == 0;
        }
        self.out.push(' ');
        length
    }

    /// Text that stays, and is no word.
    fn literal(&mut self, text: &str) {
        self.out.push_str(text);
        match text.chars().next_back() {
            // These belong to the word or the number.
            Some('_' | '-' | '+') | None => {}
            mark => self.before.mark = mark,
        }
    }

    /// A placeholder; one that continues a row of its kind is left out.
    fn value(&mut self, placeholder: &'static str) {
        self.before.forget();
        if let Some((_, end)) = self.newest.filter(|(newest, _)| *newest == placeholder)
            && self.out.get(end..).is_some_and(|between| matches!(between, " " | ", " | ","))
        {
            self.out.truncate(end);
            return;
        }
        self.out.push_str(placeholder);
        self.newest = Some((placeholder, self.out.len()));
    }

    /// Whether a path may begin here.
    fn is_apart(&self) -> bool {
        match self.out.chars().next_back() {
            None => true,
            Some(last) => {
                last.is_whitespace() || matches!(last, '(' | '[' | '{' | '=' | ':' | ',' | ';' | '|')
            }
        }
    }

    /// `'…'` where it stands apart, so that it is no apostrophe.
    fn single_quoted(&mut self, text: &str) -> Option<usize> {
        let inside = text.strip_prefix('\'').filter(|inside| !inside.starts_with([' ', '\'']))?;
        if self.unquoted || !self.is_apart() {
            return None;
        }
        let closes = |at: usize| {
            let behind = inside.get(at + 1..).unwrap_or_default();
            let ends = |c: char| {
                c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | ')' | ']' | '}' | '!' | '?')
            };
            behind.is_empty() || behind.starts_with(ends)
        };
        let end = inside.match_indices('\'').map(|(at, _)| at).find(|at| closes(*at));
        self.unquoted = end.is_none();
        end.map(|end| end + 2)
    }

    /// A word that may be a value as a whole, or behind a `name:`, or in parts; returns what was taken.
    fn word(&mut self, text: &'a str, word: &Word) -> usize {
        if let Some(scheme) = word.scheme {
            self.parts(text, 0, scheme);
            self.value(values::URL);
            return word.length;
        }
        let mut from = 0;
        // A name or two may stand before a value: `host:10.0.0.1:80`.
        for _ in 0..NAMES {
            if word.has_placeholder || word.length > LONGEST_VALUE {
                break;
            }
            if let Some(taken) = self.whole(text, from, word.length) {
                return taken;
            }
            let rest = text.get(from..word.length).unwrap_or_default();
            match rest.find(':').filter(|at| *at > 0 && !rest.starts_with(|c: char| c.is_ascii_digit())) {
                Some(at) => {
                    self.parts(text, from, from + at + 1);
                    from += at + 1;
                }
                None => break,
            }
        }
        self.parts(text, from, word.length)
    }

    /// Takes a word from `from` to `to` if it is one value; the marks around that stay, but for a sign.
    fn whole(&mut self, text: &'a str, from: usize, to: usize) -> Option<usize> {
        let word = text.get(from..to)?.trim_end_matches(MARKS);
        let bare = word.trim_start_matches(|c| MARKS.contains(&c) || SIGILS.contains(&c));
        if bare.is_empty() {
            return None;
        }
        let end = from + word.len();
        let (value, found, lead) = match (values::whole(word), values::whole(bare)) {
            (Some(value), _) => (word, value, 0),
            (None, Some(value)) => (bare, value, word.len() - bare.len()),
            (None, None) => return None,
        };
        self.literal(word.get(..lead)?);
        let unsigned = value.strip_prefix(['+', '-']).unwrap_or(value);
        let end = if found == values::ID && values::is_number(unsigned) {
            end + self.number(value, text.get(end..)?)
        } else {
            self.value(found);
            end
        };
        // What follows a number with its unit is no mark any more.
        if end < to {
            self.literal(text.get(end..to)?);
        }
        Some(end.max(to))
    }

    /// The part of a word from `from` to `to`, run by run; returns where it ended, which is behind `to` if a unit or a
    /// reason followed.
    fn parts(&mut self, text: &'a str, from: usize, to: usize) -> usize {
        let mut at = from;
        while at < to {
            let Some(rest) = text.get(at..) else { break };
            if let Some(placeholder) = values::placeholder(rest) {
                self.value(placeholder);
                at += placeholder.len();
                continue;
            }
            if let Some((behind, placeholder)) = values::leading_uuid(rest) {
                self.value(placeholder);
                at += rest.len() - behind.len();
                continue;
            }
            let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            // `1.5` is one number.
            let end = dotted(rest).unwrap_or(end);
            let Some((run, behind)) = rest.split_at_checked(end) else { break };
            if run.is_empty() {
                let mark = rest.chars().next().map_or(1, char::len_utf8);
                self.literal(rest.get(..mark).unwrap_or_default());
                at += mark;
                continue;
            }
            at += end;
            if values::is_number(run) {
                at += self.number(run, behind);
            } else if matches!(run, "true" | "false") && self.out.ends_with('=') {
                self.value(values::BOOL);
            } else if let Some(placeholder) = values::part(run) {
                self.value(placeholder);
            } else {
                self.out.push_str(run);
                self.before.push(run);
            }
        }
        at
    }

    /// A number: one that tells a failure stays; returns how much of what is behind belongs to it.
    fn number(&mut self, number: &'a str, behind: &str) -> usize {
        let unsigned = number.strip_prefix(['+', '-']).unwrap_or(number);
        let is_code = codes::code_of(unsigned, &self.before, behind).is_some();
        let is_named = self.before.is_any(&STANDARDS) && self.out.ends_with(['-', '_', '/']);
        if is_code || (is_named && is_dotted(number)) {
            self.out.push_str(number);
            self.before.push(unsigned);
            let reason = codes::reason(unsigned, behind).filter(|_| is_code).unwrap_or_default();
            self.out.push_str(reason);
            return reason.len();
        }
        let unit = behind.strip_prefix(' ').unwrap_or_default();
        let end = unit.find(|c: char| !c.is_alphanumeric()).unwrap_or(unit.len());
        match unit.get(..end).and_then(values::unit) {
            Some(placeholder) => {
                self.value(placeholder);
                end + 1
            }
            None => {
                self.value(values::ID);
                0
            }
        }
    }
}

/// Digits, or several runs of them with a dot in between.
fn is_dotted(number: &str) -> bool {
    number.split('.').all(|run| !run.is_empty() && run.bytes().all(|b| b.is_ascii_digit()))
}

/// The length of the number of digits and dots that a text begins with, where no letter is part of it.
fn dotted(text: &str) -> Option<usize> {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        let count = rest.bytes().take_while(u8::is_ascii_digit).count();
        let whole = !rest.get(count..).is_some_and(|behind| behind.starts_with(char::is_alphanumeric));
        (count > 0 && whole).then_some(from + count)
    };
    let mut end = digits(0)?;
    while let Some(next) = text.get(end..).filter(|rest| rest.starts_with('.')).and_then(|_| digits(end + 1))
    {
        end = next;
    }
    Some(end)
}

/// A run of letters, digits, placeholders and the marks inside of numbers, names and times.
struct Word {
    length: usize,
    has_placeholder: bool,
    /// Where the address of the web begins that it ends with.
    scheme: Option<usize>,
}

impl Word {
    fn read(text: &str) -> Option<Self> {
        let mut word = Self { length: 0, has_placeholder: false, scheme: None };
        if let Some(rest) = text.strip_prefix(SIGILS) {
            word.length = usize::from(rest.starts_with(char::is_alphanumeric));
        }
        loop {
            let rest = text.get(word.length..)?;
            if let Some(placeholder) = values::placeholder(rest) {
                word.has_placeholder = true;
                word.length += placeholder.len();
                continue;
            }
            let Some(next) = rest.chars().next().filter(|c| c.is_alphanumeric() || MARKS.contains(c)) else {
                break;
            };
            if let Some(body) = rest.strip_prefix("://") {
                let scheme = scheme(text.get(..word.length)?);
                let length = run(body, |c| matches!(c, '"' | '`' | '<' | '>' | '|' | '\\'));
                if let (Some(scheme), true) = (scheme, length > 0) {
                    word.scheme = Some(scheme);
                    word.length += "://".len() + length;
                    return Some(word);
                }
            }
            word.length += next.len_utf8();
        }
        (word.length > 0).then_some(word)
    }
}

/// Marks inside of numbers, names and times.
const MARKS: [char; 6] = ['_', '.', ':', '@', '+', '-'];

/// Marks that begin the names of Matrix, what is numbered, and sums of money.
const SIGILS: [char; 3] = ['!', '#', '$'];

/// Characters in which codes are looked for.
const SCANNED_CHARS: usize = 1_024;

/// Lines that are read.
const LINES: usize = 2;

/// Bytes of the longest word that may be a value as a whole: a float written out has some hundred digits.
const LONGEST_VALUE: usize = 512;

/// Names that may stand before a value, within one word.
const NAMES: usize = 3;

/// Names whose number is part of the name.
const STANDARDS: [&str; 16] = [
    "aes", "base", "cp", "http", "ipv", "iso", "latin", "md", "ora", "rfc", "sha", "ssl", "tls", "utf",
    "windows", "x86",
];

#[cfg(test)]
mod tests;
