//! What went wrong.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::{Map, Value};
use tracing::Level;

#[cfg(feature = "sentry")]
use super::Environment;
use super::captured::{json_bytes, map_bytes};
use super::{Breadcrumb, EventId, Fingerprint, User};

/// One failure with everything that is known about it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TrackedEvent {
    /// Its name, unique and random.
    pub id: EventId,
    /// When it was captured.
    pub time: SystemTime,
    /// How bad.
    pub level: Level,
    /// How it came to be known.
    pub kind: EventKind,
    /// The program recovered from it, or at least lived to log it.
    pub handled: bool,
    /// What a list of events shows first: the message, else the span of an `#[instrument(err)]`, else the error's
    /// type, else the head of its text.
    pub title: String,
    /// The error's own text, without its causes.
    pub value: String,
    /// Where in the program's work it happened: the outermost span, else the target.
    pub culprit: String,
    /// The module that logged it; for a record of the `log` crate, the one that the record names.
    pub target: String,
    /// The file that logged it, where the record names one.
    pub file: Option<String>,
    /// The line that logged it.
    pub line: Option<u32>,
    /// The message of the log line, up to [`limits::MESSAGE_BYTES`](crate::limits::MESSAGE_BYTES).
    pub message: Option<String>,
    /// The error and its causes, outermost first, up to [`limits::CHAIN_LINKS`](crate::limits::CHAIN_LINKS).
    pub chain: Vec<Cause>,
    /// The chain goes on, goes in a circle, or panicked when it was asked.
    pub chain_cut: bool,
    /// Further errors that the same line carried, each with its own causes, outermost first.
    pub siblings: Vec<Vec<Cause>>,
    /// The stack, innermost first; the first frame is the line that logged. Without the feature `stack`, or with
    /// [`Stack::Off`](crate::Stack), it is the only one. An error whose text brings a backtrace along, as those of anyhow
    /// and eyre do with `RUST_BACKTRACE=1`, has that instead: it begins where the error was made. Of a program without
    /// symbols the others have an address and no name, and begin with crumbtrail's own: a server that was given the
    /// symbols resolves them.
    pub frames: Vec<Frame>,
    /// What happened before, oldest first, up to [`limits::TRAIL_CRUMBS`](crate::limits::TRAIL_CRUMBS).
    pub breadcrumbs: Vec<Breadcrumb>,
    /// Whose trail it is.
    pub trail: TrailSource,
    /// Older breadcrumbs of this trail may have been pushed out, by age or by the number that one event carries.
    pub trail_cut: bool,
    /// Who was hit.
    pub user: Option<User>,
    /// What the program was asked, as far as its spans say: fields `http.*` and `url.*`.
    pub request: Option<Request>,
    /// Searchable names and values: fields `tags.*` and [`set_tag`](crate::set_tag).
    pub tags: BTreeMap<String, String>,
    /// Detail: [`set_context`](crate::set_context), and `os`, `device` and `runtime`.
    pub contexts: BTreeMap<String, Value>,
    /// The fields of the log line itself, up to [`limits::FIELDS`](crate::limits::FIELDS); of more, `…` says how many
    /// were left out.
    pub fields: Map<String, Value>,
    /// The spans around it, innermost first, with their fields.
    pub spans: Vec<Span>,
    /// The trace it belongs to, 32 hexadecimal digits: that of a field `traceparent`
    /// ([W3C](https://www.w3.org/TR/trace-context/)) or `sentry-trace` on the line or the nearest span that has one; else
    /// that of a field `trace_id`; else one of the lane's own, random in each process, which all events of the lane share.
    pub trace_id: String,
    /// The span it happened in, 16 hexadecimal digits: a field `span_id` beside the `trace_id` that was taken, else a name
    /// of the innermost span's own, random in each process, which all events directly in the span share. Outside of spans
    /// it is the lane's.
    pub span_id: String,
    /// The deployment it comes from.
    pub release: Option<String>,
    /// Where it runs: `production`, `staging` …
    pub environment: String,
    /// The host it ran on.
    pub server_name: Option<String>,
    /// Which issue it belongs to.
    pub fingerprint: Fingerprint,
    /// Every place where this one failure was logged, the first one first; of one that was logged once, that one.
    pub logged_at: Vec<LoggedAt>,
    /// How many of this issue were counted without an event of their own since the last one that was told in full.
    pub tallied_before: u64,
    /// Where in the message the error's own text begins, if it was read out of there.
    pub(crate) error_at: Option<usize>,
}

impl TrackedEvent {
    /// One that tells of no failure, to see whether events arrive.
    #[cfg(feature = "sentry")]
    pub(crate) fn of_test(environment: Environment) -> Self {
        let title = "a test of crumbtrail's doctor".to_owned();
        let id = EventId::random();
        let trace_id = id.to_string();
        Self {
            id,
            time: SystemTime::now(),
            level: Level::INFO,
            target: "crumbtrail::doctor".to_owned(),
            message: Some(title.clone()),
            contexts: environment.contexts,
            release: environment.release,
            environment: environment.environment,
            server_name: environment.server_name,
            fingerprint: Fingerprint::from(title.as_str()),
            title,
            span_id: trace_id.chars().take(16).collect(),
            trace_id,
            ..Self::bare(EventKind::Log)
        }
    }

    /// One of 1970 of which nothing is known.
    #[cfg(any(test, feature = "sentry"))]
    pub(crate) fn bare(kind: EventKind) -> Self {
        Self {
            id: EventId::unique(),
            time: SystemTime::UNIX_EPOCH,
            level: Level::ERROR,
            kind,
            handled: kind != EventKind::Panic,
            title: String::new(),
            value: String::new(),
            culprit: String::new(),
            target: String::new(),
            file: None,
            line: None,
            message: None,
            chain: Vec::new(),
            chain_cut: false,
            siblings: Vec::new(),
            frames: Vec::new(),
            breadcrumbs: Vec::new(),
            trail: TrailSource::Thread,
            trail_cut: false,
            user: None,
            request: None,
            tags: BTreeMap::new(),
            contexts: BTreeMap::new(),
            fields: Map::new(),
            spans: Vec::new(),
            trace_id: String::new(),
            span_id: String::new(),
            release: None,
            environment: String::new(),
            server_name: None,
            fingerprint: Fingerprint::default(),
            logged_at: Vec::new(),
            tallied_before: 0,
            error_at: None,
        }
    }

    /// About how many bytes it holds on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let chain = |chain: &Vec<Cause>| {
            chain.iter().map(|cause| size_of::<Cause>() + cause.value.len()).sum::<usize>()
        };
        let crumb = |crumb: &Breadcrumb| {
            size_of::<Breadcrumb>() + crumb.message.len() + crumb.target.len() + map_bytes(&crumb.data)
        };
        let frames = self.frames.len() * (size_of::<Frame>() + FRAME_TEXTS);
        let spans: usize = self.spans.iter().map(|span| size_of::<Span>() + map_bytes(&span.fields)).sum();
        let contexts: usize = self.contexts.values().map(json_bytes).sum();
        chain(&self.chain)
            + self.siblings.iter().map(chain).sum::<usize>()
            + self.message.as_ref().map_or(0, String::len)
            + map_bytes(&self.fields)
            + self.breadcrumbs.iter().map(crumb).sum::<usize>()
            + frames
            + spans
            + contexts
            + self.tags.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
            + self
                .logged_at
                .iter()
                .map(|place| LINE_TEXTS + place.message.as_ref().map_or(0, String::len))
                .sum::<usize>()
    }
}

/// Bytes of the names in one frame, with the source of some, about.
const FRAME_TEXTS: usize = 240;
/// Bytes of the names of one line, about.
const LINE_TEXTS: usize = 160;

/// One place where a failure was logged on its way up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedAt {
    /// The name that this line was given: [`last_event_id`](crate::last_event_id) may have told it to somebody.
    pub id: EventId,
    /// The module.
    pub target: String,
    /// The file, where the record names one.
    pub file: Option<String>,
    /// The line.
    pub line: Option<u32>,
    /// What the line said.
    pub message: Option<String>,
}

/// How a failure came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// An error that was logged, or handed to [`capture_error`](crate::capture_error).
    Error,
    /// A panic.
    Panic,
    /// An ERROR that carried no error, with [`Builder::track_messages`](crate::Builder::track_messages).
    Log,
}

/// What the breadcrumbs of an event have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrailSource {
    /// The span that is the root of a piece of work.
    Span,
    /// The tokio task, outside any span.
    Task,
    /// The thread, outside any span and task.
    Thread,
}

/// One link of a chain of causes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cause {
    /// The error's type, as far as its `Debug` names it: a struct, or the variant of an enum.
    pub type_name: Option<String>,
    /// The error's text.
    pub value: String,
}

impl Cause {
    pub(crate) fn new(type_name: Option<String>, value: impl Into<String>) -> Self {
        Self { type_name, value: value.into() }
    }
}

/// One frame of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// The function, without its module and its generics' hash.
    pub function: Option<String>,
    /// The path of the module the function stands in.
    pub module: Option<String>,
    /// The source file, as the compiler saw it.
    pub file: Option<String>,
    /// The line.
    pub line: Option<u32>,
    /// It is the program's own code, not a library's, not the runtime's.
    pub in_app: bool,
    /// The return address, where the frame was walked.
    pub address: Option<u64>,
    /// The source around the line, of the program's own frames, where it is at hand.
    pub source: Option<SourceLines>,
}

/// Lines of a source file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceLines {
    /// The number of the first of them.
    pub first_line: u32,
    /// The lines, without their ends.
    pub lines: Vec<String>,
}

/// A span around an event.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// Its name.
    pub name: String,
    /// The module that opened it.
    pub target: String,
    /// Its fields; what was recorded later outranks what it was opened with.
    pub fields: Map<String, Value>,
    /// Some of its fields could not be kept or read.
    pub cut: bool,
}

/// What the program was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// The method: `http.request.method`, or `http.method`.
    pub method: Option<String>,
    /// The address: `url.full`, `http.url`, else `url.path` or `http.target`.
    pub url: Option<String>,
    /// The route that answered: `http.route`.
    pub route: Option<String>,
    /// The status of the answer: `http.response.status_code`, or `http.status_code`.
    pub status: Option<u16>,
}
