//! Which lines tell of one failure. Pure.
//!
//! An error that goes up is logged on its way: by `#[instrument(err)]` of each function that returns it, by the handler
//! that gives up. Two lines are taken for one failure on these grounds, all of them:
//!
//! 1. **The error came up** from the older line to the newer one. The newer line stands in a span around the older
//!    line's, in the same one, or right behind its lane in the same task or thread; never in a sibling: an error that was
//!    handled in one child and met again in another is two. And something shows that the error itself took that way:
//!    a function returned it (`#[instrument(err)]`), or it gained context, or the function of the newer line stands on
//!    the older one's stack, above the function that logged there. Two lines one after the other in one function may be
//!    two failures with one text, and are left two.
//! 2. **The places differ.** A loop of 37 items that fail at one line is 37 failures, and so is a retry. Only a function
//!    that calls itself logs one failure at one place, each time in a span around the last.
//! 3. **The errors are the same**, by one of these:
//!    - *Their texts.* One chain stands in the other, link by link or as `top: cause: root`: errors gain context on the
//!      way, and a line may show the outermost link alone (`%error` of a derived enum) or the root alone. Where both name
//!      a link's type and the names differ, they are not the same.
//!    - *Their types*, where one of the two was written by `{:?}`, which shows no text.
//!    - *That one was returned right as the other was*: two `#[instrument(err)]`, the newer one's span directly around
//!      the older one's, and nothing logged in between. It is what is left where each level shows its own text alone. It
//!      does not hold where the newer line shows its causes (several links, or a `Debug` that writes the parts) and the
//!      older error is none of them: then the child's error was handled, and this is another one.

use tracing::Level;

use super::{Held, Line};
use crate::limits::CHAIN_LINKS;
use crate::model::{Breadcrumb, Cause, Frame, LoggedAt, TrackedEvent};
use crate::prepare::FILTERED;

/// What two lines about one failure make of its chain.
#[derive(Debug)]
pub(super) struct Joint {
    pub(super) chain: Vec<Cause>,
    pub(super) cut: bool,
    /// The chain of the older line, where it is no part of the other.
    pub(super) beside: Option<Vec<Cause>>,
}

impl Joint {
    fn of(chain: Vec<Cause>, cut: bool) -> Self {
        Self { chain, cut, beside: None }
    }
}

/// The chain of both, if they tell of the same failure.
pub(super) fn joint(older: &Held, newer: &Held) -> Option<Joint> {
    let (top, bottom) = (older.lines.last()?, newer.lines.first()?);
    if !came_up(older, top, newer, bottom) || shares_a_place(older, newer) {
        return None;
    }
    by_text(older, newer).or_else(|| by_type(older, newer)).or_else(|| by_return(older, top, newer, bottom))
}

/// Whether a breadcrumb is what a line left in the ring.
pub(super) fn is_of(crumb: &Breadcrumb, place: &LoggedAt, returned: Option<&str>) -> bool {
    let same = |shown: &str, whole: &str| {
        // A secret that the cut went through is filtered to the cut.
        let begun = || shown.trim_end_matches('…').trim_end_matches(FILTERED);
        shown == whole || (crumb.cut && whole.starts_with(begun()))
    };
    crumb.level == Level::ERROR
        && crumb.target == place.target
        && same(&crumb.message, place.message.as_deref().unwrap_or_default())
        && returned.is_none_or(|text| {
            crumb.data.get("error").and_then(|shown| shown.as_str()).is_some_and(|shown| same(shown, text))
        })
}

fn came_up(older: &Held, top: &Line, newer: &Held, bottom: &Line) -> bool {
    let (inner, outer) = (top.spans.first(), bottom.spans.first());
    let around = outer.is_none_or(|outer| top.spans.contains(outer));
    // What is logged outside of a lane the hold compares only for the same task or thread.
    let beyond = older.lane != newer.lane || inner != outer;
    let of_one_work = beyond || outer.is_some() || bottom.task.is_some();
    let returned = bottom.returned.is_some() || (beyond && top.returned.is_some());
    around
        && (returned
            || (of_one_work && gained(older, newer))
            || called(&older.event.frames, &newer.event.frames))
}

/// The newer chain is the older one with something before it.
fn gained(older: &Held, newer: &Held) -> bool {
    !older.text.is_empty()
        && newer.text.strip_suffix(older.text.as_str()).is_some_and(|before| before.ends_with(": "))
}

/// The function that the newer line is in stands on the older line's stack, above that line's own function.
fn called(below: &[Frame], above: &[Frame]) -> bool {
    let (Some(own), Some(caller)) = (below.first(), above.first()) else { return false };
    if own.function.is_none() || caller.function.is_none() {
        return false;
    }
    let same = |one: &Frame, other: &Frame| one.module == other.module && one.function == other.function;
    let around = |one: &Frame, other: &Frame| {
        one.module == other.module && without_closures(one) == without_closures(other)
    };
    let mut callers = below.iter().skip_while(|frame| same(frame, own));
    if around(own, caller) {
        // Two closures of one function have one name; the function itself calls what is written in it.
        caller.function.as_deref() == without_closures(caller) && callers.any(|frame| same(frame, caller))
    } else {
        callers.any(|frame| around(frame, caller))
    }
}

fn without_closures(frame: &Frame) -> Option<&str> {
    frame.function.as_deref().map(|function| function.split("::{{closure}}").next().unwrap_or(function))
}

fn shares_a_place(older: &Held, newer: &Held) -> bool {
    older.event.logged_at.iter().zip(&older.lines).any(|(below, lower)| {
        newer.event.logged_at.iter().zip(&newer.lines).any(|(above, upper)| {
            let here = below.target == above.target && below.file == above.file && below.line == above.line;
            let calls_itself = lower.returned.is_some()
                && upper.returned.is_some()
                && upper.spans.first().is_some_and(|span| lower.spans.iter().skip(1).any(|s| s == span));
            here && !calls_itself
        })
    })
}

fn by_text(older: &Held, newer: &Held) -> Option<Joint> {
    if older.text.is_empty() || newer.text.is_empty() {
        return None;
    }
    let (below, above) = (&older.event, &newer.event);
    if let Some(at) = run(&above.chain, &below.chain) {
        return Some(Joint::of(typed(&above.chain, &below.chain, at)?, above.chain_cut));
    }
    if let Some(at) = run(&below.chain, &above.chain) {
        return Some(Joint::of(typed(&below.chain, &above.chain, at)?, below.chain_cut));
    }
    // The newer one's end is the older one's beginning: it shows one cause less deep than there are.
    if let Some(shared) = overlap(&above.chain, &below.chain) {
        let kept = above.chain.len() - shared;
        let mut chain = above.chain.clone();
        chain.extend(below.chain.iter().skip(shared).cloned());
        return Some(bounded(typed(&chain, &below.chain, kept)?, below.chain_cut));
    }
    if let Some(before) = shows(&newer.text, &older.text) {
        return Some(unfolded(above, before, below));
    }
    shows(&older.text, &newer.text).map(|before| unfolded(below, before, above))
}

/// Where the texts of `part` stand in `whole`, one behind the other.
fn run(whole: &[Cause], part: &[Cause]) -> Option<usize> {
    let mut starts = 0..=whole.len().checked_sub(part.len())?;
    starts.find(|at| whole.iter().skip(*at).zip(part).all(|(a, b)| a.value.trim() == b.value.trim()))
}

/// How many links at the end of `above` are those at the beginning of `below`.
fn overlap(above: &[Cause], below: &[Cause]) -> Option<usize> {
    let most = above.len().min(below.len());
    (1..most).rev().find(|shared| {
        run(above.get(above.len() - shared..).unwrap_or_default(), below.get(..*shared).unwrap_or_default())
            == Some(0)
    })
}

/// `whole`, with the types that `part` knows at `at`; None where the two name different ones.
fn typed(whole: &[Cause], part: &[Cause], at: usize) -> Option<Vec<Cause>> {
    let mut chain = whole.to_vec();
    for (cause, other) in chain.iter_mut().skip(at).zip(part) {
        match (&cause.type_name, &other.type_name) {
            (Some(one), Some(two)) if short(one) != short(two) => return None,
            (None, Some(_)) => cause.type_name.clone_from(&other.type_name),
            _ => {}
        }
    }
    Some(chain)
}

/// Whether `part` is one or several of the texts that `: ` joins in `whole`; returns what stands before it, and whether
/// it goes on to the end.
fn shows<'a>(whole: &'a str, part: &str) -> Option<(&'a str, bool)> {
    let begins = |at: usize| at == 0 || whole.get(..at).is_some_and(|before| before.ends_with(": "));
    let ends = |at: usize| whole.get(at..).is_some_and(|rest| rest.is_empty() || rest.starts_with(": "));
    let mut found = whole.match_indices(part).map(|(at, _)| at);
    let at = found.find(|at| begins(*at) && ends(at + part.len()))?;
    let before = whole.get(..at).unwrap_or_default();
    Some((before.strip_suffix(": ").unwrap_or(before), at + part.len() == whole.len()))
}

/// A chain that shows the other one inside of a text: where that goes on to the end, its links stand for themselves.
fn unfolded(whole: &TrackedEvent, (before, to_end): (&str, bool), part: &TrackedEvent) -> Joint {
    let whole_links = || Joint::of(whole.chain.clone(), whole.chain_cut);
    match whole.chain.as_slice() {
        [only] if to_end && !before.is_empty() => {
            let mut chain = vec![Cause::new(only.type_name.clone(), before)];
            chain.extend(part.chain.iter().cloned());
            bounded(chain, part.chain_cut)
        }
        links if links.len() >= part.chain.len() => whole_links(),
        _ if before.is_empty() => Joint::of(part.chain.clone(), part.chain_cut),
        _ => whole_links(),
    }
}

fn by_type(older: &Held, newer: &Held) -> Option<Joint> {
    let (below, above) = (&older.event, &newer.event);
    let (lower, upper) = (types(&below.chain)?, types(&above.chain)?);
    if is_debug(below) == is_debug(above) {
        return None;
    }
    let stands_in = |whole: &[&str], part: &[&str]| whole.windows(part.len()).any(|run| run == part);
    let up = stands_in(&upper, &lower);
    if !up && !stands_in(&lower, &upper) {
        return None;
    }
    // One name alone may be chance, unless nothing lies between the two lines.
    if lower.len().min(upper.len()) < 2 && !follows(older, newer) {
        return None;
    }
    let written = if is_debug(above) { below } else { above };
    let longer = if up { above } else { below };
    let richer = if written.chain.len() >= longer.chain.len() { written } else { longer };
    Some(Joint::of(richer.chain.clone(), richer.chain_cut))
}

/// The names of all types of a chain, if all are known.
fn types(chain: &[Cause]) -> Option<Vec<&str>> {
    let names: Option<Vec<&str>> = chain.iter().map(|cause| cause.type_name.as_deref().map(short)).collect();
    names.filter(|names| !names.is_empty())
}

/// The outermost text is what `{:?}` wrote: it begins with the type.
fn is_debug(event: &TrackedEvent) -> bool {
    event
        .chain
        .first()
        .is_some_and(|cause| cause.type_name.as_deref().is_some_and(|name| cause.value.starts_with(name)))
}

fn by_return(older: &Held, top: &Line, newer: &Held, bottom: &Line) -> Option<Joint> {
    let (inner, outer) = (top.returned.as_deref()?, bottom.returned.as_deref()?);
    let directly = !bottom.spans.is_empty() && bottom.spans.first() == top.spans.get(1);
    let [shown] = newer.event.chain.as_slice() else { return None };
    let parts_shown = shown.type_name.is_some();
    if !directly || !follows(older, newer) || (parts_shown && !outer.contains(inner)) {
        return None;
    }
    // That one led to the other is likely, and no cause for sure: it stands beside.
    let beside = Some(older.event.chain.clone());
    Some(Joint { beside, ..bounded(newer.event.chain.clone(), newer.event.chain_cut) })
}

/// Nothing was logged between the older line and the newer one.
fn follows(older: &Held, newer: &Held) -> bool {
    let line = older.event.logged_at.last().zip(older.lines.last());
    newer.event.breadcrumbs.last().zip(line).is_some_and(|(crumb, (place, line))| {
        crumb.time >= line.time && is_of(crumb, place, line.returned.as_deref())
    })
}

/// A type without its module.
fn short(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

fn bounded(mut chain: Vec<Cause>, cut: bool) -> Joint {
    let cut = cut || chain.len() > CHAIN_LINKS;
    chain.truncate(CHAIN_LINKS);
    Joint::of(chain, cut)
}
