//! What went wrong, out of whatever a line said of it: an error that was handed over, a text, the end of the message,
//! fields of their own.

use serde_json::{Map, Value};

use super::text::{self, Read};
use crate::limits::{CHAIN_LINKS, MESSAGE_BYTES};
use crate::model::{Breadcrumb, CapturedError, Cause, Frame};
use crate::trail::text::{PANICKED, fitting};

/// The error of an event, its message and its siblings.
#[derive(Debug, Default)]
pub(super) struct Errors {
    pub(super) read: Read,
    pub(super) siblings: Vec<Vec<Cause>>,
    pub(super) message: Option<String>,
    /// Where in the message the error's text begins, if it was read out of there.
    pub(super) error_at: Option<usize>,
}

impl Errors {
    /// Reads the error, with what the fields say of it, and takes out of message and fields what is no part of its text.
    pub(super) fn read(
        error: &CapturedError,
        siblings: &[CapturedError],
        message: Option<String>,
        fields: &mut Map<String, Value>,
    ) -> Self {
        let mut read = match error {
            CapturedError::Tail { at, joints } => {
                let tail = message.as_deref().map(|message| tail(message, *at)).unwrap_or_default();
                let joints: Vec<usize> = joints.iter().filter_map(|joint| joint.checked_sub(*at)).collect();
                text::read(tail, None, &joints)
            }
            CapturedError::Fields => explicit(fields),
            other => of(other),
        };
        if let (Some(hint), Some(outermost)) = (hint(fields), read.chain.first_mut()) {
            outermost.type_name.get_or_insert(hint);
        }
        if read.stack.is_empty() {
            read.stack = take_stack(fields);
        }
        let siblings = siblings.iter().map(|sibling| of(sibling).chain).filter(|chain| !chain.is_empty());
        for text in fields.values_mut().filter_map(as_text) {
            trim(text);
        }
        let (message, mut error_at) = shortened(message, error);
        error_at = error_at.or_else(|| repeated_at(message.as_deref()?, error, &read));
        Self { read, siblings: siblings.collect(), message, error_at }
    }
}

/// The error at the end of a message, without the bracket that closes one before it: `charge failed ({error})`. Where a
/// formatter panicked, nothing of the message is left but that.
fn tail(message: &str, at: usize) -> &str {
    if message == PANICKED {
        return message;
    }
    let tail = message.get(at..).unwrap_or_default().trim_end();
    let closed = tail.matches(')').count() > tail.matches('(').count();
    tail.strip_suffix(')').filter(|_| closed).unwrap_or(tail)
}

/// Takes out of breadcrumbs what is no part of an error's text.
pub(super) fn trim_breadcrumbs(breadcrumbs: &mut [Breadcrumb]) {
    for crumb in breadcrumbs {
        trim(&mut crumb.message);
        crumb.data.values_mut().filter_map(as_text).for_each(trim);
    }
}

fn of(error: &CapturedError) -> Read {
    match error {
        CapturedError::Typed { links, cut } => {
            // `tracing-error` hides a node in the chain that is no error but a list of spans.
            let links = links.iter().filter(|link| !link.value.starts_with("span backtrace:\n"));
            let causes = links.map(|link| Cause::new(text::type_name(&link.debug), link.value.clone()));
            Read { chain: causes.collect(), cut: *cut, stack: Vec::new() }
        }
        // What the alternate form does not go on from has no causes: its colons are its own.
        CapturedError::Text { plain, alternate, joints } => {
            let joints = alternate.as_ref().map_or(&[][..], |_| joints);
            text::read(plain, alternate.as_deref(), joints)
        }
        CapturedError::Panic { payload } => {
            Read { chain: vec![Cause::new(Some("panic".to_owned()), payload.clone())], ..Read::default() }
        }
        CapturedError::Tail { .. } | CapturedError::Fields | CapturedError::Nothing => Read::default(),
    }
}

/// An error told by fields: the message, the type, the causes.
fn explicit(fields: &Map<String, Value>) -> Read {
    let message = first(fields, &MESSAGES).map(|text| text::read(text, None, &[]));
    let causes = first(fields, &CHAINS).map(|text| text::read(text, None, &[]));
    match (message, causes) {
        (Some(mut message), Some(mut causes)) => {
            // The chain begins with the error itself, or below it.
            let top = message.chain.first().map(|cause| &cause.value);
            if causes.chain.first().map(|cause| &cause.value) == top {
                return causes;
            }
            message.chain.append(&mut causes.chain);
            message.cut |= causes.cut || message.chain.len() > CHAIN_LINKS;
            message.chain.truncate(CHAIN_LINKS);
            message
        }
        (Some(read), None) | (None, Some(read)) => read,
        // A type alone is a name, and all that is known; so is a stack.
        (None, None) => {
            let name = first(fields, &TYPES).unwrap_or_default();
            let chain = vec![Cause::new(None, name)];
            Read { chain, ..Read::default() }
        }
    }
}

/// The type that a field names.
fn hint(fields: &Map<String, Value>) -> Option<String> {
    let named = TYPES.iter().filter_map(|name| fields.get(*name)?.as_str());
    named.map(unquoted).find(|name| text::is_type(name)).map(str::to_owned)
}

/// Takes the stack out of the field that has it, if frames can be read there.
fn take_stack(fields: &mut Map<String, Value>) -> Vec<Frame> {
    for name in STACKS {
        let stack = fields.get(name).and_then(Value::as_str).map(text::stack).unwrap_or_default();
        if !stack.is_empty() {
            fields.remove(name);
            return stack;
        }
    }
    Vec::new()
}

fn first<'f>(fields: &'f Map<String, Value>, names: &[&str]) -> Option<&'f str> {
    let texts = names.iter().filter_map(|name| fields.get(*name)?.as_str());
    texts.map(str::trim).find(|text| !text.is_empty())
}

/// A name that was written by `?` stands in quotes.
fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

/// The message without what is no part of its words, cut to what an event keeps, and where the error begins in it.
fn shortened(message: Option<String>, error: &CapturedError) -> (Option<String>, Option<usize>) {
    let Some(mut message) = message else { return (None, None) };
    let at = if let CapturedError::Tail { at, .. } = error { Some(*at) } else { None };
    let at = at.filter(|at| message.is_char_boundary(*at));
    match at {
        Some(at) => {
            let tail = message.split_off(at);
            message.push_str(&text::bare(&tail));
        }
        None => trim(&mut message),
    }
    if message.len() > MESSAGE_BYTES {
        let fits = fitting(&message, MESSAGE_BYTES).len();
        message.truncate(fits);
        message.push('…');
    }
    let at = at.filter(|at| *at <= message.len());
    (Some(message), at)
}

/// Where a message ends with the `Debug` that a field has too. Its first link shows only a part of it, by which nobody
/// finds it there.
fn repeated_at(message: &str, error: &CapturedError, read: &Read) -> Option<usize> {
    let CapturedError::Text { plain, .. } = error else { return None };
    let value = &read.chain.first()?.value;
    let before = message.strip_suffix(plain.as_str()).filter(|_| !plain.is_empty() && plain != value)?;
    Some(before.len())
}

fn trim(text: &mut String) {
    if let Some(trimmed) = text::without_sections(text) {
        *text = trimmed;
    }
}

fn as_text(value: &mut Value) -> Option<&mut String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

const MESSAGES: [&str; 3] = ["exception.message", "error.message", "err.msg"];
const CHAINS: [&str; 2] = ["error.cause_chain", "err.detail"];
const TYPES: [&str; 4] = ["exception.type", "error.type", "error_type", "err_type"];
const STACKS: [&str; 3] = ["exception.stacktrace", "error.stack", "error.stack_trace"];
