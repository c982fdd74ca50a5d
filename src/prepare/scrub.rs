//! Scrubbing: what is secret leaves an event before anything is told of it, and `[Filtered]` stands in its place.
//!
//! It is the last thing that is done to an event, behind the program's own hooks and before it is grouped, so no title,
//! no fingerprint and no sink has seen more. Names decide ([`Keys`]), and in every text the rules of `text.rs`. Pure;
//! the time it takes grows with the length of the texts alone. Scrubbing twice changes nothing: lines about one failure
//! are compared by their scrubbed texts. It runs on the worker and never panics.

mod assigned;
mod card;
mod keys;
mod look;
mod patterns;
#[cfg(test)]
mod tests;
mod text;
mod url;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Named, Prepared};
use crate::limits::SCRUB_DEPTH;
use crate::model::{Breadcrumb, Cause, Fingerprint, Frame, Request, TrackedEvent, User};

use keys::Keys;
use look::{Kind, Look};
use text::{Filtered, Rule};

/// Stands in the place of a secret.
pub(crate) const FILTERED: &str = "[Filtered]";

/// What is secret.
#[derive(Debug)]
pub(crate) struct Scrubber {
    keys: Keys,
    rules: Vec<&'static Rule>,
    /// What tells of a person is told.
    pii: bool,
}

impl Scrubber {
    /// With the program's own names of secrets beside ours. Without `pii`, addresses and what a URL asks for are secrets
    /// too.
    pub(crate) fn new(own: &[String], pii: bool) -> Self {
        Self { keys: Keys::new(own, pii), rules: text::RULES.iter().collect(), pii }
    }

    /// Whether a name can be told from others: it has a letter or a digit.
    pub(crate) fn is_key(name: &str) -> bool {
        !keys::folded(name).is_empty()
    }

    /// Takes the secrets out of all that may reach a sink, or be compared with what does.
    pub(crate) fn scrub(&self, prepared: &mut Prepared) {
        let Prepared { event, fingerprint, title, returned, .. } = prepared;
        self.event(event);
        if let Some(said) = fingerprint {
            self.fingerprint(said);
        }
        self.optional(title);
        self.optional(returned);
    }

    /// The same, of whom and what a lane names.
    pub(super) fn named(&self, named: &mut Named) {
        if let Some(user) = &mut named.user {
            self.user(user);
        }
        self.tags(&mut named.tags);
    }

    fn event(&self, event: &mut TrackedEvent) {
        // A record of the `log` crate may name any target.
        self.text(&mut event.target);
        self.message(event);
        self.chains(event);
        event.frames.iter_mut().for_each(|frame| self.source(frame));
        event.breadcrumbs.iter_mut().for_each(|crumb| self.breadcrumb(crumb));
        if let Some(user) = &mut event.user {
            self.user(user);
        }
        if let Some(request) = &mut event.request {
            self.request(request);
        }
        self.tags(&mut event.tags);
        self.contexts(&mut event.contexts);
        self.map(&mut event.fields, SCRUB_DEPTH);
        event.spans.iter_mut().for_each(|span| self.map(&mut span.fields, SCRUB_DEPTH));
        for place in &mut event.logged_at {
            self.text(&mut place.target);
            self.optional(&mut place.message);
        }
    }

    fn message(&self, event: &mut TrackedEvent) {
        let filtered = event.message.as_deref().and_then(|message| self.filtered(message, Kind::Words));
        if let Some(filtered) = filtered {
            event.error_at = event.error_at.map(|at| filtered.place(at));
            event.message = Some(filtered.text);
        }
    }

    fn chains(&self, event: &mut TrackedEvent) {
        let is_first = event.chain.first().is_some_and(|cause| cause.value == event.value);
        self.chain(&mut event.chain);
        match event.chain.first() {
            Some(cause) if is_first => event.value.clone_from(&cause.value),
            _ => self.text(&mut event.value),
        }
        event.siblings.iter_mut().for_each(|chain| self.chain(chain));
    }

    /// A type may say what its text is, and so may the link before it: `bad password`, caused by `hunter2`.
    fn chain(&self, chain: &mut [Cause]) {
        let mut before = String::new();
        for cause in chain {
            let whole = cause.value.clone();
            let named = cause.type_name.as_deref().filter(|name| !whole.starts_with(*name));
            let named = named.is_some_and(|name| self.keys.denies(name));
            if (named || assigned::ends_with_key(&self.keys, &before)) && assigned::is_secret(whole.trim()) {
                FILTERED.clone_into(&mut cause.value);
            } else {
                self.text(&mut cause.value);
            }
            before = whole;
        }
    }

    /// The source is the program's own, but secrets have been found in sources too.
    fn source(&self, frame: &mut Frame) {
        let Some(source) = &mut frame.source else { return };
        let mut inside = false;
        for line in &mut source.lines {
            let goes_on = patterns::goes_on(line, inside);
            if inside {
                FILTERED.clone_into(line);
            } else {
                self.replace(line, Kind::Code);
            }
            inside = goes_on;
        }
    }

    fn breadcrumb(&self, crumb: &mut Breadcrumb) {
        self.text(&mut crumb.message);
        // Of a log record it is the module.
        if crumb.category != crumb.target {
            self.text(&mut crumb.category);
            self.text(&mut crumb.target);
        }
        self.map(&mut crumb.data, SCRUB_DEPTH);
    }

    /// What the program says of its user is kept, whoever may be known by it.
    fn user(&self, user: &mut User) {
        let User { id, email, username, ip_address } = user;
        [id, email, username, ip_address].into_iter().for_each(|part| self.optional(part));
    }

    fn request(&self, request: &mut Request) {
        self.optional(&mut request.method);
        self.optional(&mut request.route);
        if let Some(url) = &mut request.url {
            self.replace(url, Kind::Address);
        }
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        *fingerprint = fingerprint.parts().iter().map(|part| self.scrubbed(part)).collect();
    }

    fn tags(&self, tags: &mut BTreeMap<String, String>) {
        for (name, value) in tags.iter_mut() {
            if self.keys.denies(name) && !self.keys.is_plain(name, value) {
                FILTERED.clone_into(value);
            } else {
                self.text(value);
            }
        }
        if tags.keys().any(|name| self.is_secret(name)) {
            for (name, value) in std::mem::take(tags) {
                let name = self.name(&name, |name| tags.contains_key(name));
                tags.insert(name, value);
            }
        }
    }

    /// A context stays an object, which is what sinks expect.
    fn contexts(&self, contexts: &mut BTreeMap<String, Value>) {
        for (name, value) in contexts.iter_mut() {
            match value {
                Value::Object(entries) if self.keys.denies(name) => {
                    entries.iter_mut().for_each(|(entry, value)| self.hide(entry, value));
                    self.names(entries);
                }
                _ => self.entry(name, value, SCRUB_DEPTH),
            }
        }
        if contexts.keys().any(|name| self.is_secret(name)) {
            for (name, value) in std::mem::take(contexts) {
                let name = self.name(&name, |name| contexts.contains_key(name));
                contexts.insert(name, value);
            }
        }
    }

    fn map(&self, entries: &mut Map<String, Value>, depth: usize) {
        entries.iter_mut().for_each(|(name, value)| self.entry(name, value, depth));
        self.names(entries);
    }

    fn entry(&self, name: &str, value: &mut Value, depth: usize) {
        if self.keys.denies(name) {
            self.hide(name, value);
        } else {
            self.value(value, depth);
        }
    }

    /// Takes the value of a secret's name away, unless it tells nothing.
    fn hide(&self, name: &str, value: &mut Value) {
        let is_plain = match value {
            Value::Null | Value::Bool(_) => true,
            Value::Number(number) => self.keys.is_plain(name, &number.to_string()),
            Value::String(text) => self.keys.is_plain(name, text),
            Value::Array(items) => items.is_empty(),
            Value::Object(entries) => entries.is_empty(),
        };
        if !is_plain {
            *value = FILTERED.into();
        }
    }

    fn value(&self, value: &mut Value, depth: usize) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::String(text) => self.text(text),
            // A card's number is one without quotes, too.
            Value::Number(number) if number.as_u64().is_none_or(|number| number < card::LEAST) => {}
            Value::Number(number) => {
                if let Some(Filtered { text, .. }) = self.filtered(&number.to_string(), Kind::Words) {
                    *value = text.into();
                }
            }
            Value::Array(_) | Value::Object(_) if depth == 0 => *value = DEEPER.into(),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item, depth - 1)),
            Value::Object(entries) => self.map(entries, depth - 1),
        }
    }

    /// Names that are secrets themselves.
    fn names(&self, entries: &mut Map<String, Value>) {
        if entries.keys().any(|name| self.is_secret(name)) {
            for (name, value) in std::mem::take(entries) {
                let name = self.name(&name, |name| entries.contains_key(name));
                entries.insert(name, value);
            }
        }
    }

    /// The name without what is secret in it, and one that no other entry has.
    fn name(&self, name: &str, is_taken: impl Fn(&str) -> bool) -> String {
        let name = self.scrubbed(name);
        if !is_taken(&name) {
            return name;
        }
        let mut names = (2_u64..).map(|number| format!("{name} {number}"));
        names.find(|name| !is_taken(name)).unwrap_or_else(|| name.clone())
    }

    fn optional(&self, text: &mut Option<String>) {
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn text(&self, text: &mut String) {
        self.replace(text, Kind::Words);
    }

    fn replace(&self, text: &mut String, kind: Kind) {
        if let Some(filtered) = self.filtered(text, kind) {
            *text = filtered.text;
        }
    }

    fn scrubbed(&self, text: &str) -> String {
        self.filtered(text, Kind::Words).map_or_else(|| text.to_owned(), |filtered| filtered.text)
    }

    fn is_secret(&self, text: &str) -> bool {
        self.filtered(text, Kind::Words).is_some()
    }

    fn filtered(&self, text: &str, kind: Kind) -> Option<Filtered> {
        text::filtered(&self.rules, &Look { text, kind, keys: &self.keys, pii: self.pii })
    }

    /// Without the key or the rule of that name: what it is there for must then be told.
    #[cfg(test)]
    fn without(name: &str, pii: bool) -> Self {
        let mut scrubber = Self::new(&[], pii);
        scrubber.keys.leave_out(name);
        scrubber.rules.retain(|rule| rule.name != name);
        scrubber
    }
}

/// Stands for what lies too deep to be looked at.
const DEEPER: &str = "…";
