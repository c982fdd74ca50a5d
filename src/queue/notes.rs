//! The way of lanes that are over, beside that of the events: what spans say of their users and tags, to be counted.
//!
//! A note is handed over by value into room that was made at the start, so nothing waits and nothing is allocated. What
//! finds no room is counted. The worker looks once a second while notes come; only the first after a quiet time wakes it,
//! and those that come when half the room is taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::ledger::{Counted, Ledger};
use crate::limits::LANE_NOTES;
use crate::model::LaneNote;

/// The callers' end.
#[derive(Debug)]
pub(crate) struct Notes {
    sender: Sender<LaneNote>,
    /// The worker looks by itself.
    watched: Arc<AtomicBool>,
    ledger: Arc<Ledger>,
}

/// The worker's end.
#[derive(Debug)]
pub(crate) struct NotesOutlet {
    receiver: Receiver<LaneNote>,
    watched: Arc<AtomicBool>,
}

/// A way for [`LANE_NOTES`].
pub(crate) fn notes(ledger: Arc<Ledger>) -> (Notes, NotesOutlet) {
    let (sender, receiver) = bounded(LANE_NOTES);
    let watched = Arc::new(AtomicBool::new(false));
    (Notes { sender, watched: Arc::clone(&watched), ledger }, NotesOutlet { receiver, watched })
}

impl Notes {
    /// Hands a note to the worker, without waiting.
    pub(crate) fn send(&self, note: LaneNote) {
        if self.sender.try_send(note).is_err() {
            self.ledger.count(Counted::LaneUncounted);
            return;
        }
        self.ledger.stir();
        // SeqCst, behind the note: either the worker, which stops to watch before it looks for the last time, finds it, or
        // we see that nobody watches.
        let watched = self.watched.load(Ordering::SeqCst) || self.watched.swap(true, Ordering::SeqCst);
        if !watched || self.sender.len() >= LANE_NOTES / 2 {
            self.ledger.nudge();
        }
    }
}

impl NotesOutlet {
    /// Notes that wait now, and hardly more: in a storm others have their turn, too.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = LaneNote> {
        self.receiver.try_iter().take(self.receiver.len())
    }

    /// So many wait that they should not wait for the next second.
    pub(crate) fn is_pressed(&self) -> bool {
        self.receiver.len() >= LANE_NOTES / 2
    }

    /// Somebody counts on the worker to look by itself.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::SeqCst)
    }

    /// From now on the next note wakes the worker; what came before that is still to be looked for.
    pub(crate) fn rest(&self) {
        self.watched.store(false, Ordering::SeqCst);
    }

    /// The worker looks by itself.
    pub(crate) fn watch(&self) {
        self.watched.store(true, Ordering::SeqCst);
    }
}
