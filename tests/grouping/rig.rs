//! A pipeline with a memory behind it, that tells every event.

use std::collections::BTreeSet;
use std::sync::Once;
use std::time::Duration;

use crumbtrail::{Builder, CrumbLayer, Guard, Memory, Stack, Throttle, TrackedEvent};
use tracing::Dispatch;
use tracing::dispatcher;
use tracing_subscriber::Registry;
use tracing_subscriber::prelude::*;

use crate::support::ledger_balances;

pub(crate) struct Rig {
    memory: Memory,
    guard: Guard,
    dispatch: Dispatch,
}

/// Without stacks and without a throttle; lines without an error are told too.
pub(crate) fn rig() -> Rig {
    rig_with(|builder| builder)
}

pub(crate) fn rig_with(change: impl FnOnce(Builder) -> Builder) -> Rig {
    static BRIDGE: Once = Once::new();
    // It hands records to the subscriber of their thread; nobody else in this binary logs by `log`.
    BRIDGE.call_once(|| tracing_log::LogTracer::init().unwrap());
    let memory = Memory::new();
    let builder = crumbtrail::builder().stack(Stack::Off).throttle(Throttle::Off).track_messages(true);
    let builder = change(builder.queue(16_384, 256 << 20).sink(memory.clone()));
    let (layer, guard): (CrumbLayer<Registry>, Guard) = builder.build().unwrap();
    Rig { memory, guard, dispatch: Dispatch::new(tracing_subscriber::registry().with(layer)) }
}

impl Rig {
    pub(crate) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        dispatcher::with_default(&self.dispatch, work)
    }

    /// Everything that was logged so far; nothing was lost.
    pub(crate) fn events(&self) -> Vec<TrackedEvent> {
        self.guard.flush(Duration::from_secs(60)).unwrap();
        let stats = ledger_balances(&self.guard);
        assert_eq!((stats.pending, stats.lost_total()), (0, 0), "{stats:?}");
        self.memory.events()
    }
}

/// The issues that events belong to, as text.
pub(crate) fn issues(events: &[TrackedEvent]) -> BTreeSet<String> {
    events.iter().map(|event| event.fingerprint.to_string()).collect()
}
