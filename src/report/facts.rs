//! Whom it hit, what was asked, what is known beside: a column of names and one of values.

use serde_json::Value;

use super::clip::clip;
use super::page::{Line, Page};
use super::style::Ink;
use super::time::{count, moment};
use super::told::Told;
use super::values::{Block, pairs, plain};
use crate::limits::{REPORT_SPANS, REPORT_WORD_CHARS};
use crate::model::{Span, TrackedEvent, User};

pub(super) fn facts(page: &mut Page, event: &TrackedEvent, told: Told<'_>) {
    if let Some(user) = &event.user {
        let User { id, username, email, ip_address } = user;
        let parts = [id, username, email, ip_address].into_iter().filter_map(Option::as_deref);
        text(page, "user", parts.collect::<Vec<_>>().join(" · "));
    }
    if let Some(request) = &event.request {
        // The route of a path without parameters is the path.
        let route = request.route.as_deref().filter(|route| request.url.as_deref() != Some(route));
        let route =
            route.map(|route| if request.url.is_some() { format!("({route})") } else { route.to_owned() });
        let status = request.status.map(|status| format!("answered {status}"));
        let parts = [&request.method, &request.url, &route, &status].into_iter().filter_map(Option::as_deref);
        text(page, "request", parts.collect::<Vec<_>>().join(" "));
    }
    let tags = event.tags.iter().map(|(name, value)| (name.as_str(), value.into()));
    put(page, "tags", pairs(Line::at(0), tags));
    let fields = event.fields.iter().map(|(name, value)| (name.as_str(), plain(value)));
    put(page, "fields", pairs(Line::at(0), fields.filter(|(name, value)| !told.field(name, value))));
    spans(page, event);
    for (name, value) in event.contexts.iter().filter(|(name, _)| !OURS.contains(&name.as_str())) {
        let line = Line::at(0).add(Ink::Strong, name);
        match value {
            Value::Object(entries) => {
                put(
                    page,
                    "context",
                    pairs(line, entries.iter().map(|(name, value)| (name.as_str(), plain(value)))),
                );
            }
            other => put(
                page,
                "context",
                (line.add(Ink::Plain, "  ").value(Ink::Plain, &plain(other)), Vec::new()),
            ),
        }
    }
    let release = event.release.as_deref().map_or_else(|| "(none)".to_owned(), word);
    let host = event.server_name.as_ref().map(|host| format!(" on {}", word(host))).unwrap_or_default();
    text(page, "release", format!("{release} in {}{host}", word(&event.environment)));
    text(page, "event", format!("{} · {} · {}", event.id, moment(event.time), event.target));
}

/// A name from outside, which may be of any length.
pub(super) fn word(name: &str) -> String {
    clip(name, REPORT_WORD_CHARS)
}

/// The spans around it, the innermost first.
fn spans(page: &mut Page, event: &TrackedEvent) {
    // The title of an `#[instrument(err)]` is its span.
    let is_said = |span: &&Span| span.name == event.title && span.fields.is_empty() && !span.cut;
    let spans: Vec<&Span> = event.spans.iter().filter(|span| !is_said(span)).collect();
    for (index, span) in spans.iter().take(REPORT_SPANS).enumerate() {
        let fields = span.fields.iter().map(|(name, value)| (name.as_str(), plain(value)));
        let (mut line, blocks) = pairs(Line::at(0).add(Ink::Strong, &span.name), fields);
        if span.cut {
            line = line.add(Ink::Dim, " …");
        }
        put(page, if index == 0 { "spans" } else { "" }, (line, blocks));
    }
    if let Some(left_out) = spans.len().checked_sub(REPORT_SPANS).filter(|left_out| *left_out > 0) {
        text(page, "", format!("… {} more", count(left_out as u64)));
    }
}

pub(super) fn text(page: &mut Page, name: &str, value: String) {
    page.put(labelled(name).add(Ink::Plain, &value));
}

/// A line of pairs under its name; nothing where there are none.
fn put(page: &mut Page, name: &str, (mut pairs, blocks): (Line, Vec<Block>)) {
    if !pairs.is_empty() || !blocks.is_empty() {
        let line = labelled(name);
        // A value of several lines has its own name.
        page.put(if pairs.is_empty() { line.add(Ink::Plain, "") } else { line.append(&mut pairs) });
        for block in blocks {
            block.lines(2 + LABEL).into_iter().for_each(|line| page.put(line));
        }
    }
}

fn labelled(name: &str) -> Line {
    Line::at(2).add(Ink::Dim, name).pad_to(LABEL).hang_here()
}

/// What every event has alike.
const OURS: [&str; 3] = ["os", "device", "runtime"];
/// How wide the column of names is.
const LABEL: usize = 9;
