//! Whether what is stored says what the event says, field by field.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use crumbtrail::{Breadcrumb, BreadcrumbKind, EventKind, TrackedEvent};
use serde_json::{Map, Value, json};
use tracing::Level;

use crate::stored::Stored;

/// Each event is stored, once, and says what was sent; nothing else is stored.
#[track_caller]
pub(crate) fn all_alike(stored: &[Stored], events: &[TrackedEvent]) {
    let ids: BTreeSet<_> = events.iter().map(|event| event.id.to_string()).collect();
    assert_eq!(ids.len(), events.len(), "two events have one id");
    let by_id: BTreeMap<_, _> = stored.iter().map(|stored| (&stored.id, stored)).collect();
    assert_eq!(stored.len(), events.len(), "of {} events {} are stored", events.len(), stored.len());
    for event in events {
        let id = event.id.to_string();
        alike(by_id.get(&id).unwrap_or_else(|| panic!("{event:#?} is not stored")), event);
    }
}

/// Events are of one issue there exactly where their fingerprints are equal.
#[track_caller]
pub(crate) fn grouped_alike(stored: &[Stored]) {
    let mut issues: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut fingerprints: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for event in stored {
        let fingerprint = event.data["fingerprint"].to_string();
        issues.entry(&event.issue).or_default().insert(fingerprint.clone());
        fingerprints.entry(fingerprint).or_default().insert(&event.issue);
    }
    assert!(issues.values().all(|fingerprints| fingerprints.len() == 1), "{issues:#?}");
    assert!(fingerprints.values().all(|issues| issues.len() == 1), "{fingerprints:#?}");
}

#[track_caller]
fn alike(stored: &Stored, event: &TrackedEvent) {
    let data = &stored.data;
    // In the place of a variable, which a text may look like, a server would put its own grouping.
    let fingerprint: Vec<_> =
        event.fingerprint.parts().iter().map(|part| part.replace("{{", "{ {")).collect();
    let name = format!("{} {:?}", event.id, event.title);
    for (what, stored, sent) in [
        ("id", &data["event_id"], json!(event.id.to_string())),
        ("platform", &data["platform"], json!("native")),
        ("level", &data["level"], json!(level(event.level, event.kind))),
        ("title", &data["contexts"]["crumbtrail"]["title"], json!(event.title)),
        ("culprit", &data["transaction"], culprit(event)),
        ("target", &data["logger"], unless_empty(&event.target)),
        ("release", &data["release"], json!(event.release)),
        ("environment", &data["environment"], json!(event.environment)),
        ("host", &data["server_name"], json!(event.server_name)),
        ("message", &data["logentry"]["formatted"], json!(event.message.as_ref().unwrap_or(&event.title))),
        ("user", &data["user"], user(event)),
        ("request", &data["request"], request(event)),
        ("fingerprint", &data["fingerprint"], json!(fingerprint)),
        ("grouping", &json!(stored.grouping), json!(fingerprint.join(" ⋄ "))),
    ] {
        assert_eq!(*stored, sent, "{what} of {name}");
    }
    assert_same_time(&data["timestamp"], event.time);
    for (tag, value) in &event.tags {
        let found = (&data["tags"][tag], stored.tags.get(tag));
        assert_eq!(found, (&json!(value), Some(value)), "tag {tag} of {name}");
    }
    chain_is_alike(stored, event);
    frames_are_alike(data, event);
    let crumbs = data["breadcrumbs"]["values"].as_array().map_or(&[][..], Vec::as_slice);
    assert_eq!(crumbs.len(), event.breadcrumbs.len(), "breadcrumbs of {name}");
    for (stored, crumb) in crumbs.iter().zip(&event.breadcrumbs) {
        crumb_is_alike(stored, crumb);
    }
}

/// The protocol has the oldest cause first, and servers show the last one, which is the outermost.
#[track_caller]
fn chain_is_alike(stored: &Stored, event: &TrackedEvent) {
    let name = format!("{} {:?}", event.id, event.title);
    let links = values(&stored.data["exception"]);
    let texts: Vec<_> = links.iter().rev().map(|link| link["value"].clone()).collect();
    let sent: Vec<_> = event.chain.iter().map(|cause| unless_empty(&cause.value)).collect();
    assert_eq!(texts, sent, "chain of {name}");
    for (link, cause) in links.iter().rev().zip(&event.chain).filter(|(_, cause)| cause.type_name.is_some()) {
        assert_eq!(link["type"], json!(cause.type_name), "types of {name}");
    }
    let Some(outermost) = links.last() else { return assert_eq!(stored.kind, "Log Message", "{name}") };
    assert_eq!(outermost["mechanism"]["handled"], json!(event.handled), "{name}");
    // Where the type is not known, the line's own words stand in, unless the text repeats them.
    assert_eq!(json!(stored.value), outermost["value"].as_str().unwrap_or_default(), "{name}");
    let shown = [&outermost["type"], &json!(stored.kind)];
    let known = event.chain.first().is_some_and(|cause| cause.type_name.is_some());
    let words = [&json!(event.title), &stored.data["logentry"]["message"], &json!("Error"), &json!("panic")];
    assert!(shown[0] == shown[1] && (known || words.contains(&shown[0])), "{shown:?} of {name}");
}

/// The protocol has the innermost frame last. The outermost ones, which have no name, may be missing.
#[track_caller]
fn frames_are_alike(data: &Value, event: &TrackedEvent) {
    let bearers = if event.chain.is_empty() { "threads" } else { "exception" };
    let Some(bearer) = values(&data[bearers]).last() else { panic!("no {bearers} in {data:#}") };
    let frames = bearer["stacktrace"]["frames"].as_array().map_or(&[][..], Vec::as_slice);
    let missing = event.frames.get(frames.len()..).expect("there are more frames than were sent");
    assert!(missing.iter().all(|frame| frame.function.is_none()), "{missing:#?} are missing");
    for (stored, frame) in frames.iter().rev().zip(&event.frames) {
        let path = |function: &String| match &frame.module {
            Some(module) => format!("{module}::{function}"),
            None => function.clone(),
        };
        let function = json!(frame.function.as_ref().map(path));
        // Of an address alone nobody knows whose code it is.
        let is_named = frame.function.is_some() || frame.file.is_some();
        let found = (&stored["function"], &stored["lineno"], &stored["in_app"]);
        let in_app = json!(is_named.then_some(frame.in_app));
        assert_eq!(found, (&function, &json!(frame.line), &in_app), "{frame:#?}");
        let file = frame.file.as_deref().unwrap_or_default();
        assert!(file.ends_with(stored["filename"].as_str().unwrap_or_default()), "{stored:#} of {file}");
    }
}

#[track_caller]
fn crumb_is_alike(stored: &Value, crumb: &Breadcrumb) {
    let kind = match crumb.kind {
        BreadcrumbKind::Error => "error",
        _ => "default",
    };
    // By the protocol, what is missing is `default`, and `info`.
    let said = |what: &str, otherwise: &str| stored[what].as_str().unwrap_or(otherwise).to_owned();
    let level = level(crumb.level, EventKind::Error);
    assert_eq!((&*said("type", "default"), &*said("level", "info")), (kind, level), "{crumb:#?}");
    let (category, message) = (unless_empty(&crumb.category), unless_empty(&crumb.message));
    assert_eq!((&stored["category"], &stored["message"]), (&category, &message), "{crumb:#?}");
    let none = Map::new();
    let data = stored["data"].as_object().unwrap_or(&none);
    for (name, value) in &crumb.data {
        assert_eq!(data.get(name), Some(value), "{name} of {crumb:#?}");
    }
    assert_same_time(&stored["timestamp"], crumb.time);
}

fn level(level: Level, kind: EventKind) -> &'static str {
    match level {
        _ if kind == EventKind::Panic => "fatal",
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        _ => "debug",
    }
}

/// What was asked for, else what the program was at.
fn culprit(event: &TrackedEvent) -> Value {
    let route =
        event.request.as_ref().and_then(|request| Some((request.method.as_ref()?, request.route.as_ref()?)));
    match route {
        Some((method, route)) => json!(format!("{method} {route}")),
        None => json!(event.spans.last().map(|span| &span.name)),
    }
}

fn user(event: &TrackedEvent) -> Value {
    let Some(user) = &event.user else { return Value::Null };
    let parts = [
        ("id", &user.id),
        ("email", &user.email),
        ("username", &user.username),
        ("ip_address", &user.ip_address),
    ];
    known(&parts)
}

fn request(event: &TrackedEvent) -> Value {
    let Some(request) = &event.request else { return Value::Null };
    known(&[("method", &request.method), ("url", &request.url)])
}

/// What is not known, or says nothing, is left out.
fn known(parts: &[(&str, &Option<String>)]) -> Value {
    let known = parts.iter().filter_map(|(name, part)| Some((*name, part.as_ref()?)));
    let known = known.filter(|(_, part)| !part.is_empty());
    let known: Map<_, _> = known.map(|(name, part)| (name.to_owned(), json!(part))).collect();
    if known.is_empty() { Value::Null } else { Value::Object(known) }
}

fn unless_empty(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { json!(text) }
}

fn values(list: &Value) -> &[Value] {
    list["values"].as_array().map_or(&[], Vec::as_slice)
}

/// To the millisecond, in seconds since 1970 or as RFC 3339 writes it.
#[track_caller]
fn assert_same_time(stored: &Value, sent: SystemTime) {
    let sent = sent.duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64();
    let seconds = stored.as_f64().unwrap_or_else(|| panic!("{stored} is no time in seconds"));
    assert!((seconds - sent).abs() < 0.002, "{seconds} is not {sent}");
}
