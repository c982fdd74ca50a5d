//! An hour without the server: what a program pays in memory and threads, and whether its flush, shutdown and exit keep their
//! deadlines.
//!
//! Each measure is a process of its own. The hour is one of the test clock. Excluded: TLS and what its certificates take.

#[path = "harness/child.rs"]
mod child;
#[path = "harness/report.rs"]
mod report;
#[path = "harness/server.rs"]
mod server;

use std::env;
use std::error::Error;
use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use crumbtrail::limits::{DROP_FLUSH, QUEUE_ITEMS, RING_CELLS, THROTTLE_ALL};
use crumbtrail::{Builder, Clock, Guard, Throttle};
use tracing::{error, info_span, warn};
use tracing_subscriber::prelude::*;

use child::{Ended, tell};
use report::{Figure, Report};
use server::{Reply, Server};

const ERRORS: u64 = 1_000_000;
/// Of the million.
const TEXTS: u64 = 1_000;
/// From one error to the next: a million of them take an hour.
const EACH: Duration = Duration::from_micros(3_600);
/// Errors between two looks at the memory, and two steps of the clock.
const STEP: u64 = 10;
/// In each request, before its error.
const CRUMBS: u64 = 10;
/// For how long flush and shutdown are told to wait.
const WAIT: Duration = Duration::from_millis(500);
/// Of each deadline; the worst one counts.
const ROUNDS: usize = 3;
/// Until what was logged is on its way.
const MOMENT: Duration = Duration::from_millis(300);
const CHILD: &str = "--outage";

/// What is wrong with the server, or with what waits for it.
const FAULTS: [(&str, &str); 4] = [
    ("refused", "nobody listens"),
    ("silent", "the server never answers"),
    ("drip", "an answer of a byte a second"),
    ("full", "never answers, queue full"),
];
const CALLS: [(&str, &str, Duration); 3] =
    [("flush", "flush(500 ms)", WAIT), ("shutdown", "shutdown(500 ms)", WAIT), ("drop", "drop", DROP_FLUSH)];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [CHILD, "memory", dsn] => return an_hour(dsn),
        [CHILD, "burst", dsn] => return at_once(dsn),
        [CHILD, "threads", dsn] => return count_threads(dsn),
        [CHILD, fault, call, dsn] => return keep_a_deadline(fault, call, dsn),
        _ => {}
    }
    if !report::is_bench_run()? {
        return Ok(());
    }
    let mut report = Report::new("outage");
    let mut judge = |name: &str, value: f64, unit, bar: &str, detail: &str| {
        report.judge(name, Figure { value, unit, decimals: 0 }, bar, detail);
    };

    let hour = run(&["memory", &dsn(server::closed()?)], Duration::from_secs(300))?;
    let figure = |name| hour.figure(name).unwrap_or(f64::NAN);
    let [accepted, told, lost] = ["accepted", "told", "lost"].map(figure);
    let idle = figure("idle_kib");
    let detail = format!("idle {idle} KiB; {accepted} accepted, {told} told in full, {lost} of them lost");
    judge(
        "a million errors, memory above idle, the most",
        figure("most_kib") - idle,
        " KiB",
        "<= 8192",
        &detail,
    );
    let detail = "the second half hour's most, above the first one's";
    judge(
        "a million errors, memory grew",
        figure("later_kib") - figure("sooner_kib"),
        " KiB",
        "<= 1024",
        detail,
    );
    judge("a million errors, ledger misses", figure("missing"), "", "<= 0", "");

    let burst = run(&["burst", &dsn(server::closed()?)], Duration::from_secs(60))?;
    let grown = burst.figure("grown_kib").unwrap_or(f64::NAN);
    judge(
        "for comparison: the same, 600 errors at once",
        grown,
        " KiB",
        "",
        "bounded by queue, hold and outbox",
    );

    let server = Server::start(Ipv4Addr::LOCALHOST, |_| Reply::ok())?;
    let address = dsn(server.address());
    for (what, dsn, bar) in [
        ("without a DSN", "", "<= 1"),
        ("with a DSN", &address, "<= 2"),
        ("with a name to look up", &address.replace("127.0.0.1", "localhost"), "<= 2"),
    ] {
        let ended = run(&["threads", dsn], Duration::from_secs(30))?;
        let [stay, most] = ["stay", "most"].map(|name| ended.figure(name).unwrap_or(f64::NAN));
        let detail = format!("beside the program's own; {most} for a moment, at the first event");
        judge(&format!("threads, {what}"), stay, "", bar, &detail);
    }

    let silent = Server::start(Ipv4Addr::LOCALHOST, |_| Reply::Never)?;
    let drip = Server::start(Ipv4Addr::LOCALHOST, |_| Reply::Drip(Duration::from_secs(1)))?;
    for (fault, what) in FAULTS {
        let address = match fault {
            "refused" => server::closed()?,
            "drip" => drip.address(),
            _ => silent.address(),
        };
        for (call, name, allowed) in CALLS {
            let mut taken = Vec::new();
            for _ in 0..ROUNDS {
                // What never returns is killed, and misses its bar.
                let ended = child::run(&[CHILD, fault, call, &dsn(address)], Duration::from_secs(30))?;
                taken.push(ended.figure("taken_ms").unwrap_or(f64::INFINITY));
            }
            let worst = taken.iter().copied().fold(0.0, f64::max);
            let listed: Vec<_> = taken.iter().map(|taken| format!("{taken:.0}")).collect();
            let over = (worst - allowed.as_secs_f64() * 1_000.0).max(0.0);
            let detail = format!("returned after {} ms", listed.join(" "));
            judge(&format!("{name} beyond its deadline, {what}"), over, " ms", "<= 50", &detail);
        }
    }
    report.finish(
        env!("CARGO_MANIFEST_DIR"),
        "benches/README.md",
        &["crumbtrail", "reqwest", "tracing", "tracing-subscriber"],
    )
}

fn dsn(address: SocketAddr) -> String {
    format!("http://b7c4d8e19f2a4c5d8e6f7a8b9c0d1e2f@{address}/1")
}

fn run(arguments: &[&str], deadline: Duration) -> Result<Ended, Box<dyn Error>> {
    let ended = child::run(&[&[CHILD], arguments].concat(), deadline)?;
    if ended.ended_well() { Ok(ended) } else { Err(format!("{arguments:?}: {}", ended.end()).into()) }
}

/// A million errors of a thousand texts, at the pace of the test clock, with the defaults.
fn an_hour(dsn: &str) -> Result<(), Box<dyn Error>> {
    let clock = Clock::manual();
    let guard = install(crumbtrail::builder().dsn(dsn).clock(&clock))?;
    let idle_kib = idle(&guard, &clock);
    let [mut sooner_kib, mut later_kib] = [0; 2];
    let told = || {
        let stats = guard.stats();
        stats.accepted - stats.tallied
    };
    let mut told_before = told();
    for number in 0..ERRORS {
        request(number % TEXTS);
        if number % STEP == 0 {
            clock.advance(EACH * STEP as u32);
            // What is told in full comes at the pace of a true hour, by which the worker holds more of it or less. Of what
            // is only counted it holds nothing.
            thread::sleep(EACH * (told() - told_before) as u32);
            told_before = told();
            let half = if number < ERRORS / 2 { &mut sooner_kib } else { &mut later_kib };
            *half = resident_kib().max(*half);
        }
    }
    // An event that is on its way between two counters stands in both.
    let begun = Instant::now();
    while !guard.stats().balances() && begun.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(1));
    }
    let stats = guard.stats();
    let ended = stats.delivered
        + stats.folded
        + stats.tallied
        + stats.dropped_total()
        + stats.lost_total()
        + stats.pending;
    let missing = stats.accepted.abs_diff(ERRORS + 1) + ended.abs_diff(ERRORS + 1);
    for (name, figure) in [
        ("idle_kib", idle_kib),
        ("sooner_kib", sooner_kib),
        ("later_kib", later_kib),
        ("most_kib", sooner_kib.max(later_kib)),
        ("accepted", stats.accepted),
        ("told", stats.accepted - stats.tallied),
        ("lost", stats.lost_total()),
        ("missing", missing),
    ] {
        tell(name, figure)?;
    }
    process::exit(0)
}

/// As many as the throttle lets through in a minute, all at once.
fn at_once(dsn: &str) -> Result<(), Box<dyn Error>> {
    let clock = Clock::manual();
    let guard = install(crumbtrail::builder().dsn(dsn).clock(&clock))?;
    let idle_kib = idle(&guard, &clock);
    (0..u64::from(THROTTLE_ALL)).for_each(request);
    let mut most_kib = 0;
    let begun = Instant::now();
    while begun.elapsed() < 6 * MOMENT {
        most_kib = most_kib.max(resident_kib());
        thread::sleep(Duration::from_millis(1));
    }
    tell("grown_kib", most_kib.saturating_sub(idle_kib))?;
    process::exit(0)
}

/// What an idle process holds, in which everything was done once: the ring's memory is touched as it is used; the first event
/// finds its symbols, sets up the client, and is lost.
fn idle(guard: &Guard, clock: &Clock) -> u64 {
    (0..2 * RING_CELLS as u64).for_each(slow_payment);
    request(TEXTS);
    let begun = Instant::now();
    while guard.stats().lost_total() == 0 && begun.elapsed() < Duration::from_secs(60) {
        clock.advance(Duration::from_secs(1));
        thread::sleep(Duration::from_millis(1));
    }
    resident_kib()
}

/// The most threads at once: from the start until the first event was sent, or taken where nothing is sent; and then, while
/// others follow it.
fn count_threads(dsn: &str) -> Result<(), Box<dyn Error>> {
    let own = threads();
    let guard = install(crumbtrail::builder().dsn(dsn))?;
    let most_within = |time: Duration| {
        let begun = Instant::now();
        let mut most = 0;
        // Without a pause: some live for no more than a moment.
        while begun.elapsed() < time {
            most = most.max(threads());
        }
        most - own
    };
    request(0);
    // Beyond the hold.
    tell("most", most_within(5 * MOMENT))?;
    // It is waited for: whether it is taken is another measure.
    let _ = guard.flush(5 * MOMENT);
    (1..10).for_each(request);
    tell("stay", most_within(5 * MOMENT))?;
    process::exit(0)
}

fn keep_a_deadline(fault: &str, call: &str, dsn: &str) -> Result<(), Box<dyn Error>> {
    let guard = install(crumbtrail::builder().dsn(dsn).throttle(Throttle::Off))?;
    let errors = if fault == "full" { 4 * QUEUE_ITEMS as u64 } else { 1 };
    (0..errors).for_each(request);
    thread::sleep(MOMENT);
    if fault == "full" {
        (0..errors).for_each(request);
    }
    let begun = Instant::now();
    // That it ran out of time is no news: the events are still waiting.
    let _ = match call {
        "flush" => guard.flush(WAIT),
        "shutdown" => guard.shutdown(WAIT),
        _ => {
            drop(guard);
            Ok(())
        }
    };
    tell("taken_ms", begun.elapsed().as_secs_f64() * 1_000.0)?;
    process::exit(0)
}

fn install(builder: Builder) -> Result<Guard, Box<dyn Error>> {
    let (layer, guard) = builder.build()?;
    tracing_subscriber::registry().with(layer).try_init()?;
    Ok(guard)
}

/// A request that fails.
fn request(text: u64) {
    info_span!("request", text, route = "/pay").in_scope(|| {
        (0..CRUMBS).for_each(slow_payment);
        let error = NoTable(text);
        error!(error = &error as &dyn Error, order = text, attempt = 3_u64, "payment failed");
    });
}

fn slow_payment(order: u64) {
    warn!(order, attempt = 3_u64, gateway = "north", "payment was slow");
}

/// An error whose text is like no other number's, also without its digits.
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

fn threads() -> usize {
    fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// What the process holds in memory.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or_default()
}
