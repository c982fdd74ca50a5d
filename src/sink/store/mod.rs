//! The book in an SQLite file.

use std::path::Path;

use crate::issues::Fault;

/// A file of issues.
#[derive(Debug)]
pub(crate) struct Store {}

/// Who opens a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// A program that keeps its issues in it: makes the file where there is none, brings an older one up to date, and sets
    /// one that is damaged or somebody else's aside.
    Program,
    /// The command, which looks at what is there and writes what a person decides: makes nothing, sets nothing aside.
    Command,
}

impl Store {
    /// Opens the file.
    pub(crate) fn open(path: &Path, access: Access) -> Result<Self, Fault> {
        let _ = (path, access);
        Err(Fault::Foreign)
    }
}

/// Opens a file of issues.
pub(crate) fn open(path: &Path, access: Access) -> Result<Store, Fault> {
    Store::open(path, access)
}

impl crate::issues::Book for Store {
    fn record(
        &mut self,
        _: &[crate::issues::Entry],
        _: crate::issues::Moment,
    ) -> Result<Vec<crate::issues::Sighting>, Fault> {
        Err(Fault::Foreign)
    }
    fn decide(
        &mut self,
        _: crate::issues::IssueId,
        _: crate::issues::Decision,
        _: crate::issues::Moment,
    ) -> Result<bool, Fault> {
        Err(Fault::Foreign)
    }
    fn prune(
        &mut self,
        _: &crate::issues::Retention,
        _: crate::issues::Moment,
    ) -> Result<crate::issues::Pruned, Fault> {
        Err(Fault::Foreign)
    }
    fn list(&self, _: &crate::issues::Query) -> Result<Vec<crate::issues::Summary>, Fault> {
        Err(Fault::Foreign)
    }
    fn named(&self, _: &str) -> Result<Vec<crate::issues::IssueId>, Fault> {
        Err(Fault::Foreign)
    }
    fn issue(&self, _: crate::issues::IssueId) -> Result<Option<crate::issues::Issue>, Fault> {
        Err(Fault::Foreign)
    }
    fn events(&self, _: crate::issues::IssueId, _: usize) -> Result<Vec<crate::model::TrackedEvent>, Fault> {
        Err(Fault::Foreign)
    }
    fn facts(
        &self,
        _: crate::issues::IssueId,
        _: crate::issues::Moment,
    ) -> Result<Option<crate::issues::Facts>, Fault> {
        Err(Fault::Foreign)
    }
    fn lines(&self) -> Result<Vec<crate::issues::LineTotal>, Fault> {
        Err(Fault::Foreign)
    }
}

/// Where the file of this executable is.
pub(crate) fn default_path() -> Option<std::path::PathBuf> {
    None
}

/// Whether this is a test.
pub(crate) fn is_test_binary() -> bool {
    true
}
