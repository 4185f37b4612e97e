//! What features say of labels, stored once for all articles that they say it to.
//!
//! A feature that stands in ten thousand articles says to each of them, when it is left out of the counts, the same of all
//! labels but the article's own. Without sharing, held-out articles would take many times the memory.

use std::{collections::HashMap, num::NonZeroU32, ops::Range};

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

/// What a row says of labels.
#[derive(Clone, Copy, Debug)]
enum Cells<'a> {
    /// A label and the bits of its value, for every label that something special is said of, ascending.
    Sparse(&'a [[u32; 2]]),
    /// The bits of the value of every label.
    Dense(&'a [u32]),
}

/// A row as it is read: by label, how far the feature's value lies above the floor.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowView<'a> {
    /// The feature's weight among the parameters.
    pub(super) parameter: usize,
    pub(super) field: usize,
    own_label: usize,
    own: f32,
    cells: Cells<'a>,
}

impl RowView<'_> {
    /// Calls `each` with labels and values. Labels that are left out have the value 0.
    pub(super) fn for_each(&self, mut each: impl FnMut(usize, f64)) {
        let mut cell = |label: usize, bits: u32| {
            each(label, f64::from(if label == self.own_label { self.own } else { f32::from_bits(bits) }));
        };
        match self.cells {
            Cells::Sparse(cells) => cells.iter().for_each(|&[label, bits]| cell(label as usize, bits)),
            Cells::Dense(values) => values.iter().enumerate().for_each(|(label, &bits)| cell(label, bits)),
        }
    }

    /// Adds `factor` times the values to the scores of the labels.
    pub(super) fn add_to(&self, scores: &mut [f64], factor: f64) {
        match self.cells {
            Cells::Sparse(_) => self.for_each(|label, value| scores[label] += factor * value),
            Cells::Dense(values) => {
                let own = scores[self.own_label] + factor * f64::from(self.own);
                for (score, &bits) in scores.iter_mut().zip(values) {
                    *score += factor * f64::from(f32::from_bits(bits));
                }
                scores[self.own_label] = own;
            }
        }
    }

    /// The sum over the labels of value times slope.
    pub(super) fn along(&self, slopes: &[f64]) -> f64 {
        match self.cells {
            Cells::Sparse(_) => {
                let mut sum = 0.0;
                self.for_each(|label, value| sum += slopes[label] * value);
                sum
            }
            Cells::Dense(values) => {
                // Four sums, so that none waits for the one before.
                let ((slopes_by_four, last_slopes), (by_four, last)) =
                    (slopes.as_chunks::<4>(), values.as_chunks::<4>());
                let mut sums = [0.0; 4];
                for (slopes, values) in slopes_by_four.iter().zip(by_four) {
                    for i in 0..4 {
                        sums[i] += slopes[i] * f64::from(f32::from_bits(values[i]));
                    }
                }
                for ((sum, slope), &bits) in sums.iter_mut().zip(last_slopes).zip(last) {
                    *sum += slope * f64::from(f32::from_bits(bits));
                }
                let shared = f64::from(f32::from_bits(values[self.own_label]));
                sums.iter().sum::<f64>() + slopes[self.own_label] * (f64::from(self.own) - shared)
            }
        }
    }
}

/// A row of words is dense if it says something special of one label in so many.
const DENSE_SHARE: usize = 4;

/// Words of a row before its cells: parameter and shape.
const HEAD: usize = 2;

/// The bit of a row's shape that says that it is dense.
const DENSE: u32 = 1 << 31;

/// The cells of rows, and the rows of articles.
#[derive(Debug)]
pub(super) struct Rows {
    /// How many labels there are.
    labels: usize,
    /// The features of all articles, one article after the other: in one piece, since thousands of small ones would leave
    /// holes behind.
    articles: Vec<Row>,
    /// Of each row its parameter, its shape (whether it is dense, field, number of cells), and its cells. Together, since
    /// what is read in passes over all articles should not be looked for in two places. In pieces, since one that grows
    /// is there twice while it does, which a piece of a few megabytes may be.
    pieces: Vec<Vec<u32>>,
}

/// Words of a piece, many times those of the longest row. A row's place is the number of its piece and its place there.
const PIECE: usize = 1 << 20;

impl Rows {
    /// None yet, and room for so many features of articles.
    pub(super) fn with_capacity(labels: usize, features: usize) -> Self {
        Rows { labels, articles: Vec::with_capacity(features), pieces: Vec::new() }
    }

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
        let words = &self.pieces[row.start as usize / PIECE][row.start as usize % PIECE..];
        let (parameter, shape) = (words[0] as usize, words[1]);
        let cells = if shape & DENSE != 0 {
            Cells::Dense(&words[HEAD..][..self.labels])
        } else {
            Cells::Sparse(words[HEAD..][..2 * (shape & 0xffff) as usize].as_chunks().0)
        };
        RowView { parameter, field: ((shape & !DENSE) >> 16) as usize, own_label, own: row.own, cells }
    }

    /// The piece that a row of so many cells at most is to be added to, and the place the row will have.
    fn piece(&mut self, cells: usize) -> (&mut Vec<u32>, u32) {
        if self.pieces.last().is_none_or(|piece| piece.len() + HEAD + 2 * cells > PIECE) {
            self.pieces.push(Vec::new());
        }
        let number = self.pieces.len() - 1;
        let piece = &mut self.pieces[number];
        let place = number * PIECE + piece.len();
        (piece, place as u32)
    }

    /// Adds the row of a name, which says something of one label, and that to all articles alike; gives its place.
    pub(super) fn push_name(&mut self, parameter: u32, field: usize, named: u16, value: f32) -> u32 {
        let (piece, place) = self.piece(1);
        piece.extend([parameter, (field as u32) << 16 | 1, u32::from(named), value.to_bits()]);
        place
    }

    /// Adds the row of a word or word pair, and gives its place. Labels ascend.
    pub(super) fn push(&mut self, parameter: u32, field: usize, cells: impl Iterator<Item = (u16, f32)>) -> u32 {
        let labels = self.labels;
        let (piece, place) = self.piece(labels);
        let (start, shape) = (piece.len() + HEAD, (field as u32) << 16);
        piece.extend([parameter, shape]);
        piece.extend(cells.flat_map(|(label, value)| [u32::from(label), value.to_bits()]));
        let sparse = &piece[start..];
        let number = sparse.len() / 2;
        if number * DENSE_SHARE < labels {
            piece[start - 1] = shape | number as u32;
        } else {
            let mut dense = vec![0; labels];
            sparse.as_chunks().0.iter().for_each(|&[label, bits]| dense[label as usize] = bits);
            piece.truncate(start);
            piece.append(&mut dense);
            piece[start - 1] = shape | DENSE;
        }
        place
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
#[derive(Debug)]
pub(super) struct RowsOf {
    pub(super) rows: Rows,
    /// By number of articles that are taken, by feature: one more than the row's place, if it is there and of label 0. Nearly
    /// all are found here.
    first: [Vec<Option<NonZeroU32>>; 2],
    others: HashMap<Key, u32, foldhash::fast::RandomState>,
}

impl RowsOf {
    /// None yet, of a model with so many labels, and room for so many features of articles.
    pub(super) fn with_capacity(labels: usize, features: usize) -> Self {
        let rows = Rows::with_capacity(labels, features);
        RowsOf { rows, first: [Vec::new(), Vec::new()], others: HashMap::default() }
    }

    /// The place of a row; `make` adds it if it is new.
    pub(super) fn place(&mut self, key: Key, make: impl FnOnce(&mut Rows) -> u32) -> u32 {
        let Some(first) = self.first.get_mut(key.articles as usize).filter(|_| key.label == 0) else {
            return *self.others.entry(key).or_insert_with(|| make(&mut self.rows));
        };
        let at = key.feature as usize;
        if at >= first.len() {
            first.resize(at + 1, None);
        }
        match first[at] {
            Some(place) => place.get() - 1,
            None => {
                let place = make(&mut self.rows);
                first[at] = NonZeroU32::new(place.wrapping_add(1));
                place
            }
        }
    }
}
