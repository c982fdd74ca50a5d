//! The throttle's table: how often each text was logged in the current minute, and how often it was only counted.
//!
//! A minute has a table of its own, which only fills up: nothing is ever taken out of it, so a count cannot land on
//! another text's. Who logs first after the minute begins the next table, as soon as the worker has taken the last one's
//! counts; of several at once one does, and nobody goes on in the old one. Texts beyond
//! [`limits::TALLY_KEYS`](crate::limits::TALLY_KEYS) are not told apart. Nobody waits; a table a minute, or a few at its
//! turn, is all that is allocated.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::limits::TALLY_KEYS;

/// The table of this minute, and of the one before until it is taken.
#[derive(Debug)]
pub(crate) struct Tallies(ArcSwap<Minute>);

/// What may be told in full within a minute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Of one text.
    pub(crate) of_text: u64,
    /// Of all.
    pub(crate) of_all: u64,
}

/// What becomes of an occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is told in full, in the minute that began then.
    Full { minute: u64 },
    /// It was counted with its text; `first` since its counts were taken.
    Counted { first: bool },
    /// There is no room to tell its text from others.
    Untold,
}

#[derive(Debug, Default)]
struct Minute {
    began_ms: u64,
    /// Told in full so far.
    told: AtomicU64,
    texts: Box<[Text]>,
    previous: ArcSwapOption<Self>,
}

#[derive(Debug, Default)]
struct Text {
    key: AtomicU64,
    line: AtomicU64,
    told: AtomicU64,
    counted: AtomicU64,
}

impl Default for Tallies {
    fn default() -> Self {
        Self(ArcSwap::from_pointee(Minute::default()))
    }
}

/// What was counted of one text within one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// When the minute began.
    pub(crate) minute: u64,
    pub(crate) key: u64,
    pub(crate) line: u64,
    pub(crate) count: u64,
}

// Every counter is Relaxed: it publishes nothing but itself. Whoever counts in a minute holds its `Arc`, which orders
// what was added before it was let go: see `take`.
impl Tallies {
    /// Decides about one occurrence of a text on the line `line`, and counts it where it is not told.
    #[inline]
    pub(crate) fn admit(&self, now_ms: u64, key: u64, line: u64, budget: Budget) -> Admission {
        let mut minute = self.0.load();
        if now_ms >= minute.began_ms.saturating_add(MINUTE_MS) || minute.texts.is_empty() {
            drop(minute);
            self.begin(now_ms);
            minute = self.0.load();
        }
        let text = minute.text(key, line);
        let may = |told: &AtomicU64, most: u64| {
            told.load(Ordering::Relaxed) < most && told.fetch_add(1, Ordering::Relaxed) < most
        };
        if text.is_none_or(|text| may(&text.told, budget.of_text)) && may(&minute.told, budget.of_all) {
            return Admission::Full { minute: minute.began_ms };
        }
        match text {
            Some(text) => Admission::Counted { first: text.count() },
            None => Admission::Untold,
        }
    }

    /// Counts an occurrence that was to be told in full, and then could not be; true for the first since the counts were
    /// taken, None where there is no room for its text.
    pub(crate) fn miss(&self, key: u64, line: u64) -> Option<bool> {
        self.0.load().text(key, line).map(Text::count)
    }

    /// The next minute, unless the worker has not taken the last one yet: then this one goes on.
    #[cold]
    fn begin(&self, now_ms: u64) {
        let last = self.0.load_full();
        let over = now_ms >= last.began_ms.saturating_add(MINUTE_MS) || last.texts.is_empty();
        if !over || last.previous.load().is_some() {
            return;
        }
        let texts = (0..TALLY_KEYS).map(|_| Text::default()).collect();
        let previous = ArcSwapOption::new((!last.texts.is_empty()).then(|| Arc::clone(&last)));
        let next = Minute { began_ms: now_ms, told: AtomicU64::new(0), texts, previous };
        // Of several that begin it at once, one does.
        self.0.compare_and_swap(&last, Arc::new(next));
    }

    /// Whether a minute is over of which not all was taken yet.
    pub(crate) fn has_previous(&self) -> bool {
        self.0.load().previous.load().is_some()
    }

    /// Takes what was counted since the last time, text by text; leaves that of the keys which shall `wait`.
    pub(crate) fn take(&self, mut waits: impl FnMut(u64) -> bool, mut each: impl FnMut(Counts)) {
        let minute = self.0.load_full();
        if let Some(previous) = minute.previous.load_full() {
            // Held by us and by its successor only: nobody counts in it any more.
            let is_over = Arc::strong_count(&previous) == 2;
            // Pairs with the Release of whoever let go of it: what that counted before is seen below.
            fence(Ordering::Acquire);
            let all = previous.take(&mut waits, &mut each);
            if is_over && all {
                minute.previous.store(None);
            }
        }
        minute.take(&mut waits, &mut each);
    }
}

impl Minute {
    /// The slot of a text, if there is room for it.
    #[inline]
    fn text(&self, key: u64, line: u64) -> Option<&Text> {
        // 0 stands for a free slot.
        let key = key.max(1);
        let begin = (key >> 32) as usize;
        for step in 0..PROBES {
            let slot = self.texts.get((begin + step) % TALLY_KEYS)?;
            let found = slot.key.load(Ordering::Relaxed);
            if found == key {
                return Some(slot);
            }
            if found == 0 {
                match slot.key.compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => {
                        slot.line.store(line.max(BEYOND), Ordering::Relaxed);
                        return Some(slot);
                    }
                    Err(other) if other == key => return Some(slot),
                    Err(_) => {}
                }
            }
        }
        None
    }

    /// Returns whether nothing was left.
    fn take(&self, waits: &mut impl FnMut(u64) -> bool, each: &mut impl FnMut(Counts)) -> bool {
        let mut all = true;
        for text in &self.texts {
            if text.counted.load(Ordering::SeqCst) == 0 {
                continue;
            }
            let key = text.key.load(Ordering::Relaxed);
            // Without a line it is about to be named.
            if text.line.load(Ordering::Relaxed) == 0 || waits(key) {
                all = false;
                continue;
            }
            let (line, count) = (text.line.load(Ordering::Relaxed), text.counted.swap(0, Ordering::SeqCst));
            each(Counts { minute: self.began_ms, key, line, count });
        }
        all
    }
}

impl Text {
    fn count(&self) -> bool {
        // SeqCst: ordered against the ledger's word that all is settled.
        self.counted.fetch_add(1, Ordering::SeqCst) == 0
    }
}

/// In the place of a line that has no number; none has this.
const BEYOND: u64 = 1;
const MINUTE_MS: u64 = 60_000;
/// Slots that are looked at before a text is taken for one beyond the table.
const PROBES: usize = 16;
