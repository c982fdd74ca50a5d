//! Files of other forms: somebody else's, a later version's, an earlier one's.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::rig::{Folder, at, count, event, record};
use crate::issues::{Book, Fault, Query};
use crate::sink::store::schema::{APPLICATION, VERSION, migrate};
use crate::sink::store::{Access, Store};

fn made(path: &Path, sql: &str) -> Vec<u8> {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
    fs::read(path).unwrap()
}

#[test]
fn what_is_somebody_elses_is_left_as_it_is() {
    for sql in [
        "CREATE TABLE shop (card); INSERT INTO shop VALUES ('4711');",
        "PRAGMA application_id = 17;",
        "PRAGMA application_id = 17; CREATE TABLE issue (id);",
        "PRAGMA user_version = 1; CREATE TABLE issue (id);",
        "PRAGMA journal_mode = WAL; CREATE TABLE issue (id);",
    ] {
        let folder = Folder::new();
        let before = made(&folder.store(), sql);
        for access in [Access::Program, Access::Command] {
            let opened = Store::open(&folder.store(), access);
            assert!(matches!(opened, Err(Fault::Foreign)), "{sql}: {opened:?}");
        }
        assert!(fs::read(folder.store()).unwrap() == before, "{sql}");
        assert_eq!(folder.names(), ["shop.db"], "{sql}");
    }
}

#[test]
fn what_a_later_version_made_is_left_as_it_is() {
    let folder = Folder::new();
    record(&mut folder.open(), &event("pay", 0));
    let before = made(&folder.store(), &format!("PRAGMA user_version = {}", VERSION + 1));
    for access in [Access::Program, Access::Command] {
        let opened = Store::open(&folder.store(), access);
        assert_eq!(opened.err(), Some(Fault::Newer(VERSION + 1)));
    }
    assert!(fs::read(folder.store()).unwrap() == before);
}

#[test]
fn an_earlier_form_is_brought_up_to_date_as_a_whole_or_not_at_all() {
    let first = "CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID; \
        CREATE TABLE a (n); INSERT INTO a VALUES (1);";
    let second = "ALTER TABLE a ADD COLUMN m; UPDATE a SET m = n + 1;";
    let folder = Folder::new();
    let mut file = Connection::open(folder.store()).unwrap();
    let version = |file: &Connection| {
        file.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).unwrap()
    };
    migrate(&mut file, &[first]).unwrap();
    let key: Vec<u8> = file.query_row("SELECT value FROM meta", [], |row| row.get(0)).unwrap();
    assert_eq!((version(&file), key.len()), (1, 16));

    let wrong = "CREATE TABLE b (n); INSERT INTO nowhere VALUES (1);";
    assert!(migrate(&mut file, &[first, wrong]).is_err());
    assert_eq!(version(&file), 1);
    assert!(file.prepare("SELECT n FROM b").is_err(), "half of a step was done");

    migrate(&mut file, &[first, second]).unwrap();
    migrate(&mut file, &[first, second]).unwrap();
    assert_eq!(version(&file), 2);
    assert_eq!(file.query_row("SELECT m FROM a", [], |row| row.get::<_, i64>(0)), Ok(2));
    assert_eq!(file.query_row("SELECT value FROM meta", [], |row| row.get(0)), Ok(key));
    let application = file.pragma_query_value(None, "application_id", |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(application, APPLICATION);
}

/// The store as its first version made it: kept, so that every later one is shown to read it.
#[test]
fn a_store_of_the_first_version_is_read_and_written() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/store-1.db");
    let folder = Folder::new();
    fs::copy(&golden, folder.store()).unwrap();
    let mut store = folder.open();
    let issues = store.list(&Query::default()).unwrap();
    assert_eq!(
        issues.iter().map(|issue| issue.title.as_str()).collect::<Vec<_>>(),
        ["ship failed", "pay failed"]
    );
    let [ship, pay] = [&issues[0], &issues[1]];
    assert_eq!((pay.count, pay.users.number, ship.count), (18, 1, 1));
    let event = store.issue(pay.id).unwrap().unwrap().newest.unwrap();
    assert_eq!(event.breadcrumbs.len(), 100);
    assert_eq!(event.user.unwrap().email.as_deref(), Some("ada@example.com"));
    record(&mut store, &super::rig::event("pay later", 99));
    assert_eq!(count(&folder.open(), "pay later"), 1);
}

/// Makes the file that the test above reads; with `GOLDEN=tests/golden/store-1.db`, for good.
#[test]
fn the_first_version_can_be_made() {
    let folder = Folder::new();
    let mut store = folder.open();
    record(&mut store, &super::rig::rich());
    let tallied = crate::issues::Count {
        at: at(9),
        release: Some("abc123".to_owned()),
        environment: "production".to_owned(),
        count: 17,
        of: crate::issues::Of::Issue(crate::issues::Heading::of(&super::rig::rich())),
    };
    store.record(&[crate::issues::Entry::Count(tallied)], at(9)).unwrap();
    record(&mut store, &event("ship", 10));
    assert_eq!(store.list(&Query::default()).unwrap().len(), 2);
    drop(store);
    if let Some(path) = std::env::var_os("GOLDEN") {
        fs::copy(folder.store(), path).unwrap();
    }
}
