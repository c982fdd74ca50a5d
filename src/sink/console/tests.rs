//! Tallies: what was counted without an event is told all the same.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::model::Fingerprint;

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

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

    fn written(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.paper.0.lock().unwrap())).unwrap()
    }

    fn tally(&self, tally: &Tally) -> String {
        self.console.tally(tally);
        self.written()
    }

    fn deliver(&self, event: &TrackedEvent) -> String {
        self.console.deliver(event).unwrap();
        self.written()
    }

    fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn of_issue(count: u64) -> Tally {
    Tally {
        fingerprint: Some(Fingerprint::from("checkout")),
        title: "checkout failed".to_owned(),
        target: "checkout".to_owned(),
        file: Some("src/orders.rs".to_owned()),
        line: Some(51),
        count,
    }
}

fn of_line(count: u64) -> Tally {
    let (target, file) = ("checkout::stock".to_owned(), Some("src/stock.rs".to_owned()));
    Tally { fingerprint: None, title: String::new(), target, file, line: Some(7), count }
}

/// An event of the issue that [`of_issue`] counts.
fn event() -> TrackedEvent {
    use tracing_subscriber::prelude::*;

    let memory = crate::Memory::new();
    let (layer, _guard) = crate::builder().stack(crate::Stack::Off).sink(memory.clone()).build().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::error!(error = "refused", "checkout failed");
    });
    let mut event = memory.events().remove(0);
    event.fingerprint = Fingerprint::from("checkout");
    event
}

#[test]
fn tallies_and_events_of_an_issue_are_counted_together() {
    let rig = Rig::new();
    let event = event();
    assert!(rig.deliver(&event).starts_with("ERROR checkout failed\n  refused\n"));
    assert_eq!(rig.tally(&of_issue(30)), "");
    assert_eq!(rig.deliver(&event), "");
    rig.later(10);
    assert_eq!(rig.tally(&of_issue(6)), "ERROR ×37 in 10 s  checkout failed · refused\n");
    assert_eq!(rig.tally(&of_issue(0)), "");
    assert_eq!(rig.tally(&of_issue(12_000)), "");
    rig.later(120);
    rig.console.catch_up();
    assert_eq!(rig.written(), "ERROR ×12,000 in 2 min  checkout failed · refused\n");
}

#[test]
fn a_line_that_was_not_told_apart_is_told_at_once_and_then_every_ten_seconds() {
    let rig = Rig::new();
    let line = "at checkout::stock (src/stock.rs:7), not told apart\n";
    assert_eq!(rig.tally(&of_line(12_000)), format!("ERROR ×12,000  {line}"));
    for _ in 0..9 {
        rig.later(1);
        assert_eq!(rig.tally(&of_line(1_000)), "");
    }
    rig.later(1);
    assert_eq!(rig.tally(&of_line(1_000)), format!("ERROR ×10,000 in 10 s  {line}"));
    let nameless = Tally { file: None, line: None, ..of_line(2) };
    assert_eq!(rig.tally(&nameless), "ERROR ×2  at checkout::stock, not told apart\n");
}

#[test]
fn the_first_event_of_an_issue_that_was_only_counted_is_told_in_full() {
    let rig = Rig::new();
    assert_eq!(rig.tally(&of_issue(20)), "ERROR ×20  checkout failed\n");
    rig.later(3);
    assert_eq!(rig.tally(&of_issue(16)), "");
    rig.later(4);
    let text = rig.deliver(&event());
    assert!(
        text.starts_with("ERROR checkout failed\n  first seen 7 s ago · ×37 since\n  refused\n"),
        "{text}"
    );
    rig.console.flush();
    assert_eq!(rig.written(), "");
}

#[test]
fn counts_do_not_overflow() {
    let rig = Rig::new();
    rig.deliver(&event());
    rig.tally(&of_issue(u64::MAX));
    rig.tally(&of_issue(u64::MAX));
    rig.console.flush();
    assert_eq!(rig.written(), "ERROR ×18,446,744,073,709,551,615 in 0 ms  checkout failed · refused\n");
}
