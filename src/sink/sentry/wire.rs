//! From an event to the JSON of Sentry's protocol.
//!
//! What comes out holds to the [published schema](https://develop.sentry.dev/sdk/data-model/event-payloads/) in its strict
//! reading: no key that it does not know, every context an object, names and tags as Sentry's intake takes them. What does
//! not fit a name is kept in a context. It reads well in Sentry, GlitchTip and Bugsink alike, which all show
//! `type: value` of the last exception. Runs on the worker; never fails, and leaves it to `trim.rs` that it fits an envelope.

mod breadcrumbs;
mod contexts;
mod exceptions;
mod names;
mod request;
mod stack;
mod template;

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sentry_types::protocol::v7;
use serde_json::{Map, Value, json};
use tracing::Level;

use super::images::Images;
use crate::limits::{FINGERPRINT_BYTES, NAME_CHARS, SENT_MESSAGE_CHARS, SERVER_NAME_CHARS};
use crate::model::{EventKind, TrackedEvent};

use contexts::Program;
pub(super) use contexts::{FIELDS, OWN, SHORT, SPAN};
pub(super) use stack::stack_of;

/// Turns events into payloads; keeps what it learned of the process's images.
#[derive(Debug)]
pub(super) struct Wire {
    images: Images,
    program: Program,
}

impl Wire {
    pub(super) fn new() -> Self {
        Self { images: Images::default(), program: Program::running() }
    }

    /// The whole event, however long it is.
    pub(super) fn object(&mut self, event: &TrackedEvent) -> Map<String, Value> {
        self.images.learn(event.frames.iter().filter_map(|frame| frame.address));
        let frames = stack::without_start(&event.frames, &self.images);
        let text = event.message.as_deref().unwrap_or(&event.title);
        let template = template::of(event.fingerprint.parts(), text);
        let stacktrace = stack::stacktrace(frames, &self.images);
        let mut sent = v7::Event {
            event_id: v7::Uuid::parse_str(&event.id.to_string()).unwrap_or_default(),
            platform: Cow::Borrowed("native"),
            timestamp: moment(event.time),
            logger: names::line(&event.target, NAME_CHARS),
            server_name: event.server_name.as_deref().and_then(|name| line(name, SERVER_NAME_CHARS)),
            release: event.release.as_deref().and_then(names::release).map(Cow::Borrowed),
            environment: names::environment(&event.environment).map(Cow::Owned),
            transaction: transaction(event),
            breadcrumbs: breadcrumbs::breadcrumbs(&event.breadcrumbs).into(),
            tags: names::tags(&event.tags).0,
            user: event.user.as_ref().and_then(request::user),
            sdk: Some(Cow::Owned(sdk())),
            ..v7::Event::default()
        };
        if event.kind == EventKind::Log {
            sent.threads = stack::thread(stacktrace).into_iter().collect();
        } else {
            let heading = template.unwrap_or(&event.title);
            sent.exception = exceptions::exceptions(event, heading, stacktrace).into();
        }
        // Nothing in it can fail: its times are later than 1970.
        let mut object = match serde_json::to_value(&sent) {
            Ok(Value::Object(object)) => object,
            _ => Map::new(),
        };
        let message = names::cut(template.unwrap_or(text), SENT_MESSAGE_CHARS);
        let formatted = names::cut(text, SENT_MESSAGE_CHARS);
        for (name, value) in [
            // Some servers take a missing one for what they like.
            ("level", json!(level(event).to_string())),
            ("fingerprint", json!(fingerprint(event))),
            ("logentry", json!({ "message": message, "formatted": formatted })),
            ("contexts", Value::Object(contexts::contexts(event, &self.program))),
        ] {
            object.insert(name.to_owned(), value);
        }
        if let Some(request) = event.request.as_ref().and_then(request::request) {
            object.insert("request".to_owned(), request);
        }
        let addresses: Vec<u64> = frames.iter().filter_map(|frame| frame.address).collect();
        let images = self.images.described(&addresses);
        if !images.is_empty() {
            object.insert("debug_meta".to_owned(), json!({ "images": images }));
        }
        stack::adjust_all(&mut object);
        object
    }
}

/// A panic ends what the thread was at.
fn level(event: &TrackedEvent) -> v7::Level {
    if event.kind == EventKind::Panic && event.level == Level::ERROR {
        return v7::Level::Fatal;
    }
    names::level(event.level)
}

/// What the program was asked for, else what it was at.
fn transaction(event: &TrackedEvent) -> Option<String> {
    let request = event.request.as_ref();
    let route = request.and_then(|request| request.route.as_deref()).filter(|route| !route.trim().is_empty());
    let method = request.and_then(|request| request.method.as_deref());
    let asked =
        route.map(|route| method.map_or_else(|| route.to_owned(), |method| format!("{method} {route}")));
    let asked = asked.or_else(|| event.spans.last().map(|span| span.name.clone()))?;
    names::line(&asked, NAME_CHARS)
}

/// Always explicit: what a server makes of an event would be another issue on each.
fn fingerprint(event: &TrackedEvent) -> Vec<String> {
    let parts = event.fingerprint.parts();
    if parts.is_empty() {
        return vec![plain(&event.title)];
    }
    // What a program says of its issue may name a server's variables; what it logs does not.
    let is_made = template::is_made(parts);
    let sent = |part: &str| if is_made { plain(part) } else { part.to_owned() };
    if parts.iter().map(|part| part.len() + PART_BYTES).sum::<usize>() <= FINGERPRINT_BYTES {
        return parts.iter().map(|part| sent(part)).collect();
    }
    // The first parts tell most.
    let parts = parts.iter().take(FINGERPRINT_PARTS);
    parts.map(|part| sent(&names::cut(part, FINGERPRINT_BYTES / FINGERPRINT_PARTS / 4))).collect()
}

/// A text in which no server finds a variable: it would put its own grouping in the place of
/// [`{{ default }}`](https://docs.sentry.io/concepts/data-management/event-grouping/fingerprint-rules/#variables).
fn plain(text: &str) -> String {
    text.replace("{{", "{ {")
}

/// Bytes of a part of a fingerprint beside its text.
const PART_BYTES: usize = 3;
/// Parts that are left of a fingerprint which is too long.
const FINGERPRINT_PARTS: usize = 8;

fn sdk() -> v7::ClientSdkInfo {
    v7::ClientSdkInfo {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        integrations: Vec::new(),
        packages: Vec::new(),
    }
}

fn line(text: &str, chars: usize) -> Option<Cow<'static, str>> {
    names::line(text, chars).map(Cow::Owned)
}

/// A time that every server can read: of the years 1970 to 9999, to a microsecond.
fn moment(time: SystemTime) -> SystemTime {
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default().min(LAST);
    let micros = u64::try_from(since.as_micros()).unwrap_or_default();
    UNIX_EPOCH.checked_add(Duration::from_micros(micros)).unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests;
