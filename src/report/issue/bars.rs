//! How often an issue came in the past hours and days, as bars.

use super::super::page::{Line, Page};
use super::super::style::Ink;
use super::super::time::{count, moment};
use super::heading;
use crate::issues::{Bucket, Moment};

/// By hour. What stands by day only is in no hour.
pub(super) fn hours(page: &mut Page, buckets: &[Bucket], now: Moment) {
    let first = now.hour().saturating_sub(HOURS - 1);
    let hourly = buckets.iter().filter(|bucket| !bucket.is_day);
    let counts = counts(first, HOURS, hourly.map(|bucket| (bucket.hour, bucket.count)));
    let axis = (0..HOURS).map(|at| {
        let hour = (first + at) % 24;
        hour.is_multiple_of(6).then(|| format!("{hour:02}h"))
    });
    put(page, "past 24 hours", "an hour", &counts, axis);
}

/// By day, of UTC.
pub(super) fn days(page: &mut Page, buckets: &[Bucket], now: Moment) {
    let first = now.day().saturating_sub(DAYS - 1);
    let counts = counts(first, DAYS, buckets.iter().map(|bucket| (bucket.hour / 24, bucket.count)));
    let axis = (0..DAYS).map(|at| {
        let day = moment(Moment::from_ms((first + at) * 86_400_000).time());
        // Of `2026-11-20 00:00:00 UTC`, month and day.
        at.is_multiple_of(7).then(|| day.get(5..10).unwrap_or_default().to_owned())
    });
    put(page, "past 30 days", "a day", &counts, axis);
}

fn counts(first: u64, length: u64, buckets: impl Iterator<Item = (u64, u64)>) -> Vec<u64> {
    let mut counts = vec![0_u64; length as usize];
    for (at, count) in buckets {
        let at = at.checked_sub(first).and_then(|at| counts.get_mut(at as usize));
        if let Some(sum) = at {
            *sum = sum.saturating_add(count);
        }
    }
    counts
}

fn put(page: &mut Page, name: &str, each: &str, counts: &[u64], axis: impl Iterator<Item = Option<String>>) {
    let total = counts.iter().fold(0_u64, |total, count| total.saturating_add(*count));
    let most = counts.iter().copied().max().unwrap_or(0);
    if total == 0 {
        heading(page, name, " · none");
        return;
    }
    heading(page, name, &format!(" · {} in all · {} {each} at most · UTC", count(total), count(most)));
    let bars: String = counts.iter().map(|count| bar(*count, most)).collect();
    page.put(Line::one_row(4).add(Ink::Plain, &bars));
    let mut line = Line::one_row(4);
    for (at, label) in axis.enumerate() {
        if let Some(label) = label {
            line = line.pad_to(at).add(Ink::Dim, &label);
        }
    }
    page.put(line);
}

/// A bar of an eighth at least for whatever is not nothing, and a full one for nothing but the most.
fn bar(count: u64, most: u64) -> char {
    let eighths = (u128::from(count) * 8).div_ceil(u128::from(most.max(1)));
    (eighths as usize).checked_sub(1).and_then(|at| BARS.get(at)).copied().unwrap_or('·')
}

const HOURS: u64 = 24;
const DAYS: u64 = 30;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
