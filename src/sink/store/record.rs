//! What a batch of entries is in the file: issues and traffic, what is held, and what is to be sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::batch::Batch;
use super::document::{Codec, decode};
use super::row::{UserKey, int};
use super::trouble::Result;
use crate::issues::{Entry, Moment, Retention, Sighting};
use crate::limits::{STORE_ADOPT, STORE_ADOPTED};
use crate::model::{EventId, TrackedEvent};

/// What a process knows of its own part in a store.
#[derive(Debug)]
pub(super) struct Hand {
    /// By what others tell its held events from their own.
    owner: i64,
    /// The events that it holds, and that stand in the file.
    held: BTreeSet<EventId>,
    /// When it looked last for events that another process held and left.
    adopted: Option<Moment>,
    /// Whether those are to be sent.
    pub(super) sends: bool,
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
    adopted: bool,
}

impl Hand {
    pub(super) fn new() -> Self {
        let owner = i64::from_le_bytes(EventId::random().random_bits().to_le_bytes());
        Self {
            owner,
            held: BTreeSet::new(),
            adopted: None,
            sends: false,
            keep: Retention::default(),
            walked_to: None,
        }
    }

    /// Another file stands in the place of the one that it wrote into.
    pub(super) fn begin_anew(&mut self) {
        self.held.clear();
        self.adopted = None;
    }

    /// A batch stands in the file for good.
    pub(super) fn committed(&mut self, recorded: &Recorded, now: Moment) {
        recorded.ended.iter().for_each(|id| {
            self.held.remove(id);
        });
        self.held.extend(&recorded.held);
        if recorded.adopted {
            self.adopted = Some(now);
        }
    }

    /// Whether it is time to look for what others left; where the clock went back, it is.
    fn looks_around(&self, now: Moment) -> bool {
        self.adopted.is_none_or(|last| now.since(last) >= STORE_ADOPT || now < last)
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
    let mut recorded = Recorded {
        sightings: Vec::new(),
        held: Vec::new(),
        ended: Vec::new(),
        adopted: hand.looks_around(now),
    };
    let mut batch = Batch::new(file, key);
    if recorded.adopted {
        adopt(file, hand, codec, &mut batch, now)?;
    }
    for (nth, entry) in entries.iter().enumerate() {
        match entry {
            Entry::Held(event) => {
                if ends.get(&event.id).is_none_or(|end| *end < nth) {
                    hold(file, hand, event.id, &codec.encode(event)?, now)?;
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
                // Another process took this one for dead: it stood still for so long. The event is recorded.
                if is_others {
                    continue;
                }
                release(file, event.id)?;
                batch.add(entry)?;
                if *sent {
                    send(file, codec, event)?;
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

/// Records what a process held that has not been heard of since: it died before it could let go.
fn adopt(
    file: &Connection,
    hand: &Hand,
    codec: &mut Codec,
    batch: &mut Batch<'_>,
    now: Moment,
) -> Result<()> {
    let (recent, ahead) = (now.before(STORE_ADOPTED), now.after(STORE_ADOPTED));
    let mut statement = file.prepare_cached(
        "SELECT id, document FROM held WHERE owner <> ?1 AND (time < ?2 OR time > ?3) ORDER BY time LIMIT ?4",
    )?;
    let of = params![hand.owner, int(recent.ms()), int(ahead.ms()), ADOPTED_AT_ONCE];
    let left = statement.query_map(of, |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    for (id, document) in left.collect::<rusqlite::Result<Vec<_>>>()? {
        release(file, EventId::from_bytes(id))?;
        let Some(event) = decode(&document).map(Arc::new) else { continue };
        batch.event(&event)?;
        if hand.sends {
            send(file, codec, &event)?;
        }
    }
    Ok(())
}

fn hold(file: &Connection, hand: &Hand, id: EventId, document: &[u8], now: Moment) -> Result<()> {
    file.prepare_cached("INSERT OR REPLACE INTO held (id, owner, time, document) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![id.to_bytes(), hand.owner, int(now.ms()), document])?;
    Ok(())
}

/// An event is held no longer; false where it was not.
fn release(file: &Connection, id: EventId) -> Result<bool> {
    Ok(file.prepare_cached("DELETE FROM held WHERE id = ?1")?.execute([id.to_bytes()])? > 0)
}

fn send(file: &Connection, codec: &mut Codec, event: &TrackedEvent) -> Result<()> {
    file.prepare_cached("INSERT INTO outbox (id, time, document) VALUES (?1, ?2, ?3)")?.execute(params![
        event.id.to_bytes(),
        int(Moment::of(event.time).ms()),
        codec.encode(event)?
    ])?;
    Ok(())
}

/// So many orphans are read at a time, so that a batch does not grow by all that ever was left.
const ADOPTED_AT_ONCE: i64 = 256;
