//! The lock-free ring that breadcrumbs live in.
//!
//! A record takes 1 to [`CRUMB_CELLS`] consecutive cells, by one `fetch_add` on the head; that number is its
//! *position*, and positions are the order of the ring. A writer enters all its cells before it writes the first; if
//! one is busy it puts the others back and takes a fresh position. Beside the cells stands a dense array of *tags*:
//! the lane of the record that begins in a cell, else 0. A reader scans the tags backwards, copies a record and checks
//! the sequence of every cell before and after.
//!
//! # Properties
//! 1. *Lock-free*: no writer waits for a writer or a reader. One parked inside a cell costs the others that cell, not
//!    their record: they take the next position, [`RING_RETRIES`] times at the most.
//! 2. *Allocation-free* after [`Ring::new`].
//! 3. *Never torn*: a record is read whole or not at all.
//! 4. *Complete*: every record of a wanted lane that is in the ring is found, in order, and no other lane's.
//! 5. *Bounded*: every record that was completed before a scan began is found, unless it stands before the position
//!    that the scan returns: the oldest that was in the ring all the while. Age is the only reason for loss.
//! 6. *A stalled writer hides nothing* but its own record.
//!
//! `models.rs` checks each of them under loom with every ordering weakened in turn ([`Mutation`]), `tests.rs` on real
//! threads.

use crossbeam_utils::CachePadded;
use tracing::Metadata;

use super::cell::{self, Cell, WORDS, Zeroed};
use crate::limits::{CRUMB_CELLS, RING_RETRIES};
use crate::sync::{AtomicU64, Ordering, fence};
use probe::Probe;
pub(super) use probe::{Mutation, Mutations};

/// The ring. Pushing and reading are wait-free but for retries that only another writer's progress can cause.
#[derive(Debug)]
pub(crate) struct Ring {
    cells: Zeroed<Cell>,
    tags: Zeroed<AtomicU64>,
    head: CachePadded<AtomicU64>,
    mask: u64,
    mutations: Mutations,
    probe: Probe,
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

/// Tags that a scan compares at once; the models' rings are small.
const TAGS: usize = if cfg!(crumbtrail_loom) { 2 } else { 16 };
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
            cells: Zeroed::new(cells),
            tags: Zeroed::new(cells),
            head: CachePadded::new(AtomicU64::new(0)),
            mask: (cells as u64).wrapping_sub(1),
            mutations,
            probe: Probe::default(),
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
    #[inline]
    pub(crate) fn push(&self, record: &Record<'_>) -> Result<u64, Busy> {
        let cells = cells_for(record.payload.len());
        for _ in 0..self.tries() {
            // Relaxed: a position orders nothing; the cells' sequences do.
            let position = self.head.fetch_add(cells, Ordering::Relaxed);
            let Some(first) = self.cell(position) else { break };
            if self.enter(first, position, cells) {
                self.probe.inside(position);
                self.write(first, position, cells, record);
                return Ok(position);
            }
        }
        Err(Busy)
    }

    /// Calls `visit` with every position from `head` back to `floor` at which a record of one of `lanes` may begin,
    /// newest first, until it returns false. Returns the oldest position that was in the ring until it ended: of what
    /// stands before, something may have been missed.
    pub(crate) fn scan(
        &self,
        head: u64,
        floor: u64,
        lanes: &[u64],
        mut visit: impl FnMut(u64) -> bool,
    ) -> u64 {
        let floor = floor.max(self.oldest(head));
        match *lanes {
            [] => {}
            [lane] => self.scan_tags(head, floor, |tag| tag == lane, &mut visit),
            [first, second] => self.scan_tags(head, floor, |tag| tag == first || tag == second, &mut visit),
            _ => self.scan_tags(head, floor, |tag| lanes.contains(&tag), &mut visit),
        }
        if self.mutations.on(Mutation::HeadNotReadAgain) {
            return self.oldest(head);
        }
        if !self.mutations.on(Mutation::NoScanFence) {
            // Acquire: pairs with the Release of a writer's entry and with its fence in `Cell::begin`. Where a tag, a
            // sequence or a word was a later writer's, the head is behind that writer's position.
            fence(Ordering::Acquire);
        }
        self.oldest(self.head())
    }

    fn scan_tags(
        &self,
        head: u64,
        floor: u64,
        wanted: impl Fn(u64) -> bool,
        visit: &mut impl FnMut(u64) -> bool,
    ) {
        let mut position = head;
        while position > floor {
            // Tags that stand one behind the other: back to the array's begin, or to the floor.
            let end = (position.wrapping_sub(1) & self.mask) as usize + 1;
            let begin = end.saturating_sub((position - floor) as usize);
            let Some(run) = self.tags.get(begin..end) else { return };
            let (rest, chunks) = run.as_rchunks::<TAGS>();
            for tags in chunks.iter().rev() {
                position -= TAGS as u64;
                // Nearly all are of other lanes: they are passed over without a position for each.
                // Relaxed: a tag is a hint; the record's own lane is compared when it is read.
                let any = tags.iter().any(|tag| wanted(tag.load(Ordering::Relaxed)));
                if (any || self.mutations.on(Mutation::ScanEndsAtHole))
                    && !self.visit_tags(position, tags, &wanted, visit)
                {
                    return;
                }
            }
            position -= rest.len() as u64;
            if !self.visit_tags(position, rest, &wanted, visit) {
                return;
            }
        }
    }

    /// Calls `visit` with each position of `tags`, which begin at `first`, whose tag is wanted, newest first; false where
    /// it returned that.
    fn visit_tags(
        &self,
        first: u64,
        tags: &[AtomicU64],
        wanted: &impl Fn(u64) -> bool,
        visit: &mut impl FnMut(u64) -> bool,
    ) -> bool {
        for (index, tag) in tags.iter().enumerate().rev() {
            let position = first + index as u64;
            if wanted(tag.load(Ordering::Relaxed)) && !visit(position) {
                return false;
            }
            if self.mutations.on(Mutation::ScanEndsAtHole)
                && self.cell(position).is_some_and(|cell| !cell.holds(cell::first(position), self.mutations))
            {
                return false;
            }
        }
        true
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
        if !first.holds(cell::first(position), self.mutations) {
            return None;
        }
        // The words are read Relaxed, between the Acquire of `holds` and the fence of `end_read`.
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
            if !validated && !cell.holds(self.further(position + part), self.mutations) {
                self.probe.met_overwritten();
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
            let whole = if part == 0 { cell::first(position) } else { self.further(position + part) };
            if !self.cell(position + part)?.is_still(whole) {
                self.probe.met_overwritten();
                return None;
            }
        }
        Some(header)
    }

    /// Enters all cells of a record, or none.
    fn enter(&self, first: &Cell, position: u64, cells: u64) -> bool {
        match first.enter(cell::first(position), self.mutations) {
            Ok(before) => cells == 1 || self.enter_rest(position, cells, before),
            Err(sequence) => {
                self.probe.met(sequence);
                false
            }
        }
    }

    /// Enters the cells of a record behind the first, or puts all back, the first too, whose sequence was `before`.
    #[cold]
    fn enter_rest(&self, position: u64, cells: u64, before: u64) -> bool {
        let mut entered = [before; CRUMB_CELLS];
        for (part, slot) in (1..cells).zip(entered.iter_mut().skip(1)) {
            let Some(cell) = self.cell(position + part) else { return false };
            match cell.enter(self.further(position + part), self.mutations) {
                Ok(before) => *slot = before,
                Err(sequence) => {
                    self.probe.met(sequence);
                    let given = if self.mutations.on(Mutation::NoPutBack) { 0 } else { part };
                    for (part, before) in (0..given).zip(entered) {
                        if let Some(cell) = self.cell(position + part) {
                            cell.put_back(before, self.mutations);
                        }
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
            first.finish(cell::first(position), self.mutations);
        }
        Cell::begin(self.mutations);
        if !self.mutations.on(Mutation::TagOutside) {
            self.set_tag(position, record.lane);
        }
        first.callsite().set(record.callsite);
        // Relaxed, as in `write_words`: they stand between the fence of `begin` and the Release of `finish`.
        let [time, lane, span, length, rest @ ..] = first.words();
        time.store(record.time_ns, Ordering::Relaxed);
        lane.store(record.lane, Ordering::Relaxed);
        span.store(record.span, Ordering::Relaxed);
        let words = record.payload.len() as u64;
        length.store(words | (u64::from(record.mark) << MARK_SHIFT), Ordering::Relaxed);
        write_words(rest, record.payload);
        if cells > 1 {
            self.write_rest(position, cells, record.payload.get(FIRST_WORDS..).unwrap_or_default());
        }
        if !self.mutations.on(Mutation::FinishFirst) {
            self.finish_rest(position, cells);
            first.finish(cell::first(position), self.mutations);
        }
        if self.mutations.on(Mutation::TagOutside) {
            self.set_tag(position, record.lane);
        }
    }

    #[cold]
    fn write_rest(&self, position: u64, cells: u64, payload: &[[u8; 8]]) {
        for (part, words) in (1..cells).zip(payload.chunks(WORDS)) {
            if let Some(cell) = self.cell(position + part) {
                self.set_tag(position + part, 0);
                write_words(cell.words(), words);
            }
        }
    }

    /// Completes the cells behind the first. It is completed after them, which spares readers a vain copy; the order
    /// proves nothing, since each cell is checked.
    fn finish_rest(&self, position: u64, cells: u64) {
        for part in 1..cells {
            if let Some(cell) = self.cell(position + part) {
                cell.finish(self.further(position + part), self.mutations);
            }
        }
    }

    fn further(&self, position: u64) -> u64 {
        cell::further(position, self.mutations)
    }

    fn cell(&self, position: u64) -> Option<&Cell> {
        self.cells.get((position & self.mask) as usize)
    }

    fn tag(&self, position: u64) -> Option<&AtomicU64> {
        self.tags.get((position & self.mask) as usize)
    }

    #[inline]
    fn set_tag(&self, position: u64, lane: u64) {
        if let Some(tag) = self.tag(position) {
            // Relaxed: its cell is ours, so the tag comes after that of the cell's last holder.
            tag.store(lane, Ordering::Relaxed);
        }
    }

    fn tries(&self) -> usize {
        if self.mutations.on(Mutation::NoRetry) { 1 } else { 1 + RING_RETRIES }
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

#[cfg(test)]
#[cfg(crumbtrail_loom)]
mod models;
mod probe;
#[cfg(test)]
#[cfg(not(crumbtrail_loom))]
mod tests;
