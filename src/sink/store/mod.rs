//! The book in an SQLite file.
//!
//! Every change is one transaction: it is in the file as a whole or not at all, whatever happens to the process. Several
//! processes may share a file; nothing of it is remembered from one call to the next. A file that is damaged is set aside
//! and another one begins; one that was deleted is made anew. Called on the worker, and by the command in its own process.
//! Waits for the disk, and for another process that writes for [`STORE_BUSY`](crate::limits::STORE_BUSY) at the most.
//! Never panics. After a fork the child's handle answers with a fault, and touches nothing.

mod batch;
mod condition;
mod damage;
mod disk;
mod document;
mod file;
mod look;
mod notes;
mod outgoing;
mod owner;
mod page;
mod place;
mod prune;
mod record;
mod row;
mod schema;
mod stream;
mod trouble;

use std::cell::Cell;
use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::issues::{
    Book, Decision, Entry, Facts, Fault, Issue, IssueId, LineTotal, Moment, Outgoing, ProcessNote, Pruned,
    Query, Retention, Sighting, Summary,
};
use crate::model::TrackedEvent;

use document::Codec;
use file::File;
use owner::Owner;
use record::Hand;
use row::UserKey;
use trouble::{Result, Trouble};

pub(crate) use condition::Condition;
pub(crate) use document::to_json;
pub(crate) use place::{default_path, is_test_binary, newest};
pub(crate) use stream::Mark;

/// A file of issues.
pub(crate) struct Store {
    path: PathBuf,
    access: Access,
    /// The process that opened it.
    process: u32,
    /// None where it could not be opened again.
    file: Option<File>,
    hand: Hand,
    codec: Codec,
    /// Somebody who looked found what cannot be right.
    looks_damaged: Cell<bool>,
    /// Events that were to be sent and are not, for want of room.
    fallen: u64,
}

/// Who opens a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// A program that keeps its issues in it: makes the file where there is none, brings an older one up to date, and sets
    /// one that is damaged aside.
    Program,
    /// The command, which looks at what is there and writes what a person decides: makes nothing, sets nothing aside.
    Command,
}

impl Store {
    /// Opens the file. A program's that another process holds just now, or for which there is no room, is opened when it is
    /// first written.
    ///
    /// # Errors
    /// Why it cannot be used: [`Fault::Foreign`] and [`Fault::Newer`] where it is somebody else's, which is left as it is.
    pub(crate) fn open(path: &Path, access: Access) -> Result<Self, Fault> {
        let mut store = Self {
            path: path.to_owned(),
            access,
            process: std::process::id(),
            file: None,
            hand: Hand::new(),
            codec: Codec::new()?,
            looks_damaged: Cell::new(false),
            fallen: 0,
        };
        match store.with_file(|_| Ok(())) {
            // Nothing is wrong with the file: a program that starts just then is to keep its issues in it all the same.
            Err(Fault::Busy | Fault::Full) if access == Access::Program => {}
            opened => opened?,
        }
        if access == Access::Program {
            store.hand.owner = Some(Owner::new(path));
        }
        Ok(store)
    }

    /// Lets the file change, in one transaction: none of it, where that ends in an error.
    fn change<T>(&mut self, mut work: impl FnMut(&Connection) -> Result<T>) -> Result<T, Fault> {
        self.change_by(|file, _, _, _| work(file))
    }

    /// The same by what it knows of itself, and with what it writes documents with.
    fn change_by<T>(
        &mut self,
        mut work: impl FnMut(&Connection, UserKey, &Hand, &mut Codec) -> Result<T>,
    ) -> Result<T, Fault> {
        self.with_file(|store| {
            let Some(file) = &store.file else { return Err(Trouble::Moved) };
            let change = Transaction::new_unchecked(&file.connection, TransactionBehavior::Immediate)?;
            let done = work(&change, file.key, &store.hand, &mut store.codec)?;
            change.commit()?;
            Ok(done)
        })
    }

    /// Does something with the file, once more where it had to be opened anew.
    fn with_file<T>(&mut self, mut work: impl FnMut(&mut Self) -> Result<T>) -> Result<T, Fault> {
        self.is_ours()?;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.ready().and_then(|()| work(self)) {
                Err(Trouble::Damaged(why)) if self.access == Access::Program && tries < TRIES => {
                    let identity = self.file.take().and_then(File::leave);
                    self.looks_damaged.set(false);
                    damage::set_aside(&self.path, identity, &why)?;
                }
                Err(Trouble::Fault(Fault::Full))
                    if tries < TRIES && self.file.as_ref().is_some_and(File::makes_room) => {}
                Err(Trouble::Moved) if tries < TRIES => {
                    if let Some(file) = self.file.take() {
                        file.part();
                    }
                }
                Err(trouble) => return Err(trouble.into()),
                Ok(done) => return Ok(done),
            }
        }
    }

    /// Sees to it that the file is open, and still the one that its path names.
    fn ready(&mut self) -> Result<()> {
        if let Some(file) = &self.file
            && file.is_in_place(&self.path)
        {
            if self.looks_damaged.take() {
                file.check()?;
            }
            return Ok(());
        }
        self.hand.begin_anew();
        if let Some(file) = self.file.take() {
            file.part();
        }
        self.file = Some(match self.access {
            Access::Program => File::open(&self.path)?,
            Access::Command => File::open_existing(&self.path)?,
        });
        Ok(())
    }

    /// Looks at the file as it is at one moment.
    fn look<T>(&self, look: impl FnOnce(&Connection) -> Result<T>) -> Result<T, Fault> {
        self.is_ours()?;
        let Some(file) = &self.file else {
            return Err(Fault::Broken("it could not be opened again".to_owned()));
        };
        let found = Transaction::new_unchecked(&file.connection, TransactionBehavior::Deferred)
            .map_err(Trouble::from)
            .and_then(|moment| look(&moment));
        if matches!(found, Err(Trouble::Damaged(_))) {
            self.looks_damaged.set(true);
        }
        Ok(found?)
    }

    /// SQLite's handles are of no use in a child: its locks are the parent's
    /// (<https://sqlite.org/howtocorrupt.html>, 2.6).
    fn is_ours(&self) -> Result<(), Fault> {
        if self.process == std::process::id() {
            Ok(())
        } else {
            Err(Fault::Broken("it cannot be used after a fork: it was opened by the parent".to_owned()))
        }
    }
}

impl Book for Store {
    fn record(&mut self, entries: &[Entry], now: Moment) -> Result<Vec<Sighting>, Fault> {
        let recorded =
            self.change_by(|file, key, hand, codec| record::record(file, key, hand, codec, entries, now))?;
        self.hand.committed(&recorded);
        self.stay_within_bytes(now);
        Ok(recorded.sightings)
    }

    fn adopt(&mut self, now: Moment) -> Result<Vec<Sighting>, Fault> {
        if let Some(owner) = &mut self.hand.owner {
            owner.stay();
            owner.sweep();
        }
        let owners = self.look(outgoing::owners)?;
        let gone = self.hand.gone(owners);
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        self.change_by(|file, key, hand, codec| record::adopt(file, key, hand, codec, &gone, now))
    }

    fn outgoing(&mut self) -> Option<&mut dyn Outgoing> {
        Some(self)
    }

    fn decide(&mut self, issue: IssueId, decision: Decision, now: Moment) -> Result<bool, Fault> {
        self.change(|file| {
            let Some((mut account, users)) = row::load(file, issue)? else { return Ok(false) };
            account.decide(decision, users.number, now);
            row::save(file, issue, &account, users)?;
            Ok(true)
        })
    }

    fn prune(&mut self, keep: &Retention, now: Moment) -> Result<Pruned, Fault> {
        prune::prune(self, keep, now)
    }

    fn list(&self, query: &Query) -> Result<Vec<Summary>, Fault> {
        self.look(|file| look::list(file, query))
    }

    fn named(&self, prefix: &str) -> Result<Vec<IssueId>, Fault> {
        self.look(|file| look::named(file, prefix))
    }

    fn issue(&self, issue: IssueId) -> Result<Option<Issue>, Fault> {
        self.look(|file| look::issue(file, issue))
    }

    fn events(&self, issue: IssueId, most: usize) -> Result<Vec<TrackedEvent>, Fault> {
        self.look(|file| look::events(file, issue, most))
    }

    fn facts(&self, issue: IssueId, now: Moment) -> Result<Option<Facts>, Fault> {
        self.look(|file| look::facts(file, issue, now))
    }

    fn lines(&self) -> Result<Vec<LineTotal>, Fault> {
        self.look(look::lines)
    }

    fn is_durable(&self) -> bool {
        true
    }

    fn note(&mut self, note: &ProcessNote) -> Result<(), Fault> {
        self.change(|file| notes::keep(file, note))
    }

    fn notes(&self) -> Result<Vec<ProcessNote>, Fault> {
        self.look(notes::all)
    }
}

/// In a child after a fork nothing is closed: that would touch the parent's file, and its locks.
impl Drop for Store {
    fn drop(&mut self) {
        if self.is_ours().is_err() {
            std::mem::forget((self.file.take(), self.hand.owner.take()));
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

/// How often a file is opened for one call at the most.
const TRIES: u32 = 3;

#[cfg(test)]
mod tests;
