//! A storm against the tables' ends, a sink that hangs, and what is counted for other reasons than the throttle's.

use std::fmt;
use std::time::Duration;

use crumbtrail::limits::{LINES, TALLY_KEYS, THROTTLE_ALL};
use crumbtrail::{Dropped, Lost, Throttle};
use log::Log as _;
use tracing::error;

use crate::heap;
use crate::rig::{LONG, MINUTE, Storm};
use crate::support::{child, ledger_balances, role};

/// A text that no other number has, without a digit.
struct Text(u64);

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no article ")?;
        let mut rest = self.0;
        for _ in 0..6 {
            f.write_str(["ga", "ho", "ki", "lu", "my", "ne", "po", "ri", "su", "ty"][(rest % 10) as usize])?;
            rest /= 10;
        }
        Ok(())
    }
}

const UNLIMITED: Throttle = Throttle::Limits { issue: 10, all: THROTTLE_ALL, line: u32::MAX };

#[test]
fn a_hundred_thousand_texts_through_one_line_are_all_counted_in_bounded_memory() {
    const EACH: u64 = 12_500;
    if role().is_none() {
        child("alone", "beyond::a_hundred_thousand_texts_through_one_line_are_all_counted_in_bounded_memory")
            .run()
            .succeeded();
        return;
    }
    let storm = Storm::new(UNLIMITED);
    let fail = |number: u64| error!(error = %Text(number), "failed");
    // Once around, so that what grows once has grown.
    storm.on_threads(8, |thread| (0..100).for_each(|number| fail(number * 8 + thread)));
    storm.told_of(800);
    let before = heap::live();
    {
        storm.on_threads(8, |thread| (0..EACH).for_each(|number| fail(number * 8 + thread)));
    }
    storm.guard.flush(LONG).unwrap();
    let kept = heap::live() - before;
    let told = storm.told_of(800 + 8 * EACH);
    assert_eq!(told.events.len(), THROTTLE_ALL as usize);
    // No text of those beyond the table is told apart; those within it, of which nothing was told, are not known.
    assert_eq!(storm.stats().lines[0].not_told_apart, told.not_told_apart());
    assert!(told.not_told_apart() > 8 * EACH - 2 * TALLY_KEYS as u64, "{}", told.not_told_apart());
    assert!(kept < 512 * 1024, "{kept} bytes");
}

#[test]
fn a_sink_that_hangs_holds_up_nobody_and_loses_no_count() {
    if role().is_none() {
        child("alone", "beyond::a_sink_that_hangs_holds_up_nobody_and_loses_no_count").run().succeeded();
        return;
    }
    let storm = Storm::new(UNLIMITED);
    let fail = |times: u64| (0..times).for_each(|_| error!(error = "out of stock", "failed"));
    storm.hang(|| fail(1));
    let mut logged = 1;
    let before = heap::live();
    {
        // An hour of it. That this loop ends is the point.
        for _ in 0..60 {
            storm.run(|| fail(1_000));
            logged += 1_000;
            storm.clock.advance(MINUTE);
        }
    }
    let kept = heap::live() - before;
    // The minutes do not pile up: the next begins when the last one was taken.
    assert!(kept < 256 * 1024, "{kept} bytes");
    assert!(storm.guard.flush(Duration::from_millis(10)).unwrap_err().is_deadline());
    assert!(ledger_balances(&storm.guard).pending > 0);
    storm.sink.open();
    let told = storm.told_of(logged);
    // The first minute, and the one that went on for the rest of the hour.
    let told_in_full = told.events.len() as u64;
    assert_eq!(told.issues(), [("out of stock".to_owned(), 20, logged - 20)]);
    assert_eq!(told_in_full, 20);
    // Then all is as ever.
    storm.clock.advance(MINUTE);
    storm.run(|| fail(100));
    assert_eq!(storm.told_of(logged + 100).events.len(), 30);
}

#[test]
fn a_hook_that_hangs_holds_up_nobody_and_loses_no_count() {
    let (go, gone) = crossbeam_channel::bounded::<()>(0);
    let storm = Storm::with(|builder| {
        builder.throttle(UNLIMITED).before_send(move |event| {
            // Ends when the test lets go of its end.
            let _ = gone.recv();
            Some(event)
        })
    });
    storm.run(|| (0..10_000).for_each(|_| error!(error = "out of stock", "failed")));
    for deadline in [0, 20].map(Duration::from_millis) {
        assert!(storm.guard.flush(deadline).unwrap_err().is_deadline());
    }
    assert_eq!(ledger_balances(&storm.guard).pending, 10);
    drop(go);
    assert_eq!(storm.told_of(10_000).issues(), [("out of stock".to_owned(), 10, 9_990)]);
}

#[test]
fn what_is_left_out_of_a_sample_is_its_issues_tally() {
    let storm = Storm::with(|builder| builder.throttle(Throttle::Off).sample_rate(0.25));
    storm.run(|| (0..2_000).for_each(|_| error!(error = "out of stock", "failed")));
    let told = storm.told_of(2_000);
    let sampled = storm.stats().dropped[&Dropped::Sampled];
    assert_eq!(told.issues(), [("out of stock".to_owned(), 2_000 - sampled, sampled)]);
    assert_eq!(storm.stats().tallied, 0, "the throttle is off");
}

#[test]
fn what_the_queue_has_no_room_for_is_its_issues_tally() {
    let storm = Storm::with(|builder| builder.throttle(Throttle::Off).queue(8, 1 << 20));
    let fail = |times: u64| (0..times).for_each(|_| error!(error = "out of stock", "failed"));
    storm.hang(|| fail(1));
    storm.run(|| fail(1_000));
    assert_eq!(storm.stats().lost[&Lost::QueueOverflow], 992);
    storm.sink.open();
    assert_eq!(storm.told_of(1_001).issues(), [("out of stock".to_owned(), 9, 992)]);
}

#[test]
fn a_shutdown_tells_what_was_counted_and_counts_what_comes_later() {
    let storm = Storm::new(UNLIMITED);
    storm.run(|| (0..1_000).for_each(|_| error!(error = "out of stock", "failed")));
    storm.guard.shutdown(LONG).unwrap();
    let told = storm.sink.told();
    assert_eq!(told.issues(), [("out of stock".to_owned(), 10, 990)]);
    storm.run(|| (0..100).for_each(|_| error!(error = "no such article", "later")));
    let stats = ledger_balances(&storm.guard);
    assert_eq!((stats.accepted, stats.delivered, stats.lost[&Lost::AfterShutdown]), (1_100, 10, 10));
    assert_eq!((stats.tallied, stats.pending), (990 + 90, 0));
}

#[test]
fn lines_beyond_the_table_share_a_count_and_stats_stay_bounded() {
    let storm = Storm::new(Throttle::Limits { issue: 1, all: 1, line: u32::MAX });
    let logger = tracing_log::LogTracer::new();
    let lines = 2 * LINES as u32;
    let log = |line: u32, text: fmt::Arguments<'_>| {
        let mut record = log::Record::builder();
        record.level(log::Level::Error).target("shop").file(Some("src/cart.rs")).line(Some(line));
        logger.log(&record.args(text).build());
    };
    storm.run(|| {
        for line in 0..lines {
            // Twice as often on every other line.
            for _ in 0..=line % 2 {
                log(line, format_args!("order failed: {}", Text(7)));
            }
        }
        // Messages that carry none, each of another line: they teach nothing about one another.
        for line in 0..lines {
            log(
                line,
                format_args!("{}", ["the queue is empty", "shutting down", "gave up"][line as usize % 3]),
            );
        }
    });
    let logged = u64::from(lines) * 3 / 2;
    storm.guard.flush(LONG).unwrap();
    let stats = ledger_balances(&storm.guard);
    assert_eq!((stats.accepted, stats.delivered, stats.tallied), (logged, 1, logged - 1));
    assert_eq!(stats.errors_without_error, u64::from(lines));
    assert!((LINES / 2..=LINES + 1).contains(&stats.lines.len()), "{}", stats.lines.len());
    assert_eq!(stats.lines.iter().map(|line| line.not_told_apart).sum::<u64>(), logged - 1);
    assert_eq!(stats.lines.iter().map(|line| line.without_error).sum::<u64>(), u64::from(lines));
    // The one for those beyond has no name, and most.
    assert_eq!((stats.lines[0].target.as_str(), stats.lines[0].line), ("", None));
    let of = |line: &crumbtrail::LineCount| {
        (std::cmp::Reverse(line.not_told_apart + line.without_error), line.line)
    };
    assert!(stats.lines[1..].is_sorted_by_key(of), "those with most first, then by their place");
    assert_eq!(storm.sink.told().total(), logged);
}

#[test]
fn a_pipeline_without_a_worker_counts_and_returns() {
    if role().is_none() {
        child("alone", "beyond::a_pipeline_without_a_worker_counts_and_returns").run().succeeded();
        return;
    }
    let storm = Storm::new(UNLIMITED);
    storm.guard.shutdown(LONG).unwrap();
    // A million would not make it keep anything either: nobody takes the counts any more.
    let before = heap::live();
    {
        for _ in 0..100 {
            storm.run(|| (0..100).for_each(|n| error!(error = %Text(n), "failed")));
            storm.clock.advance(MINUTE);
        }
    }
    let kept = heap::live() - before;
    assert!(kept < 512 * 1024, "{kept}");
    let stats = ledger_balances(&storm.guard);
    assert_eq!((stats.accepted, stats.pending), (10_000, 0));
}
