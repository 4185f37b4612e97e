//! One axis of the tables: the scores of its labels.

use crate::classify::{
    Calibration, Temperature,
    features::{FIELDS, Field, TERM_FIELDS},
    tables::AxisTables,
};

/// One axis of a [`Scorer`](super::Scorer). All values are centred over the labels.
#[derive(Debug)]
pub(super) struct AxisScorer {
    pub(super) labels: Vec<LabelNames>,
    /// The log prior, weighted.
    prior: Vec<f64>,
    /// The log prior itself: all that can be said of a document without a known feature.
    frequency: Vec<f64>,
    floors: Vec<Vec<f64>>,
    length_exponent: f64,
    pub(super) calibration: Calibration,
    weights: Vec<f32>,
    /// Cells of feature `f` are `starts[f]..starts[f + 1]`.
    starts: Vec<u32>,
    cell_labels: Vec<u16>,
    cell_values: Vec<f32>,
    /// By feature: the mean of its deviations over all labels.
    means: Vec<f64>,
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
    /// Lays out tables that were checked.
    pub(super) fn new(tables: AxisTables, display: impl Fn(&str) -> String) -> Self {
        let starts = std::iter::once(0)
            .chain(tables.cells.iter().scan(0, |at, &cells| {
                *at += u32::from(cells);
                Some(*at)
            }))
            .collect();
        let (mut prior, mut floors) = (tables.prior, tables.floors);
        centre(&mut prior);
        let frequency = prior.clone();
        prior.iter_mut().for_each(|value| *value *= tables.prior_weight);
        floors.iter_mut().for_each(|floor| centre(floor));
        let mut rest = tables.cell_values.as_slice();
        let mut means = Vec::with_capacity(tables.cells.len());
        for &cells in &tables.cells {
            let (own, after) = rest.split_at(usize::from(cells));
            means.push(own.iter().map(|&value| f64::from(value)).sum::<f64>() / tables.labels.len() as f64);
            rest = after;
        }
        let names = tables.labels.into_iter().map(|id| LabelNames { display: display(&id), id });
        AxisScorer {
            labels: names.collect(),
            prior,
            frequency,
            floors,
            length_exponent: tables.length_exponent,
            calibration: tables.calibration,
            weights: tables.weights,
            starts,
            cell_labels: tables.cell_labels,
            cell_values: tables.cell_values,
            means,
        }
    }

    /// The cells of a feature: labels and deviations. Empty if the axis does not know it.
    fn cells(&self, feature: u32) -> (&[u16], &[f32]) {
        let at = feature as usize;
        let range = self.starts[at] as usize..self.starts[at + 1] as usize;
        (&self.cell_labels[range.clone()], &self.cell_values[range])
    }

    /// What each field's score is multiplied by for a document with these features.
    pub(super) fn scales(&self, fields: &[Field], features: &[u32]) -> [f64; FIELDS] {
        let mut lengths = [0_u32; FIELDS];
        for &feature in features.iter().filter(|&&feature| !self.cells(feature).0.is_empty()) {
            lengths[fields[feature as usize].index()] += 1;
        }
        std::array::from_fn(|field| match lengths[field] {
            n if field < TERM_FIELDS && n > 0 => 1.0 / libm::pow(f64::from(n), self.length_exponent),
            _ => 1.0,
        })
    }

    /// What the axis says of a document with these features.
    pub(super) fn score(&self, fields: &[Field], features: &[u32]) -> Scored<'_> {
        let is_known = features.iter().any(|&feature| !self.cells(feature).0.is_empty());
        // Of a document without a known feature there is nothing to calibrate.
        let (start, temperature) = if is_known {
            (self.prior.as_slice(), self.calibration.temperature)
        } else {
            (self.frequency.as_slice(), Temperature::default())
        };
        let scales = self.scales(fields, features);
        let scores = self.scores(start, fields, features, &scales);
        Scored { is_known, start, probabilities: temperature.probabilities(&scores), scores, scales }
    }

    /// The score of every label.
    fn scores(&self, start: &[f64], fields: &[Field], features: &[u32], scales: &[f64; FIELDS]) -> Vec<f64> {
        let mut scores = start.to_vec();
        // By field: the sum of its features' factors, which all go with the same floors.
        let mut factors = [0.0; FIELDS];
        let mut shift = 0.0;
        for &feature in features {
            let (labels, values) = self.cells(feature);
            if labels.is_empty() {
                continue;
            }
            let field = fields[feature as usize].index();
            let factor = scales[field] * f64::from(self.weights[feature as usize]);
            factors[field] += factor;
            for (&label, &value) in labels.iter().zip(values) {
                scores[usize::from(label)] += factor * f64::from(value);
            }
            shift += factor * self.means[feature as usize];
        }
        for (floor, factor) in self.floors.iter().zip(factors) {
            scores.iter_mut().zip(floor).for_each(|(score, value)| *score += factor * value);
        }
        scores.iter_mut().for_each(|score| *score -= shift);
        scores
    }

    /// What one feature adds to one label's score; `None` if the axis does not know it.
    pub(super) fn contribution(&self, field: Field, feature: u32, label: usize, scales: &[f64; FIELDS]) -> Option<f64> {
        let (labels, values) = self.cells(feature);
        if labels.is_empty() {
            return None;
        }
        let own = labels.iter().position(|&l| usize::from(l) == label).map_or(0.0, |at| f64::from(values[at]));
        let floor = self.floors.get(field.index()).map_or(0.0, |floor| floor[label]);
        let factor = scales[field.index()] * f64::from(self.weights[feature as usize]);
        Some(factor * (floor + own - self.means[feature as usize]))
    }
}
