//! The rules that find secrets in a text, and the text without them.
//!
//! Each rule looks at the whole text and says which parts of it are secret; what any of them says goes, so their order
//! does not matter. A rule is asked only where a glance at the text leaves it a chance: most texts cost no more than
//! that.

use std::fmt;
use std::ops::Range;

use super::look::{COLON, DASH, Found, Glance, Look, QUESTION, SIGN, SLASH};
use super::{FILTERED, assigned, card, patterns, url};

/// One way of finding secrets.
pub(super) struct Rule {
    pub(super) name: &'static str,
    /// Whether a text may have what it looks for.
    may_find: fn(&Glance) -> bool,
    find: fn(&Look<'_>, &mut Found),
}

const fn rule(name: &'static str, may_find: fn(&Glance) -> bool, find: fn(&Look<'_>, &mut Found)) -> Rule {
    Rule { name, may_find, find }
}

pub(super) const RULES: [Rule; 12] = [
    rule("key and value", |text| text.has(SIGN), assigned::find),
    rule("user info of a URL", |text| text.has(COLON | SLASH), url::find_user_info),
    rule("query of a URL", |text| text.has(QUESTION), url::find_query),
    rule("card number", |text| text.digits >= card::SHOWN_DIGITS, card::find),
    rule("PEM block", |text| text.has(DASH), patterns::find_pem),
    rule("credentials", |text| text.scheme, patterns::find_credentials),
    rule("JSON web token", Glance::has_key, patterns::find_jwt),
    rule("GitHub token", Glance::has_key, patterns::find_github),
    rule("AWS key", Glance::has_key, patterns::find_aws),
    rule("Stripe key", Glance::has_key, patterns::find_stripe),
    rule("Slack token", Glance::has_key, patterns::find_slack),
    rule("Google key", Glance::has_key, patterns::find_google),
];

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A text without its secrets.
#[derive(Debug)]
pub(super) struct Filtered {
    pub(super) text: String,
    /// What was taken out, by its place in the text as it was before each round.
    rounds: Vec<Found>,
}

/// The text without what the rules find; None where they find nothing. What is taken out may show a rule more, so they
/// look again, until they find nothing.
pub(super) fn filtered(rules: &[&Rule], look: &Look<'_>) -> Option<Filtered> {
    let parts = found(rules, look);
    if parts.is_empty() {
        return None;
    }
    let mut filtered = Filtered { text: without(look.text, &parts), rounds: vec![parts] };
    while filtered.rounds.len() < ROUNDS {
        let parts = found(rules, &Look { text: &filtered.text, ..*look });
        if parts.is_empty() {
            break;
        }
        filtered.text = without(&filtered.text, &parts);
        filtered.rounds.push(parts);
    }
    Some(filtered)
}

impl Filtered {
    /// Where a byte of the whole text is; one that was taken out, where the mark begins.
    pub(super) fn place(&self, at: usize) -> usize {
        self.rounds.iter().fold(at, |at, parts| {
            let before = parts.iter().take_while(|part| part.start < at);
            before.fold(at, |place, part| {
                let taken = at.min(part.end) - part.start;
                let stands = if at < part.end { 0 } else { FILTERED.len() };
                place + stands - taken
            })
        })
    }
}

fn found(rules: &[&Rule], look: &Look<'_>) -> Found {
    let glance = Glance::at(look.text);
    let mut found = Found::new();
    if glance.is_word() {
        return found;
    }
    for rule in rules.iter().filter(|rule| (rule.may_find)(&glance)) {
        (rule.find)(look, &mut found);
    }
    if found.is_empty() { found } else { joined(found, look.text) }
}

fn without(text: &str, parts: &Found) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut from = 0;
    for part in parts {
        bare.push_str(text.get(from..part.start).unwrap_or_default());
        bare.push_str(FILTERED);
        from = part.end;
    }
    bare.push_str(text.get(from..).unwrap_or_default());
    bare
}

/// The parts in their order, each by itself, without those that were filtered before.
fn joined(mut found: Found, text: &str) -> Found {
    found.sort_unstable_by_key(|part| (part.start, part.end));
    let mut parts = Found::with_capacity(found.len());
    for part in found {
        let part = whole(part, text);
        match parts.last_mut() {
            Some(last) if part.start <= last.end => last.end = last.end.max(part.end),
            _ => parts.push(part),
        }
    }
    parts.retain(|part| !part.is_empty() && text.get(part.clone()) != Some(FILTERED));
    parts
}

/// With all of the characters at its ends.
fn whole(part: Range<usize>, text: &str) -> Range<usize> {
    let (mut start, mut end) = (part.start, part.end.min(text.len()));
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

/// How often a text is looked at, at the most. Twice is enough but for texts that are made to need more.
const ROUNDS: usize = 8;
