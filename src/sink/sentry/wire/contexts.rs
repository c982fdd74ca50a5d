//! What is known around an event: where it ran, what the program said, its spans and fields. Pure, but for
//! [`Program::running`].
//!
//! A context is a name and an object. Some names belong to the protocol: what a program calls by one of them that is
//! written here gets a number. So does one of two with the same name. Of an object the protocol reads `type`, by which a
//! program's own value could turn a context into something that it is not; it is called `type_` then.

use std::time::SystemTime;

use sentry_types::protocol::v7;
use serde_json::{Map, Value, json};

use super::{exceptions, moment, names};
use crate::limits::{CONTEXT_DEPTH, LANE_ENTRIES, LOGGED_PLACES, NAME_CHARS, SPANS};
use crate::model::{EventKind, LoggedAt, Span, TrackedEvent, TrailSource};

/// The context with what crumbtrail itself has to say.
pub(in crate::sink::sentry) const OWN: &str = "crumbtrail";
/// The fields of the line.
pub(in crate::sink::sentry) const FIELDS: &str = "fields";
/// What the name of a span's context begins with.
pub(in crate::sink::sentry) const SPAN: &str = "span ";
/// Contexts that tell what nothing else does, and are short.
pub(in crate::sink::sentry) const SHORT: [&str; 5] = ["app", OWN, "location", "response", "trace"];

/// The running program.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) name: Option<String>,
    pub(super) started: SystemTime,
}

impl Program {
    /// As of now, which is close enough to when it started.
    pub(super) fn running() -> Self {
        let executable = std::env::current_exe().ok();
        let name = executable.and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        Self { name, started: SystemTime::now() }
    }
}

pub(super) fn contexts(event: &TrackedEvent, program: &Program) -> Map<String, Value> {
    let mut contexts = Contexts::default();
    contexts.add(OWN, own(event));
    contexts.add("app", app(event, program));
    if let Some(trace) = trace(event) {
        contexts.add("trace", trace);
    }
    if let Some(status) = event.request.as_ref().and_then(|request| request.status) {
        contexts.add("response", entries([("type", json!("response")), ("status_code", status.into())]));
    }
    contexts.add("location", location(event));
    contexts.add(FIELDS, fields(&event.fields));
    let siblings: Vec<_> = event.siblings.iter().map(|chain| exceptions::sibling(chain)).collect();
    if !siblings.is_empty() {
        contexts.add("further errors", entries([("errors", siblings.into())]));
    }
    for (name, value) in &event.contexts {
        match (name.as_str(), value) {
            // What the program says of itself outranks what we guess.
            ("app", Value::Object(said)) => contexts.extend("app", fields(said)),
            (name, value) => contexts.add(name, program_said(name, value)),
        }
    }
    for span in event.spans.iter().take(SPANS) {
        contexts.add(&format!("{SPAN}{}", span.name), of_span(span));
    }
    contexts.0
}

/// A copy that is nested no deeper than that; what lies deeper is text. A server reads a limited depth, and what reads JSON
/// gives up at some.
pub(super) fn shallow(value: &Value, depth: usize) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) if depth == 0 => value.to_string().into(),
        Value::Array(items) => items.iter().map(|item| shallow(item, depth - 1)).collect(),
        Value::Object(entries) => {
            entries.iter().map(|(name, value)| (name.clone(), shallow(value, depth - 1))).collect()
        }
        plain => plain.clone(),
    }
}

#[derive(Default)]
struct Contexts(Map<String, Value>);

impl Contexts {
    /// Adds one under its name, or under that and a number where the name is taken. An empty one says nothing.
    fn add(&mut self, name: &str, context: Map<String, Value>) {
        if context.is_empty() {
            return;
        }
        let name = names::line(name, NAME_CHARS).unwrap_or_else(|| "context".to_owned());
        let taken = |name: &String| self.0.contains_key(name);
        let numbered = || (2_u32..).map(|number| format!("{name} {number}")).find(|name| !taken(name));
        let free = Some(name.clone()).filter(|name| !taken(name)).or_else(numbered);
        self.0.insert(free.unwrap_or(name), Value::Object(context));
    }

    fn extend(&mut self, name: &str, further: Map<String, Value>) {
        match self.0.get_mut(name) {
            Some(Value::Object(context)) => context.extend(further),
            _ => self.add(name, further),
        }
    }
}

fn own(event: &TrackedEvent) -> Map<String, Value> {
    let kind = match event.kind {
        EventKind::Error => "error",
        EventKind::Panic => "panic",
        EventKind::Log => "log",
    };
    let trail = match event.trail {
        TrailSource::Span => "span",
        TrailSource::Task => "task",
        TrailSource::Thread => "thread",
    };
    let mut own =
        entries([("kind", kind.into()), ("title", event.title.as_str().into()), ("trail", trail.into())]);
    let mut add = |name: &str, value: Value| own.insert(name.to_owned(), value);
    for (name, is_so) in [("trail_cut", event.trail_cut), ("chain_cut", event.chain_cut)] {
        if is_so {
            add(name, true.into());
        }
    }
    if event.tallied_before > 0 {
        add("tallied_before", event.tallied_before.into());
    }
    if event.logged_at.len() > 1 {
        add("logged_at", event.logged_at.iter().take(LOGGED_PLACES).map(place).collect());
    }
    if event.spans.len() > 1 {
        let names = event.spans.iter().take(SPANS).map(|span| names::cut(&span.name, NAME_CHARS));
        add("spans", names.map(|name| Value::from(name.into_owned())).collect());
    }
    // What is not taken for what it is would be lost.
    if let Some(release) = event.release.as_deref().filter(|name| names::release(name) != Some(*name)) {
        add("release", names::cut(release, NAME_CHARS).into());
    }
    let environment = event.environment.as_str();
    if !environment.is_empty() && names::environment(environment).as_deref() != Some(environment) {
        add("environment", names::cut(environment, NAME_CHARS).into());
    }
    let (_, kept) = names::tags(&event.tags);
    if !kept.is_empty() {
        let kept = kept.into_iter().take(LANE_ENTRIES);
        add("tags", kept.map(|(name, value)| (name, Value::from(value))).collect());
    }
    own
}

/// `checkout::orders src/orders.rs:51 checkout failed`, and the name by which somebody may know that line.
fn place(place: &LoggedAt) -> Value {
    let mut said = place.target.clone();
    if let Some(file) = &place.file {
        said = format!("{said} {file}:{}", place.line.unwrap_or_default());
    }
    if let Some(message) = &place.message {
        said = format!("{said} {message}");
    }
    json!({ "id": place.id.to_string(), "line": names::cut(said.trim(), NAME_CHARS) })
}

fn app(event: &TrackedEvent, program: &Program) -> Map<String, Value> {
    let version = event.release.as_deref().and_then(|release| release.rsplit_once('@'));
    let app = v7::AppContext {
        app_start_time: Some(moment(program.started)),
        app_name: program.name.clone(),
        app_version: version.and_then(|(_, version)| names::line(version, NAME_CHARS)),
        ..v7::AppContext::default()
    };
    match serde_json::to_value(v7::Context::from(app)) {
        Ok(Value::Object(app)) => app,
        _ => Map::new(),
    }
}

/// The trace, unless a hook made something of its ids that is none.
fn trace(event: &TrackedEvent) -> Option<Map<String, Value>> {
    let trace_id: v7::TraceId = event.trace_id.parse().ok()?;
    let span_id: v7::SpanId = event.span_id.parse().ok()?;
    let ids = [("trace_id", trace_id.to_string().into()), ("span_id", span_id.to_string().into())];
    Some(entries([("type", "trace".into())].into_iter().chain(ids)))
}

fn location(event: &TrackedEvent) -> Map<String, Value> {
    let target = Some(event.target.as_str()).filter(|target| !target.is_empty());
    let known = [
        ("target", target.map(Value::from)),
        ("file", event.file.as_deref().map(Value::from)),
        ("line", event.line.map(Value::from)),
    ];
    entries(known.into_iter().filter_map(|(name, value)| Some((name, value?))))
}

fn of_span(span: &Span) -> Map<String, Value> {
    let mut said = fields(&span.fields);
    said.insert("span.target".to_owned(), span.target.as_str().into());
    if span.cut {
        said.insert("span.cut".to_owned(), true.into());
    }
    said
}

/// What a program calls a context may be any value.
fn program_said(name: &str, value: &Value) -> Map<String, Value> {
    match value {
        Value::Object(said) if said.get("type").is_some_and(|kind| kind == name) => {
            shallow_entries(said).collect()
        }
        Value::Object(said) => fields(said),
        value => entries([("value", shallow(value, CONTEXT_DEPTH))]),
    }
}

/// Entries of whatever names.
fn fields(said: &Map<String, Value>) -> Map<String, Value> {
    let mut fields: Map<String, Value> = shallow_entries(said).collect();
    if let Some(kind) = fields.remove("type") {
        fields.insert("type_".to_owned(), kind);
    }
    fields
}

fn shallow_entries(said: &Map<String, Value>) -> impl Iterator<Item = (String, Value)> {
    said.iter().map(|(name, value)| (name.clone(), shallow(value, CONTEXT_DEPTH)))
}

fn entries<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Map<String, Value> {
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
