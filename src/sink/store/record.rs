//! What a batch of entries is in the file: issues and traffic, what is held, and what is to be sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::batch::Batch;
use super::document::{Codec, decode};
use super::outgoing::{self, server};
use super::owner::Owner;
use super::row::UserKey;
use super::trouble::Result;
use crate::issues::{Entry, Moment, Retention, Sighting};
use crate::model::EventId;

/// What a process knows of its own part in a store.
#[derive(Debug)]
pub(super) struct Hand {
    /// Who it is to the others; nobody, where it only looks.
    pub(super) owner: Option<Owner>,
    /// The events that it holds, and that stand in the file.
    held: BTreeSet<EventId>,
    /// Where it sends to.
    pub(super) server: Option<String>,
    /// What is kept from the beginning, whatever is pruned.
    pub(super) keep: Retention,
    /// The issue that forgetting goes on with, where it was not done, and by what.
    pub(super) walked_to: Option<(Retention, i64)>,
}

/// What came of a batch.
pub(super) struct Recorded {
    pub(super) sightings: Vec<Sighting>,
    held: Vec<EventId>,
    ended: Vec<EventId>,
}

impl Hand {
    pub(super) fn new() -> Self {
        Self { owner: None, held: BTreeSet::new(), server: None, keep: Retention::default(), walked_to: None }
    }

    /// As a column holds it.
    pub(super) fn owner(&self) -> i64 {
        self.owner.as_ref().map_or(NOBODY, Owner::key)
    }

    /// Which of the others are gone.
    pub(super) fn gone(&self, others: Vec<i64>) -> BTreeSet<i64> {
        self.owner.as_ref().map(|owner| owner.gone(others)).unwrap_or_default()
    }

    /// Another file stands in the place of the one that it wrote into.
    pub(super) fn begin_anew(&mut self) {
        self.held.clear();
    }

    /// A batch stands in the file for good.
    pub(super) fn committed(&mut self, recorded: &Recorded) {
        recorded.ended.iter().for_each(|id| {
            self.held.remove(id);
        });
        self.held.extend(&recorded.held);
    }
}

/// Records a batch, within a transaction of the caller's.
pub(super) fn record(
    file: &Connection,
    key: UserKey,
    hand: &Hand,
    codec: &mut Codec,
    entries: &[Entry],
    now: Moment,
) -> Result<Recorded> {
    let ends = ends(entries);
    let mut recorded = Recorded { sightings: Vec::new(), held: Vec::new(), ended: Vec::new() };
    let mut batch = Batch::new(file, key, now);
    let server = server(key, hand);
    for (nth, entry) in entries.iter().enumerate() {
        match entry {
            Entry::Held(event) => {
                if ends.get(&event.id).is_none_or(|end| *end < nth) {
                    hold(file, hand.owner(), server, event.id, &codec.encode(event)?)?;
                    recorded.held.push(event.id);
                }
            }
            Entry::Event { event, sent } => {
                let is_others = hand.held.contains(&event.id) && !release(file, event.id)?;
                recorded.ended.push(event.id);
                for place in &event.logged_at {
                    release(file, place.id)?;
                    recorded.ended.push(place.id);
                }
                // Another process took this one for dead: it said nothing for so long. The event is recorded.
                if is_others {
                    continue;
                }
                release(file, event.id)?;
                batch.add(entry)?;
                if let Some(server) = server.filter(|_| *sent) {
                    outgoing::put(file, event.id, hand.owner(), server, &codec.encode(event)?, now)?;
                }
            }
            Entry::Released(ids) => {
                for id in ids {
                    release(file, *id)?;
                    recorded.ended.push(*id);
                }
            }
            Entry::Count(_) | Entry::Hit(_) | Entry::Traffic(_) => batch.add(entry)?,
        }
    }
    recorded.sightings = batch.write(codec, &hand.keep)?;
    Ok(recorded)
}

/// The last entry of the batch by which each event is no longer held: what is held and ended in one batch is not written.
fn ends(entries: &[Entry]) -> BTreeMap<EventId, usize> {
    let mut ends = BTreeMap::new();
    for (nth, entry) in entries.iter().enumerate() {
        match entry {
            Entry::Event { event, .. } => {
                ends.insert(event.id, nth);
                ends.extend(event.logged_at.iter().map(|place| (place.id, nth)));
            }
            Entry::Released(ids) => ends.extend(ids.iter().map(|id| (*id, nth))),
            Entry::Held(_) | Entry::Count(_) | Entry::Hit(_) | Entry::Traffic(_) => {}
        }
    }
    ends
}

/// Records what these owners held when they went, and takes over what they were to send.
pub(super) fn adopt(
    file: &Connection,
    key: UserKey,
    hand: &Hand,
    codec: &mut Codec,
    gone: &BTreeSet<i64>,
    now: Moment,
) -> Result<Vec<Sighting>> {
    let mut batch = Batch::new(file, key, now);
    for owner in gone {
        let mut statement = file.prepare_cached(
            "SELECT id, server, document FROM held WHERE owner = ?1 ORDER BY rowid LIMIT ?2",
        )?;
        let left = statement.query_map(params![owner, ADOPTED_AT_ONCE], |row| {
            Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, Vec<u8>>(2)?))
        })?;
        for (id, server, document) in left.collect::<rusqlite::Result<Vec<_>>>()? {
            let id = EventId::from_bytes(id);
            release(file, id)?;
            let Some(event) = decode(&document).map(Arc::new) else { continue };
            batch.event(&event)?;
            if let Some(server) = server {
                outgoing::put(file, id, *owner, server, &document, now)?;
            }
        }
    }
    if let Some(server) = server(key, hand) {
        outgoing::hand_over(file, gone, server, hand.owner())?;
    }
    batch.write(codec, &hand.keep)
}

fn hold(file: &Connection, owner: i64, server: Option<i64>, id: EventId, document: &[u8]) -> Result<()> {
    file.prepare_cached("INSERT OR REPLACE INTO held (id, owner, server, document) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![id.to_bytes(), owner, server, document])?;
    Ok(())
}

/// An event is held no longer; false where it was not.
fn release(file: &Connection, id: EventId) -> Result<bool> {
    Ok(file.prepare_cached("DELETE FROM held WHERE id = ?1")?.execute([id.to_bytes()])? > 0)
}

/// So many orphans are read at a time, so that a batch does not grow by all that ever was left.
const ADOPTED_AT_ONCE: i64 = 256;
/// The owner of nothing.
const NOBODY: i64 = -1;
