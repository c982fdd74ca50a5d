//! Against a real server: Bugsink, which `scripts/bugsink` installs from PyPI and serves on loopback, with each event
//! validated against Sentry's schema.
//!
//! Where it cannot be installed, for want of Python or of a network, the tests say so and pass; with `CI=true` that is a
//! failure. What a server answers proves little, as this one answers 200 before it looks at an event: what it stored is
//! read from its database.
#![cfg(test)]
#![cfg(all(unix, feature = "sentry"))]

mod alike;
#[cfg(feature = "store")]
mod checkout;
#[cfg(feature = "store")]
#[path = "../support/example.rs"]
mod example;
mod fields;
mod hostile;
mod kills;
mod quota;
mod server;
mod stored;
#[path = "../support/mod.rs"]
mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crumbtrail::{Builder, EventId, Memory, Throttle, TrackedEvent};
use tracing_subscriber::prelude::*;

use support::ledger_balances;

/// What a flush may take: the server stores a few dozen events a second, fewer while the machine is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A pipeline to that server, which tells every event in full.
fn pipeline(dsn: &str) -> Builder {
    crumbtrail::builder().dsn(dsn).release("shop@1.2.3").environment("staging").throttle(Throttle::Off)
}

/// What a `Memory` beside the server was given of what `work` logs, once the server has answered.
#[track_caller]
fn told(builder: Builder, work: impl FnOnce()) -> Vec<TrackedEvent> {
    let memory = Memory::new();
    let (layer, guard) = builder.sink(memory.clone()).build().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    guard.flush(PATIENCE).unwrap();
    let events = memory.events();
    let stats = ledger_balances(&guard);
    assert_eq!((stats.delivered, stats.unsent.len()), (events.len() as u64, 0), "{stats:?}");
    events
}

/// The ids of the events that a pipeline was about to send, in their order.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<Vec<EventId>>>);

impl Sent {
    fn by(&self, builder: Builder) -> Builder {
        let sent = Arc::clone(&self.0);
        builder.before_send(move |event| {
            sent.lock().unwrap().push(event.id);
            Some(event)
        })
    }

    fn ids(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(EventId::to_string).collect()
    }
}
