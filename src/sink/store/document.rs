//! An event as a store holds it: JSON, compressed with zstd.
//!
//! What is missing in a document reads as empty, so that a later version may leave a field out, and what it adds is passed
//! over. Pure; called on the worker and by the command. Never panics, whatever the bytes are.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::Level;
use zstd::bulk::Compressor;
use zstd::stream::read::Decoder;
use zstd::zstd_safe::CParameter;

use super::trouble::{Result, Trouble};
use crate::clock;
use crate::limits::DOCUMENT_BYTES;
use crate::model::{
    Breadcrumb, BreadcrumbKind, Cause, EventId, EventKind, Fingerprint, Frame, LoggedAt, Request,
    SourceLines, Span, TrackedEvent, TrailSource, User,
};
use crate::report;

/// Writes documents; its memory is used again for each.
pub(super) struct Codec {
    compressor: Compressor<'static>,
    json: Vec<u8>,
}

impl Codec {
    pub(super) fn new() -> Result<Self> {
        let mut compressor = Compressor::new(LEVEL).map_err(zstd_failed)?;
        compressor.set_parameter(CParameter::ChecksumFlag(true)).map_err(zstd_failed)?;
        Ok(Self { compressor, json: Vec::new() })
    }

    pub(super) fn encode(&mut self, event: &TrackedEvent) -> Result<Vec<u8>> {
        self.json.clear();
        serde_json::to_writer(&mut self.json, &Document::from(event))
            .map_err(|error| Trouble::broken(format!("an event cannot be written down: {error}")))?;
        let document = self.compressor.compress(&self.json).map_err(zstd_failed)?;
        // One event with much in it is no reason to keep as much for all that follow.
        self.json.shrink_to(JSON_KEPT_BYTES);
        Ok(document)
    }
}

impl std::fmt::Debug for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codec").finish_non_exhaustive()
    }
}

/// None where the bytes are no document, or one of more than [`DOCUMENT_BYTES`].
pub(super) fn decode(bytes: &[u8]) -> Option<TrackedEvent> {
    let mut decoder = Decoder::new(bytes).ok()?;
    decoder.window_log_max(WINDOW_LOG_MOST).ok()?;
    let mut json = Vec::new();
    decoder.take(DOCUMENT_BYTES).read_to_end(&mut json).ok()?;
    serde_json::from_slice::<Document<'_>>(&json).ok()?.event()
}

/// An event as JSON for other programs to read, with its times as text.
pub(crate) fn to_json(event: &TrackedEvent) -> Value {
    let mut json = serde_json::to_value(Document::from(event)).unwrap_or_default();
    let spell = |time: SystemTime, object: Option<&mut Value>| {
        if let Some(shown) = object.and_then(|object| object.get_mut("time")) {
            *shown = report::rfc3339(time).into();
        }
    };
    for (at, crumb) in event.breadcrumbs.iter().enumerate() {
        spell(crumb.time, json.get_mut("breadcrumbs").and_then(|crumbs| crumbs.get_mut(at)));
    }
    spell(event.time, Some(&mut json));
    json
}

fn zstd_failed(error: std::io::Error) -> Trouble {
    Trouble::broken(format!("an event cannot be compressed: {error}"))
}

/// The fastest of zstd's ordinary levels: the others take two times as long for a tenth of the bytes.
const LEVEL: i32 = 1;
/// Two to the power of so many bytes are the most that a document may refer back.
const WINDOW_LOG_MOST: u32 = 24;
const JSON_KEPT_BYTES: usize = 256 * 1024;

type Text<'a> = Cow<'a, str>;
type Json<'a> = Cow<'a, Map<String, Value>>;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Document<'a> {
    id: String,
    /// Nanoseconds since 1970.
    time: u64,
    level: Text<'a>,
    kind: Text<'a>,
    handled: bool,
    title: Text<'a>,
    value: Text<'a>,
    culprit: Text<'a>,
    target: Text<'a>,
    #[serde(skip_serializing_if = "is_default")]
    file: Option<Text<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "is_default")]
    message: Option<Text<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    chain: Vec<Link<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    chain_cut: bool,
    #[serde(skip_serializing_if = "is_default")]
    siblings: Vec<Vec<Link<'a>>>,
    #[serde(skip_serializing_if = "is_default")]
    frames: Vec<StackFrame<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    breadcrumbs: Vec<Crumb<'a>>,
    trail: Text<'a>,
    #[serde(skip_serializing_if = "is_default")]
    trail_cut: bool,
    #[serde(skip_serializing_if = "is_default")]
    user: Option<Person<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    request: Option<Asked<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    tags: Cow<'a, BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "is_default")]
    contexts: Cow<'a, BTreeMap<String, Value>>,
    #[serde(skip_serializing_if = "is_default")]
    fields: Json<'a>,
    #[serde(skip_serializing_if = "is_default")]
    spans: Vec<Scope<'a>>,
    trace_id: Text<'a>,
    span_id: Text<'a>,
    #[serde(skip_serializing_if = "is_default")]
    release: Option<Text<'a>>,
    environment: Text<'a>,
    #[serde(skip_serializing_if = "is_default")]
    server_name: Option<Text<'a>>,
    fingerprint: Cow<'a, [String]>,
    #[serde(skip_serializing_if = "is_default")]
    logged_at: Vec<Place<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    tallied_before: u64,
    #[serde(skip_serializing_if = "is_default")]
    error_at: Option<usize>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Link<'a> {
    #[serde(rename = "type", skip_serializing_if = "is_default")]
    type_name: Option<Text<'a>>,
    value: Text<'a>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct StackFrame<'a> {
    #[serde(skip_serializing_if = "is_default")]
    function: Option<Text<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    module: Option<Text<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    file: Option<Text<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "is_default")]
    in_app: bool,
    #[serde(skip_serializing_if = "is_default")]
    address: Option<u64>,
    #[serde(skip_serializing_if = "is_default")]
    source: Option<Source<'a>>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Source<'a> {
    first_line: u32,
    lines: Cow<'a, [String]>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Crumb<'a> {
    /// Nanoseconds since 1970.
    time: u64,
    level: Text<'a>,
    #[serde(skip_serializing_if = "is_default")]
    kind: Text<'a>,
    #[serde(skip_serializing_if = "is_default")]
    category: Text<'a>,
    #[serde(skip_serializing_if = "is_default")]
    target: Text<'a>,
    message: Text<'a>,
    #[serde(skip_serializing_if = "is_default")]
    data: Json<'a>,
    #[serde(skip_serializing_if = "is_default")]
    cut: bool,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Person<'a> {
    #[serde(skip_serializing_if = "is_default")]
    id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    email: Option<Text<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    username: Option<Text<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    ip_address: Option<Text<'a>>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Asked<'a> {
    #[serde(skip_serializing_if = "is_default")]
    method: Option<Text<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    url: Option<Text<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    route: Option<Text<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    status: Option<u16>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Scope<'a> {
    name: Text<'a>,
    target: Text<'a>,
    #[serde(skip_serializing_if = "is_default")]
    fields: Json<'a>,
    #[serde(skip_serializing_if = "is_default")]
    cut: bool,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Place<'a> {
    id: String,
    target: Text<'a>,
    #[serde(skip_serializing_if = "is_default")]
    file: Option<Text<'a>>,
    #[serde(skip_serializing_if = "is_default")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "is_default")]
    message: Option<Text<'a>>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl<'a> From<&'a TrackedEvent> for Document<'a> {
    fn from(event: &'a TrackedEvent) -> Self {
        Self {
            id: event.id.to_string(),
            time: clock::ns_of(event.time),
            level: level_name(event.level).into(),
            kind: kind_name(event.kind).into(),
            handled: event.handled,
            title: text(&event.title),
            value: text(&event.value),
            culprit: text(&event.culprit),
            target: text(&event.target),
            file: some(&event.file),
            line: event.line,
            message: some(&event.message),
            chain: event.chain.iter().map(Link::from).collect(),
            chain_cut: event.chain_cut,
            siblings: event.siblings.iter().map(|chain| chain.iter().map(Link::from).collect()).collect(),
            frames: event.frames.iter().map(StackFrame::from).collect(),
            breadcrumbs: event.breadcrumbs.iter().map(Crumb::from).collect(),
            trail: trail_name(event.trail).into(),
            trail_cut: event.trail_cut,
            user: event.user.as_ref().map(Person::from),
            request: event.request.as_ref().map(Asked::from),
            tags: Cow::Borrowed(&event.tags),
            contexts: Cow::Borrowed(&event.contexts),
            fields: Cow::Borrowed(&event.fields),
            spans: event.spans.iter().map(Scope::from).collect(),
            trace_id: text(&event.trace_id),
            span_id: text(&event.span_id),
            release: some(&event.release),
            environment: text(&event.environment),
            server_name: some(&event.server_name),
            fingerprint: Cow::Borrowed(event.fingerprint.parts()),
            logged_at: event.logged_at.iter().map(Place::from).collect(),
            tallied_before: event.tallied_before,
            error_at: event.error_at,
        }
    }
}

impl Document<'_> {
    /// None where it has no id.
    fn event(self) -> Option<TrackedEvent> {
        Some(TrackedEvent {
            id: self.id.parse().ok()?,
            time: clock::time_of(self.time),
            level: level_of(&self.level),
            kind: kind_of(&self.kind),
            handled: self.handled,
            title: self.title.into_owned(),
            value: self.value.into_owned(),
            culprit: self.culprit.into_owned(),
            target: self.target.into_owned(),
            file: owned(self.file),
            line: self.line,
            message: owned(self.message),
            chain: self.chain.into_iter().map(Cause::from).collect(),
            chain_cut: self.chain_cut,
            siblings: self
                .siblings
                .into_iter()
                .map(|chain| chain.into_iter().map(Cause::from).collect())
                .collect(),
            frames: self.frames.into_iter().map(Frame::from).collect(),
            breadcrumbs: self.breadcrumbs.into_iter().map(Breadcrumb::from).collect(),
            trail: trail_of(&self.trail),
            trail_cut: self.trail_cut,
            user: self.user.map(User::from),
            request: self.request.map(Request::from),
            tags: self.tags.into_owned(),
            contexts: self.contexts.into_owned(),
            fields: self.fields.into_owned(),
            spans: self.spans.into_iter().map(Span::from).collect(),
            trace_id: self.trace_id.into_owned(),
            span_id: self.span_id.into_owned(),
            release: owned(self.release),
            environment: self.environment.into_owned(),
            server_name: owned(self.server_name),
            fingerprint: Fingerprint::new(self.fingerprint.into_owned()),
            logged_at: self.logged_at.into_iter().filter_map(Place::logged_at).collect(),
            tallied_before: self.tallied_before,
            error_at: self.error_at,
        })
    }
}

impl<'a> From<&'a Cause> for Link<'a> {
    fn from(cause: &'a Cause) -> Self {
        Self { type_name: some(&cause.type_name), value: text(&cause.value) }
    }
}

impl From<Link<'_>> for Cause {
    fn from(link: Link<'_>) -> Self {
        Self { type_name: owned(link.type_name), value: link.value.into_owned() }
    }
}

impl<'a> From<&'a Frame> for StackFrame<'a> {
    fn from(frame: &'a Frame) -> Self {
        Self {
            function: some(&frame.function),
            module: some(&frame.module),
            file: some(&frame.file),
            line: frame.line,
            in_app: frame.in_app,
            address: frame.address,
            source: frame
                .source
                .as_ref()
                .map(|source| Source { first_line: source.first_line, lines: Cow::Borrowed(&source.lines) }),
        }
    }
}

impl From<StackFrame<'_>> for Frame {
    fn from(frame: StackFrame<'_>) -> Self {
        Self {
            function: owned(frame.function),
            module: owned(frame.module),
            file: owned(frame.file),
            line: frame.line,
            in_app: frame.in_app,
            address: frame.address,
            source: frame.source.map(|source| SourceLines {
                first_line: source.first_line,
                lines: source.lines.into_owned(),
            }),
        }
    }
}

impl<'a> From<&'a Breadcrumb> for Crumb<'a> {
    fn from(crumb: &'a Breadcrumb) -> Self {
        Self {
            time: clock::ns_of(crumb.time),
            level: level_name(crumb.level).into(),
            kind: crumb_kind_name(crumb.kind).into(),
            category: text(&crumb.category),
            target: text(&crumb.target),
            message: text(&crumb.message),
            data: Cow::Borrowed(&crumb.data),
            cut: crumb.cut,
        }
    }
}

impl From<Crumb<'_>> for Breadcrumb {
    fn from(crumb: Crumb<'_>) -> Self {
        Self {
            time: clock::time_of(crumb.time),
            level: level_of(&crumb.level),
            kind: crumb_kind_of(&crumb.kind),
            category: crumb.category.into_owned(),
            target: crumb.target.into_owned(),
            message: crumb.message.into_owned(),
            data: crumb.data.into_owned(),
            cut: crumb.cut,
        }
    }
}

impl<'a> From<&'a User> for Person<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: some(&user.id),
            email: some(&user.email),
            username: some(&user.username),
            ip_address: some(&user.ip_address),
        }
    }
}

impl From<Person<'_>> for User {
    fn from(person: Person<'_>) -> Self {
        Self {
            id: owned(person.id),
            email: owned(person.email),
            username: owned(person.username),
            ip_address: owned(person.ip_address),
        }
    }
}

impl<'a> From<&'a Request> for Asked<'a> {
    fn from(request: &'a Request) -> Self {
        Self {
            method: some(&request.method),
            url: some(&request.url),
            route: some(&request.route),
            status: request.status,
        }
    }
}

impl From<Asked<'_>> for Request {
    fn from(asked: Asked<'_>) -> Self {
        Self {
            method: owned(asked.method),
            url: owned(asked.url),
            route: owned(asked.route),
            status: asked.status,
        }
    }
}

impl<'a> From<&'a Span> for Scope<'a> {
    fn from(span: &'a Span) -> Self {
        Self {
            name: text(&span.name),
            target: text(&span.target),
            fields: Cow::Borrowed(&span.fields),
            cut: span.cut,
        }
    }
}

impl From<Scope<'_>> for Span {
    fn from(scope: Scope<'_>) -> Self {
        Self {
            name: scope.name.into_owned(),
            target: scope.target.into_owned(),
            fields: scope.fields.into_owned(),
            cut: scope.cut,
        }
    }
}

impl<'a> From<&'a LoggedAt> for Place<'a> {
    fn from(place: &'a LoggedAt) -> Self {
        Self {
            id: place.id.to_string(),
            target: text(&place.target),
            file: some(&place.file),
            line: place.line,
            message: some(&place.message),
        }
    }
}

impl Place<'_> {
    fn logged_at(self) -> Option<LoggedAt> {
        Some(LoggedAt {
            id: self.id.parse::<EventId>().ok()?,
            target: self.target.into_owned(),
            file: owned(self.file),
            line: self.line,
            message: owned(self.message),
        })
    }
}

fn text(text: &str) -> Text<'_> {
    Cow::Borrowed(text)
}

fn some(text: &Option<String>) -> Option<Text<'_>> {
    text.as_deref().map(Cow::Borrowed)
}

fn owned(text: Option<Text<'_>>) -> Option<String> {
    text.map(Cow::into_owned)
}

pub(super) fn level_name(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    }
}

pub(super) fn level_of(name: &str) -> Level {
    name.parse().unwrap_or(Level::ERROR)
}

fn kind_name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Error => "error",
        EventKind::Panic => "panic",
        EventKind::Log => "log",
    }
}

fn kind_of(name: &str) -> EventKind {
    match name {
        "panic" => EventKind::Panic,
        "log" => EventKind::Log,
        _ => EventKind::Error,
    }
}

fn crumb_kind_name(kind: BreadcrumbKind) -> &'static str {
    match kind {
        BreadcrumbKind::Default => "",
        BreadcrumbKind::Error => "error",
    }
}

fn crumb_kind_of(name: &str) -> BreadcrumbKind {
    match name {
        "error" => BreadcrumbKind::Error,
        _ => BreadcrumbKind::Default,
    }
}

fn trail_name(trail: TrailSource) -> &'static str {
    match trail {
        TrailSource::Span => "span",
        TrailSource::Task => "task",
        TrailSource::Thread => "thread",
    }
}

fn trail_of(name: &str) -> TrailSource {
    match name {
        "span" => TrailSource::Span,
        "task" => TrailSource::Task,
        _ => TrailSource::Thread,
    }
}
