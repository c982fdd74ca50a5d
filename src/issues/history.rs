//! Random histories of a book, and everything that can be seen of it: so that two books can be compared.
//!
//! What is compared depends on no hash, and on no order that the contract leaves open.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use tracing::Level;

use super::*;
use crate::model::{Cause, EventId, EventKind, Fingerprint, Frame, TrackedEvent, User};

/// Something that is done to a book at a time.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) now: Moment,
    pub(crate) action: Action,
}

#[derive(Debug, Clone)]
pub(crate) enum Action {
    Record(Vec<Entry>),
    Decide(IssueId, Decision),
    Prune(Retention),
    /// Time passes.
    Wait,
    /// The book is closed and opened again: nothing, for one in memory.
    Reopen,
    /// The process is killed, and another one opens the book: nothing, for one in memory.
    Kill,
}

/// What a book answered.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Sightings(Vec<Sighting>),
    Decided(bool),
    Pruned(Pruned),
    Nothing,
}

/// Everything that can be seen of a book.
#[derive(Debug, PartialEq)]
pub(crate) struct Everything {
    pub(crate) lists: Vec<(Query, Vec<Summary>)>,
    pub(crate) named: Vec<Vec<IssueId>>,
    pub(crate) issues: Vec<Shown>,
    pub(crate) lines: Vec<LineTotal>,
}

/// Everything that can be seen of one issue.
#[derive(Debug, PartialEq)]
pub(crate) struct Shown {
    pub(crate) issue: Issue,
    pub(crate) events: Vec<TrackedEvent>,
    pub(crate) newest: Vec<EventId>,
    pub(crate) facts: Facts,
}

/// Does to a book what a step says, to open it again aside.
pub(crate) fn apply(book: &mut dyn Book, step: &Step) -> Answer {
    match &step.action {
        Action::Record(entries) => Answer::Sightings(book.record(entries, step.now).unwrap()),
        Action::Decide(issue, decision) => Answer::Decided(book.decide(*issue, *decision, step.now).unwrap()),
        Action::Prune(keep) => Answer::Pruned(book.prune(keep, step.now).unwrap()),
        Action::Wait | Action::Reopen | Action::Kill => Answer::Nothing,
    }
}

/// Looks at a book from all sides.
pub(crate) fn look(book: &dyn Book, now: Moment) -> Everything {
    let all = book.list(&Query::default()).unwrap();
    let lists = queries().into_iter().map(|query| (query.clone(), book.list(&query).unwrap()));
    let mut prefixes = vec![String::new(), "no".to_owned(), "0".repeat(17)];
    for summary in &all {
        let name = summary.id.to_string();
        prefixes.extend([name[..1].to_owned(), name[..8].to_uppercase(), name]);
    }
    let issues = all.iter().map(|summary| {
        let issue = book.issue(summary.id).unwrap().unwrap();
        assert_eq!(issue.summary, *summary, "an issue and its line in the list");
        let newest = book.events(summary.id, 2).unwrap();
        Shown {
            issue,
            events: book.events(summary.id, usize::MAX).unwrap(),
            newest: newest.iter().map(|event| event.id).collect(),
            facts: book.facts(summary.id, now).unwrap().unwrap(),
        }
    });
    let nobody = IssueId(1);
    assert_eq!(book.issue(nobody).unwrap(), None);
    assert_eq!(book.facts(nobody, now).unwrap(), None);
    assert!(book.events(nobody, 1).unwrap().is_empty());
    Everything {
        lists: lists.collect(),
        named: prefixes.iter().map(|prefix| book.named(prefix).unwrap()).collect(),
        issues: issues.collect(),
        lines: book.lines().unwrap(),
    }
}

/// So many steps at the most, through days and months.
pub(crate) fn histories(steps: usize) -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![
        4 => 0..90_000_u64,
        3 => 0..2 * HOUR,
        2 => 0..2 * DAY,
        1 => 0..60 * DAY,
    ];
    let action = prop_oneof![
        12 => vec(entry(), 1..8).prop_map(Planned::Record),
        3 => (0..FAILURES.len() + 1, decision()).prop_map(|(failure, decision)| {
            Planned::Decide(IssueId::of(&fingerprint(failure)), decision)
        }),
        2 => retention().prop_map(Planned::Prune),
        1 => Just(Planned::Wait),
        1 => Just(Planned::Reopen),
        1 => Just(Planned::Kill),
    ];
    vec((wait, action), 1..steps).prop_map(|planned| {
        let mut now = Moment::from_ms(BEGIN);
        let at_time = planned.into_iter().map(|(wait, planned)| {
            now = now.after(Duration::from_millis(wait));
            Step { now, action: planned.at(now) }
        });
        at_time.collect()
    })
}

/// An action whose time is not known yet.
#[derive(Debug, Clone)]
enum Planned {
    Record(Vec<(i64, Plan)>),
    Decide(IssueId, Decision),
    Prune(Retention),
    Wait,
    Reopen,
    Kill,
}

impl Planned {
    fn at(self, now: Moment) -> Action {
        match self {
            Self::Record(plans) => {
                let entries = plans
                    .into_iter()
                    .map(|(ago, plan)| plan.at(Moment::from_ms(now.ms().saturating_add_signed(-ago))));
                Action::Record(entries.collect())
            }
            Self::Decide(issue, decision) => Action::Decide(issue, decision),
            Self::Prune(keep) => Action::Prune(keep),
            Self::Wait => Action::Wait,
            Self::Reopen => Action::Reopen,
            Self::Kill => Action::Kill,
        }
    }
}

/// An entry whose time is not known yet.
#[derive(Debug, Clone)]
struct Plan {
    what: What,
    failure: usize,
    release: Option<&'static str>,
    environment: &'static str,
    user: Option<User>,
    tags: BTreeMap<&'static str, &'static str>,
    variant: usize,
    count: u64,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Event,
    Tally,
    Line,
    Hit,
    Traffic,
}

impl Plan {
    fn at(self, at: Moment) -> Entry {
        let Self { what, failure, release, environment, user, tags, variant, count } = self;
        let (kind, title, target) = FAILURES[failure];
        let (release, environment) = (release.map(str::to_owned), environment.to_owned());
        let owned = || tags.iter().map(|(tag, value)| ((*tag).to_owned(), (*value).to_owned()));
        match what {
            What::Event => {
                let chain = match kind {
                    EventKind::Log => Vec::new(),
                    _ => vec![
                        Cause::new(None, title),
                        Cause::new(Some(VARIANTS[variant].to_owned()), "no answer"),
                    ],
                };
                let event = TrackedEvent {
                    time: at.time(),
                    title: format!("{title} {}", count % 2),
                    culprit: environment.clone(),
                    target: target.to_owned(),
                    line: Some(17),
                    message: Some(format!("{title} for Ada {count}")),
                    chain,
                    frames: vec![Frame {
                        function: Some("charge".to_owned()),
                        in_app: true,
                        ..Frame::default()
                    }],
                    fingerprint: fingerprint(failure),
                    release,
                    environment,
                    user,
                    tags: owned().collect(),
                    ..TrackedEvent::bare(kind)
                };
                Entry::Event { event: Arc::new(event), sent: count % 2 == 0 }
            }
            What::Tally | What::Line => {
                let target = target.to_owned();
                let of = if matches!(what, What::Line) {
                    let file = (variant > 0).then(|| "src/\"pay\".rs".to_owned());
                    Of::Line { target, file, line: release.is_some().then_some(17) }
                } else {
                    Of::Issue(Heading {
                        fingerprint: fingerprint(failure),
                        kind: kind.into(),
                        level: Level::ERROR,
                        title: title.to_owned(),
                        culprit: String::new(),
                        target,
                        file: None,
                        line: None,
                    })
                };
                Entry::Count(Count { at, release, environment, count, of })
            }
            What::Hit => Entry::Hit(Hit {
                at,
                release,
                fingerprint: fingerprint(failure),
                user,
                tags: Some(owned().collect()),
            }),
            What::Traffic => {
                let tags = owned().map(|(tag, value)| (tag, BTreeMap::from([(value, count)])));
                let users = user.into_iter().flat_map(|user| [User::new("everybody"), user]).collect();
                Entry::Traffic(Traffic { at, release, lanes: count, users, tags: tags.collect() })
            }
        }
    }
}

fn entry() -> impl Strategy<Value = (i64, Plan)> {
    let what = prop_oneof![
        5 => Just(What::Event),
        3 => Just(What::Tally),
        1 => Just(What::Line),
        2 => Just(What::Hit),
        3 => Just(What::Traffic),
    ];
    let user = prop_oneof![
        3 => Just(None),
        6 => (0..12_u8).prop_map(|number| Some(User::new(number.to_string()))),
        1 => Just(Some(User::default().email("ada@example.org"))),
        1 => Just(Some(User::default())),
    ];
    let ago = prop_oneof![
        6 => Just(0),
        6 => 0..120_000_i64,
        4 => 0..3 * HOUR.cast_signed(),
        2 => 0..3 * DAY.cast_signed(),
        // By a clock that is ahead.
        1 => -3 * DAY.cast_signed()..0,
    ];
    let plan = (
        what,
        0..FAILURES.len(),
        select(&RELEASES[..]),
        select(&ENVIRONMENTS[..]),
        user,
        btree_map(select(&TAGS[..]), select(&VALUES[..]), 0..3),
        0..VARIANTS.len(),
        prop_oneof![3 => 0..4_u64, 1 => 0..1_000_u64],
    );
    let plan = plan.prop_map(|(what, failure, release, environment, user, tags, variant, count)| Plan {
        what,
        failure,
        release,
        environment,
        user,
        tags,
        variant,
        count,
    });
    (ago, plan)
}

fn decision() -> impl Strategy<Value = Decision> {
    prop_oneof![
        3 => Just(Decision::Resolve),
        1 => Just(Decision::Reopen),
        1 => Just(Decision::Mute(Mute::Forever)),
        1 => (0..3 * HOUR).prop_map(|ms| Decision::Mute(Mute::For(Duration::from_millis(ms)))),
        1 => (0..20_u64).prop_map(|count| Decision::Mute(Mute::Count(count))),
        1 => (0..4_u64).prop_map(|users| Decision::Mute(Mute::Users(users))),
    ]
}

fn retention() -> impl Strategy<Value = Retention> {
    let kept = (1..100_u64, 0..40_u64, 0..25_usize, 0..6_usize);
    prop_oneof![
        1 => Just(Retention::default()),
        2 => kept.prop_map(|(age, hourly, events, variant_events)| Retention {
            age: Duration::from_millis(age * DAY),
            hourly: Duration::from_millis(hourly * DAY),
            events,
            variant_events,
            ..Retention::default()
        }),
    ]
}

fn queries() -> Vec<Query> {
    let mut queries = Vec::new();
    for sort in [Sort::LastSeen, Sort::Count, Sort::Users] {
        queries.push(Query { sort, ..Query::default() });
        queries.push(Query { sort, most: Some(2), ..Query::default() });
        for state in [Only::Unresolved, Only::Resolved, Only::Muted] {
            queries.push(Query { sort, state: Some(state), ..Query::default() });
        }
    }
    for release in RELEASES.into_iter().flatten() {
        queries.push(Query { release: Some(release.to_owned()), ..Query::default() });
    }
    for environment in ENVIRONMENTS {
        queries.push(Query { environment: Some(environment.to_owned()), ..Query::default() });
    }
    for (tag, value) in TAGS.into_iter().flat_map(|tag| VALUES.map(|value| (tag, value))) {
        queries.push(Query { tag: Some((tag.to_owned(), value.to_owned())), ..Query::default() });
    }
    for text in ["", "NO ANSWER", "für größe", "ada 3", "50%_", "shop::", "nowhere"] {
        queries.push(Query { text: Some(text.to_owned()), ..Query::default() });
    }
    queries
}

fn fingerprint(failure: usize) -> Fingerprint {
    Fingerprint::from_iter(["v1".to_owned(), format!("failure {failure}")])
}

const HOUR: u64 = 60 * 60 * 1_000;
const DAY: u64 = 24 * HOUR;
/// A morning in 2026.
const BEGIN: u64 = 1_777_609_157_250;
const FAILURES: [(EventKind, &str, &str); 4] = [
    (EventKind::Error, "cannot charge", "shop::pay"),
    (EventKind::Error, "kein Platz FÜR GRÖSSE", "shop::cart"),
    (EventKind::Panic, "panicked: 50%_ of 'it'", "shop"),
    (EventKind::Log, "queue closed", "shop::queue"),
];
const RELEASES: [Option<&str>; 5] = [None, Some("9f2c1aa"), Some("abc123"), Some("shop@1.0 \"x\""), Some("")];
const ENVIRONMENTS: [&str; 2] = ["production", "staging"];
const TAGS: [&str; 3] = ["provider", "plan", "a\"b.$[0]"];
const VALUES: [&str; 4] = ["google", "mail", "", "🦀 '\\\u{0}\n"];
const VARIANTS: [&str; 3] = ["TimedOut", "Refused", "Io"];
