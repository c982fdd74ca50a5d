//! A store and a book in memory do the same, whatever is done to them.

use proptest::prelude::*;

use super::rig::Folder;
use crate::issues::history::{Action, Everything, apply, histories, look};
use crate::issues::{Book, MemoryBook, Moment};

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_and_a_book_in_memory_do_the_same(steps in histories(40)) {
        let folder = Folder::new();
        let (mut store, mut memory) = (folder.open(), MemoryBook::default());
        let mut has_forgotten = false;
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
                Action::Prune(_) => has_forgotten = true,
                Action::Record(_) | Action::Decide(..) | Action::Wait => {}
            }
            prop_assert_eq!(apply(&mut store, step), apply(&mut memory, step), "{:?}", step);
            let seen = |book: &dyn Book| seen(book, step.now, has_forgotten);
            prop_assert_eq!(seen(&store), seen(&memory), "after {:?}", step);
        }
        drop(store);
        let now = steps.last().map(|step| step.now).unwrap_or_default();
        prop_assert_eq!(seen(&folder.open(), now, has_forgotten), seen(&memory, now, has_forgotten));
    }
}

/// The tags of lanes are kept by release in a file, and by hour in memory: once hours were forgotten, a release that still
/// runs has more of them in a file.
fn seen(book: &dyn Book, now: Moment, has_forgotten: bool) -> Everything {
    let mut everything = look(book, now);
    if has_forgotten {
        let facts = everything.issues.iter_mut().map(|shown| &mut shown.facts);
        facts.flat_map(|facts| &mut facts.evidence).for_each(|evidence| {
            (evidence.lanes, evidence.lanes_with) = (0, 0);
        });
    }
    everything
}
