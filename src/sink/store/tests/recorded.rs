//! What is recorded is there, once, and comes back as it was.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;

use super::rig::{Folder, at, count, entry, event, heading, name, record, rich};
use crate::issues::{
    Book, Count, Decision, Entry, Hit, MemoryBook, Mute, News, Of, Only, Query, Retention, Since, Sort,
    State, Traffic,
};
use crate::limits::{KEEP_EVENTS, KEEP_VARIANT_EVENTS};
use crate::model::{Cause, EventKind, TrackedEvent, User};
use crate::sink::store::document::{Codec, decode};
use crate::sink::store::to_json;

#[test]
fn an_event_comes_back_as_it_was() {
    let folder = Folder::new();
    let mut codec = Codec::new().unwrap();
    for event in [rich(), TrackedEvent::bare(EventKind::Log), TrackedEvent { time: UNIX_EPOCH, ..rich() }] {
        assert_eq!(decode(&codec.encode(&event).unwrap()), Some(event));
    }
    let event = rich();
    record(&mut folder.open(), &event);
    let store = folder.open();
    let issue = store.list(&Query::default()).unwrap()[0].id;
    assert_eq!(store.events(issue, 10).unwrap(), std::slice::from_ref(&event));
    let issue = store.issue(issue).unwrap().unwrap();
    assert_eq!((issue.fingerprint, issue.newest), (event.fingerprint.clone(), Some(event)));
}

#[test]
fn bytes_that_are_no_document_are_no_event() {
    let whole = Codec::new().unwrap().encode(&rich()).unwrap();
    for cut in 0..whole.len() {
        assert_eq!(decode(&whole[..cut]), None);
    }
    for at in 0..whole.len() {
        let mut wrong = whole.clone();
        wrong[at] ^= 0x10;
        // Some bits mean nothing; but no event comes back as another.
        assert!(decode(&wrong).is_none_or(|event| event.title == "pay failed"), "byte {at}");
    }
}

#[test]
fn what_a_later_version_adds_or_leaves_out_is_passed_over() {
    let id = rich().id.to_string();
    let document = json!({"id": id, "title": "pay failed", "news": [1, 2], "breadcrumbs": [{"weight": 3}]});
    let compressed = zstd::encode_all(document.to_string().as_bytes(), 1).unwrap();
    let event = decode(&compressed).unwrap();
    assert_eq!(
        (event.id.to_string(), event.title, event.breadcrumbs.len()),
        (id, "pay failed".to_owned(), 1)
    );
}

#[test]
fn an_event_as_json_tells_its_times_as_text() {
    let mut event = rich();
    event.time = UNIX_EPOCH + Duration::from_nanos(1_777_609_157_000_420_999);
    let json = to_json(&event);
    assert_eq!(json["time"], "2026-05-01T04:19:17.000420Z");
    assert_eq!(json["breadcrumbs"][99]["time"], "2026-05-01T01:48:19.123456Z");
    assert_eq!(json["chain"][0], json!({"type": "shop::Refused", "value": "outer"}));
    assert_eq!(
        (&json["kind"], &json["level"], &json["trail"]),
        (&json!("panic"), &json!("warn"), &json!("span"))
    );
    assert_eq!(json["user"]["id"], "4711");
}

#[test]
fn an_issue_counts_what_is_recorded_of_it() {
    let folder = Folder::new();
    let mut store = folder.open();
    let shown: Vec<_> = (0..30)
        .map(|nth| TrackedEvent {
            release: Some(format!("r{}", nth / 20)),
            user: Some(User::new(format!("user {}", nth % 7))),
            tags: BTreeMap::from([("provider".to_owned(), "google".to_owned())]),
            ..event("pay", nth * 600)
        })
        .collect();
    let entries: Vec<_> = shown.iter().map(entry).collect();
    let news = store.record(&entries, at(18_000)).unwrap();
    assert_eq!(news.iter().map(|sighting| sighting.news).collect::<Vec<_>>(), [News::First]);
    let tally = |count| {
        Entry::Count(Count {
            at: at(18_000),
            release: Some("r1".to_owned()),
            environment: "staging".to_owned(),
            count,
            of: Of::Issue(heading("pay")),
        })
    };
    assert_eq!(store.record(&[tally(1_000), tally(5)], at(18_000)).unwrap(), []);
    drop(store);

    let store = folder.open();
    let issue = store.issue(name("pay")).unwrap().unwrap();
    assert_eq!((issue.summary.count, issue.tallied, issue.summary.users.number), (1_035, 1_005, 7));
    assert_eq!((issue.summary.first_seen, issue.summary.last_seen), (at(0), at(18_000)));
    assert_eq!(issue.summary.first_release.as_deref(), Some("r0"));
    assert_eq!(issue.summary.last_release.as_deref(), Some("r1"));
    assert_eq!(issue.buckets.iter().map(|bucket| bucket.count).sum::<u64>(), 1_035);
    assert!(issue.buckets.is_sorted(), "{:?}", issue.buckets);
    assert_eq!(issue.tags[0].values, [("google".to_owned(), 30)]);
    assert_eq!((issue.variants[0].count, issue.kept as usize), (30, KEEP_VARIANT_EVENTS));
    assert_eq!(store.events(name("pay"), 2).unwrap(), [shown[29].clone(), shown[28].clone()]);
}

#[test]
fn the_newest_events_of_an_issue_and_of_each_variant_are_kept() {
    let folder = Folder::new();
    let mut store = folder.open();
    let of_variant = |variant: u64, seconds| TrackedEvent {
        chain: vec![Cause::new(Some(format!("Variant{}", (b'A' + variant as u8) as char)), "refused")],
        ..event("pay", seconds)
    };
    for round in 0..8 {
        let entries: Vec<_> =
            (0..6).map(|variant| entry(&of_variant(variant, round * 10 + variant))).collect();
        store.record(&entries, at(round * 10)).unwrap();
    }
    let kept = store.events(name("pay"), 100).unwrap();
    assert_eq!(kept.len(), KEEP_EVENTS);
    assert!(kept.iter().rev().is_sorted_by_key(|event| event.time));
    assert_eq!(store.issue(name("pay")).unwrap().unwrap().kept as usize, KEEP_EVENTS);
    for _ in 0..10 {
        record(&mut store, &of_variant(0, 1_000));
    }
    let of_first = store.events(name("pay"), 100).unwrap();
    let of_first = of_first.iter().filter(|event| event.chain[0].type_name.as_deref() == Some("VariantA"));
    assert_eq!(of_first.count(), KEEP_VARIANT_EVENTS);
}

#[test]
fn a_clock_that_was_ahead_for_a_while_takes_nothing_from_what_comes_later() {
    let folder = Folder::new();
    let (mut store, mut memory) = (folder.open(), MemoryBook::default());
    for book in [&mut store as &mut dyn Book, &mut memory] {
        let lose = |seconds: u64, user: &str| {
            let user = Some(User::new(user));
            let traffic = Traffic {
                at: at(seconds),
                lanes: 1,
                users: user.iter().cloned().collect(),
                ..Traffic::default()
            };
            [entry(&TrackedEvent { user, ..event("pay", seconds) }), Entry::Traffic(traffic)]
        };
        const TEN_YEARS: u64 = 3_652 * 24 * 60 * 60;
        book.record(&lose(TEN_YEARS, "ada"), at(TEN_YEARS)).unwrap();
        book.record(&lose(10, "bob"), at(10)).unwrap();
        book.record(&lose(20, "eve"), at(20)).unwrap();
        let facts = book.facts(name("pay"), at(30)).unwrap().unwrap();
        let share = facts.share.unwrap();
        assert_eq!((facts.past_hour, share.hit.number, share.seen.number), (2, 2, 2));
    }
}

#[test]
fn what_claims_to_be_of_the_future_is_taken_for_present() {
    let folder = Folder::new();
    let (mut store, mut memory) = (folder.open(), MemoryBook::default());
    for book in [&mut store as &mut dyn Book, &mut memory] {
        let of = |release: &str, seconds: u64| {
            entry(&TrackedEvent { release: Some(release.to_owned()), ..event("pay", seconds) })
        };
        book.record(&[of("r1", 90_000)], at(10)).unwrap();
        let summary = |book: &dyn Book| book.issue(name("pay")).unwrap().unwrap().summary;
        assert_eq!((summary(book).first_seen, summary(book).last_seen), (at(10), at(10)));
        // Clocks of two threads may differ by a little.
        book.record(&[of("r2", 60)], at(20)).unwrap();
        assert_eq!((summary(book).last_seen, summary(book).last_release), (at(60), Some("r2".to_owned())));
        assert_eq!(book.facts(name("pay"), at(70)).unwrap().unwrap().past_hour, 2);
    }
}

#[test]
fn lines_are_counted_apart_from_issues() {
    let folder = Folder::new();
    let mut store = folder.open();
    let line = |file: Option<&str>, line, count| {
        Entry::Count(Count {
            at: at(count),
            release: None,
            environment: String::new(),
            count,
            of: Of::Line { target: "shop".to_owned(), file: file.map(str::to_owned), line },
        })
    };
    for _ in 0..2 {
        let entries = [line(None, None, 3), line(Some("a.rs"), Some(1), 10), line(Some("a.rs"), Some(2), 1)];
        store.record(&entries, at(0)).unwrap();
    }
    let lines = store.lines().unwrap();
    assert_eq!(
        lines.iter().map(|line| (line.line, line.count)).collect::<Vec<_>>(),
        [(Some(1), 20), (None, 6), (Some(2), 2)]
    );
    assert_eq!(store.list(&Query::default()).unwrap(), []);
}

#[test]
fn a_query_finds_what_it_asks_for_in_its_order() {
    let folder = Folder::new();
    let mut store = folder.open();
    for (nth, issue) in ["pay", "sign-up", "Größe", "ship"].into_iter().enumerate() {
        for round in 0..=nth as u64 {
            let told = TrackedEvent {
                release: Some(format!("r{nth}")),
                environment: ["production", "staging"][nth % 2].to_owned(),
                user: Some(User::new(format!("{}", round % (4 - nth as u64)))),
                tags: BTreeMap::from([("nth".to_owned(), nth.to_string())]),
                ..event(issue, 100 - nth as u64)
            };
            record(&mut store, &told);
        }
    }
    assert!(store.decide(name("ship"), Decision::Resolve, at(200)).unwrap());
    assert!(store.decide(name("pay"), Decision::Mute(Mute::Count(3)), at(200)).unwrap());
    assert!(!store.decide(name("nobody's"), Decision::Reopen, at(200)).unwrap());
    let found = |query: Query| -> Vec<String> {
        let issues = store.list(&query).unwrap();
        issues.iter().map(|issue| issue.title.trim_end_matches(" failed").to_owned()).collect()
    };
    let of = Query::default;
    assert_eq!(found(of()), ["pay", "sign-up", "Größe", "ship"]);
    assert_eq!(found(Query { sort: Sort::Count, ..of() }), ["ship", "Größe", "sign-up", "pay"]);
    assert_eq!(found(Query { sort: Sort::Users, most: Some(1), ..of() }).len(), 1);
    assert_eq!(found(Query { state: Some(Only::Unresolved), ..of() }), ["sign-up", "Größe"]);
    assert_eq!(found(Query { state: Some(Only::Resolved), ..of() }), ["ship"]);
    assert_eq!(found(Query { state: Some(Only::Muted), ..of() }), ["pay"]);
    assert_eq!(found(Query { release: Some("r1".to_owned()), ..of() }), ["sign-up"]);
    assert_eq!(found(Query { environment: Some("staging".to_owned()), ..of() }), ["sign-up", "ship"]);
    assert_eq!(found(Query { tag: Some(("nth".to_owned(), "2".to_owned())), ..of() }), ["Größe"]);
    assert_eq!(found(Query { text: Some("GRÖSSE".to_owned()), ..of() }), Vec::<String>::new());
    assert_eq!(found(Query { text: Some("GRÖß".to_owned()), ..of() }), ["Größe"]);
    assert_eq!(found(Query { text: Some("UP was refused".to_owned()), ..of() }), ["sign-up"]);
    assert_eq!(found(Query { text: Some("%".to_owned()), ..of() }), Vec::<String>::new());
    let both = Query { environment: Some("staging".to_owned()), text: Some("SHIP".to_owned()), ..of() };
    assert_eq!(found(both), ["ship"]);

    let id = name("pay");
    assert_eq!(store.named(&id.to_string()[..8]).unwrap(), [id]);
    assert_eq!(store.named("").unwrap().len(), 4);
    assert!(store.named("").unwrap().is_sorted());
    assert_eq!(store.named("no name").unwrap(), []);
    let muted = store.issue(id).unwrap().unwrap().summary.state;
    assert!(matches!(muted, State::Muted { .. }), "{muted:?}");
}

#[test]
fn decisions_and_what_undoes_them_outlive_the_process() {
    let folder = Folder::new();
    record(&mut folder.open(), &TrackedEvent { release: Some("r1".to_owned()), ..event("pay", 0) });
    assert!(folder.open().decide(name("pay"), Decision::Resolve, at(10)).unwrap());
    let again =
        |release: &str, seconds| TrackedEvent { release: Some(release.to_owned()), ..event("pay", seconds) };
    assert_eq!(record(&mut folder.open(), &again("r1", 20)), []);
    let news = record(&mut folder.open(), &again("r2", 30));
    assert_eq!(news.iter().map(|sighting| sighting.news).collect::<Vec<_>>(), [News::Regressed]);
    assert!(folder.open().issue(name("pay")).unwrap().unwrap().summary.regressed);
}

#[test]
fn facts_are_of_the_issue_and_of_the_traffic_around_it() {
    let folder = Folder::new();
    let mut store = folder.open();
    let tags = |provider: &str| BTreeMap::from([("provider".to_owned(), provider.to_owned())]);
    let traffic = |release: &str, seconds, users: std::ops::Range<u64>| {
        let by_provider = BTreeMap::from([("google".to_owned(), 10), ("mail".to_owned(), 90)]);
        Entry::Traffic(Traffic {
            at: at(seconds),
            release: Some(release.to_owned()),
            lanes: users.end - users.start,
            users: users.map(|user| User::new(user.to_string())).collect(),
            tags: BTreeMap::from([("provider".to_owned(), by_provider)]),
        })
    };
    store.record(&[traffic("r1", 0, 0..50), traffic("r2", 4_000, 0..100)], at(4_000)).unwrap();
    let failed = TrackedEvent {
        release: Some("r2".to_owned()),
        user: Some(User::new("7")),
        tags: tags("google"),
        ..event("sign-up", 4_010)
    };
    record(&mut store, &failed);
    let hit = |fingerprint: &str| {
        Entry::Hit(Hit {
            at: at(4_020),
            release: Some("r2".to_owned()),
            fingerprint: fingerprint.into(),
            user: Some(User::new("8")),
            tags: Some(tags("google")),
        })
    };
    store.record(&[hit("sign-up"), hit("nobody's")], at(4_020)).unwrap();
    drop(store);

    let facts = folder.open().facts(name("sign-up"), at(4_100)).unwrap().unwrap();
    assert_eq!(facts.since, Since::Started("r2".to_owned()));
    assert_eq!(facts.past_hour, 1);
    let share = facts.share.unwrap();
    assert_eq!((share.hit.number, share.seen.number), (2, 100));
    let evidence = &facts.evidence[0];
    assert_eq!((evidence.value.as_str(), evidence.events_with, evidence.events), ("google", 2, 2));
    assert_eq!((evidence.lanes_with, evidence.lanes), (10, 100));
    assert_eq!(folder.open().facts(name("nobody's"), at(0)).unwrap(), None);
}

#[test]
fn pruning_forgets_the_old_and_no_total() {
    const DAY: u64 = 24 * 60 * 60;
    let folder = Folder::new();
    let mut store = folder.open();
    for day in 0..100 {
        for hour in 0..3 {
            record(&mut store, &event("pay", day * DAY + hour * 3_600));
        }
        if day == 2 {
            record(&mut store, &event("gone", day * DAY));
        }
    }
    let keep = Retention { events: 3, variant_events: 2, ..Retention::default() };
    let now = at(100 * DAY);
    let pruned = store.prune(&keep, now).unwrap();
    assert_eq!((pruned.issues, pruned.events), (1, 1 + KEEP_VARIANT_EVENTS as u64 - 2));
    assert!(pruned.buckets >= 63 * 3, "{pruned:?}");
    let issue = store.issue(name("pay")).unwrap().unwrap();
    assert_eq!((issue.summary.count, issue.kept), (300, 2));
    assert_eq!(issue.buckets.iter().map(|bucket| bucket.count).sum::<u64>(), 300);
    assert_eq!(issue.buckets.iter().filter(|bucket| bucket.is_day).count() + 3 * 35, issue.buckets.len());
    assert_eq!(store.issue(name("gone")).unwrap(), None);
    assert_eq!(store.prune(&keep, now).unwrap(), Default::default());
    assert_eq!(count(&folder.open(), "pay"), 300);
}

#[test]
fn no_issue_that_was_just_seen_is_forgotten_for_want_of_room() {
    const HOUR: u64 = 60 * 60;
    let folder = Folder::new();
    let mut store = folder.open();
    record(&mut store, &event("old", 0));
    record(&mut store, &event("new", HOUR));
    let keep = Retention { bytes: 1, ..Retention::default() };
    let pruned = store.prune(&keep, at(HOUR + 1)).unwrap();
    assert_eq!((pruned.events, pruned.issues, pruned.is_more), (2, 1, false));
    assert_eq!((count(&store, "old"), count(&store, "new")), (0, 1));
}

#[test]
fn a_store_takes_no_more_room_than_it_may() {
    let folder = Folder::new();
    let mut store = folder.open();
    let bytes = |folder: &Folder| std::fs::symlink_metadata(folder.store()).unwrap().len();
    let keep = Retention { bytes: 6 * 1024 * 1024, ..Retention::default() };
    store.hand.keep = keep.clone();
    for batch in 0..40_u64 {
        let entries: Vec<_> = (0..50)
            .map(|nth| {
                let seed = batch * 50 + nth;
                let noise: String =
                    (0..400).map(|word| format!("{:x} ", (seed + 1) * (word + 7) * 0x9e37_79b9)).collect();
                entry(&TrackedEvent { message: Some(noise), ..event(&format!("issue {seed}"), seed) })
            })
            .collect();
        store.record(&entries, at(batch)).unwrap();
    }
    assert!(store.events(name("issue 1999"), 1).unwrap().len() == 1);
    assert_eq!(store.list(&Query::default()).unwrap().len(), 2_000, "totals were forgotten");
    assert_eq!(store.events(name("issue 0"), 1).unwrap(), []);
    drop(store);
    assert!(bytes(&folder) <= keep.bytes, "{} bytes", bytes(&folder));
}
