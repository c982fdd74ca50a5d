//! What a book that outlives the process keeps for a server.

use super::{Fault, Moment};
use crate::model::{EventId, TrackedEvent};

/// The events of a book that are still to be sent. Each is one process's to send, so that nobody sends what another one is
/// about to; what a process leaves when it is gone is taken over by whoever looks first, by [`Book::adopt`](super::Book::adopt).
pub(crate) trait Outgoing {
    /// What is recorded as to be sent is for this server from now on, and so is what is asked for: the URL of its project,
    /// without the key. What waits for another one is left to those that send there.
    fn send_to(&mut self, url: &str);

    /// Those that have waited longest of what is this process's to send, so many at the most; without those that `skip`
    /// names.
    fn waiting(&mut self, most: usize, skip: &dyn Fn(EventId) -> bool) -> Result<Vec<Waiting>, Fault>;

    /// Nobody is to send these any more.
    fn settle(&mut self, ids: &[EventId]) -> Result<(), Fault>;

    /// Gives up what has waited too long, and the oldest of what is too much; without those that `skip` names. Says how many
    /// that were.
    fn give_up(&mut self, skip: &dyn Fn(EventId) -> bool, now: Moment) -> Result<u64, Fault>;
}

/// An event that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) id: EventId,
    /// None where it cannot be read.
    pub(crate) event: Option<TrackedEvent>,
}
