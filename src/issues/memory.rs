//! A book in memory: for a program that may write no file, and the model that a file is compared with.

use super::*;
use crate::model::TrackedEvent;

/// Issues of this process alone, gone with it.
#[derive(Debug, Default)]
pub(crate) struct MemoryBook {}

impl Book for MemoryBook {
    fn record(&mut self, _: &[Entry], _: Moment) -> Result<Vec<Sighting>, Fault> {
        Ok(Vec::new())
    }
    fn decide(&mut self, _: IssueId, _: Decision, _: Moment) -> Result<bool, Fault> {
        Ok(false)
    }
    fn prune(&mut self, _: &Retention, _: Moment) -> Result<Pruned, Fault> {
        Ok(Pruned::default())
    }
    fn list(&self, _: &Query) -> Result<Vec<Summary>, Fault> {
        Ok(Vec::new())
    }
    fn named(&self, _: &str) -> Result<Vec<IssueId>, Fault> {
        Ok(Vec::new())
    }
    fn issue(&self, _: IssueId) -> Result<Option<Issue>, Fault> {
        Ok(None)
    }
    fn events(&self, _: IssueId, _: usize) -> Result<Vec<TrackedEvent>, Fault> {
        Ok(Vec::new())
    }
    fn facts(&self, _: IssueId, _: Moment) -> Result<Option<Facts>, Fault> {
        Ok(None)
    }
    fn lines(&self) -> Result<Vec<LineTotal>, Fault> {
        Ok(Vec::new())
    }
}
