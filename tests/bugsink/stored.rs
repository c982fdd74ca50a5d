//! What Bugsink has stored, read from its database while it runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Result};
use serde_json::Value;

/// One event.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// The id that it was sent with, 32 hexadecimal digits.
    pub(crate) id: String,
    /// The issue that it was put into.
    pub(crate) issue: String,
    /// What it was put there by: the parts of the fingerprint.
    pub(crate) grouping: String,
    /// What lists of events show of it: the last error's type and text, or that it is a message, and the message.
    pub(crate) kind: String,
    pub(crate) value: String,
    /// What can be searched for: its tags, and some that Bugsink makes of other parts.
    pub(crate) tags: BTreeMap<String, String>,
    /// All of it, as it was sent.
    pub(crate) data: Value,
}

/// How many events a project has.
pub(crate) fn count(database: &Path, project: i64) -> usize {
    let count = open(database).and_then(|database| {
        let all = "SELECT count(*) FROM events_event WHERE project_id = ?";
        database.query_row(all, [project], |row| row.get::<_, u32>(0))
    });
    count.expect("the database can be read") as usize
}

/// The events of a project, oldest first.
pub(crate) fn events(database: &Path, project: i64) -> Vec<Stored> {
    open(database).and_then(|database| read(&database, project)).expect("the database can be read")
}

fn open(database: &Path) -> Result<Connection> {
    let database = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    database.busy_timeout(Duration::from_secs(30))?;
    Ok(database)
}

fn read(database: &Connection, project: i64) -> Result<Vec<Stored>> {
    let mut statement = database.prepare(
        "SELECT event.id, event.event_id, event.issue_id, grouping_key, calculated_type, calculated_value, data
         FROM events_event event JOIN issues_grouping ON issues_grouping.id = grouping_id
         WHERE event.project_id = ? ORDER BY timestamp, digested_at",
    )?;
    let events = statement.query_map([project], |row| {
        let text: String = row.get("data")?;
        Ok(Stored {
            id: row.get("event_id")?,
            issue: row.get("issue_id")?,
            grouping: row.get("grouping_key")?,
            kind: row.get("calculated_type")?,
            value: row.get("calculated_value")?,
            tags: tags(database, &row.get::<_, String>("id")?)?,
            data: serde_json::from_str(&text).expect("what is stored is JSON"),
        })
    })?;
    events.collect()
}

fn tags(database: &Connection, event: &str) -> Result<BTreeMap<String, String>> {
    let mut statement = database.prepare_cached(
        "SELECT key, value FROM tags_eventtag
         JOIN tags_tagvalue ON tags_tagvalue.id = value_id JOIN tags_tagkey ON tags_tagkey.id = key_id
         WHERE event_id = ?",
    )?;
    let tags = statement.query_map([event], |row| Ok((row.get(0)?, row.get(1)?)))?;
    tags.collect()
}
