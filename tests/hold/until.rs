//! How long an event is held: until its lane closes, a second at the most, or until somebody flushes.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use crumbtrail::{Clock, Guard, Lost, Sink, Stack, Throttle, TrackedEvent};
use tracing::{Dispatch, dispatcher, error, info_span, instrument};
use tracing_subscriber::prelude::*;

use crate::support::{child, ledger_balances, role, until};

/// Hands events on to the test as they are delivered, without a flush.
struct Seen(Sender<TrackedEvent>);

impl Sink for Seen {
    fn deliver(&self, event: &TrackedEvent) -> Result<(), Lost> {
        self.0.send(event.clone()).map_err(|_| Lost::Sink)
    }
}

/// A pipeline whose clock stands still, and what it delivers.
fn standing(clock: &Clock) -> (Dispatch, Guard, Receiver<TrackedEvent>) {
    let (seen, delivered) = channel();
    let builder =
        crumbtrail::builder().stack(Stack::Off).throttle(Throttle::Off).clock(clock).queue(16_384, 64 << 20);
    let (layer, guard) = builder.sink(Seen(seen)).build().unwrap();
    (Dispatch::new(tracing_subscriber::registry().with(layer)), guard, delivered)
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn the_close_of_its_lane_lets_an_event_go() {
    let (dispatch, guard, delivered) = standing(&Clock::manual());
    dispatcher::with_default(&dispatch, || {
        let job = info_span!("job").entered();
        error!(error = "refused", "failed");
        until(LONG, || guard.stats().accepted == 1);
        drop(job);
        // No flush, and no time passes by the pipeline's clock.
        let event = delivered.recv_timeout(LONG).unwrap();
        assert_eq!(event.message.as_deref(), Some("failed"));
    });
    until(LONG, || guard.stats().pending == 0);
    ledger_balances(&guard);
}

#[test]
fn what_is_logged_while_its_lane_is_open_waits_a_second() {
    let clock = Clock::manual();
    let (dispatch, guard, delivered) = standing(&clock);
    dispatcher::with_default(&dispatch, || {
        let _job = info_span!("job").entered();
        error!(error = "refused", "failed");
        clock.advance(Duration::from_millis(999));
        // Far longer than the worker takes to look again.
        assert!(delivered.recv_timeout(Duration::from_millis(300)).is_err());
        assert_eq!((guard.stats().pending, guard.stats().delivered), (1, 0));
        clock.advance(Duration::from_millis(1_001));
        assert_eq!(delivered.recv_timeout(LONG).unwrap().message.as_deref(), Some("failed"));
    });
    until(LONG, || guard.stats().pending == 0);
    ledger_balances(&guard);
}

#[test]
fn by_the_systems_clock_a_second_is_a_second() {
    let (dispatch, guard, delivered) = standing(&Clock::default());
    dispatcher::with_default(&dispatch, || {
        let begun = Instant::now();
        error!(error = "refused", "failed");
        delivered.recv_timeout(LONG).unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
    });
    until(LONG, || guard.stats().pending == 0);
    ledger_balances(&guard);
}

#[test]
fn a_flush_lets_go_of_everything_that_came_before_it() {
    #[instrument(err)]
    fn refused() -> Result<(), std::io::Error> {
        Err(std::io::Error::other("refused"))
    }

    let (dispatch, guard, delivered) = standing(&Clock::manual());
    dispatcher::with_default(&dispatch, || {
        let _job = info_span!("job").entered();
        for number in 0..100 {
            assert!(refused().is_err());
            error!(error = "cannot: refused", number, "failed");
            guard.flush(LONG).unwrap();
            // What the queue still held was folded before it was let go.
            let event = delivered.try_recv().unwrap();
            assert_eq!((event.logged_at.len(), &event.fields["number"]), (2, &number.into()));
            assert!(delivered.try_recv().is_err());
        }
    });
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.delivered, stats.folded, stats.pending), (200, 100, 100, 0));
}

#[test]
fn what_is_held_when_the_layer_goes_is_delivered() {
    for shut_down in [true, false] {
        let (dispatch, guard, delivered) = standing(&Clock::manual());
        dispatcher::with_default(&dispatch, || error!(error = "refused", "failed"));
        if shut_down {
            guard.shutdown(LONG).unwrap();
        } else {
            drop(dispatch);
        }
        assert_eq!(delivered.recv_timeout(LONG).unwrap().message.as_deref(), Some("failed"));
        until(LONG, || guard.stats().pending == 0);
        assert_eq!(ledger_balances(&guard).delivered, 1);
    }
}

#[test]
fn a_storm_of_ten_thousand_lanes_that_close_is_delivered() {
    let (dispatch, guard, delivered) = standing(&Clock::manual());
    let threads = 4;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let dispatch = &dispatch;
            scope.spawn(move || {
                dispatcher::with_default(dispatch, || {
                    for number in 0..10_000 / threads {
                        let _job = info_span!("job", thread, number).entered();
                        error!(error = "refused", "failed");
                    }
                });
            });
        }
    });
    // Closes that found no room are made good for by the flush.
    guard.flush(Duration::from_secs(60)).unwrap();
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.pending, stats.folded), (10_000, 0, 0));
    assert_eq!(delivered.try_iter().count() as u64, stats.delivered);
    assert_eq!(stats.delivered + stats.lost_total(), 10_000);
}

/// On Linux the kernel counts how often a thread went to sleep.
#[cfg(target_os = "linux")]
#[test]
fn a_program_that_logs_nothing_wakes_nobody() {
    if role().is_none() {
        child("idle", "until::a_program_that_logs_nothing_wakes_nobody").run().succeeded();
        return;
    }
    let (dispatch, guard, _delivered) = standing(&Clock::default());
    let slept = || {
        let mut tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
        let named = |path: &std::path::PathBuf| {
            std::fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim() == "crumbtrail")
        };
        let worker = tasks.find(named)?;
        let status = std::fs::read_to_string(worker.join("status")).unwrap();
        let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
        count.trim().parse::<u64>().ok()
    };
    guard.flush(LONG).unwrap();
    // Until it has begun to sleep.
    until(LONG, || slept().is_some());
    let mut before = slept();
    until(LONG, || {
        std::thread::sleep(Duration::from_millis(100));
        std::mem::replace(&mut before, slept()) == before
    });
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(slept(), before);
    drop(dispatch);
}
