//! JSON that programs go by: its names stay as they are.

use serde_json::Value;

use crate::rig::Folder;
use crate::shop;

fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Another name is another promise: take none away, and name each that is added in `docs/command.md`.
#[test]
fn the_fields_of_an_issue_have_their_names() {
    let folder = Folder::of(shop::a_day);
    let listed = [
        "count",
        "culprit",
        "first_release",
        "first_seen",
        "id",
        "kind",
        "last_release",
        "last_seen",
        "level",
        "muted_until",
        "regressed",
        "resolved_at",
        "state",
        "title",
        "users",
        "users_estimated",
    ];
    let more = [
        "counts",
        "event",
        "events_kept",
        "facts",
        "file",
        "fingerprint",
        "line",
        "sentence",
        "tags",
        "tallied",
        "target",
        "variants",
    ];
    assert_eq!(names(&folder.json(["issues", "--json"])[0]), listed);
    let shown = &folder.json(["show", "latest", "--json"])[0];
    let mut all: Vec<&str> = listed.into_iter().chain(more).collect();
    all.sort_unstable();
    assert_eq!(names(shown), all);
    assert_eq!(names(&shown["counts"][0]), ["count", "environment", "from", "release", "span"]);
    assert_eq!(names(&shown["tags"][0]), ["tag", "total", "values"]);
    assert_eq!(names(&shown["tags"][0]["values"][0]), ["count", "value"]);
    let facts =
        ["evidence", "first_seen", "past_hour", "release", "share", "since", "users", "users_estimated"];
    assert_eq!(names(&shown["facts"]), facts);
    let stats = &folder.json(["stats", "--json"])[0];
    let terms = [
        "accepted",
        "balances",
        "bytes",
        "delivered",
        "dropped",
        "dropped_by",
        "folded",
        "lost",
        "lost_by",
        "not_told_apart",
        "path",
        "pending",
        "processes",
        "tallied",
        "unsent_by",
    ];
    assert_eq!(names(stats), terms);
    let documentation = include_str!("../../docs/command.md");
    for name in listed.into_iter().chain(more).chain(terms) {
        assert!(documentation.contains(&format!("`{name}`")), "docs/command.md does not name `{name}`");
    }
}

#[test]
fn times_are_by_rfc_3339_and_numbers_are_numbers() {
    let folder = Folder::of(shop::a_day);
    let shown = &folder.json(["show", "latest", "--json"])[0];
    for time in
        [&shown["first_seen"], &shown["last_seen"], &shown["event"]["time"], &shown["counts"][0]["from"]]
    {
        let time = time.as_str().unwrap();
        let parsed = humantime::parse_rfc3339(time);
        assert!(parsed.is_ok_and(|parsed| parsed.elapsed().unwrap().as_secs() < 7_200), "{time}");
    }
    assert_eq!((&shown["count"], &shown["users"], &shown["tallied"]), (&2.into(), &2.into(), &0.into()));
    assert_eq!(shown["facts"]["past_hour"], 2);
    assert_eq!(shown["level"], "error");
    assert!(shown["event"]["line"].is_u64() && shown["event"]["breadcrumbs"].is_null());
}
