//! What is in a file, read past crumbtrail's own code; what must hold in every sound one is asserted on the way.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, Row};

/// What is in a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// By title.
    pub(crate) issues: BTreeMap<String, Counted>,
    /// The events that are kept, by id, in the order in which they came: each with the title of its issue.
    pub(crate) events: Vec<(String, String)>,
    /// Those that a process held back.
    pub(crate) held: Vec<String>,
    /// What was counted by line alone.
    pub(crate) by_line: u64,
}

/// How often an issue came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) count: u64,
    pub(crate) tallied: u64,
    pub(crate) users: u64,
}

/// Looks into a file that nobody of this process has open.
#[track_caller]
pub(crate) fn look(store: &Path) -> Found {
    looked_at(&Connection::open(store).unwrap())
        .unwrap_or_else(|wrong| panic!("{}: {wrong}", store.display()))
}

/// What is in it, or what is wrong with it.
pub(crate) fn looked_at(file: &Connection) -> Result<Found, String> {
    let verdict = text(file, "PRAGMA integrity_check")?;
    if verdict != "ok" {
        return Err(format!("it is damaged: {verdict}"));
    }
    for (what, contradiction) in CONTRADICTIONS {
        let found = text(file, contradiction)?;
        if !found.is_empty() {
            return Err(format!("{what}: {found}"));
        }
    }
    let counted =
        rows(file, "SELECT title, sum(count), sum(tallied), max(users) FROM issue GROUP BY title", |row| {
            Ok((
                row.get(0)?,
                Counted { count: number(row, 1)?, tallied: number(row, 2)?, users: number(row, 3)? },
            ))
        })?;
    Ok(Found {
        issues: counted.into_iter().collect(),
        events: rows(
            file,
            "SELECT lower(hex(event.id)), title FROM event JOIN issue ON issue.id = event.issue ORDER BY seq",
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?,
        held: rows(file, "SELECT lower(hex(id)) FROM held ORDER BY id", |row| row.get(0))?,
        by_line: rows(file, "SELECT coalesce(sum(count), 0) FROM line", |row| number(row, 0))?[0],
    })
}

/// Counts that say two things, each as the text of what contradicts.
const CONTRADICTIONS: &[(&str, &str)] = &[
    (
        "an issue's hours are not its count",
        "SELECT coalesce(group_concat(title || ' ' || count || ' but ' || hours), '') FROM
             (SELECT title, issue.count, coalesce((SELECT sum(count) FROM hour WHERE issue = issue.id), 0) AS hours FROM issue)
         WHERE count <> hours",
    ),
    (
        "an issue's releases are not its count",
        "SELECT coalesce(group_concat(title || ' ' || count || ' but ' || releases), '') FROM
             (SELECT title, issue.count,
                 coalesce((SELECT sum(count) FROM issue_release WHERE issue = issue.id), 0) AS releases FROM issue)
         WHERE count <> releases",
    ),
    (
        "more is kept than came",
        "SELECT coalesce(group_concat(title), '') FROM issue
         WHERE count - tallied < (SELECT count(*) FROM event WHERE issue = issue.id)",
    ),
    (
        "an event is kept twice, or held and kept",
        "SELECT coalesce(group_concat(hex(id)), '') FROM (SELECT id FROM event UNION ALL SELECT id FROM held)
         GROUP BY id HAVING count(*) > 1 UNION ALL SELECT '' LIMIT 1",
    ),
    (
        "an event is kept without its issue",
        "SELECT coalesce(group_concat(hex(id)), '') FROM event WHERE issue NOT IN (SELECT id FROM issue)",
    ),
];

fn text(file: &Connection, question: &str) -> Result<String, String> {
    rows(file, question, |row| row.get(0)).map(|rows| rows.into_iter().next().unwrap_or_default())
}

fn rows<T>(
    file: &Connection,
    question: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, String> {
    let wrong = |error: rusqlite::Error| format!("{error} ({question})");
    let mut statement = file.prepare(question).map_err(wrong)?;
    statement.query_map([], |row| read(row)).and_then(Iterator::collect).map_err(wrong)
}

/// What is negative is wrong.
fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number = row.get::<_, i64>(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

impl Found {
    /// All occurrences, told apart or not.
    pub(crate) fn total(&self) -> u64 {
        self.issues.values().map(|issue| issue.count).sum::<u64>() + self.by_line
    }

    /// How often the issue about that word came.
    pub(crate) fn of(&self, word: &str) -> u64 {
        self.issues.get(&format!("out of {word}")).map_or(0, |issue| issue.count)
    }
}
