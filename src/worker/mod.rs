//! The worker: one thread that takes events from the queue, prepares them, holds them a moment for further lines about
//! the same failure, and hands them to the sinks.
//!
//! It sleeps while nothing is held and nothing comes. A flush lets go of everything, once all that was queued before has
//! come out of the queue. It ends when the pipeline is shut down, or when the last caller's end is gone, in both cases after what was queued.
//! A sink that panics costs its event; one that hangs holds up the events behind it, but nobody who flushes beyond the
//! deadline.

mod guard;
mod hold;
mod tallied;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, never, select};

use crate::clock::Clock;
use crate::diag::{self, Said};
use crate::grouping;
use crate::ledger::{End, Ledger, Lost};
use crate::limits::CATCH_UP;
use crate::model::TrackedEvent;
use crate::prepare::{Hooks, Preparer, Refused};
use crate::queue::{Item, Message, Outlet};
use crate::sink::Sink;
use crate::sync::{caught, enter};

use hold::{Held, Hold, Now};
use tallied::Tallied;

pub use guard::Guard;

/// What the thread works with.
pub(crate) struct Worker {
    pub(crate) outlet: Outlet,
    pub(crate) preparer: Preparer,
    pub(crate) hooks: Hooks,
    pub(crate) sinks: Vec<Box<dyn Sink>>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) clock: Clock,
    /// Whether stacks will have to be resolved.
    pub(crate) stack: bool,
    /// Looks at the target of the first event.
    pub(crate) first_look: Option<FirstLook>,
}

pub(crate) type FirstLook = Box<dyn FnOnce(&str) + Send>;

impl Worker {
    /// Starts the thread and returns what stops it. Where no thread can be had, events are counted as lost.
    pub(crate) fn spawn(self) -> Sender<()> {
        let (stop, stopped) = bounded(1);
        let (nudge, nudged) = bounded(1);
        let ledger = Arc::clone(&self.ledger);
        ledger.nudge_by(nudge);
        let spawned = thread::Builder::new().name("crumbtrail".to_owned()).spawn(move || {
            // Nothing that this thread logs is ours to record: it would feed itself.
            enter(|_| Shift::new(self).run(stopped, &nudged))
        });
        if let Err(error) = spawned {
            ledger.worker_gone();
            diag::say(&format!("no thread could be started ({error}); events are counted, but go nowhere"));
        }
        stop
    }
}

/// The thread at work.
struct Shift {
    worker: Worker,
    begun: Instant,
    hold: Hold,
    tallied: Tallied,
    /// Events that came out of the queue.
    taken: u64,
    /// When something came last, and when the sinks were last let catch up, by the pipeline's clock.
    stirred_ms: Option<u64>,
    ticked_ms: Option<u64>,
}

impl Shift {
    fn new(worker: Worker) -> Self {
        Self {
            hold: Hold::new(worker.outlet.bytes()),
            tallied: Tallied::default(),
            begun: Instant::now(),
            taken: 0,
            stirred_ms: None,
            ticked_ms: None,
            worker,
        }
    }

    fn run(mut self, mut stopped: Receiver<()>, nudged: &Receiver<()>) {
        self.worker.ledger.work_here();
        if self.worker.stack {
            self.worker.preparer.warm();
        }
        let messages = self.worker.outlet.receiver().clone();
        loop {
            self.let_go();
            select! {
                recv(messages) -> message => match message {
                    Ok(message) => self.take(message),
                    Err(_) => break,
                },
                // By a flush, which is asked about above, or since something was only counted.
                recv(nudged) -> _ => if self.worker.ledger.asked().is_none() {
                    self.stir();
                },
                recv(stopped) -> asked => match asked {
                    Ok(()) => break,
                    // The guard is gone; the layer lives on.
                    Err(_) => stopped = never(),
                },
                default(self.wait()) => {}
            }
        }
        self.worker.ledger.worker_ends();
        // Whoever took room before it heard that we end is about to send: a few instructions, unless it is descheduled.
        while !self.worker.outlet.is_idle() {
            match messages.recv_timeout(LAST_WAIT) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.settle();
        self.worker.ledger.worker_gone();
    }

    /// Takes what came into the hold.
    fn take(&mut self, message: Message) {
        self.worker.outlet.release(&message);
        match message {
            Message::Closed(closed) => self.hold.close(*closed, self.now()),
            Message::Event(item) => {
                self.taken += 1;
                let (bytes, Item { captured, trail, .. }) = (item.bytes(), *item);
                match caught(|| self.worker.preparer.prepare(captured, &trail)) {
                    None => self.worker.ledger.process(End::Lost(Lost::Internal)),
                    Some(prepared) => {
                        // From now on: to find the first symbols may have taken longer than an event is held.
                        let folded = self.hold.offer(prepared, bytes, self.now());
                        (0..folded).for_each(|_| self.worker.ledger.process(End::Folded));
                    }
                }
            }
        }
    }

    /// Delivers what is due; everything, where somebody waits for it and it has all come out of the queue.
    fn let_go(&mut self) {
        let now = self.now();
        let behind = !self.worker.outlet.receiver().is_empty();
        while let Some(held) = self.hold.due(now, behind) {
            self.deliver(held);
        }
        let asked = self.worker.ledger.asked().filter(|asked| self.taken >= asked.wanted);
        if let Some(asked) = asked {
            self.settle();
            self.worker.ledger.answer(asked);
        } else if self.next_tick_ms().is_some_and(|due_ms| due_ms <= now.clock_ms) {
            self.tick();
            self.each_sink(Sink::catch_up);
        }
    }

    /// Delivers all that is held and has the sinks finish what they put off.
    fn settle(&mut self) {
        while let Some(held) = self.hold.take_oldest() {
            self.deliver(held);
        }
        self.tick();
        self.each_sink(Sink::flush);
    }

    /// Tells what was only counted: once a second while there is something, and before a flush is answered.
    fn tick(&mut self) {
        self.ticked_ms = Some(self.now().clock_ms);
        for tally in self.tallied.take(&self.worker.ledger) {
            self.stir();
            self.each_sink(|sink| sink.tally(&tally));
        }
    }

    /// When the sinks are to catch up: never, while nothing came for long.
    fn next_tick_ms(&self) -> Option<u64> {
        let stirred_ms = self.stirred_ms?;
        let due_ms = self.ticked_ms.map_or(0, |ticked_ms| ticked_ms.saturating_add(TICK_MS));
        let until_ms = stirred_ms.saturating_add(u64::try_from(CATCH_UP.as_millis()).unwrap_or(u64::MAX));
        (due_ms <= until_ms).then_some(due_ms)
    }

    /// Something came.
    fn stir(&mut self) {
        self.stirred_ms = Some(self.now().clock_ms);
    }

    /// How long there is nothing to do, unless something comes.
    fn wait(&self) -> Duration {
        let now = self.now();
        let (by_clock, by_system) = self.hold.wait(now);
        let tick =
            self.next_tick_ms().map(|due_ms| Duration::from_millis(due_ms.saturating_sub(now.clock_ms)));
        let by_clock = by_clock.into_iter().chain(tick).min();
        // A clock that stands still does not wake anybody: who waits for it looks again and again.
        let manual = self.worker.clock.is_manual();
        let by_clock = by_clock.map(|left| if manual { LOOK_AGAIN } else { left.max(LOOK_AGAIN) });
        by_clock.into_iter().chain(by_system).min().unwrap_or(Duration::MAX)
    }

    fn now(&self) -> Now {
        let real_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now { clock_ms: self.worker.clock.now_ms(), real_ms }
    }

    /// Hands an event to the sinks and notes how it ended.
    fn deliver(&mut self, held: Held) {
        self.stir();
        let outcome = caught(|| self.offer(held)).unwrap_or(Err(Refused::Lost(Lost::Internal)));
        self.worker.ledger.process(match outcome {
            Ok(()) => End::Delivered,
            Err(Refused::Dropped(reason)) => End::Dropped(reason),
            Err(Refused::Lost(reason)) => End::Lost(reason),
        });
    }

    fn offer(&mut self, held: Held) -> Result<(), Refused> {
        let Held { event, fingerprint, keys, judged, .. } = held;
        let mut event = self.worker.hooks.apply(event, judged, &self.worker.ledger)?;
        // Decided now, by all that is known of it.
        grouping::group(&mut event, fingerprint.as_ref());
        self.tallied.learn(&keys, &event);
        event.tallied_before += self.tallied.before(&event.fingerprint);
        let mut outcome = Err(Lost::NoSink);
        for sink in &self.worker.sinks {
            let delivered = offer(sink.as_ref(), &event);
            if outcome.is_err() {
                outcome = delivered;
            }
        }
        if let Some(look) = self.worker.first_look.take() {
            look_at(event.target, look);
        }
        outcome.map_err(Refused::Lost)
    }

    /// Has each sink do something beside an event; a panic ends that, and is said.
    fn each_sink(&self, work: impl Fn(&dyn Sink)) {
        static PANICKED: Said = Said::new();
        for sink in &self.worker.sinks {
            if caught(|| work(sink.as_ref())).is_none() {
                PANICKED.say("a sink panicked beside its events; they are not affected");
            }
        }
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
