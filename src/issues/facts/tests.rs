//! What is said of an issue, and what is not.

use super::*;
use crate::issues::{Heading, Occurrence};
use crate::model::{EventKind, TrackedEvent};

const HOURS: u64 = 500_000;

fn hour(hour: u64) -> Moment {
    Moment::from_ms((HOURS + hour) * HOUR_MS)
}

/// An issue that came in these hours and releases, in a book where releases began so.
struct Case<'a> {
    seen: &'a [(u64, Option<&'a str>)],
    releases: &'a [(&'a str, u64)],
}

impl Case<'_> {
    fn account(&self) -> Account {
        let heading = Heading::of(&TrackedEvent::bare(EventKind::Error));
        let mut account = Account::new(heading.clone(), hour(self.seen[0].0));
        for (at, release) in self.seen {
            let occurrence = Occurrence {
                at: hour(*at),
                release: *release,
                release_begun: None,
                count: 1,
                is_tallied: true,
            };
            account.occur(&heading, occurrence, 0);
        }
        account
    }

    fn window(&self, now: Moment) -> Window {
        let buckets = self.seen.iter().map(|(at, release)| Bucket {
            hour: HOURS + at,
            is_day: false,
            release: release.map(str::to_owned),
            environment: String::new(),
            count: 1,
        });
        let buckets: Vec<_> = buckets.collect();
        let releases = self.releases.iter().map(|(name, begun)| ((*name).to_owned(), hour(*begun)));
        Window::of(&self.account(), &buckets, &releases.collect(), now)
    }

    fn since(&self) -> Since {
        self.window(hour(100)).since
    }
}

#[test]
fn an_issue_started_with_a_release_only_where_an_earlier_one_could_have_shown_it() {
    let started = || Since::Started("b".to_owned());
    let first = || Since::FirstSeen("b".to_owned());
    let releases: &[(&str, u64)] = &[("a", 1), ("b", 5), ("c", 9)];
    for (seen, releases, since) in [
        (&[(6, Some("b"))][..], releases, started()),
        (&[(6, Some("b")), (10, Some("c"))], releases, started()),
        // No earlier release is known.
        (&[(6, Some("b"))], &[("b", 5), ("c", 9)], first()),
        (&[(6, Some("b"))], &[("b", 5)], first()),
        (&[(6, Some("b"))], &[("a", 5), ("b", 5)], first()),
        // An earlier release has it too, as it turns out.
        (&[(6, Some("b")), (8, Some("a"))], releases, first()),
        // It came in one whose beginning is forgotten, or that nobody named.
        (&[(6, Some("b")), (8, Some("forgotten"))], releases, first()),
        (&[(6, Some("b")), (7, None)], releases, first()),
        (&[(4, None), (6, Some("b"))], releases, Since::Unknown),
        (&[(6, None), (6, Some("b"))], releases, Since::Unknown),
        (&[(6, None)], releases, Since::Unknown),
        (&[(6, None)], &[], Since::Unknown),
    ] {
        assert_eq!(Case { seen, releases }.since(), since, "{seen:?} {releases:?}");
    }
}

#[test]
fn users_are_counted_since_the_release_began_for_a_day_at_the_most() {
    let half_past = |at: u64| hour(at).after(Duration::from_secs(30 * 60));
    let case = Case { seen: &[(6, Some("b"))], releases: &[("a", 1), ("b", 5)] };
    let window = case.window(half_past(7));
    assert_eq!((window.release.as_deref(), window.hours.clone()), (Some("b"), HOURS + 5..=HOURS + 7));
    assert_eq!(window.length, Duration::from_secs(150 * 60));

    let window = case.window(half_past(29));
    assert_eq!(window.hours, HOURS + 6..=HOURS + 29);
    assert!(window.length <= Duration::from_secs(SHARE_HOURS * 60 * 60));

    let unnamed = Case { seen: &[(6, None)], releases: &[] }.window(half_past(7));
    assert_eq!((unnamed.release, unnamed.hours.count()), (None, 24));
}

#[test]
fn the_release_that_is_meant_is_the_first_one_while_the_issue_comes_in_it() {
    let releases: &[(&str, u64)] = &[("a", 1), ("b", 5), ("c", 9)];
    let case = Case { seen: &[(6, Some("b")), (10, Some("c"))], releases };
    assert_eq!(case.window(hour(10)).release.as_deref(), Some("b"));
    assert_eq!(case.window(hour(29)).release.as_deref(), Some("b"));
    assert_eq!(case.window(hour(30)).release.as_deref(), Some("c"));
    assert_eq!(case.window(hour(300)).release.as_deref(), Some("c"));
}

#[test]
fn a_share_is_of_all_that_were_seen_those_that_were_hit_among_them() {
    let users = |range: std::ops::Range<u64>| {
        let mut users = Users::default();
        range.for_each(|user| users.insert(user));
        users
    };
    let case = Case { seen: &[(6, Some("b"))], releases: &[("b", 5)] };
    let share = |hit, seen| {
        let found = Found { hit: users(hit), seen: users(seen), ..Found::default() };
        let share = case.window(hour(7)).facts(&case.account(), found).share?;
        Some((share.hit.number, share.seen.number))
    };
    assert_eq!(share(0..12, 0..100), Some((12, 100)));
    assert_eq!(share(0..12, 6..100), Some((12, 100)));
    assert_eq!(share(0..3, 0..0), Some((3, 3)));
    assert_eq!(share(0..0, 0..5), Some((0, 5)));
    assert_eq!(share(0..0, 0..0), None);
}

#[test]
fn whom_it_hit_in_other_releases_is_behind_no_evidence_of_this_one() {
    let releases: &[(&str, u64)] = &[("a", 1), ("b", 5)];
    for (seen, hit, all, behind) in [
        (&[(6, Some("b"))][..], 0..1, 100, 100),
        (&[(2, Some("a")), (6, Some("b"))], 0..1, 100, 1),
        (&[(2, Some("a")), (6, Some("b"))], 0..12, 100, 12),
        // Of longer ago than users are kept by the hour.
        (&[(2, Some("a")), (6, Some("b"))], 0..0, 100, 1),
        (&[(2, Some("a")), (6, Some("b"))], 0..0, 0, 0),
    ] {
        let case = Case { seen, releases };
        let mut found = Found { users: UserCount { number: all, is_estimate: false }, ..Found::default() };
        hit.for_each(|user| found.hit.insert(user));
        assert_eq!(case.window(hour(7)).facts(&case.account(), found).users.number, behind, "{seen:?}");
    }
}

#[test]
fn a_value_too_rare_to_be_counted_by_itself_is_not_taken_for_one_that_nobody_has() {
    let mut lanes = Tags::default();
    let (rare, frequent) = ("tenant 0".to_owned(), |nth: u64| format!("tenant {}", 1 + nth % 64));
    lanes.add("tenant", &rare, 1);
    (0..6_400).for_each(|nth| lanes.add("tenant", &frequent(nth), 1));
    let mut events = Tags::default();
    (0..20).for_each(|_| events.add_carrier(&BTreeMap::from([("tenant".to_owned(), rare.clone())])));
    let case = Case { seen: &[(6, Some("b"))], releases: &[("b", 5)] };
    let facts = case.window(hour(7)).facts(&case.account(), Found { events, lanes, ..Found::default() });
    let [evidence] = &facts.evidence[..] else { panic!("{facts:?}") };
    assert_eq!((evidence.lanes, evidence.lanes_with), (6_401, 100));
}

#[test]
fn the_evidence_is_of_the_value_that_most_events_have() {
    let tags = |values: &[(&str, u64)]| {
        let mut tags = Tags::default();
        for (value, count) in values {
            let carrier = BTreeMap::from([("provider".to_owned(), (*value).to_owned())]);
            (0..*count).for_each(|_| tags.add_carrier(&carrier));
        }
        tags
    };
    let mut events = tags(&[("mail", 1), ("google", 40)]);
    events.add_carrier(&BTreeMap::new());
    let lanes = tags(&[("mail", 300), ("google", 100)]);
    let case = Case { seen: &[(6, Some("b"))], releases: &[("b", 5)] };
    let found = Found { past_hour: 40, events, lanes, ..Found::default() };
    let facts = case.window(hour(7)).facts(&case.account(), found);
    assert_eq!((facts.past_hour, facts.first_seen), (40, hour(6)));
    let (tag, value) = ("provider".to_owned(), "google".to_owned());
    let evidence = Evidence { tag, value, events: 42, events_with: 40, lanes: 400, lanes_with: 100 };
    assert_eq!(facts.evidence, [evidence]);
}

#[test]
fn the_past_hour_is_sixty_minutes_and_the_last_of_them_is_now() {
    let now = hour(1).after(Duration::from_secs(59));
    let minutes = past_hour(now);
    assert_eq!((minutes.clone().count(), *minutes.end()), (60, now.minute()));
    assert_eq!(past_hour(Moment::default()), 0..=0);
}
