//! The table and the spans in it under loom. Run by `scripts/loom`. Groups have two slots here, and there is one.
//!
//! That `find` and `claim` wait for nobody is seen by each model's end: loom fails a thread that waits for ever.

use std::sync::Arc;

use loom::thread;
use tracing::Callsite;

use super::*;
use crate::scope::base::{BaseKey, BaseSlot};
use crate::scope::span::{NewSpan, SpanSlot};
use crate::sync::explore::{Extent, explore};
use crate::trail::crumb::Encoded;

type Values = Table<AtomicU64>;

fn claim(table: &Values, key: u64) {
    table.claim(key, |_| false, |value| value.store(key, Ordering::Relaxed)).unwrap();
}

fn value(table: &Values, key: u64) -> Option<u64> {
    table.find(key).map(|value| value.load(Ordering::Relaxed))
}

/// Runs threads at once and waits for them; readers last, as in the models of the ring.
fn race<T: 'static>(shared: &Arc<T>, threads: Vec<fn(&T)>) {
    let threads = threads.into_iter().map(|run| {
        let shared = Arc::clone(shared);
        thread::spawn(move || run(&shared))
    });
    threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn two_claims_take_two_slots_and_who_finds_one_sees_its_value() {
    explore("two_claims", Extent::All, || {
        let table = Arc::new(Values::new());
        // The first segment is made before the threads: loom does not see what `OnceBox` orders.
        claim(&table, 9);
        table.release(9, |_| {});
        race(
            &table,
            vec![|table| claim(table, 1), |table| claim(table, 2), |table| {
                assert!(matches!(value(table, 1), None | Some(1)), "a key without its value")
            }],
        );
        assert_eq!([1, 2, 9].map(|key| value(&table, key)), [Some(1), Some(2), None]);
    });
}

#[test]
fn a_slot_that_is_released_and_claimed_again_is_written_by_one_at_a_time() {
    explore("released_and_claimed", Extent::All, || {
        let table = Arc::new(Values::new());
        claim(&table, 1);
        claim(&table, 2);
        race(
            &table,
            vec![
                |table| table.release(1, |value| value.store(0, Ordering::Relaxed)),
                |table| {
                    let fresh = |value: &AtomicU64| {
                        assert_eq!(value.load(Ordering::Relaxed), 0, "claimed before it was cleared");
                        value.store(3, Ordering::Relaxed);
                    };
                    table.claim(3, |_| false, fresh).unwrap();
                },
                |table| assert_eq!(value(table, 2), Some(2)),
            ],
        );
        assert_eq!([1, 2, 3].map(|key| value(&table, key)), [None, Some(2), Some(3)]);
    });
}

#[test]
fn a_live_key_is_not_taken_over_for_what_its_slot_held_before() {
    explore("taken_over", Extent::All, || {
        let table = Arc::new(Values::new());
        claim(&table, 1);
        claim(&table, 9);
        fn take(table: &Values, key: u64) {
            let stale = |value: &AtomicU64| value.load(Ordering::Relaxed) == 1;
            table.claim(key, stale, |value| value.store(key, Ordering::Relaxed)).unwrap();
        }
        race(&table, vec![|table| take(table, 2), |table| take(table, 3)]);
        // One took the stale slot, the other another segment's.
        assert_eq!([1, 2, 3, 9].map(|key| value(&table, key)), [None, Some(2), Some(3), Some(9)]);
    });
}

/// Who reads a span that closes, while another is opened in its slot, gets it whole or not at all.
#[test]
fn a_span_is_read_whole_or_not_at_all() {
    explore("span", Extent::Preemptions(2), || {
        let spans = Arc::new(Table::<SpanSlot>::new());
        open(&spans, 1);
        open(&spans, 9);
        race(
            &spans,
            vec![
                |spans| {
                    spans.release(1, |slot| _ = slot.close(false, |_| {}));
                    open(spans, 2);
                },
                |spans| {
                    let Some((ancestor, span)) = spans.find(1).and_then(|slot| slot.read(1)) else { return };
                    let all = [ancestor.number, ancestor.lane, ancestor.parent, ancestor.birth];
                    assert_eq!(all, [1, 10, 100, 1_000], "torn");
                    assert_eq!(span.fields, 1_u64.to_le_bytes(), "torn");
                },
            ],
        );
        assert!(spans.find(1).is_none());
    });
}

/// A task that found its slot just before another took it over does not log into the other's lane.
#[test]
fn a_task_whose_slot_is_taken_over_does_not_get_the_lane_of_another() {
    explore("base", Extent::All, || {
        let bases = Arc::new(Table::<BaseSlot>::new());
        begin(&bases, 1);
        begin(&bases, 9);
        race(
            &bases,
            vec![|bases| begin(bases, 2), |bases| {
                let task = BaseKey::of_task(1);
                let lane = bases.find(task.key()).and_then(|base| base.lane_of(task));
                assert!(matches!(lane, None | Some(10)), "foreign: {lane:?}");
            }],
        );
        let lanes = [1, 2].map(|task| {
            let key = BaseKey::of_task(task);
            bases.find(key.key()).and_then(|base| base.lane_of(key))
        });
        assert_eq!(lanes, [None, Some(20)]);
    });
}

fn begin(bases: &Table<BaseSlot>, task: u64) {
    let key = BaseKey::of_task(task);
    let stale = |slot: &BaseSlot| slot.lane.load(Ordering::Relaxed) == 10;
    bases.claim(key.key(), stale, |slot| slot.begin(key, task * 10, 0)).unwrap();
}

fn open(spans: &Table<SpanSlot>, id: u64) {
    static SPAN: tracing::callsite::DefaultCallsite = tracing::callsite::DefaultCallsite::new(&METADATA);
    static METADATA: tracing::Metadata<'static> = tracing::metadata! {
        name: "span",
        target: "models",
        level: tracing::Level::INFO,
        fields: &[],
        callsite: &SPAN,
        kind: tracing::metadata::Kind::SPAN,
    };
    let words = [id.to_le_bytes()];
    let span = NewSpan {
        id,
        parent: id * 100,
        root: false,
        callsite: SPAN.metadata(),
        fields: Encoded { words: &words, cut: false },
        names: false,
        birth: id * 1_000,
    };
    spans.claim(id, |_| false, |slot| slot.open(&span, id, id * 10, 0)).unwrap();
}
