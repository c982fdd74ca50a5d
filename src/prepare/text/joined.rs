//! Chains on one line, `top: cause: root`: the alternate `Display` of anyhow, eyre and their kin.
//!
//! A text has colons of its own, so where one cause ends and the next begins cannot be read off it: `a: b: c` may be
//! one, two or three. But it was written piece by piece, and between two causes `: ` is a piece of its own, while that of
//! a text stands within a longer one. So a text is split at such joints only: behind what the plain form says, or, where
//! nobody knows that, if there are at least two, since one may be that of an error which writes its kind and its detail.
//! Anything else is left whole, and holds its causes' texts too, as the program itself writes them: less is told, but
//! nothing is made up.

use crate::limits::CHAIN_LINKS;
use crate::trail::text::JOINT;

/// What stands behind the outermost text, if `alternate` goes on from the plain one. Other types do other things with
/// the alternate flag.
pub(super) fn behind<'t>(plain: &str, alternate: &'t str) -> Option<&'t str> {
    alternate.strip_prefix(plain)?.strip_prefix(JOINT)
}

/// The texts between the joints, which stand at these bytes, in order; and whether something was left out.
pub(super) fn causes(text: &str, joints: impl Iterator<Item = usize>) -> (Vec<&str>, bool) {
    let mut causes = Vec::new();
    let mut from = 0;
    for at in joints {
        let (Some(cause), Some(behind)) = (text.get(from..at), text.get(at..)) else { continue };
        let Some(next) = behind.strip_prefix(JOINT) else { continue };
        // `tracing-error` hides a list of spans in the chain, which has joints of its own.
        if next.starts_with(SPANS) {
            causes.push(cause);
            return (causes, true);
        }
        if causes.len() < CHAIN_LINKS && !is_name(cause) {
            causes.push(cause);
            from = at + JOINT.len();
        }
    }
    causes.extend(text.get(from..));
    (causes, false)
}

/// Whether a text is a place or a number, of which the text behind it says something: `/etc/hosts: not found` is one.
fn is_name(text: &str) -> bool {
    !text.contains(char::is_whitespace) && !text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

const SPANS: &str = "span backtrace:\n";
