//! Issues, what is decided of them, and ledgers, as JSON for programs.
//!
//! The names of the fields stay as they are: programs go by them. New ones may come beside them. Times are texts by
//! [RFC 3339](https://datatracker.ietf.org/doc/html/rfc3339) in UTC, numbers are numbers, and what is not known is null.

use serde_json::{Map, Value, json};

use super::ledger::Terms;
use crate::diag::steers;
use crate::issues::{
    Bucket, Evidence, Facts, Issue, IssueKind, LineTotal, Moment, ProcessNote, Share, Since, State, Summary,
    TagShares, Until, UserCount, Variant,
};
use crate::model::TrackedEvent;
use crate::report::{rfc3339, sentence};
use crate::sink::to_json;

/// One line of a list of issues.
pub(super) fn summary(summary: &Summary) -> Value {
    Value::Object(summary_fields(summary))
}

fn summary_fields(summary: &Summary) -> Map<String, Value> {
    let Summary {
        id,
        kind,
        level,
        title,
        culprit,
        state,
        regressed,
        count,
        users,
        first_seen,
        last_seen,
        first_release,
        last_release,
    } = summary;
    let (state, resolved_at, muted_until) = match state {
        State::Unresolved => ("unresolved", None, None),
        State::Resolved { at } => ("resolved", Some(*at), None),
        State::Muted { until } => ("muted", None, Some(*until)),
    };
    let kind = match kind {
        IssueKind::Error => "error",
        IssueKind::Panic => "panic",
        IssueKind::Log => "log",
    };
    object([
        ("id", id.to_string().into()),
        ("kind", kind.into()),
        ("level", level.as_str().to_ascii_lowercase().into()),
        ("title", title.as_str().into()),
        ("culprit", culprit.as_str().into()),
        ("state", state.into()),
        ("resolved_at", resolved_at.map_or(Value::Null, time)),
        ("muted_until", muted_until.map_or(Value::Null, until)),
        ("regressed", (*regressed).into()),
        ("count", (*count).into()),
        ("users", users_number(*users)),
        ("users_estimated", users.is_estimate.into()),
        ("first_seen", time(*first_seen)),
        ("last_seen", time(*last_seen)),
        ("first_release", first_release.as_deref().into()),
        ("last_release", last_release.as_deref().into()),
    ])
}

/// Everything that is known of an issue, with the event that it has at hand.
pub(super) fn issue(issue: &Issue, facts: &Facts) -> Value {
    let Issue { summary, fingerprint, target, file, line, tallied, buckets, tags, variants, kept, newest } =
        issue;
    let mut fields = summary_fields(summary);
    fields.extend(object([
        ("sentence", sentence(facts).into()),
        ("facts", self::facts(facts)),
        ("fingerprint", fingerprint.parts().into()),
        ("target", target.as_str().into()),
        ("file", file.as_deref().into()),
        ("line", (*line).into()),
        ("tallied", (*tallied).into()),
        ("events_kept", (*kept).into()),
        ("counts", buckets.iter().map(bucket).collect()),
        ("tags", tags.iter().map(shares).collect()),
        ("variants", variants.iter().map(variant).collect()),
        ("event", newest.as_ref().map_or(Value::Null, event)),
    ]));
    Value::Object(fields)
}

/// An event, as a store keeps it.
pub(super) fn event(event: &TrackedEvent) -> Value {
    let mut value = to_json(event);
    if let Some(fields) = value.as_object_mut() {
        let issue = crate::issues::IssueId::of(&event.fingerprint);
        fields.insert("issue".to_owned(), issue.to_string().into());
    }
    value
}

/// What was counted of a line without telling issues apart.
pub(super) fn line(line: &LineTotal) -> Value {
    let LineTotal { target, file, line, count, last_seen } = line;
    json!({ "target": target, "file": file, "line": line, "count": count, "last_seen": time(*last_seen) })
}

/// What a process noted of itself.
pub(super) fn process(note: &ProcessNote, terms: &Terms) -> Value {
    let ProcessNote { name: _, pid, started, noted, ledger: _ } = note;
    let mut fields = object([("pid", (*pid).into()), ("started", time(*started)), ("noted", time(*noted))]);
    fields.extend(self::terms(terms));
    Value::Object(fields)
}

/// The terms of the ledger's equation, whether it holds, and the reasons.
pub(super) fn terms(terms: &Terms) -> Map<String, Value> {
    let mut fields = object([("accepted", terms.accepted.into())]);
    fields.extend(terms.ends().map(|(name, count)| (name.to_owned(), count.into())));
    fields.extend(object([
        ("balances", terms.balances().into()),
        ("dropped_by", json!(terms.dropped)),
        ("lost_by", json!(terms.lost)),
        ("unsent_by", json!(terms.unsent)),
    ]));
    fields
}

/// The same JSON, in which nothing steers a terminal: it is often read in one.
pub(super) fn harmless(json: &str) -> String {
    let mut harmless = String::with_capacity(json.len());
    for character in json.chars() {
        // JSON itself has none of them: they stand in texts, where a number says the same.
        if steers(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                harmless.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            harmless.push(character);
        }
    }
    harmless
}

fn facts(facts: &Facts) -> Value {
    let Facts { since, first_seen, past_hour, users, share, evidence } = facts;
    let (since, release) = match since {
        Since::Started(release) => ("started", Some(release)),
        Since::FirstSeen(release) => ("first_seen", Some(release)),
        Since::Unknown => ("unknown", None),
    };
    let share = share.as_ref().map(|Share { hit, seen, window }| {
        json!({
            "hit": hit.number, "hit_estimated": hit.is_estimate,
            "seen": seen.number, "seen_estimated": seen.is_estimate,
            "window_seconds": window.as_secs(),
        })
    });
    let evidence = evidence.iter().map(|evidence| {
        let Evidence { tag, value, events, events_with, lanes, lanes_with } = evidence;
        json!({
            "tag": tag, "value": value, "events": events, "events_with": events_with,
            "lanes": lanes, "lanes_with": lanes_with,
        })
    });
    json!({
        "since": since, "release": release, "first_seen": time(*first_seen), "past_hour": past_hour,
        "users": users.number, "users_estimated": users.is_estimate, "share": share, "evidence": evidence.collect::<Value>(),
    })
}

fn bucket(bucket: &Bucket) -> Value {
    let Bucket { hour, is_day, release, environment, count } = bucket;
    json!({
        "from": time(Moment::from_ms(hour.saturating_mul(3_600_000))),
        "span": if *is_day { "day" } else { "hour" },
        "release": release, "environment": environment, "count": count,
    })
}

fn shares(shares: &TagShares) -> Value {
    let TagShares { tag, total, values, is_partial: _ } = shares;
    let values = values.iter().map(|(value, count)| json!({ "value": value, "count": count }));
    json!({ "tag": tag, "total": total, "values": values.collect::<Value>() })
}

fn variant(variant: &Variant) -> Value {
    let Variant { label, count, last_seen } = variant;
    json!({ "label": label, "count": count, "last_seen": time(*last_seen) })
}

fn until(until: Until) -> Value {
    match until {
        Until::Forever => json!({ "forever": true }),
        Until::Time(at) => json!({ "time": time(at) }),
        Until::Count(count) => json!({ "count": count }),
        Until::Users(users) => json!({ "users": users }),
    }
}

fn users_number(users: UserCount) -> Value {
    users.number.into()
}

fn time(moment: Moment) -> Value {
    rfc3339(moment.time()).into()
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
