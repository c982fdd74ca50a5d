//! The lane below all spans: the tokio task, or the thread.

use std::cell::Cell;

use arc_swap::ArcSwapOption;
use crossbeam_utils::atomic::AtomicCell;

use crate::model::{LaneData, TrailSource};
use crate::sync::{AtomicU64, Ordering};

/// What the table knows of one task or thread. Only the thread that runs it writes here.
#[derive(Debug, Default)]
pub(crate) struct BaseSlot {
    pub(super) lane: AtomicU64,
    /// The ring's head when the lane began: nothing of it stands before.
    pub(super) birth: AtomicU64,
    /// The ring's head when the last lane root closed here.
    pub(super) since: AtomicU64,
    /// The position behind its newest breadcrumb.
    pub(super) logged: AtomicU64,
    /// When it was last used, counted in claims of slots.
    pub(super) touched: AtomicU64,
    pub(super) data: ArcSwapOption<LaneData>,
    pub(super) last_event: AtomicCell<u128>,
}

/// Which task, or which thread, the caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BaseKey {
    key: u64,
    pub(crate) source: TrailSource,
}

impl BaseKey {
    /// The task that is running, else the thread.
    #[inline]
    pub(crate) fn current() -> Self {
        match task::current() {
            Some(task) => Self { key: (task << 1) | 1, source: TrailSource::Task },
            None => Self { key: thread_number() << 1, source: TrailSource::Thread },
        }
    }

    pub(super) fn key(self) -> u64 {
        self.key
    }
}

impl BaseSlot {
    pub(super) fn begin(&self, lane: u64, birth: u64) {
        self.birth.store(birth, Ordering::Relaxed);
        self.since.store(birth, Ordering::Relaxed);
        self.logged.store(0, Ordering::Relaxed);
        self.data.store(None);
        self.last_event.store(0);
        self.lane.store(lane, Ordering::Relaxed);
    }
}

/// This thread's number: counted from 1, never given out twice.
#[inline]
fn thread_number() -> u64 {
    thread_local! {
        /// Without a destructor, so that logging from another thread-local's destructor finds it.
        static NUMBER: Cell<u64> = const { Cell::new(0) };
    }
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    NUMBER
        .try_with(|number| {
            if number.get() == 0 {
                number.set(NEXT.fetch_add(1, Ordering::Relaxed));
            }
            number.get()
        })
        .unwrap_or(u64::MAX >> 2)
}

#[cfg(feature = "tokio")]
mod task {
    use std::hash::{Hash, Hasher};

    /// The number of the running task: tokio counts its tasks and never repeats a number, but shows it only as a
    /// hash of itself.
    #[inline]
    pub(super) fn current() -> Option<u64> {
        let mut number = Number(0);
        tokio::task::try_id()?.hash(&mut number);
        // The top bits make room for the mark that tells tasks from threads.
        Some(number.0 & (u64::MAX >> 2))
    }

    struct Number(u64);

    impl Hasher for Number {
        fn write_u64(&mut self, number: u64) {
            self.0 = number;
        }

        fn write(&mut self, bytes: &[u8]) {
            // Not taken while tokio's id is a `u64`: FNV-1a, so that another form still tells tasks apart.
            for byte in bytes {
                self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
            }
        }

        fn finish(&self) -> u64 {
            self.0
        }
    }
}

#[cfg(not(feature = "tokio"))]
mod task {
    #[inline]
    pub(super) fn current() -> Option<u64> {
        None
    }
}
