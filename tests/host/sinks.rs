//! Sinks that misbehave: they panic, refuse, log, flush, call us back. The worker survives, and each event has its
//! account.

use std::panic::panic_any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use crumbtrail::{FlushError, Handle, Lost, Memory, Sink, Stack, Store, Throttle, TrackedEvent};
use tracing_subscriber::prelude::*;

use crate::prelude::{fault, held, lose_one, registered};
use crate::support::{child, ledger_balances, role};

const LONG: Duration = Duration::from_secs(10);

/// A sink that is a function.
struct Does<F>(F);

impl<F> Sink for Does<F>
where
    F: Fn(&TrackedEvent) -> Result<(), Lost> + Send + Sync + 'static,
{
    fn deliver(&self, event: &TrackedEvent) -> Result<(), Lost> {
        (self.0)(event)
    }
}

struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("a payload's own fault");
    }
}

#[test]
fn a_sink_that_panics_costs_its_event() {
    let calls = AtomicU64::new(0);
    let (_default, guard) = registered(Does(move |_: &_| match calls.fetch_add(1, Ordering::Relaxed) % 4 {
        0 => panic!("a sink's own fault"),
        1 => panic_any(Grenade),
        _ => Ok(()),
    }));
    (0..8).for_each(|_| lose_one());
    assert_eq!(guard.flush(LONG), Ok(()));
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.delivered, stats.lost[&Lost::SinkPanicked]), (8, 4, 4));
}

#[test]
fn one_sink_that_takes_it_is_enough() {
    let (before, after) = (Memory::new(), Memory::new());
    let builder = crumbtrail::builder()
        .throttle(Throttle::Off)
        .stack(Stack::Off)
        .sink(before.clone())
        .sink(Does(|_: &_| panic!("a sink's own fault")))
        .sink(Does(|_: &_| Err(Lost::Sink)))
        .sink(after.clone());
    let (layer, guard) = builder.build().expect("the settings are legal");
    let _default = tracing_subscriber::registry().with(layer).set_default();
    lose_one();
    lose_one();
    assert_eq!((before.events().len(), after.events().len()), (2, 2));
    // Once, however many sinks there are.
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.delivered, stats.lost_total()), (2, 2, 0));
}

#[test]
fn what_no_sink_takes_is_counted() {
    let (_default, guard) = registered(Does(|_: &_| Err(Lost::Sink)));
    lose_one();
    assert_eq!(guard.flush(LONG), Ok(()));
    assert_eq!(ledger_balances(&guard).lost[&Lost::Sink], 1);
}

#[test]
fn without_a_sink_events_are_counted() {
    let (layer, guard) = crumbtrail::builder()
        .throttle(Throttle::Off)
        .panics(false)
        .stack(Stack::Off)
        .store(Store::Off)
        .build()
        .expect("the settings are legal");
    let _default = tracing_subscriber::registry().with(layer).set_default();
    lose_one();
    assert_eq!(guard.flush(LONG), Ok(()));
    assert_eq!(ledger_balances(&guard).lost[&Lost::NoSink], 1);
}

/// A sink that flushes the pipeline it is part of.
#[derive(Clone, Default)]
struct Flushes {
    handle: Arc<OnceLock<Handle>>,
    answers: Arc<Mutex<Vec<Result<(), FlushError>>>>,
}

impl Sink for Flushes {
    fn deliver(&self, _: &TrackedEvent) -> Result<(), Lost> {
        let handle = self.handle.get().expect("it was attached");
        let answers = [
            handle.flush(Duration::MAX),
            crate::flush_async::block_on(handle.flush_async(Duration::MAX)),
            handle.clone().flush(Duration::ZERO),
        ];
        self.answers.lock().expect("nobody panics with it").extend(answers);
        Ok(())
    }

    fn attach(&self, handle: &Handle) {
        assert!(self.handle.set(handle.clone()).is_ok(), "it is attached once");
    }
}

#[test]
fn a_flush_on_the_worker_is_an_error_at_once() {
    let sink = Flushes::default();
    let (_default, guard) = registered(sink.clone());
    lose_one();
    assert_eq!(guard.flush(LONG), Ok(()));
    let answers = sink.answers.lock().expect("nobody panics with it").clone();
    assert_eq!(answers.len(), 3);
    for answer in answers {
        let refused = answer.expect_err("it would wait for itself");
        assert!(refused.is_on_worker() && !refused.is_deadline() && !refused.is_worker_gone());
        assert_eq!(refused.to_string(), "a flush cannot wait for the thread it is called on");
    }
    assert_eq!(ledger_balances(&guard).delivered, 1);
}

#[test]
fn a_guard_may_be_dropped_and_shut_down_by_a_sink() {
    let slot = Arc::new(Mutex::new(None::<crumbtrail::Guard>));
    let theirs = Arc::clone(&slot);
    let (default, guard) = registered(Does(move |_: &_| {
        let guard = theirs.lock().expect("nobody panics with it").take();
        if let Some(guard) = guard {
            assert!(guard.shutdown(Duration::MAX).is_err_and(|refused| refused.is_on_worker()));
            drop(guard);
        }
        Ok(())
    }));
    let handle = guard.handle();
    *slot.lock().expect("nobody panics with it") = Some(guard);
    lose_one();
    assert_eq!(handle.flush(LONG), Ok(()));
    assert_eq!((handle.stats().delivered, handle.stats().pending), (1, 0));
    drop(default);
}

#[test]
fn what_a_sink_logs_is_not_recorded() {
    // With a global subscriber, which guards against nothing, and the bridge from `log`.
    if role().is_none() {
        child("alone", "sinks::what_a_sink_logs_is_not_recorded").run().succeeded();
        return;
    }
    let memory = Memory::new();
    let builder = crumbtrail::builder()
        .throttle(Throttle::Off)
        .panics(false)
        .stack(Stack::Off)
        .sink(memory.clone())
        .sink(Does(|_: &_| {
            let _span = tracing::info_span!("delivering", n = 1).entered();
            tracing::warn!("a sink's step");
            log::warn!("a sink's record");
            log::error!("a sink's bad record");
            lose_one();
            assert_eq!(crumbtrail::capture_error(&fault()), None);
            tracing::error!("a sink's error that carries none");
            Ok(())
        }));
    let (layer, guard) = builder.breadcrumbs("trace").build().expect("the settings are legal");
    tracing_subscriber::registry().with(layer).init();
    const EVENTS: u64 = 3;
    (0..EVENTS).for_each(|_| lose_one());
    let events = memory.events();
    assert_eq!(events.len() as u64, EVENTS, "{events:?}");
    for event in &events {
        let own = |message: &str| message == "lost" || !message.starts_with("a sink's");
        assert!(event.breadcrumbs.iter().all(|crumb| own(&crumb.message)), "{:?}", event.breadcrumbs);
    }
    let stats = ledger_balances(&guard);
    // The two of each event that carry an error: the line, and what was handed over.
    assert_eq!((stats.accepted, stats.delivered), (3 * EVENTS, EVENTS));
    assert_eq!(stats.lost[&Lost::Recursion], 2 * EVENTS);
    assert_eq!((stats.errors_without_error, stats.crumbs_lost), (0, 0));
    assert!(stats.recursion >= 6 * EVENTS, "{stats:?}");
}

#[test]
fn memory_keeps_shows_and_forgets() {
    let memory = Memory::new();
    assert!(memory.events().is_empty());
    let (_default, guard) = registered(memory.clone());
    tracing::error!(error = %fault(), "first");
    tracing::error!(error = %fault(), "second");
    let shared = memory.clone();
    let titles = |memory: &Memory| memory.events().into_iter().map(|event| event.title).collect::<Vec<_>>();
    assert_eq!(titles(&shared), ["first", "second"]);
    assert_eq!(titles(&memory), titles(&shared));
    shared.clear();
    assert!(memory.events().is_empty());
    tracing::error!(error = %fault(), "third");
    assert_eq!(titles(&shared), ["third"]);
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.delivered), (3, 3));
}

#[test]
fn memory_refuses_what_is_too_much() {
    use crumbtrail::limits::MEMORY_EVENTS;

    let memory = Memory::new();
    let (_default, guard) = registered(memory.clone());
    lose_one();
    let event = memory.events().pop().expect("it is tracked");
    // By hand, which is quicker than to log as many.
    assert!((1..MEMORY_EVENTS).all(|_| memory.deliver(&event).is_ok()));
    assert_eq!(memory.deliver(&event), Err(Lost::Sink));
    lose_one();
    lose_one();
    assert_eq!(memory.events().len(), MEMORY_EVENTS);
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.delivered, stats.lost[&Lost::Sink]), (3, 1, 2));
    memory.clear();
    lose_one();
    assert_eq!(memory.events().len(), 1);
}

#[test]
fn what_waits_is_bounded_in_bytes_whatever_it_is_made_of() {
    let (sink, holder) = held();
    let (layer, guard) = crumbtrail::builder()
        .throttle(Throttle::Off)
        .stack(Stack::Off)
        .queue(1_024, 1 << 20)
        .sink(sink)
        .build()
        .expect("the settings are legal");
    let default = tracing_subscriber::registry().with(layer).set_default();
    for _ in 0..400 {
        // Texts in a span's fields, in what it records later, and in what its lane is told.
        let text = "x".repeat(4_000);
        let _job = tracing::info_span!("job", text, later = tracing::field::Empty).entered();
        tracing::Span::current().record("later", &text);
        crumbtrail::set_context("cart", text.as_str());
        crumbtrail::set_tag("plan", &text);
        lose_one();
    }
    let stats = guard.stats();
    // Each event holds 16,000 bytes of text in the queue, of which more than 70 would not fit; one that is held has a
    // little less, of which not more than 90 would.
    assert!((1..=160).contains(&stats.pending), "{stats:?}");
    assert_eq!(stats.lost.get(&Lost::QueueOverflow), Some(&(400 - stats.pending)));
    drop(holder);
    drop(default);
    ledger_balances(&guard);
}
