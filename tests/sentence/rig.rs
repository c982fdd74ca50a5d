//! What the tests here begin with: a folder with a store, programs that run over it, and what it says of them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use std::{env, fs, process};

use crumbtrail::view::{Filter, Form, View};
use crumbtrail::{Builder, Stack, Stats};
use serde_json::Value;
use tracing_subscriber::prelude::*;

use crate::support::{Child, child, ledger_balances, until};

/// Longer than anything here takes that works.
const LONG: Duration = Duration::from_secs(40);

/// A folder that is gone with the test, with a store in it once a program has run.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("crumbtrail-sentence-{}-{number}", process::id()));
        // What a test left that was killed under the same number.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("shop.db")
    }

    /// Runs that test as a program of that release, which is its role, to its end.
    pub(crate) fn deploy(&self, release: &str, test_name: &str) {
        self.program(release, test_name).run().succeeded();
    }

    /// The same, before it runs.
    pub(crate) fn program(&self, release: &str, test_name: &str) -> Child {
        let mut program = self.unnamed(release, test_name);
        program.command.env("SENTRY_RELEASE", release);
        program
    }

    /// A program that names no release.
    pub(crate) fn unnamed(&self, role: &str, test_name: &str) -> Child {
        let mut program = child(role, test_name);
        program.command.env("CRUMBTRAIL_STORE", self.store());
        program
    }

    /// The one issue that there is.
    pub(crate) fn issue(&self) -> Issue {
        let listed = self.view().issues(&Filter::default()).unwrap();
        let [issue] = listed.lines().collect::<Vec<_>>()[..] else { panic!("not one issue: {listed}") };
        let issue: Value = serde_json::from_str(issue).unwrap();
        let id = issue["id"].as_str().unwrap();
        let shown = self.view().show(id, 1).unwrap();
        let issue = Issue(serde_json::from_str(&shown).unwrap());
        // What a program reads and what a person reads is one sentence.
        let page = View::open(self.store()).unwrap().show(id, 1).unwrap();
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(&page).contains(&words(issue.sentence())), "{} is not on\n{page}", issue.sentence());
        issue
    }

    pub(crate) fn view(&self) -> View {
        View::open(self.store()).unwrap().form(Form::Json)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is in a place for what is left.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a store says of an issue.
#[derive(Debug)]
pub(crate) struct Issue(pub(crate) Value);

impl Issue {
    pub(crate) fn sentence(&self) -> &str {
        self.0["sentence"].as_str().unwrap()
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self.0[name].as_u64().unwrap_or_else(|| panic!("{name} is no number in {:#}", self.0))
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_else(|| panic!("{name} is no text in {:#}", self.0))
    }

    /// How often each value of a tag came, and how often any did.
    pub(crate) fn tag(&self, tag: &str) -> (Vec<(&str, u64)>, u64) {
        let tags = self.0["tags"].as_array().unwrap();
        let shares = tags.iter().find(|shares| shares["tag"] == tag).unwrap();
        let values = shares["values"].as_array().unwrap().iter();
        let values = values.map(|value| (value["value"].as_str().unwrap(), value["count"].as_u64().unwrap()));
        (values.collect(), shares["total"].as_u64().unwrap())
    }
}

/// A program as its environment wants it, which does that work and ends; its ledger balances.
pub(crate) fn serve(work: impl FnOnce()) -> Stats {
    serve_as(|builder| builder, work)
}

/// The same, with settings that are in its code.
pub(crate) fn serve_as(settings: impl FnOnce(Builder) -> Builder, work: impl FnOnce()) -> Stats {
    // The stack takes its time, and nobody looks at it here.
    let builder = crumbtrail::from_env().stack(Stack::Off).panics(false);
    let (layer, guard) = settings(builder).build().unwrap();
    tracing_subscriber::registry().with(layer).init();
    work();
    guard.flush(LONG).unwrap();
    let stats = ledger_balances(&guard);
    guard.shutdown(LONG).unwrap();
    stats
}

/// Waits until what follows has another time than what was before, by the clock that events are stamped with.
pub(crate) fn later() {
    let begun = SystemTime::now();
    until(LONG, || begun.elapsed().is_ok_and(|passed| passed > CLOCK));
}

/// Longer than that clock stands still.
const CLOCK: Duration = Duration::from_millis(20);
