//! Which spans say something of a user or of tags: told by the names of their fields, once for each callsite.

use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::Metadata;

use super::detect;

/// Whether a span has a field that tells of a user, or is a tag.
#[inline]
pub(super) fn names(callsite: &'static Metadata<'static>) -> bool {
    let address = ptr::from_ref(callsite).addr();
    // Metadata takes more than a hundred bytes; neighbours are callsites of one crate.
    let slot = (address / size_of::<Metadata<'static>>()) % SLOTS;
    let Some(verdict) = VERDICTS.get(slot) else { return look(callsite) };
    // Relaxed: the word says whose verdict it is.
    let known = verdict.load(Ordering::Relaxed);
    if known & !NAMES == address {
        return known & NAMES != 0;
    }
    let names = look(callsite);
    verdict.store(address | if names { NAMES } else { 0 }, Ordering::Relaxed);
    names
}

#[cold]
fn look(callsite: &Metadata<'_>) -> bool {
    callsite.fields().iter().any(|field| detect::is_name(field.name()))
}

/// The verdicts on the callsites that were looked at last, each with the address that it is of. It is the same for every
/// pipeline.
static VERDICTS: [AtomicUsize; SLOTS] = [const { AtomicUsize::new(0) }; SLOTS];
const SLOTS: usize = 256;
/// A bit that no address of a callsite has.
const NAMES: usize = 1;
const _: () = assert!(align_of::<Metadata<'static>>() > NAMES);
