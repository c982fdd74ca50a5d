//! Clocks that jump: to 1970, by ten years, backwards. Nothing is forgotten for it that is not old, and what is shown can be.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use crate::look::look;
use crate::rig::{Folder, LONG, Rig, WORDS, into, lose};
use crate::support::ledger_balances;

const HOUR: Duration = Duration::from_secs(3_600);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// A pipeline whose events have the times that a clock shows which starts `from` and is moved by what each says.
fn at(folder: &Folder, time: impl Fn(SystemTime) -> SystemTime + Send + Sync + 'static) -> Rig {
    Rig::new(into(&folder.store()).before_send(move |mut event| {
        event.time = time(event.time);
        Some(event)
    }))
}

/// Logs some events of one issue; each is counted, and the ledger balances.
fn log(rig: Rig, word: &str, times: usize) {
    rig.run(|| (0..times).for_each(|_| _ = lose(word)));
    rig.guard.flush(LONG).unwrap();
    assert_eq!(ledger_balances(&rig.guard).delivered, times as u64);
    rig.end();
}

#[test]
fn events_of_any_time_are_counted_and_those_of_now_are_kept() {
    let folder = Folder::new("times");
    log(at(&folder, |now| now), "apples", 5);
    log(at(&folder, |_| UNIX_EPOCH), "bread", 5);
    log(at(&folder, |_| UNIX_EPOCH - YEAR), "cheese", 5);
    log(at(&folder, |now| now + 10 * YEAR), "dates", 5);
    log(at(&folder, |now| now - HOUR), "eggs", 5);
    log(at(&folder, |_| UNIX_EPOCH + Duration::from_secs(u64::MAX / 4)), "flour", 5);
    log(at(&folder, |now| now + 1_000 * YEAR), "grapes", 5);
    // Each start looks for what may be forgotten.
    for _ in 0..3 {
        log(at(&folder, |now| now), "honey", 1);
    }
    let found = look(&folder.store());
    // Totals are for good, but those of issues of which nothing came for long.
    for word in ["apples", "dates", "eggs", "flour", "grapes"] {
        assert_eq!(found.of(word), 5, "{word}: {found:#?}");
        assert_eq!(kept(&found, word), 5, "{word}: {found:#?}");
    }
    assert_eq!((found.of("honey"), kept(&found, "honey")), (3, 3));
    for word in ["bread", "cheese"] {
        assert!([0, 5].contains(&found.of(word)), "{word}: {found:#?}");
    }
}

fn kept(found: &crate::look::Found, word: &str) -> usize {
    found.events.iter().filter(|(_, title)| *title == format!("out of {word}")).count()
}

/// A clock that was ten years ahead for a while, and then was put right.
#[test]
fn a_clock_that_was_put_back_does_not_have_the_present_forgotten() {
    let folder = Folder::new("back");
    log(at(&folder, |now| now + 10 * YEAR), "apples", 30);
    log(at(&folder, |now| now), "apples", 3);
    log(at(&folder, |now| now - HOUR), "apples", 3);
    log(at(&folder, |now| now), "bread", 1);
    let found = look(&folder.store());
    assert_eq!((found.of("apples"), found.of("bread")), (36, 1));
    assert!(kept(&found, "apples") >= 5, "{found:#?}");
}

/// All that is in it happened ten years ahead: a program that looks at it today forgets none of it, nor what comes today.
#[test]
fn a_file_from_the_future_is_kept() {
    let folder = Folder::new("future");
    for word in WORDS {
        log(at(&folder, |now| now), word, 2);
    }
    let file = Connection::open(folder.store()).unwrap();
    let ten_years = (10 * YEAR).as_millis() as i64;
    for change in [
        "UPDATE issue SET first_seen = first_seen + ?1, last_seen = last_seen + ?1",
        "UPDATE event SET time = time + ?1",
        "UPDATE hour SET hour = hour + ?1 / 3600000",
        "UPDATE minute SET minute = minute + ?1 / 60000",
        "UPDATE release SET first_seen = first_seen + ?1, last_seen = last_seen + ?1",
    ] {
        file.execute(change, [ten_years]).unwrap();
    }
    drop(file);
    for _ in 0..2 {
        log(at(&folder, |now| now), "apples", 1);
    }
    let found = look(&folder.store());
    assert_eq!((found.total(), found.of("apples")), (18, 4), "{found:#?}");
    assert_eq!(found.events.len(), 18, "{found:#?}");
}

/// Numbers that no clock ever showed: whoever wrote them, they are no reason to fail.
#[test]
fn moments_at_the_ends_of_their_range_do_no_harm() {
    let folder = Folder::new("ends");
    log(at(&folder, |now| now), "apples", 3);
    for (first, last) in [(0, i64::MAX), (i64::MAX, 0), (i64::MAX, i64::MAX), (0, 0)] {
        let file = Connection::open(folder.store()).unwrap();
        file.execute("UPDATE issue SET first_seen = ?1, last_seen = ?2", [first, last]).unwrap();
        drop(file);
        log(at(&folder, |now| now), "bread", 1);
        let rig = at(&folder, |now| now);
        rig.run(|| lose("apples"));
        rig.guard.flush(LONG).unwrap();
        rig.end();
    }
    let found = look(&folder.store());
    assert!(found.of("apples") >= 1 && found.of("bread") >= 1, "{found:#?}");
}
