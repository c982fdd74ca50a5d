//! What a process says of itself in a book: where everything that it captured has gone.

use serde_json::{Map, Value, json};

use super::Moment;
use crate::ledger::Stats;
use crate::model::EventId;

/// A process and its ledger.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProcessNote {
    /// A random name: numbers of processes come again.
    pub(crate) name: String,
    /// Its number, for as long as it lives.
    pub(crate) pid: u32,
    pub(crate) started: Moment,
    /// When it said this last.
    pub(crate) noted: Moment,
    /// [`Stats`], by the names of its fields; reasons by the names of their variants, without those that are zero.
    pub(crate) ledger: Value,
}

impl ProcessNote {
    pub(crate) fn new(now: Moment) -> Self {
        let name = EventId::random().to_string();
        Self { name, pid: std::process::id(), started: now, noted: now, ledger: Value::Null }
    }

    /// Takes over what the ledger says; whether that is anything new.
    pub(crate) fn update(&mut self, stats: &Stats, now: Moment) -> bool {
        let ledger = ledger(stats);
        let is_new = ledger != self.ledger;
        (self.ledger, self.noted) = (ledger, now);
        is_new
    }
}

fn ledger(stats: &Stats) -> Value {
    fn reasons<R: std::fmt::Debug>(reasons: impl Iterator<Item = (R, u64)>) -> Value {
        Value::Object(
            reasons.map(|(reason, count)| (format!("{reason:?}"), count.into())).collect::<Map<_, _>>(),
        )
    }
    json!({
        "accepted": stats.accepted,
        "delivered": stats.delivered,
        "folded": stats.folded,
        "tallied": stats.tallied,
        "dropped": reasons(stats.dropped.iter().map(|(reason, count)| (reason, *count))),
        "lost": reasons(stats.lost.iter().map(|(reason, count)| (reason, *count))),
        "unsent": reasons(stats.unsent.iter().map(|(reason, count)| (reason, *count))),
        "pending": stats.pending,
        "errors_without_error": stats.errors_without_error,
        "crumbs_lost": stats.crumbs_lost,
    })
}
