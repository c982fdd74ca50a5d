//! Forgetting, in steps of one short transaction each, so that others get their turn.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::batch::days;
use super::outgoing::remove_oldest;
use super::page::{forget_beyond, forget_event};
use super::row::{id, int, key};
use super::trouble::Result;
use super::{Access, Store};
use crate::issues::{Fault, Horizon, IssueId, Moment, Pruned, Retention};
use crate::limits::STORE_PRUNE;

/// Forgets what it can in [`STORE_PRUNE`], or all that is to be forgotten where somebody waits for that.
pub(super) fn prune(store: &mut Store, keep: &Retention, now: Moment) -> Result<Pruned, Fault> {
    let turn = Turn::of(store.access);
    let mut pruned = Pruned { is_more: true, ..Pruned::default() };
    let horizon = store.change(|file| Ok(days(file)?.horizon(keep, now)))?;
    if let Some(Horizon { age, .. }) = horizon {
        loop {
            let events = store.change(|file| forget_old_events(file, age))?;
            pruned.events += events;
            match events {
                0 => break,
                _ if turn.is_over() => return Ok(pruned),
                _ => {}
            }
        }
    }
    let left = store.hand.walked_to.take_if(|(by, _)| by == keep);
    let mut next = Some(left.map_or(i64::MIN, |(_, from)| from));
    while let Some(from) = next {
        let step = store.change(|file| walk(file, from, keep, horizon))?;
        pruned.events += step.events;
        pruned.buckets += step.buckets;
        next = step.next;
        if let Some(from) = next
            && turn.is_over()
        {
            store.hand.walked_to = Some((keep.clone(), from));
            return Ok(pruned);
        }
    }
    if let Some(Horizon { age, .. }) = horizon {
        loop {
            let (issues, events) = store.change(|file| forget_oldest_issues(file, age))?;
            pruned.issues += issues;
            pruned.events += events;
            match issues {
                0 => break,
                _ if turn.is_over() => return Ok(pruned),
                _ => {}
            }
        }
        store.change(|file| forget_traffic(file, age))?;
    }
    let beyond = store.shrink(keep.bytes, now, turn)?;
    store.give_back()?;
    Ok(Pruned {
        events: pruned.events + beyond.events,
        issues: pruned.issues + beyond.issues,
        is_more: beyond.is_more,
        ..pruned
    })
}

/// How long it may take.
#[derive(Clone, Copy)]
struct Turn(Option<Instant>);

impl Turn {
    fn of(access: Access) -> Self {
        Self(match access {
            Access::Program => Instant::now().checked_add(STORE_PRUNE),
            Access::Command => None,
        })
    }

    fn is_over(self) -> bool {
        self.0.is_some_and(|end| Instant::now() >= end)
    }
}

impl Store {
    /// Makes room where the file has grown beyond what it may take. What cannot be done now is done with the next batch.
    pub(super) fn stay_within_bytes(&mut self, now: Moment) {
        let most = self.hand.keep.bytes;
        if self.look(|file| Ok(bytes(file)? > most)) == Ok(true) {
            let _ = self.shrink(most, now, Turn::of(self.access));
        }
    }

    /// Forgets the oldest events until the file takes no more than this, then the issues not seen for longest, with their
    /// totals. What was seen a moment ago stays, and the file is larger for so long.
    fn shrink(&mut self, most: u64, now: Moment, turn: Turn) -> Result<Pruned, Fault> {
        let mut pruned = Pruned::default();
        loop {
            let step = self.change(|file| {
                if bytes(file)? <= most {
                    return Ok(None);
                }
                let events = forget_oldest_events(file)?;
                let sent = if events == 0 { remove_oldest(file, STEP)? } else { 0 };
                let (issues, of_issues) =
                    if events + sent == 0 { forget_oldest_issues(file, now.before(RECENT))? } else { (0, 0) };
                Ok(Some((events + of_issues, sent, issues)))
            })?;
            let Some((events, sent, issues)) = step else { break };
            pruned.events += events;
            pruned.issues += issues;
            self.fallen += sent;
            let has_shrunk = self.give_back()?;
            if events + sent + issues == 0 && !has_shrunk {
                break;
            }
            if turn.is_over() {
                pruned.is_more = true;
                break;
            }
        }
        Ok(pruned)
    }

    /// Gives the room of what was forgotten back to the disk; false where there is none.
    fn give_back(&mut self) -> Result<bool, Fault> {
        self.with_file(|store| {
            let Some(file) = &store.file else { return Ok(false) };
            let free = pragma(&file.connection, "freelist_count")?;
            // Not in a transaction of its own making: SQLite moves pages, and each step of the statement is some of it. A bit
            // at a time, since all that are moved by one statement are held in memory until it is done.
            let mut statement = file.connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
            Ok(free > 0)
        })
    }
}

/// What the file takes, its log aside, with what is free in it.
fn bytes(file: &Connection) -> Result<u64> {
    Ok(pragma(file, "page_count")?.saturating_mul(pragma(file, "page_size")?))
}

fn pragma(file: &Connection, name: &str) -> Result<u64> {
    let number = file.pragma_query_value(None, name, |row| row.get::<_, i64>(0))?;
    Ok(u64::try_from(number).unwrap_or_default())
}

fn forget_old_events(file: &Connection, age: Moment) -> Result<u64> {
    let mut statement = file.prepare_cached("SELECT seq FROM event WHERE time < ?1 LIMIT ?2")?;
    let old = statement
        .query_map([int(age.ms()), STEP], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    old.iter().try_for_each(|seq| forget_event(file, *seq))?;
    Ok(old.len() as u64)
}

fn forget_oldest_events(file: &Connection) -> Result<u64> {
    let mut statement = file.prepare_cached("SELECT seq FROM event ORDER BY time LIMIT ?1")?;
    let old = statement.query_map([STEP], |row| row.get(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    old.iter().try_for_each(|seq| forget_event(file, *seq))?;
    Ok(old.len() as u64)
}

/// Some of the issues last seen before, those not seen for longest first. How many, and of how many events.
fn forget_oldest_issues(file: &Connection, before: Moment) -> Result<(u64, u64)> {
    let before = int(before.ms());
    let mut statement =
        file.prepare_cached("SELECT id FROM issue WHERE last_seen < ?1 ORDER BY last_seen LIMIT ?2")?;
    let old =
        statement.query_map([before, ISSUES], |row| id(row, 0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut events = 0;
    for issue in &old {
        events += forget_issue(file, *issue)?;
    }
    Ok((old.len() as u64, events))
}

/// Forgets an issue, and says how many events of it were kept.
fn forget_issue(file: &Connection, issue: IssueId) -> Result<u64> {
    file.prepare_cached("DELETE FROM event_text WHERE event IN (SELECT seq FROM event WHERE issue = ?1)")?
        .execute([key(issue)])?;
    let events = file.prepare_cached("DELETE FROM event WHERE issue = ?1")?.execute([key(issue)])?;
    for table in OF_ISSUES {
        file.prepare_cached(&format!("DELETE FROM {table} WHERE issue = ?1"))?.execute([key(issue)])?;
    }
    file.prepare_cached("DELETE FROM issue WHERE id = ?1")?.execute([key(issue)])?;
    Ok(events as u64)
}

/// What was done to some issues, and where to go on.
struct Walked {
    events: u64,
    buckets: u64,
    next: Option<i64>,
}

/// Of some issues, forgets the events beyond what is kept, and puts old counts together.
fn walk(file: &Connection, from: i64, keep: &Retention, horizon: Option<Horizon>) -> Result<Walked> {
    // What was not seen for so long is forgotten as a whole.
    let age = int(horizon.map_or(0, |horizon| horizon.age.ms()));
    let mut statement =
        file.prepare_cached("SELECT id FROM issue WHERE id >= ?1 AND last_seen >= ?2 ORDER BY id LIMIT ?3")?;
    let issues =
        statement.query_map([from, age, ISSUES], |row| id(row, 0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut walked = Walked { events: 0, buckets: 0, next: None };
    for issue in &issues {
        walked.events += forget_beyond(file, *issue, keep)?;
        if let Some(Horizon { hourly, .. }) = horizon {
            walked.buckets += fold(file, *issue, hourly)?;
        }
        walked.next = key(*issue).checked_add(1);
    }
    Ok(walked)
}

/// Puts counts of hours before this one together by day, and says of how many hours.
fn fold(file: &Connection, issue: IssueId, before: u64) -> Result<u64> {
    let of = params![key(issue), int(before)];
    file.prepare_cached(
        "INSERT INTO hour (issue, is_day, hour, release, environment, count)
         SELECT issue, 1, hour - hour % 24, release, environment, sum(count) FROM hour
             WHERE issue = ?1 AND is_day = 0 AND hour < ?2 GROUP BY 3, release, environment
         ON CONFLICT DO UPDATE SET count = count + excluded.count",
    )?
    .execute(of)?;
    let folded =
        file.prepare_cached("DELETE FROM hour WHERE issue = ?1 AND is_day = 0 AND hour < ?2")?.execute(of)?;
    Ok(folded as u64)
}

/// Forgets what is known of lanes of before. That a release was there is not forgotten.
fn forget_traffic(file: &Connection, age: Moment) -> Result<()> {
    file.prepare_cached("DELETE FROM traffic WHERE hour < ?1")?.execute([int(age.hour())])?;
    file.prepare_cached("DELETE FROM line WHERE last_seen < ?1")?.execute([int(age.ms())])?;
    file.prepare_cached("UPDATE release SET lanes = 0, tags = ?2 WHERE last_seen < ?1 AND lanes > 0")?
        .execute(params![int(age.ms()), crate::issues::Tags::default().to_json()])?;
    Ok(())
}

/// What is known of an issue besides its row and its events.
const OF_ISSUES: &[&str] =
    &["issue_users", "issue_release", "issue_environment", "issue_tag", "hour", "minute", "hit", "variant"];
/// An issue that was seen within so long is not forgotten for want of room.
const RECENT: Duration = Duration::from_secs(60 * 60);
/// Events that are forgotten in one step.
const STEP: i64 = 200;
/// Pages that are given back in one step.
const PAGES: u32 = 1_000;
/// Issues that are gone through in one step.
const ISSUES: i64 = 100;
