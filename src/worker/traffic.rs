//! The traffic around the issues: lanes that name a user or have tags, counted by the hour whether they failed or not, and
//! whom the errors hit that were only counted.
//!
//! Spans say what they know when they close ([`LaneNote`]); it is joined by lane here until the root says that the lane is
//! over. A user in several spans counts once, the innermost span's word outranks the others', and fields outrank what
//! `set_user` and `set_tag` said, as in an event. Bounded: of too many lanes the oldest counts as over, and when
//! [`LANES_COUNTED`] are counted they are handed on at once. Runs on the worker.
//!
//! Exact is how many lanes closed that named somebody or something, but for what [`Stats::lanes_uncounted`] counts, and for
//! lanes without spans, of which `scope/outside.rs` says when they count. A lane whose root never closes is not counted. The
//! program's only user ([`Builder::user`]) is that of the lanes that name nobody but have tags. An error that was only
//! counted hit whom its lane names; of several in one span the last one tells it. Hooks have no part in this.
//!
//! [`Stats::lanes_uncounted`]: crate::Stats::lanes_uncounted
//! [`Builder::user`]: crate::Builder::user

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::mem;

use super::tallied::Tallied;
use crate::issues::{self, Entry, Hit, Moment};
use crate::limits::{HITS_WAITING, LANE_ENTRIES, LANE_HITS, LANES_COUNTED, LANES_OPEN};
use crate::model::{LaneNote, LanePart, User};
use crate::prepare::{Named, Preparer};
use crate::queue::NotesOutlet;

/// What was counted since it was last taken.
#[derive(Debug)]
pub(super) struct Traffic {
    outlet: NotesOutlet,
    /// Lanes that have said something and are not over.
    open: BTreeMap<u64, Open>,
    hours: BTreeMap<u64, issues::Traffic>,
    hits: Vec<Waiting>,
}

/// What is known of a lane that is not over.
#[derive(Debug, Default)]
struct Open {
    user: Option<(Rank, User)>,
    tags: BTreeMap<String, (Rank, String)>,
    /// By which the throttle knows its errors that were only counted.
    keys: Vec<u64>,
}

/// Whose word it is: that of a field outranks that of a call, and the inner span's the outer one's.
type Rank = (bool, u64);

/// An error that was only counted, and whose issue may not be known yet.
#[derive(Debug)]
struct Waiting {
    lane: u64,
    key: u64,
    at: Moment,
    named: Named,
    /// Seconds for which it has waited.
    age: u32,
}

impl Traffic {
    pub(super) fn new(outlet: NotesOutlet) -> Self {
        Self { outlet, open: BTreeMap::new(), hours: BTreeMap::new(), hits: Vec::new() }
    }

    /// More notes wait than should until the next second.
    pub(super) fn is_pressed(&self) -> bool {
        self.outlet.is_pressed()
    }

    /// There is something to do in the next second: somebody may count on us to look, or waits for an issue to be known.
    pub(super) fn is_awake(&self) -> bool {
        self.outlet.is_watched() || !self.hits.is_empty()
    }

    /// So much is counted that it should be taken.
    pub(super) fn is_full(&self) -> bool {
        let lanes = self.hours.values().map(|hour| hour.lanes).fold(0, u64::saturating_add);
        lanes >= LANES_COUNTED as u64 || self.hits.len() >= HITS_WAITING / 2
    }

    /// Takes the notes that wait, as is done once a second: when there are none, the next one wakes us.
    pub(super) fn look(&mut self, preparer: &Preparer) {
        self.hits.iter_mut().for_each(|hit| hit.age = hit.age.saturating_add(1));
        if self.drain(preparer) || !self.outlet.is_watched() {
            return;
        }
        self.outlet.rest();
        if self.drain(preparer) {
            self.outlet.watch();
        }
    }

    /// Takes the notes that wait, and says whether there were any.
    pub(super) fn drain(&mut self, preparer: &Preparer) -> bool {
        let waiting: Vec<LaneNote> = self.outlet.waiting().collect();
        let any = !waiting.is_empty();
        for note in waiting {
            self.hear(note, preparer);
        }
        any
    }

    /// Gives out what was counted. A hit whose issue nobody knows yet waits, until it `is_hopeless` by its key and age.
    pub(super) fn take(
        &mut self,
        tallied: &Tallied,
        release: Option<&str>,
        is_hopeless: impl Fn(u64, u32) -> bool,
    ) -> Vec<Entry> {
        let hours = mem::take(&mut self.hours).into_values();
        let release = || release.map(str::to_owned);
        let traffic = hours.map(|hour| Entry::Traffic(issues::Traffic { release: release(), ..hour }));
        let mut entries: Vec<Entry> = traffic.collect();
        // One issue of a lane hit it once, whichever of its lines were counted.
        let mut last = None;
        for hit in mem::take(&mut self.hits) {
            match tallied.issue(hit.key) {
                Some(Some(fingerprint)) if last.as_ref() != Some(&(hit.lane, fingerprint.clone())) => {
                    last = Some((hit.lane, fingerprint.clone()));
                    let Named { user, tags } = hit.named;
                    let fingerprint = fingerprint.clone();
                    entries.push(Entry::Hit(Hit { at: hit.at, release: release(), fingerprint, user, tags }));
                }
                Some(_) => {}
                None if is_hopeless(hit.key, hit.age) => {}
                None => self.hits.push(hit),
            }
        }
        entries
    }

    fn hear(&mut self, note: LaneNote, preparer: &Preparer) {
        let at = Moment::from_ms(note.time_ns / 1_000_000);
        match note.part {
            LanePart::Outside | LanePart::OutsideMore => {
                let lanes = u64::from(note.part == LanePart::Outside);
                self.count(at, lanes, scrubbed(Named::by_word(&note), preparer), preparer);
            }
            LanePart::Span => {
                self.open.entry(note.lane).or_default().join(&note);
                if self.open.len() > LANES_OPEN
                    && let Some((lane, oldest)) = self.open.pop_first()
                {
                    self.end(lane, at, oldest, preparer);
                }
            }
            LanePart::Root => {
                let mut lane = self.open.remove(&note.lane).unwrap_or_default();
                lane.join(&note);
                self.end(note.lane, at, lane, preparer);
            }
        }
    }

    /// A lane is over.
    fn end(&mut self, lane: u64, at: Moment, open: Open, preparer: &Preparer) {
        let Open { user, tags, keys } = open;
        let tags = tags.into_iter().map(|(name, (_, value))| (name, value)).collect();
        let named = scrubbed(Named { user: user.map(|(_, user)| user), tags }, preparer);
        for key in keys {
            let mut named = named.clone();
            named.user = named.user.or_else(|| preparer.environment().user.clone());
            if !named.is_empty() {
                self.hits.push(Waiting { lane, key, at, named, age: 0 });
            }
        }
        let surplus = self.hits.len().saturating_sub(HITS_WAITING);
        self.hits.drain(..surplus);
        self.count(at, 1, named, preparer);
    }

    fn count(&mut self, at: Moment, lanes: u64, named: Named, preparer: &Preparer) {
        if named.is_empty() {
            return;
        }
        let hour = match self.hours.entry(at.hour()) {
            Slot::Occupied(hour) => hour.into_mut(),
            Slot::Vacant(free) => free.insert(issues::Traffic { at, ..issues::Traffic::default() }),
        };
        hour.lanes = hour.lanes.saturating_add(lanes);
        let only = || preparer.environment().user.clone().filter(|_| lanes > 0);
        hour.users.extend(named.user.or_else(only));
        for (name, value) in named.tags {
            let count = hour.tags.entry(name).or_default().entry(value).or_default();
            *count = count.saturating_add(1);
        }
    }
}

impl Open {
    fn join(&mut self, note: &LaneNote) {
        for (fields, named) in [(true, Named::by_fields(note)), (false, Named::by_word(note))] {
            let rank = (fields, note.number);
            if let Some(user) = named.user
                && self.user.as_ref().is_none_or(|(known, _)| *known <= rank)
            {
                self.user = Some((rank, user));
            }
            for (name, value) in named.tags {
                let has_room = self.tags.len() < LANE_ENTRIES;
                match self.tags.get_mut(&name) {
                    Some(known) if known.0 > rank => {}
                    Some(known) => *known = (rank, value),
                    None if has_room => _ = self.tags.insert(name, (rank, value)),
                    None => {}
                }
            }
        }
        if note.key != 0 && self.keys.len() < LANE_HITS && !self.keys.contains(&note.key) {
            self.keys.push(note.key);
        }
    }
}

fn scrubbed(mut named: Named, preparer: &Preparer) -> Named {
    preparer.scrub_named(&mut named);
    named
}

#[cfg(test)]
mod tests;
