//! Ends: of threads, of `main`, of a stack that unwinds. What is logged there is captured or counted, nothing aborts,
//! and the exit code is the program's own. Each in a process of its own, with a global subscriber.

use std::cell::Cell;
use std::panic::{self, catch_unwind, resume_unwind};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use crumbtrail::{Guard, Handle, Memory, Stack, Throttle};
use tracing_subscriber::prelude::*;

use crate::prelude::fault;
use crate::support::{Ended, child, ledger_balances, role, until};

const LONG: Duration = Duration::from_secs(10);

fn host() -> (Guard, Memory) {
    host_with(Stack::Off)
}

fn host_with(stack: Stack) -> (Guard, Memory) {
    let memory = Memory::new();
    let builder =
        crumbtrail::builder().throttle(Throttle::Off).panics(false).stack(stack).sink(memory.clone());
    let (layer, guard) = builder.build().expect("the settings are legal");
    tracing_subscriber::registry().with(layer).init();
    (guard, memory)
}

/// Logs when it is dropped.
struct LastWords(&'static str);

impl Drop for LastWords {
    fn drop(&mut self) {
        log_all(self.0);
    }
}

/// Everything a program may do to us at its end. It opens no span: once a thread's locals are gone, the registry itself
/// refuses that with a panic.
fn log_all(last_words: &'static str) {
    tracing::warn!("step");
    crumbtrail::add_breadcrumb(crumbtrail::Breadcrumb::new("own step"));
    crumbtrail::set_tag("at", "the end");
    tracing::error!("an error that carries none");
    tracing::error!(error = %fault(), "{last_words}");
}

thread_local! {
    static LAST_WORDS: Cell<Option<LastWords>> = const { Cell::new(None) };
}

fn speak_last(last_words: &'static str) {
    LAST_WORDS.with(|cell| cell.set(Some(LastWords(last_words))));
}

#[test]
fn a_thread_local_destructor_may_log() {
    if role().is_none() {
        child("alone", "exits::a_thread_local_destructor_may_log").run().succeeded();
        return;
    }
    let (guard, memory) = host();
    // Destructors run in the order in which the thread-locals were first used, or in the reverse: try both.
    let first = thread::spawn(|| {
        speak_last("first used");
        let _job = tracing::info_span!("job").entered();
        tracing::warn!("while it lives");
        tracing::error!(error = %fault(), "while it lives");
    });
    first.join().expect("the thread ends well");
    let last = thread::spawn(|| {
        let _job = tracing::info_span!("job").entered();
        tracing::warn!("while it lives");
        tracing::error!(error = %fault(), "while it lives");
        speak_last("last used");
    });
    last.join().expect("the thread ends well");
    let never = thread::spawn(|| speak_last("nothing else used"));
    never.join().expect("the thread ends well");
    // `join` returns before the destructors have run.
    until(LONG, || guard.stats().accepted == 5);
    let messages: Vec<_> = memory.events().into_iter().filter_map(|event| event.message).collect();
    for last_words in ["first used", "last used", "nothing else used"] {
        assert_eq!(messages.iter().filter(|message| *message == last_words).count(), 1, "{messages:?}");
    }
    for event in memory.events().iter().filter(|event| event.message.as_deref() != Some("while it lives")) {
        assert_eq!(event.tags["at"], "the end");
        let trail: Vec<_> = event.breadcrumbs.iter().map(|crumb| crumb.message.as_str()).collect();
        assert!(trail.ends_with(&["step", "own step", "an error that carries none"]), "{trail:?}");
    }
    let stats = ledger_balances(&guard);
    assert_eq!((stats.delivered, stats.errors_without_error), (5, 3));
}

static HANDLE: OnceLock<Handle> = OnceLock::new();

extern "C" fn at_exit() {
    log_all("at exit");
    let handle = HANDLE.get().expect("it was set before");
    let flushed = handle.flush(LONG);
    let stats = handle.stats();
    // A panic here would abort, so this is told and the parent judges.
    eprintln!("at exit: {flushed:?}, {} accepted, {} delivered", stats.accepted, stats.delivered);
}

#[test]
fn the_end_of_main_may_log() {
    if role().is_none() {
        for role in ["return", "exit", "guard dropped", "guard forgotten"] {
            let ended = child(role, "exits::the_end_of_main_may_log").run().succeeded();
            // In main, by the destructor, at exit.
            let told = "at exit: Ok(()), 3 accepted, 3 delivered";
            assert!(ended.stderr.contains(told), "{role}: {ended:?}");
        }
        return;
    }
    let (guard, _memory) = host();
    assert!(HANDLE.set(guard.handle()).is_ok());
    // SAFETY: the handler is a function without captures that does not unwind.
    assert_eq!(unsafe { libc::atexit(at_exit) }, 0);
    speak_last("after main");
    tracing::error!(error = %fault(), "in main");
    match role().as_deref() {
        Some("guard dropped") => drop(guard),
        Some("exit") => {
            assert!(guard.flush(LONG).is_ok());
            std::process::exit(0);
        }
        _ => std::mem::forget(guard),
    }
}

#[test]
fn an_error_in_drop_while_unwinding_is_captured() {
    if role().is_none() {
        let ended = child("alone", "exits::an_error_in_drop_while_unwinding_is_captured").run();
        panicked(&ended);
        return;
    }
    let (guard, memory) = host_with(Stack::On);
    let result = catch_unwind(|| {
        let _job = tracing::info_span!("job", user.id = "ada").entered();
        tracing::warn!("before it");
        let _last_words = LastWords("while unwinding");
        let _inner = tracing::info_span!("inner").entered();
        panic!("the host's own fault");
    });
    let events = memory.events();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].message.as_deref(), Some("while unwinding"));
    assert_eq!(events[0].breadcrumbs[0].message, "before it");
    assert_eq!(events[0].user.as_ref().and_then(|user| user.id.as_deref()), Some("ada"));
    if cfg!(feature = "stack") {
        let function = |frame: &crumbtrail::Frame| frame.function.clone().unwrap_or_default();
        assert!(
            events[0].frames.iter().any(|frame| function(frame).contains("drop")),
            "{:?}",
            events[0].frames
        );
    }
    assert_eq!(ledger_balances(&guard).delivered, 1);
    resume_unwind(result.expect_err("it panicked"));
}

#[test]
fn a_formatter_that_panics_while_unwinding_does_not_abort() {
    struct Panics;

    impl std::fmt::Display for Panics {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("a formatter's own fault");
        }
    }

    struct LogsIt;

    impl Drop for LogsIt {
        fn drop(&mut self) {
            assert!(thread::panicking());
            tracing::warn!(faulty = %Panics, "step");
            tracing::error!(error = %Panics, "lost");
        }
    }

    if role().is_none() {
        let ended = child("alone", "exits::a_formatter_that_panics_while_unwinding_does_not_abort").run();
        panicked(&ended);
        return;
    }
    let (guard, memory) = host();
    let result = catch_unwind(|| {
        let _logs_it = LogsIt;
        panic!("the host's own fault");
    });
    let event = memory.events().pop().expect("it is captured");
    assert_eq!(event.value, "<formatter panicked>");
    assert_eq!(event.breadcrumbs[0].data["faulty"], "<formatter panicked>");
    ledger_balances(&guard);
    resume_unwind(result.expect_err("it panicked"));
}

#[test]
fn an_error_inside_a_panic_hook_is_captured() {
    if role().is_none() {
        let ended = child("alone", "exits::an_error_inside_a_panic_hook_is_captured").run();
        panicked(&ended);
        return;
    }
    let (guard, memory) = host();
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        log_all("in the hook");
        tracing::error!(error = %info, "panicked");
        before(info);
    }));
    let result = catch_unwind(|| {
        let _job = tracing::info_span!("job").entered();
        let _last_words = LastWords("while unwinding");
        panic!("the host's own fault");
    });
    // On a thread of its own, too, that nobody catches.
    let thread = thread::spawn(|| {
        let _last_words = LastWords("while the thread unwinds");
        panic!("the thread's own fault");
    });
    assert!(thread.join().is_err());
    let events = memory.events();
    let messages: Vec<_> = events.iter().filter_map(|event| event.message.as_deref()).collect();
    let expected = ["in the hook", "panicked", "while unwinding"];
    let on_thread = ["in the hook", "panicked", "while the thread unwinds"];
    assert_eq!(messages, [expected, on_thread].concat());
    assert!(events[1].value.contains("the host's own fault"), "{}", events[1].value);
    assert_eq!(ledger_balances(&guard).delivered, 6);
    resume_unwind(result.expect_err("it panicked"));
}

#[test]
fn a_guard_that_is_dropped_while_unwinding_flushes() {
    if role().is_none() {
        let ended = child("alone", "exits::a_guard_that_is_dropped_while_unwinding_flushes").run();
        panicked(&ended);
        return;
    }
    let memory = Memory::new();
    let result = catch_unwind({
        let memory = memory.clone();
        || {
            let builder =
                crumbtrail::builder().throttle(Throttle::Off).panics(false).stack(Stack::Off).sink(memory);
            let (layer, _guard) = builder.build().expect("the settings are legal");
            tracing_subscriber::registry().with(layer).init();
            let _last_words = LastWords("while unwinding");
            panic!("the host's own fault");
        }
    });
    // The global subscriber keeps the layer alive; the guard is gone.
    assert_eq!(memory.events().len(), 1);
    resume_unwind(result.expect_err("it panicked"));
}

/// The child ended as a test that panics does, not by an abort.
#[track_caller]
fn panicked(ended: &Ended) {
    assert!(ended.code == Some(101) && !ended.late, "{ended:?}");
    assert!(ended.stderr.contains("the host's own fault"), "{ended:?}");
    for wrong in ["assertion", "aborting", "panicked at src/", "in a destructor during cleanup"] {
        assert!(!ended.stderr.contains(wrong), "{wrong}: {ended:?}");
    }
}
