//! Sends events to Sentry, or to any server that speaks its protocol.
//!
//! On the worker an event becomes the protocol's JSON, is compressed and put into the outbox; a thread of its own, started
//! with the first event, posts what is in there. What becomes of an event is known when the server has answered, or when
//! the network has failed too often; its receipt says so to the ledger. Nothing here blocks the worker.

mod breaker;
mod deliver;
mod doctor;
mod dsn;
mod envelope;
mod images;
mod outbox;
mod rate_limits;
mod report;
mod trim;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::Forward;
use crate::clock::Clock;
use crate::http::{self, Settings};
use crate::ledger::{Ledger, Lost, Receipt};
use crate::limits::{CLIENT_REPORTS, SEND_TRIES};
use crate::model::TrackedEvent;

use deliver::Deliverer;
pub(crate) use doctor::diagnose;
pub use doctor::{Diagnosis, Finding, Step};
pub(crate) use dsn::Dsn;
use envelope::Packed;
use outbox::{Letter, Outbox};
use report::Reports;
use wire::Wire;

/// The worker's end.
pub(crate) struct Sentry {
    wire: Wire,
    delivery: Arc<Delivery>,
    ledger: Arc<Ledger>,
    settings: Settings,
    reported_ms: u64,
}

/// What both ends share.
struct Delivery {
    dsn: Dsn,
    outbox: Outbox,
    reports: Reports,
    clock: Clock,
    /// The thread that delivers is there.
    runs: AtomicBool,
    /// How often in a row it could not begin.
    stillborn: AtomicU32,
}

impl Delivery {
    /// The thread that delivers is gone: whoever has something for it starts another, unless there is nobody any more, or
    /// it was tried too often.
    fn stopped(&self) {
        // SeqCst, for want of a reason to ask for less: it is rare.
        let stillborn = self.stillborn.fetch_add(1, Ordering::SeqCst) + 1;
        self.runs.store(false, Ordering::SeqCst);
        if stillborn >= SEND_TRIES || self.outbox.is_closed() {
            self.outbox.turn_off();
        }
    }
}

impl Sentry {
    pub(crate) fn new(dsn: Dsn, settings: Settings, ledger: Arc<Ledger>, clock: Clock) -> Self {
        let reports = Reports::new(Arc::clone(&ledger));
        let reported_ms = clock.now_ms();
        let delivery = Arc::new(Delivery {
            dsn,
            outbox: Outbox::default(),
            reports,
            clock,
            runs: false.into(),
            stillborn: 0.into(),
        });
        Self { wire: Wire::new(), delivery, ledger, settings, reported_ms }
    }

    /// Starts the thread, the first time, and where it could not go on.
    fn start(&self) {
        if self.delivery.outbox.is_off() || self.delivery.runs.swap(true, Ordering::SeqCst) {
            return;
        }
        let (deliverer, settings) = (Deliverer::new(Arc::clone(&self.delivery)), self.settings.clone());
        // Where no thread can be had, the deliverer is dropped, and says so.
        let _ = http::run("crumbtrail-send", move || deliverer.deliver(settings));
    }

    fn report(&mut self) {
        self.reported_ms = self.delivery.clock.now_ms();
        // What is on its way may come to be news.
        if !self.delivery.outbox.is_idle() || self.delivery.reports.news().is_some() {
            self.delivery.outbox.ask_report(self.ledger.errand());
            self.start();
        }
    }
}

impl Forward for Sentry {
    fn forward(&mut self, event: Arc<TrackedEvent>, mut receipt: Receipt) {
        receipt.forward();
        if self.delivery.outbox.is_off() {
            return receipt.end(Err(Lost::Sink));
        }
        if self.delivery.outbox.holds_errors(self.delivery.clock.now_ms()) {
            return receipt.end(Err(Lost::RateLimited));
        }
        // To memory, which does not fail; the receipt would tell.
        if let Ok(payload) = Packed::new(&self.wire.payload(&event)) {
            self.delivery.outbox.put(Letter::new(event.id, payload, receipt));
        }
        self.start();
    }

    fn catch_up(&mut self) {
        let every_ms = u64::try_from(CLIENT_REPORTS.as_millis()).unwrap_or(u64::MAX);
        if self.delivery.clock.now_ms().saturating_sub(self.reported_ms) >= every_ms {
            self.report();
        }
    }

    fn server(&self) -> Option<&str> {
        Some(self.delivery.dsn.url())
    }

    fn room(&self) -> usize {
        self.delivery.outbox.room(self.delivery.clock.now_ms())
    }

    fn flush(&mut self) {
        self.delivery.outbox.hurry(self.delivery.clock.now_ms());
        self.report();
    }
}

impl Drop for Sentry {
    fn drop(&mut self) {
        self.delivery.outbox.close();
        if !self.delivery.outbox.is_idle() {
            self.start();
        }
    }
}
