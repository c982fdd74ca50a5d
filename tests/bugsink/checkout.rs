//! `examples/checkout` with a DSN in its environment, as a user runs it: beside a store, which is its outbox.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crumbtrail::view::{Filter, Form, View};
use serde_json::Value;

use crate::alike::grouped_alike;
use crate::example;
use crate::server::shared;

#[test]
fn the_server_has_the_events_and_issues_that_checkouts_store_tells_of() {
    let Some(server) = shared() else { return };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bugsink-checkout");
    // What an earlier run left.
    let _ = fs::remove_dir_all(&folder);
    let store = folder.join("checkout.db");
    let ran = example::run("checkout", &[store.to_str().unwrap()], &[("SENTRY_DSN", server.dsn("checkout"))]);
    let told = told_in_full(&store);
    let events = told.values().sum();
    let stored = server.stores("checkout", events);
    assert_eq!(stored.len(), events, "{}\n{}", ran.stdout, ran.stderr);
    grouped_alike(&stored);

    let mut issues: BTreeMap<String, usize> = BTreeMap::new();
    for event in &stored {
        *issues.entry(event.grouping.clone()).or_default() += 1;
    }
    assert_eq!(issues, told, "{}", ran.stdout);

    for event in &stored {
        let data = &event.data;
        assert!(["9f2c1aa", "abc123"].contains(&data["release"].as_str().unwrap()), "{data:#}");
        assert_eq!(data["environment"], "development");
        // Dozens of requests ran at once; each has its own trail.
        let parts: &[&str] = match data["transaction"].as_str() {
            Some("POST /orders") => &["checkout::stock", "checkout::payment"],
            Some("POST /accounts") => &["checkout::accounts"],
            _ => panic!("{data:#}"),
        };
        let trail = data["breadcrumbs"]["values"].as_array().map_or(&[][..], Vec::as_slice);
        let own = |crumb: &Value| parts.iter().any(|part| crumb["category"] == *part);
        assert!(trail.iter().all(own), "{data:#}");
    }
}

/// How many events of each issue, by its fingerprint, were told in full: what was only counted is not sent.
fn told_in_full(store: &Path) -> BTreeMap<String, usize> {
    let view = View::open(store).unwrap().form(Form::Json);
    let mut all = Filter::default();
    all.limit = None;
    let listed = view.issues(&all).unwrap();
    let issues = listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let shown = issues.map(|issue| {
        let shown = view.show(issue["id"].as_str().unwrap(), 1).unwrap();
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let parts: Vec<&str> =
            shown["fingerprint"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let number = |name: &str| usize::try_from(shown[name].as_u64().unwrap()).unwrap();
        (parts.join(" ⋄ "), number("count") - number("tallied"))
    });
    shown.collect()
}
