//! What an issue is called, what was decided of it, how often it came and whom it hit.

use super::super::facts::{text, word};
use super::super::frames::place;
use super::super::ink_of;
use super::super::list::{short_id, users};
use super::super::page::{Line, Page};
use super::super::style::Ink;
use super::super::time::{ago, count, minute, stretch};
use crate::issues::{Facts, Issue, IssueKind, Moment, Since, State, Summary, Until};

pub(super) fn title(page: &mut Page, summary: &Summary, now: Moment) {
    let word = match summary.kind {
        IssueKind::Panic => "PANIC",
        IssueKind::Error | IssueKind::Log => summary.level.as_str(),
    };
    let line = Line::at(0).add(ink_of(summary.level), word).add(Ink::Plain, " ").hang_here();
    page.put(line.add(Ink::Strong, &summary.title));
    let is_open = summary.state == State::Unresolved;
    let mut line = Line::at(2).hang_here().add(Ink::Plain, &short_id(summary.id)).add(Ink::Dim, " · ");
    line = line.add(if is_open { Ink::Plain } else { Ink::Dim }, &state(summary.state, now));
    if summary.regressed {
        line = line.add(Ink::Dim, " · ").add(Ink::Error, "back after it was resolved");
    }
    if !summary.culprit.is_empty() && summary.culprit != summary.title {
        line = line.add(Ink::Dim, " · in ").add(Ink::Plain, &summary.culprit);
    }
    if summary.kind == IssueKind::Log {
        line = line.add(Ink::Dim, " · carried no error");
    }
    page.put(line);
}

pub(super) fn counts(page: &mut Page, issue: &Issue, facts: &Facts, now: Moment) {
    let summary = &issue.summary;
    let times =
        if summary.count == 1 { "once".to_owned() } else { format!("{} times", count(summary.count)) };
    text(
        page,
        "seen",
        match issue.tallied {
            0 => times,
            tallied => format!("{times}, {} of them only counted", count(tallied)),
        },
    );
    let share = facts.share.as_ref().map(|share| {
        let (hit, seen) = (users(share.hit), users(share.seen));
        format!("{hit} of the {seen} seen in the past {}", stretch(share.window))
    });
    if summary.users.number > 0 || share.is_some() {
        let all = format!("{} hit in all", users(summary.users));
        text(page, "users", [Some(all), share].into_iter().flatten().collect::<Vec<_>>().join(" · "));
    }
    let first = summary.first_release.as_deref().filter(|_| facts.since != Since::Unknown);
    text(page, "first", seen(summary.first_seen, first, now));
    text(page, "last", seen(summary.last_seen, summary.last_release.as_deref(), now));
    let place = place(issue.file.as_deref(), issue.line);
    let place = if place.is_empty() { place } else { format!(" ({place})") };
    text(page, "line", format!("{}{place}", issue.target));
}

fn seen(at: Moment, release: Option<&str>, now: Moment) -> String {
    let release = release.map(|release| format!(" · in {}", word(release))).unwrap_or_default();
    format!("{} · {}{release}", minute(at.time()), ago(now.since(at)))
}

fn state(state: State, now: Moment) -> String {
    match state {
        State::Unresolved => "unresolved".to_owned(),
        State::Resolved { at } => format!("resolved {}, in the next release", ago(now.since(at))),
        State::Muted { until: Until::Forever } => "muted".to_owned(),
        State::Muted { until: Until::Time(until) } => format!("muted until {}", minute(until.time())),
        State::Muted { until: Until::Count(most) } => format!("muted until it came {} times", count(most)),
        State::Muted { until: Until::Users(most) } => format!("muted until it hit {} users", count(most)),
    }
}
