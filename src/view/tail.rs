//! Events as they are recorded, one line each, and how many came of which none is kept.

use super::{BATCH, Form, View, ViewError, json, lines};
use crate::issues::{Fault, IssueId};
use crate::report::{self, count};
use crate::sink::Mark;

/// Follows a store: what is recorded after what was told last.
///
/// Of a burst not every event is recorded: of events that are alike the newest
/// [`limits::KEEP_VARIANT_EVENTS`](crate::limits::KEEP_VARIANT_EVENTS) are, and what goes beyond
/// [`Builder::throttle`](crate::Builder::throttle) is only counted. As text it is told how many they were.
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
    told: Told,
}

/// How much of what came was told.
#[derive(Debug)]
struct Told {
    /// What is recorded behind this place is of the occurrences that came while it follows.
    begun: Mark,
    /// Occurrences of which somebody was told, by an event or by their number.
    occurrences: u64,
    /// As many as there were when it looked last.
    all: u64,
}

impl<'a> Tail<'a> {
    pub(super) fn begin(view: &'a View, first: usize) -> Result<Self, ViewError> {
        let begin = || {
            let begun = view.store.mark(0)?;
            let all = view.store.occurrences()?;
            Ok((view.store.mark(first)?, Told { begun, occurrences: all, all }))
        };
        let (mark, told) = begin().map_err(|fault| view.fault(&fault))?;
        Ok(Self { view, mark, told })
    }

    /// A line for each event that was recorded since the last call, in that order; nothing where none was. Of many, the first
    /// ones: the next call tells more. As text, a last line tells how many more came that are not recorded.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn news(&mut self) -> Result<String, ViewError> {
        let view = self.view;
        // What comes between both is told before it is counted, never missed.
        let look = || Ok((view.store.occurrences()?, view.store.recorded(self.mark, BATCH)?));
        let (all, events) = match look() {
            // Whoever writes is done in a moment.
            Err(Fault::Busy) => return Ok(String::new()),
            found => found.map_err(|fault| view.fault(&fault))?,
        };
        let followed = events.iter().filter(|(mark, _)| *mark > self.told.begun).count();
        let missed = self.told.missed(followed as u64, all, events.len() < BATCH);
        if let Some((last, _)) = events.last() {
            self.mark = *last;
        }
        let events = events.iter().map(|(_, event)| event);
        Ok(match view.form {
            Form::Json => lines(events.map(json::event)),
            Form::Text => {
                let mut rows: String = events
                    .map(|event| report::row(event, IssueId::of(&event.fingerprint), view.look))
                    .collect();
                if missed > 0 {
                    rows.push_str(&format!("… {} more that are only counted\n", count(missed)));
                }
                rows
            }
        })
    }
}

impl Told {
    /// Takes note of so many events that are told, where issues came so often in all. How many there were besides, once
    /// everything is told that is recorded.
    fn missed(&mut self, events: u64, all: u64, is_whole: bool) -> u64 {
        // An issue that is forgotten takes its occurrences with it.
        let forgotten = self.all.saturating_sub(all);
        self.all = all;
        self.occurrences = self.occurrences.saturating_sub(forgotten).saturating_add(events);
        let missed = if is_whole { all.saturating_sub(self.occurrences) } else { 0 };
        self.occurrences = self.occurrences.saturating_add(missed);
        missed
    }
}
