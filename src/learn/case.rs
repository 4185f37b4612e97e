//! One article as a model that was trained without it sees it: what weights are learnt from.

use std::{cmp::Reverse, ops::Range, sync::Arc};

use super::{
    rows::{RowView, Rows},
    table::AxisTable,
};
use crate::{
    classify::{
        AxisTables, Temperature,
        features::{FIELDS, TERM_FIELDS},
        softmax,
    },
    model::Settings,
};

/// The weights of one axis, numbered: one for each word and word pair that the model knows, one for each name field,
/// one for the log prior.
#[derive(Clone, Debug)]
pub(super) struct Parameters {
    /// By feature of the counts: its parameter; `UNKNOWN` if the model does not know it.
    of_feature: Vec<u32>,
    /// By parameter of a word or word pair: its field.
    fields: Vec<u8>,
}

const UNKNOWN: u32 = u32::MAX;

impl Parameters {
    pub(super) fn new(table: &AxisTable, settings: &Settings) -> Self {
        let mut of_feature = vec![UNKNOWN; table.features()];
        let mut fields = Vec::new();
        // What most articles have comes first, so that what is read most stands together.
        let mut terms: Vec<u32> = table.known_terms(settings).collect();
        terms.sort_by_key(|&feature| Reverse(table.documents_of(feature)));
        for feature in terms {
            of_feature[feature as usize] = fields.len() as u32;
            fields.push(table.field(feature).index() as u8);
        }
        for feature in 0..table.features() as u32 {
            if table.named_label(feature).is_some() {
                of_feature[feature as usize] = (fields.len() + table.field(feature).index() - TERM_FIELDS) as u32;
            }
        }
        Parameters { of_feature, fields }
    }

    /// The parameter of a feature of the counts; `None` if the model does not know it.
    pub(super) fn of(&self, feature: u32) -> Option<u32> {
        self.of_feature.get(feature as usize).copied().filter(|&parameter| parameter != UNKNOWN)
    }

    /// Weights of words and word pairs.
    pub(super) fn terms(&self) -> usize {
        self.fields.len()
    }

    /// All weights.
    pub(super) fn len(&self) -> usize {
        self.fields.len() + FIELDS - TERM_FIELDS + 1
    }

    /// The weight of the log prior.
    pub(super) fn prior(&self) -> usize {
        self.len() - 1
    }

    /// The weights that a model is served with: `served` are its feature ids, `counted` those that this table was made of.
    /// A word or word pair that the model does not know gets the mean weight of its field.
    pub(super) fn served(&self, served: &[u64], tables: &AxisTables, counted: &[u64]) -> Vec<f64> {
        let mut weights: Vec<Option<f64>> = vec![None; self.len()];
        weights[self.prior()] = Some(tables.prior_weight);
        for ((id, weight), _) in served.iter().zip(&tables.weights).zip(&tables.cells).filter(|(_, cells)| **cells > 0)
        {
            let feature = counted.binary_search(id).ok().map(|feature| feature as u32);
            if let Some(parameter) = feature.and_then(|feature| self.of(feature)) {
                weights[parameter as usize] = Some(f64::from(*weight));
            }
        }
        let mut sums = [(0.0, 0.0_f64); TERM_FIELDS];
        for (&field, weight) in self.fields.iter().zip(&weights) {
            if let (Some(weight), Some(sum)) = (weight, sums.get_mut(usize::from(field))) {
                *sum = (sum.0 + weight, sum.1 + 1.0);
            }
        }
        let mean = |field: u8| sums.get(usize::from(field)).map_or(0.0, |(sum, n)| sum / n.max(1.0));
        let fields = self.fields.iter().copied().map(Some).chain(std::iter::repeat(None));
        weights.into_iter().zip(fields).map(|(w, field)| w.unwrap_or_else(|| field.map_or(0.0, mean))).collect()
    }

    /// The same weight for all features of a field; the last of `weights` is that of the prior.
    pub(super) fn spread(&self, weights: &[f64; FIELDS + 1]) -> Vec<f64> {
        let terms = self.fields.iter().map(|&field| weights[usize::from(field)]);
        terms.chain(weights[TERM_FIELDS..].iter().copied()).collect()
    }
}

/// What all members of a group share.
#[derive(Debug)]
pub(super) struct Background {
    /// By field of words or word pairs, by label.
    pub(super) floors: Vec<Vec<f64>>,
    /// The log prior of every label.
    pub(super) prior: Vec<f64>,
    /// By label: whether the model has an article of it.
    pub(super) is_counted: Vec<bool>,
}

/// Parameter, field, and labels with what is said of them.
#[cfg(test)]
pub(super) type ReadRow = (usize, usize, Vec<(usize, f64)>);

/// One article as a model that was trained without it sees it.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// The true label.
    pub(super) label: usize,
    /// The features that the model knows, among those of the rows.
    features: Range<usize>,
    rows: Arc<Rows>,
    /// By field: what its score is multiplied by.
    scales: [f64; FIELDS],
    background: Arc<Background>,
}

impl Case {
    /// `features` are those of the article in `rows`. The scores of the fields of words and word pairs are divided by their lengths to
    /// the power of `exponent`.
    pub(super) fn new(
        label: usize,
        features: Range<usize>,
        rows: &Arc<Rows>,
        exponent: f64,
        background: &Arc<Background>,
    ) -> Self {
        let mut lengths = [0_u32; FIELDS];
        rows.article(features.clone(), label).for_each(|row| lengths[row.field] += 1);
        let scale = |field: usize| match lengths[field] {
            n if field < TERM_FIELDS && n > 0 => 1.0 / libm::pow(f64::from(n), exponent),
            _ => 1.0,
        };
        let scales = std::array::from_fn(scale);
        Case { label, features, rows: Arc::clone(rows), scales, background: Arc::clone(background) }
    }

    /// Number of labels.
    pub(super) fn labels(&self) -> usize {
        self.background.prior.len()
    }

    fn rows(&self) -> impl Iterator<Item = RowView<'_>> {
        self.rows.article(self.features.clone(), self.label)
    }

    /// By feature: its parameter and field, and the labels it says something special of with what it says.
    #[cfg(test)]
    pub(super) fn read_rows(&self) -> Vec<ReadRow> {
        let special = |row: RowView<'_>| {
            let mut cells = Vec::new();
            row.for_each(|label, value| cells.extend((value != 0.0).then_some((label, value))));
            cells
        };
        self.rows().map(|row| (row.parameter, row.field, special(row))).collect()
    }

    /// Whether the model knows anything of the article.
    pub(super) fn is_known(&self) -> bool {
        !self.features.is_empty()
    }

    /// Whether something can be learnt from the article: the model knows something of it, and articles of its label. (Of a
    /// label on one event alone none are left without the event. Learning from it would teach that the label with no
    /// articles is the right one.)
    pub(super) fn teaches(&self) -> bool {
        self.is_known() && self.background.is_counted[self.label]
    }

    /// The log prior of every label.
    pub(super) fn prior(&self) -> &[f64] {
        &self.background.prior
    }

    /// The score of every label, not centred.
    pub(super) fn scores(&self, weights: &[f64]) -> Vec<f64> {
        let prior_weight = weights.last().copied().unwrap_or_default();
        let mut scores: Vec<f64> = self.prior().iter().map(|value| prior_weight * value).collect();
        let mut factors = [0.0; TERM_FIELDS];
        for row in self.rows() {
            let factor = weights[row.parameter] * self.scales[row.field];
            if let Some(sum) = factors.get_mut(row.field) {
                *sum += factor;
            }
            row.add_to(&mut scores, factor);
        }
        for (floor, factor) in self.background.floors.iter().zip(factors).filter(|(_, factor)| *factor != 0.0) {
            scores.iter_mut().zip(floor).for_each(|(score, value)| *score += factor * value);
        }
        scores
    }

    /// Adds to `gradient`, by parameter, the derivatives of `slopes · scores`.
    pub(super) fn add_gradient(&self, slopes: &[f64], gradient: &mut [f64]) {
        let along = |values: &[f64]| -> f64 { slopes.iter().zip(values).map(|(slope, value)| slope * value).sum() };
        let mut floors = [0.0; FIELDS];
        self.background.floors.iter().zip(&mut floors).for_each(|(floor, sum)| *sum = along(floor));
        for row in self.rows() {
            gradient[row.parameter] += self.scales[row.field] * (floors[row.field] + row.along(slopes));
        }
        if let Some(last) = gradient.last_mut() {
            *last += along(self.prior());
        }
    }

    /// By label and field, then prior: what each field says with a weight of 1. `x[label * (FIELDS + 1) + field]`.
    pub(super) fn by_field(&self) -> Vec<f64> {
        const WIDTH: usize = FIELDS + 1;
        let mut x = vec![0.0; self.labels() * WIDTH];
        let mut factors = [0.0; TERM_FIELDS];
        for row in self.rows() {
            let scale = self.scales[row.field];
            if let Some(sum) = factors.get_mut(row.field) {
                *sum += scale;
            }
            row.for_each(|label, value| x[label * WIDTH + row.field] += scale * value);
        }
        for (label, row) in x.chunks_exact_mut(WIDTH).enumerate() {
            for (field, factor) in factors.iter().enumerate() {
                row[field] += factor * self.background.floors[field][label];
            }
            row[FIELDS] = self.prior()[label];
        }
        x
    }

    /// The probability of every label. Of an article without a known feature the frequencies of labels are all that can
    /// be said, as when serving.
    #[must_use]
    pub(super) fn probabilities(&self, weights: &[f64], temperature: &Temperature) -> Vec<f64> {
        if self.is_known() { temperature.probabilities(&self.scores(weights)) } else { softmax(self.prior(), 1.0) }
    }
}
