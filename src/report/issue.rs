//! The page of an issue.

use super::page::{Line, Page};
use super::style::{Ink, Look};
use crate::issues::{Facts, Issue, Moment};

/// Everything that is known of an issue.
pub(crate) fn issue(issue: &Issue, facts: &Facts, _now: Moment, look: Look) -> String {
    let mut page = Page::new(look);
    page.put(Line::at(0).add(Ink::Strong, &issue.summary.title));
    page.put(Line::at(2).add(Ink::Plain, &super::sentence(facts)));
    page.into_text()
}
