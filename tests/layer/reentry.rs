//! Formatters that log. With a global subscriber `tracing` guards against nothing, so each test has one, in a process
//! of its own; a deadlock shows as a child that does not end.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use crumbtrail::{Guard, Lost, Memory};
use tracing::Span;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

use crate::prelude::{Lines, fault, pipeline, trail};
use crate::support::{child, ledger_balances, role};

/// Logs a WARN and an ERROR whenever somebody formats it.
struct Talks;

impl fmt::Debug for Talks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::warn!(target: "nested", "nested warn");
        tracing::error!(target: "nested", error = %fault(), "nested error");
        f.write_str("talks")
    }
}

/// The global subscriber: ours beside `fmt`, before or after it.
///
/// What is nested is hidden from `fmt`: inside `record` it holds the span's extensions while it formats, and would
/// wait for itself to print the span around the nested line. What is to be seen is whether *we* wait.
fn beside_fmt(before: bool) -> (Guard, Memory, Lines) {
    let lines = Lines::default();
    let not_nested = Targets::new().with_default(LevelFilter::TRACE).with_target("nested", LevelFilter::OFF);
    let writer = lines.clone();
    if before {
        let (ours, guard, memory) = pipeline();
        let view =
            tracing_subscriber::fmt::layer().without_time().with_writer(writer).with_filter(not_nested);
        registry().with(ours).with(view).init();
        (guard, memory, lines)
    } else {
        let (ours, guard, memory) = pipeline();
        let view =
            tracing_subscriber::fmt::layer().without_time().with_writer(writer).with_filter(not_nested);
        registry().with(view).with(ours).init();
        (guard, memory, lines)
    }
}

/// Runs the test twice, with ours before `fmt` and after it; in the child, says which.
fn before_or_after(name: &str) -> Option<bool> {
    match role().as_deref() {
        None => {
            for role in ["before", "after"] {
                child(role, &format!("reentry::{name}")).run().succeeded();
            }
            None
        }
        Some(role) => Some(role == "before"),
    }
}

#[test]
fn what_is_logged_while_a_span_records_is_in_its_lane() {
    let Some(before) = before_or_after("what_is_logged_while_a_span_records_is_in_its_lane") else { return };
    let (guard, memory, _) = beside_fmt(before);
    let other = tracing::info_span!("other", user.id = "bob");
    let job = tracing::info_span!("job", user.id = "ada", late = tracing::field::Empty);
    other.in_scope(|| tracing::warn!("bob's step"));
    {
        let _job = job.enter();
        tracing::warn!("ada's step");
        Span::current().record("late", tracing::field::debug(Talks));
        tracing::error!(error = %fault(), "lost");
    }
    other.in_scope(|| tracing::error!(error = %fault(), "bob's loss"));
    let events = memory.events();
    let messages: Vec<_> = events.iter().map(|event| event.message.as_deref().unwrap_or_default()).collect();
    // `fmt` formats once and so do we; of our own formatting nothing is recorded.
    assert_eq!(messages, ["nested error", "lost", "bob's loss"]);
    assert_eq!(trail(&events[0]), ["ada's step", "nested warn"]);
    assert_eq!(trail(&events[1]), ["ada's step", "nested warn", "nested error"]);
    assert_eq!(trail(&events[2]), ["bob's step"]);
    let users = events.iter().map(|event| event.user.as_ref().and_then(|user| user.id.as_deref()));
    assert_eq!(users.collect::<Vec<_>>(), [Some("ada"), Some("ada"), Some("bob")]);
    assert_eq!(events[1].spans[0].fields["late"], "talks");
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.recursion, stats.lost[&Lost::Recursion]), (4, 2, 1));
}

#[test]
fn what_is_logged_while_a_span_opens_is_in_the_lane_around_it() {
    let Some(before) = before_or_after("what_is_logged_while_a_span_opens_is_in_the_lane_around_it") else {
        return;
    };
    let (guard, memory, _) = beside_fmt(before);
    let job = tracing::info_span!("job").entered();
    tracing::warn!("step");
    let inner = tracing::info_span!("inner", field = ?Talks).entered();
    tracing::error!(error = %fault(), "lost");
    drop((inner, job));
    let events = memory.events();
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!(trail(&events[0]), ["step", "nested warn"]);
    assert_eq!(trail(&events[1]), ["step", "nested warn", "nested error"]);
    assert_eq!(events[1].spans[0].fields["field"], "talks");
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.recursion, stats.lost[&Lost::Recursion]), (3, 2, 1));
}

#[test]
fn what_is_logged_while_an_event_is_formatted_is_in_its_lane() {
    let Some(before) = before_or_after("what_is_logged_while_an_event_is_formatted_is_in_its_lane") else {
        return;
    };
    let (guard, memory, lines) = beside_fmt(before);
    {
        let _job = tracing::info_span!("job").entered();
        tracing::warn!(field = ?Talks, "outer warn");
        tracing::error!(field = ?Talks, error = %fault(), "outer error");
        tracing::error!(error = ?Talks, "talking error");
    }
    let events = memory.events();
    let own: Vec<_> = events.iter().filter(|event| event.target != "nested").collect();
    assert_eq!(own.len(), 2, "{events:?}");
    assert_eq!(own[0].fields["field"], "talks");
    assert_eq!(own[1].value, "talks");
    // Once by `fmt` for each of the three lines.
    assert_eq!(events.len(), 5, "{events:?}");
    for event in &events {
        assert_eq!(event.spans.len(), 1, "{event:?}");
    }
    // Each of our own passes over `field`, and three over `error`: as written, and by the alternate format for the
    // throttle's key and for the event.
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.recursion, stats.lost[&Lost::Recursion]), (10, 10, 5));
    assert_eq!(lines.text().lines().count(), 3, "{}", lines.text());
}

/// Logs itself whenever somebody formats it: without a guard, for ever.
struct Narcissus;

static LOOKS: AtomicU32 = AtomicU32::new(0);

impl fmt::Debug for Narcissus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        LOOKS.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(image = ?self, "looking");
        tracing::error!(error = ?self, "drowning");
        f.write_str("Narcissus")
    }
}

#[test]
fn a_formatter_that_logs_itself_is_run_once() {
    if role().is_none() {
        child("alone", "reentry::a_formatter_that_logs_itself_is_run_once").run().succeeded();
        return;
    }
    let (ours, guard, memory) = pipeline();
    registry().with(ours).init();
    tracing::warn!(image = ?Narcissus, "first");
    assert_eq!(LOOKS.swap(0, Ordering::Relaxed), 1);
    let _span = tracing::info_span!("pond", image = ?Narcissus).entered();
    assert_eq!(LOOKS.swap(0, Ordering::Relaxed), 1);
    // An error is written three times: as it is, and by the alternate format for the throttle's key and for the event.
    tracing::error!(error = ?Narcissus, "second");
    assert_eq!(LOOKS.swap(0, Ordering::Relaxed), 3);
    let events = memory.events();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].value, "Narcissus");
    let stats = ledger_balances(&guard);
    assert_eq!((stats.recursion, stats.lost[&Lost::Recursion]), (10, 5));
}

/// Opens spans, logs in them and calls us whenever somebody formats it.
struct Busy;

impl fmt::Debug for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = tracing::info_span!("nested span", user.id = "eve", late = tracing::field::Empty);
        let _span = span.enter();
        span.record("late", 1);
        let _inner = tracing::info_span!("nested inner").entered();
        tracing::warn!("nested warn");
        crumbtrail::add_breadcrumb(crumbtrail::Breadcrumb::new("nested step"));
        let _ = crumbtrail::capture_error(&fault());
        crumbtrail::set_tag("nested", "yes");
        f.write_str("busy")
    }
}

#[test]
fn a_formatter_may_open_spans() {
    if role().is_none() {
        child("alone", "reentry::a_formatter_may_open_spans").run().succeeded();
        return;
    }
    let (ours, guard, memory) = pipeline();
    registry().with(ours).init();
    {
        let _job = tracing::info_span!("job", user.id = "ada").entered();
        tracing::warn!("step");
        tracing::warn!(field = ?Busy, "outer");
        tracing::error!(error = %fault(), field = ?Busy, "lost");
    }
    let events = memory.events();
    assert_eq!(events.len(), 1, "{events:?}");
    let event = &events[0];
    // What a formatter tells us itself is taken; its log lines are not.
    let told: Vec<_> = trail(event).into_iter().filter(|message| *message != "nested step").collect();
    assert_eq!(told, ["step", "outer"]);
    assert_eq!(event.user.as_ref().and_then(|user| user.id.as_deref()), Some("ada"));
    assert_eq!(event.spans.len(), 1, "{:?}", event.spans);
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.lost[&Lost::Recursion]), (3, 2));
    assert!(stats.recursion >= 6, "{stats:?}");
    // Nothing of it is left behind.
    tracing::error!(error = %fault(), "outside");
    let outside = memory.events().pop().expect("it is tracked");
    assert_eq!(outside.user, None);
    assert!(outside.spans.is_empty());
}

#[test]
fn lines_below_the_gate_inside_a_formatter_lose_no_later_error() {
    if role().is_none() {
        child("alone", "reentry::lines_below_the_gate_inside_a_formatter_lose_no_later_error")
            .run()
            .succeeded();
        return;
    }
    /// Logs where `fmt` listens and we do not.
    struct Chatty;

    impl fmt::Debug for Chatty {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            tracing::info!("chat");
            tracing::debug!("gossip");
            f.write_str("chatty")
        }
    }

    let lines = Lines::default();
    let (ours, guard, memory) = pipeline();
    let view = tracing_subscriber::fmt::layer().without_time().with_writer(lines.clone());
    registry().with(ours).with(view.with_filter(LevelFilter::INFO)).init();
    for _ in 0..5 {
        tracing::warn!(field = ?Chatty, "step");
        tracing::error!(error = %fault(), field = ?Chatty, "lost");
    }
    let events = memory.events();
    assert_eq!(events.len(), 5, "{events:?}");
    assert_eq!(trail(&events[4]).len(), 9);
    assert_eq!(lines.text().matches("step").count(), 5);
    assert_eq!(lines.text().matches("lost").count(), 5);
    ledger_balances(&guard);
}

#[test]
fn a_formatter_that_logs_by_the_log_crate_is_counted_too() {
    if role().is_none() {
        child("alone", "reentry::a_formatter_that_logs_by_the_log_crate_is_counted_too").run().succeeded();
        return;
    }
    struct Bridged;

    impl fmt::Debug for Bridged {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            log::warn!("nested record");
            log::error!("nested bad record");
            log::info!("nested below");
            f.write_str("bridged")
        }
    }

    let (ours, guard, memory) = pipeline();
    // `init` bridges the `log` crate.
    registry().with(ours).init();
    let _job = tracing::info_span!("job", field = ?Bridged).entered();
    log::warn!("{:?}", Bridged);
    tracing::warn!(field = ?Bridged, "step");
    tracing::error!(error = ?Bridged, "lost");
    let events = memory.events();
    assert_eq!(events.len(), 1, "{events:?}");
    // A record of `log` is formatted by whoever asks for its text, so by us alone as well.
    assert_eq!(trail(&events[0]), ["bridged", "step"]);
    assert_eq!(events[0].value, "bridged");
    let stats = ledger_balances(&guard);
    assert_eq!((stats.accepted, stats.errors_without_error, stats.recursion), (1, 0, 12));
}
