//! Scores by a model that was never trained: a table without some articles.

use super::{AxisTable, LeftOut, Totals};
use crate::{classify::features::FIELDS, learn::weights::HeldOut, model::Settings};

/// Unweighted scores of one article: by field and label, and how many features each field has.
#[derive(Clone, Debug)]
struct FieldScores {
    /// `scores[field * labels + label]`, in nats, not centred.
    scores: Vec<f64>,
    /// By field: features of the article that the model knows.
    lengths: [u32; FIELDS],
}

/// A table under some settings, without some articles: a model that was never trained.
pub(in crate::learn) struct View<'a> {
    table: &'a AxisTable,
    settings: &'a Settings,
    left_out: &'a LeftOut,
    floors: Vec<Vec<f64>>,
    /// The log prior of every label.
    prior: Vec<f64>,
}

impl View<'_> {
    /// The unweighted scores of an article; `features` ascending.
    fn field_scores(&self, features: &[u32]) -> FieldScores {
        let (table, settings) = (self.table, self.settings);
        let labels = table.labels.len();
        let mut scores = vec![0.0; FIELDS * labels];
        let mut lengths = [0; FIELDS];
        let mut values: Vec<(u16, f64)> = Vec::new();
        let mut remaining = self.left_out.cells.as_slice();
        for &feature in features {
            remaining = &remaining[remaining.partition_point(|cell| cell.0 < feature)..];
            let gone = remaining.iter().take_while(|cell| cell.0 == feature);
            values.clear();
            let mut documents = 0;
            let mut total = 0.0;
            for cell in table.cells(feature) {
                let label = table.cell_labels[cell];
                let less = gone.clone().find(|(_, gone, _)| *gone == label).map_or(0, |(_, _, articles)| *articles);
                let count = table.counts[cell].saturating_sub(less);
                documents += count;
                let value = table.value(cell, count, settings);
                if value > 0.0 {
                    values.push((label, value));
                    total += value;
                }
            }
            if values.is_empty() || !table.in_field(feature, documents, settings) {
                continue;
            }
            let field = table.field(feature).index();
            lengths[field] += 1;
            for &(label, value) in &values {
                scores[field * labels + usize::from(label)] += AxisTable::deviation(value, total, settings);
            }
        }
        for (field, floor) in self.floors.iter().enumerate() {
            let length = f64::from(lengths[field]);
            let own = &mut scores[field * labels..(field + 1) * labels];
            own.iter_mut().zip(floor).for_each(|(score, value)| *score += length * value);
        }
        FieldScores { scores, lengths }
    }

    /// An article's scores as weights are learnt from and applied to them.
    pub(in crate::learn) fn held_out(&self, label: usize, features: &[u32]) -> HeldOut {
        let FieldScores { mut scores, lengths } = self.field_scores(features);
        let labels = self.table.labels.len();
        for field in 0..FIELDS {
            if lengths[field] > 0 {
                let divisor = libm::pow(f64::from(lengths[field]), self.settings.length_exponent);
                scores[field * labels..(field + 1) * labels].iter_mut().for_each(|score| *score /= divisor);
            }
        }
        HeldOut::new(label, lengths.iter().any(|&length| length > 0), &scores, &self.prior)
    }
}

impl AxisTable {
    /// The model that training without some articles would give. `totals` are those of the whole table under the same
    /// settings.
    pub(in crate::learn) fn without<'a>(
        &'a self,
        left_out: &'a LeftOut,
        totals: &Totals,
        settings: &'a Settings,
    ) -> View<'a> {
        let floors = if left_out.cells.is_empty() {
            self.floors(totals, settings)
        } else {
            self.floors(&self.reduce(totals, left_out, settings), settings)
        };
        View { table: self, settings, left_out, floors, prior: self.log_prior(left_out) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::Axis;
    use crate::learn::testing::{counts_of, small_corpus, some_settings};

    /// What an article gets when its group is left out is what a model trained without the group gives it.
    #[test]
    fn leaving_out_equals_training_without() {
        let corpus = small_corpus();
        let counts = counts_of(&corpus);
        for axis in Axis::ALL {
            let table = AxisTable::new(&counts, axis).unwrap();
            for settings in some_settings() {
                let totals = table.totals(&settings);
                for article in corpus.iter().filter(|article| article.labels[axis as usize].is_some()) {
                    let group = article.group_digest();
                    let members = counts.sample.iter().filter(|member| member.group == group);
                    let left_out = LeftOut::new(axis, members);
                    let own = counts.sample.iter().find(|sampled| sampled.digest == article.digest()).unwrap();
                    let view = table.without(&left_out, &totals, &settings);
                    let imagined = view.field_scores(&own.features);

                    let rest: Vec<_> = corpus.iter().filter(|other| other.group_digest() != group).cloned().collect();
                    let rest = counts_of(&rest);
                    let trained = AxisTable::new(&rest, axis).unwrap();
                    assert_eq!(trained.labels, table.labels, "the catalog keeps the labels the same");
                    let ids = own.features.iter().map(|&feature| counts.features[feature as usize]);
                    let features: Vec<u32> =
                        ids.filter_map(|id| rest.features.binary_search(&id).ok()).map(|at| at as u32).collect();
                    let (none, trained_totals) = (LeftOut::default(), trained.totals(&settings));
                    let retrained = trained.without(&none, &trained_totals, &settings);
                    let real = retrained.field_scores(&features);

                    assert_eq!(imagined.lengths, real.lengths);
                    for (a, b) in imagined.scores.iter().zip(&real.scores) {
                        assert!((a - b).abs() < 1e-9, "{settings:?} {a} {b}");
                    }
                    let priors = view.prior.iter().zip(&retrained.prior);
                    priors.for_each(|(a, b)| assert!((a - b).abs() < 1e-12));
                    // Subtracting for good gives the same as well.
                    let reduced = table.minus(&left_out);
                    let reduced_totals = reduced.totals(&settings);
                    let again = reduced.without(&none, &reduced_totals, &settings).field_scores(&own.features);
                    for (a, b) in imagined.scores.iter().zip(&again.scores) {
                        assert!((a - b).abs() < 1e-9, "{settings:?} {a} {b}");
                    }
                }
            }
        }
    }
}
