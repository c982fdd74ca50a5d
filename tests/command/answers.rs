//! What the lists and pages tell, and by what they can be asked for.

use std::fs;

use crate::rig::Folder;
use crate::shop;

#[test]
fn an_empty_store_is_an_answer() {
    let folder = Folder::of(|| {});
    assert_eq!(folder.command([]).done(), "no issues\n");
    assert_eq!(folder.command(["issues", "--text", "x"]).done(), "no such issues\n");
    for arguments in [&["issues", "--json"][..], &["export"], &["export", "--issues"]] {
        assert_eq!(folder.command(arguments.iter().copied()).done(), "");
    }
    assert!(folder.command(["show", "latest"]).failed(1).contains("no issue yet"));
    assert!(folder.command(["stats"]).done().contains("it balances"));
}

#[test]
fn without_a_command_it_lists_the_issues() {
    let folder = Folder::of(shop::a_day);
    let list = folder.command([]).done();
    assert_eq!(list, folder.command(["issues"]).done());
    for part in ["checkout failed", "sign-up failed", "abc123", &folder.id_of("sign-up failed")[..8]] {
        assert!(list.contains(part), "{part:?} is missing in\n{list}");
    }
}

#[test]
fn issues_come_in_the_order_and_of_the_sort_that_is_asked_for() {
    let folder = Folder::of(|| shop::sign_ups(3));
    folder.orders([1, 1]);
    folder.program("def456", || {
        let error = std::io::Error::other("disk on fire");
        tracing::error!(error = &error as &dyn std::error::Error, "no backup");
    });
    let titles = |arguments: &[&str]| -> Vec<String> {
        let issues = folder.json(["issues", "--json"].into_iter().chain(arguments.iter().copied()));
        issues.iter().map(|issue| issue["title"].as_str().unwrap().to_owned()).collect()
    };
    let (order, sign_up, backup) = ("checkout failed", "sign-up failed", "no backup");
    assert_eq!(titles(&[]), [backup, order, sign_up]);
    assert_eq!(titles(&["--sort", "last-seen"]), [backup, order, sign_up]);
    assert_eq!(titles(&["--sort", "count"]), [sign_up, order, backup]);
    assert_eq!(titles(&["--sort", "users"]), [sign_up, order, backup]);
    assert_eq!(titles(&["--limit", "1"]), [backup]);
    assert_eq!(titles(&["--limit", "0"]).len(), 3);
    assert_eq!(titles(&["--release", "def456"]), [backup]);
    assert_eq!(titles(&["--release", "none such"]), [""; 0]);
    assert_eq!(titles(&["--environment", "production"]).len(), 3);
    assert_eq!(titles(&["--environment", "staging"]), [""; 0]);
    assert_eq!(titles(&["--tag", "provider=google"]), [sign_up]);
    assert_eq!(titles(&["--tag", "provider=mail"]), [""; 0]);
    assert_eq!(titles(&["--text", "CHECKOUT"]), [order]);
    assert_eq!(titles(&["--text", "on fire"]), [backup]);
    let resolved = folder.id_of(order);
    folder.command(["resolve", &resolved]).done();
    assert_eq!(titles(&["--state", "resolved"]), [order]);
    assert_eq!(titles(&["--state", "unresolved"]), [backup, sign_up]);
    assert_eq!(titles(&["--state", "muted"]), [""; 0]);
    assert!(folder.command(["issues", "--limit", "2"]).done().contains("--limit 0 shows all"));
    assert!(!folder.command(["issues", "--limit", "3"]).done().contains("--limit"));
}

#[test]
fn a_page_tells_of_an_issue_and_of_the_event_that_is_asked_for() {
    let folder = Folder::new();
    folder.orders(1..=3);
    let id = folder.id_of("checkout failed");
    let page = folder.command(["show", &id]).done();
    for part in
        ["checkout failed", "the payment could not be taken", "the connection broke", "method", "card"]
    {
        assert!(page.contains(part), "{part:?} is missing in\n{page}");
    }
    let users = |number: &str| {
        let shown = folder.json(["show", &id, "--event", number, "--json"]);
        shown[0]["event"]["user"]["id"].as_str().unwrap().to_owned()
    };
    assert_eq!([users("1"), users("2"), users("3")], ["3", "2", "1"]);
    let events = folder.json(["events", &id, "--json"]);
    let last = events[2]["id"].as_str().unwrap();
    assert!(folder.command(["show", last]).done().contains(last), "the page shows another event");
    assert_eq!(folder.json(["events", &id, "--limit", "2", "--json"]), events[..2]);
    assert_eq!(folder.command(["events", &id]).done().lines().count(), 1 + 3);
}

#[test]
fn an_export_holds_every_event_once_in_their_order() {
    let folder = Folder::new();
    folder.orders(1..=4);
    folder.program("abc123", || shop::sign_ups(1));
    folder.orders([5]);
    let events = folder.json(["export"]);
    let users: Vec<&str> = events.iter().map(|event| event["user"]["id"].as_str().unwrap()).collect();
    assert_eq!(users, ["1", "2", "3", "4", "1001", "5"]);
    let issues = folder.json(["export", "--issues"]);
    assert_eq!(issues, folder.json(["issues", "--json"]));
    assert_eq!((&events[0]["issue"], &events[4]["issue"]), (&issues[0]["id"], &issues[1]["id"]));
}

#[test]
fn the_ledger_adds_up_and_says_where_everything_went() {
    let folder = Folder::of(shop::a_day);
    folder.program("def456", || shop::orders(4));
    let told = folder.command(["stats"]).done();
    for part in ["accepted   9 = 9 delivered + 0 folded", "it balances", "2 processes", "shop.db"] {
        assert!(told.contains(part), "{part:?} is missing in\n{told}");
    }
    let stats = &folder.json(["stats", "--json"])[0];
    assert_eq!((&stats["accepted"], &stats["balances"]), (&9.into(), &true.into()));
    assert_eq!(stats["processes"].as_array().unwrap().len(), 2);
    assert!(stats["bytes"].as_u64().unwrap() >= fs::metadata(folder.store()).unwrap().len());
}

#[test]
fn colours_are_for_terminals_and_for_who_asks_for_them() {
    let folder = Folder::of(shop::a_day);
    let coloured = |arguments: &[&str], no_color: &str| {
        let store = folder.store();
        let all = ["--store", store.to_str().unwrap()].into_iter().chain(arguments.iter().copied());
        folder.bare(all).env("NO_COLOR", no_color).run().done().contains('\u{1b}')
    };
    assert!(!coloured(&["show", "latest"], ""));
    assert!(!coloured(&["show", "latest", "--color", "never"], ""));
    assert!(coloured(&["show", "latest", "--color", "always"], ""));
    assert!(coloured(&["--color", "always", "show", "latest"], "1"));
    assert!(!coloured(&["show", "latest", "--json", "--color", "always"], ""));
}

#[test]
fn text_is_as_wide_as_columns_says() {
    let folder = Folder::of(shop::a_day);
    let store = folder.store();
    let widest = |columns: &str| {
        let bare =
            folder.bare(["--store", store.to_str().unwrap(), "show", "latest"]).env("COLUMNS", columns);
        bare.run().done().lines().map(|line| line.chars().count()).max().unwrap()
    };
    assert!(widest("60") <= 60 && widest("140") > 60);
}
