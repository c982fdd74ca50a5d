//! The habits of real programs: what each message should be taken for.

use std::fmt::{self, Write};

use proptest::prelude::*;

use super::*;

/// A message and the pieces that it was written in.
#[derive(Default)]
struct Message {
    pieces: Pieces,
    text: String,
}

impl fmt::Write for Message {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.pieces.hear(piece);
        self.text.push_str(piece);
        Ok(())
    }
}

/// The error that a message is found to end with.
fn error_of(message: fmt::Arguments<'_>) -> Option<String> {
    let mut heard = Message::default();
    heard.write_fmt(message).unwrap();
    heard.pieces.error_in(&heard.text).map(|at| heard.text[at..].to_owned())
}

macro_rules! table {
    ($($message:literal $(, $argument:expr)* => $error:expr;)*) => {
        [$((
            concat!($message, " ", stringify!($($argument),*)),
            // Of a literal the compiler would make a part of the text.
            error_of(format_args!($message $(, std::convert::identity($argument))*)),
            Option::<&str>::map($error, str::to_owned),
        )),*]
    };
}

/// As logged, what they end with.
#[test]
fn messages_end_with_errors_as_programs_write_them() {
    let (id, name, path) = (4711_u32, "ada", "/var/lib/shop/cart.db");
    let no_file = &std::io::Error::from_raw_os_error(2);
    let refused = "connection refused";
    let (gone, closed) = (fmt::Error, "closed");
    #[derive(Debug)]
    #[expect(dead_code, reason = "they are only shown")]
    enum Db {
        PoolTimedOut,
        Protocol(String),
        Row { index: u32 },
    }
    let found = table! {
        "failed to load user {}: {}", id, refused => Some(refused);
        "failed to load user {}: {}", name, no_file => Some("No such file or directory (os error 2)");
        "failed to load user {}: {:?}", id, no_file
            => Some("Os { code: 2, kind: NotFound, message: \"No such file or directory\" }");
        "cannot open {:?}: {}", path, no_file => Some("No such file or directory (os error 2)");
        "failed to read `{}`: {}", path, closed => Some(closed);
        "handler for {:?} failed: {}", Db::Row { index: 1 }, refused => Some(refused);
        "failed with {:?}", std::io::Error::other("boom") => Some("Custom { kind: Other, error: \"boom\" }");
        "failed {:?}", no_file => Some("Os { code: 2, kind: NotFound, message: \"No such file or directory\" }");
        "failed {:?}", Db::Row { index: 1 } => Some("Row { index: 1 }");
        "{}", no_file => Some("No such file or directory (os error 2)");
        "request failed: {}", "[6] Could not resolve host: foo" => Some("[6] Could not resolve host: foo");
        "query failed: {}", "(1045) Access denied" => Some("(1045) Access denied");
        "Ошибка: {}", closed => Some(closed);
        "失敗: {}", refused => Some(refused);
        "lookup: {}", "接続が拒否されました" => Some("接続が拒否されました");
        "error: {}", closed => Some(closed);
        "error: {:?}", gone => Some("Error");
        "Error {}", refused => Some(refused);
        "got error {:?} from {}", gone, name => Some("Error from ada");
        "stopped with err {}", closed => Some(closed);
        "{}: {}", "loading the cart", refused => Some(refused);
        "connect to {}:{}: {}", "db", 5432, refused => Some(refused);
        "giving up on {} because {}", name, refused => Some(refused);
        "giving up on {} due to {}", name, closed => None;
        "request failed due to {}", closed => Some(closed);
        "request failed - {}", closed => Some(closed);
        "request failed => {}", refused => Some(refused);
        "request failed, caused by {}", refused => Some(refused);
        "charge failed ({})", refused => Some("connection refused)");
        "charge of {} failed (error: {})", id, closed => Some("closed)");
        "worker {} exited with {}", id, "exit status: 1" => Some("exit status: 1");
        "id: {}, error: {}", id, refused => Some(refused);
        "job={} error={}", id, closed => Some(closed);
        "job={} user={} error={:?}", id, name, Db::PoolTimedOut => Some("PoolTimedOut");
        "checkout: {:?}", Db::PoolTimedOut => Some("PoolTimedOut");
        "checkout: {:?}", Db::Protocol("no".to_owned()) => Some("Protocol(\"no\")");
        "checkout: {:?}", Db::Row { index: 1 } => Some("Row { index: 1 }");
        "upstream answered: {}", "404 Not Found" => Some("404 Not Found");
        "checkout failed: {}", "\n   0: cannot charge\n   1: no route" => Some("\n   0: cannot charge\n   1: no route");
        "could not send: {}", "451 try again later" => Some("451 try again later");
        "Datei {} nicht lesbar: {}", path, "Zugriff verweigert" => Some("Zugriff verweigert");
        "failed to send to {}: {} (attempt {})", name, closed, 3 => Some("closed (attempt 3)");
        "task {} panicked: {}", id, "index out of bounds" => Some("index out of bounds");
    };
    let none = table! {
        "no such user: {}", "Bob Smith" => None;
        "user not found: {}", "Bob" => None;
        "unauthorized ip={} path={}", "1.2.3.4", "/x" => None;
        "watchdog - {}", "main loop" => None;
        "status={}", "Down" => None;
        "last success at: {}", "yesterday at noon" => None;
        "timed out after: {:?}", std::time::Duration::from_millis(5) => None;
        "bad frame {:?}, closing", Db::Row { index: 1 } => None;
        "rejected {} at {:?}", name, std::time::SystemTime::UNIX_EPOCH => None;
        "{:?} of {}", Db::Row { index: 1 }, name => None;
        "worker queue closed" => None;
        "worker queue closed: shutting down" => None;
        "{}", refused => None;
        "unexpected status {}", 503 => None;
        "unexpected status: {}", 503 => None;
        "exit code: {}", 101 => None;
        "error code {}", 17 => None;
        "user {} not found", name => None;
        "user: {}", name => None;
        "no such user: {}", "ada@example.org" => None;
        "queue {}: depth {}", name, id => None;
        "queue {}: {} messages", name, id => None;
        "timed out after {:?}", std::time::Duration::from_millis(1_500) => None;
        "timed out after: {:?}", std::time::Duration::from_millis(1_500) => None;
        "timed out after: {}", "1m 30s" => None;
        "last seen: {}", "2024-01-31 08:15:00 UTC" => None;
        "invalid config: missing field {}", name => None;
        "invalid user name: {}", name => None;
        "unexpected token: {}", "let" => None;
        "missing key: {}", name => None;
        "cannot open {:?}", path => None;
        "failed to delete: {}", path => None;
        "failed to delete: {:?}", path => None;
        "could not resolve host: {}", "db.example.org" => None;
        "failed to bind to: {}", "localhost:8080" => None;
        "failed to fetch: {}", "http://example.org/a" => None;
        "failed for ids: {:?}", [1, 2, 3] => None;
        "failed for user: {:?}", Some(name) => None;
        "failed, retried: {}", true => None;
        "received signal: {:?}", Db::PoolTimedOut => None;
        "worker is in state: {:?}", Db::PoolTimedOut => None;
        "unhandled event: {:?}", Db::Row { index: 1 } => None;
        "user={} shard={}", name, id => None;
        "for user: {}, shard: {}", name, "eu-west" => None;
        "disk full ({} bytes left)", 17 => None;
        "no route ({})", name => None;
        "connection to {} closed", name => None;
        "failed to get {}: not found", name => None;
        "he said \"{}: {}\"", name, refused => None;
    };
    let wrong: Vec<_> = found.iter().chain(&none).filter(|(_, found, expected)| found != expected).collect();
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), found.len() + none.len());
}

#[test]
fn where_a_formatter_panicked_in_the_place_of_an_error_it_is_one() {
    let panicked = |pieces: &[&str]| {
        let mut heard = Pieces::default();
        pieces.iter().for_each(|piece| _ = heard.hear(piece));
        heard.error_in(PANICKED)
    };
    assert_eq!(panicked(&["charge failed: "]), Some(0));
    assert_eq!(panicked(&["charge failed: ", "half of"]), Some(0));
    assert_eq!(panicked(&["user "]), None);
}

proptest! {
    #[test]
    fn whatever_is_heard_the_error_is_inside_the_text(
        pieces in proptest::collection::vec("(: |, [a-z]{0,9}: |=| \\(|error |\\PC{0,9}|.{0,30})", 0..12),
        text in proptest::option::of(".{0,60}"),
    ) {
        let mut heard = Message::default();
        for piece in &pieces {
            heard.write_str(piece).unwrap();
        }
        // The breadcrumb may have less of it, or, where a formatter says another thing, something else.
        for text in [Some(heard.text.clone()), text, Some(heard.text.chars().take(7).collect())].into_iter().flatten() {
            if let Some(at) = heard.pieces.error_in(&text) {
                prop_assert!(heard.text.is_char_boundary(at) || text == PANICKED);
                prop_assert!(text.is_char_boundary(at) || text.len() < at);
            }
        }
        let joints = heard.pieces.joints();
        prop_assert!(joints.iter().all(|at| heard.text[*at..].starts_with(JOINT)));
    }
}
