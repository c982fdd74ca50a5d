//! Where issues are kept.

use std::io::{self, IsTerminal};
#[cfg(feature = "store")]
use std::path::PathBuf;
use std::sync::Arc;

use super::Builder;
use crate::clock::Clock;
#[cfg(feature = "store")]
use crate::diag;
use crate::error::BuildError;
use crate::issues::{Book, MemoryBook};
use crate::ledger::Ledger;
use crate::report::Kept;
#[cfg(feature = "store")]
use crate::sink::{Access, Store as StoreFile, default_path, is_test_binary};
use crate::sink::{Bookkeeper, Forward, Herald};

/// Where a pipeline keeps its issues.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Store {
    /// A file of the executable's own, `crumbtrail/<executable>.db`, in the directory for state: `$STATE_DIRECTORY`, which systemd
    /// sets, else `$XDG_STATE_HOME`, else `~/.local/state`. Memory where there is none of these or it cannot be written, which
    /// is said on stderr; in tests, which are known by where cargo puts their executables; and without the feature `store`.
    #[default]
    Default,
    /// This file. It is made, with its directory, where it is not there, and nobody but the user may read it. Several
    /// programs, and several processes of one, may keep their issues in one file.
    #[cfg(feature = "store")]
    Path(PathBuf),
    /// Memory: gone with the process. On a terminal, issues that are seen for the first time are told all the same.
    Memory,
    /// Nowhere.
    Off,
}

/// Where a store was named.
#[derive(Debug, Clone)]
pub(super) enum Named {
    /// In the code: what is wrong with it is an error.
    Code(Store),
    /// In the environment: what is wrong with it is said.
    Environment(Store),
}

impl Builder {
    /// Where issues are kept: by default in a [file](Store::Default), unless a DSN names a server.
    ///
    /// Named beside a DSN, the file is the outbox as well: an event is written there before it is sent, which makes it
    /// [delivered](crate::Stats::delivered), and stays there until the server has answered. What a process did not get sent,
    /// however it ended, the next one with that DSN sends, under the same id. What waits is bounded:
    /// [`limits::STORED_OUTBOX_BYTES`](crate::limits::STORED_OUTBOX_BYTES), and
    /// [`limits::STORED_OUTBOX_DAYS`](crate::limits::STORED_OUTBOX_DAYS) days; what falls out is counted in
    /// [`Stats::unsent`](crate::Stats::unsent).
    ///
    /// ```
    /// use crumbtrail::Store;
    ///
    /// let builder = crumbtrail::builder().store(Store::Memory);
    /// ```
    pub fn store(mut self, store: Store) -> Self {
        self.store = Some(Named::Code(store));
        self
    }

    /// The book, before the way to a server, where there is one.
    pub(super) fn bookkeeper(
        &self,
        next: Option<Box<dyn Forward>>,
        ledger: &Arc<Ledger>,
        clock: &Clock,
    ) -> Result<Option<Box<dyn Forward>>, BuildError> {
        let store = match &self.store {
            None if next.is_some() => return Ok(next),
            None => &Store::Default,
            Some(Named::Code(store) | Named::Environment(store)) => store,
        };
        let opened = match store {
            Store::Off => return Ok(next),
            Store::Memory => Opened::memory(),
            #[cfg(not(feature = "store"))]
            Store::Default => Opened::memory(),
            #[cfg(feature = "store")]
            Store::Default => by_default(),
            #[cfg(feature = "store")]
            Store::Path(path) => match StoreFile::open(path, Access::Program) {
                Ok(book) => Opened { book: Box::new(book), told: Some(Kept::In(path.display().to_string())) },
                Err(fault) if matches!(self.store, Some(Named::Code(_))) => {
                    return Err(BuildError::store(path, &fault));
                }
                Err(fault) => {
                    let path = path.display();
                    diag::say(&format!(
                        "CRUMBTRAIL_STORE: {path} cannot be used: {fault}; issues are kept in memory"
                    ));
                    Opened::memory()
                }
            },
        };
        let speaks = next.is_none() && !self.quiet && io::stderr().is_terminal();
        let herald = opened.told.filter(|_| speaks).map(Herald::speaking).unwrap_or_default();
        Ok(Some(Box::new(Bookkeeper::new(opened.book, next, Arc::clone(ledger), clock.clone(), herald))))
    }
}

/// A book, and where it is, for those who are told of its issues; None where nobody is.
struct Opened {
    book: Box<dyn Book>,
    told: Option<Kept>,
}

impl Opened {
    fn memory() -> Self {
        Self { book: Box::new(MemoryBook::default()), told: Some(Kept::InMemory) }
    }
}

/// The file of the executable, or memory, where there is a reason for that.
#[cfg(feature = "store")]
fn by_default() -> Opened {
    if is_test_binary() {
        // Its errors are made on purpose.
        return Opened { told: None, ..Opened::memory() };
    }
    let Some(path) = default_path() else {
        diag::say(
            "there is no directory for state ($STATE_DIRECTORY, $XDG_STATE_HOME or a home): issues are kept in memory; \
             CRUMBTRAIL_STORE or Builder::store names a file",
        );
        return Opened::memory();
    };
    match StoreFile::open(&path, Access::Program) {
        Ok(book) => Opened { book: Box::new(book), told: Some(Kept::AsUsual) },
        Err(fault) => {
            diag::say(&format!("{} cannot be used: {fault}; issues are kept in memory", path.display()));
            Opened::memory()
        }
    }
}
