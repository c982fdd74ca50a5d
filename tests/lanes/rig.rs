//! A pipeline with a memory behind it, and a subscriber that reaches the threads a test wants it on.

use std::fmt;
use std::mem;
use std::thread;
use std::time::Duration;

use crumbtrail::{Builder, CrumbLayer, Guard, Memory, Stack, Stats, Throttle, TrackedEvent};
use tracing::{Dispatch, Subscriber, dispatcher, error};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, Registry};

use crate::support::ledger_balances;

/// One pipeline and its subscriber.
pub(crate) struct Rig {
    memory: Memory,
    guard: Guard,
    dispatch: Dispatch,
}

impl Rig {
    /// With the defaults, but without stacks.
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// Built on a thread of its own, so that start-up's lane is none that the test logs in.
    pub(crate) fn with(change: impl FnOnce(Builder) -> Builder + Send) -> Self {
        thread::scope(|scope| scope.spawn(|| Self::here(change)).join().unwrap())
    }

    /// Built on the calling thread, whose lane becomes start-up's.
    pub(crate) fn here(change: impl FnOnce(Builder) -> Builder) -> Self {
        Self::before(change, None)
    }

    /// Beside a layer that listens to everything: what our gate holds back exists all the same.
    pub(crate) fn beside_another_layer() -> Self {
        thread::scope(|scope| scope.spawn(|| Self::before(|builder| builder, Some(Listener))).join().unwrap())
    }

    fn before(change: impl FnOnce(Builder) -> Builder, other: Option<Listener>) -> Self {
        let memory = Memory::new();
        let builder = crumbtrail::builder()
            .stack(Stack::Off)
            .throttle(Throttle::Off)
            .queue(16_384, 256 << 20)
            .sink(memory.clone());
        let (layer, guard): (CrumbLayer<Registry>, Guard) = change(builder).build().unwrap();
        let registry = tracing_subscriber::registry().with(layer);
        let dispatch = match other {
            Some(other) => Dispatch::new(registry.with(other)),
            None => Dispatch::new(registry),
        };
        Self { memory, guard, dispatch }
    }

    /// Runs `work` under the subscriber on the calling thread.
    pub(crate) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        dispatcher::with_default(&self.dispatch, work)
    }

    /// Runs `work` under the subscriber on a new thread.
    pub(crate) fn on_thread<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| scope.spawn(|| self.run(work)).join().unwrap())
    }

    /// Runs a future on a multi-thread runtime, all of whose threads have the subscriber; those for blocking work too.
    pub(crate) fn block_on<T: Send>(&self, workers: usize, work: impl Future<Output = T> + Send) -> T {
        let dispatch = self.dispatch.clone();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            // The guard would give the thread its former subscriber back; it has none.
            .on_thread_start(move || mem::forget(dispatcher::set_default(&dispatch)))
            .enable_all()
            .build()
            .unwrap();
        self.on_thread(|| runtime.block_on(work))
    }

    pub(crate) fn stats(&self) -> Stats {
        self.guard.stats()
    }

    /// Everything delivered, in that order; the ledger accounts for all that was accepted.
    pub(crate) fn delivered(&self) -> Vec<TrackedEvent> {
        self.guard.flush(Duration::from_secs(30)).unwrap();
        let stats = ledger_balances(&self.guard);
        assert_eq!(stats.pending, 0, "{stats:?}");
        self.memory.events()
    }

    /// As [`delivered`](Self::delivered), where nothing may have been lost.
    pub(crate) fn events(&self) -> Vec<TrackedEvent> {
        let events = self.delivered();
        assert_eq!((self.stats().lost_total(), self.stats().accepted), (0, events.len() as u64));
        events
    }

    /// The one event captured.
    #[track_caller]
    pub(crate) fn event(&self) -> TrackedEvent {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "{events:#?}");
        events.remove(0)
    }
}

/// A layer that does nothing, to everything.
struct Listener;

impl<S: Subscriber> Layer<S> for Listener {}

/// Logs an ERROR that carries an error.
pub(crate) fn fail(message: impl fmt::Display) {
    error!(error = "refused", "{message}");
}

/// The trail's messages, oldest first.
pub(crate) fn trail(event: &TrackedEvent) -> Vec<&str> {
    event.breadcrumbs.iter().map(|crumb| crumb.message.as_str()).collect()
}

/// The event with that message.
#[track_caller]
pub(crate) fn named<'a>(events: &'a [TrackedEvent], message: &str) -> &'a TrackedEvent {
    let found = events.iter().find(|event| event.message.as_deref() == Some(message));
    found.unwrap_or_else(|| panic!("no event {message:?}"))
}

// Three test binaries take this; each uses some of it.
const _: fn() -> Rig = Rig::beside_another_layer;
const _: fn(&'static str) = fail;
const _: for<'a> fn(&'a [TrackedEvent], &str) -> &'a TrackedEvent = named;

// Each test binary uses some of these; none is dead.
const _: fn(&Rig) -> TrackedEvent = Rig::event;
const _: fn(&Rig, usize, std::future::Ready<()>) = Rig::block_on;
const _: fn(&TrackedEvent) -> Vec<&str> = trail;
