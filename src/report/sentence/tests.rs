//! The sentence follows the facts, and says no more than they do.

use proptest::prelude::*;

use super::super::sample::{about, evidence, facts, users};
use super::*;
use crate::issues::{Moment, UserCount};

fn told(change: impl FnOnce(&mut Facts)) -> String {
    let mut facts = facts();
    change(&mut facts);
    sentence(&facts)
}

#[test]
fn the_sentence_says_since_when_how_often_whom_and_where() {
    assert_eq!(
        sentence(&facts()),
        "started with abc123, 40 times in the past hour, hits 12 % of users, \
         only with provider=google (33 % of all lanes with any provider)"
    );
}

#[test]
fn another_release_rate_share_and_provider_are_told_as_they_are() {
    let told = told(|facts| {
        facts.since = Since::FirstSeen("v2.0".to_owned());
        facts.past_hour = 1_234;
        facts.share = Some(Share { hit: users(27), seen: users(108), ..facts.share.clone().unwrap() });
        facts.evidence = vec![evidence("provider", "apple", [100, 98], [1_000, 340])];
    });
    assert_eq!(
        told,
        "first seen in v2.0, 1,234 times in the past hour, hits 25 % of users, \
         98 % with provider=apple (34 % of all lanes with any provider)"
    );
}

#[test]
fn where_there_is_no_difference_no_tag_is_named() {
    let told = told(|facts| facts.evidence = vec![evidence("provider", "google", [40, 14], [320, 107])]);
    assert_eq!(told, "started with abc123, 40 times in the past hour, hits 12 % of users");
}

#[test]
fn what_is_not_known_is_not_told() {
    let told = told(|facts| {
        facts.since = Since::Unknown;
        facts.first_seen = Moment::from_ms(1_777_609_157_250);
        facts.past_hour = 0;
        facts.share = None;
        facts.evidence.clear();
    });
    assert_eq!(told, "first seen 2026-05-01 04:19 UTC, not in the past hour");
    assert!(self::told(|facts| facts.past_hour = 1).contains(", once in the past hour, "));
}

#[test]
fn a_share_of_users_is_never_told_as_more_or_less_than_it_is() {
    for (hit, seen, share) in [
        (users(0), users(300), None),
        (users(0), users(0), None),
        (users(1), users(1), Some("hits 1 of 1 user")),
        (users(3), users(7), Some("hits 3 of 7 users")),
        (users(9), users(9), Some("hits 9 of 9 users")),
        // Whom it hit has not been counted as seen yet.
        (users(8), users(3), Some("hits 8 of 8 users")),
        (users(1), users(10), Some("hits 10 % of users")),
        (users(10), users(10), Some("hits 100 % of users")),
        (users(1), users(101), Some("hits less than 1 % of users")),
        (users(999), users(1_000), Some("hits more than 99 % of users")),
        (users(700), about(48_000), Some("hits ≈1 % of users")),
        (about(5_760), about(48_000), Some("hits ≈12 % of users")),
        (users(7), about(48_000), Some("hits less than ≈1 % of users")),
        (about(47_990), about(48_000), Some("hits more than ≈99 % of users")),
        (about(48_100), about(48_000), Some("hits nearly all users")),
    ] {
        assert_eq!(super::hit(&share_of(hit, seen)).as_deref(), share, "{hit:?} of {seen:?}");
    }
}

fn share_of(hit: UserCount, seen: UserCount) -> Share {
    Share { hit, seen, ..facts().share.unwrap() }
}

#[test]
fn the_values_that_are_rarest_elsewhere_are_named_and_no_more_than_two() {
    let told = told(|facts| {
        facts.evidence = vec![
            evidence("a", "common", [60, 60], [900, 300]),
            evidence("b", "rare", [60, 60], [900, 80]),
            evidence("c", "spring sale", [60, 59], [900, 150]),
        ];
    });
    assert_eq!(
        told,
        "started with abc123, 40 times in the past hour, hits 12 % of users, \
         only with b=rare (9 % of all lanes with any b), \
         98 % with c=\"spring sale\" (17 % of all lanes with any c)"
    );
}

#[test]
fn it_is_one_line_that_steers_nothing_whatever_stands_in_it() {
    let hostile = "\u{1b}[31mred\u{202e}\r\nnew line\u{2028}".repeat(1_000);
    let told = told(|facts| {
        facts.since = Since::Started(hostile.clone());
        facts.evidence = vec![evidence(&hostile, &hostile, [40, 40], [320, 107])];
    });
    assert!(!told.contains(char::is_control) && !told.contains(['\u{202e}', '\u{2028}']), "{told:?}");
    assert!(told.starts_with("started with \\u{1b}[31mred\\u{202e}\\r\\nnew line\\u{2028}"), "{told}");
    assert!(told.chars().count() < 500, "{told}");
}

proptest! {
    #[test]
    fn the_sentence_follows_the_facts(
        release in "[a-z0-9.@-]{1,40}",
        past_hour in 2..10_000_000_u64,
        (seen, hit_of_100) in (100..100_000_u64, 1..100_u64),
        provider in "[a-z]{1,20}",
        (events, others, others_with) in (30..5_000_u64, 30..50_000_u64, 0..10_000_u64),
    ) {
        let hit = seen * hit_of_100 / 100;
        let (lanes, lanes_with) = (events + 4 * others_with + others, events / 2 + others_with);
        let facts = Facts {
            since: Since::Started(release.clone()),
            past_hour,
            users: users(events),
            share: Some(share_of(users(hit), users(seen))),
            evidence: vec![evidence("provider", &provider, [events, events], [lanes, lanes_with])],
            ..facts()
        };
        let (hit, base) = (percent(hit, seen), percent(lanes_with, lanes));
        let times = count(past_hour);
        prop_assert_eq!(
            sentence(&facts),
            format!(
                "started with {release}, {times} times in the past hour, hits {hit} of users, \
                 only with provider={provider} ({base} of all lanes with any provider)"
            )
        );
    }
}
