//! What goes wrong with a file, and what a book calls it.

use rusqlite::{Error, ErrorCode, ffi};

use crate::issues::Fault;

pub(super) type Result<T, E = Trouble> = std::result::Result<T, E>;

/// Why something with the file did not work.
#[derive(Debug)]
pub(super) enum Trouble {
    /// What is in it cannot be right.
    Damaged(String),
    /// It was deleted, or another one stands in its place.
    Moved,
    Fault(Fault),
}

impl Trouble {
    pub(super) fn broken(why: impl Into<String>) -> Self {
        Self::Fault(Fault::Broken(why.into()))
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Damaged(why) => Self::Broken(format!("it is damaged: {why}")),
            Trouble::Moved => Self::Broken("it was deleted or replaced".to_owned()),
            Trouble::Fault(fault) => fault,
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match &error {
            Error::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Fault::Busy.into(),
                ErrorCode::DiskFull => Fault::Full.into(),
                ErrorCode::SystemIoFailure if NO_ROOM.contains(&failure.extended_code) => Fault::Full.into(),
                ErrorCode::SystemIoFailure if UNREADABLE.contains(&failure.extended_code) => {
                    Self::Damaged(error.to_string())
                }
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Damaged(error.to_string()),
                ErrorCode::ReadOnly if failure.extended_code == ffi::SQLITE_READONLY_DBMOVED => Self::Moved,
                _ => Self::broken(error.to_string()),
            },
            // A column that holds what the schema does not let in.
            Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..) => Self::Damaged(error.to_string()),
            _ => Self::broken(error.to_string()),
        }
    }
}

/// A quota or a limit on a file's size is told like this; a full disk has a code of its own.
const NO_ROOM: &[i32] = &[
    ffi::SQLITE_IOERR_WRITE,
    ffi::SQLITE_IOERR_FSYNC,
    ffi::SQLITE_IOERR_TRUNCATE,
    ffi::SQLITE_IOERR_SHMSIZE,
];
/// There is less in it than there should be.
const UNREADABLE: &[i32] = &[ffi::SQLITE_IOERR_SHORT_READ, ffi::SQLITE_IOERR_CORRUPTFS];
