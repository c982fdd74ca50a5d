//! A file that cannot be right never stops the program, and is never lost.

use std::fs;
use std::path::Path;

use super::rig::{Folder, at, count, entry, event, name, record};
use crate::issues::{Book, Fault, Query};
use crate::model::TrackedEvent;
use crate::sink::store::{Access, Store};

/// A store with some issues, closed.
fn filled(folder: &Folder) -> Vec<u8> {
    let mut store = folder.open();
    for batch in 0..10 {
        let entries: Vec<_> = (0..20)
            .map(|nth| {
                let noise =
                    (0..200).map(|word| format!("{:x} ", (batch * 20 + nth + 1) * (word + 3) * 0x9e37_79b9));
                let message = Some(noise.collect::<String>());
                entry(&TrackedEvent { message, ..event(&format!("issue {nth}"), batch) })
            })
            .collect();
        store.record(&entries, at(batch)).unwrap();
    }
    drop(store);
    fs::read(folder.store()).unwrap()
}

/// Works with a store whatever is in it: looks at everything, and records.
fn works(folder: &Folder) {
    let mut store = folder.open();
    for issue in store.list(&Query::default()).unwrap_or_default() {
        let _ = (store.issue(issue.id), store.events(issue.id, 20), store.facts(issue.id, at(9)));
    }
    let before = count(&store, "after");
    record(&mut store, &event("after", 50));
    assert_eq!(count(&store, "after"), before + 1);
}

#[test]
fn a_damaged_file_is_set_aside_whole_and_three_starts_are_no_loop() {
    let folder = Folder::new();
    let whole = filled(&folder);
    let page = 8_192;
    let zeroed = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at * page..(at + 1) * page].fill(0);
        bytes
    };
    let noise: Vec<u8> = (0..40_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut wrong_magic = whole.clone();
    wrong_magic[3] ^= 0xff;
    let mut wrong_version = whole.clone();
    wrong_version[60..64].fill(0);
    let damages = [
        ("noise", noise),
        ("magic", wrong_magic),
        ("short", whole[..100].to_vec()),
        ("half a page", whole[..page / 2].to_vec()),
        ("one page", whole[..page].to_vec()),
        ("half", whole[..whole.len() / 2].to_vec()),
        ("uneven", whole[..whole.len() - 777].to_vec()),
        ("second page", zeroed(1)),
        ("third page", zeroed(2)),
        ("tenth page", zeroed(9)),
        ("last page", zeroed(whole.len() / page - 1)),
    ];
    for (damage, bytes) in damages {
        let folder = Folder::new();
        fs::write(folder.store(), &bytes).unwrap();
        for start in 1..=3 {
            works(&folder);
            let aside = folder.aside();
            assert!(aside.len() <= 1, "{damage}: start {start} set aside {aside:?}");
        }
        assert_eq!(count(&folder.open(), "after"), 3, "{damage}");
        for aside in folder.aside() {
            let kept = fs::read(folder.path().join(aside)).unwrap();
            assert!(kept == bytes, "{damage}: what was set aside is not what was there");
        }
        // The others may lie in what is free, or in a document, which is known for damaged by itself.
        if !["uneven", "tenth page", "last page"].contains(&damage) {
            assert_eq!(folder.aside().len(), 1, "{damage}: {:?}", folder.names());
        }
    }
    let folder = Folder::new();
    fs::write(folder.store(), wrong_version).unwrap();
    let opened = Store::open(&folder.store(), Access::Program);
    assert!(matches!(opened, Err(Fault::Foreign)), "{opened:?}");
}

#[test]
fn any_byte_may_be_wrong() {
    let folder = Folder::new();
    let whole = filled(&folder);
    // Each of the first page, where the schema stands, and some of the others.
    let places = (0..512).step_by(3).chain((512..whole.len()).step_by(whole.len() / 60));
    for place in places {
        let folder = Folder::new();
        let mut bytes = whole.clone();
        bytes[place] ^= 0x55;
        fs::write(folder.store(), &bytes).unwrap();
        match Store::open(&folder.store(), Access::Program) {
            // The number that says how it may be written: one that is not known means that it may only be read.
            Ok(mut store) if place == 18 => {
                assert!(matches!(store.record(&[entry(&event("after", 0))], at(0)), Err(Fault::Broken(_))));
            }
            Ok(_) => works(&folder),
            // The number that says whose it is, or how new.
            Err(Fault::Foreign | Fault::Newer(_)) => assert!((60..72).contains(&place), "byte {place}"),
            Err(fault) => panic!("byte {place}: {fault}"),
        }
    }
}

#[test]
fn a_file_of_nothing_is_a_new_one() {
    let folder = Folder::new();
    fs::write(folder.store(), "").unwrap();
    works(&folder);
    assert_eq!(folder.aside(), Vec::<String>::new());
}

#[test]
fn a_log_of_another_file_does_no_harm() {
    let other = Folder::new();
    let mut theirs = other.open();
    for nth in 0..50 {
        record(&mut theirs, &event(&format!("theirs {nth}"), nth));
    }
    let log = fs::read(other.path().join("shop.db-wal")).unwrap();
    drop(theirs);
    let folder = Folder::new();
    let whole = filled(&folder);
    for bytes in [whole, Vec::new()] {
        let folder = Folder::new();
        fs::write(folder.store(), bytes).unwrap();
        fs::write(folder.path().join("shop.db-wal"), &log).unwrap();
        for _ in 0..3 {
            works(&folder);
        }
        assert!(folder.aside().len() <= 1, "{:?}", folder.names());
    }
}

#[test]
fn damage_that_is_met_later_is_set_aside_too() {
    let folder = Folder::new();
    filled(&folder);
    let mut store = folder.open();
    // As a disk would: under the hand of who has it open.
    overwrite(&folder.store());
    let mut recorded = 0;
    for nth in 0..50 {
        recorded += usize::from(store.record(&[entry(&event("after", 100 + nth))], at(100 + nth)).is_ok());
        let _ = store.list(&Query::default());
        let _ = store.issue(name("issue 3"));
    }
    assert!(recorded > 0);
    drop(store);
    works(&folder);
    assert_eq!(folder.aside().len(), 1, "{:?}", folder.names());
}

/// Writes noise over a file behind its first page, by another process: a handle of this one would take its locks away.
fn overwrite(path: &Path) {
    let script = "head -c 400000 /dev/urandom | dd of=\"$0\" bs=8192 seek=1 conv=notrunc status=none";
    let done = std::process::Command::new("sh").args(["-c", script]).arg(path).status().unwrap();
    assert!(done.success());
}

#[test]
fn what_stands_aside_already_is_not_overwritten() {
    let folder = Folder::new();
    for round in 0..4 {
        fs::write(folder.store(), format!("damage {round} ").repeat(100)).unwrap();
        works(&folder);
        fs::remove_file(folder.store()).unwrap();
    }
    let aside: Vec<_> =
        folder.aside().iter().map(|name| fs::read(folder.path().join(name)).unwrap()).collect();
    for round in 0..4 {
        assert!(aside.contains(&format!("damage {round} ").repeat(100).into_bytes()), "{:?}", folder.names());
    }
}

#[test]
fn a_file_that_never_was_a_store_stays_where_it_is() {
    let folder = Folder::new();
    let (text, damaged, zeros) =
        (folder.path().join("config.toml"), folder.path().join("other.sqlite"), folder.path().join("issues"));
    fs::write(&text, "[shop]\nname = \"pears\"\n".repeat(99)).unwrap();
    let other = rusqlite::Connection::open(&damaged).unwrap();
    other.execute_batch("CREATE TABLE customer (name TEXT)").unwrap();
    drop(other);
    let mut bytes = fs::read(&damaged).unwrap();
    bytes.iter_mut().skip(100).for_each(|byte| *byte = 0xa5);
    fs::write(&damaged, bytes).unwrap();
    for path in [&text, &damaged] {
        let before = fs::read(path).unwrap();
        let opened = Store::open(path, Access::Program);
        assert!(matches!(opened, Err(Fault::Foreign)), "{opened:?}");
        assert_eq!(fs::read(path).unwrap(), before);
    }
    assert_eq!(folder.names(), ["config.toml", "other.sqlite"]);
    fs::write(&zeros, [0; 20_000]).unwrap();
    record(&mut Store::open(&zeros, Access::Program).unwrap(), &event("pay", 0));
    assert!(folder.names().iter().any(|name| name.starts_with("issues.corrupt-")), "{:?}", folder.names());
}
