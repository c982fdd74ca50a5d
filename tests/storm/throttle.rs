//! The first few of one error a minute are told in full, the rest is counted with its issue, exactly.

use std::io;

use crumbtrail::limits::THROTTLE_ISSUE;
use crumbtrail::{Throttle, capture_error};
use tracing::error;

use crate::rig::{MINUTE, SECOND, Storm};

const FULL: u64 = THROTTLE_ISSUE as u64;

/// One line that logs whatever it is given.
fn fail(text: &str) {
    error!(error = text, "request failed");
}

#[test]
fn of_one_error_the_first_of_a_minute_are_told_and_the_rest_is_its_issues_tally() {
    let storm = Storm::with(|builder| builder);
    storm.run(|| (0..1_000).for_each(|_| fail("out of stock")));
    let told = storm.told_of(1_000);
    assert_eq!(told.issues(), [("request failed".to_owned(), FULL, 1_000 - FULL)]);
    let tally = &told.tallies[0];
    assert_eq!((tally.target.as_str(), tally.title.as_str()), ("storm::throttle", "request failed"));
    assert!(tally.file.as_deref().unwrap().ends_with("throttle.rs") && tally.line.is_some());
    assert_eq!(storm.stats().tallied, 1_000 - FULL);
}

/// Whether somebody flushed in between or not, and however the worker's time fell.
#[test]
fn the_next_full_event_says_how_many_were_counted_before_it() {
    for flushes in [false, true] {
        let storm = Storm::with(|builder| builder);
        let mut expected = Vec::new();
        let mut before = 0;
        // A minute begins when the counts of the one before the last were taken, which is when somebody flushes here.
        let rounds: &[u64] = if flushes { &[1_000, 11, 5, 12, 400] } else { &[1_000, 11] };
        for &logged in rounds {
            storm.run(|| (0..logged).for_each(|_| fail("out of stock")));
            let told = u64::min(logged, FULL);
            // The first of a minute tells it.
            expected.push(before);
            expected.extend((1..told).map(|_| 0));
            before = logged - told;
            if flushes {
                storm.guard.flush(crate::rig::LONG).unwrap();
            }
            storm.clock.advance(MINUTE);
        }
        let told = storm.told_of(rounds.iter().sum());
        assert_eq!(told.before(), expected, "with a flush in between: {flushes}");
        assert_eq!(told.unheard_of, []);
    }
}

#[test]
fn a_minute_is_a_minute() {
    let storm = Storm::with(|builder| builder);
    let fail_often = || storm.run(|| (0..100).for_each(|_| fail("out of stock")));
    fail_often();
    storm.clock.advance(MINUTE - SECOND);
    fail_often();
    assert_eq!(storm.told_of(200).events.len() as u64, FULL);
    storm.clock.advance(SECOND);
    fail_often();
    assert_eq!(storm.told_of(300).events.len() as u64, 2 * FULL);
    // However long nothing came.
    storm.clock.advance(MINUTE * 60 * 24);
    fail_often();
    assert_eq!(storm.told_of(400).events.len() as u64, 3 * FULL);
    assert_eq!(storm.told_of(400).issues(), [("request failed".to_owned(), 3 * FULL, 400 - 3 * FULL)]);
}

#[test]
fn each_limit_is_as_it_is_set_and_off_is_off() {
    let limits = |issue, all| Throttle::Limits { issue, all, line: u32::MAX };
    for (throttle, told) in [
        (limits(1, 1_000), 1),
        (limits(37, 1_000), 37),
        (limits(1_000, 25), 25),
        (limits(1_000, 1), 1),
        (limits(u32::MAX, u32::MAX), 500),
        (Throttle::Off, 500),
    ] {
        let storm = Storm::new(throttle);
        storm.run(|| (0..500).for_each(|_| fail("out of stock")));
        assert_eq!(storm.told_of(500).events.len(), told, "{throttle:?}");
    }
}

#[test]
fn eight_threads_at_once_lose_and_invent_nothing() {
    const EACH: u64 = 5_000;
    const TEXTS: [&str; 5] =
        ["out of stock", "no such article", "bank refused", "card expired", "cart is empty"];
    let storm = Storm::new(Throttle::Limits { issue: THROTTLE_ISSUE, all: u32::MAX, line: u32::MAX });
    for round in 1..=3 {
        storm.on_threads(8, |thread| {
            for number in 0..EACH {
                fail(TEXTS[((thread + number) % 5) as usize]);
            }
        });
        let told = storm.told_of(round * 8 * EACH);
        assert_eq!(told.events.len() as u64, round * 5 * FULL);
        assert_eq!(told.not_told_apart(), 0);
        storm.clock.advance(MINUTE);
    }
    // One issue, by what the line says.
    let before = storm.told_of(24 * EACH).before();
    assert_eq!(before.iter().sum::<u64>(), 2 * (8 * EACH - 5 * FULL), "{before:?}");
    assert_eq!(before.iter().filter(|before| **before > 0).count(), 2, "{before:?}");
}

#[test]
fn a_minute_that_ends_amidst_a_storm_loses_and_invents_nothing() {
    const EACH: u64 = 20_000;
    let storm = Storm::new(Throttle::Limits { issue: THROTTLE_ISSUE, all: u32::MAX, line: u32::MAX });
    storm.on_threads(8, |thread| {
        for number in 0..EACH {
            fail("out of stock");
            if thread == 0 && number % 1_000 == 0 {
                storm.clock.advance(MINUTE);
            }
        }
    });
    let told = storm.told_of(8 * EACH);
    let tallied = 8 * EACH - told.events.len() as u64;
    assert_eq!(told.issues(), [("request failed".to_owned(), told.events.len() as u64, tallied)]);
    // What nobody told of yet is told with the next.
    storm.clock.advance(MINUTE);
    storm.run(|| fail("out of stock"));
    let before = storm.told_of(8 * EACH + 1).before();
    assert_eq!(before.iter().sum::<u64>(), tallied);
}

#[test]
fn what_is_handed_over_and_what_panics_is_throttled_as_well() {
    let storm = Storm::with(|builder| builder);
    storm.run(|| {
        for _ in 0..100 {
            capture_error(&io::Error::other("disk on fire"));
            assert!(std::panic::catch_unwind(|| panic!("thrown on purpose")).is_err());
        }
    });
    let told = storm.told_of(200);
    let counts: Vec<_> = told.issues().into_iter().map(|(_, told, tallied)| (told, tallied)).collect();
    assert_eq!(counts, [(FULL, 100 - FULL), (FULL, 100 - FULL)]);
}

/// A failure of which two lines tell is one event, and in a storm one that is counted.
#[test]
fn what_is_folded_is_throttled_and_counted_once() {
    let storm = Storm::with(|builder| builder);
    for round in 0..100_u64 {
        storm.run(|| {
            let _request = tracing::info_span!("request").entered();
            let refused = io::Error::other("bank refused the card");
            error!(error = %refused, "charge failed");
            error!(error = %format!("cannot charge: {refused}"), "order failed");
        });
        if round % 10 == 9 {
            storm.clock.advance(SECOND);
        }
    }
    storm.guard.flush(crate::rig::LONG).unwrap();
    let stats = crate::support::ledger_balances(&storm.guard);
    assert_eq!(
        (stats.accepted, stats.delivered, stats.folded, stats.tallied),
        (200, FULL, FULL, 200 - 2 * FULL)
    );
    let issues = storm.sink.told().issues();
    assert_eq!(issues, [("order failed".to_owned(), FULL, 100 - FULL)], "a failure is counted once");
}
