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
    /// Letters that it still wants, and bytes that it listens to for them.
    wants: usize,
    patience: usize,
    quote: Option<u8>,
    last: u8,
    /// The last word, behind which a number may mean something.
    word: u64,
    number_counts: bool,
    /// Only what a type's name is made of.
    name_only: bool,
}

impl Key {
    /// A key of one line.
    pub(crate) fn of_line(line: u64) -> Self {
        Self(line ^ 0xCBF2_9CE4_8422_2325)
    }

    #[inline]
    fn add(&mut self, byte: u8) {
        // FNV-1a, spread at the end.
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    }

    /// What is said next is another part.
    #[inline]
    pub(crate) fn next(&mut self) -> Heard<'_> {
        self.add(0);
        Heard {
            key: self,
            wants: KEY_BYTES,
            patience: KEY_BYTES * 4,
            quote: None,
            last: b' ',
            word: 0,
            number_counts: false,
            name_only: false,
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
            let mut name = Heard { name_only: true, ..self.next() };
            format_into(&mut name, format_args!("{link:?}"));
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
        for byte in text.bytes() {
            if self.wants == 0 || self.patience == 0 {
                return false;
            }
            self.patience -= 1;
            self.byte(byte);
        }
        self.wants > 0
    }
}

impl Heard<'_> {
    #[inline]
    fn byte(&mut self, byte: u8) {
        let last = std::mem::replace(&mut self.last, byte);
        if self.name_only && !(byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':') {
            self.wants = 0;
            return;
        }
        if let Some(quote) = self.quote {
            if byte == quote && last != b'\\' {
                self.quote = None;
            }
            return;
        }
        match byte {
            b'"' | b'`' if !self.name_only => self.quote = Some(byte),
            b'0'..=b'9' => {
                // The first digit decides for the number.
                if !last.is_ascii_digit() {
                    self.number_counts = self.name_only || MEANING.contains(&self.word);
                }
                if self.number_counts {
                    self.keep(byte);
                }
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let begins = !(last.is_ascii_alphanumeric() || last == b'_');
                self.word = if begins { 0 } else { self.word << 8 } | u64::from(byte.to_ascii_lowercase());
                self.keep(byte);
            }
            // Layout says nothing, and the alternate format is full of it.
            b' ' | b'\n' | b'\t' => {}
            _ => self.keep(byte),
        }
    }

    #[inline]
    fn keep(&mut self, byte: u8) {
        self.wants -= 1;
        self.key.add(byte);
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
