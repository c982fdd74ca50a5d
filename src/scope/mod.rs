//! Whose trail an event belongs to, and what the spans around it contribute.
//!
//! A *lane* is a number that says whom a breadcrumb is about: the nearest enclosing lane root, else the outermost span,
//! else the tokio task, else the thread. It is decided once, when a span is opened, and inherited by its children. Live
//! spans, tasks and threads stand in two tables of our own, so that neither WARN nor ERROR reads the registry's
//! extensions, which another layer may hold while it runs user code. Called on any thread; never waits for a lock.

mod base;
pub(crate) mod data;
mod outside;
mod span;
mod table;

use std::sync::Arc;
use std::sync::atomic::AtomicU64 as Counter;

use crate::clock;
use crate::limits::{FIELDS, IDLE_LANES, SPAN_BYTES, SPAN_DEPTH, SPANS};
use crate::model::{CapturedSpan, ClosedLane, EventId, LaneData, LaneNote, LanePart, SpanExtra, TrailSource};
use crate::sync::Ordering;
use crate::trail::crumb::{self, Encoded, Name};
use crate::trail::{Trail, Wanted};

use base::{BaseKey, BaseSlot};
pub(crate) use span::NewSpan;
use span::SpanSlot;
use table::Table;

/// The lanes of one pipeline.
#[derive(Debug)]
pub(crate) struct Scopes {
    spans: Table<SpanSlot>,
    bases: Table<BaseSlot>,
    /// Slots of `bases` that were ever claimed: the clock of their age.
    claims: Counter,
    start_up: u64,
    /// Lanes are counted when they are over.
    counts: bool,
}

/// Where a breadcrumb belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) lane: u64,
    /// The number of the span, or 0.
    pub(crate) span: u64,
    /// The registry's id of that span.
    pub(crate) id: Option<u64>,
    at: At<'a>,
}

#[derive(Debug, Clone, Copy)]
enum At<'a> {
    Span(&'a SpanSlot),
    Base(&'a BaseSlot),
    Nowhere,
}

/// What became of a word about a lane.
#[derive(Debug)]
pub(crate) enum Told {
    /// The lane's root has it.
    Root,
    /// A task or thread has it, outside of any span; what is to be counted by it.
    Outside(Option<Box<LaneNote>>),
    /// There is none but the thread, which it would stick to.
    Refused,
}

/// Everything around an event: its spans, what its lanes were told, and whose breadcrumbs it gets.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) source: TrailSource,
    /// The lane of the event itself.
    pub(crate) lane: u64,
    /// The task it is logged in.
    pub(crate) task: Option<u64>,
    /// Innermost first.
    pub(crate) spans: Vec<CapturedSpan>,
    /// Nearest first.
    pub(crate) lanes: Vec<Arc<LaneData>>,
    /// The numbers of the spans around it, innermost first.
    pub(crate) numbers: Vec<u64>,
    /// The breadcrumbs that it gets.
    pub(crate) wants: Vec<Wanted>,
}

/// A lane that belongs to nobody: where a crumb goes when a table of millions is full.
const NOBODY: u64 = 1;

/// A number for a lane or a span that no other ever gets, in any pipeline of the process.
fn next_number() -> u64 {
    static NEXT: Counter = Counter::new(NOBODY + 1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Scopes {
    /// The calling thread's lane becomes start-up's: every event sees it. Lanes are counted where somebody keeps count.
    pub(crate) fn new(counts: bool) -> Self {
        let scopes = Self {
            spans: Table::new(),
            bases: Table::new(),
            claims: Counter::new(1),
            start_up: next_number(),
            counts,
        };
        let key = BaseKey::thread();
        scopes.bases.claim(key.key(), |_| false, |slot| slot.begin(key, scopes.start_up, 0));
        scopes
    }

    pub(crate) fn start_up(&self) -> u64 {
        self.start_up
    }

    /// Lanes are counted when they are over.
    pub(crate) fn counts(&self) -> bool {
        self.counts
    }

    /// Whether the span was opened here and lives.
    pub(crate) fn knows(&self, id: u64) -> bool {
        self.spans.find(id).is_some()
    }

    /// Takes a span into the table; false where there is no room.
    pub(crate) fn open(&self, span: &NewSpan<'_>) -> bool {
        let number = next_number();
        let parent = if span.root { None } else { self.spans.find(span.parent) };
        let lane = parent.map_or(number, SpanSlot::lane);
        // Only where a lane closes does it matter where it began.
        let home = if lane == number { BaseKey::current().key() } else { 0 };
        self.spans.claim(span.id, |_| false, |slot| slot.open(span, number, lane, home)).is_some()
    }

    /// Fields that a span was told after it was opened.
    pub(crate) fn record(&self, id: u64, fields: Encoded<'_>) {
        if let Some(slot) = self.spans.find(id) {
            slot.update(|extra| merge(extra, fields.words.as_flattened(), fields.cut));
        }
    }

    /// Forgets a span. Where it was the root of a lane that began here, what this task or thread logged before belongs
    /// to the past. One that began elsewhere, such as a response's body, says nothing of it. Tells the lane that is over,
    /// if that had an event; to `tell`, what is to be counted.
    pub(crate) fn close(&self, id: u64, trail: &Trail, mut tell: impl FnMut(LaneNote)) -> Option<ClosedLane> {
        let (mut home, mut parent, mut begun) = (0, 0, 0);
        let (mut over, mut is_noted) = (None, false);
        self.spans.release(id, |slot| {
            (home, parent) = (slot.home(), slot.parent());
            begun = if slot.is_root() { slot.number() } else { 0 };
            over = slot.close(self.counts, |note| {
                is_noted = true;
                self.note(Some(note), begun, parent, &mut tell);
            });
        });
        if self.counts && !is_noted && begun != 0 && parent != 0 {
            self.note(None, begun, parent, tell);
        }
        let here = if home == 0 { None } else { Some(BaseKey::current()).filter(|key| key.key() == home) };
        if here.is_some()
            && let Some(base) = self.bases.find(home)
        {
            base.close_root(trail.head());
        }
        over.map(|lane| ClosedLane {
            lane,
            task: here.and_then(BaseKey::task),
            outside: here.map(|key| self.base(key, trail).lane).filter(|lane| *lane != NOBODY),
        })
    }

    /// Tells what is to be counted of a span that is over: it began the lane `begun`, or none, inside the span `parent`.
    fn note(&self, note: Option<LaneNote>, begun: u64, parent: u64, mut tell: impl FnMut(LaneNote)) {
        if begun == 0 {
            if let Some(root) = self.root(Some(parent)) {
                root.join();
            }
            note.into_iter().for_each(tell);
            return;
        }
        // What the spans around a lane say, its events have too.
        let (mut next, mut inner, mut around) = (parent, begun, false);
        for _ in 0..SPAN_DEPTH {
            let Some(slot) = self.spans.find(next).filter(|slot| slot.number() < inner) else { break };
            if let Some(said) = slot.note_for(begun, next) {
                around = true;
                tell(said);
            }
            (next, inner) = (slot.parent(), slot.number());
        }
        let last = || LaneNote::new(begun, begun, LanePart::Root, clock::coarse_ns());
        note.or_else(|| around.then(last)).into_iter().for_each(tell);
    }

    /// Where a breadcrumb belongs that is logged in the span `id`, if that was opened here.
    #[inline]
    pub(crate) fn inside(&self, id: u64) -> Option<Place<'_>> {
        let slot = self.spans.find(id)?;
        let (lane, span) = slot.whose(id)?;
        Some(Place { lane, span, id: Some(id), at: At::Span(slot) })
    }

    /// Where a breadcrumb belongs that is logged outside of any span.
    #[inline]
    pub(crate) fn outside(&self, trail: &Trail) -> Place<'_> {
        self.base(BaseKey::current(), trail)
    }

    #[inline]
    fn base(&self, key: BaseKey, trail: &Trail) -> Place<'_> {
        if let Some(base) = self.bases.find(key.key())
            && let Some(lane) = base.lane_of(key)
        {
            return Place { lane, span: 0, id: None, at: At::Base(base) };
        }
        let begun = self.begin_base(key, trail);
        let (at, lane) = begun.map_or((At::Nowhere, NOBODY), |(base, lane)| (At::Base(base), lane));
        Place { lane, span: 0, id: None, at }
    }

    #[cold]
    fn begin_base(&self, key: BaseKey, trail: &Trail) -> Option<(&BaseSlot, u64)> {
        let now = self.claims.fetch_add(1, Ordering::Relaxed);
        let (head, oldest) = (trail.head(), trail.oldest());
        let stale = |slot: &BaseSlot| {
            // Nothing of it is in the ring any more, and thousands were claimed since it was last used.
            let aged = slot.logged.load(Ordering::Relaxed) <= oldest;
            let idle = now.saturating_sub(slot.touched.load(Ordering::Relaxed));
            let forgotten = idle.saturating_mul(slot.weight()) > IDLE_LANES;
            aged && forgotten && slot.lane.load(Ordering::Relaxed) != self.start_up
        };
        let lane = next_number();
        let claimed = self.bases.claim(key.key(), stale, |slot| {
            slot.begin(key, lane, head);
            slot.touched.store(now, Ordering::Relaxed);
        });
        claimed.map(|base| (base, lane))
    }

    /// Everything around an event that is logged in the span `id`, or outside of any.
    pub(crate) fn scope(&self, id: Option<u64>, trail: &Trail) -> Scope {
        let key = BaseKey::current();
        let mut scope = Scope {
            source: TrailSource::Span,
            lane: NOBODY,
            task: key.task(),
            spans: Vec::new(),
            lanes: Vec::new(),
            numbers: Vec::new(),
            wants: Vec::new(),
        };
        self.climb(id, &mut scope);
        let outside = scope.wants.is_empty();
        scope.lane = scope.wants.first().map_or(NOBODY, |own| own.lane);
        let found = self.bases.find(key.key()).and_then(|base| Some((base, base.lane_of(key)?)));
        let found = found.or_else(|| if outside { self.begin_base(key, trail) } else { None });
        let Some((base, lane)) = found else { return scope };
        if outside {
            (scope.source, scope.lane) = (key.source, lane);
            scope.lanes.extend(base.told(lane));
            scope.wants.push(Wanted { lane, since: base.birth.load(Ordering::Relaxed), around: false });
        } else if lane != self.start_up && key.source == TrailSource::Task {
            // What the task did since its last piece of work: a pooled thread's would be somebody else's.
            // Of start-up's lane every event gets all there is, without asking for it.
            scope.lanes.extend(base.told_since(lane));
            scope.wants.extend(base.logged_since().map(|since| Wanted { lane, since, around: false }));
        }
        scope
    }

    /// Collects the spans from `id` outwards.
    fn climb(&self, id: Option<u64>, scope: &mut Scope) {
        let mut next = id.unwrap_or_default();
        while next != 0 && scope.numbers.len() < SPAN_DEPTH {
            let Some((ancestor, span)) = self.spans.find(next).and_then(|slot| slot.read(next)) else {
                break;
            };
            // A span is opened after those around it: another one has taken the id of an ancestor that is gone.
            if scope.numbers.last().is_some_and(|inner| *inner <= ancestor.number) {
                break;
            }
            // Of the own lane everything; of an enclosing lane what its spans around the event logged themselves.
            let around = scope.wants.first().is_some_and(|own| own.lane != ancestor.lane);
            match scope.wants.last_mut() {
                _ if around && !ancestor.logged => {}
                Some(want) if want.lane == ancestor.lane => want.since = ancestor.birth,
                _ => scope.wants.push(Wanted { lane: ancestor.lane, since: ancestor.birth, around }),
            }
            scope.lanes.extend(span.extra.as_ref().and_then(|extra| extra.lane.clone()));
            scope.numbers.push(ancestor.number);
            if scope.spans.len() == SPANS {
                // Of too many, the outermost is the last one listed: it says what all the others are about.
                scope.spans.pop();
            }
            scope.spans.push(span);
            next = ancestor.parent;
        }
        if next != 0
            && let Some(own) = scope.wants.first_mut()
        {
            // The way outwards is broken, or too long: where the lane began is not known.
            own.since = 0;
        }
    }

    /// Changes what the lane around the span `id` was told; the thread is told only `on_thread`.
    pub(crate) fn tell(
        &self,
        id: Option<u64>,
        trail: &Trail,
        on_thread: bool,
        change: impl Fn(&mut LaneData),
    ) -> Told {
        if let Some(root) = self.root(id) {
            root.update(|extra| change(Arc::make_mut(extra.lane.get_or_insert_default())));
            return Told::Root;
        }
        let key = BaseKey::current();
        if key.source == TrailSource::Thread && !on_thread {
            return Told::Refused;
        }
        let place = self.base(key, trail);
        let At::Base(base) = place.at else { return Told::Outside(None) };
        base.touched.store(self.claims.load(Ordering::Relaxed), Ordering::Relaxed);
        let before = base.tell(place.lane, change);
        if !self.counts {
            return Told::Outside(None);
        }
        let after = base.told(place.lane).unwrap_or_default();
        Told::Outside(outside::note(place.lane, before.as_deref(), &after).map(Box::new))
    }

    /// Notes the newest event of the lane around the span `id`.
    pub(crate) fn note_event(&self, id: Option<u64>, trail: &Trail, event: EventId) {
        let (root, key) = (self.root(id), BaseKey::current());
        if let Some(root) = root {
            root.note_event(event);
        }
        // The task as well, which goes on when the span is closed; a pooled thread goes on for somebody else.
        if root.is_some() && key.source != TrailSource::Task {
            return;
        }
        let place = self.base(key, trail);
        if let At::Base(base) = place.at {
            base.note_event(place.lane, event);
        }
    }

    /// The newest event of the lane around the span `id`.
    pub(crate) fn last_event(&self, id: Option<u64>, trail: &Trail) -> Option<EventId> {
        if let Some(root) = self.root(id) {
            return root.last_event();
        }
        let place = self.outside(trail);
        match place.at {
            At::Base(base) => base.last_event(place.lane),
            At::Span(_) | At::Nowhere => None,
        }
    }

    /// The root of the lane that the span `id` is in.
    fn root(&self, id: Option<u64>) -> Option<&SpanSlot> {
        let mut slot = self.spans.find(id?)?;
        while !slot.is_root() {
            slot = self.spans.find(slot.ancestor().parent)?;
        }
        Some(slot)
    }
}

impl Place<'_> {
    /// A breadcrumb of this place was pushed at `position`.
    pub(crate) fn note_logged(&self, position: u64) {
        match self.at {
            At::Span(slot) => slot.note_logged(),
            At::Base(base) => base.logged.store(position.wrapping_add(1), Ordering::Relaxed),
            At::Nowhere => {}
        }
    }

    /// An ERROR of this place was only counted, and is known to the throttle by `key`: whom it hit is known when its lane
    /// is over. Outside of spans nobody waits for that.
    pub(crate) fn note_tallied(&self, key: u64) {
        if let At::Span(slot) = self.at {
            slot.note_tallied(key);
        }
    }
}

/// Adds newly recorded fields; each replaces the same field recorded before, so that a span that is told the same
/// thing a million times does not grow.
fn merge(extra: &mut SpanExtra, fields: &[u8], cut: bool) {
    let newer: Vec<Name<'_>> = crumb::fields(fields).map(|field| field.name).collect();
    let mut older: Vec<_> =
        crumb::fields(&extra.fields).filter(|field| !newer.contains(&field.name)).collect();
    let mut room = SPAN_BYTES.saturating_sub(fields.len());
    let fitting = older.iter().take(FIELDS.saturating_sub(newer.len())).take_while(|field| {
        let left = room.checked_sub(field.bytes.len());
        room = left.unwrap_or_default();
        left.is_some()
    });
    let fitting = fitting.count();
    extra.cut |= cut || fitting < older.len();
    older.truncate(fitting);
    let mut merged: Vec<u8> = older.iter().flat_map(|field| field.bytes).copied().collect();
    merged.extend_from_slice(fields);
    extra.fields = merged;
}
