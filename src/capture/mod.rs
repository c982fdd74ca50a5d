//! Capture: an ERROR that carries an error becomes an event, on the caller's thread.
//!
//! Only what cannot be had later is taken here: the error's texts, the stack's addresses, the breadcrumbs as raw cells,
//! the scope. Nothing is parsed, resolved or serialised, nothing waits, and no lock is held while user code runs.

mod chain;
mod stack;

use std::sync::Arc;

use serde_json::{Map, Value};
use tracing::Level;

use crate::clock;
use crate::ledger::{Counted, Ledger};
use crate::model::{Captured, CapturedError, Draft, EventId, EventKind, Site};
use crate::queue::{Item, Queue};
use crate::scope::{Place, Scopes};
use crate::sync::caught;
use crate::trail::{Busy, Record, Trail};

pub(crate) use chain::typed;

/// What one `build` made, as the callers' threads see it: ring, lanes, queue, ledger.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) trail: Trail,
    pub(crate) scopes: Scopes,
    pub(crate) ledger: Arc<Ledger>,
    queue: Queue,
    stack: bool,
    on: bool,
}

/// An error that was logged or handed over, as its line said it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: EventKind,
    pub(crate) site: Site,
    pub(crate) level: Level,
    pub(crate) message: Option<String>,
    pub(crate) fields: Map<String, Value>,
    pub(crate) error: CapturedError,
    pub(crate) siblings: Vec<CapturedError>,
    pub(crate) draft: Draft,
    pub(crate) key: Option<u64>,
}

impl Pipeline {
    /// The calling thread's lane becomes start-up's.
    pub(crate) fn new(queue: Queue, ledger: Arc<Ledger>, stack: bool, on: bool) -> Self {
        let scopes = Scopes::new();
        let trail = Trail::new(scopes.start_up());
        Self { trail, scopes, ledger, queue, stack, on }
    }

    /// False where the environment turned everything off.
    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// Keeps a breadcrumb at its place; one that finds only busy cells is counted.
    #[inline]
    pub(crate) fn push(&self, record: &Record<'_>, place: &Place<'_>) {
        match self.trail.push(record) {
            Ok(position) => place.note_logged(position),
            Err(Busy) => self.ledger.count(Counted::CrumbBusy),
        }
    }

    /// A span is over; the worker is told where that ends a lane that had an event.
    pub(crate) fn close_span(&self, id: u64) {
        if let Some(closed) = self.scopes.close(id, &self.trail) {
            self.queue.close(closed);
        }
    }

    /// Takes a failure with everything around it and hands it to the worker; None where that cannot take it, which the
    /// ledger says. The caller has counted it as accepted.
    pub(crate) fn capture(&self, failure: Failure, span: Option<u64>) -> Option<EventId> {
        let id = caught(EventId::random).unwrap_or_else(EventId::unique);
        let scope = self.scopes.scope(span, &self.trail);
        let trail = self.trail.copy(&scope.wanted());
        let captured = Captured {
            id,
            kind: failure.kind,
            time_ns: clock::coarse_ns(),
            level: failure.level,
            site: failure.site,
            message: failure.message,
            fields: failure.fields,
            error: failure.error,
            siblings: failure.siblings,
            draft: failure.draft,
            key: failure.key,
            lane: scope.lane,
            span_numbers: scope.numbers,
            task: scope.task,
            stack: if self.stack { stack::addresses() } else { Vec::new() },
            source: scope.source,
            spans: scope.spans,
            lanes: scope.lanes,
        };
        self.queue.enqueue(Item::new(captured, trail)).then(|| {
            self.scopes.note_event(span, &self.trail, id);
            id
        })
    }
}
