//! ERRORs that carry no error: issues of the kind `log`, counted exactly, and sent nowhere.

use crumbtrail::Memory;
use tracing::{error, info_span};

use crate::rig::{Folder, serve_as};
use crate::support::role;

/// So many people run out of luck.
fn run_out_of_luck(people: u64) {
    for person in 1..=people {
        let _entered = info_span!("draw", user.id = person).entered();
        error!("no luck with ticket {}", 100 + person);
    }
}

#[test]
fn errors_without_an_error_are_an_issue_of_their_line_and_no_event() {
    const NAME: &str = "messages::errors_without_an_error_are_an_issue_of_their_line_and_no_event";
    match role().as_deref() {
        Some("9f2c1aa") => {
            let memory = Memory::new();
            let stats = serve_as(|builder| builder.sink(memory.clone()), || run_out_of_luck(25));
            assert!(memory.events().is_empty());
            assert_eq!((stats.accepted, stats.delivered), (0, 0));
            return;
        }
        Some("abc123") => {
            let memory = Memory::new();
            serve_as(|builder| builder.sink(memory.clone()).track_messages(true), || run_out_of_luck(15));
            assert!(!memory.events().is_empty());
            return;
        }
        _ => {}
    }
    let folder = Folder::new();
    folder.deploy("9f2c1aa", NAME);
    let issue = folder.issue();
    assert_eq!((issue.text("kind"), issue.text("title")), ("log", "no luck with ticket 101"));
    assert_eq!((issue.number("count"), issue.number("events_kept")), (25, 0));
    assert_eq!(issue.sentence(), "first seen in 9f2c1aa, 25 times in the past hour");

    // As events they are of the same issue.
    folder.deploy("abc123", NAME);
    let tracked = folder.issue();
    assert_eq!((tracked.text("id"), tracked.text("kind")), (issue.text("id"), "log"));
    assert_eq!((tracked.number("count"), tracked.number("users")), (40, 15));
    assert_eq!(tracked.text("last_release"), "abc123");
    assert_eq!(tracked.sentence(), "first seen in 9f2c1aa, 40 times in the past hour");
}

/// With a server and a store: the store lists them, the server is not even asked.
#[cfg(feature = "sentry")]
#[test]
fn errors_without_an_error_are_not_sent() {
    const NAME: &str = "messages::errors_without_an_error_are_not_sent";
    if role().is_some() {
        assert_eq!(serve_as(|builder| builder, || run_out_of_luck(25)).accepted, 0);
        return;
    }
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let folder = Folder::new();
    let mut program = folder.program("abc123", NAME);
    program.command.env("SENTRY_DSN", format!("http://key@{}/1", server.local_addr().unwrap()));
    program.run().succeeded();
    assert_eq!(server.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!((folder.issue().text("kind"), folder.issue().number("count")), ("log", 25));
}
