//! One axis of the tables: the scores of its labels.

use super::rows::{LANES, Rows, Said, Shape};
use crate::{
    classify::{
        Calibration, Temperature,
        features::{FIELDS, Field, TERM_FIELDS, same_ngram},
        tables::AxisTables,
    },
    text::Zone,
};

/// Features whose values are added up in 32 bits before their sum is added in 64. With `S` the sum of the absolute values
/// that are added, a score is off by less than `(BLOCK + 2) * 2^-24 * S`.
const BLOCK: usize = 32;

/// Values of a row that are added together as long as there are so many: what the registers of every processor hold.
const WIDE: usize = 3 * LANES;

/// A row is dense if one label in so many has a cell.
const DENSE_SHARE: usize = 4;

/// One axis of a [`Scorer`](super::Scorer). All values are centred over the labels.
#[derive(Debug)]
pub(super) struct AxisScorer {
    pub(super) labels: Vec<LabelNames>,
    /// The log prior, weighted.
    prior: Vec<f64>,
    /// The log prior itself: all that can be said of a document without a known feature.
    frequency: Vec<f64>,
    pub(super) floors: Vec<Vec<f64>>,
    length_exponent: f64,
    pub(super) calibration: Calibration,
}

/// How what one axis knows of single features becomes rows.
pub(super) struct Layout<'a> {
    axis: usize,
    scorer: &'a AxisScorer,
    tables: &'a AxisTables,
    features: &'a [u64],
    /// By feature: its first cell.
    starts: Vec<usize>,
}

impl<'a> Layout<'a> {
    pub(super) fn new(axis: usize, scorer: &'a AxisScorer, tables: &'a AxisTables, features: &'a [u64]) -> Self {
        let ends = tables.cells.iter().scan(0, |end, &cells| {
            *end += usize::from(cells);
            Some(*end)
        });
        Layout { axis, scorer, tables, features, starts: std::iter::once(0).chain(ends).collect() }
    }

    fn is_dense(&self, at: usize) -> bool {
        usize::from(self.tables.cells[at]) * DENSE_SHARE >= self.scorer.labels.len()
    }

    fn holds_any(&self, at: usize) -> bool {
        match self.features.get(at..at + 2) {
            Some(&[feature, next]) => {
                self.scorer.length_exponent == 0.0 && is_any_of(feature, next) && self.is_dense(at + 1)
            }
            Some(_) | None => false,
        }
    }

    /// The shape of a feature's row, by its number.
    pub(super) fn shape(&self, at: usize) -> Shape {
        match (self.holds_any(at), self.is_dense(at)) {
            (true, _) => Shape::WITH_ANY,
            (false, true) => Shape::DENSE,
            (false, false) => Shape::sparse(usize::from(self.tables.cells[at])),
        }
    }

    fn cells(&self, at: usize) -> impl ExactSizeIterator<Item = (&u16, &f32)> + Clone {
        let cells = self.starts[at]..self.starts[at + 1];
        self.tables.cell_labels[cells.clone()].iter().zip(&self.tables.cell_values[cells])
    }

    /// Adds a feature's row, if there is one; `values` is room for the values of all labels.
    pub(super) fn push(&self, at: usize, values: &mut Vec<f64>, rows: &mut Rows) {
        let (weight, labels) = (self.tables.weights[at], self.scorer.labels.len());
        let shape = self.shape(at);
        if shape.is_dense() {
            values.clear();
            values.resize(labels, 0.0);
            self.scorer.add_values(values, self.features[at], weight, self.cells(at));
            if shape == Shape::WITH_ANY {
                let (feature, weight) = (self.features[at + 1], self.tables.weights[at + 1]);
                self.scorer.add_values(values, feature, weight, self.cells(at + 1));
            }
            rows.push_dense(self.axis, values.iter().map(|value| *value as f32));
        } else if shape != Shape::UNKNOWN {
            let cells = self.cells(at).map(|(&label, &value)| (label, weight * value));
            let sum: f64 = cells.clone().map(|(_, value)| f64::from(value)).sum();
            rows.push_sparse(weight, (sum / labels as f64) as f32, cells);
        }
    }
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

/// Adds dense rows to the sums of all labels.
fn add_dense(rows: &Rows, sums: &mut [f32], dense: &[Said], scale: impl Fn(&Said) -> f32 + Copy) {
    let (wide, narrow) = sums.as_chunks_mut::<WIDE>();
    let first = wide.len() * WIDE;
    for (number, sums) in wide.iter_mut().enumerate() {
        rows.add_dense(sums, number * WIDE, dense, scale);
    }
    for (number, sums) in narrow.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        rows.add_dense(sums, first + number * LANES, dense, scale);
    }
}

fn centre(values: &mut [f64]) {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    values.iter_mut().for_each(|value| *value -= mean);
}

impl AxisScorer {
    /// Takes out of tables that were checked what is not said of single features.
    pub(super) fn new(tables: &AxisTables, display: impl Fn(&str) -> String) -> Self {
        let (mut prior, mut floors) = (tables.prior.clone(), tables.floors.clone());
        centre(&mut prior);
        let frequency = prior.clone();
        prior.iter_mut().for_each(|value| *value *= tables.prior_weight);
        floors.iter_mut().for_each(|floor| centre(floor));
        let names = tables.labels.iter().map(|id| LabelNames { display: display(id), id: id.clone() });
        AxisScorer {
            labels: names.collect(),
            prior,
            frequency,
            floors,
            length_exponent: tables.length_exponent,
            calibration: tables.calibration.clone(),
        }
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

    /// What each field's score is multiplied by for a document with these features.
    pub(super) fn scales(&self, said: &[Said]) -> [f64; FIELDS] {
        // No row holds more than one feature unless the exponent is 0.
        if self.length_exponent == 0.0 {
            return [1.0; FIELDS];
        }
        let mut lengths = [0_u32; FIELDS];
        said.iter().for_each(|said| lengths[said.field()] += 1);
        std::array::from_fn(|field| match lengths[field] {
            n if field < TERM_FIELDS && n > 0 => 1.0 / libm::pow(f64::from(n), self.length_exponent),
            _ => 1.0,
        })
    }

    /// What the axis says of a document of which it knows this.
    pub(super) fn score(&self, rows: &Rows, said: &[Said]) -> Scored<'_> {
        let is_known = !said.is_empty();
        // Of a document without a known feature there is nothing to calibrate.
        let (start, temperature) = if is_known {
            (self.prior.as_slice(), self.calibration.temperature)
        } else {
            (self.frequency.as_slice(), Temperature::default())
        };
        let scales = self.scales(said);
        let scores = self.scores(rows, start, said, &scales);
        Scored { is_known, start, probabilities: temperature.probabilities(&scores), scores, scales }
    }

    /// The score of every label.
    fn scores(&self, rows: &Rows, start: &[f64], said: &[Said], scales: &[f64; FIELDS]) -> Vec<f64> {
        let mut scores = start.to_vec();
        let mut sums = vec![0.0_f32; scores.len().next_multiple_of(LANES)];
        // By field: the sum of the factors of features with cells, which all go with the same floors.
        let mut factors = [0.0; FIELDS];
        let mut shift = 0.0;
        // All scales are 1 otherwise: a multiplication less for each value.
        let is_scaled = self.length_exponent != 0.0;
        let (mut dense, mut sparse) = ([Said::default(); BLOCK], [Said::default(); BLOCK]);
        for block in said.chunks(BLOCK) {
            sums.fill(0.0);
            let mut number = 0;
            for (at, said) in block.iter().enumerate() {
                // Both are written, and overwritten unless they are meant: which rows are dense cannot be foreseen.
                dense[number] = *said;
                sparse[at - number] = *said;
                number += usize::from(said.shape().is_dense());
            }
            let (dense, sparse) = (&dense[..number], &sparse[..block.len() - number]);
            for said in sparse {
                let (field, row) = (said.field(), rows.sparse(said));
                let scale = scales[field];
                factors[field] += scale * f64::from(row.weight);
                shift += scale * f64::from(row.mean);
                row.cells().flatten().for_each(|(label, value)| sums[label] += scale as f32 * value);
            }
            if is_scaled {
                add_dense(rows, &mut sums, dense, |said| scales[said.field()] as f32);
            } else {
                add_dense(rows, &mut sums, dense, |_| 1.0);
            }
            scores.iter_mut().zip(&sums).for_each(|(score, sum)| *score += f64::from(*sum));
        }
        for (floor, factor) in self.floors.iter().zip(factors) {
            scores.iter_mut().zip(floor).for_each(|(score, value)| *score += factor * value);
        }
        scores.iter_mut().for_each(|score| *score -= shift);
        scores
    }
}
