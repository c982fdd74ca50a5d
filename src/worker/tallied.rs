//! What was only counted, told to whom it belongs: the throttle knows texts, the sinks know issues.
//!
//! A text's key is learnt from the events of it that the sinks were given; what is counted while the first of them is on
//! its way, in the hold or in the queue before it, waits for it. What was counted of a key that no event was told of lands
//! on its line, not told apart. Where several lines tell of one failure, it counts by the first of them. Bounded: of
//! thousands of keys the oldest are forgotten.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::issues::Heading;
use crate::ledger::{Counts, Ledger};
use crate::limits::KNOWN_ISSUES;
use crate::model::{Fingerprint, Site, Tally, TrackedEvent};

/// The keys that are known, and what is to be said with the next event of each issue.
#[derive(Debug, Default)]
pub(super) struct Tallied {
    keys: Young<u64, Known>,
    untold: Young<Fingerprint, Untold>,
    /// Keys that nobody knew when counts were taken last.
    strangers: HashSet<u64>,
}

/// Which counts are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Those whose event will not come any more: it would have, by the second time.
    Settled,
    All,
}

/// What is known of a key.
#[derive(Debug, Clone)]
enum Known {
    /// It is that of this issue.
    Of(Box<Heading>),
    /// It is that of a line which tells of a failure once more: counted already.
    Again,
}

/// What is told of an issue, or of a line where that has no heading.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) tally: Tally,
    pub(super) heading: Option<Heading>,
}

/// What was counted of an issue since its last event, by the minute in which it was.
#[derive(Debug, Default)]
struct Untold(Vec<(u64, u64)>);

impl Tallied {
    /// Learns the issue of the texts that an event was known by, the first of them first.
    pub(super) fn learn(&mut self, keys: &[u64], event: &TrackedEvent) {
        let mut known = Known::Of(Box::new(Heading::of(event)));
        for key in keys {
            self.keys.insert(*key, std::mem::replace(&mut known, Known::Again));
        }
    }

    /// The issue of a key; None inside where that is a line which tells of a failure once more, None where nobody knows.
    pub(super) fn issue(&self, key: u64) -> Option<Option<&Fingerprint>> {
        match self.keys.find(&key)? {
            Known::Of(heading) => Some(Some(&heading.fingerprint)),
            Known::Again => Some(None),
        }
    }

    /// How many of an issue were counted since its last event, to be said with the next one, which was told in full in
    /// the minute that began then: what was counted in that minute came behind it.
    pub(super) fn before(&self, fingerprint: &Fingerprint, minute: u64) -> u64 {
        self.untold.find(fingerprint).map_or(0, |untold| untold.before(minute))
    }

    /// A sink has taken the event that said so.
    pub(super) fn told(&mut self, fingerprint: &Fingerprint, minute: u64) {
        if let Some(mut untold) = self.untold.remove(fingerprint) {
            untold.0.retain(|(known, _)| *known >= minute);
            if !untold.0.is_empty() {
                self.untold.insert(fingerprint.clone(), untold);
            }
        }
    }

    /// Takes what was counted since the last time; `held` are the keys whose event is not told yet.
    pub(super) fn take(&mut self, ledger: &Ledger, held: &HashSet<u64>, which: Which) -> Vec<Told> {
        let Self { keys, untold, strangers } = self;
        let known_strangers = std::mem::take(strangers);
        let mut by_issue = HashMap::<Fingerprint, Told>::new();
        let waits = |key| {
            let is_stranger = which == Which::Settled && keys.find(&key).is_none();
            is_stranger && (held.contains(&key) || (strangers.insert(key) && !known_strangers.contains(&key)))
        };
        ledger.tallies.take(waits, |Counts { minute, key, line, count }| match keys.find(&key) {
            Some(Known::Of(heading)) => {
                let told = by_issue.entry(heading.fingerprint.clone()).or_insert_with(|| Told::of(heading));
                told.tally.count = told.tally.count.saturating_add(count);
                untold.update(heading.fingerprint.clone(), |untold| untold.add(minute, count));
            }
            Some(Known::Again) => {}
            None => ledger.lines.of(line).add_untold(count),
        });
        let lines = ledger.lines.seen().filter_map(|(site, line)| {
            let count = line.take_untold();
            let site = site.cloned().unwrap_or_else(Site::unknown);
            (count > 0).then(|| Told::of_line(site, count))
        });
        by_issue.into_values().chain(lines).collect()
    }
}

impl Untold {
    fn add(&mut self, minute: u64, count: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == minute) {
            Some((_, counted)) => *counted = counted.saturating_add(count),
            None => self.0.push((minute, count)),
        }
        // An issue of which nothing is told for so long counts on, but no longer minute by minute.
        if self.0.len() > MINUTES {
            let (_, oldest) = self.0.remove(0);
            if let Some((_, count)) = self.0.first_mut() {
                *count = count.saturating_add(oldest);
            }
        }
    }

    fn before(&self, minute: u64) -> u64 {
        let before = self.0.iter().filter(|(known, _)| *known < minute).map(|(_, count)| *count);
        before.fold(0, u64::saturating_add)
    }
}

impl Told {
    fn of(heading: &Heading) -> Self {
        let Heading { fingerprint, title, target, file, line, .. } = heading.clone();
        let tally = Tally { fingerprint: Some(fingerprint), title, target, file, line, count: 0 };
        Self { tally, heading: Some(heading.clone()) }
    }

    fn of_line(site: Site, count: u64) -> Self {
        let Site { target, file, line } = site;
        let (target, file) = (target.into_owned(), file.map(Cow::into_owned));
        let tally = Tally { fingerprint: None, title: String::new(), target, file, line, count };
        Self { tally, heading: None }
    }
}

/// A map that forgets the older half when it is full.
#[derive(Debug)]
struct Young<K, V> {
    new: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K, V> Default for Young<K, V> {
    fn default() -> Self {
        Self { new: HashMap::new(), old: HashMap::new() }
    }
}

impl<K: std::hash::Hash + Eq, V> Young<K, V> {
    fn insert(&mut self, key: K, value: V) {
        self.old.remove(&key);
        if self.new.len() >= KNOWN_ISSUES {
            self.old = std::mem::take(&mut self.new);
        }
        self.new.insert(key, value);
    }

    fn find(&self, key: &K) -> Option<&V> {
        self.new.get(key).or_else(|| self.old.get(key))
    }

    fn remove(&mut self, key: &K) -> Option<V> {
        self.new.remove(key).or_else(|| self.old.remove(key))
    }
}

impl<K: std::hash::Hash + Eq, V: Default> Young<K, V> {
    fn update(&mut self, key: K, change: impl FnOnce(&mut V)) {
        let mut value = self.remove(&key).unwrap_or_default();
        change(&mut value);
        self.insert(key, value);
    }
}

/// Minutes whose counts are kept apart, of one issue.
const MINUTES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_remembered_and_no_more_than_twice_as_many() {
        let mut young = Young::default();
        for key in 0..5 * KNOWN_ISSUES {
            young.insert(key, key);
            assert!(young.new.len() + young.old.len() <= 2 * KNOWN_ISSUES);
            let newest = key.saturating_sub(KNOWN_ISSUES - 1);
            assert_eq!(young.find(&newest), Some(&newest));
        }
        // What is learnt anew is young again, and stands there once.
        for _ in 0..KNOWN_ISSUES {
            young.insert(0, 7);
        }
        assert_eq!(young.find(&0), Some(&7));
        assert_eq!((young.remove(&0), young.remove(&0)), (Some(7), None));
    }

    #[test]
    fn what_is_untold_is_said_with_the_first_event_of_a_later_minute() {
        let mut untold = Untold::default();
        untold.add(1, 10);
        assert_eq!(untold.before(1), 0, "it came behind that one");
        untold.add(2, 20);
        untold.add(1, 1);
        assert_eq!(untold.before(2), 11);
        (3..100).for_each(|minute| untold.add(minute, 1));
        assert!(untold.0.len() <= MINUTES);
        assert_eq!(untold.before(u64::MAX), 11 + 20 + 97, "nothing of it is lost");
    }
}
