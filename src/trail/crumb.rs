//! The encoding of fields: how a log record's values stand in the ring, and a span's in its table.
//!
//! Fields stand one behind the other, in the order in which they were visited. Each is a byte that says its type and
//! whether it was cut, its name, and its value. A name is the field's index in its callsite, looked up when the field
//! is decoded, or the text itself where there is no callsite. Encoding never allocates; it runs user formatting into
//! a buffer of the calling thread. Decoding runs on the worker and takes any bytes: what cannot be read ends it.
//!
//! ```text
//! byte 0    type (low 4 bits), CUT, NAMED
//! byte 1    index of the field, or length of its name (NAMED), which follows
//! then      bool: 1 byte · numbers: 8 or 16 bytes, little-endian · text: 2 bytes of length, then UTF-8
//! ```
//!
//! The last field is followed by padding up to a whole word.

use std::fmt;

use serde_json::{Map, Value};
use tracing::Metadata;

use super::text::{Bounded, FAILED, Formatted, PANICKED, fitting, format_into};
use crate::limits::{FIELD_BYTES, FIELDS, SPAN_BYTES};

/// A buffer that fields are encoded into.
#[derive(Debug)]
pub(crate) struct Encoder {
    len: usize,
    room: usize,
    fields: usize,
    cut: bool,
    /// Room for the longest encoding and its padding.
    bytes: [u8; SPAN_BYTES + WORD],
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
const CUT: u8 = 0x10;
const NAMED: u8 = 0x20;

const HEAD: usize = 2;
const TEXT_HEAD: usize = 2;
const WORD: usize = 8;

impl Encoder {
    pub(crate) const fn new() -> Self {
        Self { len: 0, room: SPAN_BYTES, fields: 0, cut: false, bytes: [0; SPAN_BYTES + WORD] }
    }

    /// Empties the buffer and gives it room for so many bytes.
    #[inline]
    pub(crate) fn begin(&mut self, room: usize) {
        (self.len, self.room, self.fields, self.cut) = (0, room.min(SPAN_BYTES), 0, false);
    }

    /// The encoded fields, filled up to whole words.
    #[inline]
    pub(crate) fn finish(&mut self) -> &[[u8; WORD]] {
        if let Some(padding) = self.bytes.get_mut(self.len..).and_then(|rest| rest.first_chunk_mut::<WORD>())
        {
            *padding = [END; WORD];
        }
        self.bytes.as_chunks().0.get(..self.len.div_ceil(WORD)).unwrap_or_default()
    }

    /// Something found no room.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    #[inline]
    pub(crate) fn bool(&mut self, name: Name<'_>, value: bool) {
        self.fixed(BOOL, name, [u8::from(value)]);
    }

    #[inline]
    pub(crate) fn i64(&mut self, name: Name<'_>, value: i64) {
        self.fixed(I64, name, value.to_le_bytes());
    }

    #[inline]
    pub(crate) fn u64(&mut self, name: Name<'_>, value: u64) {
        self.fixed(U64, name, value.to_le_bytes());
    }

    #[inline]
    pub(crate) fn f64(&mut self, name: Name<'_>, value: f64) {
        self.fixed(F64, name, value.to_le_bytes());
    }

    pub(crate) fn i128(&mut self, name: Name<'_>, value: i128) {
        self.fixed(I128, name, value.to_le_bytes());
    }

    pub(crate) fn u128(&mut self, name: Name<'_>, value: u128) {
        self.fixed(U128, name, value.to_le_bytes());
    }

    #[inline]
    pub(crate) fn text(&mut self, name: Name<'_>, value: &str) {
        if let Some(start) = self.open(TEXT, name, TEXT_HEAD) {
            let fits = fitting(value, self.left().min(FIELD_BYTES));
            self.append(fits.as_bytes());
            self.close_text(start, fits.len() < value.len());
        }
    }

    /// Runs user formatting, whatever it does.
    #[inline]
    pub(crate) fn format(&mut self, name: Name<'_>, value: fmt::Arguments<'_>) {
        let Some(start) = self.open(TEXT, name, TEXT_HEAD) else { return };
        let end = self.len + self.left().min(FIELD_BYTES);
        let mut writer = FieldWriter { end, cut: false, encoder: self };
        let formatted = format_into(&mut writer, value);
        match formatted {
            Formatted::Whole | Formatted::Cut => {}
            Formatted::Failed => self.append(fitting(FAILED, self.left()).as_bytes()),
            Formatted::Panicked => {
                self.len = start.value;
                self.append(fitting(PANICKED, self.left()).as_bytes());
            }
        }
        self.close_text(start, formatted == Formatted::Cut);
    }

    #[inline]
    fn fixed<const N: usize>(&mut self, kind: u8, name: Name<'_>, value: [u8; N]) {
        if self.open(kind, name, N).is_some() {
            self.append_array(value);
        }
    }

    /// Writes a field's head if there is room for it and `value` bytes more.
    #[inline]
    fn open(&mut self, kind: u8, name: Name<'_>, value: usize) -> Option<Start> {
        let head = self.len;
        let named = match name {
            Name::Index(index) => {
                u8::try_from(index).ok().filter(|_| self.has_room(HEAD + value)).map(|index| {
                    self.append_array([kind, index]);
                })
            }
            Name::Text(text) => self.open_named(kind, text, value),
        };
        if named.is_none() {
            self.cut = true;
            return None;
        }
        self.fields += 1;
        if kind == TEXT {
            self.append_array([0; TEXT_HEAD]);
        }
        Some(Start { head, value: self.len })
    }

    #[cold]
    fn open_named(&mut self, kind: u8, name: &str, value: usize) -> Option<()> {
        let name = fitting(name, usize::from(u8::MAX));
        let length = u8::try_from(name.len()).ok().filter(|_| self.has_room(HEAD + name.len() + value))?;
        self.append_array([kind | NAMED, length]);
        self.append(name.as_bytes());
        Some(())
    }

    #[inline]
    fn has_room(&self, bytes: usize) -> bool {
        self.len + bytes <= self.room && self.fields < FIELDS
    }

    #[inline]
    fn close_text(&mut self, start: Start, cut: bool) {
        let length = u16::try_from(self.len - start.value).unwrap_or(u16::MAX).to_le_bytes();
        let slot = self.bytes.get_mut(start.value - TEXT_HEAD..);
        if let Some(slot) = slot.and_then(|rest| rest.first_chunk_mut::<TEXT_HEAD>()) {
            *slot = length;
        }
        if cut {
            self.cut = true;
            if let Some(head) = self.bytes.get_mut(start.head) {
                *head |= CUT;
            }
        }
    }

    #[inline]
    fn append(&mut self, bytes: &[u8]) {
        if let Some(slot) = self.bytes.get_mut(self.len..self.len + bytes.len()) {
            slot.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }

    #[inline]
    fn append_array<const N: usize>(&mut self, bytes: [u8; N]) {
        if let Some(slot) = self.bytes.get_mut(self.len..).and_then(|rest| rest.first_chunk_mut::<N>()) {
            *slot = bytes;
            self.len += N;
        }
    }

    #[inline]
    fn left(&self) -> usize {
        self.room.saturating_sub(self.len)
    }
}

#[derive(Clone, Copy)]
struct Start {
    head: usize,
    value: usize,
}

struct FieldWriter<'a> {
    encoder: &'a mut Encoder,
    end: usize,
    cut: bool,
}

impl fmt::Write for FieldWriter<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let fits = fitting(text, self.end.saturating_sub(self.encoder.len));
        self.encoder.append(fits.as_bytes());
        self.cut |= fits.len() < text.len();
        if self.cut { Err(fmt::Error) } else { Ok(()) }
    }
}

impl Bounded for FieldWriter<'_> {
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
    let ([head, second], rest) = all.split_first_chunk::<2>()?;
    let (name, rest) = if head & NAMED == 0 {
        (Name::Index(usize::from(*second)), rest)
    } else {
        let (name, rest) = rest.split_at_checked(usize::from(*second))?;
        (Name::Text(std::str::from_utf8(name).ok()?), rest)
    };
    let (value, rest) = match head & TYPE {
        BOOL => number(rest, |[byte]| Decoded::Bool(byte != 0))?,
        I64 => number(rest, |bytes| Decoded::I64(i64::from_le_bytes(bytes)))?,
        U64 => number(rest, |bytes| Decoded::U64(u64::from_le_bytes(bytes)))?,
        F64 => number(rest, |bytes| Decoded::F64(f64::from_le_bytes(bytes)))?,
        I128 => number(rest, |bytes| Decoded::I128(i128::from_le_bytes(bytes)))?,
        U128 => number(rest, |bytes| Decoded::U128(u128::from_le_bytes(bytes)))?,
        TEXT => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            let (text, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            (Decoded::Text(std::str::from_utf8(text).ok()?), rest)
        }
        _ => return None,
    };
    let bytes = all.get(..all.len() - rest.len())?;
    Some((Field { name, value, cut: head & CUT != 0, bytes }, rest))
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
            Self::I128(value) => i64::try_from(value).map_or_else(|_| value.to_string().into(), Value::from),
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
