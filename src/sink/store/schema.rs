//! The form of the file: how it is known for ours, made, and brought up to date.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::damage::HEAD;
use super::row::{UserKey, set_meta};
use super::trouble::{Result, Trouble};
use crate::issues::Fault;

/// What a store's header names as its program: `crmb`.
pub(super) const APPLICATION: i64 = 0x6372_6d62;
/// The form that this version writes.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// What makes each form of the one before; the first one, of an empty file.
const STEPS: &[&str] = &[include_str!("schema/1.sql")];

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing is in it yet.
    Empty,
    Ours(i64),
}

/// # Errors
/// [`Fault::Foreign`], [`Fault::Newer`].
pub(super) fn form(file: &Connection) -> Result<Form> {
    form_up_to(file, VERSION)
}

fn form_up_to(file: &Connection, newest: i64) -> Result<Form> {
    let number = |pragma| file.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables = file.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
    let tables = tables.map_err(|error| match Trouble::from(error) {
        // Its head is whole, and says that it is not a store.
        Trouble::Damaged(_) if application == 0 && has_head(file) => Fault::Foreign.into(),
        trouble => trouble,
    })?;
    match (application, version) {
        (APPLICATION, version) if version > newest => Err(Fault::Newer(version).into()),
        (APPLICATION, version) if version > 0 => Ok(Form::Ours(version)),
        (0, 0) if tables == 0 => Ok(Form::Empty),
        _ => Err(Fault::Foreign.into()),
    }
}

/// Whether the file is not cut off within its head: what is missing there reads as zero.
fn has_head(file: &Connection) -> bool {
    file.path().and_then(|path| std::fs::metadata(path).ok()).is_some_and(|found| found.len() >= HEAD)
}

/// Makes the file what this version writes, in one transaction; another process may be about the same.
pub(super) fn bring_up_to_date(file: &mut Connection) -> Result<()> {
    migrate(file, STEPS)
}

pub(super) fn migrate(file: &mut Connection, steps: &[&str]) -> Result<()> {
    let change = Transaction::new(file, TransactionBehavior::Immediate)?;
    let newest = steps.len() as i64;
    let done = match form_up_to(&change, newest)? {
        Form::Empty => 0,
        Form::Ours(version) => usize::try_from(version).unwrap_or_default(),
    };
    for step in steps.iter().skip(done) {
        change.execute_batch(step)?;
    }
    if done == 0 {
        set_meta(&change, "key", UserKey::random().0)?;
        change.pragma_update(None, "application_id", APPLICATION)?;
    }
    if done < steps.len() {
        change.pragma_update(None, "user_version", newest)?;
    }
    change.commit()?;
    Ok(())
}
