//! The table alone, and on real threads: what is claimed is found by its key, whole, until it is released.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;

use super::*;

/// A value that names its key twice.
#[derive(Debug, Default)]
struct Named([AtomicU64; 2]);

impl Named {
    fn name(&self, key: u64) {
        for part in &self.0 {
            part.store(key, Ordering::Relaxed);
        }
    }

    fn is_of(&self, key: u64) -> bool {
        self.0.iter().all(|part| part.load(Ordering::Relaxed) == key)
    }
}

fn claim(table: &Table<Named>, key: u64) -> bool {
    table.claim(key, |_| false, |value| value.name(key)).is_some()
}

/// A span without a parent asks for the parent 0: were a free slot the answer, it would take that slot's last lane.
#[test]
fn nobody_is_found_by_the_key_of_a_free_slot() {
    let table = Table::<AtomicU64>::new();
    table.claim(7, |_| false, |value| value.store(1, Ordering::Relaxed));
    table.release(7, |_| {});
    assert!(table.find(FREE).is_none());
    assert!(table.find(7).is_none());
}

#[test]
fn a_released_slot_is_used_again() {
    let table = Table::<Named>::new();
    let mut slots = HashSet::new();
    for key in 1..=10_000 {
        assert!(claim(&table, key));
        slots.insert(std::ptr::from_ref(table.find(key).unwrap()).addr());
        table.release(key, |value| value.name(0));
    }
    assert!(slots.len() <= FIRST_GROUPS, "one slot of each group, not {}", slots.len());
    assert!(table.segments[1].get().is_none());
}

#[test]
fn the_table_grows_to_the_most_keys_at_once_and_keeps_every_one() {
    let table = Table::<Named>::new();
    // As the registry makes them: an index, and a generation in the top bits.
    let keys = || (0..50_000_u64).map(|index| (index % 7) << 51 | (index + 1));
    for key in keys() {
        assert!(claim(&table, key));
    }
    assert!(keys().all(|key| table.find(key).is_some_and(|value| value.is_of(key))));
    keys().for_each(|key| table.release(key, |value| value.name(0)));
    assert!(keys().all(|key| table.find(key).is_none()));
    let segments = table.segments.iter().filter(|segment| segment.get().is_some()).count();
    assert!(segments <= 9, "50,000 keys took {segments} segments");
}

#[test]
fn only_a_stale_value_is_taken_over_and_only_when_its_group_is_full() {
    let table = Table::<Named>::new();
    // Keys of one group: each takes the same slot where it is alone.
    let home = |key: u64| {
        assert!(claim(&table, key));
        let home = std::ptr::from_ref(table.find(key).unwrap());
        table.release(key, |_| {});
        home
    };
    let first = home(1);
    let keys: Vec<_> = (1..).filter(|key| home(*key) == first).take(SLOTS + 2).collect();
    let stale = |value: &Named| value.is_of(keys[3]);
    let take = |key: u64| table.claim(key, stale, |value| value.name(key)).is_some();
    for key in &keys[..SLOTS] {
        assert!(take(*key));
    }
    assert!(table.find(keys[3]).is_some());
    assert!(take(keys[SLOTS]));
    assert!(table.find(keys[3]).is_none(), "the stale one made room");
    assert!(table.segments[1].get().is_none());
    assert!(take(keys[SLOTS + 1]));
    assert!(table.segments[1].get().is_some(), "nothing stale was left");
    for key in keys.iter().filter(|key| **key != keys[3]) {
        assert!(table.find(*key).is_some_and(|value| value.is_of(*key)));
    }
}

/// Four threads open and close spans of their own in a table that they share, and look for each other's.
#[test]
fn what_a_thread_claimed_it_finds_whatever_the_others_do() {
    const THREADS: u64 = 4;
    const ROUNDS: u64 = 50_000;
    const ALIVE: u64 = 200;
    let table = Table::<Named>::new();
    let start = Barrier::new(THREADS as usize);
    let foreign: u64 = thread::scope(|scope| {
        let threads = (0..THREADS).map(|thread| {
            let (table, start) = (&table, &start);
            scope.spawn(move || {
                let key = |thread: u64, round: u64| round * THREADS + thread + 1;
                let mut foreign = 0;
                start.wait();
                for round in 0..ROUNDS {
                    assert!(claim(table, key(thread, round)));
                    if round >= ALIVE {
                        let oldest = key(thread, round - ALIVE);
                        assert!(table.find(oldest).is_some_and(|value| value.is_of(oldest)));
                        table.release(oldest, |value| value.name(0));
                        assert!(table.find(oldest).is_none());
                    }
                    foreign += u64::from(table.find(key((thread + 1) % THREADS, round)).is_some());
                }
                for round in ROUNDS - ALIVE..ROUNDS {
                    table.release(key(thread, round), |value| value.name(0));
                }
                foreign
            })
        });
        threads.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    println!("{} claims, {foreign} looks that found another thread's key", THREADS * ROUNDS);
    let groups = table.segments.iter().filter_map(OnceBox::get).flatten();
    assert!(groups.flat_map(|group| group.keys.iter()).all(|key| key.load(Ordering::Relaxed) == FREE));
}
