//! What a server answers is noted in the store: what it has, and what it refused for good, nobody sends again.

use crumbtrail::Lost;

use crate::kills::left_behind;
use crate::rig::{LONG, Place, Rig, dsn_at, here, lose, sorted, to};
use crate::server::{Act, Answer, Gate, Server};
use crate::support::{ledger_balances, until};

#[test]
fn an_event_is_in_the_store_before_the_server_has_it_and_no_longer_when_it_has() {
    let (place, gate) = (Place::new(), Gate::default());
    let server = Server::new([Act::Answer(Answer::new(200).behind(&gate))]);
    let rig = Rig::new(to(server.dsn(), &place.store()));
    let ids = lose(3);
    rig.hand_out();
    until(LONG, || server.requests().len() == 3);
    assert_eq!(place.waiting(), ids);
    // It is delivered: it is in the store.
    until(LONG, || rig.guard.stats().delivered == 3);
    gate.open();
    rig.flush();
    assert!(place.waiting().is_empty(), "who has flushed may end the process");
    rig.end(&place);

    let next = Rig::new(to(server.dsn(), &place.store()));
    let more = lose(1);
    next.flush();
    assert_eq!(sorted(server.event_ids()), sorted([ids, more].concat()));
    ledger_balances(&next.guard);
}

#[test]
fn what_a_server_refuses_is_not_sent_again_and_is_counted() {
    let place = Place::new();
    let server = Server::new([Act::status(400), Act::status(200)]);
    let rig = Rig::new(to(server.dsn(), &place.store()));
    let refused = lose(1);
    rig.flush();
    assert!(place.waiting().is_empty());
    let stats = ledger_balances(&rig.guard);
    assert_eq!((stats.delivered, stats.lost_total(), stats.unsent[&Lost::SendError]), (1, 0, 1));
    assert_eq!(server.reported(), [("send_error".to_owned(), 1)].into());
    assert_eq!(server.event_ids(), refused);
}

#[test]
fn what_a_server_has_no_room_for_is_given_up_and_what_waits_in_the_store_waits_on() {
    let place = Place::new();
    let server = Server::new([Act::Answer(Answer::new(429).header("retry-after", "60")), Act::status(200)]);
    let port = server.address().port();
    let rig = Rig::new(to(dsn_at(port), &place.store()).look_up(here(port)));
    lose(1);
    rig.hand_out();
    until(LONG, || !rig.guard.stats().unsent.is_empty());
    until(LONG, || place.waiting().is_empty());
    // Another process leaves something meanwhile.
    let left = left_behind(&place, &dsn_at(port), 2);
    rig.pass(59);
    lose(1);
    rig.hand_out();
    until(LONG, || rig.guard.stats().unsent[&Lost::RateLimited] == 2);
    assert_eq!(server.event_ids().len(), 1);
    until(LONG, || place.waiting() == left);
    rig.pass_until(|| place.waiting().is_empty());
    rig.flush();
    assert_eq!(sorted(server.event_ids().split_off(1)), sorted(left));
    assert_eq!(ledger_balances(&rig.guard).unsent[&Lost::RateLimited], 2);
}
