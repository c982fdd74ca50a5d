//! The key by which the throttle knows an error before anything of it is kept: a hash of its text as it is written.
//!
//! Digits and quoted parts are passed over, so that ids make no new key; what stays is what grouping looks at too:
//! message, texts of the chain, heads of the types. The formatter is stopped when enough was heard; nothing is
//! allocated.

use std::error::Error;
use std::fmt;

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
    /// The end of the last word, behind which a number may mean something.
    word: u64,
    /// Letters that are not in the key yet.
    letters: u64,
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
            word: 0,
            letters: 0,
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
    fn hear(&mut self, text: &str) -> bool {
        // What changes with every byte, where the compiler sees it.
        let (mut last, mut word, mut letters, mut quote) = (self.last, self.word, self.letters, self.quote);
        let (mut wants, room) = (self.wants, self.patience);
        if wants == 0 {
            return false;
        }
        for &byte in text.as_bytes().iter().take(room) {
            let before = std::mem::replace(&mut last, byte);
            if quote != 0 {
                if byte == quote && before != b'\\' {
                    quote = 0;
                }
                continue;
            }
            let keep = match KINDS.get(usize::from(byte)).copied().unwrap_or(Kind::Sign) {
                Kind::Letter => {
                    let goes_on = before.is_ascii_alphanumeric() || before == b'_';
                    word = if goes_on { word << 8 } else { 0 } | u64::from(byte.to_ascii_lowercase());
                    true
                }
                Kind::Digit => self.of == Of::Name || MEANING.contains(&word),
                Kind::Quote if self.of == Of::Text => {
                    quote = byte;
                    false
                }
                Kind::Sign | Kind::Quote if self.of == Of::Name => {
                    // The name is over.
                    wants = 0;
                    break;
                }
                Kind::Sign | Kind::Quote => true,
                // Layout says nothing, and the alternate format is full of it.
                Kind::Space => false,
            };
            if keep {
                letters = (letters << 8) | u64::from(byte);
                wants -= 1;
                if wants % 8 == 0 {
                    self.key.add(std::mem::take(&mut letters));
                    if wants == 0 {
                        break;
                    }
                }
            }
        }
        (self.last, self.word, self.letters, self.quote) = (last, word, letters, quote);
        (self.wants, self.patience) = (wants, room.saturating_sub(text.len()));
        self.wants > 0 && self.patience > 0
    }
}

impl Drop for Heard<'_> {
    fn drop(&mut self) {
        self.key.add(self.letters);
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

/// What a byte is to the key.
#[derive(Clone, Copy)]
enum Kind {
    Letter,
    Digit,
    Quote,
    Space,
    Sign,
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
