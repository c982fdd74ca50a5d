//! What waits to be recorded, in its order.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::issues::{Count, Entry, Of, Traffic, identity};
use crate::ledger::Receipt;
use crate::limits::{BOOK_BATCH, BOOK_WAITING_BYTES, BOOK_WAITING_HITS, BOOK_WAITING_NAMES};
use crate::model::{EventId, Fingerprint, TrackedEvent};

/// Entries, and the receipts of the events among them.
#[derive(Debug, Default)]
pub(super) struct Batch {
    entries: Vec<Entry>,
    kept: Vec<Kept>,
    /// Of the events, about; None where nobody asks, since to count them takes as long as to copy them.
    bytes: Option<usize>,
    /// How many entries there were when they were put together last.
    compacted: usize,
}

/// What found no room in a batch.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    /// Events that were let go: the oldest.
    pub(super) events: Vec<Kept>,
    /// Users, values of tags, and hits that nobody will be told of.
    pub(super) uncounted: usize,
}

/// An event in a batch.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) event: Arc<TrackedEvent>,
    pub(super) receipt: Receipt,
}

impl Batch {
    /// An event that is held.
    pub(super) fn hold(&mut self, event: &Arc<TrackedEvent>) {
        self.add_size(event);
        self.entries.push(Entry::Held(Arc::clone(event)));
    }

    /// An event that is let go.
    pub(super) fn event(&mut self, kept: Kept, sent: bool) {
        self.add_size(&kept.event);
        self.entries.push(Entry::Event { event: Arc::clone(&kept.event), sent });
        self.kept.push(kept);
    }

    /// Anything else.
    pub(super) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// The first so many, or all where there are fewer.
    pub(super) fn first(&self, most: usize) -> &[Entry] {
        self.entries.get(..most).unwrap_or(&self.entries)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn has_counts(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry, Entry::Count(_)))
    }

    pub(super) fn is_large(&self) -> bool {
        self.entries.len() >= BOOK_BATCH
    }

    /// While it waits, it has grown so much that it should be looked at for what it can do without.
    pub(super) fn has_grown(&self) -> bool {
        self.bytes.is_none_or(|bytes| bytes > BOOK_WAITING_BYTES)
            || self.entries.len() >= 2 * self.compacted + BOOK_BATCH
    }

    /// Takes the first so many entries out, or all where there are fewer, and gives out the events among them.
    pub(super) fn take(&mut self, most: usize) -> Vec<Kept> {
        let mut events = 0;
        for entry in self.entries.drain(..most.min(self.entries.len())) {
            events += usize::from(matches!(entry, Entry::Event { .. }));
        }
        self.bytes = None;
        self.compacted = self.compacted.min(self.entries.len());
        // They stand in the order of their entries.
        self.kept.drain(..events.min(self.kept.len())).collect()
    }

    /// Makes it as small as it can be without a count being lost, and takes out what is beyond its bounds.
    pub(super) fn shrink(&mut self) -> Beyond {
        self.forget_ended();
        let uncounted = self.compact() + self.surplus_hits();
        let events = self.surplus();
        self.compacted = self.entries.len();
        Beyond { events, uncounted }
    }

    fn add_size(&mut self, event: &TrackedEvent) {
        self.bytes = self.bytes.map(|bytes| bytes.saturating_add(size(event)));
    }

    /// What is held no longer need not be told of as held.
    fn forget_ended(&mut self) {
        let mut ended: HashSet<EventId> = HashSet::new();
        for entry in &self.entries {
            match entry {
                Entry::Event { event, .. } => {
                    ended.insert(event.id);
                    ended.extend(event.logged_at.iter().map(|place| place.id));
                }
                Entry::Released(ids) => ended.extend(ids),
                Entry::Held(_) | Entry::Count(_) | Entry::Hit(_) | Entry::Traffic(_) => {}
            }
        }
        self.entries.retain(|entry| !matches!(entry, Entry::Held(event) if ended.contains(&event.id)));
    }

    /// Takes out the oldest events, where those that wait take too many bytes.
    fn surplus(&mut self) -> Vec<Kept> {
        let events = self.entries.iter().filter_map(|entry| match entry {
            Entry::Held(event) | Entry::Event { event, .. } => Some((event.id, size(event))),
            _ => None,
        });
        let events: Vec<(EventId, usize)> = events.collect();
        let mut bytes = events.iter().map(|(_, size)| size).sum::<usize>();
        let mut gone: Vec<EventId> = Vec::new();
        for (id, size) in events {
            if bytes <= BOOK_WAITING_BYTES {
                break;
            }
            bytes = bytes.saturating_sub(size);
            gone.push(id);
        }
        self.bytes = Some(bytes);
        if gone.is_empty() {
            return Vec::new();
        }
        let mut left = gone.len();
        self.entries.retain(|entry| match entry {
            Entry::Held(_) | Entry::Event { .. } if left > 0 => {
                left -= 1;
                false
            }
            _ => true,
        });
        // What is held comes again when it is let go: only those that were are out of their receipts.
        let waiting = |id: &EventId| {
            self.entries.iter().any(|entry| matches!(entry, Entry::Event { event, .. } if event.id == *id))
        };
        let lost: Vec<EventId> = gone.into_iter().filter(|id| !waiting(id)).collect();
        self.kept.extract_if(.., |kept| lost.contains(&kept.event.id)).collect()
    }

    /// Takes out the oldest hits, where there are too many, and says how many they were.
    fn surplus_hits(&mut self) -> usize {
        let is_hit = |entry: &Entry| matches!(entry, Entry::Hit(_));
        let hits = self.entries.iter().filter(|entry| is_hit(entry)).count();
        let surplus = hits.saturating_sub(BOOK_WAITING_HITS);
        let mut left = surplus;
        self.entries.retain(|entry| {
            let is_surplus = left > 0 && is_hit(entry);
            left -= usize::from(is_surplus);
            !is_surplus
        });
        surplus
    }

    /// Puts counts of one issue or line, hour, release and environment together, and lanes of one hour and release, so that
    /// they take no more room the longer they wait. Says how many users and values of tags found no room.
    fn compact(&mut self) -> usize {
        let mut counts: HashMap<Key, usize> = HashMap::new();
        let mut lanes: HashMap<(u64, Option<String>), usize> = HashMap::new();
        let mut entries: Vec<Entry> = Vec::with_capacity(self.entries.len());
        for entry in self.entries.drain(..) {
            let place = match &entry {
                Entry::Count(count) => *counts.entry(Key::of(count)).or_insert(entries.len()),
                Entry::Traffic(of) => {
                    *lanes.entry((of.at.hour(), of.release.clone())).or_insert(entries.len())
                }
                _ => entries.len(),
            };
            match (entries.get_mut(place), entry) {
                (Some(Entry::Count(earlier)), Entry::Count(count)) => {
                    earlier.count = earlier.count.saturating_add(count.count);
                    earlier.at = earlier.at.max(count.at);
                }
                (Some(Entry::Traffic(earlier)), Entry::Traffic(traffic)) => join(earlier, traffic),
                (_, entry) => entries.push(entry),
            }
        }
        self.entries = entries;
        let mut room = BOOK_WAITING_NAMES;
        let traffic = self.entries.iter_mut().filter_map(|entry| match entry {
            Entry::Traffic(traffic) => Some(traffic),
            _ => None,
        });
        traffic.map(|traffic| bound(traffic, &mut room)).sum()
    }
}

/// Lanes of one hour and release: the release was there since the earlier ones.
fn join(earlier: &mut Traffic, traffic: Traffic) {
    earlier.at = earlier.at.min(traffic.at);
    earlier.lanes = earlier.lanes.saturating_add(traffic.lanes);
    earlier.users.extend(traffic.users);
    for (tag, values) in traffic.tags {
        let known = earlier.tags.entry(tag).or_default();
        for (value, count) in values {
            let sum = known.entry(value).or_default();
            *sum = sum.saturating_add(count);
        }
    }
}

/// Leaves each user once, and no more names than there is room for; says how many are gone.
fn bound(traffic: &mut Traffic, room: &mut usize) -> usize {
    let users = &mut traffic.users;
    users.sort_by(|one, other| identity(one).cmp(&identity(other)));
    users.dedup_by(|one, other| identity(one) == identity(other));
    let mut gone = users.len().saturating_sub(*room);
    users.truncate(*room);
    *room -= users.len();
    for values in traffic.tags.values_mut() {
        gone += values.len().saturating_sub(*room);
        if let Some(first) = values.keys().nth(*room).cloned() {
            values.split_off(&first);
        }
        *room -= values.len();
    }
    traffic.tags.retain(|_, values: &mut BTreeMap<_, _>| !values.is_empty());
    gone
}

/// By what counts are told apart.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    hour: u64,
    release: Option<String>,
    environment: String,
    fingerprint: Option<Fingerprint>,
    line: Option<(String, Option<String>, Option<u32>)>,
}

impl Key {
    fn of(count: &Count) -> Self {
        let Count { at, release, environment, of, .. } = count;
        let (fingerprint, line) = match of {
            Of::Issue(heading) => (Some(heading.fingerprint.clone()), None),
            Of::Line { target, file, line } => (None, Some((target.clone(), file.clone(), *line))),
        };
        Self {
            hour: at.hour(),
            release: release.clone(),
            environment: environment.clone(),
            fingerprint,
            line,
        }
    }
}

fn size(event: &TrackedEvent) -> usize {
    size_of::<TrackedEvent>() + event.bytes()
}

#[cfg(test)]
mod tests;
