//! Numbers and names that tell one failure from another: `os error 2`, `HTTP 404`, SQLSTATE, gRPC's codes, exit codes.
//!
//! They stay where values go, and a chain's types are told apart by them.

use super::skeleton::without_values;

/// The words before a place in a text, the nearest first. A placeholder is one that equals no word.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Before<'a> {
    words: [&'a str; 6],
    /// The mark behind the nearest word, spaces aside.
    pub(super) mark: Option<char>,
}

impl<'a> Before<'a> {
    pub(super) fn push(&mut self, word: &'a str) {
        let [a, b, c, d, e, _] = self.words;
        self.words = [word, a, b, c, d, e];
        self.mark = None;
    }

    /// The words are nothing to what follows.
    pub(super) fn forget(&mut self) {
        self.push("<");
    }

    /// Whether these words, in lower case and the nearest first, stand before.
    fn ends(&self, words: &[&str]) -> bool {
        words.iter().zip(self.words).all(|(word, before)| before.eq_ignore_ascii_case(word))
    }

    /// Whether one of these is the nearest word.
    pub(super) fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.ends(&[word]))
    }

    /// Whether a status is spoken of: `status code: 404`, `HTTP status client error (404`, `HTTP/1.1 404`.
    fn is_status(&self) -> bool {
        let is_of = |words: &[&str], word: &str| words.iter().any(|known| known.eq_ignore_ascii_case(word));
        let is_number = |word: &str| word.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let between = |word: &&&str| !is_of(&STATUS, word) && (is_of(&BETWEEN, word) || is_number(word));
        let gap = self.words.iter().take_while(between).count();
        self.words.get(gap).is_some_and(|word| is_of(&STATUS, word))
    }
}

/// What a number says of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Os,
    Http,
    SqlState,
    Exit,
    Signal,
    Other,
}

/// What a number is, by the words around it; None for one that is just a number. `behind` is the text after it.
pub(super) fn code_of(number: &str, before: &Before<'_>, behind: &str) -> Option<Code> {
    if number.is_empty() || number.len() > CODE_DIGITS || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if before.ends(&["error", "os"]) || before.ends(&["code", "os"]) || before.ends(&["errno"]) {
        return Some(Code::Os);
    }
    if before.ends(&["sqlstate"]) {
        return Some(Code::SqlState);
    }
    if before.ends(&["status", "exit"]) || before.ends(&["code", "exit"]) || before.ends(&["exit"]) {
        return Some(Code::Exit);
    }
    if before.ends(&["with", "exited"])
        || before.ends(&["code", "with"])
        || before.ends(&["status", "with", "exited"])
    {
        return Some(Code::Exit);
    }
    if before.ends(&["signal"]) {
        return Some(Code::Signal);
    }
    let is_status = number.len() == 3 && matches!(number.as_bytes(), [b'1'..=b'5', ..]);
    if is_status && (before.is_status() || reason(number, behind).is_some()) {
        return Some(Code::Http);
    }
    let named = before.ends(&["code"])
        && (matches!(before.mark, Some(':' | '=' | '('))
            || CODES.iter().any(|of| before.ends(&["code", of])));
    named.then_some(Code::Other)
}

/// The first word of the reason that HTTP gives for a status, if it stands behind it: ` Not` of ` Not Found`.
pub(super) fn reason<'a>(status: &str, behind: &'a str) -> Option<&'a str> {
    let (_, reason) = REASONS.iter().find(|(known, _)| *known == status)?;
    let end = reason.len() + 1;
    let found = behind.strip_prefix(' ').is_some_and(|behind| behind.starts_with(reason));
    let whole = !behind.get(end..)?.starts_with(char::is_alphanumeric);
    behind.get(..end).filter(|_| found && whole)
}

/// The code in an error's text that tells its failure from others of the same type. Values are none: a port is no
/// status, and what is quoted was said by somebody else.
pub(super) fn code(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some((_, kind)) = IO_KINDS.iter().find(|(description, _)| text.eq_ignore_ascii_case(description)) {
        return Some((*kind).to_owned());
    }
    let whole = without_values(text);
    let mut before = Before::default();
    let mut rest = whole.as_str();
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let Some((word, behind)) = rest.split_at_checked(end.max(first.len_utf8())) else { break };
        rest = behind;
        if end > 0 {
            if let Some(code) = named(word, &before, behind) {
                return Some(code);
            }
            before.push(word);
        } else if !first.is_whitespace() && !matches!(first, '_' | '-' | '+') {
            before.mark = Some(first);
        }
    }
    quoted(text)
}

/// Codes that stand in quotes: a SQLSTATE, as Postgres' errors are derived, and what tonic says of gRPC's.
fn quoted(text: &str) -> Option<String> {
    let behind = |name: &str| text.split_once(name).map(|(_, behind)| behind);
    if let Some((state, _)) = behind("code: \"").and_then(|behind| behind.split_once('"')) {
        return is_state(state).then(|| format!("SQLSTATE {state}"));
    }
    let status = behind("code: '").or_else(|| behind("status: '"))?;
    let (_, name) = GRPC.iter().find(|(description, _)| status.starts_with(description))?;
    Some((*name).to_owned())
}

fn is_state(text: &str) -> bool {
    text.len() == 5
        && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        && text.bytes().any(|b| b.is_ascii_digit())
}

fn named(word: &str, before: &Before<'_>, behind: &str) -> Option<String> {
    if is_state(word) && before.ends(&["sqlstate"]) {
        return Some(format!("SQLSTATE {word}"));
    }
    if let Some(code) = code_of(word, before, behind) {
        return Some(match code {
            Code::Os => format!("os error {word}"),
            Code::Http => format!("HTTP {word}"),
            Code::SqlState => format!("SQLSTATE {word}"),
            Code::Exit => format!("exit {word}"),
            Code::Signal => format!("signal {word}"),
            Code::Other => format!("code {word}"),
        });
    }
    // `kind: NotFound`, `code: Unavailable`, as they are derived, and `status: Unavailable`, as tonic said it.
    let is_grpc = || GRPC.iter().any(|(_, name)| *name == word);
    let derived = before.is_any(&["kind", "code"]) || (before.is_any(&["status"]) && is_grpc());
    let derived = derived && before.mark == Some(':');
    let is_variant =
        word.starts_with(|c: char| c.is_ascii_uppercase()) && word.chars().any(char::is_lowercase);
    let whole = behind.is_empty() || behind.starts_with([',', ' ', ')', '}', '(', '\n']);
    (derived && is_variant && whole).then(|| word.to_owned())
}

/// Digits of the longest number that is taken as a code.
const CODE_DIGITS: usize = 5;

const STATUS: [&str; 7] = ["http", "https", "status", "statuscode", "responded", "answered", "httpstatus"];

/// What may stand between `status` and its number.
const BETWEEN: [&str; 16] = [
    "client",
    "code",
    "error",
    "failed",
    "got",
    "invalid",
    "is",
    "of",
    "received",
    "redirect",
    "response",
    "returned",
    "server",
    "unexpected",
    "was",
    "with",
];

/// Whose `code` is one of an error, without a mark behind it.
const CODES: [&str; 8] = ["error", "failure", "mysql", "result", "return", "sql", "sqlite", "extended"];

const REASONS: [(&str, &str); 21] = [
    ("400", "Bad"),
    ("401", "Unauthorized"),
    ("402", "Payment"),
    ("403", "Forbidden"),
    ("404", "Not"),
    ("405", "Method"),
    ("406", "Not"),
    ("408", "Request"),
    ("409", "Conflict"),
    ("410", "Gone"),
    ("411", "Length"),
    ("412", "Precondition"),
    ("413", "Payload"),
    ("415", "Unsupported"),
    ("422", "Unprocessable"),
    ("429", "Too"),
    ("500", "Internal"),
    ("501", "Not"),
    ("502", "Bad"),
    ("503", "Service"),
    ("504", "Gateway"),
];

/// How `std::io::ErrorKind` describes itself.
const IO_KINDS: [(&str, &str); 18] = [
    ("entity not found", "NotFound"),
    ("permission denied", "PermissionDenied"),
    ("connection refused", "ConnectionRefused"),
    ("connection reset", "ConnectionReset"),
    ("connection aborted", "ConnectionAborted"),
    ("not connected", "NotConnected"),
    ("address in use", "AddrInUse"),
    ("address not available", "AddrNotAvailable"),
    ("broken pipe", "BrokenPipe"),
    ("entity already exists", "AlreadyExists"),
    ("operation would block", "WouldBlock"),
    ("invalid input parameter", "InvalidInput"),
    ("invalid data", "InvalidData"),
    ("timed out", "TimedOut"),
    ("write zero", "WriteZero"),
    ("operation interrupted", "Interrupted"),
    ("unexpected end of file", "UnexpectedEof"),
    ("out of memory", "OutOfMemory"),
];

/// How gRPC's codes are described by tonic.
const GRPC: [(&str, &str); 16] = [
    ("The operation was cancelled", "Cancelled"),
    ("Unknown error", "Unknown"),
    ("Client specified an invalid argument", "InvalidArgument"),
    ("Deadline expired before operation could complete", "DeadlineExceeded"),
    ("Some requested entity was not found", "NotFound"),
    ("Some entity that we attempted to create already exists", "AlreadyExists"),
    ("The caller does not have permission to execute the specified operation", "PermissionDenied"),
    ("Some resource has been exhausted", "ResourceExhausted"),
    ("The system is not in a state required for the operation's execution", "FailedPrecondition"),
    ("The operation was aborted", "Aborted"),
    ("Operation was attempted past the valid range", "OutOfRange"),
    ("Operation is not implemented or not supported", "Unimplemented"),
    ("Internal error", "Internal"),
    ("The service is currently unavailable", "Unavailable"),
    ("Unrecoverable data loss or corruption", "DataLoss"),
    ("The request does not have valid authentication credentials", "Unauthenticated"),
];
