//! What features say of labels, stored once for all articles that they say it to.
//!
//! A feature that stands in ten thousand articles says to each of them, when it is left out of the counts, the same of all
//! labels but the article's own. Without sharing, held-out articles would take many times the memory.

use std::{collections::HashMap, ops::Range};

/// A feature of an article: where its cells are, and what it says of the article's own label, which is not what the cells
/// say if the article was taken from the counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    start: u32,
    pub(super) own: f32,
}

impl Row {
    pub(super) fn new(start: u32, own: f32) -> Self {
        Row { start, own }
    }
}

/// A row as it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowView<'a> {
    /// The feature's weight among the parameters.
    pub(super) parameter: usize,
    pub(super) field: usize,
    own_label: usize,
    own: f32,
    cells: &'a [[u32; 2]],
}

impl RowView<'_> {
    /// The labels that the feature says something special of, ascending, and how far its value lies above the floor.
    pub(super) fn cells(&self) -> impl Iterator<Item = (usize, f64)> {
        let (own_label, own) = (self.own_label, self.own);
        self.cells.iter().map(move |&[label, bits]| {
            let label = label as usize;
            (label, f64::from(if label == own_label { own } else { f32::from_bits(bits) }))
        })
    }
}

/// The cells of rows, and the rows of articles.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The features of all articles, one article after the other: in one piece, since thousands of small ones would leave
    /// holes behind.
    articles: Vec<Row>,
    /// Of each row its parameter, and its field and number of cells; then of each cell its label and the bits of its value.
    /// Together, since what is read in passes over all articles should not be looked for in two places.
    words: Vec<[u32; 2]>,
}

impl Rows {
    /// How many features of articles there are.
    pub(super) fn features(&self) -> usize {
        self.articles.len()
    }

    /// Adds a feature of an article.
    pub(super) fn push_feature(&mut self, row: Row) {
        self.articles.push(row);
    }

    /// Features of an article with some label.
    pub(super) fn article(&self, features: Range<usize>, own_label: usize) -> impl Iterator<Item = RowView<'_>> {
        self.articles[features].iter().map(move |&row| self.read(row, own_label))
    }

    /// A row of an article with some label.
    fn read(&self, row: Row, own_label: usize) -> RowView<'_> {
        let start = row.start as usize;
        let [parameter, shape] = self.words[start];
        RowView {
            parameter: parameter as usize,
            field: (shape >> 16) as usize,
            own_label,
            own: row.own,
            cells: &self.words[start + 1..start + 1 + (shape & 0xffff) as usize],
        }
    }

    /// Adds a row, and gives its place.
    pub(super) fn push(&mut self, parameter: u32, field: usize, cells: impl Iterator<Item = (u16, f32)>) -> u32 {
        let start = self.words.len();
        self.words.push([parameter, 0]);
        self.words.extend(cells.map(|(label, value)| [u32::from(label), value.to_bits()]));
        let cells = self.words.len() - start - 1;
        self.words[start][1] = (field as u32) << 16 | cells as u32;
        start as u32
    }
}

/// What is taken from a feature's counts, as far as it changes what the feature says of labels that nothing is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) feature: u32,
    pub(super) label: u16,
    pub(super) articles: u32,
}

/// Rows of one table under some settings, while they come together.
#[derive(Debug, Default)]
pub(super) struct RowsOf {
    pub(super) rows: Rows,
    known: HashMap<Key, u32, foldhash::fast::RandomState>,
}

impl RowsOf {
    /// The place of a row; `make` adds it if it is new.
    pub(super) fn place(&mut self, key: Key, make: impl FnOnce(&mut Rows) -> u32) -> u32 {
        *self.known.entry(key).or_insert_with(|| make(&mut self.rows))
    }
}
