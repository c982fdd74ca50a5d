//! Damaged files: they are set aside as they are, and a new one begins. No program fails to start because of one, however
//! often it is started.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::look::{look, looked_at};
use crate::rig::{
    BESIDE, Chance, Folder, LONG, Live, Rig, WORDS, beside, child_at, copy, given_path, into, lose,
    lose_in_order, rounds, say,
};
use crate::support::{ledger_balances, role};

/// A sound file of a few hundred KiB, closed; the ids that are in it are not asked for.
fn make(store: &Path) {
    let rig = Rig::new(into(store));
    rig.run(|| (0..300).for_each(|number| _ = lose_in_order(WORDS[number as usize % 8], number)));
    rig.guard.flush(LONG).unwrap();
    ledger_balances(&rig.guard);
    rig.end();
    assert!(!beside(store, "-wal").exists(), "who closes a file puts its log into it");
}

/// Whether damage shows in what a start looks at: the form of pages and what they hold. A bit of a number or of a text does
/// not, where it makes another one of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    Itself,
    Perhaps,
}

/// Starts on the file three times; each time an event comes. What became of the file before is returned: the places and
/// bytes of all that was set aside.
#[track_caller]
fn start_thrice(store: &Path, what: &str, shows: Shows) -> Vec<(PathBuf, Vec<u8>)> {
    for start in 1..=3 {
        let (layer, guard) =
            into(store).build().unwrap_or_else(|error| panic!("{what}, start {start}: {error}"));
        let rig = Rig {
            guard,
            dispatch: tracing::Dispatch::new(tracing_subscriber::layer::SubscriberExt::with(
                tracing_subscriber::registry(),
                layer,
            )),
        };
        rig.run(|| lose("a start"));
        rig.guard.flush(LONG).unwrap_or_else(|error| panic!("{what}, start {start}: {error}"));
        assert_eq!(ledger_balances(&rig.guard).delivered, 1, "{what}, start {start}");
        rig.end();
    }
    let file = Connection::open(store).unwrap();
    if shows == Shows::Itself {
        looked_at(&file).unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
    }
    let starts = file
        .query_row("SELECT count FROM issue WHERE title = 'out of a start'", [], |row| row.get::<_, i64>(0));
    assert_eq!(starts, Ok(3), "{what}");
    drop(file);
    let name = format!("{}.corrupt-", store.file_name().unwrap().to_str().unwrap());
    let mut aside: Vec<_> = fs::read_dir(store.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&name))
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    aside.sort();
    aside
}

/// A file that no start can have taken for sound.
#[track_caller]
fn is_set_aside(store: &Path, what: &str) {
    let before = fs::read(store).unwrap();
    let log = fs::read(beside(store, "-wal")).ok();
    let aside = start_thrice(store, what, Shows::Itself);
    let files: Vec<_> = aside.iter().filter(|(path, _)| !ends_beside(path)).collect();
    assert_eq!(files.len(), 1, "{what}: {:?}", aside.iter().map(|(path, _)| path).collect::<Vec<_>>());
    assert!(files[0].1 == before, "{what}: what was set aside is not as it was");
    if let Some(log) = log {
        let kept =
            aside.iter().any(|(path, bytes)| path.to_str().unwrap().ends_with("-wal") && *bytes == log);
        assert!(kept || log.is_empty(), "{what}: its log is not beside it as it was");
    }
}

fn ends_beside(path: &Path) -> bool {
    BESIDE.iter().any(|suffix| path.to_str().unwrap().ends_with(suffix))
}

/// Whatever was done to a file: it is taken as it is or set aside as it was, and the program's own events are in it.
#[track_caller]
fn is_no_hindrance(store: &Path, what: &str, shows: Shows) -> bool {
    let before = fs::read(store).unwrap();
    let aside = start_thrice(store, what, shows);
    let files: Vec<_> = aside.iter().filter(|(path, _)| !ends_beside(path)).collect();
    assert!(files.len() <= 1, "{what}: {:?}", aside.iter().map(|(path, _)| path).collect::<Vec<_>>());
    if let Some((_, bytes)) = files.first() {
        assert!(*bytes == before, "{what}: what was set aside is not as it was");
    }
    !files.is_empty()
}

#[test]
fn a_file_that_is_no_store_any_more_is_set_aside_as_it_is() {
    let folder = Folder::new("damaged");
    make(&folder.store());
    let sound = fs::read(folder.store()).unwrap();
    let page = page_bytes(&sound);
    let damage = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let store = folder.path().join(format!("{name}.db"));
        let mut bytes = sound.clone();
        change(&mut bytes);
        fs::write(&store, bytes).unwrap();
        is_set_aside(&store, name);
    };
    damage("wrong-magic", &|bytes| bytes[..16].copy_from_slice(b"PNG format 3\0\0\0\0"));
    damage("zeroed-head", &|bytes| bytes[..page].fill(0));
    damage("text", &|bytes| *bytes = b"it was a dark and stormy night\n".repeat(500));
    damage("random", &|bytes| {
        let mut chance = Chance::of(41);
        bytes[100..].iter_mut().for_each(|byte| *byte = chance.below(256) as u8);
    });
    damage("all-random", &|bytes| {
        let mut chance = Chance::of(42);
        bytes.iter_mut().for_each(|byte| *byte = chance.below(256) as u8);
    });
    damage("half", &|bytes| bytes.truncate(bytes.len() / page / 2 * page));
    damage("one-page-short", &|bytes| bytes.truncate(bytes.len() - page));
    damage("in-a-page", &|bytes| bytes.truncate(bytes.len() / 2 + 77));
    damage("one-page", &|bytes| bytes.truncate(page));
    damage("a-head", &|bytes| bytes.truncate(100));
    damage("less-than-a-head", &|bytes| bytes.truncate(57));
    damage("zeroes", &|bytes| bytes.fill(0));
}

fn page_bytes(file: &[u8]) -> usize {
    match u16::from_be_bytes([file[16], file[17]]) {
        1 => 65_536,
        bytes => bytes.into(),
    }
}

#[test]
fn an_empty_file_becomes_a_store() {
    let folder = Folder::new("empty");
    fs::write(folder.store(), "").unwrap();
    assert_eq!(start_thrice(&folder.store(), "empty", Shows::Itself), []);
}

#[test]
fn no_damage_anywhere_keeps_a_program_from_starting() {
    const NAME: &str = "damaged::no_damage_anywhere_keeps_a_program_from_starting";
    if role().is_none() {
        let folder = Folder::new("flipped");
        let mut child = child_at("starts", NAME, folder.path());
        child.command.env("TEST_ROUNDS", rounds(24).to_string());
        child.command.env("TEST_SEED", Chance::new().next().to_string());
        let over = Live::start(child).over().succeeded();
        println!("{:?}", over.said);
        return;
    }
    let folder = given_path("PATH");
    let (store, made) = (folder.join("shop.db"), folder.join("made.db"));
    make(&made);
    let sound = fs::read(&made).unwrap();
    let page = page_bytes(&sound);
    let mut chance = Chance::of(crate::rig::given("SEED").parse().unwrap());
    let rounds: u64 = crate::rig::given("ROUNDS").parse().unwrap();
    let mut aside = 0;
    for round in 0..rounds {
        let mut bytes = sound.clone();
        let pages = (bytes.len() / page) as u64;
        let at = chance.below(bytes.len() as u64) as usize;
        let what = match round % 4 {
            0 => {
                let at = chance.below(pages) as usize;
                bytes[at * page..(at + 1) * page].fill(0);
                format!("page {at} zeroed")
            }
            1 => {
                bytes.truncate(at);
                format!("cut at byte {at}")
            }
            2 => {
                bytes[at] ^= 1 << chance.below(8);
                format!("a bit of byte {at} flipped")
            }
            _ => {
                let (from, to) = (chance.below(pages) as usize, chance.below(pages) as usize);
                bytes.copy_within(from * page..(from + 1) * page, to * page);
                format!("page {from} over page {to}")
            }
        };
        fs::write(&store, &bytes).unwrap();
        let shows = if round % 4 < 2 { Shows::Itself } else { Shows::Perhaps };
        aside += u64::from(is_no_hindrance(&store, &what, shows));
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path != made {
                fs::remove_file(path).unwrap();
            }
        }
    }
    say(&format!("{aside} of {rounds} were set aside"));
}

#[test]
fn a_log_of_no_or_of_another_file_does_no_harm() {
    let folder = Folder::new("logs");
    // A file with a log that nobody has put into it, as a kill leaves it.
    let left = folder.path().join("left.db");
    leave_a_log(&left);
    let other = folder.path().join("other.db");
    leave_a_log(&other);
    let made = folder.path().join("made.db");
    make(&made);

    let alone = folder.path().join("alone.db");
    fs::copy(beside(&left, "-wal"), beside(&alone, "-wal")).unwrap();
    start_thrice(&alone, "a log alone", Shows::Itself);

    let with_other = folder.path().join("with-other.db");
    copy(&left, &with_other);
    fs::copy(beside(&other, "-wal"), beside(&with_other, "-wal")).unwrap();
    start_thrice(&with_other, "the log of another file", Shows::Itself);

    let with_foreign = folder.path().join("closed.db");
    copy(&made, &with_foreign);
    fs::copy(beside(&other, "-wal"), beside(&with_foreign, "-wal")).unwrap();
    start_thrice(&with_foreign, "the log of another file, beside one that was closed", Shows::Itself);

    for (name, change) in [("cut", 5_000), ("zeroed", 0)] {
        let damaged = folder.path().join(format!("{name}.db"));
        copy(&left, &damaged);
        let mut log = fs::read(beside(&left, "-wal")).unwrap();
        if change > 0 {
            log.truncate(change)
        } else {
            log.fill(0)
        }
        fs::write(beside(&damaged, "-wal"), log).unwrap();
        start_thrice(&damaged, &format!("a log that is {name}"), Shows::Itself);
    }
    let noise = folder.path().join("noise.db");
    copy(&left, &noise);
    fs::write(beside(&noise, "-wal"), "no log at all ".repeat(4_000)).unwrap();
    fs::write(beside(&noise, "-shm"), "nor an index of one ".repeat(4_000)).unwrap();
    start_thrice(&noise, "noise for a log", Shows::Itself);
}

/// A store whose log was not put into it: its process was killed.
fn leave_a_log(store: &Path) {
    const NAME: &str = "damaged::leaves_a_log";
    let mut live = Live::start(child_at("leaves a log", NAME, store));
    live.says("ready");
    live.kill();
    assert!(fs::metadata(beside(store, "-wal")).unwrap().len() > 10_000);
    assert_eq!(
        {
            let copied = beside(store, ".copy");
            copy(store, &copied);
            look(&copied).total()
        },
        60
    );
}

/// Only as a process of its own: by itself it shows nothing.
#[test]
fn leaves_a_log() {
    if role().is_none() {
        return;
    }
    let rig = Rig::new(into(&given_path("PATH")));
    rig.run(|| {
        for number in 0..60 {
            lose_in_order(WORDS[number as usize % 8], number);
            if number % 10 == 9 {
                rig.guard.flush(LONG).unwrap();
            }
        }
    });
    ledger_balances(&rig.guard);
    say("ready");
    std::thread::sleep(2 * LONG);
}
