//! Secrets that are known by their shape, whatever stands around them: PEM blocks, credentials behind the word that
//! names their sort, and the keys and tokens of services that begin in a way of their own.
//!
//! The beginnings are those that the services document for such searches. The expressions are compiled once and run in
//! time that grows with the text alone.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::assigned;
use super::look::{Found, Look};

/// Bytes of the shortest run that one of the services' keys is found by.
pub(super) const SHORTEST: usize = 12;

/// Everything from `-----BEGIN` to the end of the line with `-----END`, or of the text, where that was cut.
pub(super) fn find_pem(look: &Look<'_>, found: &mut Found) {
    let mut from = 0;
    while let Some(start) = look.from(from).find(BEGIN).map(|at| from + at) {
        let inside = start + BEGIN.len();
        let end = look.from(inside).find(END).map(|at| inside + at + END.len());
        let end = end.map(|label| look.from(label).find(DASHES).map(|at| label + at + DASHES.len()));
        from = end.flatten().unwrap_or_else(|| look.end()).max(inside);
        if end.is_some() || has_body(look.text.get(inside..from).unwrap_or_default()) || look.is_cut_at(from)
        {
            found.push(start..from);
        }
    }
}

/// Whether a block begins there that is more than its label: a sentence may speak of labels.
fn has_body(label: &str) -> bool {
    let (name, body) = label.split_once(DASHES).unwrap_or((label, ""));
    let body = body.trim_start_matches(['\\', 'n', 'r', '\n', '\r', ' ']);
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    // The block may go on below, where only this line is at hand.
    name.contains("PRIVATE") || body.is_empty() || body.bytes().take_while(is_base64).count() >= SHORTEST
}

/// Whether a PEM block goes on in the line behind this one.
pub(super) fn goes_on(line: &str, inside: bool) -> bool {
    match (line.rfind(BEGIN), line.rfind(END)) {
        (Some(begin), Some(end)) => begin > end,
        (Some(_), None) => true,
        (None, Some(_)) => false,
        (None, None) => inside,
    }
}

/// `Bearer …` and `Basic …`, where what follows is no word.
pub(super) fn find_credentials(look: &Look<'_>, found: &mut Found) {
    let bytes = look.text.as_bytes();
    let blanks = bytes.iter().enumerate().filter(|(_, byte)| matches!(byte, b' ' | b'\t'));
    for (at, _) in blanks.filter(|(at, _)| is_scheme(bytes, *at)) {
        let start = at + look.from(at).bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
        let end = start + look.from(start).bytes().take_while(is_part).count();
        let said = look.text.get(start..end).unwrap_or_default();
        if !said.is_empty() && (look.is_cut_at(end) || assigned::is_secret(said) || is_encoded(said)) {
            found.push(start..end);
        }
    }
}

/// Whether the word before that place is a scheme, in small letters or capitals.
pub(super) fn is_scheme(bytes: &[u8], at: usize) -> bool {
    SCHEMES.iter().any(|scheme| {
        let Some(start) = at.checked_sub(scheme.len()) else { return false };
        let before = start.checked_sub(1).and_then(|before| bytes.get(before));
        bytes.get(start..at).is_some_and(|word| word.eq_ignore_ascii_case(scheme.as_bytes()))
            && !before.is_some_and(u8::is_ascii_alphanumeric)
    })
}

/// Whether one of the services' keys may begin with that byte, behind that other one.
pub(super) fn may_begin(before: u8, byte: u8) -> bool {
    matches!(byte, b'A' | b'e' | b'g' | b'r' | b's' | b'x')
        && !(before.is_ascii_alphanumeric() || before == b'_')
}

/// What base64 writes and no word is written like: capitals behind other letters, or `=` at its end.
fn is_encoded(text: &str) -> bool {
    let inner = text.get(1..).unwrap_or_default();
    let has_case = |is: fn(&u8) -> bool| text.bytes().any(|byte| is(&byte));
    let mixed = inner.bytes().any(|byte| byte.is_ascii_uppercase()) && has_case(u8::is_ascii_lowercase);
    text.ends_with('=') || (mixed && text.len().is_multiple_of(4))
}

pub(super) fn find_jwt(look: &Look<'_>, found: &mut Found) {
    find("eyJ", &JWT, look, found);
}

pub(super) fn find_github(look: &Look<'_>, found: &mut Found) {
    find("gh", &GITHUB, look, found);
    find("github_pat_", &GITHUB_FINE, look, found);
}

pub(super) fn find_aws(look: &Look<'_>, found: &mut Found) {
    find("AKIA", &AWS, look, found);
}

pub(super) fn find_stripe(look: &Look<'_>, found: &mut Found) {
    find("k_", &STRIPE, look, found);
}

pub(super) fn find_slack(look: &Look<'_>, found: &mut Found) {
    find("xox", &SLACK, look, found);
}

pub(super) fn find_google(look: &Look<'_>, found: &mut Found) {
    find("AIza", &GOOGLE, look, found);
}

fn find(beginning: &str, pattern: &LazyLock<Option<Regex>>, look: &Look<'_>, found: &mut Found) {
    if look.text.contains(beginning)
        && let Some(pattern) = pattern.as_ref()
    {
        found.extend(pattern.find_iter(look.text).map(|part| part.range()));
    }
}

/// The words that credentials follow, of [HTTP](https://www.rfc-editor.org/rfc/rfc9110.html#section-11).
const SCHEMES: [&str; 2] = ["bearer", "basic"];
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END";
const DASHES: &str = "-----";

/// An expression that does not compile finds nothing; a test compiles them all.
const fn compiled(of: fn() -> Option<Regex>) -> LazyLock<Option<Regex>> {
    LazyLock::new(of)
}

// The second part may have been cut off.
static JWT: LazyLock<Option<Regex>> =
    compiled(|| Regex::new(r"\beyJ[A-Za-z0-9_-]{9,}(?:\.[A-Za-z0-9_-]*){1,4}").ok());
static GITHUB: LazyLock<Option<Regex>> = compiled(|| Regex::new(r"\bgh[opsur]_[A-Za-z0-9]{8,}").ok());
static GITHUB_FINE: LazyLock<Option<Regex>> = compiled(|| Regex::new(r"\bgithub_pat_[A-Za-z0-9_]{8,}").ok());
static AWS: LazyLock<Option<Regex>> = compiled(|| Regex::new(r"\bAKIA[A-Z0-9]{8,}").ok());
static STRIPE: LazyLock<Option<Regex>> =
    compiled(|| Regex::new(r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{8,}").ok());
static SLACK: LazyLock<Option<Regex>> = compiled(|| Regex::new(r"\bxox[a-z]-[A-Za-z0-9-]{8,}").ok());
static GOOGLE: LazyLock<Option<Regex>> = compiled(|| Regex::new(r"\bAIza[A-Za-z0-9_-]{8,}").ok());

#[cfg(test)]
#[test]
fn every_expression_compiles() {
    for pattern in [&JWT, &GITHUB, &GITHUB_FINE, &AWS, &STRIPE, &SLACK, &GOOGLE] {
        assert!(pattern.is_some());
    }
}
