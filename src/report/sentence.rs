//! What the data proves of an issue, in one sentence.

use super::time::count;
use crate::issues::{Facts, Since};

/// The sentence.
pub(crate) fn sentence(facts: &Facts) -> String {
    let since = match &facts.since {
        Since::Started(release) => format!("started with {release}"),
        Since::FirstSeen(release) => format!("first seen in {release}"),
        Since::Unknown => format!("first seen {}", super::time::moment(facts.first_seen.time())),
    };
    format!("{since}, {} times in the past hour", count(facts.past_hour))
}
