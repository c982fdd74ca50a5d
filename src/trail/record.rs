//! Breadcrumbs as records of the ring: those of log lines are decoded here, our own are encoded too.

use serde_json::{Map, Value};
use tracing::Level;

use super::CRUMB_BYTES;
use super::crumb::{self, Encoded, Encoder, Name};
use super::log_site::take_target;
use super::ring::Header;
use crate::clock;
use crate::model::{Breadcrumb, BreadcrumbKind};

/// The mark of a log line's record: whether it is cut. The rest its callsite says.
#[inline]
pub(crate) fn mark(cut: bool) -> u8 {
    if cut { MARK_CUT } else { 0 }
}

/// The mark of a record that has no callsite: its level and kind as well.
pub(crate) fn own_mark(breadcrumb: &Breadcrumb, cut: bool) -> u8 {
    let level = LEVELS.iter().position(|level| *level == breadcrumb.level).unwrap_or_default();
    let kind = match breadcrumb.kind {
        BreadcrumbKind::Default => 0,
        BreadcrumbKind::Error => MARK_ERROR,
    };
    level as u8 | kind | mark(cut)
}

const MARK_LEVEL: u8 = 0x07;
const MARK_ERROR: u8 = 0x08;
const MARK_CUT: u8 = 0x80;

const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];

/// Fields of an encoded breadcrumb of our own, which has no callsite.
const OWN_CATEGORY: &str = "\0category";
/// As [`OWN_CATEGORY`].
const OWN_TARGET: &str = "\0target";
/// As [`OWN_CATEGORY`].
const OWN_MESSAGE: &str = "\0message";

/// Encodes a breadcrumb that no log line made.
pub(crate) fn encode<'a>(breadcrumb: &Breadcrumb, memory: &'a mut [u8; CRUMB_BYTES]) -> Encoded<'a> {
    let ((), encoded) = crumb::encode(memory, CRUMB_BYTES, |encoder| {
        encoder.text(Name::Text(OWN_CATEGORY), &breadcrumb.category);
        if !breadcrumb.target.is_empty() {
            encoder.text(Name::Text(OWN_TARGET), &breadcrumb.target);
        }
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
    let (level, category, target, message, failed) = match header.callsite {
        None => {
            let level = LEVELS.get(usize::from(header.mark & MARK_LEVEL)).copied().unwrap_or(Level::INFO);
            let mut text = |name| take(&mut data, name);
            let (category, target, message) = (text(OWN_CATEGORY), text(OWN_TARGET), text(OWN_MESSAGE));
            (level, category, target, message, header.mark & MARK_ERROR != 0)
        }
        Some(callsite) => {
            let (target, level) = (take_target(&mut data, callsite), *callsite.level());
            (level, target.clone(), target, take(&mut data, "message"), level == Level::ERROR)
        }
    };
    let kind = if failed { BreadcrumbKind::Error } else { BreadcrumbKind::Default };
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
