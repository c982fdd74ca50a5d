//! Each part of the sentence is what the programs did, whatever that was, and is left out where they prove nothing.

use crate::rig::{Folder, Issue};
use crate::shop::{self, Through, through, told};
use crate::support::role;

/// What is said of the issue, after these releases.
fn said(test_name: &str, releases: &[(&str, &[Through])]) -> Issue {
    let folder = Folder::new();
    for (release, traffic) in releases {
        told(folder.program(release, test_name), traffic).run().succeeded();
    }
    folder.issue()
}

#[test]
fn release_rate_share_and_provider_are_those_of_the_traffic() {
    const NAME: &str = "follows::release_rate_share_and_provider_are_those_of_the_traffic";
    if role().is_some() {
        return shop::run();
    }
    let before = [through("apple", 50, 0), through("mail", 50, 0)];
    let issue = said(
        NAME,
        &[("shop@1.4", &before), ("shop@1.5", &[through("apple", 60, 30), through("mail", 140, 0)])],
    );
    assert_eq!(
        issue.sentence(),
        "started with shop@1.5, 30 times in the past hour, hits 15 % of users, \
         only with provider=apple (30 % of all lanes with any provider)"
    );
    let issue =
        said(NAME, &[("a1b2c3", &before), ("d4e5f6", &[through("mail", 100, 48), through("apple", 300, 0)])]);
    assert_eq!(
        issue.sentence(),
        "started with d4e5f6, 48 times in the past hour, hits 12 % of users, \
         only with provider=mail (25 % of all lanes with any provider)"
    );
}

#[test]
fn a_tag_that_makes_no_difference_is_not_named() {
    const NAME: &str = "follows::a_tag_that_makes_no_difference_is_not_named";
    if role().is_some() {
        return shop::run();
    }
    let providers = |people, failing| ["google", "github", "mail"].map(|name| through(name, people, failing));
    let issue = said(NAME, &[("9f2c1aa", &providers(50, 0)), ("abc123", &providers(50, 10))]);
    assert_eq!(issue.sentence(), "started with abc123, 30 times in the past hour, hits 20 % of users");
}

/// All who fail came through one provider, and so did everybody else.
#[test]
fn a_tag_that_all_traffic_shares_is_not_named() {
    const NAME: &str = "follows::a_tag_that_all_traffic_shares_is_not_named";
    if role().is_some() {
        return shop::run();
    }
    let issue =
        said(NAME, &[("9f2c1aa", &[through("google", 200, 0)]), ("abc123", &[through("google", 200, 20)])]);
    assert_eq!(issue.sentence(), "started with abc123, 20 times in the past hour, hits 10 % of users");
}

/// The users of the release that it began in are those that the share is of.
#[test]
fn an_issue_of_both_releases_did_not_start_with_the_later_one() {
    const NAME: &str = "follows::an_issue_of_both_releases_did_not_start_with_the_later_one";
    if role().is_some() {
        return shop::run();
    }
    let issue = said(
        NAME,
        &[
            ("9f2c1aa", &[through("google", 50, 5), through("mail", 50, 0)]),
            ("abc123", &[through("google", 100, 30), through("mail", 100, 0)]),
        ],
    );
    assert_eq!(issue.sentence(), "first seen in 9f2c1aa, 35 times in the past hour, hits 5 % of users");
}

#[test]
fn the_first_release_ever_is_one_that_it_was_first_seen_in() {
    const NAME: &str = "follows::the_first_release_ever_is_one_that_it_was_first_seen_in";
    if role().is_some() {
        return shop::run();
    }
    let issue = said(NAME, &[("9f2c1aa", &[through("google", 40, 12), through("mail", 60, 0)])]);
    assert_eq!(
        issue.sentence(),
        "first seen in 9f2c1aa, 12 times in the past hour, hits 12 % of users, \
         only with provider=google (40 % of all lanes with any provider)"
    );
}

#[test]
fn programs_that_name_no_release_have_none_named() {
    const NAME: &str = "follows::programs_that_name_no_release_have_none_named";
    if role().is_some() {
        return shop::run();
    }
    let folder = Folder::new();
    for traffic in [through("google", 40, 0), through("google", 40, 12)] {
        told(folder.unnamed("unnamed", NAME), &[traffic, through("mail", 60, 0)]).run().succeeded();
    }
    let issue = folder.issue();
    // 2026-05-01T04:19:17.123Z
    let (minute, _) = issue.text("first_seen").rsplit_once(':').unwrap();
    // Who comes under the same number twice is one user.
    assert_eq!(
        issue.sentence(),
        format!(
            "first seen {} UTC, 12 times in the past hour, hits 12 % of users, \
             only with provider=google (40 % of all lanes with any provider)",
            minute.replace('T', " ")
        )
    );
}

#[test]
fn fewer_than_ten_events_prove_no_tag() {
    const NAME: &str = "follows::fewer_than_ten_events_prove_no_tag";
    if role().is_some() {
        return shop::run();
    }
    let of = |failing| {
        let traffic = [through("google", 20, failing), through("mail", 180, 0)];
        said(NAME, &[("9f2c1aa", &[through("mail", 10, 0)]), ("abc123", &traffic)])
    };
    assert_eq!(of(9).sentence(), "started with abc123, 9 times in the past hour, hits 5 % of users");
    assert_eq!(
        of(10).sentence(),
        "started with abc123, 10 times in the past hour, hits 5 % of users, \
         only with provider=google (10 % of all lanes with any provider)"
    );
}
