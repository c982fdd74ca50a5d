//! What it costs to keep issues: events a second, counts in a storm, bytes on the disk and in memory, and how long a look takes
//! at a store of a hundred, and of a hundred thousand issues.
//!
//! Each measure is a process of its own, over a file of its own in the directory for temporary files. The looks are the
//! command's, from its start to its end. Excluded: what the machine's disk does later with what the kernel has.

#[path = "harness/child.rs"]
mod child;
#[path = "harness/report.rs"]
mod report;
#[path = "harness/seed.rs"]
mod seed;

use std::env;
use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crumbtrail::limits::{KEEP_HOURLY_DAYS, QUEUE_BYTES, QUEUE_ITEMS};
use crumbtrail::{Builder, Guard, Stack, Store, Throttle};
use tracing::{error, info_span, warn};
use tracing_subscriber::prelude::*;

use child::{Ended, tell};
use report::{Figure, Report};

const CHILD: &str = "--store";
/// Events of the first measure.
const EVENTS: u64 = 30_000;
/// Before each of them, in its request.
const CRUMBS: u64 = 100;
/// Kinds of failures among them.
const KINDS: u64 = 8;
/// Errors of one kind in the storm.
const STORM: u64 = 1_000_000;
/// Events that wait at the most: half as many as there is room for.
const PENDING: usize = QUEUE_ITEMS;
/// Issues of the small and of the large store, and events of each.
const STORES: [(u64, u64); 2] = [(1_000, 10), (100_000, 10)];
/// Issues of a store that is nearly as large as one may be.
const WITHIN: u64 = 40_000;
/// Issues that each of them is made of.
const FEW: u64 = 50;
/// Looks at a store; the median counts.
const LOOKS: usize = 9;
/// Hours of a year.
const YEAR: u64 = 365 * 24;
const LONG: Duration = Duration::from_secs(120);
const FLUSH: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [CHILD, "events", path] => return many_events(path.as_ref()),
        [CHILD, "storm", path] => return a_storm(path.as_ref()),
        [CHILD, "apart", path] => return apart(path.as_ref()),
        [CHILD, "year", path, hours] => return a_year(path.as_ref(), hours.parse()?),
        [CHILD, "steady", path, ms] => return steady(path, Duration::from_millis(ms.parse()?)),
        [CHILD, "few", path, each] => return a_few(path.as_ref(), each.parse()?),
        _ => {}
    }
    if !report::is_bench_run()? {
        return Ok(());
    }
    let mut report = Report::new("store");
    let mut judge = |name: &str, value: f64, unit, decimals, bar: &str, detail: &str| {
        report.judge(name, Figure { value, unit, decimals }, bar, detail);
    };
    let places = Places::new()?;

    let figure = |ended: &Ended, name| ended.figure(name).unwrap_or(f64::NAN);
    let mut runs = Vec::new();
    for round in 0..3 {
        let ended = run("events", &places.file(&format!("events-{round}")), &[])?;
        runs.push((figure(&ended, "rate"), figure(&ended, "worker_us")));
    }
    runs.sort_by(|one, other| one.0.total_cmp(&other.0));
    let rates: Vec<_> = runs.iter().map(|(rate, _)| format!("{rate:.0}")).collect();
    let detail = format!("{EVENTS} with {CRUMBS} breadcrumbs, {KINDS} issues; runs {}", rates.join(" "));
    let (rate, worker_us) = runs.get(1).copied().unwrap_or((f64::NAN, f64::NAN));
    judge("events stored", rate, "/s", 0, ">= 5000", &detail);
    judge("for comparison: the worker's time for one of them", worker_us, " us", 0, "", "");

    let storm = run("storm", &places.file("storm"), &[])?;
    judge("a million errors of one issue, ledger misses", figure(&storm, "missing"), "", 0, "<= 0", "");
    judge("the same, missing in the store", STORM as f64 - figure(&storm, "stored"), "", 0, "<= 0", "");
    judge("the same, the worker's time", figure(&storm, "worker_ms"), " ms", 0, "<= 2000", "");

    let apart = run("apart", &places.file("apart"), &[])?;
    let detail = format!("{} events, none like another", figure(&apart, "events"));
    judge("bytes on disk for an event", figure(&apart, "each"), " B", 0, "<= 4096", &detail);

    let [hour, year] = [1, YEAR].map(|hours| {
        run("year", &places.file(&format!("hours-{hours}")), &[&hours.to_string()])
            .map(|ended| figure(&ended, "bytes"))
    });
    let detail =
        format!("by hour for {KEEP_HOURLY_DAYS} days, then by day; above a store with an hour of it");
    judge("a year of one issue's counts", (year? - hour?) / 1_024.0, " KiB", 0, "<= 200", &detail);

    let mut medians = Vec::new();
    for (issues, each) in STORES {
        let path = places.file(&format!("issues-{issues}"));
        run("few", &path, &[&each.to_string()])?;
        seed::multiply(&path, issues)?;
        let looks = [("issues", vec!["issues"]), ("show", vec!["show", "latest"])].map(|(name, words)| {
            let took = looked(&path, &words)?;
            let detail = format!("{issues} issues, {} events, {} MiB", issues * each, bytes(&path) >> 20);
            Ok::<_, Box<dyn Error>>((name, took, detail))
        });
        for look in looks {
            let (name, took, detail) = look?;
            judge(&format!("crumbtrail {name}, {issues} issues"), took, " ms", 1, "<= 100", &detail);
            medians.push((name, took));
        }
    }
    if let [issues, show, many_issues, many_show] = medians.as_slice() {
        for (few, many) in [(issues, many_issues), (show, many_show)] {
            let ratio = many.1 / few.1;
            judge(&format!("the same, {}, many issues against few", few.0), ratio, " x", 2, "<= 2", "");
        }
    }

    let large = places.file("within");
    run("few", &large, &[&STORES[1].1.to_string()])?;
    seed::multiply(&large, WITHIN)?;
    let steady = places.file("steady");
    for (what, path, ms, bar) in [
        ("an empty store", &steady, "10", "<= 16"),
        ("a large store", &large, "10", "<= 16"),
        ("many failures at once", &places.file("burst"), "1", ""),
    ] {
        let without = figure(&run("steady", Path::new("none"), &[ms])?, "kib");
        let with = figure(&run("steady", path, &[ms])?, "kib");
        let more = (with - without) / 1_024.0;
        let detail =
            format!("{with:.0} KiB, without crumbtrail {without:.0} KiB; a request fails every {ms} ms");
        judge(&format!("memory of the host, {what}"), more, " MiB", 1, bar, &detail);
    }
    report.finish(
        env!("CARGO_MANIFEST_DIR"),
        "benches/README.md",
        &["crumbtrail", "rusqlite", "libsqlite3-sys", "zstd"],
    )
}

/// A directory that goes with the bench.
struct Places(PathBuf);

impl Places {
    fn new() -> io::Result<Self> {
        let path = env::temp_dir().join(format!("crumbtrail-bench-{}", process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.db"))
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        // It is in the directory for what may be lost.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(what: &str, path: &Path, more: &[&str]) -> Result<Ended, Box<dyn Error>> {
    let path = path.to_str().ok_or("a path of text")?;
    let ended = child::run(&[&[CHILD, what, path], more].concat(), LONG)?;
    if ended.ended_well() { Ok(ended) } else { Err(format!("{what}: {}", ended.end()).into()) }
}

/// The median of some looks, in milliseconds, from the start of the process to its end.
fn looked(path: &Path, words: &[&str]) -> Result<f64, Box<dyn Error>> {
    let mut took = Vec::new();
    for _ in 0..LOOKS {
        let begun = Instant::now();
        let ended = Command::new(env!("CARGO_BIN_EXE_crumbtrail"))
            .arg("--store")
            .arg(path)
            .args(words)
            .stdout(Stdio::null())
            .status()?;
        took.push(begun.elapsed().as_secs_f64() * 1_000.0);
        if !ended.success() {
            return Err(format!("{words:?}: {ended}").into());
        }
    }
    took.sort_by(f64::total_cmp);
    Ok(took.get(LOOKS / 2).copied().unwrap_or(f64::NAN))
}

/// Events as fast as they are taken: no more wait than fit into the queue, so that none is lost.
fn many_events(path: &Path) -> Result<(), Box<dyn Error>> {
    let guard = install(unthrottled(path))?;
    // The file is made, and everything was done once.
    checkout(0);
    guard.flush(FLUSH)?;
    let before = worker_ms().ok_or(NO_TIME)?;
    let begun = Instant::now();
    for number in 0..EVENTS {
        checkout(number);
        wait_for_room(&guard);
    }
    guard.flush(FLUSH)?;
    let took = begun.elapsed();
    let stats = guard.stats();
    if stats.delivered != EVENTS + 1 || stats.lost_total() > 0 {
        return Err(format!("not every event was stored: {stats:?}").into());
    }
    tell("rate", EVENTS as f64 / took.as_secs_f64())?;
    let worker_ms = worker_ms().ok_or(NO_TIME)? - before;
    tell("worker_us", worker_ms as f64 * 1_000.0 / EVENTS as f64)?;
    process::exit(0)
}

fn a_storm(path: &Path) -> Result<(), Box<dyn Error>> {
    let guard = install(crumbtrail::builder().store(Store::Path(path.into())))?;
    for number in 0..STORM {
        let failure = Failure { kind: 0, number };
        error!(error = &failure as &dyn Error, "payment failed");
    }
    guard.flush(FLUSH)?;
    let stats = guard.stats();
    let ended = stats.delivered + stats.folded + stats.tallied + stats.dropped_total() + stats.lost_total();
    tell("missing", stats.accepted.abs_diff(STORM) + ended.abs_diff(STORM))?;
    tell("worker_ms", worker_ms().ok_or(NO_TIME)?)?;
    guard.shutdown(FLUSH)?;
    tell("stored", seed::occurrences(path)?)?;
    process::exit(0)
}

/// Events of which none is forgotten, since each is an issue.
fn apart(path: &Path) -> Result<(), Box<dyn Error>> {
    const APART: u64 = 4_000;
    let guard = install(unthrottled(path))?;
    for number in 0..APART {
        let request = request(number);
        request.in_scope(|| {
            crumbs(number);
            let failure = Failure { kind: number % KINDS, number };
            error!(error = &failure as &dyn Error, fingerprint = format!("f{number}"), "payment failed");
        });
        drop(request);
        wait_for_room(&guard);
    }
    guard.flush(FLUSH)?;
    guard.shutdown(FLUSH)?;
    drop(guard);
    tell("events", APART)?;
    tell("each", bytes(path) as f64 / APART as f64)?;
    process::exit(0)
}

/// One issue, once an hour, by the times that a hook gives its events; the newest of them is of this hour.
fn a_year(path: &Path, hours: u64) -> Result<(), Box<dyn Error>> {
    let clock = crumbtrail::Clock::manual();
    let now = SystemTime::now();
    let builder = unthrottled(path).clock(&clock).before_send(move |mut event| {
        let ago = event.fields.get("ago").and_then(|ago| ago.as_u64()).unwrap_or_default();
        event.time = now - Duration::from_secs(ago * 3_600);
        Some(event)
    });
    let guard = install(builder)?;
    for ago in (0..hours).rev() {
        let failure = Failure { kind: 0, number: 0 };
        error!(error = &failure as &dyn Error, ago, "payment failed");
        wait_for_room(&guard);
    }
    guard.flush(FLUSH)?;
    // What is old is forgotten now and then.
    for _ in 0..200 {
        clock.advance(Duration::from_secs(11 * 60));
        error!("anything");
        guard.flush(FLUSH)?;
    }
    guard.shutdown(FLUSH)?;
    tell("bytes", bytes(path))?;
    process::exit(0)
}

/// Some issues of which as many events are kept, each of one of several variants and with a few breadcrumbs.
fn a_few(path: &Path, each: u64) -> Result<(), Box<dyn Error>> {
    let guard = install(unthrottled(path))?;
    for number in 0..FEW * each {
        let request = request(number);
        request.in_scope(|| {
            warn!(item = "kettle", left = number % 90, "stock is low");
            warn!(attempt = 1, error = "the connection broke", "card gateway failed, trying again");
            let failure = Failure { kind: number % KINDS, number };
            let fingerprint = format!("shop {}", number % FEW);
            let title = title(number);
            match number / FEW % 2 {
                0 => error!(error = &failure as &dyn Error, fingerprint, "{title}"),
                _ => error!(error = "the gateway timed out", fingerprint, "{title}"),
            }
        });
        drop(request);
        wait_for_room(&guard);
    }
    guard.shutdown(FLUSH)?;
    process::exit(0)
}

/// A service most of whose requests fail, with the defaults, for some seconds.
fn steady(path: &str, pause: Duration) -> Result<(), Box<dyn Error>> {
    let guard = match path {
        "none" => None,
        path => Some(install(crumbtrail::builder().store(Store::Path(path.into())))?),
    };
    let begun = Instant::now();
    let mut number = 0;
    let mut most_kib = 0;
    while begun.elapsed() < Duration::from_secs(6) {
        checkout(number);
        number += 1;
        thread::sleep(pause);
        if number.is_multiple_of(10) {
            most_kib = most_kib.max(resident_kib());
        }
    }
    if let Some(guard) = guard {
        guard.flush(FLUSH)?;
    }
    tell("kib", most_kib.max(resident_kib()))?;
    process::exit(0)
}

/// Takes all events, as fast as they come.
fn unthrottled(path: &Path) -> Builder {
    let builder = crumbtrail::builder().store(Store::Path(path.into()));
    builder.throttle(Throttle::Off).queue(2 * PENDING, 4 * QUEUE_BYTES)
}

fn install(builder: Builder) -> Result<Guard, Box<dyn Error>> {
    let (layer, guard) = builder.stack(Stack::Off).release("bench@1").build()?;
    tracing_subscriber::registry().with(layer).try_init()?;
    Ok(guard)
}

fn request(number: u64) -> tracing::Span {
    info_span!(
        "checkout",
        order = number,
        user.id = 1_000 + number % 500,
        tags.method = if number.is_multiple_of(3) { "card" } else { "wallet" },
        http.request.method = "POST",
        http.route = "/orders",
    )
}

/// Waits while so many events are queued, or held, that one might find no room.
fn wait_for_room(guard: &Guard) {
    while guard.stats().pending > PENDING as u64 {
        thread::sleep(Duration::from_millis(1));
    }
}

/// A request that fails at its end.
fn checkout(number: u64) {
    request(number).in_scope(|| {
        crumbs(number);
        let failure = Failure { kind: number % KINDS, number };
        error!(error = &failure as &dyn Error, cents = number * 37 % 9_000, "{}", title(number));
    });
}

fn crumbs(number: u64) {
    for crumb in 0..CRUMBS / 2 {
        let item = GOODS.get((crumb % 5) as usize).copied().unwrap_or_default();
        warn!(item, left = number.wrapping_mul(crumb) % 90, "stock is low");
        warn!(attempt = crumb, error = "the connection broke", "card gateway failed, trying again");
    }
}

/// A failure with two causes.
#[derive(Debug)]
struct Failure {
    kind: u64,
    number: u64,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the payment of order {} could not be taken by gateway {}", self.number, self.kind)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&Refused)
    }
}

#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection refused")
    }
}

impl Error for Refused {}

fn title(number: u64) -> &'static str {
    TITLES.get((number % KINDS) as usize).copied().unwrap_or_default()
}

const GOODS: [&str; 5] = ["kettle", "teapot", "cup", "spoon", "tray"];
const TITLES: [&str; KINDS as usize] = [
    "payment failed",
    "order not stored",
    "no receipt sent",
    "the stock is not known",
    "sign-up failed",
    "no profile",
    "the wallet refused",
    "no rate of today",
];

/// The file with what stands beside it.
fn bytes(path: &Path) -> u64 {
    let beside = |end: &str| PathBuf::from(format!("{}{end}", path.display()));
    let files = [path.to_owned(), beside("-wal"), beside("-shm")];
    files.iter().filter_map(|path| fs::metadata(path).ok()).map(|file| file.len()).sum()
}

/// Processor time of crumbtrail's thread.
fn worker_ms() -> Option<u64> {
    let tasks = fs::read_dir("/proc/self/task").ok()?;
    tasks.filter_map(Result::ok).find_map(|task| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        let times = fs::read_to_string(task.path().join("schedstat")).ok()?;
        let ns: u64 = times.split(' ').next()?.parse().ok()?;
        (name.trim() == "crumbtrail").then_some(ns / 1_000_000)
    })
}

const NO_TIME: &str = "the worker's time is not to be had";

/// What the process holds in memory.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or_default()
}
