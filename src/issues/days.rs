//! What is old, by a clock that may have jumped.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{Moment, Retention};
use crate::limits::DAYS_SEEN;

/// The newest days on which something was recorded, [`DAYS_SEEN`] of them.
///
/// A book forgets by age, and is told the time. Where the wall clock goes ten years ahead for an hour, that alone must not
/// make it forget everything. So what counts as now is at the most [`DAYS_SEEN`] days behind the beginning of the oldest of
/// these days. While something is recorded every day that is no bound at all; after a time in which nothing was, age goes on
/// when something is recorded again; and a clock has to be wrong on as many days before it does harm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Days(BTreeSet<u64>);

/// What lies before is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Horizon {
    /// Events of before; issues and lines that were last seen before; lanes of hours that were over by then.
    pub(crate) age: Moment,
    /// Counts of hours before this one, the first of a day, are put together by day.
    pub(crate) hourly: u64,
}

impl Days {
    /// Something of this moment was recorded.
    pub(crate) fn add(&mut self, at: Moment) {
        self.0.insert(at.day());
        if self.0.len() > DAYS_SEEN {
            self.0.pop_first();
        }
    }

    /// Before when is forgotten at this time; None where nothing is.
    pub(crate) fn horizon(&self, keep: &Retention, now: Moment) -> Option<Horizon> {
        let oldest = self.0.first().filter(|_| self.0.len() == DAYS_SEEN)?;
        let trusted = Moment::from_ms(oldest.saturating_mul(DAY_MS)).after(DAY * DAYS_SEEN as u32);
        let now = now.min(trusted);
        Some(Horizon { age: now.before(keep.age), hourly: now.before(keep.hourly).day() * HOURS })
    }
}

/// As a file holds it: the days since 1970, oldest first, with spaces between.
impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .enumerate()
            .try_for_each(|(nth, day)| write!(f, "{}{day}", if nth > 0 { " " } else { "" }))
    }
}

impl FromStr for Days {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut days = text.split_whitespace().map(str::parse).collect::<Result<BTreeSet<_>, _>>()?;
        while days.len() > DAYS_SEEN {
            days.pop_first();
        }
        Ok(Self(days))
    }
}

const HOURS: u64 = 24;
const DAY: Duration = Duration::from_secs(HOURS * 60 * 60);
const DAY_MS: u64 = HOURS * 60 * 60 * 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u64) -> Moment {
        Moment::from_ms(day * DAY_MS)
    }

    fn kept(days: &[u64], now: Moment) -> Option<u64> {
        let mut seen = Days::default();
        days.iter().for_each(|&of| seen.add(day(of).after(DAY / 2)));
        assert_eq!(seen.to_string().parse(), Ok(seen.clone()));
        let keep = Retention { age: DAY * 90, hourly: DAY * 35, ..Retention::default() };
        let horizon = seen.horizon(&keep, now)?;
        assert!(
            horizon.hourly == horizon.age.after(DAY * 55).day() * HOURS || horizon.age == Moment::default()
        );
        Some(horizon.age.day())
    }

    #[test]
    fn while_something_is_recorded_every_day_age_is_what_the_clock_says() {
        for now in 20_000..20_010 {
            let days: Vec<u64> = (19_950..=now).collect();
            assert_eq!(kept(&days, day(now).after(DAY / 2)), Some(now - 90));
            assert_eq!(kept(&days, day(now).after(DAY - Duration::from_millis(1))), Some(now - 90));
        }
    }

    #[test]
    fn a_clock_that_jumps_makes_nothing_forgotten() {
        let (today, ten_years) = (20_000, 3_652);
        let mut days: Vec<u64> = (19_900..=today).collect();
        // Nothing is recorded at the wrong time, then something, on two days.
        assert_eq!(kept(&days, day(today + ten_years)), Some(today + 1 - 90));
        days.extend([today + ten_years, today + ten_years + 1]);
        assert_eq!(kept(&days, day(today + ten_years + 1)), Some(today + 3 - 90));
        // It goes right again, and the two stay.
        days.extend([today + 1]);
        assert_eq!(kept(&days, day(today + 1)), Some(today + 1 - 90));
        // Back, and to 1970.
        assert_eq!(kept(&days, day(today - 30)), Some(today - 30 - 90));
        assert_eq!(kept(&days, day(0)), Some(0));
    }

    #[test]
    fn what_ran_for_a_day_or_two_forgets_nothing_by_age() {
        assert_eq!(kept(&[], day(20_000)), None);
        assert_eq!(kept(&[19_000, 19_001, 19_001], day(20_000)), None);
        assert_eq!(kept(&[0, 1, u64::MAX / DAY_MS], Moment::from_ms(u64::MAX)), Some(0));
    }
}
