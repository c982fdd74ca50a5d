//! A storm of ERRORs: as fast as eight threads can, and a million texts through one line. What callers wait, what is
//! counted, and what it takes of memory.
//!
//! Each storm is a process of its own. Excluded: what sinks do; these only count.

#[path = "harness/report.rs"]
mod report;

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::fs;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crumbtrail::{Builder, Fingerprint, Guard, Lost, Sink, Stats, Tally, Throttle, TrackedEvent};
use tracing::{error, info_span};
use tracing_subscriber::prelude::*;

use report::{Figure, Report};

const THREADS: u64 = 8;
const STORM: Duration = Duration::from_secs(5);
/// Before the memory is looked at for the first time.
const WARM_UP: Duration = Duration::from_secs(1);
const TEXTS: u64 = 1_000_000;
const FLUSH: Duration = Duration::from_secs(60);
const CHILD: &str = "--storm";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [mode, storm] = arguments.as_slice()
        && mode == CHILD
    {
        return serve(storm);
    }
    if !report::is_bench_run()? {
        return Ok(());
    }
    let mut report = Report::new("storm");
    for (storm, what) in [
        ("lines", "above the line limit"),
        ("issue", "one issue, no line limit"),
        ("defaults", "one issue, defaults"),
    ] {
        let seen = Seen::of(storm)?;
        let mut judge = |name: &str, figure, unit, bar, beside| {
            seen.judge(&mut report, &format!("{name}, {what}"), figure, unit, bar, beside);
        };
        judge("ERRORs a second, 8 threads", "a_second", "", "", "");
        judge("caller's median", "median_ns", " ns", "", "");
        judge("caller's p99", "p99_ns", " ns", "<= 5000", "");
        judge("ERRORs that the ledger misses", "missing", "", "<= 0", "accepted");
        let whole = if storm == "issue" { "issue" } else { "line" };
        judge(&format!("ERRORs miscounted by {whole}"), "miscounted", "", "<= 0", "told");
        judge("memory grew", "grown_kib", " KiB", "<= 1024", "");
    }
    let seen = Seen::of("beside")?;
    seen.judge(&mut report, "another issue on a throttled line, told", "told", "", ">= 1", "");
    let seen = Seen::of("texts")?;
    seen.judge(&mut report, "a million texts, ledger misses", "missing", "", "<= 0", "accepted");
    seen.judge(&mut report, "a million texts, memory grew", "grown_kib", " KiB", "<= 4096", "");
    seen.judge(&mut report, "a million texts, a call, first tenth", "first_ns", " ns", "", "");
    seen.judge(&mut report, "a million texts, a call, last tenth", "last_ns", " ns", "", "");
    seen.judge(&mut report, "a million texts, last tenth against first", "slower", " x", "<= 1.25", "");
    report.finish(
        env!("CARGO_MANIFEST_DIR"),
        "benches/README.md",
        &["crumbtrail", "tracing", "tracing-subscriber"],
    )
}

/// What a child has seen, by name.
struct Seen(HashMap<String, f64>);

impl Seen {
    fn of(storm: &str) -> Result<Self, Box<dyn Error>> {
        let child =
            Command::new(env::current_exe()?).args([CHILD, storm]).stderr(Stdio::inherit()).output()?;
        let text = String::from_utf8(child.stdout)?;
        let figure = |line: &str| {
            let (name, figure) = line.split_once(' ')?;
            Some((name.to_owned(), figure.parse().ok()?))
        };
        let read = |line| figure(line).ok_or_else(|| format!("{storm} answered {line:?}").into());
        text.lines().map(read).collect::<Result<_, Box<dyn Error>>>().map(Self)
    }

    /// Judges a figure by its name; `beside` names another one that explains it.
    fn judge(
        &self,
        report: &mut Report,
        name: &str,
        figure: &str,
        unit: &'static str,
        bar: &str,
        beside: &str,
    ) {
        let value = self.0.get(figure).copied().unwrap_or(f64::NAN);
        let decimals = if unit == " x" { 2 } else { 0 };
        let detail = self.0.get(beside).map(|value| format!("{value:.0} {beside}")).unwrap_or_default();
        report.judge(name, Figure { value, unit, decimals }, bar, &detail);
    }
}

fn serve(storm: &str) -> Result<(), Box<dyn Error>> {
    let found = match storm {
        "lines" => eight_threads(crumbtrail::builder(), By::Line, two_lines)?,
        "issue" => {
            let limits = Throttle::Limits { issue: 10, all: 600, line: u32::MAX };
            eight_threads(crumbtrail::builder().throttle(limits), By::Issue, one_issue)?
        }
        "defaults" => eight_threads(crumbtrail::builder(), By::Line, one_issue)?,
        "beside" => beside()?,
        "texts" => texts()?,
        other => return Err(format!("no such storm: {other}").into()),
    };
    for (name, figure) in found {
        writeln!(io::stdout(), "{name} {figure}")?;
    }
    Ok(())
}

/// As fast as eight threads can, each in a span of its own; `fail` returns which line it was.
fn eight_threads(
    builder: Builder,
    by: By,
    fail: fn(u64) -> usize,
) -> Result<Vec<(&'static str, f64)>, Box<dyn Error>> {
    let (guard, counts) = install(builder)?;
    let logged = [AtomicU64::new(0), AtomicU64::new(0)];
    let (go_on, measured) = (AtomicBool::new(true), AtomicBool::new(false));
    let mut times = Times::default();
    let mut before_kib = 0;
    let mut spent = Duration::ZERO;
    thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        let work = |number| {
            let (logged, go_on, measured) = (&logged, &go_on, &measured);
            move || {
                let mut times = Times::default();
                let mut calls = [0, 0];
                let mut order = 0;
                info_span!("request", number).in_scope(|| {
                    while go_on.load(Ordering::Relaxed) {
                        let begun = Instant::now();
                        let line = fail(order);
                        if measured.load(Ordering::Relaxed) {
                            times.note(begun.elapsed());
                        }
                        if let Some(calls) = calls.get_mut(line) {
                            *calls += 1;
                        }
                        order += 1;
                    }
                });
                for (logged, calls) in logged.iter().zip(calls) {
                    logged.fetch_add(calls, Ordering::Relaxed);
                }
                times
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|number| scope.spawn(work(number))).collect();
        thread::sleep(WARM_UP);
        before_kib = resident_kib();
        let begun = Instant::now();
        measured.store(true, Ordering::Relaxed);
        thread::sleep(STORM);
        go_on.store(false, Ordering::Relaxed);
        spent = begun.elapsed();
        for thread in threads {
            times.add(&thread.join().map_err(|_| "a thread panicked")?);
        }
        Ok(())
    })?;
    let after_kib = resident_kib();
    let lines: Vec<_> = logged.into_iter().map(AtomicU64::into_inner).collect();
    let logged = lines.iter().sum();
    guard.flush(FLUSH)?;
    let stats = guard.stats();
    Ok(vec![
        ("a_second", times.calls as f64 / spent.as_secs_f64()),
        ("median_ns", times.quantile_ns(0.5)),
        ("p99_ns", times.quantile_ns(0.99)),
        ("accepted", stats.accepted as f64),
        ("missing", ledger_misses(&stats, logged)),
        ("told", counts.told() as f64),
        ("miscounted", counts.miscounted(by, lines) as f64),
        ("grown_kib", after_kib.saturating_sub(before_kib) as f64),
    ])
}

/// An error that is new on a line which throttles another one.
fn beside() -> Result<Vec<(&'static str, f64)>, Box<dyn Error>> {
    let (guard, counts) = install(crumbtrail::builder())?;
    for order in 0..1_000 {
        fails(&Failed("the card was declined"), order);
    }
    guard.flush(FLUSH)?;
    let before = counts.told();
    fails(&Failed("the gateway is gone"), 1_000);
    guard.flush(FLUSH)?;
    Ok(vec![("told", (counts.told() - before) as f64)])
}

/// A million texts through one line.
fn texts() -> Result<Vec<(&'static str, f64)>, Box<dyn Error>> {
    let limits = Throttle::Limits { issue: 10, all: 600, line: u32::MAX };
    let (guard, _) = install(crumbtrail::builder().throttle(limits))?;
    let tenth = TEXTS / 10;
    let run = |numbers: std::ops::Range<u64>| {
        let mut calls: Vec<_> = Vec::with_capacity(tenth as usize);
        for number in numbers {
            let failed = Distinct(number);
            let begun = Instant::now();
            fails_distinctly(&failed);
            calls.push(begun.elapsed().as_nanos() as u64);
        }
        calls.sort_unstable();
        calls.get(calls.len() / 2).map_or(f64::NAN, |median| *median as f64)
    };
    // The process's own first calls are no part of it.
    run(TEXTS..TEXTS + tenth);
    guard.flush(FLUSH)?;
    let before_kib = resident_kib();
    let first = run(0..tenth);
    (1..9).for_each(|part| _ = run(part * tenth..(part + 1) * tenth));
    let last = run(9 * tenth..TEXTS);
    let after_kib = resident_kib();
    guard.flush(FLUSH)?;
    let stats = guard.stats();
    Ok(vec![
        ("accepted", stats.accepted as f64),
        ("missing", ledger_misses(&stats, TEXTS + tenth)),
        ("grown_kib", after_kib.saturating_sub(before_kib) as f64),
        ("first_ns", first),
        ("last_ns", last),
        ("slower", last / first),
    ])
}

/// How far the ledger is from what was logged, and from its own sum.
fn ledger_misses(stats: &Stats, logged: u64) -> f64 {
    let ended = stats.delivered
        + stats.folded
        + stats.tallied
        + stats.dropped_total()
        + stats.lost_total()
        + stats.pending;
    (stats.accepted.abs_diff(logged) + ended.abs_diff(logged)) as f64
}

fn install(builder: Builder) -> Result<(Guard, Counts), Box<dyn Error>> {
    let counts = Counts::default();
    let (layer, guard) = builder.sink(counts.clone()).build()?;
    tracing_subscriber::registry().with(layer).try_init()?;
    Ok((guard, counts))
}

fn one_issue(order: u64) -> usize {
    fails(&Failed("the card was declined"), order);
    0
}

/// Two lines in turn: each has to count its own.
fn two_lines(order: u64) -> usize {
    if order.is_multiple_of(3) {
        return one_issue(order);
    }
    // Another error: the same one on two lines would be one failure, which was logged twice.
    let error = Failed("the bank refused the refund");
    error!(error = &error as &dyn Error, order, attempt = 3_u64, "refund failed");
    1
}

#[inline(never)]
fn fails(error: &Failed, order: u64) {
    error!(error = error as &dyn Error, order, attempt = 3_u64, "payment failed");
}

#[inline(never)]
fn fails_distinctly(error: &Distinct) {
    error!(error = error as &dyn Error, "payment failed");
}

#[derive(Debug)]
struct Failed(&'static str);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Failed {}

/// An error whose text is like no other's, also without its digits.
struct Distinct(u64);

impl fmt::Display for Distinct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such table: ")?;
        let mut rest = self.0;
        while rest > 0 {
            f.write_char(char::from(b'a' + (rest % 26) as u8))?;
            rest /= 26;
        }
        Ok(())
    }
}

impl fmt::Debug for Distinct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Distinct")
    }
}

impl Error for Distinct {}

/// A sink that counts by line and by issue: what was told, and what was only counted.
#[derive(Debug, Clone, Default)]
struct Counts(Arc<Mutex<Counted>>);

#[derive(Debug, Default)]
struct Counted {
    told: u64,
    lines: HashMap<Option<u32>, u64>,
    issues: HashMap<Fingerprint, u64>,
}

/// What is to be exact.
#[derive(Debug, Clone, Copy)]
enum By {
    Line,
    Issue,
}

impl Sink for Counts {
    fn deliver(&self, event: &TrackedEvent) -> Result<(), Lost> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.told += 1;
        *counted.lines.entry(event.line).or_default() += 1;
        *counted.issues.entry(event.fingerprint.clone()).or_default() += 1;
        Ok(())
    }

    fn tally(&self, tally: &Tally) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counted.lines.entry(tally.line).or_default() += tally.count;
        if let Some(fingerprint) = &tally.fingerprint {
            *counted.issues.entry(fingerprint.clone()).or_default() += tally.count;
        }
    }
}

impl Counts {
    fn told(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).told
    }

    /// How far its counts are from those expected, of which each is one line's or one issue's.
    fn miscounted(&self, by: By, mut expected: Vec<u64>) -> u64 {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<_> = match by {
            By::Line => counted.lines.values().copied().collect(),
            By::Issue => counted.issues.values().copied().collect(),
        };
        let length = found.len().max(expected.len());
        for counts in [&mut found, &mut expected] {
            counts.resize(length, 0);
            counts.sort_unstable();
        }
        found.iter().zip(&expected).map(|(found, expected)| found.abs_diff(*expected)).sum()
    }
}

/// Times of calls, to a sixteenth of each.
#[derive(Debug)]
struct Times {
    calls: u64,
    slots: Vec<u64>,
}

impl Default for Times {
    fn default() -> Self {
        Self { calls: 0, slots: vec![0; 64 * SLOTS] }
    }
}

/// Slots for times of the same power of two.
const SLOTS: usize = 16;

impl Times {
    fn note(&mut self, time: Duration) {
        let nanos = (time.as_nanos() as u64).max(SLOTS as u64);
        let power = nanos.ilog2();
        let within = (nanos >> (power - SLOTS.ilog2())) as usize - SLOTS;
        if let Some(slot) = self.slots.get_mut(power as usize * SLOTS + within) {
            *slot += 1;
            self.calls += 1;
        }
    }

    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        for (slot, more) in self.slots.iter_mut().zip(&other.slots) {
            *slot += more;
        }
    }

    /// The time that this part of all calls does not exceed.
    fn quantile_ns(&self, part: f64) -> f64 {
        let mut left = (self.calls as f64 * part) as u64;
        for (index, count) in self.slots.iter().enumerate() {
            if left < *count {
                return (SLOTS + index % SLOTS + 1) as f64 * 2_f64.powi((index / SLOTS) as i32 - 4);
            }
            left -= count;
        }
        f64::NAN
    }
}

/// What the process holds in memory.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or_default()
}
