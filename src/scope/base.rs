//! The lane below all spans: the tokio task, or the thread.

use std::cell::Cell;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::model::{EventId, LaneData, TrailSource};
use crate::sync::{AtomicU64, Ordering, fence};

/// What the table knows of one task or thread. The thread that runs it writes here, and who takes the slot over when
/// nothing was heard of it for long; what must not go astray therefore names its lane.
#[derive(Debug, Default)]
pub(crate) struct BaseSlot {
    pub(super) key: AtomicU64,
    pub(super) lane: AtomicU64,
    /// The ring's head when the lane began: nothing of it stands before.
    pub(super) birth: AtomicU64,
    /// The ring's head when the last lane root closed here.
    since: AtomicU64,
    /// The position behind its newest breadcrumb.
    pub(super) logged: AtomicU64,
    /// When it was last used, counted in claims of slots.
    pub(super) touched: AtomicU64,
    told: ArcSwapOption<Told>,
    last_event: ArcSwapOption<Named>,
}

/// What a lane was told.
#[derive(Debug)]
struct Told {
    lane: u64,
    /// A lane root has closed since.
    past: bool,
    data: Arc<LaneData>,
}

/// The newest event of a lane.
#[derive(Debug)]
struct Named {
    lane: u64,
    event: EventId,
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
            None => Self::thread(),
        }
    }

    /// The thread, whatever runs on it.
    #[inline]
    pub(crate) fn thread() -> Self {
        Self { key: thread_number() << 1, source: TrailSource::Thread }
    }

    pub(super) fn key(self) -> u64 {
        self.key
    }

    /// The number of the task, by which tokio names it too.
    pub(super) fn task(self) -> Option<u64> {
        (self.source == TrailSource::Task).then_some(self.key >> 1)
    }
}

#[cfg(test)]
#[cfg(crumbtrail_loom)]
impl BaseKey {
    pub(super) fn of_task(task: u64) -> Self {
        Self { key: (task << 1) | 1, source: TrailSource::Task }
    }
}

impl BaseSlot {
    /// Begins a lane; the slot is the caller's alone, but for a thread that found it before it was taken over.
    pub(super) fn begin(&self, key: BaseKey, lane: u64, birth: u64) {
        self.key.store(0, Ordering::Relaxed);
        // Pairs with the Acquire fence in `lane_of`: who saw one of our parts sees that the key before them is gone.
        fence(Ordering::Release);
        self.birth.store(birth, Ordering::Relaxed);
        self.since.store(birth, Ordering::Relaxed);
        self.logged.store(0, Ordering::Relaxed);
        self.lane.store(lane, Ordering::Relaxed);
        self.told.store(None);
        self.last_event.store(None);
        self.key.store(key.key, Ordering::Release);
    }

    /// The lane of that task or thread, if the slot is still its own.
    #[inline]
    pub(super) fn lane_of(&self, key: BaseKey) -> Option<u64> {
        let lane = self.lane.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        (self.key.load(Ordering::Relaxed) == key.key).then_some(lane)
    }

    /// A lane root closed here: what was logged and told before was about its work.
    pub(super) fn close_root(&self, head: u64) {
        self.since.store(head, Ordering::Relaxed);
        if self.told.load().as_ref().is_some_and(|told| !told.past) {
            self.told.rcu(|told| {
                told.as_ref()
                    .map(|told| Arc::new(Told { past: true, data: Arc::clone(&told.data), ..**told }))
            });
        }
    }

    /// Where what was logged since the last root closed begins, if anything was.
    pub(super) fn logged_since(&self) -> Option<u64> {
        let since = self.since.load(Ordering::Relaxed);
        (self.logged.load(Ordering::Relaxed) > since).then_some(since)
    }

    /// Changes what the lane was told, or begins anew where that was about work that is over. Where the slot was taken
    /// over meanwhile, neither lane sees the other's. Returns what it was told before.
    pub(super) fn tell(&self, lane: u64, change: impl Fn(&mut LaneData)) -> Option<Arc<LaneData>> {
        let before = |old: &Option<Arc<Told>>| {
            let old = old.as_ref().filter(|old| old.lane == lane && !old.past);
            old.map(|old| Arc::clone(&old.data))
        };
        let old = self.told.rcu(|old| {
            let mut data = before(old);
            change(Arc::make_mut(data.get_or_insert_default()));
            data.map(|data| Arc::new(Told { lane, past: false, data }))
        });
        before(&old)
    }

    /// How much of the limit of idle lanes this one counts for: one, and one more for each KiB that it was told.
    pub(super) fn weight(&self) -> u64 {
        1 + self.told.load().as_ref().map_or(0, |told| told.data.bytes() as u64 / 1024)
    }

    /// What the lane was told.
    pub(super) fn told(&self, lane: u64) -> Option<Arc<LaneData>> {
        let told = self.told.load();
        told.as_ref().filter(|told| told.lane == lane).map(|told| Arc::clone(&told.data))
    }

    /// The same, if it was told anything since the last root closed.
    pub(super) fn told_since(&self, lane: u64) -> Option<Arc<LaneData>> {
        let told = self.told.load();
        let told = told.as_ref().filter(|told| told.lane == lane && !told.past);
        told.map(|told| Arc::clone(&told.data))
    }

    pub(super) fn note_event(&self, lane: u64, event: EventId) {
        self.last_event.store(Some(Arc::new(Named { lane, event })));
    }

    pub(super) fn last_event(&self, lane: u64) -> Option<EventId> {
        self.last_event.load().as_ref().filter(|named| named.lane == lane).map(|named| named.event)
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
