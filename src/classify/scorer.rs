//! Sparse naive-Bayes scoring: features of a document against fitted tables.
//!
//! The score of label *k* for a document with known features *F* (each once), on one axis:
//!
//! ```text
//! score(k) = prior(k) + sum over fields φ of  w(φ) / n(φ)^ρ  *  sum over f in F∩φ of  v(f, k)
//! v(f, k)  = floor(φ, k) + deviation(f, k)        centred: minus its mean over all labels
//! P(k)     = softmax over k of score(k) / T       by log-sum-exp
//! ```
//!
//! `n(φ)` is the number of known features in the field, `w` the field's weight, `ρ` the length exponent and `T` the
//! temperature; without a known feature, `prior` is unweighted and `T` is 1. `floor(φ, k)` is what a feature says about a label it was never seen with; only deviations from it are
//! stored. Centring leaves every probability unchanged and makes the largest contributions the reasons for a label.

use std::collections::HashMap;

use super::{
    Classification, Decision, Evidence, LabelProbability, MAX_SPANS, Options,
    features::{self, FIELDS, Field},
    tables::{AxisTables, Tables, TablesError},
};
use crate::text::{Document, Span};

/// Scoring tables, checked and laid out for look-ups.
#[derive(Debug, Default)]
pub struct Scorer {
    /// A seeded hash: feature ids come from a file, which may be made to crowd an unseeded one.
    index: HashMap<u64, u32, foldhash::fast::RandomState>,
    fields: Vec<Field>,
    axes: [Option<AxisScorer>; 2],
}

/// One axis of a [`Scorer`]. All values are centred over the labels.
#[derive(Debug)]
struct AxisScorer {
    labels: Vec<LabelNames>,
    /// The log prior, weighted.
    prior: Vec<f64>,
    /// The log prior itself: all that can be said of a document without a known feature.
    frequency: Vec<f64>,
    floors: Vec<Vec<f64>>,
    weights: Vec<f64>,
    length_exponent: f64,
    temperature: f64,
    /// Cells of feature `f` are `starts[f]..starts[f + 1]`.
    starts: Vec<u32>,
    cell_labels: Vec<u16>,
    cell_values: Vec<f32>,
    /// By feature: the mean of its deviations over all labels.
    means: Vec<f64>,
}

#[derive(Debug)]
struct LabelNames {
    id: String,
    display: String,
}

/// A known feature at one of its places.
#[derive(Clone, Copy, Debug)]
struct Hit {
    ngram: u64,
    feature: u32,
    span: Span,
}

/// The known features of a document; `default` has none: what a document in an unknown language is given.
#[derive(Debug, Default)]
pub struct Hits {
    /// At every place, in reading order.
    places: Vec<Hit>,
    /// Each feature once, ascending.
    features: Vec<u32>,
    /// Each feature once, with its n-gram, ascending by n-gram.
    ngrams: Vec<(u64, u32)>,
}

fn centre(values: &mut [f64]) {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    values.iter_mut().for_each(|value| *value -= mean);
}

impl AxisScorer {
    /// Lays out tables that were checked.
    fn new(tables: AxisTables, display: impl Fn(&str) -> String) -> Self {
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
            weights: tables.weights,
            length_exponent: tables.length_exponent,
            temperature: tables.temperature,
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

    /// The factor of each field's score for a document with these features.
    fn scales(&self, fields: &[Field], features: &[u32]) -> [f64; FIELDS] {
        let mut lengths = [0_u32; FIELDS];
        for &feature in features.iter().filter(|&&feature| !self.cells(feature).0.is_empty()) {
            lengths[fields[feature as usize].index()] += 1;
        }
        std::array::from_fn(|field| match lengths[field] {
            0 => 0.0,
            n => self.weights[field] / libm::pow(f64::from(n), self.length_exponent),
        })
    }

    /// What a label's score begins with, and what scores are divided by: for a document without a known feature, the
    /// frequency of the label, uncalibrated.
    fn start(&self, features: &[u32]) -> (&[f64], f64) {
        if features.iter().any(|&feature| !self.cells(feature).0.is_empty()) {
            (&self.prior, self.temperature)
        } else {
            (&self.frequency, 1.0)
        }
    }

    /// The score of every label.
    fn scores(&self, fields: &[Field], features: &[u32], scales: &[f64; FIELDS]) -> Vec<f64> {
        let mut scores = self.start(features).0.to_vec();
        let mut lengths = [0_u32; FIELDS];
        let mut shift = 0.0;
        for &feature in features {
            let (labels, values) = self.cells(feature);
            if labels.is_empty() {
                continue;
            }
            let field = fields[feature as usize].index();
            lengths[field] += 1;
            let scale = scales[field];
            for (&label, &value) in labels.iter().zip(values) {
                scores[usize::from(label)] += scale * f64::from(value);
            }
            shift += scale * self.means[feature as usize];
        }
        for (field, floor) in self.floors.iter().enumerate() {
            let scale = scales[field] * f64::from(lengths[field]);
            scores.iter_mut().zip(floor).for_each(|(score, value)| *score += scale * value);
        }
        scores.iter_mut().for_each(|score| *score -= shift);
        scores
    }

    /// What one feature adds to one label's score; `None` if the axis does not know it.
    fn contribution(&self, field: Field, feature: u32, label: usize, scales: &[f64; FIELDS]) -> Option<f64> {
        let (labels, values) = self.cells(feature);
        if labels.is_empty() {
            return None;
        }
        let own = labels.iter().position(|&l| usize::from(l) == label).map_or(0.0, |at| f64::from(values[at]));
        let field = field.index();
        Some(scales[field] * (self.floors[field][label] + own - self.means[feature as usize]))
    }

    fn classify(&self, document: &Document<'_>, fields: &[Field], hits: &Hits, options: &Options) -> Classification {
        let scales = self.scales(fields, &hits.features);
        let scores = self.scores(fields, &hits.features, &scales);
        let (start, temperature) = self.start(&hits.features);
        let probabilities = softmax(&scores, temperature);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        // Labels are sorted by id and the sort is stable, so equal probabilities stay in the order of ids.
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let label = order[0];

        let mut contributions = self.contributions(fields, hits, label, &scales);
        let known = !contributions.is_empty();
        let total: f64 = contributions.iter().map(|(_, contribution)| contribution).sum();
        contributions.sort_unstable_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        contributions.truncate(options.max_evidence);
        let listed: f64 = contributions.iter().map(|(_, contribution)| contribution).sum();
        let evidence = hits.evidence(document, contributions);
        Classification {
            label: self.labels[label].id.clone(),
            display_name: self.labels[label].display.clone(),
            probability: probabilities[label],
            decision: if known { Decision::Accepted } else { Decision::NoEvidence },
            score: scores[label],
            prior_contribution: start[label],
            evidence,
            remaining_contribution: total - listed,
            alternatives: order[1..]
                .iter()
                .take(options.max_alternatives)
                .map(|&other| LabelProbability {
                    label: self.labels[other].id.clone(),
                    probability: probabilities[other],
                })
                .collect(),
            label_set: Vec::new(),
        }
    }

    /// What each n-gram that the axis knows adds to the label, all its zones together; ascending by n-gram.
    fn contributions(&self, fields: &[Field], hits: &Hits, label: usize, scales: &[f64; FIELDS]) -> Vec<(u64, f64)> {
        let mut contributions: Vec<(u64, f64)> = Vec::with_capacity(hits.ngrams.len());
        for &(ngram, feature) in &hits.ngrams {
            let Some(value) = self.contribution(fields[feature as usize], feature, label, scales) else { continue };
            match contributions.last_mut() {
                Some((last, sum)) if *last == ngram => *sum += value,
                Some(_) | None => contributions.push((ngram, value)),
            }
        }
        contributions
    }
}

impl Hits {
    /// N-grams and their contributions with the places where they stand.
    fn evidence(&self, document: &Document<'_>, contributions: Vec<(u64, f64)>) -> Vec<Evidence> {
        let evidence = |(ngram, contribution)| {
            let mut places = self.places.iter().filter(|hit| hit.ngram == ngram).map(|hit| hit.span);
            let spans: Vec<Span> = places.by_ref().take(MAX_SPANS).collect();
            let occurrences = u32::try_from(spans.len() + places.count()).unwrap_or(u32::MAX);
            let text = spans.first().map(|span| span.slice(&document.article).to_owned()).unwrap_or_default();
            Evidence { text, spans, contribution, occurrences }
        };
        contributions.into_iter().map(evidence).collect()
    }
}

/// Probabilities of scores divided by a temperature, by log-sum-exp.
#[must_use]
pub fn softmax(scores: &[f64], temperature: f64) -> Vec<f64> {
    let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut powers: Vec<f64> = scores.iter().map(|score| libm::exp((score - best) / temperature)).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter_mut().for_each(|power| *power /= sum);
    powers
}

impl Scorer {
    /// Checks tables and lays them out.
    ///
    /// `display` gives the English name of a label on an axis (by the axis's number).
    ///
    /// # Errors
    ///
    /// Tables that contradict themselves, as a damaged or forged file may hold.
    pub fn new(tables: Tables, display: impl Fn(usize, &str) -> String) -> Result<Self, TablesError> {
        tables.check()?;
        let fields = tables.fields.iter().filter_map(|&number| Field::new(number)).collect();
        let mut axes = [None, None];
        for (number, axis) in tables.axes.into_iter().enumerate() {
            if let Some(axis) = axis {
                axes[number] = Some(AxisScorer::new(axis, |id| display(number, id)));
            }
        }
        let index = tables.features.into_iter().zip(0..).collect();
        Ok(Scorer { index, fields, axes })
    }

    /// The features of a document that the tables know.
    #[must_use]
    pub fn hits(&self, document: &Document<'_>) -> Hits {
        let mut places = Vec::new();
        features::visit(document, |occurrence| {
            if let Some(&feature) = self.index.get(&occurrence.feature) {
                places.push(Hit { ngram: occurrence.ngram, feature, span: occurrence.span });
            }
        });
        let mut ngrams: Vec<(u64, u32)> = places.iter().map(|hit| (hit.ngram, hit.feature)).collect();
        ngrams.sort_unstable();
        ngrams.dedup();
        let mut features: Vec<u32> = ngrams.iter().map(|(_, feature)| *feature).collect();
        features.sort_unstable();
        Hits { places, features, ngrams }
    }

    /// Both labels of a document. An axis the tables do not hold is `None`.
    #[must_use]
    pub fn classify(&self, document: &Document<'_>, hits: &Hits, options: &Options) -> [Option<Classification>; 2] {
        self.axes.each_ref().map(|axis| axis.as_ref().map(|axis| axis.classify(document, &self.fields, hits, options)))
    }

    /// The label ids of an axis by its number, ascending.
    #[must_use]
    pub fn labels(&self, axis: usize) -> Vec<&str> {
        let labels = self.axes.get(axis).and_then(Option::as_ref).map(|axis| &axis.labels);
        labels.into_iter().flatten().map(|label| label.id.as_str()).collect()
    }

    /// The scores and probabilities of every label of an axis by its number, in the order of [`Scorer::labels`].
    #[must_use]
    pub fn scores(&self, axis: usize, hits: &Hits) -> Option<(Vec<f64>, Vec<f64>)> {
        let axis = self.axes.get(axis)?.as_ref()?;
        let scales = axis.scales(&self.fields, &hits.features);
        let scores = axis.scores(&self.fields, &hits.features, &scales);
        let probabilities = softmax(&scores, axis.start(&hits.features).1);
        Some((scores, probabilities))
    }

    /// What speaks for a label of an axis (by its number), strongest first. Empty if there is no such label.
    #[must_use]
    pub fn evidence(
        &self,
        axis: usize,
        label: &str,
        document: &Document<'_>,
        hits: &Hits,
        max: usize,
    ) -> Vec<Evidence> {
        let Some(axis) = self.axes.get(axis).and_then(Option::as_ref) else { return Vec::new() };
        let Some(label) = axis.labels.iter().position(|known| known.id == label) else { return Vec::new() };
        let scales = axis.scales(&self.fields, &hits.features);
        let mut contributions = axis.contributions(&self.fields, hits, label, &scales);
        contributions.retain(|(_, contribution)| *contribution > 0.0);
        contributions.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        contributions.truncate(max);
        hits.evidence(document, contributions)
    }
}
