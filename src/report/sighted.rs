//! One line for an issue that is news, and the command that shows it.

use super::time::count;
use crate::diag::escape_into;
use crate::issues::{News, Sighting};

/// Names the issue; `place` is where the command finds it, where it would not look there by itself.
pub(crate) fn sighted(sighting: &Sighting, place: Option<&str>) -> String {
    let news = match sighting.news {
        News::First => "new issue",
        News::Regressed => "back after it was resolved: issue",
        News::Unmuted => "no longer muted: issue",
    };
    let name = sighting.id.to_string();
    let name = name.get(..SHORT).unwrap_or(&name);
    let mut title = String::new();
    escape_into(&sighting.title, &mut title);
    format!("{news} {name}, {title}; see it by: crumbtrail show {name}{}", from(place))
}

/// Says how many were news beside those that were named.
pub(crate) fn sighted_more(issues: u64, place: Option<&str>) -> String {
    let issues =
        if issues == 1 { "1 more issue is".to_owned() } else { format!("{} more issues are", count(issues)) };
    format!("{issues} news; see them by: crumbtrail issues{}", from(place))
}

fn from(place: Option<&str>) -> String {
    place.map(|place| format!(" --store {place}")).unwrap_or_default()
}

/// Digits of an issue's name that are enough among tens of thousands.
const SHORT: usize = 8;
