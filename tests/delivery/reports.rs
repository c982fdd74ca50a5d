//! Client reports: a server learns exactly how much it was not sent, and why, whatever becomes of a report; at the end of
//! a program, too.

use std::collections::BTreeMap;
use std::time::Duration;

use crumbtrail::limits::CLIENT_REPORTS;
use crumbtrail::{Dropped, Lost, Sink, Throttle, TrackedEvent, Verdict};

use crate::rig::{LONG, Rig, fault, lose, lose_one, stays, to};
use crate::server::{Act, Answer, Gate, Server};
use crate::support::{ledger_balances, until};

fn told<const N: usize>(reasons: [(&str, u64); N]) -> BTreeMap<String, u64> {
    reasons.map(|(reason, quantity)| (reason.to_owned(), quantity)).into()
}

#[test]
fn where_nothing_is_lost_there_is_no_report() {
    let server = Server::answering(200);
    let rig = Rig::new(to(server.dsn()));
    for _ in 0..3 {
        lose(2);
        rig.flush();
        rig.pass(CLIENT_REPORTS.as_secs());
    }
    assert_eq!(rig.guard.shutdown(LONG), Ok(()));
    rig.ends(6, 6, &[]);
    assert_eq!((server.payloads("client_report").len(), server.requests().len()), (0, 6));
}

#[test]
fn the_flush_that_waits_for_a_refusal_reports_it() {
    let server = Server::new([Act::status(500), Act::status(413), Act::status(400), Act::status(200)]);
    let rig = Rig::new(to(server.dsn()));
    lose(3);
    rig.flush();
    rig.ends(3, 0, &[(Lost::SendError, 3)]);
    assert_eq!(server.reported(), told([("send_error", 3)]));
    // It is told once.
    lose_one();
    rig.flush();
    rig.flush();
    rig.ends(4, 1, &[(Lost::SendError, 3)]);
    assert_eq!(server.reported(), told([("send_error", 3)]));
}

#[test]
fn the_last_report_goes_out_at_the_end() {
    for drops in [true, false] {
        let server = Server::new([Act::status(500), Act::status(500), Act::status(200)]);
        let rig = Rig::new(to(server.dsn()));
        lose(2);
        let handle = rig.guard.handle();
        if drops {
            drop(rig);
        } else {
            assert_eq!(rig.guard.shutdown(LONG), Ok(()));
            assert_eq!(rig.guard.shutdown(LONG), Ok(()));
        }
        let stats = handle.stats();
        assert!(stats.balances());
        assert_eq!((stats.accepted, stats.lost[&Lost::SendError]), (2, 2));
        assert_eq!(server.reported(), told([("send_error", 2)]));
    }
}

#[test]
fn every_reason_has_its_name() {
    let server = Server::answering(200);
    let rig = Rig::new(
        to(server.dsn())
            .ignore("", "ignore me")
            .on_error(|error, _| match error.to_string().as_str() {
                "drop me" => Verdict::Drop,
                "panic" => panic!("a hook's own fault"),
                _ => Verdict::Track,
            })
            .before_send(|event| Some(event).filter(|event| event.value != "hook away")),
    );
    let log = |text: &str, times: usize| {
        for _ in 0..times {
            tracing::error!(
                error = &std::io::Error::other(text.to_owned()) as &dyn std::error::Error,
                "lost"
            );
        }
    };
    log("ignore me", 2);
    log("drop me", 3);
    log("hook away", 4);
    log("panic", 5);
    rig.flush();
    let stats = ledger_balances(&rig.guard);
    assert_eq!(stats.dropped[&Dropped::BeforeSend], 4, "{stats:?}");
    assert_eq!((stats.dropped[&Dropped::Ignored], stats.dropped[&Dropped::Verdict]), (2, 3));
    assert_eq!(stats.lost[&Lost::HookPanicked], 5);
    let names = [("before_send", 4), ("event_processor", 5), ("internal_sdk_error", 5)];
    assert_eq!(server.reported(), told(names));
}

#[test]
fn what_was_sampled_or_only_counted_is_reported() {
    let server = Server::answering(200);
    let rig = Rig::new(to(server.dsn()).sample_rate(0.0));
    (0..7).for_each(|_| tracing::error!(error = %fault(), "lost"));
    rig.flush();
    let stats = ledger_balances(&rig.guard);
    assert_eq!((stats.accepted, stats.dropped[&Dropped::Sampled]), (7, 7));
    assert_eq!(server.reported(), told([("sample_rate", 7)]));

    let server = Server::answering(200);
    let rig = Rig::new(to(server.dsn()).throttle(Throttle::default()));
    (0..25).for_each(|_| tracing::error!(error = %fault(), "lost"));
    rig.flush();
    let stats = ledger_balances(&rig.guard);
    assert_eq!((stats.accepted, stats.delivered, stats.tallied), (25, 10, 15));
    assert_eq!((server.event_ids().len(), server.reported()), (10, told([("sample_rate", 15)])));
}

/// A sink that hangs until the gate is open.
struct Hangs(std::sync::Mutex<std::sync::mpsc::Receiver<()>>);

impl Sink for Hangs {
    fn deliver(&self, _: &TrackedEvent) -> Result<(), Lost> {
        let _ = self.0.lock().expect("nobody panics with it").recv();
        Err(Lost::Sink)
    }
}

#[test]
fn what_found_no_room_in_the_queue_is_reported() {
    const QUEUE: usize = 20;
    let (go, hangs) = std::sync::mpsc::channel();
    let server = Server::answering(200);
    let rig = Rig::new(to(server.dsn()).queue(QUEUE, 1 << 20).sink(Hangs(std::sync::Mutex::new(hangs))));
    lose_one();
    rig.hand_out();
    until(LONG, || rig.guard.stats().busy_for > Duration::ZERO);
    let more = QUEUE as u64 + 50;
    (0..more).for_each(|_| tracing::error!(error = %fault(), "lost"));
    drop(go);
    rig.flush();
    let stats = ledger_balances(&rig.guard);
    let overflow = stats.lost[&Lost::QueueOverflow];
    assert_eq!((stats.accepted, stats.delivered), (more + 1, more + 1 - overflow), "{stats:?}");
    assert_eq!(server.reported(), told([("queue_overflow", overflow)]));
}

#[test]
fn a_report_that_is_lost_is_made_up_for() {
    let server = Server::new([Act::status(500), Act::ResetRequest(1), Act::status(200)]);
    let rig = Rig::new(to(server.dsn()));
    lose_one();
    rig.flush();
    until(LONG, || server.begun() == 2);
    assert_eq!(server.reported(), told([]));
    rig.pass(120);
    rig.flush();
    rig.ends(1, 0, &[(Lost::SendError, 1)]);
    assert_eq!(server.reported(), told([("send_error", 1)]));
}

#[test]
fn a_report_that_is_refused_is_not_told_twice() {
    let server = Server::new([Act::status(500), Act::status(400), Act::status(200)]);
    let rig = Rig::new(to(server.dsn()));
    lose_one();
    rig.flush();
    rig.flush();
    rig.pass(120);
    rig.flush();
    rig.ends(1, 0, &[(Lost::SendError, 1)]);
    assert_eq!(server.reported(), told([("send_error", 1)]));
}

#[test]
fn while_a_report_is_on_its_way_no_other_tells_the_same() {
    let gate = Gate::default();
    let slow = Act::Answer(Answer::new(200).behind(&gate));
    let server = Server::new([Act::status(500), slow]);
    let rig = Rig::new(to(server.dsn()));
    lose_one();
    let _ = rig.guard.flush(Duration::from_millis(200));
    until(LONG, || {
        rig.hand_out();
        server.requests().len() == 2
    });
    // Others flush meanwhile.
    for _ in 0..3 {
        assert_eq!(rig.guard.flush(Duration::from_millis(20)), Ok(()));
    }
    stays(|| server.begun() == 2);
    gate.open();
    rig.flush();
    rig.ends(1, 0, &[(Lost::SendError, 1)]);
    assert_eq!(server.reported(), told([("send_error", 1)]));
}

#[test]
fn without_a_flush_reports_go_out_now_and_then() {
    const EVENTS: u64 = 100;
    let server = Server::answering(500);
    let rig = Rig::new(to(server.dsn()));
    let mut passed = Duration::ZERO;
    for _ in 0..EVENTS {
        lose_one();
        until(LONG, || {
            let step = Duration::from_millis(50);
            rig.clock.advance(step);
            passed += step;
            rig.guard.stats().pending == 0
        });
    }
    let reports = server.payloads("client_report").len() as u64;
    assert!((1..=passed.as_secs() / CLIENT_REPORTS.as_secs()).contains(&reports), "{reports} in {passed:?}");
    rig.flush();
    rig.ends(EVENTS, 0, &[(Lost::SendError, EVENTS)]);
    assert_eq!(server.reported(), told([("send_error", EVENTS)]));
}
