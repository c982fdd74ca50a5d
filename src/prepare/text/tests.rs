//! The readers of texts, on real reports and on broken ones; of the crates that want a server, on their shape.

use std::fmt::Debug;

use proptest::prelude::*;

use super::*;

/// What `?` hands over.
fn of_debug(error: &impl Debug) -> Read {
    read(&format!("{error:?}"), Some(&format!("{error:#?}")), &[])
}

/// What the tail of a message has of it.
fn of_tail(error: &impl Debug) -> Read {
    read(&format!("{error:?}"), None, &[])
}

fn texts(read: &Read) -> Vec<&str> {
    read.chain.iter().map(|cause| cause.value.as_str()).collect()
}

fn types(read: &Read) -> Vec<Option<&str>> {
    read.chain.iter().map(|cause| cause.type_name.as_deref()).collect()
}

#[derive(Debug, thiserror::Error)]
enum Till {
    #[error("the till is: empty")]
    Empty,
    #[error("no change")]
    NoChange,
}

fn missing() -> std::io::Error {
    std::io::Error::from_raw_os_error(2)
}

#[test]
fn drawn_reports_are_read() {
    use error_stack::ResultExt as _;
    let stacked = error_stack::Report::new(missing()).attach("which till").change_context(Till::NoChange);
    let expected = [Till::NoChange.to_string(), missing().to_string()];
    for read in [of_debug(&stacked), of_tail(&stacked)] {
        assert_eq!(texts(&read), expected);
        assert_eq!(types(&read), [None, Some("io::Error")]);
    }
    let mut several = error_stack::Report::new(Till::Empty).expand();
    several.push(error_stack::Report::new(Till::NoChange));
    let branched = Err::<(), _>(several).change_context(Till::NoChange).unwrap_err();
    assert_eq!(texts(&of_debug(&branched)), [Till::NoChange.to_string(), Till::Empty.to_string()]);

    let raised = exn::ResultExt::or_raise(Err::<(), _>(missing()), || Till::Empty);
    let raised = exn::ResultExt::or_raise(raised, || Till::NoChange).unwrap_err();
    let expected = [Till::NoChange.to_string(), Till::Empty.to_string(), missing().to_string()];
    assert_eq!(texts(&of_debug(&raised)), expected);

    use rootcause::prelude::ResultExt as _;
    let rooted = Err::<(), _>(missing()).context("counting").context("closing").unwrap_err();
    for read in [of_debug(&rooted), read(&rooted.to_string(), None, &[])] {
        assert_eq!(texts(&read), ["closing", "counting", &missing().to_string()]);
        assert_eq!(types(&read), [None, None, Some("io::Error")]);
    }
}

#[test]
fn chains_written_by_hand_are_read() {
    // As a well-known book has it, and everybody who read it.
    let by_hand = "the till is empty\n\nCaused by:\n\tno change\nCaused by:\n\tno coins\n";
    assert_eq!(texts(&read(by_hand, None, &[])), ["the till is empty", "no change", "no coins"]);
    let inline = "closing failed; caused by: no change: none; caused by: no coins";
    assert_eq!(texts(&read(inline, None, &[])), ["closing failed", "no change: none", "no coins"]);
    let placed = "0: closing, at src/a.rs:1:2\n1: no: change\n2: no coins, at src/b.rs:3:4";
    assert_eq!(texts(&read(placed, None, &[])), ["closing", "no: change", "no coins"]);
}

#[test]
fn a_status_of_grpc_is_its_code_and_message() {
    let status = tonic::Status::unavailable("no one: there");
    for read in [of_debug(&status), of_tail(&status)] {
        assert_eq!(read.chain, [Cause::new(Some("tonic::Status".to_owned()), "Unavailable: no one: there")]);
    }
    let status = tonic::Status::from_error(Box::new(missing()));
    assert_eq!(types(&of_debug(&status)), [Some("tonic::Status"), Some("io::Error")]);
}

/// The shape alone: its crates want a server.
#[test]
fn errors_of_databases_are_known_by_their_shape() {
    let sqlx = r#"Database(PgDatabaseError { severity: Error, code: "23505", message: "duplicate key", detail: Some("Key (id)=(1) exists."), hint: None, position: None, where: None, schema: Some("public"), table: Some("t"), column: None, data_type: None, constraint: Some("t_pkey"), file: Some("nbtinsert.c"), line: Some(666), routine: Some("_bt_check_unique") })"#;
    let found = read(sqlx, None, &[]);
    assert_eq!(types(&found), [Some("sqlx::Error::Database"), Some("sqlx::postgres::PgDatabaseError")]);
    assert_eq!(texts(&found), ["error returned from database: duplicate key", "duplicate key"]);
    let own = format!("Store({sqlx})");
    assert_eq!(types(&read(&own, None, &[]))[..2], [Some("Store"), Some("sqlx::Error::Database")]);
}

#[test]
fn a_list_of_spans_is_no_cause() {
    use tracing_error::InstrumentError as _;
    use tracing_subscriber::prelude::*;
    let subscriber = tracing_subscriber::registry().with(tracing_error::ErrorLayer::default());
    tracing::subscriber::with_default(subscriber, || {
        let _span = tracing::info_span!("work", x = 1).entered();
        let report = anyhow::Error::from(missing().in_current_span()).context("closing");
        assert!(format!("{report:?}").contains("span backtrace:"), "{report:?}");
        assert_eq!(texts(&of_debug(&report)), ["closing", &missing().to_string()]);
        let (plain, alternate) = (report.to_string(), format!("{report:#}"));
        let joints: Vec<usize> = alternate.match_indices(": ").map(|(at, _)| at).collect();
        let read = read(&plain, Some(&alternate), &joints);
        assert!(texts(&read).iter().all(|text| !text.contains("span backtrace")), "{read:?}");
    });
}

#[test]
fn a_name_is_a_type_only_where_a_debug_begins_with_it() {
    for (text, expected) in [
        ("Empty", Some("Empty")),
        ("shop::Till { coins: 1 }", Some("shop::Till")),
        ("Till(Coin { … ", Some("Till")),
        ("Os { code: 2, kind: NotFound, message: \"gone\" }", Some("io::Error")),
        ("Error { context: \"closing\", source: Till }", None),
        ("the till is empty", None),
        ("Till is empty", None),
        ("Till: empty", None),
        ("\"Till\"", None),
    ] {
        assert_eq!(type_name(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn what_is_no_whole_debug_is_a_text() {
    for text in [
        "Failed(badly) because",
        "Failed(badly)",
        "Failed { badly",
        "Failed { badly }",
        "Failed(\"a)",
        "Failed: Os { code: 2, kind: NotFound, message: \"x\" }",
        "Timeout",
        "Location: Berlin",
        "a\n\nLocation:\n    Berlin\n",
        "0: zero, at last",
        "Caused by: nobody",
    ] {
        assert_eq!(read(text, None, &[]).chain, [Cause::new(None, text)]);
    }
}

#[test]
fn a_text_that_was_cut_tells_what_is_left_of_it() {
    let path = "x".repeat(ERROR_TEXT_BYTES);
    let text =
        format!("Store {{ source: Os {{ code: 2, kind: NotFound, message: \"gone\" }}, path: \"{path}");
    let cut = format!("{}…", fitting(&text, ERROR_TEXT_BYTES));
    let read = read(&cut, None, &[]);
    assert_eq!((types(&read), read.cut), (vec![Some("Store"), Some("io::Error")], true));
}

/// Texts that send a careless parser back and forth.
fn nasty() -> Vec<String> {
    let all = |unit: &str| unit.repeat(ERROR_TEXT_BYTES / unit.len());
    let mut nasty: Vec<String> = [
        "A(",
        "A { a: ",
        "(",
        "[",
        "{",
        ")",
        "\"",
        "\\\"",
        "'",
        "A,",
        "A(B,",
        ": ",
        ":",
        "\n",
        "\n\n",
        " ",
        "\t",
        "…",
        "\u{1b}[",
        "\u{1b}]",
        "a: ",
        "0: ",
        "   0: ",
        "Caused by:\n",
        "\n\nCaused by:\n",
        "; caused by: ",
        "A::",
        "_",
        "Some(",
        "Err(",
        "├╴",
        "╰─▶ a\n",
        "● ",
        "|-- ",
        "━━━",
        "at ",
        ", at a.rs:1:1",
        "Backtrace [{ fn: \"",
        "Stack backtrace:\n",
        "\n\nLocation:\n",
        "\n\n   0: a",
        "A { source: Some(",
        "Error { context: \"",
        "\\",
        "é(",
    ]
    .iter()
    .map(|unit| all(unit))
    .collect();
    nasty.push(format!("{}{}", "A(".repeat(ERROR_TEXT_BYTES / 3), ")".repeat(ERROR_TEXT_BYTES / 3)));
    nasty.push(format!("top\n\nCaused by:\n{}", all("    0: a\n")));
    nasty.push(format!("A {{ {} }}", all("a: B(C), ")));
    nasty
}

#[test]
fn the_parser_takes_a_few_steps_for_each_byte_whatever_it_is_given() {
    for text in nasty() {
        for cut in [false, true] {
            let steps = Tree::steps_of(&text, cut);
            assert!(
                steps <= 8 * text.len() + 64,
                "{steps} for {} bytes of {:?}",
                text.len(),
                fitting(&text, 20)
            );
        }
    }
}

#[test]
fn whatever_a_text_is_made_of_little_comes_of_it() {
    for text in nasty() {
        for read in [read(&text, None, &[]), read("a", Some(&text), &[1, 3]), read(&text, Some(&text), &[])] {
            is_bounded(&read, &text);
        }
    }
}

#[track_caller]
fn is_bounded(read: &Read, text: &str) {
    assert!(!read.chain.is_empty() || text.contains("span backtrace"), "{text:?}");
    assert!(read.chain.len() <= CHAIN_LINKS && read.stack.len() <= crate::limits::STACK_FRAMES);
    // What is told of one link is not told of another, but for a text that an error has of its own.
    let bytes: usize = read.chain.iter().map(|cause| cause.value.len()).sum();
    assert!(bytes <= 4 * text.len() + 4096, "{bytes} of {}", text.len());
}

/// Real texts.
fn real() -> Vec<String> {
    use anyhow::Context as _;
    let report = Err::<(), _>(missing()).context("counting,\nslowly").context("closing").unwrap_err();
    let status = tonic::Status::from_error(Box::new(missing()));
    let stacked = error_stack::Report::new(missing()).change_context(Till::Empty);
    let made = std::backtrace::Backtrace::force_capture();
    vec![
        format!("{report:?}\n\nLocation:\n    src/main.rs:1:1\n\nStack backtrace:\n{made}"),
        format!("{report:#?}"),
        format!("{report:#}"),
        format!("Any({report:?})"),
        format!("{status:?}"),
        format!("{status:#?}"),
        format!("{stacked:?}"),
        format!("Till {{ backtrace: {made:?}, source: {status:?} }}"),
        format!(
            "\n   0: \u{1b}[91mtop\u{1b}[0m\n   1: \u{1b}[91mroot\u{1b}[0m\n\n  ━━━ BACKTRACE ━━━\n{made}"
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in "\\PC*", alternate in proptest::option::of("\\PC*")) {
        is_bounded(&read(&text, alternate.as_deref(), &[0, 1, 5]), &text);
        without_sections(&text);
        stack(&text);
        type_name(&text);
    }

    #[test]
    fn no_text_of_the_words_of_reports_does(
        words in proptest::collection::vec(proptest::sample::select(WORDS), 0..60)
    ) {
        let text = words.concat();
        is_bounded(&read(&text, None, &[2]), &text);
        is_bounded(&read("Till", Some(&text), &[2]), "Till and more");
        prop_assert!(Tree::steps_of(&text, true) <= 8 * text.len() + 64);
    }

    #[test]
    fn nor_does_a_real_one_that_was_broken(
        which in 0..9_usize,
        from in 0..4_000_usize,
        length in 0..200_usize,
        put in "\\PC{0,8}",
    ) {
        let mut text = real().swap_remove(which);
        let edge = |at: usize, text: &str| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let from = edge(from, &text);
        let until = edge(from + length, &text).max(from);
        text.replace_range(from..until, &put);
        is_bounded(&read(&text, None, &[from]), &text);
        let (plain, _) = text.split_at(from);
        is_bounded(&read(plain, Some(&text), &[from]), &text);
    }

    #[test]
    fn sections_are_cut_once_and_for_all(
        words in proptest::collection::vec(proptest::sample::select(WORDS), 0..40)
    ) {
        if let Some(bare) = without_sections(&words.concat()) {
            prop_assert_eq!(without_sections(&bare), None);
        }
    }
}

const WORDS: &[&str] = &[
    "A(",
    "Err(",
    "Os { ",
    "code: ",
    "message: ",
    "source: ",
    "Some(",
    "kind: NotFound",
    "\"",
    "\\",
    ")",
    " }",
    "}",
    ",",
    ", ",
    "...",
    "2",
    "word ",
    ": ",
    "\n",
    "\n\n",
    "Caused by:\n",
    "    0: ",
    "   0: ",
    "  1: ",
    "Location:\n",
    "    src/main.rs:1:1\n",
    "Stack backtrace:\n",
    "   0: main\n",
    "             at ./src/main.rs:3:4\n",
    "\u{1b}[91m",
    "━━━━ BACKTRACE ━━━━\n",
    "Suggestion: ",
    "; caused by: ",
    "● ",
    "├╴",
    "╰─▶ ",
    "|-- ",
    ", at src/a.rs:1:2",
    "…",
    "Backtrace [{ fn: \"a\" }]",
    "'",
    "[",
    "]",
    "é",
    "span backtrace:\n",
];
