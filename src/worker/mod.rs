//! The worker: one thread that takes events from the queue, prepares them and hands them to the sinks.
//!
//! It ends when the pipeline is shut down, or when the last caller's end is gone, in both cases after what was queued.
//! A sink that panics costs its event; one that hangs holds up the events behind it, but nobody who flushes beyond the
//! deadline.

mod guard;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, never, select};

use crate::diag::{self, Said};
use crate::grouping;
use crate::ledger::{End, Ledger, Lost};
use crate::model::TrackedEvent;
use crate::prepare::{Hooks, Prepared, Preparer, Refused};
use crate::queue::{Item, Outlet};
use crate::sink::Sink;
use crate::sync::{caught, enter};

pub use guard::Guard;

/// What the thread works with.
pub(crate) struct Worker {
    pub(crate) outlet: Outlet,
    pub(crate) preparer: Preparer,
    pub(crate) hooks: Hooks,
    pub(crate) sinks: Vec<Box<dyn Sink>>,
    pub(crate) ledger: Arc<Ledger>,
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
        let ledger = Arc::clone(&self.ledger);
        let spawned = thread::Builder::new().name("crumbtrail".to_owned()).spawn(move || {
            // Nothing that this thread logs is ours to record: it would feed itself.
            enter(|_| self.run(stopped))
        });
        if let Err(error) = spawned {
            ledger.worker_gone();
            diag::say(&format!("no thread could be started ({error}); events are counted, but go nowhere"));
        }
        stop
    }

    fn run(mut self, mut stopped: Receiver<()>) {
        self.ledger.work_here();
        if self.stack {
            self.preparer.warm();
        }
        let items = self.outlet.receiver().clone();
        loop {
            select! {
                recv(items) -> item => match item {
                    Ok(item) => self.take(*item),
                    Err(_) => break,
                },
                recv(stopped) -> asked => match asked {
                    Ok(()) => break,
                    // The guard is gone; the layer lives on.
                    Err(_) => stopped = never(),
                },
            }
        }
        self.ledger.worker_ends();
        // Whoever took room before it heard that we end is about to send: a few instructions, unless it is descheduled.
        while !self.outlet.is_idle() {
            match items.recv_timeout(LAST_WAIT) {
                Ok(item) => self.take(*item),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.ledger.worker_gone();
    }

    fn take(&mut self, item: Item) {
        self.outlet.release(&item);
        let outcome = caught(|| self.deliver(item)).unwrap_or(Err(Refused::Lost(Lost::Internal)));
        self.ledger.process(match outcome {
            Ok(()) => End::Delivered,
            Err(Refused::Dropped(reason)) => End::Dropped(reason),
            Err(Refused::Lost(reason)) => End::Lost(reason),
        });
    }

    fn deliver(&mut self, item: Item) -> Result<(), Refused> {
        let Prepared { event, fingerprint, judged, .. } = self.preparer.prepare(item.captured, &item.trail);
        let mut event = self.hooks.apply(event, judged, &self.ledger)?;
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
        outcome.map_err(Refused::Lost)
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
