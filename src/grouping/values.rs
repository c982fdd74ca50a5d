//! What is a value in a text: numbers, ids, times, addresses, told by their shape. Without a table of patterns, and in
//! time that grows with the length of what is looked at.

use std::net::{IpAddr, SocketAddr};

/// What stands for a number or an id: of some, such as eight digits, nobody can tell which they are.
pub(super) const ID: &str = "<*>";
/// What stands for a quoted text.
pub(super) const TEXT: &str = "<str>";
/// What stands for an address of the web.
pub(super) const URL: &str = "<url>";
/// What stands for a path.
pub(super) const PATH: &str = "<path>";
/// What stands for an address of the network, or the name of a host.
pub(super) const HOST: &str = "<host>";
/// What stands for `true` and `false`.
pub(super) const BOOL: &str = "<bool>";
/// What stands for a size in bytes.
pub(super) const SIZE: &str = "<size>";
/// What stands for a length of time.
pub(super) const DURATION: &str = "<duration>";
const EMAIL: &str = "<email>";
const TIME: &str = "<time>";
const UUID: &str = "<uuid>";

/// Everything that stands for a value.
const ALL: [&str; 11] = [ID, TEXT, URL, PATH, HOST, BOOL, SIZE, DURATION, EMAIL, TIME, UUID];

/// The placeholder that a text begins with.
pub(super) fn placeholder(text: &str) -> Option<&'static str> {
    if !text.starts_with('<') {
        return None;
    }
    ALL.into_iter().find(|placeholder| text.starts_with(placeholder))
}

/// What a whole word is, of letters, digits and the marks inside of words; None for a word that is none of these.
pub(super) fn whole(word: &str) -> Option<&'static str> {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    if uuid(word).is_some_and(str::is_empty) {
        Some(UUID)
    } else if is_address(word) || is_host(word) {
        Some(HOST)
    } else if is_number(unsigned) || is_hex(unsigned) || is_mac(word) || is_traceparent(word) {
        Some(ID)
    } else if is_time(word) {
        Some(TIME)
    } else if let Some(measure) = measure(unsigned) {
        Some(measure)
    } else if is_email(word) {
        Some(EMAIL)
    } else if is_opaque(word) || is_matrix_id(word) {
        Some(ID)
    } else {
        None
    }
}

/// What a run of letters and digits within a word is.
pub(super) fn part(part: &str) -> Option<&'static str> {
    if is_number(part) || is_hex(part) || is_short_id(part) || is_opaque(part) {
        Some(ID)
    } else {
        measure(part)
    }
}

/// The UUID that a text begins with: what is behind it, and the placeholder.
pub(super) fn leading_uuid(text: &str) -> Option<(&str, &'static str)> {
    let behind = uuid(text)?;
    (!behind.starts_with(char::is_alphanumeric)).then_some((behind, UUID))
}

/// What a number is if the word behind it is a unit: `1.5 MB`, `3 seconds`.
pub(super) fn unit(word: &str) -> Option<&'static str> {
    if SIZES.contains(&word) {
        Some(SIZE)
    } else if LONG_UNITS.contains(&word) || word == "s" {
        Some(DURATION)
    } else {
        None
    }
}

/// `17`, `1.5`, `1.2.3`, `v1.2`, `1_000`, `1e-7`: begins with a digit, or as a version.
pub(super) fn is_number(text: &str) -> bool {
    let version = text.strip_prefix('v').filter(|rest| rest.contains('.'));
    let text = version.unwrap_or(text);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    mantissa.starts_with(|c: char| c.is_ascii_digit())
        && mantissa.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_'))
        && is_digits(exponent)
}

/// `0x…`; eight hexadecimal digits or more, of one case; or seven with a letter and a digit among them, as git
/// shortens a commit.
fn is_hex(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    }
    let hex = |letters: fn(&u8) -> bool| text.bytes().all(|b| b.is_ascii_digit() || letters(&b));
    let lower = hex(|b| matches!(b, b'a'..=b'f'));
    let upper = hex(|b| matches!(b, b'A'..=b'F'));
    match text.len() {
        0..7 => false,
        7 => lower && text.bytes().any(|b| b.is_ascii_digit()) && !is_digits(text),
        _ => lower || upper,
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Groups of two hexadecimal digits, six or more: the address of a network card, a fingerprint.
fn is_mac(text: &str) -> bool {
    let pair = |group: &str| group.len() == 2 && group.bytes().all(|b| b.is_ascii_hexdigit());
    text.len() >= 17 && [':', '-'].into_iter().any(|mark| text.split(mark).all(pair))
}

/// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`
fn is_traceparent(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([2, 32, 16, 2]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// What is behind the UUID that a text begins with.
fn uuid(text: &str) -> Option<&str> {
    let (uuid, behind) = text.split_at_checked(36)?;
    let lengths = uuid.split('-').map(str::len);
    let is = lengths.eq([8, 4, 4, 4, 12]) && uuid.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    is.then_some(behind)
}

/// An address of the network, with or without a port. `a::b` is one too, but a path of Rust as well.
fn is_address(text: &str) -> bool {
    let parses = text.parse::<IpAddr>().is_ok() || text.parse::<SocketAddr>().is_ok();
    parses && text.bytes().any(|b| b.is_ascii_digit())
}

/// A name of dotted labels that ends as those of hosts do, or goes on with a port.
fn is_host(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if is_digits(port) && port.len() <= 5 => (name, Some(port)),
        Some(_) => return false,
        None => (text, None),
    };
    if name == "localhost" {
        return true;
    }
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let Some((_, last)) = name.rsplit_once('.') else { return false };
    name.split('.').all(is_label)
        && (DOMAINS.contains(&last)
            || (port.is_some()
                && last.starts_with(|c: char| c.is_ascii_alphabetic())
                && !FILES.contains(&last)))
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    let labels = |host: &str| host.split('.').all(|l| !l.is_empty() && !l.contains([':', '@', '_', '+']));
    !name.is_empty() && !name.contains(':') && host.contains('.') && labels(host)
}

/// `@ada:example.org`, `!room:example.org`: the names of Matrix.
fn is_matrix_id(text: &str) -> bool {
    let Some((name, host)) = text.strip_prefix(['@', '!', '#', '$']).and_then(|rest| rest.split_once(':'))
    else {
        return false;
    };
    let host = host.split(':').next().unwrap_or(host);
    !name.is_empty() && (host == "localhost" || host.split('.').filter(|label| !label.is_empty()).count() > 1)
}

/// `2024-01-31`, `2024-01-31T08:15:00.123Z`, `08:15:00`, `+02:00`.
fn is_time(text: &str) -> bool {
    if let Some(offset) = text.strip_prefix(['+', '-']) {
        return offset.contains(':') && zone(text).is_some_and(str::is_empty);
    }
    let behind_date = digits(text, 4, 4).and_then(|rest| digits(rest.strip_prefix('-')?, 2, 2));
    let behind_date = behind_date.and_then(|rest| digits(rest.strip_prefix('-')?, 2, 2));
    let time = match behind_date {
        Some("") => return true,
        Some(rest) => rest.strip_prefix(['T', 't', '_', '-', ':']),
        None => Some(text),
    };
    time.and_then(clock).and_then(|rest| if rest.is_empty() { Some(rest) } else { zone(rest) }) == Some("")
}

/// What is behind `8:15:00.123`.
fn clock(text: &str) -> Option<&str> {
    let rest = digits(text, 1, 2)?.strip_prefix(':')?;
    let rest = digits(digits(rest, 2, 2)?.strip_prefix(':')?, 2, 2)?;
    Some(rest.strip_prefix('.').and_then(|fraction| digits(fraction, 1, 9)).unwrap_or(rest))
}

/// What is behind a zone: `Z`, `UTC`, `+02:00`, `-0500`, `+00:00:00`.
fn zone(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix(['Z', 'z']).or_else(|| text.strip_prefix("UTC")) {
        return Some(rest);
    }
    let rest = digits(text.strip_prefix(['+', '-'])?, 2, 2)?;
    let rest = digits(rest.strip_prefix(':').unwrap_or(rest), 2, 2)?;
    Some(rest.strip_prefix(':').and_then(|seconds| digits(seconds, 2, 2)).unwrap_or(rest))
}

/// What is behind `least` to `most` digits; more of them are none of it.
fn digits(text: &str, least: usize, most: usize) -> Option<&str> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    if (least..=most).contains(&count) { text.get(count..) } else { None }
}

/// A length of time or a size in one word: `1.234567ms`, `1h30m`, `3days`, `15MiB`.
fn measure(text: &str) -> Option<&'static str> {
    let mut rest = text;
    let mut units = 0;
    let mut last = "";
    while !rest.is_empty() {
        let is_digit = |c: char| c.is_ascii_digit();
        let number = rest.find(|c: char| !is_digit(c) && c != '.').unwrap_or(rest.len());
        let (amount, behind) =
            rest.split_at_checked(number).filter(|(amount, _)| amount.starts_with(is_digit))?;
        let end = behind.find(is_digit).unwrap_or(behind.len());
        let (name, behind) = behind.split_at_checked(end)?;
        if units == 0 && behind.is_empty() && SIZES.contains(&name) {
            return Some(SIZE);
        }
        let known = SHORT_UNITS.contains(&name) || LONG_UNITS.contains(&name) || name == "d";
        if !known || amount.ends_with('.') {
            return None;
        }
        (rest, last) = (behind, name);
        units += 1;
    }
    // `3d` alone is as well a number of dimensions.
    (units > 1 || (units == 1 && last != "d")).then_some(DURATION)
}

/// An id that somebody drew at random: long, and changing between cases and digits as no word does. ULIDs and KSUIDs
/// have a fixed length and begin with a digit for the next centuries.
fn is_opaque(text: &str) -> bool {
    let alphanumeric = text.bytes().all(|b| b.is_ascii_alphanumeric());
    let first = text.bytes().next().unwrap_or_default();
    if alphanumeric && ((text.len() == 26 && first == b'0') || (text.len() == 27 && first.is_ascii_digit())) {
        return true;
    }
    let known = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    known && text.len() >= 16 && text.bytes().any(|b| b.is_ascii_digit()) && breaks(text) * 4 >= text.len()
}

/// A short id of letters and digits in turn: `9f3a`. What begins with a letter may be a name, as `v1beta2`.
fn is_short_id(text: &str) -> bool {
    let one_case =
        !text.bytes().any(|b| b.is_ascii_uppercase()) || !text.bytes().any(|b| b.is_ascii_lowercase());
    let least = if text.starts_with(|c: char| c.is_ascii_digit()) { 3 } else { 4 };
    text.is_ascii() && one_case && breaks(text) >= least
}

/// How often a letter follows a digit, a digit a letter, or a capital a small letter.
fn breaks(text: &str) -> usize {
    let pairs = text.bytes().zip(text.bytes().skip(1));
    let breaks = pairs.filter(|(a, b)| {
        (a.is_ascii_digit() && b.is_ascii_alphabetic())
            || (a.is_ascii_alphabetic() && b.is_ascii_digit())
            || (a.is_ascii_lowercase() && b.is_ascii_uppercase())
    });
    breaks.count()
}

const SIZES: [&str; 17] = [
    "B", "kB", "KB", "MB", "GB", "TB", "PB", "kb", "mb", "gb", "KiB", "MiB", "GiB", "TiB", "PiB", "bytes",
    "byte",
];

const SHORT_UNITS: [&str; 3] = ["s", "m", "h"];

const LONG_UNITS: [&str; 25] = [
    "ns",
    "us",
    "µs",
    "μs",
    "ms",
    "sec",
    "secs",
    "second",
    "seconds",
    "min",
    "mins",
    "minute",
    "minutes",
    "hr",
    "hrs",
    "hour",
    "hours",
    "day",
    "days",
    "week",
    "weeks",
    "millis",
    "milliseconds",
    "month",
    "months",
];

/// How the names of hosts end; not those that are words of code as well, as `rs`, `is`, `in`.
const DOMAINS: [&str; 33] = [
    "ai",
    "app",
    "arpa",
    "at",
    "au",
    "biz",
    "br",
    "ch",
    "cloud",
    "cn",
    "co",
    "com",
    "corp",
    "de",
    "dev",
    "edu",
    "eu",
    "fr",
    "gov",
    "internal",
    "invalid",
    "io",
    "jp",
    "lan",
    "local",
    "localdomain",
    "mil",
    "net",
    "nl",
    "onion",
    "org",
    "ru",
    "uk",
];

/// How the names of files end that a line number may follow.
const FILES: [&str; 20] = [
    "c", "cc", "conf", "cpp", "go", "h", "html", "js", "json", "lock", "log", "md", "proto", "py", "rs",
    "sql", "toml", "txt", "yaml", "yml",
];
