//! When to try a server again that is out of reach.
//!
//! Each failure doubles the wait, to [`limits::BACKOFF_MOST`](crate::limits::BACKOFF_MOST), and up to half of it is left off by
//! chance. Until something was answered, one request at a time asks whether the server is back. Pure, but for chance.

use std::hash::{BuildHasher, RandomState};

use crate::limits::{BACKOFF, BACKOFF_MOST};

/// How the server is, as far as the network lets us know.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Failures since something was answered.
    failures: u32,
    /// Nothing is sent before.
    until_ms: u64,
    failed_ms: u64,
    /// Somebody waits, and has the next try made before its time.
    hurried: bool,
}

/// How the server was when a request set out: what fails together is one failure.
#[derive(Debug, Clone, Copy)]
pub(super) struct SetOut {
    failures: u32,
    hurried: bool,
}

impl SetOut {
    /// Whether it set out before its time.
    pub(super) fn is_hurried(self) -> bool {
        self.hurried
    }
}

impl Breaker {
    /// Whether the last that is known of the server is that it could not be reached.
    pub(super) fn is_open(&self) -> bool {
        self.failures > 0
    }

    /// Milliseconds until something may be sent.
    pub(super) fn wait_ms(&self, now_ms: u64) -> u64 {
        if self.is_open() { self.until_ms.saturating_sub(now_ms) } else { 0 }
    }

    /// Tries in a row that failed.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// A request sets out.
    pub(super) fn set_out(&self) -> SetOut {
        SetOut { failures: self.failures, hurried: self.hurried }
    }

    /// It met no server.
    pub(super) fn fail(&mut self, set_out: SetOut, now_ms: u64) {
        if set_out.failures == self.failures {
            self.hurried = false;
            self.failures = self.failures.saturating_add(1);
            self.failed_ms = now_ms;
            self.until_ms = now_ms.saturating_add(wait_ms(self.failures));
        }
    }

    /// It was answered.
    pub(super) fn succeed(&mut self) {
        *self = Self::default();
    }

    /// Somebody waits: the next try is now, unless the last one has only just failed.
    pub(super) fn hurry(&mut self, now_ms: u64) {
        if now_ms < self.until_ms && now_ms.saturating_sub(self.failed_ms) >= JUST_MS {
            (self.until_ms, self.hurried) = (now_ms, true);
        }
    }
}

fn wait_ms(failures: u32) -> u64 {
    let [first, most] =
        [BACKOFF, BACKOFF_MOST].map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    let doubled = 2_u64.saturating_pow(failures.saturating_sub(1)).saturating_mul(first).min(most);
    let left_off = RandomState::new().hash_one(failures) % (doubled / 2).max(1);
    doubled - left_off
}

const JUST_MS: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_a_most_and_differ() {
        let mut breaker = Breaker::default();
        let mut now_ms = 1_000;
        for most in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000] {
            assert_eq!(breaker.wait_ms(now_ms), 0);
            breaker.fail(breaker.set_out(), now_ms);
            let wait = breaker.wait_ms(now_ms);
            assert!(wait > most / 2 && wait <= most, "{wait} of {most}");
            now_ms += wait;
        }
        breaker.succeed();
        assert!(!breaker.is_open() && breaker.wait_ms(now_ms) == 0);
        assert_ne!([(); 8].map(|()| wait_ms(7)), [wait_ms(7); 8]);
    }

    #[test]
    fn what_fails_together_is_one_failure() {
        let mut breaker = Breaker::default();
        let together = [breaker.set_out(), breaker.set_out(), breaker.set_out()];
        together.into_iter().for_each(|set_out| breaker.fail(set_out, 7));
        assert_eq!(breaker.failures(), 1);
    }

    #[test]
    fn who_waits_has_the_server_asked_at_once_but_not_again_and_again() {
        let mut breaker = Breaker::default();
        for _ in 0..6 {
            breaker.fail(breaker.set_out(), 10_000);
        }
        breaker.hurry(10_999);
        assert!(breaker.wait_ms(10_999) > 0);
        breaker.hurry(11_000);
        assert_eq!(breaker.wait_ms(11_000), 0);
    }
}
