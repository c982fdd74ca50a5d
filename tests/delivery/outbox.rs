//! The outbox: what could not be sent waits, within its bounds, and goes out when the server is back: all of it, once, the
//! oldest first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crumbtrail::limits::{OUTBOX_BYTES, SENDS};
use crumbtrail::{Lost, Memory, Sink, TrackedEvent};
use tracing_subscriber::prelude::*;

use crate::rig::{LONG, Rig, fault, last_id, lose, to};
use crate::server::{Absent, Act};
use crate::support::{ledger_balances, until};

#[test]
fn a_server_that_comes_back_gets_all_that_waited_once_and_in_order() {
    let absent = Absent::new();
    let rig = Rig::new(to(absent.dsn()));
    let mut ids = lose(40);
    // Two tries of it.
    for _ in 0..2 {
        assert!(rig.guard.flush(Duration::from_millis(100)).is_err());
        rig.pass(2);
    }
    ids.extend(lose(10));
    rig.hand_out();
    let server = absent.arrive([Act::status(200)]);
    rig.pass_until(|| rig.guard.stats().pending == 0);
    rig.ends(50, 50, &[]);
    in_order(&server.event_ids(), &ids);
    // While it is not known whether the server is back, one goes alone: the oldest.
    assert_eq!(server.event_ids()[0], ids[0]);

    let absent = server.leave();
    let later = lose(30);
    rig.hand_out();
    rig.pass(2);
    let server = absent.arrive([Act::status(200)]);
    rig.pass_until(|| rig.guard.stats().pending == 0);
    rig.ends(80, 80, &[]);
    in_order(&server.event_ids(), &later);
}

/// Each of them once, and none overtaken by more than those that are on their way at the same time.
#[track_caller]
fn in_order(arrived: &[String], ids: &[String]) {
    assert_eq!(arrived.len(), ids.len());
    for (index, id) in ids.iter().enumerate() {
        let place = arrived.iter().position(|arrived| arrived == id);
        let place = place.unwrap_or_else(|| panic!("{id} did not arrive"));
        assert!(place.abs_diff(index) < 2 * SENDS, "number {index} arrived as number {place}");
    }
}

/// A sink that takes nothing, and counts what the worker is done with.
#[derive(Clone, Default)]
struct Seen(Arc<AtomicUsize>);

impl Sink for Seen {
    fn deliver(&self, _: &TrackedEvent) -> Result<(), Lost> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Err(Lost::Sink)
    }
}

#[test]
fn beyond_its_bytes_the_oldest_is_lost_and_the_newest_is_sent() {
    const EVENTS: usize = 400;
    let absent = Absent::new();
    // Room enough before the outbox.
    let seen = Seen::default();
    let rig = Rig::new(to(absent.dsn()).queue(EVENTS, 64 << 20).sink(seen.clone()));
    // Texts that do not compress well, in the events and in their trails, so that an event takes some 20 KiB.
    let mut state = 1_u64;
    let mut text = || {
        let mut text = String::new();
        while text.len() < 1_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(&format!("{:x}", state >> 8));
        }
        text
    };
    let mut ids = Vec::new();
    for _ in 0..EVENTS {
        tracing::error!(error = %fault(), "{}", text());
        ids.push(last_id());
        rig.hand_out();
    }
    until(LONG, || seen.0.load(Ordering::SeqCst) == EVENTS);
    assert!(rig.guard.stats().lost[&Lost::OutboxOverflow] > 50);
    let server = absent.arrive([Act::status(200)]);
    rig.pass_until(|| rig.guard.stats().pending == 0);
    rig.flush();
    let kept = server.event_ids().len();
    let lost = (EVENTS - kept) as u64;
    rig.ends(EVENTS as u64, kept as u64, &[(Lost::OutboxOverflow, lost)]);
    assert_eq!(server.reported(), [("buffer_overflow".to_owned(), lost)].into());
    let mut arrived = server.event_ids();
    // One that was on its way may have been kept beside the newest.
    let newest = &ids[EVENTS - kept + 1..];
    assert!(newest.iter().all(|id| arrived.contains(id)), "of the newest some are lost");
    arrived.sort();
    arrived.dedup();
    assert_eq!(arrived.len(), kept);
    // What waited was within the bound, and used it.
    let bytes: usize = server.requests().iter().map(|request| request.body.len()).sum();
    assert!(bytes > OUTBOX_BYTES / 2 && bytes < OUTBOX_BYTES * 5 / 4, "{bytes} bytes");
}

#[test]
fn what_waits_is_given_up_when_the_layer_is_gone_and_the_server_stays_away() {
    let absent = Absent::new();
    let clock = crumbtrail::Clock::manual();
    let memory = Memory::new();
    let builder = to(absent.dsn()).clock(&clock).sink(memory.clone());
    let (layer, guard) = builder.build().expect("the settings are legal");
    let default = tracing_subscriber::registry().with(layer).set_default();
    lose(20);
    let _ = guard.flush(Duration::ZERO);
    drop(default);
    until(LONG, || {
        clock.advance(Duration::from_secs(30));
        guard.stats().pending == 0
    });
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.delivered, stats.lost_total()), (20, 20, 0));
    assert_eq!((stats.unsent.len(), stats.unsent[&Lost::NetworkError]), (1, 20));
    assert_eq!(memory.events().len(), 20);
}
