//! Panics that are told twice: by the hook, and by whoever waited for the task and logs the `JoinError`.
//!
//! The task's number is in the error's text, and tokio gives no number twice. A panic is remembered beyond its own
//! delivery: who waits for a task may look late.

use std::collections::VecDeque;

use crate::limits::PANICS;
use crate::model::{EventId, EventKind, TrackedEvent};

/// The newest panics.
#[derive(Debug, Default)]
pub(super) struct Panics(VecDeque<Panicked>);

#[derive(Debug)]
struct Panicked {
    id: EventId,
    task: Option<u64>,
    /// The payload as `{:?}` writes it, without the quote at its end.
    quoted: String,
    /// Under which number the hold has it, while it has it.
    arrival: u64,
}

impl Panics {
    pub(super) fn remember(&mut self, event: &TrackedEvent, task: Option<u64>, arrival: u64) {
        let known = |panic: &Panicked| event.logged_at.iter().any(|place| place.id == panic.id);
        if self.0.iter().any(known) {
            return;
        }
        if self.0.len() == PANICS {
            self.0.pop_front();
        }
        let payload: String = event.value.chars().take(COMPARED).collect();
        let quoted = format!("{payload:?}");
        let quoted = quoted.strip_suffix('"').unwrap_or(&quoted).to_owned();
        self.0.push_back(Panicked { id: event.id, task, quoted, arrival });
    }

    /// The panic became part of the event that is held under another number.
    pub(super) fn moved(&mut self, event: &TrackedEvent, arrival: u64) {
        for panic in &mut self.0 {
            if event.logged_at.iter().any(|place| place.id == panic.id) {
                panic.arrival = arrival;
            }
        }
    }

    /// The number of the panic that an error line tells of once more.
    pub(super) fn told_again(&self, event: &TrackedEvent) -> Option<u64> {
        if self.0.is_empty() || event.kind == EventKind::Panic {
            return None;
        }
        let texts = event.chain.iter().chain(event.siblings.iter().flatten()).map(|cause| &cause.value);
        let told: Vec<Told<'_>> = texts.filter_map(|text| told(text)).collect();
        let found = self.0.iter().rev().find(|panic| told.iter().any(|told| panic.is_told_by(told)));
        found.map(|panic| panic.arrival)
    }
}

impl Panicked {
    fn is_told_by(&self, told: &Told<'_>) -> bool {
        let same_text = told.quoted.is_none_or(|quoted| quoted.starts_with(&self.quoted));
        match self.task {
            Some(task) => task == told.task && same_text,
            // A thread's panic is no task's. Without knowledge of tasks the text alone has to do.
            None => !cfg!(feature = "tokio") && told.quoted.is_some() && self.quoted.len() > 1 && same_text,
        }
    }
}

/// What a `JoinError` says.
#[derive(Debug, PartialEq)]
struct Told<'a> {
    task: u64,
    /// The payload from its opening quote on.
    quoted: Option<&'a str>,
}

/// Reads `task 12 panicked`, `task 12 panicked with message "boom"` and `JoinError::Panic(Id(12), "boom", ...)`.
fn told(text: &str) -> Option<Told<'_>> {
    DISPLAYED.into_iter().find_map(|(before, behind)| {
        let mut rests = text.match_indices(before).filter_map(|(at, _)| text.get(at + before.len()..));
        rests.find_map(|rest| {
            let (task, rest) = rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit())?)?;
            let rest = rest.strip_prefix(behind)?;
            let quoted = rest.strip_prefix(" with message ").or_else(|| rest.strip_prefix(", "));
            let quoted = quoted.filter(|quoted| quoted.starts_with('"'));
            Some(Told { task: task.parse().ok()?, quoted })
        })
    })
}

/// What stands before the task's number, and behind it.
const DISPLAYED: [(&str, &str); 2] = [("JoinError::Panic(Id(", ")"), ("task ", " panicked")];
/// Characters of the payload that are compared.
const COMPARED: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_error_is_read_in_both_forms() {
        for (text, task, quoted) in [
            ("task 12 panicked", 12, None),
            (r#"task 12 panicked with message "boom""#, 12, Some(r#""boom""#)),
            (r#"worker died: task 7 panicked with message "a \"b\"""#, 7, Some(r#""a \"b\"""#)),
            (r#"JoinError::Panic(Id(9), "boom", ...)"#, 9, Some(r#""boom", ...)"#)),
            ("JoinError::Panic(Id(9), ...)", 9, None),
        ] {
            assert_eq!(told(text), Some(Told { task, quoted }), "{text}");
        }
        for text in ["task 12 was cancelled", "JoinError::Cancelled(Id(9))", "task panicked", "task 1", ""] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
