//! The bounded queue between the callers' threads and the worker.
//!
//! It is bounded in items and in bytes. Room is taken before an event is sent, so sending never waits and never
//! fails for want of it; what finds no room is lost with that reason, newest first. The ends of lanes travel in it too,
//! behind their events and in a room of their own; what is only counted of lanes goes beside it (`notes.rs`). Called on any thread; the receiver lives on the worker.

mod notes;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use crate::ledger::{Ledger, Lost};
use crate::limits::QUEUE_CLOSES;
use crate::model::{Captured, ClosedLane};
use crate::trail::Copied;

pub(crate) use notes::{Notes, NotesOutlet, notes};

/// What crosses from a caller to the worker, in the order in which it was sent.
#[derive(Debug)]
pub(crate) enum Message {
    Event(Box<Item>),
    Closed(Box<ClosedLane>),
}

/// An event on its way.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) captured: Captured,
    pub(crate) trail: Copied,
    bytes: usize,
}

impl Item {
    pub(crate) fn new(captured: Captured, trail: Copied) -> Self {
        let bytes = size_of::<Self>() + captured.bytes() + trail.bytes();
        Self { captured, trail, bytes }
    }
}

/// The callers' end.
#[derive(Debug)]
pub(crate) struct Queue {
    sender: Sender<Message>,
    room: Arc<Room>,
    ledger: Arc<Ledger>,
}

/// The worker's end.
#[derive(Debug)]
pub(crate) struct Outlet {
    receiver: Receiver<Message>,
    room: Arc<Room>,
    bytes: usize,
}

/// How much more may wait.
#[derive(Debug)]
struct Room {
    capacity: usize,
    items: AtomicUsize,
    most_bytes: usize,
    bytes: AtomicUsize,
    /// Closes have a room of their own: they never take that of an event.
    closes: AtomicUsize,
}

/// A queue of at most so many items and bytes.
pub(crate) fn queue(items: usize, bytes: usize, ledger: Arc<Ledger>) -> (Queue, Outlet) {
    let (sender, receiver) = bounded(items + QUEUE_CLOSES);
    let room = Arc::new(Room {
        capacity: items,
        items: AtomicUsize::new(items),
        most_bytes: bytes,
        bytes: AtomicUsize::new(bytes),
        closes: AtomicUsize::new(QUEUE_CLOSES),
    });
    (Queue { sender, room: Arc::clone(&room), ledger }, Outlet { receiver, room, bytes })
}

impl Queue {
    /// Hands an event to the worker, without waiting; false where it cannot be handed over, and is counted as lost.
    pub(crate) fn enqueue(&self, item: Item) -> bool {
        let taken = self.try_enqueue(item);
        if let Err(reason) = taken {
            self.ledger.lose(reason);
        }
        taken.is_ok()
    }

    fn try_enqueue(&self, item: Item) -> Result<(), Lost> {
        if self.ledger.is_forked() {
            return Err(Lost::WorkerGone);
        }
        if self.ledger.is_closed() {
            return Err(Lost::AfterShutdown);
        }
        let bytes = item.bytes;
        if !self.room.take(bytes) {
            return Err(Lost::QueueOverflow);
        }
        // Asked after the room is taken: a worker that ends first says so and then waits until all room is free, so
        // either we see that it is gone or it sees our event.
        if self.ledger.is_worker_ending() {
            self.room.give_back(bytes);
            return Err(Lost::WorkerGone);
        }
        // Counted before it is sent: a flush that begins now waits for it.
        self.ledger.enqueue();
        self.sender.try_send(Message::Event(Box::new(item))).map_err(|refused| {
            self.room.give_back(bytes);
            self.ledger.unqueue();
            match refused {
                TrySendError::Full(_) => Lost::QueueOverflow,
                TrySendError::Disconnected(_) => Lost::WorkerGone,
            }
        })?;
        // The worker looks now and then; in a storm that is not enough.
        if self.room.is_half_taken() {
            self.ledger.nudge();
        }
        Ok(())
    }

    /// Tells the worker, behind the events before it, that a lane is over. Where there is no room nobody hears of it,
    /// and what is held for the lane is let go when its time is up.
    pub(crate) fn close(&self, closed: ClosedLane) {
        if self.room.take_close() && self.sender.try_send(Message::Closed(Box::new(closed))).is_err() {
            self.room.give_back_close();
        }
    }
}

impl Outlet {
    /// What comes, in its order; every sender's end closes it.
    pub(crate) fn receiver(&self) -> &Receiver<Message> {
        &self.receiver
    }

    /// How many bytes of events may wait in it.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A message has left the queue: its room is free again.
    pub(crate) fn release(&self, message: &Message) {
        match message {
            Message::Event(item) => self.room.give_back(item.bytes),
            Message::Closed(_) => self.room.give_back_close(),
        }
    }

    /// Nothing waits, and nobody is about to send.
    pub(crate) fn is_idle(&self) -> bool {
        // SeqCst: ordered against `Room::take` by the ledger's word that the worker is gone.
        self.room.items.load(Ordering::SeqCst) == self.room.capacity
    }
}

impl Room {
    /// Takes room for one event of so many bytes, if there is so much.
    fn take(&self, bytes: usize) -> bool {
        // SeqCst for the items: see `Outlet::is_idle`. The bytes publish nothing.
        let items = |left: usize| left.checked_sub(1);
        if self.items.fetch_update(Ordering::SeqCst, Ordering::Relaxed, items).is_err() {
            return false;
        }
        let taken =
            self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        if taken.is_err() {
            self.items.fetch_add(1, Ordering::SeqCst);
        }
        taken.is_ok()
    }

    fn is_half_taken(&self) -> bool {
        self.items.load(Ordering::Relaxed) < self.capacity / 2
            || self.bytes.load(Ordering::Relaxed) < self.most_bytes / 2
    }

    fn give_back(&self, bytes: usize) {
        self.items.fetch_add(1, Ordering::SeqCst);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    // Relaxed: how many closes wait publishes nothing.
    fn take_close(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        self.closes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    fn give_back_close(&self) {
        self.closes.fetch_add(1, Ordering::Relaxed);
    }
}
