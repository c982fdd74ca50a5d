//! A book in memory: for a program that may write no file, and the model that a file is compared with.
//!
//! Whatever it is told, it takes no more than [`limits::BOOK_BYTES`](crate::limits::BOOK_BYTES),
//! [`BOOK_EVENT_BYTES`] and [`BOOK_TRAFFIC_BYTES`](crate::limits::BOOK_TRAFFIC_BYTES), about: an issue that is pushed out is forgotten with its counts, and
//! begins anew when it comes again. It never waits, fails or panics.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::{
    Book, Count, Days, Decision, Entry, Facts, Fault, Found, Heading, Hit, Issue, IssueId, LineTotal, Moment,
    NAMED, Occurrence, Of, Pruned, Query, Retention, Sighting, Summary, Traffic, Window, identity, past_hour,
};
use crate::limits::{BOOK_BYTES, BOOK_EVENT_BYTES, BOOK_RELEASES, LINES};
use crate::model::{EventId, TrackedEvent, User};

use kept::Kept;
use lanes::Lanes;

mod kept;
mod lanes;

/// Issues of this process alone, gone with it.
#[derive(Debug, Default)]
pub(crate) struct MemoryBook {
    issues: BTreeMap<IssueId, Kept>,
    /// What the issues take, their events aside.
    bytes: usize,
    /// Every event that is kept, and whose it is, oldest first.
    events: BTreeMap<(Moment, EventId), IssueId>,
    event_bytes: usize,
    releases: BTreeMap<String, Release>,
    lanes: Lanes,
    lines: BTreeMap<Line, (u64, Moment)>,
    days: Days,
    keep: Retention,
    /// Users are kept as hashes by a key that nobody knows.
    key: RandomState,
}

/// When a release was seen.
#[derive(Debug, Clone, Copy)]
struct Release {
    first: Moment,
    last: Moment,
}

/// Target, file and line.
type Line = (String, Option<String>, Option<u32>);

impl MemoryBook {
    fn user(&self, user: Option<&User>) -> Option<u64> {
        user.and_then(identity).map(|identity| self.key.hash_one(identity))
    }

    /// When a release was first seen, this moment considered.
    fn see(&mut self, release: Option<&str>, at: Moment) -> Option<Moment> {
        let release = release?;
        if let Some(seen) = self.releases.get_mut(release) {
            (seen.first, seen.last) = (seen.first.min(at), seen.last.max(at));
            return Some(seen.first);
        }
        if self.releases.len() >= BOOK_RELEASES {
            forget_oldest(&mut self.releases, |seen| seen.last);
        }
        self.releases.insert(release.to_owned(), Release { first: at, last: at });
        Some(at)
    }

    fn event(&mut self, event: &Arc<TrackedEvent>, now: Moment) -> Option<Sighting> {
        let (time, release) = (Moment::of(event.time), event.release.as_deref());
        let at = time.no_later_than(now);
        self.days.add(at);
        let release_begun = self.see(release, at);
        let occurrence = Occurrence { at, release, release_begun, count: 1, is_tallied: false };
        let (heading, user) = (Heading::of(event), self.user(event.user.as_ref()));
        let issue = IssueId::of(&heading.fingerprint);

        let kept = self.issues.entry(issue).or_insert_with(|| Kept::new(heading.clone(), at));
        kept.hit(at, release, user, Some(&event.tags), now);
        let sighting = kept.occur(&heading, occurrence, &event.environment, now);
        kept.keep(event.clone());
        let forgotten = kept.forget_events(&self.keep, Moment::default());
        self.weigh(issue);
        if self.events.insert((time, event.id), issue).is_none() {
            self.event_bytes += event.bytes();
        }
        self.forgot(&forgotten);
        self.bound_events(BOOK_EVENT_BYTES);
        sighting
    }

    fn count(&mut self, counted: &Count, now: Moment) -> Option<Sighting> {
        let Count { release, environment, count, of, .. } = counted;
        let at = counted.at.no_later_than(now);
        if *count == 0 {
            return None;
        }
        self.days.add(at);
        let heading = match of {
            Of::Issue(heading) => heading,
            Of::Line { target, file, line } => {
                self.line((target.clone(), file.clone(), *line), *count, at);
                return None;
            }
        };
        let (issue, release) = (IssueId::of(&heading.fingerprint), release.as_deref());
        let release_begun = self.see(release, at);
        let occurrence = Occurrence { at, release, release_begun, count: *count, is_tallied: true };
        let kept = self.issues.entry(issue).or_insert_with(|| Kept::new(heading.clone(), at));
        let sighting = kept.occur(heading, occurrence, environment, now);
        self.weigh(issue);
        sighting
    }

    fn line(&mut self, line: Line, count: u64, at: Moment) {
        if self.lines.len() >= LINES && !self.lines.contains_key(&line) {
            forget_oldest(&mut self.lines, |(_, last)| *last);
        }
        let (total, last) = self.lines.entry(line).or_default();
        (*total, *last) = (total.saturating_add(count), at.max(*last));
    }

    fn hit(&mut self, hit: &Hit, now: Moment) -> Option<Sighting> {
        let Hit { release, fingerprint, user, tags, .. } = hit;
        let at = hit.at.no_later_than(now);
        let (user, issue) = (self.user(user.as_ref()), IssueId::of(fingerprint));
        let kept = self.issues.get_mut(&issue)?;
        let users = kept.hit(at, release.as_deref(), user, tags.as_ref(), now);
        let news = kept.account.hit(users);
        let sighting = news.map(|news| kept.account.sighting(news));
        self.see(release.as_deref(), at);
        self.weigh(issue);
        sighting
    }

    fn traffic(&mut self, traffic: &Traffic, now: Moment) {
        let at = traffic.at.no_later_than(now);
        self.days.add(at);
        self.see(traffic.release.as_deref(), at);
        let users: Vec<u64> = traffic.users.iter().filter_map(|user| self.user(Some(user))).collect();
        self.lanes.add(traffic, at, &users, now);
    }

    /// Takes note of how much an issue that changed takes.
    fn weigh(&mut self, issue: IssueId) {
        if let Some(kept) = self.issues.get_mut(&issue) {
            let bytes = kept.weigh();
            self.bytes = (self.bytes + bytes).saturating_sub(kept.bytes);
            kept.bytes = bytes;
        }
    }

    /// Takes note that an issue let go of events.
    fn forgot(&mut self, events: &[(Moment, EventId, usize)]) {
        for (at, id, bytes) in events {
            self.events.remove(&(*at, *id));
            self.event_bytes = self.event_bytes.saturating_sub(*bytes);
        }
    }

    /// Forgets the oldest events beyond so many bytes.
    fn bound_events(&mut self, most: usize) -> u64 {
        let mut forgotten = 0;
        while self.event_bytes > most
            && let Some((name, issue)) = self.events.pop_first()
        {
            let event = self.issues.get_mut(&issue).and_then(|kept| kept.events.remove(&name));
            let bytes = event.map_or(0, |event| event.event.bytes());
            self.event_bytes = self.event_bytes.saturating_sub(bytes);
            forgotten += 1;
        }
        forgotten
    }

    /// Forgets the issues not seen for longest beyond so many bytes, and some more, so as not to look for them each time.
    fn bound_issues(&mut self, most: usize) -> Pruned {
        let mut pruned = Pruned::default();
        if self.bytes <= most {
            return pruned;
        }
        let mut by_age: Vec<_> = self.issues.iter().map(|(id, kept)| (kept.account.last_seen, *id)).collect();
        by_age.sort_unstable();
        for (_, issue) in by_age {
            if self.bytes <= most - most / 8 {
                break;
            }
            pruned.events += self.forget(issue);
            pruned.issues += 1;
        }
        pruned
    }

    /// Forgets an issue, and says how many events of it were kept.
    fn forget(&mut self, issue: IssueId) -> u64 {
        let Some(kept) = self.issues.remove(&issue) else { return 0 };
        self.bytes = self.bytes.saturating_sub(kept.bytes);
        let events: Vec<_> =
            kept.events.iter().map(|(&(at, id), kept)| (at, id, kept.event.bytes())).collect();
        self.forgot(&events);
        events.len() as u64
    }
}

impl Book for MemoryBook {
    fn record(&mut self, entries: &[Entry], now: Moment) -> Result<Vec<Sighting>, Fault> {
        let mut sightings = Vec::new();
        for entry in entries {
            sightings.extend(match entry {
                Entry::Event { event, .. } => self.event(event, now),
                Entry::Count(count) => self.count(count, now),
                Entry::Hit(hit) => self.hit(hit, now),
                Entry::Traffic(traffic) => {
                    self.traffic(traffic, now);
                    None
                }
                Entry::Held(_) | Entry::Released(_) => None,
            });
            self.bound_issues(BOOK_BYTES);
        }
        Ok(sightings)
    }

    fn decide(&mut self, issue: IssueId, decision: Decision, now: Moment) -> Result<bool, Fault> {
        let kept = self.issues.get_mut(&issue);
        Ok(kept.map(|kept| kept.account.decide(decision, kept.users.count().number, now)).is_some())
    }

    fn prune(&mut self, keep: &Retention, now: Moment) -> Result<Pruned, Fault> {
        let mut pruned = Pruned::default();
        let horizon = self.days.horizon(keep, now);
        let age = horizon.map_or_else(Moment::default, |horizon| horizon.age);

        let mut forgotten = Vec::new();
        for kept in self.issues.values_mut() {
            forgotten.extend(kept.forget_events(keep, age));
        }
        pruned.events += forgotten.len() as u64;
        self.forgot(&forgotten);

        let old = self.issues.iter().filter(|(_, kept)| kept.account.last_seen < age);
        for issue in old.map(|(id, _)| *id).collect::<Vec<_>>() {
            pruned.events += self.forget(issue);
            pruned.issues += 1;
        }
        self.bytes = 0;
        for kept in self.issues.values_mut() {
            pruned.buckets += horizon.map_or(0, |horizon| kept.fold(horizon.hourly));
            kept.bytes = kept.weigh();
            self.bytes += kept.bytes;
        }
        self.lanes.forget(age);
        self.lines.retain(|_, (_, last)| *last >= age);

        let most = usize::try_from(keep.bytes).unwrap_or(usize::MAX);
        pruned.events += self.bound_events(most.min(BOOK_EVENT_BYTES));
        let Pruned { events, issues, .. } = self.bound_issues(most.min(BOOK_BYTES));
        Ok(Pruned { events: pruned.events + events, issues: pruned.issues + issues, ..pruned })
    }

    fn list(&self, query: &Query) -> Result<Vec<Summary>, Fault> {
        let needle = query.needle();
        let asked = self.issues.values().filter(|kept| kept.is_asked(query, needle.as_deref()));
        let mut summaries: Vec<_> = asked.map(Kept::summary).collect();
        summaries.sort_by(|a, b| query.sort.compare(a, b));
        summaries.truncate(query.most.unwrap_or(usize::MAX));
        Ok(summaries)
    }

    fn named(&self, prefix: &str) -> Result<Vec<IssueId>, Fault> {
        let names = IssueId::beginning(prefix).map(|names| self.issues.range(names));
        Ok(names.into_iter().flatten().map(|(id, _)| *id).take(NAMED).collect())
    }

    fn issue(&self, issue: IssueId) -> Result<Option<Issue>, Fault> {
        Ok(self.issues.get(&issue).map(Kept::issue))
    }

    fn events(&self, issue: IssueId, most: usize) -> Result<Vec<TrackedEvent>, Fault> {
        let kept = self.issues.get(&issue).map(|kept| kept.events.values().rev());
        Ok(kept.into_iter().flatten().take(most).map(|kept| kept.event.as_ref().clone()).collect())
    }

    fn facts(&self, issue: IssueId, now: Moment) -> Result<Option<Facts>, Fault> {
        let Some(kept) = self.issues.get(&issue) else { return Ok(None) };
        let releases = self.releases.iter().map(|(name, seen)| (name.clone(), seen.first)).collect();
        let window = Window::of(&kept.account, &kept.buckets(), &releases, now);
        let found = Found {
            past_hour: kept.minutes.range(past_hour(now)).map(|(_, count)| count).sum(),
            users: kept.users.count(),
            hit: kept.users_of(&window),
            seen: self.lanes.users(&window),
            events: kept.tags.get(&window.release).cloned().unwrap_or_default(),
            lanes: self.lanes.tags(&window),
        };
        Ok(Some(window.facts(&kept.account, found)))
    }

    fn lines(&self) -> Result<Vec<LineTotal>, Fault> {
        let totals = self.lines.iter().map(|((target, file, line), (count, last_seen))| LineTotal {
            target: target.clone(),
            file: file.clone(),
            line: *line,
            count: *count,
            last_seen: *last_seen,
        });
        let mut totals: Vec<_> = totals.collect();
        totals.sort_by_key(|total| std::cmp::Reverse(total.count));
        Ok(totals)
    }
}

/// Makes room for another one.
fn forget_oldest<K: Ord + Clone, V>(map: &mut BTreeMap<K, V>, last_seen: impl Fn(&V) -> Moment) {
    let oldest = map.iter().min_by_key(|(_, value)| last_seen(value)).map(|(key, _)| key.clone());
    if let Some(oldest) = oldest {
        map.remove(&oldest);
    }
}

#[cfg(test)]
mod tests;
