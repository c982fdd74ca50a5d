//! Processes that are killed: what they left is sent by the next one, once, and by nobody while they live.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::rig::{LONG, Place, Rig, dsn_at, here, lose, nowhere, sorted, to};
use crate::server::{Absent, Act, Answer, Gate, Server};
use crate::support::{child, ledger_balances, role, until};

/// A process that has logged something, and lives until it is killed.
struct Living {
    process: Child,
    ids: Vec<String>,
}

impl Living {
    /// One that logs so many errors; its DSN leads where `finds` says.
    fn new(place: &Place, dsn: &str, finds: &str, count: usize) -> Self {
        let mut command: Command = child("living", "kills::lives_until_it_is_killed").command;
        command.env("TEST_STORE", place.store()).env("TEST_DSN", dsn).env("TEST_FINDS", finds);
        command.env("TEST_COUNT", count.to_string()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("the test binary starts again");
        let output = process.stdout.take().expect("its output is piped");
        let told = BufReader::new(output).lines().map(|line| line.expect("it writes lines"));
        let ids = told
            .take_while(|line| line != "stored")
            .filter_map(|line| line.strip_prefix("id ").map(str::to_owned));
        let ids = ids.collect::<Vec<_>>();
        assert_eq!(ids.len(), count, "it told less than it logged");
        Self { process, ids }
    }

    /// By SIGKILL.
    fn kill(mut self) -> Vec<String> {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it is gone");
        std::mem::take(&mut self.ids)
    }
}

#[test]
fn lives_until_it_is_killed() {
    if role().is_none() {
        return;
    }
    let variable = |name| std::env::var(name).expect("the parent says so");
    let mut builder = to(variable("TEST_DSN"), variable("TEST_STORE").as_ref());
    if variable("TEST_FINDS") == "nobody" {
        let port = variable("TEST_DSN").split([':', '/']).rev().nth(1).and_then(|port| port.parse().ok());
        builder = builder.look_up(nowhere(port.expect("the DSN names a port")));
    }
    let rig = Rig::new(builder);
    let ids = lose(variable("TEST_COUNT").parse().expect("a number"));
    rig.hand_out();
    until(LONG, || rig.guard.stats().delivered == ids.len() as u64);
    // The harness has begun a line.
    println!();
    ids.iter().for_each(|id| println!("id {id}"));
    println!("stored");
    loop {
        std::thread::park();
    }
}

/// What a process left that was killed while its server was away.
pub(crate) fn left_behind(place: &Place, dsn: &str, count: usize) -> Vec<String> {
    Living::new(place, dsn, "nobody", count).kill()
}

#[test]
fn what_a_killed_process_left_is_sent_once_by_the_next() {
    let place = Place::new();
    let absent = Absent::new();
    let ids = Living::new(&place, &absent.dsn(), "server", 5).kill();
    assert_eq!(place.waiting(), ids);
    let server = absent.arrive([Act::status(200)]);
    for _ in 0..2 {
        let next = Rig::new(to(server.dsn(), &place.store()));
        next.pass_until(|| place.waiting().is_empty());
        next.flush();
        let stats = ledger_balances(&next.guard);
        assert_eq!((stats.accepted, stats.unsent.len()), (0, 0));
        next.end(&place);
        assert_eq!(sorted(server.event_ids()), sorted(ids.clone()));
    }
    assert_eq!(place.owners(), 0);
}

#[test]
fn what_a_server_has_but_nobody_noted_is_sent_once_more_under_the_same_id() {
    let (place, gate) = (Place::new(), Gate::default());
    let server = Server::new([Act::Answer(Answer::new(200).behind(&gate)), Act::status(200)]);
    let living = Living::new(&place, &server.dsn(), "server", 1);
    until(LONG, || server.requests().len() == 1);
    let ids = living.kill();
    assert_eq!(place.waiting(), ids);
    let next = Rig::new(to(server.dsn(), &place.store()));
    next.pass_until(|| place.waiting().is_empty());
    next.flush();
    assert_eq!(server.event_ids(), [ids.clone(), ids].concat());
    ledger_balances(&next.guard);
    gate.open();
}

#[test]
fn what_a_living_process_has_to_send_is_sent_by_no_other() {
    let place = Place::new();
    let server = Server::answering(200);
    let port = server.address().port();
    let living = Living::new(&place, &dsn_at(port), "nobody", 3);
    let rig = Rig::new(to(dsn_at(port), &place.store()).look_up(here(port)));
    let mut own = Vec::new();
    for _ in 0..5 {
        own.extend(lose(1));
        rig.flush();
        rig.pass(61);
    }
    assert_eq!(sorted(server.event_ids()), sorted(own.clone()));
    assert_eq!(place.waiting(), living.ids);
    let its = living.kill();
    // Who works looks for what others have left.
    own.extend(lose(1));
    rig.pass_until(|| place.waiting().is_empty());
    rig.flush();
    assert_eq!(sorted(server.event_ids()), sorted([own, its].concat()));
    ledger_balances(&rig.guard);
}

#[test]
fn what_is_for_another_server_waits_for_a_process_that_sends_there() {
    let place = Place::new();
    let absent = Absent::new();
    let ids = Living::new(&place, &absent.dsn(), "server", 2).kill();
    let other = Server::answering(200);
    let rig = Rig::new(to(other.dsn(), &place.store()));
    let mut own = lose(1);
    rig.flush();
    rig.pass(61);
    own.extend(lose(1));
    rig.flush();
    assert_eq!((other.event_ids(), place.waiting()), (own, ids.clone()));
    rig.end(&place);
    let server = absent.arrive([Act::status(200)]);
    let next = Rig::new(to(server.dsn(), &place.store()));
    next.pass_until(|| place.waiting().is_empty());
    next.flush();
    assert_eq!(sorted(server.event_ids()), sorted(ids));
    ledger_balances(&next.guard);
}
