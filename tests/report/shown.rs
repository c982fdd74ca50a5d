//! The report of one event, as snapshots.

use insta::assert_snapshot;
use tracing::{Level, error};

use crumbtrail::{EventKind, TrackedEvent};

use crate::sample::{bare, captured, cause, coloured, crumb, frame, full, report};

#[test]
fn what_is_known_is_told_the_most_important_first() {
    assert_snapshot!(report(&full()));
}

#[test]
fn what_is_not_known_leaves_no_gap() {
    let mut event = bare();
    event.frames.clear();
    event.release = None;
    event.server_name = None;
    assert_snapshot!(report(&event));
}

#[test]
fn colours_tell_what_matters() {
    assert_snapshot!(coloured(&full()).replace('\u{1b}', "␛"));
}

/// Without its colours it is the same text.
#[test]
fn colours_change_no_text() {
    let mut text = coloured(&full());
    for code in ["0", "1", "2", "1;31", "33"] {
        text = text.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(text, report(&full()));
}

#[test]
fn a_panic_is_called_one() {
    let mut event = bare();
    (event.kind, event.handled) = (EventKind::Panic, false);
    event.title = "index out of bounds: the len is 3 but the index is 7".to_owned();
    event.message = None;
    event.value = event.title.clone();
    event.chain = vec![cause(&event, Some("panic"), &event.title)];
    event.frames.push(frame(
        "core::panicking",
        "panic_bounds_check",
        "/rustc/1/library/core/src/panicking.rs",
        1,
        false,
    ));
    assert_snapshot!(report(&event));
}

/// A query, a text of a hundred lines, and one of a hundred thousand characters.
fn with_long_values() -> TrackedEvent {
    let mut event = full();
    let words = "the quick brown fox jumps over the lazy dog and goes on its way ".repeat(4);
    event.chain[0].value = words.clone();
    event.chain[1].value = (1..=100).map(|line| format!("line {line} of the server's answer\n")).collect();
    event.chain[2].value = format!("<{}>", "0123456789".repeat(10_000));
    event.siblings.clear();
    event.breadcrumbs = vec![
        crumb(20, Level::WARN, "sqlx::query", "slow statement")
            .data("elapsed", "1.2s")
            .data("statement", "SELECT *\nFROM orders\n\tWHERE id = $1\n"),
        crumb(10, Level::WARN, "a::category::that::is::longer::than::a::column::should::be", &words),
        crumb(5, Level::WARN, "two", "lines\r\nof a message").data("after", true),
    ];
    event.fields.insert("body".to_owned(), "first\nsecond".into());
    event.tags.insert("long".to_owned(), "x".repeat(150));
    event
}

#[test]
fn long_values_are_folded_and_lose_their_middle() {
    assert_snapshot!(report(&with_long_values()));
}

#[test]
fn no_line_is_wider_than_the_page() {
    let text = report(&with_long_values());
    let wide: Vec<&str> =
        text.lines().filter(|line| line.chars().count() > crumbtrail::limits::REPORT_COLUMNS).collect();
    assert!(wide.is_empty(), "{wide:#?}");
}

#[test]
fn other_scripts_are_left_as_they_are() {
    let mut event = bare();
    event.title = "支払いに失敗しました".to_owned();
    event.message = Some(event.title.clone());
    event.chain[0].value = "Zahlung fehlgeschlagen: Straße ungültig 💳 – κωδικός".to_owned();
    event.breadcrumbs = vec![crumb(3, Level::WARN, "оплата", "повтор").data("имя", "Ада")];
    assert_snapshot!(report(&event));
}

#[test]
fn of_a_long_trail_and_a_deep_stack_the_nearest_is_shown() {
    let mut event = bare();
    event.trail_cut = true;
    event.chain_cut = true;
    event.breadcrumbs =
        (0..100).map(|n| crumb(1_000 - n, Level::WARN, "jobs", &format!("step {n}"))).collect();
    event.frames = (0..60).map(|n| frame("jobs", &format!("level_{n}"), "src/jobs.rs", n, true)).collect();
    assert_snapshot!(report(&event));
}

#[test]
fn counted_before_is_said() {
    let mut event = bare();
    event.tallied_before = 12_000;
    event.handled = false;
    let text = report(&event);
    assert!(
        text.starts_with("ERROR checkout failed\n  not handled · ×12,000 more since the last one in full\n"),
        "{text}"
    );
}

/// Every way in which the message, the title and the chain may repeat one another.
#[test]
fn nothing_is_said_twice() {
    let head = |event: &TrackedEvent| report(event).split("\n\n").next().unwrap().to_owned();
    let mut event = bare();
    event.chain.truncate(1);
    event.message = Some("checkout failed: the payment could not be taken".to_owned());
    assert_eq!(head(&event), "ERROR checkout failed\n  Payment: the payment could not be taken");

    event.message = Some("the payment could not be taken".to_owned());
    event.title = "the payment could not be taken".to_owned();
    assert_eq!(head(&event), "ERROR the payment could not be taken\n  Payment");

    event.chain[0].type_name = None;
    assert_eq!(head(&event), "ERROR the payment could not be taken");

    event.title = "place".to_owned();
    event.message = None;
    assert_eq!(head(&event), "ERROR place\n  the payment could not be taken");

    event.chain[0].type_name = Some("Payment".to_owned());
    event.title = "Payment".to_owned();
    assert_eq!(head(&event), "ERROR Payment\n  Payment: the payment could not be taken");

    // What the title leaves out of the message is told.
    event.title = "checkout failed".to_owned();
    event.message = Some("checkout failed for order 25\nafter 3 attempts".to_owned());
    assert_eq!(
        head(&event),
        "ERROR checkout failed\n  checkout failed for order 25\n      after 3 attempts\n  Payment: the payment could not be taken"
    );
}

#[test]
fn the_field_of_the_error_is_told_by_the_chain_and_no_other() {
    let event =
        captured(|| error!(error = %"refused", reason = "refused by the bank", other = "kept", "failed"));
    let text = report(&event);
    assert!(text.contains("\n  fields   other=kept\n"), "{text}");
}

#[test]
fn a_frame_that_is_an_address_and_nothing_more_is_not_shown() {
    let mut event = bare();
    let without = report(&event);
    let mut nameless = frame("", "", "", 1, false);
    (nameless.module, nameless.function, nameless.file, nameless.line) = (None, None, None, None);
    nameless.address = Some(0x5500_1234);
    event.frames.extend([nameless.clone(), nameless]);
    assert_eq!(report(&event), without);
}
