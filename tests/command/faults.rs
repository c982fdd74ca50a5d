//! A store that is not there, damaged, or somebody else's: the command says so, and changes nothing.

use std::fs;

use crate::rig::Folder;
use crate::shop;

const ALL: &[&[&str]] = &[
    &[],
    &["issues"],
    &["show", "latest"],
    &["events", "latest"],
    &["resolve", "latest"],
    &["mute", "latest"],
    &["reopen", "latest"],
    &["tail"],
    &["stats"],
    &["export"],
    &["prune"],
];

#[test]
fn a_missing_store_says_where_it_was_looked_for_and_how_one_is_made() {
    let folder = Folder::new();
    for arguments in ALL {
        let error = folder.command(arguments.iter().copied()).failed(3);
        assert!(error.contains("shop.db") && error.contains("Builder::store"), "{arguments:?}: {error}");
        let error = folder.bare(arguments.iter().copied()).run().failed(3);
        assert!(error.contains("crumbtrail") && error.contains("--store"), "{arguments:?}: {error}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the command made something");
    let doctor = folder.command(["doctor"]);
    assert_eq!(doctor.code, Some(3));
    assert!(doctor.stdout.starts_with("FAIL  place"), "{}", doctor.stdout);
}

#[test]
fn a_file_that_is_no_store_is_left_as_it_is() {
    let page = [b"SQLite format 3\0".as_slice(), &[7; 5_000]].concat();
    for (name, bytes) in [("text", b"This is my diary.".as_slice()), ("empty", b""), ("damaged", &page)] {
        let folder = Folder::new();
        fs::write(folder.store(), bytes).unwrap();
        for arguments in ALL {
            let error = folder.command(arguments.iter().copied()).failed(3);
            assert!(error.contains("shop.db"), "{name} {arguments:?}: {error}");
        }
        let doctor = folder.command(["doctor"]);
        assert!(doctor.code == Some(3) && doctor.stdout.contains("FAIL"), "{name}: {doctor:?}");
        assert_eq!(fs::read(folder.store()).unwrap(), bytes, "{name}");
    }
}

#[test]
fn somebody_elses_database_is_left_as_it_is() {
    let folder = Folder::new();
    let connection = rusqlite::Connection::open(folder.store()).unwrap();
    connection.execute_batch("CREATE TABLE diary (day TEXT); INSERT INTO diary VALUES ('sunny')").unwrap();
    drop(connection);
    let before = fs::read(folder.store()).unwrap();
    for arguments in ALL {
        let error = folder.command(arguments.iter().copied()).failed(3);
        assert!(error.contains("no store of crumbtrail's"), "{arguments:?}: {error}");
    }
    assert_eq!(fs::read(folder.store()).unwrap(), before);
}

#[test]
fn a_store_of_a_later_version_asks_for_a_later_command() {
    let folder = Folder::of(shop::a_day).closed();
    let connection = rusqlite::Connection::open(folder.store()).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    for arguments in ALL {
        let error = folder.command(arguments.iter().copied()).failed(3);
        assert!(error.contains("99") && error.contains("later version"), "{arguments:?}: {error}");
    }
}

#[test]
fn a_damaged_page_is_found_by_the_doctor() {
    let folder = Folder::of(|| shop::orders(50)).closed();
    let mut bytes = fs::read(folder.store()).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0x5a);
    fs::write(folder.store(), bytes).unwrap();
    let doctor = folder.command(["doctor"]);
    assert!(doctor.code == Some(3) && doctor.stdout.contains("FAIL  "), "{doctor:?}");
}

#[test]
fn the_doctor_tells_of_a_healthy_store() {
    let folder = Folder::of(shop::a_day);
    let told = folder.command(["doctor"]).done();
    for step in ["place", "access", "form", "contents", "holds", "newest", "size", "room"] {
        assert!(told.contains(&format!("ok    {step} ")), "{step} is missing in\n{told}");
    }
    assert!(told.contains("2 issues, 5 events"), "{told}");
}

#[cfg(unix)]
#[test]
fn the_doctor_says_who_else_may_read() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::of(shop::a_day);
    fs::set_permissions(folder.store(), fs::Permissions::from_mode(0o644)).unwrap();
    let doctor = folder.command(["doctor"]);
    assert_eq!(doctor.code, Some(3));
    assert!(
        doctor.stdout.contains("FAIL  access") && doctor.stdout.contains("chmod 600"),
        "{}",
        doctor.stdout
    );
}

/// A server that nobody can reach is another matter than the store.
#[cfg(feature = "sentry")]
#[test]
fn the_doctor_goes_to_the_server_where_one_is_named() {
    let folder = Folder::of(shop::a_day);
    let store = folder.store();
    let arguments = ["--store", store.to_str().unwrap(), "doctor"];
    let told = folder.bare(arguments).env("SENTRY_DSN", "http://key@127.0.0.1:1/42").run();
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.stdout.contains("ok    DSN") && told.stdout.contains("FAIL  connection"), "{}", told.stdout);
}
