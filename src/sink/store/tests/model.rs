//! A store and a book in memory do the same, whatever is done to them.

use proptest::prelude::*;

use super::rig::Folder;
use crate::issues::history::{Action, apply, histories, look};
use crate::issues::{MemoryBook, Retention};

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_store_and_a_book_in_memory_do_the_same(steps in histories(40)) {
        let folder = Folder::new();
        let (mut store, mut memory) = (folder.open(), MemoryBook::default());
        let mut keep = Retention::default();
        for step in &steps {
            match &step.action {
                Action::Reopen => {
                    drop(store);
                    store = folder.open();
                }
                Action::Kill => {
                    // It is not closed: its log stays as it is.
                    std::mem::forget(store);
                    store = folder.open();
                }
                Action::Prune(other) => keep = other.clone(),
                Action::Record(_) | Action::Decide(..) | Action::Wait => {}
            }
            // What a program keeps it says once more when it starts.
            store.hand.keep = keep.clone();
            prop_assert_eq!(apply(&mut store, step), apply(&mut memory, step), "{:?}", step);
            prop_assert_eq!(look(&store, step.now), look(&memory, step.now), "after {:?}", step);
        }
        drop(store);
        let now = steps.last().map(|step| step.now).unwrap_or_default();
        prop_assert_eq!(look(&folder.open(), now), look(&memory, now));
        prop_assert_eq!(folder.names(), ["shop.db"]);
    }
}
