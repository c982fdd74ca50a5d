//! Which trace an event belongs to, and which span of it.
//!
//! A trace that came from outside is carried on; else the lane is the trace. What is made up here is a hash of the lane's
//! or the span's number, which never repeats, with a seed of the process: so that nothing has to be kept for it, and
//! events that share a lane or a span share its name. Runs on the worker.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::model::Span;

/// The names of an event's trace and span, in hexadecimal digits.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) trace_id: String,
    pub(super) span_id: String,
}

impl Trace {
    /// What the line's fields say, else those of its spans, nearest first; else what is made of the numbers of the lane and
    /// of the innermost span.
    pub(super) fn of(fields: &Map<String, Value>, spans: &[Span], lane: u64, span: Option<u64>) -> Self {
        let places = || std::iter::once(fields).chain(spans.iter().map(|span| &span.fields));
        let own_span = || format!("{:016x}", made_up(span.unwrap_or(lane), 0));
        if let Some(trace_id) = places().find_map(incoming) {
            // The span that it names is the caller's.
            return Self { trace_id, span_id: own_span() };
        }
        if let Some((trace_id, beside)) = places().find_map(|place| Some((named(place)?, place))) {
            let span_id = beside.get("span_id").and_then(Value::as_str).and_then(|text| digits(text, 16));
            return Self { trace_id, span_id: span_id.unwrap_or_else(own_span) };
        }
        let trace_id = format!("{:016x}{:016x}", made_up(lane, 1), made_up(lane, 2));
        Self { trace_id, span_id: own_span() }
    }
}

/// The trace of the one who called, as its header says: `00-<trace>-<span>-<flags>`, or Sentry's `<trace>-<span>`.
fn incoming(fields: &Map<String, Value>) -> Option<String> {
    let header = |name: &str| fields.get(name).and_then(Value::as_str).map(str::trim);
    let traceparent = || {
        let mut parts = header("traceparent")?.split('-');
        // A version of two digits, of which `ff` is none.
        parts.next().filter(|version| version.len() == 2 && *version != "ff")?;
        digits(parts.next()?, 32)
    };
    let sentry_trace = |name| digits(header(name)?.split('-').next()?, 32);
    traceparent().or_else(|| sentry_trace("sentry-trace")).or_else(|| sentry_trace("sentry_trace"))
}

/// The trace that a field names, by 32 digits or as a UUID.
fn named(fields: &Map<String, Value>) -> Option<String> {
    let text = fields.get("trace_id")?.as_str()?.trim();
    digits(text, 32).or_else(|| {
        let is_uuid = text.len() == 36 && text.match_indices('-').map(|(at, _)| at).eq([8, 13, 18, 23]);
        digits(&text.replace('-', ""), 32).filter(|_| is_uuid)
    })
}

/// So many hexadecimal digits, in small letters. Zero is nobody's name.
fn digits(text: &str, count: usize) -> Option<String> {
    let is_name = text.len() == count
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && text.bytes().any(|byte| byte != b'0');
    is_name.then(|| text.to_ascii_lowercase())
}

/// A number that only this process makes of it, never zero.
fn made_up(number: u64, of: u8) -> u64 {
    static SEED: OnceLock<RandomState> = OnceLock::new();
    SEED.get_or_init(RandomState::new).hash_one((number, of)).max(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn fields(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn span(value: Value) -> Span {
        Span { name: "request".to_owned(), target: String::new(), fields: fields(value), cut: false }
    }

    fn of(line: Value, spans: &[Value]) -> Trace {
        let spans: Vec<Span> = spans.iter().cloned().map(span).collect();
        Trace::of(&fields(line), &spans, 7, Some(8))
    }

    #[test]
    fn a_trace_from_outside_is_carried_on() {
        for header in [
            json!({ "traceparent": format!("00-{TRACE}-00f067aa0ba902b7-01") }),
            json!({ "traceparent": format!(" 01-{TRACE}-00f067aa0ba902b7-01-more ") }),
            json!({ "sentry-trace": format!("{TRACE}-00f067aa0ba902b7") }),
            json!({ "sentry_trace": format!("{}-00f067aa0ba902b7-1", TRACE.to_uppercase()) }),
        ] {
            let other = json!({ "trace_id": "1".repeat(32), "span_id": "2".repeat(16) });
            let found = of(other, &[json!({}), header.clone()]);
            assert_eq!(found.trace_id, TRACE, "{header}");
            assert_ne!(found.span_id, "00f067aa0ba902b7", "the caller's span is not ours");
            assert_ne!(found.span_id, "2".repeat(16), "it is a span of another trace");
        }
    }

    #[test]
    fn the_nearest_named_trace_is_taken_with_the_span_beside_it() {
        let outer = json!({ "trace_id": "1".repeat(32), "span_id": "2".repeat(16) });
        let found = of(json!({ "span_id": "3".repeat(16) }), &[json!({ "trace_id": TRACE }), outer.clone()]);
        assert_eq!(found.trace_id, TRACE);
        assert_eq!(found.span_id, of(json!({}), &[]).span_id, "no span is named beside it");
        let found = of(json!({}), &[outer]);
        assert_eq!((found.trace_id, found.span_id), ("1".repeat(32), "2".repeat(16)));
        let uuid = "4bf92f35-77b3-4da6-a3ce-929d0e0e4736";
        assert_eq!(of(json!({ "trace_id": uuid }), &[]).trace_id, TRACE);
    }

    #[test]
    fn what_is_no_name_is_not_taken() {
        let own = of(json!({}), &[]).trace_id;
        for wrong in [
            json!({ "traceparent": TRACE }),
            json!({ "traceparent": format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)) }),
            json!({ "traceparent": "00-çbf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01" }),
            json!({ "traceparent": 5 }),
            json!({ "sentry-trace": "" }),
            json!({ "trace_id": "17" }),
            json!({ "trace_id": 17 }),
            json!({ "trace_id": "4bf92f3577b3-4da6-a3ce-929d-0e0e4736" }),
        ] {
            assert_eq!(of(wrong.clone(), &[]).trace_id, own, "{wrong}");
        }
    }

    #[test]
    fn a_lane_is_one_trace_and_each_span_of_it_has_a_name() {
        let empty = Map::new();
        let name = |lane, span| {
            let Trace { trace_id, span_id } = Trace::of(&empty, &[], lane, span);
            assert_eq!((trace_id.len(), span_id.len()), (32, 16));
            (trace_id, span_id)
        };
        assert_eq!(name(1, Some(2)), name(1, Some(2)));
        assert_eq!(name(1, Some(2)).0, name(1, Some(3)).0);
        assert_ne!(name(1, Some(2)).1, name(1, Some(3)).1);
        assert_ne!(name(1, None).0, name(2, None).0);
        assert_ne!(name(1, None).1, name(2, None).1);
    }
}
