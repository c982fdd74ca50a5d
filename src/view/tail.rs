//! Events as they are recorded, one line each.

use super::{BATCH, Form, View, ViewError, json, lines};
use crate::issues::{Fault, IssueId};
use crate::report;
use crate::sink::Mark;

/// Follows a store: what is recorded after what was told last.
///
/// ```no_run
/// # use std::time::Duration;
/// let view = crumbtrail::view::View::newest()?;
/// let mut tail = view.tail(10)?;
/// loop {
///     print!("{}", tail.news()?);
///     std::thread::sleep(Duration::from_millis(500));
/// }
/// # Ok::<(), crumbtrail::view::ViewError>(())
/// ```
#[derive(Debug)]
pub struct Tail<'a> {
    view: &'a View,
    mark: Mark,
}

impl<'a> Tail<'a> {
    pub(super) fn begin(view: &'a View, first: usize) -> Result<Self, ViewError> {
        let mark = view.store.mark(first).map_err(|fault| view.fault(&fault))?;
        Ok(Self { view, mark })
    }

    /// A line for each event that was recorded since the last call, in that order; nothing where none was. Of many, the first
    /// ones: the next call tells more.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn news(&mut self) -> Result<String, ViewError> {
        let view = self.view;
        let events = match view.store.recorded(self.mark, BATCH) {
            // Whoever writes is done in a moment.
            Err(Fault::Busy) => return Ok(String::new()),
            events => events.map_err(|fault| view.fault(&fault))?,
        };
        if let Some((last, _)) = events.last() {
            self.mark = *last;
        }
        let events = events.iter().map(|(_, event)| event);
        Ok(match view.form {
            Form::Json => lines(events.map(json::event)),
            Form::Text => {
                events.map(|event| report::row(event, IssueId::of(&event.fingerprint), view.look)).collect()
            }
        })
    }
}
