//! The end of a pipeline: nothing that was accepted is left without an account, whoever is in the middle of what.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use crumbtrail::{Lost, Memory, Sink, Stack, Throttle, TrackedEvent};
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::prelude::*;

use crate::prelude::{held, lose_one, pipeline, registered};
use crate::support::{ledger_balances, until};

#[test]
fn whoever_logs_into_a_shutdown_is_counted() {
    for _ in 0..20 {
        let memory = Memory::new();
        // A short queue, so that a round is quick.
        let builder = crumbtrail::builder()
            .throttle(Throttle::Off)
            .panics(false)
            .stack(Stack::Off)
            .queue(64, 1 << 20)
            .sink(memory.clone());
        let (layer, guard) = builder.build().expect("the settings are legal");
        let stack = Dispatch::new(tracing_subscriber::registry().with(layer));
        let (begin, stop) = (Barrier::new(4), AtomicBool::new(false));
        let logged = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    dispatcher::with_default(&stack, || {
                        begin.wait();
                        while !stop.load(Ordering::Relaxed) {
                            lose_one();
                            logged.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                });
            }
            begin.wait();
            until(Duration::from_secs(10), || logged.load(Ordering::Relaxed) > 10);
            assert_eq!(guard.shutdown(Duration::from_secs(10)), Ok(()));
            let seen = logged.load(Ordering::Relaxed);
            until(Duration::from_secs(10), || logged.load(Ordering::Relaxed) > seen + 10);
            stop.store(true, Ordering::Relaxed);
        });
        until(Duration::from_secs(10), || guard.stats().pending == 0);
        let stats = ledger_balances(&guard);
        assert_eq!(stats.accepted, logged.load(Ordering::Relaxed));
        assert_eq!(stats.delivered, memory.events().len() as u64);
        assert!(stats.lost[&Lost::AfterShutdown] >= 10);
    }
}

#[test]
fn what_a_shutdown_left_is_delivered_however_slow_the_sink() {
    const EVENTS: u64 = 30;
    let (sink, holder) = held();
    let (_default, guard) = registered(sink);
    (0..EVENTS).for_each(|_| lose_one());
    holder.hangs();
    assert!(guard.shutdown(Duration::ZERO).is_err());
    // The worker hears of the shutdown between two events; by now it has.
    (0..EVENTS / 2).for_each(|_| holder.let_one_go());
    until(Duration::from_secs(10), || holder.delivered() == EVENTS / 2);
    // Longer than the worker waits for those that are about to send.
    let begun = Instant::now();
    until(Duration::from_secs(10), || begun.elapsed() > Duration::from_millis(1_200));
    let delivered = holder.let_all_go();
    assert_eq!(guard.flush(Duration::from_secs(10)), Ok(()));
    assert_eq!(delivered.load(Ordering::Relaxed), EVENTS);
    let stats = ledger_balances(&guard);
    assert_eq!((stats.delivered, stats.pending), (EVENTS, 0));
}

#[test]
fn a_shutdown_without_an_event_is_at_once() {
    let (layer, guard) = pipeline(Memory::new());
    assert_eq!(guard.shutdown(Duration::ZERO), Ok(()));
    assert_eq!(guard.shutdown(Duration::MAX), Ok(()));
    assert_eq!(guard.flush(Duration::MAX), Ok(()));
    drop(layer);
    assert_eq!(ledger_balances(&guard).accepted, 0);
}

/// A sink that says when it is gone.
struct Mortal(Arc<AtomicBool>);

impl Sink for Mortal {
    fn deliver(&self, _: &TrackedEvent) -> Result<(), Lost> {
        Ok(())
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn the_worker_ends_with_the_layer_and_not_with_the_guard() {
    let gone = Arc::<AtomicBool>::default();
    let (default, guard) = registered(Mortal(Arc::clone(&gone)));
    let handle = guard.handle();
    lose_one();
    drop(guard);
    lose_one();
    assert_eq!(handle.flush(Duration::from_secs(10)), Ok(()));
    assert_eq!(handle.stats().delivered, 2);
    assert!(!gone.load(Ordering::Relaxed));
    drop(default);
    until(Duration::from_secs(10), || gone.load(Ordering::Relaxed));
    assert_eq!(handle.flush(Duration::ZERO), Ok(()));
}

#[test]
fn the_worker_ends_at_a_shutdown() {
    let gone = Arc::<AtomicBool>::default();
    let (_default, guard) = registered(Mortal(Arc::clone(&gone)));
    lose_one();
    assert_eq!(guard.shutdown(Duration::from_secs(10)), Ok(()));
    until(Duration::from_secs(10), || gone.load(Ordering::Relaxed));
    lose_one();
    let stats = ledger_balances(&guard);
    assert_eq!((stats.delivered, stats.lost[&Lost::AfterShutdown]), (1, 1));
}
