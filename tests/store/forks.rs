//! A process that is forked while its store is written: the copy is silent and quick, and the store is the parent's.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::look::look;
use crate::rig::{
    Chance, Folder, LONG, Live, Rig, WORDS, child_at, given, given_path, into, lose_in_order, rounds, say,
};
use crate::support::{ledger_balances, role};

const USUALLY: u64 = 20;

#[test]
fn a_forked_process_is_silent_and_quick_and_leaves_the_store_alone() {
    const NAME: &str = "forks::a_forked_process_is_silent_and_quick_and_leaves_the_store_alone";
    if role().is_some() {
        return fork_while_it_writes();
    }
    let folder = Folder::new("forks");
    let rounds = rounds(USUALLY);
    let mut child = child_at("forks", NAME, &folder.store());
    child.command.env("TEST_ROUNDS", rounds.to_string());
    child.command.env("TEST_SEED", Chance::new().next().to_string());
    let over = Live::start(child).over().succeeded();
    assert_eq!(over.stderr, "", "somebody spoke");
    let found = look(&folder.store());
    let logged = over.newest("logged");
    for word in WORDS {
        assert_eq!(found.of(word), logged.get(word).copied().unwrap_or_default(), "{word}");
    }
    assert_eq!(found.issues["the parent's own"].count, 1, "a copy wrote into the file");
    assert_eq!((found.issues.len(), found.held.len()), (logged.len() + 1, 0), "{found:#?}");
    println!(
        "{rounds} forks, the slowest was over after {:?}; {logged:?}",
        over.told("slowest").collect::<Vec<_>>()
    );
}

const THREADS: usize = 4;

fn fork_while_it_writes() {
    let rig = Rig::new(into(&given_path("PATH")));
    let (rounds, mut chance) =
        (given("ROUNDS").parse::<u64>().unwrap(), Chance::of(given("SEED").parse().unwrap()));
    let goes_on = AtomicBool::new(true);
    let logged = [const { AtomicU64::new(0) }; THREADS];
    // Its line is known before the first fork: who meets it first takes a lock.
    rig.run(|| tracing::error!(error = %io::Error::other("nobody is here"), "the parent's own"));
    let mut slowest = Duration::ZERO;
    thread::scope(|scope| {
        let (rig, goes_on) = (&rig, &goes_on);
        for (word, logged) in WORDS.iter().zip(&logged) {
            scope.spawn(move || {
                rig.run(|| {
                    while goes_on.load(Ordering::Relaxed) {
                        (0..20).for_each(|_| _ = lose_in_order(word, logged.fetch_add(1, Ordering::Relaxed)));
                        rig.guard.flush(LONG).unwrap();
                    }
                });
            });
        }
        for _ in 0..rounds {
            thread::sleep(Duration::from_micros(chance.below(20_000)));
            slowest = slowest.max(fork(rig));
        }
        goes_on.store(false, Ordering::Relaxed);
    });
    rig.guard.flush(LONG).unwrap();
    let stats = ledger_balances(&rig.guard);
    let total: u64 = logged.iter().map(|logged| logged.load(Ordering::Relaxed)).sum();
    assert_eq!((stats.accepted, stats.delivered), (total + 1, total + 1), "{stats:?}");
    rig.end();
    for (word, logged) in WORDS.iter().zip(&logged) {
        say(&format!("logged {word} {}", logged.load(Ordering::Relaxed)));
    }
    say(&format!("slowest {slowest:?}"));
}

/// Forks once, and returns how long the copy, and the copy of that, took to end.
fn fork(rig: &Rig) -> Duration {
    let begun = Instant::now();
    // SAFETY: the copy has this thread alone; it takes no lock that another one may have held, but malloc's, which the C
    // library hands on.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "{}", io::Error::last_os_error());
    if pid == 0 {
        live_as_a_copy(rig, 1);
    }
    let mut status = 0;
    loop {
        // SAFETY: the process is ours, and the status is written to where it may be.
        let ended = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
        if ended == pid {
            break;
        }
        if begun.elapsed() > Duration::from_secs(10) {
            // SAFETY: the process is ours, and not waited for yet.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
        thread::sleep(Duration::from_millis(1));
    }
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "the copy ended with {status:x}");
    begun.elapsed()
}

/// Logs, flushes, drops the guard, and forks once more before it ends.
fn live_as_a_copy(rig: &Rig, depth: u32) -> ! {
    let begun = Instant::now();
    rig.run(|| {
        for _ in 0..20 {
            tracing::error!(error = %io::Error::other("nobody is here"), "the parent's own");
            tracing::warn!("a breadcrumb");
        }
    });
    let flushed = rig.guard.flush(Duration::from_millis(200));
    let stats = rig.guard.stats();
    let mut copied_well = true;
    if depth > 0 {
        // SAFETY: as above.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            live_as_a_copy(rig, depth - 1);
        }
        let mut status = 0;
        // SAFETY: the process is ours, and the status is written to where it may be.
        copied_well = unsafe { libc::waitpid(pid, &raw mut status, 0) } == pid && status == 0;
    }
    // SAFETY: this copy of the guard is used by nobody after it; the parent's own is in another process.
    drop(unsafe { std::ptr::read(&raw const rig.guard) });
    let holds =
        [copied_well, flushed.is_err(), stats.accepted >= 20, begun.elapsed() < Duration::from_secs(1)];
    let code = holds.iter().position(|holds| !holds).map_or(0, |wrong| 3 + wrong as libc::c_int);
    // SAFETY: what is registered for the end of a process was so by the parent, of which this thread is a copy.
    unsafe { libc::exit(code) }
}
