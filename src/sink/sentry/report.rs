//! Client reports: how many events a server was never sent, and why.
//!
//! By [Sentry's protocol](https://develop.sentry.dev/sdk/telemetry/client-reports/). They are read off the ledger: a report
//! is the difference to the last one that arrived, so one that is lost on its way is made up for by the next. What a server
//! refused by a 429 it has counted itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sentry_types::protocol::v7::ClientReport;
use sentry_types::protocol::v7::client_report::{Category, Item, Reason};

use crate::ledger::{Dropped, Ledger, Lost};

/// What a server was told, and what there is to tell.
#[derive(Debug)]
pub(super) struct Reports {
    ledger: Arc<Ledger>,
    told: Mutex<Counts>,
    /// Events that the server refused by a 429.
    refused: AtomicU64,
}

/// How many events ended by each reason, in the order of [`REASONS`].
pub(super) type Counts = [u64; REASONS.len()];

const REASONS: [Reason; 9] = [
    Reason::BeforeSend,
    Reason::BufferOverflow,
    Reason::EventProcessor,
    Reason::InternalSdkError,
    Reason::NetworkError,
    Reason::QueueOverflow,
    Reason::RatelimitBackoff,
    Reason::SampleRate,
    Reason::SendError,
];

impl Reports {
    pub(super) fn new(ledger: Arc<Ledger>) -> Self {
        Self { ledger, told: Mutex::default(), refused: AtomicU64::new(0) }
    }

    /// The server answered an event by a 429.
    pub(super) fn refuse(&self) {
        // Relaxed: it publishes nothing but itself.
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// What the server does not know, as it is sent, and what it will know then; None where there is nothing.
    pub(super) fn news(&self) -> Option<(Vec<u8>, Counts)> {
        let counts = self.counts();
        let told = *self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let news = REASONS.into_iter().zip(counts.iter().zip(told));
        let items = news.filter_map(|(reason, (count, told))| {
            let quantity = count.saturating_sub(told);
            (quantity > 0).then(|| Item::new(Category::Error, reason, quantity))
        });
        let items: Vec<Item> = items.collect();
        if items.is_empty() {
            return None;
        }
        serde_json::to_vec(&ClientReport::new(items)).ok().map(|report| (report, counts))
    }

    /// A report arrived.
    pub(super) fn told(&self, counts: Counts) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }

    /// A report did not arrive: who flushes next has it sent again.
    pub(super) fn try_again(&self) {
        self.ledger.stir();
    }

    fn counts(&self) -> Counts {
        let stats = self.ledger.stats();
        let sum = |of: &BTreeMap<Lost, u64>, reasons: &[Lost]| -> u64 {
            reasons.iter().filter_map(|reason| of.get(reason)).sum()
        };
        let dropped = |reason| stats.dropped.get(&reason).copied().unwrap_or_default();
        let unsent = |reason| sum(&stats.unsent, &[reason]);
        let ours = [Lost::AfterShutdown, Lost::HookPanicked, Lost::Internal, Lost::Recursion];
        REASONS.map(|reason| match reason {
            Reason::BeforeSend => dropped(Dropped::BeforeSend),
            Reason::BufferOverflow => unsent(Lost::OutboxOverflow),
            Reason::EventProcessor => dropped(Dropped::Ignored) + dropped(Dropped::Verdict),
            Reason::NetworkError => unsent(Lost::NetworkError),
            Reason::QueueOverflow => sum(&stats.lost, &[Lost::QueueOverflow]),
            Reason::RatelimitBackoff => {
                unsent(Lost::RateLimited).saturating_sub(self.refused.load(Ordering::Relaxed))
            }
            // A storm of which only some events are told is sampled, too.
            Reason::SampleRate => dropped(Dropped::Sampled) + stats.tallied,
            Reason::SendError => unsent(Lost::SendError),
            _ => sum(&stats.lost, &ours),
        })
    }
}
