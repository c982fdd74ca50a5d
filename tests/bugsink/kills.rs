//! A server that dies under load and comes back.

use std::collections::BTreeSet;
use std::io;
use std::thread;
use std::time::Duration;

use crumbtrail::Stack;
use tracing::error;
use tracing_subscriber::prelude::*;

use crate::server::Server;
use crate::support::{ledger_balances, until};
use crate::{PATIENCE, Sent, pipeline};

const ROUNDS: usize = 3;
const EACH: usize = 40;

#[test]
fn a_server_killed_and_started_again_stores_every_event_once() {
    let Some(mut server) = Server::start_lasting("kills", &["killed"]) else { return };
    let sent = Sent::default();
    let (layer, guard) = sent.by(pipeline(server.dsn("killed")).stack(Stack::Off)).build().unwrap();
    let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(layer));
    for round in 1..=ROUNDS {
        let before = server.count("killed");
        log(&dispatch, round);
        // In the middle of it: some are stored, some are on their way, some wait.
        until(Duration::from_secs(60), || server.count("killed") > before);
        server.kill();
        assert!(server.count("killed") < before + EACH, "the server was killed when all was done");
        log(&dispatch, round);
        server.start_again();
        guard.flush(PATIENCE).unwrap();
    }
    guard.shutdown(PATIENCE).unwrap();

    let stored = server.stored("killed");
    let ids: BTreeSet<_> = stored.iter().map(|event| event.id.clone()).collect();
    assert_eq!((stored.len(), ids.len()), (ROUNDS * 2 * EACH, ROUNDS * 2 * EACH));
    assert_eq!(ids, sent.ids().into_iter().collect());
    let stats = ledger_balances(&guard);
    assert_eq!(stats.accepted, stored.len() as u64, "{stats:?}");
    assert_eq!((stats.delivered, stats.unsent.len()), (stats.accepted, 0), "{stats:?}");
    // One whose answer was lost is sent again, and known there.
    let refusals = server.refusals();
    assert!(refusals.iter().all(|refusal| refusal.contains("Event already exists")), "{refusals:#?}");
}

/// Logs from two threads at once.
fn log(dispatch: &tracing::Dispatch, round: usize) {
    thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || {
                tracing::dispatcher::with_default(dispatch, || {
                    for number in 0..EACH / 2 {
                        let number = half * EACH + number;
                        error!(error = %io::Error::other("out of tea"), round, "order {number} failed");
                    }
                });
            });
        }
    });
}
