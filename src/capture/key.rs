//! The key by which the throttle knows an error before anything of it is kept: a hash of its text as it is written.
//!
//! Numbers, ids and quoted parts are passed over, so that values make no new key; what stays is what grouping looks at
//! too: message, texts of the chain, heads of the types, codes. It never tells less apart than grouping does, but for
//! what looks like an id; it may tell more apart, since names and paths are no ids. The formatter is stopped when enough
//! was heard; nothing is allocated.

use std::error::Error;
use std::fmt;

use crate::limits::{CHAIN_LINKS, KEY_BYTES};
use crate::model::Fingerprint;
use crate::sync::caught;
use crate::trail::crumb::Ear;
use crate::trail::text::{Bounded, format_into};

/// The hash of all that was heard, part by part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key(u64);

/// Listens to one text. How that is cut into pieces makes no difference.
#[derive(Debug)]
pub(crate) struct Heard<'a> {
    key: &'a mut Key,
    of: Of,
    /// Letters that it still wants, and bytes that it listens to for them.
    wants: usize,
    patience: usize,
    /// The quote that is open, or 0.
    quote: u8,
    last: u8,
    /// The end of the last run of letters, behind which a number may mean something.
    letters: u64,
    word: Word,
}

/// What is listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Text,
    /// A type's name, up to its end.
    Name,
    /// Every byte counts.
    Exact,
}

/// A run of letters, digits and dashes, and the signs before it.
#[derive(Debug, Clone, Copy, Default)]
struct Word {
    signs: u64,
    /// What is not a digit, all of it; `newest` is what is not in `hash` yet.
    hash: u64,
    newest: u64,
    kept: usize,
    /// The last bytes, digits among them.
    whole: u64,
    /// Letters and digits.
    length: usize,
    /// How often a digit follows a letter, or a letter a digit.
    breaks: usize,
    has_digits: bool,
    begins_with_digit: bool,
    has_others_than_hex: bool,
    /// The letters before it.
    behind: u64,
}

impl Key {
    /// A key of one line.
    pub(crate) fn of_line(line: u64) -> Self {
        Self(line ^ 0xCBF2_9CE4_8422_2325)
    }

    #[inline]
    fn add(&mut self, letters: u64) {
        self.0 = mixed(self.0, letters);
    }

    /// What is said next is another part.
    #[inline]
    pub(crate) fn next(&mut self) -> Heard<'_> {
        self.listen(Of::Text)
    }

    /// The same, where values count as well: what names the issue.
    pub(crate) fn next_exact(&mut self) -> Heard<'_> {
        self.listen(Of::Exact)
    }

    /// Listens to what a hook said of the issue.
    pub(crate) fn fingerprint(&mut self, named: Option<&Fingerprint>) {
        for part in named.map(Fingerprint::parts).unwrap_or_default() {
            self.next_exact().hear(part);
        }
    }

    #[inline]
    fn listen(&mut self, of: Of) -> Heard<'_> {
        self.add(PART);
        Heard {
            key: self,
            of,
            wants: KEY_BYTES,
            patience: KEY_BYTES * 4,
            quote: 0,
            last: b' ',
            letters: 0,
            word: Word::default(),
        }
    }

    /// Runs a formatter for the key alone.
    pub(crate) fn format(&mut self, text: fmt::Arguments<'_>) {
        format_into(&mut self.next(), text);
    }

    /// Listens to the heads of the types and to the causes of an error whose own text was heard: to the outer ones, and to
    /// the root.
    pub(crate) fn chain(&mut self, error: &(dyn Error + 'static)) {
        let mut next = Some(error);
        for depth in 0..CHAIN_LINKS {
            let Some(link) = next else { break };
            next = caught(|| link.source()).flatten();
            if depth >= LINKS && next.is_some() {
                continue;
            }
            if depth > 0 {
                self.format(format_args!("{link}"));
            }
            format_into(&mut self.listen(Of::Name), format_args!("{link:?}"));
        }
    }

    /// The key, with all bits in use.
    pub(crate) fn finish(self) -> u64 {
        let hash = (self.0 ^ (self.0 >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        hash ^ (hash >> 32)
    }
}

impl Word {
    /// Takes a byte that is part of the word.
    #[inline(always)]
    fn take(&mut self, byte: u8, kind: Kind, before: u8) {
        self.whole = (self.whole << 8) | u64::from(byte);
        if kind == Kind::Digit {
            self.has_digits = true;
            self.begins_with_digit |= self.length == 0;
            self.length += 1;
            self.breaks += usize::from(before.is_ascii_alphabetic());
            return;
        }
        if kind != Kind::Dash {
            self.length += 1;
            self.breaks += usize::from(before.is_ascii_digit());
            self.has_others_than_hex |= kind == Kind::Letter;
        }
        self.newest = (self.newest << 8) | u64::from(byte);
        self.kept += 1;
        if self.kept.is_multiple_of(8) {
            self.hash = mixed(self.hash, std::mem::take(&mut self.newest));
        }
    }

    /// What the key is told of it, signs and all.
    #[inline]
    fn told(&self) -> u64 {
        let signs = self.signs.rotate_left(32);
        if !self.has_digits {
            signs ^ self.hash ^ self.newest
        } else if self.length <= CODE_BYTES && MEANING.contains(&self.behind) {
            signs ^ self.whole
        } else if self.is_id() {
            signs
        } else {
            signs ^ self.hash ^ self.newest
        }
    }

    /// Hexadecimal, such as a commit or a UUID; or drawn at random: ULIDs and KSUIDs have a fixed length and begin with a
    /// digit, others change between letters and digits as no word does.
    fn is_id(&self) -> bool {
        let is_hex = !self.has_others_than_hex && self.length >= HEX_BYTES;
        let is_fixed = matches!(self.length, 26 | 27) && self.begins_with_digit;
        is_hex || is_fixed || (self.length >= RANDOM_BYTES && self.breaks * 5 >= self.length)
    }
}

impl Heard<'_> {
    /// The word is over.
    #[inline]
    fn end_word(&mut self) {
        let told = self.word.told();
        if told != 0 {
            self.key.add(told);
        }
        self.wants = self.wants.saturating_sub(self.word.kept);
        self.word = Word { behind: self.letters, ..Word::default() };
    }

    /// Takes a byte of a text that no quote is open in; false where a name is over.
    #[inline(always)]
    fn take(&mut self, byte: u8, before: u8) -> bool {
        let kind = KINDS.get(usize::from(byte)).copied().unwrap_or(Kind::Sign);
        match kind {
            Kind::Hex | Kind::Letter => {
                let goes_on = before.is_ascii_alphanumeric();
                self.letters = if goes_on { self.letters << 8 } else { 0 } | u64::from(byte | CASE);
                self.word.take(byte, kind, before);
            }
            // A name's digits are part of it.
            Kind::Digit if self.of == Of::Name => self.word.take(byte, Kind::Letter, before),
            Kind::Digit | Kind::Dash => self.word.take(byte, kind, before),
            Kind::Quote | Kind::Apostrophe | Kind::Sign if self.of == Of::Name => {
                self.wants = 0;
                return false;
            }
            // Layout says nothing, and the alternate format is full of it.
            Kind::Space => self.end_word(),
            Kind::Quote | Kind::Apostrophe | Kind::Sign => {
                self.end_word();
                // Within a word it is an apostrophe.
                let opens =
                    kind == Kind::Quote || (kind == Kind::Apostrophe && !before.is_ascii_alphanumeric());
                if opens {
                    self.quote = byte;
                } else {
                    self.word.signs = u64::from(byte);
                }
                if byte == b'.' || (byte == b'/' && before == b'/') {
                    // The parts of an address are no codes.
                    (self.letters, self.word.behind) = (0, 0);
                }
            }
        }
        true
    }

    /// Takes a run of letters: nearly all of a text are such, and most of the work is done in registers.
    #[inline]
    fn take_letters(&mut self, run: &[u8]) {
        let before = self.last;
        self.last = run.last().copied().unwrap_or(before);
        let mut letters = if before.is_ascii_alphanumeric() { self.letters } else { 0 };
        let word = &mut self.word;
        word.breaks += usize::from(before.is_ascii_digit());
        word.length += run.len();
        let (mut whole, mut newest, mut hash, mut kept) = (word.whole, word.newest, word.hash, word.kept);
        let mut others = false;
        for &byte in run {
            letters = (letters << 8) | u64::from(byte | CASE);
            whole = (whole << 8) | u64::from(byte);
            newest = (newest << 8) | u64::from(byte);
            others |= byte | CASE > b'f';
            kept += 1;
            if kept.is_multiple_of(8) {
                hash = mixed(hash, std::mem::take(&mut newest));
            }
        }
        (word.whole, word.newest, word.hash, word.kept) = (whole, newest, hash, kept);
        word.has_others_than_hex |= others;
        self.letters = letters;
    }

    fn hear_exactly(&mut self, text: &str) {
        for &byte in text.as_bytes().iter().take(self.patience) {
            self.word.take(byte, Kind::Letter, 0);
        }
        self.patience = self.patience.saturating_sub(text.len());
    }
}

impl Ear for Heard<'_> {
    fn hear(&mut self, text: &str) -> bool {
        if self.wants == 0 || self.patience == 0 {
            return false;
        }
        if self.of == Of::Exact {
            self.hear_exactly(text);
            return self.patience > 0;
        }
        let mut rest = text.as_bytes().get(..self.patience).unwrap_or(text.as_bytes());
        while let Some((&byte, behind)) = rest.split_first() {
            if self.quote == 0 {
                let run = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
                if let Some((letters, behind)) = rest.split_at_checked(run).filter(|_| run > 1) {
                    self.take_letters(letters);
                    if self.wants == 0 {
                        break;
                    }
                    rest = behind;
                    continue;
                }
            }
            rest = behind;
            let before = std::mem::replace(&mut self.last, byte);
            if self.quote != 0 {
                let ends = byte == self.quote && before != b'\\';
                // A value in single quotes has no spaces: they may be apostrophes.
                if ends || (self.quote == b'\'' && byte.is_ascii_whitespace()) {
                    self.quote = 0;
                }
                continue;
            }
            if !self.take(byte, before) || self.wants == 0 {
                break;
            }
        }
        self.patience = self.patience.saturating_sub(text.len());
        self.wants > 0 && self.patience > 0
    }
}

impl Drop for Heard<'_> {
    fn drop(&mut self) {
        self.end_word();
    }
}

impl fmt::Write for Heard<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.hear(text) { Ok(()) } else { Err(fmt::Error) }
    }
}

impl Bounded for Heard<'_> {
    fn is_cut(&self) -> bool {
        self.wants == 0 || self.patience == 0
    }
}

#[inline]
fn mixed(hash: u64, letters: u64) -> u64 {
    (hash ^ letters).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
}

/// What a byte is to the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    /// A letter that may be a digit.
    Hex,
    Digit,
    /// Part of a word, but no letter.
    Dash,
    Quote,
    Apostrophe,
    Space,
    Sign,
}

#[expect(clippy::indexing_slicing, reason = "a constant: the compiler runs it")]
const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Letter; 256];
    let mut byte = 0;
    while byte < 128 {
        kinds[byte] = match byte as u8 {
            b'a'..=b'f' | b'A'..=b'F' => Kind::Hex,
            b'g'..=b'z' | b'G'..=b'Z' => Kind::Letter,
            b'0'..=b'9' => Kind::Digit,
            b'_' | b'-' => Kind::Dash,
            b'"' | b'`' => Kind::Quote,
            b'\'' => Kind::Apostrophe,
            b' ' | b'\n' | b'\t' => Kind::Space,
            _ => Kind::Sign,
        };
        byte += 1;
    }
    kinds
};

/// By which small and capital letters differ.
const CASE: u8 = 0x20;

/// Bytes of the longest code, and of the shortest number that is written in hexadecimal, as git shortens a commit, and
/// of the shortest id that is drawn at random.
const CODE_BYTES: usize = 5;
const HEX_BYTES: usize = 7;
const RANDOM_BYTES: usize = 16;

/// Between two parts.
const PART: u64 = 0xA076_1D64_78BD_642F;

/// Links of a chain that tell one failure from another; grouping looks at as many.
const LINKS: usize = 4;

/// Words behind which a number tells one failure from another: `os error 2`, `HTTP 503`, `exit code 1`.
const MEANING: [u64; 11] = [
    word(b"error"),
    word(b"status"),
    word(b"code"),
    // The end of `StatusCode`.
    word(b"atuscode"),
    word(b"http"),
    word(b"sqlstate"),
    word(b"signal"),
    word(b"errno"),
    word(b"exit"),
    word(b"answered"),
    // The end of `responded`.
    word(b"esponded"),
];

const fn word(letters: &[u8]) -> u64 {
    let mut word = 0;
    let mut rest = letters;
    while let [first, others @ ..] = rest {
        word = (word << 8) | *first as u64;
        rest = others;
    }
    word
}
#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(pieces: &[&str]) -> u64 {
        let mut key = Key::of_line(1);
        let mut heard = key.next();
        pieces.iter().for_each(|piece| _ = heard.hear(piece));
        drop(heard);
        key.finish()
    }

    fn name(text: &str) -> u64 {
        let mut key = Key::of_line(1);
        key.listen(Of::Name).hear(text);
        key.finish()
    }

    #[test]
    fn numbers_quotes_and_layout_make_no_new_key() {
        for (one, other) in [
            ("order 17 of user 4", "order 911 of user 80"),
            ("no such file: \"a.txt\"", "no such file: \"b\\\"c\""),
            ("no column `a` in `b`", "no column `cd` in ``"),
            ("Error {\n    code: Lost,\n}", "Error { code: Lost, }"),
            ("shard7 is down", "shard12 is down"),
            ("no user 'ada' here", "no user 'bob@here' here"),
            ("don't open it 7 times", "don't open it 12 times"),
            (
                "session 550e8400-e29b-41d4-a716-446655440000 is gone",
                "session 00000000-0000-0000-0000-000000000000 is gone",
            ),
            ("commit 1f3a9c0 is gone", "commit abcdef7 is gone"),
            ("token 01ARZ3NDEKTSV4RRFFQ69G5FAV is gone", "token 01BX5ZZKBKACTAV9WEVGEMMVRZ is gone"),
            ("http://10.0.0.1:80/a is gone", "http://10.7.0.21:8080/a is gone"),
        ] {
            assert_eq!(key(&[one]), key(&[other]), "{one} / {other}");
        }
    }

    #[test]
    fn what_tells_failures_apart_does() {
        for (one, other) in [
            ("connection refused", "connection reset"),
            ("No such file (os error 2)", "No such file (os error 13)"),
            ("answered HTTP 502", "answered HTTP 503"),
            ("exit code: 1", "exit code: 101"),
            ("Status(404)", "Status(410)"),
            ("a", "aa"),
            ("SQLSTATE 42P01", "SQLSTATE 42703"),
            ("status_code: 503", "status_code: 404"),
            ("StatusCode(503)", "StatusCode(404)"),
            ("db1 refused", "web1 refused"),
            ("fe01 refused", "be01 refused"),
            ("added a decade", "faced a facade"),
            ("I can't open it", "I can't close it"),
            ("a b", "ab"),
            ("ein Fehler in Köln", "ein Fehler in Ulm"),
        ] {
            assert_ne!(key(&[one]), key(&[other]), "{one} / {other}");
        }
        assert_ne!(key(&["ab", "c"]), key(&["ab", "d"]));
    }

    #[test]
    fn a_name_ends_where_the_type_s_does() {
        assert_eq!(name("Declined { code: 51 }"), name("Declined { code: 7, more: \"x\" }"));
        assert_eq!(name("NotFound(7)"), name("NotFound"));
        assert_ne!(name("Error1"), name("Error2"));
    }

    #[test]
    fn what_names_an_issue_counts_to_the_last_digit() {
        let exact = |text: &str| {
            let mut key = Key::of_line(1);
            key.next_exact().hear(text);
            key.finish()
        };
        assert_ne!(exact("tenant 7"), exact("tenant 8"));
        assert_ne!(exact("\"north\""), exact("\"south\""));
        assert_eq!(exact("tenant 7"), exact("tenant 7"));
    }

    proptest! {
        #[test]
        fn no_number_and_no_quoted_part_makes_another_key(
            words in proptest::collection::vec("[g-z]{1,9}", 1..12),
            numbers in proptest::collection::vec((any::<u64>(), any::<u64>()), 12),
            quotes in proptest::collection::vec(("[a-z0-9 ]{0,20}", "[a-z0-9 ]{0,20}"), 12),
        ) {
            let known = |word: &String| MEANING.contains(&super::word(word.as_bytes()));
            prop_assume!(!words.iter().any(known));
            let mut one = String::new();
            let mut other = String::new();
            for ((word, (a, b)), (c, d)) in words.iter().zip(numbers).zip(quotes) {
                one += &format!("{word} {a} \"{c}\", ");
                other += &format!("{word} {b} \"{d}\", ");
            }
            // Within what is listened to.
            prop_assume!(one.len() < KEY_BYTES * 4 && other.len() < KEY_BYTES * 4);
            prop_assert_eq!(key(&[&one]), key(&[&other]));
        }

        #[test]
        fn nothing_is_listened_to_beyond_the_bound(
            text in ".{0,200}",
            more in ".{0,40}",
        ) {
            let long = text.repeat(1 + KEY_BYTES * 4 / text.len().max(1)) + &"x".repeat(KEY_BYTES * 4);
            prop_assert_eq!(key(&[&long]), key(&[&long, &more]));
        }

        #[test]
        fn the_pieces_in_which_a_text_is_written_do_not_matter(
            text in "[a-z0-9 :\"`\\\\_é]{0,400}",
            cuts in proptest::collection::vec(0..400_usize, 0..6),
        ) {
            let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| text.is_char_boundary(*cut)).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&text[from..cut]);
                from = cut;
            }
            pieces.push(&text[from..]);
            prop_assert_eq!(key(&pieces), key(&[&text]));
        }
    }
}
