//! Prepare: what was captured becomes an event that can be read.
//!
//! Runs on the worker only, so it may take its time: it finds symbols, reads texts, decodes breadcrumbs and gives
//! fields their meaning. Behind the program's hooks it takes the secrets out.

mod errors;
mod hooks;
mod meaning;
mod named;
mod origin;
mod scrub;
mod source;
mod stack;
mod symbols;
mod text;
mod trace;

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::clock;
use crate::model::{
    Captured, CapturedError, CapturedFields, CapturedSpan, Environment, EventKind, Fingerprint, LoggedAt,
    Span, TrackedEvent,
};
use crate::trail::log_site::take_target;
use crate::trail::{Copied, crumb};

use errors::Errors;
pub(crate) use hooks::{Hooks, Refused};
use meaning::Meaning;
pub(crate) use named::Named;
pub(crate) use scrub::{FILTERED, Scrubber};
use stack::Frames;
use trace::Trace;

/// An event that can be read, and what the worker has to know of it beyond.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) event: TrackedEvent,
    /// What a hook or a field says of its issue, instead of grouping.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// The title that a hook gave it, instead of grouping.
    pub(crate) title: Option<String>,
    /// Its error was at hand when it was captured, and was judged by its type.
    pub(crate) judged: bool,
    /// By which the throttle knows it.
    pub(crate) key: u64,
    /// When the throttle's minute began in which it is told.
    pub(crate) minute: u64,
    /// The lane it was logged in.
    pub(crate) lane: u64,
    /// The numbers of the spans around it, innermost first.
    pub(crate) span_numbers: Vec<u64>,
    /// The tokio task it was logged in.
    pub(crate) task: Option<u64>,
    /// It is what an `#[instrument(err)]` wrote when its function returned; the error as that wrote it.
    pub(crate) returned: Option<String>,
}

/// Turns captures into events; keeps the symbols it has found.
#[derive(Debug)]
pub(crate) struct Preparer {
    environment: Environment,
    frames: Frames,
    scrubber: Scrubber,
}

impl Preparer {
    /// Functions whose path begins with one of `in_app` are the program's own, wherever their source lies.
    pub(crate) fn new(environment: Environment, in_app: Vec<String>, scrubber: Scrubber) -> Self {
        Self { environment, frames: Frames::new(in_app), scrubber }
    }

    /// Where the program runs.
    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Finds a first symbol, which makes the ones after it quick: it maps the program's debug information.
    pub(crate) fn warm(&mut self) {
        self.frames.warm();
    }

    /// Takes the secrets out of an event that the hooks have left as it is to be told.
    pub(crate) fn scrub(&self, prepared: &mut Prepared) {
        self.scrubber.scrub(prepared);
    }

    /// The event of a line of which no trail was copied.
    pub(crate) fn prepare_alone(&mut self, captured: Captured) -> Prepared {
        self.prepare(captured, &Copied::default())
    }

    /// The event, but for what grouping says of it; its secrets are still in it, for hooks to see.
    pub(crate) fn prepare(&mut self, captured: Captured, trail: &Copied) -> Prepared {
        let (message, mut fields) = captured.fields.as_ref().map(said).unwrap_or_default();
        let Errors { read, siblings, message, error_at } =
            Errors::read(&captured.error, &captured.siblings, message, &mut fields);
        let returned = returned(&captured, message.as_deref(), &fields);
        let walked = self.frames.resolve(&captured.stack, &captured.site);
        let in_message = matches!(captured.error, CapturedError::Tail { .. });
        // Where the error was made says more than where it was logged.
        let told = self.frames.told(read.stack, &captured.site);
        let told = told.filter(|told| !in_message || stack::is_ours(told, &walked));
        let frames = told.unwrap_or(walked);
        let spans: Vec<Span> = captured.spans.iter().map(span).collect();
        let trace = Trace::of(&fields, &spans, captured.lane, captured.span_numbers.first().copied());
        let mut meaning = Meaning::of(&mut fields, spans, captured.lanes, &self.environment);
        // What a hook says with the error in hand outranks all.
        meaning.tags.extend(captured.draft.tags);
        meaning.contexts.extend(captured.draft.contexts);
        let mut target = captured.site.target.into_owned();
        if target.is_empty() {
            // `capture_error` has no callsite: its module is that of the code that called it.
            target =
                frames.iter().find(|frame| frame.in_app).and_then(|f| f.module.clone()).unwrap_or_default();
        }
        let file = captured.site.file.map(Cow::into_owned);
        let logged_at = LoggedAt {
            id: captured.id,
            target: target.clone(),
            file: file.clone(),
            line: captured.site.line,
            message: message.clone(),
        };
        let mut breadcrumbs = trail.decode();
        errors::trim_breadcrumbs(&mut breadcrumbs);
        let event = TrackedEvent {
            id: captured.id,
            time: clock::time_of(captured.time_ns),
            level: captured.level,
            kind: captured.kind,
            handled: captured.kind != EventKind::Panic,
            title: String::new(),
            value: read.chain.first().map(|cause| cause.value.clone()).unwrap_or_default(),
            culprit: String::new(),
            target,
            file,
            line: captured.site.line,
            message,
            chain: read.chain,
            chain_cut: read.cut,
            frames,
            breadcrumbs,
            trail: captured.source,
            trail_cut: trail.cut,
            user: meaning.user,
            request: meaning.request,
            tags: meaning.tags,
            contexts: meaning.contexts,
            fields,
            spans: meaning.spans,
            trace_id: trace.trace_id,
            span_id: trace.span_id,
            release: self.environment.release.clone(),
            environment: self.environment.environment.clone(),
            server_name: self.environment.server_name.clone(),
            siblings,
            fingerprint: Fingerprint::default(),
            logged_at: vec![logged_at],
            tallied_before: 0,
            error_at,
        };
        Prepared {
            event,
            fingerprint: captured.draft.fingerprint,
            title: None,
            judged: matches!(captured.error, CapturedError::Typed { .. } | CapturedError::Panic { .. }),
            key: captured.key,
            minute: captured.minute,
            lane: captured.lane,
            span_numbers: captured.span_numbers,
            task: captured.task,
            returned,
        }
    }
}

/// What a line said: its message, and its other fields.
fn said(captured: &CapturedFields) -> (Option<String>, Map<String, Value>) {
    let mut fields = crumb::to_map(&captured.bytes, Some(captured.callsite));
    // Its site was taken before.
    take_target(&mut fields, captured.callsite);
    if captured.left_out > 0 {
        fields.insert("…".to_owned(), captured.left_out.into());
    }
    let message = fields.remove("message").map(|message| match message {
        Value::String(text) => text,
        other => other.to_string(),
    });
    (message, fields)
}

/// The error that an `#[instrument(err)]` wrote: its line has no message and no other field, and the attribute is where
/// its span is opened, too.
fn returned(captured: &Captured, message: Option<&str>, fields: &Map<String, Value>) -> Option<String> {
    let (site, callsite) = (&captured.site, captured.spans.first()?.callsite);
    let there = site.line == callsite.line() && site.file.as_deref() == callsite.file();
    let alone = message.is_none() && fields.len() == 1 && site.line.is_some();
    fields.get("error").filter(|_| there && alone)?.as_str().map(str::to_owned)
}

fn span(captured: &CapturedSpan) -> Span {
    let mut fields = crumb::to_map(&captured.fields, Some(captured.callsite));
    if let Some(extra) = &captured.extra {
        fields.extend(crumb::to_map(&extra.fields, Some(captured.callsite)));
    }
    Span {
        name: captured.callsite.name().to_owned(),
        target: captured.callsite.target().to_owned(),
        fields,
        cut: captured.cut,
    }
}
