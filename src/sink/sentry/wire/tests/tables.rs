//! What each rule of the mapping makes of its cases.

use std::collections::BTreeMap;

use sentry_types::protocol::v7;
use serde_json::{Value, json};
use tracing::Level;

use super::super::names;
use super::sample::{bare, cause, full, object, sent};
use crate::model::{EventKind, Fingerprint, Request, Span, TrackedEvent, User};

#[test]
fn a_release_is_sent_if_it_is_one_and_kept_beside_if_not() {
    let fits = "é".repeat(200);
    for name in ["shop@1.2.3+45", "57fa000", "Latest build", &fits] {
        assert_eq!(names::release(name), Some(name));
    }
    assert_eq!(names::release(" 1.0\n"), Some("1.0"));
    let long = "é".repeat(201);
    for name in ["", " ", ".", "..", "latest", "LATEST", "a\nb", "a\tb", "/", "feature/pay", r"a\b", &long] {
        assert_eq!(names::release(name), None, "{name:?}");
    }
    let event = |release: &str| {
        let sent = sent(&TrackedEvent { release: Some(release.to_owned()), ..bare(EventKind::Error) });
        (sent["release"].clone(), sent["contexts"]["crumbtrail"]["release"].clone())
    };
    assert_eq!(event("1.0"), (json!("1.0"), Value::Null));
    assert_eq!(event("feature/pay"), (Value::Null, json!("feature/pay")));
}

#[test]
fn an_environment_is_made_to_fit() {
    let long = "x".repeat(70);
    let cut = format!("{}…", "x".repeat(63));
    for (name, sent) in [
        ("production", Some("production")),
        ("eu/staging", Some("eu-staging")),
        (r"eu\staging", Some("eu-staging")),
        (" a\nb ", Some("a b")),
        (&long, Some(&cut)),
        ("none", None),
        ("None", None),
        ("", None),
    ] {
        assert_eq!(names::environment(name).as_deref(), sent, "{name:?}");
    }
}

#[test]
fn tags_are_made_to_fit() {
    let long = "é".repeat(300);
    let tags: BTreeMap<String, String> = [
        ("plan", "pro"),
        ("pay method", " by\ncard "),
        ("größe", "5"),
        ("a.b:c-d_e", "x"),
        ("long", &long),
        ("", "nameless"),
        ("empty", " \n"),
        ("release", "mine"),
        ("sentry:user", "mine"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let (taken, kept) = names::tags(&tags);
    let cut = format!("{}…", "é".repeat(199));
    let expected =
        [("plan", "pro"), ("pay_method", "by card"), ("gr__e", "5"), ("a.b:c-d_e", "x"), ("long", &cut)];
    assert_eq!(taken, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let names: Vec<&str> = kept.keys().map(String::as_str).collect();
    assert_eq!(names, ["release", "sentry:user"], "a server would drop them in silence");
    let (taken, _) = names::tags(&[("n".repeat(300), "x".to_owned())].into());
    assert_eq!(taken.into_keys().next().unwrap().len(), 200);
}

#[test]
fn levels_have_the_protocols_names() {
    for (level, name) in [
        (Level::ERROR, "error"),
        (Level::WARN, "warning"),
        (Level::INFO, "info"),
        (Level::DEBUG, "debug"),
        (Level::TRACE, "debug"),
    ] {
        assert_eq!(names::level(level).to_string(), name);
        assert_eq!(sent(&TrackedEvent { level, ..bare(EventKind::Error) })["level"], name);
    }
    assert_eq!(sent(&bare(EventKind::Panic))["level"], "fatal");
    let told_otherwise = TrackedEvent { level: Level::WARN, ..bare(EventKind::Panic) };
    assert_eq!(sent(&told_otherwise)["level"], "warning");
}

/// `type: value` of the last exception is what every server shows.
#[test]
fn an_error_is_called_by_its_type_else_by_what_the_line_was_about() {
    let event = |type_name, value, message: &str, parts: &[&str]| {
        let event = TrackedEvent {
            title: message.to_owned(),
            message: Some(message.to_owned()),
            chain: vec![cause(type_name, value)],
            fingerprint: Fingerprint::from_iter(parts.iter().copied()),
            ..bare(EventKind::Error)
        };
        let error = &sent(&event)["exception"]["values"][0];
        format!("{}: {}", error["type"].as_str().unwrap(), error["value"].as_str().unwrap())
    };
    let order = ["v1", "shop", "order <*> failed"];
    assert_eq!(event(Some("Declined"), "no money", "order 17 failed", &order), "Declined: no money");
    assert_eq!(event(None, "no money", "order 17 failed", &order), "order <*> failed: no money");
    assert_eq!(event(None, "no money", "order 17 failed", &["mine"]), "order 17 failed: no money");
    assert_eq!(event(None, "no money", "no money", &["v1", "shop", "no money"]), "Error: no money");
    assert_eq!(event(None, "no money", "", &["v1", "shop"]), "Error: no money");
}

#[test]
fn an_error_without_a_chain_is_an_exception_all_the_same() {
    let sent = sent(&TrackedEvent { value: "refused".to_owned(), ..bare(EventKind::Error) });
    assert_eq!(sent["exception"]["values"][0]["type"], "checkout failed");
    assert_eq!(sent["exception"]["values"][0]["value"], "refused");
    assert_eq!(sent.get("threads"), None);
}

#[test]
fn the_transaction_is_the_route_else_the_outermost_span() {
    let event = |request: Option<[Option<&str>; 2]>, spans: &[&str]| {
        let request = request.map(|[method, route]| Request {
            method: method.map(str::to_owned),
            route: route.map(str::to_owned),
            ..Request::default()
        });
        let span = |name: &&str| Span {
            name: (*name).to_owned(),
            target: String::new(),
            fields: object(json!({})),
            cut: false,
        };
        let spans = spans.iter().map(span).collect();
        sent(&TrackedEvent { request, spans, ..bare(EventKind::Error) })["transaction"].clone()
    };
    assert_eq!(event(Some([Some("GET"), Some("/pay/{id}")]), &["inner", "outer"]), "GET /pay/{id}");
    assert_eq!(event(Some([None, Some("/pay/{id}")]), &[]), "/pay/{id}");
    assert_eq!(event(Some([Some("GET"), None]), &["inner", "outer"]), "outer");
    assert_eq!(event(None, &[]), Value::Null);
}

#[test]
fn a_user_is_sent_as_far_as_it_is_known() {
    let user =
        |user: User| sent(&TrackedEvent { user: Some(user), ..bare(EventKind::Error) })["user"].clone();
    assert_eq!(user(User::new("1").ip_address("::1")), json!({ "id": "1", "ip_address": "::1" }));
    let behind = User::default().ip_address("203.0.113.7, 10.0.0.1");
    assert_eq!(user(behind), json!({ "data": { "ip_address": "203.0.113.7, 10.0.0.1" } }));
    assert_eq!(user(User::new("")), Value::Null);
    let automatic = v7::IpAddress::Auto.to_string();
    assert_eq!(user(User::default().ip_address(&automatic))["data"]["ip_address"], automatic.as_str());
}

#[test]
fn an_address_is_sent_apart_from_its_query() {
    for (url, parts) in [
        ("/orders/25", ["/orders/25", "", ""]),
        ("https://shop/a?b=c&d#e?f", ["https://shop/a", "b=c&d", "e?f"]),
        ("/a#b", ["/a", "", "b"]),
        ("?b=c", ["", "b=c", ""]),
    ] {
        let request = Some(Request { url: Some(url.to_owned()), ..Request::default() });
        let sent = sent(&TrackedEvent { request, ..bare(EventKind::Error) })["request"].clone();
        let read = ["url", "query_string", "fragment"]
            .map(|name| sent[name].as_str().unwrap_or_default().to_owned());
        assert_eq!(read, parts, "{url}");
    }
}

#[test]
fn contexts_keep_out_of_each_others_way() {
    let mut event = full();
    event.spans.extend(full().spans);
    let other = |name: &str, value: Value| (name.to_owned(), value);
    event.contexts.extend([
        other("span checkout", json!({ "mine": 1 })),
        other("response", json!("mine")),
        other("gpu", json!({ "type": "gpu", "name": "x" })),
        other("card", json!({ "type": "trace", "trace_id": "no" })),
        other("", json!({ "nameless": true })),
        other("nothing", json!({})),
    ]);
    let contexts = sent(&event)["contexts"].clone();
    assert_eq!(contexts["span checkout"], json!({ "mine": 1 }));
    assert_eq!(contexts["span checkout 2"]["order"], 25);
    assert_eq!(contexts["span checkout 3"]["order"], 25);
    assert_eq!(contexts["response"], json!({ "type": "response", "status_code": 500 }));
    assert_eq!(contexts["response 2"], json!({ "value": "mine" }));
    assert_eq!(contexts["gpu"], json!({ "type": "gpu", "name": "x" }));
    assert_eq!(contexts["card"], json!({ "type_": "trace", "trace_id": "no" }), "it is no trace");
    assert_eq!(contexts["context"], json!({ "nameless": true }));
    assert_eq!(contexts.get("nothing"), None);
}

/// A hook may have changed them.
#[test]
fn a_trace_of_wrong_names_is_left_out() {
    for (trace_id, span_id) in
        [("", "00f067aa0ba902b7"), ("no", "no"), ("4bf92f3577b34da6a3ce929d0e0e4736", "")]
    {
        let (trace_id, span_id) = (trace_id.to_owned(), span_id.to_owned());
        let sent = sent(&TrackedEvent { trace_id, span_id, ..bare(EventKind::Error) });
        assert_eq!(sent["contexts"].get("trace"), None);
    }
}
