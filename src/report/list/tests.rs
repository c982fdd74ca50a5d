//! Lists, as snapshots, and what holds of any list.

use super::super::Look;
use super::super::sample::{about, ago, event, line, now, summary, users};
use super::*;

const HOSTILE: &str = "\u{1b}[31mred\u{202e}\r\nnew line\u{2028}";

fn all() -> Vec<Summary> {
    let long = "a title that goes on and on, and never comes to the point that it was written to make, if there is one";
    vec![
        summary(),
        Summary {
            id: IssueId(7),
            kind: IssueKind::Panic,
            title: long.to_owned(),
            regressed: true,
            count: 3,
            users: about(48_211),
            first_release: Some("shop@1.2.3-with-a-long-name".to_owned()),
            last_seen: now(),
            ..summary()
        },
        Summary {
            id: IssueId(u64::MAX),
            kind: IssueKind::Log,
            state: State::Resolved { at: ago(9) },
            title: "no stock".to_owned(),
            culprit: String::new(),
            users: users(0),
            first_release: None,
            last_release: None,
            last_seen: ago(90 * 86_400),
            ..summary()
        },
    ]
}

fn look(columns: usize) -> Look {
    Look::of(false, |name| (name == "COLUMNS").then(|| columns.to_string()))
}

#[test]
fn an_issue_is_a_line() {
    insta::assert_snapshot!(issues(&all(), now(), Look::plain()));
}

#[test]
fn where_there_is_little_room_the_title_has_a_line_of_its_own() {
    insta::assert_snapshot!(issues(&all(), now(), look(60)));
}

#[test]
fn an_event_is_a_line() {
    let mut panic = event();
    (panic.kind, panic.user, panic.release) = (EventKind::Panic, None, None);
    panic.chain.truncate(1);
    panic.title = panic.chain[0].value.clone();
    insta::assert_snapshot!(events(&[event(), panic], now(), Look::plain()));
}

#[test]
fn what_was_not_told_apart_is_a_line() {
    let bare = LineTotal { file: None, line: None, count: 2, ..line() };
    insta::assert_snapshot!(lines(&[line(), bare], now(), Look::plain()));
}

#[test]
fn nothing_is_told_in_words() {
    assert_eq!(issues(&[], now(), Look::plain()), "no issues\n");
    assert_eq!(events(&[], now(), Look::plain()), "no events are kept\n");
    assert_eq!(lines(&[], now(), Look::plain()), "");
}

#[test]
fn whatever_it_is_called_an_entry_is_one_line_and_steers_nothing() {
    let mut issue = summary();
    (issue.title, issue.culprit) = (HOSTILE.to_owned(), HOSTILE.to_owned());
    (issue.first_release, issue.last_release) = (Some(HOSTILE.to_owned()), Some("b".to_owned()));
    let mut event = event();
    (event.title, event.release) = (HOSTILE.to_owned(), Some(HOSTILE.to_owned()));
    event.chain[1].value = HOSTILE.to_owned();
    event.user.as_mut().unwrap().id = Some(HOSTILE.to_owned());
    let line = LineTotal { target: HOSTILE.to_owned(), file: Some(HOSTILE.to_owned()), ..line() };
    for text in [
        issues(&[issue], now(), Look::plain()),
        events(&[event], now(), Look::plain()),
        lines(&[line], now(), Look::plain()),
    ] {
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.replace('\n', "").contains(char::is_control), "{text:?}");
        assert!(!text.contains(['\u{202e}', '\u{2028}']), "{text:?}");
        assert!(text.contains("\\u{1b}[31m"), "{text}");
    }
}

#[test]
fn a_list_keeps_to_its_width_and_colours_change_no_text() {
    for columns in [40, 60, 80, 100, 200] {
        let text = issues(&all(), now(), look(columns));
        assert!(text.lines().all(|line| line.chars().count() <= columns), "{columns}\n{text}");
    }
    let mut text = issues(&all(), now(), Look::of(true, |_| None));
    for code in ["0", "1", "2", "1;31", "33"] {
        text = text.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(text, issues(&all(), now(), Look::plain()));
}
