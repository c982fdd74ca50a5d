//! Rate limits: while a server wants no more, nothing is sent, and what would have been is lost under that name. Time is
//! the pipeline's clock, whatever wall time does.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use crumbtrail::Lost;
use crumbtrail::limits::{RATE_LIMIT, RATE_LIMIT_MOST, SENDS};

use crate::rig::{LONG, Rig, lose, lose_one, to};
use crate::server::{Act, Answer, Gate, Server};
use crate::support::until;

const DAY: u64 = RATE_LIMIT_MOST.as_secs();
const UNNAMED: u64 = RATE_LIMIT.as_secs();

fn reported(reason: &str, quantity: u64) -> BTreeMap<String, u64> {
    BTreeMap::from([(reason.to_owned(), quantity)])
}

/// A pipeline to a server that has answered one event so, and will answer the rest by 200.
fn answered(answer: Answer) -> (Rig, Server) {
    let server = Server::new([Act::Answer(answer), Act::status(200)]);
    let rig = Rig::new(to(server.dsn()));
    lose_one();
    rig.hand_out();
    until(LONG, || rig.guard.stats().pending == 0);
    (rig, server)
}

/// Asserts that nothing is sent for so many seconds, and then everything.
#[track_caller]
fn holds_for(rig: &Rig, server: &Server, seconds: u64, what: &str) {
    let before = server.event_ids().len();
    let lost = |rig: &Rig| rig.guard.stats().lost.get(&Lost::RateLimited).copied().unwrap_or_default();
    if seconds > 0 {
        let refused = lost(rig);
        lose_one();
        rig.hand_out();
        until(LONG, || lost(rig) == refused + 1);
        rig.clock.advance(Duration::from_millis(seconds * 1_000 - 1));
        lose_one();
        rig.hand_out();
        until(LONG, || lost(rig) == refused + 2);
        assert_eq!(server.event_ids().len(), before, "{what}: nothing is sent meanwhile");
        rig.clock.advance(Duration::from_millis(1));
    }
    let id = lose_one();
    rig.flush();
    assert_eq!(server.event_ids()[before..], [id], "{what}");
}

#[test]
fn a_429_is_obeyed_however_it_says_for_how_long() {
    let past = httpdate::fmt_http_date(SystemTime::now() - Duration::from_secs(1_000));
    for (retry_after, seconds) in [
        (None, UNNAMED),
        (Some("7"), 7),
        (Some("120"), 120),
        (Some("0"), 0),
        (Some(past.as_str()), 0),
        (Some("1000000000000000"), DAY),
        (Some("1e99"), UNNAMED),
        (Some("NaN"), UNNAMED),
        (Some("-5"), UNNAMED),
        (Some("soon"), UNNAMED),
        (Some(""), UNNAMED),
    ] {
        let answer = Answer::new(429);
        let answer = match retry_after {
            Some(text) => answer.header("retry-after", text),
            None => answer,
        };
        let (rig, server) = answered(answer);
        holds_for(&rig, &server, seconds, &format!("{retry_after:?}"));
        let held = if seconds > 0 { 2 } else { 0 };
        rig.ends(2 + held, 1, &[(Lost::RateLimited, 1 + held)]);
        // The server has counted the one that it refused itself.
        let report = if held > 0 { reported("ratelimit_backoff", held) } else { BTreeMap::new() };
        rig.flush();
        assert_eq!(server.reported(), report, "{retry_after:?}");
    }
}

#[test]
fn a_date_is_obeyed_by_the_clock_that_never_goes_back() {
    let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
    let (rig, server) = answered(Answer::new(429).header("retry-after", soon));
    // Wall time passes the date; the pipeline's clock stands still.
    let begun = Instant::now();
    until(LONG, || begun.elapsed() > Duration::from_millis(2_100));
    lose_one();
    rig.hand_out();
    until(LONG, || rig.guard.stats().pending == 0);
    assert_eq!(server.event_ids().len(), 1);
    rig.pass(2);
    lose_one();
    rig.flush();
    rig.ends(3, 1, &[(Lost::RateLimited, 2)]);
    assert_eq!(server.event_ids().len(), 2);
}

#[test]
fn limits_are_by_category_on_any_answer() {
    for (limits, seconds) in [
        ("60:error:organization", 60),
        ("60:transaction;error;session:key:reason", 60),
        ("30:transaction:key, 90:error:organization", 90),
        ("60::organization", 60),
        ("60", 60),
        ("10:error:key, 20::organization", 20),
        ("20:error:key, 10::organization", 20),
        ("86400:transaction;span:organization", 0),
        ("60:unheard_of:organization", 0),
        ("", 0),
        (":::", UNNAMED),
        ("1e9:error", UNNAMED),
        ("999999999999:error:key", DAY),
    ] {
        for status in [200, 413, 429, 503] {
            let answer =
                Answer::new(status).header("x-sentry-rate-limits", limits).header("retry-after", "5");
            let (rig, server) = answered(answer);
            // A header that says nothing is none.
            let seconds = if limits.is_empty() && status == 429 { 5 } else { seconds };
            holds_for(&rig, &server, seconds, &format!("{status} {limits:?}"));
            let held = if seconds > 0 { 2 } else { 0 };
            let (delivered, lost) = match status {
                200 => (2, BTreeMap::from([(Lost::RateLimited, held)])),
                429 => (1, BTreeMap::from([(Lost::RateLimited, held + 1)])),
                _ => (1, BTreeMap::from([(Lost::SendError, 1), (Lost::RateLimited, held)])),
            };
            let lost: Vec<_> = lost.into_iter().filter(|(_, count)| *count > 0).collect();
            rig.ends(2 + held, delivered, &lost);
        }
    }
}

#[test]
fn a_shorter_limit_replaces_no_longer_one() {
    let limit = |limits: &str| Act::Answer(Answer::new(200).header("x-sentry-rate-limits", limits));
    let gate = Gate::default();
    let late = Act::Answer(Answer::new(200).header("x-sentry-rate-limits", "10:error:key").behind(&gate));
    let server = Server::new([late, limit("100:error:key"), Act::status(200)]);
    let rig = Rig::new(to(server.dsn()));
    lose_one();
    rig.hand_out();
    until(LONG, || server.begun() == 1);
    lose_one();
    rig.hand_out();
    until(LONG, || rig.guard.stats().delivered == 1);
    gate.open();
    until(LONG, || rig.guard.stats().pending == 0);
    holds_for(&rig, &server, 100, "the longer one came first");
    rig.ends(5, 3, &[(Lost::RateLimited, 2)]);
}

#[test]
fn what_waits_when_the_limit_comes_is_not_sent() {
    const EVENTS: usize = 100;
    let gate = Gate::default();
    let server = Server::new([Act::Answer(Answer::new(429).header("retry-after", "60").behind(&gate))]);
    let rig = Rig::new(to(server.dsn()));
    lose(EVENTS);
    rig.hand_out();
    until(LONG, || server.requests().len() == SENDS);
    gate.open();
    until(LONG, || rig.guard.stats().pending == 0);
    rig.ends(EVENTS as u64, 0, &[(Lost::RateLimited, EVENTS as u64)]);
    assert_eq!(server.begun(), SENDS);
    server.script([Act::status(200)]);
    rig.pass(60);
    rig.flush();
    // Not those that the server refused itself.
    assert_eq!(server.reported(), reported("ratelimit_backoff", (EVENTS - SENDS) as u64));
}

#[test]
fn a_limit_on_errors_leaves_reports_alone() {
    let (rig, server) = answered(Answer::new(200).header("x-sentry-rate-limits", "60:error:key"));
    lose(3);
    rig.flush();
    rig.ends(4, 1, &[(Lost::RateLimited, 3)]);
    assert_eq!(server.reported(), reported("ratelimit_backoff", 3));
}

#[test]
fn while_nothing_is_wanted_nobody_who_flushes_waits_for_a_report() {
    let (rig, server) = answered(Answer::new(429).header("retry-after", "60"));
    lose(3);
    // There is something to tell, but not before the limit ends.
    let begun = Instant::now();
    rig.flush();
    assert_eq!(rig.guard.shutdown(LONG), Ok(()));
    assert!(begun.elapsed() < LONG / 4, "{:?}", begun.elapsed());
    rig.ends(4, 0, &[(Lost::RateLimited, 4)]);
    assert_eq!(server.begun(), 1);
}
