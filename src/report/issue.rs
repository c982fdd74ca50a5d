//! The page of an issue: what the data proves of it, how often it came, the newest event of it, and how its events differ.
//!
//! Called in the command's own process. Pure: the same issue at the same moment gives the same text. Never panics; everything
//! from outside is escaped.

mod bars;
mod head;
mod spread;
mod tags;

use super::list::short_id;
use super::page::{Line, Page};
use super::sentence::parts;
use super::style::{Ink, Look};
use super::time::{ago, count};
use super::told::Told;
use super::{chain, facts as facts_of, frames, timeline};
use crate::issues::{Facts, Issue, Moment};
use crate::model::TrackedEvent;

/// Everything that is known of an issue.
pub(crate) fn issue(issue: &Issue, facts: &Facts, now: Moment, look: Look) -> String {
    let mut page = Page::new(look);
    head::title(&mut page, &issue.summary, now);
    page.put(proven(facts));
    page.blank();
    head::counts(&mut page, issue, facts, now);
    page.blank();
    if let Some(event) = &issue.newest {
        newest(&mut page, event, &issue.summary.title, now);
    }
    tags::tags(&mut page, &issue.tags);
    page.blank();
    spread::variants(&mut page, &issue.variants, now);
    page.blank();
    bars::hours(&mut page, &issue.buckets, now);
    page.blank();
    bars::days(&mut page, &issue.buckets, now);
    page.blank();
    spread::releases(&mut page, &issue.buckets);
    page.blank();
    spread::environments(&mut page, &issue.buckets);
    page.blank();
    kept(&mut page, issue);
    page.blank();
    page.into_text()
}

/// The sentence, folded between its parts where it can be.
fn proven(facts: &Facts) -> Line {
    let parts = parts(facts);
    let last = parts.len().saturating_sub(1);
    let line = Line::at(2).hang_here();
    parts.iter().enumerate().fold(line, |line, (at, part)| match at {
        at if at == last => line.held(Ink::Strong, part),
        _ => line.held(Ink::Strong, &format!("{part},")).add(Ink::Strong, " "),
    })
}

/// The newest event as its report tells it, but for what the page has said.
fn newest(page: &mut Page, event: &TrackedEvent, title: &str, now: Moment) {
    let told = Told::by(event);
    let age = ago(now.since(Moment::of(event.time)));
    heading(page, "newest event", &format!(" · {age}"));
    if event.title != title {
        page.put(Line::at(2).add(Ink::Plain, &event.title));
    }
    chain::how_often(page, event, None);
    chain::chain(page, event, told);
    page.blank();
    frames::frames(page, &event.frames);
    frames::also_logged(page, event);
    page.blank();
    timeline::trail(page, event, told);
    page.blank();
    facts_of::facts(page, event, told);
    page.blank();
}

fn kept(page: &mut Page, issue: &Issue) {
    let id = short_id(issue.summary.id);
    let text = match issue.kept {
        0 => "no event is kept".to_owned(),
        1 => format!("1 event is kept: crumbtrail events {id}"),
        kept => format!("{} events are kept: crumbtrail events {id}", count(kept)),
    };
    page.put(Line::at(2).add(Ink::Dim, &text));
}

/// What a part of the page is about.
fn heading(page: &mut Page, name: &str, beside: &str) {
    page.put(Line::at(2).add(Ink::Strong, name).add(Ink::Dim, beside));
}

/// How many of all are not among those that are shown.
fn more(all: usize, shown: usize) -> String {
    match all.saturating_sub(shown) {
        0 => String::new(),
        more => format!(" · {} more are not shown", count(more as u64)),
    }
}

#[cfg(test)]
mod tests;
