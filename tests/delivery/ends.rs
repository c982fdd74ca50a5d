//! Ends: of the pipeline, of the guard, of the process, by whatever way. What was flushed is sent, once; what was not may
//! be lost, and nothing hangs.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crumbtrail::limits::DROP_FLUSH;
use crumbtrail::{Clock, Lost, Memory};
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::prelude::*;

use crate::rig::{LONG, Rig, lose, lose_one, to};
use crate::server::{Absent, Act, Server};
use crate::support::{child, in_time, ledger_balances, measured_in_time, role, until};

#[test]
fn what_is_logged_after_a_shutdown_is_counted_and_not_sent() {
    let server = Server::answering(200);
    let rig = Rig::new(to(server.dsn()));
    let ids = lose(3);
    assert_eq!(rig.guard.shutdown(LONG), Ok(()));
    (0..4).for_each(|_| tracing::error!(error = %crate::rig::fault(), "too late"));
    for _ in 0..2 {
        assert_eq!(rig.guard.shutdown(LONG), Ok(()));
        assert_eq!(rig.guard.flush(LONG), Ok(()));
    }
    let stats = ledger_balances(&rig.guard);
    assert_eq!((stats.accepted, stats.delivered, stats.lost[&Lost::AfterShutdown]), (7, 3, 4));
    assert_eq!(server.event_ids().len(), ids.len());
}

#[test]
fn the_layer_sends_on_when_the_guard_is_gone() {
    let server = Server::answering(200);
    let (layer, guard) = to(server.dsn()).build().expect("the settings are legal");
    let stack = Dispatch::new(tracing_subscriber::registry().with(layer));
    let handle = guard.handle();
    dispatcher::with_default(&stack, || lose(2));
    drop(guard);
    assert_eq!((handle.stats().delivered, server.event_ids().len()), (2, 2));
    let clone = stack.clone();
    drop(stack);
    dispatcher::with_default(&clone, || lose(2));
    assert_eq!(handle.flush(LONG), Ok(()));
    assert_eq!((handle.stats().delivered, server.event_ids().len()), (4, 4));
    // When the layer goes too, what it held is sent all the same.
    dispatcher::with_default(&clone, || lose(2));
    drop(clone);
    until(LONG, || server.event_ids().len() == 6);
    until(LONG, || handle.stats().delivered == 6);
    assert!(handle.stats().balances());
}

#[test]
fn what_a_shutdown_left_is_sent_while_the_process_lives() {
    let gate = crate::server::Gate::default();
    let server = Server::new([Act::Answer(crate::server::Answer::new(200).behind(&gate))]);
    let rig = Rig::new(to(server.dsn()));
    lose(40);
    assert!(rig.guard.shutdown(Duration::from_millis(20)).is_err_and(|late| late.is_deadline()));
    gate.open();
    assert_eq!(rig.guard.shutdown(LONG), Ok(()));
    rig.ends(40, 40, &[]);
    assert_eq!(server.event_ids().len(), 40);
}

#[test]
fn many_may_flush_shut_down_and_drop_at_once() {
    for absent in [false, true] {
        let (server, away) = (Server::new([Act::Silence]), Absent::new());
        let dsn = if absent { away.dsn() } else { server.dsn() };
        let deadline = Duration::from_millis(200);
        in_time("16 flushes and shutdowns at once", deadline, || {
            let rig = Rig::new(to(dsn.as_str()));
            lose(50);
            let begin = Barrier::new(16);
            thread::scope(|scope| {
                for index in 0..16 {
                    let (guard, handle, begin) = (&rig.guard, rig.guard.handle(), &begin);
                    scope.spawn(move || {
                        begin.wait();
                        let late = match index % 3 {
                            0 => guard.flush(deadline),
                            1 => guard.shutdown(deadline),
                            _ => handle.flush(deadline),
                        };
                        assert!(late.is_err_and(|late| late.is_deadline()));
                    });
                }
            });
            assert_eq!(ledger_balances(&rig.guard).pending, 50);
            // Its drop is not what is measured.
            std::mem::forget(rig.guard);
        });
    }
    // Guards of several pipelines, dropped at once.
    let server = Server::new([Act::Silence]);
    measured_in_time("8 drops at once", DROP_FLUSH, || {
        let rigs: Vec<_> = (0..8)
            .map(|_| {
                let (layer, guard) = to(server.dsn()).build().expect("the settings are legal");
                tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || lose(3));
                guard
            })
            .collect();
        let begin = Barrier::new(8);
        thread::scope(|scope| {
            let drops: Vec<_> = rigs
                .into_iter()
                .map(|guard| {
                    let begin = &begin;
                    scope.spawn(move || {
                        begin.wait();
                        let begun = Instant::now();
                        drop(guard);
                        begun.elapsed()
                    })
                })
                .collect();
            drops
                .into_iter()
                .map(|drop| drop.join().expect("a drop does not panic"))
                .max()
                .expect("there are some")
        })
    });
}

#[test]
fn async_code_may_flush_on_a_runtime_with_one_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let server = Server::answering(200);
    let rig = Rig::new(to(server.dsn()));
    runtime.block_on(async {
        lose(5);
        assert_eq!(rig.guard.handle().flush_async(LONG).await, Ok(()));
        // The one that blocks, too: the thread that sends is not this runtime's.
        lose(5);
        assert_eq!(rig.guard.flush(LONG), Ok(()));
    });
    rig.ends(10, 10, &[]);
    server.script([Act::Silence]);
    lose(2);
    let deadline = Duration::from_millis(50);
    runtime.block_on(async {
        in_time("flush in async code", deadline, || assert!(rig.guard.flush(deadline).is_err()));
        let late = rig.guard.handle().flush_async(deadline).await;
        assert!(late.is_err_and(|late| late.is_deadline()));
        // Ended inside of a runtime, where a client that blocks would panic.
        assert!(rig.guard.shutdown(deadline).is_err());
    });
    assert_eq!(ledger_balances(&rig.guard).pending, 2);
    // Its drop would wait for the server.
    std::mem::forget(rig.guard);
}

/// The ways in which a process may end.
fn end(way: &str) {
    match way {
        "exit" => std::process::exit(0),
        "abort" => std::process::abort(),
        #[cfg(unix)]
        "SIGTERM" | "SIGKILL" => {
            let signal = if way == "SIGTERM" { libc::SIGTERM } else { libc::SIGKILL };
            // SAFETY: the call takes a number and touches no memory of ours.
            unsafe { libc::raise(signal) };
        }
        _ => {}
    }
}

const WAYS: [&str; 6] = ["return", "forget", "exit", "abort", "SIGTERM", "SIGKILL"];

#[test]
fn what_was_flushed_is_sent_once_however_the_process_ends() {
    const NAME: &str = "ends::what_was_flushed_is_sent_once_however_the_process_ends";
    let Some(way) = role() else {
        for way in WAYS {
            let server = Server::answering(200);
            let mut child = child(way, NAME);
            child.command.env("TEST_DSN", server.dsn());
            let ended = child.run();
            let code = if matches!(way, "abort" | "SIGTERM" | "SIGKILL") { None } else { Some(0) };
            assert!(ended.code == code && !ended.late, "{way}: {ended:?}");
            let mut arrived = server.event_ids();
            arrived.sort();
            arrived.dedup();
            assert_eq!((arrived.len(), server.event_ids().len()), (5, 5), "{way}");
        }
        return;
    };
    let dsn = std::env::var("TEST_DSN").expect("the parent sets it");
    let (layer, guard) = to(dsn).build().expect("the settings are legal");
    tracing_subscriber::registry().with(layer).init();
    lose(5);
    assert_eq!(guard.flush(LONG), Ok(()));
    assert_eq!(ledger_balances(&guard).delivered, 5);
    end(&way);
    if way == "forget" {
        std::mem::forget(guard);
    }
}

#[test]
fn no_end_hangs_while_the_server_is_silent() {
    const NAME: &str = "ends::no_end_hangs_while_the_server_is_silent";
    let Some(way) = role() else {
        for way in WAYS {
            let server = Server::new([Act::Silence]);
            let mut child = child(way, NAME);
            child.command.env("TEST_DSN", server.dsn());
            let begun = Instant::now();
            let ended = child.run();
            // The guard's two seconds at the most; what it would take to wait for the server is ten.
            assert!(begun.elapsed() < Duration::from_secs(9) && !ended.late, "{way}: {:?}", begun.elapsed());
            if way == "return" {
                let words = "the guard was dropped, but the time was up with 5 events still waiting; they are lost if";
                assert!(ended.stderr.contains(words), "{ended:?}");
            }
        }
        return;
    };
    let dsn = std::env::var("TEST_DSN").expect("the parent sets it");
    let (layer, guard) = to(dsn).build().expect("the settings are legal");
    tracing_subscriber::registry().with(layer).init();
    lose(5);
    assert!(guard.flush(Duration::from_millis(20)).is_err());
    // The ledger can be read before the end, whatever the end is.
    assert_eq!(ledger_balances(&guard).pending, 5);
    end(&way);
    if way == "forget" {
        std::mem::forget(guard);
    }
}

#[test]
fn an_end_without_an_event_opens_no_connection() {
    let server = Server::answering(200);
    let memory = Memory::new();
    let clock = Clock::manual();
    let (layer, guard) =
        to(server.dsn()).clock(&clock).sink(memory).build::<tracing_subscriber::Registry>().expect("legal");
    assert_eq!(guard.flush(LONG), Ok(()));
    assert_eq!(guard.shutdown(LONG), Ok(()));
    drop(layer);
    ledger_balances(&guard);
    drop(guard);
    assert_eq!(server.connections(), 0);
    let rig = Rig::new(to(server.dsn()));
    lose_one();
    rig.flush();
    rig.ends(1, 1, &[]);
    assert_eq!(server.connections(), 1);
}
