//! Stores as large as one likes, in seconds: a real one of a few issues, and its rows again and again under other names.

use std::error::Error;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// Makes a store of `issues` out of one that holds a few of them, a divisor of that number.
pub(crate) fn multiply(path: &Path, issues: u64) -> Result<(), Box<dyn Error>> {
    let mut file = Connection::open(path)?;
    // It is thrown away where this fails.
    file.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1048576; PRAGMA mmap_size = 0",
    )?;
    let few = number(&file, "SELECT count(*) FROM issue")?;
    let copies = issues / few;
    if copies * few != issues {
        return Err(format!("{issues} issues cannot be made of {few}").into());
    }
    let last = number(&file, "SELECT max(seq) FROM event")?;
    let tables: Vec<_> = TABLES.iter().map(|name| Table::read(&file, name)).collect::<Result<_, _>>()?;
    let change = file.transaction()?;
    for copy in 1..copies {
        let copied = Copy { number: copy, events: copy * last, ago: SPREAD_HOURS * copy / copies };
        for table in &tables {
            let mut insert = change.prepare_cached(&table.insert)?;
            for row in &table.rows {
                let row =
                    table.columns.iter().zip(row).map(|(column, value)| copied.of(table, column, value));
                insert.execute(params_from_iter(row.collect::<Result<Vec<_>, _>>()?))?;
            }
        }
    }
    change.commit()?;
    // As a program leaves it.
    file.execute_batch("PRAGMA journal_mode = WAL")?;
    file.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// How often the issues of a store came, all together, with what was counted by line.
pub(crate) fn occurrences(path: &Path) -> Result<u64, Box<dyn Error>> {
    let file = Connection::open(path)?;
    let (total, hourly) =
        (number(&file, "SELECT sum(count) FROM issue")?, number(&file, "SELECT sum(count) FROM hour")?);
    let by_line = number(&file, "SELECT ifnull(sum(count), 0) FROM line")?;
    if total == hourly {
        Ok(total + by_line)
    } else {
        Err(format!("{total} in all are {hourly} by hour").into())
    }
}

/// The rows of a table.
struct Table {
    name: &'static str,
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    insert: String,
    /// Of issues, by the old ids.
    fingerprints: Vec<(i64, Vec<String>)>,
}

impl Table {
    fn read(file: &Connection, name: &'static str) -> Result<Self, Box<dyn Error>> {
        let mut select = file.prepare(&format!("SELECT * FROM {name}"))?;
        let named = |column| select.column_name(column).map(str::to_owned);
        let columns = (0..select.column_count()).map(named).collect::<Result<Vec<String>, _>>()?;
        let width = columns.len();
        let rows = select
            .query_map([], |row| (0..width).map(|column| row.get(column)).collect())?
            .collect::<Result<_, _>>()?;
        let mut issues = file.prepare("SELECT id, fingerprint FROM issue")?;
        let fingerprints = issues
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?
            .map(|row| {
                row.map_err(Into::into).and_then(|(id, parts)| Ok((id, serde_json::from_str(&parts)?)))
            })
            .collect::<Result<_, Box<dyn Error>>>()?;
        let places = vec!["?"; width].join(", ");
        Ok(Self {
            name,
            columns,
            rows,
            insert: format!("INSERT INTO {name} VALUES ({places})"),
            fingerprints,
        })
    }

    fn fingerprint(&self, issue: i64, copy: u64) -> Result<Vec<String>, Box<dyn Error>> {
        let known = self.fingerprints.iter().find(|(id, _)| *id == issue);
        let (_, parts) = known.ok_or("a row of no issue")?;
        Ok(parts.iter().cloned().chain([copy.to_string()]).collect())
    }
}

/// One of many.
struct Copy {
    number: u64,
    /// How many events were there before.
    events: u64,
    /// How many hours earlier it happened.
    ago: u64,
}

impl Copy {
    fn of(&self, table: &Table, column: &str, value: &Value) -> Result<Value, Box<dyn Error>> {
        let earlier = |unit: u64| i64::try_from(self.ago * unit);
        Ok(match (table.name, column, value) {
            ("issue", "id", Value::Integer(id)) | (_, "issue", Value::Integer(id)) => {
                Value::Integer(name(&table.fingerprint(*id, self.number)?))
            }
            ("issue", "fingerprint", Value::Text(parts)) => {
                let mut parts: Vec<String> = serde_json::from_str(parts)?;
                parts.push(self.number.to_string());
                Value::Text(serde_json::to_string(&parts)?)
            }
            (_, "seq" | "event", Value::Integer(event)) => {
                Value::Integer(event + i64::try_from(self.events)?)
            }
            ("event", "id", Value::Blob(id)) => {
                let mut id = id.clone();
                id.iter_mut().zip(mixed(self.number).to_le_bytes()).for_each(|(byte, other)| *byte ^= other);
                Value::Blob(id)
            }
            (_, "hour", Value::Integer(hour)) => Value::Integer(hour - earlier(1)?),
            (_, "minute", Value::Integer(minute)) => Value::Integer(minute - earlier(60)?),
            (_, "time" | "first_seen" | "last_seen", Value::Integer(ms)) => {
                Value::Integer(ms - earlier(3_600_000)?)
            }
            _ => value.clone(),
        })
    }
}

/// The id of an issue of this fingerprint, as `src/issues/issue.rs` says it.
fn name(fingerprint: &[String]) -> i64 {
    let bytes = fingerprint.iter().flat_map(|part| part.bytes().chain([0xff]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    mixed(hash).cast_signed()
}

fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

fn number(file: &Connection, sql: &str) -> Result<u64, Box<dyn Error>> {
    Ok(u64::try_from(file.query_row(sql, [], |row| row.get::<_, i64>(0))?)?)
}

/// What belongs to an issue.
const TABLES: &[&str] = &[
    "issue",
    "issue_users",
    "issue_release",
    "issue_environment",
    "issue_tag",
    "hour",
    "minute",
    "hit",
    "variant",
    "event",
    "event_text",
];
/// The copies are spread over so many hours before the first.
const SPREAD_HOURS: u64 = 60 * 24;
