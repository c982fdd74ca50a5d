//! One issue in a batch: its row, what was added to it, and how that is written.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::document::Codec;
use super::row::{self, int, key, moment, number, release_name, tags, users};
use super::trouble::Result;
use crate::issues::{
    Account, Heading, IssueId, Moment, Occurrence, Retention, Tags, Users, Variant, kept_hours, kept_minutes,
    texts, variant_of,
};
use crate::limits::VARIANTS;
use crate::model::TrackedEvent;

/// An issue as it is read, and what is not written of it yet.
pub(super) struct Page {
    pub(super) account: Account,
    pub(super) users: Users,
    /// As many users as are written.
    written_users: Option<Users>,
    releases: BTreeMap<String, OfRelease>,
    /// Added by hour, release and environment.
    hours: BTreeMap<(u64, String, String), u64>,
    /// Added by minute.
    minutes: BTreeMap<u64, u64>,
    /// Added by release and hour.
    hits: BTreeMap<(String, u64), Users>,
    /// All of them, once an event came.
    variants: Option<Variants>,
    events: Vec<New>,
}

/// An issue in one release.
struct OfRelease {
    count: u64,
    tags: Tags,
    written_tags: Tags,
}

struct Variants {
    known: BTreeMap<u64, Variant>,
    changed: BTreeSet<u64>,
    forgotten: BTreeSet<u64>,
}

/// An event that is not written yet.
struct New {
    event: Arc<TrackedEvent>,
    variant: u64,
}

/// An event among those of its issue: its moment, id and variant, and where it stands.
type Place = (i64, [u8; 16], u64, At);

/// In the file, or in the batch.
#[derive(Clone, Copy)]
enum At {
    File(i64),
    Batch(usize),
}

impl Page {
    pub(super) fn new(heading: Heading, at: Moment) -> Self {
        Self::of(Account::new(heading, at), Users::default())
    }

    pub(super) fn load(file: &Connection, issue: IssueId) -> Result<Option<Self>> {
        let Some((account, _)) = row::load(file, issue)? else { return Ok(None) };
        let users = row::load_users(file, issue)?;
        let written_users = Some(users.clone());
        Ok(Some(Self { written_users, ..Self::of(account, users) }))
    }

    fn of(account: Account, users: Users) -> Self {
        Self {
            account,
            users,
            written_users: None,
            releases: BTreeMap::new(),
            hours: BTreeMap::new(),
            minutes: BTreeMap::new(),
            hits: BTreeMap::new(),
            variants: None,
            events: Vec::new(),
        }
    }

    /// Counts whom an occurrence hit, and by which tags it is known.
    pub(super) fn hit(
        &mut self,
        file: &Connection,
        at: Moment,
        release: Option<&str>,
        user: Option<u64>,
        tags: Option<&BTreeMap<String, String>>,
    ) -> Result<()> {
        let name = release_name(release);
        if let Some(user) = user {
            self.users.insert(user);
            self.hits.entry((name.to_owned(), at.hour())).or_default().insert(user);
        }
        if let Some(tags) = tags {
            self.release(file, name)?.tags.add_carrier(tags);
        }
        Ok(())
    }

    pub(super) fn count(&mut self, file: &Connection, by: &Occurrence<'_>, environment: &str) -> Result<()> {
        let name = release_name(by.release);
        let add = |to: &mut u64| *to = to.saturating_add(by.count);
        add(&mut self.release(file, name)?.count);
        add(self.hours.entry((by.at.hour(), name.to_owned(), environment.to_owned())).or_default());
        add(self.minutes.entry(by.at.minute()).or_default());
        Ok(())
    }

    /// Keeps an event, as one of its variant.
    pub(super) fn keep(&mut self, file: &Connection, event: Arc<TrackedEvent>) -> Result<()> {
        let variants = match &mut self.variants {
            Some(variants) => variants,
            none => none.insert(Variants::load(file, self.account.id())?),
        };
        let variant = variants.count(&event);
        self.events.push(New { event, variant });
        Ok(())
    }

    fn release(&mut self, file: &Connection, name: &str) -> Result<&mut OfRelease> {
        let issue = self.account.id();
        match self.releases.entry(name.to_owned()) {
            Slot::Occupied(slot) => Ok(slot.into_mut()),
            Slot::Vacant(slot) => Ok(slot.insert(OfRelease::load(file, issue, name)?)),
        }
    }

    /// Writes what was added.
    pub(super) fn write(
        self,
        file: &Connection,
        codec: &mut Codec,
        keep: &Retention,
        now: Moment,
    ) -> Result<()> {
        let issue = self.account.id();
        row::save(file, issue, &self.account, self.users.count())?;
        if !self.users.is_empty() && self.written_users.as_ref() != Some(&self.users) {
            row::save_users(file, issue, &self.users)?;
        }
        for (name, release) in &self.releases {
            release.write(file, issue, name)?;
        }
        self.write_counts(file, issue, now)?;
        self.write_hits(file, issue, now)?;
        if let Some(variants) = &self.variants {
            variants.write(file, issue)?;
        }
        write_events(file, codec, issue, &self.events, keep)
    }

    fn write_counts(&self, file: &Connection, issue: IssueId, now: Moment) -> Result<()> {
        let mut add_hour = file.prepare_cached(
            "INSERT INTO hour (issue, is_day, hour, release, environment, count) VALUES (?1, 0, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET count = count + excluded.count",
        )?;
        let mut add_environment = file
            .prepare_cached("INSERT OR IGNORE INTO issue_environment (environment, issue) VALUES (?1, ?2)")?;
        for ((hour, release, environment), count) in &self.hours {
            add_hour.execute(params![key(issue), int(*hour), release, environment, int(*count)])?;
            add_environment.execute(params![environment, key(issue)])?;
        }
        let mut add_minute = file.prepare_cached(
            "INSERT INTO minute (issue, minute, count) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET count = count + excluded.count",
        )?;
        for (minute, count) in &self.minutes {
            add_minute.execute(params![key(issue), int(*minute), int(*count)])?;
        }
        if !self.minutes.is_empty() {
            let kept = kept_minutes(now);
            file.prepare_cached("DELETE FROM minute WHERE issue = ?1 AND minute NOT BETWEEN ?2 AND ?3")?
                .execute(params![key(issue), int(*kept.start()), int(*kept.end())])?;
        }
        Ok(())
    }

    fn write_hits(&self, file: &Connection, issue: IssueId, now: Moment) -> Result<()> {
        for ((release, hour), added) in &self.hits {
            let at = params![key(issue), release, int(*hour)];
            let known = file
                .prepare_cached("SELECT users FROM hit WHERE issue = ?1 AND release = ?2 AND hour = ?3")?
                .query_row(at, |row| users(row, 0))
                .optional()?;
            let mut all = known.unwrap_or_default();
            all.merge(added);
            file.prepare_cached(
                "INSERT INTO hit (issue, release, hour, users) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET users = excluded.users",
            )?
            .execute(params![key(issue), release, int(*hour), all.to_bytes()])?;
        }
        if !self.hits.is_empty() {
            let kept = kept_hours(now);
            file.prepare_cached("DELETE FROM hit WHERE issue = ?1 AND hour NOT BETWEEN ?2 AND ?3")?
                .execute(params![key(issue), int(*kept.start()), int(*kept.end())])?;
        }
        Ok(())
    }
}

impl OfRelease {
    fn load(file: &Connection, issue: IssueId, name: &str) -> Result<Self> {
        let known = file
            .prepare_cached("SELECT count, tags FROM issue_release WHERE issue = ?1 AND release = ?2")?
            .query_row(params![key(issue), name], |row| Ok((number(row, 0)?, tags(row, 1)?)))
            .optional()?;
        let (count, tags) = known.unwrap_or_default();
        Ok(Self { count, written_tags: tags.clone(), tags })
    }

    fn write(&self, file: &Connection, issue: IssueId, name: &str) -> Result<()> {
        file.prepare_cached(
            "INSERT INTO issue_release (issue, release, count, tags) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET count = excluded.count, tags = excluded.tags",
        )?
        .execute(params![key(issue), name, int(self.count), self.tags.to_json()])?;
        if self.tags == self.written_tags {
            return Ok(());
        }
        let (before, after): (BTreeSet<_>, BTreeSet<_>) =
            (self.written_tags.values().collect(), self.tags.values().collect());
        let mut add = file.prepare_cached(
            "INSERT OR IGNORE INTO issue_tag (tag, value, issue, release) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for (tag, value) in after.difference(&before) {
            add.execute(params![tag, value, key(issue), name])?;
        }
        let mut remove = file.prepare_cached(
            "DELETE FROM issue_tag WHERE tag = ?1 AND value = ?2 AND issue = ?3 AND release = ?4",
        )?;
        for (tag, value) in before.difference(&after) {
            remove.execute(params![tag, value, key(issue), name])?;
        }
        Ok(())
    }
}

impl Variants {
    fn load(file: &Connection, issue: IssueId) -> Result<Self> {
        let mut statement =
            file.prepare_cached("SELECT variant, label, count, last_seen FROM variant WHERE issue = ?1")?;
        let known = statement.query_map([key(issue)], |row| {
            let variant = Variant { label: row.get(1)?, count: number(row, 2)?, last_seen: moment(row, 3)? };
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), variant))
        })?;
        let known = known.collect::<rusqlite::Result<_>>()?;
        Ok(Self { known, changed: BTreeSet::new(), forgotten: BTreeSet::new() })
    }

    /// Counts an event, and says of which variant it is.
    fn count(&mut self, event: &TrackedEvent) -> u64 {
        let at = Moment::of(event.time);
        let (hash, label) = variant_of(event);
        if self.known.len() >= VARIANTS && !self.known.contains_key(&hash) {
            let oldest = self.known.iter().min_by_key(|(hash, variant)| (variant.last_seen, **hash));
            if let Some(oldest) = oldest.map(|(hash, _)| *hash) {
                self.known.remove(&oldest);
                self.changed.remove(&oldest);
                self.forgotten.insert(oldest);
            }
        }
        let variant = self.known.entry(hash).or_insert(Variant { label, count: 0, last_seen: at });
        variant.count = variant.count.saturating_add(1);
        variant.last_seen = variant.last_seen.max(at);
        self.changed.insert(hash);
        self.forgotten.remove(&hash);
        hash
    }

    fn write(&self, file: &Connection, issue: IssueId) -> Result<()> {
        let mut remove = file.prepare_cached("DELETE FROM variant WHERE issue = ?1 AND variant = ?2")?;
        for hash in &self.forgotten {
            remove.execute([key(issue), hash.cast_signed()])?;
        }
        let mut save = file.prepare_cached(
            "INSERT INTO variant (issue, variant, label, count, last_seen) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET count = excluded.count, last_seen = excluded.last_seen",
        )?;
        for (hash, Variant { label, count, last_seen }) in
            self.changed.iter().filter_map(|hash| Some((hash, self.known.get(hash)?)))
        {
            save.execute(params![key(issue), hash.cast_signed(), label, int(*count), int(last_seen.ms())])?;
        }
        Ok(())
    }
}

/// Writes the events that are kept, and forgets those that they push out: what the batch itself pushes out is not written.
fn write_events(
    file: &Connection,
    codec: &mut Codec,
    issue: IssueId,
    events: &[New],
    keep: &Retention,
) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let mut places = places(file, issue)?;
    places.extend(events.iter().enumerate().map(|(at, new)| {
        (int(Moment::of(new.event.time).ms()), new.event.id.to_bytes(), new.variant, At::Batch(at))
    }));
    places.sort_unstable_by_key(|&(time, id, ..)| std::cmp::Reverse((time, id)));
    let kept = kept(places.iter().map(|place| place.2), keep);
    // The oldest first: who follows the file is told in that order.
    for (is_kept, place) in kept.into_iter().zip(&places).rev() {
        match (is_kept, place) {
            (true, &(time, id, variant, At::Batch(at))) => {
                let Some(new) = events.get(at) else { continue };
                let document = codec.encode(&new.event)?;
                file.prepare_cached(
                    "INSERT INTO event (id, issue, variant, time, document) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![id, key(issue), variant.cast_signed(), time, document])?;
                let texts: Vec<&str> = texts(&new.event).collect();
                file.prepare_cached("INSERT INTO event_text (event, issue, text) VALUES (?1, ?2, ?3)")?
                    .execute(params![
                        file.last_insert_rowid(),
                        key(issue),
                        texts.join("\n").to_lowercase()
                    ])?;
            }
            (false, (.., At::File(seq))) => forget_event(file, *seq)?,
            (true, (.., At::File(_))) | (false, (.., At::Batch(_))) => {}
        }
    }
    Ok(())
}

/// The events of an issue that are in the file.
fn places(file: &Connection, issue: IssueId) -> Result<Vec<Place>> {
    let mut statement = file.prepare_cached("SELECT time, id, variant, seq FROM event WHERE issue = ?1")?;
    let places = statement.query_map([key(issue)], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?.cast_unsigned(), At::File(row.get(3)?)))
    })?;
    Ok(places.collect::<rusqlite::Result<_>>()?)
}

/// Of an issue's events, newest first, which are kept: so many of each variant, and so many in all.
fn kept(variants: impl Iterator<Item = u64>, keep: &Retention) -> Vec<bool> {
    let (mut of_variant, mut in_all) = (BTreeMap::<u64, usize>::new(), 0);
    let kept = variants.map(|variant| {
        let of_variant = of_variant.entry(variant).or_default();
        *of_variant += 1;
        let is_kept = *of_variant <= keep.variant_events && in_all < keep.events;
        in_all += usize::from(is_kept);
        is_kept
    });
    kept.collect()
}

/// Forgets those of an issue's events that are beyond what is kept, and says how many.
pub(super) fn forget_beyond(file: &Connection, issue: IssueId, keep: &Retention) -> Result<u64> {
    let mut places = places(file, issue)?;
    places.sort_unstable_by_key(|&(time, id, ..)| std::cmp::Reverse((time, id)));
    let mut forgotten = 0;
    for (is_kept, place) in kept(places.iter().map(|place| place.2), keep).into_iter().zip(&places) {
        if let (false, (.., At::File(seq))) = (is_kept, place) {
            forget_event(file, *seq)?;
            forgotten += 1;
        }
    }
    Ok(forgotten)
}

pub(super) fn forget_event(file: &Connection, seq: i64) -> Result<()> {
    file.prepare_cached("DELETE FROM event WHERE seq = ?1")?.execute([seq])?;
    file.prepare_cached("DELETE FROM event_text WHERE event = ?1")?.execute([seq])?;
    Ok(())
}
