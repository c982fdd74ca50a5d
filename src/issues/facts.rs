//! What the data proves of an issue: what the sentence is made of.
//!
//! A book asks in two steps: [`Window::of`] says of which release and which hours it has to find users and tags, and
//! [`Window::facts`] makes the facts of what it [`Found`]. Pure; never waits, blocks or panics.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Account, Bucket, Moment, Tags, UserCount, Users};
use crate::limits::SHARE_HOURS;

/// The facts that a book can tell of one issue at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Facts {
    pub(crate) since: Since,
    pub(crate) first_seen: Moment,
    /// Occurrences of the past 60 minutes, by whole minutes: no more than were.
    pub(crate) past_hour: u64,
    /// Distinct users that the evidence is of, as far as they are known, so that ten failures of one user are not taken for
    /// those of ten.
    pub(crate) users: UserCount,
    /// None where no user was named in that time, by a failure or by another lane.
    pub(crate) share: Option<Share>,
    /// Of each tag, the value that most of the events have.
    pub(crate) evidence: Vec<Evidence>,
}

/// The release an issue begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Since {
    /// An earlier release had traffic, and had not the issue.
    Started(String),
    /// It was seen in no other release before, but no earlier one is known that could have shown it.
    FirstSeen(String),
    /// No release is named, or it came before without one.
    Unknown,
}

/// Distinct users that were hit, of those that were seen in the same window and release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) hit: UserCount,
    pub(crate) seen: UserCount,
    /// How far back it looks: since the release began, 24 hours at the most.
    pub(crate) window: Duration,
}

/// How one value of a tag is spread over the events and over all lanes, since the release began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) tag: String,
    pub(crate) value: String,
    /// Occurrences whose tags are known, those without this tag among them.
    pub(crate) events: u64,
    /// Of these, those with this value.
    pub(crate) events_with: u64,
    /// Lanes that have the tag, whatever its value, failed or not.
    pub(crate) lanes: u64,
    /// Of these, those with this value, at the most.
    pub(crate) lanes_with: u64,
}

/// Of which release, and since when, users and tags tell whom an issue hits.
///
/// The release is the one that the issue began in, as long as it comes in it: within [`SHARE_HOURS`]. Later it is the one
/// that the issue was last seen in. What named no release is taken as one more release, whose beginning is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) release: Option<String>,
    /// The hours in which users are counted: since the release began, [`SHARE_HOURS`] at the most.
    pub(crate) hours: RangeInclusive<u64>,
    /// How long that is.
    length: Duration,
    since: Since,
    /// The issue came in no other release.
    is_whole: bool,
}

/// What a book found in the window.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Occurrences of the minutes that [`past_hour`] names, in whichever release.
    pub(crate) past_hour: u64,
    /// The users in all.
    pub(crate) users: UserCount,
    /// The users in the release and the hours.
    pub(crate) hit: Users,
    /// The users that lanes named in the release and the hours.
    pub(crate) seen: Users,
    /// The tags of the occurrences in the release, whenever.
    pub(crate) events: Tags,
    /// The tags of the release's lanes, whenever.
    pub(crate) lanes: Tags,
}

impl Window {
    /// For an issue with these buckets, in a book that knows these releases and when each was first seen.
    pub(crate) fn of(
        account: &Account,
        buckets: &[Bucket],
        releases: &BTreeMap<String, Moment>,
        now: Moment,
    ) -> Self {
        let latest = (now.hour() + 1).saturating_sub(SHARE_HOURS)..=now.hour();
        let first = account.first_release.as_ref();
        let is_current =
            |bucket: &Bucket| bucket.release.as_ref() == first && last_hour(bucket) >= *latest.start();
        let release = if buckets.iter().any(is_current) { first } else { account.last_release.as_ref() };
        let begun = release.and_then(|release| releases.get(release)).copied().unwrap_or_default();
        let from = begun.max(Moment::from_ms(latest.start() * HOUR_MS));
        Self {
            release: release.cloned(),
            hours: from.hour()..=*latest.end(),
            length: now.since(from),
            is_whole: buckets.iter().all(|bucket| bucket.release.as_ref() == release),
            since: since(account, buckets, releases),
        }
    }

    pub(crate) fn facts(self, account: &Account, found: Found) -> Facts {
        let Found { past_hour, users, hit, mut seen, events, lanes } = found;
        seen.merge(&hit);
        // Whom it hit in other releases is behind none of what is known of this one.
        let users = if self.is_whole { users } else { hit.count().max(users.min(ONE)) };
        let share =
            (!seen.is_empty()).then(|| Share { hit: hit.count(), seen: seen.count(), window: self.length });
        let evidence = events.shares().into_iter().filter_map(|shares| {
            let (value, events_with) = shares.values.into_iter().next()?;
            let (lanes, lanes_with) = lanes.at_most(&shares.tag, &value);
            Some(Evidence {
                tag: shares.tag,
                value,
                events: events.carriers(),
                events_with,
                lanes,
                lanes_with,
            })
        });
        Facts {
            since: self.since,
            first_seen: account.first_seen,
            past_hour,
            users,
            share,
            evidence: evidence.collect(),
        }
    }
}

/// The minutes that the past hour is made of: the one that runs, and 59 before it.
pub(crate) fn past_hour(now: Moment) -> RangeInclusive<u64> {
    (now.minute() + 1).saturating_sub(MINUTES)..=now.minute()
}

/// The minutes whose counts are kept to be asked for. What a clock that was ahead for a while has left there is not: by it,
/// nothing that comes later would be recent.
pub(crate) fn kept_minutes(now: Moment) -> RangeInclusive<u64> {
    around(now.minute(), MINUTES)
}

/// The hours whose users are kept to be asked for, by the same rule.
pub(crate) fn kept_hours(now: Moment) -> RangeInclusive<u64> {
    around(now.hour(), SHARE_HOURS)
}

fn around(at: u64, by: u64) -> RangeInclusive<u64> {
    at.saturating_sub(by)..=at.saturating_add(by)
}

/// It started with its first release only where the book knows releases that began earlier, and the issue came in none of
/// them, nor ever without a release, which might have been one of them. Where it came without one before, it was not even
/// first seen in that release.
fn since(account: &Account, buckets: &[Bucket], releases: &BTreeMap<String, Moment>) -> Since {
    let Some(first) = account.first_release.clone() else { return Since::Unknown };
    let of_first = buckets.iter().filter(|bucket| bucket.release.as_ref() == Some(&first));
    let first_hours = of_first.map(last_hour).min();
    let is_before = |bucket: &Bucket| first_hours.is_none_or(|hour| bucket.hour <= hour);
    // Within one hour, nobody knows which was first.
    if buckets.iter().any(|bucket| bucket.release.is_none() && is_before(bucket)) {
        return Since::Unknown;
    }
    let begun = releases.get(&first).copied().unwrap_or_default();
    let is_earlier = |release: &String| releases.get(release).is_none_or(|other| *other < begun);
    let has_earlier = releases.values().any(|other| *other < begun);
    let came_before = |bucket: &Bucket| {
        bucket.release.as_ref().is_none_or(|release| *release != first && is_earlier(release))
    };
    if has_earlier && !buckets.iter().any(came_before) {
        Since::Started(first)
    } else {
        Since::FirstSeen(first)
    }
}

/// The last of the hours that it counts.
fn last_hour(bucket: &Bucket) -> u64 {
    if bucket.is_day { bucket.hour.saturating_add(LAST_HOUR) } else { bucket.hour }
}

const ONE: UserCount = UserCount { number: 1, is_estimate: false };
const MINUTES: u64 = 60;
const HOUR_MS: u64 = 60 * 60 * 1_000;
/// Of a day, behind its first.
const LAST_HOUR: u64 = 23;

#[cfg(test)]
mod tests;
