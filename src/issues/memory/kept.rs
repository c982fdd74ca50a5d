//! One issue, as a book in memory keeps it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::{
    Account, Bucket, Heading, Issue, Moment, Occurrence, Query, Retention, Sighting, Summary, Tags, Users,
    Variant, Window, finds, kept_hours, kept_minutes, texts, variant_of,
};
use crate::limits::VARIANTS;
use crate::model::{EventId, TrackedEvent};

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) account: Account,
    pub(super) users: Users,
    /// Occurrences of the past hour, by minute.
    pub(super) minutes: BTreeMap<u64, u64>,
    /// By release.
    pub(super) tags: BTreeMap<Option<String>, Tags>,
    /// By moment and id.
    pub(super) events: BTreeMap<(Moment, EventId), KeptEvent>,
    /// What it takes, its events aside, as it was weighed last.
    pub(super) bytes: usize,
    buckets: BTreeMap<Slot, u64>,
    /// By hour and release, of the hours that a share can be asked of.
    users_by_hour: BTreeMap<(u64, Option<String>), Users>,
    variants: BTreeMap<u64, Variant>,
}

#[derive(Debug)]
pub(super) struct KeptEvent {
    pub(super) event: Arc<TrackedEvent>,
    variant: u64,
}

/// The hour, whether it stands for its whole day, the release and the environment.
type Slot = (u64, bool, Option<String>, String);

impl Kept {
    pub(super) fn new(heading: Heading, at: Moment) -> Self {
        Self {
            account: Account::new(heading, at),
            users: Users::default(),
            minutes: BTreeMap::new(),
            tags: BTreeMap::new(),
            events: BTreeMap::new(),
            bytes: 0,
            buckets: BTreeMap::new(),
            users_by_hour: BTreeMap::new(),
            variants: BTreeMap::new(),
        }
    }

    /// Counts whom an occurrence hit, and says how many users there are by then.
    pub(super) fn hit(
        &mut self,
        at: Moment,
        release: Option<&str>,
        user: Option<u64>,
        tags: Option<&BTreeMap<String, String>>,
        now: Moment,
    ) -> u64 {
        let release = release.map(str::to_owned);
        if let Some(user) = user {
            self.users.insert(user);
            self.users_by_hour.entry((at.hour(), release.clone())).or_default().insert(user);
            let kept = kept_hours(now);
            self.users_by_hour.retain(|(hour, _), _| kept.contains(hour));
        }
        if let Some(tags) = tags {
            self.tags.entry(release).or_default().add_carrier(tags);
        }
        self.users.count().number
    }

    pub(super) fn occur(
        &mut self,
        heading: &Heading,
        by: Occurrence<'_>,
        environment: &str,
        now: Moment,
    ) -> Option<Sighting> {
        let slot = (by.at.hour(), false, by.release.map(str::to_owned), environment.to_owned());
        let count = self.buckets.entry(slot).or_default();
        *count = count.saturating_add(by.count);
        let count = self.minutes.entry(by.at.minute()).or_default();
        *count = count.saturating_add(by.count);
        let kept = kept_minutes(now);
        self.minutes.retain(|minute, _| kept.contains(minute));
        let news = self.account.occur(heading, by, self.users.count().number)?;
        Some(self.account.sighting(news))
    }

    /// Keeps an event, as one of its variant.
    pub(super) fn keep(&mut self, event: Arc<TrackedEvent>) {
        let at = Moment::of(event.time);
        let (hash, label) = variant_of(&event);
        if self.variants.len() >= VARIANTS && !self.variants.contains_key(&hash) {
            let oldest = self.variants.iter().min_by_key(|(hash, variant)| (variant.last_seen, **hash));
            if let Some(oldest) = oldest.map(|(hash, _)| *hash) {
                self.variants.remove(&oldest);
            }
        }
        let variant = self.variants.entry(hash).or_insert(Variant { label, count: 0, last_seen: at });
        variant.count += 1;
        variant.last_seen = variant.last_seen.max(at);
        self.events.insert((at, event.id), KeptEvent { event, variant: hash });
    }

    /// Forgets events of before, and those beyond what is kept of a variant and in all; of each its name and size.
    pub(super) fn forget_events(
        &mut self,
        keep: &Retention,
        before: Moment,
    ) -> Vec<(Moment, EventId, usize)> {
        let (mut of_variant, mut in_all) = (BTreeMap::<u64, usize>::new(), 0);
        let old = self.events.iter().rev().filter(|((at, _), kept)| {
            let of_variant = of_variant.entry(kept.variant).or_default();
            *of_variant += 1;
            let is_kept = *at >= before && *of_variant <= keep.variant_events && in_all < keep.events;
            in_all += usize::from(is_kept);
            !is_kept
        });
        let old: Vec<_> = old.map(|(&(at, id), kept)| (at, id, kept.event.bytes())).collect();
        old.iter().for_each(|(at, id, _)| {
            self.events.remove(&(*at, *id));
        });
        old
    }

    /// Puts counts of hours before this one together by day, and says of how many hours.
    pub(super) fn fold(&mut self, before: u64) -> u64 {
        let newer = self.buckets.split_off(&(before, false, None, String::new()));
        let (mut folded, old) = (0, std::mem::replace(&mut self.buckets, newer));
        for ((hour, is_day, release, environment), count) in old {
            folded += u64::from(!is_day);
            let day = self.buckets.entry((hour - hour % HOURS, true, release, environment)).or_default();
            *day = day.saturating_add(count);
        }
        folded
    }

    pub(super) fn buckets(&self) -> Vec<Bucket> {
        let buckets = self.buckets.iter().map(|((hour, is_day, release, environment), count)| Bucket {
            hour: *hour,
            is_day: *is_day,
            release: release.clone(),
            environment: environment.clone(),
            count: *count,
        });
        buckets.collect()
    }

    /// Its users in the window's release and hours.
    pub(super) fn users_of(&self, window: &Window) -> Users {
        let mut users = Users::default();
        for ((hour, release), counted) in &self.users_by_hour {
            if window.hours.contains(hour) && *release == window.release {
                users.merge(counted);
            }
        }
        users
    }

    pub(super) fn summary(&self) -> Summary {
        self.account.summary(self.users.count())
    }

    pub(super) fn issue(&self) -> Issue {
        let Heading { fingerprint, target, file, line, .. } = self.account.heading.clone();
        let mut tags = Tags::default();
        self.tags.values().for_each(|of_release| tags.merge(of_release));
        let mut variants: Vec<_> = self.variants.values().cloned().collect();
        variants.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.label.cmp(&b.label)));
        Issue {
            summary: self.summary(),
            fingerprint,
            target,
            file,
            line,
            tallied: self.account.tallied,
            buckets: self.buckets(),
            tags: tags.shares(),
            variants,
            kept: self.events.len() as u64,
            newest: self.events.last_key_value().map(|(_, kept)| kept.event.as_ref().clone()),
        }
    }

    /// A query asks for it, with the text that it looks for.
    pub(super) fn is_asked(&self, query: &Query, needle: Option<&str>) -> bool {
        let Query { state, release, environment, tag, .. } = query;
        let has_bucket = |is: &dyn Fn(&Slot) -> bool| self.buckets.keys().any(is);
        state.is_none_or(|only| only.admits(self.account.state))
            && release.as_ref().is_none_or(|release| has_bucket(&|slot| slot.2.as_ref() == Some(release)))
            && environment.as_ref().is_none_or(|environment| has_bucket(&|slot| slot.3 == *environment))
            && tag.as_ref().is_none_or(|(tag, value)| self.tags.values().any(|of| of.count(tag, value).1 > 0))
            && needle.is_none_or(|needle| self.mentions(needle))
    }

    /// About how many bytes it takes, its events aside.
    pub(super) fn weigh(&self) -> usize {
        let Heading { fingerprint, title, culprit, target, .. } = &self.account.heading;
        let heading: usize =
            [title, culprit, target].into_iter().chain(fingerprint.parts()).map(String::len).sum();
        let buckets = self.buckets.keys().map(|(_, _, release, environment)| {
            ENTRY_BYTES + release.as_ref().map_or(0, String::len) + environment.len()
        });
        let users = self.users_by_hour.values().chain([&self.users]).map(|users| ENTRY_BYTES + users.bytes());
        let tags = self.tags.values().map(|tags| ENTRY_BYTES + tags.bytes());
        let variants = self.variants.values().map(|variant| ENTRY_BYTES + variant.label.len());
        let entries = buckets.chain(users).chain(tags).chain(variants);
        size_of::<Self>() + heading + self.minutes.len() * 2 * size_of::<u64>() + entries.sum::<usize>()
    }

    fn mentions(&self, needle: &str) -> bool {
        let Heading { title, culprit, target, .. } = &self.account.heading;
        let of_events = self.events.values().flat_map(|kept| texts(&kept.event));
        [title, culprit, target]
            .into_iter()
            .map(String::as_str)
            .chain(of_events)
            .any(|text| finds(text, needle))
    }
}

const HOURS: u64 = 24;
/// Bytes of one entry of a map, its texts aside, about.
const ENTRY_BYTES: usize = 96;
