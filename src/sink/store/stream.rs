//! Events in the order in which they were recorded, and by their ids: for the command, which follows a file that others write.

use rusqlite::{OptionalExtension, params};

use super::document::decode;
use super::row::int;
use super::trouble::{Result, Trouble};
use super::{File, Store};
use crate::issues::{Fault, NAMED};
use crate::model::TrackedEvent;

/// A place in the order in which events were recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark(i64);

impl Store {
    /// Where the newest `back` events begin.
    pub(crate) fn mark(&self, back: usize) -> Result<Mark, Fault> {
        self.look(|file| {
            let newest = "SELECT seq FROM event ORDER BY seq DESC LIMIT 1 OFFSET ?1";
            let mark =
                file.prepare_cached(newest)?.query_row([int(back as u64)], |row| row.get(0)).optional()?;
            Ok(Mark(mark.unwrap_or_default()))
        })
    }

    /// How often all issues came, whatever is kept of it; beyond 2^53 about so often.
    pub(crate) fn occurrences(&self) -> Result<u64, Fault> {
        self.look(|file| {
            let all = "SELECT CAST(total(count) AS INTEGER) FROM issue";
            let count: i64 = file.prepare_cached(all)?.query_row([], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        })
    }

    /// Events that were recorded behind a mark, in that order, so many at the most, each with its own mark. What cannot be
    /// read is passed over.
    pub(crate) fn recorded(&self, behind: Mark, most: usize) -> Result<Vec<(Mark, TrackedEvent)>, Fault> {
        // Another file's order is another one.
        if !self.file.as_ref().is_some_and(|file: &File| file.is_in_place(&self.path)) {
            return Err(Trouble::Moved.into());
        }
        self.look(|file| {
            let mut statement =
                file.prepare_cached("SELECT seq, document FROM event WHERE seq > ?1 ORDER BY seq")?;
            let mut rows = statement.query([behind.0])?;
            let mut events = Vec::new();
            while events.len() < most
                && let Some(row) = rows.next()?
            {
                let document = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
                events.extend(decode(document).map(|event| Ok((Mark(row.get(0)?), event))));
            }
            events.into_iter().collect()
        })
    }

    /// The kept events whose ids begin so, [`NAMED`] at the most. A whole id is also that of a line which became part of an
    /// event of another id; to find such a one takes reading all of them.
    pub(crate) fn called(&self, prefix: &str) -> Result<Vec<TrackedEvent>, Fault> {
        let digits = prefix.to_ascii_lowercase();
        let Some((first, last)) = bounds(&digits) else { return Ok(Vec::new()) };
        let found: Vec<TrackedEvent> = self.look(|file| {
            let mut statement =
                file.prepare_cached("SELECT document FROM event WHERE id BETWEEN ?1 AND ?2 LIMIT ?3")?;
            let documents = statement
                .query_map(params![first.as_slice(), last.as_slice(), int(NAMED as u64)], |row| {
                    row.get::<_, Vec<u8>>(0)
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(documents.iter().filter_map(|document| decode(document)).collect())
        })?;
        if found.is_empty() && digits.len() == ID_DIGITS { self.part_of(&digits) } else { Ok(found) }
    }

    /// The event that the line of that id became part of.
    fn part_of(&self, id: &str) -> Result<Vec<TrackedEvent>, Fault> {
        self.look(|file| {
            let mut statement = file.prepare_cached("SELECT document FROM event ORDER BY seq DESC")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let event = decode(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
                let is_it =
                    |event: &TrackedEvent| event.logged_at.iter().any(|line| line.id.to_string() == id);
                if let Some(event) = event.filter(is_it) {
                    return Ok(vec![event]);
                }
            }
            Ok(Vec::new())
        })
    }
}

/// The first and the last id that begins so; None where none does.
fn bounds(digits: &str) -> Option<([u8; 16], [u8; 16])> {
    let is_beginning = digits.len() <= ID_DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let id = |filled: char| {
        let whole: String = digits.chars().chain(std::iter::repeat(filled)).take(ID_DIGITS).collect();
        u128::from_str_radix(&whole, 16).ok().map(u128::to_be_bytes)
    };
    is_beginning.then_some((id('0')?, id('f')?))
}

const ID_DIGITS: usize = 32;
