//! What is to be sent is one process's to send, and waits until somebody has done so.

use std::sync::Arc;
use std::time::Duration;

use super::rig::{Folder, at, event, record};
use crate::issues::{Book, Entry, Outgoing};
use crate::limits::STORED_OUTBOX_DAYS;
use crate::model::{EventId, TrackedEvent};
use crate::sink::store::Store;

const SERVER: &str = "https://server.test/api/42/envelope/";
const OTHER: &str = "https://server.test/api/43/envelope/";

fn sending(folder: &Folder, to: &str) -> Store {
    let mut store = folder.open();
    store.send_to(to);
    store
}

/// Records as many, each to be sent.
fn tell(store: &mut Store, count: u64) -> Vec<TrackedEvent> {
    let told: Vec<TrackedEvent> = (0..count).map(|nth| event("pay", nth)).collect();
    let entries = told.iter().map(|event| Entry::Event { event: Arc::new(event.clone()), sent: true });
    store.record(&entries.collect::<Vec<_>>(), at(count)).unwrap();
    told
}

fn waiting(store: &mut Store, most: usize, skipped: &[EventId]) -> Vec<EventId> {
    store.waiting(most, &|id| skipped.contains(&id)).unwrap().iter().map(|waiting| waiting.id).collect()
}

fn ids(events: &[TrackedEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

#[test]
fn what_is_to_be_sent_waits_until_it_is() {
    let folder = Folder::new();
    let mut store = sending(&folder, SERVER);
    let told = tell(&mut store, 3);
    record(&mut store, &event("kept here", 4));
    assert_eq!(waiting(&mut store, 2, &[]), ids(&told[..2]));
    assert_eq!(waiting(&mut store, 9, &[told[0].id, told[1].id]), ids(&told[2..]));
    let whole = store.waiting(9, &|_| false).unwrap();
    assert!(whole.iter().map(|waiting| waiting.event.as_ref()).eq(told.iter().map(Some)));
    store.settle(&[told[0].id, told[2].id]).unwrap();
    assert_eq!(waiting(&mut store, 9, &[]), ids(&told[1..2]));
}

#[test]
fn what_a_process_left_is_taken_over_once_by_one_that_sends_to_the_same_server() {
    let folder = Folder::new();
    let mut living = sending(&folder, SERVER);
    let its = tell(&mut living, 1);
    let left = tell(&mut sending(&folder, SERVER), 3);
    let held = event("held", 9);
    sending(&folder, SERVER).record(&[Entry::Held(Arc::new(held.clone()))], at(9)).unwrap();

    let mut elsewhere = sending(&folder, OTHER);
    elsewhere.adopt(at(10)).unwrap();
    assert_eq!(waiting(&mut elsewhere, 9, &[]), []);
    let mut next = sending(&folder, SERVER);
    assert_eq!(waiting(&mut next, 9, &[]), []);
    next.adopt(at(11)).unwrap();
    living.adopt(at(12)).unwrap();
    let mut expected = ids(&left);
    expected.push(held.id);
    assert_eq!(waiting(&mut next, 9, &[]), expected);
    assert_eq!(waiting(&mut living, 9, &[]), ids(&its));
}

#[test]
fn what_waits_for_too_long_is_given_up_unless_it_is_on_its_way_or_another_ones() {
    let folder = Folder::new();
    let mut living = sending(&folder, SERVER);
    let its = tell(&mut living, 2);
    let mut store = sending(&folder, SERVER);
    let told = tell(&mut store, 3);
    let old = at(0).after(Duration::from_secs((STORED_OUTBOX_DAYS + 1) * 24 * 60 * 60));
    assert_eq!(store.give_up(&|_| false, at(9)), Ok(0));
    assert_eq!(store.give_up(&|id| id == told[1].id, old), Ok(2));
    assert_eq!(waiting(&mut store, 9, &[]), ids(&told[1..2]));
    assert_eq!(waiting(&mut living, 9, &[]), ids(&its));
}
