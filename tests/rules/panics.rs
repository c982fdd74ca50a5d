//! Panics: of threads, of tasks, in spans; the hook that was there; what is none of ours.

use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crumbtrail::{EventKind, Memory};
use tracing::{Instrument, error, info_span, warn};
use tracing_subscriber::prelude::*;

use crate::one;
use crate::rig::Rig;
use crate::support::{child, role};

/// Panics, and is caught: the thread lives on.
fn caught(work: impl FnOnce() + Send) {
    assert!(panic::catch_unwind(panic::AssertUnwindSafe(work)).is_err());
}

#[test]
fn a_panic_has_its_span_its_trail_and_its_place() {
    let rig = Rig::with(|builder| builder.stack(crumbtrail::Stack::On));
    let line = line!() + 6;
    rig.on_thread(|| {
        let _span = info_span!("order", user.id = 42, tags.method = "card").entered();
        warn!("stock is low");
        caught(|| {
            let no: Option<u32> = None;
            panic!("no {} in {no:?}", "tray");
        });
    });
    let event = one(&rig);
    assert_eq!((event.kind, event.handled), (EventKind::Panic, false));
    assert_eq!(event.value, "no tray in None");
    assert_eq!(event.title, "panicked: no tray in None");
    assert_eq!(event.line, Some(line));
    assert_eq!(event.user.unwrap().id.as_deref(), Some("42"));
    assert_eq!(event.tags["method"], "card");
    assert_eq!(event.spans[0].name, "order");
    assert_eq!(event.breadcrumbs[0].message, "stock is low");
    if cfg!(feature = "stack") {
        // A panic has no callsite: its module is that of the function it happened in.
        assert_eq!(event.target, "rules::panics");
        let first = &event.frames[0];
        assert_eq!((first.line, first.in_app), (Some(line), true), "{:#?}", event.frames);
        assert!(first.function.as_deref().unwrap().contains("a_panic_has_its_span"), "{first:?}");
    }
}

#[test]
fn the_usual_panics_say_what_the_standard_library_says() {
    let rig = Rig::new();
    rig.on_thread(|| {
        caught(|| {
            let empty: [u8; 0] = [];
            let at = std::hint::black_box(3);
            let _ = empty[at];
        });
        caught(|| "x".parse::<u32>().map(drop).unwrap());
        caught(|| panic::panic_any(7_u32));
    });
    let values: Vec<_> = rig.delivered().into_iter().map(|event| event.value).collect();
    assert_eq!(
        values,
        [
            "index out of bounds: the len is 0 but the index is 3",
            "called `Result::unwrap()` on an `Err` value: ParseIntError { kind: InvalidDigit }",
            "Box<dyn Any>",
        ]
    );
}

#[test]
fn a_panic_is_a_breadcrumb_of_what_comes_after() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _span = info_span!("work").entered();
        caught(|| panic!("at first"));
        error!(error = "another thing", "failed");
    });
    let events = rig.delivered();
    let last = events.iter().find(|event| event.kind == EventKind::Error).unwrap();
    assert_eq!(last.breadcrumbs[0].message, "panicked: at first");
}

/// A task's panic is caught by its runtime and comes back as an error, which is the same failure.
#[test]
fn the_join_error_of_a_task_that_panicked_is_no_event_of_its_own() {
    let rig = Rig::new();
    rig.block_on(2, async {
        for number in 0..20 {
            let request = info_span!("request", user.id = number);
            let work = async move {
                let task = tokio::spawn(
                    async move {
                        warn!("about to");
                        panic!("task of {number} fell over");
                    }
                    .in_current_span(),
                );
                let failed: tokio::task::JoinError = task.await.map(|(): ()| ()).unwrap_err();
                match number % 4 {
                    0 => error!(error = &failed as &dyn std::error::Error, "request failed"),
                    1 => error!(error = %failed, "request failed"),
                    2 => error!(error = ?failed, "request failed"),
                    _ => error!("request failed: {failed}"),
                }
            };
            work.instrument(request).await;
        }
    });
    let mut events = rig.delivered();
    events.sort_by_key(|event| event.user.as_ref().unwrap().id.as_ref().unwrap().parse::<u32>().unwrap());
    assert_eq!(events.len(), 20);
    for (number, event) in events.iter().enumerate() {
        assert_eq!((event.kind, event.handled), (EventKind::Panic, false));
        assert_eq!(event.value, format!("task of {number} fell over"));
        assert_eq!(event.logged_at.len(), 2, "{event:#?}");
    }
    assert_eq!(rig.stats().folded, 20);
}

#[test]
fn a_panic_inside_a_formatter_or_a_hook_is_none_of_the_programs() {
    struct Faulty;
    impl std::fmt::Display for Faulty {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("a formatter's own fault")
        }
    }
    let rig = Rig::with(|builder| {
        builder.before_send(|event| {
            assert_ne!(event.message.as_deref(), Some("to the hook"), "the hook's own fault");
            Some(event)
        })
    });
    rig.on_thread(|| {
        error!(error = %Faulty, "to the formatter");
        error!(error = "some", "to the hook");
    });
    let events = rig.delivered();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].kind, EventKind::Error);
}

#[test]
fn without_a_subscriber_or_where_they_are_not_wanted_panics_are_nobodys() {
    let rig = Rig::with(|builder| builder.panics(false));
    rig.on_thread(|| caught(|| panic!("not wanted")));
    let other = Rig::new();
    thread::scope(|scope| scope.spawn(|| caught(|| panic!("no subscriber here"))).join().unwrap());
    assert!(rig.delivered().is_empty() && other.events().is_empty());
}

#[test]
fn the_hook_that_was_there_is_called_and_the_program_ends_as_ever() {
    const NAME: &str = "panics::the_hook_that_was_there_is_called_and_the_program_ends_as_ever";
    if role().is_none() {
        let ended = child("host", NAME).run();
        assert_eq!(ended.code, Some(101), "{ended:?}");
        assert!(ended.stderr.contains("1 call before, 1 event"), "{ended:?}");
        return;
    }
    let calls = Arc::new(AtomicU64::new(0));
    let counts = Arc::clone(&calls);
    panic::set_hook(Box::new(move |_| {
        counts.fetch_add(1, Ordering::Relaxed);
    }));
    let memory = Memory::new();
    let (layer, _guard) = crumbtrail::builder().sink(memory.clone()).build().unwrap();
    tracing_subscriber::registry().with(layer).init();
    let died = thread::spawn(|| panic!("a thread's own fault")).join().is_err();
    assert!(died);
    let (calls, events) = (calls.load(Ordering::Relaxed), memory.events().len());
    eprintln!("{calls} call before, {events} event");
    panic!("the end");
}
