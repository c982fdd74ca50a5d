//! Several who write one file, a disk that is full, a file that is gone.

use std::fs;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use super::rig::{Folder, at, count, entry, event, name, record};
use crate::issues::{Book, Fault, Query};
use crate::limits::STORE_BUSY;
use crate::model::TrackedEvent;
use crate::sink::store::file::File;
use crate::sink::store::{Access, Store};

#[test]
fn two_who_write_count_everything() {
    let folder = Folder::new();
    let path = folder.store();
    folder.open();
    let write = |by: u64| {
        let mut store = Store::open(&path, Access::Program).unwrap();
        for nth in 0..100 {
            let entries = [entry(&event("pay", nth)), entry(&event(&format!("of {by}"), nth))];
            let until = Instant::now() + Duration::from_secs(60);
            while let Err(fault) = store.record(&entries, at(nth)) {
                assert_eq!(fault, Fault::Busy);
                assert!(Instant::now() < until, "it never was its turn");
            }
        }
    };
    std::thread::scope(|scope| {
        (0..3).for_each(|by| {
            scope.spawn(move || write(by));
        });
    });
    let store = folder.open();
    assert_eq!(count(&store, "pay"), 300);
    assert_eq!(store.list(&Query::default()).unwrap().len(), 4);
}

#[test]
fn who_waits_for_a_lock_waits_a_bounded_time_and_records_nothing() {
    let folder = Folder::new();
    let mut store = folder.open();
    let mut other = Connection::open(folder.store()).unwrap();
    let lock = other.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let begun = Instant::now();
    assert_eq!(store.record(&[entry(&event("pay", 0))], at(0)), Err(Fault::Busy));
    assert!(begun.elapsed() >= STORE_BUSY / 2 && begun.elapsed() < STORE_BUSY * 20, "{:?}", begun.elapsed());
    assert_eq!(store.list(&Query::default()).unwrap(), [], "who looks does not wait");
    drop(lock);
    record(&mut store, &event("pay", 0));
    assert_eq!(count(&store, "pay"), 1);
}

#[test]
fn a_file_that_is_held_when_a_program_starts_is_used_when_it_is_let_go() {
    let folder = Folder::new();
    let mut other = Connection::open(folder.store()).unwrap();
    let lock = other.transaction_with_behavior(TransactionBehavior::Exclusive).unwrap();
    let mut store = folder.open();
    assert_eq!(store.record(&[entry(&event("pay", 0))], at(0)), Err(Fault::Busy));
    drop(lock);
    record(&mut store, &event("pay", 0));
    assert_eq!(count(&store, "pay"), 1);
    assert_eq!(folder.aside(), Vec::<String>::new());
}

#[test]
fn a_full_disk_takes_a_batch_as_a_whole_or_not_at_all_and_goes_on_when_there_is_room() {
    let folder = Folder::new();
    let mut store = folder.open();
    let pages = |store: &mut Store, most: i64| {
        let File { connection, .. } = store.file.as_ref().unwrap();
        connection.pragma_update_and_check(None, "max_page_count", most, |_| Ok(())).unwrap();
    };
    record(&mut store, &event("pay", 0));
    pages(&mut store, 1);
    let large = |nth: u64| TrackedEvent {
        message: Some((0..1_500).map(|word| format!("{:x}", (nth + 1) * (word + 3) * 0x9e37_79b9)).collect()),
        ..event(&format!("large {nth}"), nth)
    };
    let entries: Vec<_> = (0..60).map(|nth| entry(&large(nth))).collect();
    assert_eq!(store.record(&entries, at(60)), Err(Fault::Full));
    assert_eq!(store.list(&Query::default()).unwrap().len(), 1, "half of it was recorded");
    pages(&mut store, 1_000_000);
    store.record(&entries, at(60)).unwrap();
    assert_eq!(store.list(&Query::default()).unwrap().len(), 61);
    assert_eq!((count(&store, "large 7"), count(&store, "pay")), (1, 1));
}

#[test]
fn a_file_that_was_deleted_is_made_anew_and_one_that_was_replaced_is_used() {
    let folder = Folder::new();
    let mut store = folder.open();
    record(&mut store, &event("pay", 0));
    for file in folder.names() {
        fs::remove_file(folder.path().join(file)).unwrap();
    }
    record(&mut store, &event("pay", 1));
    assert_eq!(count(&store, "pay"), 1);

    let other = Folder::new();
    record(&mut other.open(), &event("other", 0));
    for suffix in ["-wal", "-shm"] {
        fs::remove_file(folder.path().join(format!("shop.db{suffix}"))).unwrap();
    }
    fs::rename(other.store(), folder.store()).unwrap();
    record(&mut store, &event("pay", 2));
    assert_eq!((count(&store, "pay"), count(&store, "other")), (1, 1));
    drop(store);
    let store = folder.open();
    assert_eq!((count(&store, "pay"), count(&store, "other")), (1, 1));
    assert_eq!(folder.aside(), Vec::<String>::new());
}

#[test]
fn a_handle_that_is_not_of_this_process_does_nothing() {
    let folder = Folder::new();
    let mut store = folder.open();
    record(&mut store, &event("pay", 0));
    store.process ^= 1;
    let refused =
        |fault: Fault| assert!(matches!(&fault, Fault::Broken(why) if why.contains("fork")), "{fault}");
    refused(store.record(&[], at(1)).unwrap_err());
    refused(store.list(&Query::default()).unwrap_err());
    refused(store.issue(name("pay")).unwrap_err());
    let names = folder.names();
    drop(store);
    assert_eq!(folder.names(), names, "the child worked the parent's log off");
}
