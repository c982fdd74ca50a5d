//! Panics in the middle of everything: the hook never panics itself, which would abort the program.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use crumbtrail::limits::{DROP_FLUSH, MESSAGE_BYTES};
use crumbtrail::{Console, EventKind, Lost, Memory, Sink, Stack, Throttle, TrackedEvent};
use tracing::{error, info_span, warn};
use tracing_subscriber::prelude::*;

use crate::rig::{LONG, Storm};
use crate::support::{Ended, child, ledger_balances, role};

/// Runs the rest of the test in a process of its own, which ends well.
macro_rules! alone {
    ($name:literal) => {
        if role().is_none() {
            child("alone", concat!("panics::", $name)).run().succeeded();
            return;
        }
    };
}

fn quiet() {
    std::panic::set_hook(Box::new(|_| {}));
}

#[test]
fn panics_amidst_a_storm_on_every_thread_are_counted_exactly() {
    alone!("panics_amidst_a_storm_on_every_thread_are_counted_exactly");
    const EACH: u64 = 2_000;
    quiet();
    let storm = Storm::new(Throttle::Limits { issue: 10, all: u32::MAX, line: u32::MAX });
    storm.on_threads(8, |thread| {
        for number in 0..EACH {
            let _span = info_span!("work", thread, number).entered();
            warn!("a step");
            let thrown = catch_unwind(|| {
                let _inner = info_span!("inner").entered();
                match number % 3 {
                    0 => panic!("no tray {number}"),
                    1 => std::panic::panic_any(number),
                    _ => panic!("no tray at all"),
                }
            });
            assert!(thrown.is_err());
            error!(error = "out of stock", "failed");
        }
    });
    let told = storm.told_of(16 * EACH);
    assert_eq!(told.not_told_apart(), 0);
    let counts: u64 = told.issues().iter().map(|(_, told, tallied)| told + tallied).sum();
    assert_eq!(counts, 16 * EACH);
    assert_eq!(told.events.iter().filter(|event| event.kind == EventKind::Panic).count(), 30);
}

#[test]
fn a_panic_with_a_huge_payload_is_cut() {
    alone!("a_panic_with_a_huge_payload_is_cut");
    quiet();
    let storm = Storm::with(|builder| builder);
    let payload = "ü".repeat(50 << 20);
    storm.run(|| assert!(catch_unwind(AssertUnwindSafe(|| std::panic::panic_any(payload))).is_err()));
    let told = storm.told_of(1);
    assert!(told.events[0].value.len() <= MESSAGE_BYTES + 8, "{}", told.events[0].value.len());
    assert!(told.events[0].value.starts_with("üü"));
}

/// `fmt` runs the formatter once more, outside of our net: that panic is the program's own.
#[test]
fn a_formatter_that_panics_in_another_layer_is_a_panic_of_the_program() {
    struct Faulty;
    impl fmt::Display for Faulty {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half of it")?;
            panic!("a formatter's own fault")
        }
    }
    alone!("a_formatter_that_panics_in_another_layer_is_a_panic_of_the_program");
    quiet();
    let memory = Memory::new();
    let (layer, guard) = crumbtrail::builder().stack(Stack::Off).sink(memory.clone()).build().unwrap();
    let view = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
    tracing_subscriber::registry().with(layer).with(view).init();
    for _ in 0..2 {
        let _span = info_span!("work").entered();
        assert!(catch_unwind(|| error!(error = %Faulty, "failed")).is_err(), "`fmt` lets it out");
        assert!(catch_unwind(|| warn!(field = %Faulty, "a step")).is_err());
    }
    error!(error = "sound", "afterwards");
    let events = memory.events();
    let values: Vec<_> = events.iter().map(|event| event.value.as_str()).collect();
    let (ours, theirs) = ("<formatter panicked>", "a formatter's own fault");
    assert_eq!(values, [ours, theirs, theirs, ours, theirs, theirs, "sound"]);
    assert_eq!(ledger_balances(&guard).lost_total(), 0);
}

/// The first panic and the second are told before the program is aborted.
#[test]
fn a_panic_while_another_unwinds_aborts_and_both_are_told() {
    struct Falls;
    impl Drop for Falls {
        fn drop(&mut self) {
            panic!("the second one");
        }
    }
    const NAME: &str = "panics::a_panic_while_another_unwinds_aborts_and_both_are_told";
    let Some(_) = role() else {
        let ended = aborted(child("alone", NAME).run());
        assert!(ended.stderr.contains("panicked: the first one"), "{}", ended.stderr);
        assert!(ended.stderr.contains("panicked: the second one"), "{}", ended.stderr);
        // What the standard library says of it itself is no event.
        assert!(!ended.stderr.contains("panicked: panic in a destructor"), "{}", ended.stderr);
        return;
    };
    let (layer, _guard) = crumbtrail::builder().stack(Stack::Off).sink(Console::stderr()).build().unwrap();
    tracing_subscriber::registry().with(layer).init();
    let _falls = Falls;
    panic!("the first one");
}

#[test]
fn a_panic_that_cannot_be_unwound_is_told_before_the_abort() {
    extern "C" fn called_by_c() {
        panic!("at the border");
    }
    const NAME: &str = "panics::a_panic_that_cannot_be_unwound_is_told_before_the_abort";
    let Some(_) = role() else {
        let ended = aborted(child("alone", NAME).run());
        assert!(ended.stderr.contains("panicked: at the border"), "{}", ended.stderr);
        return;
    };
    let (layer, _guard) = crumbtrail::builder().stack(Stack::Off).sink(Console::stderr()).build().unwrap();
    tracing_subscriber::registry().with(layer).init();
    called_by_c();
}

/// A sink that hangs for good.
struct Hangs;

impl Sink for Hangs {
    fn deliver(&self, _: &TrackedEvent) -> Result<(), Lost> {
        loop {
            thread::park();
        }
    }
}

#[test]
fn an_abort_waits_for_a_sink_that_hangs_no_longer_than_a_drop_would() {
    extern "C" fn called_by_c() {
        panic!("at the border");
    }
    const NAME: &str = "panics::an_abort_waits_for_a_sink_that_hangs_no_longer_than_a_drop_would";
    let Some(_) = role() else {
        let begun = Instant::now();
        aborted(child("alone", NAME).run());
        assert!(begun.elapsed() < DROP_FLUSH + Duration::from_secs(5), "{:?}", begun.elapsed());
        return;
    };
    let (layer, _guard) = crumbtrail::builder().stack(Stack::Off).sink(Hangs).build().unwrap();
    tracing_subscriber::registry().with(layer).init();
    called_by_c();
}

/// The runtime ends the program by its own rule; the hook adds nothing to it.
#[test]
fn a_panic_in_a_thread_locals_destructor_ends_by_the_runtimes_own_rule() {
    struct Falls;
    impl Drop for Falls {
        fn drop(&mut self) {
            panic!("in a destructor");
        }
    }
    thread_local! {
        static FALLS: Falls = const { Falls };
    }
    const NAME: &str = "panics::a_panic_in_a_thread_locals_destructor_ends_by_the_runtimes_own_rule";
    let Some(_) = role() else {
        aborted(child("alone", NAME).run());
        return;
    };
    let (layer, _guard) = crumbtrail::builder().stack(Stack::Off).sink(Memory::new()).build().unwrap();
    tracing_subscriber::registry().with(layer).init();
    let _ = thread::spawn(|| {
        // Ours come into use first, and are gone first or last as the runtime likes.
        let _span = info_span!("work").entered();
        warn!("a step");
        FALLS.with(|_| {});
        error!(error = "some", "failed");
    })
    .join();
}

#[test]
fn panics_of_threads_at_their_end_are_told() {
    alone!("panics_of_threads_at_their_end_are_told");
    quiet();
    let storm = Storm::with(|builder| builder.throttle(Throttle::Off));
    thread::scope(|scope| {
        let threads: Vec<_> = (0..32)
            .map(|number| {
                let dispatch = storm.dispatch.clone();
                scope.spawn(move || {
                    let _default = tracing::dispatcher::set_default(&dispatch);
                    let _span = info_span!("work", number).entered();
                    warn!("a step");
                    panic!("thread {number} fell over");
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| assert!(thread.join().is_err()));
    });
    let told = storm.told_of(32);
    assert_eq!(told.events.len(), 32);
    assert!(told.events.iter().all(|event| event.breadcrumbs.len() == 1 && event.spans.len() == 1));
    storm.guard.flush(LONG).unwrap();
}

/// The child was aborted, and not by a panic inside of the hook.
#[track_caller]
fn aborted(ended: Ended) -> Ended {
    assert!(ended.code.is_none() && !ended.late, "{ended:?}");
    for wrong in ["while processing panic", "panicked at src/", "assertion"] {
        assert!(!ended.stderr.contains(wrong), "{wrong}: {}", ended.stderr);
    }
    ended
}
