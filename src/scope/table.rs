//! A map from 64-bit keys to slots that is read and written without a lock.
//!
//! Keys stand in groups of eight, one cache line each; a key belongs to one group of every *segment*. A segment is
//! allocated when the groups before it are full, twice as large as the last, and stays: the map grows to the most keys
//! that were in it at once and never shrinks. A slot's value is made of atomics and reused; [`Table::claim`] hands it
//! out exclusively until the key is published.
//!
//! Reading never waits and never allocates. Claiming allocates only when it is the first to need a segment.

use crossbeam_utils::CachePadded;

use crate::sync::{AtomicU64, OnceBox, Ordering};

#[derive(Debug)]
pub(crate) struct Table<V> {
    segments: [OnceBox<Segment<V>>; SEGMENTS],
}

type Segment<V> = Box<[Group<V>]>;

#[derive(Debug, Default)]
struct Group<V> {
    keys: CachePadded<[AtomicU64; SLOTS]>,
    values: [V; SLOTS],
}

const SLOTS: usize = if cfg!(crumbtrail_loom) { 2 } else { 8 };
const FIRST_GROUPS: usize = if cfg!(crumbtrail_loom) { 1 } else { 64 };
/// 512 slots in the first, and eight million in all.
const SEGMENTS: usize = 14;
const FREE: u64 = 0;
const CLAIMED: u64 = u64::MAX;

impl<V: Default> Table<V> {
    pub(crate) fn new() -> Self {
        Self { segments: [const { OnceBox::new() }; SEGMENTS] }
    }

    /// The slot of `key`, which is not the largest number; 0 is nobody's.
    #[inline]
    pub(crate) fn find(&self, key: u64) -> Option<&V> {
        // It stands in every free slot.
        if key == FREE {
            return None;
        }
        for (index, segment) in self.segments.iter().enumerate() {
            let group = group_of(segment.get()?, index, key)?;
            for (slot, value) in group.slots() {
                if holds(slot, key) {
                    return Some(value);
                }
            }
        }
        None
    }

    /// Takes a slot for `key`: a free one, else one whose value is `stale`. `fresh` writes the value, alone with it.
    pub(crate) fn claim(&self, key: u64, stale: impl Fn(&V) -> bool, fresh: impl FnOnce(&V)) -> Option<&V> {
        for (index, segment) in self.segments.iter().enumerate() {
            let groups = segment.get_or_init(|| Box::new(allocate(FIRST_GROUPS << index)));
            let Some(group) = group_of(groups, index, key) else { continue };
            let free = group.slots().find(|(slot, _)| swap(slot, FREE, CLAIMED));
            let taken = free.or_else(|| {
                group.slots().find(|(slot, value)| {
                    // Acquire: pairs with the Release of the claim, so that the verdict is on the value of this key.
                    // The exchange verifies that the key is still there.
                    let old = slot.load(Ordering::Acquire);
                    old != FREE && old != CLAIMED && stale(value) && swap(slot, old, CLAIMED)
                })
            });
            if let Some((slot, value)) = taken {
                fresh(value);
                // Release: pairs with the Acquire in `holds`: who finds the key sees the value.
                slot.store(key, Ordering::Release);
                return Some(value);
            }
        }
        None
    }

    /// Gives the slot of `key` back; `clear` empties the value, alone with it but for readers that found it before.
    pub(crate) fn release(&self, key: u64, clear: impl FnOnce(&V)) {
        let found = self.slots(key).find(|(slot, _)| holds(slot, key) && swap(slot, key, CLAIMED));
        if let Some((slot, value)) = found {
            clear(value);
            // Release: pairs with the Acquire of the next claim.
            slot.store(FREE, Ordering::Release);
        }
    }

    fn slots(&self, key: u64) -> impl Iterator<Item = (&AtomicU64, &V)> {
        let segments = self.segments.iter().map_while(OnceBox::get).enumerate();
        segments.filter_map(move |(index, groups)| group_of(groups, index, key)).flat_map(Group::slots)
    }
}

impl<V> Group<V> {
    fn slots(&self) -> impl Iterator<Item = (&AtomicU64, &V)> {
        self.keys.iter().zip(&self.values)
    }
}

fn holds(slot: &AtomicU64, key: u64) -> bool {
    // Acquire: pairs with the Release in `claim`.
    slot.load(Ordering::Acquire) == key
}

fn swap(slot: &AtomicU64, from: u64, to: u64) -> bool {
    // Acquire: pairs with the Release of whoever left the slot; a failure learns nothing.
    slot.compare_exchange(from, to, Ordering::Acquire, Ordering::Relaxed).is_ok()
}

fn group_of<V>(groups: &Segment<V>, segment: usize, key: u64) -> Option<&Group<V>> {
    // Fibonacci hashing: the top bits of a product with 2^64 divided by the golden ratio. They depend on every bit of
    // the key; the registry counts spans in the lowest, threads in the middle and generations in the highest.
    let hash = key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let bits = FIRST_GROUPS.ilog2() + segment as u32;
    // In two steps: a single group takes no bit at all, and 64 is no shift.
    groups.get((hash >> 1).wrapping_shr(63 - bits) as usize)
}

fn allocate<V: Default>(groups: usize) -> Segment<V> {
    (0..groups).map(|_| Group::default()).collect()
}

#[cfg(test)]
#[cfg(crumbtrail_loom)]
mod models;
#[cfg(test)]
#[cfg(not(crumbtrail_loom))]
mod tests;
