//! The worker: one thread that takes events from the queue, prepares them, holds them a moment for further lines about
//! the same failure, and hands them to the sinks.
//!
//! It sleeps while nothing is held and nothing comes. A flush lets go of everything, once all that was queued before has
//! come out of the queue. It ends when the pipeline is shut down, or when the last caller's end is gone, in both cases after what was queued.
//! A sink that panics costs its event; one that hangs holds up the events behind it, but nobody who flushes beyond the
//! deadline.

mod guard;
mod hold;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, never, select};

use crate::clock::Clock;
use crate::diag::{self, Said};
use crate::grouping;
use crate::ledger::{Ledger, Lost};
use crate::model::TrackedEvent;
use crate::prepare::Preparer;
use crate::queue::{Item, Message, Outlet};
use crate::sink::Sink;
use crate::sync::{caught, enter};

use hold::{Held, Hold, Now};

pub use guard::Guard;

/// What the thread works with.
pub(crate) struct Worker {
    outlet: Outlet,
    preparer: Preparer,
    sinks: Vec<Box<dyn Sink>>,
    ledger: Arc<Ledger>,
    clock: Clock,
    begun: Instant,
    /// Whether stacks will have to be resolved.
    stack: bool,
    /// Looks at the target of the first event.
    first_look: Option<FirstLook>,
    hold: Hold,
    /// Events that came out of the queue.
    taken: u64,
    /// How many of them had ended when nothing was held and the sinks had caught up.
    settled: u64,
    /// Something came since the last tick.
    stirred: bool,
    /// When that was, by the pipeline's clock.
    ticked_ms: Option<u64>,
}

pub(crate) type FirstLook = Box<dyn FnOnce(&str) + Send>;

impl Worker {
    pub(crate) fn new(
        outlet: Outlet,
        preparer: Preparer,
        sinks: Vec<Box<dyn Sink>>,
        ledger: Arc<Ledger>,
        clock: Clock,
        stack: bool,
        first_look: FirstLook,
    ) -> Self {
        let hold = Hold::new(outlet.bytes());
        Self {
            outlet,
            preparer,
            sinks,
            ledger,
            clock,
            begun: Instant::now(),
            stack,
            first_look: Some(first_look),
            hold,
            taken: 0,
            settled: 0,
            stirred: false,
            ticked_ms: None,
        }
    }

    /// Starts the thread and returns what stops it. Where no thread can be had, events are counted as lost.
    pub(crate) fn spawn(self) -> Sender<()> {
        let (stop, stopped) = bounded(1);
        let (nudge, nudged) = bounded(1);
        let ledger = Arc::clone(&self.ledger);
        ledger.nudge_by(nudge);
        let spawned = thread::Builder::new().name("crumbtrail".to_owned()).spawn(move || {
            // Nothing that this thread logs is ours to record: it would feed itself.
            enter(|_| self.run(stopped, &nudged))
        });
        if let Err(error) = spawned {
            ledger.worker_gone();
            diag::say(&format!("no thread could be started ({error}); events are counted, but go nowhere"));
        }
        stop
    }

    fn run(mut self, mut stopped: Receiver<()>, nudged: &Receiver<()>) {
        self.ledger.work_here();
        if self.stack {
            self.preparer.warm();
        }
        let messages = self.outlet.receiver().clone();
        loop {
            self.let_go();
            select! {
                recv(messages) -> message => match message {
                    Ok(message) => self.take(message),
                    Err(_) => break,
                },
                recv(nudged) -> _ => {}
                recv(stopped) -> asked => match asked {
                    Ok(()) => break,
                    // The guard is gone; the layer lives on.
                    Err(_) => stopped = never(),
                },
                default(self.wait()) => {}
            }
        }
        self.ledger.worker_ends();
        // Whoever took room before it heard that we end is about to send: a few instructions, unless it is descheduled.
        while !self.outlet.is_idle() {
            match messages.recv_timeout(LAST_WAIT) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.settle();
        self.ledger.worker_gone();
    }

    /// Takes what came into the hold, and lets go of what would make that too full.
    fn take(&mut self, message: Message) {
        self.outlet.release(&message);
        let now = self.now();
        match message {
            Message::Closed(closed) => self.hold.close(*closed, now),
            Message::Event(item) => {
                self.taken += 1;
                let (bytes, Item { captured, trail, .. }) = (item.bytes(), *item);
                match caught(|| self.preparer.prepare(captured, &trail)) {
                    None => self.ledger.process(Err(Lost::Internal)),
                    Some(prepared) => {
                        let folded = self.hold.offer(prepared, bytes, now);
                        (0..folded).for_each(|_| self.ledger.fold());
                    }
                }
            }
        }
    }

    /// Delivers what is due; everything, where somebody waits for it and it has all arrived.
    fn let_go(&mut self) {
        let now = self.now();
        while let Some(held) = self.hold.due(now) {
            self.deliver(held);
        }
        let wanted = self.ledger.wanted();
        if wanted > self.settled && self.taken >= wanted {
            self.settle();
        } else if self.tick_wanted() && self.next_tick_ms() <= now.clock_ms {
            self.tick(now.clock_ms);
        }
    }

    /// Delivers all that is held, lets the sinks catch up, and says so to who waits for it.
    fn settle(&mut self) {
        while let Some(held) = self.hold.take_oldest() {
            self.deliver(held);
        }
        self.tick(self.clock.now_ms());
        self.settled = self.taken;
        self.ledger.settled(self.taken);
    }

    /// What is done once a second while something came, and before a flush is answered.
    fn tick(&mut self, now_ms: u64) {
        self.ticked_ms = Some(now_ms);
        self.stirred = false;
    }

    /// Nobody is woken for a tick that has nothing to do.
    fn tick_wanted(&self) -> bool {
        self.stirred
    }

    fn next_tick_ms(&self) -> u64 {
        self.ticked_ms.map_or(0, |ticked_ms| ticked_ms.saturating_add(TICK_MS))
    }

    /// How long there is nothing to do, unless something comes.
    fn wait(&self) -> Duration {
        let now = self.now();
        let (by_clock, by_system) = self.hold.wait(now);
        let tick = self.next_tick_ms().saturating_sub(now.clock_ms);
        let tick = Some(Duration::from_millis(tick)).filter(|_| self.tick_wanted());
        let by_clock = by_clock.into_iter().chain(tick).min();
        // A clock that stands still does not wake anybody: who waits for it looks again and again.
        let by_clock =
            by_clock.map(|left| if self.clock.is_manual() { LOOK_AGAIN } else { left.max(LOOK_AGAIN) });
        by_clock.into_iter().chain(by_system).min().unwrap_or(Duration::MAX)
    }

    fn now(&self) -> Now {
        let real_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { clock_ms: self.clock.now_ms(), real_ms }
    }

    /// Hands an event to the sinks and notes how it ended.
    fn deliver(&mut self, held: Held) {
        self.stirred = true;
        let outcome = caught(|| self.offer(held)).unwrap_or(Err(Lost::Internal));
        self.ledger.process(outcome);
    }

    fn offer(&mut self, held: Held) -> Result<(), Lost> {
        let Held { mut event, fingerprint, .. } = held;
        // Decided now, by all that is known of it.
        grouping::group(&mut event, fingerprint.as_ref());
        let mut outcome = Err(Lost::NoSink);
        for sink in &self.sinks {
            let delivered = offer(sink.as_ref(), &event);
            if outcome.is_err() {
                outcome = delivered;
            }
        }
        if let Some(look) = self.first_look.take() {
            look_at(event.target, look);
        }
        outcome
    }
}

/// Looks on a thread of its own: to ask a subscriber leaves traces in the thread that asks, and a filter of the user's
/// may panic. It is waited for but a moment, since it may hang too. Where no thread can be had, nobody looks.
fn look_at(target: String, look: FirstLook) {
    let (looked, done) = bounded::<()>(0);
    let looking = thread::Builder::new().name("crumbtrail-look".to_owned());
    let _ = looking.spawn(move || {
        enter(|_| caught(|| look(&target)));
        drop(looked);
    });
    let _ = done.recv_timeout(LOOK);
}

fn offer(sink: &dyn Sink, event: &TrackedEvent) -> Result<(), Lost> {
    static PANICKED: Said = Said::new();
    caught(|| sink.deliver(event)).unwrap_or_else(|| {
        PANICKED.say("a sink panicked; its events are counted as lost, see Stats");
        Err(Lost::SinkPanicked)
    })
}

const LOOK: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_millis(1);
const LOOK_AGAIN: Duration = Duration::from_millis(1);
const TICK_MS: u64 = 1_000;
