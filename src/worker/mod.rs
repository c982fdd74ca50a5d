//! The worker: one thread that takes events from the queue, prepares them, holds them a moment for further lines about
//! the same failure, and hands them to the sinks.
//!
//! It sleeps while nothing is held and nothing comes. A flush lets go of everything, once all that was queued before has
//! come out of the queue. It ends when the pipeline is shut down, or when the last caller's end is gone, in both cases after
//! what was queued. A sink that panics costs its event; one that hangs holds up the events behind it, but nobody who
//! flushes beyond the deadline.

mod counts;
mod guard;
mod hold;
mod tallied;
mod traffic;
mod without_error;

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded, never, select};

use crate::clock::Clock;
use crate::diag::{self, Said};
use crate::grouping;
use crate::issues::Entry;
use crate::ledger::{End, Ledger, Lost, Receipt};
use crate::model::{LoggedAt, TrackedEvent};
use crate::prepare::{Hooks, Prepared, Preparer, Refused};
use crate::queue::{Item, Message, NotesOutlet, Outlet};
use crate::sink::{Forward, Sink, Sinks};
use crate::sync::{caught, enter};

use counts::Silent;
use hold::{Held, Hold, Now};
use tallied::{Tallied, Which};
use traffic::Traffic;

pub use guard::Guard;

/// What the thread works with.
pub(crate) struct Worker {
    outlet: Outlet,
    preparer: Preparer,
    hooks: Hooks,
    sinks: Sinks,
    ledger: Arc<Ledger>,
    clock: Clock,
    begun: Instant,
    /// Whether stacks will have to be resolved.
    stack: bool,
    /// Looks at the target of the first event.
    first_look: Option<FirstLook>,
    hold: Hold,
    tallied: Tallied,
    /// Where somebody keeps count.
    keeping: Option<Keeping>,
    /// Events that came out of the queue.
    taken: u64,
    /// How many of those who asked have been answered.
    answered: u64,
    /// Until when more is likely to come, by the pipeline's clock.
    lingers_ms: u64,
    /// How long nobody looks into the queue meanwhile.
    linger: Duration,
    /// Until when there may be something to do once a second.
    awake_ms: u64,
    /// When that was done last.
    ticked_ms: u64,
}

/// What is counted for a book.
struct Keeping {
    traffic: Traffic,
    silent: Silent,
}

pub(crate) type FirstLook = Box<dyn FnOnce(&str) + Send>;

impl Worker {
    pub(crate) fn new(
        outlet: Outlet,
        preparer: Preparer,
        hooks: Hooks,
        sinks: Sinks,
        ledger: Arc<Ledger>,
        clock: Clock,
        stack: bool,
    ) -> Self {
        let hold = Hold::new(outlet.bytes());
        Self {
            outlet,
            preparer,
            hooks,
            sinks,
            ledger,
            clock,
            begun: Instant::now(),
            stack,
            first_look: None,
            hold,
            tallied: Tallied::default(),
            keeping: None,
            taken: 0,
            answered: 0,
            lingers_ms: 0,
            linger: LINGER,
            awake_ms: 0,
            ticked_ms: 0,
        }
    }

    /// Has the target of the first event looked at.
    pub(crate) fn looking(mut self, first_look: FirstLook) -> Self {
        self.first_look = Some(first_look);
        self
    }

    /// Has lanes, lines and tallies counted for a book.
    pub(crate) fn counting(mut self, notes: NotesOutlet) -> Self {
        self.keeping = Some(Keeping { traffic: Traffic::new(notes), silent: Silent::default() });
        self
    }

    /// Starts the thread and returns what stops it. Where no thread can be had, events are counted as lost.
    pub(crate) fn spawn(self) -> Sender<()> {
        let (stop, stopped) = bounded(1);
        let (nudge, nudged) = bounded(1);
        let ledger = Arc::clone(&self.ledger);
        ledger.nudge_by(nudge);
        let spawned = thread::Builder::new().name("crumbtrail".to_owned()).spawn(move || {
            let _death = Death(Arc::clone(&self.ledger));
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
            let wait = self.work();
            let now_ms = self.clock.now_ms();
            // While more is likely to come, it is looked for now and then instead of waited for: to wake a thread costs
            // whoever logs more than all the rest.
            let lingers = now_ms < self.lingers_ms;
            let queue = if lingers { &never() } else { &messages };
            let wait = if lingers { wait.min(self.linger) } else { wait };
            // The longer nothing comes the less often.
            self.linger = (self.linger * 2).min(LINGER_MOST);
            select! {
                recv(queue) -> message => match message {
                    Ok(message) => self.take(message),
                    Err(_) => break,
                },
                recv(nudged) -> _ => self.stir(now_ms),
                recv(stopped) -> asked => match asked {
                    Ok(()) => break,
                    // The guard is gone; the layer lives on.
                    Err(_) => stopped = never(),
                },
                default(wait) => {}
            }
            // Hardly more than wait now: in a storm that does not end, what is due and who flushes have their turn too.
            for _ in 0..=messages.len() {
                match messages.try_recv() {
                    Ok(message) => {
                        self.take(message);
                        // What is due by time may still be joined by what waits in the queue.
                        while let Some(held) = self.hold.surplus() {
                            self.deliver(held);
                        }
                    }
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return self.end(&messages),
                }
            }
        }
        self.end(&messages);
    }

    /// Takes what is left, and tells all of it.
    fn end(mut self, messages: &Receiver<Message>) {
        self.ledger.worker_ends();
        // Whoever took room before it heard that we end is about to send: a few instructions, unless it is descheduled.
        while !self.outlet.is_idle() {
            match messages.recv_timeout(LAST_WAIT) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let (asked, wanted) = self.ledger.asked();
        self.settle(asked, wanted.min(self.taken));
    }

    /// Something came: there may be more, and something to do once a second.
    fn stir(&mut self, now_ms: u64) {
        self.awake_ms = self.awake_ms.max(now_ms.saturating_add(AWAKE_MS));
    }

    /// Takes what came into the hold, and lets go of what would make that too full.
    fn take(&mut self, message: Message) {
        self.outlet.release(&message);
        let now = self.now();
        match message {
            Message::Closed(closed) => self.hold.close(*closed, now),
            Message::Event(item) => {
                self.taken += 1;
                self.lingers_ms = now.clock_ms.saturating_add(LINGERS_MS);
                self.linger = LINGER;
                self.stir(now.clock_ms);
                let prepared = caught(|| self.prepare(*item));
                match prepared.unwrap_or(Err(Refused::Lost(Lost::Internal))) {
                    Ok(prepared) => {
                        // From now on: to find the first symbols may have taken longer than an event is held.
                        let held = Held::new(prepared, self.now());
                        let id = held.event.id;
                        self.each_forward(|forward| forward.hold(&held.event));
                        let offered = self.hold.offer(held);
                        (0..offered.folded).for_each(|_| self.ledger.fold());
                        if !offered.is_held {
                            self.each_forward(|forward| forward.release(vec![id]));
                        }
                    }
                    Err(Refused::Dropped(reason)) => self.ledger.process(End::Dropped(reason)),
                    Err(Refused::Lost(reason)) => self.ledger.process(End::Lost(reason)),
                }
            }
        }
    }

    /// The event as the hooks leave it, without its secrets, grouped.
    fn prepare(&mut self, item: Item) -> Result<Prepared, Refused> {
        let Item { captured, trail, .. } = item;
        let mut prepared = self.preparer.prepare(captured, &trail);
        prepared.fingerprint = grouping::said(&mut prepared.event, prepared.fingerprint.take());
        grouping::group(&mut prepared.event, prepared.fingerprint.as_ref());
        let (title, fingerprint) = (prepared.event.title.clone(), prepared.event.fingerprint.clone());
        let place = prepared.event.logged_at.first().cloned();
        let (event, judged) = (prepared.event, prepared.judged);
        let mut event = self.ledger.busy(|| self.hooks.apply(event, judged, &self.ledger))?;
        // What a hook changed is not decided anew; what it took out of the message is in no other place of ours.
        if event.fingerprint != fingerprint {
            prepared.fingerprint = Some(event.fingerprint.clone());
        }
        prepared.title = Some(event.title.clone()).filter(|own| *own != title);
        event.logged_at =
            place.map(|place| LoggedAt { message: event.message.clone(), ..place }).into_iter().collect();
        let mut prepared = Prepared { event, ..prepared };
        // What comes behind this knows no more than a sink may: the hold, the tallies, the console's repeats.
        self.preparer.scrub(&mut prepared);
        grouping::group(&mut prepared.event, prepared.fingerprint.as_ref());
        Ok(prepared)
    }

    /// Does what is due, and says how long there will be nothing to do unless something comes.
    fn work(&mut self) -> Duration {
        let now = self.now();
        if self.is_awake(now) && self.next_tick_ms() <= now.clock_ms {
            self.tick(now.clock_ms, Which::Settled);
        } else if self.keeping.as_ref().is_some_and(|keeping| keeping.traffic.is_pressed()) {
            let _ = caught(|| self.count_in_a_hurry());
        }
        self.let_go();
        let (asked, wanted) = self.ledger.asked();
        if asked > self.answered && self.taken >= wanted {
            self.settle(asked, wanted);
        }
        let further = self.sinks.forward.as_mut().and_then(|forward| caught(|| forward.work()).flatten());
        further.into_iter().chain([self.wait()]).min().unwrap_or(Duration::MAX)
    }

    /// Delivers what is due.
    fn let_go(&mut self) {
        let now = self.now();
        let behind = !self.outlet.receiver().is_empty();
        while let Some(held) = self.hold.due(now, behind) {
            self.deliver(held);
        }
    }

    /// Delivers all that is held, has the sinks finish, and says so to the first `asked` who wait for it: the first
    /// `wanted` of the queue were taken.
    fn settle(&mut self, asked: u64, wanted: u64) {
        self.ledger.settles();
        while let Some(held) = self.hold.take_oldest() {
            self.deliver(held);
        }
        self.ledger.handed_out(wanted);
        self.tick(self.clock.now_ms(), Which::All);
        self.each_sink(|sink| sink.flush());
        self.each_forward(|forward| forward.flush());
        self.answered = asked;
        self.ledger.answer(asked);
    }

    /// What is done once a second while something came, and before a flush is answered.
    fn tick(&mut self, now_ms: u64, which: Which) {
        self.ticked_ms = now_ms;
        self.tell_tallies(&[], which);
        let _ = caught(|| self.count_lanes(which));
        self.each_sink(|sink| sink.catch_up());
        self.each_forward(|forward| forward.catch_up());
        without_error::say_first(&self.ledger);
    }

    /// Tells the sinks what was only counted; what belongs to an event that is still held, or to these keys, waits for it.
    fn tell_tallies(&mut self, keys: &[u64], which: Which) {
        let held = self.hold.keys().chain(keys).copied().collect();
        let told = self.tallied.take(&self.ledger, &held, which);
        if !told.is_empty() {
            self.stir(self.clock.now_ms());
        }
        for told in &told {
            self.each_sink(|sink| sink.tally(&told.tally));
        }
        if self.keeping.is_some() {
            let environment = self.preparer.environment();
            self.book(told.into_iter().map(|told| counts::tallied(told, environment)).collect());
        }
    }

    /// Counts the lanes that are over, and the ERRORs that carried no error.
    fn count_lanes(&mut self, which: Which) {
        let Some(Keeping { traffic, silent }) = &mut self.keeping else { return };
        let mut entries = silent.take(&self.ledger, &mut self.preparer);
        if !entries.is_empty() {
            self.awake_ms = self.awake_ms.max(self.clock.now_ms().saturating_add(AWAKE_MS));
        }
        traffic.look(&self.preparer);
        let held: HashSet<u64> = self.hold.keys().copied().collect();
        let is_hopeless = |key, age| which == Which::All || age > HIT_TICKS && !held.contains(&key);
        let release = self.preparer.environment().release.as_deref();
        entries.extend(traffic.take(&self.tallied, release, is_hopeless));
        self.book(entries);
    }

    /// Counts lanes before the second is over.
    fn count_in_a_hurry(&mut self) {
        let Some(Keeping { traffic, .. }) = &mut self.keeping else { return };
        traffic.drain(&self.preparer);
        if traffic.is_full() {
            let release = self.preparer.environment().release.as_deref();
            let entries = traffic.take(&self.tallied, release, |_, _| false);
            self.book(entries);
        }
    }

    /// Hands on what is to be kept.
    fn book(&mut self, entries: Vec<Entry>) {
        if let Some(forward) = &mut self.sinks.forward
            && !entries.is_empty()
        {
            let _ = caught(|| forward.note(entries));
        }
    }

    /// A sink that panics here has said what it could.
    fn each_sink(&self, work: impl Fn(&dyn Sink)) {
        for sink in &self.sinks.here {
            let _ = self.ledger.busy(|| caught(|| work(sink.as_ref())));
        }
    }

    fn each_forward(&mut self, work: impl Fn(&mut dyn Forward)) {
        if let Some(forward) = &mut self.sinks.forward {
            let _ = caught(|| work(forward.as_mut()));
        }
    }

    /// There may be something to do once a second.
    fn is_awake(&self, now: Now) -> bool {
        let counts = self.keeping.as_ref().is_some_and(|keeping| keeping.traffic.is_awake());
        counts || now.clock_ms < self.awake_ms
    }

    fn next_tick_ms(&self) -> u64 {
        self.ticked_ms.saturating_add(TICK_MS)
    }

    /// How long there is nothing to do, unless something comes.
    fn wait(&self) -> Duration {
        let now = self.now();
        let (by_clock, by_system) = self.hold.wait(now);
        let tick = self.next_tick_ms().saturating_sub(now.clock_ms);
        let tick = Some(Duration::from_millis(tick)).filter(|_| self.is_awake(now));
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

    /// Hands an event to the sinks, and has it noted how it ends.
    fn deliver(&mut self, held: Held) {
        let receipt = self.ledger.receipt();
        // The receipt of one that we fail on is dropped, which is noted too.
        let _ = caught(|| self.offer(held, receipt));
    }

    fn offer(&mut self, held: Held, mut receipt: Receipt) {
        let Held { event, fingerprint, title, keys, minute, .. } = held;
        let mut event = Arc::unwrap_or_clone(event);
        // Decided now, by all that is known of it.
        grouping::group(&mut event, fingerprint.as_ref());
        if let Some(title) = title {
            event.title = title;
        }
        if self.ledger.tallies.has_previous() {
            // What was counted before the minute of this event is told before it.
            self.tell_tallies(&keys, Which::Settled);
        }
        self.tallied.learn(&keys, &event);
        event.tallied_before = self.tallied.before(&event.fingerprint, minute);
        let mut outcome = Err(Lost::NoSink);
        for sink in &self.sinks.here {
            let delivered = self.ledger.busy(|| offer(sink.as_ref(), &event));
            if outcome.is_err() {
                outcome = delivered;
            }
        }
        if outcome.is_ok() || self.sinks.forward.is_some() {
            self.tallied.told(&event.fingerprint, minute);
        }
        if let Some(look) = self.first_look.take() {
            look_at(event.target.clone(), look);
        }
        match &mut self.sinks.forward {
            Some(forward) => {
                if outcome.is_ok() {
                    receipt.take();
                }
                forward.forward(Arc::new(event), receipt);
            }
            None => receipt.end(outcome),
        }
    }
}

/// Tells of the thread's end, also of one that nobody foresaw: who flushes must not wait for it.
struct Death(Arc<Ledger>);

impl Drop for Death {
    fn drop(&mut self) {
        self.0.worker_gone();
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
/// Ticks for which it may become known which issue a counted error belongs to, beyond the time that its event is held.
const HIT_TICKS: u32 = 2;
/// How long after the last event, or the last of what was only counted, there may be something to do once a second: beyond
/// what the console holds back, and what a throttled line needs to be told of again.
const AWAKE_MS: u64 = 12_000;
/// How long after the last event another one is likely to come: in a storm, and at the end of requests that fail.
const LINGERS_MS: u64 = 1_000;
/// How often the queue is looked into meanwhile: at first, and when nothing came for long.
const LINGER: Duration = Duration::from_millis(5);
const LINGER_MOST: Duration = Duration::from_millis(80);
