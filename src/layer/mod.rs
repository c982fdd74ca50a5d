//! The layer: what `tracing` calls on the caller's thread.
//!
//! [`CrumbLayer`] hears through the per-layer filter of `tracing-subscriber`, which keeps the callsites below the gate
//! disabled, but judges by its own gate what it hears: the filter keeps its last verdict in a thread-local, where
//! `enabled!`, or a line that a formatter logs, leaves another one behind, and the next ERROR would be lost. It hands on
//! everything but enter and exit, at which the filter would look the span up for nothing. It never panics, blocks or
//! logs; it allocates for a span with long fields and for an ERROR, not for a WARN.
//!
//! # Invariants
//! 1. Whatever [`CrumbLayer::downcast_raw`] returns points into `self`, at a value of the type that was asked for.

mod detect;
mod error;
pub(crate) mod gate;
pub(crate) mod hidden;
mod line;
mod names;
mod sight;
mod tail;
mod visit;

use std::any::{TypeId, type_name};
use std::fmt;
use std::ptr;
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record as SpanRecord};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::capture::Pipeline;
use crate::clock;
use crate::diag;
use crate::ledger::Counted;
use crate::limits::SPAN_BYTES;
use crate::scope::{NewSpan, Place};
use crate::sync::{caught, enter};
use crate::trail::crumb::{self, Encoded};
use crate::trail::log_site::{LOG_TARGET, is_log};
use crate::trail::{CRUMB_BYTES, Record, record};

use gate::Gate;
use visit::{CrumbVisitor, SpanVisitor};

/// The layer that [`Builder::build`](crate::Builder::build) makes.
///
/// Register it first, so that the layers after it can name the events it tracks:
///
/// ```
/// use tracing_subscriber::prelude::*;
///
/// let (layer, _guard) = crumbtrail::builder().sink(crumbtrail::Memory::new()).build()?;
/// let subscriber = tracing_subscriber::registry()
///     .with(layer)
///     .with(tracing_subscriber::fmt::layer().with_filter(tracing::level_filters::LevelFilter::INFO));
/// # drop(subscriber);
/// # Ok::<(), crumbtrail::BuildError>(())
/// ```
///
/// It can stand in an `Option`, a `Box` and a `Vec`, and in any order with other layers. Under
/// `tracing_subscriber::fmt().finish()`, which takes no per-layer filters, it gates by itself. Inside a
/// `tracing_subscriber::reload::Layer`, which hides what it wraps, the free functions do not find it.
pub struct CrumbLayer<S> {
    filtered: Filtered<Unheard, Gate, S>,
    inner: Inner,
    /// The subscriber takes no per-layer filters.
    alone: bool,
}

impl<S> CrumbLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    pub(crate) fn new(pipeline: Arc<Pipeline>, gate: Gate) -> Self {
        let filtered = Unheard.with_filter(gate.clone());
        // Until the subscriber has taken the filter: a `reload` may swap a layer in without a word to it.
        Self { filtered, inner: Inner { pipeline, gate }, alone: true }
    }
}

impl<S> fmt::Debug for CrumbLayer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrumbLayer").field("alone", &self.alone).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for CrumbLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_layer(&mut self, subscriber: &mut S) {
        // There is no way to ask a subscriber whether it takes per-layer filters, and those that do not panic. The one
        // that programs use is known by its name; any other is found out, with its panic's message on stderr.
        if type_name::<S>().contains("tracing_subscriber::fmt::Subscriber<") {
            return;
        }
        self.alone = caught(|| self.filtered.on_layer(subscriber)).is_none();
        if self.alone {
            diag::say(
                "the subscriber takes no per-layer filters; crumbtrail gates by itself, which costs more",
            );
        }
    }

    fn register_callsite(&self, callsite: &'static Metadata<'static>) -> Interest {
        if self.alone { Interest::always() } else { self.filtered.register_callsite(callsite) }
    }

    fn enabled(&self, callsite: &Metadata<'_>, context: Context<'_, S>) -> bool {
        self.alone || self.filtered.enabled(callsite, context)
    }

    fn event_enabled(&self, event: &Event<'_>, context: Context<'_, S>) -> bool {
        self.alone || self.filtered.event_enabled(event, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        if self.alone { None } else { self.filtered.max_level_hint() }
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if !self.alone {
            // It clears the verdict that it noted for this span.
            self.filtered.on_new_span(attributes, id, context.clone());
        }
        if self.inner.gate.admits(attributes.metadata()) {
            self.inner.new_span(attributes, id, &context);
        }
    }

    // These two go past the filter: our own table knows which spans are ours.
    fn on_record(&self, id: &Id, values: &SpanRecord<'_>, _: Context<'_, S>) {
        self.inner.record(id, values);
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.inner.pipeline.close_span(id.into_u64());
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !self.alone {
            // As for spans.
            self.filtered.on_event(event, context.clone());
        }
        if self.inner.admits(event) {
            self.inner.event(event, &context);
        }
    }

    #[expect(
        unsafe_code,
        reason = "the registry finds per-layer filters by it, and the free functions find us"
    )]
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() {
            Some(ptr::from_ref(self).cast())
        } else if id == TypeId::of::<Pipeline>() {
            Some(ptr::from_ref::<Pipeline>(&self.inner.pipeline).cast())
        } else if self.alone {
            None
        } else {
            // SAFETY: the caller upholds the same contract for us; by invariant 1 `Filtered` answers for its own parts.
            unsafe { self.filtered.downcast_raw(id) }
        }
    }
}

/// What the per-layer filter wraps: it takes nothing, for what it is told depends on a verdict that may be stale.
struct Unheard;

impl<S: Subscriber> Layer<S> for Unheard {}

/// What runs behind the gate.
struct Inner {
    pipeline: Arc<Pipeline>,
    gate: Gate,
}

impl Inner {
    fn new_span<S>(&self, attributes: &Attributes<'_>, id: &Id, context: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let callsite = attributes.metadata();
        let root = detect::is_work(callsite) || self.gate.begins_lane(callsite);
        let parent = self.parent(attributes, id, context);
        let opened = enter(|scratch| {
            let (root, fields) = crumb::encode(scratch, SPAN_BYTES, |encoder| {
                let mut visitor = SpanVisitor { crumb: CrumbVisitor(encoder), root };
                attributes.record(&mut visitor);
                visitor.root
            });
            self.open(callsite, id, parent, root, fields);
        });
        if opened.is_none() {
            // Opened by a user's formatter that we are running: it has a lane, but its fields are not read.
            self.pipeline.ledger.count(Counted::Recursion);
            self.open(callsite, id, parent, root, UNREAD);
        }
    }

    fn event<S>(&self, event: &Event<'_>, context: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let done = enter(|scratch| {
            let place = self.place(event, context);
            let callsite = event.metadata();
            let crumb = if *callsite.level() == Level::ERROR {
                self.error(event, place, scratch)
            } else {
                Some(
                    crumb::encode(scratch, CRUMB_BYTES, |encoder| event.record(&mut CrumbVisitor(encoder))).1,
                )
            };
            // An ERROR is pushed behind its capture: its own line is no part of its trail, but the next one's shows it.
            if let Some(crumb) = crumb {
                self.push(callsite, place, crumb);
            }
        });
        if done.is_none() {
            self.recursion(event);
        }
    }

    #[inline]
    fn push(&self, callsite: &'static Metadata<'static>, place: Place<'_>, crumb: Encoded<'_>) {
        let record = Record {
            callsite: Some(callsite),
            time_ns: clock::coarse_ns(),
            lane: place.lane,
            span: place.span,
            mark: record::mark(crumb.cut),
            payload: crumb.words,
        };
        self.pipeline.push(&record, &place);
    }

    fn record(&self, id: &Id, values: &SpanRecord<'_>) {
        let id = id.into_u64();
        if !self.pipeline.scopes.knows(id) {
            return;
        }
        let recorded = enter(|scratch| {
            let ((), fields) =
                crumb::encode(scratch, SPAN_BYTES, |encoder| values.record(&mut CrumbVisitor(encoder)));
            self.pipeline.scopes.record(id, fields);
        });
        if recorded.is_none() {
            self.pipeline.ledger.count(Counted::Recursion);
            self.pipeline.scopes.record(id, UNREAD);
        }
    }

    fn open(
        &self,
        callsite: &'static Metadata<'static>,
        id: &Id,
        parent: u64,
        root: bool,
        fields: Encoded<'_>,
    ) {
        let birth = self.pipeline.trail.head();
        let names = self.pipeline.keeps_count() && names::names(callsite);
        let span = NewSpan { id: id.into_u64(), parent, root, callsite, fields, names, birth };
        if !self.pipeline.scopes.open(&span) {
            self.pipeline.ledger.count(Counted::SpanUntracked);
        }
    }

    /// The id of the nearest span around a new one that is ours, or 0.
    fn parent<S>(&self, attributes: &Attributes<'_>, id: &Id, context: &Context<'_, S>) -> u64
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let direct = if attributes.is_root() {
            None
        } else if attributes.is_contextual() {
            context.current_span().id().map(Id::into_u64)
        } else {
            attributes.parent().map(Id::into_u64)
        };
        match direct {
            None => 0,
            Some(direct) if self.pipeline.scopes.knows(direct) => direct,
            Some(_) => {
                let scope = context.span_scope(id).into_iter().flatten();
                let mut ids = scope.map(|span| span.id().into_u64());
                ids.find(|ancestor| *ancestor != id.into_u64() && self.pipeline.scopes.knows(*ancestor))
                    .unwrap_or(0)
            }
        }
    }

    /// Where an event belongs: to the nearest span around it that is ours, else to the task or thread.
    fn place<S>(&self, event: &Event<'_>, context: &Context<'_, S>) -> Place<'_>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let scopes = &self.pipeline.scopes;
        let direct = if event.is_contextual() {
            context.current_span().id().map(Id::into_u64)
        } else {
            event.parent().map(Id::into_u64)
        };
        let inside = direct.and_then(|direct| {
            // A span that the gate holds back leads to the next one outwards that is ours.
            scopes.inside(direct).or_else(|| {
                let mut spans = context.event_scope(event).into_iter().flatten();
                spans.find_map(|span| scopes.inside(span.id().into_u64()))
            })
        });
        inside.unwrap_or_else(|| scopes.outside(&self.pipeline.trail))
    }

    /// The gate's verdict; for a record of the `log` crate, by its true target.
    #[inline]
    fn admits(&self, event: &Event<'_>) -> bool {
        self.gate.is_sure(event.metadata()) || self.judges(event)
    }

    #[cold]
    fn judges(&self, event: &Event<'_>) -> bool {
        let callsite = event.metadata();
        if !is_log(callsite) {
            return self.gate.admits(callsite);
        }
        let mut verdict = LogVerdict { gate: &self.gate, callsite, admits: None };
        event.record(&mut verdict);
        verdict.admits.unwrap_or_else(|| self.gate.admits(callsite))
    }
}

/// Fields that could not be read.
const UNREAD: Encoded<'static> = Encoded { words: &[], cut: true };

/// Judges a record of the `log` crate by the field that names its target.
struct LogVerdict<'a> {
    gate: &'a Gate,
    callsite: &'static Metadata<'static>,
    admits: Option<bool>,
}

impl Visit for LogVerdict<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == LOG_TARGET {
            self.admits = Some(self.gate.admits_as(self.callsite, value));
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
