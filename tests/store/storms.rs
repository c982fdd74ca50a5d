//! Storms: what the ledger counts is what the file counts, and neither the file nor memory grows with it.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crumbtrail::Throttle;
use crumbtrail::limits::{THROTTLE_ALL, THROTTLE_ISSUE};

use crate::look::look;
use crate::rig::{BESIDE, Folder, LONG, Live, Rig, beside, child_at, given_path, into, lose, say};
use crate::support::{ledger_balances, role};

/// A debug build is some ten times slower.
const STORM: u64 = if cfg!(debug_assertions) { 200_000 } else { 1_000_000 };
const TEXTS: u64 = if cfg!(debug_assertions) { 20_000 } else { 100_000 };
const THREADS: u64 = 8;
const UNLIMITED_LINE: Throttle =
    Throttle::Limits { issue: THROTTLE_ISSUE, all: THROTTLE_ALL, line: u32::MAX };

/// Runs `work` so many times, on eight threads.
fn on_threads(rig: &Rig, times: u64, work: impl Fn(u64) + Sync) {
    thread::scope(|scope| {
        for first in 0..THREADS {
            let work = &work;
            scope.spawn(move || rig.run(|| (first..times).step_by(THREADS as usize).for_each(work)));
        }
    });
}

fn bytes(store: &Path) -> u64 {
    let length = |suffix: &str| fs::metadata(beside(store, suffix)).map_or(0, |found| found.len());
    length("") + BESIDE.iter().map(|suffix| length(suffix)).sum::<u64>()
}

/// Memory of the process that is not shared with others, in bytes.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn a_storm_of_one_issue_is_counted_exactly() {
    let folder = Folder::new("storm");
    let rig = Rig::new(into(&folder.store()).throttle(UNLIMITED_LINE));
    on_threads(&rig, STORM, |_| _ = lose("apples"));
    rig.guard.flush(LONG).unwrap();
    let stats = ledger_balances(&rig.guard);
    assert_eq!((stats.accepted, stats.pending), (STORM, 0), "{stats:?}");
    let lost = stats.lost_total();
    rig.end();
    let found = look(&folder.store());
    // What the queue had no room for is in the ledger, and no occurrence that anybody knows more of.
    assert_eq!(
        (found.of("apples") + found.by_line, found.issues.len()),
        (STORM - lost, 1),
        "{stats:?} {found:#?}"
    );
    assert_eq!(found.by_line, 0, "one text is told apart from all others");
    assert_eq!(lost, 0, "{stats:?}");
    assert!(bytes(&folder.store()) < 4 << 20, "{} bytes", bytes(&folder.store()));
}

/// A text that no other number has, without a digit.
fn letters(mut number: u64) -> String {
    let mut text = String::new();
    for _ in 0..5 {
        text.push_str(["ga", "ho", "ki", "lu", "my", "ne", "po", "ri", "su", "ty"][(number % 10) as usize]);
        number /= 10;
    }
    text
}

#[test]
fn a_storm_of_as_many_issues_as_events_takes_bounded_room() {
    const NAME: &str = "storms::a_storm_of_as_many_issues_as_events_takes_bounded_room";
    if role().is_none() {
        let folder = Folder::new("texts");
        let over = Live::start(child_at("texts", NAME, &folder.store())).over().succeeded();
        println!("{:?}", over.said);
        return;
    }
    let store = given_path("PATH");
    let rig = Rig::new(into(&store).throttle(UNLIMITED_LINE));
    let fail = |number| tracing::error!(error = %io::Error::other(letters(number)), "no {}", letters(number));
    // So that what is made once is made.
    on_threads(&rig, 800, fail);
    rig.guard.flush(LONG).unwrap();
    let before = memory();
    on_threads(&rig, TEXTS, |number| fail(800 + number));
    rig.guard.flush(LONG).unwrap();
    let grown = memory().saturating_sub(before);
    let stats = ledger_balances(&rig.guard);
    assert_eq!((stats.accepted, stats.pending, stats.lost_total()), (TEXTS + 800, 0, 0), "{stats:?}");
    rig.end();
    let found = look(&store);
    assert_eq!(found.total(), stats.accepted - stats.folded, "{stats:?}");
    assert!(grown < 24 << 20, "{grown} bytes of memory");
    assert!(bytes(&store) < 16 << 20, "{} bytes of file", bytes(&store));
    say(&format!(
        "{TEXTS} texts: {} issues, {} by line, {grown} bytes more",
        found.issues.len(),
        found.by_line
    ));
}

/// Without a throttle each is an issue of its own.
#[test]
fn thousands_of_issues_that_are_all_told_are_all_counted() {
    const EACH: u64 = if cfg!(debug_assertions) { 3_000 } else { 100_000 };
    let folder = Folder::new("issues");
    let rig = Rig::new(into(&folder.store()).queue(1 << 20, 1 << 30));
    on_threads(&rig, EACH, |number| {
        tracing::error!(error = %io::Error::other("gone"), "no {}", letters(number));
        if number % 512 == 0 {
            let _ = rig.guard.flush(Duration::from_secs(5));
        }
    });
    rig.guard.flush(LONG).unwrap();
    let stats = ledger_balances(&rig.guard);
    assert_eq!((stats.accepted, stats.delivered), (EACH, EACH), "{stats:?}");
    rig.end();
    let found = look(&folder.store());
    assert_eq!((found.issues.len() as u64, found.total()), (EACH, EACH));
    assert!(bytes(&folder.store()) / EACH < 16 * 1024, "{} bytes an issue", bytes(&folder.store()) / EACH);
}
