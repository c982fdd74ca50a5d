//! 500 errors within a second, 100 breadcrumbs each, to a server that takes 20 ms to answer: how many arrive, how fast, and
//! how many bytes each takes on the wire, against `sentry` with all its defaults.
//!
//! Each side is a process of its own, in turn, in several rounds; a figure is the median over them. Excluded: TLS, and what
//! a server makes of the events.

#[path = "../harness/child.rs"]
mod child;
mod envelope;
#[path = "../harness/report.rs"]
mod report;
#[path = "../harness/server.rs"]
mod server;
mod sides;

use std::env;
use std::error::Error;
use std::fmt;
use std::net::Ipv4Addr;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use tracing::{error, info_span, warn};

use envelope::Envelope;
use report::{Figure, Report};
use server::{Reply, Request, Server};
use sides::{Hooks, Side};

/// Of both sides in turn.
const ROUNDS: usize = 5;
const ERRORS: u64 = 500;
const CRUMBS: u64 = 100;
/// From one error to the next: all of them within a second.
const PACE: Duration = Duration::from_millis(2);
const ANSWER: Duration = Duration::from_millis(20);
/// How long the program waits at its end.
const FLUSH: Duration = Duration::from_secs(20);
const DEADLINE: Duration = Duration::from_secs(60);
const SIDE: &str = "--side";

/// What one side did in one round.
#[derive(Debug, Clone, Copy, Default)]
struct Round {
    delivered: f64,
    /// From the first event's arrival to the last one's answer.
    a_second: f64,
    /// Of one event: its headers and its body.
    wire_bytes: f64,
    /// The same, decompressed, without the headers.
    bytes: f64,
    /// Breadcrumbs of one event, the least.
    crumbs: f64,
    /// Within which the program logged its errors.
    logged_ms: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [mode, name, dsn] = arguments.as_slice()
        && mode == SIDE
    {
        let side = Side::BOTH.into_iter().find(|side| side.name() == name).ok_or("no such side")?;
        return serve(side, dsn);
    }
    if !report::is_bench_run()? {
        return Ok(());
    }
    let mut report = Report::new("delivery");
    let mut rounds = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        // Nobody is always behind the other.
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for index in order {
            let (Some(side), Some(rounds)) = (Side::BOTH.get(index), rounds.get_mut(index)) else { continue };
            rounds.push(one_round(*side)?);
        }
    }
    let [peer, ours] = rounds;
    let beside = |value: fn(&Round) -> f64| {
        let [of_peer, of_ours] = [&peer, &ours].map(|rounds| median(rounds.iter().map(value)));
        (of_ours, of_peer)
    };
    let mut judge = |name: &str, value: f64, unit, decimals, bar: &str, detail: &str| {
        report.judge(name, Figure { value, unit, decimals }, bar, detail);
    };

    let least = ours.iter().map(|round| round.delivered).fold(f64::INFINITY, f64::min);
    let (_, of_peer) = beside(|round| round.delivered);
    let (logged_ms, _) = beside(|round| round.logged_ms);
    let detail = format!("in the worst round; the peer {of_peer}; logged within {logged_ms} ms");
    judge("500 errors, delivered", least, "", 0, ">= 500", &detail);

    let (of_ours, of_peer) = beside(|round| round.a_second);
    let detail = format!("{of_ours:.0} a second, the peer {of_peer:.0}");
    judge("times as many a second as the peer", of_ours / of_peer, " x", 2, ">= 5", &detail);

    let (crumbs, of_peers) = beside(|round| round.crumbs);
    let (of_ours, of_peer) = beside(|round| round.wire_bytes);
    let detail = format!(
        "{of_ours:.0} bytes, the peer {of_peer:.0}; each event has {crumbs} crumbs, the peer's {of_peers}"
    );
    judge("bytes on the wire of an event, against the peer", of_ours / of_peer, " x", 3, "<= 0.25", &detail);
    let enough = "so many as were logged before it";
    judge("breadcrumbs of an event, the least", crumbs, "", 0, ">= 100", enough);

    let (of_ours, of_peer) = beside(|round| round.bytes);
    let detail = format!("{of_ours:.0} bytes, the peer {of_peer:.0}");
    judge("for comparison: the same before it is compressed", of_ours / of_peer, " x", 3, "", &detail);

    report.finish(
        env!("CARGO_MANIFEST_DIR"),
        "../README.md",
        &["sentry", "sentry-tracing", "reqwest", "tracing", "tracing-subscriber"],
    )
}

fn one_round(side: Side) -> Result<Round, Box<dyn Error>> {
    let server = Server::start(Ipv4Addr::LOCALHOST, |_| Reply::Late(ANSWER))?;
    let dsn = format!("http://b7c4d8e19f2a4c5d8e6f7a8b9c0d1e2f@{}/1", server.address());
    let ended = child::run(&[SIDE, side.name(), &dsn], DEADLINE)?;
    if !ended.ended_well() {
        return Err(format!("{}: {}", side.name(), ended.end()).into());
    }
    let requests = server.requests();
    let events: Vec<(&Request, Envelope)> = requests
        .iter()
        .filter_map(|request| Some((request, Envelope::of(request)?)))
        .filter(|(_, envelope)| envelope.event().is_some())
        .collect();
    let (Some((first, _)), Some((last, _))) = (events.first(), events.last()) else {
        return Ok(Round::default());
    };
    let delivered = envelope::taken(&requests) as f64;
    let spent = last.at.duration_since(first.at) + ANSWER;
    let each =
        |bytes: fn(&(&Request, Envelope)) -> usize| median(events.iter().map(|event| bytes(event) as f64));
    let crumbs = events.iter().map(|(_, envelope)| crumbs(envelope)).min();
    Ok(Round {
        delivered,
        a_second: delivered / spent.as_secs_f64(),
        wire_bytes: each(|(request, _)| request.wire_bytes),
        bytes: each(|(_, envelope)| envelope.bytes),
        crumbs: crumbs.unwrap_or_default() as f64,
        logged_ms: ended.figure("logged_ms").unwrap_or(f64::NAN),
    })
}

/// Breadcrumbs of an event: the protocol has them as a list, or as an object with one.
fn crumbs(envelope: &Envelope) -> usize {
    let crumbs = envelope.event().and_then(|event| event.get("breadcrumbs"));
    let list = crumbs.and_then(|crumbs| crumbs.get("values").or(Some(crumbs))?.as_array());
    list.map_or(0, Vec::len)
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The program.
fn serve(side: Side, dsn: &str) -> Result<(), Box<dyn Error>> {
    let tracker = side.start(Some(dsn), Hooks::default())?;
    let begun = Instant::now();
    let mut next = begun;
    for number in 0..ERRORS {
        let request = info_span!("request", number, route = "/pay").entered();
        for crumb in 0..CRUMBS {
            let order = number * CRUMBS + crumb;
            warn!(order, attempt = crumb % 3, gateway = "north", "payment was slow");
        }
        let error = NoTable(number);
        error!(error = &error as &dyn Error, order = number, attempt = 3_u64, "payment failed");
        drop(request);
        next += PACE;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    child::tell("logged_ms", begun.elapsed().as_millis())?;
    tracker.settle(FLUSH);
    // Without what a side may still do at its end.
    process::exit(0)
}

/// An error whose text is like no other's, also without its digits.
#[derive(Debug)]
struct NoTable(u64);

impl fmt::Display for NoTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters =
            self.0.to_string().into_bytes().into_iter().map(|digit| char::from(digit - b'0' + b'a'));
        write!(f, "no such table: {}", letters.collect::<String>())
    }
}

impl Error for NoTable {}
