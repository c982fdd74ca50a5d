//! The two limits beyond which errors are not told apart: of the whole program, and of one line.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crumbtrail::limits::{THROTTLE_ALL, THROTTLE_LINE};
use crumbtrail::{Dropped, Throttle};
use tracing::error;

use crate::rig::{MINUTE, SECOND, Storm};

#[test]
fn of_the_whole_program_so_many_a_minute_are_told() {
    const ALL: u64 = THROTTLE_ALL as u64;
    const TEXTS: u64 = 1_500;
    let storm = Storm::with(|builder| builder);
    let fail = |number: u64| {
        let word: String = number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'g')).collect();
        error!(error = format!("no article {word}"), "request failed");
    };
    storm.run(|| (0..TEXTS).for_each(fail));
    let told = storm.told_of(TEXTS);
    assert_eq!(told.events.len() as u64, ALL);
    // Nobody knows their issues, for none of them was told; where they were logged is known.
    assert_eq!(told.not_told_apart(), TEXTS - ALL);
    assert_eq!(storm.stats().lines[0].not_told_apart, TEXTS - ALL);
    // Those that were told have a tally of their own.
    storm.run(|| (0..TEXTS).for_each(fail));
    let told = storm.told_of(2 * TEXTS);
    assert_eq!((told.events.len() as u64, told.not_told_apart()), (ALL, 2 * (TEXTS - ALL)));
    // After the minute, others may be told.
    storm.clock.advance(MINUTE);
    storm.run(|| (0..TEXTS).rev().for_each(fail));
    let told = storm.told_of(3 * TEXTS);
    assert_eq!(told.events.len() as u64, 2 * ALL);
}

/// A value that counts how often it is looked at.
struct Watched<'a>(&'a AtomicU64);

impl fmt::Display for Watched<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fetch_add(1, Ordering::Relaxed);
        f.write_str("out of stock")
    }
}

fn line_limit(line: u32) -> Throttle {
    Throttle::Limits { issue: 1, all: 10, line }
}

#[test]
fn above_the_line_limit_nothing_is_formatted_until_the_next_second() {
    let looks = AtomicU64::new(0);
    let storm = Storm::new(line_limit(50));
    let fail_often = || {
        storm.run(|| {
            (0..1_000).for_each(|_| error!(error = %Watched(&looks), field = %Watched(&looks), "failed"))
        });
        looks.swap(0, Ordering::Relaxed)
    };
    let first = fail_often();
    assert!((100..=201).contains(&first), "each of 50 is looked at, its field too: {first}");
    assert_eq!(fail_often(), 0);
    let told = storm.told_of(2_000);
    assert_eq!((told.events.len(), told.not_told_apart()), (1, 1_950));
    storm.clock.advance(SECOND);
    let next = fail_often();
    assert!((100..=201).contains(&next), "{next}");
    let told = storm.told_of(3_000);
    assert_eq!((told.events.len(), told.not_told_apart()), (1, 2_900));
    let tally = told.tallies.iter().find(|tally| tally.fingerprint.is_none()).unwrap();
    assert_eq!((tally.target.as_str(), tally.title.as_str()), ("storm::limits", ""));
    let stats = storm.stats();
    assert_eq!((stats.lines[0].not_told_apart, stats.lines[0].without_error), (2_900, 0));
}

#[test]
fn by_default_the_line_limit_is_far_above_what_programs_log() {
    const LINE: u64 = THROTTLE_LINE as u64;
    let storm = Storm::with(|builder| builder);
    storm.on_threads(8, |_| (0..LINE / 4).for_each(|_| error!(error = "out of stock", "failed")));
    let told = storm.told_of(2 * LINE);
    assert_eq!((told.events.len(), told.not_told_apart()), (10, LINE));
    assert_eq!(told.issues(), [("out of stock".to_owned(), 10, LINE - 10)]);
}

#[test]
fn each_line_has_a_limit_of_its_own() {
    let storm = Storm::new(line_limit(10));
    storm.run(|| {
        for _ in 0..100 {
            error!(error = "out of stock", "one line");
            error!("another line: {}", std::io::Error::other("out of stock"));
            crumbtrail::capture_error(&std::io::Error::other("out of stock"));
        }
        error!(error = "out of stock", "a quiet line");
    });
    let told = storm.told_of(301);
    assert_eq!((told.events.len(), told.not_told_apart()), (4, 270));
    assert_eq!(storm.stats().lines.iter().map(|line| line.not_told_apart).collect::<Vec<_>>(), [90, 90, 90]);
}

#[test]
fn above_the_line_limit_a_line_without_an_error_has_none_and_noise_is_none() {
    let storm = Storm::new(line_limit(10));
    storm.run(|| {
        for number in 0..100 {
            error!("the queue is empty, {number}");
            error!(target: "librdkafka", error = "broker down", "librdkafka: FAIL broker down");
            error!(target: "tower_http::trace::on_failure", classification = "500", "response failed");
        }
    });
    let told = storm.told_of(0);
    assert_eq!(told.total(), 0);
    let stats = storm.stats();
    assert_eq!(stats.errors_without_error, 100);
    assert_eq!(stats.lines.len(), 1, "{:?}", stats.lines);
    assert_eq!((stats.lines[0].without_error, stats.lines[0].not_told_apart), (100, 0));
}

#[test]
fn panics_in_a_loop_have_a_line_limit_too() {
    let storm = Storm::new(line_limit(10));
    storm.run(|| {
        for _ in 0..100 {
            assert!(std::panic::catch_unwind(|| panic!("thrown on purpose")).is_err());
        }
    });
    let told = storm.told_of(100);
    assert_eq!((told.events.len(), told.not_told_apart()), (1, 90));
}

#[test]
fn what_a_rule_ignores_is_no_tally() {
    let storm = Storm::with(|builder| builder.throttle(line_limit(1_000)).ignore("", "out of stock"));
    storm.run(|| (0..100).for_each(|_| error!(error = "out of stock", "failed")));
    storm.guard.flush(crate::rig::LONG).unwrap();
    assert_eq!(storm.stats().dropped[&Dropped::Ignored], 100);
    assert_eq!(storm.sink.told().total(), 0);
    assert!(storm.stats().balances());
}
