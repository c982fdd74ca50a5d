//! The chain of causes of a typed error, copied as text.
//!
//! Everything the error does (`Display`, `Debug`, `source`) is user code: bounded, and its panics caught.

use std::error::Error;
use std::io;
use std::ptr;

use crate::limits::{CHAIN_LINKS, FIELD_BYTES, TYPE_TEXT_BYTES};
use crate::model::{CapturedError, Link};
use crate::sync::caught;
use crate::trail::text::{BoundedString, format_into};

/// Copies an error and its causes, outermost first; stops at an error that was seen before, or whose cause cannot be
/// had. `text` is its own text where that is known already: a formatter may say another thing the next time.
pub(crate) fn typed(error: &(dyn Error + 'static), mut text: Option<&str>) -> CapturedError {
    let mut links = Vec::new();
    let mut seen: [Option<*const dyn Error>; CHAIN_LINKS] = [None; CHAIN_LINKS];
    let mut next = Some(error);
    while let Some(error) = next {
        let is_known = seen.iter().flatten().take(links.len()).any(|earlier| same(*earlier, error));
        let Some(slot) = seen.get_mut(links.len()).filter(|_| !is_known) else {
            return CapturedError::Typed { links, cut: true };
        };
        *slot = Some(error);
        links.push(Link {
            value: match text.take() {
                Some(text) => text.to_owned(),
                None => BoundedString::format(FIELD_BYTES, format_args!("{error}")),
            },
            debug: type_text(error),
        });
        let Some(source) = caught(|| error.source()) else {
            return CapturedError::Typed { links, cut: true };
        };
        next = source;
    }
    CapturedError::Typed { links, cut: false }
}

/// Writes the texts of a chain, one behind the other.
pub(crate) fn say_chain(error: &(dyn Error + 'static), out: &mut BoundedString) {
    let mut next = Some(error);
    for _ in 0..CHAIN_LINKS {
        let Some(link) = next else { return };
        format_into(out, format_args!("{link}\n"));
        next = caught(|| link.source()).flatten();
    }
}

/// The head of an error's `Debug`, which names its type; that of an `io::Error` names a part of it that nobody knows.
fn type_text(error: &(dyn Error + 'static)) -> String {
    if error.is::<io::Error>() {
        return "io::Error".to_owned();
    }
    BoundedString::format(TYPE_TEXT_BYTES, format_args!("{error:?}"))
}

/// The same object as the same type: an error without size may share its address with its source. Tables of methods
/// may be merged or doubled by the compiler; a wrong answer makes a circle longer, up to the limit.
fn same(earlier: *const dyn Error, error: &(dyn Error + 'static)) -> bool {
    ptr::eq(earlier, error)
}
