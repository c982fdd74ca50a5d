//! A network that fails: nobody there, no answer, half an answer, one that never ends. What was not answered is sent again,
//! with the same id, and nobody waits longer than they said.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crumbtrail::limits::{ANSWER_BYTES, BACKOFF, BACKOFF_MOST, DROP_FLUSH, SEND_TOTAL, SEND_TRIES, SENDS};
use crumbtrail::{Clock, Lost};
use tracing_subscriber::prelude::*;

use crate::rig::{LONG, Rig, lose, lose_one, stays, to};
use crate::server::{Absent, Act, Answer, Server};
use crate::support::{child, in_time, ledger_balances, measured_in_time, role, until};

/// A way to find names that counts how often it is asked, and finds that address.
pub(crate) fn counting(
    address: SocketAddr,
) -> (Arc<AtomicUsize>, impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync) {
    let asked = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&asked);
    (asked, move |_: &str| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(vec![address])
    })
}

#[test]
fn a_server_that_is_down_is_tried_six_times_each_after_a_longer_wait() {
    let absent = Absent::new();
    let (tries, look_up) = counting(absent.address());
    let rig = Rig::new(to(format!("http://key@server.test:{}/42", absent.address().port())).look_up(look_up));
    lose_one();
    rig.hand_out();
    until(LONG, || tries.load(Ordering::SeqCst) == 1);
    let mut most = BACKOFF;
    for times in 2..=SEND_TRIES as usize {
        // That the last try failed is known by now; if not, it is waited for longer.
        let waits = || tries.load(Ordering::SeqCst) == times - 1;
        stays(waits);
        // At least half of it is waited for.
        rig.clock.advance(most / 2);
        stays(waits);
        assert_eq!(rig.guard.stats().pending, 1);
        rig.clock.advance(most / 2);
        let mut looked = 0;
        until(LONG, || {
            looked += 1;
            if looked % 1_000 == 0 {
                rig.clock.advance(most);
            }
            !waits()
        });
        most = (most * 2).min(BACKOFF_MOST);
    }
    rig.ends(1, 0, &[(Lost::NetworkError, 1)]);
    assert_eq!(tries.load(Ordering::SeqCst), SEND_TRIES as usize);
}

#[test]
fn with_a_server_that_is_down_nobody_waits_beyond_a_deadline() {
    let absent = Absent::new();
    let rig = Rig::new(to(absent.dsn()));
    lose(50);
    for deadline in [0, 20, 200].map(Duration::from_millis) {
        in_time("flush", deadline, || {
            assert!(rig.guard.flush(deadline).is_err_and(|late| late.is_deadline()))
        });
    }
    let deadline = Duration::from_millis(100);
    in_time("shutdown", deadline, || assert!(rig.guard.shutdown(deadline).is_err()));
    let stats = ledger_balances(&rig.guard);
    assert_eq!((stats.accepted, stats.pending), (50, 50), "{stats:?}");
    // The end has come and the server is away: they are given up together, and not one after the other.
    rig.pass_until(|| rig.guard.stats().pending == 0);
    rig.ends(50, 0, &[(Lost::NetworkError, 50)]);
}

#[test]
fn dropping_the_guard_returns_by_its_deadline() {
    let (server, absent) = (Server::new([Act::Silence]), Absent::new());
    thread::scope(|scope| {
        for dsn in [server.dsn(), absent.dsn()] {
            scope.spawn(move || drop_returns(&dsn));
        }
    });
}

fn drop_returns(dsn: &str) {
    measured_in_time("drop", DROP_FLUSH, || {
        let (layer, guard) = to(dsn).build().expect("the settings are legal");
        let _default = tracing_subscriber::registry().with(layer).set_default();
        let handle = guard.handle();
        lose(400);
        let begun = Instant::now();
        drop(guard);
        let spent = begun.elapsed();
        assert!(handle.stats().balances());
        assert_eq!((handle.stats().accepted, handle.stats().pending), (400, 400));
        spent
    });
}

/// Each by the network's own clock, which takes its time, and so side by side.
#[test]
fn an_answer_that_is_too_slow_is_given_up_by_the_total_timeout() {
    thread::scope(|scope| {
        for work in [never_answers, drips_in_its_head, drips_in_its_body] {
            scope.spawn(work);
        }
    });
}

fn never_answers() {
    const EVENTS: u64 = 60;
    let server = Server::new([Act::Silence]);
    let rig = Rig::new(to(server.dsn()));
    // More than are on their way at once.
    let ids = lose(EVENTS as usize);
    rig.hand_out();
    until(LONG, || server.requests().len() == SENDS);
    for deadline in [0, 50, 500].map(Duration::from_millis) {
        in_time("flush", deadline, || {
            assert!(rig.guard.flush(deadline).is_err_and(|late| late.is_deadline()))
        });
    }
    assert_eq!((server.begun(), server.most_in_flight()), (SENDS, SENDS));
    assert_eq!(ledger_balances(&rig.guard).pending, EVENTS);
    server.script([Act::status(200)]);
    // All of them give up, by the network's own clock; then the next try is due, by the test's.
    rig.pass_until(|| server.requests().len() > SENDS);
    rig.flush();
    rig.ends(EVENTS, EVENTS, &[]);
    let mut arrived = server.event_ids();
    // The first ones once more, with the same ids.
    assert_eq!(arrived.len(), ids.len() + SENDS);
    arrived.sort();
    arrived.dedup();
    let mut ids = ids;
    ids.sort();
    assert_eq!(arrived, ids);
}

fn drips_in_its_head() {
    drips(0);
}

fn drips_in_its_body() {
    drips(60);
}

/// No byte is late, but the whole is.
fn drips(at_once: usize) {
    let slow = Act::Drip(Answer::new(200).body("x".repeat(100)), at_once, Duration::from_secs(1));
    let server = Server::new([slow, Act::status(200)]);
    let rig = Rig::new(to(server.dsn()));
    let begun = Instant::now();
    let id = lose_one();
    rig.hand_out();
    rig.pass_until(|| server.requests().len() == 2);
    let spent = begun.elapsed();
    assert!(spent >= SEND_TOTAL && spent < SEND_TOTAL * 2, "{spent:?}");
    rig.flush();
    rig.ends(1, 1, &[]);
    assert_eq!(server.event_ids(), [id.clone(), id]);
}

/// Kilobytes that this process has in memory.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux shows its processes");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it says how much");
    line.trim().trim_end_matches(" kB").trim().parse().expect("a number")
}

#[test]
fn of_an_endless_answer_a_little_is_read_and_memory_stays_flat() {
    const EVENTS: usize = 20;
    const NAME: &str = "network::of_an_endless_answer_a_little_is_read_and_memory_stays_flat";
    if role().is_none() {
        for status in [200, 500] {
            let server = Server::new([Act::Endless(status)]);
            let mut child = child(&status.to_string(), NAME);
            child.command.env("SENTRY_DSN", server.dsn());
            child.run().succeeded();
            assert_eq!(server.event_ids().len(), EVENTS + 1);
            // What was read, and what the system takes from the server before anybody reads it.
            let sent = server.sent() / server.connections();
            assert!((ANSWER_BYTES..8 << 20).contains(&sent), "{sent} bytes");
        }
        return;
    }
    let rig =
        Rig::new(crumbtrail::from_env().throttle(crumbtrail::Throttle::Off).stack(crumbtrail::Stack::Off));
    lose_one();
    rig.flush();
    let before = resident_kib();
    for _ in 0..EVENTS {
        lose_one();
        rig.flush();
    }
    let after = resident_kib();
    assert!(after < before + 2 * 1024, "{before} KiB grew to {after} KiB");
    let all = EVENTS as u64 + 1;
    match role().as_deref() {
        Some("200") => rig.ends(all, all, &[]),
        _ => rig.ends(all, 0, &[(Lost::SendError, all)]),
    };
}

#[test]
fn what_breaks_off_is_sent_again_with_the_same_id() {
    for act in [
        Act::ResetRequest(1),
        Act::ResetRequest(30),
        Act::ResetRequest(300),
        Act::ResetRequest(700),
        Act::ResetAnswer(0),
        Act::ResetAnswer(5),
        Act::ResetAnswer(20),
        Act::ResetAnswer(38),
        Act::HalfClose(0),
        Act::HalfClose(12),
        Act::HalfClose(38),
        Act::Raw(Vec::new()),
        Act::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nbegun".to_vec()),
        Act::Raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnothing of the kind".to_vec()),
        Act::Raw(b"HTTP/1.1 two hundred\r\n\r\n".to_vec()),
        Act::Raw(vec![0; 1_000]),
        Act::Raw(b"\xff\xfe\x16\x03\x01".to_vec()),
        Act::Raw(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        Act::Raw(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(1 << 20)).into_bytes()),
    ] {
        let server = Server::new([act.clone(), Act::status(200)]);
        let rig = Rig::new(to(server.dsn()));
        let id = lose_one();
        rig.hand_out();
        rig.pass_until(|| rig.guard.stats().pending == 0);
        rig.ends(1, 1, &[]);
        assert_eq!(server.begun(), 2, "{act:?}");
        let arrived = server.event_ids();
        assert!((1..=2).contains(&arrived.len()) && arrived.iter().all(|arrived| *arrived == id), "{act:?}");
    }
}

#[test]
fn what_always_breaks_off_is_lost_in_the_end() {
    let server = Server::new([Act::ResetAnswer(10)]);
    let rig = Rig::new(to(server.dsn()));
    let id = lose_one();
    rig.hand_out();
    rig.pass_until(|| rig.guard.stats().pending == 0);
    rig.ends(1, 0, &[(Lost::NetworkError, 1)]);
    assert_eq!(server.event_ids(), vec![id; SEND_TRIES as usize]);
}

#[test]
fn the_clock_of_the_network_is_not_the_tests() {
    // A pipeline on the system's clock sends without anybody's help.
    let server = Server::answering(200);
    let (layer, guard) = to(server.dsn()).clock(&Clock::default()).build().expect("the settings are legal");
    let _default = tracing_subscriber::registry().with(layer).set_default();
    let id = lose_one();
    until(LONG, || server.event_ids() == [id.clone()]);
    until(LONG, || guard.stats().delivered == 1);
    ledger_balances(&guard);
}
