//! The traffic around the issues: lanes that name a user or have tags, counted by the hour whether they failed or not, and
//! whom the errors hit that were only counted.
//!
//! Spans say what they know when they close ([`LaneNote`]); it is joined by lane here until the root says that the lane is
//! over. Every user and every value of a tag that spans inside the root name counts, once for the lane: a worker's jobs may
//! be spans of one lane. What the root and the spans around it say counts where those inside say nothing of it; the inner
//! one outranks, and fields outrank what `set_user` and `set_tag` said, as in an event. Bounded: of too many lanes the oldest
//! counts as over, of one lane's tags [`LANE_ENTRIES`] values count, and when [`LANES_COUNTED`] are counted they are handed
//! on at once. Runs on the worker.
//!
//! Exact is how many lanes closed that named somebody or something, but for what [`Stats::lanes_uncounted`] counts, and for
//! lanes without spans, of which `scope/outside.rs` says when they count. A lane whose root never closes is not counted. The
//! program's only user ([`Builder::user`]) is that of the lanes that name nobody but have tags. Hooks have no part in this.
//!
//! An error that was only counted hit whom its span names, or the nearest span around it that names somebody; of several in
//! one span the last one tells it. The spans around it are those that were opened before it and close behind it, so a span
//! that says nothing itself may take another's word that ran beside it. Of a lane the newest [`LANE_HITS`] wait for its
//! root; those before them are told with what was known by then. Where `set_tag` said anything, their tags are not known: at the end
//! nobody knows whether it was said before the error, and an event has no tags from later. The user that `set_user` named
//! last does count where no field names one: whom the lane was for is whom it hit.
//!
//! [`Stats::lanes_uncounted`]: crate::Stats::lanes_uncounted
//! [`Builder::user`]: crate::Builder::user

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};
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
    inside: Inside,
    around: Around,
    /// Its newest errors that were only counted.
    hits: Vec<Unsure>,
}

/// What the spans inside the root say.
#[derive(Debug, Default)]
struct Inside {
    users: Vec<User>,
    tags: BTreeSet<(String, String)>,
}

/// What the root says, and the spans around it.
#[derive(Debug, Default)]
struct Around {
    user: Option<(Rank, User)>,
    tags: BTreeMap<String, (Rank, String)>,
}

/// Whose word it is: that of a field outranks that of a call, and the inner span's the outer one's.
type Rank = (bool, u64);

/// An error that was only counted, and of which the spans around it may still say more.
#[derive(Debug)]
struct Unsure {
    /// That of its span.
    number: u64,
    /// By which the throttle knows it.
    key: u64,
    named: Named,
    /// Its lane was told tags by `set_tag`, before the error or after it.
    has_word: bool,
}

/// An error that was only counted, and whose issue may not be known yet.
#[derive(Debug)]
struct Waiting {
    lane: u64,
    key: u64,
    at: Moment,
    named: Named,
    has_word: bool,
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
        let counted = self.hours.values().map(|hour| hour.lanes.max(hour.users.len() as u64));
        counted.fold(0, u64::saturating_add) >= LANES_COUNTED as u64 || self.hits.len() >= HITS_WAITING / 2
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
        // One issue hit the same of a lane once, whichever of its lines were counted.
        let mut last = None;
        for hit in mem::take(&mut self.hits) {
            match tallied.issue(hit.key) {
                Some(Some(fingerprint)) => {
                    let this = Some((hit.lane, fingerprint.clone(), hit.named.clone()));
                    if last == this {
                        continue;
                    }
                    last = this;
                    let Named { user, tags } = hit.named;
                    let tags = (!hit.has_word).then_some(tags);
                    let fingerprint = fingerprint.clone();
                    entries.push(Entry::Hit(Hit { at: hit.at, release: release(), fingerprint, user, tags }));
                }
                Some(None) => {}
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
                let Named { user, tags } = scrubbed(Named::by_word(&note), preparer);
                self.count(at, lanes, user, tags, preparer);
            }
            LanePart::Span => {
                self.join(&note, at, preparer);
                if self.open.len() > LANES_OPEN
                    && let Some((lane, oldest)) = self.open.pop_first()
                {
                    self.end(lane, at, oldest, preparer);
                }
            }
            LanePart::Root => {
                self.join(&note, at, preparer);
                let lane = self.open.remove(&note.lane).unwrap_or_default();
                self.end(note.lane, at, lane, preparer);
            }
        }
    }

    fn join(&mut self, note: &LaneNote, at: Moment, preparer: &Preparer) {
        let open = self.open.entry(note.lane).or_default();
        let fields = scrubbed(Named::by_fields(note), preparer);
        if note.number > note.lane {
            open.hits.iter_mut().filter(|hit| hit.number > note.number).for_each(|hit| hit.learn(&fields));
        }
        let hit = Unsure { number: note.number, key: note.key, named: fields.clone(), has_word: false };
        let hit = Some(hit).filter(|hit| hit.key != 0).and_then(|hit| open.hit(hit));
        let mut users = Vec::new();
        if note.number > note.lane {
            users = open.inside.join(fields);
        } else {
            open.around.join((true, note.number), fields);
            open.around.join((false, note.number), scrubbed(Named::by_word(note), preparer));
        }
        self.wait(hit.and_then(|hit| hit.wait(note.lane, at, preparer)));
        self.count(at, 0, users, [], preparer);
    }

    fn wait(&mut self, hits: impl IntoIterator<Item = Waiting>) {
        self.hits.extend(hits);
        let surplus = self.hits.len().saturating_sub(HITS_WAITING);
        self.hits.drain(..surplus);
    }

    /// A lane is over.
    fn end(&mut self, lane: u64, at: Moment, open: Open, preparer: &Preparer) {
        let Open { inside: Inside { mut users, mut tags }, around, hits } = open;
        let by_fields = around.by_fields();
        let mut told: Vec<Unsure> = Vec::new();
        let has_word = around.tags.values().any(|((is_field, _), _)| !is_field);
        for mut hit in hits {
            hit.learn(&by_fields);
            hit.has_word = has_word;
            hit.named.user = hit.named.user.or_else(|| around.user.clone().map(|(_, user)| user));
            if !told.iter().any(|other| other.is_like(&hit)) {
                told.push(hit);
            }
        }
        self.wait(told.into_iter().filter_map(|hit| hit.wait(lane, at, preparer)));
        if users.is_empty() {
            users.extend(around.user.map(|(_, user)| user));
        }
        let inside: BTreeSet<String> = tags.iter().map(|(name, _)| name.clone()).collect();
        let more = around.tags.into_iter().filter(|(name, _)| !inside.contains(name));
        tags.extend(more.map(|(name, (_, value))| (name, value)));
        self.count(at, 1, users, tags, preparer);
    }

    fn count(
        &mut self,
        at: Moment,
        lanes: u64,
        users: impl IntoIterator<Item = User>,
        tags: impl IntoIterator<Item = (String, String)>,
        preparer: &Preparer,
    ) {
        let (mut users, mut tags) = (users.into_iter().peekable(), tags.into_iter().peekable());
        let names_nobody = users.peek().is_none();
        if names_nobody && tags.peek().is_none() {
            return;
        }
        let hour = match self.hours.entry(at.hour()) {
            Slot::Occupied(hour) => hour.into_mut(),
            Slot::Vacant(free) => free.insert(issues::Traffic { at, ..issues::Traffic::default() }),
        };
        hour.lanes = hour.lanes.saturating_add(lanes);
        hour.users.extend(users);
        if names_nobody && lanes > 0 {
            hour.users.extend(preparer.environment().user.clone());
        }
        for (name, value) in tags {
            let count = hour.tags.entry(name).or_default().entry(value).or_default();
            *count = count.saturating_add(1);
        }
    }
}

impl Open {
    /// Keeps an error that was only counted; of too many the oldest is given out.
    fn hit(&mut self, hit: Unsure) -> Option<Unsure> {
        let is_full = self.hits.len() >= LANE_HITS;
        if is_full && self.hits.iter().any(|other| other.is_like(&hit)) {
            return None;
        }
        self.hits.push(hit);
        is_full.then(|| self.hits.remove(0))
    }
}

impl Inside {
    /// Takes what a span says; of too many users all but the newest are given out.
    fn join(&mut self, Named { user, tags }: Named) -> Vec<User> {
        for tag in tags {
            if self.tags.len() < LANE_ENTRIES {
                self.tags.insert(tag);
            }
        }
        self.users.extend(user.filter(|user| !self.users.contains(user)));
        if self.users.len() < LANE_ENTRIES {
            return Vec::new();
        }
        // One stays: the lane names somebody.
        let newest = self.users.pop();
        mem::replace(&mut self.users, newest.into_iter().collect())
    }
}

impl Around {
    fn join(&mut self, rank: Rank, named: Named) {
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

    /// What was not said by a call.
    fn by_fields(&self) -> Named {
        let user = self.user.as_ref().filter(|((is_field, _), _)| *is_field).map(|(_, user)| user.clone());
        let tags = self.tags.iter().filter(|(_, ((is_field, _), _))| *is_field);
        Named { user, tags: tags.map(|(name, (_, value))| (name.clone(), value.clone())).collect() }
    }
}

impl Unsure {
    /// Hears what a span around it says.
    fn learn(&mut self, outer: &Named) {
        if self.named.user.is_none() {
            self.named.user.clone_from(&outer.user);
        }
        for (name, value) in &outer.tags {
            if self.named.tags.len() < LANE_ENTRIES && !self.named.tags.contains_key(name) {
                self.named.tags.insert(name.clone(), value.clone());
            }
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        self.key == other.key && self.named == other.named
    }

    /// Nothing more is heard of it: it waits for its issue, if it hit anybody.
    fn wait(self, lane: u64, at: Moment, preparer: &Preparer) -> Option<Waiting> {
        let Self { key, mut named, has_word, .. } = self;
        named.user = named.user.or_else(|| preparer.environment().user.clone());
        (!named.is_empty()).then_some(Waiting { lane, key, at, named, has_word, age: 0 })
    }
}

fn scrubbed(mut named: Named, preparer: &Preparer) -> Named {
    preparer.scrub_named(&mut named);
    named
}

#[cfg(test)]
mod tests;
