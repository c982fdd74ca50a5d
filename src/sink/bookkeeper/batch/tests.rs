//! What waits for long takes no more room than it may, and no count is lost by that.

use std::time::Duration;

use super::*;
use crate::issues::{Heading, Hit, Moment};
use crate::ledger::Ledger;
use crate::model::{EventKind, LoggedAt, User};

/// A batch, and where the events in it have ended.
#[derive(Default)]
struct Rig {
    batch: Batch,
    ledger: Arc<Ledger>,
}

impl Rig {
    fn event(&mut self, event: &Arc<TrackedEvent>) {
        self.batch.event(Kept { event: Arc::clone(event), receipt: self.ledger.receipt() }, false);
    }

    fn held(&self) -> Vec<EventId> {
        let held = self.batch.first(usize::MAX).iter().filter_map(|entry| match entry {
            Entry::Held(event) => Some(event.id),
            _ => None,
        });
        held.collect()
    }

    fn events(&self) -> Vec<EventId> {
        let events = self.batch.first(usize::MAX).iter().filter_map(|entry| match entry {
            Entry::Event { event, .. } => Some(event.id),
            _ => None,
        });
        events.collect()
    }

    fn counts(&self) -> Vec<(Moment, u64)> {
        let counts = self.batch.first(usize::MAX).iter().filter_map(|entry| match entry {
            Entry::Count(count) => Some((count.at, count.count)),
            _ => None,
        });
        counts.collect()
    }

    fn traffic(&self) -> Vec<&Traffic> {
        let traffic = self.batch.first(usize::MAX).iter().filter_map(|entry| match entry {
            Entry::Traffic(traffic) => Some(traffic),
            _ => None,
        });
        traffic.collect()
    }
}

#[test]
fn counts_of_one_issue_and_hour_become_one() {
    let mut rig = Rig::default();
    for (seconds, issue, release, count) in
        [(10, "a", "1", 1), (20, "a", "1", 2), (30, "b", "1", 4), (40, "a", "2", 8), (3_700, "a", "1", 16)]
    {
        rig.batch.push(count_of(Of::Issue(heading(issue)), seconds, release, count));
    }
    for (line, count) in [(7, 32), (8, 64), (7, 128)] {
        let of = Of::Line { target: "shop".to_owned(), file: None, line: Some(line) };
        rig.batch.push(count_of(of, 50, "1", count));
    }
    assert_eq!(rig.batch.shrink().uncounted, 0);
    let expected = [(20, 3), (30, 4), (40, 8), (3_700, 16), (50, 160), (50, 64)];
    assert_eq!(rig.counts(), expected.map(|(seconds, count)| (at(seconds), count)));
    // And once more, with what came meanwhile.
    rig.batch.push(count_of(Of::Issue(heading("a")), 60, "1", u64::MAX));
    rig.batch.shrink();
    assert_eq!(rig.counts().first(), Some(&(at(60), u64::MAX)));
    assert_eq!(rig.counts().len(), expected.len());
}

#[test]
fn lanes_of_one_hour_and_release_become_one_with_each_user_once() {
    let mut rig = Rig::default();
    for (seconds, release, users, tags) in [
        (20, Some("1"), vec!["ada", "bob", "ada"], vec![("plan", "pro", 2), ("plan", "free", 1)]),
        (10, Some("1"), vec!["bob", "eve"], vec![("plan", "pro", 3), ("region", "eu", 1)]),
        (30, None, vec!["ada"], vec![]),
        (3_700, Some("1"), vec!["ada"], vec![]),
    ] {
        rig.batch.push(Entry::Traffic(traffic(seconds, release, &users, &tags)));
    }
    assert_eq!(rig.batch.shrink().uncounted, 0);
    let joined = Traffic {
        lanes: 5,
        ..traffic(
            10,
            Some("1"),
            &["ada", "bob", "eve"],
            &[("plan", "pro", 5), ("plan", "free", 1), ("region", "eu", 1)],
        )
    };
    let others = [traffic(30, None, &["ada"], &[]), traffic(3_700, Some("1"), &["ada"], &[])];
    assert_eq!(rig.traffic(), [&joined, &others[0], &others[1]]);
}

#[test]
fn names_beyond_the_bound_are_told_and_the_lanes_are_counted_all_the_same() {
    let mut rig = Rig::default();
    let most = BOOK_WAITING_NAMES;
    let mut lanes = 0;
    let mut uncounted = 0;
    for round in 0..4 {
        let names: Vec<String> = (0..most / 3).map(|user| format!("{round}/{user}")).collect();
        let users: Vec<&str> = names.iter().map(String::as_str).collect();
        let tags: Vec<_> = users.iter().take(most / 6).map(|value| ("order", *value, 1)).collect();
        let traffic = traffic(round, Some("1"), &users, &tags);
        lanes += traffic.lanes;
        rig.batch.push(Entry::Traffic(traffic));
        uncounted += rig.batch.shrink().uncounted;
        let [traffic] = rig.traffic()[..] else { panic!("one hour of one release") };
        let kept = traffic.users.len() + traffic.tags.values().map(BTreeMap::len).sum::<usize>();
        assert!(kept <= most, "{kept}");
    }
    assert_eq!(rig.traffic()[0].lanes, lanes);
    let kept =
        rig.traffic()[0].users.len() + rig.traffic()[0].tags.values().map(BTreeMap::len).sum::<usize>();
    assert_eq!(kept, most, "as many as there is room for");
    // A name that went may come again, and go again.
    assert!(uncounted >= 4 * (most / 3 + most / 6) - most, "{uncounted}");
}

#[test]
fn of_too_many_hits_the_newest_stay() {
    let mut rig = Rig::default();
    for number in 0..BOOK_WAITING_HITS + 10 {
        rig.batch.push(Entry::Hit(Hit {
            at: at(number as u64),
            release: None,
            fingerprint: Fingerprint::from("a"),
            user: Some(User::new(number.to_string())),
            tags: Some(BTreeMap::new()),
        }));
    }
    assert_eq!(rig.batch.shrink().uncounted, 10);
    let hits = rig.batch.first(usize::MAX).iter().filter_map(|entry| match entry {
        Entry::Hit(hit) => Some(hit.at),
        _ => None,
    });
    let hits = hits.collect::<Vec<_>>();
    assert_eq!((hits.len(), hits.first()), (BOOK_WAITING_HITS, Some(&at(10))));
}

#[test]
fn what_has_ended_is_no_longer_told_of_as_held() {
    let mut rig = Rig::default();
    let [first, part, dropped, held] = [0; 4].map(|_| Arc::new(TrackedEvent::bare(EventKind::Error)));
    for event in [&first, &part, &dropped, &held] {
        rig.batch.hold(event);
    }
    let place = LoggedAt { id: part.id, target: String::new(), file: None, line: None, message: None };
    let joined = Arc::new(TrackedEvent { logged_at: vec![place], ..TrackedEvent::clone(&first) });
    rig.event(&joined);
    rig.batch.push(Entry::Released(vec![dropped.id]));
    assert!(rig.batch.shrink().events.is_empty());
    assert_eq!((rig.held(), rig.events()), (vec![held.id], vec![first.id]));
}

#[test]
fn of_too_many_bytes_the_oldest_events_go_and_what_is_held_comes_again() {
    let mut rig = Rig::default();
    let large = || {
        let message = Some("x".repeat(BOOK_WAITING_BYTES / 8));
        Arc::new(TrackedEvent { message, ..TrackedEvent::bare(EventKind::Error) })
    };
    let held = large();
    rig.batch.hold(&held);
    let events: Vec<_> = (0..10).map(|_| large()).collect();
    for event in &events {
        rig.event(event);
        rig.batch.push(count_of(Of::Issue(heading("a")), 0, "1", 1));
    }
    assert!(rig.batch.has_grown());
    let gone: Vec<_> = rig.batch.shrink().events.into_iter().map(|kept| kept.event.id).collect();
    assert!(!rig.batch.has_grown());
    let left = rig.events();
    assert_eq!(
        [gone.clone(), left.clone()].concat(),
        events.iter().map(|event| event.id).collect::<Vec<_>>()
    );
    assert!((6..8).contains(&left.len()), "{}", left.len());
    assert!(rig.held().is_empty(), "the oldest of all");
    assert_eq!(rig.counts(), [(at(0), 10)], "no count goes with them");
    // It is let go later, and has its receipt then.
    rig.event(&held);
    let kept: Vec<_> = rig.batch.take(usize::MAX).into_iter().map(|kept| kept.event.id).collect();
    assert_eq!(kept, [left, vec![held.id]].concat());
    assert!(rig.batch.is_empty());
}

/// Seconds behind the beginning of an hour.
fn at(seconds: u64) -> Moment {
    Moment::from_ms(1_777_600_800_000).after(Duration::from_secs(seconds))
}

fn heading(issue: &str) -> Heading {
    let fingerprint = Fingerprint::from(issue);
    Heading::of(&TrackedEvent { fingerprint, ..TrackedEvent::bare(EventKind::Error) })
}

fn count_of(of: Of, seconds: u64, release: &str, count: u64) -> Entry {
    let (release, environment) = (Some(release.to_owned()), "test".to_owned());
    Entry::Count(Count { at: at(seconds), release, environment, count, of })
}

/// As many lanes as users.
fn traffic(seconds: u64, release: Option<&str>, users: &[&str], tags: &[(&str, &str, u64)]) -> Traffic {
    let mut by_tag = BTreeMap::<String, BTreeMap<String, u64>>::new();
    for (tag, value, count) in tags {
        by_tag.entry((*tag).to_owned()).or_default().insert((*value).to_owned(), *count);
    }
    Traffic {
        at: at(seconds),
        release: release.map(str::to_owned),
        lanes: users.len() as u64,
        users: users.iter().map(|user| User::new(*user)).collect(),
        tags: by_tag,
    }
}
