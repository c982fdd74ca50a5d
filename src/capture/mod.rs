//! Capture: an ERROR that carries an error becomes an event, on the caller's thread.
//!
//! Only what cannot be had later is taken here: the error's texts, the stack's addresses, the breadcrumbs as raw cells,
//! the scope. Nothing is parsed, resolved or serialised, nothing waits, and no lock is held while user code runs.

mod chain;
mod key;
mod lanes;
mod panic;
mod stack;
mod throttle;
mod told;
mod verdict;

use std::sync::Arc;

use tracing::Level;

use crate::clock::{self, Clock};
use crate::ledger::{Admission, Counted, Dropped, Ledger, Line};
use crate::limits::LANE_ENTRIES;
use crate::model::{Captured, CapturedError, CapturedFields, Draft, EventId, EventKind, Site};
use crate::queue::{Item, Notes, Queue};
use crate::scope::{Place, Scopes, data};
use crate::sync::caught;
use crate::trail::{Busy, Record, Trail};

pub(crate) use chain::{say_chain, typed};
pub(crate) use key::{Heard, Key};
pub use throttle::Throttle;
pub(crate) use verdict::{IgnoredText, IgnoredType, Judgement, Rules};

/// What one `build` made, as the callers' threads see it: ring, lanes, queue, ledger, rules.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) trail: Trail,
    pub(crate) scopes: Scopes,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) rules: Rules,
    queue: Queue,
    /// Where lanes are counted: the way to who does.
    notes: Option<Notes>,
    manner: Manner,
}

/// How a pipeline captures.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    /// Events carry a stack.
    pub(crate) stack: bool,
    /// Panics are captured.
    pub(crate) panics: bool,
    pub(crate) throttle: Throttle,
    pub(crate) clock: Clock,
    /// False where the environment turned everything off.
    pub(crate) on: bool,
}

/// An error that was logged or handed over, as its line said it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: EventKind,
    pub(crate) site: Site,
    pub(crate) level: Level,
    pub(crate) fields: Option<CapturedFields>,
    pub(crate) error: CapturedError,
    pub(crate) siblings: Vec<CapturedError>,
    pub(crate) draft: Draft,
    /// By which the throttle knows it.
    pub(crate) key: u64,
}

/// An error that is told in full.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admitted {
    id: EventId,
    /// When the throttle's minute began in which it is told.
    minute: u64,
}

impl Pipeline {
    /// The calling thread's lane becomes start-up's.
    pub(crate) fn new(
        queue: Queue,
        notes: Option<Notes>,
        ledger: Arc<Ledger>,
        rules: Rules,
        manner: Manner,
    ) -> Self {
        let scopes = Scopes::new(notes.is_some());
        let trail = Trail::new(scopes.start_up());
        Self { trail, scopes, ledger, rules, queue, notes, manner }
    }

    /// False where the environment turned everything off.
    pub(crate) fn is_on(&self) -> bool {
        self.manner.on
    }

    pub(crate) fn wants_panics(&self) -> bool {
        self.manner.on && self.manner.panics
    }

    /// Keeps a breadcrumb at its place; one that finds only busy cells is counted.
    #[inline]
    pub(crate) fn push(&self, record: &Record<'_>, place: &Place<'_>) {
        match self.trail.push(record) {
            Ok(position) => place.note_logged(position),
            Err(Busy) => self.ledger.count(Counted::CrumbBusy),
        }
    }

    /// Counts one ERROR of a line, and says whether there were too many in this second to look at it.
    pub(crate) fn is_too_fast(&self, line: &Line) -> bool {
        line.pace(self.manner.clock.now_ms()) >= self.manner.throttle.line()
    }

    /// Whether an error becomes no event by what was said of it; then that is counted.
    pub(crate) fn refuses(&self, judgement: Judgement) -> bool {
        match judgement {
            Judgement::Track => return false,
            Judgement::Demote(reason) => self.ledger.drop_one(reason),
            Judgement::Drop => self.ledger.drop_one(Dropped::Verdict),
            Judgement::Lose(reason) => self.ledger.lose(reason),
        }
        true
    }

    /// Whether an error is told in full, and by which name; where it is not, it is counted. The caller has counted it as
    /// accepted.
    ///
    /// Within a span the sample is drawn for its lane, for a second: the lines that tell of one failure share it.
    pub(crate) fn admit(&self, key: u64, line: &Line, lane: Option<u64>) -> Option<Admitted> {
        let (now_ms, budget) = (self.manner.clock.now_ms(), self.manner.throttle.budget());
        let minute = match self.ledger.tallies.admit(now_ms, key, line.key(), budget) {
            Admission::Full { minute } => minute,
            Admission::Counted { first } => {
                self.ledger.tally(first);
                return None;
            }
            Admission::Untold => {
                self.ledger.tally(line.count_untold());
                return None;
            }
        };
        let id = caught(EventId::random).unwrap_or_else(EventId::unique);
        let chance = lane.map_or_else(|| id.random_bits(), |lane| chance_of(lane, now_ms / 1_000));
        if self.rules.samples(chance) {
            return Some(Admitted { id, minute });
        }
        // Sampling thins what is told, never what is counted.
        self.ledger.drop_one(Dropped::Sampled);
        self.miss(key, line);
        None
    }

    /// Takes a failure with everything around it and hands it to the worker; None where that cannot take it, which the
    /// ledger says.
    pub(crate) fn capture(
        &self,
        admitted: Admitted,
        failure: Failure,
        line: &Line,
        span: Option<u64>,
    ) -> Option<EventId> {
        let Admitted { id, minute } = admitted;
        let scope = self.scopes.scope(span, &self.trail);
        let trail = self.trail.copy(&scope.wants, &scope.numbers);
        let captured = Captured {
            id,
            kind: failure.kind,
            time_ns: clock::coarse_ns(),
            level: failure.draft.level.unwrap_or(failure.level),
            site: failure.site,
            fields: failure.fields,
            error: failure.error,
            siblings: failure.siblings,
            draft: bounded(failure.draft),
            key: failure.key,
            minute,
            lane: scope.lane,
            span_numbers: scope.numbers,
            task: scope.task,
            stack: if self.manner.stack { stack::addresses() } else { Vec::new() },
            source: scope.source,
            spans: scope.spans,
            lanes: scope.lanes,
        };
        if self.queue.enqueue(Item::new(captured, trail)) {
            self.scopes.note_event(span, &self.trail, id);
            return Some(id);
        }
        self.miss(failure.key, line);
        None
    }

    /// An error that was to be told, and is not after all: its issue counts it all the same.
    fn miss(&self, key: u64, line: &Line) {
        let first = self.ledger.tallies.miss(key, line.key()).unwrap_or_else(|| line.count_untold());
        if first {
            self.ledger.counted_first();
        }
    }
}

/// The same for the same lane and second, and nothing to be guessed from either.
fn chance_of(lane: u64, second: u64) -> u64 {
    let mix = |number: u64| (number ^ (number >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    let mixed = mix(mix(lane ^ mix(second.wrapping_add(1))));
    mixed ^ (mixed >> 32)
}

/// What a hook says of an event, within the limits of what a lane may be told.
fn bounded(draft: Draft) -> Draft {
    let text = |text: String| data::text(&text);
    let tags = draft.tags.into_iter().take(LANE_ENTRIES).map(|(name, value)| (text(name), text(value)));
    let contexts = draft.contexts.into_iter().take(LANE_ENTRIES);
    let contexts = contexts.map(|(name, value)| (text(name), data::value(value)));
    Draft { tags: tags.collect(), contexts: contexts.collect(), ..draft }
}
