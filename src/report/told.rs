//! What a report has said already, so that it says nothing twice.

use tracing::Level;

use super::values::plain;
use crate::model::{Breadcrumb, Cause, EventKind, TrackedEvent};

/// What the title and the chain tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    event: &'a TrackedEvent,
}

impl<'a> Told<'a> {
    pub(super) fn by(event: &'a TrackedEvent) -> Self {
        Self { event }
    }

    /// What the message says beyond the title and the chain: all of it, or nothing.
    pub(super) fn message(self) -> Option<&'a str> {
        let message = self.event.message.as_deref()?.trim();
        let title = self.event.title.as_str();
        if message.is_empty() || message == title || self.is_of_chain(message) {
            return None;
        }
        // Where the error's text was read out of the message, the chain tells that part.
        let head = self.event.error_at.and_then(|at| self.event.message.as_deref()?.get(..at));
        if head.is_some_and(|head| joint(head).is_empty() || joint(head) == joint(title)) {
            return None;
        }
        let rest = message.strip_prefix(title).map(|rest| rest.trim_start_matches(is_joint));
        (!rest.is_some_and(|rest| self.is_of_chain(rest))).then_some(message)
    }

    /// A link of the chain without what was said: the type, and the text.
    pub(super) fn cause(self, causes: &'a [Cause], index: usize) -> (Option<&'a str>, Option<&'a str>) {
        let Some(cause) = causes.get(index) else { return (None, None) };
        let before = index.checked_sub(1).and_then(|before| causes.get(before));
        let said = match before {
            Some(before) => before.value == cause.value,
            None => cause.value.trim() == self.event.title,
        };
        let value = Some(cause.value.as_str()).filter(|value| !said && !value.is_empty());
        let type_name = cause.type_name.as_deref().filter(|name| {
            // A panic is called one by its first word.
            let is_word = self.event.kind == EventKind::Panic && *name == "panic";
            let is_title = before.is_none() && value.is_none() && *name == self.event.title;
            !is_word && !is_title
        });
        (type_name, value)
    }

    /// The field holds nothing but an error that the chain tells.
    pub(super) fn field(self, name: &str, value: &str) -> bool {
        if value.is_empty() {
            return false;
        }
        let first = &self.event.value;
        let goes_on = is_error_name(name) && !first.is_empty() && value.starts_with(first.as_str());
        goes_on
            || self.is_of_chain(value)
            || self.event.siblings.iter().flatten().any(|cause| cause.value == value)
    }

    /// The breadcrumb is one of this very failure, which another place logged: told by where it was.
    pub(super) fn crumb(self, crumb: &Breadcrumb) -> bool {
        let mut others = self.event.logged_at.iter().skip(1);
        crumb.level == Level::ERROR
            && others.any(|place| {
                place.target == crumb.target && place.message.as_deref().unwrap_or_default() == crumb.message
            })
    }

    /// The data of a breadcrumb, without the failure's own text where it is an ERROR.
    pub(super) fn data(
        self,
        crumb: &'a Breadcrumb,
    ) -> impl Iterator<Item = (&'a str, std::borrow::Cow<'a, str>)> {
        let is_error = crumb.level == Level::ERROR;
        let pairs = crumb.data.iter().map(|(name, value)| (name.as_str(), plain(value)));
        pairs.filter(move |(name, value)| !(is_error && self.field(name, value)))
    }

    fn is_of_chain(self, text: &str) -> bool {
        self.event.chain.iter().any(|cause| cause.value.trim() == text.trim())
    }
}

/// Without what joins a text to the error behind it.
fn joint(text: &str) -> &str {
    text.trim().trim_end_matches(is_joint)
}

fn is_joint(character: char) -> bool {
    character.is_whitespace() || matches!(character, ':' | '-' | '–' | '—' | '=')
}

fn is_error_name(name: &str) -> bool {
    name == "e"
        || name.contains("err")
        || matches!(name, "cause" | "source" | "exception" | "failure" | "chain" | "reason")
}
