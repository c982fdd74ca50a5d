//! Where a store may stand, and who may read it.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::rig::{Folder, at, count, event, name, record};
use crate::issues::{Book, Decision, Fault, Query};
use crate::sink::store::place::newest_in;
use crate::sink::store::{Access, Store};

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn refused(path: &Path, access: Access) -> String {
    match Store::open(path, access) {
        Err(Fault::Broken(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
#[cfg(unix)]
fn nobody_else_may_read_what_is_made() {
    let folder = Folder::new();
    let path = folder.path().join("state/crumbtrail/shop.db");
    let mut store = Store::open(&path, Access::Program).unwrap();
    record(&mut store, &event("pay", 0));
    let made: Vec<_> = path.parent().unwrap().read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    assert!(made.len() >= 2, "the log stands beside it: {made:?}");
    made.iter().for_each(|file| assert_eq!(mode(file), 0o600, "{}", file.display()));
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&folder.path().join("state")), 0o700);
}

#[test]
#[cfg(unix)]
fn a_store_that_others_may_read_is_closed_to_them_and_no_other_file_is() {
    use std::os::unix::fs::PermissionsExt;
    let open = |path: &Path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o664)).unwrap();
    let folder = Folder::new();
    drop(folder.open());
    open(&folder.store());
    let mut store = folder.open();
    record(&mut store, &event("pay", 0));
    for entry in folder.path().read_dir().unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    drop(store);
    // The command only looks.
    open(&folder.store());
    drop(Store::open(&folder.store(), Access::Command).unwrap());
    assert_eq!(mode(&folder.store()), 0o664);
    let text = folder.path().join("config.toml");
    std::fs::write(&text, "[shop]\n".repeat(99)).unwrap();
    open(&text);
    assert!(matches!(Store::open(&text, Access::Program), Err(Fault::Foreign)));
    assert_eq!(mode(&text), 0o664);
}

#[test]
#[cfg(unix)]
fn a_link_is_not_followed() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    let target = folder.path().join("precious");
    std::fs::write(&target, "precious").unwrap();
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let link = folder.path().join(format!("shop.db{suffix}"));
        symlink(&target, &link).unwrap();
        for access in [Access::Program, Access::Command] {
            let why = refused(&folder.store(), access);
            assert!(why.contains("link") || why.contains("ordinary") || why.contains("no such"), "{why}");
        }
        std::fs::remove_file(link).unwrap();
    }
    assert_eq!(std::fs::read(target).unwrap(), b"precious");
    assert_eq!(folder.names(), ["precious"]);
}

#[test]
#[cfg(unix)]
fn a_folder_may_be_a_link() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("real")).unwrap();
    std::os::unix::fs::symlink("real", folder.path().join("state")).unwrap();
    let path = folder.path().join("state/shop.db");
    record(&mut Store::open(&path, Access::Program).unwrap(), &event("pay", 0));
    assert_eq!(count(&Store::open(&folder.path().join("real/shop.db"), Access::Command).unwrap(), "pay"), 1);
}

#[test]
fn what_cannot_be_a_store_is_refused() {
    let folder = Folder::new();
    std::fs::create_dir(folder.store()).unwrap();
    assert_eq!(refused(&folder.store(), Access::Program), "it is a folder");
    assert_eq!(refused(&folder.store(), Access::Command), "it is a folder");
    std::fs::write(folder.path().join("file"), "").unwrap();
    assert!(
        refused(&folder.path().join("file/shop.db"), Access::Program)
            .starts_with("its folder cannot be made")
    );
    assert_eq!(refused(Path::new("/"), Access::Program), "its path names no file");
}

#[test]
fn the_command_makes_nothing() {
    let folder = Folder::new();
    assert_eq!(refused(&folder.store(), Access::Command), "there is no such file");
    std::fs::write(folder.store(), "").unwrap();
    assert_eq!(refused(&folder.store(), Access::Command), "nothing is in it yet");
    assert_eq!(std::fs::read(folder.store()).unwrap(), b"");
    std::fs::write(folder.store(), "no store at all, but long enough to be taken for one".repeat(99))
        .unwrap();
    assert!(refused(&folder.store(), Access::Command).starts_with("it is damaged"));
    assert_eq!(folder.names(), ["shop.db"]);
}

#[test]
fn the_command_looks_and_decides_beside_a_program_that_writes() {
    let folder = Folder::new();
    let mut program = folder.open();
    record(&mut program, &event("pay", 0));
    let mut command = Store::open(&folder.store(), Access::Command).unwrap();
    assert_eq!(command.list(&Query::default()).unwrap().len(), 1);
    assert!(command.decide(name("pay"), Decision::Resolve, at(1)).unwrap());
    record(&mut program, &event("pay", 2));
    assert_eq!(count(&command, "pay"), 2);
    assert_eq!(program.issue(name("pay")).unwrap().unwrap().summary.state, {
        command.issue(name("pay")).unwrap().unwrap().summary.state
    });
}

#[test]
#[cfg(unix)]
fn a_store_that_cannot_be_written_can_be_looked_at() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    record(&mut folder.open(), &event("pay", 0));
    assert_eq!(folder.names(), ["shop.db"], "closing it works its log into it");
    let allow = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(&folder.store(), 0o400);
    allow(folder.path(), 0o500);
    let seen = Store::open(&folder.store(), Access::Command).map(|store| count(&store, "pay"));
    allow(folder.path(), 0o700);
    assert_eq!(seen, Ok(1));
}

#[test]
fn the_newest_store_is_the_one_that_was_written_last() {
    let folder = Folder::new();
    assert_eq!(newest_in(folder.path()), None);
    let written = |name: &str, seconds| {
        let file = std::fs::File::create(folder.path().join(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    };
    written("shop.db", 100);
    written("pay.db", 200);
    written("notes.txt", 900);
    std::fs::create_dir(folder.path().join("folder.db")).unwrap();
    assert_eq!(newest_in(folder.path()), Some(folder.path().join("pay.db")));
    written("shop.db-wal", 300);
    assert_eq!(newest_in(folder.path()), Some(folder.store()));
}
