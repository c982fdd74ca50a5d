//! Where it went wrong: the program's own frames with their source, those of libraries folded.

use super::page::{Line, Page, untabbed};
use super::style::Ink;
use super::time::count;
use crate::limits::{REPORT_FRAMES, REPORT_SOURCES};
use crate::model::{Frame, LoggedAt, SourceLines, TrackedEvent};

/// The program's own frames, the innermost first; where it has none, the first of all.
pub(super) fn frames(page: &mut Page, frames: &[Frame]) {
    let all_foreign = !frames.iter().any(|frame| frame.in_app);
    let mut folded = Folded::default();
    let (mut shown, mut with_source, mut left_out) = (0, 0, 0_u64);
    let mut inner: Option<&Frame> = None;
    let says = |frame: &&Frame| frame.function.is_some() || frame.module.is_some() || frame.file.is_some();
    // Nobody reads an address.
    for (index, frame) in frames.iter().filter(says).enumerate() {
        if !(frame.in_app || all_foreign && index == 0) {
            folded.take(frame);
            continue;
        }
        // An async function is a closure in itself, and a traced one another: the innermost says where it stood.
        if inner.replace(frame).is_some_and(|inner| is_closure_of(inner, frame)) {
            continue;
        }
        if shown == REPORT_FRAMES {
            left_out += 1;
            continue;
        }
        folded.put(page);
        shown += 1;
        let ink = if frame.in_app { Ink::Plain } else { Ink::Dim };
        let place = place(frame.file.as_deref(), frame.line);
        let line = Line::at(2).add(Ink::Dim, "at ").add(ink, &path(frame));
        page.put(if place.is_empty() { line } else { line.add(Ink::Dim, &format!(" ({place})")) });
        if let (Some(source), Some(line)) = (&frame.source, frame.line)
            && with_source < REPORT_SOURCES
        {
            with_source += 1;
            lines(page, source, line);
        }
    }
    if left_out > 0 {
        page.put(Line::at(4).add(Ink::Dim, &format!("… {} more of the program's own", count(left_out))));
    }
    folded.put(page);
}

/// The other places where this failure was logged.
pub(super) fn also_logged(page: &mut Page, event: &TrackedEvent) {
    for place_of in event.logged_at.iter().skip(1) {
        let LoggedAt { target, file, line, message, .. } = place_of;
        let mut row = Line::at(2).hang(6).add(Ink::Dim, "also logged at ").add(Ink::Plain, target);
        let place = place(file.as_deref(), *line);
        if !place.is_empty() {
            row = row.add(Ink::Dim, &format!(" ({place})"));
        }
        let message = message.as_deref().filter(|message| *message != event.title);
        page.put(match message {
            Some(message) => row.add(Ink::Plain, ": ").value(Ink::Plain, message),
            None => row,
        });
    }
}

/// `src/stock.rs:51`; empty where no file is known.
pub(super) fn place(file: Option<&str>, line: Option<u32>) -> String {
    match (file, line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file.to_owned(),
        (None, _) => String::new(),
    }
}

/// The source around a line, without the indentation that all of it has.
fn lines(page: &mut Page, source: &SourceLines, failing: u32) {
    let text: Vec<_> = source.lines.iter().map(|line| untabbed(line.trim_end())).collect();
    let indents = text
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| line.len() - line.trim_start_matches(' ').len());
    let indent = indents.min().unwrap_or(0);
    let numbered = (source.first_line..).zip(&text);
    let width = source.first_line.saturating_add(text.len() as u32).to_string().len();
    for (number, line) in numbered {
        let here = number == failing;
        let (mark, ink) = if here { (">", Ink::Strong) } else { (" ", Ink::Dim) };
        let row = Line::one_row(4).add(if here { Ink::Error } else { Ink::Plain }, mark);
        let row = row.add(Ink::Dim, &format!(" {number:>width$} │ "));
        page.put(row.add(ink, line.get(indent..).unwrap_or_default()));
    }
}

/// Frames of libraries that follow one another, by crate.
#[derive(Debug, Default)]
struct Folded {
    crates: Vec<String>,
    frames: u64,
}

impl Folded {
    fn take(&mut self, frame: &Frame) {
        self.frames += 1;
        let name = frame.module.as_deref().and_then(crate_of).unwrap_or("others");
        if !self.crates.iter().any(|known| known == name) {
            self.crates.push(name.to_owned());
        }
    }

    fn put(&mut self, page: &mut Page) {
        let Self { crates, frames } = std::mem::take(self);
        let named = match crates.as_slice() {
            [] => return,
            [one] => one.clone(),
            [first, second] => format!("{first} and {second}"),
            [first, second, third] => format!("{first}, {second} and {third}"),
            [first, second, rest @ ..] => format!("{first}, {second} and {} other crates", rest.len()),
        };
        page.put(Line::at(4).add(Ink::Dim, &format!("… {} more of {named}", count(frames))));
    }
}

/// The crate of a path; of `<tokio::X as Y>::run`, tokio.
fn crate_of(path: &str) -> Option<&str> {
    let path = path.trim_start_matches(['<', '&', '*']).trim_start_matches("mut ").trim_start_matches("dyn ");
    path.split("::").next().filter(|name| !name.is_empty())
}

fn path(frame: &Frame) -> String {
    match (&frame.module, frame.function.as_deref().map(without_closures)) {
        (Some(module), Some(function)) => format!("{module}::{function}"),
        (Some(one), None) => one.clone(),
        (None, Some(one)) => one.to_owned(),
        (None, None) => "?".to_owned(),
    }
}

/// Whether the function of `inner` is written inside that of `frame`, which called it.
fn is_closure_of(inner: &Frame, frame: &Frame) -> bool {
    let (Some(inside), Some(function)) = (&inner.function, &frame.function) else { return false };
    let closure = inside.strip_prefix(function.as_str());
    inner.module == frame.module && closure.is_some_and(|closure| closure.starts_with(CLOSURE))
}

fn without_closures(mut function: &str) -> &str {
    while let Some(outer) = function.strip_suffix(CLOSURE) {
        function = outer;
    }
    function
}

const CLOSURE: &str = "::{{closure}}";
