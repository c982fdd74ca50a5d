//! A sink that hangs: flush, shutdown and the guard's drop return by their deadlines, and callers never wait.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use crumbtrail::limits::DROP_FLUSH;
use crumbtrail::{Lost, Stack, Throttle};
use tracing_subscriber::prelude::*;

use crate::prelude::{held, in_time, lose_one, measured_in_time, registered};
use crate::support::{ledger_balances, until};

#[test]
fn a_flush_returns_by_its_deadline() {
    let (sink, holder) = held();
    let (_default, guard) = registered(sink);
    lose_one();
    lose_one();
    holder.hangs();
    for deadline in [0, 1, 20, 200].map(Duration::from_millis) {
        in_time("flush", deadline, || {
            let late = guard.flush(deadline).expect_err("the sink hangs");
            assert!(late.is_deadline() && !late.is_on_worker() && !late.is_worker_gone());
            assert_eq!(late.to_string(), "the time was up with 2 events still waiting");
        });
        in_time("a handle's flush", deadline, || assert!(guard.handle().flush(deadline).is_err()));
    }
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.delivered, stats.pending), (2, 0, 2));
    holder.let_all_go();
    assert_eq!(guard.flush(Duration::from_secs(10)), Ok(()));
    assert_eq!(ledger_balances(&guard).delivered, 2);
}

#[test]
fn a_flush_waits_for_what_came_before_it_only() {
    let (sink, holder) = held();
    let (_default, guard) = registered(sink);
    lose_one();
    holder.hangs();
    thread::scope(|scope| {
        let handle = guard.handle();
        let flush = scope.spawn(move || handle.flush(Duration::from_secs(30)));
        // Whether the flush has begun or not: it waits for the first event, and perhaps for the second.
        lose_one();
        holder.let_one_go();
        holder.hangs();
        holder.let_one_go();
        assert_eq!(flush.join().expect("a flush does not panic"), Ok(()));
    });
    lose_one();
    holder.hangs();
    until(Duration::from_secs(10), || holder.delivered() == 2);
    assert!(guard.flush(Duration::from_millis(1)).is_err());
    drop(holder);
    ledger_balances(&guard);
}

#[test]
fn a_shutdown_returns_by_its_deadline() {
    for deadline in [0, 1, 20, 200].map(Duration::from_millis) {
        measured_in_time("shutdown", deadline, || {
            let (sink, holder) = held();
            let (_default, guard) = registered(sink);
            lose_one();
            lose_one();
            holder.hangs();
            let begun = Instant::now();
            assert!(guard.shutdown(deadline).expect_err("the sink hangs").is_deadline());
            let spent = begun.elapsed();
            lose_one();
            let stats = ledger_balances(&guard);
            assert_eq!((stats.accepted, stats.lost[&Lost::AfterShutdown], stats.pending), (3, 1, 2));
            // What was left goes on being delivered.
            let delivered = holder.let_all_go();
            until(Duration::from_secs(10), || delivered.load(Ordering::Relaxed) == 2);
            spent
        });
    }
}

#[test]
fn dropping_the_guard_returns_by_its_deadline() {
    measured_in_time("drop", DROP_FLUSH, || {
        let (sink, holder) = held();
        let (_default, guard) = registered(sink);
        let handle = guard.handle();
        lose_one();
        holder.hangs();
        let begun = Instant::now();
        drop(guard);
        let spent = begun.elapsed();
        assert!(spent >= DROP_FLUSH, "the drop gave up after {spent:?}");
        // The pipeline works on.
        lose_one();
        drop(holder);
        assert_eq!(handle.flush(Duration::from_secs(10)), Ok(()));
        assert_eq!((handle.stats().accepted, handle.stats().delivered), (2, 2));
        spent
    });
}

#[test]
fn with_a_full_queue_callers_never_wait_and_deadlines_hold() {
    const QUEUE: usize = 8;
    const LINES: u64 = 2_000;
    let (sink, holder) = held();
    let builder = crumbtrail::builder()
        .throttle(Throttle::Off)
        .panics(false)
        .stack(Stack::Off)
        .queue(QUEUE, 1 << 20)
        .sink(sink);
    let (layer, guard) = builder.build().expect("the settings are legal");
    let _default = tracing_subscriber::registry().with(layer).set_default();
    lose_one();
    holder.hangs();
    // That this loop ends is the point: the sink hangs all along.
    (0..LINES).for_each(|_| lose_one());
    let mut logged = 1 + LINES;
    // Few at a time: in a longer loop a busy machine takes the core away from one of the calls.
    measured_in_time("the longest of 50 calls", Duration::ZERO, || {
        logged += 50;
        let call = |_| {
            let begun = Instant::now();
            lose_one();
            begun.elapsed()
        };
        (0..50).map(call).max().unwrap_or_default()
    });
    for deadline in [0, 100].map(Duration::from_millis) {
        in_time("flush of a full queue", deadline, || assert!(guard.flush(deadline).is_err()));
    }
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.delivered), (logged, 0));
    assert_eq!(stats.pending, QUEUE as u64 + 1);
    assert_eq!(stats.lost[&Lost::QueueOverflow], logged - stats.pending);
    let deadline = Duration::from_millis(20);
    in_time("shutdown of a full queue", deadline, || assert!(guard.shutdown(deadline).is_err()));
    let delivered = holder.let_all_go();
    until(Duration::from_secs(10), || delivered.load(Ordering::Relaxed) == QUEUE as u64 + 1);
    assert_eq!(ledger_balances(&guard).accepted, logged);
}

#[test]
fn the_queue_is_bounded_in_bytes_too() {
    const BYTES: usize = 64 * 1024;
    let (sink, holder) = held();
    let builder = crumbtrail::builder()
        .throttle(Throttle::Off)
        .panics(false)
        .stack(Stack::Off)
        .queue(100_000, BYTES)
        .sink(sink);
    let (layer, guard) = builder.build().expect("the settings are legal");
    let _default = tracing_subscriber::registry().with(layer).set_default();
    lose_one();
    holder.hangs();
    let long = "x".repeat(4_000);
    for _ in 0..100 {
        tracing::error!(error = %long, "lost");
    }
    let stats = ledger_balances(&guard);
    // Each holds the text twice at least: as the error, and as the field.
    assert!((2..=BYTES as u64 / 8_000 + 1).contains(&stats.pending), "{stats:?}");
    assert_eq!(stats.lost[&Lost::QueueOverflow], 101 - stats.pending);
    drop(holder);
    assert_eq!(guard.flush(Duration::from_secs(10)), Ok(()));
    // The room is there again.
    lose_one();
    assert_eq!(guard.flush(Duration::from_secs(10)), Ok(()));
    let stats = ledger_balances(&guard);
    assert_eq!(stats.delivered, stats.accepted - stats.lost_total());
}

#[test]
fn many_may_flush_and_shut_down_at_once() {
    let (sink, holder) = held();
    let (_default, guard) = registered(sink);
    lose_one();
    holder.hangs();
    let deadline = Duration::from_millis(100);
    in_time("16 flushes and shutdowns at once", deadline, || {
        thread::scope(|scope| {
            for index in 0..16 {
                let (guard, handle) = (&guard, guard.handle());
                scope.spawn(move || {
                    let late = match index % 3 {
                        0 => guard.flush(deadline),
                        1 => guard.shutdown(deadline),
                        _ => handle.flush(deadline),
                    };
                    assert!(late.is_err_and(|late| late.is_deadline()));
                });
            }
        });
    });
    drop(holder);
    assert_eq!(guard.flush(Duration::from_secs(10)), Ok(()));
    ledger_balances(&guard);
}

#[test]
fn no_deadline_is_too_long() {
    let (sink, holder) = held();
    let (_default, guard) = registered(sink);
    lose_one();
    holder.hangs();
    thread::scope(|scope| {
        let flush = scope.spawn(|| guard.flush(Duration::MAX));
        let shutdown = scope.spawn(|| guard.shutdown(Duration::MAX));
        let handle = guard.handle();
        let nearly = scope.spawn(move || handle.flush(Duration::from_secs(u64::MAX - 1)));
        holder.let_one_go();
        for call in [flush, shutdown, nearly] {
            assert_eq!(call.join().expect("no deadline overflows"), Ok(()));
        }
    });
    assert_eq!(ledger_balances(&guard).delivered, 1);
}
