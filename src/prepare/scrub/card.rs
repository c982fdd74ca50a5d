//! Numbers of payment cards.
//!
//! A number counts as a card's if it is as long as the issuer that its first digits name makes them, and if its last
//! digit is the check of the others ([ISO/IEC 7812](https://en.wikipedia.org/wiki/Payment_card_number)). One in ten
//! numbers of such a length and beginning passes by chance; times in milliseconds, microseconds and nanoseconds begin with
//! a 1, which no issuer does. It stands for itself: what is part of a longer number, word or id is none.

use std::ops::Range;

use super::look::{Found, Look};

/// Digits of a card's number that may be told: beyond, one that was cut is a secret.
pub(super) const SHOWN_DIGITS: usize = 7;
/// The least number that is as long as a card's.
pub(super) const LEAST: u64 = 1_000_000_000_000;
/// Digits of the longest.
const MOST: usize = 19;

pub(super) fn find(look: &Look<'_>, found: &mut Found) {
    let bytes = look.text.as_bytes();
    let mut at = 0;
    while let Some(start) = next_digit(bytes, at) {
        let groups = groups(bytes, start);
        at = groups.last().map_or(bytes.len(), |last| last.end);
        let apart = usize::from(look.from(at).starts_with([' ', '-']));
        let is_cut = look.is_cut_at(at + apart);
        let mut free = start;
        for (first, group) in groups.iter().enumerate() {
            if group.start < free || !stands_free(look.text, group.start) {
                continue;
            }
            if let Some(end) = number(look, groups.get(first..).unwrap_or_default(), is_cut) {
                found.push(group.start..end);
                free = end;
            }
        }
    }
}

/// Where the card's number ends that begins with the first group.
fn number(look: &Look<'_>, groups: &[Range<usize>], is_cut: bool) -> Option<usize> {
    let mut digits = Vec::with_capacity(MOST);
    let (mut longest, mut complete) = (None, true);
    for (place, group) in groups.iter().enumerate() {
        if digits.len() + group.len() > MOST || !(place == 0 || is_group(group, place, groups)) {
            complete = false;
            break;
        }
        let shown = look.text.get(group.clone()).unwrap_or_default();
        digits.extend(shown.bytes().map(|byte| byte - b'0'));
        let grouped = place == 0 || groups.first().is_some_and(|first| first.len() == GROUP);
        if grouped && is_card(&digits) && ends_free(look.text, group.end) {
            longest = Some(group.end);
        }
    }
    let may_go_on = is_cut && complete && digits.len() >= SHOWN_DIGITS && issuer(&digits).is_some();
    if may_go_on { groups.last().map(|last| last.end) } else { longest }
}

/// Runs of digits with a space or a dash between each two of them.
fn groups(bytes: &[u8], start: usize) -> Vec<Range<usize>> {
    let mut groups = Vec::with_capacity(4);
    let mut at = start;
    loop {
        let digits = bytes.iter().skip(at).take_while(|byte| byte.is_ascii_digit()).count();
        groups.push(at..at + digits);
        at += digits;
        match bytes.get(at..at + 2) {
            Some([b' ' | b'-', digit]) if digit.is_ascii_digit() => at += 1,
            _ => return groups,
        }
    }
}

/// Cards are written in groups of four, or 4, 6 and 5 digits; the last one has what is left.
fn is_group(group: &Range<usize>, place: usize, groups: &[Range<usize>]) -> bool {
    (3..=6).contains(&group.len()) || place + 1 == groups.len()
}

fn is_card(digits: &[u8]) -> bool {
    issuer(digits).is_some_and(|lengths| lengths.contains(&digits.len())) && is_checked(digits)
}

/// The lengths of the numbers that begin so.
fn issuer(digits: &[u8]) -> Option<&'static [usize]> {
    let head = digits.iter().take(4).fold(0_u16, |head, digit| head * 10 + u16::from(*digit));
    Some(match head {
        // Diners.
        3000..=3059 | 3600..=3699 | 3800..=3999 => &[14],
        // American Express.
        3400..=3499 | 3700..=3799 => &[15],
        // JCB.
        3528..=3589 => &[16],
        // Visa.
        4000..=4999 => &[13, 16, 19],
        // Mastercard, and Maestro of the older sort.
        2221..=2720 | 5000..=5099 | 5100..=5899 => &[16],
        // Discover, UnionPay, Maestro, RuPay.
        6000..=6999 => &[16, 19],
        _ => return None,
    })
}

/// The check of [Luhn](https://en.wikipedia.org/wiki/Luhn_algorithm).
fn is_checked(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(*digit)) {
            (1, digit) if digit > 4 => 2 * digit - 9,
            (1, digit) => 2 * digit,
            (_, digit) => digit,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Nothing before it makes it a part of something else: of a word, a number, a fraction, a phone number, an id.
fn stands_free(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let mut characters = before.chars().rev();
    match characters.next() {
        Some('.' | '-') => !characters.next().is_some_and(|c| c.is_ascii_digit()),
        Some(last) => !last.is_alphanumeric() && last != '_' && last != '+',
        None => true,
    }
}

/// Nothing behind it does.
fn ends_free(text: &str, at: usize) -> bool {
    let mut characters = text.get(at..).unwrap_or_default().chars();
    match characters.next() {
        Some('.') => !characters.next().is_some_and(|c| c.is_ascii_digit()),
        Some('-') => !characters.next().is_some_and(char::is_alphanumeric),
        Some(next) => !next.is_alphanumeric() && next != '_',
        None => true,
    }
}

fn next_digit(bytes: &[u8], from: usize) -> Option<usize> {
    let found = bytes.get(from..)?.iter().position(u8::is_ascii_digit)?;
    Some(from + found)
}

/// Digits of the first group, where there are several.
const GROUP: usize = 4;
