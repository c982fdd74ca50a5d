//! What URLs carry beside an address: who signs in before the host, and what is asked for behind the `?`.
//!
//! A password may have characters in it that belong behind the host; so where a colon is followed by no port, all up to
//! the last `@` is taken for it.

use std::ops::Range;

use super::look::{Found, Kind, Look};
use super::{FILTERED, assigned};

/// The part between `://` and `@`. A name without a password stays, unless it looks like a key.
pub(super) fn find_user_info(look: &Look<'_>, found: &mut Found) {
    let mut run = Run::default();
    for (at, sign) in look.text.match_indices(SIGN) {
        let start = at + sign.len();
        if start > run.end {
            run = Run::from(look, start);
        }
        let rest = look.text.get(start..run.end).unwrap_or_default();
        let host_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let authority = rest.get(..host_end).unwrap_or_default();
        let own = authority.rfind('@').map(|at| start + at);
        let further = run.last_at.filter(|at| *at >= start + host_end);
        let furthest = run.last_of_all.filter(|at| *at >= start + host_end);
        let end = match (own, authority.rsplit_once(':')) {
            (Some(own), _) if authority.get(..own - start).is_some_and(|info| info.contains(':')) => {
                Some(further.unwrap_or(own))
            }
            (Some(own), _) => {
                let info = authority.get(..own - start).unwrap_or_default();
                assigned::is_secret(info).then_some(own)
            }
            // An address of version 6 stands in brackets.
            (None, Some(_)) if authority.starts_with('[') => None,
            (None, Some((_, port))) => {
                let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
                let is_cut = look.is_cut_at(run.end) && (start + host_end == run.end || !is_port);
                furthest.filter(|_| !is_port).or_else(|| is_cut.then_some(run.end))
            }
            (None, None) => None,
        };
        found.extend(end.map(|end| start..end));
    }
}

/// Everything between `?` and `#`, of addresses and of paths, unless what tells of a person is told: then the names in
/// it decide, as anywhere.
pub(super) fn find_query(look: &Look<'_>, found: &mut Found) {
    if look.pii || look.kind == Kind::Code {
        return;
    }
    if look.kind == Kind::Address {
        let query = look.text.find('?').and_then(|at| query(look, at + 1, look.end()));
        found.extend(query);
        return;
    }
    let mut from = 0;
    while let Some(at) = look.from(from).find('?').map(|at| from + at) {
        let before = look.text.get(from..at).unwrap_or_default();
        let path = before.rfind(is_end).map_or(before, |last| before.get(last..).unwrap_or_default());
        let end = run_end(look, at + 1);
        if is_address(path) {
            found.extend(query(look, at + 1, without_marks(look, at + 1, end)));
        }
        from = end.max(at + 1);
    }
}

/// What stands without a space behind a `://`.
#[derive(Debug, Default)]
struct Run {
    end: usize,
    /// The last `@` before the query.
    last_at: Option<usize>,
    /// The last `@`, wherever it stands.
    last_of_all: Option<usize>,
}

impl Run {
    fn from(look: &Look<'_>, start: usize) -> Self {
        let end = run_end(look, start);
        let run = look.text.get(start..end).unwrap_or_default();
        let path_end = run.find(['?', '#']).unwrap_or(run.len());
        let last_at = run.get(..path_end).and_then(|path| path.rfind('@'));
        let place = |at: usize| start + at;
        Self { end, last_at: last_at.map(place), last_of_all: run.rfind('@').map(place) }
    }
}

/// A path begins with a slash; an address has one behind its scheme.
fn is_address(path: &str) -> bool {
    let mut before = None;
    path.chars().any(|character| {
        let begins = character == '/' && before.is_none_or(|c: char| !c.is_alphanumeric() && c != '_');
        before = Some(character);
        begins
    })
}

/// The part before the `#`, unless it was filtered before.
fn query(look: &Look<'_>, start: usize, end: usize) -> Option<Range<usize>> {
    let query = look.text.get(start..end)?;
    let end = query.find('#').map_or(end, |at| start + at);
    (!look.from(start).starts_with(FILTERED)).then_some(start..end)
}

/// Where the run ends that goes on there: at a space, a quote, or what writes one inside of a quoted text.
fn run_end(look: &Look<'_>, start: usize) -> usize {
    let run = look.text.get(start..look.end()).unwrap_or_default();
    let mut escaped = None;
    let end = run.char_indices().find_map(|(at, character)| {
        let ends = is_end(character) || escaped.take().is_some_and(|_| "nrt\\'".contains(character));
        if character == '\\' {
            escaped = Some(at);
        }
        ends.then_some(at)
    });
    // The backslash is no part of it either.
    let end = end.map(|end| run.get(..end).unwrap_or_default().trim_end_matches('\\').len());
    start + end.unwrap_or(run.len())
}

fn is_end(character: char) -> bool {
    character.is_whitespace() || matches!(character, '"' | '<' | '>' | '`')
}

/// Without what closes the sentence or the bracket around it.
fn without_marks(look: &Look<'_>, start: usize, end: usize) -> usize {
    let run = look.text.get(start..end).unwrap_or_default();
    start + run.trim_end_matches([')', ']', '}', '\'', ',', '.', ';', ':', '!']).len()
}

const SIGN: &str = "://";
