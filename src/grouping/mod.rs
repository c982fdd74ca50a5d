//! Grouping: what an event is called, and which issue it belongs to.
//!
//! Pure: the same event always gets the same answer, on any machine, in any order, after any restart. Nothing here knows
//! a line, a file or how many events there were before. Runs on the worker; the time it takes grows with the length of
//! the texts alone, which are bounded where they are captured. It never panics.

mod codes;
mod fingerprint;
mod head;
mod runs;
mod skeleton;
mod title;
mod values;

use crate::model::{EventKind, Fingerprint, TrackedEvent};

pub(crate) use fingerprint::take_named;

/// Decides what an event is called and which issue it belongs to.
///
/// Of the latter, what a hook or a field said (`own`) outranks what is made of the event itself.
pub(crate) fn group(event: &mut TrackedEvent, own: Option<&Fingerprint>) {
    event.title = title::title(event);
    event.culprit = culprit(event);
    event.fingerprint = fingerprint::fingerprint(event, own);
}

/// Where in the program's work it happened: the outermost span, else the target.
fn culprit(event: &TrackedEvent) -> String {
    event.spans.last().map_or_else(|| event.target.clone(), |span| span.name.clone())
}

/// The function that an `#[instrument(err)]` speaks for: such an event says nothing but `error`, at the target of its
/// span.
fn instrumented(event: &TrackedEvent) -> Option<&str> {
    let alone = event.fields.len() == 1 && event.fields.contains_key("error");
    let silent = event.kind == EventKind::Error && event.message.is_none();
    let span = event.spans.first().filter(|span| span.target == event.target)?;
    (alone && silent).then_some(span.name.as_str())
}

#[cfg(test)]
mod tests;
