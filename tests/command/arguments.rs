//! What the command is told: what is wrong names itself and what would be right, and each end has its code.

use crate::rig::Folder;
use crate::shop;

#[test]
fn a_wrong_argument_names_itself_and_what_would_be_right() {
    let folder = Folder::new();
    for (arguments, parts) in [
        (&["issues", "--sort", "size"][..], &["'size'", "--sort", "last-seen, count, users"][..]),
        (&["issues", "--state", "open"], &["'open'", "--state", "unresolved, resolved, muted"]),
        (&["issues", "--tag", "provider"], &["'provider'", "--tag", "provider=google"]),
        (&["issues", "--limit", "few"], &["'few'", "--limit"]),
        (&["mute", "latest", "--for", "soon"], &["'soon'", "--for", "2h"]),
        (&["mute", "latest", "--for", "2h", "--until-count", "3"], &["--for", "--until-count"]),
        (&["mute", "latest", "--until-users", "0"], &["'0'", "--until-users"]),
        (&["show"], &["<ISSUE>"]),
        (&["show", "latest", "--event", "0"], &["'0'", "--event", "from 1 on"]),
        (&["resolve"], &["<ISSUE>..."]),
        (&["prune", "--keep-days", "-1"], &["'-1'"]),
        (&["completions", "dos"], &["'dos'", "bash", "zsh"]),
        (&["man", "dance"], &["`dance`", "issues, show"]),
        (&["--color", "red", "issues"], &["'red'", "--color", "auto, always, never"]),
        (&["--store", "memory"], &["'memory'", "--store", "./memory"]),
        (&["isues"], &["'isues'", "'issues'"]),
    ] {
        let error = folder.bare(arguments.iter().copied()).run().failed(2);
        for part in parts {
            assert!(error.contains(part), "{arguments:?}: {part:?} is missing in {error}");
        }
    }
}

#[test]
fn an_issue_has_many_names() {
    let folder = Folder::of(shop::a_day);
    let id = folder.id_of("checkout failed");
    let event = folder.json(["show", &id, "--json"])[0]["event"]["id"].as_str().unwrap().to_owned();
    let capitals = id.to_uppercase();
    for name in [id.as_str(), &id[..8], &capitals, &event, &event[..8]] {
        assert_eq!(folder.json(["show", name, "--json"])[0]["id"], id.as_str(), "{name}");
    }
    let latest = folder.id_of("sign-up failed");
    assert_eq!(folder.json(["show", "latest", "--json"])[0]["id"], latest.as_str());
}

#[test]
fn a_name_that_names_nothing_says_what_would() {
    let folder = Folder::of(shop::a_day);
    let unknown = folder.command(["show", "0123456789abcdef"]).failed(1);
    assert!(unknown.contains("`0123456789abcdef`") && unknown.contains("crumbtrail issues"), "{unknown}");
    let event = folder.command(["show", "0123456789abcdef0123456789abcdef"]).failed(1);
    assert!(event.contains("0123456789abcdef0123456789abcdef"), "{event}");
    for name in ["checkout", "", "-1", "\u{1b}[31m"] {
        let wrong = folder.command(["show", "--", name]).failed(2);
        assert!(wrong.contains("`latest`") && !wrong.contains('\u{1b}'), "{wrong}");
    }
    let none = folder.command(["show", "latest", "--event", "99"]).failed(1);
    assert!(none.contains("99") && none.contains('2'), "{none}");
}

#[test]
fn a_beginning_that_several_have_lists_them() {
    // Of seventeen ids, two begin alike.
    let folder = Folder::of(|| {
        for name in "abcdefghijklmnopq".chars() {
            let error = std::io::Error::other(format!("{name}{name}{name} is gone"));
            tracing::error!(error = &error as &dyn std::error::Error, fingerprint = %name, "lost");
        }
    });
    let ids: Vec<String> = folder
        .json(["issues", "--json"])
        .iter()
        .map(|issue| issue["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 17);
    let digit =
        "0123456789abcdef".chars().find(|digit| ids.iter().filter(|id| id.starts_with(*digit)).count() > 1);
    let digit = digit.unwrap().to_string();
    let error = folder.command(["show", &digit]).failed(2);
    for id in ids.iter().filter(|id| id.starts_with(&digit)) {
        assert!(error.contains(id.as_str()), "{id} is missing in {error}");
    }
}

#[test]
fn help_and_the_manual_tell_the_exit_codes() {
    let folder = Folder::new();
    let help = folder.bare(["--help"]).run().done();
    let man = folder.bare(["man"]).run().done();
    for text in [&help, &man] {
        for part in
            ["0  done", "1  there is no such issue", "2  an argument is wrong", "3  the store cannot be read"]
        {
            assert!(text.contains(part), "{part:?} is missing in {text}");
        }
    }
    assert!(man.starts_with(".ie"), "{man}");
    assert!(folder.bare(["man", "mute"]).run().done().contains("until"));
}

#[test]
fn completions_know_the_commands() {
    let folder = Folder::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = folder.bare(["completions", shell]).run().done();
        assert!(script.contains("resolve") && script.contains("keep-days"), "{shell}");
    }
}

#[test]
fn without_a_store_named_the_newest_of_the_state_directory_is_looked_at() {
    let folder = Folder::of(shop::a_day).closed();
    let state = folder.path().join("state");
    std::fs::create_dir_all(state.join("crumbtrail")).unwrap();
    std::fs::rename(folder.store(), state.join("crumbtrail/shop.db")).unwrap();
    for named in ["", "memory", "off"] {
        let bare = folder.bare([]).env("XDG_STATE_HOME", &state).env("CRUMBTRAIL_STORE", named);
        assert!(bare.run().done().contains("checkout failed"), "{named:?}");
    }
    let elsewhere = folder.bare([]).env("CRUMBTRAIL_STORE", state.join("crumbtrail/shop.db"));
    assert!(elsewhere.run().done().contains("checkout failed"));
}
