//! Whether a message ends with an error: `error!("cannot open {path}: {error}")`.
//!
//! A message arrives as a value that can only be formatted, but it is written piece by piece: the literal parts of the
//! format string and its arguments are separate writes. So a literal part that ends with `: ` and is followed by
//! something tells an argument at the end of the message, which a message without arguments, whatever colons it has,
//! does not. Whether that argument reads like an error is then judged by its text. Half of the errors in real programs
//! are logged this way, and 83 % of those end in `: {error}`.
//!
//! `error!("{error}")` has no literal part. It cannot be told from a message at first sight; from the second on that has
//! no words in common with the first, the line is known to say nothing of its own.

use crate::ledger::COMMON;
use crate::limits::MESSAGE_BYTES;
use crate::trail::crumb::Ear;
use crate::trail::text::{JOINT, PANICKED, fitting};

/// Listens to the pieces of one message.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// Bytes so far.
    length: usize,
    /// Where the argument begins that may be an error.
    at: Option<usize>,
    /// The last piece ended as a literal part before an error does.
    leads: bool,
    /// A space stands between `at` and here.
    words: bool,
    /// What stands behind `at`, as far as it is looked at.
    tail: [u8; TAIL_BYTES],
    tail_bytes: usize,
    tail_ended: bool,
    /// Hashes of the first pieces that are words.
    hashes: [u64; COMMON],
    hashed: usize,
    /// Where the pieces stand that join an error to its cause.
    joints: [u16; JOINTS],
    joined: usize,
}

impl Ear for Pieces {
    fn hear(&mut self, piece: &str) -> bool {
        if piece.is_empty() {
            return true;
        }
        if self.length >= PIECES_BYTES {
            return false;
        }
        if piece == JOINT {
            self.joins();
        }
        self.leads_to(piece);
        self.leads = is_lead(piece);
        self.length += piece.len();
        if self.at.is_some() && !self.tail_ended {
            self.keep(piece);
        }
        true
    }
}

impl Pieces {
    /// Takes a piece in, whatever its length, by its beginning.
    fn leads_to(&mut self, piece: &str) {
        let piece = fitting(piece, PIECES_BYTES);
        match self.at {
            None if self.leads => {
                (self.at, self.words) = (Some(self.length), false);
                (self.tail_bytes, self.tail_ended) = (0, false);
            }
            // `for user: {user}, shard: {shard}`: that was an argument with a label; this is the next label.
            Some(_) if !self.words && is_label(piece) => self.at = None,
            _ => {}
        }
        self.words |= piece.trim_end().contains(' ');
        if self.hashed < COMMON
            && piece.chars().filter(|character| character.is_alphabetic()).nth(1).is_some()
        {
            if let Some(slot) = self.hashes.get_mut(self.hashed) {
                *slot = hash(piece);
            }
            self.hashed += 1;
        }
    }

    fn keep(&mut self, piece: &str) {
        let room = self.tail.get_mut(self.tail_bytes..).unwrap_or_default();
        let kept = fitting(piece, room.len());
        if let Some(place) = room.get_mut(..kept.len()) {
            place.copy_from_slice(kept.as_bytes());
        }
        self.tail_bytes += kept.len();
        // What follows a piece that was cut is no part of it.
        self.tail_ended |= kept.len() < piece.len();
    }

    fn joins(&mut self) {
        if let (Some(slot), Ok(at)) = (self.joints.get_mut(self.joined), u16::try_from(self.length)) {
            *slot = at;
            self.joined += 1;
        }
    }

    /// The bytes of the message at which an error may be joined to its cause.
    pub(super) fn joints(&self) -> Vec<usize> {
        self.joints.iter().take(self.joined).map(|at| usize::from(*at)).collect()
    }

    /// Where the error's text begins in the message `text`, if it ends with one.
    pub(super) fn error_in(&self, text: &str) -> Option<usize> {
        if text == PANICKED {
            // Nothing of the message is left; what panicked was in the place of an error.
            return (self.at.is_some() || self.leads).then_some(0);
        }
        let at = self.at?;
        // Of a long message the breadcrumb has the beginning only.
        let (head, tail) = match text.split_at_checked(at) {
            Some((head, tail)) if !tail.is_empty() => (head, tail),
            _ if text.len() <= at => (text, self.tail()),
            _ => return None,
        };
        let quotes = head.bytes().filter(|byte| matches!(byte, b'"' | b'`')).count();
        let has_words = head.bytes().any(|byte| byte.is_ascii_alphabetic());
        (has_words && quotes % 2 == 0 && reads_like_an_error(tail.trim(), head)).then_some(at)
    }

    fn tail(&self) -> &str {
        let kept = self.tail.get(..self.tail_bytes).unwrap_or_default();
        str::from_utf8(kept).unwrap_or_default()
    }

    /// Something led over to an argument at its end, whatever that is.
    pub(super) fn has_lead(&self) -> bool {
        self.at.is_some()
    }

    /// What its message is made of, as hashes.
    pub(super) fn hashes(&self) -> &[u64; COMMON] {
        &self.hashes
    }
}

/// Whether a literal part ends as one before an error does.
fn is_lead(piece: &str) -> bool {
    const ENDS: [&str; 7] = [":", "=", " -", " --", " —", "=>", " ("];
    const WORDS: [&str; 7] = ["because", "due to", "caused by", "error", "err", "failed with", "exited with"];
    // A colon alone may stand inside an argument, as in a time or a path.
    let open = piece.ends_with([' ', '\n', '=', '(']);
    let spaced = piece.strip_suffix([' ', '\n']).unwrap_or(piece);
    open && (ENDS.iter().any(|end| spaced.ends_with(end))
        || WORDS.iter().any(|word| ends_with_word(spaced, word)))
}

/// Whether a literal part names the next argument: `, shard: `, ` shard=`.
fn is_label(piece: &str) -> bool {
    let listed =
        piece.strip_prefix([',', ';', ')', ']']).and_then(|rest| rest.trim().strip_suffix([':', '=']));
    let name = listed.or_else(|| piece.strip_prefix(' ')?.strip_suffix('='));
    name.is_some_and(|name| (1..=24).contains(&name.len()) && !name.contains("caused by"))
}

/// Whether an argument at the end of a message is an error, as far as a text can tell: not a number, a name, a path, a
/// quoted or listed value.
fn reads_like_an_error(tail: &str, head: &str) -> bool {
    const VALUES: [&str; 8] = ["\"", "'", "[", "{", "(", "Some(", "None", "Ok("];
    if !tail.bytes().any(|byte| byte.is_ascii_alphabetic()) && tail.is_ascii() {
        return false;
    }
    if VALUES.iter().any(|value| tail.starts_with(value)) || matches!(tail, "true" | "false") {
        return false;
    }
    // In brackets stands as often something else.
    if head.ends_with('(') && !tells_of_a_failure(head) {
        return false;
    }
    let variant = variant(tail);
    if variant.is_some()
        && LABELS.iter().any(|label| ends_with_word(head.trim_end_matches([':', '=', ' ']), label))
    {
        return false;
    }
    match tail.split_once(char::is_whitespace) {
        // An amount with its unit, a time; but `404 Not Found`, and the numbered list that color-eyre begins with.
        Some((first, rest)) if first.starts_with(|c: char| c.is_ascii_digit()) => {
            let is_status = first.len() == 3 && rest.starts_with(|c: char| c.is_ascii_uppercase());
            is_status || first == "0:"
        }
        Some(_) => true,
        // One word: the name of a variant, or what a line that says that something failed ends with.
        None => variant.is_some() || (!is_value(tail) && tells_of_a_failure(head)),
    }
}

/// The variant or type that a derived `Debug` begins with.
fn variant(tail: &str) -> Option<&str> {
    let end = tail.find(|c: char| !c.is_ascii_alphanumeric() && c != ':' && c != '_').unwrap_or(tail.len());
    let (name, rest) = tail.split_at_checked(end)?;
    let is_whole = rest.is_empty() || rest.starts_with('(') || rest.starts_with(" {");
    let is_type = name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().any(|byte| byte.is_ascii_lowercase());
    (is_whole && is_type).then_some(name)
}

/// Whether a word is a path, an address, an id or the name of a host.
fn is_value(word: &str) -> bool {
    let has_port = || word.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let has_dot = || word.trim_end_matches(['.', ')']).contains('.');
    word.bytes().any(|byte| matches!(byte, b'/' | b'@' | b'=' | b'\\'))
        || word.bytes().filter(u8::is_ascii_digit).count() * 3 > word.len()
        || has_dot()
        || has_port()
}

/// Whether the head of a message tells of a failure. What is invalid or unexpected is named behind the colon: it is a
/// value.
fn tells_of_a_failure(head: &str) -> bool {
    const WORDS: [&str; 18] = [
        "fail",
        "error",
        "err ",
        "err:",
        "cannot",
        "can't",
        "could not",
        "couldn't",
        "unable",
        "refused",
        "reject",
        "abort",
        "panic",
        "lost",
        "broke",
        "timed out",
        "exception",
        "problem",
    ];
    let contains = |word: &str| {
        head.as_bytes().windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
    };
    WORDS.iter().any(|word| contains(word))
}

/// Whether a text ends with a word, whatever its case, that nothing is glued to.
fn ends_with_word(text: &str, word: &str) -> bool {
    let Some((before, end)) = text.len().checked_sub(word.len()).and_then(|at| text.split_at_checked(at))
    else {
        return false;
    };
    end.eq_ignore_ascii_case(word) && !before.ends_with(|c: char| c.is_alphanumeric())
}

/// What a variant is the value of, if it stands before it.
const LABELS: [&str; 14] = [
    "state", "status", "signal", "mode", "phase", "step", "stage", "kind", "type", "level", "event",
    "command", "action", "role",
];

/// Joints of a message that are remembered.
const JOINTS: usize = 8;

/// Bytes of a message in which an error is looked for.
const PIECES_BYTES: usize = MESSAGE_BYTES;
/// Bytes of what may be an error by which it is judged, where the breadcrumb has no room for it.
const TAIL_BYTES: usize = 32;

fn hash(piece: &str) -> u64 {
    let hash = piece.bytes().take(64).fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    hash.max(1)
}

#[cfg(test)]
mod tests;
