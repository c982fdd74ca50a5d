//! What was only counted, told to whom it belongs: the throttle knows texts, the sinks know issues.
//!
//! A text's key is learnt from the events of it that were told in full. What was counted of a key that no event was told
//! of lands on its line, not told apart. Bounded: of thousands of keys the oldest are forgotten.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::ledger::Ledger;
use crate::limits::KNOWN_ISSUES;
use crate::model::{Fingerprint, Site, Tally, TrackedEvent};

/// The keys that are known, and what is to be said with the next event of each issue.
#[derive(Debug, Default)]
pub(super) struct Tallied {
    issues: Young<u64, Issue>,
    untold: Young<Fingerprint, u64>,
}

#[derive(Debug, Clone)]
struct Issue {
    fingerprint: Fingerprint,
    title: String,
    site: Site,
}

impl Tallied {
    /// Learns the issue of the texts that an event was known by.
    pub(super) fn learn(&mut self, keys: &[u64], event: &TrackedEvent) {
        for key in keys {
            let issue = Issue {
                fingerprint: event.fingerprint.clone(),
                title: event.title.clone(),
                site: Site {
                    target: event.target.clone().into(),
                    file: event.file.clone().map(Into::into),
                    line: event.line,
                },
            };
            self.issues.insert(*key, issue);
        }
    }

    /// How many of an issue were counted since its last event, to be said with the next one.
    pub(super) fn before(&mut self, fingerprint: &Fingerprint) -> u64 {
        self.untold.remove(fingerprint).unwrap_or_default()
    }

    /// Takes what was counted since the last time.
    pub(super) fn take(&mut self, ledger: &Ledger) -> Vec<Tally> {
        let mut by_issue = HashMap::<Fingerprint, Tally>::new();
        ledger.tallies.take(|key, line, count| match self.issues.find(&key) {
            Some(issue) => {
                let tally = by_issue.entry(issue.fingerprint.clone()).or_insert_with(|| issue.tally());
                tally.count = tally.count.saturating_add(count);
            }
            None => ledger.lines.of(line).add_untold(count),
        });
        for (fingerprint, tally) in &by_issue {
            let before = self.untold.remove(fingerprint).unwrap_or_default();
            self.untold.insert(fingerprint.clone(), before.saturating_add(tally.count));
        }
        let lines = ledger.lines.seen().filter_map(|(site, line)| {
            let count = line.take_untold();
            let site = site.cloned().unwrap_or_else(Site::unknown);
            (count > 0).then(|| tally(None, String::new(), site, count))
        });
        by_issue.into_values().chain(lines).collect()
    }
}

impl Issue {
    fn tally(&self) -> Tally {
        tally(Some(self.fingerprint.clone()), self.title.clone(), self.site.clone(), 0)
    }
}

fn tally(fingerprint: Option<Fingerprint>, title: String, site: Site, count: u64) -> Tally {
    Tally {
        fingerprint,
        title,
        target: site.target.into_owned(),
        file: site.file.map(Cow::into_owned),
        line: site.line,
        count,
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
