//! Where a file may stand and where not: what is wrong is said by `build` where the code named it, and on stderr where the
//! environment did; then issues are kept in memory. Nobody else may read what is made.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::{env, io};

use crumbtrail::{BuildError, CrumbLayer, Guard, Stack};
use tracing_subscriber::Registry;
use tracing_subscriber::prelude::*;

use crate::look::look;
use crate::rig::{BESIDE, Folder, LONG, Rig, beside, child_at, given_path, into, lose};
use crate::support::{Child, ledger_balances, role};

/// Whom nothing belongs to.
const NOBODY: u32 = 65_534;

/// Gives up what root may do: that is to write anywhere.
fn become_nobody() {
    // SAFETY: the calls take plain numbers; a list of no groups is read at no place.
    unsafe {
        if libc::geteuid() == 0 {
            assert_eq!(libc::setgroups(0, std::ptr::null()), 0, "{}", io::Error::last_os_error());
            assert_eq!(libc::setgid(NOBODY), 0, "{}", io::Error::last_os_error());
            assert_eq!(libc::setuid(NOBODY), 0, "{}", io::Error::last_os_error());
        }
    }
}

/// A folder that belongs to nobody.
fn nobodys(name: &str) -> Folder {
    let folder = Folder::new(name);
    // SAFETY: the call takes nothing.
    if unsafe { libc::geteuid() } == 0 {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    folder
}

fn build(store: &Path) -> Result<(CrumbLayer<Registry>, Guard), BuildError> {
    into(store).build()
}

/// Makes all the places that cannot be used, each with words that say why.
fn bad_places(folder: &Path) -> Vec<(PathBuf, &'static str)> {
    let read_only = folder.join("read-only");
    fs::create_dir(&read_only).unwrap();
    fs::set_permissions(&read_only, Permissions::from_mode(0o500)).unwrap();
    let closed = folder.join("closed.db");
    fs::write(&closed, "").unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
    let file = folder.join("file");
    fs::write(&file, "no folder").unwrap();
    fs::create_dir(folder.join("folder.db")).unwrap();
    fs::write(folder.join("another"), "somebody else's").unwrap();
    symlink(folder.join("another"), folder.join("link.db")).unwrap();
    symlink(folder.join("nothing"), folder.join("dangling.db")).unwrap();
    symlink(folder.join("another"), folder.join("log.db-wal")).unwrap();
    symlink(folder.join("link-in-a-circle"), folder.join("link-in-a-circle")).unwrap();
    vec![
        (read_only.join("shop.db"), "cannot be made"),
        (read_only.join("further/down/shop.db"), "cannot be made"),
        (closed, ""),
        (file.join("shop.db"), "folder"),
        (folder.join("folder.db"), "folder"),
        (folder.join("link.db"), "symbolic link"),
        (folder.join("dangling.db"), "symbolic link"),
        (folder.join("log.db"), "-wal"),
        (folder.join("link-in-a-circle"), "symbolic link"),
        (PathBuf::from("/proc/shop.db"), ""),
        (PathBuf::from("/dev/null"), "ordinary file"),
        (folder.join("n".repeat(300)), ""),
        (PathBuf::from("/"), ""),
        (PathBuf::new(), ""),
    ]
}

#[test]
fn a_place_in_the_code_that_cannot_be_used_is_an_error_that_says_why() {
    const NAME: &str = "places::a_place_in_the_code_that_cannot_be_used_is_an_error_that_says_why";
    if role().is_none() {
        let folder = nobodys("code");
        child_at("nobody", NAME, folder.path()).run().succeeded();
        return;
    }
    become_nobody();
    let folder = given_path("PATH");
    for (place, why) in bad_places(&folder) {
        let refused = build(&place).err().unwrap_or_else(|| panic!("{} was taken", place.display()));
        assert!(refused.is_store(), "{refused}");
        let said = refused.to_string();
        assert!(said.contains(why) && said.contains(place.to_str().unwrap()), "{}: {said}", place.display());
    }
    assert_eq!(fs::read_to_string(folder.join("another")).unwrap(), "somebody else's");
    assert!(!folder.join("nothing").exists(), "a link was followed");
}

#[test]
fn a_place_in_the_environment_that_cannot_be_used_is_said_and_memory_serves() {
    const NAME: &str = "places::a_place_in_the_environment_that_cannot_be_used_is_said_and_memory_serves";
    if role().is_none() {
        let folder = nobodys("variable");
        // SAFETY: the call takes nothing.
        let places = bad_places(folder.path());
        // What the parent made shall be out of the child's reach for the same reasons.
        std::thread::scope(|scope| {
            for (place, why) in places {
                let folder = &folder;
                scope.spawn(move || {
                    if place.as_os_str().is_empty() {
                        return;
                    }
                    let mut child = child_at("nobody", NAME, folder.path());
                    child.command.env("CRUMBTRAIL_STORE", &place);
                    let said = child.run().succeeded().stderr;
                    let line =
                        said.lines().find(|line| line.contains("CRUMBTRAIL_STORE")).unwrap_or_default();
                    let place = place.to_str().unwrap();
                    assert!(line.contains(place) && line.contains(why), "{place}: {said}");
                    assert!(line.contains("in memory"), "{place}: {said}");
                });
            }
        });
        return;
    }
    become_nobody();
    serve();
}

/// A pipeline by the environment goes on, whatever became of its store.
fn serve() {
    let (layer, guard) = crumbtrail::from_env().stack(Stack::Off).panics(false).build().unwrap();
    let _default = tracing_subscriber::registry().with(layer).set_default();
    lose("apples");
    guard.flush(LONG).unwrap();
    assert_eq!(ledger_balances(&guard).delivered, 1);
}

/// This test as a program: under a name that no cargo gave it.
fn program(folder: &Folder, role: &str, test_name: &str) -> Child {
    let mut child = child_at(role, test_name, folder.path());
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder.path().file_name().unwrap());
    let _ = fs::remove_file(&place);
    let this = env::current_exe().unwrap();
    fs::hard_link(&this, &place).or_else(|_| fs::copy(&this, &place).map(|_| ())).unwrap();
    let mut command = std::process::Command::new(&place);
    command.args(child.command.get_args());
    command.env_clear();
    for (name, value) in child.command.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.current_dir(folder.path());
    child.command = command;
    child
}

/// What [`program`] made.
fn forget_program(folder: &Folder) {
    let _ = fs::remove_file(Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder.path().file_name().unwrap()));
}

/// Everything below a folder, files and folders.
fn all_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(all_below(&path));
        }
        found.push(path);
    }
    found
}

#[test]
fn the_default_is_in_the_directory_for_state_and_never_where_the_program_runs() {
    const NAME: &str = "places::the_default_is_in_the_directory_for_state_and_never_where_the_program_runs";
    if role().is_some() {
        become_nobody();
        return serve();
    }
    let state = |name: &str, variable: &str, below: &str| {
        let (folder, home) = (nobodys(&format!("default-{name}")), nobodys(&format!("home-{name}")));
        let mut child = program(&folder, "nobody", NAME);
        if !variable.is_empty() {
            child.command.env(variable, home.path());
        }
        let said = child.run().succeeded().stderr;
        forget_program(&folder);
        assert_eq!(
            all_below(folder.path()),
            Vec::<PathBuf>::new(),
            "something was put where the program runs: {said}"
        );
        let store = home.path().join(below).join("crumbtrail").join(folder.path().file_name().unwrap());
        (said, beside(&store, ".db"), home)
    };
    for (name, variable, below) in
        [("systemd", "STATE_DIRECTORY", ""), ("xdg", "XDG_STATE_HOME", ""), ("home", "HOME", ".local/state")]
    {
        let (said, store, _home) = state(name, variable, below);
        assert!(store.exists(), "{name}: {} is not there: {said}", store.display());
        assert_eq!(look(&store).of("apples"), 1, "{name}");
        private(&store);
    }
    let (said, _, home) = state("none", "", "");
    assert!(said.contains("no directory for state") && said.contains("in memory"), "{said}");
    assert!(all_below(home.path()).is_empty());
    // A home that is there and cannot be written.
    let (folder, home) = (nobodys("default-closed"), nobodys("home-closed"));
    fs::set_permissions(home.path(), Permissions::from_mode(0o555)).unwrap();
    let mut child = program(&folder, "nobody", NAME);
    child.command.env("HOME", home.path());
    let said = child.run().succeeded().stderr;
    forget_program(&folder);
    assert!(said.contains("cannot be used") && said.contains("in memory"), "{said}");
}

#[test]
fn a_store_of_another_user_is_refused_and_not_written() {
    const NAME: &str = "places::a_store_of_another_user_is_refused_and_not_written";
    if role().is_some() {
        become_nobody();
        let refused = build(&given_path("PATH").join("shop.db")).expect_err("it was taken");
        assert!(refused.is_store() && refused.to_string().contains("another user"), "{refused}");
        return;
    }
    // SAFETY: the call takes nothing.
    if unsafe { libc::geteuid() } != 0 {
        // There is only one user to be.
        return;
    }
    let folder = nobodys("another-user");
    let store = folder.path().join("shop.db");
    Rig::new(into(&store)).end();
    fs::set_permissions(&store, Permissions::from_mode(0o666)).unwrap();
    let before = fs::read(&store).unwrap();
    child_at("nobody", NAME, folder.path()).run().succeeded();
    assert!(fs::read(&store).unwrap() == before, "it was written");
    assert_eq!(all_below(folder.path()), [store]);
}

/// Nobody but its owner may read it, or list what is beside it.
#[track_caller]
fn private(store: &Path) {
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(store), 0o600, "{}", store.display());
    for suffix in BESIDE {
        let beside = beside(store, suffix);
        assert!(!beside.exists() || mode(&beside) == 0o600, "{}: {:o}", beside.display(), mode(&beside));
    }
    assert_eq!(mode(store.parent().unwrap()), 0o700, "{}", store.display());
}

#[test]
fn what_is_made_is_the_owners_alone() {
    const NAME: &str = "places::what_is_made_is_the_owners_alone";
    if role().is_none() {
        let folder = nobodys("private");
        child_at("nobody", NAME, folder.path()).run().succeeded();
        return;
    }
    become_nobody();
    // The most open there is.
    // SAFETY: the call takes a plain number.
    unsafe { libc::umask(0) };
    let store = given_path("PATH").join("parents/that/are/missing/shop.db");
    let rig = Rig::new(into(&store));
    private(&store);
    rig.run(|| {
        for _ in 0..3 {
            lose("apples");
            rig.guard.flush(LONG).unwrap();
            private(&store);
        }
    });
    assert!(beside(&store, "-wal").exists() || beside(&store, "-journal").exists());
    ledger_balances(&rig.guard);
    rig.end();
    private(&store);
    for made in ["parents", "parents/that", "parents/that/are"] {
        let mode = fs::metadata(given_path("PATH").join(made)).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o700, "{made}");
    }
    assert_eq!(look(&store).of("apples"), 3);
}
