//! Ages, stretches of time, moments, counts and shares, as they are read at a glance.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long before: `-184 ms`, `-2.4 s`, `-7 min`, `-2 h`.
pub(super) fn age(age: Duration) -> String {
    match age.as_secs() {
        0 if age.as_millis() == 0 => "0 ms".to_owned(),
        0 => format!("-{} ms", age.as_millis()),
        seconds @ 1..60 => format!("-{seconds}.{} s", age.subsec_millis() / 100),
        _ => format!("-{}", stretch(age)),
    }
}

/// How long: `340 ms`, `12 s`, `7 min`, `2 h`, `3 days`.
pub(crate) fn stretch(time: Duration) -> String {
    const HOUR: u64 = 3_600;
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds @ 1..60 => format!("{seconds} s"),
        seconds @ 60..HOUR => format!("{} min", seconds / 60),
        seconds if seconds < 48 * HOUR => format!("{} h", seconds / HOUR),
        seconds => format!("{} days", count(seconds / (24 * HOUR))),
    }
}

/// A moment, in UTC.
pub(super) fn moment(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// A moment to the minute, in UTC.
#[cfg(feature = "store")]
pub(super) fn minute(time: SystemTime) -> String {
    let text = moment(time);
    text.rsplit_once(':').map_or_else(String::new, |(minute, _)| format!("{minute} UTC"))
}

/// How long before: `just now`, `12 s ago`, `3 days ago`.
#[cfg(feature = "store")]
pub(super) fn ago(time: Duration) -> String {
    if time.as_secs() == 0 { "just now".to_owned() } else { format!("{} ago", stretch(time)) }
}

/// A share in percent. Only nothing is 0 %, and only all of it is 100 %.
#[cfg(feature = "store")]
pub(super) fn percent(part: u64, whole: u64) -> String {
    match hundredths(part, whole) {
        Hundredths::Below(one) => format!("less than {one} %"),
        Hundredths::About(percent) => format!("{percent} %"),
        Hundredths::Above(most) => format!("more than {most} %"),
    }
}

/// A share to the next hundredth, that is neither nothing nor all where it is not.
#[cfg(feature = "store")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hundredths {
    Below(u64),
    About(u64),
    Above(u64),
}

#[cfg(feature = "store")]
pub(super) fn hundredths(part: u64, whole: u64) -> Hundredths {
    let (part, whole) = (u128::from(part), u128::from(whole));
    match 100 * part {
        0 => Hundredths::About(0),
        _ if part >= whole => Hundredths::About(100),
        parts if parts < whole => Hundredths::Below(1),
        parts if parts > 99 * whole => Hundredths::Above(99),
        // No more than 99, so it fits.
        parts => Hundredths::About(((2 * parts + whole) / (2 * whole)) as u64),
    }
}

/// A moment in the form of [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339), to the microsecond.
#[cfg(feature = "store")]
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, micros) = (since.as_secs(), since.subsec_micros());
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// A number with its thousands apart: `12,000`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Year, month and day of a day since 1970, in the Gregorian calendar: counted from the first of March, so that the
/// leap day is the last of its year, in eras of 400 years, which are all of one length.
fn date(days_since_1970: u64) -> (u64, u64, u64) {
    const ERA: u64 = 146_097;
    // From the first of March of the year 0.
    let days = days_since_1970 + 719_468;
    let (era, day_of_era) = (days / ERA, days % ERA);
    let leap_days = day_of_era / 1_460 + day_of_era / (ERA - 1) - day_of_era / 36_524;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Five months from March on have 153 days.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year_of_era + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let mut expected = (1970, 1, 1);
        for day in 0..200_000 {
            assert_eq!(date(day), expected);
            let (year, month, of_month) = &mut expected;
            let is_leap = *year % 4 == 0 && *year % 100 != 0 || *year % 400 == 0;
            let length = match *month {
                2 if is_leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            *of_month += 1;
            if *of_month > length {
                (*month, *of_month) = (*month + 1, 1);
            }
            if *month > 12 {
                (*year, *month) = (*year + 1, 1);
            }
        }
    }

    #[test]
    fn times_read_at_a_glance() {
        for (ms, shown, aged) in [
            (0, "0 ms", "0 ms"),
            (340, "340 ms", "-340 ms"),
            (2_449, "2 s", "-2.4 s"),
            (59_999, "59 s", "-59.9 s"),
            (60_000, "1 min", "-1 min"),
            (7_300_000, "2 h", "-2 h"),
            (86_400_000 * 3, "3 days", "-3 days"),
        ] {
            let time = Duration::from_millis(ms);
            assert_eq!((stretch(time).as_str(), age(time).as_str()), (shown, aged));
        }
        let moment_of = |seconds| moment(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(moment_of(1_777_609_157), "2026-05-01 04:19:17 UTC");
        #[cfg(feature = "store")]
        assert_eq!(minute(UNIX_EPOCH + Duration::from_secs(1_777_609_157)), "2026-05-01 04:19 UTC");
        for (number, text) in [(0, "0"), (999, "999"), (12_000, "12,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
    }
    #[cfg(feature = "store")]
    #[test]
    fn a_share_is_never_rounded_to_nothing_or_to_all() {
        for (part, whole, text) in [
            (0, 0, "0 %"),
            (0, 7, "0 %"),
            (1, 1_000, "less than 1 %"),
            (9_999, 1_000_000, "less than 1 %"),
            (1, 100, "1 %"),
            (36, 300, "12 %"),
            (1, 3, "33 %"),
            (2, 3, "67 %"),
            (99, 100, "99 %"),
            (999, 1_000, "more than 99 %"),
            (u64::MAX - 1, u64::MAX, "more than 99 %"),
            (u64::MAX, u64::MAX, "100 %"),
        ] {
            assert_eq!(percent(part, whole), text);
        }
    }
}
