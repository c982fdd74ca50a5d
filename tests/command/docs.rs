//! `docs/command.md` shows what the command answers: each of its sessions is run, in their order, over one store.
//!
//! Ids, times and places differ from run to run, so both sides are compared without them. Where the command has changed,
//! `CRUMBTRAIL_REWRITE=1 cargo test --features cli --test command docs` writes what it answers into the page, to be read before
//! it is committed.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use regex_lite::Regex;

use crate::rig::Folder;
use crate::shop;

#[test]
fn the_page_shows_what_the_command_answers() {
    let folder = Folder::of(|| {
        for customer in 1..=3 {
            shop::order(customer);
            shop::later();
        }
    });
    folder.program("def456", || {
        shop::order(4);
        (1..=87).for_each(shop::signed_up);
        for person in 1..=12 {
            shop::later();
            shop::sign_up(person);
        }
    });
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/command.md");
    let page = fs::read_to_string(&path).unwrap();
    let sessions = Regex::new(r"(?s)```console\n(.*?)```").unwrap();
    let mut shown = Vec::new();
    let rewritten = sessions.replace_all(&page, |session: &regex_lite::Captures<'_>| {
        let mut block = String::from("```console\n");
        for (line, answer) in commands(&session[1]) {
            let answered = run(&folder, &line);
            shown.push((line.clone(), comparable(&answer), comparable(&answered)));
            block.push_str(&format!("$ {line}\n{answered}"));
        }
        block + "```"
    });
    if env::var_os("CRUMBTRAIL_REWRITE").is_some() {
        fs::write(&path, rewritten.as_bytes()).unwrap();
        return;
    }
    for name in [
        "issues",
        "show",
        "events",
        "resolve",
        "mute",
        "reopen",
        "tail",
        "stats",
        "export",
        "prune",
        "doctor",
        "completions",
        "man",
    ] {
        let known = |line: &str| line.contains(&format!("crumbtrail {name}"));
        assert!(shown.iter().any(|(line, ..)| known(line)), "the page has no session of {name}");
    }
    for (line, shown, answered) in shown {
        assert_eq!(shown, answered, "\n{line}");
    }
}

/// The command lines of a session, each with what stands below it.
fn commands(session: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in session.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push((command.to_owned(), String::new())),
            None => commands.last_mut().expect("a session begins with a command").1 += &format!("{line}\n"),
        }
    }
    commands
}

/// What a shell shows of it, at home with somebody who has one store.
fn run(folder: &Folder, line: &str) -> String {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_crumbtrail"));
    let mut shell = Command::new("sh");
    let path = env::join_paths([binary.parent().unwrap(), "/usr/bin".as_ref(), "/bin".as_ref()]).unwrap();
    shell.env_clear().env("PATH", path).env("COLUMNS", "100").env("HOME", folder.path());
    shell.env("CRUMBTRAIL_STORE", folder.store()).current_dir(folder.path());
    let output = shell.args(["-c", &format!("exec 2>&1; {line}")]).output().unwrap();
    let home = folder.path().to_str().unwrap();
    let said = String::from_utf8(output.stdout).unwrap().replace(home, "/home/ada/.local/state/crumbtrail");
    // What a page needs not show in full.
    let most = 60;
    let lines: Vec<&str> = said.lines().collect();
    let mut shown: String = lines.iter().take(most).map(|line| format!("{}\n", short(line))).collect();
    if lines.len() > most {
        shown += "…\n";
    }
    shown
}

fn short(line: &str) -> String {
    let most = 160;
    if line.chars().count() <= most {
        line.to_owned()
    } else {
        line.chars().take(most).collect::<String>() + "…"
    }
}

/// Without what differs from run to run: ids of events, times, ages, sizes, numbers of processes; and without the spaces and
/// folds that follow from their lengths.
fn comparable(text: &str) -> Vec<String> {
    let rules = [
        // Cut lines of JSON end anywhere.
        (r"(?m)^(\{.{40}).*$", "$1…"),
        (r"\b[0-9a-f]{32}\b", "EVENT"),
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?( UTC|Z)?", "TIME"),
        (r"(?m)^[0-9a-f]{8}  TIME", "EVENT TIME"),
        (r"\b(just now|now|\d[\d.]* (ms|s|min|h|days)( ago)?)\b", "AGE"),
        (r"-AGE|\bAGE", "AGE"),
        (r"\d[\d.,]* (B|KiB|MiB|GiB)\b", "SIZE"),
        (r"\.rs:\d+", ".rs:LINE"),
        (r"(?m)^\s*>?\s*\d+ │.*\n", ""),
        (r"(?m)^\s*(\d\dh\s*|\d\d-\d\d\s*)+$", ""),
        (r"(?m)^\s*[·▁▂▃▄▅▆▇█]+$", "BARS"),
        (r"on \S+$", "on HOST"),
    ];
    let mut text = text.to_owned();
    for (rule, with) in rules {
        text = Regex::new(rule).unwrap().replace_all(&text, with).into_owned();
    }
    let words = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    words.filter(|line| !line.is_empty()).collect()
}
