//! What becomes of events and counts while the book cannot be written, and once it can.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::*;
use crate::issues::{
    Count, Decision, Facts, Heading, Hit, Issue, IssueId, LineTotal, Of, Pruned, Query, Summary, Traffic,
};
use crate::limits::{BOOK_BATCH, BOOK_WAITING_BYTES, BOOK_WAITING_HITS};
use crate::model::{EventKind, Fingerprint, User};

/// A book that answers as it is told, and remembers what it recorded.
#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    /// What it answers next; nothing is wrong behind that.
    answers: VecDeque<Fault>,
    /// It answers so for ever.
    always: Option<Fault>,
    asked: usize,
    recorded: Vec<Entry>,
    pruned: usize,
}

impl Scripted {
    fn script<T>(&self, look: impl FnOnce(&mut Script) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The events that were recorded.
    fn events(&self) -> Vec<EventId> {
        self.script(|script| {
            let events = script.recorded.iter().filter_map(|entry| match entry {
                Entry::Event { event, .. } => Some(event.id),
                _ => None,
            });
            events.collect()
        })
    }
}

impl Book for Scripted {
    fn record(&mut self, entries: &[Entry], _now: Moment) -> Result<Vec<Sighting>, Fault> {
        self.script(|script| {
            script.asked += 1;
            match script.answers.pop_front().or_else(|| script.always.clone()) {
                Some(fault) => Err(fault),
                None => {
                    script.recorded.extend(entries.iter().cloned());
                    Ok(Vec::new())
                }
            }
        })
    }

    fn prune(&mut self, _keep: &Retention, _now: Moment) -> Result<Pruned, Fault> {
        self.script(|script| script.pruned += 1);
        Ok(Pruned::default())
    }

    fn is_durable(&self) -> bool {
        true
    }

    fn decide(&mut self, _issue: IssueId, _decision: Decision, _now: Moment) -> Result<bool, Fault> {
        Ok(false)
    }

    fn list(&self, _query: &Query) -> Result<Vec<Summary>, Fault> {
        Ok(Vec::new())
    }

    fn named(&self, _prefix: &str) -> Result<Vec<IssueId>, Fault> {
        Ok(Vec::new())
    }

    fn issue(&self, _issue: IssueId) -> Result<Option<Issue>, Fault> {
        Ok(None)
    }

    fn events(&self, _issue: IssueId, _most: usize) -> Result<Vec<TrackedEvent>, Fault> {
        Ok(Vec::new())
    }

    fn facts(&self, _issue: IssueId, _now: Moment) -> Result<Option<Facts>, Fault> {
        Ok(None)
    }

    fn lines(&self) -> Result<Vec<LineTotal>, Fault> {
        Ok(Vec::new())
    }
}

/// A way behind the book, which looks what is recorded when an event comes.
struct Behind {
    book: Scripted,
    /// Of each event, whether it was recorded.
    came: Arc<Mutex<Vec<(EventId, bool)>>>,
}

impl Forward for Behind {
    fn forward(&mut self, event: Arc<TrackedEvent>, receipt: Receipt) {
        let is_recorded = self.book.events().contains(&event.id);
        self.came.lock().unwrap_or_else(PoisonError::into_inner).push((event.id, is_recorded));
        receipt.end(Ok(()));
    }

    fn catch_up(&mut self) {}

    fn flush(&mut self) {}
}

struct Rig {
    book: Scripted,
    ledger: Arc<Ledger>,
    clock: Clock,
    keeper: Bookkeeper,
}

impl Rig {
    fn new(answers: impl IntoIterator<Item = Fault>) -> Self {
        let (book, ledger, clock) = (Scripted::default(), Arc::new(Ledger::default()), Clock::manual());
        book.script(|script| script.answers.extend(answers));
        let keeper = Bookkeeper::new(
            Box::new(book.clone()),
            None,
            Arc::clone(&ledger),
            clock.clone(),
            Herald::default(),
        );
        Self { book, ledger, clock, keeper }
    }

    /// Hands on an event.
    fn event(&mut self) -> EventId {
        self.event_of(String::new())
    }

    fn event_of(&mut self, message: String) -> EventId {
        let event = TrackedEvent { message: Some(message), ..TrackedEvent::bare(EventKind::Error) };
        let id = event.id;
        self.keeper.forward(Arc::new(event), self.ledger.receipt());
        id
    }

    fn count(&mut self, count: u64) {
        let heading = Heading::of(&TrackedEvent::bare(EventKind::Error));
        let (at, of) = (Moment::from_ms(0), Of::Issue(heading));
        self.keeper.note(vec![Entry::Count(Count {
            at,
            release: None,
            environment: String::new(),
            count,
            of,
        })]);
    }

    fn delivered(&self) -> u64 {
        self.ledger.stats().delivered
    }

    fn overflown(&self) -> u64 {
        self.ledger.stats().lost.get(&Lost::StoreOverflow).copied().unwrap_or_default()
    }

    fn counted(&self) -> u64 {
        self.book.script(|script| {
            let counts = script.recorded.iter().map(|entry| match entry {
                Entry::Count(count) => count.count,
                _ => 0,
            });
            counts.sum()
        })
    }
}

#[test]
fn a_receipt_ends_when_its_event_is_recorded_and_in_order() {
    let mut rig = Rig::new([Fault::Busy, Fault::Busy, Fault::Busy]);
    let first = rig.event();
    let mut wait = rig.keeper.work();
    let second = rig.event();
    let mut asked = 1;
    while rig.book.events().is_empty() {
        assert_eq!((rig.delivered(), rig.book.script(|script| script.asked)), (0, asked));
        // Not before its time.
        let wait_for = wait.expect("it is to be tried again");
        assert!(wait_for > Duration::ZERO && wait_for <= BOOK_RETRY_MOST);
        rig.keeper.work();
        assert_eq!(rig.book.script(|script| script.asked), asked);
        rig.clock.advance(wait_for);
        wait = rig.keeper.work();
        asked += 1;
    }
    assert_eq!((asked, wait), (4, None));
    assert_eq!((rig.book.events(), rig.delivered()), (vec![first, second], 2));
    assert_eq!(rig.ledger.stats().lost_total(), 0);
}

#[test]
fn a_flush_tries_at_once() {
    let mut rig = Rig::new([Fault::Busy]);
    let event = rig.event();
    rig.keeper.work();
    assert_eq!(rig.delivered(), 0);
    rig.keeper.flush();
    assert_eq!((rig.book.events(), rig.delivered()), (vec![event], 1));
}

#[test]
fn what_is_next_gets_events_only_once_they_are_recorded() {
    let mut rig = Rig::new([Fault::Busy]);
    let came = Arc::default();
    rig.keeper.next = Some(Box::new(Behind { book: rig.book.clone(), came: Arc::clone(&came) }));
    let events = [rig.event(), rig.event()];
    rig.keeper.work();
    assert!(came.lock().unwrap().is_empty());
    rig.keeper.flush();
    assert_eq!(*came.lock().unwrap(), events.map(|id| (id, true)));
    assert_eq!(rig.delivered(), 2);
    let is_to_be_sent = |entry: &Entry| matches!(entry, Entry::Event { sent: true, .. });
    assert!(rig.book.script(|script| script.recorded.iter().all(is_to_be_sent)));
}

#[test]
fn while_there_is_no_room_the_oldest_events_are_lost_and_no_count_is() {
    let mut rig = Rig::new([]);
    rig.book.script(|script| script.always = Some(Fault::Full));
    rig.event();
    rig.keeper.work();
    assert_eq!(rig.book.script(|script| script.pruned), 1, "what can be spared is");
    // Further ones come while nobody asks the book again.
    let large = BOOK_WAITING_BYTES / 50;
    let events: Vec<_> = (0..200).map(|_| (rig.event_of("x".repeat(large)), rig.count(1)).0).collect();
    assert_eq!(rig.book.script(|script| script.asked), 1);
    let lost = rig.overflown();
    assert!(lost > 150, "{lost}");
    assert!(rig.keeper.batch.first(usize::MAX).len() < 100 + BOOK_BATCH);
    rig.book.script(|script| script.always = None);
    rig.keeper.flush();
    assert_eq!(rig.book.events(), events[lost as usize - 1..], "the newest are recorded");
    assert_eq!((rig.delivered() + rig.overflown(), rig.counted()), (201, 200));
}

#[test]
fn counts_that_wait_for_long_take_no_more_room_than_others() {
    let mut rig = Rig::new([]);
    rig.book.script(|script| script.always = Some(Fault::Busy));
    rig.count(1);
    rig.keeper.work();
    for number in 0..20_000 {
        rig.count(1);
        let user = Some(User::new(number.to_string()));
        rig.keeper.note(vec![
            Entry::Traffic(Traffic { lanes: 1, users: user.iter().cloned().collect(), ..Traffic::default() }),
            Entry::Hit(Hit {
                at: Moment::from_ms(0),
                release: None,
                fingerprint: Fingerprint::from("a"),
                user,
                tags: Default::default(),
            }),
        ]);
        let waiting = rig.keeper.batch.first(usize::MAX).len();
        assert!(waiting <= 2 * (BOOK_WAITING_HITS + 2) + BOOK_BATCH, "{waiting}");
    }
    rig.book.script(|script| script.always = None);
    rig.keeper.flush();
    assert_eq!(rig.counted(), 20_001);
    let (mut lanes, mut users, mut hits) = (0, 0, 0);
    rig.book.script(|script| {
        for entry in &script.recorded {
            match entry {
                Entry::Traffic(traffic) => {
                    lanes += traffic.lanes;
                    users += traffic.users.len();
                }
                Entry::Hit(_) => hits += 1,
                _ => {}
            }
        }
    });
    assert_eq!((lanes, users), (20_000, 20_000));
    assert_eq!(hits + rig.ledger.stats().lanes_uncounted, 20_000, "what nobody is told of is counted");
}

#[test]
fn what_the_end_cannot_record_is_lost_with_its_reason() {
    let mut rig = Rig::new([]);
    rig.book.script(|script| script.always = Some(Fault::Broken("the disk is gone".to_owned())));
    rig.event();
    rig.event();
    let Rig { keeper, ledger, .. } = rig;
    drop(keeper);
    let stats = ledger.stats();
    assert_eq!((stats.delivered, stats.lost.get(&Lost::StoreOverflow).copied().unwrap_or_default()), (0, 2));
}

#[test]
fn what_is_held_is_recorded_by_a_book_that_outlives_the_process() {
    let mut rig = Rig::new([]);
    let event = Arc::new(TrackedEvent::bare(EventKind::Error));
    rig.keeper.hold(&event);
    rig.keeper.work();
    rig.keeper.forward(Arc::clone(&event), rig.ledger.receipt());
    rig.keeper.work();
    let told = rig.book.script(|script| {
        let told = script.recorded.iter().map(|entry| match entry {
            Entry::Held(held) => (held.id, true),
            Entry::Event { event, .. } => (event.id, false),
            other => panic!("{other:?}"),
        });
        told.collect::<Vec<_>>()
    });
    assert_eq!(told, [(event.id, true), (event.id, false)]);
    assert_eq!(rig.delivered(), 1);
}
