//! For how long a server wants no more.
//!
//! By [Sentry's protocol](https://develop.sentry.dev/sdk/foundations/transport/rate-limiting/): the longest limit wins, an
//! unknown category is nobody's, no category is all. Time is the monotonic clock's; a server cannot silence us for longer
//! than [`limits::RATE_LIMIT_MOST`](crate::limits::RATE_LIMIT_MOST). Pure; never panics.

use std::time::{Duration, SystemTime};

use crate::limits::{RATE_LIMIT, RATE_LIMIT_MOST};

/// Until when, by the pipeline's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RateLimits {
    errors_until_ms: u64,
    all_until_ms: u64,
}

/// What an answer says of limits.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    pub(super) status: u16,
    /// `X-Sentry-Rate-Limits`, on any answer.
    pub(super) limits: Option<&'a str>,
    /// `Retry-After`, on an answer that has no other.
    pub(super) retry_after: Option<&'a str>,
}

impl RateLimits {
    /// Takes in what an answer says; `wall` is the time that a date in it is compared with.
    pub(super) fn learn(&mut self, said: &Said<'_>, now_ms: u64, wall: SystemTime) {
        let has_one = |limits: &&str| limits.split(',').any(|limit| !limit.trim().is_empty());
        let Some(limits) = said.limits.filter(has_one) else {
            if said.status == 429 {
                let wait = said.retry_after.map_or(RATE_LIMIT, |text| retry_after(text, wall));
                self.all_until_ms = self.all_until_ms.max(after(now_ms, wait));
            }
            return;
        };
        for limit in limits.split(',').filter(|limit| !limit.trim().is_empty()) {
            let mut parts = limit.split(':').map(str::trim);
            let wait = seconds(parts.next().unwrap_or_default()).unwrap_or(RATE_LIMIT);
            let until_ms = after(now_ms, wait);
            let categories = parts.next().unwrap_or_default();
            if categories.is_empty() {
                self.all_until_ms = self.all_until_ms.max(until_ms);
            } else if categories.split(';').any(|category| category.trim().eq_ignore_ascii_case("error")) {
                self.errors_until_ms = self.errors_until_ms.max(until_ms);
            }
        }
    }

    /// Whether the server wants no events.
    pub(super) fn holds_errors(&self, now_ms: u64) -> bool {
        now_ms < self.errors_until_ms.max(self.all_until_ms)
    }

    /// Milliseconds until the server wants something again.
    pub(super) fn wait_ms(&self, now_ms: u64) -> u64 {
        self.all_until_ms.saturating_sub(now_ms)
    }

    /// Whether the server wants nothing at all.
    pub(super) fn holds_all(&self, now_ms: u64) -> bool {
        now_ms < self.all_until_ms
    }
}

fn after(now_ms: u64, wait: Duration) -> u64 {
    let wait = wait.min(RATE_LIMIT_MOST);
    now_ms.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
}

/// Seconds, or a [date](https://www.rfc-editor.org/rfc/rfc9110#field.retry-after); what is neither is taken as a server
/// that does not say for how long.
fn retry_after(text: &str, wall: SystemTime) -> Duration {
    let until = |date: SystemTime| date.duration_since(wall).unwrap_or_default();
    let date = || httpdate::parse_http_date(text.trim()).ok().map(until);
    seconds(text).or_else(date).unwrap_or(RATE_LIMIT)
}

/// A number of seconds in plain digits, with a fraction or not: no sign, no exponent, no name of a number.
fn seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds: f64 = text.parse().ok().filter(|_| is_plain)?;
    Some(Duration::try_from_secs_f64(seconds.ceil()).unwrap_or(RATE_LIMIT_MOST))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW_MS: u64 = 5_000;

    fn learned(status: u16, limits: Option<&str>, retry_after: Option<&str>) -> RateLimits {
        let mut learned = RateLimits::default();
        learned.learn(&Said { status, limits, retry_after }, NOW_MS, SystemTime::now());
        learned
    }

    /// For how many seconds there are no events, and for how many nothing at all.
    fn waits(limits: RateLimits) -> (u64, u64) {
        let seconds = |until_ms: u64| until_ms.saturating_sub(NOW_MS) / 1_000;
        (seconds(limits.errors_until_ms.max(limits.all_until_ms)), seconds(limits.all_until_ms))
    }

    #[test]
    fn a_429_says_in_many_ways_how_long_to_wait() {
        let day = 24 * 60 * 60;
        let wall = SystemTime::now();
        let date = |date: SystemTime| httpdate::fmt_http_date(date);
        let soon = date(wall + Duration::from_secs(121));
        let past = date(wall - Duration::from_secs(100));
        for (text, wait) in [
            (None, 60),
            (Some("120"), 120),
            (Some(" 7 "), 7),
            (Some("1.2"), 2),
            (Some("0"), 0),
            (Some(past.as_str()), 0),
            (Some("1000000000000000"), day),
            (Some("9".repeat(400).as_str()), day),
            (Some("1e99"), 60),
            (Some("NaN"), 60),
            (Some("inf"), 60),
            (Some("-5"), 60),
            (Some(""), 60),
            (Some("soon"), 60),
        ] {
            assert_eq!(waits(learned(429, None, text)), (wait, wait), "{text:?}");
        }
        let (wait, _) = waits(learned(429, None, Some(&soon)));
        assert!((119..=121).contains(&wait), "{wait}");
    }

    #[test]
    fn limits_are_by_category_and_the_unknown_is_nobodys() {
        for (limits, wait) in [
            ("60:error:organization", (60, 0)),
            ("60:transaction;error:key, 2700:default;session:organization", (60, 0)),
            ("60::organization", (60, 60)),
            ("60", (60, 60)),
            ("86400:transaction;span:organization", (0, 0)),
            ("60:unheard_of", (0, 0)),
            ("junk:error:key", (60, 0)),
            ("99999999:error", (86_400, 0)),
            ("10:ERROR:org, 5::org", (10, 5)),
        ] {
            for status in [200, 413, 429] {
                // The header says it all, where there is one.
                assert_eq!(waits(learned(status, Some(limits), Some("7"))), wait, "{status} {limits:?}");
            }
        }
        for nothing in [None, Some(""), Some(" , ,")] {
            assert_eq!(waits(learned(200, nothing, Some("7"))), (0, 0));
            assert_eq!(waits(learned(429, nothing, Some("7"))), (7, 7));
        }
        assert_eq!(waits(learned(503, None, Some("7"))), (0, 0));
    }

    #[test]
    fn a_shorter_limit_does_not_replace_a_longer_one() {
        let mut limits = learned(200, Some("100:error"), None);
        let said = |limits| Said { status: 200, limits: Some(limits), retry_after: None };
        limits.learn(&said("10:error"), NOW_MS + 1_000, SystemTime::now());
        assert!(limits.holds_errors(NOW_MS + 99_999));
        assert!(!limits.holds_errors(NOW_MS + 100_000));
        limits.learn(&said("100:error"), NOW_MS + 50_000, SystemTime::now());
        assert!(limits.holds_errors(NOW_MS + 149_999) && !limits.holds_all(NOW_MS));
    }

    proptest! {
        #[test]
        fn no_header_panics_or_silences_for_longer_than_a_day(
            status in prop::sample::select(vec![200_u16, 429, 500]),
            limits in prop::option::of("[0-9a-z.;:, -]{0,40}|\\PC{0,40}"),
            retry in prop::option::of("[0-9a-zA-Z.,: -]{0,40}|\\PC{0,40}"),
        ) {
            let learned = learned(status, limits.as_deref(), retry.as_deref());
            let most_ms = NOW_MS + 24 * 60 * 60 * 1_000;
            prop_assert!(!learned.holds_errors(most_ms) && !learned.holds_all(most_ms));
        }
    }
}
