//! What the processes that keep their issues here say of themselves.

use rusqlite::{Connection, params};

use super::row::{int, moment, unreadable};
use super::trouble::Result;
use crate::issues::ProcessNote;
use crate::limits::STORE_PROCESSES;

/// Keeps a note in place of what the process said before, and the notes of the processes that started last.
pub(super) fn keep(file: &Connection, note: &ProcessNote) -> Result<()> {
    file.prepare_cached(
        "INSERT INTO process (name, pid, started, noted, ledger) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (name) DO UPDATE SET noted = excluded.noted, ledger = excluded.ledger",
    )?
    .execute(params![
        note.name,
        note.pid,
        int(note.started.ms()),
        int(note.noted.ms()),
        note.ledger.to_string()
    ])?;
    file.prepare_cached(
        "DELETE FROM process WHERE name IN (SELECT name FROM process ORDER BY started DESC, name LIMIT -1 OFFSET ?1)",
    )?
    .execute([int(STORE_PROCESSES as u64)])?;
    Ok(())
}

/// The newest first.
pub(super) fn all(file: &Connection) -> Result<Vec<ProcessNote>> {
    let mut statement = file.prepare_cached(
        "SELECT name, pid, started, noted, ledger FROM process ORDER BY started DESC, name",
    )?;
    let notes = statement.query_map([], |row| {
        Ok(ProcessNote {
            name: row.get(0)?,
            pid: row.get(1)?,
            started: moment(row, 2)?,
            noted: moment(row, 3)?,
            ledger: serde_json::from_str(row.get_ref(4)?.as_str()?).map_err(|_| unreadable(4, "a ledger"))?,
        })
    })?;
    Ok(notes.collect::<rusqlite::Result<_>>()?)
}
