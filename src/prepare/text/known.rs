//! Errors of well-known crates, by the shape of their `Debug`: their real types, and the text that a person reads.
//!
//! A shape is a name together with its fields; a name alone is not enough, for everybody may have an `Os` or a `Status`.

use std::io::{self, ErrorKind};

use super::derived::{Node, Shape, Tree};

/// What is known of a value.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// None for a wrapper that says nothing, such as the contexts of anyhow.
    pub(super) type_name: Option<&'static str>,
    /// Its `Display`; None where its `Debug` has to do.
    pub(super) text: Option<String>,
    /// Its `Display` and its cause are those of this value, which it passes on.
    pub(super) passes_on: Option<usize>,
    pub(super) cause: Option<usize>,
}

/// What is known of the value at `at`.
pub(super) fn known(tree: &Tree<'_>, at: usize) -> Option<Known> {
    let node = tree.node(at)?;
    match node.shape {
        Shape::Struct => of_struct(tree, at, node.name),
        Shape::Tuple => of_tuple(tree, at, node.name),
        Shape::Unit => of_unit(node.name),
        Shape::Text | Shape::Other => None,
    }
}

fn of_struct(tree: &Tree<'_>, at: usize, name: &str) -> Option<Known> {
    let has = |labels: &[&str]| tree.has_fields(at, labels);
    let field = |label: &str| tree.field(at, label);
    let unit = |label: &str| field(label).map_or("", |(_, node)| node.name);
    let string = |label: &str| field(label).and_then(|(_, node)| tree.string(node));
    let written = |label: &str| field(label).map_or("", |(_, node)| tree.written(node));
    match name {
        "Os" if has(&["code", "kind", "message"]) => {
            let text = format!("{} (os error {})", string("message")?, written("code"));
            Some(Known::new("io::Error", text))
        }
        "Custom" if has(&["kind", "error"]) && is_io_kind(unit("kind")) => {
            let (error, node) = field("error")?;
            let text = tree.string(node);
            let passes_on = text.is_none().then_some(error);
            Some(Known { type_name: Some("io::Error"), text, passes_on, ..Known::default() })
        }
        "Error" if has(&["kind", "message"]) && is_io_kind(unit("kind")) => {
            // Other crates have such an error too; the standard library's own texts tell it.
            let text = string("message").filter(|text| IO_MESSAGES.contains(&text.as_str()))?;
            Some(Known::new("io::Error", text))
        }
        "Error" if has(&["context", "source"]) || has(&["msg", "source"]) => Some(Known {
            text: string("context").or_else(|| string("msg")),
            cause: field("source").map(|(cause, _)| cause),
            ..Known::default()
        }),
        "Error" if has(&["kind", "cause"]) => {
            let text = POSTGRES_KINDS.iter().find(|(kind, _)| *kind == unit("kind"))?.1;
            let cause = field("cause").and_then(|(cause, _)| some(tree, cause));
            Some(Known { cause, ..Known::new("tokio_postgres::Error", text) })
        }
        "Error" if has(&["code", "extended_code"]) => {
            Some(Known { type_name: Some("rusqlite::ffi::Error"), ..Known::default() })
        }
        "DbError" if has_all(tree, at, &["severity", "code", "message"]) => Some(Known::new(
            "tokio_postgres::error::DbError",
            format!("{}: {}", string("severity")?, string("message")?),
        )),
        "PgDatabaseError" if has_all(tree, at, &["severity", "code", "message"]) => {
            Some(Known::new("sqlx::postgres::PgDatabaseError", string("message")?))
        }
        "MySqlDatabaseError" if has_all(tree, at, &["code", "number", "message"]) => {
            let text = format!("{}{}: {}", written("number"), sql_state(tree, at), string("message")?);
            Some(Known::new("sqlx::mysql::MySqlDatabaseError", text))
        }
        "SqliteError" if has(&["code", "message"]) => {
            let text = format!("(code: {}) {}", written("code"), string("message")?);
            Some(Known::new("sqlx::sqlite::SqliteError", text))
        }
        "SqlInputError" if has(&["error", "msg", "sql", "offset"]) => {
            let text = format!("{} in {} at offset {}", string("msg")?, string("sql")?, written("offset"));
            let cause = field("error").map(|(cause, _)| cause);
            Some(Known { cause, ..Known::new("rusqlite::Error::SqlInputError", text) })
        }
        "Status" if has_all(tree, at, &["code", "message", "source"]) && is_grpc(unit("code")) => {
            let cause = field("source").and_then(|(cause, _)| some(tree, cause));
            let text = match string("message")? {
                text if text.is_empty() => unit("code").to_owned(),
                text => format!("{}: {text}", unit("code")),
            };
            Some(Known { cause, ..Known::new("tonic::Status", text) })
        }
        "reqwest::Error" => {
            let cause = field("source").and_then(|(cause, _)| some(tree, cause));
            let text = of_request(tree, at);
            Some(Known { type_name: Some("reqwest::Error"), text, cause, passes_on: None })
        }
        "ParseIntError" | "ParseFloatError" | "ParseCharError" if has(&["kind"]) => {
            let text = PARSE_KINDS.iter().find(|(of, kind, _)| *of == name && *kind == unit("kind"))?.2;
            let type_name = PARSE_ERRORS.iter().find(|known| **known == name)?;
            Some(Known::new(type_name, text))
        }
        "Utf8Error" if has(&["valid_up_to", "error_len"]) => Some(Known::new("Utf8Error", utf8(tree, at)?)),
        "FromUtf8Error" if has(&["bytes", "error"]) => {
            Some(Known::new("FromUtf8Error", utf8(tree, field("error")?.0)?))
        }
        _ => None,
    }
}

fn of_tuple(tree: &Tree<'_>, at: usize, name: &str) -> Option<Known> {
    let element = |place: usize| tree.element(at, place);
    let written = |place: usize| element(place).map_or("", |(_, node)| tree.written(node));
    let string = |place: usize| element(place).and_then(|(_, node)| tree.string(node));
    let nothing = || written(0) == "()" && element(1).is_none();
    match name {
        "Kind" if element(1).is_none() => Some(Known::new("io::Error", io_kind(written(0))?)),
        "Error" if tree.has_fields(at, &["", "line", "column"]) => {
            let (text, line, column) = (string(0)?, written(1), written(2));
            let place = if line == "0" { String::new() } else { format!(" at line {line} column {column}") };
            Some(Known::new("serde_json::Error", text + &place))
        }
        "JoinError::Panic" => {
            let with = string(1).map(|text| format!(" with message {text:?}")).unwrap_or_default();
            Some(Known::new("JoinError::Panic", format!("task {} panicked{with}", task(written(0))?)))
        }
        "JoinError::Cancelled" => {
            Some(Known::new("JoinError::Cancelled", format!("task {} was cancelled", task(written(0))?)))
        }
        "hyper_util::client::legacy::Error" => {
            let cause = element(1).map(|(cause, _)| cause);
            let text = format!("client error ({})", written(0));
            Some(Known { cause, ..Known::new("hyper_util::client::legacy::Error", text) })
        }
        // "tcp connect error", the address where there is one, and the cause.
        "ConnectError" if string(0).is_some() => {
            let cause = tree.children(at).skip(1).map(|(cause, _)| cause).last();
            let cause = cause.filter(|cause| tree.node(*cause).is_some_and(|node| !node.name.is_empty()));
            Some(Known { cause, ..Known::new("ConnectError", string(0)?) })
        }
        "Database" if element(1).is_none() => {
            let (cause, node) = element(0)?;
            let text = of_struct(tree, cause, node.name)
                .filter(|known| known.type_name.is_some_and(|name| name.starts_with("sqlx::")));
            let text = format!("error returned from database: {}", text?.text?);
            Some(Known { cause: Some(cause), ..Known::new("sqlx::Error::Database", text) })
        }
        "SqliteFailure" => {
            let (cause, error) = element(0)?;
            let is_sqlite = error.name == "Error" && tree.has_fields(cause, &["code", "extended_code"]);
            let text = element(1).and_then(|(of, _)| tree.string(tree.node(some(tree, of)?)?));
            let known = Known { type_name: Some("rusqlite::Error::SqliteFailure"), text, ..Known::default() };
            is_sqlite.then_some(Known { cause: Some(cause), ..known })
        }
        // miette's wrapper around an error that is no diagnostic.
        "DiagnosticError" if element(1).is_none() => {
            let passes_on = element(0).map(|(inner, _)| inner);
            Some(Known { type_name: Some("DiagnosticError"), passes_on, ..Known::default() })
        }
        "AddrParseError" => ADDRESSES
            .iter()
            .find(|(kind, _)| *kind == written(0))
            .map(|(_, text)| Known::new("AddrParseError", *text)),
        "NulError" => {
            let text = format!("nul byte found in provided data at position: {}", written(0));
            written(0).parse::<usize>().is_ok().then(|| Known::new("NulError", text))
        }
        _ if nothing() => {
            let (type_name, text) = EMPTY.iter().find(|(known, _)| bare(known) == name)?;
            Some(Known::new(type_name, *text))
        }
        _ => None,
    }
}

fn of_unit(name: &str) -> Option<Known> {
    let (type_name, text) = UNITS.iter().find(|(known, _)| bare(known) == name)?;
    Some(Known::new(type_name, *text))
}

impl Known {
    fn new(type_name: &'static str, text: impl Into<String>) -> Self {
        Self { type_name: Some(type_name), text: Some(text.into()), ..Self::default() }
    }
}

/// The value in `Some(…)`, or the value itself; None for `None`.
pub(super) fn some(tree: &Tree<'_>, at: usize) -> Option<usize> {
    let node = tree.node(at)?;
    match (node.name, node.shape) {
        ("None", Shape::Unit) => None,
        ("Some", Shape::Tuple) => tree.element(at, 0).map(|(inner, _)| inner),
        _ => Some(at),
    }
}

/// Whether the whole text is what this machine says for an error of its operating system: `… (os error 2)`.
pub(super) fn is_os_error(text: &str) -> bool {
    let code = text.rsplit_once(" (os error ").and_then(|(_, rest)| rest.strip_suffix(')'));
    let code = code.and_then(|code| code.parse::<i32>().ok());
    code.is_some_and(|code| io::Error::from_raw_os_error(code).to_string() == text)
}

fn has_all(tree: &Tree<'_>, at: usize, labels: &[&str]) -> bool {
    labels.iter().all(|label| tree.field(at, label).is_some())
}

fn bare(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

/// `3` of `Id(3)`.
fn task(id: &str) -> Option<&str> {
    id.strip_prefix("Id(")?.strip_suffix(')')
}

fn of_request(tree: &Tree<'_>, at: usize) -> Option<String> {
    let (kind, node) = tree.field(at, "kind")?;
    let url = tree.field(at, "url").and_then(|(_, node)| tree.string(node));
    let text = match (node.name, node.shape) {
        ("Builder", Shape::Unit) => "builder error",
        ("Request", Shape::Unit) => "error sending request",
        ("Body", Shape::Unit) => "request or response body error",
        ("Decode", Shape::Unit) => "error decoding response body",
        ("Redirect", Shape::Unit) => "error following redirect",
        ("Upgrade", Shape::Unit) => "error upgrading connection",
        ("Status", Shape::Tuple) => {
            let code = tree.element(kind, 0).map(|(_, node)| tree.written(node))?;
            let side = if code.starts_with('4') { "client" } else { "server" };
            // What stands behind the number is the server's own phrase, or the standard one, which is not shown.
            let phrase = tree.element(kind, 1).and_then(|(_, node)| tree.string(node));
            let phrase = phrase.map(|phrase| format!(" {phrase}"))?;
            let url = url.map(|url| format!(" for url ({url})")).unwrap_or_default();
            return Some(format!("HTTP status {side} error ({code}{phrase}){url}"));
        }
        _ => return None,
    };
    Some(text.to_owned() + &url.map(|url| format!(" for url ({url})")).unwrap_or_default())
}

fn utf8(tree: &Tree<'_>, at: usize) -> Option<String> {
    let (_, up_to) = tree.field(at, "valid_up_to")?;
    let (length, _) = tree.field(at, "error_len")?;
    let up_to = tree.written(up_to);
    Some(match some(tree, length).and_then(|length| tree.node(length)) {
        Some(length) => {
            format!("invalid utf-8 sequence of {} bytes from index {up_to}", tree.written(length))
        }
        None => format!("incomplete utf-8 byte sequence from index {up_to}"),
    })
}

fn sql_state(tree: &Tree<'_>, at: usize) -> String {
    let code = tree.field(at, "code").and_then(|(code, _)| some(tree, code)).and_then(|code| tree.node(code));
    code.and_then(|code: &Node<'_>| tree.string(code)).map(|code| format!(" ({code})")).unwrap_or_default()
}

fn is_io_kind(name: &str) -> bool {
    // Kinds that only the standard library may name.
    matches!(name, "Uncategorized" | "FilesystemLoop" | "InProgress" | "CrossesDevices" | "InvalidFilename")
        || io_kind(name).is_some()
}

/// What the standard library says for a kind.
fn io_kind(name: &str) -> Option<String> {
    IO_KINDS.iter().find(|kind| format!("{kind:?}") == name).map(ErrorKind::to_string)
}

fn is_grpc(code: &str) -> bool {
    const CODES: [&str; 17] = [
        "Ok",
        "Cancelled",
        "Unknown",
        "InvalidArgument",
        "DeadlineExceeded",
        "NotFound",
        "AlreadyExists",
        "PermissionDenied",
        "ResourceExhausted",
        "FailedPrecondition",
        "Aborted",
        "OutOfRange",
        "Unimplemented",
        "Internal",
        "Unavailable",
        "DataLoss",
        "Unauthenticated",
    ];
    CODES.contains(&code)
}

const IO_KINDS: [ErrorKind; 37] = [
    ErrorKind::NotFound,
    ErrorKind::PermissionDenied,
    ErrorKind::ConnectionRefused,
    ErrorKind::ConnectionReset,
    ErrorKind::HostUnreachable,
    ErrorKind::NetworkUnreachable,
    ErrorKind::ConnectionAborted,
    ErrorKind::NotConnected,
    ErrorKind::AddrInUse,
    ErrorKind::AddrNotAvailable,
    ErrorKind::NetworkDown,
    ErrorKind::BrokenPipe,
    ErrorKind::AlreadyExists,
    ErrorKind::WouldBlock,
    ErrorKind::NotADirectory,
    ErrorKind::IsADirectory,
    ErrorKind::DirectoryNotEmpty,
    ErrorKind::ReadOnlyFilesystem,
    ErrorKind::StaleNetworkFileHandle,
    ErrorKind::InvalidInput,
    ErrorKind::InvalidData,
    ErrorKind::TimedOut,
    ErrorKind::WriteZero,
    ErrorKind::StorageFull,
    ErrorKind::NotSeekable,
    ErrorKind::QuotaExceeded,
    ErrorKind::FileTooLarge,
    ErrorKind::ResourceBusy,
    ErrorKind::ExecutableFileBusy,
    ErrorKind::Deadlock,
    ErrorKind::TooManyLinks,
    ErrorKind::ArgumentListTooLong,
    ErrorKind::Interrupted,
    ErrorKind::Unsupported,
    ErrorKind::UnexpectedEof,
    ErrorKind::OutOfMemory,
    ErrorKind::Other,
];

/// Texts that the standard library gives its own errors.
const IO_MESSAGES: [&str; 7] = [
    "data provided contains a nul byte",
    "failed to fill whole buffer",
    "failed to write the buffered data",
    "failed to write whole buffer",
    "formatter error",
    "stream did not contain valid UTF-8",
    "unexpected end of file",
];

/// `Name(())`: what it says.
const EMPTY: [(&str, &str); 7] = [
    ("tokio::time::error::Elapsed", "deadline has elapsed"),
    ("tokio::sync::AcquireError", "semaphore closed"),
    ("RecvError", "channel closed"),
    ("TryFromIntError", "out of range integral type conversion attempted"),
    ("TryFromSliceError", "could not convert slice to array"),
    ("CharTryFromError", "converted integer out of range for `char`"),
    ("DecodeUtf16Error", "unpaired surrogate found"),
];

/// Names that nobody else has: what they say.
const UNITS: [(&str, &str); 9] = [
    ("ParseBoolError", "provided string was not `true` or `false`"),
    ("rusqlite::Error::QueryReturnedNoRows", "Query returned no rows"),
    ("sqlx::Error::RowNotFound", "no rows returned by a query that expected to return at least one row"),
    ("sqlx::Error::PoolTimedOut", "pool timed out while waiting for an open connection"),
    ("url::ParseError::RelativeUrlWithoutBase", "relative URL without a base"),
    ("url::ParseError::InvalidIpv4Address", "invalid IPv4 address"),
    ("url::ParseError::InvalidIpv6Address", "invalid IPv6 address"),
    ("url::ParseError::IdnaError", "invalid international domain name"),
    ("url::ParseError::EmptyHost", "empty host"),
];

const PARSE_ERRORS: [&str; 3] = ["ParseIntError", "ParseFloatError", "ParseCharError"];

const PARSE_KINDS: [(&str, &str, &str); 9] = [
    ("ParseIntError", "Empty", "cannot parse integer from empty string"),
    ("ParseIntError", "InvalidDigit", "invalid digit found in string"),
    ("ParseIntError", "PosOverflow", "number too large to fit in target type"),
    ("ParseIntError", "NegOverflow", "number too small to fit in target type"),
    ("ParseIntError", "Zero", "number would be zero for non-zero type"),
    ("ParseFloatError", "Empty", "cannot parse float from empty string"),
    ("ParseFloatError", "Invalid", "invalid float literal"),
    ("ParseCharError", "EmptyString", "cannot parse char from empty string"),
    ("ParseCharError", "TooManyChars", "too many characters in string"),
];

const ADDRESSES: [(&str, &str); 6] = [
    ("Ip", "invalid IP address syntax"),
    ("Ipv4", "invalid IPv4 address syntax"),
    ("Ipv6", "invalid IPv6 address syntax"),
    ("Socket", "invalid socket address syntax"),
    ("SocketV4", "invalid IPv4 socket address syntax"),
    ("SocketV6", "invalid IPv6 socket address syntax"),
];

const POSTGRES_KINDS: [(&str, &str); 9] = [
    ("Io", "error communicating with the server"),
    ("Tls", "error performing TLS handshake"),
    ("UnexpectedMessage", "unexpected message from server"),
    ("Closed", "connection closed"),
    ("Db", "db error"),
    ("Parse", "error parsing response from server"),
    ("Authentication", "authentication error"),
    ("Connect", "error connecting to server"),
    ("Timeout", "timeout waiting for server"),
];
