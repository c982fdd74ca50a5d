//! Opening the file: who may read it, what SQLite is told about it, and what it must not be.
//!
//! The file is made here, before SQLite opens it, so that nobody else can read it for a moment. One that is there is never
//! opened but by SQLite: closing another handle of it would take this process's locks off it
//! (<https://sqlite.org/howtocorrupt.html>, 2.2).

use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
#[cfg(unix)]
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::disk::is_remote;
#[cfg(unix)]
use super::owner::Owner;
use super::row::{UserKey, user_key};
use super::schema::{self, Form};
use super::trouble::{Result, Trouble};
use crate::issues::Fault;
use crate::limits::{
    STORE_BUSY, STORE_BUSY_COMMAND, STORE_CACHE_BYTES, STORE_CHECKED_BYTES, STORE_JOURNAL_BYTES,
};

/// Which file it is, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

/// An open file, of the form that this version writes.
#[derive(Debug)]
pub(super) struct File {
    pub(super) connection: Connection,
    /// What its users are hashed with.
    pub(super) key: UserKey,
    identity: Option<Identity>,
}

/// One file is made or set aside at a time.
static MAKING: Mutex<()> = Mutex::new(());

/// Keeps others of this process from making files and setting them aside.
pub(super) fn alone<T>(work: impl FnOnce() -> T) -> T {
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    work()
}

/// The file beside a store, `-wal` for one.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// What SQLite puts beside a store.
pub(super) const BESIDE: &[&str] = &["-wal", "-shm", "-journal"];

/// None where there is no such file, or files cannot be told apart here.
pub(super) fn identity(path: &Path) -> Option<Identity> {
    #[cfg(unix)]
    {
        let found = std::fs::symlink_metadata(path).ok()?;
        Some(Identity(found.dev(), found.ino()))
    }
    #[cfg(not(unix))]
    {
        let found = std::fs::symlink_metadata(path).ok()?;
        let _ = found;
        Some(Identity(0, 0))
    }
}

/// The same of an open file.
pub(super) fn identity_of(file: &std::fs::File) -> Option<Identity> {
    let found = file.metadata().ok()?;
    #[cfg(unix)]
    {
        Some(Identity(found.dev(), found.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = found;
        Some(Identity(0, 0))
    }
}

impl File {
    /// Opens a program's file; makes it where there is none.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let path = &make(path)?;
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let identity = identity(path);
        configure(&connection, STORE_BUSY)?;
        let form = schema::form(&connection)?;
        // Once it is known for ours, and before there is a log, which SQLite lets those read who may read the file.
        close_to_others(path);
        if form == Form::Empty {
            // Neither can be changed once something is in it.
            connection.pragma_update(None, "page_size", PAGE_BYTES)?;
            connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        }
        choose_journal(&connection, path)?;
        if form != Form::Empty
            && std::fs::symlink_metadata(path).is_ok_and(|it| it.len() <= STORE_CHECKED_BYTES)
        {
            check(&connection)?;
        }
        if form != Form::Ours(schema::VERSION) {
            schema::bring_up_to_date(&mut connection)?;
        }
        Ok(Self { key: user_key(&connection)?, connection, identity })
    }

    /// Opens what is there, to be looked at: to write where that is possible, else to read.
    pub(super) fn open_existing(path: &Path) -> Result<Self> {
        let path = &resolved(path)?;
        refuse_links(path)?;
        if identity(path).is_none() {
            return Err(Trouble::broken("there is no such file"));
        }
        let mut failed = None;
        for flags in [OpenFlags::SQLITE_OPEN_READ_WRITE, OpenFlags::SQLITE_OPEN_READ_ONLY] {
            match Self::looked_at(path, path, flags) {
                Err(Trouble::Fault(fault @ Fault::Broken(_))) => failed = Some(fault),
                done => return done,
            }
        }
        // Where nothing can be written, SQLite cannot make what its log needs. Without a log nothing is missed.
        let waits =
            |suffix| std::fs::symlink_metadata(beside(path, suffix)).is_ok_and(|found| found.len() > 0);
        if !waits("-wal")
            && !waits("-journal")
            && let Some(name) = immutable(path)
            && let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI
            && let Ok(file) = Self::looked_at(path, Path::new(&name), flags)
        {
            return Ok(file);
        }
        Err(failed.unwrap_or_else(|| Fault::Broken("it cannot be opened".to_owned())).into())
    }

    fn looked_at(path: &Path, name: &Path, flags: OpenFlags) -> Result<Self> {
        let connection = connect(name, flags)?;
        configure(&connection, STORE_BUSY_COMMAND)?;
        match schema::form(&connection)? {
            Form::Ours(schema::VERSION) => {
                Ok(Self { key: user_key(&connection)?, connection, identity: identity(path) })
            }
            Form::Ours(_) => Err(Trouble::broken(
                "it was made by an earlier version of crumbtrail; a program of this version brings it up to date",
            )),
            Form::Empty => Err(Trouble::broken("nothing is in it yet")),
        }
    }

    /// Whether its path still names it.
    pub(super) fn is_in_place(&self, path: &Path) -> bool {
        identity(path) == self.identity
    }

    /// Looks through it for what cannot be right.
    pub(super) fn check(&self) -> Result<()> {
        check(&self.connection)
    }

    /// Works its log into it, so that the log's own room can be written over; whether there was any.
    pub(super) fn makes_room(&self) -> bool {
        let worked = self.connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| {
            Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        });
        worked.is_ok_and(|(frames, worked)| frames > 0 && worked == frames)
    }

    /// Closes one that its path no longer names. What stands in its log goes into it: the log has the name of one that
    /// belongs to another file by now, and would be worked into that.
    pub(super) fn part(self) {
        let _ = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    /// Closes it without another word to the disk, and says which one it was.
    pub(super) fn leave(self) -> Option<Identity> {
        // Its log belongs to what is damaged, and is not to be worked into it.
        let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        self.identity
    }
}

/// The name by which SQLite takes a file for one that nobody writes.
fn immutable(path: &Path) -> Option<String> {
    let mut name = "file:".to_owned();
    for byte in path.to_str()?.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                name.push(char::from(byte))
            }
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    name.push_str("?immutable=1");
    Some(name)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    Ok(Connection::open_with_flags(path, flags)?)
}

fn configure(connection: &Connection, busy: Duration) -> Result<()> {
    connection.busy_timeout(busy)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // What a file brings along is not run: it may come from anywhere.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "cache_size", -(STORE_CACHE_BYTES / 1024))?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

/// A write-ahead log where it can be had, else a rollback journal.
fn choose_journal(connection: &Connection, path: &Path) -> Result<()> {
    let wanted = rusqlite::version_number() >= SOUND_LOG && !is_remote(path);
    let mode = |name: &str| {
        connection.pragma_update_and_check(None, "journal_mode", name, |row| row.get::<_, String>(0))
    };
    // An error is what a disk without shared memory answers.
    let has_log = wanted && mode("WAL").is_ok_and(|mode| mode.eq_ignore_ascii_case("wal"));
    if !has_log {
        mode("DELETE")?;
    }
    // With a log nothing that was committed is lost with the process, and nothing is ever damaged; a journal needs more
    // for the second.
    connection.pragma_update(None, "synchronous", if has_log { "NORMAL" } else { "FULL" })?;
    connection.pragma_update_and_check(None, "journal_size_limit", STORE_JOURNAL_BYTES, |_| Ok(()))?;
    Ok(())
}

fn check(connection: &Connection) -> Result<()> {
    let verdict = connection.pragma_query_value(None, "quick_check", |row| row.get::<_, String>(0))?;
    if verdict == "ok" { Ok(()) } else { Err(Trouble::Damaged(verdict)) }
}

/// Makes the file and its folder where they are not there, for the program's own user alone.
fn make(path: &Path) -> Result<PathBuf> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(|error| cannot("its folder cannot be made", &error))?;
    }
    let path = resolved(path)?;
    refuse_links(&path)?;
    let is_there = alone(|| {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                Err(cannot("it cannot be made", &error))
            }
            made => Ok(made.is_err()),
        }
    })?;
    if is_there {
        refuse_others(&path)?;
    }
    Ok(path)
}

/// The path with a folder that is no link: SQLite is to follow none at all, and folders may well be links.
fn resolved(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| Trouble::broken("its path names no file"))?;
    if !cfg!(unix) {
        return Ok(path.to_owned());
    }
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let folder = folder.canonicalize().map_err(|error| cannot("its folder cannot be found", &error))?;
    Ok(folder.join(name))
}

/// A link may lead to a file of somebody else's, which would be written over.
fn refuse_links(path: &Path) -> Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => return Err(Trouble::broken("it is a folder")),
        Ok(found) if found.is_symlink() => return Err(Trouble::broken("it is a symbolic link")),
        Ok(found) if !found.is_file() => return Err(Trouble::broken("it is no ordinary file")),
        _ => {}
    }
    for suffix in BESIDE {
        if std::fs::symlink_metadata(beside(path, suffix)).is_ok_and(|found| !found.is_file()) {
            return Err(Trouble::broken(format!("its {suffix} is no ordinary file")));
        }
    }
    Ok(())
}

/// What belongs to another user may be read, and changed, by that one, whatever its mode says. Root may use it.
#[cfg(unix)]
fn refuse_others(path: &Path) -> Result<()> {
    // As whom files are made here is what a file tells that was just made: some disks have users of their own.
    let user = Owner::new(path).user();
    let owner = std::fs::symlink_metadata(path).ok().map(|found| found.uid());
    match (user, owner) {
        (Some(user), Some(owner)) if user != ROOT && user != owner => {
            Err(Trouble::broken("it belongs to another user"))
        }
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn refuse_others(_: &Path) -> Result<()> {
    Ok(())
}

/// A file that others may read or write is closed to them, with what is beside it.
#[cfg(unix)]
fn close_to_others(path: &Path) {
    for path in std::iter::once(path.to_owned()).chain(BESIDE.iter().map(|suffix| beside(path, suffix))) {
        if std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_file() && found.mode() & OTHERS != 0) {
            // Not every disk knows of modes. By its path: a handle that is closed takes SQLite's locks off it.
            let _ = std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600));
        }
    }
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) {}

fn cannot(what: &str, error: &std::io::Error) -> Trouble {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Fault::Full.into(),
        _ => Trouble::broken(format!("{what}: {error}")),
    }
}

#[cfg(unix)]
const ROOT: u32 = 0;
/// What a mode lets the group and everybody do.
#[cfg(unix)]
const OTHERS: u32 = 0o077;
/// The first version of SQLite whose write-ahead log cannot be damaged by two connections that both write it
/// (<https://sqlite.org/wal.html>, "The WAL-Reset Bug").
const SOUND_LOG: i32 = 3_051_003;
/// Documents of two or three KiB fill pages of this size without much room left over.
const PAGE_BYTES: i64 = 8_192;
/// More than there are different ones.
const STATEMENTS: usize = 96;
