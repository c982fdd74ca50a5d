//! Names that stand for secrets.
//!
//! A name is compared without its separators and capitals, and it is enough that it contains one of ours: `x-api-key`,
//! `apiKey` and `stripe.api_key.live` are all `apikey`. Names so short that other words contain them are compared word by
//! word: `http_auth` and `basicAuth` are secrets, `author` is none. The list is the union of what
//! [sentry-python](https://github.com/getsentry/sentry-python/blob/master/sentry_sdk/scrubber.py) and
//! [Relay](https://github.com/getsentry/relay/blob/master/relay-pii/src/regexes.rs) filter, without what others of the
//! list contain.

/// The names that are looked for.
#[derive(Debug)]
pub(super) struct Keys {
    /// By their first letters.
    known: [Vec<Known>; LETTERS],
    /// The program's: folded, and contained in a name they make it a secret.
    own: Vec<String>,
}

/// A name of ours, in small letters and without separators.
#[derive(Debug)]
struct Known {
    name: &'static str,
    /// It must be a word of its own.
    word: bool,
}

impl Keys {
    /// Ours and the program's `own`; without `pii` also what is an address, or what a request asked for.
    pub(super) fn new(own: &[String], pii: bool) -> Self {
        let known = |names: &'static [&'static str], word| names.iter().map(move |name| Known { name, word });
        let persons = known(&PII_PARTS, false).chain(known(&PII_WORDS, true)).filter(|_| !pii);
        let mut keys = Self { known: [const { Vec::new() }; LETTERS], own: Vec::new() };
        for known in known(&PARTS, false).chain(known(&WORDS, true)).chain(persons) {
            let first = known.name.bytes().next().map_or(LETTERS, letter);
            if let Some(same) = keys.known.get_mut(first) {
                same.push(known);
            }
        }
        keys.own = own.iter().map(|name| folded(name)).filter(|name| !name.is_empty()).collect();
        keys
    }

    /// Whether what stands under that name is a secret. What is said about one is none, unless the program says so.
    pub(super) fn denies(&self, name: &str) -> bool {
        let is_about =
            || words(name).last().is_some_and(|last| ABOUT.iter().any(|about| is_word(last, about)));
        (self.knows(name) && !is_about()) || self.is_own(name)
    }

    fn knows(&self, name: &str) -> bool {
        let bytes = name.as_bytes();
        bytes.iter().enumerate().any(|(at, first)| {
            let same = self.known.get(letter(*first)).map(Vec::as_slice).unwrap_or_default();
            same.iter().any(|known| {
                let name_on = bytes.get(at..).unwrap_or_default();
                begins(name_on, known.name)
                    && !OTHERS.iter().any(|other| begins(name_on, other))
                    && (!known.word || words(name).any(|word| is_word(word, known.name)))
            })
        })
    }

    /// Whether a value tells nothing although its name is a secret's: it is empty, says yes or no, or counts.
    pub(super) fn is_plain(&self, name: &str, value: &str) -> bool {
        let value = value.trim();
        value.is_empty()
            || LITERALS.iter().any(|literal| value.eq_ignore_ascii_case(literal))
            || (is_number(value) && is_count(name) && !self.is_own(name))
    }

    fn is_own(&self, name: &str) -> bool {
        if self.own.is_empty() {
            return false;
        }
        let folded = folded(name);
        self.own.iter().any(|own| folded.contains(own.as_str()))
    }

    #[cfg(test)]
    pub(super) fn leave_out(&mut self, name: &str) {
        self.known.iter_mut().for_each(|same| same.retain(|known| known.name != name));
    }
}

/// A name without what writes it one way or another.
pub(super) fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a name begins with a part, whatever separates its letters: as if it were folded, in less time.
fn begins(name: &[u8], part: &str) -> bool {
    let mut letters = name.iter().filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
    part.bytes().all(|byte| letters.next().is_some_and(|letter| letter.to_ascii_lowercase() == byte))
}

/// The place of a letter in the alphabet; beyond it, of anything else.
fn letter(byte: u8) -> usize {
    usize::from(byte.to_ascii_lowercase().wrapping_sub(b'a'))
}

/// Whether the name is that of the header fields which carry several words.
pub(super) fn is_header(name: &str) -> bool {
    let folded = folded(name);
    folded.contains("authorization") || folded.contains("cookie")
}

/// `prompt_tokens`, `session_count`, `token_ttl`.
fn is_count(name: &str) -> bool {
    let plural = words(name).last().and_then(|word| word.strip_suffix(['s', 'S']));
    plural.is_some_and(|one| PARTS.iter().any(|part| one.eq_ignore_ascii_case(part)))
        || words(name).any(|word| COUNTS.iter().any(|count| is_word(word, count)))
}

/// Digits, and perhaps a unit.
fn is_number(value: &str) -> bool {
    let bare = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let is_unit = value.len() - bare.len() <= UNIT && !bare.is_empty();
    is_unit && bare.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Without the number behind it: `oauth2`.
fn is_word(word: &str, short: &str) -> bool {
    word.trim_end_matches(|c: char| c.is_ascii_digit()).eq_ignore_ascii_case(short)
}

/// The words of a name: between separators, and from hump to hump.
pub(super) fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_alphanumeric()).flat_map(|part| {
        let mut rest = part;
        std::iter::from_fn(move || {
            let (word, behind) = rest.split_at_checked(hump(rest))?;
            rest = behind;
            (!word.is_empty()).then_some(word)
        })
    })
}

/// Where the first word of `basicAuth`, `HTTPAuth` and `OAuth` ends.
fn hump(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_hump = |three: &[u8]| match three {
        [before, first, ..] if !before.is_ascii_uppercase() && first.is_ascii_uppercase() => true,
        [before, first, next] => {
            before.is_ascii_uppercase() && first.is_ascii_uppercase() && next.is_ascii_lowercase()
        }
        _ => false,
    };
    let ends = (1..bytes.len()).find(|at| {
        is_hump(bytes.get(at - 1..bytes.len().min(at + 2)).unwrap_or_default()) && text.is_char_boundary(*at)
    });
    ends.unwrap_or(text.len())
}

/// Contained in a name. None contains another one.
pub(super) const PARTS: [&str; 20] = [
    "accesskey",
    "accountkey",
    "apikey",
    "authorization",
    "bearer",
    "connectsid",
    "cookie",
    "credential",
    "csrf",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "sessid",
    "session",
    "token",
    "twofactor",
    "xsrf",
];
/// A word of a name. `pwd` is the end of `mysql_pwd`.
pub(super) const WORDS: [&str; 10] =
    ["auth", "cvc", "cvv", "jwt", "oauth", "otp", "pass", "pw", "pwd", "totp"];
/// Contained in a name, where nothing is told of persons.
pub(super) const PII_PARTS: [&str; 14] = [
    "clientaddr",
    "clientip",
    "connectingip",
    "forwardedfor",
    "ipaddr",
    "peeraddr",
    "peerip",
    "querystring",
    "realip",
    "remoteaddr",
    "remoteip",
    "requestbody",
    "urlquery",
    "userip",
];
/// A word of a name, where nothing is told of persons.
pub(super) const PII_WORDS: [&str; 1] = ["forwarded"];

const LETTERS: usize = 26;
/// Letters of a unit.
const UNIT: usize = 2;
const COUNTS: [&str; 18] = [
    "age",
    "attempts",
    "bytes",
    "count",
    "duration",
    "expires",
    "len",
    "length",
    "limit",
    "ms",
    "remaining",
    "retries",
    "second",
    "seconds",
    "size",
    "timeout",
    "total",
    "ttl",
];
/// What is said about a secret, and is none.
const ABOUT: [&str; 13] = [
    "algorithm",
    "at",
    "domain",
    "err",
    "error",
    "exception",
    "failure",
    "file",
    "method",
    "path",
    "provider",
    "type",
    "url",
];
/// Words that begin as a secret's name does.
const OTHERS: [&str; 2] = ["secretar", "tokeniz"];
const LITERALS: [&str; 7] = ["()", "false", "nil", "none", "null", "true", "undefined"];
