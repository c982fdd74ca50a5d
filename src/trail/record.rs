//! Breadcrumbs as records of the ring: those of log lines are decoded here, our own are encoded too.

use serde_json::{Map, Value};
use tracing::Level;

use super::CRUMB_BYTES;
use super::crumb::{self, Encoded, Encoder, Name};
use super::log_site::LogSite;
use super::ring::Header;
use crate::clock;
use crate::model::{Breadcrumb, BreadcrumbKind};

/// The mark of a record: its level where it has no callsite to name it, and whether it is cut.
#[inline]
pub(crate) fn mark(level: Option<Level>, cut: bool) -> u8 {
    let level =
        level.and_then(|level| LEVELS.iter().position(|known| *known == level)).unwrap_or_default() as u8;
    level | if cut { MARK_CUT } else { 0 }
}

/// A record is cut: its mark says so in this bit.
const MARK_CUT: u8 = 0x80;
const MARK_LEVEL: u8 = 0x07;

const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];

/// Fields of an encoded breadcrumb of our own, which has no callsite.
const OWN_CATEGORY: &str = "\0category";
/// As [`OWN_CATEGORY`].
const OWN_MESSAGE: &str = "\0message";

/// Encodes a breadcrumb that no log line made.
pub(crate) fn encode<'a>(breadcrumb: &Breadcrumb, memory: &'a mut [u8; CRUMB_BYTES]) -> Encoded<'a> {
    let ((), encoded) = crumb::encode(memory, CRUMB_BYTES, |encoder| {
        encoder.text(Name::Text(OWN_CATEGORY), &breadcrumb.category);
        encoder.text(Name::Text(OWN_MESSAGE), &breadcrumb.message);
        for (name, value) in &breadcrumb.data {
            encode_value(encoder, Name::Text(name), value);
        }
    });
    encoded
}

fn encode_value(encoder: &mut Encoder<'_>, name: Name<'_>, value: &Value) {
    match value {
        Value::Bool(value) => encoder.bool(name, *value),
        Value::String(value) => encoder.text(name, value),
        Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), ..) => encoder.u64(name, number),
            (None, Some(number), _) => encoder.i64(name, number),
            (None, None, Some(number)) => encoder.f64(name, number),
            (None, None, None) => encoder.format(name, format_args!("{number}")),
        },
        other => encoder.format(name, format_args!("{other}")),
    }
}

/// The breadcrumb that a record holds.
pub(super) fn decode(header: &Header, bytes: &[u8]) -> Breadcrumb {
    let mut data = crumb::to_map(bytes, header.callsite);
    let marked = LEVELS.get(usize::from(header.mark & MARK_LEVEL)).copied().unwrap_or(Level::INFO);
    let (level, category, target, message) = match header.callsite {
        None => (marked, take(&mut data, OWN_CATEGORY), String::new(), take(&mut data, OWN_MESSAGE)),
        Some(callsite) => {
            let site = LogSite::take(&mut data, callsite);
            (*callsite.level(), site.target.clone(), site.target, take(&mut data, "message"))
        }
    };
    let kind = if level == Level::ERROR { BreadcrumbKind::Error } else { BreadcrumbKind::Default };
    let time = clock::time_of(header.time_ns);
    Breadcrumb { time, level, kind, category, target, message, data, cut: header.mark & MARK_CUT != 0 }
}

fn take(data: &mut Map<String, Value>, name: &str) -> String {
    match data.remove(name) {
        Some(Value::String(text)) => text,
        Some(value) => value.to_string(),
        None => String::new(),
    }
}
