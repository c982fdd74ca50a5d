//! Grouping: what an event is called. Pure: the same event always gets the same answer.

use crate::limits::TITLE_BYTES;
use crate::model::{Fingerprint, TrackedEvent};

/// Decides what an event is called and which issue it belongs to; `own` is what a hook or a field says of the latter.
pub(crate) fn group(event: &mut TrackedEvent, own: Option<&Fingerprint>) {
    event.title = title(event);
    event.culprit = culprit(event);
    event.fingerprint = own.cloned().unwrap_or_default();
}

/// What a list of events shows first, on one line.
///
/// The message says what the program was about; an `#[instrument(err)]` has none, so its span, which is the function,
/// stands in; then the error speaks for itself.
fn title(event: &TrackedEvent) -> String {
    let first = event.chain.first();
    let span = event.spans.first().filter(|_| event.message.is_none() && is_instrumented(event));
    let title = event
        .message
        .as_deref()
        .or_else(|| span.map(|span| span.name.as_str()))
        .or_else(|| first.and_then(|cause| cause.type_name.as_deref()))
        .or_else(|| first.map(|cause| cause.value.as_str()))
        .unwrap_or_default();
    shortened(title.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("(no text)"))
}

/// Where in the program's work it happened: the outermost span, else the target.
fn culprit(event: &TrackedEvent) -> String {
    event.spans.last().map_or_else(|| event.target.clone(), |span| span.name.clone())
}

/// Whether the event is one that `#[instrument(err)]` made: nothing but an `error`, at the target of its span.
fn is_instrumented(event: &TrackedEvent) -> bool {
    let alone = event.fields.len() == 1 && event.fields.contains_key("error");
    alone && event.spans.first().is_some_and(|span| span.target == event.target)
}

fn shortened(line: &str) -> String {
    match line.char_indices().find(|(at, character)| at + character.len_utf8() > TITLE_BYTES) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
    }
}
