//! The test is exact, asks for enough, and is hardly ever wrong.

use proptest::prelude::*;

use super::super::sample::{evidence, facts, users};
use super::*;

fn told(evidence: Vec<Evidence>, hit: u64) -> Vec<String> {
    let facts = Facts { users: users(hit), evidence, ..facts() };
    telling(&facts).into_iter().map(|evidence| evidence.tag.clone()).collect()
}

fn is_told(events: [u64; 2], lanes: [u64; 2], hit: u64) -> bool {
    !told(vec![evidence("tag", "value", events, lanes)], hit).is_empty()
}

fn portion(with: u64, without: u64) -> Portion {
    Portion { with, without }
}

/// His own examples: the lady who tastes whether the milk was poured first, and the twins of criminals.
#[test]
fn the_test_is_fishers() {
    for (one, other, chance) in [
        (portion(4, 0), portion(0, 4), 1.0 / 70.0),
        (portion(3, 1), portion(1, 3), 17.0 / 70.0),
        (portion(10, 2), portion(3, 15), 0.000_465_180_943),
    ] {
        let told = by_chance(one, other);
        assert!((told - chance).abs() < 1e-9, "{one:?} {other:?}: {told}");
    }
}

/// Every table of up to ten a side, against the number of ways counted one by one.
#[test]
fn the_test_is_exact() {
    fn choose(n: u64, k: u64) -> u128 {
        (0..k).fold(1, |ways, at| ways * u128::from(n - at) / u128::from(at + 1))
    }
    let sides: Vec<Portion> =
        (1..=10).flat_map(|n| (0..=n).map(move |with| portion(with, n - with))).collect();
    for one in &sides {
        for other in &sides {
            let (n, with) = (one.with + one.without, one.with + other.with);
            let without = one.without + other.without;
            let ways = (one.with..=n.min(with)).filter(|dealt| n - dealt <= without);
            let ways: u128 = ways.map(|dealt| choose(with, dealt) * choose(without, n - dealt)).sum();
            let exact = ways as f64 / choose(with + without, n) as f64;
            let is_more = one.with * (other.with + other.without) > other.with * n;
            let expected = if is_more { exact } else { 1.0 };
            let told = by_chance(*one, *other);
            assert!((told - expected).abs() < 1e-9, "{one:?} {other:?}: {told} instead of {expected}");
        }
    }
}

/// The bound on the rest of a long tail is close, and never below: by the normal distribution, 3.2905 standard deviations
/// are exceeded once in two thousand times.
#[test]
fn a_long_tail_is_bounded_closely() {
    let (half, more) = (500_000_000_u64, 3.290_5 * 1e9_f64.sqrt() / 2.0);
    let chance = by_chance(portion(half + more as u64, half - more as u64), portion(half * 900, half * 900));
    assert!((0.000_49..0.000_56).contains(&chance), "{chance}");
}

#[test]
fn fewer_than_ten_events_prove_nothing() {
    for events in 0..10 {
        assert!(!is_told([events, events], [1_000_000, 1], events), "{events}");
    }
    assert!(is_told([10, 10], [1_000_000, 20], 10));
}

#[test]
fn a_small_program_is_enough_where_all_is_clear() {
    // Ten that fail with one provider, and ten that do not with another.
    assert!(is_told([10, 10], [20, 10], 10));
    // One more that does not fail with it either.
    assert!(is_told([12, 12], [36, 13], 12));
}

#[test]
fn what_nearly_everything_has_sets_nothing_apart() {
    assert!(!is_told([1_000, 1_000], [100_000, 81_000], 1_000));
    assert!(is_told([1_000, 1_000], [100_000, 80_000], 1_000));
    // Nine of ten are not nearly all.
    assert!(!is_told([1_000, 949], [100_000, 10_000], 1_000));
    assert!(is_told([1_000, 950], [100_000, 10_000], 1_000));
}

#[test]
fn what_other_traffic_does_not_show_is_no_proof() {
    // No lane has it; all lanes are those that failed; four others.
    assert!(!is_told([40, 40], [0, 0], 40));
    assert!(!is_told([40, 40], [40, 40], 40));
    assert!(!is_told([10, 10], [14, 10], 10));
}

/// A user who tries a thousand times says no more than one who tries once.
#[test]
fn many_failures_of_few_users_prove_little() {
    assert!(!is_told([1_000, 1_000], [30_000, 10_000], 1));
    assert!(!is_told([1_000, 1_000], [30_000, 10_000], 7));
    assert!(is_told([1_000, 1_000], [30_000, 10_000], 12));
    // Whoever it was, it was one session, and every session is rare.
    assert!(!is_told([1_000, 1_000], [1_000_000, 1], 1));
}

/// A job that fails twelve times in one lane names nobody, and is one observation.
#[test]
fn failures_of_nobody_who_is_known_prove_nothing() {
    assert!(!is_told([12, 12], [1_000, 20], 0));
    assert!(!is_told([1_000_000, 1_000_000], [2_000_000, 1_000_000], 0));
    assert!(is_told([12, 12], [1_000, 20], 12));
}

#[test]
fn who_tries_more_tags_needs_more_proof() {
    let one = evidence("tag", "value", [11, 11], [1_000, 411]);
    assert_eq!(told(vec![one.clone()], 11), ["tag"]);
    let others = (0..30).map(|tag| evidence(&format!("other {tag}"), "x", [11, 4], [1_000, 400]));
    assert!(told(others.chain([one]).collect(), 11).is_empty());
}

/// Numbers that look random, the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        // xorshift64*, by S. Vigna: An experimental exploration of Marsaglia's xorshift generators, 2016.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % below
    }

    /// Traffic in which nothing depends on a tag: users with tags of their own, and some of them are hit.
    fn unrelated(&mut self) -> Facts {
        let (users_seen, tags) = (12 + self.roll(120), 1 + self.roll(5) as usize);
        let values: Vec<u64> =
            (0..tags).map(|_| [2, 2, 3, 5, 50, 1_000_000][self.roll(6) as usize]).collect();
        let is_even: Vec<bool> = (0..tags).map(|_| self.roll(2) == 0).collect();
        let hit_of_100 = 1 + self.roll(99);
        let (most_lanes, most_events) = (1 + self.roll(4), 1 + self.roll(4));
        let mut hit = 0;
        let mut spread = vec![Tags::default(); tags];
        for _ in 0..users_seen {
            let (lanes, is_hit) = (1 + self.roll(most_lanes), self.roll(100) < hit_of_100);
            let events = if is_hit { lanes * (1 + self.roll(most_events)) } else { 0 };
            hit += u64::from(is_hit);
            for ((spread, values), is_even) in spread.iter_mut().zip(&values).zip(&is_even) {
                let (one, other) = (self.roll(*values), self.roll(*values));
                let value = if *is_even { one } else { one.min(other) };
                *spread.lanes.entry(value).or_default() += lanes;
                *spread.events.entry(value).or_default() += events;
            }
        }
        let evidence = spread.iter().enumerate().map(|(tag, Tags { lanes, events })| {
            let (value, with) = events.iter().max_by_key(|(_, events)| **events).unwrap();
            let all = [events.values().sum(), *with];
            evidence(&tag.to_string(), &value.to_string(), all, [lanes.values().sum(), lanes[value]])
        });
        Facts { users: users(hit), evidence: evidence.collect(), ..facts() }
    }
}

#[derive(Clone, Default)]
struct Tags {
    lanes: std::collections::BTreeMap<u64, u64>,
    events: std::collections::BTreeMap<u64, u64>,
}

/// Of issues that have nothing to do with any tag, one in a thousand may be said to have; by a test that takes each event
/// for an observation, and the chosen value for any, it would be far more.
#[test]
fn what_is_chance_is_hardly_ever_told() {
    let mut dice = Dice(0x5eed);
    let tables: Vec<Facts> = (0..20_000).map(|_| dice.unrelated()).collect();
    let most = LEVEL * tables.len() as f64;
    let wrong = tables.iter().filter(|facts| !telling(facts).is_empty()).count();
    assert!(wrong as f64 <= most, "{wrong} of {}", tables.len());
    let by_events = |evidence: &Evidence| {
        let events = observed(evidence, u64::MAX);
        let lanes = portion(evidence.lanes_with, evidence.lanes - evidence.lanes_with);
        is_clear(evidence) && by_chance(events, lanes) <= LEVEL
    };
    let wrong = tables.iter().filter(|facts| facts.evidence.iter().any(by_events)).count();
    assert!(wrong as f64 > 5.0 * most, "{wrong}: these tables are no trial");
}

proptest! {
    /// More of what speaks for it never takes a tag back, and more of what speaks against it never brings one.
    #[test]
    fn more_proof_proves_more(
        (events, without, hit) in (10..300_u64, 0..8_u64, 0..300_u64),
        (others, others_with) in (0..500_u64, 0..500_u64),
    ) {
        let events_with = events.saturating_sub(without);
        let (lanes, lanes_with) = (events + others + others_with, events_with + others_with);
        if is_told([events, events_with], [lanes, lanes_with], hit) {
            prop_assert!(is_told([events, events_with], [lanes + 1, lanes_with], hit));
            prop_assert!(is_told([events, events_with], [lanes, lanes_with - 1], hit));
            prop_assert!(is_told([events, events], [lanes, lanes_with], hit));
        }
    }

    #[test]
    fn any_numbers_have_an_answer(
        events in any::<[u64; 2]>(), lanes in any::<[u64; 2]>(), hit in any::<u64>(),
    ) {
        is_told(events, lanes, hit);
        let chance = by_chance(portion(events[0], events[1]), portion(lanes[0], lanes[1]));
        prop_assert!((0.0..=1.0).contains(&chance), "{}", chance);
        let chance = by_chance(portion(events[0] >> 34, events[1] >> 34), portion(lanes[0] >> 34, lanes[1] >> 34));
        prop_assert!((0.0..=1.0).contains(&chance), "{}", chance);
    }
}
