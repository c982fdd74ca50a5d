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
        found.push(start..from);
    }
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
    if !["earer", "EARER", "asic", "ASIC"].iter().any(|word| look.text.contains(word)) {
        return;
    }
    let Some(pattern) = CREDENTIALS.as_ref() else { return };
    for said in pattern.captures_iter(look.text).filter_map(|said| said.get(1)) {
        let is_cut = look.is_cut_at(said.end());
        if is_cut || assigned::is_secret(said.as_str()) || is_encoded(said.as_str()) {
            found.push(said.range());
        }
    }
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

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END";
const DASHES: &str = "-----";

/// An expression that does not compile finds nothing; a test compiles them all.
const fn compiled(of: fn() -> Option<Regex>) -> LazyLock<Option<Regex>> {
    LazyLock::new(of)
}

static CREDENTIALS: LazyLock<Option<Regex>> =
    compiled(|| Regex::new(r"(?i)\b(?:bearer|basic)[ \t]+([A-Za-z0-9._~+/=-]+)").ok());
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
    for pattern in [&CREDENTIALS, &JWT, &GITHUB, &GITHUB_FINE, &AWS, &STRIPE, &SLACK, &GOOGLE] {
        assert!(pattern.is_some());
    }
}
