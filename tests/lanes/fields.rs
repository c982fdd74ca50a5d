//! The fields of spans: kept, replaced, bounded.

use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};
use tracing::field::Empty;
use tracing::info_span;

use crumbtrail::limits;

use crate::heap::taken;
use crate::rig::{Rig, fail, named};

/// The fields of the innermost span of the one event.
fn fields(rig: &Rig) -> (Value, bool) {
    let span = rig.event().spans.remove(0);
    (Value::Object(span.fields), span.cut)
}

#[test]
fn fields_keep_their_types_short_or_long() {
    let rig = Rig::new();
    let (text, longer) = ("ä".repeat(100), "ö".repeat(500));
    rig.on_thread(|| {
        let span = info_span!(
            "work",
            yes = true,
            whole = -1,
            large = u64::MAX,
            wide = u128::MAX,
            part = 0.25,
            none = Empty,
            display = %text,
            debug = ?Some(1),
            longer
        );
        span.in_scope(|| fail("failed"));
    });
    let expected = json!({
        "yes": true, "whole": -1, "large": u64::MAX, "wide": u128::MAX.to_string(), "part": 0.25,
        "display": text, "debug": "Some(1)", "longer": longer,
    });
    assert_eq!(fields(&rig), (expected, false));
}

#[test]
fn what_is_recorded_later_outranks_what_was_there() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let span = info_span!("work", a = 1, b = 2, c = Empty, d = "untouched");
        span.record("a", 10);
        span.record("c", "new");
        span.record("a", 100).record("c", "newer").record("nowhere", 1);
        span.in_scope(|| fail("failed"));
    });
    assert_eq!(fields(&rig), (json!({ "a": 100, "b": 2, "c": "newer", "d": "untouched" }), false));
}

#[test]
fn an_event_sees_what_was_recorded_before_it_and_nothing_later() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let span = info_span!("work", step = 1);
        span.in_scope(|| fail("first"));
        span.record("step", 2);
        span.in_scope(|| fail("second"));
        span.record("step", 3);
    });
    let events = rig.events();
    assert_eq!(named(&events, "first").spans[0].fields["step"], 1);
    assert_eq!(named(&events, "second").spans[0].fields["step"], 2);
}

#[test]
fn a_span_that_is_told_the_same_a_hundred_thousand_times_does_not_grow() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let span = info_span!("work", progress = 0, text = "begins");
        let tell = |times: u64| {
            for number in 0..times {
                span.record("progress", number);
                span.record("text", "goes on");
            }
        };
        // The first time makes the room.
        tell(10);
        let ((), growth) = taken(|| tell(50_000));
        assert!(growth.kept.abs() <= 256, "{growth:?}");
        assert!(growth.peak <= 4_096, "{growth:?}");
        span.in_scope(|| fail("failed"));
    });
    assert_eq!(fields(&rig), (json!({ "progress": 49_999, "text": "goes on" }), false));
}

#[test]
fn a_long_field_is_cut_with_a_mark() {
    let rig = Rig::new();
    let long = "ä".repeat(limits::FIELD_BYTES);
    rig.on_thread(|| {
        let opened = info_span!("opened", long, after = 1);
        opened.in_scope(|| fail("opened"));
        let recorded = info_span!("recorded", long = Empty, after = 1);
        recorded.record("long", &long);
        recorded.in_scope(|| fail("recorded"));
    });
    let events = rig.events();
    for name in ["opened", "recorded"] {
        let span = &named(&events, name).spans[0];
        let text = span.fields["long"].as_str().unwrap();
        assert!(text.ends_with("ä…") && text.len() <= limits::FIELD_BYTES + '…'.len_utf8(), "{}", text.len());
        assert!(text.len() > limits::FIELD_BYTES - 8);
        assert_eq!((&span.fields["after"], span.cut), (&json!(1), true));
    }
}

#[test]
fn fields_beyond_a_spans_bytes_are_left_out_and_the_span_is_marked() {
    let rig = Rig::new();
    let text = "x".repeat(3_000);
    rig.on_thread(|| {
        let opened = info_span!("opened", a = %text, b = %text, c = %text, d = %text);
        opened.in_scope(|| fail("opened"));
        let recorded = info_span!("recorded", a = Empty, b = Empty, c = Empty, d = Empty);
        for name in ["a", "b", "c", "d"] {
            recorded.record(name, &text);
        }
        recorded.in_scope(|| fail("recorded"));
    });
    let events = rig.events();
    for name in ["opened", "recorded"] {
        let span = &named(&events, name).spans[0];
        let bytes: usize = span.fields.values().map(|value| value.as_str().unwrap().len()).sum();
        assert!(bytes >= 2 * text.len() && bytes <= limits::SPAN_BYTES + '…'.len_utf8(), "{name}: {bytes}");
        assert!(span.cut, "{name}");
    }
    let newest = &named(&events, "recorded").spans[0].fields;
    assert_eq!(newest["d"].as_str().unwrap().len(), text.len(), "what is told last is kept");
}

#[test]
fn more_fields_than_a_span_may_have_are_left_out_and_the_span_is_marked() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let span = info_span!(
            "many",
            f00 = 0,
            f01 = 1,
            f02 = 2,
            f03 = 3,
            f04 = 4,
            f05 = 5,
            f06 = 6,
            f07 = 7,
            f08 = 8,
            f09 = 9,
            f10 = 0,
            f11 = 1,
            f12 = 2,
            f13 = 3,
            f14 = 4,
            f15 = 5,
            f16 = 6,
            f17 = 7,
            f18 = 8,
            f19 = 9,
            f20 = 0,
            f21 = 1,
            f22 = 2,
            f23 = 3,
            f24 = 4,
            f25 = 5,
            f26 = 6,
            f27 = 7,
            f28 = 8,
            f29 = 9,
            f30 = 0,
            f31 = 1,
            f32 = 2,
            f33 = 3,
            f34 = 4,
            f35 = 5,
            f36 = 6,
            f37 = 7,
            f38 = 8,
            f39 = 9,
            f40 = 0,
            f41 = 1,
            f42 = 2,
            f43 = 3,
            f44 = 4,
            f45 = 5,
            f46 = 6,
            f47 = 7,
            f48 = 8,
            f49 = 9,
            f50 = 0,
            f51 = 1,
            f52 = 2
        );
        span.in_scope(|| fail("failed"));
    });
    let (fields, cut) = fields(&rig);
    assert_eq!((fields.as_object().unwrap().len(), cut), (limits::FIELDS, true));
    assert_eq!((&fields["f49"], fields.get("f50")), (&json!(9), None));
}

#[test]
fn threads_that_record_on_one_span_at_once_lose_nothing() {
    const ROUNDS: u64 = 2_000;
    let rig = Rig::new();
    let span = rig.on_thread(|| info_span!("work", a = Empty, b = Empty, c = Empty, d = Empty));
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            let (rig, span, barrier) = (&rig, &span, &barrier);
            scope.spawn(move || {
                rig.run(|| {
                    barrier.wait();
                    for round in 0..ROUNDS {
                        span.record(name, round);
                        span.in_scope(|| crumbtrail::set_tag(name, round.to_string()));
                    }
                });
            });
        }
    });
    rig.on_thread(|| span.in_scope(|| fail("failed")));
    let event = rig.event();
    let last = ROUNDS - 1;
    let expected = json!({ "a": last, "b": last, "c": last, "d": last });
    assert_eq!(Value::Object(event.spans[0].fields.clone()), expected);
    assert!(
        event.tags.len() == 4 && event.tags.values().all(|tag| *tag == last.to_string()),
        "{:?}",
        event.tags
    );
}
