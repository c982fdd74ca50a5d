//! How the values of each tag are spread over an issue's events: nothing that is not proven.

use super::super::clip::clip;
use super::super::page::Page;
use super::super::style::Ink;
use super::super::table::{Cell, Table};
use super::super::time::{count, percent};
use super::super::values::quoted;
use super::{heading, more};
use crate::issues::TagShares;
use crate::limits::{
    REPORT_COLUMN_CHARS, REPORT_TAG_VALUES, REPORT_TAGS, REPORT_WORD_CHARS, TAG_VALUES, TAG_VALUES_COUNTED,
};

/// Of each tag the most frequent values; nothing where there are none.
pub(super) fn tags(page: &mut Page, tags: &[TagShares]) {
    if tags.is_empty() {
        return;
    }
    heading(page, "tags of its events", &more(tags.len(), REPORT_TAGS));
    let mut table = Table::at(4, &[]);
    for TagShares { tag, total, values, is_partial } in tags.iter().take(REPORT_TAGS) {
        let mut shares = Cell::default();
        // Of a value that may have been hardly there, a bound says nothing.
        let is_worth = |times: u64| !is_partial || u128::from(times) * 100 >= u128::from(*total);
        let values: Vec<_> = values.iter().filter(|(_, times)| is_worth(*times)).collect();
        for (at, (value, times)) in values.iter().take(REPORT_TAG_VALUES).enumerate() {
            let apart = if at > 0 { " · " } else { "" };
            let value = clip(&quoted(value), REPORT_WORD_CHARS);
            let share = if *is_partial { at_least(*times, *total) } else { percent(*times, *total) };
            shares = shares.and(Ink::Dim, apart).and(Ink::Plain, value).and(Ink::Dim, format!(" {share}"));
        }
        if values.is_empty() {
            shares = shares.and(Ink::Dim, format!("{TAG_VALUES_COUNTED} values or more"));
        }
        let more = values.len().saturating_sub(REPORT_TAG_VALUES);
        // So many are told at the most; there may be others.
        let others = if values.len() >= TAG_VALUES { " or more" } else { "" };
        if *is_partial && !values.is_empty() {
            shares = shares.and(Ink::Dim, " · others");
        } else if more > 0 {
            shares = shares.and(Ink::Dim, format!(" · +{more}{others}"));
        }
        table.row([
            Cell::text(Ink::Plain, clip(tag, REPORT_COLUMN_CHARS)),
            Cell::number(Ink::Dim, format!("×{}", count(*total))),
            shares,
        ]);
    }
    table.put(page);
}

/// What is proven, never rounded up.
fn at_least(times: u64, total: u64) -> String {
    format!("≥ {} %", u128::from(times) * 100 / u128::from(total.max(1)))
}
