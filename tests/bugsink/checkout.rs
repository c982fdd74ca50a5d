//! `examples/checkout` with a DSN in its environment, as a user runs it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::alike::grouped_alike;
use crate::example;
use crate::server::shared;
use crate::stored::Stored;

#[test]
fn the_server_has_the_events_and_issues_that_checkout_tells_of() {
    let Some(server) = shared() else { return };
    let ran = example::run("checkout", &[("SENTRY_DSN", server.dsn("checkout"))]);
    let summary = Summary::of(&ran.stdout);
    let stored = server.stores("checkout", summary.events);
    assert_eq!(stored.len(), summary.events, "{}\n{}", ran.stdout, ran.stderr);
    grouped_alike(&stored);

    let mut issues: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for event in &stored {
        issues.entry(&event.issue).or_default().push(event);
    }
    let mut left = summary.issues;
    for events in issues.values() {
        let line = left.iter().position(|issue| issue.is(events));
        left.remove(line.unwrap_or_else(|| panic!("{} does not tell of {events:#?}", ran.stdout)));
    }
    assert!(left.is_empty(), "of these nothing is stored: {left:#?}");

    let release = concat!("crumbtrail@", env!("CARGO_PKG_VERSION"));
    for event in &stored {
        let data = &event.data;
        assert_eq!((&data["release"], &data["environment"]), (&release.into(), &"development".into()));
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

/// What checkout says in the end.
struct Summary {
    events: usize,
    issues: Vec<Issue>,
}

/// A line of it: `×7  sign_up: invalid digit found in string  [7 users, all provider=google]`.
#[derive(Debug)]
struct Issue {
    events: usize,
    users: usize,
    /// Its title, and the text of the last cause.
    head: String,
    /// The tags that all its events have alike.
    tags: Vec<(String, String)>,
}

impl Summary {
    fn of(text: &str) -> Self {
        let [_, _, events, count] = numbers(text.lines().next().unwrap_or_default())[..] else {
            panic!("{text}")
        };
        let lines = text.lines().filter(|line| line.starts_with("  ×"));
        let issues: Vec<_> = lines.map(|line| Issue::of(line).unwrap_or_else(|| panic!("{line}"))).collect();
        assert_eq!(issues.len(), count, "{text}");
        Self { events, issues }
    }
}

impl Issue {
    fn of(line: &str) -> Option<Self> {
        let (head, rest) = line.strip_suffix(']')?.rsplit_once("  [")?;
        let (times, head) = head.strip_prefix("  ×")?.split_once(' ')?;
        let (users, tags) = rest.split_once(" users, ")?;
        let tags = tags.split(", ").filter_map(|tag| tag.strip_prefix("all ")?.split_once('='));
        let tags = tags.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(Self {
            events: times.parse().ok()?,
            users: users.parse().ok()?,
            head: head.trim().to_owned(),
            tags,
        })
    }

    fn is(&self, events: &[&Stored]) -> bool {
        let users: BTreeSet<_> = events.iter().filter_map(|event| user(&event.data["user"])).collect();
        // Title and text name no single event, so the first one's last cause is theirs.
        let root = events[0].data["exception"]["values"][0]["value"].as_str().unwrap_or_default();
        let tagged =
            |(name, value): &(String, String)| events.iter().all(|event| event.tags.get(name) == Some(value));
        (self.events, self.users) == (events.len(), users.len())
            && self.head.ends_with(&format!(": {root}"))
            && self.tags.iter().all(tagged)
    }
}

fn user(user: &Value) -> Option<&str> {
    user["id"].as_str().or_else(|| user["email"].as_str())
}

fn numbers(text: &str) -> Vec<usize> {
    text.split(|character: char| !character.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
}
