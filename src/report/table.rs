//! Rows in columns: as wide as what stands in them, the last one with what room is left.

use super::page::{Line, Page};
use super::style::Ink;

/// Rows, until all are known.
#[derive(Debug)]
pub(super) struct Table {
    indent: usize,
    has_names: bool,
    rows: Vec<Vec<Cell>>,
}

/// What stands in one column of one row; [`clip`](super::clip::clip)ped where it came from outside, so that it is as wide
/// as it is long.
#[derive(Debug, Default)]
pub(super) struct Cell {
    pieces: Vec<(Ink, String)>,
    is_number: bool,
}

impl Table {
    /// A table that begins so many columns in, under names for its columns if they need any.
    pub(super) fn at(indent: usize, names: &[&str]) -> Self {
        let names: Vec<Cell> = names.iter().map(|name| Cell::text(Ink::Dim, *name)).collect();
        let has_names = !names.is_empty();
        Self { indent, has_names, rows: if has_names { vec![names] } else { Vec::new() } }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Writes it. A last cell that would have little room has a line of its own.
    pub(super) fn put(self, page: &mut Page) {
        let columns = self.rows.iter().map(|row| row.len().saturating_sub(1)).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                self.rows.iter().filter_map(|row| row.get(column)).map(Cell::width).max().unwrap_or(0)
            })
            .collect();
        let numbers: Vec<bool> = (0..columns)
            .map(|column| self.rows.iter().any(|row| row.get(column).is_some_and(|cell| cell.is_number)))
            .collect();
        let before: usize = widths.iter().map(|width| width + GAP).sum();
        let is_narrow = page.columns().saturating_sub(self.indent + before) < LEAST_ROOM;
        'rows: for (number, row) in self.rows.into_iter().enumerate() {
            let last = row.len().saturating_sub(1);
            let mut line = Line::one_row(self.indent);
            let mut end = 0;
            for (index, cell) in row.into_iter().enumerate() {
                if index == last && is_narrow {
                    page.put(line);
                    // What hangs below needs no name.
                    if self.has_names && number == 0 {
                        continue 'rows;
                    }
                    line = Line::one_row(self.indent + GAP);
                }
                let width = widths.get(index).copied().filter(|_| index < last).unwrap_or(0);
                let is_right = index < last && numbers.get(index).copied().unwrap_or(false);
                let start = if is_right { end + width.saturating_sub(cell.width()) } else { end };
                line = if index == last && is_narrow { line } else { line.pad_to(start) };
                for (ink, text) in &cell.pieces {
                    line = line.add(*ink, text);
                }
                end += width + GAP;
            }
            page.put(line);
        }
    }
}

impl Cell {
    pub(super) fn text(ink: Ink, text: impl Into<String>) -> Self {
        Self { pieces: vec![(ink, text.into())], is_number: false }
    }

    /// A cell whose column ends where it ends.
    pub(super) fn number(ink: Ink, text: impl Into<String>) -> Self {
        Self { is_number: true, ..Self::text(ink, text) }
    }

    pub(super) fn and(mut self, ink: Ink, text: impl Into<String>) -> Self {
        self.pieces.push((ink, text.into()));
        self
    }

    fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| text.chars().count()).sum()
    }
}

/// Spaces between columns.
const GAP: usize = 2;
/// Columns that a last cell needs to stand beside the others.
const LEAST_ROOM: usize = 24;
