//! An event that is too long for an envelope.

use serde_json::{Value, json};
use tracing::Level;

use super::sample::{bare, cause, crumb, frame, full, object, wire};
use crate::limits::{ENVELOPE_BYTES, ENVELOPE_HEADERS_BYTES, TRIM_FRAMES};
use crate::model::{EventKind, Frame, LoggedAt, Span, TrackedEvent, User};

/// The payload as a server reads it, which is short enough.
#[track_caller]
fn sent(event: &TrackedEvent) -> Value {
    let payload = wire().payload(event);
    assert!(payload.len() <= ENVELOPE_BYTES - ENVELOPE_HEADERS_BYTES, "{} bytes", payload.len());
    serde_json::from_slice(&payload).unwrap()
}

/// The mark, and nothing else that one would have.
fn mark(sent: &Value) -> &Value {
    &sent["contexts"]["crumbtrail"]["trimmed"]
}

fn long(kib: usize) -> String {
    "é\"\n".repeat(kib * 1024 / 6)
}

/// An event in which everything is long: each part alone would nearly do.
fn long_event() -> TrackedEvent {
    let mut event = full();
    event.breadcrumbs = (0..100).map(|number| crumb(number, Level::WARN, &long(8))).collect();
    event.frames =
        (0..100).map(|line| frame("shop", &format!("f{line}{}", long(4)), "src/main.rs", line, 0)).collect();
    event.fields = object(json!({ "long": long(200), "longer": long(400), "short": 1 }));
    event.spans = (0..4)
        .map(|number| Span {
            name: format!("s{number}"),
            target: "shop".to_owned(),
            fields: object(json!({ "field": long(100 + number) })),
            cut: false,
        })
        .collect();
    event.contexts = [("cart".to_owned(), json!({ "items": long(300) }))].into();
    event.tags = (0..2_000).map(|number| (format!("tag{number}"), "é".repeat(200))).collect();
    event
}

#[test]
fn an_event_that_fits_is_left_alone() {
    assert_eq!(*mark(&sent(&full())), Value::Null);
}

#[test]
fn the_oldest_breadcrumbs_go_first_and_no_more_than_needed() {
    let mut event = full();
    event.breadcrumbs = (0..100).map(|number| crumb(100 - number, Level::WARN, &long(10))).collect();
    let sent = sent(&event);
    let left = sent["breadcrumbs"]["values"].as_array().unwrap();
    assert_eq!(*mark(&sent), json!({ "breadcrumbs": 100 - left.len() }));
    assert!(left.len() > 80, "only {} are left", left.len());
    assert_eq!(left.last().unwrap()["timestamp"], json!(1_777_609_157.249));
    assert!(serde_json::to_vec(&sent).unwrap().len() > 860 * 1024, "more went than had to");
}

#[test]
fn each_part_goes_only_when_the_one_before_it_is_gone() {
    let order = ["breadcrumbs", "frames", "fields", "spans", "contexts", "tags", "message", "texts"];
    let mut event = long_event();
    let mut seen = Vec::new();
    // With ever more that cannot go but as a text, ever more of the rest has to.
    for kib in [0, 200, 870, 880, 1_000] {
        event.user = Some(User::new(long(kib)));
        event.message = Some(long(7));
        let sent = sent(&event);
        let marks: Vec<&str> = order.into_iter().filter(|part| mark(&sent).get(part).is_some()).collect();
        assert_eq!(marks, order[..marks.len()], "a part went before its turn");
        let kept = |part: &str| !marks.contains(&part);
        assert_eq!(sent["tags"].as_object().unwrap().len() == 2_000, kept("tags"));
        assert_eq!(sent["contexts"].get("cart").is_some(), kept("contexts"));
        assert_eq!(sent["fingerprint"], json!(full().fingerprint.parts()));
        seen.push(marks.len());
    }
    seen.dedup();
    assert!(seen.is_sorted() && seen.len() >= 4 && seen.last() == Some(&order.len()), "{seen:?}");
}

#[test]
fn frames_go_from_the_middle_and_fields_by_length() {
    let mut event = long_event();
    event.tags.clear();
    let fields = event.fields.clone();
    event.fields.clear();
    event.frames.extend(event.frames.clone());
    event.frames.extend(event.frames.clone());
    let lines = |sent: &Value| -> Vec<u64> {
        let errors = sent["exception"]["values"].as_array().unwrap();
        let frames = errors.last().unwrap()["stacktrace"]["frames"].as_array().unwrap();
        frames.iter().map(|frame| frame["lineno"].as_u64().unwrap()).collect()
    };
    let all: Vec<u64> = (0..100).rev().cycle().take(400).collect();
    let some = sent(&event);
    let left = lines(&some);
    assert_eq!(mark(&some)["frames"], 400 - left.len());
    assert!(mark(&some).get("spans").is_none() && left.len() > 2 * TRIM_FRAMES, "{}", mark(&some));
    let (outer, inner) = left.split_at(left.len() / 2);
    assert!(all.starts_with(outer) && all.ends_with(inner), "{left:?}");

    event.fields = fields;
    event.contexts.clear();
    let few = sent(&event);
    assert_eq!(lines(&few), [99, 98, 1, 0]);
    assert_eq!(mark(&few)["fields"], json!(["longer"]));
    assert_eq!(few["contexts"]["fields"]["short"], 1, "what is short is not in the way");
}

/// A hook may make an event of any size of any part.
#[test]
fn whatever_is_too_long_an_event_is_left() {
    let huge = || long(950);
    let parts: [fn(&mut TrackedEvent, String); 13] = [
        |event, text| {
            let value = json!(text.get(..64 * 1024).unwrap_or_default());
            let name = |number| format!("{}{number}", "é\"".repeat(100));
            event.fields = (0..100).map(|number| (name(number), value.clone())).collect();
            event.contexts = event.fields.clone().into_iter().collect();
        },
        |event, text| event.title = text,
        |event, text| event.target = text,
        |event, text| event.message = Some(text),
        |event, text| event.environment = text,
        |event, text| event.release = Some(text),
        |event, text| event.server_name = Some(text),
        |event, text| event.chain = vec![cause(Some(&text), &text); 3],
        |event, text| event.siblings = vec![vec![cause(Some(&text), &text)]; 2],
        |event, text| event.fingerprint = [text.as_str(), "v1", &text].into_iter().collect(),
        |event, text| event.logged_at = vec![LoggedAt { target: text, ..event.logged_at[0].clone() }; 60],
        |event, text| {
            let frame = Frame { function: Some(text.clone()), file: Some(text), ..Frame::default() };
            event.frames = vec![frame; 3];
        },
        |event, text| {
            event.spans =
                vec![Span { name: text.clone(), target: text, fields: object(json!({})), cut: false }; 2];
        },
    ];
    for (index, part) in parts.into_iter().enumerate() {
        for kind in [EventKind::Error, EventKind::Log] {
            let mut event = bare(kind);
            part(&mut event, huge());
            let sent = sent(&event);
            assert_eq!(sent["event_id"], event.id.to_string(), "part {index}");
            assert!(!sent["fingerprint"].as_array().unwrap().is_empty(), "part {index}");
        }
    }
}
