//! Whatever stands in an event, a server can read what comes out.

use std::time::{Duration, UNIX_EPOCH};

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use sentry_types::protocol::v7;
use serde_json::{Map, Value, json};
use tracing::Level;

use super::sample::{bare, cause, crumb, full, sent, wire};
use crate::limits::{ENVELOPE_BYTES, ENVELOPE_HEADERS_BYTES, TAG_CHARS};
use crate::model::{
    Breadcrumb, EventKind, Fingerprint, Frame, Request, SourceLines, Span, TrackedEvent, User,
};

/// Keys that the schema of the protocol knows, of those that we might write.
const KNOWN: [&str; 20] = [
    "breadcrumbs",
    "contexts",
    "debug_meta",
    "environment",
    "event_id",
    "exception",
    "fingerprint",
    "level",
    "logentry",
    "logger",
    "platform",
    "release",
    "request",
    "sdk",
    "server_name",
    "tags",
    "threads",
    "timestamp",
    "transaction",
    "user",
];

/// What holds of every payload.
fn is_sound(payload: &[u8], event: &TrackedEvent) -> Result<(), TestCaseError> {
    prop_assert!(payload.len() <= ENVELOPE_BYTES - ENVELOPE_HEADERS_BYTES);
    let sent: Value = serde_json::from_slice(payload).unwrap();
    let object = sent.as_object().unwrap();
    for name in object.keys() {
        prop_assert!(KNOWN.contains(&name.as_str()), "{name} is none of the schema's");
    }
    prop_assert_eq!(&sent["fingerprint"], &json!(event.fingerprint.parts()));
    prop_assert!(
        sent["timestamp"].as_f64().is_some_and(|seconds| (0.0..253_402_300_800.0).contains(&seconds))
    );
    for (name, context) in sent["contexts"].as_object().unwrap() {
        prop_assert!(context.is_object() && !name.is_empty(), "{name}: {context}");
    }
    for (name, value) in sent["tags"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap();
        let is_taken = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
        prop_assert!(name.chars().all(is_taken) && (1..=TAG_CHARS).contains(&name.len()), "{name:?}");
        prop_assert!((1..=TAG_CHARS).contains(&value.chars().count()), "{value:?}");
        prop_assert!(!value.contains(char::is_control), "{value:?}");
    }
    parses(&sent)
}

/// The protocol's own types read it, and find in it what they were made of.
fn parses(sent: &Value) -> Result<(), TestCaseError> {
    let mut known = sent.clone();
    // They know neither this kind of image, nor a path alone as an address, nor contexts whose type is not one of theirs.
    for name in ["debug_meta", "request"] {
        known.as_object_mut().unwrap().remove(name);
    }
    known["contexts"].as_object_mut().unwrap().retain(|name, _| ["app", "trace"].contains(&name.as_str()));
    let read: v7::Event<'_> =
        serde_json::from_value(known).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(read.event_id.as_simple().to_string(), sent["event_id"].as_str().unwrap());
    prop_assert_eq!(&json!(read.fingerprint), &sent["fingerprint"]);
    let crumbs = sent["breadcrumbs"]["values"].as_array().map_or(0, Vec::len);
    prop_assert_eq!(read.breadcrumbs.len(), crumbs);
    let errors = sent["exception"]["values"].as_array().map_or(0, Vec::len);
    prop_assert_eq!(read.exception.len(), errors);
    if let Some(mechanism) = read.exception.last().map(|error| error.mechanism.clone()) {
        prop_assert_eq!(mechanism.and_then(|mechanism| mechanism.synthetic), None);
    }
    Ok(())
}

#[test]
fn the_protocols_own_types_read_it_back() {
    parses(&sent(&full())).unwrap();
    parses(&sent(&bare(EventKind::Log))).unwrap();
}

#[test]
fn a_value_nested_deeply_is_no_deeper_than_a_server_reads() {
    let mut deep = json!("bottom");
    for _ in 0..500 {
        deep = json!([deep]);
    }
    let mut event = full();
    event.contexts.insert("deep".to_owned(), deep.clone());
    event.fields.insert("deep".to_owned(), deep.clone());
    event.spans[0].fields.insert("deep".to_owned(), deep.clone());
    event.breadcrumbs[0].data.insert("deep".to_owned(), deep);
    // Reading it is the proof: beyond 128 levels nobody does.
    assert!(sent(&event)["contexts"]["deep"].is_object());
}

#[test]
fn times_that_no_server_reads_are_moved_to_the_nearest_that_it_does() {
    let mut event = bare(EventKind::Error);
    event.time = UNIX_EPOCH - Duration::from_secs(86_400);
    event.breadcrumbs = vec![crumb(0, Level::INFO, "far")];
    event.breadcrumbs[0].time = UNIX_EPOCH + Duration::from_secs(1 << 40);
    let sent = sent(&event);
    assert_eq!(sent["timestamp"], 0);
    assert_eq!(sent["breadcrumbs"]["values"][0]["timestamp"], 253_402_300_799_u64);
}

/// A server would put its own grouping in the place of `{{ default }}`, which somebody may log.
#[test]
fn what_was_logged_is_no_variable_of_a_servers() {
    let mut event = bare(EventKind::Error);
    for (fingerprint, as_sent) in [
        (["v1", "shop", "{{ default }}"], ["v1", "shop", "{ { default }}"]),
        (["card", "declined", "{{ transaction }}"], ["card", "declined", "{{ transaction }}"]),
    ] {
        event.fingerprint = Fingerprint::from_iter(fingerprint);
        assert_eq!(sent(&event)["fingerprint"], json!(as_sent));
    }
    event.fingerprint = Fingerprint::default();
    event.title = "{{ default }}".to_owned();
    assert_eq!(sent(&event)["fingerprint"], json!(["{ { default }}"]));
}

/// Texts that something somewhere reads in a way of its own.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<String>(),
        2 => proptest::sample::select(vec![
            "", " ", ".", "latest", "none", "null", "a/b", "{{ default }}", "{{auto}}", "\0", "\u{FFFF}", "\u{1b}[31m",
            "type", "trace", "os", "sentry:user", "release", "span request", "crumbtrail", "</script>", "..\\..", "é\n\té",
        ]).prop_map(str::to_owned),
        1 => ("[a-zé\"\\\\\u{1}]{1,3}", 0_usize..3_000).prop_map(|(text, times)| text.repeat(times)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        vec(text(), 0..3).prop_map(Value::from),
        (text(), text()).prop_map(|(name, value)| json!({ name: value })),
        Just(Value::Null),
    ]
}

fn values() -> impl Strategy<Value = Map<String, Value>> {
    btree_map(text(), value(), 0..4).prop_map(|values| values.into_iter().collect())
}

prop_compose! {
    fn event()(
        kind in proptest::sample::select(vec![EventKind::Error, EventKind::Panic, EventKind::Log]),
        texts in vec(text(), 24),
        chain in vec((proptest::option::of(text()), text()), 0..4),
        tags in btree_map(text(), text(), 0..5),
        contexts in btree_map(text(), value(), 0..5),
        fields in values(),
        spans in vec((text(), text(), values()), 0..4),
        crumbs in vec((text(), text(), text(), values()), 0..4),
        frames in vec((proptest::option::of(text()), text(), any::<u32>(), any::<u32>(), proptest::option::of(any::<u64>())), 0..4),
        fingerprint in vec(text().prop_map(|text| text.chars().take(1_000).collect::<String>()), 1..4),
        parts in any::<u16>(),
    ) -> TrackedEvent {
        let mut texts = texts.into_iter();
        let mut next = || texts.next().unwrap_or_default();
        let some = |bit: u16, text: String| (parts & (1 << bit) != 0).then_some(text);
        let mut event = bare(kind);
        event.title = next();
        event.target = next();
        event.environment = next();
        event.trace_id = next();
        event.span_id = next();
        event.file = some(0, next());
        event.message = some(1, next());
        event.release = some(2, next());
        event.server_name = some(3, next());
        let mut user = User::default();
        (user.id, user.email) = (some(4, next()), some(5, next()));
        (user.username, user.ip_address) = (some(6, next()), some(7, next()));
        event.user = Some(user);
        let mut request = Request::default();
        (request.method, request.url, request.route) = (some(8, next()), some(9, next()), some(10, next()));
        request.status = Some(parts);
        event.request = Some(request);
        event.chain = chain.iter().map(|(name, value)| cause(name.as_deref(), value)).collect();
        event.siblings = vec![event.chain.clone()];
        (event.tags, event.contexts, event.fields) = (tags, contexts, fields);
        event.spans = spans
            .into_iter()
            .map(|(name, target, fields)| Span { name, target, fields, cut: false })
            .collect();
        event.breadcrumbs = crumbs
            .into_iter()
            .map(|(category, target, message, data)| Breadcrumb {
                category, target, data, ..crumb(0, Level::WARN, &message)
            })
            .collect();
        event.frames = frames
            .into_iter()
            .map(|(function, file, line, first_line, address)| Frame {
                module: function.clone(), function, line: Some(line), address,
                source: Some(SourceLines { first_line, lines: vec![file.clone(); 4] }),
                file: Some(file), in_app: false,
            })
            .collect();
        event.fingerprint = Fingerprint::from_iter(fingerprint);
        event
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_event_becomes_a_payload_that_is_sound(event in event()) {
        is_sound(&wire().payload(&event), &event)?;
    }
}
