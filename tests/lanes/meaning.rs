//! Fields that mean something, and who outranks whom.

use serde_json::{Value, json};
use tracing::{error, info_span};

use crumbtrail::User;

use crate::rig::{Rig, fail, named};

#[test]
fn fields_of_spans_and_of_the_event_name_the_user() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _request = info_span!("request", user.id = 42, user.email = "ada@example.com").entered();
        fail("by its span");
        error!(error = "refused", user.name = "eve", user.ip = "10.0.0.1", "by itself");
        let _inner = info_span!("inner", enduser.id = "bob").entered();
        fail("by the nearest span");
        crumbtrail::set_user(User::new("told"));
        fail("told as well");
    });
    let events = rig.events();
    let user = |name: &str| named(&events, name).user.clone().unwrap();
    assert_eq!(user("by its span"), User::new("42").email("ada@example.com"));
    let mut eve = User::default().username("eve");
    eve.ip_address = Some("10.0.0.1".to_owned());
    assert_eq!(user("by itself"), eve);
    assert_eq!(user("by the nearest span"), User::new("bob"));
    assert_eq!(user("told as well"), User::new("bob"), "fields outrank what the lane was told");
}

#[test]
fn tags_come_from_the_event_then_the_nearest_span_then_the_lanes() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _worker = info_span!("worker", tags.a = "worker", tags.b = "worker").entered();
        crumbtrail::set_tag("d", "worker's lane");
        crumbtrail::set_tag("e", "worker's lane");
        let _job = info_span!("job", crumbtrail.lane = true, tags.a = "job", tags.b = "job", tags.c = "job")
            .entered();
        for name in ["a", "b", "c", "d"] {
            crumbtrail::set_tag(name, "job's lane");
        }
        error!(error = "refused", tags.a = "event", "failed");
    });
    let tags = rig.event().tags;
    let expected = [("a", "event"), ("b", "job"), ("c", "job"), ("d", "job's lane"), ("e", "worker's lane")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(tags, expected.into());
}

#[test]
fn a_tag_can_be_any_value_as_its_text() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _span = info_span!("work", tags.number = 1.5, tags.yes = true, tags.debug = ?Some("x")).entered();
        fail("failed");
    });
    let tags = rig.event().tags;
    let texts: Vec<_> = ["number", "yes", "debug"].map(|name| tags[name].as_str()).into();
    assert_eq!(texts, ["1.5", "true", "Some(\"x\")"]);
}

#[test]
fn http_and_url_fields_make_up_the_request() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _request = info_span!(
            "request",
            http.request.method = "POST",
            url.path = "/pay/42",
            http.route = "/pay/{id}",
            http.response.status_code = tracing::field::Empty,
        )
        .entered();
        tracing::Span::current().record("http.response.status_code", 502);
        fail("by today's names");
    });
    rig.on_thread(|| {
        let older =
            info_span!("request", http.method = "GET", http.target = "/a?b", http.status_code = "404");
        older.in_scope(|| fail("by the older names"));
    });
    let events = rig.events();
    let request = named(&events, "by today's names").request.as_ref().unwrap();
    assert_eq!((request.method.as_deref(), request.url.as_deref()), (Some("POST"), Some("/pay/42")));
    assert_eq!((request.route.as_deref(), request.status), (Some("/pay/{id}"), Some(502)));
    let request = named(&events, "by the older names").request.as_ref().unwrap();
    assert_eq!((request.method.as_deref(), request.url.as_deref()), (Some("GET"), Some("/a?[Filtered]")));
    assert_eq!((request.route.as_deref(), request.status), (None, Some(404)));
    assert!(events.iter().all(|event| event.spans.iter().all(|span| span.fields.is_empty())));
}

#[test]
fn the_nearest_span_says_which_request_it_is() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _outer = info_span!("outer", url.full = "https://outer/", http.method = "GET").entered();
        let _inner = info_span!("inner", url.full = "https://inner/", http.method = "POST").entered();
        fail("two spans");
        error!(error = "refused", url.full = "https://event/", "the event itself");
    });
    rig.on_thread(|| {
        let _outer = info_span!("outer", url.full = "https://outer/path").entered();
        info_span!("inner", url.path = "/path").in_scope(|| fail("a path inside"));
        error!(error = "refused", url.path = "/path", url.full = "https://both/path", "both in one place");
    });
    let events = rig.events();
    let url = |name: &str| named(&events, name).request.as_ref().unwrap().url.clone().unwrap();
    assert_eq!(url("two spans"), "https://inner/");
    assert_eq!(url("the event itself"), "https://event/");
    assert_eq!(named(&events, "two spans").request.as_ref().unwrap().method.as_deref(), Some("POST"));
    assert_eq!(url("a path inside"), "https://outer/path", "the whole address says more than its path");
    assert_eq!(url("both in one place"), "https://both/path");
}

#[test]
fn a_status_that_is_none_stays_a_field() {
    let rig = Rig::new();
    rig.on_thread(|| error!(error = "refused", http.status_code = 100_000, http.other = 1, "failed"));
    let event = rig.event();
    assert_eq!(event.request, None);
    let fields = Value::Object(event.fields);
    assert_eq!(fields, json!({ "error": "refused", "http.status_code": 100_000, "http.other": 1 }));
}

#[test]
fn every_other_field_stays_where_it_was_written() {
    let rig = Rig::new();
    rig.on_thread(|| {
        let _outer = info_span!("outer", order = 17, tags.shop = "north", user.id = 1).entered();
        let _inner = info_span!("inner", order = 18, user.plan = "pro").entered();
        error!(error = "refused", attempt = 3, tags.x = "y", "failed");
    });
    let event = rig.event();
    assert_eq!(Value::Object(event.fields.clone()), json!({ "attempt": 3, "error": "refused" }));
    let spans: Vec<Value> = event.spans.iter().map(|span| Value::Object(span.fields.clone())).collect();
    assert_eq!(spans, [json!({ "order": 18, "user.plan": "pro" }), json!({ "order": 17 })]);
    assert!(event.spans.iter().all(|span| !span.cut && span.target == module_path!()));
}

#[test]
fn the_events_of_a_lane_share_a_trace_and_those_of_a_span_its_name() {
    let rig = Rig::new();
    rig.on_thread(|| {
        for lane in ["one", "two"] {
            let _request = info_span!("request").entered();
            fail(format_args!("{lane}: in the request"));
            fail(format_args!("{lane}: there again"));
            let _inner = info_span!("inner").entered();
            fail(format_args!("{lane}: further in"));
        }
        fail("outside");
    });
    let events = rig.events();
    let ids = |name: &str| {
        let event = named(&events, name);
        for (id, digits) in [(&event.trace_id, 32), (&event.span_id, 16)] {
            let is_hex = id.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
            assert!(is_hex && id.len() == digits && id.contains(|c| c != '0'), "{id}");
        }
        (event.trace_id.as_str(), event.span_id.as_str())
    };
    let (trace, span) = ids("one: in the request");
    assert_eq!(ids("one: there again"), (trace, span));
    assert_eq!(ids("one: further in").0, trace);
    assert_ne!(ids("one: further in").1, span);
    for elsewhere in ["two: in the request", "outside"] {
        assert_ne!(ids(elsewhere).0, trace);
        assert_ne!(ids(elsewhere).1, span);
    }
}

#[test]
fn a_trace_that_came_with_the_request_is_carried_on() {
    let rig = Rig::new();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    rig.on_thread(|| {
        let traceparent = format!("00-{trace}-00f067aa0ba902b7-01");
        let _request = info_span!("request", traceparent).entered();
        let _inner = info_span!("inner").entered();
        fail("by its header");
        let (trace_id, span_id) = ("1".repeat(32), "2".repeat(16));
        let _named = info_span!("named", crumbtrail.lane = true, trace_id, span_id).entered();
        fail("the header outranks a name");
    });
    let events = rig.events();
    assert_eq!(named(&events, "by its header").trace_id, trace);
    assert_eq!(named(&events, "the header outranks a name").trace_id, trace);
    rig.on_thread(|| {
        let (trace_id, span_id) = ("1".repeat(32), "2".repeat(16));
        let _named = info_span!("named", trace_id, span_id).entered();
        fail("by a name");
    });
    let event = named(&rig.events(), "by a name").clone();
    assert_eq!((event.trace_id, event.span_id), ("1".repeat(32), "2".repeat(16)));
}
