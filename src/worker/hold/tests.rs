//! Panics that are told twice, bounds, and the rules that need an event made to measure.

use std::time::{Duration, SystemTime};

use super::*;
use crate::model::{Breadcrumb, EventId, Frame, LoggedAt, TrailSource, User};

/// A line that logged, in the making.
struct Logged {
    line: u32,
    lane: u64,
    spans: Vec<u64>,
    task: Option<u64>,
    kind: EventKind,
    texts: Vec<&'static str>,
    user: Option<&'static str>,
    frames: Vec<Frame>,
}

fn line(line: u32, texts: &[&'static str]) -> Logged {
    let (spans, kind) = (vec![7], EventKind::Error);
    Logged { line, lane: 7, spans, task: None, kind, texts: texts.to_vec(), user: None, frames: Vec::new() }
}

impl Logged {
    fn in_lane(mut self, lane: u64, spans: &[u64]) -> Self {
        (self.lane, self.spans) = (lane, spans.to_vec());
        self
    }

    fn in_task(mut self, task: u64) -> Self {
        self.task = Some(task);
        self
    }

    fn panicked(mut self) -> Self {
        self.kind = EventKind::Panic;
        self
    }

    fn by(mut self, user: &'static str) -> Self {
        self.user = Some(user);
        self
    }

    fn into_prepared(self) -> Prepared {
        let (id, target, file) = (EventId::random(), "shop".to_owned(), Some("src/shop.rs".to_owned()));
        let message = Some(format!("line {}", self.line));
        let (line, time) = (Some(self.line), SystemTime::now());
        let place =
            LoggedAt { id, target: target.clone(), file: file.clone(), line, message: message.clone() };
        let chain: Vec<Cause> = self.texts.into_iter().map(|text| Cause::new(None, text)).collect();
        let event = TrackedEvent {
            id,
            time,
            value: chain.first().map(|cause| cause.value.clone()).unwrap_or_default(),
            target,
            file,
            line,
            message,
            chain,
            frames: self.frames,
            breadcrumbs: vec![Breadcrumb::new(format!("before line {}", self.line))],
            trail: TrailSource::Span,
            user: self.user.map(User::new),
            logged_at: vec![place],
            ..TrackedEvent::bare(self.kind)
        };
        Prepared {
            title: None,
            event,
            fingerprint: None,
            judged: false,
            key: u64::from(self.line),
            minute: 0,
            lane: self.lane,
            span_numbers: self.spans,
            task: self.task,
            returned: None,
        }
    }
}

/// A hold and its time.
struct Rig {
    hold: Hold,
    now: Now,
}

impl Rig {
    fn new() -> Self {
        Self { hold: Hold::new(usize::MAX), now: Now::default() }
    }

    fn log(&mut self, line: Logged) -> u64 {
        self.hold.offer(Held::new(line.into_prepared(), self.now)).folded
    }

    fn after(&mut self, passed: Duration) -> Vec<TrackedEvent> {
        self.now.clock_ms += ms(passed);
        self.now.real_ms += ms(passed);
        self.due(false)
    }

    fn due(&mut self, behind: bool) -> Vec<TrackedEvent> {
        std::iter::from_fn(|| self.hold.due(self.now, behind))
            .map(|held| Arc::unwrap_or_clone(held.event))
            .collect()
    }

    fn all(&mut self) -> Vec<Held> {
        std::iter::from_fn(|| self.hold.take_oldest()).collect()
    }
}

fn values(event: &TrackedEvent) -> Vec<&str> {
    event.chain.iter().map(|cause| cause.value.as_str()).collect()
}

const BOOM: &str = "task 12 panicked with message \"boom\"";

#[test]
fn a_join_error_folds_into_the_panic_that_is_held_and_adds_its_place_alone() {
    let mut rig = Rig::new();
    rig.log(line(1, &["boom"]).panicked().in_task(12).by("ada"));
    assert_eq!(rig.log(line(2, &["worker failed", BOOM]).in_lane(9, &[9]).in_task(3).by("bob")), 1);
    let [held] = rig.all().try_into().unwrap();
    assert_eq!((held.event.kind, held.event.handled), (EventKind::Panic, false));
    assert_eq!((values(&held.event), held.event.message.as_deref()), (vec!["boom"], Some("line 1")));
    assert_eq!(held.event.user, Some(User::new("ada")));
    let lines: Vec<_> = held.event.logged_at.iter().map(|place| place.line).collect();
    assert_eq!((lines, held.event.logged_at[1].id), (vec![Some(1), Some(2)], held.event.id));
    assert_eq!(held.keys, [1, 2]);
}

#[test]
fn a_join_error_of_a_panic_that_was_told_is_not_told_again() {
    let mut rig = Rig::new();
    rig.log(line(1, &["boom"]).panicked().in_task(12));
    assert_eq!(rig.after(Duration::from_secs(60)).len(), 1);
    assert_eq!(rig.log(line(2, &["JoinError::Panic(Id(12), \"boom\", ...)"]).in_lane(9, &[9])), 1);
    assert_eq!(rig.log(line(3, &["task 12 panicked"]).in_lane(9, &[9])), 1);
    assert!(rig.all().is_empty());
}

#[test]
fn the_join_error_of_another_task_or_of_another_panic_is_told() {
    let mut rig = Rig::new();
    rig.log(line(1, &["boom"]).panicked().in_task(12));
    rig.log(line(2, &["boom"]).panicked().in_task(13));
    assert_eq!(rig.log(line(3, &["task 14 panicked with message \"boom\""]).in_lane(9, &[9])), 0);
    assert_eq!(rig.log(line(4, &["task 12 panicked with message \"bang\""]).in_lane(9, &[9])), 0);
    assert_eq!(rig.log(line(5, &["task 12 was cancelled"]).in_lane(9, &[9])), 0);
    assert_eq!(rig.log(line(6, &[BOOM]).in_lane(9, &[9])), 1);
    let places: Vec<_> = rig.all().iter().map(|held| held.event.logged_at.len()).collect();
    assert_eq!(places, [2, 1, 1, 1, 1]);
}

#[test]
fn a_panic_that_became_part_of_another_event_is_found_there() {
    let mut rig = Rig::new();
    rig.log(line(1, &["boom"]).in_lane(7, &[8, 7]).in_task(12));
    // `unwrap` of what was logged before, further out.
    let panic = line(2, &["called `Result::unwrap()` on an `Err` value: boom"]).panicked();
    assert_eq!(rig.log(panic.in_lane(7, &[7]).in_task(12)), 1);
    // The payload that the error tells is the panic's own.
    assert_eq!(rig.log(line(3, &["task 12 panicked"]).in_lane(9, &[9])), 1);
    let [held] = rig.all().try_into().unwrap();
    assert_eq!((held.event.kind, held.event.logged_at.len()), (EventKind::Panic, 3));
}

#[test]
fn panics_are_remembered_up_to_the_limit() {
    let mut rig = Rig::new();
    for task in 0..=crate::limits::PANICS as u64 {
        rig.log(line(1, &["boom"]).panicked().in_task(task).in_lane(100 + task, &[100 + task]));
    }
    assert_eq!(rig.log(line(2, &["task 0 panicked"])), 0, "the oldest is forgotten");
    assert_eq!(rig.log(line(2, &["task 1 panicked"])), 1);
}

#[test]
fn what_is_held_is_bounded_in_events_and_in_bytes() {
    let mut rig = Rig::new();
    for number in 0..HOLD_EVENTS as u64 + 10 {
        rig.log(line(1, &["refused"]).in_lane(100 + number, &[100 + number]));
    }
    let surplus = std::iter::from_fn(|| rig.hold.surplus()).count();
    assert_eq!((surplus, rig.hold.held.len()), (10, HOLD_EVENTS));
    let mut rig = Rig::new();
    rig.log(line(0, &["refused"]));
    rig.hold.most_bytes = rig.hold.bytes * 7 / 2;
    for number in 1..5 {
        rig.log(line(number, &["refused"]));
    }
    let surplus: Vec<_> = std::iter::from_fn(|| rig.hold.surplus()).map(|held| held.event.line).collect();
    assert_eq!(surplus, [Some(0), Some(1)]);
    rig.all();
    assert_eq!(
        (rig.hold.bytes, rig.hold.lanes.len(), rig.hold.homes.len(), rig.hold.due.len()),
        (0, 0, 0, 0)
    );
}

#[test]
fn further_lines_do_not_renew_the_hold() {
    let mut rig = Rig::new();
    let texts: &[&[&'static str]] = &[&["a"], &["b", "a"], &["c", "b", "a"]];
    for (number, texts) in (0..).zip(texts) {
        // The third comes when the first two are gone.
        assert_eq!(rig.log(line(number, texts)), u64::from(number == 1));
        let let_go = rig.after(Duration::from_millis(600));
        assert_eq!(let_go.len(), usize::from(number == 1), "after line {number}");
    }
}

#[test]
fn while_the_queue_is_behind_time_does_not_count_up_to_as_much_again() {
    let mut rig = Rig::new();
    rig.log(line(1, &["refused"]));
    rig.now.clock_ms += ms(HOLD);
    assert!(rig.due(true).is_empty());
    rig.now.clock_ms += ms(HOLD);
    assert_eq!(rig.due(true).len(), 1);
}

#[test]
fn a_close_ends_the_hold_of_its_lane_alone_by_the_systems_clock() {
    let mut rig = Rig::new();
    rig.log(line(1, &["refused"]));
    rig.log(line(2, &["refused"]).in_lane(9, &[9]));
    rig.hold.close(ClosedLane { lane: 9, task: None, outside: None }, rig.now);
    rig.hold.close(ClosedLane { lane: 10, task: None, outside: None }, rig.now);
    assert!(rig.due(false).is_empty());
    assert_eq!(rig.hold.wait(rig.now), (Some(HOLD), Some(HOLD_CLOSED)));
    rig.now.real_ms += ms(HOLD_CLOSED);
    assert_eq!(rig.due(false).iter().map(|event| event.line).collect::<Vec<_>>(), [Some(2)]);
    assert_eq!(rig.hold.wait(rig.now), (Some(HOLD), None));
}

#[test]
fn a_line_outside_of_the_lane_folds_only_where_the_lane_closed_last_and_keeps_its_user() {
    let mut rig = Rig::new();
    for (lane, user) in [(21, "ada"), (22, "bob"), (23, "eve")] {
        rig.log(line(1, &["refused"]).in_lane(lane, &[lane]).in_task(5).by(user));
    }
    let handler = || line(2, &["job failed", "refused"]).in_lane(20, &[]).in_task(5).by("nobody");
    assert_eq!(rig.log(handler()), 0, "three lanes are open: nobody knows whose it is");
    rig.hold.close(ClosedLane { lane: 22, task: Some(5), outside: Some(20) }, rig.now);
    assert_eq!(rig.log(handler()), 1);
    assert_eq!(rig.log(handler().in_task(6)), 0, "another task");
    let held = rig.all();
    let [_, bobs, _, _, _] = held.as_slice() else { panic!("{}", held.len()) };
    assert_eq!((bobs.event.user.clone(), bobs.event.logged_at.len()), (Some(User::new("bob")), 2));
    // The trail is that of the work, not of what the task did outside of it.
    assert_eq!(bobs.event.breadcrumbs[0].message, "before line 1");
}

#[test]
fn chains_meet_link_by_link_or_text_in_text() {
    for (older, newer, expected) in [
        (&["io"][..], &["load", "io"][..], Some(&["load", "io"][..])),
        (&["io"], &["load: io"], Some(&["load", "io"])),
        (&["read", "io"], &["load: read: io"], Some(&["load", "read", "io"])),
        (&["read: io"], &["load", "read", "io"], Some(&["load", "read", "io"])),
        (&["io"], &["load", "read", "io"], Some(&["load", "read", "io"])),
        (&["io"], &["load", "audio"], None),
        (&["io"], &["load: io error"], None),
        (&["io"], &["load", "disk"], None),
        (&[""], &["load", ""], None),
    ] {
        let mut rig = Rig::new();
        rig.log(line(1, older));
        let folded = rig.log(line(2, newer));
        let held = rig.all();
        assert_eq!(folded, u64::from(expected.is_some()), "{older:?} {newer:?}");
        if let Some(expected) = expected {
            assert_eq!(values(&held[0].event), expected, "{older:?} {newer:?}");
        }
    }
}
