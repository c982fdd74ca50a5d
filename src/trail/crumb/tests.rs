//! The encoding, by properties over whatever a program may log, and by its mapping to JSON, value by value.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::json;
use tracing::callsite::{Callsite, DefaultCallsite};
use tracing::{Level, metadata::Kind};

use super::*;
use crate::limits::SPAN_BYTES;

/// A field to be encoded.
#[derive(Debug, Clone)]
struct Given {
    name: Result<usize, String>,
    value: GivenValue,
}

#[derive(Debug, Clone)]
enum GivenValue {
    Bool(bool),
    I64(i64),
    U64(u64),
    F64(f64),
    I128(i128),
    U128(u128),
    Text(String),
    /// Written piece by piece by a formatter that does not mind our errors.
    Pieces(Vec<String>),
    Failing(String),
    Panicking(String),
}

impl Given {
    fn name(&self) -> Name<'_> {
        match &self.name {
            Ok(index) => Name::Index(*index),
            Err(text) => Name::Text(text),
        }
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        let name = self.name();
        match &self.value {
            GivenValue::Bool(value) => encoder.bool(name, *value),
            GivenValue::I64(value) => encoder.i64(name, *value),
            GivenValue::U64(value) => encoder.u64(name, *value),
            GivenValue::F64(value) => encoder.f64(name, *value),
            GivenValue::I128(value) => encoder.i128(name, *value),
            GivenValue::U128(value) => encoder.u128(name, *value),
            GivenValue::Text(value) => encoder.text(name, value),
            other => encoder.format(name, format_args!("{}", Shown(other))),
        }
    }

    /// The whole text, or None for what is no text.
    fn text(&self) -> Option<String> {
        match &self.value {
            GivenValue::Text(text) => Some(text.clone()),
            GivenValue::Pieces(pieces) => Some(pieces.concat()),
            GivenValue::Failing(text) => Some(format!("{text}{FAILED}")),
            GivenValue::Panicking(_) => Some(PANICKED.to_owned()),
            _ => None,
        }
    }

    /// Whether a decoded field is this one, whole or, if it says so, cut.
    fn became(&self, field: &Field<'_>) -> bool {
        let named = match (self.name(), field.name) {
            (Name::Text(given), Name::Text(found)) => found == fitting(given, 255),
            (given, found) => given == found,
        };
        let valued = match (&self.value, field.value) {
            (GivenValue::Bool(given), Decoded::Bool(found)) => *given == found,
            (GivenValue::I64(given), Decoded::I64(found)) => *given == found,
            (GivenValue::U64(given), Decoded::U64(found)) => *given == found,
            (GivenValue::F64(given), Decoded::F64(found)) => given.to_bits() == found.to_bits(),
            (GivenValue::I128(given), Decoded::I128(found)) => *given == found,
            (GivenValue::U128(given), Decoded::U128(found)) => *given == found,
            (_, Decoded::Text(found)) => self.text().is_some_and(|given| match field.cut {
                false => given == found,
                true => given.len() > found.len() && given.starts_with(found),
            }),
            _ => false,
        };
        named && valued
    }
}

struct Shown<'a>(&'a GivenValue);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            GivenValue::Pieces(pieces) => {
                for piece in pieces {
                    let _ = out.write_str(piece);
                }
                Ok(())
            }
            GivenValue::Failing(text) => {
                out.write_str(text)?;
                Err(fmt::Error)
            }
            GivenValue::Panicking(text) => {
                let _ = out.write_str(text);
                std::panic::resume_unwind(Box::new("a formatter's own"))
            }
            _ => Ok(()),
        }
    }
}

fn text(longest: usize) -> impl Strategy<Value = String> {
    // Of one, two, three and four bytes, so that cuts fall inside of some.
    let chars = prop_oneof![any::<char>(), Just('a'), Just('é'), Just('…'), Just('🦀'), Just('\0')];
    let lengths = prop_oneof![4 => 0..24_usize, 1 => 0..longest];
    (prop::collection::vec(chars, 1..12), lengths)
        .prop_map(|(chars, length)| chars.iter().cycle().take(length).collect())
}

fn given() -> impl Strategy<Value = Given> {
    use GivenValue::*;
    let name = prop_oneof![4 => (0..FIELDS + 2).prop_map(Ok), 1 => text(300).prop_map(Err)];
    let value = prop_oneof![
        any::<bool>().prop_map(Bool),
        any::<i64>().prop_map(I64),
        any::<u64>().prop_map(U64),
        prop::num::f64::ANY.prop_map(F64),
        any::<i128>().prop_map(I128),
        any::<u128>().prop_map(U128),
        text(3 * FIELD_BYTES).prop_map(Text),
        prop::collection::vec(text(200), 0..20).prop_map(Pieces),
        text(200).prop_map(Failing),
        text(200).prop_map(Panicking),
    ];
    (name, value).prop_map(|(name, value)| Given { name, value })
}

/// Encodes into memory that was used before.
fn encode_given(given: &[Given], memory: &mut [u8], room: usize) -> (Vec<u8>, bool) {
    let ((), encoded) = encode(memory, room, |encoder| given.iter().for_each(|one| one.encode(encoder)));
    (encoded.words.as_flattened().to_vec(), encoded.cut)
}

fn rooms() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), Just(8), (0..=60_usize).prop_map(|words| words * 8), Just(SPAN_BYTES)]
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_the_same_in_order_or_said_to_be_cut(
        given in prop::collection::vec(given(), 0..40),
        room in rooms(),
        dirt in any::<u8>(),
    ) {
        let mut memory = [dirt; SPAN_BYTES + 64];
        let (bytes, cut) = encode_given(&given, &mut memory, room);
        prop_assert!(bytes.len() <= room, "{} bytes in {room}", bytes.len());
        prop_assert!(memory[room..].iter().all(|byte| *byte == dirt), "written behind the room");
        let mut rest = given.iter();
        for field in fields(&bytes) {
            // What found no room is left out; what follows may still fit.
            let found = rest.any(|one| one.became(&field));
            prop_assert!(found, "{field:?} was not given here");
            prop_assert!(!field.cut || cut);
        }
        if !cut {
            prop_assert_eq!(fields(&bytes).count(), given.len());
        }
    }

    #[test]
    fn a_text_is_cut_as_late_as_its_room_allows_and_between_two_characters(
        text in text(2 * FIELD_BYTES),
        room in rooms(),
        by_pieces in any::<bool>(),
    ) {
        let value = match by_pieces {
            true => GivenValue::Pieces(text.chars().map(String::from).collect()),
            false => GivenValue::Text(text.clone()),
        };
        let (bytes, cut) = encode_given(&[Given { name: Ok(3), value }], &mut [0xEE; SPAN_BYTES], room);
        let Some(left) = room.checked_sub(HEAD + TEXT_HEAD) else {
            prop_assert!(cut && bytes.is_empty());
            return Ok(());
        };
        let expected = fitting(&text, left.min(FIELD_BYTES));
        let field = fields(&bytes).next().unwrap();
        prop_assert_eq!(field.value, Decoded::Text(expected));
        prop_assert_eq!(field.cut, expected.len() < text.len());
        prop_assert_eq!(cut, field.cut);
        let shown = to_map(&bytes, None).values().next().cloned().unwrap();
        prop_assert_eq!(shown, json!(if cut { format!("{expected}…") } else { text }));
    }

    #[test]
    fn any_bytes_decode_to_fields_of_their_own_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        check_decoded(&bytes);
    }

    /// Whatever one changed byte makes of an encoding.
    #[test]
    fn damaged_fields_decode_too(
        given in prop::collection::vec(given(), 1..20),
        at in any::<prop::sample::Index>(),
        to in any::<u8>(),
        end in any::<prop::sample::Index>(),
    ) {
        let (mut bytes, _) = encode_given(&given, &mut [0; SPAN_BYTES], 480);
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = to;
            bytes.truncate(end.index(bytes.len()) + 1);
        }
        check_decoded(&bytes);
    }

    #[test]
    fn the_head_of_an_encoding_decodes_to_its_first_fields(
        given in prop::collection::vec(given(), 0..20),
        end in any::<prop::sample::Index>(),
    ) {
        let (bytes, _) = encode_given(&given, &mut [0; SPAN_BYTES], SPAN_BYTES);
        let head = &bytes[..end.index(bytes.len() + 1)];
        let whole: Vec<_> = fields(&bytes).map(|field| field.bytes).collect();
        let kept: Vec<_> = fields(head).map(|field| field.bytes).collect();
        prop_assert!(whole.starts_with(&kept));
        let missing = whole.get(kept.len()).is_some_and(|next| kept.concat().len() + next.len() <= head.len());
        prop_assert!(!missing, "a field that was there");
    }
}

/// Decoding ends, and its fields are the head of the bytes: so its time is bounded by their number.
fn check_decoded(bytes: &[u8]) {
    let decoded: Vec<_> = fields(bytes).map(|field| field.bytes).collect();
    assert!(bytes.starts_with(&decoded.concat()));
    assert!(decoded.iter().all(|field| field.len() > HEAD));
    to_map(bytes, None);
}

#[test]
fn at_most_as_many_fields_as_the_limit_says_are_taken_from_a_callsite() {
    let given: Vec<_> =
        (0..2 * FIELDS).map(|index| Given { name: Ok(index), value: GivenValue::Bool(true) }).collect();
    let mut memory = [0; SPAN_BYTES];
    let (bytes, cut) = encode_given(&given[..FIELDS], &mut memory, SPAN_BYTES);
    assert_eq!((fields(&bytes).count(), cut), (FIELDS, false));
    let (bytes, cut) = encode_given(&given, &mut memory, SPAN_BYTES);
    assert_eq!((fields(&bytes).count(), cut), (FIELDS, true));
}

#[test]
fn a_name_is_looked_up_in_the_callsite_or_stands_in_the_text() {
    static CALLSITE: DefaultCallsite = DefaultCallsite::new(&METADATA);
    static METADATA: Metadata<'static> = tracing::metadata! {
        name: "event",
        target: "tests",
        level: Level::WARN,
        fields: &["message", "order.id"],
        callsite: &CALLSITE,
        kind: Kind::EVENT,
    };
    let mut memory = [0; SPAN_BYTES];
    let ((), encoded) = encode(&mut memory, SPAN_BYTES, |encoder| {
        encoder.text(Name::Index(0), "sold out");
        encoder.u64(Name::Index(1), 7);
        encoder.u64(Name::Index(1), 8);
        encoder.bool(Name::Text("gift"), true);
        encoder.bool(Name::Text(""), false);
        encoder.bool(Name::Index(9), true);
    });
    let bytes = encoded.words.as_flattened();
    let named = Value::Object(to_map(bytes, Some(CALLSITE.metadata())));
    // An index that the callsite does not have has no name, and the later of two equal names holds.
    assert_eq!(named, json!({ "message": "sold out", "order.id": 8, "gift": true, "": true }));
}

#[test]
fn a_name_that_is_too_long_is_cut_and_the_record_says_so() {
    let name = "é".repeat(200);
    let given = Given { name: Err(name.clone()), value: GivenValue::Bool(true) };
    let (bytes, cut) = encode_given(&[given], &mut [0; SPAN_BYTES], SPAN_BYTES);
    assert!(cut);
    assert_eq!(fields(&bytes).next().unwrap().name, Name::Text(&name[..254]));
}

/// Row 20 of the faults.
#[test]
fn numbers_become_json_numbers_and_where_json_has_none_their_text() {
    let cases = [
        (Decoded::Bool(true), json!(true)),
        (Decoded::I64(i64::MIN), json!(i64::MIN)),
        (Decoded::U64(u64::MAX), json!(u64::MAX)),
        (Decoded::F64(0.1), json!(0.1)),
        (Decoded::F64(-0.0), json!(-0.0)),
        (Decoded::F64(f64::MAX), json!(f64::MAX)),
        (Decoded::F64(f64::NAN), json!("NaN")),
        (Decoded::F64(f64::INFINITY), json!("inf")),
        (Decoded::F64(f64::NEG_INFINITY), json!("-inf")),
        (Decoded::I128(-1), json!(-1)),
        (Decoded::I128(u64::MAX.into()), json!(u64::MAX)),
        (Decoded::I128(i128::MIN), json!(i128::MIN.to_string())),
        (Decoded::U128(u64::MAX.into()), json!(u64::MAX)),
        (Decoded::U128(u128::from(u64::MAX) + 1), json!("18446744073709551616")),
        (Decoded::U128(u128::MAX), json!("340282366920938463463374607431768211455")),
        (Decoded::Text("a\0\u{1b}\u{202e}"), json!("a\0\u{1b}\u{202e}")),
    ];
    for (value, expected) in cases {
        assert_eq!(value.to_json(), expected, "{value:?}");
        // Valid JSON, whatever it was.
        let written = serde_json::to_string(&value.to_json()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), expected, "{written}");
    }
    assert_eq!(Decoded::F64(-0.0).to_json().to_string(), "-0.0");
}

#[test]
fn a_formatter_that_writes_without_end_is_ended_by_its_room() {
    struct Endless;
    impl fmt::Display for Endless {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                out.write_char('é')?;
            }
        }
    }
    let mut memory = [0; SPAN_BYTES];
    let ((), encoded) =
        encode(&mut memory, 64, |encoder| encoder.format(Name::Index(0), format_args!("{Endless}")));
    assert!(encoded.cut);
    assert_eq!(fields(encoded.words.as_flattened()).next().unwrap().value, Decoded::Text(&"é".repeat(30)));
}
