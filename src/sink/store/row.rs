//! How issues stand in their table, and how numbers, releases and users stand in columns.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;
use siphasher::sip::SipHasher24;
use std::hash::Hasher;

use super::document::{level_name, level_of};
use super::trouble::{Result, Trouble};
use crate::issues::{
    Account, Heading, IssueId, IssueKind, Moment, State, Tags, Until, UserCount, Users, identity,
};
use crate::model::{EventId, Fingerprint, User};

/// What users are hashed with: of two stores, no two hashes say that they mean the same person.
#[derive(Clone, Copy)]
pub(super) struct UserKey(pub(super) [u8; 16]);

impl UserKey {
    pub(super) fn random() -> Self {
        Self(EventId::random().to_bytes())
    }

    /// None for a user without any name.
    pub(super) fn hash(&self, user: &User) -> Option<u64> {
        let (part, name) = identity(user)?;
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write(part.as_bytes());
        hasher.write(&[0xff]);
        hasher.write(name.as_bytes());
        Some(hasher.finish())
    }
}

/// By nobody else can the hashes be told.
impl std::fmt::Debug for UserKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UserKey")
    }
}

/// As SQLite holds a number.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// As SQLite holds what is called so.
pub(super) fn key(issue: IssueId) -> i64 {
    issue.0.cast_signed()
}

pub(super) fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<IssueId> {
    Ok(IssueId(row.get::<_, i64>(column)?.cast_unsigned()))
}

pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number = row.get::<_, i64>(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Moment> {
    number(row, column).map(Moment::from_ms)
}

/// As a column holds a release: nothing, where there is none.
pub(super) fn release_name(release: Option<&str>) -> &str {
    match release {
        None => "",
        Some("") => NAMELESS,
        Some(name) => name,
    }
}

pub(super) fn release(mut name: String) -> Option<String> {
    if name == NAMELESS {
        name.clear();
        return Some(name);
    }
    Some(name).filter(|name| !name.is_empty())
}

/// Stands for a release whose name is empty.
const NAMELESS: &str = "\0";

pub(super) fn users(row: &Row<'_>, column: usize) -> rusqlite::Result<Users> {
    let bytes = row.get_ref(column)?.as_blob()?;
    Users::from_bytes(bytes).ok_or_else(|| unreadable(column, "users"))
}

pub(super) fn tags(row: &Row<'_>, column: usize) -> rusqlite::Result<Tags> {
    let text = row.get_ref(column)?.as_str()?;
    Tags::from_json(text).ok_or_else(|| unreadable(column, "tags"))
}

/// The columns that [`account`] reads, in its order.
pub(super) const ACCOUNT: &str = "fingerprint, kind, level, title, culprit, target, file, line, state, until, \
     state_value, regressed, count, tallied, first_seen, last_seen, first_release, last_release, users, users_estimated";

pub(super) fn account(row: &Row<'_>) -> rusqlite::Result<(Account, UserCount)> {
    let heading = Heading {
        fingerprint: fingerprint(row, 0)?,
        kind: kind_of(row, 1)?,
        level: level_of(row.get_ref(2)?.as_str()?),
        title: row.get(3)?,
        culprit: row.get(4)?,
        target: row.get(5)?,
        file: row.get(6)?,
        line: row.get(7)?,
    };
    let account = Account {
        heading,
        state: state_of(row, 8)?,
        regressed: row.get(11)?,
        count: number(row, 12)?,
        tallied: number(row, 13)?,
        first_seen: moment(row, 14)?,
        last_seen: moment(row, 15)?,
        first_release: row.get(16)?,
        last_release: row.get(17)?,
    };
    Ok((account, UserCount { number: number(row, 18)?, is_estimate: row.get(19)? }))
}

pub(super) fn load(file: &Connection, issue: IssueId) -> Result<Option<(Account, UserCount)>> {
    let mut statement = file.prepare_cached(&format!("SELECT {ACCOUNT} FROM issue WHERE id = ?1"))?;
    Ok(statement.query_row([key(issue)], account).optional()?)
}

pub(super) fn load_users(file: &Connection, issue: IssueId) -> Result<Users> {
    let mut statement = file.prepare_cached("SELECT users FROM issue_users WHERE issue = ?1")?;
    Ok(statement.query_row([key(issue)], |row| users(row, 0)).optional()?.unwrap_or_default())
}

pub(super) fn save(file: &Connection, issue: IssueId, account: &Account, users: UserCount) -> Result<()> {
    let Heading { fingerprint, kind, level, title, culprit, target, file: source, line } = &account.heading;
    let (state, until, value) = state_columns(account.state);
    let parts = Value::from(fingerprint.parts()).to_string();
    file.prepare_cached(SAVE)?.execute(params![
        key(issue),
        parts,
        kind_name(*kind),
        level_name(*level),
        title,
        culprit,
        target,
        source,
        line,
        state,
        until,
        value,
        account.regressed,
        int(account.count),
        int(account.tallied),
        int(account.first_seen.ms()),
        int(account.last_seen.ms()),
        account.first_release,
        account.last_release,
        int(users.number),
        users.is_estimate,
        [title.as_str(), culprit, target].join("\n").to_lowercase(),
    ])?;
    Ok(())
}

pub(super) fn save_users(file: &Connection, issue: IssueId, users: &Users) -> Result<()> {
    let mut statement = file.prepare_cached(
        "INSERT INTO issue_users (issue, users) VALUES (?1, ?2)
         ON CONFLICT (issue) DO UPDATE SET users = excluded.users",
    )?;
    statement.execute(params![key(issue), users.to_bytes()])?;
    Ok(())
}

const SAVE: &str = "
    INSERT INTO issue (id, fingerprint, kind, level, title, culprit, target, file, line, state, until, state_value,
        regressed, count, tallied, first_seen, last_seen, first_release, last_release, users, users_estimated, search)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)
    ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, level = excluded.level, title = excluded.title,
        culprit = excluded.culprit, target = excluded.target, file = excluded.file, line = excluded.line,
        state = excluded.state, until = excluded.until, state_value = excluded.state_value,
        regressed = excluded.regressed, count = excluded.count, tallied = excluded.tallied,
        first_seen = excluded.first_seen, last_seen = excluded.last_seen, first_release = excluded.first_release,
        last_release = excluded.last_release, users = excluded.users, users_estimated = excluded.users_estimated,
        search = excluded.search";

fn fingerprint(row: &Row<'_>, column: usize) -> rusqlite::Result<Fingerprint> {
    let parts = serde_json::from_str::<Vec<String>>(row.get_ref(column)?.as_str()?);
    parts.map(Fingerprint::new).map_err(|_| unreadable(column, "a fingerprint"))
}

fn kind_name(kind: IssueKind) -> &'static str {
    match kind {
        IssueKind::Error => "error",
        IssueKind::Panic => "panic",
        IssueKind::Log => "log",
    }
}

fn kind_of(row: &Row<'_>, column: usize) -> rusqlite::Result<IssueKind> {
    match row.get_ref(column)?.as_str()? {
        "error" => Ok(IssueKind::Error),
        "panic" => Ok(IssueKind::Panic),
        "log" => Ok(IssueKind::Log),
        _ => Err(unreadable(column, "a kind of issue")),
    }
}

fn state_columns(state: State) -> (&'static str, Option<&'static str>, Option<i64>) {
    match state {
        State::Unresolved => ("unresolved", None, None),
        State::Resolved { at } => ("resolved", None, Some(int(at.ms()))),
        State::Muted { until: Until::Forever } => ("muted", Some("forever"), None),
        State::Muted { until: Until::Time(at) } => ("muted", Some("time"), Some(int(at.ms()))),
        State::Muted { until: Until::Count(count) } => ("muted", Some("count"), Some(int(count))),
        State::Muted { until: Until::Users(users) } => ("muted", Some("users"), Some(int(users))),
    }
}

/// From three columns.
fn state_of(row: &Row<'_>, column: usize) -> rusqlite::Result<State> {
    let until = row.get::<_, Option<String>>(column + 1)?;
    let state = match (row.get_ref(column)?.as_str()?, until.as_deref()) {
        ("unresolved", _) => State::Unresolved,
        ("resolved", _) => State::Resolved { at: moment(row, column + 2)? },
        ("muted", Some("forever")) => State::Muted { until: Until::Forever },
        ("muted", Some("time")) => State::Muted { until: Until::Time(moment(row, column + 2)?) },
        ("muted", Some("count")) => State::Muted { until: Until::Count(number(row, column + 2)?) },
        ("muted", Some("users")) => State::Muted { until: Until::Users(number(row, column + 2)?) },
        _ => return Err(unreadable(column, "a state")),
    };
    Ok(state)
}

/// No store writes this: a page of another place stands here, or somebody else wrote it.
pub(super) fn unreadable(column: usize, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, format!("no {what} of ours").into())
}

/// What a row of [`meta`](super::schema) holds.
pub(super) fn meta<T: rusqlite::types::FromSql>(file: &Connection, name: &str) -> Result<Option<T>> {
    let mut statement = file.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

pub(super) fn set_meta(file: &Connection, name: &str, value: impl rusqlite::ToSql) -> Result<()> {
    let mut statement = file.prepare_cached(
        "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?;
    statement.execute(params![name, value])?;
    Ok(())
}

pub(super) fn user_key(file: &Connection) -> Result<UserKey> {
    let key = meta::<[u8; 16]>(file, "key")?;
    key.map(UserKey).ok_or_else(|| Trouble::Damaged("the key of its users is gone".to_owned()))
}
