//! What the test binaries share: the ledger's equation, waiting for a condition, and processes of their own.
//!
//! A test binary takes it by `#[cfg(test)] #[path = "../support/mod.rs"] mod support;`: under `cfg(test)` clippy knows it as
//! test code.

use std::env;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crumbtrail::{Guard, Stats};

/// Every test of a fault ends with this: accepted is the sum of what it ended in.
///
/// An event that the worker is just finishing stands in two of the terms for a moment, so the equation is awaited.
#[track_caller]
pub(crate) fn ledger_balances(guard: &Guard) -> Stats {
    until(Duration::from_secs(5), || guard.stats().balances());
    let stats = guard.stats();
    assert!(stats.balances(), "accepted is not the sum of the other terms: {stats:?}");
    stats
}

/// Waits until the condition holds, and fails where it does not by the deadline.
#[track_caller]
pub(crate) fn until(deadline: Duration, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < deadline, "it did not come true within {deadline:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// What a call may take beyond its deadline.
pub(crate) const OVERRUN: Duration = Duration::from_millis(50);

/// Asserts that `call` returns no later than [`OVERRUN`] after its deadline.
#[track_caller]
pub(crate) fn in_time(name: &str, deadline: Duration, mut call: impl FnMut()) {
    measured_in_time(name, deadline, || {
        let begun = Instant::now();
        call();
        begun.elapsed()
    });
}

/// Asserts that what `measure` returns is no longer than the deadline and [`OVERRUN`].
///
/// On a machine whose cores are all taken, the scheduler alone may hold a thread back for longer than that, so a
/// late call is tried again, four times; one that waits for anything but its deadline is late every time.
#[track_caller]
pub(crate) fn measured_in_time(name: &str, deadline: Duration, mut measure: impl FnMut() -> Duration) {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        best = best.min(measure().saturating_sub(deadline));
        if best <= OVERRUN {
            println!("{name}: {best:?} beyond its deadline of {deadline:?}");
            return;
        }
    }
    panic!("{name} returns {best:?} beyond its deadline of {deadline:?}");
}

/// The role that a test plays in a process of its own; None in the process that `cargo test` started.
///
/// ```ignore
/// #[test]
/// fn the_host_survives() {
///     if role().is_some() {
///         return survive();
///     }
///     child("survivor", "module::the_host_survives").run().succeeded();
/// }
/// ```
pub(crate) fn role() -> Option<String> {
    env::var(ROLE).ok()
}

/// This test binary once more, running nothing but the test of that full name, in that role.
pub(crate) fn child(role: &str, test_name: &str) -> Child {
    let mut command = Command::new(env::current_exe().expect("a test binary knows where it is"));
    // What the harness's own environment sets must not reach into the test.
    for name in env::vars_os().filter_map(|(name, _)| name.into_string().ok()) {
        if ["CRUMBTRAIL", "SENTRY_", "RUST_LOG"].iter().any(|ours| name.starts_with(ours)) {
            command.env_remove(name);
        }
    }
    command.args([test_name, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role).env("RUST_BACKTRACE", "0");
    Child { command }
}

const ROLE: &str = "CRUMBS_TEST_ROLE";

/// A process to be started.
pub(crate) struct Child {
    pub(crate) command: Command,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; None where a signal ended it (an abort), or the deadline.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) late: bool,
}

impl Child {
    /// Runs it to its end, 60 s at the most: one that hangs is killed, and marked late.
    pub(crate) fn run(mut self) -> Ended {
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the test binary starts again");
        let stdout = read(child.stdout.take());
        let stderr = read(child.stderr.take());
        let begun = Instant::now();
        let mut late = false;
        let status = loop {
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                break status;
            }
            if !late && begun.elapsed() > Duration::from_secs(60) {
                late = true;
                child.kill().expect("a child can be killed");
            }
            thread::sleep(Duration::from_millis(2));
        };
        let text = |reader: thread::JoinHandle<Vec<u8>>| {
            String::from_utf8_lossy(&reader.join().expect("the pipe is read to its end")).into_owned()
        };
        let ended = Ended { code: status.code(), stdout: text(stdout), stderr: text(stderr), late };
        // A name that matches no test would pass as well.
        assert!(ended.stdout.contains("running 1 test\n"), "not one test by that name: {ended:?}");
        ended
    }
}

impl Ended {
    /// The test passed in the process.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert!(
            self.code == Some(0) && !self.late,
            "the child ended with {:?}{}\n--- stdout\n{}\n--- stderr\n{}",
            self.code,
            if self.late { ", hanging" } else { "" },
            self.stdout,
            self.stderr
        );
        self
    }
}

fn read(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        }
        bytes
    })
}

// Each test binary uses some of these; none is dead.
const _: fn(&Guard) -> Stats = ledger_balances;
const _: fn(&str, Duration, fn()) = in_time;
const _: fn(&str, Duration, fn() -> Duration) = measured_in_time;
const _: fn() -> Option<String> = role;
const _: fn(&str, &str) -> Child = child;
const _: fn(Child) -> Ended = Child::run;
const _: fn(Ended) -> Ended = Ended::succeeded;
