//! What is copied on the caller's thread and crosses to the worker: owned data, nothing parsed, nothing resolved.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use tracing::{Level, Metadata};

use super::{Draft, EventId, EventKind, TrailSource, User};

/// A failure as its caller's thread left it.
#[derive(Debug)]
pub(crate) struct Captured {
    pub(crate) id: EventId,
    pub(crate) kind: EventKind,
    pub(crate) time_ns: u64,
    pub(crate) level: Level,
    pub(crate) site: Site,
    /// The fields of the line, encoded, the message among them; None where no line logged it.
    pub(crate) fields: Option<CapturedFields>,
    pub(crate) error: CapturedError,
    /// Further errors that the same line carried.
    pub(crate) siblings: Vec<CapturedError>,
    /// What a hook said of it.
    pub(crate) draft: Draft,
    /// By which the throttle knows it.
    pub(crate) key: u64,
    /// When the throttle's minute began in which it is told.
    pub(crate) minute: u64,
    /// The lane it was logged in.
    pub(crate) lane: u64,
    /// The numbers of the enclosing spans, innermost first.
    pub(crate) span_numbers: Vec<u64>,
    /// The tokio task it was logged in, by its number.
    pub(crate) task: Option<u64>,
    /// Return addresses, innermost first.
    pub(crate) stack: Vec<usize>,
    pub(crate) source: TrailSource,
    /// Enclosing spans, innermost first.
    pub(crate) spans: Vec<CapturedSpan>,
    /// What the lanes around the event were told, nearest first.
    pub(crate) lanes: Vec<Arc<LaneData>>,
}

impl Captured {
    /// About how many bytes it holds on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let error = self.error.bytes() + self.siblings.iter().map(CapturedError::bytes).sum::<usize>();
        // What is shared with a living span is counted with every event: the event may outlive the span.
        let spans: usize = self.spans.iter().map(CapturedSpan::bytes).sum();
        let lanes: usize = self.lanes.iter().map(|lane| lane.bytes()).sum();
        let fields = self.fields.as_ref().map_or(0, |fields| fields.bytes.len());
        let draft: usize = self.draft.contexts.values().map(json_bytes).sum();
        let tags = self.draft.tags.iter().chain(self.lanes.iter().flat_map(|lane| &lane.tags));
        let tags: usize = tags.map(|(name, value)| name.len() + value.len()).sum();
        fields + size_of_val(self.stack.as_slice()) + error + spans + lanes + draft + tags
    }
}

pub(super) fn map_bytes(map: &Map<String, Value>) -> usize {
    map.iter().map(|(name, value)| name.len() + json_bytes(value)).sum()
}

/// About how many bytes a value takes; what is captured is not deep.
pub(super) fn json_bytes(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(json_bytes).sum(),
            Value::Object(entries) => map_bytes(entries),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}

/// The fields of a log line, as the breadcrumb of it has them, or with more room where that had too little.
#[derive(Debug, Clone)]
pub(crate) struct CapturedFields {
    pub(crate) callsite: &'static Metadata<'static>,
    pub(crate) bytes: Vec<u8>,
    /// Fields beyond those that an event keeps.
    pub(crate) left_out: u64,
}

/// The line that logged.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) target: Cow<'static, str>,
    pub(crate) file: Option<Cow<'static, str>>,
    pub(crate) line: Option<u32>,
}

impl Site {
    /// That of lines beyond those that are counted each by itself.
    pub(crate) fn unknown() -> Self {
        Self { target: Cow::Borrowed(""), file: None, line: None }
    }
}

/// An error, as far as the caller's thread can tell.
#[derive(Debug)]
pub(crate) enum CapturedError {
    /// It was handed over as an error: its links, outermost first.
    Typed { links: Vec<Link>, cut: bool },
    /// Only its text was: as written, and by the alternate format where that says more. At the `joints`, bytes of the
    /// latter, `: ` was written as a piece of its own, as it is between two causes.
    Text { plain: String, alternate: Option<String>, joints: Vec<usize> },
    /// Its text is the message, from this byte on; `joints` are bytes of the message.
    Tail { at: usize, joints: Vec<usize> },
    /// It is told by fields of their own: `exception.message`, `error.type` and their kin.
    Fields,
    /// A panic's payload, as far as it is text.
    Panic { payload: String },
    /// There is none.
    Nothing,
}

impl CapturedError {
    /// Fields of their own tell it.
    pub(crate) fn is_fields(&self) -> bool {
        matches!(self, Self::Fields)
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Typed { links, .. } => {
                links.iter().map(|link| size_of::<Link>() + link.value.len() + link.debug.len()).sum()
            }
            Self::Text { plain, alternate, joints } => {
                plain.len() + alternate.as_ref().map_or(0, String::len) + size_of_val(joints.as_slice())
            }
            Self::Tail { joints, .. } => size_of_val(joints.as_slice()),
            Self::Panic { payload } => payload.len(),
            Self::Fields | Self::Nothing => 0,
        }
    }
}

/// One link of a typed chain.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) value: String,
    /// The head of its `Debug`, which names the type.
    pub(crate) debug: String,
}

/// A span, as the table of live spans held it.
#[derive(Debug)]
pub(crate) struct CapturedSpan {
    pub(crate) callsite: &'static Metadata<'static>,
    /// The fields it was opened with, encoded.
    pub(crate) fields: Vec<u8>,
    /// What came later.
    pub(crate) extra: Option<Arc<SpanExtra>>,
    pub(crate) cut: bool,
}

impl CapturedSpan {
    fn bytes(&self) -> usize {
        let extra = self.extra.as_ref().map_or(0, |extra| size_of::<SpanExtra>() + extra.fields.len());
        size_of::<Self>() + self.fields.len() + extra
    }
}

/// What a span was told after it was opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct SpanExtra {
    /// Fields, encoded; each outranks the same field of the opening.
    pub(crate) fields: Vec<u8>,
    pub(crate) cut: bool,
    /// Where the span is a lane's root.
    pub(crate) lane: Option<Arc<LaneData>>,
}

/// What a lane was told by `set_user`, `set_tag` and `set_context`.
#[derive(Debug, Clone, Default)]
pub(crate) struct LaneData {
    pub(crate) user: Option<User>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) contexts: BTreeMap<String, Value>,
}

impl LaneData {
    /// It says something of a user or of tags.
    pub(crate) fn names(&self) -> bool {
        self.user.is_some() || !self.tags.is_empty()
    }

    /// About how many bytes it holds.
    pub(crate) fn bytes(&self) -> usize {
        let tags: usize = self.tags.iter().map(|(name, value)| name.len() + value.len()).sum();
        let contexts: usize = self.contexts.iter().map(|(name, value)| name.len() + json_bytes(value)).sum();
        size_of::<Self>() + tags + contexts
    }
}

/// A lane that had an event and is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClosedLane {
    pub(crate) lane: u64,
    /// The tokio task in which it began and closed.
    pub(crate) task: Option<u64>,
    /// The lane of that task, or thread, outside of any span; none where it closed elsewhere than it began.
    pub(crate) outside: Option<u64>,
}

/// Where the program runs: computed once, at `build`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    pub(crate) release: Option<String>,
    pub(crate) environment: String,
    pub(crate) server_name: Option<String>,
    pub(crate) user: Option<User>,
    pub(crate) contexts: BTreeMap<String, Value>,
}
