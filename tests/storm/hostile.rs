//! Values whose own code misbehaves, in every place where a line may name one, above and below the throttle; each in a
//! process of its own, with the global subscriber, which guards against nothing.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crumbtrail::limits::{CHAIN_LINKS, ERROR_TEXT_BYTES};
use crumbtrail::{Guard, Memory, Stack, Throttle};
use tracing::{error, info_span, warn};
use tracing_subscriber::prelude::*;

use crate::rig::LONG;
use crate::support::{child, ledger_balances, role};

/// Runs the rest of the test in a process of its own.
macro_rules! alone {
    ($name:literal) => {
        if role().is_none() {
            child("alone", concat!("hostile::", $name)).run().succeeded();
            return;
        }
    };
}

/// The global subscriber: ours alone, with everything told.
fn global() -> (Guard, Memory) {
    let memory = Memory::new();
    let builder = crumbtrail::builder().stack(Stack::Off).throttle(Throttle::Off).queue(16_384, 256 << 20);
    let (layer, guard) = builder.sink(memory.clone()).build().unwrap();
    tracing_subscriber::registry().with(layer).init();
    (guard, memory)
}

/// Writes pieces as long as somebody listens.
#[derive(Clone, Copy)]
struct Endless(&'static str);

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        loop {
            f.write_str(self.0)?;
        }
    }
}

impl fmt::Debug for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Endless {}

/// Sound itself, but for what it came from.
#[derive(Debug)]
struct From<E>(E);

impl<E> fmt::Display for From<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sound")
    }
}

impl<E: Error + 'static> Error for From<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// Logs a value in every place there is.
fn log_everywhere<E: Error + Clone + 'static>(value: &E) {
    let span = info_span!("work", opened = %value, debugged = ?value, later = tracing::field::Empty);
    span.record("later", tracing::field::display(value));
    let _span = span.entered();
    warn!(field = %value, "a step with {value}");
    error!(error = %value, "by display");
    error!(error = ?value, "by debug");
    error!(error = value as &dyn Error, "typed");
    error!(error = &From(value.clone()) as &dyn Error, "as a cause");
    error!(error = %value, other_error = ?value, fingerprint = %value, "twice {value}, with a name");
    error!("at the end: {value}");
    error!("at the end: {value:?}");
    error!("{value}");
    log::error!("by the other crate: {value}");
    crumbtrail::capture_error(value);
    crumbtrail::capture_error(&From(value.clone()));
}

#[test]
fn a_formatter_that_never_ends_is_ended_wherever_it_stands() {
    alone!("a_formatter_that_never_ends_is_ended_wherever_it_stands");
    let (guard, memory) = global();
    let begun = Instant::now();
    // What the throttle's key passes over is no less endless.
    let pieces =
        ["on and on ", "7", " ", "\n", "\"", "'", "`", "ü", ": ", "-", "(", "\u{1b}[0m", "0123456789abcdef"];
    for piece in pieces {
        log_everywhere(&Endless(piece));
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let events = memory.events();
    for event in &events {
        assert!(event.value.len() <= ERROR_TEXT_BYTES + '…'.len_utf8(), "{}", event.value.len());
    }
    let stats = ledger_balances(&guard);
    assert_eq!((stats.lost_total(), stats.pending), (0, 0));
    // What reads like a value at the end of a message is none.
    assert_eq!(stats.accepted + stats.errors_without_error, 11 * pieces.len() as u64);
    assert!(stats.accepted >= 7 * pieces.len() as u64, "{stats:?}");
}

#[test]
fn a_formatter_that_never_ends_does_not_hold_up_a_storm() {
    alone!("a_formatter_that_never_ends_does_not_hold_up_a_storm");
    let memory = Memory::new();
    let (layer, guard) = crumbtrail::builder().stack(Stack::Off).sink(memory.clone()).build().unwrap();
    tracing_subscriber::registry().with(layer).init();
    let begun = Instant::now();
    for _ in 0..2_000 {
        error!(error = %Endless("on and on "), "failed");
        error!(error = &Endless("7") as &dyn Error, "failed");
        error!("failed: {}", Endless("\""));
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    guard.flush(LONG).unwrap();
    let stats = ledger_balances(&guard);
    assert_eq!(stats.accepted + stats.errors_without_error, 6_000);
    assert!(stats.tallied > 3_900, "{stats:?}");
}

/// Panics from its n-th formatting on.
#[derive(Debug)]
struct PanicsFrom(AtomicU64, u64);

impl fmt::Display for PanicsFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half of it")?;
        assert!(self.0.fetch_add(1, Ordering::Relaxed) < self.1, "a formatter's own fault");
        f.write_str(" and the rest")
    }
}

impl Error for PanicsFrom {}

#[test]
fn a_formatter_that_panics_costs_its_own_text_and_nothing_else() {
    alone!("a_formatter_that_panics_costs_its_own_text_and_nothing_else");
    std::panic::set_hook(Box::new(|_| {}));
    let (guard, memory) = global();
    for well in 0..4 {
        let value = || PanicsFrom(AtomicU64::new(0), well);
        memory.clear();
        error!(error = %value(), "by display");
        error!(error = &value() as &dyn Error, "typed");
        error!(error = &From(value()) as &dyn Error, "as a cause");
        error!("at the end: {}", value());
        error!("at the end, {}: {}", "x".repeat(3_000), value());
        error!(error = "sound", fingerprint = %value(), "with a name");
        crumbtrail::capture_error(&value());
        let events = memory.events();
        let values: Vec<_> = events.iter().map(|event| event.value.as_str()).collect();
        let text = if well == 0 { "<formatter panicked>" } else { "half of it and the rest" };
        assert_eq!(values.len(), 7, "{well}: {values:#?}");
        for (index, value) in values.iter().enumerate() {
            let expected = match index {
                2 | 5 => "sound",
                // It is too long for a breadcrumb, and formatted once more for the event.
                4 if well == 1 => "<formatter panicked>",
                // Its key is made before it is copied.
                6 if well == 1 => "<formatter panicked>",
                _ => text,
            };
            assert_eq!(*value, expected, "{well}, {index}: {values:#?}");
        }
        assert!(events.iter().all(|event| event.kind == crumbtrail::EventKind::Error));
    }
    // All is well afterwards, on this thread and on others.
    memory.clear();
    error!(error = "sound", "here");
    std::thread::scope(|scope| scope.spawn(|| error!(error = "sound", "there")).join().unwrap());
    assert_eq!(memory.events().len(), 2);
    assert_eq!(ledger_balances(&guard).lost_total(), 0);
}

/// Causes without an end, each another object.
struct Deeper(u64);

impl fmt::Display for Deeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deeper")
    }
}

impl fmt::Debug for Deeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deeper")
    }
}

impl Error for Deeper {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        ASKED.fetch_add(1, Ordering::Relaxed);
        Some(Box::leak(Box::new(Self(self.0 + 1))))
    }
}

static ASKED: AtomicU64 = AtomicU64::new(0);

#[test]
fn causes_without_an_end_are_asked_for_up_to_the_limit_by_the_throttle_and_the_rules_too() {
    alone!("causes_without_an_end_are_asked_for_up_to_the_limit_by_the_throttle_and_the_rules_too");
    let memory = Memory::new();
    let builder = crumbtrail::builder().stack(Stack::Off).ignore_error::<fmt::Error>().sink(memory.clone());
    let (layer, guard) = builder.build().unwrap();
    tracing_subscriber::registry().with(layer).init();
    for _ in 0..100 {
        error!(error = &Deeper(0) as &dyn Error, "typed");
    }
    let events = memory.events();
    assert_eq!((events.len(), events[0].chain.len(), events[0].chain_cut), (10, CHAIN_LINKS, true));
    // By the rule and by the key of each, and once more of those that are told.
    let asked = ASKED.load(Ordering::Relaxed);
    assert!(asked <= 210 * (CHAIN_LINKS as u64 + 1), "{asked}");
    ledger_balances(&guard);
}

/// Text that would steer a terminal, or pass for a line of its own.
const STEERS: &str =
    "\u{1b}[31m\u{7}\u{0}\u{8}\u{9b}2J\u{202e}\u{2066}\u{200f}\u{2028}\u{feff}\u{7f}\r\n\tcrumbtrail: forged";

/// An error whose type and text are such.
#[derive(Clone)]
struct Steers;

impl fmt::Display for Steers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(STEERS)
    }
}

impl fmt::Debug for Steers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Type{STEERS} {{ {STEERS}: 1 }}")
    }
}

impl Error for Steers {}

#[test]
fn whatever_is_logged_stderr_shows_harmless_lines() {
    const NAME: &str = "hostile::whatever_is_logged_stderr_shows_harmless_lines";
    if role().is_none() {
        for role in ["console", "own voice"] {
            let ended = child(role, NAME).run().succeeded();
            let harmful = |c: &char| {
                (c.is_control() && *c != '\n')
                    || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{feff}')
            };
            let found: Vec<_> = ended.stderr.chars().filter(harmful).collect();
            assert!(found.is_empty(), "{found:?} in {}", ended.stderr);
            assert!(
                !ended.stderr.lines().any(|line| line.starts_with("crumbtrail: forged")),
                "{}",
                ended.stderr
            );
            assert!(ended.stderr.contains("forged"), "it was shown at all: {}", ended.stderr);
        }
        return;
    }
    // The standard library's own hook shows a payload as it is.
    std::panic::set_hook(Box::new(|_| {}));
    let builder = crumbtrail::builder().server_name(STEERS).release(STEERS).environment(STEERS);
    let builder = match role().as_deref() {
        Some("console") => builder.sink(crumbtrail::Console::stderr()),
        _ => builder.sink(Memory::new()).track_messages(false),
    };
    let (layer, guard) = builder.build().unwrap();
    tracing_subscriber::registry().with(layer).init();
    let line = |message: fmt::Arguments<'_>| {
        let mut record = log::Record::builder();
        record
            .level(log::Level::Error)
            .target(STEERS)
            .file(Some(STEERS))
            .module_path(Some(STEERS))
            .line(Some(7));
        log::Log::log(&tracing_log::LogTracer::new(), &record.args(message).build());
    };
    // Lines without an error are named at the end, tallies and repeats once a while.
    line(format_args!("the queue is empty"));
    line(format_args!("lost: {Steers}"));
    let span = info_span!(
        "a\u{1b}[31m\u{202e}span",
        "a\u{1b}[31m\u{202e}field" = STEERS,
        user.id = STEERS,
        user.email = STEERS
    );
    let _span = span.entered();
    crumbtrail::set_tag(STEERS, STEERS);
    crumbtrail::set_context(STEERS, serde_json::json!({ STEERS: STEERS }));
    crumbtrail::add_breadcrumb(crumbtrail::Breadcrumb::new(STEERS).category(STEERS).data(STEERS, STEERS));
    for _ in 0..30 {
        error!(target: "a\u{1b}[31m\u{202e}target", error = &Steers as &dyn Error, "a\u{1b}[31m\u{202e}field" = STEERS, "{STEERS}");
        error!(error = ?Steers, "{STEERS}");
        error!(
            exception.message = STEERS,
            exception.r#type = STEERS,
            exception.stacktrace = STEERS,
            "explicit"
        );
        error!("lost: {Steers}");
        let _ = std::panic::catch_unwind(|| std::panic::panic_any(STEERS));
    }
    guard.flush(LONG).unwrap();
    ledger_balances(&guard);
}
