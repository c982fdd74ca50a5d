//! One line for an issue that is news, and the command that shows it, where one can.

use super::clip::clip;
use super::time::count;
use crate::issues::{News, Sighting};
use crate::limits::REPORT_WORD_CHARS;

/// Where an issue is that is told of.
#[derive(Debug)]
#[cfg_attr(not(feature = "store"), allow(dead_code, reason = "without a file there is memory alone"))]
pub(crate) enum Kept {
    /// Where the command looks by itself.
    AsUsual,
    /// In this file.
    In(String),
    /// In this process alone, where no command finds it.
    InMemory,
}

/// Names the issue, and says how to see it.
pub(crate) fn sighted(sighting: &Sighting, kept: &Kept) -> String {
    let news = match sighting.news {
        News::First => "new issue",
        News::Regressed => "back after it was resolved: issue",
        News::Unmuted => "no longer muted: issue",
    };
    let name = sighting.id.to_string();
    let name = name.get(..SHORT).unwrap_or(&name);
    let title = clip(&sighting.title, REPORT_WORD_CHARS);
    let how = match command(kept) {
        Some(store) => format!("see it by: crumbtrail show {name}{store}"),
        None => format!("it is {IN_MEMORY}"),
    };
    format!("{news} {name}, {title}; {how}")
}

/// Says how many were news beside those that were named.
pub(crate) fn sighted_more(issues: u64, kept: &Kept) -> String {
    let issues =
        if issues == 1 { "1 more issue is".to_owned() } else { format!("{} more issues are", count(issues)) };
    let how = match command(kept) {
        Some(store) => format!("see them by: crumbtrail issues{store}"),
        None => format!("they are {IN_MEMORY}"),
    };
    format!("{issues} news; {how}")
}

/// What to add to the command, so that it finds the store; None where there is none.
fn command(kept: &Kept) -> Option<String> {
    match kept {
        Kept::AsUsual => Some(String::new()),
        Kept::In(path) => Some(format!(" --store {}", word(path))),
        Kept::InMemory => None,
    }
}

/// A path as one word of a shell's.
fn word(path: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "/._-+:@%,=\\".contains(character);
    if path.chars().all(is_plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

const IN_MEMORY: &str = "kept in memory, and gone with this process";
/// Digits of an issue's name that are enough among tens of thousands.
const SHORT: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issues::{IssueId, IssueKind};

    fn told(title: &str, news: News, kept: &Kept) -> String {
        let id = IssueId(0x1a2b_3c4d_5e6f_7081);
        sighted(&Sighting { id, kind: IssueKind::Error, title: title.to_owned(), news }, kept)
    }

    #[test]
    fn a_sighting_says_how_to_go_on() {
        for (news, kept, line) in [
            (
                News::First,
                Kept::AsUsual,
                "new issue 1a2b3c4d, checkout failed; see it by: crumbtrail show 1a2b3c4d",
            ),
            (
                News::Regressed,
                Kept::AsUsual,
                "back after it was resolved: issue 1a2b3c4d, checkout failed; see it by: crumbtrail show 1a2b3c4d",
            ),
            (
                News::Unmuted,
                Kept::In("a.db".to_owned()),
                "no longer muted: issue 1a2b3c4d, checkout failed; see it by: crumbtrail show 1a2b3c4d --store a.db",
            ),
            (
                News::First,
                Kept::In("Ada's shop/a.db".to_owned()),
                r"new issue 1a2b3c4d, checkout failed; see it by: crumbtrail show 1a2b3c4d --store 'Ada'\''s shop/a.db'",
            ),
            (
                News::First,
                Kept::InMemory,
                "new issue 1a2b3c4d, checkout failed; it is kept in memory, and gone with this process",
            ),
        ] {
            assert_eq!(told("checkout failed", news, &kept), line);
        }
        assert_eq!(sighted_more(1, &Kept::AsUsual), "1 more issue is news; see them by: crumbtrail issues");
        assert_eq!(
            sighted_more(1_200, &Kept::AsUsual),
            "1,200 more issues are news; see them by: crumbtrail issues"
        );
        assert_eq!(
            sighted_more(2, &Kept::InMemory),
            "2 more issues are news; they are kept in memory, and gone with this process"
        );
    }

    #[test]
    fn a_sighting_is_one_short_line_whatever_the_issue_is_called() {
        let line =
            told(&"\u{1b}[31mred\u{202e}\r\nnew line\u{2028}".repeat(1_000), News::First, &Kept::AsUsual);
        assert!(!line.contains(char::is_control) && !line.contains(['\u{202e}', '\u{2028}']), "{line:?}");
        assert!(line.ends_with("…; see it by: crumbtrail show 1a2b3c4d"), "{line}");
        assert!(line.chars().count() < 160, "{line}");
    }
}
