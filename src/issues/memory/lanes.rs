//! The lanes that are over, failed or not, as a book in memory counts them: what shares are of.

use std::collections::BTreeMap;

use super::super::{Moment, Tags, Traffic, Users, Window, kept_hours};
use crate::limits::BOOK_TRAFFIC_BYTES;

/// Lanes by hour and release.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    hours: BTreeMap<(u64, Option<String>), Hour>,
    bytes: usize,
}

/// Those of one hour and release.
#[derive(Debug, Default)]
struct Hour {
    /// Only of the hours that a share can be asked of.
    users: Users,
    tags: Tags,
    bytes: usize,
}

impl Lanes {
    pub(super) fn add(&mut self, traffic: &Traffic, at: Moment, users: &[u64], now: Moment) {
        let hours = self.hours.len();
        let hour = self.hours.entry((at.hour(), traffic.release.clone())).or_default();
        users.iter().for_each(|user| hour.users.insert(*user));
        for (tag, values) in &traffic.tags {
            values.iter().for_each(|(value, count)| hour.tags.add(tag, value, *count));
        }
        self.bytes += hour.weigh();
        if self.hours.len() > hours {
            self.forget_users(now);
        }
        while self.bytes > BOOK_TRAFFIC_BYTES
            && let Some((_, hour)) = self.hours.pop_first()
        {
            self.bytes = self.bytes.saturating_sub(hour.bytes);
        }
    }

    /// Forgets hours that ended before.
    pub(super) fn forget(&mut self, age: Moment) {
        self.hours.retain(|(hour, _), _| *hour >= age.hour());
        self.bytes = self.hours.values().map(|hour| hour.bytes).sum();
    }

    /// Forgets who came in hours that no share is asked of.
    fn forget_users(&mut self, now: Moment) {
        let kept = kept_hours(now);
        for ((at, _), hour) in &mut self.hours {
            if !kept.contains(at) && !hour.users.is_empty() {
                hour.users = Users::default();
                hour.weigh();
            }
        }
        self.bytes = self.hours.values().map(|hour| hour.bytes).sum();
    }

    /// About how many bytes it takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn users(&self, window: &Window) -> Users {
        let mut users = Users::default();
        for ((hour, release), counted) in self.hours.range((*window.hours.start(), None)..) {
            if window.hours.contains(hour) && *release == window.release {
                users.merge(&counted.users);
            }
        }
        users
    }

    pub(super) fn tags(&self, window: &Window) -> Tags {
        let mut tags = Tags::default();
        for ((_, release), counted) in &self.hours {
            if *release == window.release {
                tags.merge(&counted.tags);
            }
        }
        tags
    }
}

impl Hour {
    /// Weighs it anew, and says by how much it has grown.
    fn weigh(&mut self) -> usize {
        let before = self.bytes;
        self.bytes = HOUR_BYTES + self.users.bytes() + self.tags.bytes();
        self.bytes.saturating_sub(before)
    }
}

/// Bytes of an hour in which nobody came, about.
const HOUR_BYTES: usize = 200;
