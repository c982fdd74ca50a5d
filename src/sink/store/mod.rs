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
