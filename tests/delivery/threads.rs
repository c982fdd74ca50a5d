//! Threads: how many there are, and what happens where none can be had.
#![cfg(target_os = "linux")]

use std::fs;
use std::thread;
use std::time::Duration;

use crumbtrail::{Lost, Memory};

use crate::rig::{LONG, Rig, lose, lose_one, stays, to};
use crate::server::{KEY, Server};
use crate::support::{child, role, until};

/// The names of this process's threads that are ours, in order.
fn ours() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux shows its threads");
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm"));
    let names = tasks.filter_map(|task| name(task.ok()?).ok()).map(|name| name.trim().to_owned());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("crumbtrail")).collect();
    names.sort();
    names
}

#[test]
fn there_is_one_thread_without_a_server_and_two_with_one() {
    const NAME: &str = "threads::there_is_one_thread_without_a_server_and_two_with_one";
    let Some(role) = role() else {
        for role in ["memory", "server", "name"] {
            let server = Server::answering(200);
            let mut child = child(role, NAME);
            child.command.env("TEST_DSN", server.dsn());
            child.run().succeeded();
        }
        return;
    };
    let dsn = std::env::var("TEST_DSN").expect("the parent sets it");
    let memory = Memory::new();
    let rig = match role.as_str() {
        "memory" => Rig::new(to("").sink(memory)),
        "server" => Rig::new(to(dsn)),
        _ => Rig::new(to(dsn.replace("127.0.0.1", "localhost"))),
    };
    // The one that sends begins with the first event.
    until(LONG, || ours() == ["crumbtrail"]);
    stays(|| ours() == ["crumbtrail"]);
    lose(30);
    rig.flush();
    rig.ends(30, 30, &[]);
    // Who looked a name up, or at the first event, is gone.
    let expected: &[&str] =
        if role == "memory" { &["crumbtrail"] } else { &["crumbtrail", "crumbtrail-send"] };
    until(LONG, || ours() == expected);
    // All of them end with the pipeline.
    drop(rig);
    until(LONG, || ours().is_empty());
}

/// How many files this process may have open from now on.
fn allow_files(count: u64) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the calls write and read the limit that they are given.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) }, 0);
    limit.rlim_cur = count.min(limit.rlim_max);
    // SAFETY: as above.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
}

#[test]
fn what_could_not_be_sent_for_want_of_descriptors_is_sent_with_the_next_event() {
    const NAME: &str = "threads::what_could_not_be_sent_for_want_of_descriptors_is_sent_with_the_next_event";
    if role().is_none() {
        let server = Server::answering(200);
        let mut child = child("short of files", NAME);
        child.command.env("TEST_DSN", server.dsn());
        let said = child.run().succeeded().stderr;
        assert!(said.contains("the thread that sends events could not go on"), "{said}");
        assert_eq!(server.event_ids().len(), 2);
        return;
    }
    let rig = Rig::new(to(std::env::var("TEST_DSN").expect("the parent sets it")));
    allow_files(0);
    lose_one();
    let late = rig.guard.flush(Duration::from_millis(500)).expect_err("nothing can be sent");
    assert!(late.is_deadline(), "{late}");
    allow_files(1_024);
    lose_one();
    rig.flush();
    rig.ends(2, 2, &[]);
}

/// From now on this process may start no thread.
fn forbid_threads() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call reads the limit that it is given.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NPROC, &raw const none) }, 0);
    // Root is bound by no such limit.
    // SAFETY: the calls take and return numbers.
    assert!(unsafe { libc::geteuid() != 0 || libc::setuid(65_534) == 0 });
    assert!(thread::Builder::new().spawn(|| {}).is_err(), "the limit holds");
}

#[test]
fn where_no_thread_can_be_had_events_are_counted_and_nobody_waits() {
    const NAME: &str = "threads::where_no_thread_can_be_had_events_are_counted_and_nobody_waits";
    let dsn = format!("http://{KEY}@127.0.0.1:9/42");
    match role().as_deref() {
        None => {
            for (role, words) in [
                ("no worker", "crumbtrail: no thread could be started ("),
                ("no sender", "crumbtrail: the thread that sends events could not go on"),
                ("beside memory", "crumbtrail: the thread that sends events could not go on"),
            ] {
                let said = child(role, NAME).run().succeeded().stderr;
                assert!(said.starts_with(words), "{role}: {said}");
                assert!(!said.contains(KEY), "{said}");
            }
        }
        Some("no worker") => {
            forbid_threads();
            let rig = Rig::new(to(dsn));
            (0..10).for_each(|_| tracing::error!(error = %crate::rig::fault(), "lost"));
            rig.flush();
            let stats = crate::support::ledger_balances(&rig.guard);
            assert_eq!((stats.accepted, stats.lost[&Lost::WorkerGone]), (10, 10), "{stats:?}");
            assert_eq!(rig.guard.shutdown(LONG), Ok(()));
        }
        Some("no sender") => {
            let rig = Rig::new(to(dsn));
            forbid_threads();
            lose(10);
            rig.flush();
            rig.ends(10, 0, &[(Lost::Sink, 10)]);
            lose_one();
            assert_eq!(rig.guard.shutdown(LONG), Ok(()));
            rig.ends(11, 0, &[(Lost::Sink, 11)]);
        }
        Some(_) => {
            let memory = Memory::new();
            let rig = Rig::new(to(dsn).sink(memory.clone()));
            forbid_threads();
            lose(10);
            rig.flush();
            let stats = crate::support::ledger_balances(&rig.guard);
            assert_eq!(
                (stats.delivered, stats.lost_total(), stats.unsent[&Lost::Sink]),
                (10, 0, 10),
                "{stats:?}"
            );
            assert_eq!(memory.events().len(), 10);
        }
    }
}
