//! Nothing that is logged steers the terminal, in any place of a report.

use std::sync::LazyLock;

use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_oneof, proptest};
use proptest::strategy::Just;
use tracing::{Level, error, info_span};

use crumbtrail::{Breadcrumb, SourceLines};
use serde_json::json;

use crate::sample::{captured, cause, coloured, crumb, frame, full, report, user};

/// Everything that could steer a terminal, break a line, turn the direction of the text or hide some, and a forged report.
const EVIL: &str = "<\u{1b}[31m\u{9b}2J\r\n\n\u{7}\u{8}\u{0}\u{7f}\u{85}\u{2028}\u{2029}\u{202E}\u{2066}\u{206A}\u{200E}\u{200F}\u{061C}\
    \u{FEFF}\u{FFF9}\u{E0041}\t\u{1b}]8;;http://evil\u{7}\nERROR forged\n  user 0\r>";

/// An event with all of it in every place that is text.
fn evil() -> crumbtrail::TrackedEvent {
    let mut event = captured(|| {
        let span = info_span!(
            "<\u{1b}[2J\n>",
            "<\u{1b}\n>" = EVIL,
            http.route = EVIL,
            http.method = EVIL,
            url.path = EVIL
        );
        let _span = span.entered();
        error!(target: "<\u{1b}\nERROR forged>", error = "refused", "<\u{1b}\n>" = EVIL, "{EVIL}");
    });
    let evil = || EVIL.to_owned();
    event.title = evil();
    event.culprit = evil();
    event.value = evil();
    event.chain = vec![cause(&event, Some(EVIL), EVIL), cause(&event, Some(EVIL), "other")];
    event.siblings = vec![vec![cause(&event, Some(EVIL), EVIL)]];
    event.frames = vec![frame(EVIL, EVIL, EVIL, 2, true), frame(EVIL, EVIL, EVIL, 3, false)];
    let mut source = SourceLines::default();
    (source.first_line, source.lines) = (1, vec![evil(), evil()]);
    event.frames[0].source = Some(source);
    let mut logged = event.logged_at[0].clone();
    (logged.target, logged.file, logged.message) = (evil(), Some(evil()), Some(evil()));
    logged.line = Some(70);
    event.logged_at.push(logged);
    event.breadcrumbs = vec![
        crumb(9, Level::WARN, EVIL, EVIL).data(EVIL, EVIL).data("nested", json!({ EVIL: [EVIL] })),
        Breadcrumb::new(EVIL),
    ];
    event.user = Some(user(EVIL));
    event.tags.insert(evil(), evil());
    event.contexts.insert(evil(), json!({ EVIL: EVIL, "deep": [EVIL] }));
    event.contexts.insert(format!("text {EVIL}"), EVIL.into());
    event.fields.insert(evil(), json!([EVIL]));
    let mut span = event.spans[0].clone();
    (span.name, span.cut) = (evil(), true);
    span.fields.insert(evil(), EVIL.into());
    event.spans.push(span);
    event.release = Some(evil());
    event.environment = evil();
    event.server_name = Some(evil());
    event.target = evil();
    event
}

/// The report's own characters, and nothing else that a terminal acts upon.
#[track_caller]
fn is_harmless(text: &str) {
    let steers = |character: char| {
        let evil = EVIL.contains(character) && !character.is_ascii();
        character != '\n' && (character.is_control() || evil)
    };
    let steering: Vec<char> = text.chars().filter(|character| steers(*character)).collect();
    assert!(steering.is_empty(), "{steering:?}\n{text}");
}

/// Only the title begins in the first column, and a value's own lines stand further in than any line of the report.
#[track_caller]
fn is_one_report(text: &str) {
    let mut first_column = text.lines().filter(|line| !line.is_empty() && !line.starts_with(' '));
    assert!(first_column.next().is_some_and(|line| line.starts_with("ERROR <")), "{text}");
    assert_eq!(first_column.next(), None, "{text}");
    let forged =
        text.lines().filter(|line| line.trim_start().starts_with("ERROR forged") || line.trim() == "user 0");
    for line in forged {
        assert!(line.len() - line.trim_start().len() >= 6, "{line:?}\n{text}");
    }
}

#[test]
fn nothing_steers_the_terminal_in_any_place() {
    let text = report(&evil());
    is_harmless(&text);
    is_one_report(&text);
    // As often as there are places: none was left out of the sample, or of the report.
    assert!(text.matches("\\u{1b}[31m").count() >= 30, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn no_colour_is_smuggled_into_ours() {
    let mut text = coloured(&evil());
    for code in ["0", "1", "2", "1;31", "33"] {
        text = text.replace(&format!("\u{1b}[{code}m"), "");
    }
    is_harmless(&text);
    assert_eq!(text, report(&evil()));
}

/// Each piece of an event by itself, so that none hides behind another one's line.
#[test]
fn each_character_that_steers_is_shown_as_what_it_is() {
    for character in EVIL.chars().filter(|character| !character.is_ascii() || character.is_ascii_control()) {
        if character == '\n' {
            continue;
        }
        let mut event = full();
        event.title = format!("<{character}>");
        event.tags.insert("tag".to_owned(), format!("<{character}>"));
        let shown = match character {
            '\r' | '\t' => character.escape_default().to_string(),
            _ => character.escape_unicode().to_string(),
        };
        let text = report(&event);
        assert!(text.starts_with(&format!("ERROR <{shown}>\n")), "{text}");
        is_harmless(&text);
    }
}

/// Text of everything that steers, breaks, folds or counts for more than one byte.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z]{1,12} ",
        2 => any::<char>().prop_map(String::from),
        1 => Just("\n".to_owned()),
        1 => Just("\r\n\t  ".to_owned()),
        1 => Just("\u{1b}[31m".to_owned()),
        1 => "[a-zé💳]{90,400}",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn whatever_is_logged_is_one_harmless_report_of_the_width_of_the_page(texts in proptest::array::uniform8(any_text())) {
        static FULL: LazyLock<crumbtrail::TrackedEvent> = LazyLock::new(full);
        let mut event = FULL.clone();
        let [title, value, message, name, data, file, line, tag] = texts;
        // A word that fills a row by itself stands below the one that it would begin in.
        event.title = format!("< {title}");
        event.chain[0].value = value;
        event.message = Some(message);
        event.breadcrumbs[1] = crumb(5, Level::WARN, &name, &data).data(&name, data.as_str());
        event.frames[0].file = Some(file);
        event.frames[0].source.as_mut().unwrap().lines[2] = line;
        event.tags.insert(name, tag);
        let text = report(&event);
        is_harmless(&text);
        is_one_report(&text);
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        prop_assert!(widest <= crumbtrail::limits::REPORT_COLUMNS, "{widest}: {text}");
    }
}
