//! Events that wait to be sent, and what may be sent next.
//!
//! In memory, and bounded in bytes: beyond, the oldest is lost. What waits in a store besides is taken in as there is room,
//! and goes back there when the server is away. The worker puts in, the thread that delivers takes out;
//! the lock is held for a few instructions, and nothing of the user's or of the network's runs under it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;

use super::breaker::{Breaker, SetOut};
use super::envelope::Packed;
use super::rate_limits::{RateLimits, Said};
use crate::ledger::{Errand, Lost, Receipt};
use crate::limits::{OUTBOX_BYTES, SEND_TRIES, SENDS};
use crate::model::EventId;

/// An event on its way.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) id: EventId,
    pub(super) payload: Packed,
    receipt: Receipt,
    tries: u32,
    /// Of those that were put in; 0 until it is.
    number: u64,
}

impl Letter {
    pub(super) fn new(id: EventId, payload: Packed, receipt: Receipt) -> Self {
        Self { id, payload, receipt, tries: 0, number: 0 }
    }

    /// What it takes in memory, itself included.
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.payload.bytes()
    }
}

/// What the thread that delivers is to do.
#[derive(Debug)]
pub(super) enum Next {
    Send(Letter, Trip),
    /// Tell the server what was never sent; who waits for that waits for the errands.
    Report(Vec<Errand>, Trip),
    /// Nothing, for so long or until something comes.
    Wait(Option<Duration>),
    /// Nothing ever again.
    End,
}

/// A request that is on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trip {
    set_out: SetOut,
    /// Of the letter; None for a report.
    number: Option<u64>,
}

/// The letters, and what is known of the server.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    /// Something came, or came to an end.
    pub(super) stirred: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// By their numbers.
    waiting: VecDeque<Letter>,
    /// Of those that wait.
    bytes: usize,
    /// How many were put in, ever.
    put: u64,
    /// The numbers of those that are on their way.
    sending: BTreeSet<u64>,
    /// A report is on its way: another one would tell the same.
    is_reporting: bool,
    breaker: Breaker,
    limits: RateLimits,
    /// The reports that are to be sent, the first to be asked for first.
    asked: VecDeque<Asked>,
    /// Nothing more will be put in; so many tries had failed by then.
    closed: Option<u32>,
    /// Nothing can be sent in this process.
    off: bool,
}

/// A report that somebody wants.
#[derive(Debug)]
struct Asked {
    /// It tells what became of so many letters, the first ones, and waits for that.
    behind: u64,
    /// Ended when it was tried, or will not be for a while.
    errand: Option<Errand>,
}

impl Outbox {
    /// Puts a letter in. The oldest are lost where there is no room for it.
    pub(super) fn put(&self, mut letter: Letter) {
        let mut state = self.lock();
        if state.off {
            drop(state);
            return letter.receipt.end(Err(Lost::Sink));
        }
        state.put += 1;
        letter.number = state.put;
        let lost = state.insert(letter);
        drop(state);
        end_all(lost, Lost::OutboxOverflow);
        self.stirred.notify_one();
    }

    /// Whether the server wants no events at present.
    pub(super) fn holds_errors(&self, now_ms: u64) -> bool {
        self.lock().limits.holds_errors(now_ms)
    }

    /// How many bytes of what waits in a store are taken in at present: enough to keep the server busy, and of a server that
    /// is away, one event that asks for it.
    pub(super) fn room(&self, now_ms: u64) -> usize {
        let state = self.lock();
        if state.off || state.closed.is_some() || state.limits.holds_errors(now_ms) {
            return 0;
        }
        if state.breaker.is_open() {
            let is_idle = state.waiting.is_empty() && state.sending.is_empty();
            return usize::from(is_idle && state.breaker.wait_ms(now_ms) == 0);
        }
        TAKEN_IN_BYTES.saturating_sub(state.bytes)
    }

    /// Whether nothing can be sent in this process.
    pub(super) fn is_off(&self) -> bool {
        self.lock().off
    }

    /// Whether nothing waits, and nothing is on its way.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.lock();
        state.waiting.is_empty() && state.sending.is_empty() && !state.is_reporting
    }

    /// A report is to be sent, when it is known what becomes of all that was put in before. The errand ends when that was
    /// tried.
    pub(super) fn ask_report(&self, errand: Errand) {
        let mut state = self.lock();
        let behind = state.put;
        // Who waits for this one waits for those before it as well: one that says nothing new need not be there.
        let told = state.asked.back().is_some_and(|last| last.behind == behind && last.errand.is_some());
        if !state.off && !told {
            state.asked.push_back(Asked { behind, errand: Some(errand) });
            drop(state);
            self.stirred.notify_one();
        }
    }

    /// Somebody waits.
    pub(super) fn hurry(&self, now_ms: u64) {
        self.lock().breaker.hurry(now_ms);
        self.stirred.notify_one();
    }

    /// Whether nothing more comes.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed.is_some()
    }

    /// Nothing more comes.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = Some(state.breaker.failures());
        drop(state);
        self.stirred.notify_one();
    }

    /// Nothing can be sent, ever: what waits is lost, and so is what comes.
    pub(super) fn turn_off(&self) {
        let mut state = self.lock();
        (state.off, state.bytes) = (true, 0);
        let (lost, asked) = (std::mem::take(&mut state.waiting), std::mem::take(&mut state.asked));
        drop(state);
        end_all(lost, Lost::Sink);
        drop(asked);
    }

    /// What to do at this time.
    pub(super) fn next(&self, now_ms: u64) -> Next {
        let mut state = self.lock();
        let lost = state.unsendable(now_ms);
        let vain = state.vain_reports(now_ms);
        let next = state.next(now_ms);
        drop(state);
        // Outside of our lock: they take the ledger's.
        drop(vain);
        for (letters, reason) in lost {
            end_all(letters, reason);
        }
        next
    }

    /// A letter was answered.
    pub(super) fn answered(&self, letter: Letter, end: Result<(), Lost>, said: &Said<'_>, now_ms: u64) {
        self.lock().heard(said, now_ms);
        letter.receipt.end(end);
    }

    /// A letter met no server: it is tried again, unless that was done often enough. What a store has goes back there.
    pub(super) fn failed(&self, mut letter: Letter, trip: Trip, now_ms: u64) {
        // A try before its time, for somebody's sake, does not use up those that the event has.
        letter.tries += u32::from(!trip.set_out.is_hurried());
        let mut state = self.lock();
        state.breaker.fail(trip.set_out, now_ms);
        let returned = state.take_out(|letter| letter.receipt.is_again());
        if letter.tries < SEND_TRIES && !letter.receipt.is_again() {
            let lost = state.insert(letter);
            drop(state);
            end_all(lost, Lost::OutboxOverflow);
        } else {
            drop(state);
            letter.receipt.end(Err(Lost::NetworkError));
        }
        end_all(returned, Lost::NetworkError);
    }

    /// A report was answered, or met no server.
    pub(super) fn reported(&self, outcome: Result<&Said<'_>, Trip>, now_ms: u64) {
        let mut state = self.lock();
        match outcome {
            Ok(said) => state.heard(said, now_ms),
            Err(trip) => state.breaker.fail(trip.set_out, now_ms),
        }
    }

    /// A request that [`next`](Self::next) gave out has come to an end.
    pub(super) fn is_back(&self, trip: Trip) {
        let mut state = self.lock();
        match trip.number {
            Some(number) => {
                state.sending.remove(&number);
            }
            None => state.is_reporting = false,
        }
        drop(state);
        self.stirred.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes out what will not be sent: the server asked for that, or the end has come and it is still away.
    fn unsendable(&mut self, now_ms: u64) -> Vec<(Vec<Letter>, Lost)> {
        let mut lost = Vec::new();
        for (is_so, reason) in
            [(self.limits.holds_errors(now_ms), Lost::RateLimited), (self.is_given_up(), Lost::NetworkError)]
        {
            if is_so && !self.waiting.is_empty() {
                lost.push((self.take_out(|_| true), reason));
            }
        }
        lost
    }

    fn take_out(&mut self, which: impl Fn(&Letter) -> bool) -> Vec<Letter> {
        let (out, left): (Vec<Letter>, Vec<Letter>) = self.waiting.drain(..).partition(which);
        self.waiting = left.into();
        self.bytes = self.waiting.iter().map(Letter::bytes).sum();
        out
    }

    /// The reports that will not go out for a while, or at all: nobody is to wait for them. Of those that may go out one
    /// is left.
    fn vain_reports(&mut self, now_ms: u64) -> Vec<Asked> {
        if self.is_given_up() {
            return self.asked.drain(..).collect();
        }
        if !self.limits.holds_all(now_ms) && self.breaker.wait_ms(now_ms) == 0 {
            return Vec::new();
        }
        let due = self.due_reports();
        let vain: Vec<Asked> = self.asked.drain(..due).collect();
        if let Some(last) = vain.last() {
            self.asked.push_front(Asked { behind: last.behind, errand: None });
        }
        vain
    }

    /// The end has come, and the server is still away.
    fn is_given_up(&self) -> bool {
        // Once more after the end has come, however long it has been away.
        let failures = self.breaker.failures();
        self.closed.is_some_and(|before| failures > before) && failures >= SEND_TRIES
    }

    /// How many of the reports that were asked for can tell what they are to tell.
    fn due_reports(&self) -> usize {
        let waiting = self.waiting.front().map(|letter| letter.number);
        let oldest = waiting.into_iter().chain(self.sending.first().copied()).min().unwrap_or(u64::MAX);
        self.asked.iter().take_while(|asked| asked.behind < oldest).count()
    }

    fn next(&mut self, now_ms: u64) -> Next {
        let wanted = !self.is_reporting && !self.limits.holds_all(now_ms);
        let due = if wanted { self.due_reports() } else { 0 };
        if self.waiting.is_empty() && due == 0 {
            // A limit outlives who would wait for it.
            let done = self.sending.is_empty() && !self.is_reporting;
            let limit_ms = self.limits.wait_ms(now_ms);
            return match limit_ms {
                _ if self.closed.is_some() && done => Next::End,
                0 => Next::Wait(None),
                _ if self.asked.is_empty() => Next::Wait(None),
                limit_ms => Next::Wait(Some(Duration::from_millis(limit_ms))),
            };
        }
        let most = if self.breaker.is_open() { 1 } else { SENDS };
        if self.sending.len() + usize::from(self.is_reporting) >= most {
            return Next::Wait(None);
        }
        match self.breaker.wait_ms(now_ms) {
            0 => {}
            wait_ms => return Next::Wait(Some(Duration::from_millis(wait_ms))),
        }
        let set_out = self.breaker.set_out();
        if due > 0 {
            self.is_reporting = true;
            let errands = self.asked.drain(..due).filter_map(|asked| asked.errand).collect();
            return Next::Report(errands, Trip { set_out, number: None });
        }
        let Some(letter) = self.waiting.pop_front() else { return Next::Wait(None) };
        self.bytes -= letter.bytes();
        self.sending.insert(letter.number);
        let trip = Trip { set_out, number: Some(letter.number) };
        Next::Send(letter, trip)
    }

    /// Takes a letter in where its number says, and out those that there is no room for: the oldest.
    fn insert(&mut self, letter: Letter) -> Vec<Letter> {
        self.bytes += letter.bytes();
        let place = self.waiting.partition_point(|waiting| waiting.number < letter.number);
        self.waiting.insert(place, letter);
        let mut lost = Vec::new();
        while self.bytes > OUTBOX_BYTES
            && let Some(oldest) = self.waiting.pop_front()
        {
            self.bytes -= oldest.bytes();
            lost.push(oldest);
        }
        lost
    }

    fn heard(&mut self, said: &Said<'_>, now_ms: u64) {
        self.breaker.succeed();
        self.limits.learn(said, now_ms, SystemTime::now());
    }
}

/// Of what waits in a store: more than a few requests take, and little beside what there is room for.
const TAKEN_IN_BYTES: usize = OUTBOX_BYTES / 8;

fn end_all(letters: impl IntoIterator<Item = Letter>, reason: Lost) {
    for letter in letters {
        letter.receipt.end(Err(reason));
    }
}
