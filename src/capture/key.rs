//! The key by which the throttle knows an error before anything of it is kept: a hash of its text as it is written.
//!
//! Digits and quoted parts are passed over, so that ids make no new key; what stays is what grouping looks at too:
//! message, texts of the chain, heads of the types. The formatter is stopped when enough was heard; nothing is
//! allocated.

use std::error::Error;
use std::fmt;
use std::mem;

use crate::limits::KEY_BYTES;
use crate::sync::caught;
use crate::trail::crumb::Ear;
use crate::trail::text::{Bounded, format_into};

/// The hash of all that was heard, part by part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key(u64);

/// Listens to one text.
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
    /// The last eight letters; of these the key has all but those behind the last eighth.
    letters: u64,
    /// The last word's end, behind which a number may mean something, in lower case.
    word: u64,
    /// What it wanted when the word began that is not over yet.
    begun: usize,
}

/// What is listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Text,
    /// A type's name, up to its end.
    Name,
}

impl Key {
    /// A key of one line.
    pub(crate) fn of_line(line: u64) -> Self {
        Self(line ^ 0xCBF2_9CE4_8422_2325)
    }

    #[inline]
    fn add(&mut self, letters: u64) {
        self.0 = (self.0 ^ letters).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }

    /// What is said next is another part.
    #[inline]
    pub(crate) fn next(&mut self) -> Heard<'_> {
        self.listen(Of::Text)
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
            word: 0,
            begun: KEY_BYTES,
        }
    }

    /// Runs a formatter for the key alone.
    pub(crate) fn format(&mut self, text: fmt::Arguments<'_>) {
        format_into(&mut self.next(), text);
    }

    /// Listens to the heads of the types and to the causes of an error whose own text was heard.
    pub(crate) fn chain(&mut self, error: &(dyn Error + 'static)) {
        let mut next = Some(error);
        for depth in 0..LINKS {
            let Some(link) = next else { break };
            if depth > 0 {
                self.format(format_args!("{link}"));
            }
            format_into(&mut self.listen(Of::Name), format_args!("{link:?}"));
            next = caught(|| link.source()).flatten();
        }
    }

    /// The key, with all bits in use.
    pub(crate) fn finish(self) -> u64 {
        let hash = (self.0 ^ (self.0 >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        hash ^ (hash >> 32)
    }
}

impl Ear for Heard<'_> {
    #[inline]
    fn hear(&mut self, text: &str) -> bool {
        if self.wants == 0 || self.patience == 0 {
            return false;
        }
        let heard = text.as_bytes().get(..self.patience).unwrap_or(text.as_bytes());
        self.patience -= heard.len();
        match self.of {
            Of::Text => self.text(heard),
            Of::Name => self.name(heard),
        }
        self.wants > 0 && self.patience > 0
    }
}

impl Heard<'_> {
    fn text(&mut self, heard: &[u8]) {
        let mut left = self.unquote(heard);
        loop {
            left = self.letters(left);
            let [byte, after @ ..] = left else { return };
            left = after;
            if self.wants == 0 {
                return;
            }
            // The word is over, unless it goes on behind a number.
            let length = self.begun - self.wants;
            if length > 0 {
                self.word = lower(self.letters, length);
            }
            match kind(*byte) {
                // Layout says nothing, and the alternate format is full of it.
                Kind::Space => self.begun = self.wants,
                Kind::Digit if !MEANING.contains(&self.word) => {}
                Kind::Letter | Kind::Digit | Kind::Sign => {
                    self.keep(*byte);
                    self.begun = self.wants;
                }
                Kind::Quote => {
                    (self.begun, self.quote, self.last) = (self.wants, *byte, *byte);
                    left = self.unquote(left);
                }
            }
        }
    }

    /// Takes the letters at the beginning, which are nearly all of a text; returns what stands behind them.
    #[inline]
    fn letters<'b>(&mut self, heard: &'b [u8]) -> &'b [u8] {
        // What changes with every byte, where the compiler sees it.
        let (mut wants, mut letters) = (self.wants, self.letters);
        for byte in heard.get(..wants).unwrap_or(heard) {
            if kind(*byte) != Kind::Letter {
                break;
            }
            letters = (letters << 8) | u64::from(*byte);
            wants -= 1;
            if wants.is_multiple_of(8) {
                self.key.add(letters);
            }
        }
        let taken = self.wants - wants;
        (self.wants, self.letters) = (wants, letters);
        heard.get(taken..).unwrap_or_default()
    }

    /// Takes one letter; it wants one more.
    #[inline]
    fn keep(&mut self, letter: u8) {
        self.letters = (self.letters << 8) | u64::from(letter);
        self.wants -= 1;
        if self.wants.is_multiple_of(8) {
            self.key.add(self.letters);
        }
    }

    /// Passes over what is quoted, if a quote is open; returns what stands behind it.
    fn unquote<'b>(&mut self, heard: &'b [u8]) -> &'b [u8] {
        if self.quote == 0 {
            return heard;
        }
        for (index, byte) in heard.iter().enumerate() {
            let before = mem::replace(&mut self.last, *byte);
            if *byte == self.quote && before != b'\\' {
                self.quote = 0;
                return heard.get(index + 1..).unwrap_or_default();
            }
        }
        &[]
    }

    fn name(&mut self, heard: &[u8]) {
        for byte in heard {
            match kind(*byte) {
                Kind::Letter | Kind::Digit if self.wants > 0 => self.keep(*byte),
                Kind::Space => {}
                _ => {
                    // The name is over.
                    self.patience = 0;
                    return;
                }
            }
        }
    }
}

impl Drop for Heard<'_> {
    fn drop(&mut self) {
        // What is not in the key yet.
        self.key.add(tail(self.letters, (KEY_BYTES - self.wants) % 8));
    }
}

/// The last letters, so many of them.
fn tail(letters: u64, count: usize) -> u64 {
    let unwanted = 8 * 8_usize.saturating_sub(count);
    letters.checked_shl(unwanted as u32).unwrap_or_default().checked_shr(unwanted as u32).unwrap_or_default()
}

/// The same in lower case.
fn lower(letters: u64, count: usize) -> u64 {
    tail(letters | 0x2020_2020_2020_2020, count)
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

/// What a byte is to the key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Digit,
    Quote,
    Space,
    Sign,
}

fn kind(byte: u8) -> Kind {
    KINDS.get(usize::from(byte)).copied().unwrap_or(Kind::Sign)
}

#[expect(clippy::indexing_slicing, reason = "a constant: the compiler runs it")]
const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Sign; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => Kind::Letter,
            b'0'..=b'9' => Kind::Digit,
            b'"' | b'`' => Kind::Quote,
            b' ' | b'\n' | b'\t' => Kind::Space,
            _ => Kind::Sign,
        };
        byte += 1;
    }
    kinds
};

/// Between two parts.
const PART: u64 = 0xA076_1D64_78BD_642F;

/// Links of a chain that tell one failure from another; grouping looks at as many.
const LINKS: usize = 4;

/// Words behind which a number tells one failure from another: `os error 2`, `HTTP 503`, `exit code 1`.
const MEANING: [u64; 8] = [
    word(b"error"),
    word(b"status"),
    word(b"code"),
    word(b"http"),
    word(b"sqlstate"),
    word(b"signal"),
    word(b"errno"),
    word(b"exit"),
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

    proptest! {
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
