//! Lanes, as far as more than the event they belong to asks for them: their ends, what they are told, and what is counted of
//! them where somebody keeps count. Called on any thread; nothing waits, and where nobody keeps count nothing is done.

use super::Pipeline;
use crate::ledger::{Counted, Line};
use crate::model::{CapturedFields, LaneData, LaneNote};
use crate::scope::Told;

impl Pipeline {
    /// Lanes, and the lines whose ERRORs carry no error, are counted for somebody.
    #[inline]
    pub(crate) fn keeps_count(&self) -> bool {
        self.scopes.counts()
    }

    /// A span is over; the worker is told where that ends a lane that had an event, and what is to be counted.
    pub(crate) fn close_span(&self, id: u64) {
        if let Some(closed) = self.scopes.close(id, &self.trail, |note| self.send(note)) {
            self.queue.close(closed);
        }
    }

    fn send(&self, note: LaneNote) {
        if let Some(notes) = &self.notes {
            notes.send(note);
        }
    }

    /// Changes what the lane around the span `span` was told; false where there is none but the thread and `on_thread`
    /// forbids that.
    pub(crate) fn tell(&self, span: Option<u64>, on_thread: bool, change: impl Fn(&mut LaneData)) -> bool {
        match self.scopes.tell(span, &self.trail, on_thread, change) {
            Told::Refused => return false,
            Told::Outside(Some(note)) => self.send(*note),
            Told::Root | Told::Outside(None) => {}
        }
        true
    }

    /// An ERROR of the span `span` was only counted: whom it hit is known when its lane is over.
    pub(super) fn note_tallied(&self, span: Option<u64>, key: u64) {
        if let Some(place) = span.filter(|_| self.keeps_count()).and_then(|span| self.scopes.inside(span)) {
            place.note_tallied(key);
        }
    }

    /// Counts an ERROR that carries no error, by its line; `fields` is what it said, to name what is counted.
    pub(crate) fn count_without_error(&self, line: &Line, fields: Option<impl FnOnce() -> CapturedFields>) {
        self.ledger.count(Counted::ErrorWithoutError);
        if let Some(fields) = fields.filter(|_| self.keeps_count()) {
            line.note_first(fields);
        }
        if line.count_without_error() {
            self.ledger.counted_first();
        } else if self.keeps_count() {
            // Behind the count: a flush that finds nothing to do has it told.
            self.ledger.stir();
        }
    }
}
