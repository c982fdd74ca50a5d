//! What becomes of two events about one failure. Pure.
//!
//! What lies nearest the failure comes from the first line: its time, its stack, its spans. What was said of it comes
//! from the newest: the message, the name, the trail, which has all that was logged until then. Tags, contexts, fields,
//! user and request are joined; where both know one, the newer knows it better, unless it was logged outside of the
//! lane.

use std::sync::Arc;

use super::fold::{self, Joint};
use super::{Held, text};
use crate::limits::SPANS;
use crate::model::{Breadcrumb, EventKind, Frame, Request, TrackedEvent};

/// The older event and the newer one as one.
pub(super) fn merged(older: Held, newer: Held, joint: Joint) -> Held {
    let inside = older.lane == newer.lane;
    let spans_match = inside && innermost_known(&older) && ends_with(&older, &newer);
    let crumbs = trail(&older, &newer);
    let (mut event, mut later) = (Arc::unwrap_or_clone(older.event), Arc::unwrap_or_clone(newer.event));
    if inside {
        event.breadcrumbs = crumbs;
        event.trail = later.trail;
        event.trail_cut = later.trail_cut;
    }
    event.id = later.id;
    event.level = later.level;
    if later.kind == EventKind::Panic {
        event.kind = EventKind::Panic;
    }
    event.handled &= later.handled;
    if later.message.is_some() {
        event.message = later.message.take();
        event.error_at = later.error_at;
        event.target = std::mem::take(&mut later.target);
        event.file = later.file.take();
        event.line = later.line;
    }
    event.chain = joint.chain;
    event.chain_cut = joint.cut;
    event.value = event.chain.first().map(|cause| cause.value.clone()).unwrap_or_default();
    for sibling in joint.beside.into_iter().chain(std::mem::take(&mut later.siblings)) {
        if !event.siblings.contains(&sibling) {
            event.siblings.push(sibling);
        }
    }
    // A line that shows the whole chain tells of them all.
    let TrackedEvent { chain, siblings, .. } = &mut event;
    siblings
        .retain(|sibling| !sibling.iter().all(|link| chain.iter().any(|known| known.value == link.value)));
    if is_from_text(&later.frames) && !is_from_text(&event.frames) {
        event.frames = std::mem::take(&mut later.frames);
    }
    if spans_match {
        // The same spans, as they were later: a status or a route may have been recorded.
        let inner = event.spans.len().saturating_sub(later.spans.len());
        event.spans.truncate(inner);
        event.spans.append(&mut later.spans);
    }
    join(&mut event, later, inside);
    let mut lines = older.lines;
    lines.extend(newer.lines);
    let mut keys = older.keys;
    add_keys(&mut keys, newer.keys);
    let mut homes = older.homes;
    for home in newer.homes.into_iter().filter(|_| inside) {
        if !homes.contains(&home) {
            homes.push(home);
        }
    }
    Held {
        text: text(&event.chain),
        event: Arc::new(event),
        fingerprint: newer.fingerprint.or(older.fingerprint),
        title: newer.title.or(older.title),
        keys,
        minute: older.minute,
        lines,
        lane: older.lane,
        homes,
        due_ms: older.due_ms,
        bytes: 0,
    }
}

/// A panic, and the line that told of it once more: it adds its place, and what is known around it.
pub(super) fn retold(mut panic: Held, line: Held) -> Held {
    let event = Arc::make_mut(&mut panic.event);
    event.id = line.event.id;
    join(event, Arc::unwrap_or_clone(line.event), false);
    panic.lines.extend(line.lines);
    add_keys(&mut panic.keys, line.keys);
    panic
}

/// The first stays the first.
fn add_keys(keys: &mut Vec<u64>, newer: Vec<u64>) {
    for key in newer {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
}

/// What both may know; the event's own places come first, being older.
fn join(event: &mut TrackedEvent, later: TrackedEvent, newer_first: bool) {
    event.logged_at.extend(later.logged_at);
    if newer_first {
        event.user = later.user.or_else(|| event.user.take());
        event.tags.extend(later.tags);
        event.contexts.extend(later.contexts);
        event.request = requests(later.request, event.request.take());
    } else {
        event.user = event.user.take().or(later.user);
        event.request = requests(event.request.take(), later.request);
        for (name, value) in later.tags {
            event.tags.entry(name).or_insert(value);
        }
        for (name, value) in later.contexts {
            event.contexts.entry(name).or_insert(value);
        }
    }
    event.fields.extend(later.fields);
}

fn requests(first: Option<Request>, second: Option<Request>) -> Option<Request> {
    let (Some(first), Some(second)) = (&first, &second) else { return first.or(second) };
    let text = |one: &Option<String>, other: &Option<String>| one.clone().or_else(|| other.clone());
    Some(Request {
        method: text(&first.method, &second.method),
        url: text(&first.url, &second.url),
        route: text(&first.route, &second.route),
        status: first.status.or(second.status),
    })
}

/// The newer one's trail, without the lines that the older one was told by: they are no steps that led there.
fn trail(older: &Held, newer: &Held) -> Vec<Breadcrumb> {
    let mut crumbs = newer.event.breadcrumbs.clone();
    for (place, line) in older.event.logged_at.iter().zip(&older.lines) {
        let own = crumbs
            .iter()
            .position(|crumb| crumb.time >= line.time && fold::is_of(crumb, place, line.returned.as_deref()));
        if let Some(own) = own {
            crumbs.remove(own);
        }
    }
    crumbs
}

/// The stack was read out of an error's text, where it was taken as the error was made.
fn is_from_text(frames: &[Frame]) -> bool {
    frames.len() > 1 && frames.iter().all(|frame| frame.address.is_none())
}

/// No span between the innermost and the outermost is missing from the event's list.
fn innermost_known(held: &Held) -> bool {
    held.lines
        .first()
        .is_some_and(|line| line.spans.len() <= SPANS && line.spans.len() == held.event.spans.len())
}

/// The newer one's spans are the outer ones of the older one.
fn ends_with(older: &Held, newer: &Held) -> bool {
    let (Some(inner), Some(outer)) = (older.lines.first(), newer.lines.first()) else { return false };
    inner.spans.ends_with(&outer.spans) && outer.spans.len() == newer.event.spans.len()
}
