//! What tells the variants of an issue apart.

use super::issue::hash;
use crate::limits::VARIANT_CHARS;
use crate::model::TrackedEvent;

/// Which variant of its issue an event is: a hash of the label, and the label.
///
/// The label is the root cause, by its type and the first line of its text, and the innermost frame of the program's own:
/// `TimedOut: no answer from "…" within <*> in shop::pay::charge`. Numbers and quoted parts are taken out of the text. An
/// event without a cause is known by its message.
pub(crate) fn variant_of(event: &TrackedEvent) -> (u64, String) {
    let root = event.chain.last();
    let name = root.and_then(|cause| cause.type_name.as_deref()).unwrap_or_default();
    let text = root.map(|cause| cause.value.as_str()).or(event.message.as_deref()).unwrap_or_default();
    let text = masked(text.trim().lines().next().unwrap_or_default());
    let place = event.frames.iter().find(|frame| frame.in_app).and_then(|frame| {
        let function = frame.function.as_deref()?;
        Some(
            frame
                .module
                .as_ref()
                .map_or_else(|| function.to_owned(), |module| format!("{module}::{function}")),
        )
    });
    let parts = [name, text.as_str()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    let mut label = parts.join(": ");
    if let Some(place) = place {
        label = if label.is_empty() { place } else { format!("{label} in {place}") };
    }
    if let Some((end, _)) = label.char_indices().nth(VARIANT_CHARS) {
        label.truncate(end);
        label.push('…');
    }
    (hash(label.bytes()), label)
}

/// The text without its values: a word with a digit in it is `<*>`, what stands in quotes is `…`.
fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-');
        let end = if is_word(first) { rest.find(|char| !is_word(char)) } else { Some(first.len_utf8()) };
        let (part, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind;
        if part.contains(|char: char| char.is_ascii_digit()) {
            masked.push_str("<*>");
            continue;
        }
        // An apostrophe stands behind a letter, and is part of no word here: it opens nothing.
        let opens = matches!(first, '"' | '\'' | '`') && !masked.ends_with(char::is_alphanumeric);
        masked.push_str(part);
        if let Some((_, behind)) = rest.split_once(first).filter(|_| opens) {
            masked.push('…');
            masked.push(first);
            rest = behind;
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, EventKind, Frame};

    #[test]
    fn values_are_taken_out_of_a_text() {
        for (text, expected) in [
            ("no answer within 30 s", "no answer within <*> s"),
            ("card 4711-a of \"Ada \"", "card <*> of \"…\""),
            ("can't read `cart.toml`, it's gone", "can't read `…`, it's gone"),
            ("of 636bc9a5-2df2-4cef", "of <*>"),
            ("10.0.0.1:5432 refused", "<*>.<*>.<*>.<*>:<*> refused"),
            ("a \"quote that never ends", "a \"quote that never ends"),
            ("Größe 7 zu groß", "Größe <*> zu groß"),
            ("", ""),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn root_cause_and_place_tell_variants_apart() {
        let of = |chain: &[(&str, &str)], function: &str| {
            let chain = chain.iter().map(|(name, value)| {
                Cause::new(Some((*name).to_owned()).filter(|name| !name.is_empty()), *value)
            });
            let frame = |function: &str, in_app| Frame {
                function: Some(function.to_owned()),
                in_app,
                ..Frame::default()
            };
            let frames = vec![frame("poll", false), frame(function, true), frame("main", true)];
            variant_of(&TrackedEvent {
                chain: chain.collect(),
                frames,
                ..TrackedEvent::bare(EventKind::Error)
            })
        };
        let outer = ("Payment", "card 17");
        let (hash, label) = of(&[outer, ("TimedOut", "no answer in 30 s")], "charge");
        assert_eq!(label, "TimedOut: no answer in <*> s in charge");
        assert_eq!(of(&[("Order", "18"), ("TimedOut", "no answer in 9 s")], "charge"), (hash, label));
        for other in [
            of(&[outer, ("Refused", "no answer in 30 s")], "charge"),
            of(&[outer, ("TimedOut", "gone")], "charge"),
            of(&[outer, ("TimedOut", "no answer in 30 s")], "refund"),
        ] {
            assert_ne!(other.0, hash, "{}", other.1);
        }
        let long = of(&[("", &"long ".repeat(100))], "charge").1;
        assert_eq!(long.chars().count(), VARIANT_CHARS + 1);
        let said = TrackedEvent {
            message: Some("queue 3 closed\nin detail".to_owned()),
            ..TrackedEvent::bare(EventKind::Log)
        };
        assert_eq!(variant_of(&said).1, "queue <*> closed");
    }
}
