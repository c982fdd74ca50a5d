//! What the tests here begin with: folders of their own, pipelines into a file, processes that say how far they are, and
//! chance that can be repeated.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{env, process};

use crumbtrail::{Builder, EventId, Guard, Stack, Store, Throttle};
use tracing::Dispatch;
use tracing_subscriber::prelude::*;

use crate::support::{Child, child, until};

/// Longer than anything here takes that works.
pub(crate) const LONG: Duration = Duration::from_secs(40);

/// A folder that goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("crumbtrail-store-{}-{name}", process::id()));
        // What a test left that was killed under the same number.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Where a store may be.
    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("shop.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What stands beside a store.
pub(crate) const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The file beside a store, or the store itself without a suffix.
pub(crate) fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Copies a store that nobody has open, or that was left.
pub(crate) fn copy(from: &Path, to: &Path) {
    for suffix in ["", "-wal", "-journal"] {
        let _ = fs::remove_file(beside(to, suffix));
        if beside(from, suffix).exists() {
            fs::copy(beside(from, suffix), beside(to, suffix)).unwrap();
        }
    }
    let _ = fs::remove_file(beside(to, "-shm"));
}

/// A builder for events into that file, each told in full, without the stack, whose symbols take their time.
pub(crate) fn into(store: &Path) -> Builder {
    crumbtrail::builder()
        .throttle(Throttle::Off)
        .panics(false)
        .stack(Stack::Off)
        .store(Store::Path(store.to_owned()))
}

/// A pipeline that no thread has yet.
pub(crate) struct Rig {
    pub(crate) guard: Guard,
    pub(crate) dispatch: Dispatch,
}

impl Rig {
    pub(crate) fn new(builder: Builder) -> Self {
        let (layer, guard) = builder.build().expect("the store can be opened");
        Self { guard, dispatch: Dispatch::new(tracing_subscriber::registry().with(layer)) }
    }

    /// Runs `work` under it.
    pub(crate) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        tracing::dispatcher::with_default(&self.dispatch, work)
    }

    /// Ends it: the file is closed.
    pub(crate) fn end(self) {
        self.guard.shutdown(LONG).unwrap();
    }
}

/// What the issues here are about.
pub(crate) const WORDS: [&str; 8] =
    ["apples", "bread", "cheese", "dates", "eggs", "flour", "grapes", "honey"];

/// Logs one ERROR with an error, of an issue of its own for each word; the id of its event, or nothing where it is only
/// counted.
pub(crate) fn lose(word: &str) -> String {
    tracing::error!(error = %io::Error::other(format!("there are no {word}")), "out of {word}");
    crumbtrail::last_event_id().as_ref().map(EventId::to_string).unwrap_or_default()
}

/// The same, at the end of a request with a user, tags and a trail.
pub(crate) fn lose_in_order(word: &str, number: u64) -> String {
    let user = number % 50;
    let _order =
        tracing::info_span!("order", otel.kind = "server", user.id = user, tags.shelf = number % 7).entered();
    for step in 0..number % 5 {
        tracing::warn!(step, "looks for {word} once more");
    }
    lose(word)
}

/// What the parent passes on to a process that it starts.
pub(crate) fn given(name: &str) -> String {
    env::var(format!("TEST_{name}")).expect("the parent sets it")
}

pub(crate) fn given_path(name: &str) -> PathBuf {
    given(name).into()
}

/// This test in a process of its own, which is given a path.
pub(crate) fn child_at(role: &str, test_name: &str, path: &Path) -> Child {
    let mut child = child(role, test_name);
    child.command.env("TEST_PATH", path);
    child
}

/// Says a line to the parent: as a whole, or not at all.
pub(crate) fn say(line: &str) {
    // The harness leaves its own line open.
    let whole = format!("\n{SAID}{line}\n");
    let mut stdout = io::stdout().lock();
    stdout.write_all(whole.as_bytes()).and_then(|()| stdout.flush()).expect("the parent listens");
}

const SAID: &str = "say: ";

/// A process that lives on while its parent does something to it. It is killed with the test.
pub(crate) struct Live {
    process: process::Child,
    said: Arc<Mutex<Vec<String>>>,
    stdout: Option<JoinHandle<()>>,
    stderr: Option<JoinHandle<String>>,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Over {
    pub(crate) status: ExitStatus,
    /// All that it said.
    pub(crate) said: Vec<String>,
    pub(crate) stderr: String,
}

impl Live {
    pub(crate) fn start(child: Child) -> Self {
        Self::try_start(child).unwrap()
    }

    pub(crate) fn try_start(mut child: Child) -> io::Result<Self> {
        child.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = child.command.spawn()?;
        let (stdout, mut stderr) = (process.stdout.take().unwrap(), process.stderr.take().unwrap());
        let said = Arc::<Mutex<Vec<String>>>::default();
        let heard = Arc::clone(&said);
        let stdout = thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            let mut line = String::new();
            // One that was cut off is no line.
            while stdout.read_line(&mut line).is_ok_and(|length| length > 0) && line.ends_with('\n') {
                if let Some(line) = line.strip_prefix(SAID) {
                    heard.lock().unwrap().push(line.trim_end().to_owned());
                }
                line.clear();
            }
        });
        let stderr = thread::spawn(move || {
            let mut text = Vec::new();
            stderr.read_to_end(&mut text).unwrap();
            String::from_utf8_lossy(&text).into_owned()
        });
        Ok(Self { process, said, stdout: Some(stdout), stderr: Some(stderr) })
    }

    pub(crate) fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    /// Waits until it says that line.
    #[track_caller]
    pub(crate) fn says(&mut self, line: &str) {
        until(LONG, || {
            let says = self.said.lock().unwrap().iter().any(|said| said == line);
            if !says && let Ok(Some(status)) = self.process.try_wait() {
                panic!("{status} before it said {line}: {:?}\n{}", self.said(), self.heard_on_stderr());
            }
            says
        });
    }

    pub(crate) fn signal(&self, signal: libc::c_int) {
        let pid = libc::pid_t::try_from(self.process.id()).unwrap();
        // SAFETY: the process is ours, and not waited for yet.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    }

    pub(crate) fn kill(self) -> Over {
        self.signal(libc::SIGKILL);
        self.over()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn over(mut self) -> Over {
        until(2 * LONG, || self.process.try_wait().unwrap().is_some());
        let status = self.process.wait().unwrap();
        if let Some(stdout) = self.stdout.take() {
            stdout.join().unwrap();
        }
        let stderr = self.heard_on_stderr();
        Over { status, said: self.said(), stderr }
    }

    fn heard_on_stderr(&mut self) -> String {
        self.stderr.take().map(|stderr| stderr.join().unwrap()).unwrap_or_default()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Over {
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert!(self.status.success(), "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn ended_by(self, signal: libc::c_int) -> Self {
        assert_eq!(self.status.signal(), Some(signal), "{self:#?}");
        self
    }

    /// What stands behind that word in the lines that begin with it.
    pub(crate) fn told<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a str> {
        self.said.iter().filter_map(move |line| line.strip_prefix(word)?.strip_prefix(' '))
    }

    /// The newest number that each name was told with, of lines such as `done apples 12`.
    pub(crate) fn newest(&self, word: &str) -> HashMap<String, u64> {
        let pairs = self.told(word).filter_map(|line| line.split_once(' '));
        pairs.map(|(name, number)| (name.to_owned(), number.parse().unwrap())).collect()
    }
}

/// How often something is tried, unless the environment says otherwise.
pub(crate) fn rounds(usually: u64) -> u64 {
    env::var("CRUMBTRAIL_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(usually)
}

/// Numbers that look like chance ([SplitMix64](https://doi.org/10.1145/2714064.2660195)), the same for the same seed.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// By a seed that is printed, so that a run that failed can be repeated.
    pub(crate) fn new() -> Self {
        let given = env::var("CRUMBTRAIL_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(()) % 1_000_000);
        println!("CRUMBTRAIL_TEST_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below that one.
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.next() % most.max(1)
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }
}
