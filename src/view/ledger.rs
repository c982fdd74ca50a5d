//! What processes noted of themselves in a store: what they accepted, and what became of it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::issues::ProcessNote;
use crate::ledger::{Dropped, Lost};

/// The terms of the ledger's equation, of one process or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) accepted: u64,
    pub(super) delivered: u64,
    pub(super) folded: u64,
    pub(super) tallied: u64,
    pub(super) pending: u64,
    /// By reason, as by the two that follow.
    pub(super) dropped: BTreeMap<String, u64>,
    pub(super) lost: BTreeMap<String, u64>,
    pub(super) unsent: BTreeMap<String, u64>,
}

impl Terms {
    /// What is not noted is nothing.
    pub(super) fn of(note: &ProcessNote) -> Self {
        let number = |name: &str| note.ledger.get(name).and_then(Value::as_u64).unwrap_or(0);
        let reasons = |name: &str| {
            let noted = note.ledger.get(name).and_then(Value::as_object);
            let noted = noted.into_iter().flatten();
            noted
                .filter_map(|(reason, count)| {
                    Some((reason.clone(), count.as_u64().filter(|count| *count > 0)?))
                })
                .collect()
        };
        Self {
            accepted: number("accepted"),
            delivered: number("delivered"),
            folded: number("folded"),
            tallied: number("tallied"),
            pending: number("pending"),
            dropped: reasons("dropped"),
            lost: reasons("lost"),
            unsent: reasons("unsent"),
        }
    }

    /// Those of all together.
    pub(super) fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        for terms in all {
            for (own, other) in [
                (&mut sum.accepted, terms.accepted),
                (&mut sum.delivered, terms.delivered),
                (&mut sum.folded, terms.folded),
                (&mut sum.tallied, terms.tallied),
                (&mut sum.pending, terms.pending),
            ] {
                *own = own.saturating_add(other);
            }
            for (own, other) in [
                (&mut sum.dropped, &terms.dropped),
                (&mut sum.lost, &terms.lost),
                (&mut sum.unsent, &terms.unsent),
            ] {
                for (reason, count) in other {
                    let own = own.entry(reason.clone()).or_default();
                    *own = own.saturating_add(*count);
                }
            }
        }
        sum
    }

    /// Whether what was accepted is the sum of what it ended in.
    pub(super) fn balances(&self) -> bool {
        self.ends().iter().try_fold(0_u64, |sum, (_, count)| sum.checked_add(*count)) == Some(self.accepted)
    }

    /// What that is the sum of, by name.
    pub(super) fn ends(&self) -> [(&'static str, u64); 6] {
        let all = |reasons: &BTreeMap<String, u64>| {
            reasons.values().fold(0_u64, |sum, count| sum.saturating_add(*count))
        };
        [
            ("delivered", self.delivered),
            ("folded", self.folded),
            ("tallied", self.tallied),
            ("dropped", all(&self.dropped)),
            ("lost", all(&self.lost)),
            ("pending", self.pending),
        ]
    }
}

/// A reason in words; one that a later version noted by its name.
pub(super) fn words(reason: &str) -> String {
    let lost = Lost::ALL.iter().find(|known| format!("{known:?}") == reason).map(ToString::to_string);
    let dropped =
        || Dropped::ALL.iter().find(|known| format!("{known:?}") == reason).map(ToString::to_string);
    lost.or_else(dropped).unwrap_or_else(|| reason.to_owned())
}
