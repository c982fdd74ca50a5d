//! Envelopes: whatever texts an event carries, what is posted is an envelope that another reader of the protocol reads, with
//! one event in it that is JSON and Unicode.

use proptest::prelude::*;
use sentry_types::protocol::v7::{Envelope, EnvelopeItem};
use serde_json::Value;

use crate::rig::{Rig, last_id, to};
use crate::server::Server;

/// Logs one error with that text wherever a text may stand; the id of its event.
fn lose_with(text: &str) -> String {
    let _job = tracing::info_span!("job", text).entered();
    crumbtrail::set_tag("text", text);
    crumbtrail::set_context("text", serde_json::json!({ "text": text, text: 1 }));
    tracing::warn!(text, "{text}");
    tracing::error!(error = %std::io::Error::other(text.to_owned()), text, "{text}");
    last_id()
}

/// Sends an event for each text and returns them, read back.
fn sent(texts: &[String]) -> Vec<(String, Value)> {
    let server = Server::answering(200);
    let rig = Rig::new(to(server.dsn()).release("r@1").environment("tests"));
    let mut ids: Vec<_> = texts.iter().map(|text| lose_with(text)).collect();
    rig.flush();
    let count = texts.len() as u64;
    rig.ends(count, count, &[]);
    let mut events = Vec::new();
    for request in server.requests() {
        let [event] = <[_; 1]>::try_from(request.envelope().payloads("event")).expect("one event each");
        let id = event["event_id"].as_str().expect("an event has an id").replace('-', "");
        // By the protocol's own types, too.
        let envelope = Envelope::from_slice(&request.unpacked()).expect("an envelope can be read back");
        assert_eq!(envelope.uuid().map(|uuid| uuid.simple().to_string()).as_ref(), Some(&id));
        let [EnvelopeItem::Event(read)] =
            <[_; 1]>::try_from(envelope.items().collect::<Vec<_>>()).expect("one item").map(Clone::clone)
        else {
            panic!("the item is an event");
        };
        assert_eq!(read.event_id.simple().to_string(), id);
        assert_eq!(read.exception.values.len(), event["exception"]["values"].as_array().map_or(0, Vec::len));
        assert_eq!(
            read.breadcrumbs.values.len(),
            event["breadcrumbs"]["values"].as_array().map_or(0, Vec::len)
        );
        events.push((id, event));
    }
    events.sort_by(|(a, _), (b, _)| a.cmp(b));
    ids.sort();
    assert!(events.iter().map(|(id, _)| id).eq(&ids), "each event is sent once");
    events
}

/// Whether a text stands anywhere in it, as a whole.
fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(have) => have == text,
        Value::Array(values) => values.iter().any(|value| holds(value, text)),
        Value::Object(values) => values.values().any(|value| holds(value, text)),
        _ => false,
    }
}

#[test]
fn hostile_texts_arrive_as_they_were() {
    let texts = [
        "plain",
        "a\0b",
        "\u{1b}[31mred\u{1b}[0m",
        "\u{80}\u{9b}31m\u{9f}",
        "\u{202e}reversed\u{2066}\u{200f}",
        "line\nbreak\r\n{\"type\":\"event\"}\n",
        "quote\" back\\slash /",
        "\\ud800 \\udfff \\u0000",
        "{\"event_id\":\"none\"}",
        "🦀👩\u{200d}👩\u{200d}👧\u{fe0f}",
        "\u{feff}\u{fffd}\u{ffff}\u{10ffff}",
        "\u{2028}\u{2029}",
        "</script><!--",
    ]
    .map(str::to_owned);
    let events = sent(&texts);
    for text in texts {
        let found = events.iter().any(|(_, event)| holds(&event["contexts"], &text));
        assert!(found, "{text:?} arrived in no event");
    }
}

#[test]
fn a_cut_never_falls_into_a_character() {
    use crumbtrail::limits::{FIELD_BYTES, MESSAGE_BYTES};

    // Characters of four bytes, begun at each of four places.
    let around =
        |bytes: usize, before: usize| format!("{}{}", "x".repeat(before), "🦀".repeat(bytes / 4 + 8));
    let long = [200, 255, FIELD_BYTES, MESSAGE_BYTES, 16 * 1024, 200_000];
    let texts: Vec<_> = long.iter().flat_map(|bytes| (0..4).map(|before| around(*bytes, before))).collect();
    for (_, event) in sent(&texts) {
        let text = event.to_string();
        assert!(text.contains('🦀') && !text.contains('\u{fffd}'), "a character was cut");
        assert!(text.len() < crumbtrail::limits::ENVELOPE_BYTES);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn whatever_the_texts_the_envelopes_can_be_read(
        texts in prop::collection::vec(
            prop_oneof![
                "\\PC{0,60}",
                "[\\x00-\\x1f\\x7f-\\u{9f}\\u{200b}-\\u{2069}\"\\\\{}:,]{0,80}",
                "(Caused by|caused by|: |\\n|[0-9]: |at src/|\\u{1f980}|\\\\u[d-f][0-9a-f]{3}){0,200}",
                any::<String>(),
            ],
            1..12,
        ),
    ) {
        sent(&texts);
    }
}
