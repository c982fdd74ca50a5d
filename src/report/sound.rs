//! Which values of tags set an issue's events apart from other traffic, and are no chance.
//!
//! Of each tag it is asked whether the value that most events have is more frequent among them than elsewhere, by the exact
//! test of R. A. Fisher (*The Logic of Inductive Inference*, 1935): it takes into account how little is known of the other
//! traffic as well. Three things make it hold what it says:
//!
//! - **Ten failures of one user are one observation.** What is counted is distinct users hit, or events where these are
//!   fewer; each stands for one lane of its own, which is taken off the traffic to have the *other* traffic. Where no user
//!   is known, all failures may be those of one, and nothing is told.
//! - **The value was chosen by the events.** Among a million sessions, any failure has one that is rare. So each value is
//!   tested at a level in proportion to its share of all: the levels of all values of a tag are together that of the tag,
//!   whichever value was chosen. In effect the first event chooses the value, and the others have to confirm it.
//! - **Many tags are tried.** The level is divided by their number (Bonferroni's inequality; O. J. Dunn, *Multiple
//!   Comparisons Among Means*, 1961).
//!
//! So of issues that have nothing to do with any tag, at most one in a thousand is said to have, however many tags there
//! are. Pure; never panics.

use crate::issues::{Evidence, Facts};
use crate::limits::{SENTENCE_EVENTS, SENTENCE_TAGS};

/// The tags that tell the issue's events from other traffic, the one whose value is rarest elsewhere first.
pub(super) fn telling(facts: &Facts) -> Vec<&Evidence> {
    // What no lane has cannot be compared.
    let tried = facts.evidence.iter().filter(|evidence| evidence.lanes > 0).count();
    let level = LEVEL / tried.max(1) as f64;
    let users = facts.users.number;
    let mut telling: Vec<&Evidence> = facts
        .evidence
        .iter()
        .filter(|evidence| is_clear(evidence) && chance(evidence, users) <= level)
        .collect();
    telling.sort_by(|a, b| {
        let by_share = (u128::from(a.lanes_with) * u128::from(b.lanes))
            .cmp(&(u128::from(b.lanes_with) * u128::from(a.lanes)));
        by_share.then_with(|| a.tag.cmp(&b.tag))
    });
    telling.truncate(SENTENCE_TAGS);
    telling
}

/// Enough events are known, nearly all of them have the value, and among lanes it is clearly less common: a difference that
/// is worth to be told, if it is one.
fn is_clear(evidence: &Evidence) -> bool {
    let Evidence { events, events_with, lanes, lanes_with, .. } = *evidence;
    let share = |with: u64, of: u64| with as f64 / of as f64;
    events >= SENTENCE_EVENTS
        && lanes > 0
        && share(events_with, events) >= NEARLY_ALL
        && share(lanes_with, lanes) <= CLEARLY_RARER
}

/// How likely it is at the most that a tag which does not matter shows any value so frequent among so many events.
fn chance(evidence: &Evidence, users: u64) -> f64 {
    let events = observed(evidence, users);
    let lanes =
        Portion { with: evidence.lanes_with, without: evidence.lanes.saturating_sub(evidence.lanes_with) };
    let others = Portion {
        with: lanes.with.saturating_sub(events.with),
        without: lanes.without.saturating_sub(events.without),
    };
    let with = events.with as f64 + others.with as f64;
    by_chance(events, others) * (events.all() + others.all()) / with.max(1.0)
}

/// The events, or as many of them as there were users, in the same proportion.
fn observed(evidence: &Evidence, users: u64) -> Portion {
    let Evidence { events, events_with, .. } = *evidence;
    let all = users.min(events);
    // No more than `all`, so it fits.
    let with = u128::from(events_with.min(events)) * u128::from(all) / u128::from(events.max(1));
    Portion { with: with as u64, without: all - with as u64 }
}

/// How many have the value, and how many have not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Portion {
    with: u64,
    without: u64,
}

impl Portion {
    fn all(self) -> f64 {
        self.with as f64 + self.without as f64
    }
}

/// How likely `one` has as many with the value as it has, or more, where all those of both that have it are dealt out at
/// random: the upper tail of the hypergeometric distribution. Of a tail of many terms the last ones are bounded by a
/// geometric series, which they are below.
fn by_chance(one: Portion, other: Portion) -> f64 {
    let (n, all) = (one.all(), one.all() + other.all());
    let with = one.with as f64 + other.with as f64;
    let is_more = one.with as f64 * other.all() > other.with as f64 * n;
    if n == 0.0 || other.all() == 0.0 || !is_more || all > MOST {
        return 1.0;
    }
    let mut dealt = one.with as f64;
    let ways = ln_choose(with, dealt) + ln_choose(all - with, n - dealt) - ln_choose(all, n);
    let (mut term, mut tail, mut rest) = (ways.exp(), 0.0, 0.0);
    // Above the mean each term is smaller than the one before, by a factor that itself falls.
    for _ in 0..TERMS {
        let falls = (with - dealt) * (n - dealt) / ((dealt + 1.0) * (all - with - n + dealt + 1.0));
        tail += term;
        term *= falls;
        dealt += 1.0;
        if term <= tail * f64::EPSILON {
            return tail.min(1.0);
        }
        rest = if falls < 1.0 { term / (1.0 - falls) } else { 1.0 };
    }
    (tail + rest).min(1.0)
}

/// The logarithm of the number of ways to choose `k` of `n`.
fn ln_choose(n: f64, k: f64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

fn ln_factorial(n: f64) -> f64 {
    libm::lgamma_r(n + 1.0).0
}

/// How often an issue may be said to have to do with a tag, of all that have nothing to do with any.
const LEVEL: f64 = 0.001;
/// Terms of a tail that are added up.
const TERMS: usize = 10_000;
/// What a logarithm of 53 bits can still tell the factorial of.
const MOST: f64 = 1e12;
/// The share of an issue's events that have the value.
const NEARLY_ALL: f64 = 0.95;
/// The share of all lanes that have it, at the most.
const CLEARLY_RARER: f64 = 0.8;

#[cfg(test)]
mod tests;
