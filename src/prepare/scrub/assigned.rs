//! Values that are told to be secret by a name before them: `key=value`, `key: value`, `"key": "value"`, and what
//! `#[derive(Debug)]` writes, `Login { password: Some("hunter2") }` and `("password", "hunter2")`, also inside of quoted
//! texts.
//!
//! A value in quotes or right behind a `=` is one for sure. Behind a colon a sentence may go on (`invalid token:
//! unexpected end of file`), so there it must look like a secret. Goes forward only and looks at no byte more often than
//! a few times.

use std::ops::{Range, RangeInclusive};

use super::FILTERED;
use super::keys::{self, Keys};
use super::look::{Found, Kind, Look};

pub(super) fn find(look: &Look<'_>, found: &mut Found) {
    let mut reader = Reader { look, harmless: 0 };
    let mut from = 0;
    while let Some(sign) = next_sign(look.text, from) {
        from = sign.end;
        let value = key(look, &sign).and_then(|key| reader.value(&key, &sign));
        if let Some(value) = value {
            from = value.end.max(from);
            found.push(value);
        }
    }
}

/// Whether a text by itself looks like a secret: long, or letters and digits in one. A path or an address is none.
pub(super) fn is_secret(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let letters = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    let mixed = digits > 0 && (letters || digits == text.len());
    (text.len() >= LONG || (text.len() >= SHORT && mixed))
        && !text.contains(char::is_whitespace)
        && !is_path(text)
        && text != FILTERED
        && (mixed || !is_identifier(text))
}

/// Whether a text is what code calls something: words in letters only, each long enough to be one. In a random text capitals
/// stand closer together.
fn is_identifier(text: &str) -> bool {
    text.len() <= NAME
        && keys::words(text)
            .all(|word| WORD.contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

/// The letters of a word in a name that is no random text.
const WORD: RangeInclusive<usize> = 3..=16;

/// Whether the last words of a text are a secret's name, as of `wrong password`.
pub(super) fn ends_with_key(keys: &Keys, text: &str) -> bool {
    let text = text.trim_end_matches(|c: char| c == ':' || c.is_whitespace());
    named(keys, text).is_some()
}

/// What gives a name its value.
#[derive(Debug)]
struct Sign {
    start: usize,
    end: usize,
    way: Way,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// `key=value`
    Equals,
    /// `key: value`, `key == value`, `key => value`
    Colon,
    /// `Key(value)`
    Bracket,
    /// `("key", "value")`
    Comma,
}

/// A secret's name.
#[derive(Debug)]
struct Key<'a> {
    name: &'a str,
    /// It stands in quotes.
    quoted: bool,
    /// The value may stand on a line below.
    above: bool,
}

fn next_sign(text: &str, from: usize) -> Option<Sign> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| matches!(byte, b'=' | b':' | b'(' | b','))?;
        let sign = |bytes: usize, way| Some(Sign { start: at, end: at + bytes, way });
        match bytes.get(at..).unwrap_or_default() {
            // A path, and a URL.
            [b':', b':', ..] => at += 2,
            [b':', b'/', b'/', ..] => at += 3,
            [b':', b'=', ..] | [b'=', b'>' | b'=', ..] => return sign(2, Way::Colon),
            [b':', ..] => return sign(1, Way::Colon),
            [b'=', ..] => return sign(1, Way::Equals),
            [b',', ..] if text.get(..at).is_some_and(|before| before.ends_with('"')) => {
                return sign(1, Way::Comma);
            }
            [b',', ..] => at += 1,
            _ => return sign(1, Way::Bracket),
        }
    }
}

/// The name before a sign, if it is a secret's.
fn key<'a>(look: &Look<'a>, sign: &Sign) -> Option<Key<'a>> {
    let before = look.text.get(..sign.start)?;
    if sign.way == Way::Bracket {
        let name = last_name(before);
        return look.keys.denies(name).then_some(Key { name, quoted: false, above: true });
    }
    if sign.way == Way::Comma {
        let name = quoted_name(before)?;
        let quote = before.len().checked_sub(name.len() + 1)?;
        let outside = before.get(..quote)?.trim_end_matches(['"', '\\']);
        let is_pair = outside.ends_with('(') && look.keys.denies(name);
        return is_pair.then_some(Key { name, quoted: true, above: false });
    }
    let before = before.trim_end_matches([' ', '\t']);
    if let Some(name) = quoted_name(before) {
        return look.keys.denies(name).then_some(Key { name, quoted: true, above: true });
    }
    let above = line_above(before).filter(|_| sign.way == Way::Colon);
    let name = named(look.keys, above.unwrap_or(before))?;
    Some(Key { name, quoted: false, above: above.is_some() })
}

/// What stands above the cause that a colon leads to, in the report of an error: `Caused by:`, or the number of its line.
fn line_above(before: &str) -> Option<&str> {
    let line = before.trim_end_matches(|c: char| c.is_ascii_digit());
    let numbered =
        line.trim_end_matches([' ', '\t']).strip_suffix('\n').filter(|_| line.len() < before.len());
    let above = numbered.unwrap_or(before).trim_end();
    let above = above.strip_suffix(':').unwrap_or(above);
    above.strip_suffix("Caused by").map(str::trim_end).or_else(|| numbered.and(Some(above)))
}

/// The name at the end of a text if it is a secret's; it may be two words, as in `api key`.
fn named<'a>(keys: &Keys, before: &'a str) -> Option<&'a str> {
    let last = last_name(before);
    if last.is_empty() {
        return None;
    }
    if keys.denies(last) {
        return Some(last);
    }
    let word = last_name(before.get(..before.len() - last.len())?.strip_suffix(' ')?);
    let both = before.get(before.len() - last.len() - 1 - word.len()..)?;
    (!word.is_empty() && !keys.denies(word) && keys.denies(both)).then_some(both)
}

/// The name that a text ends with.
fn last_name(text: &str) -> &str {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"_-.%[]".contains(byte);
    let bytes = text.bytes().rev().take(NAME).take_while(|byte| is_part(byte)).count();
    let mut start = text.len() - bytes;
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).unwrap_or_default()
}

/// The name in the quotes that a text ends with, also where the quotes themselves are escaped.
fn quoted_name(text: &str) -> Option<&str> {
    let quote = text.chars().next_back().filter(|last| matches!(last, '"' | '\''))?;
    let inside = text.strip_suffix(quote)?.trim_end_matches('\\');
    let mut start = inside.len().saturating_sub(NAME);
    while !inside.is_char_boundary(start) {
        start += 1;
    }
    let name = inside.get(start..)?;
    name.rfind(quote).and_then(|at| name.get(at + 1..))
}

/// Reads values out of one text.
struct Reader<'l, 'a> {
    look: &'l Look<'a>,
    /// Up to here, nothing in brackets is a secret.
    harmless: usize,
}

impl Reader<'_, '_> {
    /// The part of the value that is secret.
    fn value(&mut self, key: &Key<'_>, sign: &Sign) -> Option<Range<usize>> {
        let mut at = self.after_blanks(sign.end, key.above);
        let apart = at > sign.end || self.look.text.get(..sign.start)?.ends_with([' ', '\t']);
        let sure = sign.way == Way::Equals && !apart;
        let is_some = self.look.from(at).starts_with(SOME);
        at = self.past_prefix(self.unwrapped(at, sure));
        if self.look.from(at).starts_with(FILTERED) {
            return None;
        }
        if let Some((open, quote, escapes)) = self.quote(at) {
            return self.quoted(key, sign, open, quote, escapes);
        }
        if sign.way == Way::Comma {
            return None;
        }
        if let Some(annotated) = self.annotated(at, sign) {
            let (open, quote, escapes) = self.quote(annotated)?;
            return self.quoted(key, sign, open, quote, escapes);
        }
        if let Some(end) = self.brackets(at) {
            return Some(at..end);
        }
        let judged = !sure || self.look.kind == Kind::Code;
        if judged && (is_path(self.look.from(at)) || (self.look.kind == Kind::Code && !sure)) {
            return None;
        }
        if let Some(end) = self.header(key, at) {
            return Some(at..end);
        }
        let end = self.run_end(at);
        let value = self.look.text.get(at..end)?;
        if self.look.keys.is_plain(key.name, value) || !value.contains(char::is_alphanumeric) {
            return None;
        }
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
        let secret = if judged {
            // A number behind a quoted name is JSON's, and what stands in `Some` is Rust's: neither is a sentence.
            is_secret(value) || self.look.is_cut_at(end) || (key.quoted && is_number) || is_some
        } else {
            !is_placeholder(value)
        };
        secret.then_some(at..end)
    }

    fn after_blanks(&self, at: usize, lines: bool) -> usize {
        let rest = self.look.from(at);
        let blank = |c: char| matches!(c, ' ' | '\t') || (lines && c.is_whitespace());
        at + (rest.len() - rest.trim_start_matches(blank).len())
    }

    /// Behind the `Some(` or `Token(` that a value stands in. Behind a `=` other names may be a part of the value, unless
    /// a quote follows.
    fn unwrapped(&self, at: usize, sure: bool) -> usize {
        let mut inside = at;
        for _ in 0..WRAPPERS {
            let rest = self.look.from(inside);
            let name = word(rest);
            let is_type = name.starts_with(|c: char| c.is_ascii_uppercase());
            if !is_type || !rest.get(name.len()..).is_some_and(|behind| behind.starts_with('(')) {
                break;
            }
            inside = self.after_blanks(inside + name.len() + 1, true);
        }
        let certain = !sure || self.look.from(at).starts_with(SOME) || self.quote(inside).is_some();
        if certain { inside } else { at }
    }

    /// Behind what may stand before a quote in Rust and Python.
    fn past_prefix(&self, at: usize) -> usize {
        let rest = self.look.from(at);
        let prefix = ["b", "r", "&", "u", "br"].iter().find(|prefix| {
            rest.strip_prefix(**prefix).is_some_and(|rest| rest.starts_with(['"', '\'', '\\']))
        });
        prefix.map_or(at, |prefix| at + prefix.len())
    }

    /// Where a quote opens: behind it, with how many backslashes before it.
    fn quote(&self, at: usize) -> Option<(usize, char, usize)> {
        let rest = self.look.from(at);
        let bare = rest.trim_start_matches('\\');
        let escapes = rest.len() - bare.len();
        // In source, a single one begins a lifetime.
        let is_quote = |c: &char| *c == '"' || (*c == '\'' && self.look.kind != Kind::Code);
        let quote = bare.chars().next().filter(is_quote)?;
        Some((at + escapes + 1, quote, escapes))
    }

    /// A quoted value is a secret, but for one in the brackets of a type, which may be a message.
    fn quoted(
        &self,
        key: &Key<'_>,
        sign: &Sign,
        open: usize,
        quote: char,
        escapes: usize,
    ) -> Option<Range<usize>> {
        let end = self.closing(open, quote, escapes);
        let value = self.look.text.get(open..end)?;
        let is_message = sign.way == Way::Bracket && !is_secret(value) && !self.look.is_cut_at(end);
        let says_nothing = self.look.keys.is_plain(key.name, value) || !value.contains(char::is_alphanumeric);
        (!is_message && !says_nothing && value != FILTERED).then_some(open..end)
    }

    /// Where the quote closes: one with as many backslashes before it, or the one around it all.
    fn closing(&self, open: usize, quote: char, escapes: usize) -> usize {
        let inside = self.look.text.get(open..self.look.end()).unwrap_or_default();
        let mut ends = inside.match_indices(quote).map(|(at, _)| {
            let before = inside.get(..at).unwrap_or_default();
            (at, before.len() - before.trim_end_matches('\\').len())
        });
        let closes = |before: usize| if escapes == 0 { before.is_multiple_of(2) } else { before <= escapes };
        let end = ends.find(|(_, before)| closes(*before));
        let end = end.map(|(at, before)| if escapes == 0 { at } else { at - before });
        open + end.unwrap_or(inside.len())
    }

    /// In source, where the value of a constant begins: behind its type.
    fn annotated(&self, at: usize, sign: &Sign) -> Option<usize> {
        if self.look.kind != Kind::Code || sign.way != Way::Colon {
            return None;
        }
        self.look.from(at).find(" = ").map(|equals| self.past_prefix(at + equals + 3))
    }

    /// Where the brackets of a list, a map or a struct close, if more stands in them than words.
    fn brackets(&mut self, at: usize) -> Option<usize> {
        if self.look.kind == Kind::Code || at < self.harmless {
            return None;
        }
        let rest = self.look.from(at);
        let name = word(rest).len();
        let behind = rest.get(name..)?;
        let is_struct = name > 0 && behind.starts_with(" {");
        let is_list = name == 0 && behind.starts_with(['[', '{']);
        if !is_struct && !is_list {
            return None;
        }
        let (mut depth, mut tells, mut quoted) = (0_usize, false, None);
        let mut backslashes = 0;
        for (place, character) in self.look.text.get(at..self.look.end())?.char_indices().skip(name) {
            match character {
                '"' => {
                    tells = true;
                    match quoted {
                        None => quoted = Some(backslashes),
                        Some(opened) if opened == backslashes => quoted = None,
                        Some(_) => {}
                    }
                }
                '[' | '{' if quoted.is_none() => depth += 1,
                ']' | '}' if quoted.is_none() => depth = depth.saturating_sub(1),
                _ => tells |= character.is_ascii_digit(),
            }
            backslashes = if character == '\\' { backslashes + 1 } else { 0 };
            if depth == 0 && matches!(character, ']' | '}') && quoted.is_none() {
                let end = at + place + 1;
                self.harmless = end;
                return tells.then_some(end);
            }
        }
        self.harmless = self.look.end();
        tells.then_some(self.look.end())
    }

    /// The fields of a header that have several words: cookies, and a scheme with what it asks for.
    fn header(&self, key: &Key<'_>, at: usize) -> Option<usize> {
        if !keys::is_header(key.name) {
            return None;
        }
        let first_end = self.run_end(at);
        let first = self.look.text.get(at..first_end)?;
        let second_at = self.after_blanks(first_end, false);
        let second_end = self.run_end(second_at);
        let second = self.look.text.get(second_at..second_end)?;
        let names = |word: &str| word.trim_end_matches('=').contains('=');
        if names(first) || (names(second) && second_at > first_end) {
            let rest = self.look.text.get(at..self.look.end())?;
            let line = header_end(rest);
            return Some(at + rest.get(..line)?.trim_end_matches([')', '}', ']', '\\', ' ', '\r']).len());
        }
        let is_word =
            !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
        (is_word && second_at > first_end && is_secret(second)).then_some(second_end)
    }

    /// Where a value without quotes ends, without what closes the sentence or the bracket around it.
    fn run_end(&self, at: usize) -> usize {
        let text = self.look.text.get(at..self.look.end()).unwrap_or_default();
        let end = text.char_indices().find(|(place, character)| {
            let behind = text.get(place + character.len_utf8()..).unwrap_or_default();
            match character {
                ';' | '`' => true,
                '"' => behind.is_empty() || behind.starts_with(is_closing),
                '<' => behind.starts_with('/'),
                '\\' => behind.starts_with(['n', 'r', 't', '"', '\\', '\'']),
                ',' => behind.is_empty() || behind.starts_with(char::is_whitespace) || begins_pair(behind),
                '&' => behind.is_empty() || begins_pair(behind),
                '[' => behind.starts_with("Filtered]"),
                _ => character.is_whitespace(),
            }
        });
        let run = end.and_then(|(end, _)| text.get(..end)).unwrap_or(text);
        at + without_marks(run).len()
    }
}

/// Where the fields of a header end: with the line, or at the quote around it all. What they put into quotes themselves stands
/// behind a `=`.
fn header_end(rest: &str) -> usize {
    let mut inside = false;
    for (at, character) in rest.char_indices() {
        match character {
            '\n' => return at,
            '"' if inside => inside = false,
            '"' => {
                inside = rest.get(..at).is_some_and(|before| before.trim_end_matches('\\').ends_with('='));
                if !inside {
                    return at;
                }
            }
            _ => {}
        }
    }
    rest.len()
}

/// A run without what closes the sentence or the brackets around it.
fn without_marks(run: &str) -> &str {
    let count = |character: char| run.matches(character).count();
    let surplus = |open: char, close: char| count(close).saturating_sub(count(open));
    let mut left = [(')', surplus('(', ')')), (']', surplus('[', ']')), ('}', surplus('{', '}'))];
    run.trim_end_matches(|character: char| match left.iter_mut().find(|(close, _)| *close == character) {
        Some((_, surplus)) => {
            let closes = *surplus > 0;
            *surplus = surplus.saturating_sub(1);
            closes
        }
        None => matches!(character, ',' | '.' | ':' | '\''),
    })
}

/// The name that a text begins with.
fn word(text: &str) -> &str {
    let bytes = text.bytes().take(NAME).take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    text.get(..bytes.count()).unwrap_or_default()
}

/// Whether the next pair begins: `,name=`.
fn begins_pair(text: &str) -> bool {
    let name =
        text.bytes().take(NAME).take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte));
    let name = name.count();
    name > 0 && text.get(name..).is_some_and(|rest| rest.starts_with(['=', ':']))
}

fn is_closing(character: char) -> bool {
    character.is_whitespace() || ",;:)]}".contains(character)
}

/// `std::io::Error`, `https://host`, `/run/secrets/db`: what they name is no secret.
fn is_path(text: &str) -> bool {
    let name = word(text).len();
    if let Some(below) = text.strip_prefix('/') {
        return below.split('/').take_while(|part| !part.is_empty() && word(part).len() > 1).nth(1).is_some();
    }
    name > 0 && text.get(name..).is_some_and(|rest| rest.starts_with("::") || rest.starts_with("://"))
}

/// Stands for a value in a statement of SQL.
fn is_placeholder(value: &str) -> bool {
    let number = value.strip_prefix(['$', '?', ':']);
    number.is_some_and(|number| number.len() <= 3 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Bytes that a name has at the most; of a longer one the end is looked at.
const NAME: usize = 128;
/// Types that a value may stand in, one inside the other.
const WRAPPERS: usize = 4;
/// Bytes of the shortest secret that letters and digits tell, and of one that its length does.
const SHORT: usize = 6;
const LONG: usize = 20;
const SOME: &str = "Some(";
