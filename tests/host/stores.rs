//! Where issues are kept: what the code says, else what the environment says, else a file of the program's own.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs, process};

use crumbtrail::view::{Filter, Form, View};
use crumbtrail::{Stack, Store};
use tracing_subscriber::prelude::*;

use crate::support::{Child, child, ledger_balances, role};

const LONG: Duration = Duration::from_secs(40);

/// A program as its code and its environment want it, which loses one thing.
fn serve() {
    let mut builder = crumbtrail::from_env().stack(Stack::Off).panics(false);
    match env::var("TEST_CODE").as_deref() {
        Ok("memory") => builder = builder.store(Store::Memory),
        Ok("off") => builder = builder.store(Store::Off),
        Ok(path) => builder = builder.store(Store::Path(path.into())),
        Err(_) => {}
    }
    let (layer, guard) = builder.build().unwrap();
    tracing_subscriber::registry().with(layer).init();
    tracing::error!(error = %io::Error::other("there is no bread"), "out of bread");
    guard.flush(LONG).unwrap();
    let stats = ledger_balances(&guard);
    println!("\nkept {}", stats.delivered);
    guard.shutdown(LONG).unwrap();
}

/// A place with everything that a program may write to.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        // On the file system of the test itself, which is linked to and not copied.
        let name = format!("stores-{}-{name}", process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        // What a test left that was killed under the same number.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("home")).unwrap();
        Self(path)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Runs that test as a program of that name, where cargo puts no test, and at home here; how many events it kept.
    fn run(&self, program: &str, test_name: &str, settings: &[(&str, &Path)]) -> u64 {
        let mut test = self.test(test_name);
        let copy = self.at(program);
        fs::hard_link(env::current_exe().unwrap(), &copy)
            .or_else(|_| fs::copy(env::current_exe().unwrap(), &copy).map(drop))
            .unwrap();
        let mut command = Command::new(&copy);
        command.args(test.command.get_args());
        for (name, value) in test.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.envs(settings.iter().copied()).current_dir(&self.0);
        test.command = command;
        let kept = kept(test);
        fs::remove_file(copy).unwrap();
        kept
    }

    /// The same, as the test that it is.
    fn test(&self, test_name: &str) -> Child {
        let mut test = child("program", test_name);
        test.command.env("HOME", self.at("home"));
        for name in ["STATE_DIRECTORY", "XDG_STATE_HOME"] {
            test.command.env_remove(name);
        }
        test
    }

    /// Every store here, by its path from here, and whatever else is no file beside one.
    fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        below(&self.0, &mut found);
        let names = found.iter().map(|path| path.strip_prefix(&self.0).unwrap().to_str().unwrap().to_owned());
        let mut names: Vec<String> = names.filter(|name| !name.contains(".db-")).collect();
        names.sort();
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left is in a place for what is left.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { below(&path, found) } else { found.push(path) }
    }
}

fn kept(program: Child) -> u64 {
    let ended = program.run().succeeded();
    // All that there is to say is that events go nowhere, where they do.
    let nowhere = "crumbtrail: no sink is configured, and no store: ";
    assert!(ended.stderr.lines().all(|line| line.starts_with(nowhere)), "{}", ended.stderr);
    let told = ended.stdout.lines().find_map(|line| line.strip_prefix("kept "));
    told.unwrap_or_else(|| panic!("{ended:?}")).parse().unwrap()
}

const NOTHING: [&str; 0] = [];

#[test]
fn the_code_outranks_the_environment() {
    const NAME: &str = "stores::the_code_outranks_the_environment";
    if role().is_some() {
        return serve();
    }
    let place = Place::new("code");
    let (in_code, in_environment) = (place.at("code.db"), place.at("environment.db"));
    for (code, variable, kept, files) in [
        ("off", in_environment.as_path(), 0, &NOTHING[..]),
        ("memory", &in_environment, 1, &NOTHING),
        (in_code.to_str().unwrap(), &in_environment, 1, &["code.db"]),
        (in_code.to_str().unwrap(), Path::new("off"), 1, &["code.db"]),
        (in_code.to_str().unwrap(), Path::new("memory"), 1, &["code.db"]),
    ] {
        let settings = [("TEST_CODE", Path::new(code)), ("CRUMBTRAIL_STORE", variable)];
        assert_eq!(place.run("shop", NAME, &settings), kept, "{code} and {}", variable.display());
        assert_eq!(place.files(), files, "{code} and {}", variable.display());
    }
    assert_eq!(times(&in_code), 3);
}

#[test]
fn the_environment_outranks_the_default() {
    const NAME: &str = "stores::the_environment_outranks_the_default";
    if role().is_some() {
        return serve();
    }
    let place = Place::new("environment");
    let path = place.at("environment.db");
    for (variable, kept, files) in
        [("off", 0, &NOTHING[..]), ("memory", 1, &NOTHING), (path.to_str().unwrap(), 1, &["environment.db"])]
    {
        assert_eq!(place.run("shop", NAME, &[("CRUMBTRAIL_STORE", Path::new(variable))]), kept, "{variable}");
        assert_eq!(place.files(), files, "{variable}");
    }
    assert_eq!(times(&path), 1);
}

#[test]
fn off_makes_no_file_whatever_is_named() {
    const NAME: &str = "stores::off_makes_no_file_whatever_is_named";
    if role().is_some() {
        return serve();
    }
    let place = Place::new("off");
    let (off, path) = (("CRUMBTRAIL", Path::new("off")), place.at("shop.db"));
    assert_eq!(place.run("shop", NAME, &[off]), 0);
    assert_eq!(place.run("shop", NAME, &[off, ("CRUMBTRAIL_STORE", &path)]), 0);
    assert_eq!(place.run("shop", NAME, &[off, ("TEST_CODE", &path)]), 0);
    assert_eq!(place.files(), NOTHING);
}

#[test]
fn a_test_keeps_its_issues_in_memory() {
    const NAME: &str = "stores::a_test_keeps_its_issues_in_memory";
    if role().is_some() {
        return serve();
    }
    let place = Place::new("test");
    assert_eq!(kept(place.test(NAME)), 1);
    assert_eq!(place.files(), NOTHING);
    // It does as it is told all the same.
    let mut told = place.test(NAME);
    told.command.env("CRUMBTRAIL_STORE", place.at("told.db"));
    assert_eq!(kept(told), 1);
    assert_eq!(place.files(), ["told.db"]);
}

#[test]
fn two_programs_have_two_files_in_the_nearest_directory_for_state() {
    const NAME: &str = "stores::two_programs_have_two_files_in_the_nearest_directory_for_state";
    if role().is_some() {
        return serve();
    }
    let place = Place::new("programs");
    let (service, user) = (place.at("service"), place.at("user"));
    place.run("shop.api", NAME, &[]);
    place.run("shop.jobs", NAME, &[]);
    place.run("shop.jobs", NAME, &[]);
    place.run("shop.api", NAME, &[("XDG_STATE_HOME", &user)]);
    place.run("shop.api", NAME, &[("XDG_STATE_HOME", &user), ("STATE_DIRECTORY", &service)]);
    let home = "home/.local/state/crumbtrail";
    let files = [
        format!("{home}/shop.api.db"),
        format!("{home}/shop.jobs.db"),
        "service/crumbtrail/shop.api.db".to_owned(),
        "user/crumbtrail/shop.api.db".to_owned(),
    ];
    assert_eq!(place.files(), files);
    assert_eq!(files.map(|file| times(&place.at(&file))), [1, 2, 1, 1]);
}

/// How often the one issue of a store came.
fn times(store: &Path) -> u64 {
    let view = View::open(store).unwrap().form(Form::Json);
    let issues = view.issues(&Filter::default()).unwrap();
    let [issue] = issues.lines().collect::<Vec<_>>()[..] else { panic!("not one issue: {issues}") };
    serde_json::from_str::<serde_json::Value>(issue).unwrap()["count"].as_u64().unwrap()
}
