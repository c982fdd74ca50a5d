//! Formatters that fail: a `Display` or `Debug` that panics, panics only the second time, or returns an error. The
//! field is marked, the event is captured, other layers still see it, and the next event is like any other.
//!
//! With a global subscriber and a panic hook that logs, so each test runs in a process of its own.

use std::error::Error;
use std::fmt;
use std::panic::{self, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crumbtrail::{Guard, Memory, TrackedEvent};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

use crate::prelude::{fault, pipeline, trail};
use crate::support::{child, ledger_balances, role};

const PANICKED: &str = "<formatter panicked>";

/// What a formatter does.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    Panic,
    /// With a payload that panics when it is dropped.
    PanicTwice,
    Fail,
}

/// Does it from the given time on that it is formatted.
struct Faulty {
    does: Does,
    from: u32,
    formatted: AtomicU32,
}

impl Faulty {
    fn new(does: Does) -> Self {
        Self::second(does, 1)
    }

    fn second(does: Does, from: u32) -> Self {
        Self { does, from, formatted: AtomicU32::new(0) }
    }

    fn format(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half a ")?;
        if self.formatted.fetch_add(1, Ordering::Relaxed) + 1 < self.from {
            return f.write_str("text");
        }
        match self.does {
            Does::Panic => panic!("a formatter's own fault"),
            Does::PanicTwice => panic_any(Grenade),
            Does::Fail => Err(fmt::Error),
        }
    }
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.format(f)
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.format(f)
    }
}

impl Error for Faulty {}

struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("a payload's own fault");
    }
}

/// Another layer, which looks at nothing but that there is an event.
#[derive(Clone, Default)]
struct Seen(Arc<AtomicU32>);

impl<S: Subscriber> Layer<S> for Seen {
    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A global subscriber with ours between two others, and a hook that logs what panics.
fn host() -> (Guard, Memory, [Seen; 2]) {
    let (ours, guard, memory) = pipeline();
    let others = [Seen::default(), Seen::default()];
    registry().with(others[0].clone()).with(ours).with(others[1].clone()).init();
    panic::set_hook(Box::new(|info| {
        tracing::warn!(%info, "hook");
        tracing::error!(%info, "hook");
    }));
    (guard, memory, others)
}

/// Runs `log` with a faulty value and returns the event it made; then the host must be as before.
fn event_of(does: Does, log: impl FnOnce(Faulty)) -> TrackedEvent {
    event_of_value(Faulty::new(does), log)
}

fn event_of_value(value: Faulty, log: impl FnOnce(Faulty)) -> TrackedEvent {
    let panics = value.does != Does::Fail;
    let (guard, memory, others) = host();
    let _job = tracing::info_span!("job").entered();
    let seen = |index: usize| others[index].0.load(Ordering::Relaxed);
    log(value);
    let event = memory.events().pop().expect("the event is captured all the same");
    assert!(seen(0) >= 1 && seen(0) == seen(1), "{} {}", seen(0), seen(1));
    let before = seen(0);
    tracing::warn!("a step after it");
    tracing::error!(error = %fault(), "a normal event");
    assert_eq!((seen(0), seen(1)), (before + 2, before + 2));
    let events = memory.events();
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!(events[1].value, "disk on fire");
    assert_eq!(trail(&events[1]).last(), Some(&"a step after it"));
    // What the hook logs while we format is ours to leave alone.
    assert!(ledger_balances(&guard).recursion >= if panics { 2 } else { 0 });
    event
}

/// The test runs itself once for each fault.
fn each_fault(name: &str) -> Option<(Does, &'static str)> {
    match role().as_deref() {
        None => {
            for role in ["panic", "panic twice", "fail"] {
                child(role, &format!("formatters::{name}")).run().succeeded();
            }
            None
        }
        Some("panic") => Some((Does::Panic, PANICKED)),
        Some("panic twice") => Some((Does::PanicTwice, PANICKED)),
        Some(_) => Some((Does::Fail, "half a <formatter failed>")),
    }
}

#[test]
fn in_a_field_of_an_error() {
    let Some((does, mark)) = each_fault("in_a_field_of_an_error") else { return };
    let event = event_of(does, |value| {
        tracing::error!(n = 1, faulty = ?value, error = %fault(), m = 2, "lost");
    });
    assert_eq!(event.fields["faulty"], mark);
    assert_eq!((&event.fields["n"], &event.fields["m"]), (&1.into(), &2.into()));
    assert_eq!((event.value.as_str(), event.message.as_deref()), ("disk on fire", Some("lost")));
}

#[test]
fn in_the_text_of_the_error_itself() {
    let Some((does, mark)) = each_fault("in_the_text_of_the_error_itself") else { return };
    let event = event_of(does, |error| tracing::error!(%error, "lost"));
    assert_eq!(event.value, mark);
    assert_eq!(event.message.as_deref(), Some("lost"));
}

#[test]
fn in_a_typed_error() {
    let Some((does, mark)) = each_fault("in_a_typed_error") else { return };
    let event = event_of(does, |error| tracing::error!(error = &error as &(dyn Error + 'static), "lost"));
    assert_eq!(event.value, mark);
    assert_eq!(event.chain.len(), 1);
}

#[test]
fn in_an_error_that_is_handed_over() {
    let Some((does, mark)) = each_fault("in_an_error_that_is_handed_over") else { return };
    let event = event_of(does, |error| {
        // No line is logged, but the other layers want one.
        tracing::warn!("a step");
        assert!(crumbtrail::capture_error(&error).is_some());
    });
    assert_eq!(event.value, mark);
}

#[test]
fn in_the_message() {
    let Some((does, mark)) = each_fault("in_the_message") else { return };
    let event = event_of(does, |value| tracing::error!(error = %fault(), "lost: {value}"));
    let mark = if does == Does::Fail { format!("lost: {mark}") } else { mark.to_owned() };
    assert_eq!(event.message, Some(mark));
    assert_eq!(event.value, "disk on fire");
}

#[test]
fn in_a_breadcrumb_and_in_spans() {
    let Some((does, mark)) = each_fault("in_a_breadcrumb_and_in_spans") else { return };
    let event = event_of(does, |value| {
        let span = tracing::info_span!("faulty", n = 1, opened = ?value, late = tracing::field::Empty);
        let _span = span.enter();
        span.record("late", tracing::field::display(&value));
        tracing::warn!(n = 1, faulty = %value, "step");
        tracing::error!(error = %fault(), "lost");
    });
    let step = event.breadcrumbs.last().expect("the step is kept");
    assert_eq!((step.message.as_str(), &step.data["n"]), ("step", &1.into()));
    assert_eq!(step.data["faulty"], mark);
    let span = &event.spans[0];
    assert_eq!(
        (&span.fields["n"], &span.fields["opened"], &span.fields["late"]),
        (&1.into(), &mark.into(), &mark.into())
    );
}

#[test]
fn only_the_second_time() {
    let Some((does, mark)) = each_fault("only_the_second_time") else { return };
    // The first is the error as written; the second, by the alternate format, could only have told more.
    let event = event_of_value(Faulty::second(does, 2), |error| tracing::error!(%error, "lost"));
    assert_eq!((event.value.as_str(), event.chain.len()), ("half a text", 1), "{mark}");
    assert_eq!(event.fields["error"], "half a text");
}

#[test]
fn only_the_second_time_in_a_typed_error() {
    let Some((does, _)) = each_fault("only_the_second_time_in_a_typed_error") else { return };
    let event = event_of_value(Faulty::second(does, 2), |error| {
        tracing::error!(error = &error as &(dyn Error + 'static), "lost");
    });
    assert_eq!((event.value.as_str(), event.chain.len()), ("half a text", 1));
}

#[test]
fn in_the_search_for_a_cause() {
    #[derive(Debug)]
    struct Secretive;

    impl fmt::Display for Secretive {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no comment")
        }
    }

    impl Error for Secretive {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            panic_any(Grenade)
        }
    }

    let Some((does, _)) = each_fault("in_the_search_for_a_cause") else { return };
    let event = event_of(does, |_| tracing::error!(error = &Secretive as &(dyn Error + 'static), "lost"));
    assert_eq!(event.value, "no comment");
    assert_eq!(event.chain.len(), 1);
}
