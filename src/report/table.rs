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
        let columns = self.columns();
        let before: usize = columns.iter().map(|column| column.width + GAP).sum();
        let is_narrow = page.columns().saturating_sub(self.indent + before) < LEAST_ROOM;
        for (number, mut row) in self.rows.into_iter().enumerate() {
            let last = row.pop().unwrap_or_default();
            let mut line = Line::one_row(self.indent);
            let mut end = 0;
            for (cell, column) in row.into_iter().zip(&columns) {
                let before = if column.is_of_numbers { column.width.saturating_sub(cell.width()) } else { 0 };
                line = cell.add_to(line.pad_to(end + before));
                end += column.width + GAP;
            }
            if !is_narrow {
                page.put(last.add_to(line.pad_to(end)));
                continue;
            }
            page.put(line);
            // What hangs below needs no name.
            if number > 0 || !self.has_names {
                page.put(last.add_to(Line::one_row(self.indent + GAP)));
            }
        }
    }

    /// All but the last.
    fn columns(&self) -> Vec<Column> {
        let mut columns = Vec::new();
        for row in &self.rows {
            let cells = row.split_last().map_or(&[][..], |(_, cells)| cells);
            columns.resize_with(columns.len().max(cells.len()), Column::default);
            for (column, cell) in columns.iter_mut().zip(cells) {
                column.width = column.width.max(cell.width());
                column.is_of_numbers |= cell.is_number;
            }
        }
        columns
    }
}

/// What the cells of a column have in common.
#[derive(Debug, Default)]
struct Column {
    width: usize,
    /// It ends where they end.
    is_of_numbers: bool,
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

    fn add_to(&self, line: Line) -> Line {
        self.pieces.iter().fold(line, |line, (ink, text)| line.add(*ink, text))
    }

    fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| text.chars().count()).sum()
    }
}

/// Spaces between columns.
const GAP: usize = 2;
/// Columns that a last cell needs to stand beside the others.
const LEAST_ROOM: usize = 24;
