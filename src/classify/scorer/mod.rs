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
//! a feature says about a label it was never seen with (0 in a name field); only deviations from it are stored. Centring
//! leaves every probability unchanged and makes the largest contributions the reasons for a label.
//!
//! What costs time is not the arithmetic but the memory it reads, which is larger than the caches next to a processor. So an
//! n-gram is looked up once for all its fields (`index`), however often it stands in the document (`hits`); what the axes
//! know of it stands in one place (`rows`), and the memory of many is asked for before the first is used.

mod axis;
mod explain;
mod hits;
mod index;
mod rows;

pub use self::hits::Hits;
use self::{
    axis::{AxisScorer, Layout},
    index::{Index, ngrams},
    rows::{Feature, Rows, Said, Shape},
};
use super::{
    Classification, Decision, Evidence, LabelProbability, Options,
    features::{Field, field_number, ngram_of},
    names::Names,
    tables::{Tables, TablesError},
};
use crate::text::Document;

/// Scoring tables, checked and laid out for look-ups.
#[derive(Debug, Default)]
pub struct Scorer {
    index: Index,
    rows: Rows,
    axes: [Option<AxisScorer>; 2],
    names: Names,
}

/// A document and what an axis knows of it.
#[derive(Clone, Copy)]
struct Reading<'a> {
    document: &'a Document<'a>,
    hits: &'a Hits,
    rows: &'a Rows,
    said: &'a [Said],
}

impl Scorer {
    /// Checks tables and lays them out. `names` are those of the labels' catalog.
    ///
    /// `display` gives the English name of a label on an axis (by the axis's number).
    ///
    /// # Errors
    ///
    /// Tables that contradict themselves, as a damaged or forged file may hold.
    pub fn new(tables: &Tables, names: Names, display: impl Fn(usize, &str) -> String) -> Result<Self, TablesError> {
        tables.check()?;
        let Tables { features, axes: tables } = tables;
        let axis = |number: usize| Some(AxisScorer::new(tables[number].as_ref()?, |id| display(number, id)));
        let axes = [axis(0), axis(1)];
        let layout = |axis: usize| Some(Layout::new(axis, axes[axis].as_ref()?, tables[axis].as_ref()?, features));
        let layouts = [layout(0), layout(1)];
        let shape = |axis: usize, at: usize| layouts[axis].as_ref().map_or(Shape::UNKNOWN, |layout| layout.shape(at));
        let labels = axes.each_ref().map(|axis| axis.as_ref().map_or(0, |axis| axis.labels.len()));
        let shapes = [0, 1].map(|axis| (0..features.len()).map(move |at| shape(axis, at)));
        let is_known = |at: usize| [0, 1].iter().any(|&axis| shape(axis, at) != Shape::UNKNOWN);
        let known = ngrams(features).scan(0, |next, ngram| {
            let places = *next..*next + ngram.len();
            *next = places.end;
            Some((places, ngram))
        });
        let known = known.filter(|(places, _)| places.clone().any(is_known));
        let number = known.clone().count();
        let mut rows = Rows::new(labels, number, shapes);
        let mut indexed = Vec::with_capacity(number);
        let (mut of_axes, mut values) = ([Vec::new(), Vec::new()], Vec::new());
        for (places, ngram) in known {
            for (axis, known) in of_axes.iter_mut().enumerate() {
                let own = places.clone().zip(ngram).map(|(at, feature)| (shape(axis, at), Field::of(*feature)));
                known.clear();
                known.extend(own.scan(Shape::UNKNOWN, |before, (shape, field)| {
                    let is_in_body = std::mem::replace(before, shape) == Shape::WITH_ANY;
                    Some(Feature { field: field?, shape, is_in_body })
                }));
                known.retain(|feature| feature.shape != Shape::UNKNOWN);
            }
            let fields = ngram.iter().fold(0, |fields, feature| fields | 1 << field_number(*feature));
            indexed.push(rows.push_ngram(ngram_of(ngram[0]), fields, of_axes.each_ref().map(Vec::as_slice)));
            for layout in layouts.iter().flatten() {
                places.clone().for_each(|at| layout.push(at, &mut values, &mut rows));
            }
        }
        // An n-gram that is known in more zones is more frequent.
        indexed.sort_by_key(|ngram| std::cmp::Reverse(ngram.others.map(u32::from).iter().sum::<u32>()));
        Ok(Scorer { index: Index::new(&indexed), rows, axes, names })
    }

    /// The features of a document that the tables know.
    #[must_use]
    pub fn hits(&self, document: &Document<'_>) -> Hits {
        Hits::new(document, &self.names, &self.index, &self.rows)
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
        std::array::from_fn(|axis| {
            let reading = Reading { document, hits, rows: &self.rows, said: &hits.said[axis] };
            let asked = options.explain.get(axis).and_then(Option::as_deref);
            Some(self.axes[axis].as_ref()?.classify(&reading, is_foreign, asked, options))
        })
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
        let scored = self.axes.get(axis)?.as_ref()?.score(&self.rows, &hits.said[axis]);
        Some((scored.scores, scored.probabilities))
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
        let Some(scorer) = self.axes.get(axis).and_then(Option::as_ref) else { return Vec::new() };
        let Some(label) = scorer.labels.iter().position(|known| known.id == label) else { return Vec::new() };
        scorer.evidence(&Reading { document, hits, rows: &self.rows, said: &hits.said[axis] }, label, max)
    }
}

impl AxisScorer {
    /// The answer on the axis; `asked` is the id of a label to explain besides the chosen one.
    fn classify(
        &self,
        reading: &Reading<'_>,
        is_foreign: bool,
        asked: Option<&str>,
        options: &Options,
    ) -> Classification {
        let scored = self.score(reading.rows, reading.said);
        let mut order: Vec<usize> = (0..scored.scores.len()).collect();
        // Labels are sorted by id and the sort is stable, so equal probabilities stay in the order of ids.
        order.sort_by(|&a, &b| scored.scores[b].total_cmp(&scored.scores[a]));
        let explain = |label| self.explain(reading, &scored, label, options.max_evidence);
        let chosen = explain(order[0]);
        let decision = if !scored.is_known {
            Decision::NoEvidence
        } else if is_foreign {
            Decision::OutOfDistribution
        } else if chosen.probability < self.calibration.threshold(options.precision) {
            Decision::Uncertain
        } else {
            Decision::Accepted
        };
        let falling = order.iter().map(|&label| scored.probabilities[label]);
        // An article that nothing is known of rules no label out, however rare: frequencies speak for articles like those
        // of training only.
        let in_set = if scored.is_known { self.calibration.label_set(falling, options.coverage) } else { order.len() };
        let id = |label: &usize| self.labels[*label].id.clone();
        let other = |label: &usize| LabelProbability { label: id(label), probability: scored.probabilities[*label] };
        let asked = asked.and_then(|asked| self.labels.binary_search_by(|label| label.id.as_str().cmp(asked)).ok());
        Classification {
            decision,
            chosen,
            alternatives: order[1..].iter().take(options.max_alternatives).map(other).collect(),
            label_set: order.iter().take(in_set).map(id).collect(),
            explanation: asked.map(explain),
        }
    }
}

#[cfg(test)]
mod tests;
