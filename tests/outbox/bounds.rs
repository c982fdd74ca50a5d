//! Bounds of what waits: the oldest falls out, and is counted.

use crumbtrail::Lost;
use crumbtrail::limits::{STORED_OUTBOX_BYTES, STORED_OUTBOX_DAYS};

use crate::rig::{LONG, Place, Rig, lose, sorted, to};
use crate::server::{Absent, Act, Server};
use crate::support::{ledger_balances, until};

#[test]
fn beyond_its_bytes_the_oldest_is_given_up_and_counted() {
    const BYTES: u64 = 1_000_000;
    let place = Place::new();
    let server = Server::answering(200);
    Rig::new(to(server.dsn(), &place.store())).end(&place);
    // Left by somebody for a server that nobody sends to any more.
    place.change(&format!(
        "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 70)
         INSERT INTO outbox (seq, id, owner, server, time, bytes)
             SELECT n, randomblob(16), 7, 7, 4102444800000, {BYTES} FROM number;
         INSERT INTO outbox_document (seq, document) SELECT seq, zeroblob({BYTES}) FROM outbox;"
    ));
    let newest = place.waiting();
    let rig = Rig::new(to(server.dsn(), &place.store()));
    let most = (STORED_OUTBOX_BYTES / BYTES) as usize;
    until(LONG, || place.waiting().len() <= most);
    assert_eq!(place.waiting(), newest[70 - most..]);
    rig.flush();
    let fallen = 70 - most as u64;
    assert_eq!(ledger_balances(&rig.guard).unsent[&Lost::OutboxOverflow], fallen);
    assert_eq!(server.reported(), [("buffer_overflow".to_owned(), fallen)].into());
    assert!(server.event_ids().is_empty());
}

#[test]
fn what_has_waited_for_days_is_given_up_and_what_is_younger_is_sent() {
    let place = Place::new();
    let absent = Absent::new();
    let rig = Rig::new(to(absent.dsn(), &place.store()));
    let ids = lose(5);
    rig.hand_out();
    until(LONG, || place.waiting().len() == ids.len());
    rig.end(&place);
    let days_ms = (STORED_OUTBOX_DAYS + 1) * 24 * 60 * 60 * 1_000;
    place.change(&format!(
        "UPDATE outbox SET time = time - {days_ms} WHERE seq IN (SELECT seq FROM outbox LIMIT 2)"
    ));
    let server = absent.arrive([Act::status(200)]);
    let next = Rig::new(to(server.dsn(), &place.store()));
    next.pass_until(|| place.waiting().is_empty());
    next.flush();
    assert_eq!(sorted(server.event_ids()), sorted(ids[2..].to_vec()));
    assert_eq!(ledger_balances(&next.guard).unsent[&Lost::OutboxOverflow], 2);
}
