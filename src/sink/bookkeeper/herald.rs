//! Tells on stderr of issues that are seen for the first time, where somebody sits there who may want to look.
//!
//! One line an issue, and one a second at the most: of those that come faster, a line says how many they were. It speaks where
//! stderr is a terminal, and not at all where `CRUMBTRAIL_QUIET` says so. Called on the worker.

use crate::diag;
use crate::issues::Sighting;
use crate::report;

/// Who tells.
#[derive(Debug, Default)]
pub(crate) struct Herald {
    speaks: bool,
    /// Words to add to the command where it would not find the store by itself.
    place: Option<String>,
    /// When the last line was written.
    told_ms: Option<u64>,
    /// Issues that came since without a line of their own.
    untold: u64,
}

impl Herald {
    /// One that speaks; `place` names the store where it is not the one that the command looks at by itself.
    pub(crate) fn speaking(place: Option<String>) -> Self {
        Self { speaks: true, place, ..Self::default() }
    }

    pub(super) fn tell(&mut self, sightings: &[Sighting], now_ms: u64) {
        if !self.speaks {
            return;
        }
        for sighting in sightings {
            if self.wait_ms(now_ms) == 0 {
                self.told_ms = Some(now_ms);
                diag::say(&report::sighted(sighting, self.place.as_deref()));
            } else {
                self.untold += 1;
            }
        }
    }

    /// When there is something to tell, if there is.
    pub(super) fn due_ms(&self) -> Option<u64> {
        (self.untold > 0).then(|| self.told_ms.unwrap_or_default().saturating_add(EVERY_MS))
    }

    pub(super) fn catch_up(&mut self, now_ms: u64) {
        if self.untold > 0 && self.wait_ms(now_ms) == 0 {
            self.finish(now_ms);
        }
    }

    /// Tells what is left, whatever the time.
    pub(super) fn finish(&mut self, now_ms: u64) {
        if self.untold > 0 {
            self.told_ms = Some(now_ms);
            diag::say(&report::sighted_more(std::mem::take(&mut self.untold), self.place.as_deref()));
        }
    }

    fn wait_ms(&self, now_ms: u64) -> u64 {
        self.told_ms.map_or(0, |told_ms| told_ms.saturating_add(EVERY_MS).saturating_sub(now_ms))
    }
}

/// A second.
const EVERY_MS: u64 = 1_000;
