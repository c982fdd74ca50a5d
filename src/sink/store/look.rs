//! Looking at what is in the file. Every question goes along an index; texts are scanned.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::document::decode;
use super::row::{self, ACCOUNT, id, int, key, moment, number, release, release_name, tags, users};
use super::trouble::Result;
use crate::issues::{
    Bucket, Facts, Found, Heading, Issue, IssueId, LineTotal, Moment, NAMED, Only, Query, Sort, Summary,
    Tags, Users, Variant, Window, past_hour,
};
use crate::model::TrackedEvent;

pub(super) fn list(file: &Connection, query: &Query) -> Result<Vec<Summary>> {
    let mut conditions = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    if let Some(only) = query.state {
        conditions.push("state = ?".to_owned());
        values.push(state_name(only).to_owned().into());
    }
    if let Some(release) = &query.release {
        let which = vec![release_name(Some(release)).to_owned().into()];
        conditions.push(among(file, "issue_release", "release = ? AND count > 0", &which)?);
        values.extend(which);
    }
    if let Some(environment) = &query.environment {
        let which = vec![environment.clone().into()];
        conditions.push(among(file, "issue_environment", "environment = ?", &which)?);
        values.extend(which);
    }
    if let Some((tag, value)) = &query.tag {
        let which = vec![tag.clone().into(), value.clone().into()];
        conditions.push(among(file, "issue_tag", "tag = ? AND value = ?", &which)?);
        values.extend(which);
    }
    if let Some(needle) = query.needle() {
        conditions.push(
            "(instr(search, ?) > 0 OR +id IN (SELECT issue FROM event_text WHERE instr(text, ?) > 0))"
                .to_owned(),
        );
        values.extend([needle.clone().into(), needle.into()]);
    }
    let only =
        if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
    let order = match query.sort {
        Sort::LastSeen => "last_seen",
        Sort::Count => "count",
        Sort::Users => "users",
    };
    values.push(query.most.map_or(-1, |most| int(most as u64)).into());
    let sql = format!("SELECT {ACCOUNT} FROM issue {only} ORDER BY {order} DESC, id < 0, id LIMIT ?");
    let mut statement = file.prepare_cached(&sql)?;
    let issues = statement.query_map(params_from_iter(values), |row| {
        let (account, users) = row::account(row)?;
        Ok(account.summary(users))
    })?;
    Ok(issues.collect::<rusqlite::Result<_>>()?)
}

/// The condition that an issue stands in a table. Where few do, they are what is begun with; else issues are gone through
/// in their order, until there are enough.
fn among(file: &Connection, table: &str, which: &str, values: &[Value]) -> Result<String> {
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {which} LIMIT {FEW})");
    let found: i64 =
        file.prepare_cached(&sql)?.query_row(params_from_iter(values.iter().cloned()), |row| row.get(0))?;
    Ok(if found < FEW {
        format!("id IN (SELECT issue FROM {table} WHERE {which})")
    } else {
        format!("EXISTS (SELECT 1 FROM {table} WHERE {table}.issue = issue.id AND {which})")
    })
}

pub(super) fn named(file: &Connection, prefix: &str) -> Result<Vec<IssueId>> {
    let Some(names) = IssueId::beginning(prefix) else { return Ok(Vec::new()) };
    let mut statement =
        file.prepare_cached("SELECT id FROM issue WHERE id BETWEEN ?1 AND ?2 ORDER BY id < 0, id LIMIT ?3")?;
    let (first, last) = (key(*names.start()), key(*names.end()));
    // The upper half of all names is negative as a number.
    let ranges = if first <= last { vec![(first, last)] } else { vec![(first, i64::MAX), (i64::MIN, last)] };
    let mut found = Vec::new();
    for (first, last) in ranges {
        let ids = statement.query_map(params![first, last, int(NAMED as u64)], |row| id(row, 0))?;
        found.extend(ids.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    found.truncate(NAMED);
    Ok(found)
}

pub(super) fn issue(file: &Connection, issue: IssueId) -> Result<Option<Issue>> {
    let Some((account, users)) = row::load(file, issue)? else { return Ok(None) };
    let summary = account.summary(users);
    let Heading { fingerprint, target, file: source, line, .. } = account.heading;
    let kept = file
        .prepare_cached("SELECT count(*) FROM event WHERE issue = ?1")?
        .query_row([key(issue)], |row| number(row, 0))?;
    Ok(Some(Issue {
        summary,
        fingerprint,
        target,
        file: source,
        line,
        tallied: account.tallied,
        buckets: buckets(file, issue)?,
        tags: all_tags(file, issue)?.shares(),
        variants: variants(file, issue)?,
        kept,
        newest: events(file, issue, 1)?.pop(),
    }))
}

/// The newest events that can be read.
pub(super) fn events(file: &Connection, issue: IssueId, most: usize) -> Result<Vec<TrackedEvent>> {
    let mut statement =
        file.prepare_cached("SELECT document FROM event WHERE issue = ?1 ORDER BY time DESC, id DESC")?;
    let mut rows = statement.query([key(issue)])?;
    let mut events = Vec::new();
    while events.len() < most
        && let Some(row) = rows.next()?
    {
        events.extend(decode(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?));
    }
    Ok(events)
}

pub(super) fn facts(file: &Connection, issue: IssueId, now: Moment) -> Result<Option<Facts>> {
    let Some((account, users)) = row::load(file, issue)? else { return Ok(None) };
    let window = Window::of(&account, &buckets(file, issue)?, &releases(file)?, now);
    let name = release_name(window.release.as_deref());
    let minutes = past_hour(now);
    let hours = (int(*window.hours.start()), int(*window.hours.end()));
    let past_hour = file
        .prepare_cached(
            "SELECT ifnull(sum(count), 0) FROM minute WHERE issue = ?1 AND minute BETWEEN ?2 AND ?3",
        )?
        .query_row(params![key(issue), int(*minutes.start()), int(*minutes.end())], |row| number(row, 0))?;
    let found = Found {
        past_hour,
        users,
        hit: merged(
            file,
            "SELECT users FROM hit WHERE issue = ?1 AND release = ?2 AND hour BETWEEN ?3 AND ?4",
            params![key(issue), name, hours.0, hours.1],
        )?,
        seen: merged(
            file,
            "SELECT users FROM traffic WHERE release = ?1 AND hour BETWEEN ?2 AND ?3",
            params![name, hours.0, hours.1],
        )?,
        events: file
            .prepare_cached("SELECT tags FROM issue_release WHERE issue = ?1 AND release = ?2")?
            .query_row(params![key(issue), name], |row| tags(row, 0))
            .optional()?
            .unwrap_or_default(),
        lanes: file
            .prepare_cached("SELECT tags FROM release WHERE name = ?1")?
            .query_row([name], |row| tags(row, 0))
            .optional()?
            .unwrap_or_default(),
    };
    Ok(Some(window.facts(&account, found)))
}

pub(super) fn lines(file: &Connection) -> Result<Vec<LineTotal>> {
    let mut statement = file.prepare_cached(
        "SELECT target, file, line, count, last_seen FROM line ORDER BY count DESC, target, file, line",
    )?;
    let lines = statement.query_map([], |row| {
        Ok(LineTotal {
            target: row.get(0)?,
            file: row.get(1)?,
            line: row.get(2)?,
            count: number(row, 3)?,
            last_seen: moment(row, 4)?,
        })
    })?;
    Ok(lines.collect::<rusqlite::Result<_>>()?)
}

fn buckets(file: &Connection, issue: IssueId) -> Result<Vec<Bucket>> {
    let mut statement = file.prepare_cached(
        "SELECT hour, is_day, release, environment, count FROM hour WHERE issue = ?1
         ORDER BY hour, is_day, release, environment",
    )?;
    let buckets = statement.query_map([key(issue)], |row| {
        Ok(Bucket {
            hour: number(row, 0)?,
            is_day: row.get(1)?,
            release: release(row.get(2)?),
            environment: row.get(3)?,
            count: number(row, 4)?,
        })
    })?;
    Ok(buckets.collect::<rusqlite::Result<_>>()?)
}

fn all_tags(file: &Connection, issue: IssueId) -> Result<Tags> {
    let mut statement =
        file.prepare_cached("SELECT tags FROM issue_release WHERE issue = ?1 ORDER BY release")?;
    let mut all = Tags::default();
    for of_release in statement.query_map([key(issue)], |row| tags(row, 0))? {
        all.merge(&of_release?);
    }
    Ok(all)
}

fn variants(file: &Connection, issue: IssueId) -> Result<Vec<Variant>> {
    let mut statement = file.prepare_cached(
        "SELECT label, count, last_seen FROM variant WHERE issue = ?1 ORDER BY count DESC, label",
    )?;
    let variants = statement.query_map([key(issue)], |row| {
        Ok(Variant { label: row.get(0)?, count: number(row, 1)?, last_seen: moment(row, 2)? })
    })?;
    Ok(variants.collect::<rusqlite::Result<_>>()?)
}

/// The releases that have a name, and when each was first seen.
fn releases(file: &Connection) -> Result<BTreeMap<String, Moment>> {
    let mut statement = file.prepare_cached("SELECT name, first_seen FROM release WHERE name <> ''")?;
    let releases =
        statement.query_map([], |row| Ok((release(row.get(0)?).unwrap_or_default(), moment(row, 1)?)))?;
    Ok(releases.collect::<rusqlite::Result<_>>()?)
}

fn merged(file: &Connection, sql: &str, of: impl rusqlite::Params) -> Result<Users> {
    let mut all = Users::default();
    for part in file.prepare_cached(sql)?.query_map(of, |row| users(row, 0))? {
        all.merge(&part?);
    }
    Ok(all)
}

fn state_name(only: Only) -> &'static str {
    match only {
        Only::Unresolved => "unresolved",
        Only::Resolved => "resolved",
        Only::Muted => "muted",
    }
}

/// So many rows are read faster than an index is gone through in the hope to meet them.
const FEW: i64 = 2_000;
