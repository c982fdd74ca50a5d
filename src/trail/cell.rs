//! One cell of the ring, and the memory the cells stand in.
//!
//! A cell is two cache lines of atomics. Its first word, the *sequence*, says which part of which record the cell holds:
//! [`first`] or [`further`] of its position when the part is whole, the same with the lowest bit set while it is written,
//! 0 when there never was one. A position is given out once, so a sequence never repeats. Everything here is lock-free
//! and allocates nothing after [`Zeroed::new`].
//!
//! # Invariants
//! 1. A non-null [`AtomicCallsite`] is a `&'static Metadata<'static>`: [`AtomicCallsite::set`] is the only writer.
//! 2. `Zeroed` owns one zeroed allocation of `count` values from `first` on; all-zero bytes are a valid value.
#![expect(
    unsafe_code,
    reason = "the ring's memory must be zeroed without being touched, and names its callsites"
)]

use std::ptr;

use tracing::Metadata;

use super::ring::{Mutation, Mutations};
use crate::sync::{AtomicPtr, AtomicU64, Ordering, fence};

/// Words of a cell that carry a record, behind its sequence and callsite.
pub(super) const WORDS: usize = if cfg!(crumbtrail_loom) { 6 } else { 14 };

#[repr(C, align(128))]
#[derive(Debug, Default)]
pub(super) struct Cell {
    sequence: AtomicU64,
    callsite: AtomicCallsite,
    words: [AtomicU64; WORDS],
}

/// A callsite, or none, that is set and read as one.
#[derive(Debug)]
pub(crate) struct AtomicCallsite(AtomicPtr<Metadata<'static>>);

/// The sequence of a cell in which the record at `position` begins.
pub(super) const fn first(position: u64) -> u64 {
    (position + 1) << 2
}

/// The sequence of a cell at `position` in which a record goes on that began before. A reader that comes with an old
/// tag must not take it for a beginning.
pub(super) const fn further(position: u64, mutations: Mutations) -> u64 {
    if mutations.on(Mutation::PartsAlike) { first(position) } else { first(position) | FURTHER }
}

const FURTHER: u64 = 2;
/// The bit of a sequence that says that a writer is inside.
pub(super) const BUSY: u64 = 1;

impl Cell {
    /// Takes the cell, to be left with the sequence `whole`, and returns the sequence it had; where another writer is
    /// inside, or was here for a later position, the sequence that says so is the error. Tries again only when another
    /// writer got ahead, so some writer always does.
    pub(super) fn enter(&self, whole: u64, mutations: Mutations) -> Result<u64, u64> {
        let busy = whole | BUSY;
        // Acquire: pairs with the Release of whoever left the cell last, so that our words come after its words.
        // Release: pairs with the Acquire in `holds` and at the end of a scan: who finds us inside sees the head at
        // which we are.
        let order = match () {
            () if mutations.on(Mutation::EnterRelaxed) => Ordering::Release,
            () if mutations.on(Mutation::EnterWithoutRelease) => Ordering::Acquire,
            () => Ordering::AcqRel,
        };
        // Relaxed: a guess that the exchange verifies.
        let mut seen = self.sequence.load(Ordering::Relaxed);
        while mutations.on(Mutation::WaitForBusy) && seen & BUSY != 0 {
            seen = self.sequence.load(Ordering::Relaxed);
        }
        if mutations.on(Mutation::EnterByStore) {
            self.sequence.store(busy, Ordering::Relaxed);
            return Ok(seen);
        }
        while seen & BUSY == 0 && seen < busy {
            match self.sequence.compare_exchange(seen, busy, order, Ordering::Relaxed) {
                Ok(before) => return Ok(before),
                Err(now) => seen = now,
            }
        }
        Err(seen)
    }

    /// Gives an entered cell back as it was: nothing has been written.
    pub(super) fn put_back(&self, before: u64, mutations: Mutations) {
        // Release: a reader that sees the old sequence through this store must see the old record's words, which we
        // acquired when we entered.
        let order =
            if mutations.on(Mutation::PutBackRelaxed) { Ordering::Relaxed } else { Ordering::Release };
        self.sequence.store(before, order);
    }

    /// Orders the words of an entered cell after its busy sequence; once per record, before the first word.
    pub(super) fn begin(mutations: Mutations) {
        if !mutations.on(Mutation::NoReleaseFence) {
            // Pairs with the Acquire fence in `end_read`, and with the one at the end of a scan: a reader that saw one
            // of our words, or our tag, sees our busy sequence and the head behind us.
            fence(Ordering::Release);
        }
    }

    /// Ends the writing: the cell holds the part that the sequence `whole` names.
    pub(super) fn finish(&self, whole: u64, mutations: Mutations) {
        // Release: pairs with the Acquire in `holds`: who sees the sequence sees the words.
        let order =
            if mutations.on(Mutation::CompleteRelaxed) { Ordering::Relaxed } else { Ordering::Release };
        self.sequence.store(whole, order);
    }

    /// Whether the cell holds the part that the sequence `whole` names; asked before its words are read.
    pub(super) fn holds(&self, whole: u64, mutations: Mutations) -> bool {
        // Acquire: pairs with the Release in `finish` and in `put_back`.
        let order =
            if mutations.on(Mutation::FirstLoadRelaxed) { Ordering::Relaxed } else { Ordering::Acquire };
        self.sequence.load(order) == whole
    }

    /// Orders the words read before the sequences asked for by [`is_still`](Self::is_still); once per record.
    pub(super) fn end_read(mutations: Mutations) {
        if !mutations.on(Mutation::NoAcquireFence) {
            fence(Ordering::Acquire);
        }
    }

    /// Whether the cell held the same part all the while; asked after its words were read.
    pub(super) fn is_still(&self, whole: u64) -> bool {
        // Relaxed: ordered by the fence in `end_read`.
        self.sequence.load(Ordering::Relaxed) == whole
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

pub(super) use memory::Zeroed;

#[cfg(not(crumbtrail_loom))]
mod memory {
    use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
    use std::ops::Deref;
    use std::ptr::NonNull;
    use std::slice;

    use super::Cell;
    use crate::sync::AtomicU64;

    /// A slice on the heap that is zeros to begin with. The kernel maps its pages when they are first used.
    #[derive(Debug)]
    pub(in crate::trail) struct Zeroed<T> {
        first: NonNull<T>,
        count: usize,
        memory: NonNull<u8>,
        layout: Layout,
    }

    /// # Safety
    /// A value of nothing but zeros is valid, and there is nothing in it to drop.
    pub(in crate::trail) unsafe trait Zero {}

    // SAFETY: an integer.
    unsafe impl Zero for AtomicU64 {}
    // SAFETY: integers, and by invariant 1 a pointer that may be null.
    unsafe impl Zero for Cell {}

    impl<T: Zero> Zeroed<T> {
        pub(in crate::trail) fn new(count: usize) -> Self {
            // An alignment above the allocator's own makes it write the zeros itself, which touches every page. So the
            // memory is asked for at a word's alignment, with room to begin at the first line within.
            let bytes =
                size_of::<T>().checked_mul(count).and_then(|bytes| bytes.checked_add(align_of::<T>()));
            let layout = bytes.and_then(|bytes| Layout::from_size_align(bytes, align_of::<u64>()).ok());
            let Some(layout) = layout else { handle_alloc_error(Layout::new::<T>()) };
            // SAFETY: the layout's size is not zero: an alignment is at least 1.
            let memory = unsafe { alloc_zeroed(layout) };
            let Some(memory) = NonNull::new(memory) else { handle_alloc_error(layout) };
            let skip = memory.as_ptr().align_offset(align_of::<T>());
            // SAFETY: `skip` is below the alignment, which is what was asked for beyond the values.
            let first = unsafe { memory.add(skip) }.cast::<T>();
            Self { first, count, memory, layout }
        }
    }

    impl<T> Deref for Zeroed<T> {
        type Target = [T];

        fn deref(&self) -> &[T] {
            // SAFETY: by invariant 2, for as long as we are borrowed.
            unsafe { slice::from_raw_parts(self.first.as_ptr(), self.count) }
        }
    }

    impl<T> Drop for Zeroed<T> {
        fn drop(&mut self) {
            // SAFETY: by invariant 2 `memory` came from `alloc_zeroed` with this layout; the values need no drop.
            unsafe { dealloc(self.memory.as_ptr(), self.layout) };
        }
    }

    // SAFETY: `Zeroed` owns its memory as a `Box<[T]>` would.
    unsafe impl<T: Send> Send for Zeroed<T> {}
    // SAFETY: a shared `Zeroed` gives out nothing but `&[T]`.
    unsafe impl<T: Sync> Sync for Zeroed<T> {}
}

#[cfg(crumbtrail_loom)]
mod memory {
    use std::ops::Deref;

    /// The model checker's atomics are more than their bytes, so in a model the slice is made one by one.
    #[derive(Debug)]
    pub(in crate::trail) struct Zeroed<T>(Box<[T]>);

    impl<T: Default> Zeroed<T> {
        pub(in crate::trail) fn new(count: usize) -> Self {
            Self((0..count).map(|_| T::default()).collect())
        }
    }

    impl<T> Deref for Zeroed<T> {
        type Target = [T];

        fn deref(&self) -> &[T] {
            &self.0
        }
    }
}
