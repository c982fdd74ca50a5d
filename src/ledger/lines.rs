//! The lines that log ERRORs: what each has lost or kept to itself, and how fast it logs.
//!
//! A fixed table that only fills up: a program has hundreds of such lines, and the table holds
//! [`limits::LINES`](crate::limits::LINES). A slot is found by hashing and claimed by one compare-exchange, so nobody
//! waits, and nothing is allocated but the name of a line when it is first seen. Lines beyond the table share one slot
//! that has no name.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use crate::limits::LINES;
use crate::model::{CapturedFields, Site};
use crate::sync::OnceBox;

/// The table.
#[derive(Debug)]
pub(crate) struct Lines {
    slots: OnceLock<Box<[Line]>>,
    beyond: Line,
}

/// One line.
#[derive(Debug, Default)]
pub(crate) struct Line {
    key: AtomicU64,
    site: OnceLock<Site>,
    /// ERRORs that carried no error.
    without_error: AtomicU64,
    /// Those of them that were taken.
    taken_without_error: AtomicU64,
    /// What the first of them said.
    first: OnceBox<CapturedFields>,
    /// ERRORs that were not told apart, since they were last taken.
    untold: AtomicU64,
    /// The same, of all time.
    untold_ever: AtomicU64,
    /// The current second, in the upper half, and the ERRORs in it, in the lower.
    pace: AtomicU64,
    /// The last ERROR that was looked at carried an error.
    carries: AtomicBool,
    /// The last ERROR that was looked at was ignored by what it said.
    ignored: AtomicBool,
    /// A message too long for its breadcrumb had no error at its end.
    searched: AtomicBool,
    /// What its messages have in common, while that is being learnt.
    common: [AtomicU64; COMMON],
    lesson: AtomicU8,
    /// Its message is nothing but an error.
    bare: AtomicBool,
}

/// Pieces of a message that are compared.
pub(crate) const COMMON: usize = 4;

impl Default for Lines {
    fn default() -> Self {
        Self { slots: OnceLock::new(), beyond: Line::default() }
    }
}

impl Lines {
    /// The slot of a line; `site` names it where it is seen for the first time.
    #[inline]
    pub(crate) fn at(&self, key: u64, site: impl FnOnce() -> Site) -> &Line {
        // 0 stands for a free slot.
        let key = key.max(1);
        let slots = self.slots.get_or_init(|| (0..LINES).map(|_| Line::default()).collect());
        for slot in probes(slots, key) {
            let found = slot.key.load(Ordering::Relaxed);
            if found == key {
                return slot;
            }
            if found == 0 {
                // Relaxed: the site is published by its own cell.
                match slot.key.compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => {
                        let _ = slot.site.set(site());
                        return slot;
                    }
                    Err(other) if other == key => return slot,
                    Err(_) => {}
                }
            }
        }
        &self.beyond
    }

    /// The slot of a line that was seen; for one that was not, that of those beyond the table.
    pub(crate) fn of(&self, key: u64) -> &Line {
        let slots = self.slots.get().map_or(&[][..], |slots| slots);
        let found = probes(slots, key).find(|slot| slot.key() == key && key != 0);
        found.unwrap_or(&self.beyond)
    }

    /// Every line that was seen, and last the one that stands for those beyond the table.
    pub(crate) fn seen(&self) -> impl Iterator<Item = (Option<&Site>, &Line)> {
        let slots = self.slots.get().map_or(&[][..], |slots| slots);
        let named = slots.iter().filter_map(|slot| Some((Some(slot.site.get()?), slot)));
        named.chain(std::iter::once((None, &self.beyond)))
    }
}

// Every counter is Relaxed: it publishes nothing but itself.
impl Line {
    /// What it is found by; 0 for the one that stands for those beyond the table.
    pub(crate) fn key(&self) -> u64 {
        self.key.load(Ordering::Relaxed)
    }

    /// Counts one ERROR of this second, and says how many there were before it.
    #[inline]
    pub(crate) fn pace(&self, now_ms: u64) -> u64 {
        let second = (now_ms / 1_000) << 32;
        let pace = self.pace.load(Ordering::Relaxed);
        if pace & SECOND == second {
            return self.pace.fetch_add(1, Ordering::Relaxed) & !SECOND;
        }
        // Who loses the race counts in the second that the other began.
        match self.pace.compare_exchange(pace, second | 1, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => 0,
            Err(_) => self.pace.fetch_add(1, Ordering::Relaxed) & !SECOND,
        }
    }

    /// Counts an ERROR without an error; true for the first since they were taken.
    pub(crate) fn count_without_error(&self) -> bool {
        // SeqCst: ordered against the ledger's word that all is settled.
        self.without_error.fetch_add(1, Ordering::SeqCst) == self.taken_without_error.load(Ordering::SeqCst)
    }

    /// Those without an error since they were last taken; one thread takes them.
    pub(crate) fn take_without_error(&self) -> u64 {
        let (ever, taken) =
            (self.without_error.load(Ordering::SeqCst), self.taken_without_error.load(Ordering::Relaxed));
        if ever != taken {
            self.taken_without_error.store(ever, Ordering::SeqCst);
        }
        ever.wrapping_sub(taken)
    }

    /// Notes what an ERROR without an error said, if it is the first.
    pub(crate) fn note_first(&self, fields: impl FnOnce() -> CapturedFields) {
        if self.first.get().is_none() {
            // Of two at once, one was the first.
            let _ = self.first.set(Box::new(fields()));
        }
    }

    pub(crate) fn first(&self) -> Option<&CapturedFields> {
        self.first.get()
    }

    pub(crate) fn without_error(&self) -> u64 {
        self.without_error.load(Ordering::Relaxed)
    }

    /// Counts an ERROR that is not told apart from the others of this line; true for the first since they were taken.
    pub(crate) fn count_untold(&self) -> bool {
        self.untold_ever.fetch_add(1, Ordering::Relaxed);
        // SeqCst: ordered against the ledger's word that all is settled.
        self.untold.fetch_add(1, Ordering::SeqCst) == 0
    }

    /// Counts ERRORs that were told apart at first, but whose issue nobody knows.
    pub(crate) fn add_untold(&self, count: u64) {
        self.untold_ever.fetch_add(count, Ordering::Relaxed);
        self.untold.fetch_add(count, Ordering::Relaxed);
    }

    /// Those that were not told apart, since they were last taken.
    pub(crate) fn take_untold(&self) -> u64 {
        if self.untold.load(Ordering::SeqCst) == 0 { 0 } else { self.untold.swap(0, Ordering::SeqCst) }
    }

    pub(crate) fn untold_ever(&self) -> u64 {
        self.untold_ever.load(Ordering::Relaxed)
    }

    /// Whether the last ERROR that was looked at carried an error: what is said of one that is not looked at.
    pub(crate) fn carries(&self) -> bool {
        self.carries.load(Ordering::Relaxed)
    }

    pub(crate) fn note_carries(&self, carries: bool) {
        if self.carries() != carries {
            self.carries.store(carries, Ordering::Relaxed);
        }
    }

    /// Whether the last ERROR that was looked at was ignored: one that is not looked at is then ignored as well.
    pub(crate) fn is_ignored(&self) -> bool {
        self.ignored.load(Ordering::Relaxed)
    }

    pub(crate) fn note_ignored(&self, ignored: bool) {
        if self.is_ignored() != ignored {
            self.ignored.store(ignored, Ordering::Relaxed);
        }
    }

    /// Whether a long message of it was searched to its end in vain: the next one will not be.
    pub(crate) fn is_searched(&self) -> bool {
        self.searched.load(Ordering::Relaxed)
    }

    pub(crate) fn note_searched(&self) {
        self.searched.store(true, Ordering::Relaxed);
    }

    /// Its message is nothing but an error, as in `error!("{error}")`.
    pub(crate) fn is_bare(&self) -> bool {
        self.bare.load(Ordering::Relaxed)
    }

    /// Learns from the pieces of one more message, as hashes: where two messages have no words in common, the line
    /// says nothing of its own. A race costs a lesson, not more.
    pub(crate) fn learn(&self, pieces: &[u64; COMMON]) {
        // Of those beyond the table there are many, which have nothing in common anyway; and without words there is
        // nothing to compare.
        if self.key() == 0 || pieces.iter().all(|piece| *piece == 0) {
            return;
        }
        match self.lesson.compare_exchange(NONE, FIRST, Ordering::Relaxed, Ordering::Acquire) {
            Ok(_) => {
                for (common, piece) in self.common.iter().zip(pieces) {
                    common.store(*piece, Ordering::Relaxed);
                }
                // Pairs with the Acquire of who compares.
                self.lesson.store(LEARNT, Ordering::Release);
            }
            Err(LEARNT) => self.compare(pieces),
            Err(_) => {}
        }
    }

    fn compare(&self, pieces: &[u64; COMMON]) {
        let mut left = 0;
        for common in &self.common {
            let known = common.load(Ordering::Relaxed);
            if known != 0 && pieces.contains(&known) {
                left += 1;
            } else if known != 0 {
                common.store(0, Ordering::Relaxed);
            }
        }
        if left == 0 {
            self.bare.store(true, Ordering::Relaxed);
        }
    }
}

/// The slots in which a line may stand, in order.
fn probes(slots: &[Line], key: u64) -> impl Iterator<Item = &Line> {
    let begin = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize % LINES;
    let (wrapped, first) = slots.split_at_checked(begin).unwrap_or_default();
    first.iter().chain(wrapped).take(PROBES)
}

/// How far a lesson has come.
const NONE: u8 = 0;
const FIRST: u8 = 1;
const LEARNT: u8 = 2;

const SECOND: u64 = u64::MAX << 32;
/// Slots that are looked at before a line is taken for one beyond the table.
const PROBES: usize = 32;
