//! What was only counted, as a book takes it: tallies, and ERRORs that carried no error.
//!
//! The latter are an issue for each line, called what its first ERROR said, as if that had been told. Pure but for the
//! clock.

use std::collections::HashMap;
use std::time::SystemTime;

use tracing::Level;

use super::tallied::Told;
use crate::grouping;
use crate::issues::{Count, Entry, Heading, Moment, Of};
use crate::ledger::{Ledger, Line};
use crate::model::{Captured, CapturedError, CapturedFields, Environment, Site};
use crate::model::{Draft, EventId, EventKind, Tally, TrailSource};
use crate::prepare::Preparer;

/// What the lines are called whose ERRORs carried no error.
#[derive(Debug, Default)]
pub(super) struct Silent(HashMap<u64, Heading>);

impl Silent {
    /// Takes what was counted since the last time.
    pub(super) fn take(&mut self, ledger: &Ledger, preparer: &mut Preparer) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (site, line) in ledger.lines.seen() {
            let count = line.take_without_error();
            if count == 0 {
                continue;
            }
            let of = match site.zip(line.first()) {
                Some((site, first)) => Of::Issue(self.heading(site, line, first, preparer)),
                None => {
                    let site = site.cloned().unwrap_or_else(Site::unknown);
                    let file = site.file.map(|file| file.into_owned());
                    Of::Line { target: site.target.into_owned(), file, line: site.line }
                }
            };
            entries.push(entry(preparer.environment(), of, count));
        }
        entries
    }

    fn heading(
        &mut self,
        site: &Site,
        line: &Line,
        first: &CapturedFields,
        preparer: &mut Preparer,
    ) -> Heading {
        let known = self.0.entry(line.key());
        known.or_insert_with(|| heading(site, first, preparer)).clone()
    }
}

/// What a tally that sinks are told is in a book.
pub(super) fn tallied(told: Told, environment: &Environment) -> Entry {
    let Told { tally: Tally { target, file, line, count, .. }, heading } = told;
    let of = heading.map_or(Of::Line { target, file, line }, Of::Issue);
    entry(environment, of, count)
}

fn entry(environment: &Environment, of: Of, count: u64) -> Entry {
    Entry::Count(Count {
        at: Moment::of(SystemTime::now()),
        release: environment.release.clone(),
        environment: environment.environment.clone(),
        count,
        of,
    })
}

/// What an event of that line would be called.
fn heading(site: &Site, first: &CapturedFields, preparer: &mut Preparer) -> Heading {
    let captured = Captured {
        id: EventId::unique(),
        kind: EventKind::Log,
        time_ns: 0,
        level: Level::ERROR,
        site: site.clone(),
        fields: Some(first.clone()),
        error: CapturedError::Nothing,
        siblings: Vec::new(),
        draft: Draft::default(),
        key: 0,
        minute: 0,
        lane: 0,
        span_numbers: Vec::new(),
        task: None,
        stack: Vec::new(),
        source: TrailSource::Thread,
        spans: Vec::new(),
        lanes: Vec::new(),
    };
    let mut prepared = preparer.prepare_alone(captured);
    let said = grouping::said(&mut prepared.event, prepared.fingerprint.take());
    prepared.fingerprint = said;
    preparer.scrub(&mut prepared);
    grouping::group(&mut prepared.event, prepared.fingerprint.as_ref());
    Heading::of(&prepared.event)
}
