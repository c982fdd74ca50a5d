//! Others at the same file: a second process, one that holds it, one that deletes it or puts another in its place.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crumbtrail::Throttle;
use rusqlite::Connection;

use crate::look::look;
use crate::rig::{
    Folder, LONG, Live, Rig, WORDS, beside, child_at, copy, given_path, into, lose, lose_in_order, say,
};
use crate::support::{in_time, ledger_balances, role, until};

const EACH: u64 = 400;

#[test]
fn two_processes_on_one_file_both_count() {
    const NAME: &str = "others::two_processes_on_one_file_both_count";
    if let Some(role) = role() {
        return log_beside_another(&role);
    }
    let folder = Folder::new("two");
    // Neither finds a file, so both make one.
    let both = ["one", "another"].map(|role| Live::start(child_at(role, NAME, &folder.store())));
    let both = both.map(|process| process.over().succeeded());
    let found = look(&folder.store());
    assert_eq!(found.total(), 2 * EACH, "{found:#?}");
    assert_eq!(found.of("apples"), EACH, "the issue of both");
    assert_eq!((found.of("bread"), found.of("cheese")), (EACH / 2, EACH / 2));
    for over in both {
        assert_eq!(over.stderr, "");
        for id in over.told("id") {
            let count = found.events.iter().filter(|(kept, _)| kept == id).count();
            assert!(count <= 1, "{id} is there {count} times");
        }
    }
}

fn log_beside_another(role: &str) {
    let rig = Rig::new(into(&given_path("PATH")));
    let own = if role == "one" { "bread" } else { "cheese" };
    rig.run(|| {
        for number in 0..EACH {
            let id = lose_in_order(if number % 2 == 0 { "apples" } else { own }, number);
            say(&format!("id {id}"));
            if number % 20 == 0 {
                rig.guard.flush(LONG).unwrap();
            }
        }
    });
    rig.guard.flush(LONG).unwrap();
    assert_eq!(ledger_balances(&rig.guard).delivered, EACH);
    rig.end();
}

const HELD: Duration = Duration::from_secs(10);

#[test]
fn a_lock_that_another_process_holds_for_ten_seconds_holds_up_nobody_who_logs() {
    const NAME: &str = "others::a_lock_that_another_process_holds_for_ten_seconds_holds_up_nobody_who_logs";
    if role().is_some() {
        return log_while_it_is_held();
    }
    let folder = Folder::new("held");
    let begun = Rig::new(into(&folder.store()));
    begun.run(|| lose("bread"));
    begun.guard.flush(LONG).unwrap();
    begun.end();
    let holder = Connection::open(folder.store()).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let since = Instant::now();
    let mut live = Live::start(child_at("logs", NAME, &folder.store()));
    live.says("held up by nobody");
    thread::sleep(HELD.saturating_sub(since.elapsed()));
    holder.execute_batch("ROLLBACK").unwrap();
    drop(holder);
    let over = live.over().succeeded();
    assert_eq!(over.stderr, "", "another's turn is nothing to tell");
    let found = look(&folder.store());
    assert_eq!((found.of("apples"), found.of("bread")), (200, 1), "{found:#?}");
}

fn log_while_it_is_held() {
    let rig = Rig::new(into(&given_path("PATH")));
    rig.run(|| {
        let mut slowest = Duration::ZERO;
        for number in 0..200 {
            let begun = Instant::now();
            lose_in_order("apples", number);
            slowest = slowest.max(begun.elapsed());
        }
        assert!(slowest < Duration::from_millis(500), "who logs waited for {slowest:?}");
        for deadline in [0, 100, 700].map(Duration::from_millis) {
            in_time("flush, while another holds the file", deadline, || {
                assert!(rig.guard.flush(deadline).is_err(), "it said that all is in the file");
            });
        }
        assert_eq!(ledger_balances(&rig.guard).pending, 200);
    });
    say("held up by nobody");
    rig.guard.flush(LONG).unwrap();
    let stats = ledger_balances(&rig.guard);
    assert_eq!((stats.delivered, stats.lost_total()), (200, 0), "{stats:?}");
    rig.end();
}

#[test]
fn a_guard_that_is_dropped_while_the_file_is_held_lets_go_in_time() {
    const NAME: &str = "others::a_guard_that_is_dropped_while_the_file_is_held_lets_go_in_time";
    if role().is_some() {
        let rig = Rig::new(into(&given_path("PATH")));
        rig.run(|| lose("apples"));
        let handle = rig.guard.handle();
        let begun = Instant::now();
        drop(rig.guard);
        let took = begun.elapsed();
        assert!(took < crumbtrail::limits::DROP_FLUSH + Duration::from_millis(500), "{took:?}");
        assert!(handle.stats().balances());
        say(&format!("dropped after {took:?}"));
        return;
    }
    let folder = Folder::new("dropped");
    Rig::new(into(&folder.store())).end();
    let holder = Connection::open(folder.store()).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    Live::start(child_at("drops", NAME, &folder.store())).over().succeeded();
    holder.execute_batch("ROLLBACK").unwrap();
}

#[test]
fn what_was_only_counted_is_in_the_file_when_a_flush_returns() {
    let folder = Folder::new("counted");
    let rig = Rig::new(into(&folder.store()).throttle(Throttle::default()));
    let lose_some = |times: u64| rig.run(|| (0..times).for_each(|_| _ = lose("apples")));
    lose_some(20);
    rig.guard.flush(LONG).unwrap();
    let holder = Connection::open(folder.store()).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    lose_some(5);
    // Every one of them has ended; but what was counted is not yet where it belongs.
    let _ = rig.guard.flush(Duration::from_millis(700));
    holder.execute_batch("ROLLBACK").unwrap();
    rig.guard.flush(LONG).unwrap();
    let count = holder.query_row("SELECT count FROM issue", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count, 25);
    assert!(ledger_balances(&rig.guard).tallied > 5);
    rig.end();
}

#[test]
fn a_file_that_is_deleted_is_made_anew() {
    taken_away("deleted", |folder| {
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(beside(&folder.store(), suffix));
        }
    });
}

#[test]
fn a_file_that_is_deleted_without_its_log_is_made_anew() {
    taken_away("deleted-alone", |folder| fs::remove_file(folder.store()).unwrap());
}

#[test]
fn a_file_that_is_moved_is_made_anew() {
    taken_away("moved", |folder| {
        fs::rename(folder.store(), folder.path().join("old.db")).unwrap();
    });
}

#[test]
fn a_folder_that_is_deleted_is_made_anew() {
    taken_away("folder", |folder| fs::remove_dir_all(folder.path()).unwrap());
}

#[test]
fn a_file_that_another_is_put_in_place_of_is_left_for_that() {
    let found = taken_away("replaced", |folder| {
        let other = folder.path().join("other.db");
        let rig = Rig::new(into(&other));
        rig.run(|| lose("honey"));
        rig.guard.flush(LONG).unwrap();
        rig.end();
        fs::rename(other, folder.store()).unwrap();
    });
    assert_eq!(found.of("honey"), 1, "what was in it is kept: {found:#?}");
}

/// Takes the file away between two events, and looks whether what comes later is in the one that stands there then.
#[track_caller]
fn taken_away(name: &str, take_away: impl FnOnce(&Folder)) -> crate::look::Found {
    let folder = Folder::new(name);
    let rig = Rig::new(into(&folder.store()));
    rig.run(|| {
        (0..20).for_each(|number| _ = lose_in_order("apples", number));
        rig.guard.flush(LONG).unwrap();
        take_away(&folder);
        // The first ones may still go into the file that nobody can find any more.
        let mut later = 0;
        until(LONG, || {
            lose("bread");
            later += 1;
            rig.guard.flush(LONG).unwrap();
            folder.store().exists() && later >= 20
        });
        (0..20).for_each(|number| _ = lose_in_order("cheese", number));
        rig.guard.flush(LONG).unwrap();
    });
    let stats = ledger_balances(&rig.guard);
    assert_eq!((stats.pending, stats.lost_total()), (0, 0), "{stats:?}");
    rig.end();
    let old = folder.path().join("old.db");
    if old.exists() {
        assert_eq!(look(&old).of("apples"), 20, "what was in its log goes with it");
    }
    let found = look(&folder.store());
    assert_eq!(found.of("cheese"), 20, "{found:#?}");
    assert!(found.of("bread") >= 1, "it was noticed late: {found:#?}");
    found
}

/// What two programs do that were started on copies of one file is theirs alone.
#[test]
fn a_copy_of_a_file_is_a_file_of_its_own() {
    let folder = Folder::new("copy");
    let (one, other) = (folder.path().join("one.db"), folder.path().join("other.db"));
    let log = |store: &std::path::Path, word| {
        let rig = Rig::new(into(store));
        rig.run(|| lose(word));
        rig.guard.flush(LONG).unwrap();
        ledger_balances(&rig.guard);
        rig.end();
    };
    log(&one, WORDS[0]);
    copy(&one, &other);
    log(&one, WORDS[1]);
    log(&other, WORDS[2]);
    assert_eq!([0, 1, 2].map(|word| look(&one).of(WORDS[word])), [1, 1, 0]);
    assert_eq!([0, 1, 2].map(|word| look(&other).of(WORDS[word])), [1, 0, 1]);
}
