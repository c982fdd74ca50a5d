//! Which spans begin a lane of their own inside another one.

use tracing::{Span, debug_span, info_span, warn};

use crate::rig::{Rig, fail, trail};

/// Opens the span twice inside one worker span, and tells whether the second is free of what the first logged.
fn begins_a_lane(rig: &Rig, open: impl Fn() -> Span + Sync) -> bool {
    let before = rig.events().len();
    rig.on_thread(|| {
        let _worker = info_span!("worker").entered();
        open().in_scope(|| warn!("of the first"));
        open().in_scope(|| {
            warn!("of the second");
            fail("failed");
        });
    });
    let events = rig.events();
    assert_eq!(events.len(), before + 1);
    match trail(&events[before])[..] {
        ["of the second"] => true,
        ["of the first", "of the second"] => false,
        ref other => panic!("neither one lane nor two: {other:?}"),
    }
}

#[derive(Debug)]
enum SpanKind {
    Client,
    Server,
    Consumer,
}

#[test]
fn a_span_that_handles_work_for_others_is_a_root_by_its_kind() {
    let rig = Rig::new();
    let (server, consumer) = ("SERVER".to_owned(), SpanKind::Consumer);
    assert!(begins_a_lane(&rig, || info_span!("job", otel.kind = "server")));
    assert!(begins_a_lane(&rig, || info_span!("job", otel.kind = "Consumer")));
    assert!(begins_a_lane(&rig, || info_span!("job", otel.kind = %server)));
    assert!(begins_a_lane(&rig, || info_span!("job", otel.kind = ?SpanKind::Server)));
    assert!(begins_a_lane(&rig, || info_span!("job", otel.kind = ?consumer)));
    assert!(begins_a_lane(&rig, || info_span!("job", first = 1, otel.kind = server.as_str(), last = 2)));
}

#[test]
fn any_other_kind_is_none() {
    let rig = Rig::new();
    assert!(!begins_a_lane(&rig, || info_span!("job")));
    assert!(!begins_a_lane(&rig, || info_span!("job", otel.kind = "client")));
    assert!(!begins_a_lane(&rig, || info_span!("job", otel.kind = ?SpanKind::Client)));
    assert!(!begins_a_lane(&rig, || info_span!("job", otel.kind = "server side")));
    assert!(!begins_a_lane(&rig, || info_span!("job", otel.name = "server")));
    // A root is decided when the span is opened.
    assert!(!begins_a_lane(&rig, || {
        let span = info_span!("job", otel.kind = tracing::field::Empty);
        span.record("otel.kind", "server");
        span
    }));
}

#[test]
fn the_request_spans_of_well_known_libraries_are_roots_by_default() {
    let rig = Rig::new();
    // DEBUG, which the default directives let through for this target alone.
    assert!(begins_a_lane(&rig, || debug_span!(target: "tower_http::trace::make_span", "request")));
    assert!(begins_a_lane(&rig, || {
        info_span!(target: "tracing_actix_web::root_span_builder", "HTTP request")
    }));
    assert!(!begins_a_lane(&rig, || info_span!("request")));
    assert!(!begins_a_lane(&rig, || info_span!("HTTP request")));
    assert!(!begins_a_lane(&rig, || info_span!(target: "tower_http::trace::make_span", "response")));
}

#[test]
fn a_field_makes_any_span_a_root() {
    let rig = Rig::new();
    assert!(begins_a_lane(&rig, || info_span!("job", crumbtrail.lane = true)));
    assert!(begins_a_lane(&rig, || info_span!("job", crumbtrail.lane = tracing::field::Empty)));
    // Whatever the span is called.
    assert!(begins_a_lane(&rig, || info_span!("request", crumbtrail.lane = true)));
    assert!(begins_a_lane(&rig, || info_span!("HTTP request", crumbtrail.lane = true)));
}

#[test]
fn directives_name_roots_by_target_and_by_name() {
    let rig = Rig::with(|builder| builder.lanes("queue[job], [tick],batch"));
    assert!(begins_a_lane(&rig, || info_span!(target: "queue", "job")));
    assert!(begins_a_lane(&rig, || info_span!(target: "queue::inner", "job")));
    assert!(begins_a_lane(&rig, || info_span!(target: "anywhere", "tick")));
    assert!(begins_a_lane(&rig, || info_span!(target: "batch", "whatever")));
    assert!(!begins_a_lane(&rig, || info_span!(target: "queue", "other")));
    assert!(!begins_a_lane(&rig, || info_span!(target: "elsewhere", "job")));
    assert!(!begins_a_lane(&rig, || info_span!(target: "anywhere", "ticks")));
}

#[test]
fn a_directive_that_cannot_be_read_is_refused() {
    for wrong in ["queue[", "queue[job", "queue[]", "queue=info", "queue[job]x", "queue{a=1}"] {
        let built = crumbtrail::builder().lanes(wrong).build::<tracing_subscriber::Registry>();
        let error = built.expect_err(wrong);
        assert!(error.is_directive(), "{wrong}");
        assert!(error.to_string().contains("lanes"), "{error}");
    }
}
