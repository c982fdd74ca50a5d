//! The outbox: what could not be sent waits, within its bounds, and goes out when the server is back: all of it, once, the
//! oldest first.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crumbtrail::limits::{OUTBOX_BYTES, SENDS};
use crumbtrail::{Lost, Memory, Sink, TrackedEvent};
use tracing_subscriber::prelude::*;

use crate::network::counting;
use crate::rig::{LONG, Rig, fault, last_id, lose, stays, to};
use crate::server::{Absent, Act, Answer, Gate};
use crate::support::{ledger_balances, until};

#[test]
fn a_server_that_comes_back_gets_all_that_waited_once_and_in_order() {
    let absent = Absent::new();
    let (tries, look_up) = counting(absent.address());
    let rig = Rig::new(to(format!("http://key@server.test:{}/42", absent.address().port())).look_up(look_up));
    let mut ids = lose(40);
    rig.hand_out();
    // From the first failure on one at a time; each is tried often enough to outlast this.
    until(LONG, || tries.load(Ordering::SeqCst) > 0);
    stays(|| tries.load(Ordering::SeqCst) <= SENDS);
    let at_first = tries.load(Ordering::SeqCst);
    rig.pass_until(|| tries.load(Ordering::SeqCst) > at_first);
    ids.extend(lose(10));
    rig.hand_out();
    let gate = Gate::default();
    let server = absent.arrive([Act::status(200), Act::Answer(Answer::new(200).behind(&gate))]);
    // The oldest goes alone, and when it is known that the server is back, the next ones.
    rig.pass_until(|| server.requests().len() == 1 + SENDS);
    assert_eq!(server.event_ids()[0], ids[0]);
    assert_eq!(sorted(server.event_ids()), sorted(ids[..1 + SENDS].to_vec()));
    gate.open();
    rig.pass_until(|| rig.guard.stats().pending == 0);
    rig.ends(50, 50, &[]);
    assert_eq!(sorted(server.event_ids()), sorted(ids));

    // Once more: a server that was there, and went.
    let absent = server.leave();
    let ids = lose(30);
    rig.hand_out();
    rig.pass(2);
    let server = absent.arrive([Act::status(200)]);
    rig.pass_until(|| rig.guard.stats().pending == 0);
    rig.ends(80, 80, &[]);
    assert_eq!(sorted(server.event_ids()), sorted(ids));
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
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
    const EVENTS: usize = 280;
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
    assert!(rig.guard.stats().lost[&Lost::OutboxOverflow] > 10);
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
