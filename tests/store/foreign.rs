//! Files of others: of a later crumbtrail, of an earlier one, of another program. None of them is written over.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::look::look;
use crate::rig::{BESIDE, Folder, LONG, Rig, WORDS, beside, child_at, copy, into, lose, lose_in_order};
use crate::support::{ledger_balances, role};

fn make(store: &Path) {
    let rig = Rig::new(into(store));
    rig.run(|| (0..40).for_each(|number| _ = lose_in_order(WORDS[number as usize % 8], number)));
    rig.guard.flush(LONG).unwrap();
    ledger_balances(&rig.guard);
    rig.end();
}

/// A file that `build` refuses in these words, and that is byte for byte what it was afterwards.
#[track_caller]
fn is_refused(store: &Path, words: &str) {
    let before = fs::read(store).unwrap();
    for _ in 0..2 {
        let refused = into(store).build::<tracing_subscriber::Registry>().expect_err("it was taken");
        assert!(refused.is_store() && refused.to_string().contains(words), "{refused}");
        assert!(fs::read(store).unwrap() == before, "it was written");
        for suffix in BESIDE {
            assert!(!beside(store, suffix).exists(), "{suffix} was put beside it");
        }
    }
}

#[test]
fn a_file_of_a_later_version_is_refused_and_not_written() {
    let folder = Folder::new("newer");
    make(&folder.store());
    let file = Connection::open(folder.store()).unwrap();
    file.pragma_update(None, "user_version", 1_000).unwrap();
    file.execute_batch("CREATE TABLE what_only_they_know (x); PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(file);
    is_refused(&folder.store(), "later version of crumbtrail");
}

#[test]
fn a_later_version_in_the_environment_is_said_and_memory_serves() {
    const NAME: &str = "foreign::a_later_version_in_the_environment_is_said_and_memory_serves";
    if role().is_some() {
        let (layer, guard) = crumbtrail::from_env()
            .stack(crumbtrail::Stack::Off)
            .build::<tracing_subscriber::Registry>()
            .unwrap();
        let rig = Rig {
            guard,
            dispatch: tracing::Dispatch::new(tracing_subscriber::layer::SubscriberExt::with(
                tracing_subscriber::registry(),
                layer,
            )),
        };
        rig.run(|| lose("apples"));
        rig.guard.flush(LONG).unwrap();
        assert_eq!(ledger_balances(&rig.guard).delivered, 1);
        return;
    }
    let folder = Folder::new("newer-variable");
    make(&folder.store());
    let file = Connection::open(folder.store()).unwrap();
    file.pragma_update(None, "user_version", 1_000).unwrap();
    drop(file);
    let before = fs::read(folder.store()).unwrap();
    let mut child = child_at("by the environment", NAME, folder.path());
    child.command.env("CRUMBTRAIL_STORE", folder.store());
    let said = child.run().succeeded().stderr;
    assert!(said.contains("later version of crumbtrail") && said.contains("in memory"), "{said}");
    assert!(fs::read(folder.store()).unwrap() == before, "it was written");
}

#[test]
fn a_file_of_another_program_is_not_written() {
    for (name, journal) in [("journal", "DELETE"), ("log", "WAL")] {
        let folder = Folder::new(&format!("foreign-{name}"));
        let file = Connection::open(folder.store()).unwrap();
        file.pragma_update_and_check(None, "journal_mode", journal, |_| Ok(())).unwrap();
        file.execute_batch("CREATE TABLE customer (name TEXT); INSERT INTO customer VALUES ('Ada')").unwrap();
        drop(file);
        let before = fs::read(folder.store()).unwrap();
        match into(&folder.store()).build::<tracing_subscriber::Registry>() {
            Err(refused) => {
                assert!(refused.is_store() && refused.to_string().contains("crumbtrail"), "{refused}");
                assert!(fs::read(folder.store()).unwrap() == before, "it was written");
            }
            Ok((_layer, guard)) => {
                guard.shutdown(LONG).unwrap();
                let aside: Vec<_> = fs::read_dir(folder.path())
                    .unwrap()
                    .map(|entry| entry.unwrap().path())
                    .filter(|path| path.to_str().unwrap().contains(".db.corrupt-"))
                    .filter(|path| fs::read(path).unwrap() == before)
                    .collect();
                assert_eq!(aside.len(), 1, "it is not to be found as it was");
            }
        }
    }
}

/// The number that names a program in a file's head says more than what the file is called.
#[test]
fn a_file_of_another_program_that_numbers_its_versions_is_not_written() {
    let folder = Folder::new("foreign-numbered");
    let file = Connection::open(folder.store()).unwrap();
    file.execute_batch("CREATE TABLE issue (id INTEGER PRIMARY KEY); PRAGMA user_version = 1").unwrap();
    drop(file);
    let before = fs::read(folder.store()).unwrap();
    let built = into(&folder.store()).build::<tracing_subscriber::Registry>();
    let kept =
        fs::read_dir(folder.path()).unwrap().any(|entry| fs::read(entry.unwrap().path()).unwrap() == before);
    assert!(kept, "it is not to be found as it was");
    if let Ok((_layer, guard)) = built {
        guard.shutdown(LONG).unwrap();
    }
}

/// Stores of every form that was ever released, each with what its README says.
#[test]
fn a_file_of_an_earlier_version_is_brought_up_to_date_with_all_that_is_in_it() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let stores = fs::read_dir(&golden).unwrap().map(|entry| entry.unwrap().path());
    let mut seen = 0;
    for golden in stores.filter(|path| path.extension().is_some_and(|extension| extension == "db")) {
        seen += 1;
        let folder = Folder::new("golden");
        copy(&golden, &folder.store());
        let before = look(&golden_copy(&golden, &folder));
        assert!(before.total() > 0 && !before.events.is_empty(), "{}: {before:#?}", golden.display());
        let rig = Rig::new(into(&folder.store()));
        rig.run(|| lose("a start"));
        rig.guard.flush(LONG).unwrap();
        ledger_balances(&rig.guard);
        rig.end();
        let after = look(&folder.store());
        assert_eq!(after.total(), before.total() + 1 + before.held.len() as u64, "{}", golden.display());
        for (title, counted) in &before.issues {
            assert!(after.issues[title].count >= counted.count, "{title}: {after:#?}");
        }
    }
    assert!(seen > 0, "{} has none", golden.display());
}

fn golden_copy(golden: &Path, folder: &Folder) -> std::path::PathBuf {
    let copied = folder.path().join("golden.db");
    copy(golden, &copied);
    copied
}
