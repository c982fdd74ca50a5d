//! One text that the rules look at, and what one pass over its bytes tells of it.

use std::ops::Range;

use super::keys::Keys;
use super::{card, patterns};

/// The parts of a text that are secret, in any order.
pub(super) type Found = Vec<Range<usize>>;

/// A text, and by what it is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) text: &'a str,
    pub(super) kind: Kind,
    pub(super) keys: &'a Keys,
    pub(super) pii: bool,
}

/// What sort of text it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whatever programs write.
    Words,
    /// A line of source: it names values without showing them, but for those in quotes.
    Code,
    /// The address of a request, or its path alone.
    Address,
}

impl<'a> Look<'a> {
    /// What stands from there on.
    pub(super) fn from(&self, at: usize) -> &'a str {
        self.text.get(at..).unwrap_or_default()
    }

    /// Where the text ends, without the mark of a cut.
    pub(super) fn end(&self) -> usize {
        self.text.strip_suffix(CUT).unwrap_or(self.text).len()
    }

    /// Whether the text was cut right there.
    pub(super) fn is_cut_at(&self, at: usize) -> bool {
        at < self.text.len() && at == self.end()
    }
}

/// What one pass over the bytes of a text tells.
#[derive(Debug, Default)]
pub(super) struct Glance {
    seen: u8,
    /// The most digits with no more than a space or a dash between any two of them.
    pub(super) digits: usize,
    /// The longest run of what names and keys are made of.
    longest: usize,
    /// One of them may begin as the services' keys do.
    begins: bool,
    /// A word that is the scheme of credentials is followed by a blank.
    pub(super) scheme: bool,
}

impl Glance {
    pub(super) fn at(text: &str) -> Self {
        let mut glance = Self::default();
        let (mut run, mut digits, mut before) = (0, 0, 0);
        for (at, byte) in text.as_bytes().iter().enumerate() {
            let class = class(*byte);
            glance.seen |= class;
            if class & KEY == 0 {
                run = 0;
            } else {
                run += 1;
                if run > glance.longest {
                    glance.longest = run;
                }
                glance.begins |= patterns::may_begin(before, *byte);
            }
            if class & DIGIT != 0 {
                digits += 1;
                if digits > glance.digits {
                    glance.digits = digits;
                }
            } else if class & (BLANK | DASH) == 0 {
                digits = 0;
            }
            if class & BLANK != 0 && matches!(before, b'r' | b'R' | b'c' | b'C') {
                glance.scheme |= patterns::is_scheme(text.as_bytes(), at);
            }
            before = *byte;
        }
        glance
    }

    /// It has something of each of these.
    pub(super) fn has(&self, classes: u8) -> bool {
        self.seen & classes == classes
    }

    /// It has what may be a key of one of the services.
    pub(super) fn has_key(&self) -> bool {
        self.begins && self.longest >= patterns::SHORTEST
    }

    /// It is no more than a word, or a short number.
    pub(super) fn is_word(&self) -> bool {
        self.seen & !(KEY | DIGIT) == 0 && !self.has_key() && self.digits < card::SHOWN_DIGITS
    }
}

/// Stands where a text was cut.
const CUT: char = '…';

/// What gives a name its value.
pub(super) const SIGN: u8 = 1;
pub(super) const DIGIT: u8 = 1 << 1;
pub(super) const KEY: u8 = 1 << 2;
pub(super) const COLON: u8 = 1 << 3;
pub(super) const SLASH: u8 = 1 << 4;
pub(super) const QUESTION: u8 = 1 << 5;
pub(super) const DASH: u8 = 1 << 6;
pub(super) const BLANK: u8 = 1 << 7;

/// What a byte is.
fn class(byte: u8) -> u8 {
    match byte {
        b'=' | b'(' => SIGN,
        b':' => SIGN | COLON,
        b'0'..=b'9' => DIGIT | KEY,
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => KEY,
        b'-' => DASH | KEY,
        b'/' => SLASH,
        b'?' => QUESTION,
        b' ' | b'\t' => BLANK,
        _ => 0,
    }
}
