//! A pipeline whose clock stands still, before a sink that keeps what it is told, and that can be made to hang.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use crumbtrail::{
    Builder, Clock, CrumbLayer, Fingerprint, Guard, Lost, Sink, Stack, Stats, Tally, Throttle, TrackedEvent,
};
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::Registry;
use tracing_subscriber::prelude::*;

use crate::support::{ledger_balances, until};

/// How long a flush may take on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(60);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// One pipeline, its clock, and what its sink was told.
pub(crate) struct Storm {
    pub(crate) clock: Clock,
    pub(crate) sink: Keeper,
    pub(crate) guard: Guard,
    pub(crate) dispatch: Dispatch,
}

impl Storm {
    /// With that throttle.
    pub(crate) fn new(throttle: Throttle) -> Self {
        Self::with(|builder| builder.throttle(throttle))
    }

    /// With the default throttle, unless `change` says otherwise.
    pub(crate) fn with(change: impl FnOnce(Builder) -> Builder) -> Self {
        let (clock, sink) = (Clock::manual(), Keeper::default());
        let builder =
            crumbtrail::builder().stack(Stack::Off).queue(16_384, 256 << 20).clock(&clock).sink(sink.clone());
        let (layer, guard): (CrumbLayer<Registry>, Guard) = change(builder).build().unwrap();
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
        Self { clock, sink, guard, dispatch }
    }

    /// Runs `work` under the subscriber.
    pub(crate) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        dispatcher::with_default(&self.dispatch, work)
    }

    /// Runs `work` on that many threads at once, each with its number.
    pub(crate) fn on_threads(&self, threads: u64, work: impl Fn(u64) + Sync) {
        thread::scope(|scope| {
            for number in 0..threads {
                let work = &work;
                scope.spawn(move || self.run(|| work(number)));
            }
        });
    }

    /// What was told, once all that was logged is through: `logged` times in all.
    #[track_caller]
    pub(crate) fn told_of(&self, logged: u64) -> Told {
        self.guard.flush(LONG).unwrap();
        let stats = ledger_balances(&self.guard);
        assert_eq!((stats.accepted, stats.pending), (logged, 0), "{stats:?}");
        let told = self.sink.told();
        assert_eq!(told.events.len() as u64, stats.delivered);
        assert_eq!(told.total() + stats.folded, logged, "told and tallied is what was logged: {stats:?}");
        told
    }

    /// Logs by `fail` what the sink then hangs in, until it is opened; the clock goes on by a few seconds.
    pub(crate) fn hang(&self, fail: impl FnOnce()) {
        self.sink.close();
        self.run(fail);
        until(LONG, || {
            // Whenever it came out of the queue, it is due some time.
            self.clock.advance(SECOND / 10);
            self.sink.hangs()
        });
    }

    pub(crate) fn stats(&self) -> Stats {
        self.guard.stats()
    }
}

/// A sink that keeps all it is told.
#[derive(Clone, Default)]
pub(crate) struct Keeper(Arc<Kept>);

#[derive(Default)]
struct Kept {
    told: Mutex<Told>,
    gate: Mutex<Gate>,
    opened: Condvar,
}

#[derive(Default)]
struct Gate {
    closed: bool,
    /// The worker waits at it.
    waits: bool,
}

/// What a sink was told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    pub(crate) events: Vec<TrackedEvent>,
    pub(crate) tallies: Vec<Tally>,
    /// Issues whose tally came before any event of theirs.
    pub(crate) unheard_of: Vec<Fingerprint>,
    heard_of: HashSet<Fingerprint>,
}

impl Keeper {
    pub(crate) fn told(&self) -> Told {
        self.0.told.lock().unwrap().clone()
    }

    /// From now on it hangs in the next thing that it is told.
    fn close(&self) {
        self.0.gate.lock().unwrap().closed = true;
    }

    fn hangs(&self) -> bool {
        self.0.gate.lock().unwrap().waits
    }

    /// Lets it go on.
    pub(crate) fn open(&self) {
        self.0.gate.lock().unwrap().closed = false;
        self.0.opened.notify_all();
    }

    fn pass(&self) {
        let mut gate = self.0.gate.lock().unwrap();
        while gate.closed {
            gate.waits = true;
            gate = self.0.opened.wait(gate).unwrap();
        }
        gate.waits = false;
    }
}

impl Sink for Keeper {
    fn deliver(&self, event: &TrackedEvent) -> Result<(), Lost> {
        self.pass();
        let mut told = self.0.told.lock().unwrap();
        told.heard_of.insert(event.fingerprint.clone());
        told.events.push(event.clone());
        Ok(())
    }

    fn tally(&self, tally: &Tally) {
        self.pass();
        let mut told = self.0.told.lock().unwrap();
        if let Some(fingerprint) = &tally.fingerprint
            && !told.heard_of.contains(fingerprint)
        {
            told.unheard_of.push(fingerprint.clone());
        }
        told.tallies.push(tally.clone());
    }
}

impl Told {
    /// Everything, told or tallied.
    pub(crate) fn total(&self) -> u64 {
        self.events.len() as u64 + self.tallies.iter().map(|tally| tally.count).sum::<u64>()
    }

    /// How many events were told of each issue, and how many were only counted: by title, most first.
    pub(crate) fn issues(&self) -> Vec<(String, u64, u64)> {
        let mut counts = HashMap::<&Fingerprint, (String, u64, u64)>::new();
        for event in &self.events {
            let count = counts.entry(&event.fingerprint).or_default();
            count.0.clone_from(&event.title);
            count.1 += 1;
        }
        for tally in &self.tallies {
            if let Some(fingerprint) = &tally.fingerprint {
                counts.entry(fingerprint).or_default().2 += tally.count;
            }
        }
        let mut counts: Vec<_> = counts.into_values().collect();
        counts.sort_by(|(a, a_told, a_tallied), (b, b_told, b_tallied)| {
            (b_told + b_tallied).cmp(&(a_told + a_tallied)).then(a.cmp(b))
        });
        counts
    }

    /// How many were counted by their line alone.
    pub(crate) fn not_told_apart(&self) -> u64 {
        self.tallies.iter().filter(|tally| tally.fingerprint.is_none()).map(|tally| tally.count).sum()
    }

    /// What each event says was counted before it.
    pub(crate) fn before(&self) -> Vec<u64> {
        self.events.iter().map(|event| event.tallied_before).collect()
    }
}
