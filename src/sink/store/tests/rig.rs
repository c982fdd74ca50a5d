//! A folder for one test, and what is recorded in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tracing::Level;

use crate::issues::{Book, Entry, Heading, IssueId, Moment, Sighting};
use crate::model::{
    Breadcrumb, BreadcrumbKind, Cause, EventId, EventKind, Fingerprint, Frame, LoggedAt, Request,
    SourceLines, Span, TrackedEvent, TrailSource, User,
};
use crate::sink::store::{Access, Store};

/// A folder of its own, gone with the test.
pub(in crate::sink::store) struct Folder(PathBuf);

impl Folder {
    pub(in crate::sink::store) fn new() -> Self {
        let path =
            std::env::temp_dir().join(format!("crumbtrail-{}-{}", std::process::id(), EventId::random()));
        std::fs::create_dir(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    pub(in crate::sink::store) fn path(&self) -> &Path {
        &self.0
    }

    pub(in crate::sink::store) fn store(&self) -> PathBuf {
        self.0.join("shop.db")
    }

    pub(super) fn open(&self) -> Store {
        Store::open(&self.store(), Access::Program).unwrap()
    }

    /// The names of what is in it.
    pub(in crate::sink::store) fn names(&self) -> Vec<String> {
        let entries = self.0.read_dir().unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The stores that were set aside.
    pub(super) fn aside(&self) -> Vec<String> {
        let is_aside =
            |name: &String| name.contains(".corrupt-") && !name.ends_with("-wal") && !name.ends_with("-shm");
        self.names().into_iter().filter(is_aside).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A moment of a day in 2026.
pub(super) fn at(seconds: u64) -> Moment {
    Moment::from_ms(1_777_600_000_000 + seconds * 1_000)
}

/// An event of an issue.
pub(super) fn event(issue: &str, seconds: u64) -> TrackedEvent {
    TrackedEvent {
        id: EventId::random(),
        time: at(seconds).time(),
        title: format!("{issue} failed"),
        fingerprint: Fingerprint::from(issue),
        chain: vec![Cause::new(Some("Refused".to_owned()), format!("{issue} was refused"))],
        environment: "production".to_owned(),
        ..TrackedEvent::bare(EventKind::Error)
    }
}

pub(super) fn name(issue: &str) -> IssueId {
    IssueId::of(&Fingerprint::from(issue))
}

pub(super) fn entry(event: &TrackedEvent) -> Entry {
    Entry::Event { event: Arc::new(event.clone()), sent: false }
}

pub(super) fn heading(issue: &str) -> Heading {
    Heading::of(&event(issue, 0))
}

/// Records an event at its own time.
pub(super) fn record(book: &mut impl Book, event: &TrackedEvent) -> Vec<Sighting> {
    book.record(&[entry(event)], Moment::of(event.time)).unwrap()
}

pub(super) fn count(book: &impl Book, issue: &str) -> u64 {
    book.issue(name(issue)).unwrap().map_or(0, |issue| issue.summary.count)
}

/// An event in which nothing is missing.
pub(super) fn rich() -> TrackedEvent {
    let crumb = |nth: u64| Breadcrumb {
        time: at(nth).time() + Duration::from_nanos(123_456_789),
        level: [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR][nth as usize % 5],
        kind: if nth % 5 == 4 { BreadcrumbKind::Error } else { BreadcrumbKind::Default },
        category: "query".to_owned(),
        target: "sqlx::query".to_owned(),
        message: format!("SELECT {nth} \u{1f980} \"quoted\" \\ \u{0}"),
        data: json!({"rows": nth, "ratio": 0.25, "deep": {"list": [1, null, "x"]}})
            .as_object()
            .unwrap()
            .clone(),
        cut: nth.is_multiple_of(2),
    };
    let cause = |value: &str| Cause::new(Some("shop::Refused".to_owned()), value);
    TrackedEvent {
        id: EventId::random(),
        time: at(9).time() + Duration::from_nanos(42),
        level: Level::WARN,
        kind: EventKind::Panic,
        handled: false,
        title: "pay failed".to_owned(),
        value: "card refused".to_owned(),
        culprit: "shop::pay".to_owned(),
        target: "shop".to_owned(),
        file: Some("src/pay.rs".to_owned()),
        line: Some(17),
        message: Some("while paying\nfor it".to_owned()),
        chain: vec![cause("outer"), Cause::new(None, "root")],
        chain_cut: true,
        siblings: vec![vec![cause("other")], vec![]],
        frames: vec![
            Frame {
                function: Some("pay".to_owned()),
                module: Some("shop::pay".to_owned()),
                file: Some("src/pay.rs".to_owned()),
                line: Some(17),
                in_app: true,
                address: Some(u64::MAX),
                source: Some(SourceLines { first_line: 16, lines: vec!["{".to_owned(), "}".to_owned()] }),
            },
            Frame::default(),
        ],
        breadcrumbs: (0..100).map(crumb).collect(),
        trail: TrailSource::Span,
        trail_cut: true,
        user: Some(User::new("4711").email("ada@example.com").username("ada").ip_address("192.0.2.7")),
        request: Some(Request {
            method: Some("POST".to_owned()),
            url: Some("https://shop.example/pay/17".to_owned()),
            route: Some("/pay/{id}".to_owned()),
            status: Some(502),
        }),
        tags: BTreeMap::from([("provider".to_owned(), "google".to_owned())]),
        contexts: BTreeMap::from([("os".to_owned(), json!({"name": "Linux"}))]),
        fields: json!({"order": 17, "amount": 12.5}).as_object().unwrap().clone(),
        spans: vec![Span {
            name: "request".to_owned(),
            target: "tower_http".to_owned(),
            fields: json!({"path": "/pay"}).as_object().unwrap().clone(),
            cut: true,
        }],
        trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        span_id: "b7ad6b7169203331".to_owned(),
        release: Some("abc123".to_owned()),
        environment: "production".to_owned(),
        server_name: Some("web-1".to_owned()),
        fingerprint: Fingerprint::new(vec!["v1".to_owned(), "pay \"x\"".to_owned()]),
        logged_at: vec![LoggedAt {
            id: EventId::random(),
            target: "shop".to_owned(),
            file: Some("src/main.rs".to_owned()),
            line: Some(3),
            message: Some("it failed".to_owned()),
        }],
        tallied_before: 41,
        error_at: Some(1),
    }
}
