//! An error that was handed over by [`capture_error`](crate::capture_error), not logged.

use std::error::Error;

use tracing::Level;

use super::{Failure, Key, Pipeline, say_chain, typed};
use crate::ledger::Dropped;
use crate::limits::MESSAGE_BYTES;
use crate::model::{Draft, EventId, EventKind, Site};
use crate::trail::text::BoundedString;

impl Pipeline {
    /// Judges and takes an error; the caller has counted it as accepted.
    pub(crate) fn capture_error(
        &self,
        error: &(dyn Error + 'static),
        site: impl Fn() -> Site,
        line: u64,
        span: Option<u64>,
    ) -> Option<EventId> {
        let mut key = Key::of_line(line);
        let line = self.ledger.lines.at(line, &site);
        if self.is_too_fast(line) {
            self.ledger.tally(line.count_untold());
            return None;
        }
        // It has no module: only rules for every module are about it.
        if self.rules.reads("") {
            let mut said = BoundedString::new(MESSAGE_BYTES);
            say_chain(error, &mut said);
            if self.rules.ignores("", said.as_str()) {
                self.ledger.drop_one(Dropped::Ignored);
                return None;
            }
        }
        let mut draft = Draft::default();
        if self.refuses(self.rules.judge(error, &mut draft)) {
            return None;
        }
        key.format(format_args!("{error}"));
        key.chain(error);
        key.fingerprint(draft.fingerprint.as_ref());
        let key = key.finish();
        let Some(admitted) = self.admit(key, line, None) else {
            self.note_tallied(span, key);
            return None;
        };
        let failure = Failure {
            kind: EventKind::Error,
            site: site(),
            level: Level::ERROR,
            fields: None,
            error: typed(error, None),
            siblings: Vec::new(),
            draft,
            key,
        };
        self.capture(admitted, failure, line, span)
    }
}
