//! The page of an issue, as snapshots, and what holds of any page.

use super::super::Look;
use super::super::sample::{ago, event, facts, issue as sample, now, users};
use super::*;
use crate::issues::{Bucket, IssueKind, Since, State, Tags, Until};

const HOSTILE: &str = "\u{1b}[31mred\u{202e}\r\n\u{9b}2Jnew line\u{2028}\u{feff}";

fn page(issue: &Issue, facts: &Facts) -> String {
    super::issue(issue, facts, now(), Look::plain())
}

fn look(columns: usize) -> Look {
    Look::of(false, |name| (name == "COLUMNS").then(|| columns.to_string()))
}

#[test]
fn a_page_tells_what_is_known_of_an_issue() {
    insta::assert_snapshot!(page(&sample(), &facts()));
}

#[test]
fn a_page_of_little_leaves_no_gap() {
    let mut issue = sample();
    let summary = &mut issue.summary;
    (summary.kind, summary.count, summary.users) = (IssueKind::Panic, 1, users(0));
    (summary.first_release, summary.last_release, summary.culprit) = (None, None, String::new());
    (issue.file, issue.line, issue.tallied, issue.kept, issue.newest) = (None, None, 0, 0, None);
    (issue.buckets, issue.tags, issue.variants) = (Vec::new(), Vec::new(), Vec::new());
    let facts = Facts {
        since: Since::Unknown,
        past_hour: 0,
        users: users(0),
        share: None,
        evidence: Vec::new(),
        ..facts()
    };
    insta::assert_snapshot!(page(&issue, &facts));
}

#[test]
fn of_a_tag_with_too_many_values_only_what_is_proven_is_told() {
    let mut tags = Tags::default();
    (0..250).for_each(|value| tags.add("request_id", &value.to_string(), 1));
    let told = |tags: &Tags| page(&Issue { tags: tags.shares(), ..sample() }, &facts());
    assert!(told(&tags).contains("request_id  ×250  64 values or more\n"), "{}", told(&tags));
    tags.add("request_id", "again", 250);
    assert!(told(&tags).contains("request_id  ×500  again ≥ 50 % · others\n"), "{}", told(&tags));
}

#[test]
fn a_state_is_told_in_words() {
    for (state, regressed, told) in [
        (State::Unresolved, false, "  1a2b3c4d · unresolved · in sign_up"),
        (State::Unresolved, true, "  1a2b3c4d · unresolved · back after it was resolved · in sign_up"),
        (
            State::Resolved { at: ago(3 * 86_400) },
            false,
            "  1a2b3c4d · resolved 3 days ago, in the next release · in sign_up",
        ),
        (State::Muted { until: Until::Forever }, false, "  1a2b3c4d · muted · in sign_up"),
        (
            State::Muted { until: Until::Time(now()) },
            false,
            "  1a2b3c4d · muted until 2026-11-23 13:00 UTC · in sign_up",
        ),
        (
            State::Muted { until: Until::Count(2_000) },
            false,
            "  1a2b3c4d · muted until it came 2,000 times · in sign_up",
        ),
        (
            State::Muted { until: Until::Users(50) },
            false,
            "  1a2b3c4d · muted until it hit 50 users · in sign_up",
        ),
    ] {
        let mut issue = sample();
        (issue.summary.state, issue.summary.regressed) = (state, regressed);
        assert_eq!(page(&issue, &facts()).lines().nth(1), Some(told));
    }
}

#[test]
fn an_event_of_another_title_says_so() {
    let mut issue = sample();
    issue.newest = Some(TrackedEvent { title: "sign-up failed again".to_owned(), ..event() });
    let page = page(&issue, &facts());
    assert!(page.contains("newest event · 2 min ago\n  sign-up failed again\n"), "{page}");
}

#[test]
fn nothing_from_outside_steers_the_terminal() {
    let mut issue = sample();
    let summary = &mut issue.summary;
    for text in [&mut summary.title, &mut summary.culprit, &mut issue.target] {
        *text = HOSTILE.to_owned();
    }
    (summary.first_release, summary.last_release) = (Some(HOSTILE.to_owned()), Some(HOSTILE.to_owned()));
    issue.file = Some(HOSTILE.to_owned());
    for tag in &mut issue.tags {
        tag.tag = HOSTILE.to_owned();
        tag.values.iter_mut().for_each(|(value, _)| *value = HOSTILE.to_owned());
    }
    issue.variants.iter_mut().for_each(|variant| variant.label = HOSTILE.to_owned());
    for bucket in issue.buckets.iter_mut().skip(1) {
        (bucket.release, bucket.environment) = (Some(HOSTILE.to_owned()), HOSTILE.to_owned());
    }
    let mut facts = facts();
    facts.since = Since::Started(HOSTILE.to_owned());
    for evidence in &mut facts.evidence {
        (evidence.tag, evidence.value) = (HOSTILE.to_owned(), HOSTILE.to_owned());
    }
    let page = page(&issue, &facts);
    assert_plain(&page);
    let first: Vec<_> = page.lines().filter(|line| !line.is_empty() && !line.starts_with(' ')).collect();
    assert_eq!(first.len(), 1, "{page}");
    insta::assert_snapshot!(page);
}

#[test]
fn long_names_of_releases_and_environments_are_cut() {
    let long = "r".repeat(100 * 1_024);
    let mut issue = sample();
    let summary = &mut issue.summary;
    (summary.first_release, summary.last_release) = (Some(long.clone()), Some(long.clone()));
    for bucket in issue.buckets.iter_mut().skip(1) {
        (bucket.release, bucket.environment) = (Some(long.clone()), long.clone());
    }
    let event = issue.newest.as_mut().unwrap();
    (event.release, event.environment, event.server_name) = (Some(long.clone()), long.clone(), Some(long));
    let page = page(&issue, &facts());
    assert!(page.len() < 16 * 1_024, "{}", page.len());
}

/// Nothing but letters, bars and signs that move nothing.
fn assert_plain(text: &str) {
    let steers = |character: char| {
        character != '\n' && character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}' | '\u{feff}')
    };
    assert!(!text.contains(steers), "{text:?}");
}

/// Without its colours it is the same text.
#[test]
fn colours_change_no_text() {
    let coloured = Look::of(true, |_| None);
    let mut text = super::issue(&sample(), &facts(), now(), coloured);
    assert!(text.contains('\u{1b}'));
    for code in ["0", "1", "2", "1;31", "33"] {
        text = text.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(text, page(&sample(), &facts()));
    assert_plain(&text);
}

#[test]
fn a_page_keeps_to_its_width() {
    for columns in [40, 60, 80, 120, 200] {
        let page = super::issue(&sample(), &facts(), now(), look(columns));
        let widest = page.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(columns), "{columns}\n{page}");
    }
}

#[test]
fn a_bar_stands_for_whatever_came_and_for_nothing_else() {
    let bars = |counts: &[(u64, bool, u64)]| {
        let bucket = |(ago, is_day, count): &(u64, bool, u64)| Bucket {
            hour: now().hour() - ago,
            is_day: *is_day,
            release: None,
            environment: "production".to_owned(),
            count: *count,
        };
        let issue = Issue { buckets: counts.iter().map(bucket).collect(), ..sample() };
        let page = page(&issue, &facts());
        let rows: Vec<String> = page
            .lines()
            .skip_while(|line| !line.starts_with("  past 24 hours"))
            .filter(|line| line.starts_with("  past") || line.contains(['▁', '█']))
            .map(|line| line.trim().to_owned())
            .collect();
        rows.join("\n")
    };
    assert_eq!(
        bars(&[(0, false, 1_000), (1, false, 1), (1, false, 1), (12, false, 500), (23, false, 126)]),
        "past 24 hours · 1,628 in all · 1,000 an hour at most · UTC\n\
         ▂··········▄··········▁█\n\
         past 30 days · 1,628 in all · 1,502 a day at most · UTC\n\
         ····························▁█"
    );
    // A day that stands for its hours is in none of them; what is older is in neither.
    assert_eq!(
        bars(&[(13, true, 7), (24, false, 7), (29 * 24 + 13, true, 7), (29 * 24 + 14, false, 9)]),
        "past 24 hours · none\n\
         past 30 days · 21 in all · 7 a day at most · UTC\n\
         █···························██"
    );
}
