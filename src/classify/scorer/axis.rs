//! One axis of the tables: the scores of its labels.

use super::rows::{Kind, Row, Said};
use crate::{
    classify::{
        Calibration, Temperature,
        features::{FIELDS, Field, TERM_FIELDS, same_ngram},
        tables::AxisTables,
    },
    text::Zone,
};

/// Values that are added at a time, for which the compiler takes vector instructions: a row is padded to a multiple of them.
const LANES: usize = 8;

/// A piece of a row.
type Lanes = [f32; LANES];

/// Features whose values are added up in 32 bits before their sum is added in 64. With `S` the sum of the absolute values
/// that are added, a score is off by less than `(BLOCK + 2) * 2^-24 * S`.
const BLOCK: usize = 32;

/// A row is dense if one label in so many has a cell.
const DENSE_SHARE: usize = 4;

/// One axis of a [`Scorer`](super::Scorer). All values are centred over the labels.
#[derive(Debug)]
pub(super) struct AxisScorer {
    pub(super) labels: Vec<LabelNames>,
    /// Length of a dense row in pieces.
    length: usize,
    /// The log prior, weighted.
    prior: Vec<f64>,
    /// The log prior itself: all that can be said of a document without a known feature.
    frequency: Vec<f64>,
    floors: Vec<Vec<f64>>,
    length_exponent: f64,
    pub(super) calibration: Calibration,
    /// Labels and weighted deviations of the features that few labels stand with.
    cells: Vec<(u16, f32)>,
    /// All that the other features add to every label's score; each row is padded with zeros.
    dense: Vec<Lanes>,
}

/// Whether a feature is of the body, and the next one of the same n-gram in all zones together.
fn is_any_of(feature: u64, next: u64) -> bool {
    let is = |first: Field, second: Field| feature_in(feature, first) && feature_in(next, second);
    let (words, pairs) = (Field::unigrams(Zone::Body), Field::bigrams(Zone::Body));
    same_ngram(feature, next) && (is(words, Field::ANY_UNIGRAMS) || is(pairs, Field::ANY_BIGRAMS))
}

fn feature_in(feature: u64, field: Field) -> bool {
    Field::of(feature) == Some(field)
}

/// What a label is called.
#[derive(Debug)]
pub(super) struct LabelNames {
    pub(super) id: String,
    pub(super) display: String,
}

/// What one axis says of a document, by label.
pub(super) struct Scored<'a> {
    /// Whether the axis knows any feature of it.
    pub(super) is_known: bool,
    /// What scores begin with: the prior.
    pub(super) start: &'a [f64],
    pub(super) scores: Vec<f64>,
    pub(super) probabilities: Vec<f64>,
    /// By field: what its score was multiplied by.
    pub(super) scales: [f64; FIELDS],
}

fn centre(values: &mut [f64]) {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    values.iter_mut().for_each(|value| *value -= mean);
}

impl AxisScorer {
    /// Lays out tables that were checked, for these features. With it the row of each feature.
    pub(super) fn new(tables: AxisTables, features: &[u64], display: impl Fn(&str) -> String) -> (Self, Vec<Row>) {
        let (mut prior, mut floors) = (tables.prior, tables.floors);
        centre(&mut prior);
        let frequency = prior.clone();
        prior.iter_mut().for_each(|value| *value *= tables.prior_weight);
        floors.iter_mut().for_each(|floor| centre(floor));
        let labels = prior.len();
        let names = tables.labels.into_iter().map(|id| LabelNames { display: display(&id), id });
        let mut axis = AxisScorer {
            length: labels.div_ceil(LANES),
            labels: names.collect(),
            prior,
            frequency,
            floors,
            length_exponent: tables.length_exponent,
            calibration: tables.calibration,
            cells: Vec::new(),
            dense: Vec::new(),
        };
        let starts: Vec<usize> = std::iter::once(0)
            .chain(tables.cells.iter().scan(0, |end, &cells| {
                *end += usize::from(cells);
                Some(*end)
            }))
            .collect();
        let is_dense = |at: usize| usize::from(tables.cells[at]) * DENSE_SHARE >= labels;
        let holds_any = |at: usize| match features.get(at..at + 2) {
            Some(&[feature, next]) => tables.length_exponent == 0.0 && is_any_of(feature, next) && is_dense(at + 1),
            Some(_) | None => false,
        };
        let mut rows = Vec::with_capacity(features.len());
        let mut values = vec![0.0; labels];
        for (at, &feature) in features.iter().enumerate() {
            let (cells, weight) = (starts[at]..starts[at + 1], tables.weights[at]);
            let own = tables.cell_labels[cells.clone()].iter().zip(&tables.cell_values[cells.clone()]);
            let row = if holds_any(at) || is_dense(at) {
                values.fill(0.0);
                axis.add_values(&mut values, feature, weight, own);
                if holds_any(at) {
                    let cells = starts[at + 1]..starts[at + 2];
                    let own = tables.cell_labels[cells.clone()].iter().zip(&tables.cell_values[cells]);
                    axis.add_values(&mut values, features[at + 1], tables.weights[at + 1], own);
                }
                axis.dense_of(&values, if holds_any(at) { Kind::WithAny } else { Kind::Dense })
            } else if cells.is_empty() {
                Row::UNKNOWN
            } else {
                axis.sparse_of(own.map(|(&label, &value)| (label, weight * value)), weight)
            };
            rows.push(row);
        }
        (axis, rows)
    }

    /// Adds what a feature with these labels and deviations adds to every label's score.
    fn add_values<'a>(
        &self,
        values: &mut [f64],
        feature: u64,
        weight: f32,
        own: impl ExactSizeIterator<Item = (&'a u16, &'a f32)> + Clone,
    ) {
        if own.len() == 0 {
            return;
        }
        let weight = f64::from(weight);
        let mean = own.clone().map(|(_, &value)| f64::from(value)).sum::<f64>() / values.len() as f64;
        values.iter_mut().for_each(|sum| *sum -= weight * mean);
        own.for_each(|(&label, &value)| values[usize::from(label)] += weight * f64::from(value));
        if let Some(floor) = Field::of(feature).and_then(|field| self.floors.get(field.index())) {
            values.iter_mut().zip(floor).for_each(|(sum, floor)| *sum += weight * floor);
        }
    }

    fn sparse_of(&mut self, cells: impl Iterator<Item = (u16, f32)>, weight: f32) -> Row {
        let start = self.cells.len();
        self.cells.extend(cells);
        let own = &self.cells[start..];
        let sum: f64 = own.iter().map(|(_, value)| f64::from(*value)).sum();
        let mean = (sum / self.labels.len() as f64) as f32;
        Row { start: start as u32, kind: Kind::Sparse(own.len() as u16), weight, mean }
    }

    fn dense_of(&mut self, values: &[f64], kind: Kind) -> Row {
        let start = self.dense.len();
        self.dense.resize(start + self.length, [0.0; LANES]);
        let row = self.dense[start..].as_flattened_mut();
        row.iter_mut().zip(values).for_each(|(lane, value)| *lane = *value as f32);
        Row { start: start as u32, kind, ..Row::UNKNOWN }
    }

    fn cells_of(&self, row: Row, number: u16) -> &[(u16, f32)] {
        &self.cells[row.start as usize..row.start as usize + usize::from(number)]
    }

    /// What each field's score is multiplied by for a document with these features.
    pub(super) fn scales(&self, said: &[Said]) -> [f64; FIELDS] {
        // No row holds more than one feature unless the exponent is 0.
        if self.length_exponent == 0.0 {
            return [1.0; FIELDS];
        }
        let mut lengths = [0_u32; FIELDS];
        said.iter().for_each(|said| lengths[said.field as usize] += 1);
        std::array::from_fn(|field| match lengths[field] {
            n if field < TERM_FIELDS && n > 0 => 1.0 / libm::pow(f64::from(n), self.length_exponent),
            _ => 1.0,
        })
    }

    /// What the axis says of a document of which it knows this.
    pub(super) fn score(&self, said: &[Said]) -> Scored<'_> {
        let is_known = !said.is_empty();
        // Of a document without a known feature there is nothing to calibrate.
        let (start, temperature) = if is_known {
            (self.prior.as_slice(), self.calibration.temperature)
        } else {
            (self.frequency.as_slice(), Temperature::default())
        };
        let scales = self.scales(said);
        let scores = self.scores(start, said, &scales);
        Scored { is_known, start, probabilities: temperature.probabilities(&scores), scores, scales }
    }

    /// The score of every label.
    fn scores(&self, start: &[f64], said: &[Said], scales: &[f64; FIELDS]) -> Vec<f64> {
        let mut scores = start.to_vec();
        let mut sums = vec![[0.0; LANES]; self.length];
        let mut rows = Vec::with_capacity(BLOCK);
        // By field: the sum of the factors of features with cells, which all go with the same floors.
        let mut factors = [0.0; FIELDS];
        let mut shift = 0.0;
        for block in said.chunks(BLOCK) {
            sums.fill([0.0; LANES]);
            rows.clear();
            for &Said { row, field, .. } in block {
                let scale = scales[field as usize];
                match row.kind {
                    Kind::Unknown => {}
                    Kind::Sparse(number) => {
                        factors[field as usize] += scale * f64::from(row.weight);
                        shift += scale * f64::from(row.mean);
                        let sums = sums.as_flattened_mut();
                        for &(label, value) in self.cells_of(row, number) {
                            sums[usize::from(label)] += scale as f32 * value;
                        }
                    }
                    Kind::Dense | Kind::WithAny if scale == 1.0 => rows.push(row.start as usize),
                    Kind::Dense | Kind::WithAny => {
                        let row = self.dense[row.start as usize..][..self.length].as_flattened();
                        let sums = sums.as_flattened_mut().iter_mut();
                        sums.zip(row).for_each(|(sum, value)| *sum += scale as f32 * value);
                    }
                }
            }
            self.add(&mut sums, &rows);
            scores.iter_mut().zip(sums.as_flattened()).for_each(|(score, sum)| *score += f64::from(*sum));
        }
        for (floor, factor) in self.floors.iter().zip(factors) {
            scores.iter_mut().zip(floor).for_each(|(score, value)| *score += factor * value);
        }
        scores.iter_mut().for_each(|score| *score -= shift);
        scores
    }

    /// Adds dense rows, given by their first pieces. One piece of all rows after the other: so the sum stays in registers, and
    /// the processor, which sees no row wait for another, fetches many at a time.
    fn add(&self, sums: &mut [Lanes], rows: &[usize]) {
        for (number, sum) in sums.iter_mut().enumerate() {
            *sum = rows.iter().fold(*sum, |sum, start| {
                let values = &self.dense[start + number];
                std::array::from_fn(|lane| sum[lane] + values[lane])
            });
        }
    }

    /// What a feature adds to one label's score.
    #[inline]
    pub(super) fn contribution(&self, said: &Said, label: usize, scales: &[f64; FIELDS]) -> f64 {
        let Said { row, field, .. } = *said;
        let value = match row.kind {
            Kind::Unknown => 0.0,
            Kind::Sparse(number) => {
                let own = self.cells_of(row, number).iter().find(|(own, _)| usize::from(*own) == label);
                let floor = self.floors.get(field as usize).map_or(0.0, |floor| floor[label]);
                f64::from(row.weight) * floor + own.map_or(0.0, |(_, value)| f64::from(*value)) - f64::from(row.mean)
            }
            Kind::Dense | Kind::WithAny => f64::from(self.dense[row.start as usize..].as_flattened()[label]),
        };
        scales[field as usize] * value
    }
}
