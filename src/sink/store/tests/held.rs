//! What is held is recorded once, whoever lets it go.

use std::sync::Arc;

use serde_json::json;

use super::rig::{Folder, at, count, entry, event};
use crate::issues::{Book, Entry, ProcessNote, Query};
use crate::model::{LoggedAt, TrackedEvent};

fn held(event: &TrackedEvent) -> Entry {
    Entry::Held(Arc::new(event.clone()))
}

#[test]
fn what_is_held_is_no_issue_until_it_is_let_go() {
    let folder = Folder::new();
    let mut store = folder.open();
    let (pay, ship) = (event("pay", 0), event("ship", 0));
    assert_eq!(store.record(&[held(&pay), held(&ship)], at(0)).unwrap(), []);
    assert_eq!(store.list(&Query::default()).unwrap(), []);
    store.record(&[entry(&pay), Entry::Released(vec![ship.id])], at(1)).unwrap();
    assert_eq!((count(&store, "pay"), count(&store, "ship")), (1, 0));
    drop(store);
    let mut later = folder.open();
    later.adopt(at(10_000)).unwrap();
    assert_eq!((count(&later, "pay"), count(&later, "ship")), (1, 0));
}

#[test]
fn what_was_folded_into_another_event_is_held_no_longer() {
    let folder = Folder::new();
    let mut store = folder.open();
    let (first, second) = (event("pay", 0), event("pay outside", 0));
    store.record(&[held(&first), held(&second)], at(0)).unwrap();
    let mut whole = first.clone();
    whole.logged_at =
        vec![LoggedAt { id: second.id, target: String::new(), file: None, line: None, message: None }];
    store.record(&[entry(&whole)], at(1)).unwrap();
    drop(store);
    let mut later = folder.open();
    later.adopt(at(10_000)).unwrap();
    assert_eq!((count(&later, "pay"), count(&later, "pay outside")), (1, 0));
}

#[test]
fn what_a_dead_process_held_is_recorded_once_by_who_comes_later() {
    let folder = Folder::new();
    let pay = event("pay", 0);
    folder.open().record(&[held(&pay)], at(0)).unwrap();
    let mut others = [folder.open(), folder.open()];
    for other in &mut others {
        other.adopt(at(1)).unwrap();
    }
    assert_eq!(count(&others[1], "pay"), 1);
    assert_eq!(others[0].events(super::rig::name("pay"), 9).unwrap(), [pay]);
}

#[test]
fn a_process_that_lives_is_not_robbed_and_one_that_was_taken_for_dead_counts_nothing_twice() {
    let folder = Folder::new();
    let mut slow = folder.open();
    let mut other = folder.open();
    let pay = event("pay", 0);
    slow.record(&[held(&pay)], at(0)).unwrap();
    other.adopt(at(10_000)).unwrap();
    assert_eq!(count(&other, "pay"), 0);
    // Somebody takes its sign away.
    for name in folder.names() {
        if name.len() == "shop.db-01234567".len() && !name.ends_with("journal") {
            std::fs::remove_file(folder.path().join(name)).unwrap();
        }
    }
    other.adopt(at(10_001)).unwrap();
    assert_eq!(count(&other, "pay"), 1);
    slow.record(&[entry(&pay)], at(10_002)).unwrap();
    assert_eq!(count(&slow, "pay"), 1);
}

#[test]
fn the_notes_of_the_newest_processes_are_kept() {
    let folder = Folder::new();
    let mut store = folder.open();
    let of = |nth: u64| ProcessNote { name: format!("process {nth}"), ..ProcessNote::new(at(nth)) };
    for nth in 0..120 {
        store.note(&of(nth)).unwrap();
    }
    let later = ProcessNote { noted: at(500), ledger: json!({"accepted": 1}), ..of(50) };
    store.note(&later).unwrap();
    let notes = folder.open().notes().unwrap();
    assert_eq!((notes.len(), &notes[0]), (100, &of(119)));
    assert_eq!(notes.iter().find(|note| note.name == "process 50"), Some(&later));
}
