//! What is known beyond the events that are told in full: of failures that were only counted, and of people who met none.

use std::error::Error;

use crumbtrail::User;
use tracing::{error, info_span};

use crate::rig::{Folder, serve};
use crate::shop::{self, through, told};
use crate::support::role;

/// Ten a minute are told in full; whom the others hit is known by their lanes.
#[test]
fn users_and_tags_of_failures_that_were_only_counted_are_known() {
    const NAME: &str = "counted::users_and_tags_of_failures_that_were_only_counted_are_known";
    if role().is_some() {
        return shop::run();
    }
    let folder = Folder::new();
    let traffic = [through("google", 250, 200), through("github", 40, 4), through("mail", 710, 0)];
    told(folder.program("abc123", NAME), &traffic).run().succeeded();
    let issue = folder.issue();
    assert_eq!((issue.number("count"), issue.number("users")), (204, 204));
    // Two minutes at the most, ten of each.
    assert!(issue.number("tallied") >= 184, "{issue:#?}");
    assert_eq!(issue.tag("provider"), (vec![("google", 200), ("github", 4)], 204));
    assert_eq!(
        issue.sentence(),
        "first seen in abc123, 204 times in the past hour, hits 20 % of users, \
         98 % with provider=google (25 % of all lanes with any provider)"
    );
}

/// One person who fails in a loop is one, and proves nothing of others.
#[test]
fn failures_of_one_person_are_one_user_and_prove_no_tag() {
    const NAME: &str = "counted::failures_of_one_person_are_one_user_and_prove_no_tag";
    if role().is_some() {
        serve(|| {
            (0..60).for_each(|_| shop::sign_up(1, "google", true));
            (2..=100).for_each(|person| shop::sign_up(person, "mail", false));
        });
        return;
    }
    let folder = Folder::new();
    folder.deploy("abc123", NAME);
    let issue = folder.issue();
    assert_eq!((issue.number("count"), issue.number("users")), (60, 1));
    assert_eq!(issue.tag("provider"), (vec![("google", 60)], 60));
    assert_eq!(issue.sentence(), "first seen in abc123, 60 times in the past hour, hits 1 % of users");
}

/// However a lane names its user; twice the same one is one; and who is not named is not counted.
#[test]
fn people_who_met_no_failure_are_those_that_the_share_is_of() {
    const NAME: &str = "counted::people_who_met_no_failure_are_those_that_the_share_is_of";
    if role().is_some() {
        serve(|| {
            for _ in 0..3 {
                (1..=40).for_each(|person| shop::sign_up(person, "mail", false));
            }
            for person in 41..=80 {
                let _request = info_span!("request").entered();
                crumbtrail::set_user(User::new(person.to_string()));
            }
            for _ in 0..500 {
                let _nobody = info_span!("request").entered();
            }
            (1..=4).for_each(|person| shop::sign_up(person, "mail", true));
        });
        return;
    }
    let folder = Folder::new();
    folder.deploy("abc123", NAME);
    assert_eq!(
        folder.issue().sentence(),
        "first seen in abc123, 4 times in the past hour, hits 5 % of users"
    );
}

#[test]
fn nothing_is_said_of_users_where_failures_name_none() {
    const NAME: &str = "counted::nothing_is_said_of_users_where_failures_name_none";
    if role().is_some() {
        serve(|| {
            (1..=40).for_each(|person| shop::sign_up(person, "mail", false));
            let error = "19?7".parse::<u16>().unwrap_err();
            error!(error = &error as &dyn Error, "the nightly import failed");
        });
        return;
    }
    let folder = Folder::new();
    folder.deploy("abc123", NAME);
    assert_eq!(folder.issue().sentence(), "first seen in abc123, once in the past hour");
}
