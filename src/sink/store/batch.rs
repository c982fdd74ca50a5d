//! A batch of entries on its way into the file, within one transaction.
//!
//! What the batch touches is read once, changed in memory by the rules that every book shares, and written once at the
//! end: an issue that came two hundred times costs no more than one that came once. What nobody touched is not read.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::document::Codec;
use super::page::Page;
use super::row::{UserKey, int, meta, moment, number, release_name, set_meta, tags, users};
use super::trouble::Result;
use crate::issues::{
    Count, Days, Entry, Heading, Hit, IssueId, LineTotal, Moment, News, Occurrence, Of, Retention, Sighting,
    Tags, Traffic, Users, kept_hours,
};
use crate::model::TrackedEvent;

/// What is read, changed and not written yet.
pub(super) struct Batch<'a> {
    file: &'a Connection,
    key: UserKey,
    now: Moment,
    pages: BTreeMap<IssueId, Page>,
    releases: BTreeMap<String, Release>,
    /// By release and hour.
    traffic: BTreeMap<(String, u64), Lanes>,
    lines: BTreeMap<Place, LineTotal>,
    days: BTreeSet<Moment>,
    sightings: Vec<Sighting>,
}

type Place = (String, Option<String>, Option<u32>);

/// A release, and the lanes that closed in it.
struct Release {
    first_seen: Moment,
    last_seen: Moment,
    lanes: u64,
    tags: Tags,
}

/// Lanes of one hour.
struct Lanes {
    count: u64,
    users: Users,
}

impl<'a> Batch<'a> {
    pub(super) fn new(file: &'a Connection, key: UserKey, now: Moment) -> Self {
        Self {
            file,
            key,
            now,
            pages: BTreeMap::new(),
            releases: BTreeMap::new(),
            traffic: BTreeMap::new(),
            lines: BTreeMap::new(),
            days: BTreeSet::new(),
            sightings: Vec::new(),
        }
    }

    /// Takes what concerns issues, lines and traffic; what is held is none of it.
    pub(super) fn add(&mut self, entry: &Entry) -> Result<()> {
        match entry {
            Entry::Event { event, .. } => self.event(event),
            Entry::Count(count) => self.count(count),
            Entry::Hit(hit) => self.hit(hit),
            Entry::Traffic(traffic) => self.traffic(traffic),
            Entry::Held(_) | Entry::Released(_) => Ok(()),
        }
    }

    pub(super) fn event(&mut self, event: &Arc<TrackedEvent>) -> Result<()> {
        let at = Moment::of(event.time).no_later_than(self.now);
        self.days.insert(at);
        let release = event.release.as_deref();
        let user = event.user.as_ref().and_then(|user| self.key.hash(user));
        let by =
            Occurrence { at, release, release_begun: self.seen(release, at)?, count: 1, is_tallied: false };
        let heading = Heading::of(event);
        let file = self.file;
        let page = self.page(&heading, at)?;
        page.hit(file, at, release, user, Some(&event.tags))?;
        page.keep(file, event.clone())?;
        self.occur(&heading, by, &event.environment)
    }

    fn count(&mut self, count: &Count) -> Result<()> {
        if count.count == 0 {
            return Ok(());
        }
        let at = count.at.no_later_than(self.now);
        self.days.insert(at);
        match &count.of {
            Of::Issue(heading) => {
                let release = count.release.as_deref();
                let release_begun = self.seen(release, at)?;
                self.page(heading, at)?;
                let by = Occurrence { at, release, release_begun, count: count.count, is_tallied: true };
                self.occur(heading, by, &count.environment)
            }
            Of::Line { target, file, line } => {
                let place = (target.clone(), file.clone(), *line);
                let total = self.lines.entry(place).or_insert_with(|| LineTotal {
                    target: target.clone(),
                    file: file.clone(),
                    line: *line,
                    count: 0,
                    last_seen: at,
                });
                total.count = total.count.saturating_add(count.count);
                total.last_seen = total.last_seen.max(at);
                Ok(())
            }
        }
    }

    fn hit(&mut self, hit: &Hit) -> Result<()> {
        let (id, at) = (IssueId::of(&hit.fingerprint), hit.at.no_later_than(self.now));
        if let Slot::Vacant(slot) = self.pages.entry(id) {
            let Some(page) = Page::load(self.file, id)? else { return Ok(()) };
            slot.insert(page);
        }
        let user = hit.user.as_ref().and_then(|user| self.key.hash(user));
        let release = hit.release.as_deref();
        self.seen(release, at)?;
        let Some(page) = self.pages.get_mut(&id) else { return Ok(()) };
        page.hit(self.file, at, release, user, hit.tags.as_ref())?;
        let users = page.users.count().number;
        if let Some(news) = page.account.hit(users) {
            self.sightings.push(page.account.sighting(news));
        }
        Ok(())
    }

    fn traffic(&mut self, traffic: &Traffic) -> Result<()> {
        let release = traffic.release.as_deref();
        let at = traffic.at.no_later_than(self.now);
        self.days.insert(at);
        self.seen(release, at)?;
        let name = release_name(release).to_owned();
        if let Some(known) = self.releases.get_mut(&name) {
            known.lanes = known.lanes.saturating_add(traffic.lanes);
            for (tag, values) in &traffic.tags {
                values.iter().for_each(|(value, count)| known.tags.add(tag, value, *count));
            }
        }
        let hour = at.hour();
        let lanes = match self.traffic.entry((name, hour)) {
            Slot::Occupied(slot) => slot.into_mut(),
            Slot::Vacant(slot) => {
                let lanes = Lanes::load(self.file, &slot.key().0, hour)?;
                slot.insert(lanes)
            }
        };
        lanes.count = lanes.count.saturating_add(traffic.lanes);
        traffic.users.iter().filter_map(|user| self.key.hash(user)).for_each(|user| lanes.users.insert(user));
        Ok(())
    }

    fn occur(&mut self, heading: &Heading, by: Occurrence<'_>, environment: &str) -> Result<()> {
        let file = self.file;
        let page = self.page(heading, by.at)?;
        page.count(file, &by, environment)?;
        let users = page.users.count().number;
        let news: Option<News> = page.account.occur(heading, by, users);
        if let Some(news) = news {
            let sighting = page.account.sighting(news);
            self.sightings.push(sighting);
        }
        Ok(())
    }

    /// The issue of a heading, which begins with it where it is not there.
    fn page(&mut self, heading: &Heading, at: Moment) -> Result<&mut Page> {
        let id = IssueId::of(&heading.fingerprint);
        match self.pages.entry(id) {
            Slot::Occupied(slot) => Ok(slot.into_mut()),
            Slot::Vacant(slot) => {
                let page = Page::load(self.file, id)?;
                Ok(slot.insert(page.unwrap_or_else(|| Page::new(heading.clone(), at))))
            }
        }
    }

    /// Something of a release came; says when it was first seen, where it has a name.
    fn seen(&mut self, release: Option<&str>, at: Moment) -> Result<Option<Moment>> {
        let name = release_name(release);
        if !self.releases.contains_key(name) {
            self.releases.insert(name.to_owned(), Release::load(self.file, name, at)?);
        }
        let Some(known) = self.releases.get_mut(name) else { return Ok(None) };
        known.first_seen = known.first_seen.min(at);
        known.last_seen = known.last_seen.max(at);
        Ok(release.map(|_| known.first_seen))
    }

    /// Writes what was changed.
    pub(super) fn write(mut self, codec: &mut Codec, keep: &Retention) -> Result<Vec<Sighting>> {
        for page in std::mem::take(&mut self.pages).into_values() {
            page.write(self.file, codec, keep, self.now)?;
        }
        for (name, release) in &self.releases {
            release.write(self.file, name)?;
        }
        for ((release, hour), lanes) in &self.traffic {
            lanes.write(self.file, release, *hour, self.now)?;
        }
        for total in self.lines.values() {
            write_line(self.file, total)?;
        }
        self.write_days()?;
        Ok(self.sightings)
    }

    fn write_days(&self) -> Result<()> {
        if self.days.is_empty() {
            return Ok(());
        }
        let known = days(self.file)?;
        let mut seen = known.clone();
        self.days.iter().for_each(|at| seen.add(*at));
        if seen == known { Ok(()) } else { set_meta(self.file, "days", seen.to_string()) }
    }
}

/// The days on which something was recorded.
pub(super) fn days(file: &Connection) -> Result<Days> {
    Ok(meta::<String>(file, "days")?.and_then(|days| days.parse().ok()).unwrap_or_default())
}

impl Release {
    fn load(file: &Connection, name: &str, at: Moment) -> Result<Self> {
        let mut statement =
            file.prepare_cached("SELECT first_seen, last_seen, lanes, tags FROM release WHERE name = ?1")?;
        let known = statement.query_row([name], |row| {
            Ok(Self {
                first_seen: moment(row, 0)?,
                last_seen: moment(row, 1)?,
                lanes: number(row, 2)?,
                tags: tags(row, 3)?,
            })
        });
        let new = || Self { first_seen: at, last_seen: at, lanes: 0, tags: Tags::default() };
        Ok(known.optional()?.unwrap_or_else(new))
    }

    fn write(&self, file: &Connection, name: &str) -> Result<()> {
        let mut statement = file.prepare_cached(
            "INSERT INTO release (name, first_seen, last_seen, lanes, tags) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (name) DO UPDATE SET first_seen = excluded.first_seen, last_seen = excluded.last_seen,
                 lanes = excluded.lanes, tags = excluded.tags",
        )?;
        let (first, last) = (int(self.first_seen.ms()), int(self.last_seen.ms()));
        statement.execute(params![name, first, last, int(self.lanes), self.tags.to_json()])?;
        Ok(())
    }
}

impl Lanes {
    fn load(file: &Connection, release: &str, hour: u64) -> Result<Self> {
        let mut statement =
            file.prepare_cached("SELECT lanes, users FROM traffic WHERE release = ?1 AND hour = ?2")?;
        let known = statement.query_row(params![release, int(hour)], |row| {
            Ok(Self { count: number(row, 0)?, users: users(row, 1)? })
        });
        Ok(known.optional()?.unwrap_or_else(|| Self { count: 0, users: Users::default() }))
    }

    fn write(&self, file: &Connection, release: &str, hour: u64, now: Moment) -> Result<()> {
        let mut statement = file.prepare_cached(
            "INSERT INTO traffic (release, hour, lanes, users) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (release, hour) DO UPDATE SET lanes = excluded.lanes, users = excluded.users",
        )?;
        statement.execute(params![release, int(hour), int(self.count), self.users.to_bytes()])?;
        let kept = kept_hours(now);
        file.prepare_cached("DELETE FROM traffic WHERE release = ?1 AND hour NOT BETWEEN ?2 AND ?3")?
            .execute(params![release, int(*kept.start()), int(*kept.end())])?;
        Ok(())
    }
}

fn write_line(file: &Connection, total: &LineTotal) -> Result<()> {
    let LineTotal { target, file: source, line, count, last_seen } = total;
    let changed = file
        .prepare_cached(
            "UPDATE line SET count = count + ?4, last_seen = max(last_seen, ?5)
             WHERE target = ?1 AND file IS ?2 AND line IS ?3",
        )?
        .execute(params![target, source, line, int(*count), int(last_seen.ms())])?;
    if changed == 0 {
        file.prepare_cached(
            "INSERT INTO line (target, file, line, count, last_seen) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![target, source, line, int(*count), int(last_seen.ms())])?;
    }
    Ok(())
}
