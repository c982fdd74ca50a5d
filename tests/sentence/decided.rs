//! What a person decides of an issue holds for the programs that run on, and ends with those that it was not decided of.

use crumbtrail::view::Mute;

use crate::rig::{Folder, later};
use crate::shop::{self, through, told};
use crate::support::role;

#[test]
fn what_is_resolved_comes_back_with_a_later_release_alone() {
    const NAME: &str = "decided::what_is_resolved_comes_back_with_a_later_release_alone";
    if role().is_some() {
        return shop::run();
    }
    let folder = Folder::new();
    let fails = |release| told(folder.program(release, NAME), &[through("google", 50, 3)]);
    fails("9f2c1aa").run().succeeded();
    let id = folder.issue().text("id").to_owned();
    folder.view().resolve(&[&id]).unwrap();
    assert_eq!(folder.issue().text("state"), "resolved");
    later();

    assert_eq!(news_of(fails("9f2c1aa")), Vec::<String>::new());
    let issue = folder.issue();
    assert_eq!((issue.text("state"), issue.number("count")), ("resolved", 6));

    assert_eq!(
        news_of(fails("abc123")),
        [format!(
            "crumbtrail: back after it was resolved: issue {0}, sign-up failed; see it by: crumbtrail show {0} --store {1}",
            &id[..8],
            folder.store().display()
        )]
    );
    let issue = folder.issue();
    assert_eq!((issue.text("state"), &issue.0["regressed"]), ("unresolved", &true.into()));
    assert_eq!(issue.sentence(), "first seen in 9f2c1aa, 9 times in the past hour, hits 6 % of users");
}

#[test]
fn what_is_muted_is_heard_of_again_after_as_many_as_were_said() {
    const NAME: &str = "decided::what_is_muted_is_heard_of_again_after_as_many_as_were_said";
    if role().is_some() {
        return shop::run();
    }
    let folder = Folder::new();
    let fails = |times| told(folder.program("abc123", NAME), &[through("google", 50, times)]);
    fails(3).run().succeeded();
    let id = folder.issue().text("id").to_owned();
    folder.view().mute(&[&id], Mute::Count(5)).unwrap();

    assert_eq!(news_of(fails(4)), Vec::<String>::new());
    assert_eq!(folder.issue().text("state"), "muted");

    assert_eq!(
        news_of(fails(1)),
        [format!(
            "crumbtrail: no longer muted: issue {0}, sign-up failed; see it by: crumbtrail show {0} --store {1}",
            &id[..8],
            folder.store().display()
        )]
    );
    assert_eq!(folder.issue().text("state"), "unresolved");
}

/// What a program says on its terminal while it runs.
fn news_of(program: crate::support::Child) -> Vec<String> {
    let said = crate::terminal::run_at_terminal(program).succeeded().stderr;
    said.lines().map(str::to_owned).collect()
}
