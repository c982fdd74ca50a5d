//! One text that the rules look at, and what one pass over its bytes tells of it.

use std::ops::Range;

use super::keys::Keys;

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
    pub(super) digits: usize,
    /// The longest run of what names and keys are made of.
    pub(super) longest: usize,
}

impl Glance {
    pub(super) fn at(text: &str) -> Self {
        let mut glance = Self::default();
        let mut run = 0;
        for byte in text.bytes() {
            let class = CLASSES.get(usize::from(byte)).copied().unwrap_or_default();
            glance.seen |= class;
            glance.digits += usize::from(class & DIGIT != 0);
            run = if class & KEY == 0 { 0 } else { run + 1 };
            glance.longest = glance.longest.max(run);
        }
        glance
    }

    /// It has something of each of these.
    pub(super) fn has(&self, classes: u8) -> bool {
        self.seen & classes == classes
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

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        #[expect(clippy::indexing_slicing, reason = "the table has a place for every byte")]
        {
            classes[byte as usize] = class(byte);
        }
        if byte == u8::MAX {
            break classes;
        }
        byte += 1;
    }
};

const fn class(byte: u8) -> u8 {
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
