//! The line on a terminal for an issue that is news: who hears it, how often, and what stands in it.

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, io, process};

use crumbtrail::view::{Filter, Form, View};
use crumbtrail::{Builder, Clock, Stack, Store};
use serde_json::Value;
use tracing_subscriber::prelude::*;

use crate::support::{Child, child, ledger_balances, role, until};
use crate::terminal::run_at_terminal;

const LONG: Duration = Duration::from_secs(40);

/// A folder that is gone with the test, with a store in it once a program has run.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("crumbtrail-herald-{}-{name}", process::id()));
        // What a test left that was killed under the same number.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn store(&self) -> PathBuf {
        self.0.join("shop.db")
    }

    /// That test as a program that keeps its issues here.
    fn program(&self, role: &str, test_name: &str) -> Child {
        let mut program = child(role, test_name);
        program.command.env("CRUMBTRAIL_STORE", self.store());
        program
    }

    /// What the issue of that title is called on a line.
    fn name_of(&self, title: &str) -> String {
        let issues = View::open(self.store()).unwrap().form(Form::Json).issues(&Filter::default()).unwrap();
        let issues = issues.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let found = issues.into_iter().find(|issue| issue["title"] == title).unwrap();
        found["id"].as_str().unwrap()[..8].to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is in a place for what is left.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A program as its environment and `settings` want it, whose time does not pass by itself.
fn serve(settings: impl FnOnce(Builder) -> Builder, work: impl FnOnce(&Clock, &dyn Fn())) {
    let clock = Clock::manual();
    let builder = settings(crumbtrail::from_env().stack(Stack::Off).panics(false).clock(&clock));
    let (layer, guard) = builder.build().unwrap();
    tracing_subscriber::registry().with(layer).init();
    work(&clock, &|| guard.flush(LONG).unwrap());
    ledger_balances(&guard);
}

/// Logs an ERROR of an issue of its own.
fn lose(what: &str) {
    tracing::error!(error = %io::Error::other(format!("there is no {what}")), "out of {what}");
}

#[test]
fn an_issue_is_told_of_once_with_the_command_that_shows_it() {
    const NAME: &str = "herald::an_issue_is_told_of_once_with_the_command_that_shows_it";
    if role().is_some() {
        return serve(
            |builder| builder,
            |clock, flush| {
                lose("bread");
                flush();
                clock.advance(Duration::from_secs(10));
                lose("bread");
                flush();
            },
        );
    }
    let folder = Folder::new("once");
    let said = run_at_terminal(folder.program("first", NAME)).succeeded().stderr;
    let line = format!(
        "crumbtrail: new issue {0}, out of bread; see it by: crumbtrail show {0} --store {1}\n",
        folder.name_of("out of bread"),
        folder.store().display()
    );
    assert_eq!(said, line);
    // What a store knows is no news to the next program either.
    assert_eq!(run_at_terminal(folder.program("second", NAME)).succeeded().stderr, "");
}

#[test]
fn of_many_one_a_second_is_named_and_the_others_are_counted() {
    const NAME: &str = "herald::of_many_one_a_second_is_named_and_the_others_are_counted";
    if role().is_some() {
        return serve(
            |builder| builder,
            |clock, flush| {
                ["bread", "eggs", "flour", "salt"].into_iter().for_each(lose);
                flush();
                clock.advance(Duration::from_millis(999));
                lose("milk");
                flush();
                clock.advance(Duration::from_millis(1_000));
                lose("butter");
                flush();
            },
        );
    }
    let folder = Folder::new("many");
    let said = run_at_terminal(folder.program("alone", NAME)).succeeded().stderr;
    let store = folder.store();
    let named = |what: &str| {
        let (name, store) = (folder.name_of(what), store.display());
        format!("crumbtrail: new issue {name}, {what}; see it by: crumbtrail show {name} --store {store}\n")
    };
    let counted = |what: &str| {
        format!("crumbtrail: {what} news; see them by: crumbtrail issues --store {}\n", store.display())
    };
    let expected = [
        named("out of bread"),
        counted("3 more issues are"),
        counted("1 more issue is"),
        named("out of butter"),
    ];
    assert_eq!(said, expected.concat());
}

#[test]
fn nothing_is_said_where_nobody_wants_to_hear_it() {
    const NAME: &str = "herald::nothing_is_said_where_nobody_wants_to_hear_it";
    if role().is_some() {
        return serve(
            |builder| builder,
            |_, flush| {
                lose("bread");
                flush();
            },
        );
    }
    let quiet = Folder::new("quiet");
    let mut program = quiet.program("quiet", NAME);
    program.command.env("CRUMBTRAIL_QUIET", "1");
    assert_eq!(run_at_terminal(program).succeeded().stderr, "");
    let piped = Folder::new("piped");
    assert_eq!(piped.program("piped", NAME).run().succeeded().stderr, "");
    for folder in [quiet, piped] {
        folder.name_of("out of bread");
    }
    // A test's issues are nobody's to look at.
    assert_eq!(run_at_terminal(child("test", NAME)).succeeded().stderr, "");
}

/// Who has a server looks there.
#[cfg(feature = "sentry")]
#[test]
fn nothing_is_said_where_a_server_is_told() {
    const NAME: &str = "herald::nothing_is_said_where_a_server_is_told";
    if role().is_some() {
        let (layer, guard) = crumbtrail::from_env().stack(Stack::Off).panics(false).build().unwrap();
        tracing_subscriber::registry().with(layer).init();
        lose("bread");
        // The server does not answer; what is said is said when it is written down.
        let _ = guard.flush(Duration::from_millis(200));
        let store = env::var("CRUMBTRAIL_STORE").unwrap();
        until(LONG, || {
            let listed = View::open(&store).and_then(|view| view.issues(&Filter::default()));
            listed.is_ok_and(|listed| listed.contains("out of bread"))
        });
        ledger_balances(&guard);
        return;
    }
    // It is there, and takes nothing.
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = Folder::new("server");
    let mut program = folder.program("sends", NAME);
    program.command.env("SENTRY_DSN", format!("http://key@{}/1", server.local_addr().unwrap()));
    let said = run_at_terminal(program).succeeded().stderr;
    assert!(!said.contains("out of bread"), "{said}");
    folder.name_of("out of bread");
}

#[test]
fn of_what_is_kept_in_memory_no_command_is_named() {
    const NAME: &str = "herald::of_what_is_kept_in_memory_no_command_is_named";
    if role().is_some() {
        return serve(
            |builder| builder.store(Store::Memory),
            |_, flush| {
                lose("bread");
                flush();
            },
        );
    }
    let said = run_at_terminal(child("memory", NAME)).succeeded().stderr;
    let (begin, end) =
        ("crumbtrail: new issue ", ", out of bread; it is kept in memory, and gone with this process\n");
    let name = said.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
    assert!(name.is_some_and(|name| name.len() == 8), "{said}");
}

/// Whatever an issue is called, and wherever it is kept, it is one line that steers no terminal.
#[test]
fn what_would_steer_a_terminal_is_escaped() {
    const NAME: &str = "herald::what_would_steer_a_terminal_is_escaped";
    const HOSTILE: &str =
        "\u{1b}[31mred\u{1b}]0;title\u{7} \u{9b}2J\r\n\u{202e}crumbtrail: all is well\u{2028}";
    if role().is_some() {
        return serve(
            |builder| builder,
            |_, flush| {
                tracing::error!(error = %io::Error::other(HOSTILE), message = HOSTILE);
                flush();
            },
        );
    }
    let folder = Folder::new("hostile");
    let store = folder.0.join("it's a\u{1b}[2Jshop.db");
    let mut program = folder.program("alone", NAME);
    program.command.env("CRUMBTRAIL_STORE", &store);
    let said = run_at_terminal(program).succeeded().stderr;
    assert!(said.starts_with("crumbtrail: new issue ") && said.lines().count() == 1, "{said:?}");
    let steers = |character: char| character.is_control() || "\u{202e}\u{2028}".contains(character);
    assert!(!said.trim_end_matches('\n').contains(steers), "{said:?}");
    assert!(store.is_file());
}
