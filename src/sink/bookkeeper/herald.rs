//! Tells on stderr of issues that are seen for the first time, where somebody sits there who may want to look.
//!
//! One line an issue, and one a second at the most: of those that come faster, a line says how many they were. It speaks where
//! stderr is a terminal, and not at all where `CRUMBTRAIL_QUIET` says so. Called on the worker.

use crate::diag;
use crate::issues::Sighting;
use crate::report::{self, Kept};

/// Who tells.
#[derive(Debug, Default)]
pub(crate) struct Herald {
    /// Where the issues are that it tells of; None where it is silent.
    kept: Option<Kept>,
    /// When the last line was written.
    told_ms: Option<u64>,
    /// Issues that came since without a line of their own.
    untold: u64,
}

impl Herald {
    /// One that speaks of issues that are kept there.
    pub(crate) fn speaking(kept: Kept) -> Self {
        Self { kept: Some(kept), ..Self::default() }
    }

    pub(super) fn tell(&mut self, sightings: &[Sighting], now_ms: u64) {
        let Some(kept) = &self.kept else { return };
        for sighting in sightings {
            if self.wait_ms(now_ms) == 0 {
                self.told_ms = Some(now_ms);
                diag::say(&report::sighted(sighting, kept));
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
        if let Some(kept) = self.kept.as_ref().filter(|_| self.untold > 0) {
            self.told_ms = Some(now_ms);
            diag::say(&report::sighted_more(std::mem::take(&mut self.untold), kept));
        }
    }

    fn wait_ms(&self, now_ms: u64) -> u64 {
        self.told_ms.map_or(0, |told_ms| told_ms.saturating_add(EVERY_MS).saturating_sub(now_ms))
    }
}

/// A second.
const EVERY_MS: u64 = 1_000;
