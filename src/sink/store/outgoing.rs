//! What is still to be sent: whose it is to send, and where to.
//!
//! An event is put in by the transaction that records it, and taken out when nobody will send it any more.

use std::collections::BTreeSet;
use std::hash::Hasher;

use rusqlite::{Connection, OptionalExtension, params};
use siphasher::sip::SipHasher24;

use super::Store;
use super::document::decode;
use super::record::Hand;
use super::row::{UserKey, int, number};
use super::trouble::Result;
use crate::issues::{Fault, Moment, Outgoing, Waiting};
use crate::limits::{STORED_OUTBOX_BYTES, STORED_OUTBOX_DAYS};
use crate::model::EventId;

impl Outgoing for Store {
    fn send_to(&mut self, url: &str) {
        self.hand.server = Some(url.to_owned());
    }

    fn waiting(&mut self, most: usize, skip: &dyn Fn(EventId) -> bool) -> Result<Vec<Waiting>, Fault> {
        let Some(server) = self.server() else { return Ok(Vec::new()) };
        let owner = self.hand.owner();
        self.look(|file| {
            let mut statement = file
                .prepare_cached("SELECT seq, id FROM outbox WHERE owner = ?1 AND server = ?2 ORDER BY seq")?;
            let mut rows = statement.query(params![owner, server])?;
            let mut waiting = Vec::new();
            while waiting.len() < most
                && let Some(row) = rows.next()?
            {
                let id = EventId::from_bytes(row.get(1)?);
                if !skip(id) {
                    waiting.push(Waiting {
                        id,
                        event: document(file, row.get(0)?)?.and_then(|bytes| decode(&bytes)),
                    });
                }
            }
            Ok(waiting)
        })
    }

    fn settle(&mut self, ids: &[EventId]) -> Result<(), Fault> {
        self.change(|file| {
            ids.iter().try_for_each(|id| {
                let mut statement = file.prepare_cached("SELECT seq FROM outbox WHERE id = ?1")?;
                let rows = statement.query_map([id.to_bytes()], |row| row.get(0))?;
                let seqs = rows.collect::<rusqlite::Result<Vec<i64>>>()?;
                seqs.into_iter().try_for_each(|seq| remove(file, seq))
            })
        })
    }

    fn give_up(&mut self, skip: &dyn Fn(EventId) -> bool, now: Moment) -> Result<u64, Fault> {
        let others = self.look(owners)?;
        let owner = self.hand.owner();
        let mut ours = self.hand.gone(others);
        ours.insert(owner);
        let old = now.before(std::time::Duration::from_secs(STORED_OUTBOX_DAYS * 24 * 60 * 60));
        let beyond = |file: &Connection| {
            let mut left = total(file)?;
            let mut statement =
                file.prepare_cached("SELECT seq, id, owner, time, bytes FROM outbox ORDER BY seq")?;
            let mut rows = statement.query([])?;
            let mut beyond = Vec::new();
            while let Some(row) = rows.next()? {
                let (bytes, time) = (number(row, 4)?, row.get::<_, i64>(3)?);
                let is_ours = ours.contains(&row.get(2)?) && !skip(EventId::from_bytes(row.get(1)?));
                if is_ours && (left > STORED_OUTBOX_BYTES || time < int(old.ms())) {
                    left = left.saturating_sub(bytes);
                    beyond.push(row.get::<_, i64>(0)?);
                }
            }
            Ok(beyond)
        };
        let fallen = std::mem::take(&mut self.fallen);
        if self.look(beyond)?.is_empty() {
            return Ok(fallen);
        }
        let given_up = self.change(|file| {
            let beyond = beyond(file)?;
            beyond.iter().try_for_each(|seq| remove(file, *seq))?;
            Ok(beyond.len() as u64)
        })?;
        Ok(fallen + given_up)
    }
}

impl Store {
    fn server(&self) -> Option<i64> {
        server(self.file.as_ref()?.key, &self.hand)
    }
}

/// Where a process sends to, as a column holds it: of two stores, no two say that they mean the same server.
pub(super) fn server(key: UserKey, hand: &Hand) -> Option<i64> {
    let mut hasher = SipHasher24::new_with_key(&key.0);
    hasher.write(b"server\xff");
    hasher.write(hand.server.as_ref()?.as_bytes());
    Some(hasher.finish().cast_signed())
}

/// Puts an event in.
pub(super) fn put(
    file: &Connection,
    id: EventId,
    owner: i64,
    server: i64,
    document: &[u8],
    now: Moment,
) -> Result<()> {
    file.prepare_cached("INSERT INTO outbox (id, owner, server, time, bytes) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![id.to_bytes(), owner, server, int(now.ms()), int(document.len() as u64)])?;
    file.prepare_cached("INSERT INTO outbox_document (seq, document) VALUES (?1, ?2)")?
        .execute(params![file.last_insert_rowid(), document])?;
    Ok(())
}

/// What these owners left for that server is another one's to send.
pub(super) fn hand_over(file: &Connection, from: &BTreeSet<i64>, server: i64, to: i64) -> Result<()> {
    let mut statement =
        file.prepare_cached("UPDATE outbox SET owner = ?1 WHERE owner = ?2 AND server = ?3")?;
    from.iter().try_for_each(|owner| statement.execute(params![to, owner, server]).map(drop))?;
    Ok(())
}

/// Takes out the oldest, so many at the most; how many that were.
pub(super) fn remove_oldest(file: &Connection, most: i64) -> Result<u64> {
    let mut statement = file.prepare_cached("SELECT seq FROM outbox ORDER BY seq LIMIT ?1")?;
    let oldest = statement.query_map([most], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    oldest.iter().try_for_each(|seq| remove(file, *seq))?;
    Ok(oldest.len() as u64)
}

/// Whoever has, or had, something in the file that is to be sent or is held.
pub(super) fn owners(file: &Connection) -> Result<Vec<i64>> {
    let mut statement = file.prepare_cached("SELECT owner FROM outbox UNION SELECT owner FROM held")?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

fn document(file: &Connection, seq: i64) -> Result<Option<Vec<u8>>> {
    let mut statement = file.prepare_cached("SELECT document FROM outbox_document WHERE seq = ?1")?;
    Ok(statement.query_row([seq], |row| row.get(0)).optional()?)
}

fn remove(file: &Connection, seq: i64) -> Result<()> {
    file.prepare_cached("DELETE FROM outbox WHERE seq = ?1")?.execute([seq])?;
    file.prepare_cached("DELETE FROM outbox_document WHERE seq = ?1")?.execute([seq])?;
    Ok(())
}

fn total(file: &Connection) -> Result<u64> {
    Ok(file
        .prepare_cached("SELECT ifnull(sum(bytes), 0) FROM outbox")?
        .query_row([], |row| number(row, 0))?)
}
