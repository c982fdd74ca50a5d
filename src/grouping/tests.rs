//! Events made by hand: what comes out of parsers and of other platforms, without either.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::fingerprint::path;
use super::head::says_something;
use super::*;
use crate::limits::{SKELETON_CHARS, TITLE_BYTES};
use crate::model::{Cause, Frame, Span};

fn event(kind: EventKind) -> TrackedEvent {
    TrackedEvent {
        target: "shop::pay".to_owned(),
        file: Some("src/pay.rs".to_owned()),
        line: Some(17),
        ..TrackedEvent::bare(kind)
    }
}

fn cause(type_name: &str, value: &str) -> Cause {
    Cause::new(Some(type_name.to_owned()).filter(|name| !name.is_empty()), value)
}

/// Title and fingerprint, without `v1` and the target.
fn grouped(mut event: TrackedEvent) -> (String, String) {
    group(&mut event, None);
    let parts = event.fingerprint.parts();
    assert_eq!(parts[..2.min(parts.len())], ["v1", "shop::pay"][..2.min(parts.len())]);
    (event.title, parts[2.min(parts.len())..].join(" · "))
}

/// An event whose message ends with an error, which `|` stands before.
fn tail(message: &str) -> TrackedEvent {
    let at = message.find('|').unwrap();
    let chain = vec![cause("", &message[at + 1..])];
    TrackedEvent {
        message: Some(message.replace('|', "")),
        error_at: Some(at),
        chain,
        ..event(EventKind::Error)
    }
}

#[test]
fn the_head_of_a_message_is_its_title() {
    for (message, title) in [
        ("cannot charge order 17: |no answer", "cannot charge order 17"),
        ("cannot charge \"17\": |no answer", "cannot charge \"17\""),
        ("cannot charge \"|no answer\"", "cannot charge"),
        ("cannot charge order 17 - |no answer", "cannot charge order 17"),
        ("cannot charge, error: |no answer", "cannot charge"),
        ("cannot charge, error=|no answer", "cannot charge"),
        ("cannot charge (err: |no answer)", "cannot charge"),
        ("cannot charge; caused by: |no answer", "cannot charge"),
        ("cannot charge due to |no answer", "cannot charge"),
        ("cannot charge with error |no answer", "cannot charge"),
        ("cannot charge =>|no answer", "cannot charge"),
        ("Database error: |no answer", "Database error"),
        ("It failed. Error: |no answer", "It failed."),
        ("cannot charge:\n|no answer", "cannot charge"),
        ("in detail\ncannot charge: |no answer", "in detail"),
        ("Error: |no answer", "no answer"),
        ("An error occurred: |no answer", "no answer"),
        ("  : |no answer", "no answer"),
        ("|no answer\nsecond line", "no answer"),
        ("Failed: |", "Failed"),
    ] {
        let (found, issue) = grouped(tail(message));
        assert_eq!(found, title, "{message}");
        let again = grouped(tail(&message.replace("17", "4711")));
        assert_eq!(issue, again.1, "{message}");
    }
}

#[test]
fn an_error_that_a_field_has_is_taken_out_of_the_message() {
    let said = |message: &str, error: &str| {
        let chain = vec![cause("", error), cause("", "reset")];
        grouped(TrackedEvent { message: Some(message.to_owned()), chain, ..event(EventKind::Error) })
    };
    let head = ("cannot charge".to_owned(), "cannot charge".to_owned());
    assert_eq!(said("cannot charge: no answer from 7", "no answer from 7"), head);
    assert_eq!(said("cannot charge: no answer from 7: reset", "no answer from 7"), head);
    assert_eq!(said("cannot charge (no answer from 7), trying again", "no answer from 7"), head);
    assert_eq!(said("no answer from 7: reset", "no answer from 7").0, "no answer from 7");
    assert_eq!(said("reset", "reset").0, "reset");
    // A word of the sentence is no error that it ends with.
    assert_eq!(said("timeout while charging", "timeout").0, "timeout while charging");
    assert_eq!(said("cannot reset the card", "reset").0, "cannot reset the card");
    assert_eq!(said("cannot: resetting", "reset").0, "cannot: resetting");
}

#[test]
fn types_and_codes_follow_outermost_first_with_the_root() {
    let of = |chain: &[(&str, &str)]| {
        let chain = chain.iter().map(|(name, value)| cause(name, value)).collect();
        grouped(TrackedEvent { message: Some("cannot charge".to_owned()), chain, ..event(EventKind::Error) })
            .1
    };
    assert_eq!(
        of(&[("Payment", "17"), ("", "in between"), ("Silent", "x")]),
        "cannot charge · Payment · Silent"
    );
    let six = [("A", ""), ("B", ""), ("C", ""), ("D", ""), ("E", ""), ("F", "")];
    assert_eq!(of(&six), "cannot charge · A · B · C · F");
    for (name, value, link) in [
        ("io::Error", "No such file or directory (os error 2)", "io::Error[os error 2]"),
        ("Os", "Os { code: 2, kind: NotFound, message: \"No such file\" }", "Os[os error 2]"),
        ("Custom", "Custom { kind: InvalidData, error: \"17\" }", "Custom[InvalidData]"),
        ("", "unexpected end of file", "UnexpectedEof"),
        ("", "HTTP status client error (404 Not Found) for url (http://127.0.0.1:503/x)", "HTTP 404"),
        ("reqwest::Error", "error sending request for url (http://127.0.0.1/)", "reqwest::Error"),
        (
            "PgDatabaseError",
            "PgDatabaseError { severity: Error, code: \"23505\", line: 404 }",
            "PgDatabaseError[SQLSTATE 23505]",
        ),
        ("", "db error: SQLSTATE[42P01]: no table", "SQLSTATE 42P01"),
        ("Status", "status: Unavailable, message: \"17\", details: []", "Status[Unavailable]"),
        ("Status", "code: 'The service is currently unavailable', message: \"17\"", "Status[Unavailable]"),
        ("", "error returned from database: (code: 2067) UNIQUE constraint failed", "code 2067"),
        (
            "SqliteFailure",
            "Error { code: ConstraintViolation, extended_code: 2067 }",
            "SqliteFailure[ConstraintViolation]",
        ),
        ("", "the child ended: exit status: 101", "exit 101"),
        ("ParseIntError", "ParseIntError { kind: InvalidDigit }", "ParseIntError[InvalidDigit]"),
        ("Vec<shop::Item<'_>>", "", "Vec"),
        ("card 17 of ada@example.org", "", "card <*> of <email>"),
        ("Error", "status code 7", ""),
        ("", "404 of 503 rows at \"status 404\"", ""),
    ] {
        let expected =
            if link.is_empty() { "cannot charge".to_owned() } else { format!("cannot charge · {link}") };
        assert_eq!(of(&[(name, value)]), expected);
    }
}

#[test]
fn an_error_alone_is_known_by_its_type_else_by_its_text() {
    let of = |name: &str, value: &str| {
        grouped(TrackedEvent { chain: vec![cause(name, value)], ..event(EventKind::Error) })
    };
    let pair = |title: &str, issue: &str| (title.to_owned(), issue.to_owned());
    assert_eq!(of("Payment", "card 17 declined"), pair("Payment", "Payment"));
    assert_eq!(of("Error", "card 17 declined"), pair("card 17 declined", "card <*> declined"));
    assert_eq!(of("", "\"card 17 declined\""), pair("card 17 declined", "card <*> declined"));
    assert_eq!(of("io::Error", "gone (os error 2)"), pair("gone (os error 2)", "io::Error[os error 2]"));
    assert_eq!(of("", "Stack backtrace:\n   0: a::b\n"), pair("a::b", "Stack backtrace: <*>: a::b"));
    assert_eq!(of("", ""), pair("(no text)", ""));
    assert_eq!(of("Error", ""), pair("Error", ""));
}

#[test]
fn a_function_stands_in_for_the_message_it_has_not() {
    let mut charged = event(EventKind::Error);
    let span = |name: &str, target: &str| Span {
        name: name.to_owned(),
        target: target.to_owned(),
        fields: Map::new(),
        cut: false,
    };
    charged.spans = vec![span("charge", "shop::pay"), span("request", "shop")];
    charged.chain = vec![cause("", "card 17 declined")];
    charged.fields = [("error".to_owned(), json!("card 17 declined"))].into_iter().collect();
    // Where it failed, but not how.
    assert_eq!(grouped(charged.clone()), ("charge".to_owned(), "charge · card <*> declined".to_owned()));
    let typed = TrackedEvent { chain: vec![cause("Declined", "card 17 declined")], ..charged.clone() };
    assert_eq!(grouped(typed), ("charge".to_owned(), "charge · Declined".to_owned()));
    charged.spans.remove(0);
    assert_eq!(grouped(charged), ("card 17 declined".to_owned(), "card <*> declined".to_owned()));
}

#[test]
fn a_line_without_an_error_is_known_by_its_message_else_by_its_fields() {
    let said = |message: Option<&str>, fields: Value| {
        let Value::Object(fields) = fields else { panic!("{fields}") };
        grouped(TrackedEvent { message: message.map(str::to_owned), fields, ..event(EventKind::Log) })
    };
    let pair = |title: &str, issue: &str| (title.to_owned(), issue.to_owned());
    assert_eq!(said(Some("queue 3 closed"), json!({})), pair("queue 3 closed", "queue <*> closed"));
    assert_eq!(
        said(Some("queue 3 closed:\n17"), json!({})),
        pair("queue 3 closed:", "queue <*> closed: <*>")
    );
    assert_eq!(said(Some("Error"), json!({ "a": 1 })), pair("Error", "Error"));
    assert_eq!(said(None, json!({ "code": 17, "who": "ada\nx" })), pair("code=17 who=ada", "code who"));
    assert_eq!(said(None, json!({})), pair("(no text)", ""));
}

#[test]
fn a_panic_is_known_by_its_text_and_the_function_of_the_program() {
    let frame = |module: Option<&str>, function: &str, in_app: bool| Frame {
        module: module.map(str::to_owned),
        function: Some(function.to_owned()),
        line: Some(17),
        in_app,
        ..Frame::default()
    };
    let panicked = |text: &str, frames: Vec<Frame>, target: &str| {
        let chain = vec![cause("panic", text)];
        let mut event = TrackedEvent {
            chain,
            frames,
            target: target.to_owned(),
            message: None,
            ..event(EventKind::Panic)
        };
        group(&mut event, None);
        (event.title, event.fingerprint.parts().join(" · "))
    };
    let pair = |title: &str, issue: &str| (title.to_owned(), issue.to_owned());
    let text = "assertion `left == right` failed: order 17\n  left: 1\n right: 2";
    let frames = vec![
        frame(Some("core::panicking"), "panic", false),
        frame(Some("shop::pay"), "charge::{{closure}}", true),
    ];
    assert_eq!(
        panicked(text, frames, "shop"),
        pair(
            "panicked: assertion `left == right` failed: order 17",
            "v1 · shop::pay::charge · panicked: assertion `left == right` failed: order <*>"
        )
    );
    let none = "called `Option::unwrap()` on a `None` value";
    let known = |place: &str| pair(&format!("panicked: {none}"), &format!("v1 · {place} · panicked: {none}"));
    assert_eq!(panicked(none, vec![frame(None, "charge<T>", true)], ""), known("charge"));
    assert_eq!(panicked(none, vec![], "shop"), known("shop"));
    assert_eq!(panicked(none, vec![], ""), known("src/pay.rs"));
    assert_eq!(panicked("", vec![], "shop"), pair("panicked: (no text)", "v1 · shop · panicked:"));
}

#[test]
fn a_path_loses_what_the_compiler_put_in() {
    for (from, to) in [
        ("shop::pay", "shop::pay"),
        ("shop::pay::{{closure}}::{{closure}}", "shop::pay"),
        ("shop::Cart<alloc::vec::Vec<T>>::add", "shop::Cart::add"),
        ("<shop::Cart as core::ops::drop::Drop>::drop", "shop::Cart::drop"),
        ("<shop::Cart<T> as Into<Vec<u8>>>::into::h0123456789abcdef", "shop::Cart::into"),
        ("<&mut shop::Cart>::add", "shop::Cart::add"),
        ("shop::{impl#0}::add", "shop::add"),
        ("worker-17", "worker-<*>"),
        ("ed25519_dalek_2::verify", "ed25519_dalek_2::verify"),
        ("", ""),
    ] {
        assert_eq!(path(from), to);
    }
}

#[test]
fn some_words_say_only_that_something_failed() {
    for text in
        ["", "Error", "ERROR:", "an error occurred", "Something went wrong!", "failed - 17", "⚠ error"]
    {
        assert!(!says_something(text), "{text}");
    }
    for text in ["Database error", "charge failed", "Fehler", "404 gone"] {
        assert!(says_something(text), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_event_has_a_title_on_one_line_and_a_bounded_fingerprint(
        message in prop::option::of(any::<String>()),
        texts in prop::collection::vec((prop::option::of(any::<String>()), any::<String>()), 0..6),
        target in any::<String>(),
        at in prop::option::of(0..40_usize),
        kind in prop::sample::select(vec![EventKind::Error, EventKind::Panic, EventKind::Log]),
    ) {
        let chain = texts.into_iter().map(|(name, value)| Cause::new(name, value)).collect();
        let mut event = TrackedEvent { message, chain, target, error_at: at, ..event(kind) };
        group(&mut event, None);
        prop_assert!(!event.title.trim().is_empty() && event.title.lines().count() == 1, "{:?}", event.title);
        prop_assert!(event.title.len() <= TITLE_BYTES + '…'.len_utf8());
        prop_assert!(event.fingerprint.parts().iter().all(|part| part.chars().count() <= 2 * SKELETON_CHARS));
        prop_assert_eq!(&event.fingerprint.parts()[0], "v1");
    }
}
