//! What the data proves of an issue, in one sentence: *started with abc123, 40 times in the past hour, hits 12 % of users,
//! only with provider=google*.
//!
//! It says nothing that the data does not prove: no rate is extrapolated, no share rounded to nothing or to all, and a tag
//! is named only where chance is ruled out ([`sound`](super::sound)). Pure; never panics; escaped, and of bounded length.

use super::clip::clip;
use super::sound::telling;
use super::time::{Hundredths, count, hundredths, minute, percent};
use super::values::quoted;
use crate::issues::{Evidence, Facts, Share, Since};
use crate::limits::{REPORT_WORD_CHARS, SENTENCE_USERS};

/// The sentence, without a full stop, on one line.
pub(crate) fn sentence(facts: &Facts) -> String {
    parts(facts).join(", ")
}

/// What it consists of, each best read in one piece.
pub(super) fn parts(facts: &Facts) -> Vec<String> {
    let mut parts = vec![since(facts), rate(facts.past_hour)];
    parts.extend(facts.share.as_ref().and_then(hit));
    parts.extend(telling(facts).into_iter().map(only));
    parts
}

fn since(facts: &Facts) -> String {
    match &facts.since {
        Since::Started(release) => format!("started with {}", word(release)),
        Since::FirstSeen(release) => format!("first seen in {}", word(release)),
        Since::Unknown => format!("first seen {}", minute(facts.first_seen.time())),
    }
}

fn rate(past_hour: u64) -> String {
    match past_hour {
        0 => "not in the past hour".to_owned(),
        1 => "once in the past hour".to_owned(),
        times => format!("{} times in the past hour", count(times)),
    }
}

/// Nothing where none of its failures named a user: that proves nobody unharmed.
fn hit(Share { hit, seen, .. }: &Share) -> Option<String> {
    let is_estimate = hit.is_estimate || seen.is_estimate;
    let about = if is_estimate { "≈" } else { "" };
    // Who was hit was seen; that may be known a little later.
    let (hit, seen) = (hit.number, seen.number.max(hit.number));
    match (hit, seen) {
        (0, _) => None,
        (1, 1) => Some(format!("hits {about}1 of 1 user")),
        (hit, seen) if seen < SENTENCE_USERS => Some(format!("hits {about}{hit} of {seen} users")),
        (hit, seen) => Some(match hundredths(hit, seen) {
            Hundredths::Below(one) => format!("hits less than {about}{one} % of users"),
            Hundredths::About(100) if is_estimate => "hits nearly all users".to_owned(),
            Hundredths::About(percent) => format!("hits {about}{percent} % of users"),
            Hundredths::Above(most) => format!("hits more than {about}{most} % of users"),
        }),
    }
}

/// What its events have in common, and how common that is elsewhere.
fn only(evidence: &Evidence) -> String {
    let Evidence { tag, value, events, events_with, lanes, lanes_with } = evidence;
    let lead = if events_with >= events { "only".to_owned() } else { percent(*events_with, *events) };
    let (tag, value) = (word(tag), word(&quoted(value)));
    format!("{lead} with {tag}={value} ({} of all lanes with any {tag})", percent(*lanes_with, *lanes))
}

fn word(text: &str) -> String {
    clip(text, REPORT_WORD_CHARS)
}

#[cfg(test)]
mod tests;
