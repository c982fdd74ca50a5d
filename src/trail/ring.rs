//! The lock-free ring that breadcrumbs live in.
//!
//! A record takes 1 to [`CRUMB_CELLS`] consecutive cells, by one `fetch_add` on the head; that number is its
//! *position*, and positions are the order of the ring. A writer enters all its cells before it writes the first; if
//! one is busy it puts the others back and takes a fresh position. Beside the cells stands a dense array of *tags*:
//! the lane of the record that begins in a cell, else 0. A reader scans the tags backwards, copies a record and checks
//! the sequence of every cell before and after.
//!
//! # Properties
//! 1. *Lock-free*: no writer waits for a writer or a reader. One parked inside a cell costs the others that cell.
//! 2. *Allocation-free* after [`Ring::new`].
//! 3. *Never torn*: a record is read whole or not at all.
//! 4. *Complete*: every record of a wanted lane that is in the ring is found, in order, and no other lane's.
//! 5. *Bounded*: every completed record at or after `head - cells` is found. Age is the only reason for loss.
//! 6. *A stalled writer hides nothing* but its own record.
//!
//! `models.rs` checks each of them under loom with every ordering weakened in turn ([`Mutation`]).

use crossbeam_utils::CachePadded;
use tracing::Metadata;

use super::cell::{Cell, Cells, WORDS};
use crate::limits::{CRUMB_CELLS, RING_RETRIES};
use crate::sync::{AtomicU64, Ordering};

/// The ring. Pushing and reading are wait-free but for retries that only another writer's progress can cause.
#[derive(Debug)]
pub(crate) struct Ring {
    cells: Cells,
    tags: Box<[AtomicU64]>,
    head: CachePadded<AtomicU64>,
    mask: u64,
    mutations: Mutations,
}

/// What is pushed: a header and the encoded fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) callsite: Option<&'static Metadata<'static>>,
    pub(crate) time_ns: u64,
    /// Never 0.
    pub(crate) lane: u64,
    /// The number of the span it was logged in, or 0.
    pub(crate) span: u64,
    /// Free for the caller: how the payload is to be read.
    pub(crate) mark: u8,
    /// At most [`PAYLOAD_WORDS`]; what is longer is not written.
    pub(crate) payload: &'a [[u8; 8]],
}

/// What the header of a copied record says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub(crate) callsite: Option<&'static Metadata<'static>>,
    pub(crate) time_ns: u64,
    pub(crate) lane: u64,
    pub(crate) span: u64,
    pub(crate) mark: u8,
    pub(crate) payload_words: usize,
}

/// Every position that a writer tried was busy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Busy;

/// Words of the first cell that hold the header: time, lane, span, and length with the mark.
const HEADER: usize = 4;
const FIRST_WORDS: usize = WORDS - HEADER;
const MARK_SHIFT: u32 = 32;
/// The longest payload of a record.
pub(crate) const PAYLOAD_WORDS: usize = FIRST_WORDS + (CRUMB_CELLS - 1) * WORDS;

impl Ring {
    /// A ring of at least `cells` cells, rounded up to a power of two.
    pub(crate) fn new(cells: usize) -> Self {
        let cells = cells.max(2 * CRUMB_CELLS).next_power_of_two();
        Self::with_exactly(cells, Mutations::NONE)
    }

    fn with_exactly(cells: usize, mutations: Mutations) -> Self {
        Self {
            cells: Cells::new(cells),
            tags: zeroed_tags(cells),
            head: CachePadded::new(AtomicU64::new(0)),
            mask: (cells as u64).wrapping_sub(1),
            mutations,
        }
    }

    /// The position that the next record will take.
    pub(crate) fn head(&self) -> u64 {
        // Relaxed: who saw a record pushed sees a head behind it, by coherence.
        self.head.load(Ordering::Relaxed)
    }

    /// The oldest position that can still be in the ring when `head` is the head.
    pub(crate) fn oldest(&self, head: u64) -> u64 {
        head.saturating_sub(self.mask.wrapping_add(1))
    }

    /// Writes a record and returns its position.
    pub(crate) fn push(&self, record: &Record<'_>) -> Result<u64, Busy> {
        let cells = cells_for(record.payload.len());
        for _ in 0..=self.retries() {
            // Relaxed: a position orders nothing; the cells' sequences do.
            let position = self.head.fetch_add(cells, Ordering::Relaxed);
            let Some(first) = self.cell(position) else { break };
            if let Some(before) = first.enter(position, self.mutations)
                && (cells == 1 || self.enter_rest(position, cells, before))
            {
                self.write(first, position, cells, record);
                return Ok(position);
            }
        }
        Err(Busy)
    }

    /// Calls `visit` with every position from `head` back to `floor` at which a record of one of `lanes` may begin,
    /// newest first, until it returns false.
    pub(crate) fn scan(&self, head: u64, floor: u64, lanes: &[u64], mut visit: impl FnMut(u64) -> bool) {
        let floor = floor.max(self.oldest(head));
        match *lanes {
            [] => {}
            [lane] => self.scan_tags(head, floor, |tag| tag == lane, &mut visit),
            [first, second] => self.scan_tags(head, floor, |tag| tag == first || tag == second, &mut visit),
            _ => self.scan_tags(head, floor, |tag| lanes.contains(&tag), &mut visit),
        }
    }

    fn scan_tags(
        &self,
        head: u64,
        floor: u64,
        wanted: impl Fn(u64) -> bool,
        visit: &mut impl FnMut(u64) -> bool,
    ) {
        for position in (floor..head).rev() {
            // Relaxed: a tag is a hint; the record's own lane is compared when it is read.
            if wanted(self.tag(position).load(Ordering::Relaxed)) && !visit(position) {
                return;
            }
        }
    }

    /// Copies the record at `position` behind `out` if `wanted` takes its header; None where the ring no longer holds
    /// it, or not yet. Then `out` is as it was.
    pub(crate) fn read(
        &self,
        position: u64,
        out: &mut Vec<u64>,
        wanted: impl FnOnce(&Header) -> bool,
    ) -> Option<Header> {
        let before = out.len();
        let header = self.copy(position, out, wanted);
        if header.is_none() {
            out.truncate(before);
        }
        header
    }

    fn copy(
        &self,
        position: u64,
        out: &mut Vec<u64>,
        wanted: impl FnOnce(&Header) -> bool,
    ) -> Option<Header> {
        let first = self.cell(position)?;
        if !first.holds(position, self.mutations) {
            return None;
        }
        let length = first.word(3);
        let header = Header {
            callsite: first.callsite().load(),
            time_ns: first.word(0),
            lane: first.word(1),
            span: first.word(2),
            mark: (length >> MARK_SHIFT) as u8,
            payload_words: (length as u32 as usize).min(PAYLOAD_WORDS),
        };
        let cells = cells_for(header.payload_words);
        // Only a guess until the sequences are checked, but a wrong one is refused below in any case.
        if !wanted(&header) {
            return None;
        }
        let mut words = header.payload_words;
        for part in 0..cells {
            let cell = self.cell(position + part)?;
            let validated = part == 0 || self.mutations.on(Mutation::ContinuationUnchecked);
            if !validated && !cell.holds(position + part, self.mutations) {
                return None;
            }
            let skip = if part == 0 { HEADER } else { 0 };
            let take = words.min(WORDS - skip);
            out.extend(cell.words().iter().skip(skip).take(take).map(|word| word.load(Ordering::Relaxed)));
            words -= take;
        }
        Cell::end_read(self.mutations);
        let checked = if self.mutations.on(Mutation::ContinuationUnchecked) { 1 } else { cells };
        for part in 0..checked {
            if !self.cell(position + part)?.is_still(position + part) {
                return None;
            }
        }
        Some(header)
    }

    /// Enters the cells of a record behind the first, or puts all back, the first too, whose sequence was `before`.
    #[cold]
    fn enter_rest(&self, position: u64, cells: u64, before: u64) -> bool {
        let mut entered = [before; CRUMB_CELLS];
        for (part, slot) in (1..cells).zip(entered.iter_mut().skip(1)) {
            match self.cell(position + part).and_then(|cell| cell.enter(position + part, self.mutations)) {
                Some(before) => *slot = before,
                None => {
                    for (given, before) in (0..part).zip(entered) {
                        self.cell(position + given).into_iter().for_each(|cell| cell.put_back(before));
                    }
                    return false;
                }
            }
        }
        true
    }

    fn write(&self, first: &Cell, position: u64, cells: u64, record: &Record<'_>) {
        if self.mutations.on(Mutation::FinishFirst) {
            self.finish_rest(position, cells);
            first.finish(position, self.mutations);
        }
        Cell::begin(self.mutations);
        self.tag(position).store(record.lane, Ordering::Relaxed);
        first.callsite().set(record.callsite);
        let [time, lane, span, length, rest @ ..] = first.words();
        time.store(record.time_ns, Ordering::Relaxed);
        lane.store(record.lane, Ordering::Relaxed);
        span.store(record.span, Ordering::Relaxed);
        let words = record.payload.len().min(PAYLOAD_WORDS) as u64;
        length.store(words | (u64::from(record.mark) << MARK_SHIFT), Ordering::Relaxed);
        write_words(rest, record.payload);
        if cells > 1 {
            self.write_rest(position, cells, record.payload.get(FIRST_WORDS..).unwrap_or_default());
        }
        if !self.mutations.on(Mutation::FinishFirst) {
            self.finish_rest(position, cells);
            first.finish(position, self.mutations);
        }
    }

    #[cold]
    fn write_rest(&self, position: u64, cells: u64, payload: &[[u8; 8]]) {
        for (part, words) in (1..cells).zip(payload.chunks(WORDS)) {
            if let Some(cell) = self.cell(position + part) {
                self.tag(position + part).store(0, Ordering::Relaxed);
                write_words(cell.words(), words);
            }
        }
    }

    fn finish_rest(&self, position: u64, cells: u64) {
        for part in 1..cells {
            if let Some(cell) = self.cell(position + part) {
                cell.finish(position + part, self.mutations);
            }
        }
    }

    fn cell(&self, position: u64) -> Option<&Cell> {
        self.cells.get((position & self.mask) as usize)
    }

    fn tag(&self, position: u64) -> &AtomicU64 {
        // The fallback is never taken: the mask keeps the index inside. It spares the hot path a panic.
        self.tags.get((position & self.mask) as usize).unwrap_or(&self.head)
    }

    fn retries(&self) -> usize {
        if self.mutations.on(Mutation::NoRetry) { 0 } else { RING_RETRIES }
    }
}

/// Cells that a record with a payload of so many words takes.
fn cells_for(payload_words: usize) -> u64 {
    if payload_words <= FIRST_WORDS {
        return 1;
    }
    1 + (payload_words.min(PAYLOAD_WORDS) - FIRST_WORDS).div_ceil(WORDS) as u64
}

fn write_words(slots: &[AtomicU64], words: &[[u8; 8]]) {
    for (slot, word) in slots.iter().zip(words) {
        slot.store(u64::from_le_bytes(*word), Ordering::Relaxed);
    }
}

#[cfg(not(crumbtrail_loom))]
fn zeroed_tags(count: usize) -> Box<[AtomicU64]> {
    // Collected in place from memory that the allocator zeroes without touching it.
    vec![0; count].into_iter().map(AtomicU64::new).collect()
}

#[cfg(crumbtrail_loom)]
fn zeroed_tags(count: usize) -> Box<[AtomicU64]> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

/// Ways in which the algorithm could be wrong. Each must make a model fail; builds that are not models have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutation {
    EnterRelaxed,
    EnterByStore,
    NoReleaseFence,
    CompleteRelaxed,
    FirstLoadRelaxed,
    NoAcquireFence,
    ContinuationUnchecked,
    FinishFirst,
    NoRetry,
}

/// The mutation in force, if any.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mutations(#[cfg(crumbtrail_loom)] Option<Mutation>);

#[cfg(not(crumbtrail_loom))]
impl Mutations {
    const NONE: Self = Self();

    #[inline(always)]
    pub(super) const fn on(self, _mutation: Mutation) -> bool {
        false
    }
}

#[cfg(crumbtrail_loom)]
impl Mutations {
    const NONE: Self = Self(None);

    pub(super) fn on(self, mutation: Mutation) -> bool {
        self.0 == Some(mutation)
    }
}

#[cfg(all(test, crumbtrail_loom))]
mod models;
#[cfg(all(test, not(crumbtrail_loom)))]
mod tests;
