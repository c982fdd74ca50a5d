//! Lines of a report: escaped, folded to the width, coloured.
//!
//! Everything that is printed goes through [`Line`], and everything that goes through it is escaped before it is
//! coloured: no event can steer a terminal, smuggle a colour, or begin a line of its own further left than where its
//! value stands.

use std::borrow::Cow;

use super::style::{Ink, Look, Style};
use super::time::count;
use crate::diag::escape_into;
use crate::limits::{REPORT_VALUE_BYTES, REPORT_VALUE_LINES};

/// What has been written.
#[derive(Debug)]
pub(super) struct Page {
    text: String,
    look: Look,
}

impl Page {
    pub(super) fn new(look: Look) -> Self {
        Self { text: String::new(), look }
    }

    /// Ends a part, if anything is in it.
    pub(super) fn blank(&mut self) {
        if !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Writes a line, folded: what does not fit goes on below, as far in as the line hangs.
    pub(super) fn put(&mut self, line: Line) {
        let columns = self.look.columns();
        let hang = self.hang(&line);
        let mut indent = line.indent;
        for row in line.rows {
            let mut rest = row.as_slice();
            loop {
                let room = columns.saturating_sub(indent).max(1);
                let (now, later) =
                    if line.one_row { (cut(rest, room), [].as_slice()) } else { fold(rest, room) };
                self.row(indent, &now);
                indent = hang;
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
        }
    }

    /// Where what does not fit of a line goes on: of one that hangs far in, the rest would be a thread of single words.
    pub(super) fn hang(&self, line: &Line) -> usize {
        if line.hang > self.look.columns() / 2 { line.indent + 4 } else { line.hang }
    }

    #[cfg(feature = "store")]
    pub(super) fn columns(&self) -> usize {
        self.look.columns()
    }

    fn row(&mut self, indent: usize, cells: &[Cell]) {
        let written = cells.iter().rposition(|cell| cell.character != ' ').map_or(0, |last| last + 1);
        if written > 0 {
            self.text.extend(std::iter::repeat_n(' ', indent));
        }
        let mut ink = Ink::Plain;
        for cell in cells.iter().take(written) {
            self.change(&mut ink, cell.ink);
            self.text.push(cell.character);
        }
        self.change(&mut ink, Ink::Plain);
        self.text.push('\n');
    }

    fn change(&mut self, from: &mut Ink, to: Ink) {
        if *from == to || self.look.style == Style::Plain {
            return;
        }
        if from.code().is_some() {
            self.text.push_str("\u{1b}[0m");
        }
        if let Some(code) = to.code() {
            self.text.push_str("\u{1b}[");
            self.text.push_str(code);
            self.text.push('m');
        }
        *from = to;
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// One line, until it is folded.
#[derive(Debug)]
pub(super) struct Line {
    indent: usize,
    hang: usize,
    one_row: bool,
    /// Broken where a value breaks; never empty.
    rows: Vec<Vec<Cell>>,
}

/// One character. A wide one counts as one: what is folded a little late is still read.
#[derive(Debug, Clone, Copy)]
struct Cell {
    character: char,
    ink: Ink,
    /// A space that holds together what is best read in one piece.
    holds: bool,
}

impl Line {
    /// A line that begins so many columns in, and hangs further in by two.
    pub(super) fn at(indent: usize) -> Self {
        Self { indent, hang: indent + 2, one_row: false, rows: vec![Vec::new()] }
    }

    /// A line that is cut where it is too long.
    pub(super) fn one_row(indent: usize) -> Self {
        Self { one_row: true, ..Self::at(indent) }
    }

    /// Adds what belongs on one line: a name, a number, a word of ours.
    pub(super) fn add(mut self, ink: Ink, text: &str) -> Self {
        self.push(ink, text);
        self
    }

    /// Adds a value: long ones without their middle, those of several lines as such.
    pub(super) fn value(mut self, ink: Ink, text: &str) -> Self {
        let text = shortened(text);
        // A break at its end says nothing.
        let text = text.trim_end();
        for (number, row) in text.split('\n').enumerate() {
            if number > 0 {
                self.rows.push(Vec::new());
            }
            let row = row.strip_suffix('\r').unwrap_or(row);
            self.push(ink, &untabbed(row));
        }
        self
    }

    /// Adds a word that is folded within only where it fits on no line.
    pub(super) fn held(mut self, ink: Ink, text: &str) -> Self {
        let column = self.column();
        self.push(ink, text);
        self.rows.last_mut().into_iter().flatten().skip(column).for_each(|cell| cell.holds = true);
        self
    }

    /// Adds spaces up to that column, counted from the line's beginning.
    pub(super) fn pad_to(mut self, column: usize) -> Self {
        let missing = column.saturating_sub(self.column());
        if let Some(row) = self.rows.last_mut() {
            row.extend(std::iter::repeat_n(Cell { character: ' ', ink: Ink::Plain, holds: false }, missing));
        }
        self
    }

    /// What does not fit goes on below this place.
    pub(super) fn hang_here(mut self) -> Self {
        self.hang = self.indent + self.column();
        self
    }

    /// What does not fit goes on so many columns in.
    pub(super) fn hang(mut self, column: usize) -> Self {
        self.hang = column;
        self
    }

    /// Adds what another line holds.
    pub(super) fn append(mut self, other: &mut Self) -> Self {
        let mut rows = std::mem::take(&mut other.rows).into_iter();
        if let (Some(row), Some(more)) = (self.rows.last_mut(), rows.next()) {
            row.extend(more);
        }
        self.rows.extend(rows);
        self
    }

    /// Nothing was added yet.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.iter().all(Vec::is_empty)
    }

    fn column(&self) -> usize {
        self.rows.last().map_or(0, Vec::len)
    }

    fn push(&mut self, ink: Ink, text: &str) {
        let mut escaped = String::with_capacity(text.len());
        escape_into(text, &mut escaped);
        if let Some(row) = self.rows.last_mut() {
            row.extend(escaped.chars().map(|character| Cell { character, ink, holds: false }));
        }
    }
}

/// As much as there is room for, up to a space if there is one, and the rest. A word that fits on no line is begun on
/// this one.
fn fold(row: &[Cell], room: usize) -> (Vec<Cell>, &[Cell]) {
    let Some((fits, beyond)) = row.split_at_checked(room).filter(|(_, beyond)| !beyond.is_empty()) else {
        return (row.to_vec(), &[]);
    };
    // Not at the spaces that the row begins with: nothing would be written.
    let begun = row.iter().position(|cell| cell.character != ' ').unwrap_or(0);
    let last = |parts: fn(&Cell) -> bool| {
        let is_end = |cell: &Cell| cell.character == ' ' && parts(cell);
        let space = row.get(..=room).unwrap_or(row).iter().rposition(is_end)?;
        let word = row.iter().skip(space + 1).take_while(|cell| !is_end(cell)).count();
        (space > begun && word <= room).then_some(space)
    };
    match last(|cell| !cell.holds).or_else(|| last(|_| true)) {
        Some(space) => {
            let (now, later) = row.split_at_checked(space).unwrap_or((row, &[]));
            (now.to_vec(), without_spaces(later))
        }
        None => (fits.to_vec(), beyond),
    }
}

fn without_spaces(row: &[Cell]) -> &[Cell] {
    let spaces = row.iter().take_while(|cell| cell.character == ' ').count();
    row.get(spaces..).unwrap_or_default()
}

fn cut(row: &[Cell], room: usize) -> Vec<Cell> {
    if row.len() <= room {
        return row.to_vec();
    }
    let mut kept: Vec<Cell> = row.iter().take(room - 1).copied().collect();
    kept.push(Cell { character: '…', ink: Ink::Dim, holds: false });
    kept
}

/// Without its middle, where it is too long, and with how much that was.
fn shortened(text: &str) -> Cow<'_, str> {
    let lines = text.trim_end_matches(['\n', '\r']).split('\n').count();
    let text = if lines > REPORT_VALUE_LINES + 1 {
        let head: Vec<&str> = text.split('\n').take(REPORT_VALUE_LINES / 2).collect();
        let tail: Vec<&str> = text.split('\n').take(lines).skip(lines - REPORT_VALUE_LINES / 2).collect();
        let left_out = lines - head.len() - tail.len();
        Cow::Owned(format!("{}\n… {left_out} lines …\n{}", head.join("\n"), tail.join("\n")))
    } else {
        Cow::Borrowed(text)
    };
    if text.len() <= REPORT_VALUE_BYTES {
        return text;
    }
    let is_boundary = |at: &usize| text.is_char_boundary(*at);
    let head_end = (0..=REPORT_VALUE_BYTES / 2).rev().find(is_boundary).unwrap_or(0);
    let tail_start =
        (text.len() - REPORT_VALUE_BYTES / 2..text.len()).find(is_boundary).unwrap_or(text.len());
    let (head, tail) = (text.get(..head_end).unwrap_or_default(), text.get(tail_start..).unwrap_or_default());
    Cow::Owned(format!("{head} … {} bytes … {tail}", count((tail_start - head_end) as u64)))
}

/// Tabs that a line begins with are its indentation; others are shown as what they are.
pub(super) fn untabbed(line: &str) -> Cow<'_, str> {
    let tabs = line.len() - line.trim_start_matches('\t').len();
    match line.get(tabs..) {
        Some(rest) if tabs > 0 => Cow::Owned(TAB.repeat(tabs) + rest),
        _ => Cow::Borrowed(line),
    }
}

const TAB: &str = "    ";
