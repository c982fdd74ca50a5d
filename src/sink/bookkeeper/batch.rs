//! What waits to be recorded, in its order.

use std::collections::HashMap;
use std::sync::Arc;

use crate::issues::{Count, Entry, Of};
use crate::ledger::Receipt;
use crate::limits::BOOK_BATCH;
use crate::model::{EventId, Fingerprint, TrackedEvent};

/// Entries, and the receipts of the events among them.
#[derive(Debug, Default)]
pub(super) struct Batch {
    entries: Vec<Entry>,
    kept: Vec<Kept>,
    /// Of the events, about.
    bytes: usize,
}

/// An event in a batch.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) event: Arc<TrackedEvent>,
    pub(super) receipt: Receipt,
}

impl Batch {
    /// An event that is held: it may change before it is let go, so it is copied.
    pub(super) fn hold(&mut self, event: &TrackedEvent) {
        self.bytes += size(event);
        self.entries.push(Entry::Held(Arc::new(event.clone())));
    }

    /// An event that is let go.
    pub(super) fn event(&mut self, kept: Kept, sent: bool) {
        self.bytes += size(&kept.event);
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

    pub(super) fn is_large(&self) -> bool {
        self.entries.len() >= BOOK_BATCH
    }

    /// Takes the first so many entries out, or all where there are fewer, and gives out the events among them.
    pub(super) fn take(&mut self, most: usize) -> Vec<Kept> {
        let mut events = 0;
        for entry in self.entries.drain(..most.min(self.entries.len())) {
            if let Entry::Held(event) | Entry::Event { event, .. } = &entry {
                self.bytes = self.bytes.saturating_sub(size(event));
            }
            events += usize::from(matches!(entry, Entry::Event { .. }));
        }
        // They stand in the order of their entries.
        self.kept.drain(..events.min(self.kept.len())).collect()
    }

    /// Takes out the oldest events, where those that wait take more than so many bytes.
    pub(super) fn surplus(&mut self, most_bytes: usize) -> Vec<Kept> {
        let mut gone: Vec<EventId> = Vec::new();
        let mut bytes = self.bytes;
        for entry in &self.entries {
            if bytes <= most_bytes {
                break;
            }
            if let Entry::Held(event) | Entry::Event { event, .. } = entry {
                bytes = bytes.saturating_sub(size(event));
                gone.push(event.id);
            }
        }
        if gone.is_empty() {
            return Vec::new();
        }
        self.bytes = bytes;
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

    /// Puts counts of one issue or line, hour, release and environment together, so that they take no more room the longer
    /// they wait.
    pub(super) fn compact(&mut self) {
        let mut places: HashMap<Key, usize> = HashMap::new();
        let mut entries: Vec<Entry> = Vec::with_capacity(self.entries.len());
        for entry in self.entries.drain(..) {
            if let Entry::Count(count) = &entry {
                let place = *places.entry(Key::of(count)).or_insert(entries.len());
                if let Some(Entry::Count(earlier)) = entries.get_mut(place) {
                    earlier.count = earlier.count.saturating_add(count.count);
                    earlier.at = earlier.at.max(count.at);
                    continue;
                }
            }
            entries.push(entry);
        }
        self.entries = entries;
    }
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
