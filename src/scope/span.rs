//! What the table knows of one live span.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tracing::Metadata;

use crate::clock;
use crate::limits::SPAN_WORDS;
use crate::model::{CapturedSpan, EventId, LaneData, LaneNote, LanePart, SpanExtra};
use crate::sync::{AtomicU64, Ordering, fence};
use crate::trail::AtomicCallsite;
use crate::trail::crumb::Encoded;

/// One span. Written by its creator before its key is published; later only `extra`, `logged`, `tallied`, `joined` and
/// `last_event` change.
#[derive(Debug, Default)]
pub(crate) struct SpanSlot {
    /// The span's number, which never repeats; 0 while the slot is nobody's.
    number: AtomicU64,
    /// The registry's id, by which it is found.
    id: AtomicU64,
    lane: AtomicU64,
    /// The registry's id of the nearest enclosing span that is in the table, or 0.
    parent: AtomicU64,
    /// The ring's head when the span was opened: nothing of it stands before.
    birth: AtomicU64,
    /// The task or thread that a root was opened on.
    home: AtomicU64,
    /// 1 once a breadcrumb was logged directly in this span.
    logged: AtomicU64,
    /// By which the throttle knows the newest ERROR of this span that was only counted, or 0.
    tallied: AtomicU64,
    /// 1 where the lane is to be counted when this root closes: a span in it has said something.
    joined: AtomicU64,
    /// Words of the inline fields, [`CUT`], and [`NAMES`].
    length: AtomicU64,
    /// The encoded fields, where they are short; longer ones, and what is recorded later, stand on the heap.
    words: [AtomicU64; SPAN_WORDS],
    callsite: AtomicCallsite,
    /// 1 where one of the two behind it holds something: empty ones are cheaper to leave alone than to clear.
    has_extra: AtomicU64,
    extra: ArcSwapOption<SpanExtra>,
    last_event: ArcSwapOption<EventId>,
}

/// A span to be opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewSpan<'a> {
    /// The registry's id.
    pub(crate) id: u64,
    /// The registry's id of the nearest enclosing span that was opened here, or 0.
    pub(crate) parent: u64,
    /// It begins a lane of its own.
    pub(crate) root: bool,
    pub(crate) callsite: &'static Metadata<'static>,
    pub(crate) fields: Encoded<'a>,
    /// Lanes are counted, and it has fields that name a user or tags.
    pub(crate) names: bool,
    pub(crate) birth: u64,
}

/// The parts of a span that lead on to others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ancestor {
    pub(crate) number: u64,
    pub(crate) lane: u64,
    pub(crate) parent: u64,
    pub(crate) birth: u64,
    pub(crate) logged: bool,
}

const CUT: u64 = 1 << 32;
const NAMES: u64 = 1 << 33;

impl SpanSlot {
    /// Writes the span; the slot is the caller's alone.
    pub(super) fn open(&self, span: &NewSpan<'_>, number: u64, lane: u64, home: u64) {
        // Pairs with the Acquire fence in `read`: who saw one of our parts sees that the number before them is gone.
        fence(Ordering::Release);
        self.id.store(span.id, Ordering::Relaxed);
        self.lane.store(lane, Ordering::Relaxed);
        self.parent.store(span.parent, Ordering::Relaxed);
        self.birth.store(span.birth, Ordering::Relaxed);
        self.home.store(home, Ordering::Relaxed);
        self.logged.store(0, Ordering::Relaxed);
        self.callsite.set(Some(span.callsite));
        let Encoded { words, cut } = span.fields;
        let names = if span.names { NAMES } else { 0 };
        if words.len() <= SPAN_WORDS {
            for (slot, word) in self.words.iter().zip(words) {
                slot.store(u64::from_le_bytes(*word), Ordering::Relaxed);
            }
            let cut = if cut { CUT } else { 0 };
            self.length.store(words.len() as u64 | cut | names, Ordering::Relaxed);
        } else {
            self.length.store(names, Ordering::Relaxed);
            let fields = words.as_flattened().to_vec();
            self.extra.store(Some(Arc::new(SpanExtra { fields, cut, lane: None })));
            self.has_extra.store(1, Ordering::Relaxed);
        }
        // Release: pairs with the Acquire in `read`: who sees the number sees the rest.
        self.number.store(number, Ordering::Release);
    }

    /// Empties the slot; readers that are still at it see that the number is gone. Returns the lane that is over, if that had
    /// an event. Where lanes are counted, `tell` is told what the span says of its lane, if it says anything.
    pub(super) fn close(&self, counts: bool, tell: impl FnOnce(LaneNote)) -> Option<u64> {
        let (lane, number) = (self.lane(), self.number());
        self.number.store(0, Ordering::Release);
        let (mut extra, mut told) = (None, None);
        if self.has_extra.swap(0, Ordering::Relaxed) != 0 {
            extra = self.extra.swap(None);
            // Only a lane's root notes events.
            told = self.last_event.swap(None).map(|_| lane);
        }
        if counts {
            self.last_note(lane, number, extra, tell);
        }
        told
    }

    /// What is to be counted of a span that closes; what was noted for that is taken.
    #[inline]
    fn last_note(&self, lane: u64, number: u64, extra: Option<Arc<SpanExtra>>, tell: impl FnOnce(LaneNote)) {
        // Relaxed: whoever noted something held this span, or a child of it, open; the registry closes a span behind the last
        // who held it.
        let key = self.tallied.load(Ordering::Relaxed);
        if key != 0 {
            self.tallied.store(0, Ordering::Relaxed);
        }
        let joined = self.joined.load(Ordering::Relaxed) != 0;
        if joined {
            self.joined.store(0, Ordering::Relaxed);
        }
        let names = self.names(extra.as_deref());
        // Most spans: nothing of the size of a note is moved for them.
        if key == 0 && !joined && !names {
            return;
        }
        let part = if lane == number { LanePart::Root } else { LanePart::Span };
        let mut note = LaneNote { key, ..LaneNote::new(lane, number, part, clock::coarse_ns()) };
        if names {
            self.fill(&mut note, extra);
        }
        tell(note);
    }

    /// What an open span says of a lane that began inside of it, and ends; `id` is whom the slot was found by.
    pub(super) fn note_for(&self, lane: u64, id: u64) -> Option<LaneNote> {
        // As in `read`.
        let number = self.number.load(Ordering::Acquire);
        let found = self.id.load(Ordering::Relaxed);
        let extra = if self.has_extra.load(Ordering::Relaxed) != 0 { self.extra.load_full() } else { None };
        if !self.names(extra.as_deref()) {
            return None;
        }
        let mut note = LaneNote::new(lane, number, LanePart::Span, clock::coarse_ns());
        self.fill(&mut note, extra);
        fence(Ordering::Acquire);
        (number != 0 && found == id && self.number() == number).then_some(note)
    }

    /// Whether the span says anything of its user or tags.
    fn names(&self, extra: Option<&SpanExtra>) -> bool {
        let length = self.length.load(Ordering::Relaxed);
        let by_fields = length & NAMES != 0 && (length as u32 != 0 || extra.is_some());
        let lane = extra.and_then(|extra| extra.lane.as_deref());
        by_fields || lane.is_some_and(LaneData::names)
    }

    fn fill(&self, note: &mut LaneNote, extra: Option<Arc<SpanExtra>>) {
        let length = self.length.load(Ordering::Relaxed) as u32 as usize;
        for (word, slot) in note.words.iter_mut().zip(&self.words).take(length) {
            *word = slot.load(Ordering::Relaxed);
        }
        note.length = length.min(SPAN_WORDS);
        note.callsite = self.callsite.load();
        note.extra = extra;
    }

    /// An ERROR of this span was only counted.
    pub(super) fn note_tallied(&self, key: u64) {
        self.tallied.store(key, Ordering::Relaxed);
    }

    /// A span of the lane that begins here has said something.
    pub(super) fn join(&self) {
        if self.joined.load(Ordering::Relaxed) == 0 {
            self.joined.store(1, Ordering::Relaxed);
        }
    }

    pub(super) fn parent(&self) -> u64 {
        self.parent.load(Ordering::Relaxed)
    }

    /// The lane and the number of the span `id`, unless it closed meanwhile: an event may name a parent that nobody
    /// holds any more.
    #[inline]
    pub(super) fn whose(&self, id: u64) -> Option<(u64, u64)> {
        let (lane, number) = (self.lane(), self.number());
        // Pairs with the Release fence in `open`: what was read belongs to `id` if that is still there.
        fence(Ordering::Acquire);
        (number != 0 && self.id.load(Ordering::Relaxed) == id).then_some((lane, number))
    }

    pub(super) fn lane(&self) -> u64 {
        self.lane.load(Ordering::Relaxed)
    }

    pub(super) fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    pub(super) fn home(&self) -> u64 {
        self.home.load(Ordering::Relaxed)
    }

    /// The span begins its lane.
    pub(super) fn is_root(&self) -> bool {
        self.lane() == self.number()
    }

    pub(super) fn note_logged(&self) {
        // Read first: most spans log more than once, and a store would take the line from other threads.
        if self.logged.load(Ordering::Relaxed) == 0 {
            self.logged.store(1, Ordering::Relaxed);
        }
    }

    pub(super) fn note_event(&self, event: EventId) {
        self.last_event.store(Some(Arc::new(event)));
        self.has_extra.store(1, Ordering::Relaxed);
    }

    pub(super) fn last_event(&self) -> Option<EventId> {
        self.last_event.load().as_deref().copied()
    }

    pub(super) fn ancestor(&self) -> Ancestor {
        Ancestor {
            number: self.number(),
            lane: self.lane(),
            parent: self.parent.load(Ordering::Relaxed),
            birth: self.birth.load(Ordering::Relaxed),
            logged: self.logged.load(Ordering::Relaxed) != 0,
        }
    }

    /// A copy of the span `id`, unless it closed meanwhile, and another one was opened here: an event may name a
    /// parent that nobody holds any more.
    pub(super) fn read(&self, id: u64) -> Option<(Ancestor, CapturedSpan)> {
        // Acquire: pairs with the Release in `open`.
        let number = self.number.load(Ordering::Acquire);
        let found = self.id.load(Ordering::Relaxed);
        let ancestor = self.ancestor();
        let callsite = self.callsite.load()?;
        let length = self.length.load(Ordering::Relaxed);
        let words = self.words.get(..length as u32 as usize).unwrap_or(&self.words);
        let mut fields = Vec::with_capacity(size_of_val(words));
        for word in words {
            fields.extend_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
        }
        // Who was told something by the span's own thread or task sees that it was.
        let extra = if self.has_extra.load(Ordering::Relaxed) != 0 { self.extra.load_full() } else { None };
        // Pairs with the Release fence in `open`: what was read belongs to `number` if that is still there.
        fence(Ordering::Acquire);
        let same = number != 0 && found == id && self.number() == number;
        let cut = length & CUT != 0 || extra.as_ref().is_some_and(|extra| extra.cut);
        same.then_some((ancestor, CapturedSpan { callsite, fields, extra, cut }))
    }

    /// Changes what the span was told since it was opened. `change` may run several times and must be quick: it is
    /// our own code, never the user's.
    pub(super) fn update(&self, change: impl Fn(&mut SpanExtra)) {
        self.extra.rcu(|old| {
            let mut new = old.as_deref().cloned().unwrap_or_default();
            change(&mut new);
            Some(Arc::new(new))
        });
        self.has_extra.store(1, Ordering::Relaxed);
    }
}
