//! An issue of fixed times and names.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, json};
use tracing::Level;

use crate::issues::{
    Bucket, Evidence, Facts, Issue, IssueId, IssueKind, LineTotal, Moment, Share, Since, State, Summary,
    TagShares, UserCount, Variant,
};
use crate::model::{
    Breadcrumb, Cause, EventKind, Fingerprint, Frame, LoggedAt, Request, SourceLines, TrackedEvent,
    TrailSource, User,
};

/// 2026-11-23 13:00:07 UTC.
pub(super) fn now() -> Moment {
    Moment::from_ms(1_795_438_807_000)
}

pub(super) fn ago(seconds: u64) -> Moment {
    now().before(Duration::from_secs(seconds))
}

pub(super) fn users(number: u64) -> UserCount {
    UserCount { number, is_estimate: false }
}

pub(super) fn about(number: u64) -> UserCount {
    UserCount { number, is_estimate: true }
}

/// The mission's own: started with abc123, 40 an hour, 12 % of users, Google alone.
pub(super) fn facts() -> Facts {
    Facts {
        since: Since::Started("abc123".to_owned()),
        first_seen: ago(25 * 86_400),
        past_hour: 40,
        users: users(412),
        share: Some(Share { hit: users(36), seen: users(300), window: Duration::from_secs(86_400) }),
        evidence: vec![
            evidence("plan", "free", [40, 30], [320, 200]),
            evidence("provider", "google", [40, 40], [320, 107]),
        ],
    }
}

/// Of the first number of events, and of lanes, the second has the value.
pub(super) fn evidence(
    tag: &str,
    value: &str,
    [events, events_with]: [u64; 2],
    [lanes, lanes_with]: [u64; 2],
) -> Evidence {
    Evidence { tag: tag.to_owned(), value: value.to_owned(), events, events_with, lanes, lanes_with }
}

pub(super) fn summary() -> Summary {
    Summary {
        id: IssueId(0x1a2b_3c4d_5e6f_7081),
        kind: IssueKind::Error,
        level: Level::ERROR,
        title: "sign-up failed".to_owned(),
        culprit: "sign_up".to_owned(),
        state: State::Unresolved,
        regressed: false,
        count: 1_040,
        users: users(412),
        first_seen: ago(25 * 86_400),
        last_seen: ago(125),
        first_release: Some("abc123".to_owned()),
        last_release: Some("d4e5f60".to_owned()),
    }
}

pub(super) fn issue() -> Issue {
    let hour = now().hour();
    let bucket = |ago, release: &str, environment: &str, count| Bucket {
        hour: hour - ago,
        is_day: false,
        release: Some(release.to_owned()),
        environment: environment.to_owned(),
        count,
    };
    let tag = |tag: &str, total, values: &[(&str, u64)]| TagShares {
        tag: tag.to_owned(),
        total,
        values: values.iter().map(|(value, count)| ((*value).to_owned(), *count)).collect(),
        is_partial: false,
    };
    let plans: Vec<(String, u64)> = (0..20).map(|plan| (format!("team-{plan}"), 20 - plan)).collect();
    let variant =
        |label: &str, count, seconds| Variant { label: label.to_owned(), count, last_seen: ago(seconds) };
    Issue {
        summary: summary(),
        fingerprint: Fingerprint::from_iter(["v1", "shop::sign_up", "sign-up failed"]),
        target: "shop::sign_up".to_owned(),
        file: Some("src/sign_up.rs".to_owned()),
        line: Some(51),
        tallied: 900,
        buckets: vec![
            Bucket { is_day: true, ..bucket(25 * 24 + 13, "abc123", "production", 500) },
            bucket(70, "abc123", "production", 300),
            bucket(23, "abc123", "staging", 80),
            bucket(5, "d4e5f60", "staging", 1),
            bucket(1, "d4e5f60", "production", 119),
            bucket(0, "d4e5f60", "production", 40),
        ],
        tags: vec![
            TagShares { tag: "plan".to_owned(), total: 400, values: plans, is_partial: false },
            tag("provider", 140, &[("google", 138), ("mail", 2)]),
            tag("voucher", 1, &[("spring sale", 1)]),
        ],
        variants: vec![
            variant("the token has expired · shop::sign_up::verify", 120, 125),
            variant("connection refused · shop::google::ask", 20, 9_000),
        ],
        kept: 20,
        newest: Some(event()),
    }
}

pub(super) fn event() -> TrackedEvent {
    let crumb = |ms, level, category: &str, message: &str| {
        let mut crumb = Breadcrumb::new(message).level(level).category(category);
        crumb.time = ago(125).before(Duration::from_millis(ms)).time();
        crumb
    };
    let frame = |function: &str, line, in_app| Frame {
        function: Some(function.to_owned()),
        module: Some(if in_app { "shop::sign_up" } else { "tower::util" }.to_owned()),
        file: Some("src/sign_up.rs".to_owned()),
        line: Some(line),
        in_app,
        address: None,
        source: in_app.then(|| SourceLines {
            first_line: line - 1,
            lines: vec![
                "    let token = ask(user)?;".into(),
                "    verify(&token)?;".into(),
                "    Ok(())".into(),
            ],
        }),
    };
    TrackedEvent {
        id: "636bc9a52df24cef9af7d825bc168bef".parse().unwrap(),
        time: ago(125).time(),
        level: Level::ERROR,
        kind: EventKind::Error,
        handled: true,
        title: "sign-up failed".to_owned(),
        value: "google did not vouch for the user".to_owned(),
        culprit: "sign_up".to_owned(),
        target: "shop::sign_up".to_owned(),
        file: Some("src/sign_up.rs".to_owned()),
        line: Some(51),
        message: Some("sign-up failed".to_owned()),
        chain: vec![
            Cause::new(Some("SignUp".to_owned()), "google did not vouch for the user"),
            Cause::new(Some("Token".to_owned()), "the token has expired"),
        ],
        chain_cut: false,
        siblings: Vec::new(),
        frames: vec![frame("verify", 51, true), frame("call", 7, false)],
        breadcrumbs: vec![crumb(184, Level::WARN, "shop::google", "slow answer").data("ms", 1_800)],
        trail: TrailSource::Span,
        trail_cut: false,
        user: Some(User { id: Some("1025".to_owned()), ..User::default() }),
        request: Some(Request {
            method: Some("POST".to_owned()),
            url: Some("/sign-up".to_owned()),
            route: None,
            status: Some(500),
        }),
        tags: BTreeMap::from([("provider".to_owned(), "google".to_owned())]),
        contexts: BTreeMap::new(),
        fields: Map::from_iter([("attempt".to_owned(), json!(2))]),
        spans: Vec::new(),
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
        span_id: "00f067aa0ba902b7".to_owned(),
        release: Some("d4e5f60".to_owned()),
        environment: "production".to_owned(),
        server_name: Some("web-1".to_owned()),
        fingerprint: Fingerprint::from_iter(["v1", "shop::sign_up", "sign-up failed"]),
        logged_at: vec![LoggedAt {
            id: "636bc9a52df24cef9af7d825bc168bef".parse().unwrap(),
            target: "shop::sign_up".to_owned(),
            file: Some("src/sign_up.rs".to_owned()),
            line: Some(51),
            message: Some("sign-up failed".to_owned()),
        }],
        tallied_before: 12,
        error_at: None,
    }
}

pub(super) fn line() -> LineTotal {
    LineTotal {
        target: "shop::stock".to_owned(),
        file: Some("src/stock.rs".to_owned()),
        line: Some(9),
        count: 1_200_000,
        last_seen: ago(60),
    }
}
