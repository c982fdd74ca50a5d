//! Where start-up's breadcrumbs stand: every event sees them, and they lie too far back to be scanned for.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::TRAIL_CRUMBS;

/// The newest positions of start-up's lane. One thread writes them: the one that built the pipeline.
#[derive(Debug)]
pub(super) struct StartUp {
    pub(super) lane: u64,
    positions: [AtomicU64; KEPT],
    noted: AtomicU64,
}

/// A power of two, and more than one copy takes.
const KEPT: usize = TRAIL_CRUMBS.next_power_of_two();

impl StartUp {
    pub(super) fn new(lane: u64) -> Self {
        Self { lane, positions: [const { AtomicU64::new(0) }; KEPT], noted: AtomicU64::new(0) }
    }

    pub(super) fn note(&self, position: u64) {
        // Relaxed: this thread alone writes it.
        let noted = self.noted.load(Ordering::Relaxed);
        if let Some(slot) = self.positions.get(noted as usize % KEPT) {
            slot.store(position, Ordering::Relaxed);
        }
        // Release: pairs with the Acquire in `newest`, so that the position is seen with the count.
        self.noted.store(noted.wrapping_add(1), Ordering::Release);
    }

    /// The newest positions, newest first. One that is overwritten meanwhile leads to a newer record of the same lane,
    /// and out of the order, and ends them.
    pub(super) fn newest(&self) -> impl Iterator<Item = u64> {
        let noted = self.noted.load(Ordering::Acquire);
        let mut before = u64::MAX;
        // One more than an event carries, which tells that there is one.
        (noted.saturating_sub(TRAIL_CRUMBS as u64 + 1)..noted).rev().map_while(move |index| {
            let position = self.positions.get(index as usize % KEPT)?.load(Ordering::Relaxed);
            let in_order = position < before;
            before = position;
            in_order.then_some(position)
        })
    }
}
