//! One line for an issue that is news, and the command that shows it.

use super::clip::clip;
use super::time::count;
use crate::issues::{News, Sighting};
use crate::limits::REPORT_WORD_CHARS;

/// Names the issue; `place` is where the command finds it, where it would not look there by itself.
pub(crate) fn sighted(sighting: &Sighting, place: Option<&str>) -> String {
    let news = match sighting.news {
        News::First => "new issue",
        News::Regressed => "back after it was resolved: issue",
        News::Unmuted => "no longer muted: issue",
    };
    let name = sighting.id.to_string();
    let name = name.get(..SHORT).unwrap_or(&name);
    let title = clip(&sighting.title, REPORT_WORD_CHARS);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issues::{IssueId, IssueKind};

    fn told(title: &str, news: News, place: Option<&str>) -> String {
        let id = IssueId(0x1a2b_3c4d_5e6f_7081);
        sighted(&Sighting { id, kind: IssueKind::Error, title: title.to_owned(), news }, place)
    }

    #[test]
    fn a_sighting_says_how_to_go_on() {
        for (news, place, line) in [
            (News::First, None, "new issue 1a2b3c4d, checkout failed; see it by: crumbtrail show 1a2b3c4d"),
            (
                News::Regressed,
                None,
                "back after it was resolved: issue 1a2b3c4d, checkout failed; see it by: crumbtrail show 1a2b3c4d",
            ),
            (
                News::Unmuted,
                Some("a.db"),
                "no longer muted: issue 1a2b3c4d, checkout failed; see it by: crumbtrail show 1a2b3c4d --store a.db",
            ),
        ] {
            assert_eq!(told("checkout failed", news, place), line);
        }
        assert_eq!(sighted_more(1, None), "1 more issue is news; see them by: crumbtrail issues");
        assert_eq!(sighted_more(1_200, None), "1,200 more issues are news; see them by: crumbtrail issues");
    }

    #[test]
    fn a_sighting_is_one_short_line_whatever_the_issue_is_called() {
        let line = told(&"\u{1b}[31mred\u{202e}\r\nnew line\u{2028}".repeat(1_000), News::First, None);
        assert!(!line.contains(char::is_control) && !line.contains(['\u{202e}', '\u{2028}']), "{line:?}");
        assert!(line.ends_with("…; see it by: crumbtrail show 1a2b3c4d"), "{line}");
        assert!(line.chars().count() < 160, "{line}");
    }
}
