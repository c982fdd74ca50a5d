//! A server that wants no more is left in peace.

use std::io;
use std::time::Duration;

use crumbtrail::limits::RATE_LIMIT;
use crumbtrail::{Clock, Guard, Lost, Stack};
use tracing::error;
use tracing_subscriber::prelude::*;

use crate::server::Server;
use crate::support::{ledger_balances, until};
use crate::{PATIENCE, Sent, pipeline};

const QUOTA: usize = 5;

#[test]
fn after_a_429_nothing_is_posted_until_the_limit_is_over() {
    let Some(server) = Server::start(&["--quota", "5"], &["limited"]) else { return };
    let (clock, sent) = (Clock::manual(), Sent::default());
    let builder = pipeline(server.dsn("limited")).stack(Stack::Off).clock(&clock);
    let (layer, guard) = sent.by(builder).build().unwrap();
    let subscriber = tracing_subscriber::registry().with(layer);
    let _default = subscriber.set_default();
    let answers = |count: usize| {
        until(Duration::from_secs(10), || server.answers("limited").len() >= count);
        server.answers("limited")
    };

    // One at a time: what is on its way while the quota is used up gets a 200 there, and is thrown away.
    for number in 0..=QUOTA {
        fail(&guard, number);
    }
    let mut expected = vec![200; QUOTA];
    expected.push(429);
    assert_eq!(answers(QUOTA + 1), expected);

    for number in 0..20 {
        fail(&guard, number);
    }
    clock.advance(RATE_LIMIT - Duration::from_secs(1));
    fail(&guard, 20);
    assert_eq!(server.answers("limited"), expected, "something was posted while the limit held");

    // It ends, and the next event, and the report of those that were held back, show that the server has not changed its
    // mind.
    clock.advance(Duration::from_secs(2));
    fail(&guard, 21);
    fail(&guard, 22);
    guard.shutdown(PATIENCE).unwrap();
    let answers = answers(QUOTA + 2);
    let (before, after) = answers.split_at(QUOTA + 1);
    assert_eq!(before, expected);
    assert!(after.len() <= 2 && after.iter().all(|status| *status == 429), "{after:?}");

    let stored: Vec<_> = server.stored("limited").into_iter().map(|event| event.id).collect();
    let ids = sent.ids();
    assert_eq!(stored, ids[..QUOTA]);
    let stats = ledger_balances(&guard);
    let rest = ids.len() - QUOTA;
    assert_eq!((stats.accepted, stats.delivered), (ids.len() as u64, QUOTA as u64), "{stats:?}");
    assert_eq!(stats.lost, [(Lost::RateLimited, rest as u64)].into(), "{stats:?}");
    assert_eq!(stats.unsent, stats.lost);
    assert_eq!(server.refusals(), [""; 0]);
}

fn fail(guard: &Guard, number: usize) {
    error!(error = %io::Error::other("out of tea"), "order {number} failed");
    guard.flush(PATIENCE).unwrap();
}
