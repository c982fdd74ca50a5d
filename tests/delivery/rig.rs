//! What the tests here begin with: pipelines to a server, on a clock that only the test moves.

use std::collections::BTreeMap;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crumbtrail::{Builder, Clock, EventId, Guard, Lost, Stack, Stats, Throttle};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::prelude::*;

use crate::support::{ledger_balances, until};

/// Longer than anything here takes that works.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// A builder for events to that server, without the stack, whose symbols take their time.
pub(crate) fn to(dsn: impl Into<String>) -> Builder {
    bring_cryptography();
    crumbtrail::builder().throttle(Throttle::Off).panics(false).stack(Stack::Off).dsn(dsn)
}

/// Does for a build that brings none what its program has to do; see `providers.rs`.
fn bring_cryptography() {
    #[cfg(all(feature = "rustls-no-provider", not(any(feature = "rustls", feature = "native-tls"))))]
    // An error where it was done before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// An error to be logged.
pub(crate) fn fault() -> io::Error {
    io::Error::other("disk on fire")
}

/// Logs one ERROR with an error; the id of its event, as it is sent.
pub(crate) fn lose_one() -> String {
    tracing::error!(error = %fault(), "lost");
    last_id()
}

/// Logs as many, one after the other.
pub(crate) fn lose(count: usize) -> Vec<String> {
    (0..count).map(|_| lose_one()).collect()
}

/// The id of the newest event, as it is sent.
pub(crate) fn last_id() -> String {
    crumbtrail::last_event_id().as_ref().map(EventId::to_string).expect("it is captured")
}

/// A pipeline as this thread's subscriber.
pub(crate) struct Rig {
    pub(crate) guard: Guard,
    pub(crate) clock: Clock,
    _default: DefaultGuard,
}

impl Rig {
    /// On a clock that stands still.
    pub(crate) fn new(builder: Builder) -> Self {
        bring_cryptography();
        let clock = Clock::manual();
        let (layer, guard) = builder.clock(&clock).build().expect("the settings are legal");
        Self { guard, clock, _default: tracing_subscriber::registry().with(layer).set_default() }
    }

    /// Lets time pass, seconds of it.
    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Has the worker hand out what it holds, without waiting for what becomes of it.
    pub(crate) fn hand_out(&self) {
        let _ = self.guard.flush(Duration::ZERO);
    }

    /// Lets time pass until the condition holds: a quarter of a minute at a time, as often as it takes.
    #[track_caller]
    pub(crate) fn pass_until(&self, mut condition: impl FnMut() -> bool) {
        until(LONG, || {
            let holds = condition();
            if !holds {
                self.pass(15);
            }
            holds
        });
    }

    #[track_caller]
    pub(crate) fn flush(&self) {
        assert_eq!(self.guard.flush(LONG), Ok(()));
    }

    /// The ledger when nothing is pending any more: so many events, of which so many were delivered, and what became of
    /// the others.
    #[track_caller]
    pub(crate) fn ends(&self, accepted: u64, delivered: u64, lost: &[(Lost, u64)]) -> Stats {
        until(LONG, || self.guard.stats().pending == 0);
        let stats = ledger_balances(&self.guard);
        let lost: BTreeMap<Lost, u64> = lost.iter().copied().collect();
        assert_eq!((stats.accepted, stats.delivered, &stats.lost), (accepted, delivered, &lost), "{stats:?}");
        assert_eq!(stats.unsent, lost, "what no other sink takes is lost where it is not sent");
        stats
    }
}

/// Looks for a while whether the condition goes on to hold: for what must not happen there is nothing to wait for.
#[track_caller]
pub(crate) fn stays(mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(60) {
        assert!(condition(), "it did not stay so");
        thread::sleep(Duration::from_millis(2));
    }
}
