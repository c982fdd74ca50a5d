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
        if self.kept % 8 == 0 {
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

    /// Hexadecimal, such as a commit or a UUID; or drawn at random.
    fn is_id(&self) -> bool {
        let is_hex = !self.has_others_than_hex && self.length >= HEX_BYTES;
        is_hex || (self.length >= RANDOM_BYTES && self.breaks * 5 >= self.length)
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
            Kind::Quote | Kind::Apostrophe | Kind::Sign | Kind::Space if self.of == Of::Name => {
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
        for &byte in text.as_bytes().iter().take(self.patience) {
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
