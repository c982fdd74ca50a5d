//! Readers that go away, and what is followed while it is written.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::thread;

use serde_json::Value;

use crate::rig::{Folder, LONG};
use crate::shop;
use crate::support::until;

fn started(folder: &Folder, arguments: &[&str]) -> Child {
    let store = folder.store();
    let all = ["--store", store.to_str().unwrap()].into_iter().chain(arguments.iter().copied());
    let mut bare = folder.bare(all).0;
    bare.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// How it ended, and what it complained of.
fn ended(mut child: Child) -> (Option<i32>, String) {
    until(LONG, || child.try_wait().unwrap().is_some());
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_reader_that_goes_away_ends_it_without_a_word() {
    let folder = Folder::of(|| shop::orders(200));
    for arguments in
        [&["issues"][..], &["show", "latest"], &["events", "latest", "--json"], &["export"], &["--help"]]
    {
        let mut child = started(&folder, arguments);
        drop(child.stdout.take());
        assert_eq!(ended(child), (Some(0), String::new()), "{arguments:?}");
    }
}

#[test]
fn what_is_recorded_is_told_as_it_comes() {
    let folder = Folder::new();
    folder.orders(1..=3);
    let mut child = started(&folder, &["tail", "-n", "2", "--json"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut user = || {
        let line = lines.next().unwrap().unwrap();
        serde_json::from_str::<Value>(&line).unwrap()["user"]["id"].as_str().unwrap().to_owned()
    };
    assert_eq!([user(), user()], ["2", "3"]);
    folder.orders(4..=5);
    assert_eq!([user(), user()], ["4", "5"]);
    drop(lines);
    // It learns that nobody reads when it has something to tell.
    folder.program("def456", || shop::sign_ups(1));
    assert_eq!(ended(child), (Some(0), String::new()));
}

/// Of a burst of one kind only a few events are recorded; none of the others goes untold.
#[test]
fn what_a_burst_leaves_out_is_told_by_its_number() {
    let folder = Folder::new();
    folder.orders(1..=1);
    let mut child = started(&folder, &["tail", "-n", "1"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().ends_with("  user 1"));
    folder.program("def456", || shop::orders(200));
    let mut told = 0;
    while told < 200 {
        let line = lines.next().unwrap();
        let more = line.strip_prefix("… ").and_then(|rest| rest.strip_suffix(" more that are only counted"));
        told += more.map_or(1, |more| more.parse::<u64>().unwrap());
    }
    assert_eq!(told, 200);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_line_of_the_tail_names_issue_failure_cause_and_user() {
    let folder = Folder::of(|| shop::orders(1));
    let mut child = started(&folder, &["tail"]);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let id = folder.id_of("checkout failed");
    assert!(
        line.contains(&format!("  {}  ERROR checkout failed: the connection broke  user 1", &id[..8])),
        "{line}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn who_looks_does_not_stop_who_writes() {
    let folder = Folder::of(|| shop::orders(5));
    thread::scope(|scope| {
        let writing = scope.spawn(|| (0..3).for_each(|_| folder.program("def456", || shop::orders(50))));
        while !writing.is_finished() {
            folder.command(["issues"]).done();
            folder.command(["show", "latest"]).done();
            folder.command(["stats"]).done();
        }
    });
    assert_eq!(folder.json(["issues", "--json"])[0]["count"], 155);
}
