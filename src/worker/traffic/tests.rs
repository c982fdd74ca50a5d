//! What is counted of lanes, seen by what a book would be told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::{Dispatch, Span, dispatcher, error, error_span, field, info_span};
use tracing_subscriber::prelude::*;

use crate::issues::{Count, Entry, Heading, Hit, IssueKind, Of, Traffic};
use crate::ledger::Receipt;
use crate::limits::{LANE_NOTES, LANES_OPEN};
use crate::model::{TrackedEvent, User};
use crate::sink::Forward;
use crate::{Builder, CrumbLayer, Guard, Stack, Store, Throttle};

/// Takes what a book would.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Entry>>>);

impl Forward for Recorder {
    fn forward(&mut self, _: Arc<TrackedEvent>, receipt: Receipt) {
        receipt.end(Ok(()));
    }

    fn catch_up(&mut self) {}

    fn flush(&mut self) {}

    fn keeps_book(&self) -> bool {
        true
    }

    fn note(&mut self, entries: Vec<Entry>) {
        self.0.lock().unwrap().extend(entries);
    }
}

/// One pipeline whose book is a list.
struct Rig {
    recorder: Recorder,
    guard: Guard,
    dispatch: Dispatch,
}

/// All traffic in one, whatever the batches were.
#[derive(Debug, Default, PartialEq, Eq)]
struct All {
    lanes: u64,
    users: Vec<String>,
    tags: Vec<(String, String, u64)>,
}

impl Rig {
    fn new(change: impl FnOnce(Builder) -> Builder) -> Self {
        let recorder = Recorder::default();
        let builder = crate::builder().stack(Stack::Off).panics(false).release("shop@1");
        let builder = change(builder.recorder(Box::new(recorder.clone())));
        let (layer, guard): (CrumbLayer<_>, Guard) = builder.build().unwrap();
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
        Self { recorder, guard, dispatch }
    }

    fn plain() -> Self {
        Self::new(|builder| builder)
    }

    fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        dispatcher::with_default(&self.dispatch, work)
    }

    /// What was recorded so far; the ledger balances.
    fn entries(&self) -> Vec<Entry> {
        self.guard.flush(Duration::from_secs(30)).unwrap();
        let stats = self.guard.stats();
        assert!(stats.balances() && stats.pending == 0, "{stats:?}");
        self.recorder.0.lock().unwrap().clone()
    }

    fn traffic(&self) -> All {
        let mut all = All::default();
        for traffic in self.entries().into_iter().filter_map(|entry| match entry {
            Entry::Traffic(traffic) => Some(traffic),
            _ => None,
        }) {
            let Traffic { at, release, lanes, users, tags } = traffic;
            assert!(at.ms() > 0);
            assert_eq!(release.as_deref(), Some("shop@1"));
            all.lanes += lanes;
            all.users.extend(users.into_iter().map(|user| user.id.or(user.email).unwrap()));
            for (name, values) in tags {
                all.tags.extend(values.into_iter().map(|(value, count)| (name.clone(), value, count)));
            }
        }
        all.users.sort();
        all.tags.sort();
        // Of several batches one.
        let mut together: Vec<(String, String, u64)> = Vec::new();
        for (name, value, count) in all.tags {
            match together.last_mut() {
                Some(last) if (&last.0, &last.1) == (&name, &value) => last.2 += count,
                _ => together.push((name, value, count)),
            }
        }
        All { tags: together, ..all }
    }

    fn hits(&self) -> Vec<Hit> {
        let hits = self.entries().into_iter().filter_map(|entry| match entry {
            Entry::Hit(hit) => Some(hit),
            _ => None,
        });
        hits.collect()
    }

    fn counts(&self) -> Vec<Count> {
        let counts = self.entries().into_iter().filter_map(|entry| match entry {
            Entry::Count(count) => Some(count),
            _ => None,
        });
        counts.collect()
    }
}

fn all(lanes: u64, users: &[&str], tags: &[(&str, &str, u64)]) -> All {
    All {
        lanes,
        users: users.iter().map(|user| (*user).to_owned()).collect(),
        tags: tags
            .iter()
            .map(|(name, value, count)| ((*name).to_owned(), (*value).to_owned(), *count))
            .collect(),
    }
}

#[test]
fn a_lane_that_names_a_user_or_a_tag_counts_when_it_closes_and_no_other_does() {
    let rig = Rig::plain();
    rig.run(|| {
        drop(info_span!("request", user.id = 7, tags.plan = "pro"));
        drop(info_span!("request", enduser.id = "8"));
        drop(info_span!("request", tags.plan = "pro"));
        drop(info_span!("request", order = 9, user = "no field of ours"));
        drop(info_span!("request", user.id = field::Empty));
    });
    assert_eq!(rig.traffic(), all(3, &["7", "8"], &[("plan", "pro", 2)]));
    assert_eq!(rig.guard.stats().lanes_uncounted, 0);
}

#[test]
fn what_is_recorded_later_and_what_is_set_counts() {
    let rig = Rig::plain();
    rig.run(|| {
        let span = info_span!("request", user.id = field::Empty, tags.step = "open").entered();
        span.record("user.id", 7);
        span.record("tags.step", "paid");
        drop(span);
        let _request = info_span!("request").entered();
        info_span!("inner").in_scope(|| {
            crate::set_user(User::new("8"));
            crate::set_tag("plan", "free");
        });
    });
    assert_eq!(rig.traffic(), all(2, &["7", "8"], &[("plan", "free", 1), ("step", "paid", 1)]));
}

#[test]
fn fields_too_long_for_the_table_count() {
    let rig = Rig::plain();
    let long = "x".repeat(1_000);
    rig.run(|| drop(info_span!("request", user.id = 7, long)));
    assert_eq!(rig.traffic(), all(1, &["7"], &[]));
}

#[test]
fn a_lane_counts_once_and_the_inner_span_outranks() {
    let rig = Rig::plain();
    rig.run(|| {
        let request = info_span!("request", tags.plan = "free", tags.region = "eu").entered();
        crate::set_user(User::new("told"));
        info_span!("step", user.id = "inner").in_scope(|| drop(info_span!("step", tags.plan = "pro")));
        drop(info_span!("step", user.id = "inner"));
        drop(request);
    });
    assert_eq!(rig.traffic(), all(1, &["inner"], &[("plan", "pro", 1), ("region", "eu", 1)]));
}

#[test]
fn a_root_that_names_nobody_ends_a_lane_whose_inner_spans_do() {
    let rig = Rig::plain();
    rig.run(|| {
        let request = info_span!("request").entered();
        info_span!("step").in_scope(|| drop(info_span!("step", user.id = 7)));
        assert_eq!(rig.traffic().lanes, 0, "the lane is not over");
        drop(request);
    });
    assert_eq!(rig.traffic(), all(1, &["7"], &[]));
}

#[test]
fn a_lane_inside_another_has_what_the_spans_around_it_say() {
    let rig = Rig::new(|builder| builder.lanes("[job]"));
    rig.run(|| {
        let worker = info_span!("worker", tags.queue = "mail", user.id = "nobody").entered();
        drop(info_span!("job", user.id = 1));
        drop(info_span!("job"));
        drop(worker);
    });
    assert_eq!(rig.traffic(), all(3, &["1", "nobody", "nobody"], &[("queue", "mail", 3)]));
}

#[test]
fn lanes_on_many_threads_are_all_counted() {
    let rig = Rig::plain();
    let (threads, lanes) = (4, 500);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let rig = &rig;
            scope.spawn(move || {
                rig.run(|| {
                    (0..lanes).for_each(|lane| drop(info_span!("request", user.id = thread * lanes + lane)))
                });
            });
        }
    });
    let all = rig.traffic();
    let lost = rig.guard.stats().lanes_uncounted;
    assert_eq!(all.lanes + lost, threads * lanes);
    assert_eq!(all.users.len() as u64, all.lanes);
}

/// A task, where the feature that knows of tasks is there.
#[cfg(feature = "tokio")]
#[test]
fn outside_of_spans_a_lane_counts_when_it_is_told() {
    let rig = Rig::plain();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    rig.run(|| {
        runtime.block_on(async {
            let task = tokio::spawn(async {
                crate::set_tag("plan", "pro");
                crate::set_tag("plan", "pro");
                crate::set_user(User::new("1"));
                crate::set_context("cart", 3);
                crate::set_user(User::new("1"));
                crate::set_user(User::new("2"));
                crate::set_tag("plan", "free");
            });
            task.await.unwrap();
        });
    });
    let plans = [("plan", "free", 1), ("plan", "pro", 2)];
    assert_eq!(rig.traffic(), all(2, &["1", "2"], &plans), "another user is another piece of work");
}

#[test]
fn the_only_user_is_that_of_lanes_with_tags_that_name_nobody() {
    let rig = Rig::new(|builder| builder.user(User::new("me")));
    rig.run(|| {
        drop(info_span!("request", tags.plan = "pro"));
        drop(info_span!("request", user.id = "guest"));
        drop(info_span!("request"));
    });
    assert_eq!(rig.traffic(), all(2, &["guest", "me"], &[("plan", "pro", 1)]));
}

#[test]
fn secrets_do_not_reach_the_book() {
    let rig = Rig::plain();
    rig.run(|| {
        drop(info_span!(
            "request",
            tags.session = "s3cr3t-in-a-tag",
            user.id = "https://ann:hunter2hunter2@host/"
        ));
        error!(order = 7, "login with password=hunter2hunter2 failed");
    });
    let text = format!("{:?}", rig.entries());
    assert!(!text.contains("s3cr3t-in-a-tag") && !text.contains("hunter2hunter2"), "{text}");
    assert!(text.contains("[Filtered]"));
}

#[test]
fn an_error_that_is_only_counted_tells_whom_it_hit_when_its_lane_is_over() {
    let rig = Rig::new(|builder| builder.throttle(Throttle::Limits { issue: 1, all: 100, line: 1_000 }));
    let fail = || error!(error = "refused", "payment failed");
    rig.run(|| {
        for user in 0..4 {
            let _request = info_span!("request", user.id = user, tags.plan = "pro").entered();
            info_span!("payment").in_scope(fail);
        }
        info_span!("request", user.id = "well").in_scope(|| {});
        info_span!("request").in_scope(fail);
    });
    let hits = rig.hits();
    let mut users: Vec<_> =
        hits.iter().map(|hit| hit.user.clone().and_then(|user| user.id).unwrap()).collect();
    users.sort();
    assert_eq!(users, ["1", "2", "3"], "the first was told in full, the last hit nobody that is known");
    assert!(hits.iter().all(|hit| hit.tags.as_ref().unwrap()["plan"] == "pro"));
    assert!(hits.iter().all(|hit| hit.release.as_deref() == Some("shop@1") && hit.at.ms() > 0));
    let counts = rig.counts();
    assert_eq!(counts.len(), 1, "{counts:?}");
    let Of::Issue(heading) = &counts[0].of else { panic!("{counts:?}") };
    assert_eq!(
        (counts[0].count, heading.title.as_str(), heading.kind),
        (4, "payment failed", IssueKind::Error)
    );
    assert_eq!(heading.culprit, "request");
    assert!(hits.iter().all(|hit| hit.fingerprint == heading.fingerprint));
}

#[test]
fn jobs_in_one_lane_are_counted_each_and_their_errors_hit_whom_their_own_span_names() {
    let rig = Rig::new(|builder| builder.throttle(Throttle::Limits { issue: 1, all: 100, line: 10_000 }));
    let (kinds, fail) = (["even", "odd"], || error!(error = "refused", "job failed"));
    rig.run(|| {
        let _worker = info_span!("worker", tags.queue = "mail").entered();
        for user in 0..1_000_usize {
            let kind = kinds[user / 10 % 2];
            let _job = info_span!("job", user.id = user, tags.kind = kind).entered();
            if user.is_multiple_of(20) {
                fail();
            } else if user.is_multiple_of(10) {
                info_span!("step").in_scope(fail);
            }
        }
    });
    let hits = rig.hits();
    let mut hit: Vec<usize> = Vec::new();
    for Hit { user, tags, .. } in hits {
        let user: usize = user.and_then(|user| user.id).unwrap().parse().unwrap();
        assert_eq!(tags.unwrap()["kind"], kinds[user / 10 % 2], "{user}");
        hit.push(user);
    }
    hit.sort_unstable();
    assert_eq!(hit, (10..1_000).step_by(10).collect::<Vec<_>>(), "the first was told in full");
    let All { lanes, mut users, tags } = rig.traffic();
    users.dedup();
    assert_eq!((lanes, users.len()), (1, 1_000));
    assert_eq!(tags, all(1, &[], &[("kind", "even", 1), ("kind", "odd", 1), ("queue", "mail", 1)]).tags);
}

#[test]
fn the_tags_of_counted_errors_are_not_known_where_a_tag_was_told() {
    let rig = Rig::new(|builder| builder.throttle(Throttle::Limits { issue: 1, all: 100, line: 1_000 }));
    rig.run(|| {
        for user in ["1", "2"] {
            let _request = info_span!("request", tags.plan = "pro").entered();
            crate::set_user(User::new(user));
            error!(error = "refused", "payment failed");
            crate::set_tag("outcome", "given up");
        }
    });
    let hits = rig.hits();
    assert_eq!(hits.len(), 1, "{hits:?}");
    assert_eq!(hits[0].user, Some(User::new("2")));
    assert_eq!(hits[0].tags, None, "nobody knows whether it was told before the error");
}

#[test]
fn an_error_that_is_told_in_full_is_no_hit_and_one_of_an_unknown_text_neither() {
    let rig = Rig::new(|builder| builder.sample_rate(0.0));
    rig.run(|| {
        info_span!("request", user.id = 7).in_scope(|| error!(error = "refused", "payment failed"));
    });
    assert_eq!(rig.hits(), []);
    let rig = Rig::plain();
    rig.run(|| {
        info_span!("request", user.id = 7).in_scope(|| error!(error = "refused", "payment failed"));
    });
    assert_eq!(rig.hits(), []);
}

#[test]
fn an_error_without_an_error_is_an_issue_of_its_line_counted_exactly() {
    let rig = Rig::plain();
    let log = |order: u64| error!(order, "order {order} is odd");
    rig.run(|| {
        (0..7).for_each(log);
        assert_eq!(rig.counts().iter().map(|count| count.count).sum::<u64>(), 7);
        (0..5).for_each(log);
        let _span = error_span!("elsewhere").entered();
        error!("no order");
    });
    let counts = rig.counts();
    let of = |title: &str| -> Vec<(u64, Heading)> {
        let found = counts.iter().filter_map(|count| match &count.of {
            Of::Issue(heading) if heading.title == title => Some((count.count, heading.clone())),
            _ => None,
        });
        found.collect()
    };
    let odd = of("order 0 is odd");
    assert_eq!(odd.iter().map(|(count, _)| count).sum::<u64>(), 12, "{counts:?}");
    let (_, heading) = &odd[0];
    assert_eq!((heading.kind, heading.level), (IssueKind::Log, tracing::Level::ERROR));
    assert_eq!((heading.culprit.as_str(), heading.line.is_some()), (module_path!(), true));
    assert_eq!(of("no order").len(), 1);
    assert_eq!(counts[0].release.as_deref(), Some("shop@1"));
    assert_eq!(rig.guard.stats().errors_without_error, 13);
}

#[test]
fn the_issue_of_a_line_is_that_which_its_events_would_have() {
    let told = crate::Memory::new();
    let rig = Rig::plain();
    let tracked = Rig::new(|builder| builder.track_messages(true).sink(told.clone()));
    for rig in [&rig, &tracked] {
        rig.run(|| error!(order = 7, "order {} is odd", 7));
    }
    assert_eq!(tracked.counts(), []);
    let (event, counts) = (told.events().remove(0), rig.counts());
    assert_eq!(counts[0].of, Of::Issue(Heading::of(&event)));
}

#[test]
fn lines_are_counted_exactly_while_many_threads_log_and_others_flush() {
    let rig = Rig::plain();
    let (threads, lines) = (4, 2_000);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| rig.run(|| (0..lines).for_each(|_| error!("no order"))));
        }
        (0..50).for_each(|_| rig.guard.flush(Duration::from_secs(30)).unwrap());
    });
    let counted: u64 = rig.counts().iter().map(|count| count.count).sum();
    assert_eq!(counted, threads * lines);
}

#[test]
fn what_is_not_told_apart_counts_by_its_line() {
    let rig = Rig::new(|builder| builder.throttle(Throttle::Limits { issue: 1, all: 1, line: 1 }));
    rig.run(|| (0..10).for_each(|_| error!(error = "refused", "payment failed")));
    let counts = rig.counts();
    let of_line: u64 =
        counts.iter().filter(|count| matches!(count.of, Of::Line { .. })).map(|count| count.count).sum();
    let all: u64 = counts.iter().map(|count| count.count).sum();
    assert_eq!(all, rig.guard.stats().tallied);
    assert!(of_line > 0, "{counts:?}");
}

#[test]
fn too_many_open_lanes_count_as_over_and_none_is_forgotten() {
    let rig = Rig::plain();
    let spans: Vec<Span> = rig.run(|| {
        let open = |lane: usize| {
            let root = info_span!("request");
            drop(info_span!(parent: &root, "step", user.id = lane));
            if lane.is_multiple_of(1_000) {
                rig.traffic();
            }
            root
        };
        (0..LANES_OPEN + 10).map(open).collect()
    });
    assert_eq!(rig.traffic().lanes, 10);
    rig.run(|| drop(spans));
    let all = rig.traffic();
    assert_eq!(all.lanes + rig.guard.stats().lanes_uncounted, LANES_OPEN as u64 + 10);
}

#[test]
fn what_finds_no_room_is_counted_and_nothing_waits() {
    let (notes, outlet) = crate::queue::notes(Arc::default());
    let note = || crate::model::LaneNote::new(1, 1, crate::model::LanePart::Root, 0);
    (0..LANE_NOTES + 3).for_each(|_| notes.send(note()));
    assert!(outlet.is_pressed() && outlet.is_watched());
    assert_eq!(outlet.waiting().count(), LANE_NOTES);
}

#[test]
fn without_a_book_nothing_is_counted() {
    let builder = crate::builder().sink(crate::Memory::new()).store(Store::Off);
    let (layer, guard) = builder.build().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        (0..2 * LANE_NOTES).for_each(|_| drop(info_span!("request", user.id = 7)));
    });
    let stats = guard.stats();
    assert!(stats.balances() && stats.lanes_uncounted == 0, "{stats:?}");
}
