//! Each issue once in full, and what comes again in one line.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crumbtrail::{Clock, Console, Lost, Sink, TrackedEvent, limits};

use crate::sample::{Paper, bare};

struct Rig {
    clock: Clock,
    console: Console,
    paper: Paper,
}

impl Rig {
    fn new() -> Self {
        let (clock, paper) = (Clock::manual(), Paper::default());
        Self { console: Console::to(paper.clone()).clock(&clock), clock, paper }
    }

    /// What is written when that event comes.
    fn deliver(&self, event: &TrackedEvent) -> String {
        self.console.deliver(event).unwrap();
        self.paper.take()
    }

    fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    fn caught_up(&self) -> String {
        self.console.catch_up();
        self.paper.take()
    }

    fn flushed(&self) -> String {
        self.console.flush();
        self.paper.take()
    }
}

/// An event of an issue of its own.
fn of_issue(name: &str) -> TrackedEvent {
    static BARE: LazyLock<TrackedEvent> = LazyLock::new(bare);
    let mut event = BARE.clone();
    event.fingerprint = name.into();
    event.title = name.to_owned();
    event
}

const LINE: &str = "checkout failed · Payment: the payment could not be taken\n";

#[test]
fn an_issue_is_shown_once_in_full_and_its_repeats_by_a_line_every_ten_seconds() {
    let rig = Rig::new();
    let event = bare();
    assert!(rig.deliver(&event).ends_with("checkout::orders\n\n"));
    for _ in 0..37 {
        assert_eq!(rig.deliver(&event), "");
    }
    rig.later(9);
    assert_eq!(rig.caught_up(), "");
    rig.later(1);
    assert_eq!(rig.caught_up(), format!("ERROR ×37 in 10 s  {LINE}"));
    assert_eq!(rig.caught_up(), "");
    assert_eq!(rig.deliver(&event), "");
    rig.later(30);
    // Nobody asked in time.
    assert_eq!(rig.deliver(&event), format!("ERROR ×2 in 30 s  {LINE}"));
    rig.later(3_600);
    assert_eq!(rig.deliver(&event), format!("ERROR again after 1 h  {LINE}"));
}

#[test]
fn a_flush_says_what_is_left_at_once() {
    let rig = Rig::new();
    let event = bare();
    rig.deliver(&event);
    rig.deliver(&event);
    rig.deliver(&event);
    assert_eq!(rig.flushed(), format!("ERROR ×2 in 0 ms  {LINE}"));
    assert_eq!(rig.flushed(), "");
}

#[test]
fn issues_are_counted_apart_and_told_in_the_order_they_came() {
    let rig = Rig::new();
    let issues: Vec<TrackedEvent> = ["third", "first", "second"].map(of_issue).into();
    for event in &issues {
        assert!(rig.deliver(event).starts_with(&format!("ERROR {}\n", event.title)));
    }
    for (event, times) in issues.iter().zip([5, 3, 1]) {
        (0..times).for_each(|_| assert_eq!(rig.deliver(event), ""));
    }
    rig.later(10);
    let said = "the payment could not be taken";
    assert_eq!(
        rig.caught_up(),
        format!(
            "ERROR ×5 in 10 s  third · Payment: {said}\n\
             ERROR ×3 in 10 s  first · Payment: {said}\n\
             ERROR again after 10 s  second · Payment: {said}\n"
        )
    );
}

#[test]
fn a_line_stays_one_line_whatever_it_says() {
    let rig = Rig::new();
    let event = of_issue(&format!("<\u{1b}[31m\n\u{202E}{}>", "long ".repeat(60)));
    rig.deliver(&event);
    rig.deliver(&event);
    let line = rig.flushed();
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.starts_with("ERROR again after 0 ms  <\\u{1b}[31m\\n\\u{202e}long "), "{line}");
    assert!(line.ends_with("…\n") && line.trim_end().chars().count() == limits::REPORT_COLUMNS, "{line}");
}

#[test]
fn the_issue_that_was_quiet_for_longest_is_forgotten_but_not_its_repeats() {
    let rig = Rig::new();
    let issue = |number: usize| of_issue(&format!("issue {number}"));
    for number in 0..limits::CONSOLE_ISSUES {
        assert!(!rig.deliver(&issue(number)).is_empty());
    }
    for number in 0..2 {
        assert_eq!(rig.deliver(&issue(number)), "");
    }
    // Number 2 has no repeats: it goes without a word.
    assert!(rig.deliver(&issue(5_000)).starts_with("ERROR issue 5000\n"));
    assert!(rig.deliver(&issue(2)).starts_with("ERROR issue 2\n"));
    for number in 3..limits::CONSOLE_ISSUES {
        assert!(rig.deliver(&issue(6_000 + number)).starts_with("ERROR "), "{number}");
    }
    let rest = rig.flushed();
    for number in 0..2 {
        let lines = rest.lines().filter(|line| line.contains(&format!("  issue {number} · ")));
        assert_eq!(lines.count(), 1, "{rest}");
    }
}

#[test]
fn what_could_not_be_written_is_lost_and_said_when_it_can_be_again() {
    struct Broken(Arc<AtomicBool>, Paper);
    impl Write for Broken {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.load(Ordering::Relaxed) { Err(io::Error::other("closed")) } else { self.1.write(bytes) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (broken, paper, clock) = (Arc::new(AtomicBool::new(true)), Paper::default(), Clock::manual());
    let console = Console::to(Broken(Arc::clone(&broken), paper.clone())).clock(&clock);
    let event = bare();
    assert_eq!(console.deliver(&event), Err(Lost::Sink));
    broken.store(false, Ordering::Relaxed);
    // It was not shown in full yet.
    assert_eq!(console.deliver(&event), Ok(()));
    assert!(paper.take().starts_with("ERROR checkout failed\n  Payment: "));
    assert_eq!(console.deliver(&event), Ok(()));
    broken.store(true, Ordering::Relaxed);
    console.flush();
    broken.store(false, Ordering::Relaxed);
    console.flush();
    assert_eq!(paper.take(), format!("ERROR again after 0 ms  {LINE}"));
}
