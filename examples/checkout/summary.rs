//! The last words: which failures there were, how often, who was hit, and what their requests have in common.

use std::collections::{BTreeMap, BTreeSet};

use crumbtrail::{Fingerprint, Stats, TrackedEvent};

/// Prints the issues, those with most events first, and that the ledger knows of every one.
#[expect(clippy::print_stdout, reason = "it is what the example is run for")]
pub(crate) fn print(requests: u64, failed: usize, events: &[TrackedEvent], stats: &Stats) {
    let mut issues: BTreeMap<&Fingerprint, Vec<&TrackedEvent>> = BTreeMap::new();
    for event in events {
        issues.entry(&event.fingerprint).or_default().push(event);
    }
    let mut issues: Vec<_> = issues.into_values().collect();
    issues.sort_by_key(|events| std::cmp::Reverse(events.len()));

    println!("{requests} requests, {failed} failed; {} events of {} issues:", events.len(), issues.len());
    for events in issues {
        let root = events.first().and_then(|event| event.chain.last());
        let title = events.first().map_or("", |event| &event.title);
        let users: BTreeSet<_> = events.iter().filter_map(|event| user(event)).collect();
        println!(
            "  ×{:<2} {title}: {}  [{} users, {}]",
            events.len(),
            root.map_or("", |cause| &cause.value),
            users.len(),
            common_tags(&events),
        );
    }
    println!(
        "{} accepted = {} delivered + {} folded + {} tallied + {} lost + {} pending",
        stats.accepted,
        stats.delivered,
        stats.folded,
        stats.tallied,
        stats.lost_total(),
        stats.pending,
    );
}

fn user(event: &TrackedEvent) -> Option<&str> {
    let user = event.user.as_ref()?;
    user.id.as_deref().or(user.email.as_deref())
}

/// The tags that all events have alike, and of the others the names.
fn common_tags(events: &[&TrackedEvent]) -> String {
    let Some((first, others)) = events.split_first() else { return String::new() };
    let tags = first.tags.iter().map(|(name, value)| {
        let alike = others.iter().all(|event| event.tags.get(name) == Some(value));
        if alike { format!("all {name}={value}") } else { format!("any {name}") }
    });
    tags.collect::<Vec<_>>().join(", ")
}
