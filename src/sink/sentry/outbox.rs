//! Events that wait to be sent, and what may be sent next.
//!
//! In memory, and bounded in bytes: beyond, the oldest is lost. The worker puts in, the thread that delivers takes out;
//! the lock is held for a few instructions, and nothing of the user's or of the network's runs under it.

use std::collections::VecDeque;
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
}

impl Letter {
    pub(super) fn new(id: EventId, payload: Packed, receipt: Receipt) -> Self {
        Self { id, payload, receipt, tries: 0 }
    }

    /// What it takes in memory, itself included.
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.payload.bytes()
    }
}

/// What the thread that delivers is to do.
#[derive(Debug)]
pub(super) enum Next {
    Send(Letter, SetOut),
    /// Tell the server what was never sent.
    Report(SetOut),
    /// Nothing, for so long or until something comes.
    Wait(Option<Duration>),
    /// Nothing ever again.
    End,
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
    waiting: VecDeque<Letter>,
    /// Of those that wait.
    bytes: usize,
    /// Requests that are on their way.
    sending: usize,
    breaker: Breaker,
    limits: RateLimits,
    report_is_due: bool,
    /// A report is on its way: another one would tell the same.
    is_reporting: bool,
    /// Those who wait for the report.
    errands: Vec<Errand>,
    /// Nothing more will be put in; so many tries had failed by then.
    closed: Option<u32>,
    /// Nothing can be sent in this process.
    off: bool,
}

impl Outbox {
    /// Puts a letter in. The oldest are lost where there is no room for it.
    pub(super) fn put(&self, letter: Letter) {
        let mut lost = Vec::new();
        let mut state = self.lock();
        if state.off {
            drop(state);
            return letter.receipt.end(Err(Lost::Sink));
        }
        state.bytes += letter.bytes();
        state.waiting.push_back(letter);
        while state.bytes > OUTBOX_BYTES
            && let Some(oldest) = state.waiting.pop_front()
        {
            state.bytes -= oldest.bytes();
            lost.push(oldest);
        }
        drop(state);
        end_all(lost, Lost::OutboxOverflow);
        self.stirred.notify_one();
    }

    /// Whether the server wants no events at present.
    pub(super) fn holds_errors(&self, now_ms: u64) -> bool {
        self.lock().limits.holds_errors(now_ms)
    }

    /// A report is to be sent; the errand ends when that was tried.
    pub(super) fn ask_report(&self, errand: Errand) {
        let mut state = self.lock();
        if !state.off {
            state.report_is_due = true;
            state.errands.push(errand);
        }
        drop(state);
        self.stirred.notify_one();
    }

    /// Somebody waits.
    pub(super) fn hurry(&self, now_ms: u64) {
        self.lock().breaker.hurry(now_ms);
        self.stirred.notify_one();
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
        state.off = true;
        let (lost, errands) = (std::mem::take(&mut state.waiting), std::mem::take(&mut state.errands));
        state.report_is_due = false;
        drop(state);
        end_all(lost, Lost::Sink);
        drop(errands);
    }

    /// What to do at this time.
    pub(super) fn next(&self, now_ms: u64) -> Next {
        let mut state = self.lock();
        let lost = state.unsendable(now_ms);
        // A limit outlives who would wait for a report.
        let holds_all = state.limits.holds_all(now_ms);
        let errands = if holds_all { std::mem::take(&mut state.errands) } else { Vec::new() };
        let next = state.next(now_ms);
        drop(state);
        drop(errands);
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

    /// A letter met no server: it is tried again, unless that was done often enough.
    pub(super) fn failed(&self, mut letter: Letter, set_out: SetOut, now_ms: u64) {
        letter.tries += 1;
        let mut state = self.lock();
        state.breaker.fail(set_out, now_ms);
        if letter.tries < SEND_TRIES {
            state.bytes += letter.bytes();
            state.waiting.push_front(letter);
        } else {
            drop(state);
            letter.receipt.end(Err(Lost::NetworkError));
        }
    }

    /// A report was answered, or met no server.
    pub(super) fn reported(&self, outcome: Result<&Said<'_>, SetOut>, now_ms: u64) {
        let mut state = self.lock();
        match outcome {
            Ok(said) => state.heard(said, now_ms),
            Err(set_out) => state.breaker.fail(set_out, now_ms),
        }
    }

    /// Nobody waits for the report any longer.
    pub(super) fn end_errands(&self) {
        let mut state = self.lock();
        state.is_reporting = false;
        let errands = std::mem::take(&mut state.errands);
        drop(state);
        // Outside of our lock: it takes the ledger's.
        drop(errands);
    }

    /// A request that [`next`](Self::next) gave out has come to an end.
    pub(super) fn is_back(&self) {
        let mut state = self.lock();
        state.sending = state.sending.saturating_sub(1);
        drop(state);
        self.stirred.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes out what will not be sent: the server asked for that, or the end has come and it is still away.
    fn unsendable(&mut self, now_ms: u64) -> Vec<(VecDeque<Letter>, Lost)> {
        let mut lost = Vec::new();
        // Once more after the end has come, however long it has been away.
        let failures = self.breaker.failures();
        let gone = self.closed.is_some_and(|before| failures > before) && failures >= SEND_TRIES;
        for (is_so, reason) in
            [(self.limits.holds_errors(now_ms), Lost::RateLimited), (gone, Lost::NetworkError)]
        {
            if is_so && !self.waiting.is_empty() {
                let letters = std::mem::take(&mut self.waiting);
                self.bytes -= letters.iter().map(Letter::bytes).sum::<usize>();
                lost.push((letters, reason));
            }
        }
        self.report_is_due &= !gone;
        lost
    }

    fn next(&mut self, now_ms: u64) -> Next {
        let reports = self.report_is_due && !self.is_reporting && !self.limits.holds_all(now_ms);
        if self.waiting.is_empty() && !reports {
            return if self.closed.is_some() && self.sending == 0 { Next::End } else { Next::Wait(None) };
        }
        let most = if self.breaker.is_open() { 1 } else { SENDS };
        if self.sending >= most {
            return Next::Wait(None);
        }
        match self.breaker.wait_ms(now_ms) {
            0 => {}
            wait_ms => return Next::Wait(Some(Duration::from_millis(wait_ms))),
        }
        self.sending += 1;
        let set_out = self.breaker.set_out();
        match self.waiting.pop_front() {
            Some(letter) => {
                self.bytes -= letter.bytes();
                Next::Send(letter, set_out)
            }
            None => {
                (self.report_is_due, self.is_reporting) = (false, true);
                Next::Report(set_out)
            }
        }
    }

    fn heard(&mut self, said: &Said<'_>, now_ms: u64) {
        self.breaker.succeed();
        self.limits.learn(said, now_ms, SystemTime::now());
    }
}

fn end_all(letters: impl IntoIterator<Item = Letter>, reason: Lost) {
    for letter in letters {
        letter.receipt.end(Err(reason));
    }
}
