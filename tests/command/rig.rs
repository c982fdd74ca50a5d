//! What the tests here begin with: a folder of their own, a program that fills a store in it, and the command.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{env, fs, process};

use crumbtrail::{Stack, Store, Throttle};
use serde_json::Value;
use tracing_subscriber::prelude::*;

use crate::shop;
use crate::support::{ledger_balances, until};

/// Longer than anything here takes that works.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// A folder that is gone with the test, with a store in it once a program has run.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("crumbtrail-command-{}-{number}", process::id()));
        fs::create_dir_all(&path).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        Self(path)
    }

    /// With a store in it, of what `work` logs.
    pub(crate) fn of(work: impl FnOnce()) -> Self {
        let folder = Self::new();
        folder.program("abc123", work);
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("shop.db")
    }

    /// A program of that release that logs into the store, and ends.
    pub(crate) fn program(&self, release: &str, work: impl FnOnce()) {
        let builder = crumbtrail::builder().throttle(Throttle::Off).panics(false).stack(Stack::Off);
        let builder = builder.release(release).environment("production").server_name("blue-7");
        let (layer, guard) = builder.store(Store::Path(self.store())).build().unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
        guard.flush(LONG).unwrap();
        ledger_balances(&guard);
    }

    /// Programs that log an order each, of these customers: what is recorded together has no order.
    pub(crate) fn orders(&self, customers: impl IntoIterator<Item = u64>) {
        customers.into_iter().for_each(|customer| self.program("abc123", || shop::order(customer)));
    }

    /// When the programs have closed the store, and everything is in the one file.
    pub(crate) fn closed(self) -> Self {
        until(LONG, || !self.path().join("shop.db-wal").exists());
        self
    }

    /// The command over the store, with nothing of crumbtrail's in its environment.
    pub(crate) fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Ran {
        let store = self.store();
        let mut bare = self.bare(["--store", store.to_str().unwrap()]);
        bare.0.args(arguments);
        bare.run()
    }

    /// The command, in this folder, which is its home.
    pub(crate) fn bare<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Bare {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crumbtrail"));
        command.env_clear().env("HOME", &self.0).env("PATH", env::var_os("PATH").unwrap_or_default());
        command.args(arguments).current_dir(&self.0).stdin(Stdio::null());
        Bare(command)
    }

    /// What the command answers as JSON, one value a line.
    pub(crate) fn json<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
        let ran = self.command(arguments).done();
        ran.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The id of the issue of that title.
    pub(crate) fn id_of(&self, title: &str) -> String {
        let issues = self.json(["issues", "--limit", "0", "--json"]);
        let found = issues.iter().find(|issue| issue["title"] == title);
        found.unwrap_or_else(|| panic!("no {title:?} in {issues:#?}"))["id"].as_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is in a place for what is left.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The command, before it runs.
pub(crate) struct Bare(pub(crate) Command);

impl Bare {
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub(crate) fn run(mut self) -> Ran {
        let output = self.0.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).expect("it writes text");
        Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// It answered: what it wrote.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{}", self.stdout);
        self.stdout
    }

    /// It did not, with that code, and says why on one line or more: what it says.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{}", self.stderr);
        assert!(self.stderr.starts_with("error: "), "{}", self.stderr);
        self.stderr
    }
}
