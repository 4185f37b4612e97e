//! What features say of labels, stored once for all articles that they say it to.
//!
//! A feature that stands in ten thousand articles says one thing to all articles of a label that are left out of its counts
//! one at a time. Without sharing, held-out articles would take many times the memory.

use std::collections::HashMap;

/// What a feature says of a label: how far its value lies above the floor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) label: u16,
    pub(super) value: f32,
}

/// A feature and where its cells are. Articles hold these, not numbers of them: what is read in passes over all articles
/// should not be looked for in two places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    parameter: u32,
    start: u32,
    cells: u16,
    field: u8,
}

impl Row {
    /// Its weight among the parameters.
    pub(super) fn parameter(&self) -> usize {
        self.parameter as usize
    }

    pub(super) fn field(&self) -> usize {
        usize::from(self.field)
    }
}

/// The cells of rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    cells: Vec<Cell>,
}

impl Rows {
    /// The labels that a feature says something special of, ascending.
    pub(super) fn cells(&self, row: Row) -> &[Cell] {
        &self.cells[row.start as usize..row.start as usize + usize::from(row.cells)]
    }

    /// Adds a row.
    pub(super) fn push(&mut self, parameter: u32, field: usize, cells: impl Iterator<Item = Cell>) -> Row {
        let start = self.cells.len();
        self.cells.extend(cells);
        let cells = (self.cells.len() - start) as u16;
        Row { parameter, start: start as u32, cells, field: field as u8 }
    }
}

/// What is taken from a feature's counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    feature: u32,
    label: u16,
    articles: u32,
}

/// Rows of one table under some settings, while they come together.
#[derive(Debug, Default)]
pub(super) struct RowsOf {
    pub(super) rows: Rows,
    /// `None` of a feature that the model does not know then.
    known: HashMap<Key, Option<Row>, foldhash::fast::RandomState>,
}

impl RowsOf {
    /// The row of a feature without some articles, given as feature, label and number; `make` adds it if it is new.
    pub(super) fn row(
        &mut self,
        feature: u32,
        gone: &[(u32, u16, u32)],
        make: impl FnOnce(&mut Rows) -> Option<Row>,
    ) -> Option<Row> {
        let (label, articles) = match gone {
            [] => (0, 0),
            &[(_, label, articles)] => (label, articles),
            // Rare: articles of several labels in one group.
            _ => return make(&mut self.rows),
        };
        *self.known.entry(Key { feature, label, articles }).or_insert_with(|| make(&mut self.rows))
    }
}
