//! How an issue's occurrences are spread over variants, releases and environments.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::super::clip::clip;
use super::super::page::Page;
use super::super::style::Ink;
use super::super::table::{Cell, Table};
use super::super::time::{ago, count, minute, percent};
use super::{heading, more};
use crate::issues::{Bucket, Moment, Variant};
use crate::limits::{REPORT_ROWS, REPORT_WORD_CHARS};

/// Where there is more than one.
pub(super) fn variants(page: &mut Page, variants: &[Variant], now: Moment) {
    if variants.len() < 2 {
        return;
    }
    heading(page, "variants", &more(variants.len(), REPORT_ROWS));
    let mut table = Table::at(4, &[]);
    for Variant { label, count: times, last_seen } in variants.iter().take(REPORT_ROWS) {
        table.row([
            Cell::number(Ink::Plain, format!("×{}", count(*times))),
            Cell::number(Ink::Dim, ago(now.since(*last_seen))),
            Cell::text(Ink::Plain, clip(label, 2 * REPORT_WORD_CHARS)),
        ]);
    }
    table.put(page);
}

/// Where there is more than one, the one that was seen last first.
pub(super) fn releases(page: &mut Page, buckets: &[Bucket]) {
    spread(page, "releases", buckets, |bucket| bucket.release.as_deref().unwrap_or("(none)"));
}

/// Where there is more than one, the one that was seen last first.
pub(super) fn environments(page: &mut Page, buckets: &[Bucket]) {
    spread(page, "environments", buckets, |bucket| &bucket.environment);
}

fn spread(page: &mut Page, name: &str, buckets: &[Bucket], key: impl Fn(&Bucket) -> &str) {
    let mut parts: BTreeMap<&str, Part> = BTreeMap::new();
    for bucket in buckets {
        let part =
            parts.entry(key(bucket)).or_insert(Part { count: 0, first: bucket.hour, last: bucket.hour });
        part.count = part.count.saturating_add(bucket.count);
        part.first = part.first.min(bucket.hour);
        part.last = part.last.max(bucket.hour);
    }
    if parts.len() < 2 {
        return;
    }
    let total = parts.values().fold(0_u64, |total, part| total.saturating_add(part.count));
    let mut parts: Vec<(&str, Part)> = parts.into_iter().collect();
    parts.sort_by_key(|(_, part)| Reverse((part.last, part.first, part.count)));
    heading(page, name, &more(parts.len(), REPORT_ROWS));
    let mut table = Table::at(4, &[]);
    for (name, Part { count: times, first, .. }) in parts.into_iter().take(REPORT_ROWS) {
        let first = Moment::from_ms(first.saturating_mul(3_600_000));
        table.row([
            Cell::text(Ink::Plain, clip(name, REPORT_WORD_CHARS / 2)),
            Cell::number(Ink::Plain, format!("×{}", count(times))),
            Cell::number(Ink::Dim, percent(times, total)),
            Cell::text(Ink::Dim, format!("since {}", minute(first.time()))),
        ]);
    }
    table.put(page);
}

/// What came in one release or environment.
#[derive(Debug, Clone, Copy)]
struct Part {
    count: u64,
    /// Hours since 1970.
    first: u64,
    last: u64,
}
