//! What led to it: the trail, oldest first, in columns of age, level, category and text.

use super::ink_of;
use super::page::{Line, Page};
use super::style::Ink;
use super::time::{age, count};
use super::told::Told;
use super::values::pairs;
use crate::limits::REPORT_CRUMBS;
use crate::model::{Breadcrumb, TrackedEvent, TrailSource};

pub(super) fn trail(page: &mut Page, event: &TrackedEvent, told: Told<'_>) {
    let of = match event.trail {
        TrailSource::Span => "span",
        TrailSource::Task => "task",
        TrailSource::Thread => "thread",
    };
    let crumbs: Vec<&Breadcrumb> = event.breadcrumbs.iter().filter(|crumb| !told.crumb(crumb)).collect();
    let cut = if event.trail_cut { ", older ones may be missing" } else { "" };
    let nothing = if crumbs.is_empty() { ": nothing before" } else { "" };
    page.put(
        Line::at(2)
            .add(Ink::Strong, &format!("trail of this {of}"))
            .add(Ink::Dim, cut)
            .add(Ink::Dim, nothing),
    );
    let steps = steps(crumbs);
    let left_out = steps.len().saturating_sub(REPORT_CRUMBS);
    if left_out > 0 {
        page.put(Line::at(4).add(Ink::Dim, &format!("… {} earlier", count(left_out as u64))));
    }
    let shown = steps.get(left_out..).unwrap_or_default();
    let ages: Vec<String> = shown
        .iter()
        .map(|step| age(event.time.duration_since(step.crumb.time).unwrap_or_default()))
        .collect();
    let columns = Columns {
        age: ages.iter().map(|age| age.chars().count()).max().unwrap_or(0),
        category: shown
            .iter()
            .map(|step| step.category().chars().count())
            .max()
            .unwrap_or(0)
            .min(WIDEST_CATEGORY),
    };
    for (step, age) in shown.iter().zip(&ages) {
        step.put(page, age, &columns, told);
    }
}

/// A breadcrumb, and how often it came in a row.
#[derive(Debug)]
struct Step<'a> {
    crumb: &'a Breadcrumb,
    times: u64,
}

/// How wide they are.
#[derive(Debug)]
struct Columns {
    age: usize,
    category: usize,
}

/// The same one several times in a row is one step.
fn steps(crumbs: Vec<&Breadcrumb>) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::with_capacity(crumbs.len());
    for crumb in crumbs {
        match steps.last_mut().filter(|last| is_same(last.crumb, crumb)) {
            Some(last) => last.times += 1,
            None => steps.push(Step { crumb, times: 1 }),
        }
    }
    steps
}

fn is_same(one: &Breadcrumb, other: &Breadcrumb) -> bool {
    one.level == other.level
        && one.category == other.category
        && one.message == other.message
        && one.data == other.data
        && one.cut == other.cut
}

impl Step<'_> {
    fn category(&self) -> &str {
        if self.crumb.category.is_empty() { &self.crumb.target } else { &self.crumb.category }
    }

    fn put(&self, page: &mut Page, age: &str, columns: &Columns, told: Told<'_>) {
        let crumb = self.crumb;
        let width = columns.age;
        let level_at = width + 2;
        let mut line = Line::at(4).add(Ink::Dim, &format!("{age:>width$}")).pad_to(level_at);
        line = line.add(ink_of(crumb.level), crumb.level.as_str()).pad_to(level_at + LEVEL);
        line = line.add(Ink::Dim, self.category()).pad_to(level_at + LEVEL + columns.category);
        if !self.category().is_empty() || columns.category > 0 {
            line = line.add(Ink::Plain, "  ");
        }
        line = line.hang_here().value(Ink::Plain, &crumb.message);
        if self.times > 1 {
            line = line.add(Ink::Dim, &format!(" ×{}", count(self.times)));
        }
        let apart = if crumb.message.is_empty() { "" } else { "  " };
        let (mut data, blocks) = pairs(Line::at(0), told.data(crumb));
        if !data.is_empty() {
            line = line.add(Ink::Plain, apart).append(&mut data);
        }
        if crumb.cut {
            line = line.add(Ink::Dim, " …");
        }
        let hang = page.hang(&line);
        page.put(line);
        for block in blocks {
            block.lines(hang).into_iter().for_each(|line| page.put(line));
        }
    }
}

/// `ERROR` and what keeps it from the category.
const LEVEL: usize = 7;
/// Longer ones stand out of their column.
const WIDEST_CATEGORY: usize = 28;
