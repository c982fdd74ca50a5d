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
use crate::trail::CRUMB_BYTES;
use crate::trail::crumb::Ear;
use crate::trail::text::{JOINT, PANICKED, fitting};

/// Listens to the pieces of one message.
#[derive(Debug)]
pub(super) struct Pieces {
    /// Bytes that it listens to.
    most: usize,
    /// Bytes so far.
    length: usize,
    /// Where the argument begins that may be an error.
    at: Option<usize>,
    /// The last piece ended as a literal part before an error does.
    leads: bool,
    /// A space stands between `at` and here.
    words: bool,
    /// Braces, brackets and parentheses of a `Debug` that are open: what is labelled in there is a field of it.
    depth: u32,
    /// Where the last piece began.
    last: usize,
    /// Where a `Debug` with a type began.
    shown: Option<usize>,
    /// The argument is a report: it shows its causes.
    is_report: bool,
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
        if self.length >= self.most {
            return false;
        }
        if piece == JOINT && self.depth == 0 {
            self.joins();
        }
        self.nest(piece);
        self.leads_to(piece);
        self.leads = self.depth == 0 && is_lead(piece);
        self.last = self.length;
        self.length += piece.len();
        true
    }
}

impl Default for Pieces {
    fn default() -> Self {
        Self::up_to(CRUMB_BYTES)
    }
}

impl Pieces {
    /// Listens to so many bytes; by default to as many as a breadcrumb may hold.
    pub(super) fn up_to(most: usize) -> Self {
        Self {
            most,
            length: 0,
            at: None,
            leads: false,
            words: false,
            depth: 0,
            last: 0,
            shown: None,
            is_report: false,
            hashes: [0; COMMON],
            hashed: 0,
            joints: [0; JOINTS],
            joined: 0,
        }
    }

    /// Opens and closes what a derived `Debug` writes, each as a piece of its own.
    fn nest(&mut self, piece: &str) {
        match piece.trim_end_matches('\n') {
            "{" | " {" | " { " | "(" | "[" => {
                // `failed with Os { code: 2, …`: the piece before it is the type of what begins here.
                if self.depth == 0 && self.at.is_none() && self.length > 0 {
                    self.shown = Some(self.last);
                }
                self.depth += 1;
            }
            " }" | ", .. }" => self.depth = self.depth.saturating_sub(1),
            // A literal part that closes what another one opened goes on behind it.
            _ if piece.starts_with(['}', ')', ']']) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    /// Takes a piece in, whatever its length, by its beginning.
    fn leads_to(&mut self, piece: &str) {
        let piece = fitting(piece, CRUMB_BYTES);
        if self.depth > 0 {
            self.words |= self.at.is_some();
            return;
        }
        match self.at {
            // The `Debug` of a report: what was written before it in one piece is its outermost text.
            None if REPORTS.iter().any(|begin| piece.starts_with(begin)) => {
                (self.at, self.words) = (Some(self.last), true);
                self.is_report = true;
            }
            None if self.leads => (self.at, self.words) = (Some(self.length), false),
            // `for user: {user}, shard: {shard}`: that was an argument with a label; this is the next label.
            Some(_) if !self.words && is_label(piece) => self.at = None,
            _ => {}
        }
        self.words |= piece.trim_end().contains(' ');
        if self.hashed < COMMON && piece.bytes().filter(u8::is_ascii_alphabetic).nth(1).is_some() {
            if let Some(slot) = self.hashes.get_mut(self.hashed) {
                *slot = hash(piece);
            }
            self.hashed += 1;
        }
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
        if self.is_report {
            return self.at.filter(|at| text.is_char_boundary(*at));
        }
        let led = self.at.filter(|at| is_led_to(text, *at));
        led.or_else(|| self.shown_in(text)).or_else(|| bare_in(text))
    }

    /// Where the `Debug` of an error begins that nothing but words led to: `failed Os { code: 2, … }`.
    fn shown_in(&self, text: &str) -> Option<usize> {
        let at = self.shown?;
        let (head, tail) = text.split_at_checked(at)?;
        let name = variant(tail)?;
        let is_error = ["Error", "Err", "Failure"].iter().any(|end| name.ends_with(end))
            || ["Os", "Custom", "Elapsed"].contains(&name);
        let ends = tail.trim_end().ends_with(['}', ')', '…']) || self.length > text.len();
        (ends && (is_error || FAILED.iter().any(|word| ends_with_word(head.trim_end(), word)))).then_some(at)
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

/// Whether what stands behind a lead reads like an error.
fn is_led_to(text: &str, at: usize) -> bool {
    let Some((head, tail)) = text.split_at_checked(at) else { return false };
    let quotes = head.bytes().filter(|byte| matches!(byte, b'"' | b'`')).count();
    head.contains(char::is_alphabetic) && quotes % 2 == 0 && reads_like_an_error(tail.trim(), head)
}

/// A message that is an error's text and nothing else, where the text itself tells.
fn bare_in(text: &str) -> Option<usize> {
    // As the standard library writes what the system said.
    let before = text.strip_suffix(')')?.trim_end_matches(|c: char| c.is_ascii_digit());
    before.ends_with("(os error ").then_some(0)
}

/// Whether a literal part ends as one before an error does.
fn is_lead(piece: &str) -> bool {
    const ENDS: [&str; 6] = [":", " -", " --", " —", "=>", " ("];
    const NAMES: [&str; 8] = ["error", "err", "e", "cause", "reason", "source", "exception", "failure"];
    if let Some(named) = piece.strip_suffix('=') {
        return NAMES.iter().any(|name| ends_with_word(named, name));
    }
    const WORDS: [&str; 7] = ["because", "due to", "caused by", "error", "err", "failed with", "exited with"];
    // A colon alone may stand inside an argument, as in a time or a path.
    let open = piece.ends_with([' ', '\n', '(']);
    let spaced = piece.strip_suffix([' ', '\n']).unwrap_or(piece);
    // A report of several lines begins on one of its own.
    piece.ends_with("\n\n")
        || open
            && (ENDS.iter().any(|end| spaced.ends_with(end))
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
    let fails = tells_of_a_failure(head);
    // `[6] Could not resolve host` begins like a list, and goes on.
    let goes_on = fails && tail.contains(' ') && !tail.ends_with(['"', '\'', ']', '}', ')']);
    if VALUES.iter().any(|value| tail.starts_with(value)) && !goes_on || matches!(tail, "true" | "false") {
        return false;
    }
    let label = head.trim_end_matches([':', ' ', '-', '—', '=', '>']);
    // What is named is a value, whatever it reads like, unless the line says that something failed.
    if !fails
        && (VALUED.iter().any(|name| ends_with_word(label, name))
            || head.trim_end().ends_with(['-', '—', '>']))
    {
        return false;
    }
    // In brackets stands as often something else.
    if head.ends_with('(') && !fails {
        return false;
    }
    let variant = variant(tail);
    if variant.is_some() && LABELS.iter().any(|name| ends_with_word(label, name)) {
        return false;
    }
    match tail.split_once(char::is_whitespace) {
        // An amount with its unit, a time; but `404 Not Found`, `451 try again later`, and the numbered list that color-eyre begins with.
        Some((first, rest)) if first.starts_with(|c: char| c.is_ascii_digit()) => {
            let is_status = first.len() == 3
                && (rest.starts_with(|c: char| c.is_ascii_uppercase()) || fails && rest.contains(' '));
            is_status || first == "0:"
        }
        Some(_) => true,
        // One word: the name of a variant, or what a line that says that something failed ends with.
        // The words for that are English; of other languages any word will do.
        None => variant.is_some() || (!is_value(tail) && (fails || !head.is_ascii() || !tail.is_ascii())),
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

/// Whether a word is a path, an address, an amount, an id or the name of a host.
fn is_value(word: &str) -> bool {
    if word.starts_with(|first: char| first.is_ascii_digit()) {
        return true;
    }
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

/// Behind which stands what was meant, not what went wrong.
const VALUED: [&str; 34] = [
    "account", "address", "at", "after", "addr", "by", "column", "customer", "field", "file", "for", "from",
    "host", "id", "in", "ip", "item", "key", "name", "of", "order", "owner", "path", "port", "queue", "size",
    "table", "to", "token", "topic", "url", "user", "value", "found",
];

/// Behind which the `Debug` of an error may stand without a colon.
const FAILED: [&str; 6] = ["failed", "failed with", "fails with", "error", "err", "with error"];

/// With which the `Debug` of anyhow, eyre and their kin goes on behind the outermost text.
const REPORTS: [&str; 3] = ["\n\nCaused by:", "\n\nStack backtrace:", "\n\nBacktrace:"];

/// What a variant is the value of, if it stands before it.
const LABELS: [&str; 14] = [
    "state", "status", "signal", "mode", "phase", "step", "stage", "kind", "type", "level", "event",
    "command", "action", "role",
];

/// Joints of a message that are remembered.
const JOINTS: usize = 8;

fn hash(piece: &str) -> u64 {
    let hash = piece.bytes().take(64).fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    hash.max(1)
}

#[cfg(test)]
mod tests;
