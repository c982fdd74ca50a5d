//! One cell of the ring, and the memory the cells stand in.
//!
//! A cell is two cache lines of atomics. Its first word, the *sequence*, says for which position the cell holds a
//! part of a record: `(position + 1) << 1` when it is whole, the same with the lowest bit set while it is written, 0
//! when it never was. A position is given out once, so a sequence never repeats. Everything here is lock-free and
//! allocates nothing after [`Cells::new`].
//!
//! # Invariants
//! 1. A non-null [`AtomicCallsite`] is a `&'static Metadata<'static>`: [`AtomicCallsite::set`] is the only writer.
//! 2. `Cells` owns one zeroed allocation of `count` cells from `first` on; all-zero bytes are a valid `Cell`.
#![expect(
    unsafe_code,
    reason = "the ring's memory must be zeroed without being touched, and names its callsites"
)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::slice;

use tracing::Metadata;

use super::ring::{Mutation, Mutations};
use crate::sync::{AtomicPtr, AtomicU64, Ordering, fence};

/// Words of a cell that carry a record, behind its sequence and callsite.
pub(super) const WORDS: usize = if cfg!(crumbtrail_loom) { 6 } else { 14 };

#[repr(C, align(128))]
#[derive(Debug)]
pub(super) struct Cell {
    sequence: AtomicU64,
    callsite: AtomicCallsite,
    words: [AtomicU64; WORDS],
}

/// A callsite, or none, that is set and read as one.
#[derive(Debug)]
pub(crate) struct AtomicCallsite(AtomicPtr<Metadata<'static>>);

/// The sequence of a cell that holds its part of the record at `position`.
pub(super) const fn complete(position: u64) -> u64 {
    (position + 1) << 1
}

const BUSY: u64 = 1;

impl Cell {
    #[cfg(crumbtrail_loom)]
    fn new() -> Self {
        Self {
            sequence: AtomicU64::new(0),
            callsite: AtomicCallsite::default(),
            words: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// Takes the cell for `position` and returns the sequence it had, unless another writer is inside or was here for
    /// a later position. Tries again only when another writer got ahead, so some writer always does.
    pub(super) fn enter(&self, position: u64, mutations: Mutations) -> Option<u64> {
        let busy = complete(position) | BUSY;
        // Acquire: pairs with the Release of whoever left the cell last, so that our words come after its words.
        let order = if mutations.on(Mutation::EnterRelaxed) { Ordering::Relaxed } else { Ordering::Acquire };
        // Relaxed: a guess that the exchange verifies.
        let mut seen = self.sequence.load(Ordering::Relaxed);
        if mutations.on(Mutation::EnterByStore) {
            self.sequence.store(busy, Ordering::Relaxed);
            return Some(seen);
        }
        while seen & BUSY == 0 && seen < busy {
            match self.sequence.compare_exchange(seen, busy, order, Ordering::Relaxed) {
                Ok(before) => return Some(before),
                Err(now) => seen = now,
            }
        }
        None
    }

    /// Gives an entered cell back as it was: nothing has been written.
    pub(super) fn put_back(&self, before: u64) {
        // Release: a reader that sees the old sequence through this store must see the old record's words, which we
        // acquired when we entered.
        self.sequence.store(before, Ordering::Release);
    }

    /// Orders the words of an entered cell after its busy sequence; once per record, before the first word.
    pub(super) fn begin(mutations: Mutations) {
        if !mutations.on(Mutation::NoReleaseFence) {
            // Pairs with the Acquire fence in `is_still`: a reader that saw one of our words sees our busy sequence.
            fence(Ordering::Release);
        }
    }

    /// Ends the writing: the cell holds its part of the record at `position`.
    pub(super) fn finish(&self, position: u64, mutations: Mutations) {
        // Release: pairs with the Acquire in `holds`: who sees the sequence sees the words.
        let order =
            if mutations.on(Mutation::CompleteRelaxed) { Ordering::Relaxed } else { Ordering::Release };
        self.sequence.store(complete(position), order);
    }

    /// Whether the cell holds its part of the record at `position`; asked before its words are read.
    pub(super) fn holds(&self, position: u64, mutations: Mutations) -> bool {
        let order =
            if mutations.on(Mutation::FirstLoadRelaxed) { Ordering::Relaxed } else { Ordering::Acquire };
        self.sequence.load(order) == complete(position)
    }

    /// Orders the words read before the sequences asked for by [`is_still`](Self::is_still); once per record.
    pub(super) fn end_read(mutations: Mutations) {
        if !mutations.on(Mutation::NoAcquireFence) {
            fence(Ordering::Acquire);
        }
    }

    /// Whether the cell held the same part all the while; asked after its words were read.
    pub(super) fn is_still(&self, position: u64) -> bool {
        // Relaxed: ordered by the fence in `end_read`.
        self.sequence.load(Ordering::Relaxed) == complete(position)
    }

    pub(super) fn word(&self, index: usize) -> u64 {
        self.words.get(index).map_or(0, |slot| slot.load(Ordering::Relaxed))
    }

    pub(super) fn words(&self) -> &[AtomicU64; WORDS] {
        &self.words
    }

    pub(super) fn callsite(&self) -> &AtomicCallsite {
        &self.callsite
    }
}

impl AtomicCallsite {
    pub(crate) fn set(&self, callsite: Option<&'static Metadata<'static>>) {
        let pointer = callsite.map_or(ptr::null_mut(), |callsite| ptr::from_ref(callsite).cast_mut());
        // Relaxed: what it points to is static; which record it belongs to is for its holder to order.
        self.0.store(pointer, Ordering::Relaxed);
    }

    pub(crate) fn load(&self) -> Option<&'static Metadata<'static>> {
        let pointer = self.0.load(Ordering::Relaxed);
        // SAFETY: by invariant 1 the pointer is null or was made from a `&'static Metadata<'static>`, whole, in one
        // atomic store, whichever record it belongs to.
        unsafe { pointer.as_ref() }
    }
}

impl Default for AtomicCallsite {
    fn default() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }
}

/// The cells of a ring: zeroed memory that the kernel maps as it is used, aligned to cache lines.
#[derive(Debug)]
pub(super) struct Cells {
    first: NonNull<Cell>,
    count: usize,
    memory: NonNull<u8>,
    layout: Layout,
}

impl Cells {
    pub(super) fn new(count: usize) -> Self {
        // An alignment above the allocator's own makes it write the zeros itself, which touches every page. So the
        // memory is asked for at that alignment with one cell more, and the cells begin at the first line within.
        let bytes = size_of::<Cell>().saturating_mul(count.saturating_add(1));
        let layout = Layout::from_size_align(bytes, align_of::<u64>()).unwrap_or(Layout::new::<Cell>());
        // SAFETY: the layout's size is not zero: there is at least one cell's worth in it.
        let memory = unsafe { alloc_zeroed(layout) };
        let Some(memory) = NonNull::new(memory) else { handle_alloc_error(layout) };
        let skip = memory.as_ptr().align_offset(align_of::<Cell>());
        // SAFETY: `skip` is below the alignment of a cell, which is no more than the one cell asked for in addition.
        let first = unsafe { memory.add(skip) }.cast::<Cell>();
        #[cfg(crumbtrail_loom)]
        for index in 0..count {
            // SAFETY: the cell lies inside the allocation; loom's atomics are no plain integers and need their own
            // beginning. They are leaked with the model.
            unsafe { first.add(index).write(Cell::new()) };
        }
        Self { first, count, memory, layout }
    }
}

impl Deref for Cells {
    type Target = [Cell];

    fn deref(&self) -> &[Cell] {
        // SAFETY: by invariant 2; cells are shared only as `&Cell`, whose parts are all atomics.
        unsafe { slice::from_raw_parts(self.first.as_ptr(), self.count) }
    }
}

impl Drop for Cells {
    fn drop(&mut self) {
        // SAFETY: `memory` came from `alloc_zeroed` with this layout, and a cell has nothing to drop.
        unsafe { dealloc(self.memory.as_ptr(), self.layout) };
    }
}

// SAFETY: `Cells` owns its memory as a `Box<[Cell]>` would, and a `Cell` is atomics and may be moved.
unsafe impl Send for Cells {}
// SAFETY: a shared `Cells` gives out `&[Cell]`, and a `Cell` is atomics.
unsafe impl Sync for Cells {}
