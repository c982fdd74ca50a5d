//! The trail: what happened before, kept without locks.
//!
//! Writers push breadcrumbs from any thread; an ERROR copies the newest of its own lanes. Copies cross to the worker,
//! which decodes them. Nothing here blocks; only [`Trail::new`] and [`Trail::copy`] allocate.

mod cell;
mod copied;
pub(crate) mod crumb;
pub(crate) mod log_site;
pub(crate) mod record;
mod ring;
mod start_up;
pub(crate) mod text;

use crate::limits::{RING_CELLS, TRAIL_CRUMBS};

pub(crate) use cell::AtomicCallsite;
pub(crate) use copied::Copied;
use copied::CopiedRecord;
pub(crate) use ring::{Busy, Record};
use ring::{Header, PAYLOAD_WORDS, Ring};
use start_up::StartUp;

/// The ring of one pipeline, and where start-up's breadcrumbs stand in it.
#[derive(Debug)]
pub(crate) struct Trail {
    ring: Ring,
    start_up: StartUp,
}

/// A lane whose breadcrumbs a copy takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) lane: u64,
    /// From this position on.
    pub(crate) since: u64,
    /// Only what was logged in one of the spans around the event.
    pub(crate) around: bool,
}

impl Trail {
    /// A trail whose start-up is the lane `start_up`.
    pub(crate) fn new(start_up: u64) -> Self {
        Self { ring: Ring::new(RING_CELLS), start_up: StartUp::new(start_up) }
    }

    /// Where the next record will stand; positions only grow.
    pub(crate) fn head(&self) -> u64 {
        self.ring.head()
    }

    /// The oldest position that can still be read.
    pub(crate) fn oldest(&self) -> u64 {
        self.ring.oldest(self.ring.head())
    }

    /// Keeps a record and returns its position.
    #[inline]
    pub(crate) fn push(&self, record: &Record<'_>) -> Result<u64, Busy> {
        let position = self.ring.push(record)?;
        if record.lane == self.start_up.lane {
            self.start_up.note(position);
        }
        Ok(position)
    }

    /// Copies the newest breadcrumbs of the wanted lanes, and where there is room, of start-up. `spans` are those around
    /// the event.
    pub(crate) fn copy(&self, wanted: &[Wanted], spans: &[u64]) -> Copied {
        let head = self.ring.head();
        let floor = wanted.iter().map(|want| want.since).min().unwrap_or(head);
        let mut lanes = [0; MAX_LANES];
        let (wanted, beyond) = wanted.split_at_checked(MAX_LANES).unwrap_or((wanted, &[]));
        for (slot, want) in lanes.iter_mut().zip(wanted) {
            *slot = want.lane;
        }
        let lanes = lanes.get(..wanted.len()).unwrap_or_default();
        let mut copied = Copied::usual();
        let oldest = self.ring.scan(head, floor, lanes, |position| {
            self.copy_one(position, &mut copied, |header| {
                wanted.iter().any(|want| want.takes(position, header, spans))
            })
        });
        copied.cut |= floor < oldest || !beyond.is_empty();
        // Where start-up's lane is wanted in its own right, the scan has found it.
        if !lanes.contains(&self.start_up.lane) {
            self.copy_start_up(&mut copied);
        }
        copied
    }

    /// Start-up's lane is everyone's but lies far back: its positions are known, so no scan is needed. It comes last,
    /// so that a thread that goes on logging outside any span takes no room from an event's own.
    fn copy_start_up(&self, copied: &mut Copied) {
        let own = copied.records.len();
        let oldest = self.oldest();
        for position in self.start_up.newest() {
            // That start-up ages away is no loss of this lane's, and says nothing of it.
            if position < oldest {
                break;
            }
            if !self.copy_one(position, copied, |header| header.lane == self.start_up.lane) {
                break;
            }
        }
        if own < copied.records.len() {
            copied.records.sort_unstable_by_key(|record| std::cmp::Reverse(record.position));
        }
    }

    /// Copies a record if it is wanted; one more than an event carries only tells that there is one, and ends it.
    fn copy_one(&self, position: u64, copied: &mut Copied, wanted: impl FnOnce(&Header) -> bool) -> bool {
        let at = copied.words.len();
        let Some(header) = self.ring.read(position, &mut copied.words, wanted) else { return true };
        if copied.records.len() < TRAIL_CRUMBS {
            copied.grow();
            copied.records.push(CopiedRecord { position, header, at });
            return true;
        }
        copied.words.truncate(at);
        copied.cut = true;
        false
    }
}

/// Room for the fields of one breadcrumb, encoded.
pub(crate) const CRUMB_BYTES: usize = PAYLOAD_WORDS * 8;

/// Lanes that one copy takes at the most; of more, the nearest.
pub(crate) const MAX_LANES: usize = 8;

impl Wanted {
    fn takes(&self, position: u64, header: &Header, spans: &[u64]) -> bool {
        header.lane == self.lane && position >= self.since && (!self.around || spans.contains(&header.span))
    }
}
