//! The throttle's table: how often each text was logged in the current minute, and how often it was only counted.
//!
//! A minute has a table of its own, which only fills up: nothing is ever taken out of it, so a count cannot land on
//! another text's. Whoever logs first after the minute begins the next table, as soon as the worker has taken the last
//! one's counts. Texts beyond [`limits::TALLY_KEYS`](crate::limits::TALLY_KEYS) are not told apart. Nobody waits; one
//! table a minute is all that is allocated.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
    /// It is told in full.
    Full,
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

// Every counter is Relaxed: it publishes nothing but itself. A minute is given to the worker by `Arc`, whose counts
// order what was added before it was let go.
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
            return Admission::Full;
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

    /// Takes what was counted since the last time, text by text: its key, its line's, how many.
    pub(crate) fn take(&self, mut each: impl FnMut(u64, u64, u64)) {
        let minute = self.0.load_full();
        if let Some(previous) = minute.previous.load_full() {
            // Held by us and by its successor only: nobody counts in it any more.
            let is_over = Arc::strong_count(&previous) == 2;
            previous.take(&mut each);
            if is_over {
                minute.previous.store(None);
            }
        }
        minute.take(&mut each);
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
                        slot.line.store(line, Ordering::Relaxed);
                        return Some(slot);
                    }
                    Err(other) if other == key => return Some(slot),
                    Err(_) => {}
                }
            }
        }
        None
    }

    fn take(&self, each: &mut impl FnMut(u64, u64, u64)) {
        for text in &self.texts {
            if text.counted.load(Ordering::Relaxed) > 0 {
                let line = text.line.load(Ordering::Relaxed);
                each(text.key.load(Ordering::Relaxed), line, text.counted.swap(0, Ordering::Relaxed));
            }
        }
    }
}

impl Text {
    fn count(&self) -> bool {
        self.counted.fetch_add(1, Ordering::Relaxed) == 0
    }
}

const MINUTE_MS: u64 = 60_000;
/// Slots that are looked at before a text is taken for one beyond the table.
const PROBES: usize = 16;
