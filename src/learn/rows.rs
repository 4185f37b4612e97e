//! What features say of labels, stored once for all articles that they say it to.
//!
//! A feature that stands in ten thousand articles says one thing to all articles of a label that are left out of its counts
//! one at a time. Without sharing, held-out articles would take many times the memory.

use std::collections::HashMap;

/// One feature and its cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    /// Its weight among the parameters.
    pub(super) parameter: usize,
    pub(super) field: usize,
    /// Labels that the feature says something special of.
    pub(super) labels: &'a [u16],
    /// How far each lies above the floor.
    pub(super) values: &'a [f32],
}

/// Rows by number.
#[derive(Debug, Default)]
pub(super) struct Rows {
    heads: Vec<Head>,
    labels: Vec<u16>,
    values: Vec<f32>,
}

#[derive(Debug)]
struct Head {
    parameter: u32,
    start: u32,
    cells: u16,
    field: u8,
}

impl Rows {
    pub(super) fn get(&self, number: u32) -> Row<'_> {
        let head = &self.heads[number as usize];
        let cells = head.start as usize..head.start as usize + usize::from(head.cells);
        Row {
            parameter: head.parameter as usize,
            field: usize::from(head.field),
            labels: &self.labels[cells.clone()],
            values: &self.values[cells],
        }
    }

    /// Adds a row; its number.
    pub(super) fn push(&mut self, parameter: u32, field: usize, cells: impl Iterator<Item = (u16, f64)>) -> u32 {
        let start = self.labels.len();
        for (label, value) in cells {
            self.labels.push(label);
            self.values.push(value as f32);
        }
        let cells = (self.labels.len() - start) as u16;
        self.heads.push(Head { parameter, start: start as u32, cells, field: field as u8 });
        (self.heads.len() - 1) as u32
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
    numbers: HashMap<Key, Option<u32>, foldhash::fast::RandomState>,
}

impl RowsOf {
    /// The row of a feature without some articles, given as feature, label and number; `make` adds it if it is new.
    pub(super) fn number(
        &mut self,
        feature: u32,
        gone: &[(u32, u16, u32)],
        make: impl FnOnce(&mut Rows) -> Option<u32>,
    ) -> Option<u32> {
        let (label, articles) = match gone {
            [] => (0, 0),
            &[(_, label, articles)] => (label, articles),
            // Rare: articles of several labels in one group.
            _ => return make(&mut self.rows),
        };
        *self.numbers.entry(Key { feature, label, articles }).or_insert_with(|| make(&mut self.rows))
    }
}
