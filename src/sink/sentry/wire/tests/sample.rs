//! Events of fixed times, names and addresses, and a wire that knows one image.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use tracing::Level;

use super::super::Wire;
use super::super::contexts::Program;
use crate::model::{
    Breadcrumb, Cause, EventKind, Fingerprint, Frame, LoggedAt, Request, SourceLines, Span, TrackedEvent,
    TrailSource, User,
};
use crate::sink::sentry::images::{Image, Images};

/// 2026-05-01 04:19:17 UTC.
pub(super) fn moment() -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(1_777_609_157_250_000)
}

pub(super) fn wire() -> Wire {
    let image = |start, file: &str| Image {
        start,
        size: 0x10_0000,
        file: file.to_owned(),
        debug_file: None,
        debug_id: "e20a2268-5dc6-c165-b6aa-a12fa6765a6e".parse().ok(),
        code_id: "68220ae2c65d65c1b6aaa12fa6765a6ec2f5f434".parse().ok(),
    };
    Wire {
        images: Images::fixed(vec![image(0x5500_0000, "/srv/shop"), image(0x7f00_0000, "/lib/libc.so.6")]),
        program: Program { name: Some("shop".to_owned()), started: moment() - Duration::from_secs(60) },
    }
}

/// The payload, read again.
pub(super) fn sent(event: &TrackedEvent) -> Value {
    serde_json::from_slice(&wire().payload(event)).unwrap()
}

/// One that knows little more than that something failed.
pub(super) fn bare(kind: EventKind) -> TrackedEvent {
    TrackedEvent {
        id: "636bc9a52df24cef9af7d825bc168bef".parse().unwrap(),
        time: moment(),
        title: "checkout failed".to_owned(),
        culprit: "checkout::orders".to_owned(),
        target: "checkout::orders".to_owned(),
        file: Some("src/orders.rs".to_owned()),
        line: Some(51),
        message: Some("checkout failed".to_owned()),
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
        span_id: "00f067aa0ba902b7".to_owned(),
        environment: "staging".to_owned(),
        fingerprint: Fingerprint::from_iter(["v1", "checkout::orders", "checkout failed"]),
        logged_at: vec![logged_at("checkout::orders", 51, "checkout failed")],
        ..TrackedEvent::bare(kind)
    }
}

/// One that knows all there is to know.
pub(super) fn full() -> TrackedEvent {
    let request = Request {
        method: Some("POST".to_owned()),
        url: Some("https://shop.example/orders/25?voucher=spring%20sale&page=2#pay".to_owned()),
        route: Some("/orders/{id}".to_owned()),
        status: Some(500),
    };
    let inner = Span {
        name: "checkout".to_owned(),
        target: "checkout::orders".to_owned(),
        fields: object(json!({ "order": 25, "voucher": "spring sale", "type": "gift" })),
        cut: true,
    };
    let outer =
        Span { name: "request".to_owned(), target: "shop".to_owned(), fields: Map::new(), cut: false };
    TrackedEvent {
        value: "the payment for order 25 could not be taken".to_owned(),
        title: "checkout of order 25 failed".to_owned(),
        message: Some("checkout of order 25 failed".to_owned()),
        chain: vec![
            cause(Some("Payment"), "the payment for order 25 could not be taken"),
            cause(None, "gave up on the card gateway after 3 attempts"),
            cause(Some("io::Error"), "Connection timed out (os error 110)"),
        ],
        chain_cut: true,
        siblings: vec![vec![
            cause(Some("Rollback"), "the order could not be taken back"),
            cause(None, "locked"),
        ]],
        frames: frames(),
        breadcrumbs: vec![
            Breadcrumb {
                time: UNIX_EPOCH - Duration::from_secs(1),
                ..crumb(0, Level::TRACE, "before the epoch")
            },
            crumb(7_300, Level::INFO, "signed in").data("by", "google"),
            Breadcrumb { cut: true, ..crumb(184, Level::WARN, "stock is low").data("left", 24) },
            Breadcrumb {
                target: "shop::pay".to_owned(),
                ..crumb(2, Level::ERROR, "no luck").data("card", "visa")
            },
            Breadcrumb { category: String::new(), ..crumb(1, Level::DEBUG, "") },
        ],
        trail: TrailSource::Span,
        trail_cut: true,
        user: Some(User::new("1025").email("ada@example.com").username("ada").ip_address("203.0.113.7")),
        request: Some(request),
        tags: [("plan", "pro"), ("pay method", " card\n"), ("release", "blue"), ("empty", " ")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        contexts: [
            ("cart", json!(1)),
            ("os", json!({ "name": "linux", "kernel_version": "6.1" })),
            ("trace", json!({ "mine": true })),
            ("app", json!({ "build_type": "canary" })),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
        fields: object(json!({ "cents": 1415, "error": "the payment for order 25 could not be taken" })),
        spans: vec![inner, outer],
        release: Some("shop@1.2.3".to_owned()),
        server_name: Some("web-7".to_owned()),
        fingerprint: Fingerprint::from_iter([
            "v1",
            "checkout::orders",
            "checkout of order <*> failed",
            "Payment",
        ]),
        logged_at: vec![
            logged_at("checkout::orders", 51, "checkout failed"),
            logged_at("shop", 70, "request failed"),
        ],
        tallied_before: 12,
        ..bare(EventKind::Error)
    }
}

fn frames() -> Vec<Frame> {
    let mut frames = vec![
        frame("checkout::orders", "place::{{closure}}", "src/orders.rs", 51, 0x5500_1234),
        frame("checkout::orders", "place", "src/orders.rs", 40, 0x5500_1234),
        Frame {
            in_app: false,
            ..frame(
                "<axum::Router as tower::Service>",
                "call",
                "/home/a/.cargo/registry/src/index-1949/axum-0.8.1/src/routing.rs",
                9,
                0x5500_2345,
            )
        },
        Frame { address: Some(0x5500_3456), ..Frame::default() },
        Frame { address: Some(0x7f00_4567), ..Frame::default() },
    ];
    frames[0].source = Some(SourceLines {
        first_line: 49,
        lines: ["        }", "\tErr(error) => {", "            error!(…);", "", "        }"]
            .map(str::to_owned)
            .into(),
    });
    frames
}

pub(super) fn frame(module: &str, function: &str, file: &str, line: u32, address: u64) -> Frame {
    Frame {
        module: Some(module.to_owned()),
        function: Some(function.to_owned()),
        file: Some(file.to_owned()),
        line: Some(line),
        in_app: true,
        address: Some(address),
        source: None,
    }
}

pub(super) fn crumb(ago_ms: u64, level: Level, message: &str) -> Breadcrumb {
    let crumb = Breadcrumb::new(message).level(level).category("checkout");
    Breadcrumb { time: moment() - Duration::from_millis(ago_ms), ..crumb }
}

pub(super) fn cause(type_name: Option<&str>, value: &str) -> Cause {
    Cause::new(type_name.map(str::to_owned), value)
}

pub(super) fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn logged_at(target: &str, line: u32, message: &str) -> LoggedAt {
    LoggedAt {
        id: "0f2d1c3b4a5968778695a4b3c2d1e0ff".parse().unwrap(),
        target: target.to_owned(),
        file: Some("src/main.rs".to_owned()),
        line: Some(line),
        message: Some(message.to_owned()),
    }
}
