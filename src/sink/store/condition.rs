//! In what state a file is, for whoever wonders.

use super::Store;
use super::file::BESIDE;
use super::row::{moment, number};
use super::trouble::Result;
use crate::issues::{Fault, Moment};

/// What a look at the whole file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    /// The version of its form.
    pub(crate) form: i64,
    /// How SQLite keeps what is not yet in its place.
    pub(crate) journal: String,
    pub(crate) issues: u64,
    pub(crate) events: u64,
    /// Events that wait to be sent to a server.
    pub(crate) unsent: u64,
    /// When the newest event happened.
    pub(crate) newest: Option<Moment>,
}

impl Store {
    /// Reads all of the file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn condition(&self) -> Result<Condition, Fault> {
        if let Some(file) = &self.file {
            file.check()?;
        }
        self.look(|file| {
            let count = |table: &str| -> Result<u64> {
                Ok(file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| number(row, 0))?)
            };
            Ok(Condition {
                form: file.pragma_query_value(None, "user_version", |row| row.get(0))?,
                journal: file.pragma_query_value(None, "journal_mode", |row| row.get(0))?,
                issues: count("issue")?,
                events: count("event")?,
                unsent: count("outbox")?,
                newest: (count("event")? > 0)
                    .then(|| file.query_row("SELECT max(time) FROM event", [], |row| moment(row, 0)))
                    .transpose()?,
            })
        })
    }

    /// Bytes that it takes on disk, with what SQLite keeps beside it.
    pub(crate) fn bytes(&self) -> u64 {
        let beside = BESIDE.iter().map(|suffix| super::file::beside(&self.path, suffix));
        let files = std::iter::once(self.path.clone()).chain(beside);
        files.filter_map(|path| std::fs::metadata(path).ok()).map(|found| found.len()).sum()
    }
}
