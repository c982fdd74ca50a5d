//! What stays of a text and what goes, and what holds for any text whatever.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

#[track_caller]
fn reads(table: &[(&str, &str)]) {
    let read: Vec<_> = table.iter().map(|(text, _)| (*text, skeleton(text))).collect();
    let wrong: Vec<_> = read.iter().zip(table).filter(|((_, read), (_, right))| read != right).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_value_leaves_a_placeholder() {
    reads(&[
        ("order 17 of ada.l+x@example.org", "order <*> of <email>"),
        ("took 1.234567ms, then 3µs, then 12.5s", "took <duration>, then <duration>, then <duration>"),
        ("up for 1h 30m 5s and 2days", "up for <duration> and <duration>"),
        ("retry in 5 seconds, 1 second, 200 ms", "retry in <duration>"),
        ("wrote 15MiB of 1.5 GB", "wrote <size> of <size>"),
        ("GET https://a.example/x?id=5 failed", "GET <url> failed"),
        ("for url (https://a.example/x(1)?id=5).", "for url (<url>)."),
        ("postgres://u:p@db:5432/x, redis://[::1]:6379", "<url>"),
        ("from 10.0.0.1 to 10.0.0.2:8080", "from <host> to <host>"),
        ("from [::1]:80, fe80::1 and ::1", "from <host> and <host>"),
        ("db-1.eu.internal:5432 and api.example.com", "<host> and <host>"),
        ("localhost:8080 kafka-0.kafka:9092", "<host>"),
        ("job 550e8400-e29b-41d4-a716-446655440000", "job <uuid>"),
        ("job_550e8400-e29b-41d4-a716-446655440000.parquet", "job_<uuid>.parquet"),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "<*>"),
        ("commit 57fa000 of 57fa00066aa and 0xdeadbeef", "commit <*> of <*> and <*>"),
        ("sha d41d8cd98f00b204e9800998ecf8427e", "sha <*>"),
        ("id 01ARZ3NDEKTSV4RRFFQ69G5FAV ksuid 0ujtsYcgvSTl8PAuAdqWYSMnLOv", "id <*> ksuid <*>"),
        ("charge ch_3MmlLrLkdIwHu7ix0snN0B15 and V1StGXR8_Z5jdHi6B-myT", "charge <*> and <*>"),
        ("pod api-7d9f8b6c5-x2x4z is gone", "pod <*> is gone"),
        ("at 2024-01-31T08:15:00.123456Z", "at <time>"),
        ("at 2024-01-31 8:15:00 +00:00:00 and 2024-01-31", "at <time> and <time>"),
        ("/var/lib/x-17/a.db: gone", "<path>: gone"),
        ("opening=/etc/x, ~/x, ./x", "opening=<path>"),
        (r"C:\Users\ada\x.txt is gone", "<path> is gone"),
        ("POST /pay/{id}/items answered", "POST <path> answered"),
        ("unknown field \"na\\\"me\", column 'a b'", "unknown field <str>, column <str>"),
        ("missing field `name` at line 3 column 17", "missing field <str> at line <*> column <*>"),
        ("ThreadId(12) of Id(3) by #17 for $5.00", "ThreadId(<*>) of Id(<*>) by #<*> for $<*>"),
        ("retry=true attempt=-3 ratio=-1.5e-7 {ok:true}", "retry=<bool> attempt=<*> ratio=<*> {ok:true}"),
        ("[1, 2, 3] and [4]", "[<*>] and [<*>]"),
        ("1,234,567 rows, 97%", "<*> rows, <*>%"),
        ("@ada:example.org in !OGEhHVWSdvArJzumhm:matrix.org", "<*> in <*>"),
        ("node-17/part_3 v1.2.3 of 10", "node-<*>/part_<*> of <*>"),
        ("id:17 host:10.0.0.1:80 a:b:9f3a", "id:<*> host:<host> a:b:<*>"),
        ("aa:bb:cc:dd:ee:0f", "<*>"),
        ("a-1.5 of 10.0.0.1:x", "a-<*> of <*>:x"),
    ]);
}

#[test]
fn what_tells_a_failure_stays() {
    for text in [
        "No such file or directory (os error 2)",
        "HTTP status client error (404 Not Found) for",
        "status code: 503, status 404, StatusCode(500), status_code=429, HTTP/1.1 502",
        "answered 503 Service Unavailable",
        "SQLSTATE 23505, SQLSTATE[42P01], SqlState(23505)",
        "exit code: 1, exit status: 101, exited with code 2, signal: 9 (SIGKILL)",
        "http/1.5 os error -5, code: -5",
        "error code 1045, errno 11, code: 5, code=14",
        "error[E0382] ORA-00942 22P02",
        "utf8 http2 s3 sha256 x86_64 k8s ipv6 UTF-8 SHA-256 ISO-8601 base64 4xx 3d",
        "std::io::Error in tokio::net, main.rs and config.toml",
        "can't read the users' list, don't",
        "called `Option::unwrap()` on a `None` value",
        "and / or",
        "read: true, write false",
        "e.g. this, i.e. that...",
    ] {
        assert_eq!(skeleton(text), text);
    }
    reads(&[
        ("os error 2 at 17", "os error 2 at <*>"),
        ("404 times", "<*> times"),
        ("status 40404", "status <*>"),
    ]);
}

#[test]
fn it_is_one_line_of_bounded_length() {
    reads(&[
        ("  a\tb  \n\n c\r\n d", "a b c"),
        ("\u{1b}[31mred\u{1b}[0m \u{202e}x\u{0}", "red x"),
        ("select \"a\nb\nc\nd", "select <str>"),
        ("", ""),
        ("\n", ""),
    ]);
    let long = skeleton(&"ä word ".repeat(1_000));
    assert_eq!(
        (long.chars().count() <= SKELETON_CHARS, long.ends_with("word…") || long.ends_with("ä…")),
        (true, true)
    );
    assert_eq!(skeleton(&"x".repeat(1_000)), "…");
    assert_eq!(skeleton(&format!("failed: {}", "x".repeat(1_000))), "failed:…");
}

#[test]
fn ten_thousand_ids_of_a_kind_have_one_skeleton() {
    type Id = fn(u64) -> String;
    let kinds: [(&str, Id); 8] = [
        ("a number", |n| n.to_string()),
        ("a number of eight digits", |n| format!("{:08}", n % 100_000_000)),
        ("eight hexadecimal digits", |n| format!("{:08x}", n as u32)),
        ("sixteen", |n| format!("{n:016x}")),
        ("a pointer", |n| format!("{:#x}", n)),
        ("a uuid", |n| {
            format!("{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}", n as u32, n as u16, n % 4096, n % 1000, n >> 16)
        }),
        ("an address", |n| format!("10.{}.{}.{}:{}", n as u8, (n >> 8) as u8, (n >> 16) as u8, n as u16)),
        ("a duration", |n| format!("{:?}", Duration::from_nanos(n >> (n % 40)))),
    ];
    for (kind, id) in kinds {
        // A congruential generator: spread over all lengths of bits, and the same in every run.
        let mut n = 1_u64;
        let mut found = std::collections::BTreeSet::new();
        for _ in 0..10_000 {
            n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            found.insert(skeleton(&format!("order {} is gone", id(n))));
        }
        assert_eq!(found.len(), 1, "{kind}: {:?}", found.iter().take(5).collect::<Vec<_>>());
    }
}

/// Time grows with the text: texts made to make each rule look far ahead, of the length of the longest error text.
#[test]
fn no_text_takes_long() {
    for unit in [
        "'a'b ", "`", "\"a", "a:", "a::", "http://", "[", "[a", "((((", "/", "1", "1.", "<*>", "<*", "a-",
        "é",
    ] {
        let text = unit.repeat(crate::limits::ERROR_TEXT_BYTES / unit.len());
        let begun = Instant::now();
        skeleton(&text);
        assert!(begun.elapsed() < Duration::from_secs(1), "{unit}: {:?}", begun.elapsed());
    }
}

#[track_caller]
fn holds_for(text: &str) {
    let once = skeleton(text);
    assert!(once.chars().count() <= SKELETON_CHARS, "{text:?}");
    assert!(!once.contains('\n'), "{text:?}");
    assert_eq!(skeleton(&once), once, "{text:?}");
}

/// Pieces that meet the rules at their edges.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "status",
        "HTTP",
        "os",
        "error",
        "code",
        "code:",
        "exit",
        "17",
        "404",
        "404 Not Found",
        "1.5",
        "-",
        "+",
        "_",
        ".",
        ":",
        "::",
        "/",
        "//",
        "://",
        "http",
        "=",
        "true",
        "\"",
        "'",
        "`",
        "None",
        "<*>",
        "<str>",
        "<host>",
        "<",
        ">",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ", ",
        " ",
        "\n",
        "@",
        "!",
        "#",
        "$",
        "example.com",
        "10.0.0.1",
        "::1",
        "9f3a",
        "deadbeef",
        "0x1f",
        "2024-01-31",
        "08:15:00",
        "+02:00",
        "ms",
        " MB",
        "5s",
        "3 s",
        "~",
        "..",
        "\\",
        "C:\\",
        "é",
        "\u{1b}[31m",
        "\u{200b}",
        "…",
        "utf",
        "x86",
        "x",
        "Z",
        "e",
        "550e8400-e29b-41d4-a716-446655440000",
        "\t",
        "%",
        "a123456789b987654321",
        "word word word word word word word word word word",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_has_a_bounded_skeleton_that_is_its_own(text in any::<String>()) {
        holds_for(&text);
    }

    #[test]
    fn any_line_has_one_too(text in "[ -~]{0,400}") {
        holds_for(&text);
    }

    #[test]
    fn whatever_meets(text in pieces()) {
        holds_for(&text);
    }

    /// Values of one kind never make two skeletons.
    #[test]
    fn numbers_do_not_show(a in any::<i64>(), b in any::<f64>().prop_filter("a number", |b| b.is_finite())) {
        prop_assert_eq!(skeleton(&format!("x {a} y {b} z={b:?}")), "x <*> y <*> z=<*>");
    }
}
