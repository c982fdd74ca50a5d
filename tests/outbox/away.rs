//! A server that is away: what could not be sent waits in the store for it, and nobody waits longer than they said.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crumbtrail::limits::{DROP_FLUSH, SEND_TRIES};
use tracing_subscriber::prelude::*;

use crate::rig::{LONG, Place, Rig, dsn_at, here, lose, nowhere, sorted, to};
use crate::server::{Absent, Act, Server};
use crate::support::{in_time, ledger_balances, until};

#[test]
fn what_was_tried_in_vain_is_sent_when_the_server_is_back_without_a_restart() {
    const EVENTS: usize = 5;
    let place = Place::new();
    let absent = Absent::new();
    let address = absent.address();
    let tries = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&tries);
    let look_up = move |_: &str| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(vec![address])
    };
    let rig = Rig::new(to(dsn_at(address.port()), &place.store()).look_up(look_up));
    let ids = lose(EVENTS);
    rig.hand_out();
    // Each as often as any event is tried, and then one of them now and then.
    rig.pass_until(|| tries.load(Ordering::SeqCst) > EVENTS * SEND_TRIES as usize + 5);
    assert_eq!(place.waiting(), ids);
    let server = absent.arrive([Act::status(200)]);
    rig.pass_until(|| place.waiting().is_empty());
    rig.flush();
    assert_eq!(sorted(server.event_ids()), sorted(ids));
    let stats = ledger_balances(&rig.guard);
    assert_eq!((stats.delivered, stats.unsent.len()), (EVENTS as u64, 0));
}

#[test]
fn more_than_memory_is_for_waits_in_the_store_and_arrives() {
    const EVENTS: usize = 400;
    let place = Place::new();
    let absent = Absent::new();
    let rig = Rig::new(to(absent.dsn(), &place.store()).queue(EVENTS, 64 << 20));
    // Texts that do not compress well, so that they are more than the outbox in memory has room for.
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
        tracing::error!(error = %std::io::Error::other("disk on fire"), "{}", text());
        ids.push(crumbtrail::last_event_id().expect("it is captured").to_string());
        rig.hand_out();
    }
    until(LONG, || rig.guard.stats().delivered == EVENTS as u64);
    assert_eq!(sorted(place.waiting()), sorted(ids.clone()));
    let server = absent.arrive([Act::status(200)]);
    rig.pass_until(|| place.waiting().is_empty());
    rig.flush();
    assert_eq!(sorted(server.event_ids()), sorted(ids));
    assert_eq!(ledger_balances(&rig.guard).unsent.len(), 0);
}

#[test]
fn nobody_waits_for_what_waits_beyond_their_deadline() {
    let place = Place::new();
    let silent = Server::new([Act::Silence]);
    let port = silent.address().port();
    let builder = |is_there: bool| {
        let builder = to(dsn_at(port), &place.store());
        if is_there { builder.look_up(here(port)) } else { builder.look_up(nowhere(port)) }
    };
    let rig = Rig::new(builder(false));
    let ids = lose(200);
    rig.hand_out();
    until(LONG, || place.waiting().len() == ids.len());
    rig.end(&place);

    for is_there in [false, true] {
        // As if whoever had it to send were gone.
        place.change("UPDATE outbox SET owner = 7");
        let (layer, guard) = builder(is_there).build().expect("the settings are legal");
        let default = tracing_subscriber::registry().with(layer).set_default();
        lose(20);
        let deadline = Duration::from_millis(200);
        in_time("a flush beside a full outbox", deadline, || {
            let _ = guard.flush(deadline);
        });
        in_time("a shutdown beside a full outbox", deadline, || {
            let _ = guard.shutdown(deadline);
        });
        ledger_balances(&guard);
        drop(default);
        let mut guard = Some(guard);
        in_time("a drop beside a full outbox", DROP_FLUSH, || drop(guard.take()));
    }
}
