//! The encoding of fields: how a log record's values stand in the ring, and a span's in its table.
//!
//! Fields stand one behind the other, in the order in which they were visited. Each is a byte that says its type, its
//! name, and its value. A name is the field's index in its callsite, looked up when the field
//! is decoded, or the text itself where there is no callsite. Encoding never allocates; it runs user formatting into
//! a buffer of the calling thread. Decoding runs on the worker and takes any bytes: what cannot be read ends it.
//!
//! ```text
//! byte 0    type (low 4 bits), NAMED
//! byte 1    index of the field, or length of its name (NAMED), which follows
//! then      bool: 1 byte · numbers: 8 or 16 bytes, little-endian · text: 2 bytes of length with CUT, then UTF-8
//! ```
//!
//! The last field is followed by padding up to a whole word.

use std::fmt;
use std::mem;

use serde_json::{Map, Value};
use tracing::Metadata;

use super::text::{Bounded, FAILED, Formatted, PANICKED, fitting, format_into};
use crate::limits::{FIELD_BYTES, FIELDS};

/// What was encoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoded<'a> {
    /// The fields, filled up to whole words.
    pub(crate) words: &'a [[u8; WORD]],
    /// Something found no room.
    pub(crate) cut: bool,
}

/// Writes fields one behind the other, while there is room.
#[derive(Debug)]
pub(crate) struct Encoder<'a> {
    rest: &'a mut [u8],
    cut: bool,
    /// Bytes of one text.
    limit: usize,
    /// Fields of the callsite, from the first on, that are taken.
    fields: usize,
}

/// How a field is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name<'a> {
    /// By its index in the callsite.
    Index(usize),
    Text(&'a str),
}

/// A decoded value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Decoded<'a> {
    Bool(bool),
    I64(i64),
    U64(u64),
    F64(f64),
    I128(i128),
    U128(u128),
    Text(&'a str),
}

/// One decoded field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Field<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) value: Decoded<'a>,
    pub(crate) cut: bool,
    /// The field as it stands encoded.
    pub(crate) bytes: &'a [u8],
}

const BOOL: u8 = 0;
const I64: u8 = 1;
const U64: u8 = 2;
const F64: u8 = 3;
const I128: u8 = 4;
const U128: u8 = 5;
const TEXT: u8 = 6;
const TYPE: u8 = 0x0F;
/// No type: what follows is padding.
const END: u8 = TYPE;
const NAMED: u8 = 0x10;
/// In the length of a text: it was longer.
const CUT: u16 = 0x8000;

const HEAD: usize = 2;
const TEXT_HEAD: usize = 2;
const WORD: usize = 8;

/// Encodes what `fill` writes into the first `room` bytes of `memory`, which are whole words.
#[inline]
pub(crate) fn encode<'a, T>(
    memory: &'a mut [u8],
    room: usize,
    fill: impl FnOnce(&mut Encoder<'_>) -> T,
) -> (T, Encoded<'a>) {
    let mut encoder = Encoder {
        rest: memory.get_mut(..room).unwrap_or_default(),
        cut: false,
        limit: FIELD_BYTES,
        fields: FIELDS,
    };
    let filled = fill(&mut encoder);
    match encoder.rest.first_chunk_mut::<WORD>() {
        Some(padding) => *padding = [END; WORD],
        None => encoder.rest.fill(END),
    }
    let (used, cut) = (room.saturating_sub(encoder.rest.len()), encoder.cut);
    let words = memory.as_chunks().0.get(..used.div_ceil(WORD)).unwrap_or_default();
    (filled, Encoded { words, cut })
}

impl<'a> Encoder<'a> {
    #[inline]
    pub(crate) fn bool(&mut self, name: Name<'_>, value: bool) {
        if let Some([slot]) = self.open(BOOL, name) {
            *slot = value.into();
        }
    }

    #[inline]
    pub(crate) fn i64(&mut self, name: Name<'_>, value: i64) {
        if let Some(slot) = self.open(I64, name) {
            *slot = value.to_le_bytes();
        }
    }

    #[inline]
    pub(crate) fn u64(&mut self, name: Name<'_>, value: u64) {
        if let Some(slot) = self.open(U64, name) {
            *slot = value.to_le_bytes();
        }
    }

    #[inline]
    pub(crate) fn f64(&mut self, name: Name<'_>, value: f64) {
        if let Some(slot) = self.open(F64, name) {
            *slot = value.to_le_bytes();
        }
    }

    pub(crate) fn i128(&mut self, name: Name<'_>, value: i128) {
        if let Some(slot) = self.open(I128, name) {
            *slot = value.to_le_bytes();
        }
    }

    pub(crate) fn u128(&mut self, name: Name<'_>, value: u128) {
        if let Some(slot) = self.open(U128, name) {
            *slot = value.to_le_bytes();
        }
    }

    #[inline]
    pub(crate) fn text(&mut self, name: Name<'_>, value: &str) {
        let whole = HEAD + TEXT_HEAD + value.len();
        if let Name::Index(index) = name
            && index < self.fields
            && value.len() <= FIELD_BYTES
            && whole <= self.rest.len()
            && let Some((place, rest)) = mem::take(&mut self.rest).split_at_mut_checked(whole)
            && let Some((head, text)) = place.split_first_chunk_mut()
        {
            let [low, high] = (value.len() as u16).to_le_bytes();
            *head = [TEXT, index as u8, low, high];
            text.copy_from_slice(value.as_bytes());
            self.rest = rest;
        } else {
            self.text_cut(name, value);
        }
    }

    #[cold]
    fn text_cut(&mut self, name: Name<'_>, value: &str) {
        self.write_text(name, |text| {
            let _ = text.append(value);
            true
        });
    }

    /// Runs user formatting, whatever it does.
    #[inline(always)]
    pub(crate) fn format(&mut self, name: Name<'_>, value: fmt::Arguments<'_>) {
        self.write_text(name, |text| {
            let formatted = format_into(text, value);
            if formatted == Formatted::Failed {
                // There may be no room for the mark, which cuts the text.
                let _ = text.append(FAILED);
            }
            formatted != Formatted::Panicked
        });
    }

    /// Takes one field more: the message stands beside those that are counted.
    pub(crate) fn beside_message(&mut self) {
        self.fields = FIELDS + 1;
    }

    /// A field as it stands encoded elsewhere, for the same callsite.
    pub(crate) fn copy(&mut self, field: &Field<'_>) {
        self.cut |= field.cut || field.bytes.len() > self.rest.len();
        if let Some((place, rest)) = mem::take(&mut self.rest).split_at_mut_checked(field.bytes.len()) {
            place.copy_from_slice(field.bytes);
            self.rest = rest;
        }
    }

    /// As [`format`](Self::format), with a limit of its own.
    pub(crate) fn format_within(&mut self, name: Name<'_>, limit: usize, value: fmt::Arguments<'_>) {
        let usual = mem::replace(&mut self.limit, limit.min(usize::from(!CUT)));
        self.format(name, value);
        self.limit = usual;
    }

    /// The same, with somebody listening: the formatter goes on beyond our room for as long as that wants more.
    pub(crate) fn format_heard(&mut self, name: Name<'_>, value: fmt::Arguments<'_>, ear: &mut impl Ear) {
        let mut ended = Formatted::Whole;
        let mut heard = false;
        self.write_text(name, |text| {
            heard = true;
            let mut both = Both { text, ear: &mut *ear, listens: true };
            ended = format_into(&mut both, value);
            if ended == Formatted::Failed {
                let _ = text.append(FAILED);
            }
            ended != Formatted::Panicked
        });
        if !heard {
            // No room for a field at all: what it says counts all the same.
            format_into(&mut Both { text: &mut Text::new(&mut []), ear, listens: true }, value);
        }
    }

    /// A text that `write` writes; where it returns false the text is taken back and said to have panicked.
    #[inline(always)]
    fn write_text(&mut self, name: Name<'_>, write: impl FnOnce(&mut Text<'_>) -> bool) {
        let Some(length) = self.open::<TEXT_HEAD>(TEXT, name) else { return };
        let bytes = mem::take(&mut self.rest);
        let room = bytes.len().min(self.limit);
        let mut text = Text::new(bytes.get_mut(..room).unwrap_or_default());
        if !write(&mut text) {
            text = Text::new(bytes.get_mut(..room).unwrap_or_default());
            let _ = text.append(PANICKED);
        }
        let (written, cut) = (room - text.rest.len() - text.unused, text.cut);
        self.cut |= cut;
        *length = (written as u16 | if cut { CUT } else { 0 }).to_le_bytes();
        self.rest = bytes.get_mut(written..).unwrap_or_default();
    }

    /// Writes a field's head and returns the place of its value, if there is room for both.
    #[inline]
    fn open<const N: usize>(&mut self, kind: u8, name: Name<'_>) -> Option<&'a mut [u8; N]> {
        let Name::Index(index) = name else { return self.open_named(kind, name) };
        if index >= self.fields || self.rest.len() < HEAD + N {
            self.cut = true;
            return None;
        }
        let (head, rest) = mem::take(&mut self.rest).split_first_chunk_mut::<HEAD>()?;
        *head = [kind, index as u8];
        let (value, rest) = rest.split_first_chunk_mut()?;
        self.rest = rest;
        Some(value)
    }

    #[cold]
    fn open_named<const N: usize>(&mut self, kind: u8, name: Name<'_>) -> Option<&'a mut [u8; N]> {
        let whole = name.resolve(None);
        let name = fitting(whole, usize::from(u8::MAX));
        self.cut |= name.len() < whole.len();
        if self.rest.len() < HEAD + name.len() + N {
            self.cut = true;
            return None;
        }
        let (head, rest) = mem::take(&mut self.rest).split_first_chunk_mut::<HEAD>()?;
        *head = [kind | NAMED, name.len() as u8];
        let (named, rest) = rest.split_at_mut_checked(name.len())?;
        named.copy_from_slice(name.as_bytes());
        let (value, rest) = rest.split_first_chunk_mut()?;
        self.rest = rest;
        Some(value)
    }
}

/// Somebody who listens to a text while it is written.
pub(crate) trait Ear {
    /// Hears one piece; false where it wants no more.
    fn hear(&mut self, piece: &str) -> bool;
}

/// Writes into the encoding and to who listens.
struct Both<'a, 'b, E> {
    text: &'a mut Text<'b>,
    ear: &'a mut E,
    listens: bool,
}

impl<E: Ear> fmt::Write for Both<'_, '_, E> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.listens = self.listens && self.ear.hear(piece);
        if !self.text.cut {
            let _ = self.text.append(piece);
        }
        if self.text.cut && !self.listens { Err(fmt::Error) } else { Ok(()) }
    }
}

impl<E: Ear> Bounded for Both<'_, '_, E> {
    fn is_cut(&self) -> bool {
        self.text.cut
    }
}

/// The place of one text.
struct Text<'a> {
    rest: &'a mut [u8],
    cut: bool,
    /// Bytes in which the character did not fit at which the text was cut. A formatter that goes on after our error
    /// shall not find them.
    unused: usize,
}

impl<'a> Text<'a> {
    fn new(rest: &'a mut [u8]) -> Self {
        Self { rest, cut: false, unused: 0 }
    }

    #[inline]
    fn append(&mut self, text: &str) -> fmt::Result {
        if text.len() > self.rest.len() {
            return self.append_cut(text);
        }
        let (place, rest) = mem::take(&mut self.rest).split_at_mut(text.len());
        place.copy_from_slice(text.as_bytes());
        self.rest = rest;
        Ok(())
    }

    #[cold]
    fn append_cut(&mut self, text: &str) -> fmt::Result {
        self.cut = true;
        // What fits of a text that does not is shorter than the room for it.
        self.append(fitting(text, self.rest.len()))?;
        self.unused += mem::take(&mut self.rest).len();
        Err(fmt::Error)
    }
}

impl fmt::Write for Text<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.append(text)
    }
}

impl Bounded for Text<'_> {
    fn is_cut(&self) -> bool {
        self.cut
    }
}

/// Reads encoded fields, in order, up to the first that cannot be read.
pub(crate) fn fields(bytes: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (field, after) = field(rest)?;
        rest = after;
        Some(field)
    })
}

fn field(all: &[u8]) -> Option<(Field<'_>, &[u8])> {
    let ([head, second], rest) = all.split_first_chunk::<HEAD>()?;
    let (name, rest) = if head & NAMED == 0 {
        (Name::Index(usize::from(*second)), rest)
    } else {
        let (name, rest) = rest.split_at_checked(usize::from(*second))?;
        (Name::Text(std::str::from_utf8(name).ok()?), rest)
    };
    let mut cut = false;
    let (value, rest) = match head & TYPE {
        BOOL => number(rest, |[byte]| Decoded::Bool(byte != 0))?,
        I64 => number(rest, |bytes| Decoded::I64(i64::from_le_bytes(bytes)))?,
        U64 => number(rest, |bytes| Decoded::U64(u64::from_le_bytes(bytes)))?,
        F64 => number(rest, |bytes| Decoded::F64(f64::from_le_bytes(bytes)))?,
        I128 => number(rest, |bytes| Decoded::I128(i128::from_le_bytes(bytes)))?,
        U128 => number(rest, |bytes| Decoded::U128(u128::from_le_bytes(bytes)))?,
        TEXT => {
            let (length, rest) = rest.split_first_chunk::<TEXT_HEAD>()?;
            let length = u16::from_le_bytes(*length);
            cut = length & CUT != 0;
            let (text, rest) = rest.split_at_checked(usize::from(length & !CUT))?;
            (Decoded::Text(std::str::from_utf8(text).ok()?), rest)
        }
        _ => return None,
    };
    let bytes = all.get(..all.len() - rest.len())?;
    Some((Field { name, value, cut, bytes }, rest))
}

fn number<const N: usize>(
    bytes: &[u8],
    read: impl FnOnce([u8; N]) -> Decoded<'static>,
) -> Option<(Decoded<'static>, &[u8])> {
    let (value, rest) = bytes.split_first_chunk::<N>()?;
    Some((read(*value), rest))
}

impl<'a> Name<'a> {
    /// The name as text; empty where the callsite has no such field.
    pub(crate) fn resolve(self, callsite: Option<&'static Metadata<'static>>) -> &'a str {
        match self {
            Self::Text(text) => text,
            Self::Index(index) => callsite
                .and_then(|callsite| callsite.fields().iter().nth(index))
                .map_or("", |field| field.name()),
        }
    }
}

impl Decoded<'_> {
    /// As JSON: numbers that JSON has none for (NaN, the infinities, integers beyond 64 bits) become their text.
    pub(crate) fn to_json(self) -> Value {
        match self {
            Self::Bool(value) => value.into(),
            Self::I64(value) => value.into(),
            Self::U64(value) => value.into(),
            Self::F64(value) => {
                serde_json::Number::from_f64(value).map_or_else(|| value.to_string().into(), Value::Number)
            }
            Self::I128(value) => match (i64::try_from(value), u64::try_from(value)) {
                (Ok(value), _) => value.into(),
                (_, Ok(value)) => value.into(),
                _ => value.to_string().into(),
            },
            Self::U128(value) => u64::try_from(value).map_or_else(|_| value.to_string().into(), Value::from),
            Self::Text(value) => value.into(),
        }
    }
}

/// Encoded fields as a JSON object; where a name stands twice, the later value holds. Cut texts end with `…`.
pub(crate) fn to_map(bytes: &[u8], callsite: Option<&'static Metadata<'static>>) -> Map<String, Value> {
    let mut map = Map::new();
    for field in fields(bytes) {
        let mut value = field.value.to_json();
        if let (Value::String(text), true) = (&mut value, field.cut) {
            text.push('…');
        }
        map.insert(field.name.resolve(callsite).to_owned(), value);
    }
    map
}

#[cfg(test)]
#[cfg(not(crumbtrail_loom))]
mod tests;
