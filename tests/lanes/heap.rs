//! An allocator that counts, per thread, so that tests beside each other do not disturb one another.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, with each thread's bytes counted.
pub(crate) struct Counting;

/// What a piece of work took on the thread it ran on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// The most bytes that stood at once, above what stood before.
    pub(crate) peak: usize,
    /// Bytes that stand now and did not before; negative where it gave back more than it took.
    pub(crate) kept: isize,
}

/// Runs `work` and counts what it takes on this thread.
pub(crate) fn taken<T>(work: impl FnOnce() -> T) -> (T, Taken) {
    let before = LIVE.get();
    PEAK.set(before);
    let done = work();
    let taken = Taken { peak: (PEAK.get() - before).unsigned_abs(), kept: LIVE.get() - before };
    (done, taken)
}

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: everything is handed on to `System`; the counting touches thread-locals without a destructor only, and
// allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller's contract is that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: as above; `pointer` came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both stand while it moves.
        count(size.cast_signed());
        count(-layout.size().cast_signed());
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn count(bytes: isize) {
    LIVE.set(LIVE.get() + bytes);
    PEAK.set(PEAK.get().max(LIVE.get()));
}
