//! Ends of a process: by a signal, by `exit`, by an abort, short of memory. What was acknowledged is in the file after each.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use crate::look::look;
use crate::rig::{Folder, LONG, Live, Rig, WORDS, child_at, given_path, into, lose, lose_in_order, say};
use crate::support::{ledger_balances, role, until};

const COMMITTED: u64 = 30;
const PENDING: u64 = 10;

#[test]
fn what_is_committed_is_there_after_every_end() {
    const NAME: &str = "ends::what_is_committed_is_there_after_every_end";
    if let Some(role) = role() {
        return end_by(&role);
    }
    let end = |role: &str| {
        let folder = Folder::new(&format!("end-{}", role.replace(' ', "-")));
        let mut live = Live::start(child_at(role, NAME, &folder.store()));
        live.says("ready");
        match role {
            "SIGTERM" => live.signal(libc::SIGTERM),
            "SIGKILL" => live.signal(libc::SIGKILL),
            _ => {}
        }
        let over = live.over();
        match role {
            "SIGTERM" => over.ended_by(libc::SIGTERM),
            "SIGKILL" => over.ended_by(libc::SIGKILL),
            "exit" => {
                assert_eq!(over.status.code(), Some(7), "{over:#?}");
                over
            }
            _ => over.ended_by(libc::SIGABRT),
        };
        // What was under way is counted by the next start, or lost with the process; never twice.
        let counted = look(&folder.store()).of("apples");
        assert!((COMMITTED..=COMMITTED + PENDING).contains(&counted), "{role}: {counted}");
        let next = Rig::new(into(&folder.store()));
        next.run(|| lose("bread"));
        next.guard.flush(LONG).unwrap();
        ledger_balances(&next.guard);
        next.end();
        let found = look(&folder.store());
        assert!((COMMITTED..=COMMITTED + PENDING).contains(&found.of("apples")), "{role}: {found:#?}");
        assert_eq!((found.of("bread"), found.held.len()), (1, 0), "{role}");
    };
    thread::scope(|scope| {
        for role in ["SIGTERM", "SIGKILL", "exit", "abort", "a panic that cannot unwind"] {
            scope.spawn(move || end(role));
        }
    });
}

extern "C" fn panics() {
    panic!("nobody can catch this");
}

fn end_by(role: &str) {
    let rig = Rig::new(into(&given_path("PATH")));
    rig.run(|| {
        (0..COMMITTED).for_each(|number| _ = lose_in_order("apples", number));
        // Whether somebody waits for it or not.
        if role == "exit" {
            until(LONG, || rig.guard.stats().delivered == COMMITTED);
        } else {
            rig.guard.flush(LONG).unwrap();
        }
        (0..PENDING).for_each(|number| _ = lose_in_order("apples", number));
        say("ready");
        match role {
            "exit" => std::process::exit(7),
            "abort" => std::process::abort(),
            "a panic that cannot unwind" => panics(),
            _ => thread::sleep(2 * LONG),
        }
    });
}

/// How much memory the process may have from now on, beyond what it has.
fn allow_memory(bytes: u64) {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').next().unwrap().parse().unwrap();
    let most = pages * 4096 + bytes;
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the call reads the limit that it is given.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
}

#[test]
fn a_process_that_runs_out_of_memory_leaves_a_sound_file() {
    const NAME: &str = "ends::a_process_that_runs_out_of_memory_leaves_a_sound_file";
    if role().is_some() {
        return run_out_of_memory();
    }
    thread::scope(|scope| {
        for room in [0_u64, 1, 4, 16] {
            scope.spawn(move || {
                let folder = Folder::new(&format!("memory-{room}"));
                let mut child = child_at("short of memory", NAME, &folder.store());
                child.command.env("TEST_ROOM", room.to_string());
                // It may abort, that is Rust's policy; it may also get through.
                let over = Live::start(child).over();
                assert!(over.said.contains(&"limited".to_owned()), "{over:#?}");
                let found = look(&folder.store());
                let done = over.newest("done").get("all").copied().unwrap_or(10);
                assert!(
                    found.total() >= done,
                    "{room} MiB: {done} were acknowledged, {} are there",
                    found.total()
                );
                let newest = over.told("newest").last();
                let is_there = |id: &str| found.events.iter().any(|(kept, _)| kept == id);
                assert!(newest.is_none_or(is_there), "{room} MiB: {newest:?} is gone");
                println!("{room} MiB: {}, {} events", over.status, found.total());
            });
        }
    });
}

fn run_out_of_memory() {
    let rig = Rig::new(into(&given_path("PATH")));
    rig.run(|| {
        (0..10).for_each(|number| _ = lose_in_order("apples", number));
        rig.guard.flush(LONG).unwrap();
        allow_memory(crate::rig::given("ROOM").parse::<u64>().unwrap() << 20);
        say("limited");
        let begun = Instant::now();
        let (mut hoard, mut logged) = (Vec::new(), 10);
        while begun.elapsed() < Duration::from_millis(1_500) {
            for (number, word) in (0..).zip(WORDS) {
                let id = lose_in_order(word, number);
                if rig.guard.flush(Duration::from_secs(2)).is_ok() {
                    logged += 1;
                    say(&format!("newest {id}"));
                    say(&format!("done all {logged}"));
                }
            }
            // The program's own: at last there is nothing left.
            let mut more = Vec::<u8>::new();
            if more.try_reserve_exact(64 * 1024).is_ok() {
                more.resize(64 * 1024, 1);
                hoard.push(black_box(more));
            }
        }
    });
    ledger_balances(&rig.guard);
    rig.end();
}
