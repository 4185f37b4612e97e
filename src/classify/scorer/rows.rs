//! What the axes know of each n-gram, side by side in memory.
//!
//! All that is known of an n-gram is one record: a word of shapes for each of its features, then the rows of these, those of
//! both axes after each other. So reading it asks for one place of memory, most often of a cache line or two.

use super::index::Ngram;
use crate::classify::features::numbers;

/// Values that are added at a time, for which the compiler takes vector instructions: a row is padded to a multiple of them.
pub(super) const LANES: usize = 8;

/// How a row stands in the words of its record: 0 if the axis does not know the feature, the number of its cells if few
/// labels stand with it, or a value for every label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape(u16);

impl Shape {
    pub(super) const UNKNOWN: Shape = Shape(0);
    pub(super) const DENSE: Shape = Shape(0x7fff);
    /// Dense, and with what the same n-gram says in all zones together, which is the next feature: where a term stands in the
    /// body, as most do, both are known.
    pub(super) const WITH_ANY: Shape = Shape(0xffff);

    /// Of so many cells: fewer than a quarter of the labels, which are 65,535 at most.
    pub(super) fn sparse(cells: usize) -> Self {
        Shape(cells as u16)
    }

    pub(super) fn is_dense(self) -> bool {
        self.0 & Shape::DENSE.0 == Shape::DENSE.0
    }

    /// Words of the row, if a dense one has `dense`.
    fn length(self, dense: usize) -> usize {
        match self {
            Shape::UNKNOWN => 0,
            _ if self.is_dense() => dense,
            Shape(cells) => SPARSE_HEAD + 2 * usize::from(cells),
        }
    }
}

/// Words before the cells of a sparse row: weight and mean.
const SPARSE_HEAD: usize = 2;

/// A row that few labels have cells in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sparse<'a> {
    pub(super) weight: f32,
    /// The mean over all labels of its weighted deviations.
    pub(super) mean: f32,
    cells: &'a [[u32; 2]],
}

impl<'a> Sparse<'a> {
    /// Labels and weighted deviations.
    pub(super) fn cells(self) -> impl Iterator<Item = (usize, f32)> + 'a {
        self.cells.iter().map(|&[label, value]| (label as usize, f32::from_bits(value)))
    }
}

/// What an axis knows of one feature of a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    /// Its first word.
    start: u32,
    /// The number of its group in [`Hits`](super::Hits).
    pub(super) group: u32,
    pub(super) shape: Shape,
    /// The number of its field.
    pub(super) field: u8,
}

/// The records of all n-grams.
#[derive(Debug, Default)]
pub(super) struct Rows {
    words: Vec<u32>,
    /// By axis: words of a dense row.
    dense: [usize; 2],
}

impl Rows {
    /// None yet, for axes of so many labels, and room for so many features and for rows of these shapes.
    pub(super) fn new(labels: [usize; 2], features: usize, shapes: [impl Iterator<Item = Shape>; 2]) -> Self {
        let dense = labels.map(|labels| labels.next_multiple_of(LANES));
        let [first, second] = shapes;
        let words = first.map(|shape| shape.length(dense[0])).chain(second.map(|shape| shape.length(dense[1])));
        Rows { words: Vec::with_capacity(features + words.sum::<usize>()), dense }
    }

    /// Begins the record of an n-gram of so many features, and gives its place.
    pub(super) fn push_ngram(&mut self, shapes: impl Iterator<Item = [Shape; 2]>) -> u32 {
        // A file of 256 MiB holds no more cells than make some 2^30 words.
        let start = self.words.len() as u32;
        self.words.extend(shapes.map(|[first, second]| u32::from(first.0) | u32::from(second.0) << 16));
        start
    }

    /// Adds a row of an axis: the values of all labels.
    pub(super) fn push_dense(&mut self, axis: usize, values: impl ExactSizeIterator<Item = f32>) {
        let padding = self.dense[axis] - values.len();
        self.words.extend(values.map(f32::to_bits).chain(std::iter::repeat_n(0, padding)));
    }

    /// Adds a row with few cells, but one at least: weight and mean as in [`Sparse`].
    pub(super) fn push_sparse(&mut self, weight: f32, mean: f32, cells: impl Iterator<Item = (u16, f32)>) {
        self.words.extend([weight.to_bits(), mean.to_bits()]);
        self.words.extend(cells.flat_map(|(label, value)| [u32::from(label), value.to_bits()]));
    }

    /// The first word of an n-gram's record, which says all of a feature that stands alone: to be asked for before it is read.
    pub(super) fn touch(&self, ngram: Ngram) -> u32 {
        self.words.get(ngram.start as usize).copied().unwrap_or_default()
    }

    /// Adds what each axis knows of an n-gram in some of its fields, without the features that are in the row before.
    pub(super) fn read(&self, ngram: Ngram, fields: u32, group: u32, said: &mut [Vec<Said>; 2]) {
        let start = ngram.start as usize;
        let mut at = start + ngram.fields.count_ones() as usize;
        let shapes = &self.words[start..at];
        let mut is_read = [false; 2];
        for (&shapes, field) in shapes.iter().zip(numbers(ngram.fields)) {
            let is_asked = fields & 1 << field != 0;
            for (axis, shape) in [Shape(shapes as u16), Shape((shapes >> 16) as u16)].into_iter().enumerate() {
                if is_asked && !is_read[axis] && shape != Shape::UNKNOWN {
                    said[axis].push(Said { start: at as u32, group, shape, field: field as u8 });
                }
                is_read[axis] = is_asked && shape == Shape::WITH_ANY;
                at += shape.length(self.dense[axis]);
            }
        }
    }

    /// A row with few cells.
    pub(super) fn sparse(&self, said: &Said) -> Sparse<'_> {
        let words = &self.words[said.start as usize..][..said.shape.length(0)];
        let (head, cells) = words.split_at(SPARSE_HEAD);
        Sparse { weight: f32::from_bits(head[0]), mean: f32::from_bits(head[1]), cells: cells.as_chunks().0 }
    }

    /// The pieces of a dense row of so many labels.
    pub(super) fn dense(&self, said: &Said, labels: usize) -> &[[u32; LANES]] {
        self.words[said.start as usize..][..labels.next_multiple_of(LANES)].as_chunks().0
    }

    /// What a dense row says of one label.
    #[inline]
    pub(super) fn dense_value(&self, said: &Said, label: usize) -> f32 {
        f32::from_bits(self.words[said.start as usize + label])
    }
}
