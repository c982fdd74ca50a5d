//! What holds of a book whatever is done to it, and what it forgets.

use std::cmp::Reverse;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::issues::history::{Action, Answer, Shown, apply, histories, look};
use crate::issues::{Mute, News, Only, Sort, State, variant_of};
use crate::limits::{BOOK_TRAFFIC_BYTES, KEEP_EVENTS, KEEP_VARIANT_EVENTS, RESOLVED_QUIET, VARIANTS};
use crate::model::{Cause, EventKind, Fingerprint};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn now() -> Moment {
    Moment::from_ms(1_777_609_157_250)
}

fn event(failure: &str, at: Moment) -> TrackedEvent {
    TrackedEvent {
        time: at.time(),
        title: failure.to_owned(),
        fingerprint: Fingerprint::from(failure),
        ..TrackedEvent::bare(EventKind::Error)
    }
}

fn told(event: TrackedEvent) -> Entry {
    Entry::Event { event: Arc::new(event), sent: false }
}

fn counted(failure: &str, at: Moment, count: u64, release: Option<&str>) -> Entry {
    let heading = Heading::of(&event(failure, at));
    let (release, environment) = (release.map(str::to_owned), "test".to_owned());
    Entry::Count(Count { at, release, environment, count, of: Of::Issue(heading) })
}

fn named(failure: &str) -> IssueId {
    IssueId::of(&Fingerprint::from(failure))
}

/// What is new by these entries, when the last one of them happens.
fn news(book: &mut MemoryBook, entries: &[Entry]) -> Vec<News> {
    let at = entries.iter().map(|entry| match entry {
        Entry::Event { event, .. } => Moment::of(event.time),
        Entry::Count(count) => count.at,
        Entry::Hit(hit) => hit.at,
        Entry::Traffic(traffic) => traffic.at,
        Entry::Held(_) | Entry::Released(_) => now(),
    });
    let last = at.max().unwrap_or_else(now);
    book.record(entries, last).unwrap().into_iter().map(|sighting| sighting.news).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_to_a_book_its_counts_agree(steps in histories(30)) {
        let mut book = MemoryBook::default();
        for step in &steps {
            let before = look(&book, step.now);
            let answer = apply(&mut book, step);
            let after = look(&book, step.now);
            for shown in &after.issues {
                let (issue, summary) = (&shown.issue, &shown.issue.summary);
                prop_assert_eq!(issue.buckets.iter().map(|bucket| bucket.count).sum::<u64>(), summary.count);
                prop_assert!(issue.buckets.is_sorted() && issue.buckets.iter().all(|bucket| bucket.count > 0));
                prop_assert!(issue.tallied <= summary.count && summary.first_seen <= summary.last_seen);
                prop_assert!(shown.facts.past_hour <= summary.count);
                prop_assert!(!summary.regressed || summary.state == State::Unresolved);
                prop_assert!(shown.events.len() <= KEEP_EVENTS);
                prop_assert_eq!(issue.kept, shown.events.len() as u64);
                prop_assert_eq!(issue.newest.as_ref(), shown.events.first());
                prop_assert!(shown.events.is_sorted_by_key(|event| Reverse((Moment::of(event.time), event.id))));
                for event in &shown.events {
                    let alike = |other: &&TrackedEvent| variant_of(other) == variant_of(event);
                    prop_assert!(shown.events.iter().filter(alike).count() <= KEEP_VARIANT_EVENTS);
                }
                if let Some(share) = &shown.facts.share {
                    prop_assert!(share.hit <= share.seen && share.hit <= summary.users);
                }
                for evidence in &shown.facts.evidence {
                    prop_assert!(evidence.events_with <= evidence.events && evidence.lanes_with <= evidence.lanes);
                }
            }
            match (&step.action, answer) {
                (Action::Prune(_), Answer::Pruned(pruned)) => {
                    prop_assert_eq!(before.issues.len() - after.issues.len(), pruned.issues as usize);
                    let kept = |shown: &[Shown]| {
                        shown.iter().map(|shown| shown.issue.kept).sum::<u64>()
                    };
                    prop_assert_eq!(kept(&before.issues) - kept(&after.issues), pruned.events);
                    for shown in &after.issues {
                        let same = |other: &&Shown| other.issue.summary == shown.issue.summary;
                        prop_assert!(before.issues.iter().any(|other| same(&other)), "{:?}", shown.issue.summary);
                    }
                }
                (Action::Wait | Action::Reopen | Action::Kill, _) => prop_assert_eq!(before, after),
                (Action::Record(entries), Answer::Sightings(sightings)) => {
                    let occurred = |all: &[Shown]| {
                        all.iter().map(|shown| shown.issue.summary.count).sum::<u64>()
                    };
                    let told: u64 = entries.iter().map(|entry| match entry {
                        Entry::Event { .. } => 1,
                        Entry::Count(Count { count, of: Of::Issue(_), .. }) => *count,
                        _ => 0,
                    }).sum();
                    prop_assert_eq!(occurred(&after.issues), occurred(&before.issues) + told);
                    let first = sightings.iter().filter(|sighting| sighting.news == News::First).count();
                    prop_assert_eq!(after.issues.len(), before.issues.len() + first);
                }
                _ => {}
            }
        }
        // Nothing that is weighed goes astray.
        let weighed: usize = book.issues.values().map(Kept::weigh).sum();
        prop_assert_eq!(book.bytes, weighed);
        let kept = || book.issues.values().flat_map(|kept| kept.events.values());
        prop_assert_eq!(book.event_bytes, kept().map(|kept| kept.event.bytes()).sum::<usize>());
        prop_assert_eq!(book.events.len(), kept().count());
    }
}

#[test]
fn news_is_told_once() {
    let mut book = MemoryBook::default();
    let at = |minutes: u64| now().after(Duration::from_secs(60 * minutes));
    let quiet = RESOLVED_QUIET.as_secs() / 60;
    assert_eq!(news(&mut book, &[counted("a", at(0), 3, None), told(event("a", at(0)))]), [News::First]);
    assert_eq!(book.decide(named("b"), Decision::Resolve, at(0)), Ok(false));

    assert_eq!(book.decide(named("a"), Decision::Resolve, at(1)), Ok(true));
    assert_eq!(news(&mut book, &[counted("a", at(quiet), 1, None)]), []);
    assert_eq!(news(&mut book, &[counted("a", at(quiet + 1), 1, None)]), [News::Regressed]);
    assert_eq!(news(&mut book, &[counted("a", at(quiet + 2), 1, None)]), []);
    let issue = book.issue(named("a")).unwrap().unwrap();
    assert!(issue.summary.regressed && issue.summary.count == 7 && issue.tallied == 6);

    assert_eq!(book.decide(named("a"), Decision::Mute(Mute::Count(2)), at(40)), Ok(true));
    assert!(!book.issue(named("a")).unwrap().unwrap().summary.regressed);
    assert_eq!(news(&mut book, &[counted("a", at(41), 1, None)]), []);
    assert_eq!(
        news(&mut book, &[counted("a", at(41), 1, None), counted("a", at(41), 1, None)]),
        [News::Unmuted]
    );
}

#[test]
fn a_resolved_issue_regresses_in_the_next_release_and_not_before() {
    let mut book = MemoryBook::default();
    let at = |hours: u64| now().after(Duration::from_secs(60 * 60 * hours));
    assert_eq!(news(&mut book, &[counted("a", at(0), 1, Some("1"))]), [News::First]);
    assert_eq!(book.decide(named("a"), Decision::Resolve, at(1)), Ok(true));
    assert_eq!(news(&mut book, &[counted("a", at(9), 1, Some("1"))]), []);
    // The next one is known by its traffic, before it fails.
    let traffic = Traffic { at: at(10), release: Some("2".to_owned()), lanes: 1, ..Traffic::default() };
    assert_eq!(news(&mut book, &[Entry::Traffic(traffic)]), []);
    assert_eq!(news(&mut book, &[counted("a", at(11), 1, Some("2"))]), [News::Regressed]);
}

#[test]
fn a_hit_counts_a_user_and_tags_and_no_occurrence() {
    let mut book = MemoryBook::default();
    let hit = |user: &str| {
        Entry::Hit(Hit {
            at: now(),
            release: None,
            fingerprint: Fingerprint::from("a"),
            user: Some(User::new(user)),
            tags: Some([("provider".to_owned(), "google".to_owned())].into()),
        })
    };
    assert_eq!(news(&mut book, &[hit("1")]), []);
    assert_eq!(book.list(&Query::default()).unwrap(), []);
    news(&mut book, &[counted("a", now(), 5, None), hit("1"), hit("2"), hit("1")]);
    let issue = book.issue(named("a")).unwrap().unwrap();
    assert_eq!((issue.summary.count, issue.summary.users.number, issue.tags[0].total), (5, 2, 3));

    book.decide(named("a"), Decision::Mute(Mute::Users(1)), now()).unwrap();
    assert_eq!(news(&mut book, &[hit("2")]), []);
    assert_eq!(news(&mut book, &[hit("3")]), [News::Unmuted]);
}

#[test]
fn a_storm_is_counted_exactly() {
    let mut book = MemoryBook::default();
    let storm: Vec<_> = (0..1_000).map(|nth| counted(&(nth % 7).to_string(), now(), 1_000, None)).collect();
    news(&mut book, &storm);
    let all = book.list(&Query { sort: Sort::Count, ..Query::default() }).unwrap();
    assert_eq!(all.iter().map(|summary| summary.count).sum::<u64>(), 1_000_000);
    assert_eq!(book.facts(all[0].id, now()).unwrap().unwrap().past_hour, all[0].count);
    let later = now().after(Duration::from_secs(60 * 60));
    assert_eq!(book.facts(all[0].id, later).unwrap().unwrap().past_hour, 0);
}

#[test]
fn a_list_has_what_is_asked_for() {
    let mut book = MemoryBook::default();
    let mut failed = event("cannot charge", now());
    failed.chain = vec![Cause::new(None, "Kein Platz für Größe")];
    failed.tags = [("provider".to_owned(), "google".to_owned())].into();
    (failed.release, failed.environment) = (Some("1".to_owned()), "production".to_owned());
    news(&mut book, &[told(failed), counted("b", now().after(DAY), 7, None)]);
    book.decide(named("b"), Decision::Resolve, now()).unwrap();

    let asked = |query: Query| -> Vec<_> {
        book.list(&query).unwrap().into_iter().map(|summary| summary.title).collect()
    };
    let all = Query::default;
    assert_eq!(asked(all()), ["b", "cannot charge"]);
    assert_eq!(asked(Query { most: Some(1), ..all() }), ["b"]);
    assert_eq!(asked(Query { state: Some(Only::Unresolved), ..all() }), ["cannot charge"]);
    assert_eq!(asked(Query { release: Some("1".to_owned()), ..all() }), ["cannot charge"]);
    assert_eq!(asked(Query { environment: Some("test".to_owned()), ..all() }), ["b"]);
    assert_eq!(asked(Query { text: Some("FÜR GRÖSSE".to_owned()), ..all() }), Vec::<String>::new());
    assert_eq!(asked(Query { text: Some("PLATZ FÜR".to_owned()), ..all() }), ["cannot charge"]);
    let tagged = |value: &str| Query { tag: Some(("provider".to_owned(), value.to_owned())), ..all() };
    assert_eq!(asked(tagged("google")), ["cannot charge"]);
    assert_eq!(asked(tagged("mail")), Vec::<String>::new());
}

#[test]
fn what_is_old_is_forgotten_and_hours_stand_by_day() {
    let mut book = MemoryBook::default();
    let day = |days: u32| now().after(DAY * days);
    for days in 0..100 {
        news(&mut book, &[told(event("daily", day(days)))]);
    }
    news(&mut book, &[told(event("once", day(1))), told(event("lately", day(60)))]);
    let keep = Retention { events: 100, variant_events: 100, ..Retention::default() };
    let pruned = book.prune(&keep, day(99)).unwrap();
    assert_eq!((pruned.issues, pruned.events), (1, 1));
    assert_eq!(book.issue(named("once")), Ok(None));

    let daily = book.issue(named("daily")).unwrap().unwrap();
    assert_eq!((daily.summary.count, daily.buckets.len()), (100, 100));
    assert_eq!(daily.summary.first_seen, day(0));
    let folded = daily.buckets.iter().filter(|bucket| bucket.is_day).count();
    assert_eq!(folded, 100 - 36, "the days before the one 35 days ago");
    assert!(daily.buckets.iter().filter(|bucket| bucket.is_day).all(|bucket| bucket.hour % 24 == 0));
    assert_eq!(pruned.buckets, 64 + 1);
    assert_eq!(book.prune(&keep, day(99)), Ok(Pruned::default()));
}

#[test]
fn a_clock_that_goes_ten_years_ahead_makes_a_book_forget_nothing() {
    let mut book = MemoryBook::default();
    let day = |days: u32| now().after(DAY * days);
    (0..10)
        .for_each(|days| drop(news(&mut book, &[told(event("a", day(days))), told(event("b", day(days)))])));
    let (before, keep) = (look(&book, day(9)), Retention::default());
    let ahead = now().after(DAY * 3_650);
    assert_eq!(book.prune(&keep, ahead), Ok(Pruned::default()));
    news(&mut book, &[told(event("wrong", ahead))]);
    assert_eq!(book.prune(&keep, ahead.after(DAY / 2)), Ok(Pruned::default()));
    assert_eq!(book.prune(&keep, Moment::default()), Ok(Pruned::default()));
    assert_eq!(look(&book, day(9)).issues[1..], before.issues);
}

#[test]
fn a_book_in_memory_is_bounded() {
    let mut book = MemoryBook::default();
    let at = |nth: u64| now().after(Duration::from_secs(nth));
    // Many issues, long names, each with a user and a release of its own.
    for nth in 0..14_000 {
        let mut failed = event(&format!("{nth} {}", "long ".repeat(60)), at(nth));
        failed.release = Some(nth.to_string());
        failed.user = Some(User::new(nth.to_string()));
        failed.message = Some("x".repeat(2_000));
        news(&mut book, &[told(failed)]);
    }
    assert!(book.bytes <= BOOK_BYTES && book.bytes > BOOK_BYTES / 2, "{}", book.bytes);
    assert!(book.event_bytes <= BOOK_EVENT_BYTES && book.event_bytes > BOOK_EVENT_BYTES / 2);
    assert_eq!(book.releases.len(), BOOK_RELEASES);
    let newest = book.list(&Query { most: Some(1), ..Query::default() }).unwrap();
    assert!(newest[0].title.starts_with("13999 "));
    let kept = book.list(&Query::default()).unwrap().len();
    assert!((5_000..14_000).contains(&kept), "{kept}");

    // One issue, many hours, lines, variants and lanes.
    for nth in 0..1_200_u64 {
        let at = now().after(Duration::from_secs(3_600 * nth));
        let line = Of::Line { target: nth.to_string(), file: None, line: None };
        let count = Count { at, release: None, environment: String::new(), count: 1, of: line };
        let mut failed = event("one", at);
        failed.chain = vec![Cause::new(Some(format!("Type{nth}")), "x")];
        let users = (0..100).map(|user| User::new(user.to_string())).collect();
        let tags = [("tag".to_owned(), (0..64).map(|value| ("x".repeat(200 + value), 1)).collect())].into();
        let traffic = Traffic { at, release: None, lanes: 1, users, tags };
        news(&mut book, &[Entry::Count(count), told(failed), Entry::Traffic(traffic)]);
    }
    assert_eq!(book.lines().unwrap().len(), LINES);
    assert_eq!(book.issue(named("one")).unwrap().unwrap().variants.len(), VARIANTS);
    assert!(book.lanes.bytes() <= BOOK_TRAFFIC_BYTES);
    assert!(book.bytes <= BOOK_BYTES);

    let keep = Retention { bytes: 1_000_000, ..Retention::default() };
    let pruned = book.prune(&keep, at(0)).unwrap();
    assert!(pruned.issues > 0 && book.bytes <= 1_000_000 && book.event_bytes <= 1_000_000);
}

#[test]
fn names_are_found_by_their_beginnings() {
    let mut book = MemoryBook::default();
    (0..50).for_each(|nth| drop(news(&mut book, &[counted(&nth.to_string(), now(), 1, None)])));
    let mut all: Vec<_> = book.list(&Query::default()).unwrap().iter().map(|summary| summary.id).collect();
    all.sort_unstable();
    assert_eq!(book.named("").unwrap(), all[..NAMED]);
    for id in &all {
        assert_eq!(book.named(&id.to_string()).unwrap(), [*id]);
        assert_eq!(book.named(&id.to_string()[..9].to_uppercase()).unwrap(), [*id]);
    }
    for nothing in ["x", "+1", " ", "0123456789abcdef0", "ü"] {
        assert_eq!(book.named(nothing).unwrap(), [], "{nothing}");
    }
}

#[test]
fn what_is_held_is_no_part_of_a_book_in_memory() {
    let mut book = MemoryBook::default();
    let failed = Arc::new(event("a", now()));
    assert_eq!(news(&mut book, &[Entry::Held(failed.clone()), Entry::Released(vec![failed.id])]), []);
    assert_eq!(book.list(&Query::default()), Ok(Vec::new()));
}
