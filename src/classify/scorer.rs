//! Sparse naive-Bayes scoring: features of a document against fitted tables.
//!
//! The score of label *k* for a document with known features *F* (each once), on one axis:
//!
//! ```text
//! score(k) = prior(k) + sum over fields φ of  1 / n(φ)^ρ  *  sum over f in F∩φ of  w(f) v(f, k)
//! v(f, k)  = floor(φ, k) + deviation(f, k)        centred: minus its mean over all labels
//! P(k)     = softmax over k of score(k) / T       by log-sum-exp
//! ```
//!
//! `n(φ)` is the number of known features in the field (1 in a name field), `w` the feature's weight, `ρ` the length
//! exponent and `T` the temperature; without a known feature, `prior` is unweighted and `T` is 1. `floor(φ, k)` is what
//! a feature says about a label it was never seen with (0 in a name field); only deviations from it are stored. Centring leaves every probability unchanged and makes the largest contributions the reasons for a label.

use std::collections::HashMap;

use super::{
    Calibration, Classification, Decision, Evidence, Explanation, LabelProbability, MAX_SPANS, Options,
    features::{self, FIELDS, Field, TERM_FIELDS},
    names::Names,
    tables::{AxisTables, Tables, TablesError},
};
use crate::text::{Document, Part, Span};

/// Scoring tables, checked and laid out for look-ups.
#[derive(Debug, Default)]
pub struct Scorer {
    /// A seeded hash: feature ids come from a file, which may be made to crowd an unseeded one.
    index: HashMap<u64, u32, foldhash::fast::RandomState>,
    fields: Vec<Field>,
    axes: [Option<AxisScorer>; 2],
    names: Names,
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
    length_exponent: f64,
    calibration: Calibration,
    weights: Vec<f32>,
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

/// A document, its known features, and whether it is like the articles of training.
#[derive(Clone, Copy)]
struct Reading<'a> {
    document: &'a Document<'a>,
    fields: &'a [Field],
    hits: &'a Hits,
    is_foreign: bool,
}

/// What one axis says of a document, by label.
struct Scored<'a> {
    start: &'a [f64],
    scores: Vec<f64>,
    probabilities: Vec<f64>,
    scales: [f64; FIELDS],
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
    fn scales(&self, fields: &[Field], features: &[u32]) -> [f64; FIELDS] {
        let mut lengths = [0_u32; FIELDS];
        for &feature in features.iter().filter(|&&feature| !self.cells(feature).0.is_empty()) {
            lengths[fields[feature as usize].index()] += 1;
        }
        std::array::from_fn(|field| match lengths[field] {
            n if field < TERM_FIELDS && n > 0 => 1.0 / libm::pow(f64::from(n), self.length_exponent),
            _ => 1.0,
        })
    }

    /// What a label's score begins with, and what scores are divided by: for a document without a known feature, the
    /// frequency of the label, uncalibrated.
    fn start(&self, features: &[u32]) -> (&[f64], f64) {
        if features.iter().any(|&feature| !self.cells(feature).0.is_empty()) {
            (&self.prior, self.calibration.temperature)
        } else {
            (&self.frequency, 1.0)
        }
    }

    /// The score of every label.
    fn scores(&self, fields: &[Field], features: &[u32], scales: &[f64; FIELDS]) -> Vec<f64> {
        let mut scores = self.start(features).0.to_vec();
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
    fn contribution(&self, field: Field, feature: u32, label: usize, scales: &[f64; FIELDS]) -> Option<f64> {
        let (labels, values) = self.cells(feature);
        if labels.is_empty() {
            return None;
        }
        let own = labels.iter().position(|&l| usize::from(l) == label).map_or(0.0, |at| f64::from(values[at]));
        let floor = self.floors.get(field.index()).map_or(0.0, |floor| floor[label]);
        let factor = scales[field.index()] * f64::from(self.weights[feature as usize]);
        Some(factor * (floor + own - self.means[feature as usize]))
    }

    fn classify(&self, article: &Reading<'_>, axis: usize, options: &Options) -> Classification {
        let Reading { fields, hits, .. } = *article;
        let scales = self.scales(fields, &hits.features);
        let scores = self.scores(fields, &hits.features, &scales);
        let (start, temperature) = self.start(&hits.features);
        let scored = Scored { probabilities: softmax(&scores, temperature), scores, start, scales };
        let mut order: Vec<usize> = (0..scored.scores.len()).collect();
        // Labels are sorted by id and the sort is stable, so equal probabilities stay in the order of ids.
        order.sort_by(|&a, &b| scored.scores[b].total_cmp(&scored.scores[a]));
        let explanation = self.explain(article, &scored, order[0], options);
        let asked = options.explain.get(axis).and_then(Option::as_deref);
        let asked = asked.and_then(|id| self.labels.binary_search_by(|label| label.id.as_str().cmp(id)).ok());

        let known = hits.features.iter().any(|&feature| !self.cells(feature).0.is_empty());
        let falling = order.iter().map(|&label| scored.probabilities[label]);
        // An article that nothing is known of rules no label out, however rare: frequencies speak for articles like those
        // of training only.
        let in_set = if known { self.calibration.label_set(falling, options.coverage) } else { order.len() };
        let Explanation {
            label,
            display_name,
            probability,
            score,
            prior_contribution,
            evidence,
            remaining_contribution,
        } = explanation;
        Classification {
            decision: if !known {
                Decision::NoEvidence
            } else if article.is_foreign {
                Decision::OutOfDistribution
            } else if probability < self.calibration.threshold(options.precision) {
                Decision::Uncertain
            } else {
                Decision::Accepted
            },
            label,
            display_name,
            probability,
            score,
            prior_contribution,
            evidence,
            remaining_contribution,
            alternatives: order[1..]
                .iter()
                .take(options.max_alternatives)
                .map(|&other| LabelProbability {
                    label: self.labels[other].id.clone(),
                    probability: scored.probabilities[other],
                })
                .collect(),
            label_set: order.iter().take(in_set).map(|&label| self.labels[label].id.clone()).collect(),
            explanation: asked.map(|label| self.explain(article, &scored, label, options)),
        }
    }

    /// Why a label has its score.
    fn explain(&self, article: &Reading<'_>, scored: &Scored<'_>, label: usize, options: &Options) -> Explanation {
        let Reading { document, fields, hits, .. } = *article;
        let mut contributions = self.contributions(fields, hits, label, &scored.scales);
        let total: f64 = contributions.iter().map(|(_, contribution)| contribution).sum();
        contributions.sort_unstable_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        contributions.truncate(options.max_evidence);
        let listed: f64 = contributions.iter().map(|(_, contribution)| contribution).sum();
        Explanation {
            label: self.labels[label].id.clone(),
            display_name: self.labels[label].display.clone(),
            probability: scored.probabilities[label],
            score: scored.scores[label],
            prior_contribution: scored.start[label],
            evidence: hits.evidence(document, contributions),
            remaining_contribution: total - listed,
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
            let mut spans: Vec<Span> =
                self.places.iter().filter(|hit| hit.ngram == ngram).map(|hit| hit.span).collect();
            // An n-gram stands in several fields at once, and the names of labels are found behind all words.
            spans.sort_unstable_by_key(|span| (span.part == Part::Text, span.start, span.end));
            spans.dedup();
            let occurrences = u32::try_from(spans.len()).unwrap_or(u32::MAX);
            spans.truncate(MAX_SPANS);
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
    /// Checks tables and lays them out. `names` are those of the labels' catalog.
    ///
    /// `display` gives the English name of a label on an axis (by the axis's number).
    ///
    /// # Errors
    ///
    /// Tables that contradict themselves, as a damaged or forged file may hold.
    pub fn new(tables: Tables, names: Names, display: impl Fn(usize, &str) -> String) -> Result<Self, TablesError> {
        tables.check()?;
        let fields = tables.fields.iter().filter_map(|&number| Field::new(number)).collect();
        let mut axes = [None, None];
        for (number, axis) in tables.axes.into_iter().enumerate() {
            if let Some(axis) = axis {
                axes[number] = Some(AxisScorer::new(axis, |id| display(number, id)));
            }
        }
        let index = tables.features.into_iter().zip(0..).collect();
        Ok(Scorer { index, fields, axes, names })
    }

    /// The features of a document that the tables know.
    #[must_use]
    pub fn hits(&self, document: &Document<'_>) -> Hits {
        let mut places = Vec::new();
        features::visit(document, &self.names, |occurrence| {
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

    /// Both labels of a document; `is_foreign` says that it is not like the articles of training. An axis the tables do not
    /// hold is `None`.
    #[must_use]
    pub fn classify(
        &self,
        document: &Document<'_>,
        hits: &Hits,
        is_foreign: bool,
        options: &Options,
    ) -> [Option<Classification>; 2] {
        let reading = Reading { document, fields: &self.fields, hits, is_foreign };
        std::array::from_fn(|axis| self.axes[axis].as_ref().map(|scorer| scorer.classify(&reading, axis, options)))
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
