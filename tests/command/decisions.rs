//! What a person decides: it is kept, it is undone, and a wrong name decides nothing.

use std::error::Error;
use std::io;

use serde_json::json;

use crate::rig::Folder;
use crate::shop;

#[test]
fn what_is_resolved_comes_back_with_a_later_release_only() {
    let folder = Folder::of(shop::a_day);
    let id = folder.id_of("checkout failed");
    let issue = || folder.json(["show", &id, "--json"]).remove(0);
    let said = folder.command(["resolve", &id[..8]]).done();
    assert_eq!(said, format!("resolved  {}  checkout failed\n", &id[..8]));
    assert_eq!(issue()["state"], "resolved");
    assert!(issue()["resolved_at"].is_string());
    folder.program("abc123", || shop::orders(1));
    assert_eq!((&issue()["state"], &issue()["count"]), (&json!("resolved"), &json!(4)));
    folder.program("def456", || shop::orders(1));
    assert_eq!((&issue()["state"], &issue()["regressed"]), (&json!("unresolved"), &json!(true)));
}

#[test]
fn what_is_muted_stays_so_as_long_as_was_said() {
    let folder = Folder::of(shop::a_day);
    let id = folder.id_of("checkout failed");
    let issue = || folder.json(["show", &id, "--json"]).remove(0);
    folder.command(["mute", &id]).done();
    assert_eq!((&issue()["state"], &issue()["muted_until"]), (&json!("muted"), &json!({ "forever": true })));
    folder.command(["mute", &id, "--for", "2h"]).done();
    assert!(issue()["muted_until"]["time"].is_string());
    folder.command(["mute", &id, "--until-users", "5"]).done();
    assert_eq!(issue()["muted_until"], json!({ "users": 8 }));
    folder.command(["mute", &id, "--until-count", "2"]).done();
    assert_eq!(issue()["muted_until"], json!({ "count": 5 }));
    folder.program("abc123", || shop::orders(1));
    assert_eq!(issue()["state"], "muted");
    folder.program("abc123", || shop::orders(1));
    assert_eq!(issue()["state"], "unresolved");
}

#[test]
fn reopening_takes_back_what_was_decided() {
    let folder = Folder::of(shop::a_day);
    let ids = [folder.id_of("checkout failed"), folder.id_of("sign-up failed")];
    folder.command(["resolve", &ids[0]]).done();
    folder.command(["mute", &ids[1]]).done();
    let said = folder.command(["reopen", &ids[0], &ids[1]]).done();
    assert_eq!(said.lines().count(), 2);
    for issue in folder.json(["issues", "--json"]) {
        assert_eq!(issue["state"], "unresolved", "{issue}");
    }
}

#[test]
fn a_wrong_name_among_right_ones_decides_nothing() {
    let folder = Folder::of(shop::a_day);
    let id = folder.id_of("checkout failed");
    folder.command(["resolve", &id, "0123456789abcdef"]).failed(1);
    assert_eq!(folder.json(["show", &id, "--json"])[0]["state"], "unresolved");
}

#[test]
fn pruning_says_what_it_forgot_and_leaves_the_totals() {
    // Twenty causes, each of which fills a page.
    let folder = Folder::of(|| {
        for number in 0_u64..20 {
            let noise = (0..3_000).map(|at| char::from(b'a' + ((number + 7) * at * at % 251 % 26) as u8));
            let error = io::Error::other(format!("{} is gone", noise.collect::<String>()));
            tracing::error!(error = &error as &dyn Error, "lost");
        }
    })
    .closed();
    let said = folder.command(["prune"]).done();
    assert!(said.starts_with("forgot 0 events and 0 issues"), "{said}");
    let kept = || folder.json(["show", "latest", "--json"])[0]["events_kept"].as_u64().unwrap();
    assert_eq!(kept(), 20);
    let bytes = std::fs::metadata(folder.store()).unwrap().len() - 20_000;
    let said = folder.command(["prune", "--max-bytes", &bytes.to_string()]).done();
    assert!(!said.starts_with("forgot 0 events") && said.contains(" and 0 issues"), "{said}");
    assert!(kept() < 20);
    assert_eq!(folder.json(["show", "latest", "--json"])[0]["count"], 20);
}
