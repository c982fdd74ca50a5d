//! The error and its causes, the root first. Pure.

use sentry_types::protocol::v7;

use super::names;
use crate::limits::{CHAIN_LINKS, NAME_CHARS};
use crate::model::{Cause, EventKind, TrackedEvent};

/// The chain as the protocol orders it. The last one is the error itself, by which servers call the event; where its type
/// is not known, `heading` stands in.
pub(super) fn exceptions(
    event: &TrackedEvent,
    heading: &str,
    stacktrace: Option<v7::Stacktrace>,
) -> Vec<v7::Exception> {
    let outermost = event.chain.first();
    let value = outermost.map_or(event.value.as_str(), |cause| cause.value.as_str());
    let known = outermost.and_then(type_of);
    let ty = match event.kind {
        EventKind::Panic => known.unwrap_or_else(|| "panic".to_owned()),
        EventKind::Error | EventKind::Log => known.unwrap_or_else(|| instead(heading, value)),
    };
    let mechanism = v7::Mechanism {
        ty: if event.kind == EventKind::Panic { "panic" } else { "tracing" }.to_owned(),
        handled: Some(event.handled),
        ..v7::Mechanism::default()
    };
    let error = v7::Exception { stacktrace, mechanism: Some(mechanism), ..exception(ty, value) };
    let causes = event.chain.iter().take(CHAIN_LINKS).skip(1).rev();
    let causes =
        causes.map(|cause| exception(type_of(cause).unwrap_or_else(|| NEUTRAL.to_owned()), &cause.value));
    causes.chain([error]).collect()
}

/// A further error of the same line, on one line each.
pub(super) fn sibling(chain: &[Cause]) -> Vec<String> {
    let said = |cause: &Cause| match type_of(cause) {
        Some(ty) => format!("{ty}: {}", cause.value),
        None => cause.value.clone(),
    };
    chain.iter().take(CHAIN_LINKS).map(said).collect()
}

fn exception(ty: String, value: &str) -> v7::Exception {
    let value = Some(value.to_owned()).filter(|value| !value.is_empty());
    v7::Exception { ty, value, ..v7::Exception::default() }
}

fn type_of(cause: &Cause) -> Option<String> {
    names::line(cause.type_name.as_deref()?, NAME_CHARS)
}

/// What the line was about; a neutral word where that is what the error says as well.
fn instead(heading: &str, value: &str) -> String {
    let begins = heading.trim_end_matches('…').trim();
    let repeats = value.trim().starts_with(begins);
    names::line(heading, NAME_CHARS).filter(|_| !repeats).unwrap_or_else(|| NEUTRAL.to_owned())
}

/// The type of an error of which no more is known.
const NEUTRAL: &str = "Error";
