//! The hold: an event waits a moment for further lines about the same failure, and they become one event.
//!
//! Pure: it is told the time, never waits, never panics, and gives out what is due when it is asked. Bounded in events
//! and bytes: beyond, the oldest is let go. Which lines tell of one failure is in `fold.rs`, what becomes of them in
//! `merge.rs`, panics that are told twice in `panics.rs`.
//!
//! An event is held until [`HOLD`] is over since the first line about it, or until its lane has closed; after a close it
//! stays [`HOLD_CLOSED`] or [`HOLD_RETURNED`] longer, for the line of whoever called what the lane is about: `if let Err(error) = handle(request).await { error!(%error, …) }` stands outside of the span that
//! `#[instrument]` opened and closed.

mod fold;
mod merge;
mod panics;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::limits::{HOLD, HOLD_BYTES, HOLD_CLOSED, HOLD_EVENTS, HOLD_LOOK, HOLD_RETURNED};
use crate::model::{Cause, ClosedLane, EventKind, Fingerprint, TrackedEvent};
use crate::prepare::Prepared;

use panics::Panics;

/// The events that wait.
#[derive(Debug)]
pub(super) struct Hold {
    /// By the arrival of the first line of each.
    held: BTreeMap<u64, Held>,
    /// The arrivals of each lane's events, oldest first.
    lanes: HashMap<u64, Vec<u64>>,
    /// The lanes with events of each task and thread.
    homes: HashMap<Home, HomeLanes>,
    /// When the time of lanes that have closed is up.
    closing: BTreeSet<(u64, u64)>,
    /// When the time of each event is up.
    due: BTreeSet<(u64, u64)>,
    arrived: u64,
    bytes: usize,
    most_bytes: usize,
    panics: Panics,
}

/// The time, by two clocks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Now {
    /// By the pipeline's clock, which a test may have stopped.
    pub(super) clock_ms: u64,
    /// By the system's: a close leads to an end however a test's clock stands.
    pub(super) real_ms: u64,
}

/// What became of an event that the hold was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offered {
    /// How many of those accepted have become part of another one by it.
    pub(super) folded: u64,
    /// It waits, by itself or as part of another one.
    pub(super) is_held: bool,
}

/// One failure, by all lines that have told of it so far.
#[derive(Debug)]
pub(super) struct Held {
    /// Shared with whoever journals it while it is held.
    pub(super) event: Arc<TrackedEvent>,
    /// What a hook or a field says of its issue.
    pub(super) fingerprint: Option<Fingerprint>,
    /// The title that a hook gave it.
    pub(super) title: Option<String>,
    /// By which the throttle knows it: that of the line that told of it first, and those of the others.
    pub(super) keys: Vec<u64>,
    /// When the throttle's minute began in which the first of them was told.
    pub(super) minute: u64,
    /// One for each of `logged_at`.
    lines: Vec<Line>,
    lane: u64,
    homes: Vec<Home>,
    /// The chain's texts in one.
    text: String,
    /// When its time is up, and when it is in any case.
    due_ms: u64,
    bytes: usize,
}

/// What is known of one line beyond its place.
#[derive(Debug)]
struct Line {
    /// The numbers of the spans around it, innermost first.
    spans: Vec<u64>,
    task: Option<u64>,
    time: SystemTime,
    /// It is the line of an `#[instrument(err)]`, and this is the error's text.
    returned: Option<String>,
}

/// Who logs: a tokio task by its number, or a thread by its lane outside of any span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Home {
    Task(u64),
    Thread(u64),
}

/// The lanes in which one of them had events that are held.
#[derive(Debug, Default)]
struct HomeLanes {
    lanes: Vec<u64>,
    /// The one that closed last.
    closed: Option<u64>,
}

impl Hold {
    /// Keeps no more than so many bytes of events.
    pub(super) fn new(most_bytes: usize) -> Self {
        Self {
            held: BTreeMap::new(),
            lanes: HashMap::new(),
            homes: HashMap::new(),
            closing: BTreeSet::new(),
            due: BTreeSet::new(),
            arrived: 0,
            bytes: 0,
            most_bytes: most_bytes.min(HOLD_BYTES),
            panics: Panics::default(),
        }
    }

    /// Takes an event.
    pub(super) fn offer(&mut self, mut newest: Held) -> Offered {
        if let Some(panic) = self.panics.told_again(&newest.event) {
            // One that is let go already has said it all.
            let held = self.take(panic);
            let is_held = held.is_some();
            if let Some((arrival, held)) = held {
                self.keep(arrival, merge::retold(held, newest));
            }
            return Offered { folded: 1, is_held };
        }
        self.arrived += 1;
        let (mut arrival, mut folded) = (self.arrived, 0);
        for older in self.candidates(&newest) {
            let Some(joint) = self.held.get(&older).and_then(|older| fold::joint(older, &newest)) else {
                continue;
            };
            if let Some((first, held)) = self.take(older) {
                (arrival, newest) = (first, merge::merged(held, newest, joint));
                folded += 1;
            }
        }
        if newest.event.kind == EventKind::Panic {
            self.panics.remember(&newest.event, newest.lines.iter().find_map(|line| line.task), arrival);
        }
        self.keep(arrival, newest);
        Offered { folded, is_held: true }
    }

    /// A lane is over: what is held for it has little time left.
    pub(super) fn close(&mut self, closed: ClosedLane, now: Now) {
        if !self.lanes.contains_key(&closed.lane) {
            return;
        }
        let home = closed.task.map(Home::Task).or_else(|| closed.outside.map(Home::Thread));
        if let Some(home) = home {
            let arrivals = self.lanes.get(&closed.lane).into_iter().flatten();
            for arrival in arrivals {
                if let Some(held) = self.held.get_mut(arrival)
                    && !held.homes.contains(&home)
                {
                    held.homes.push(home);
                }
            }
            let lanes = self.homes.entry(home).or_default();
            lanes.closed = Some(closed.lane);
            if !lanes.lanes.contains(&closed.lane) {
                lanes.lanes.push(closed.lane);
            }
        }
        let left = if self.is_on_its_way(closed.lane) { HOLD_RETURNED } else { HOLD_CLOSED };
        self.closing.insert((now.real_ms.saturating_add(ms(left)), closed.lane));
    }

    /// The function whose span was the lane's root returned an error.
    fn is_on_its_way(&self, lane: u64) -> bool {
        let mut arrivals = self.lanes.get(&lane).into_iter().flatten();
        arrivals.any(|arrival| {
            let newest = self.held.get(arrival).and_then(|held| held.lines.last());
            newest.is_some_and(|line| line.returned.is_some() && line.spans.first() == Some(&lane))
        })
    }

    /// By which the throttle knows what is held.
    pub(super) fn keys(&self) -> impl Iterator<Item = &u64> {
        self.held.values().flat_map(|held| &held.keys)
    }

    /// Gives out the oldest event, where there are more than may be held.
    pub(super) fn surplus(&mut self) -> Option<Held> {
        let full = self.held.len() > HOLD_EVENTS || self.bytes > self.most_bytes;
        if full { self.take_oldest() } else { None }
    }

    /// Gives out one event whose time is up. While the queue is `behind`, further lines may be in it, and the time that
    /// they wait there is not counted, up to as much again.
    pub(super) fn due(&mut self, now: Now, behind: bool) -> Option<Held> {
        if self.held.is_empty() {
            self.closing.clear();
            return None;
        }
        let more_ms = if behind { ms(HOLD) } else { 0 };
        if let Some((due_ms, arrival)) = self.due.first().copied()
            && due_ms.saturating_add(more_ms) <= now.clock_ms
        {
            return self.take(arrival).map(|(_, held)| held);
        }
        while let Some((due_ms, lane)) = self.closing.first().copied()
            && due_ms.saturating_add(more_ms) <= now.real_ms
        {
            if let Some(arrival) = self.lanes.get(&lane).and_then(|arrivals| arrivals.first()) {
                return self.take(*arrival).map(|(_, held)| held);
            }
            self.closing.pop_first();
        }
        None
    }

    /// Gives out one event whether its time is up or not, the oldest first.
    pub(super) fn take_oldest(&mut self) -> Option<Held> {
        let arrival = self.held.first_key_value().map(|(arrival, _)| *arrival);
        arrival.and_then(|arrival| self.take(arrival)).map(|(_, held)| held)
    }

    /// How long it is until the next event is due by the pipeline's clock, and by the system's.
    pub(super) fn wait(&self, now: Now) -> (Option<Duration>, Option<Duration>) {
        let oldest = self.due.first().map(|(due_ms, _)| due_ms.saturating_sub(now.clock_ms));
        let closed = self.closing.first().filter(|_| oldest.is_some());
        let closed = closed.map(|(due_ms, _)| due_ms.saturating_sub(now.real_ms));
        (oldest.map(Duration::from_millis), closed.map(Duration::from_millis))
    }

    /// What a new event may tell of once more, newest first: the events of its lane; and of a lane of the same task or
    /// thread that it is logged outside of, the one that closed last, or else the only one.
    fn candidates(&self, newest: &Held) -> Vec<u64> {
        let own = self.lanes.get(&newest.lane).into_iter().flatten();
        let mut found: Vec<u64> = own.rev().take(HOLD_LOOK).copied().collect();
        let task = newest.lines.first().and_then(|line| line.task);
        let home = task.map_or(Home::Thread(newest.lane), Home::Task);
        if let Some(home) = self.homes.get(&home) {
            let only = if let [only] = home.lanes.as_slice() { Some(*only) } else { None };
            let lane = home.closed.or(only).filter(|lane| *lane != newest.lane);
            let others = lane.and_then(|lane| self.lanes.get(&lane)).into_iter().flatten();
            found.extend(others.rev().take(HOLD_LOOK));
        }
        found
    }

    fn keep(&mut self, arrival: u64, mut held: Held) {
        held.bytes = held.event.bytes();
        self.bytes += held.bytes;
        let arrivals = self.lanes.entry(held.lane).or_default();
        let at = arrivals.partition_point(|earlier| *earlier < arrival);
        arrivals.insert(at, arrival);
        for home in &held.homes {
            let lanes = &mut self.homes.entry(*home).or_default().lanes;
            if !lanes.contains(&held.lane) {
                lanes.push(held.lane);
            }
        }
        if held.event.kind == EventKind::Panic {
            self.panics.moved(&held.event, arrival);
        }
        self.due.insert((held.due_ms, arrival));
        self.held.insert(arrival, held);
    }

    fn take(&mut self, arrival: u64) -> Option<(u64, Held)> {
        let held = self.held.remove(&arrival)?;
        self.due.remove(&(held.due_ms, arrival));
        self.bytes = self.bytes.saturating_sub(held.bytes);
        let arrivals = self.lanes.entry(held.lane).or_default();
        arrivals.retain(|other| *other != arrival);
        if arrivals.is_empty() {
            self.lanes.remove(&held.lane);
            for home in &held.homes {
                self.leave(*home, held.lane);
            }
        }
        Some((arrival, held))
    }

    /// The lane has no events any more.
    fn leave(&mut self, home: Home, lane: u64) {
        if let Some(lanes) = self.homes.get_mut(&home) {
            lanes.lanes.retain(|other| *other != lane);
            lanes.closed = lanes.closed.filter(|closed| *closed != lane);
            if lanes.lanes.is_empty() {
                self.homes.remove(&home);
            }
        }
    }
}

impl Held {
    /// An event whose time begins now.
    pub(super) fn new(prepared: Prepared, now: Now) -> Self {
        let Prepared { event, fingerprint, title, key, minute, lane, span_numbers, task, returned, .. } =
            prepared;
        let line = Line { spans: span_numbers, task, time: event.time, returned };
        Self {
            text: text(&event.chain),
            event: Arc::new(event),
            fingerprint,
            title,
            keys: vec![key],
            minute,
            // Outside of any span the task's own lane is the lane.
            homes: task.map(Home::Task).filter(|_| !line.spans.is_empty()).into_iter().collect(),
            lines: vec![line],
            lane,
            due_ms: now.clock_ms.saturating_add(ms(HOLD)),
            bytes: 0,
        }
    }
}

/// A chain in one text, as `{:#}` of anyhow writes it.
fn text(chain: &[Cause]) -> String {
    chain.iter().map(|cause| cause.value.trim()).collect::<Vec<_>>().join(": ")
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
