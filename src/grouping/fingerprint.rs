//! Fingerprint v1: by what events of one issue are known, in parts that a person can read.
//!
//! | part | is |
//! |---|---|
//! | `v1` | how it was made: another way of making it is another word |
//! | target | the module that logged, without generics and closures |
//! | skeleton | the message without the values in it; of an `#[instrument(err)]` the function |
//! | types | the types along the chain, outermost first, with the codes that tell their failures apart |
//!
//! Where neither message nor types say what failed, as with `error!("{e}")` or an `#[instrument(err)]` of anyhow's
//! errors, the skeleton of the error's own text stands in. There is no line and no file in it, so it outlives edits and
//! releases, and no raw value, so a line of code makes as many issues as it has failures.

use serde_json::{Map, Value};

use super::head::{head, says_something, unquoted};
use super::skeleton::skeleton;
use super::{codes, instrumented};
use crate::limits::FINGERPRINT_TYPES;
use crate::model::{Cause, EventKind, Fingerprint, TrackedEvent};

/// The fingerprint of an event: what was said of it, else what is made of it. Said parts may name the latter by
/// `{{ default }}`, as in Sentry's protocol.
pub(super) fn fingerprint(event: &TrackedEvent, said: Option<&Fingerprint>) -> Fingerprint {
    let Some(parts) = said.filter(|said| !is_blank(said)).map(Fingerprint::parts) else {
        return Fingerprint::new(of_event(event));
    };
    let is_default = |part: &str| {
        let inside = part.trim().strip_prefix("{{").and_then(|part| part.strip_suffix("}}"));
        inside.is_some_and(|name| name.trim() == "default")
    };
    let mut whole = Vec::with_capacity(parts.len());
    for part in parts {
        if is_default(part) {
            whole.extend(of_event(event));
        } else {
            whole.push(part.clone());
        }
    }
    Fingerprint::new(whole)
}

/// Whether a fingerprint says nothing.
pub(super) fn is_blank(fingerprint: &Fingerprint) -> bool {
    fingerprint.parts().iter().all(|part| part.trim().is_empty())
}

/// Takes the fields that say which issue the event belongs to; the first of them decides.
pub(super) fn take_named(fields: &mut Map<String, Value>) -> Option<Fingerprint> {
    let taken = ["fingerprint", "error.fingerprint"].map(|name| fields.remove(name));
    let said = taken.into_iter().flatten().map(|value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    });
    said.into_iter().find(|text| !text.trim().is_empty()).map(Fingerprint::from)
}

/// Whether a type's name tells more than that it is an error.
pub(super) fn is_specific(type_name: &str) -> bool {
    !type_name.trim().is_empty() && !UNSPECIFIC.contains(&type_name)
}

fn of_event(event: &TrackedEvent) -> Vec<String> {
    let mut parts = vec![SCHEME.to_owned()];
    match event.kind {
        EventKind::Panic => parts.extend([panicked_in(event), panic_text(event)]),
        EventKind::Error | EventKind::Log => {
            let mut types = types(&event.chain);
            parts.push(path(&event.target));
            let said = said(event);
            // A function's name says where, and nothing of what.
            let tells = said.is_some() && instrumented(event).is_none();
            parts.extend(said);
            if !tells && !types.iter().any(|link| link.has_name) {
                parts.push(error_text(event));
                // Which shows its own codes, as a line does of which nobody knows that it is nothing but an error.
                types = self::types(event.chain.get(1..).unwrap_or_default());
            }
            parts.extend(types.into_iter().map(|link| link.shown));
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// What the line says beside the error: its message, or its function.
fn said(event: &TrackedEvent) -> Option<String> {
    let said = instrumented(event).map_or_else(|| skeleton(head(event)), skeleton);
    (instrumented(event).is_some() || says_something(&said)).then_some(said)
}

/// What stands in where neither message nor types say anything: the outermost text that has words, since a chain may
/// begin with one that has none.
fn error_text(event: &TrackedEvent) -> String {
    let texts =
        || event.chain.iter().map(|cause| skeleton(unquoted(&cause.value))).filter(|text| !text.is_empty());
    let text = texts().find(|text| says_something(text)).or_else(|| texts().next());
    text.or_else(|| Some(skeleton(head(event))).filter(|head| !head.is_empty())).unwrap_or_else(|| {
        // Of a line with nothing but fields: their names, which the code gave them.
        skeleton(&event.fields.keys().map(String::as_str).collect::<Vec<_>>().join(" "))
    })
}

fn panic_text(event: &TrackedEvent) -> String {
    let text = event.chain.first().map_or("", |cause| cause.value.as_str());
    // An assertion shows its two values below.
    let said = format!("panicked: {}", skeleton(text.trim_start().lines().next().unwrap_or_default()));
    said.trim_end().to_owned()
}

/// The function of the program that panicked: many a panic has the text of the standard library.
fn panicked_in(event: &TrackedEvent) -> String {
    let frame = event.frames.iter().find(|frame| frame.in_app && frame.function.is_some());
    match frame.and_then(|frame| Some((frame.module.as_deref(), frame.function.as_deref()?))) {
        Some((Some(module), function)) => path(&format!("{module}::{function}")),
        Some((None, function)) => path(function),
        // Without a stack the file is all that is known; one of a library lies in a folder of the machine.
        None if event.target.is_empty() => event.file.as_deref().map(skeleton).unwrap_or_default(),
        None => path(&event.target),
    }
}

/// A link of a chain, as far as it tells.
struct Link {
    shown: String,
    /// It is more than a code that the text shows as well.
    has_name: bool,
}

/// The links that tell: the outer ones, and the root.
fn types(chain: &[Cause]) -> Vec<Link> {
    let mut types: Vec<Link> = chain.iter().filter_map(link).collect();
    let end = types.len().saturating_sub(1);
    if end >= FINGERPRINT_TYPES {
        types.drain(FINGERPRINT_TYPES - 1..end);
    }
    types
}

fn link(cause: &Cause) -> Option<Link> {
    let name = cause.type_name.as_deref().map(path).filter(|name| !name.is_empty());
    let code = codes::code(&cause.value);
    let has_name = name.as_deref().is_some_and(|name| code.is_some() || is_specific(name));
    let shown = match (name, code) {
        (Some(name), Some(code)) => format!("{name}[{code}]"),
        (Some(name), None) if has_name => name,
        (None, Some(code)) => code,
        (_, None) => return None,
    };
    Some(Link { shown, has_name })
}

/// A path of Rust without what the compiler puts into it: generics, closures, implementations, hashes. What is none,
/// such as the target of a record that was made at run time, loses its values as a message does.
pub(super) fn path(text: &str) -> String {
    let mut outside = String::with_capacity(text.len());
    let mut depth = 0_usize;
    // `<shop::Cart as Drop>::drop` is known by the type: what follows `as` is left out.
    let of_trait = text.trim_start_matches(['&', '*']);
    let of_type = of_trait.strip_prefix('<').and_then(|rest| rest.split_once(" as "));
    let (start, rest) = match of_type {
        Some((name, rest)) => (name, after_generics(rest)),
        None => (of_trait.trim_start_matches('<'), ""),
    };
    let start = start.trim_start_matches(['&', '*']).trim_start_matches("mut ").trim_start_matches("dyn ");
    for character in start.chars().chain(rest.chars()) {
        match character {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            _ if depth == 0 => outside.push(character),
            _ => {}
        }
    }
    let is_hash = |part: &str| {
        part.len() == 17 && part.starts_with('h') && part.chars().skip(1).all(|c| c.is_ascii_hexdigit())
    };
    let parts = outside.split("::").map(str::trim);
    let kept: Vec<&str> =
        parts.filter(|part| !part.is_empty() && !part.starts_with('{') && !is_hash(part)).collect();
    let path = kept.join("::");
    let is_path = path.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ':'));
    if is_path && path.len() <= crate::limits::SKELETON_CHARS { path } else { skeleton(&path) }
}

/// What follows the `>` that closes a trait's name.
fn after_generics(text: &str) -> &str {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '<' => depth += 1,
            '>' if depth == 0 => return text.get(at + 1..).unwrap_or_default(),
            '>' => depth -= 1,
            _ => {}
        }
    }
    ""
}

/// How fingerprints are made at present.
const SCHEME: &str = "v1";

/// Names that say of an error that it is one.
const UNSPECIFIC: [&str; 16] = [
    "Any",
    "Box",
    "Custom",
    "Err",
    "Error",
    "ErrorKind",
    "Exception",
    "Os",
    "Other",
    "Report",
    "String",
    "anyhow::Error",
    "eyre::Report",
    "io::Error",
    "std::io::Error",
    "std::string::String",
];
