//! Running a user's `Display` or `Debug` safely: bounded, and with its panic caught.
//!
//! Runs on the caller's thread, holding nothing but a buffer of that thread. A formatter that never ends is ended by
//! the writer, which refuses what goes beyond its room, if it heeds errors, as all that are made of `write!` and `?` do; one that recurses without end is the host's own overflow.

use std::fmt;

use super::crumb::Ear;
use crate::limits::CHAIN_LINKS;
use crate::sync::caught;

/// What came of a formatter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Formatted {
    Whole,
    /// There was more than room for it.
    Cut,
    /// It returned an error of its own.
    Failed,
    Panicked,
}

/// Stands in the place of a text whose formatter panicked.
pub(crate) const PANICKED: &str = "<formatter panicked>";
/// Stands behind what a formatter wrote before it returned an error.
pub(crate) const FAILED: &str = "<formatter failed>";

/// A writer with an end: what goes beyond it is refused with an error, which makes a formatter stop.
pub(crate) trait Bounded: fmt::Write {
    /// Something was refused.
    fn is_cut(&self) -> bool;
}

/// Writes `arguments`, whatever the formatters in them do.
#[inline]
pub(crate) fn format_into(out: &mut impl Bounded, arguments: fmt::Arguments<'_>) -> Formatted {
    let written = caught(|| out.write_fmt(arguments));
    match written {
        Some(Ok(())) if !out.is_cut() => Formatted::Whole,
        Some(_) if out.is_cut() => Formatted::Cut,
        Some(_) => Formatted::Failed,
        None => Formatted::Panicked,
    }
}

/// Bytes that most texts have room in.
const USUAL_BYTES: usize = 128;

/// Text on the heap, up to a limit in bytes.
#[derive(Debug)]
pub(crate) struct BoundedString {
    /// Never longer than `limit`.
    text: String,
    limit: usize,
    cut: bool,
}

impl BoundedString {
    pub(crate) fn new(limit: usize) -> Self {
        // Most texts are short, and come in many pieces.
        Self { text: String::with_capacity(limit.min(USUAL_BYTES)), limit, cut: false }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Runs the formatters and returns their text, with a mark where it was cut, failed or panicked.
    pub(crate) fn format(limit: usize, arguments: fmt::Arguments<'_>) -> String {
        let mut out = Self::new(limit);
        let formatted = format_into(&mut out, arguments);
        out.marked(formatted)
    }

    /// As [`format`](Self::format), and the bytes at which [`JOINT`] was written as a piece of its own.
    pub(crate) fn format_jointed(limit: usize, arguments: fmt::Arguments<'_>) -> (String, Vec<usize>) {
        let mut out = Jointed { text: Self::new(limit), joints: Vec::new() };
        let formatted = format_into(&mut out, arguments);
        (out.text.marked(formatted), out.joints)
    }

    #[cold]
    fn write_cut(&mut self, text: &str) -> fmt::Result {
        if !self.cut {
            self.text.push_str(fitting(text, self.limit - self.text.len()));
            self.cut = true;
        }
        // A formatter that goes on after our error shall not write behind the cut.
        Err(fmt::Error)
    }

    fn marked(mut self, formatted: Formatted) -> String {
        match formatted {
            Formatted::Whole => {}
            Formatted::Cut => self.text.push('…'),
            Formatted::Failed => self.text.push_str(FAILED),
            Formatted::Panicked => {
                self.text.clear();
                self.text.push_str(PANICKED);
            }
        }
        self.text
    }
}

/// Stands between the texts of an error and its cause where a report shows both on one line, and is then a piece of its
/// own, while a colon inside of an error's text is part of a longer one.
pub(crate) const JOINT: &str = ": ";

/// Text, and where its joints are.
struct Jointed {
    text: BoundedString,
    joints: Vec<usize>,
}

impl fmt::Write for Jointed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text == JOINT && self.joints.len() < CHAIN_LINKS {
            self.joints.push(self.text.text.len());
        }
        self.text.write_str(text)
    }
}

impl Bounded for Jointed {
    fn is_cut(&self) -> bool {
        self.text.cut
    }
}

impl fmt::Write for BoundedString {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.cut || text.len() > self.limit - self.text.len() {
            return self.write_cut(text);
        }
        self.text.push_str(text);
        Ok(())
    }
}

impl Bounded for BoundedString {
    fn is_cut(&self) -> bool {
        self.cut
    }
}

/// Writes a text, with somebody listening to its pieces.
pub(crate) struct Heard<'a, E> {
    pub(crate) text: &'a mut BoundedString,
    pub(crate) ear: &'a mut E,
}

impl<E: Ear> fmt::Write for Heard<'_, E> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.ear.hear(piece);
        self.text.write_str(piece)
    }
}

impl<E: Ear> Bounded for Heard<'_, E> {
    fn is_cut(&self) -> bool {
        self.text.cut
    }
}

/// The longest head of `text` of at most `bytes` bytes that ends between two characters.
#[inline]
pub(crate) fn fitting(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes { text } else { cut(text, bytes) }
}

#[cold]
fn cut(text: &str, mut end: usize) -> &str {
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
