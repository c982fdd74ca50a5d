//! Errors as programs have them: some with types and causes, some with texts only.

use std::error::Error;
use std::fmt::Write;
use std::io;

/// The values that differ from one occurrence to the next.
pub(crate) fn id(n: usize) -> u64 {
    [17, 4_711][n % 2]
}

pub(crate) fn uuid(n: usize) -> &'static str {
    ["0191f7c2-4a1b-7c3d-9e5f-0123456789ab", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"][n % 2]
}

pub(crate) fn path(n: usize) -> &'static str {
    ["/var/lib/data/part-0017.parquet", "/srv/a/b.db"][n % 2]
}

pub(crate) fn host(n: usize) -> &'static str {
    ["10.0.4.17:5432", "[fd00::17]:6432"][n % 2]
}

pub(crate) fn url(n: usize) -> &'static str {
    ["https://crates.example/api/v1/serde?page=2", "http://127.0.0.1:8080/health"][n % 2]
}

pub(crate) fn room(n: usize) -> &'static str {
    ["!OGEhHVWSdvArJzumhm:matrix.example.org", "!abcdefghij:other.example"][n % 2]
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Store {
    #[error("entry {key} not found in {table}")]
    NoEntry { key: u64, table: &'static str },
    #[error("connection to {host} lost")]
    Lost { host: &'static str, source: io::Error },
    #[error("corrupt page {0} at offset {1:#x}")]
    Corrupt(u64, u64),
}

pub(crate) fn no_entry(n: usize) -> Store {
    Store::NoEntry { key: id(n), table: "orders" }
}

pub(crate) fn lost(n: usize) -> Store {
    Store::Lost { host: host(n), source: refused() }
}

pub(crate) fn corrupt(n: usize) -> Store {
    Store::Corrupt(id(n), id(n) * 4_096)
}

/// One of two failures.
pub(crate) fn either(n: usize) -> Store {
    if n == 0 { no_entry(n) } else { lost(n) }
}

#[derive(Debug, thiserror::Error)]
#[error("could not index document {document}")]
pub(crate) struct Index {
    pub(crate) document: &'static str,
    pub(crate) source: Store,
}

pub(crate) fn index(n: usize) -> Index {
    Index { document: uuid(n), source: either(n) }
}

pub(crate) fn refused() -> io::Error {
    io::Error::from_raw_os_error(111)
}

pub(crate) fn os(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}

/// A file that is not there, as `anyhow` tells it.
pub(crate) fn unreadable(n: usize) -> anyhow::Error {
    anyhow::Error::from(os(2)).context(format!("cannot read {}", path(n)))
}

pub(crate) fn timed_out(n: usize) -> anyhow::Error {
    anyhow::anyhow!("deadline of {:?} has elapsed", std::time::Duration::from_micros(1_500 * id(n)))
        .context(format!("no answer from {}", host(n)))
}

pub(crate) fn bad_json(n: usize) -> serde_json::Error {
    let text = [r#"{"id": 1, "#, "{\n\n\"id\": 1,"][n % 2];
    serde_json::from_str::<serde_json::Value>(text).unwrap_err()
}

pub(crate) fn bad_number(n: usize) -> std::num::ParseIntError {
    ["x17", "4711y"][n % 2].parse::<u16>().unwrap_err()
}

/// The chain on one line, as many programs join it by a function of their own.
pub(crate) fn joined(error: &dyn Error, by: &str) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        write!(text, "{by}{cause}").unwrap();
        next = cause.source();
    }
    text
}
