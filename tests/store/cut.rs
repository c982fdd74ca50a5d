//! The power is cut: whatever a disk then holds of what was not synced, the file is sound, and what is missing are the last
//! commits.

use std::fs;

use rusqlite::{Connection, OpenFlags};

use crate::forgetful::{self, Journal};
use crate::look::looked_at;
use crate::rig::{
    Chance, Folder, LONG, Live, Rig, WORDS, beside, child_at, copy, given, given_path, into, lose,
    lose_in_order, rounds, say,
};
use crate::support::{ledger_balances, role};

const EVENTS: u64 = 600;
const EACH: u64 = 15;

#[test]
fn a_disk_that_forgets_what_was_not_synced_costs_the_last_commits_and_nothing_else() {
    const NAME: &str = "cut::a_disk_that_forgets_what_was_not_synced_costs_the_last_commits_and_nothing_else";
    if let Some(role) = role() {
        return write_to_a_forgetful_disk(role == "log");
    }
    std::thread::scope(|scope| {
        for role in ["log", "journal"] {
            scope.spawn(move || {
                let folder = Folder::new(&format!("cut-{role}"));
                let mut child = child_at(role, NAME, folder.path());
                child.command.env("TEST_ROUNDS", rounds(150).to_string());
                child.command.env("TEST_SEED", Chance::new().next().to_string());
                let over = Live::start(child).over().succeeded();
                println!("{role}: {:?}", over.said);
            });
        }
    });
}

/// With a write-ahead log, as everywhere; without shared memory there is none, and a rollback journal takes its place.
fn write_to_a_forgetful_disk(has_log: bool) {
    let folder = given_path("PATH");
    let (disk, after) = (folder.join("disk"), folder.join("after"));
    fs::create_dir(&disk).unwrap();
    let store = disk.join("shop.db");
    forgetful::install(has_log);
    // When so many had been acknowledged.
    let mut acknowledged = Vec::new();
    for run in 0..2 {
        let rig = Rig::new(into(&store));
        rig.run(|| {
            for number in 1..=EVENTS / 2 {
                lose_in_order(WORDS[number as usize % 8], number);
                if number % EACH == 0 {
                    rig.guard.flush(LONG).unwrap();
                    acknowledged.push((forgetful::instant(), run * EVENTS / 2 + number));
                }
            }
        });
        assert_eq!(ledger_balances(&rig.guard).delivered, EVENTS / 2);
        assert_eq!(beside(&store, "-wal").exists(), has_log);
        rig.end();
    }
    forgetful::uninstall();
    let journal = Journal::take();
    assert!(journal.syncs() > 4, "{} syncs of {}", journal.syncs(), journal.length());

    let mut chance = Chance::of(given("SEED").parse().unwrap());
    let rounds: u64 = given("ROUNDS").parse().unwrap();
    let (mut forgotten, mut worst) = (0_u64, 0);
    for round in 0..rounds {
        let instant = chance.below(journal.length() as u64 + 1) as usize;
        let _ = fs::remove_dir_all(&after);
        fs::create_dir(&after).unwrap();
        journal.after_a_cut(instant, &mut chance, &after);
        let before =
            acknowledged.iter().rev().find(|(at, _)| *at <= instant).map_or(0, |(_, number)| *number);
        let there = events_in_order(&after.join("shop.db")).unwrap_or_else(|wrong| {
            panic!("round {round}, cut after {instant} of {}: {wrong}", journal.length())
        });
        let lost = before.saturating_sub(there);
        if !has_log {
            // Each commit is synced, but for the last one's end: that is when its journal is deleted.
            assert!(
                lost <= EACH,
                "round {round}, cut after {instant}: {lost} of {before} acknowledged events are gone"
            );
        }
        (forgotten, worst) = (forgotten + u64::from(lost > 0), worst.max(lost));
        if round % 10 == 0 {
            start_after_the_cut(&after.join("shop.db"), there);
        }
    }
    // All that was closed is there, whatever was forgotten besides.
    fs::remove_dir_all(&after).unwrap();
    fs::create_dir(&after).unwrap();
    journal.after_a_cut(journal.length(), &mut chance, &after);
    assert_eq!(events_in_order(&after.join("shop.db")), Ok(EVENTS));
    if has_log {
        assert!(forgotten > 0, "nothing was ever forgotten: nothing was shown");
    }
    say(&format!(
        "{rounds} cuts in {} writes and {} syncs: {forgotten} cost acknowledged events, {worst} at the most; all sound",
        journal.length(),
        journal.syncs()
    ));
}

/// How many events there are: the first so many of those that came, each counted once.
fn events_in_order(store: &std::path::Path) -> Result<u64, String> {
    if fs::metadata(store).map_or(0, |found| found.len()) == 0 {
        return Ok(0);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let file = Connection::open_with_flags(store, flags).map_err(|error| error.to_string())?;
    let tables = file.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
    if tables.map_err(|error| error.to_string())? == 0 {
        return Ok(0);
    }
    let found = looked_at(&file)?;
    let range = file.query_row("SELECT coalesce(min(seq), 1), coalesce(max(seq), 0) FROM event", [], |row| {
        Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(1)?.unsigned_abs()))
    });
    let (first, last) = range.map_err(|error| error.to_string())?;
    // What is pruned is taken from the oldest of an issue; what came is counted in any case.
    if first > last + 1 || last != found.total() {
        return Err(format!("events {first} to {last} came, {} are counted", found.total()));
    }
    Ok(found.total())
}

/// A program that starts after it finds what there is, records what was held, and goes on.
fn start_after_the_cut(store: &std::path::Path, there: u64) {
    let held = Connection::open(store)
        .ok()
        .and_then(|file| looked_at(&file).ok())
        .map_or(0, |found| found.held.len());
    let rig = Rig::new(into(store));
    rig.run(|| lose("a start"));
    rig.guard.flush(LONG).unwrap();
    ledger_balances(&rig.guard);
    rig.end();
    let found = looked_at(&Connection::open(store).unwrap()).unwrap();
    assert_eq!(found.total(), there + held as u64 + 1, "{found:#?}");
    let aside = fs::read_dir(store.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    let aside: Vec<_> = aside.filter(|name| name.to_str().unwrap().contains("corrupt")).collect();
    assert!(aside.is_empty(), "a sound file was set aside: {aside:?}");
}

/// What a copy shows that was made at any instant, with a log whose end is not there yet.
#[test]
fn a_log_that_ends_anywhere_is_a_log_up_to_there() {
    const NAME: &str = "cut::a_log_that_ends_anywhere_is_a_log_up_to_there";
    if role().is_some() {
        let rig = Rig::new(into(&given_path("PATH")));
        say("begins");
        rig.run(|| {
            for number in 0.. {
                lose_in_order(WORDS[number as usize % 8], number);
                if number % EACH == 0 {
                    let _ = rig.guard.flush(LONG);
                }
            }
        });
        return;
    }
    let folder = Folder::new("frozen");
    let mut chance = Chance::new();
    let mut live = Live::start(child_at("writes", NAME, &folder.store()));
    live.says("begins");
    let (copied, cut) = (folder.path().join("copied.db"), folder.path().join("cut.db"));
    let mut seen = 0;
    for _ in 0..rounds(4) {
        std::thread::sleep(std::time::Duration::from_micros(chance.below(200_000)));
        live.signal(libc::SIGSTOP);
        copy(&folder.store(), &copied);
        live.signal(libc::SIGCONT);
        let log = fs::read(beside(&copied, "-wal")).unwrap_or_default();
        let length = log.len() as u64;
        let frame = 24 + 8_192;
        let ends = (0..12).map(|number| match number % 3 {
            0 => length,
            1 => 32 + chance.below(length / frame + 1) * frame,
            _ => chance.below(length + 1),
        });
        let mut ends: Vec<_> = ends.chain([0]).map(|end| end.min(length)).collect();
        ends.sort_unstable();
        let mut before = 0;
        for end in ends {
            copy(&copied, &cut);
            fs::write(beside(&cut, "-wal"), &log[..end as usize]).unwrap();
            let there =
                events_in_order(&cut).unwrap_or_else(|wrong| panic!("cut after {end} of {length}: {wrong}"));
            assert!(there >= before, "{there} with {end} bytes of the log, {before} with less");
            before = there;
        }
        seen = seen.max(before);
    }
    live.kill();
    println!("{seen} events at the most");
    assert!(seen > 0);
}
