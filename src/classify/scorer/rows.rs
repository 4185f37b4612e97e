//! What the axes know of each n-gram, side by side in memory.
//!
//! All that is known of an n-gram is one record: the fields that it is known in, an entry for each of its features on each
//! axis, then the rows of these. So reading it asks for one place of memory, most often of a cache line or two.
//!
//! Most n-grams of an article stand in its body only. So the entries of body and of all zones together come first, and are
//! there for every n-gram, known or not: they are read without a question whose answer a processor could not foresee.

use std::hint::black_box;

use super::index::Ngram;
use crate::{
    classify::features::{FIELDS, Field},
    text::Zone,
};

/// Values that are added at a time, for which the compiler takes vector instructions: a row is padded to a multiple of them.
pub(super) const LANES: usize = 8;

/// How a row stands in the words of its record: 0 if the axis does not know the feature, the number of its cells if few
/// labels stand with it, or a value for every label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape(u16);

impl Shape {
    pub(super) const UNKNOWN: Shape = Shape(0);
    pub(super) const DENSE: Shape = Shape(0x7fff);
    /// Dense, and with what the same n-gram says in all zones together, which is the next feature: where a term stands in the
    /// body, as most do, both are known.
    pub(super) const WITH_ANY: Shape = Shape(0xffff);

    /// Of so many cells: fewer than a quarter of the labels, which are 65,535 at most.
    pub(super) fn sparse(cells: usize) -> Self {
        Shape(cells.next_multiple_of(CELLS) as u16)
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

/// Cells that are read at a time: a row is padded to a multiple of them with cells that add nothing to the first label.
const CELLS: usize = 4;

/// Words before the cells of a sparse row: weight and mean.
const SPARSE_HEAD: usize = 2;

/// A row that few labels have cells in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sparse<'a> {
    pub(super) weight: f32,
    /// The mean over all labels of its weighted deviations.
    pub(super) mean: f32,
    cells: &'a [[[u32; 2]; CELLS]],
}

impl<'a> Sparse<'a> {
    /// Labels and weighted deviations, some at a time.
    pub(super) fn cells(self) -> impl Iterator<Item = [(usize, f32); CELLS]> + 'a {
        self.cells.iter().map(|cells| cells.map(|[label, value]| (label as usize, f32::from_bits(value))))
    }
}

/// A feature of an n-gram that an axis knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Feature {
    pub(super) field: Field,
    pub(super) shape: Shape,
    /// Whether it is in the row of the feature before, that of the same n-gram in the body.
    pub(super) is_in_body: bool,
}

impl Feature {
    /// Its place among the entries that are always there; `None` if it is none of them.
    fn usual(&self) -> Option<usize> {
        let bit = self.field.bit();
        [BODY, ANY].iter().position(|fields| fields & bit != 0)
    }

    /// With its row beginning at this word.
    fn entry(self, row: usize) -> Entry {
        let field = self.field.index() as u32;
        let asked = match self.field {
            Field::ANY_UNIGRAMS if self.is_in_body => ANY_UNIGRAM_ALONE,
            Field::ANY_BIGRAMS if self.is_in_body => ANY_BIGRAM_ALONE,
            _ => field,
        };
        [row as u32, u32::from(self.shape.0) << 16 | field << 8 | asked]
    }
}

/// Words and pairs of the body, as bits of fields.
const BODY: u32 = 0b11 << (Zone::Body as u32 * 2);

/// Those of all zones together.
const ANY: u32 = BODY << 2;

/// Where the row of a feature begins; then its shape, its field, and the bit of [`asked`] that asks for it.
type Entry = [u32; 2];

/// What is not known is never asked for.
const UNKNOWN: Entry = [0, NEVER];

/// Bits behind those of the fields: the n-gram stands in the article, but not in the body.
const ANY_UNIGRAM_ALONE: u32 = FIELDS as u32;
const ANY_BIGRAM_ALONE: u32 = FIELDS as u32 + 1;
const NEVER: u32 = FIELDS as u32 + 2;

/// Which features of an n-gram in these fields are read, as bits.
fn asked(fields: u32) -> u32 {
    const {
        assert!(NEVER < u32::BITS);
        assert!(ANY == 1 << Field::ANY_UNIGRAMS.index() | 1 << Field::ANY_BIGRAMS.index());
    }
    let alone = |any: Field, body: Field| (fields >> any.index()) & !(fields >> body.index()) & 1;
    fields
        | alone(Field::ANY_UNIGRAMS, Field::unigrams(Zone::Body)) << ANY_UNIGRAM_ALONE
        | alone(Field::ANY_BIGRAMS, Field::bigrams(Zone::Body)) << ANY_BIGRAM_ALONE
}

/// What an axis knows of one feature of a document.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    entry: Entry,
    /// The number of its group in [`Hits`](super::Hits).
    pub(super) group: u32,
}

impl Said {
    /// The number of its field.
    pub(super) fn field(&self) -> usize {
        (self.entry[1] >> 8 & 0xff) as usize
    }

    pub(super) fn shape(&self) -> Shape {
        Shape((self.entry[1] >> 16) as u16)
    }

    /// The first word of its row.
    fn start(&self) -> usize {
        self.entry[0] as usize
    }
}

/// Entries that every record has: on each axis body and all zones together.
const USUAL: usize = 4;

/// Words of a record before its other entries.
const HEAD: usize = 1 + 2 * USUAL;

/// The records of all n-grams.
#[derive(Debug, Default)]
pub(super) struct Rows {
    words: Vec<u32>,
    /// By axis: words of a dense row.
    dense: [usize; 2],
}

impl Rows {
    /// None yet, for axes of so many labels, and room for so many n-grams and for rows of these shapes.
    pub(super) fn new(labels: [usize; 2], ngrams: usize, shapes: [impl Iterator<Item = Shape>; 2]) -> Self {
        let dense = labels.map(|labels| labels.next_multiple_of(LANES));
        // Some of the entries are among the usual ones, so that this is more than enough.
        let mut length = (1 + ngrams) * HEAD;
        for (shapes, dense) in shapes.into_iter().zip(dense) {
            let known = shapes.filter(|shape| *shape != Shape::UNKNOWN);
            length += known.map(|shape| 2 + shape.length(dense)).sum::<usize>();
        }
        let mut rows = Rows { words: Vec::with_capacity(length), dense };
        // The record of what is not known.
        rows.push_ngram(0, 0, [&[], &[]]);
        rows
    }

    /// Begins the record of an n-gram that has features in these fields, as bits, of which the axes know these, ascending; its
    /// rows are to follow in this order, those of one axis after those of the other.
    pub(super) fn push_ngram(&mut self, id: u64, fields: u32, known: [&[Feature]; 2]) -> Ngram {
        let (mut usual, mut others, mut row) = ([[UNKNOWN; 2]; 2], [Vec::new(), Vec::new()], 0);
        let mut is_crowded = false;
        for (axis, features) in known.into_iter().enumerate() {
            for feature in features {
                let entry = feature.entry(row);
                row += feature.shape.length(self.dense[axis]);
                match feature.usual() {
                    Some(place) if usual[axis][place] == UNKNOWN => usual[axis][place] = entry,
                    place => {
                        is_crowded |= place.is_some();
                        others[axis].push(entry);
                    }
                }
            }
        }
        // A file of 256 MiB holds no more cells than make some 2^30 words, an n-gram no more features than there are fields.
        let start = self.words.len() as u32;
        let numbers = others.each_ref().map(|others| others.len() as u8);
        let rows = start + (HEAD + 2 * others.iter().map(Vec::len).sum::<usize>()) as u32;
        self.words.push(fields);
        let entries = usual.as_flattened().iter().chain(others.iter().flatten());
        self.words.extend(entries.flat_map(|&[row, code]| [rows + row, code]));
        Ngram { id, start, others: numbers, is_crowded }
    }

    /// Adds a row of an axis: the values of all labels.
    pub(super) fn push_dense(&mut self, axis: usize, values: impl ExactSizeIterator<Item = f32>) {
        let padding = self.dense[axis] - values.len();
        self.words.extend(values.map(f32::to_bits).chain(std::iter::repeat_n(0, padding)));
    }

    /// Adds a row with few cells, but one at least: weight and mean as in [`Sparse`].
    pub(super) fn push_sparse(&mut self, weight: f32, mean: f32, cells: impl Iterator<Item = (u16, f32)>) {
        self.words.extend([weight.to_bits(), mean.to_bits()]);
        let first = self.words.len();
        self.words.extend(cells.flat_map(|(label, value)| [u32::from(label), value.to_bits()]));
        let length = self.words.len() - first;
        self.words.extend(std::iter::repeat_n(0, length.next_multiple_of(2 * CELLS) - length));
    }

    /// The fields that an n-gram is known in, as bits.
    pub(super) fn fields(&self, ngram: &Ngram) -> u32 {
        self.words.get(ngram.start as usize).copied().unwrap_or_default()
    }

    /// Asks for the records of n-grams, so that they are near when they are read.
    pub(super) fn touch(&self, ngrams: &[Ngram]) {
        black_box(ngrams.iter().fold(0, |all, ngram| all ^ self.fields(ngram)));
    }

    /// By axis: what it knows of n-grams that stand in these fields. Which features of an n-gram are asked for follows no
    /// pattern that a processor could foresee, so all are written, and overwritten unless they were asked for.
    pub(super) fn read<'a>(&self, groups: impl ExactSizeIterator<Item = (u32, &'a Ngram)>) -> [Vec<Said>; 2] {
        /// Entries of an n-gram on one axis at most, known or not.
        const MOST: usize = FIELDS + USUAL / 2;
        let mut said = [0, 1].map(|_| vec![Said::default(); groups.len() + MOST]);
        let mut lengths = [0; 2];
        for (group, (fields, ngram)) in (0..).zip(groups) {
            let record = self.words.get(ngram.start as usize + 1..).unwrap_or_default();
            let Some((usual, others)) = record.as_chunks::<2>().0.split_first_chunk::<USUAL>() else { continue };
            let asked = asked(fields);
            let room = lengths[0].max(lengths[1]) + MOST;
            if room > said[0].len().min(said[1].len()) {
                said.iter_mut().for_each(|said| said.resize(2 * room, Said::default()));
            }
            let mut add = |axis: usize, entry: Entry| {
                said[axis][lengths[axis]] = Said { entry, group };
                lengths[axis] += (asked >> (entry[1] & (u32::BITS - 1)) & 1) as usize;
            };
            if (fields & !(BODY | ANY) != 0) | ngram.is_crowded {
                let first = usize::from(ngram.others[0]);
                let both = others.get(..first + usize::from(ngram.others[1])).unwrap_or_default();
                both.iter().enumerate().for_each(|(at, entry)| add(usize::from(at >= first), *entry));
            }
            usual.iter().enumerate().for_each(|(at, entry)| add(at / 2, *entry));
        }
        said.iter_mut().zip(lengths).for_each(|(said, length)| said.truncate(length));
        said
    }

    /// A row with few cells.
    pub(super) fn sparse(&self, said: &Said) -> Sparse<'_> {
        let words = &self.words[said.start()..][..said.shape().length(0)];
        let (head, cells) = words.split_at(SPARSE_HEAD);
        Sparse {
            weight: f32::from_bits(head[0]),
            mean: f32::from_bits(head[1]),
            cells: cells.as_chunks().0.as_chunks().0,
        }
    }

    /// What a dense row says of one label; of any other row, whatever stands there.
    #[inline]
    pub(super) fn dense_value(&self, said: &Said, label: usize) -> f32 {
        f32::from_bits(self.words.get(said.start() + label).copied().unwrap_or_default())
    }

    /// Adds what dense rows say of `N` labels, from the first of these lanes on, one row after the other. The sums stay in
    /// registers, and the processor, which sees no row wait for another, fetches many at a time.
    #[inline]
    pub(super) fn add_dense<const N: usize>(
        &self,
        sums: &mut [f32; N],
        first: usize,
        rows: &[Said],
        scale: impl Fn(&Said) -> f32,
    ) {
        let mut added = *sums;
        for row in rows {
            let values = self.words.get(row.start() + first..).and_then(|rest| rest.first_chunk::<N>());
            let Some(values) = values else { continue };
            // A multiplication by 1 is left out.
            let (values, scale) = (values.map(f32::from_bits), scale(row));
            added = std::array::from_fn(|lane| added[lane] + scale * values[lane]);
        }
        *sums = added;
    }
}
