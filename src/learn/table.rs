//! The counts of one axis, and what a model trained without some articles would say.
//!
//! Naive Bayes estimates from counts `c(f, k)` of feature `f` under label `k`. With smoothing `α`, over the `V`
//! features of a field, `N(k)` their total under the label:
//!
//! ```text
//! multinomial   v(f, k) =  ln (c(f, k) + α) - ln (N(k) + αV)
//! complement    v(f, k) = -ln (C(f) - c(f, k) + α) + ln (N - N(k) + αV)      C(f), N: sums over all labels
//! ```
//!
//! A model trained without some articles has their counts subtracted, and nothing else differs; features that fall
//! below the cut-off leave the field. So held-out scores are exact, and cost no training.

use std::collections::HashSet;

use super::weights::HeldOut;
use crate::{
    classify::{
        Axis, Catalog, Label,
        features::{self, FIELDS, Field, feature_id},
    },
    model::{Counts, EventModel, SampleArticle, Settings},
    text::{Article, Document, Language, Zone},
};

/// The counts of one axis, laid out for scoring articles that are left out.
#[derive(Clone, Debug)]
pub struct AxisTable {
    /// Label ids, ascending.
    pub labels: Vec<String>,
    /// By label: articles.
    pub documents: Vec<u64>,
    /// The field of each feature.
    fields: Vec<Field>,
    /// Cells of feature `f` are `starts[f]..starts[f + 1]`.
    starts: Vec<usize>,
    cell_labels: Vec<u16>,
    counts: Vec<u32>,
    /// By cell: whether the feature is an n-gram of a name of the label.
    named: Vec<bool>,
    /// By feature: whether it is an n-gram of any label's name.
    any_name: Vec<bool>,
}

/// Articles that a model is to be imagined without.
#[derive(Clone, Debug, Default)]
pub struct LeftOut {
    /// Feature, label, articles; ascending, each feature and label once.
    cells: Vec<(u32, u16, u32)>,
    /// Label, articles.
    documents: Vec<(u16, u64)>,
}

impl LeftOut {
    /// These articles of one axis.
    pub fn new<'a>(axis: Axis, articles: impl IntoIterator<Item = &'a SampleArticle>) -> Self {
        let mut left_out = LeftOut::default();
        for article in articles {
            let Some(label) = article.labels[axis as usize] else { continue };
            left_out.cells.extend(article.features.iter().map(|&feature| (feature, label, 1)));
            left_out.documents.push((label, 1));
        }
        left_out.cells.sort_unstable();
        left_out.cells.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            if same {
                kept.2 += next.2;
            }
            same
        });
        left_out
    }
}

/// Totals of a table under some settings: what the denominators are made of.
#[derive(Clone, Debug)]
pub(super) struct Totals {
    /// By field: features in it.
    features: [f64; FIELDS],
    /// By field, by label: sum of counts, names included.
    counts: Vec<Vec<f64>>,
}

/// Unweighted scores of one article: by field and label, and how many features each field has.
#[derive(Clone, Debug)]
struct FieldScores {
    /// `scores[field * labels + label]`, in nats, not centred.
    scores: Vec<f64>,
    /// By field: features of the article that the model knows.
    lengths: [u32; FIELDS],
}

/// The features that the names of a label are, in the zones where an article names its own meeting.
pub(super) fn name_features(label: &Label) -> HashSet<(u64, Field)> {
    let mut found = HashSet::new();
    let names = [label.name_en.as_str(), label.name_zh.as_str()];
    for name in label.aliases.iter().map(String::as_str).chain(names) {
        let document = Document::new(Article { title: None, text: name }, Some(Language::English));
        features::visit(&document, |occurrence| {
            for zone in [Zone::HeadlineOwn, Zone::LeadOwn] {
                let field = if occurrence.field.is_bigrams() { Field::bigrams(zone) } else { Field::unigrams(zone) };
                found.insert((feature_id(occurrence.ngram, field), field));
            }
        });
    }
    found
}

/// Joins the cells that were counted with the names of the labels.
fn with_names(counts: &Counts, axis: Axis, catalog: &Catalog) -> AxisTable {
    let source = &counts.axes[axis as usize];
    let mut named_by_label: Vec<Vec<u32>> = Vec::new();
    for id in &source.labels {
        let features = catalog.get(axis, id).map(name_features).unwrap_or_default();
        let mut known: Vec<u32> = features
            .into_iter()
            .filter_map(|(feature, _)| counts.features.binary_search(&feature).ok())
            .map(|index| index as u32)
            .collect();
        known.sort_unstable();
        named_by_label.push(known);
    }
    let mut names: Vec<(u32, u16)> = named_by_label
        .iter()
        .enumerate()
        .flat_map(|(label, features)| features.iter().map(move |&feature| (feature, label as u16)))
        .collect();
    names.sort_unstable();

    let mut table = AxisTable {
        labels: source.labels.clone(),
        documents: source.documents.clone(),
        fields: counts.fields.iter().filter_map(|&number| Field::new(number)).collect(),
        starts: vec![0],
        cell_labels: Vec::new(),
        counts: Vec::new(),
        named: Vec::new(),
        any_name: Vec::new(),
    };
    let (mut at, mut name) = (0, 0);
    for (feature, &cells) in source.cells.cells.iter().enumerate() {
        let end = at + usize::from(cells);
        let first = name;
        while names.get(name).is_some_and(|&(named, _)| named as usize == feature) {
            name += 1;
        }
        let own_names = &names[first..name];
        let counted = (at..end).map(|cell| (source.cells.labels[cell], source.cells.counts[cell]));
        let only_named = own_names.iter().filter(|(_, label)| !source.cells.labels[at..end].contains(label));
        let mut all: Vec<(u16, u32)> = counted.chain(only_named.map(|&(_, label)| (label, 0))).collect();
        all.sort_unstable();
        for (label, count) in all {
            table.cell_labels.push(label);
            table.counts.push(count);
            table.named.push(own_names.iter().any(|&(_, named)| named == label));
        }
        table.any_name.push(!own_names.is_empty());
        table.starts.push(table.cell_labels.len());
        at = end;
    }
    table
}

/// Keeps the prior of a label without an article above zero.
const PRIOR_COUNT: f64 = 1.0;

impl AxisTable {
    /// The counts of an axis; `None` if no article is labelled on it.
    #[must_use]
    pub fn new(counts: &Counts, axis: Axis) -> Option<Self> {
        (!counts.axes[axis as usize].labels.is_empty()).then(|| with_names(counts, axis, &counts.catalog))
    }

    fn cells(&self, feature: u32) -> std::ops::Range<usize> {
        self.starts[feature as usize]..self.starts[feature as usize + 1]
    }

    /// The table without some articles, which must be in it.
    #[must_use]
    pub fn minus(&self, left_out: &LeftOut) -> Self {
        let mut table = self.clone();
        for &(feature, label, articles) in &left_out.cells {
            for cell in self.cells(feature) {
                if self.cell_labels[cell] == label {
                    table.counts[cell] = table.counts[cell].saturating_sub(articles);
                }
            }
        }
        for &(label, articles) in &left_out.documents {
            let documents = &mut table.documents[usize::from(label)];
            *documents = documents.saturating_sub(articles);
        }
        table
    }

    /// Number of features, known or not.
    #[must_use]
    pub fn features(&self) -> usize {
        self.fields.len()
    }

    /// The field of a feature.
    #[must_use]
    pub fn field(&self, feature: u32) -> Field {
        self.fields[feature as usize]
    }

    /// Whether a feature held by this many articles is in its field.
    fn in_field(&self, feature: u32, documents: u32, settings: &Settings) -> bool {
        documents >= settings.min_documents || (settings.name_count > 0.0 && self.any_name[feature as usize])
    }

    /// Articles with a feature.
    #[must_use]
    pub fn documents_of(&self, feature: u32) -> u32 {
        self.counts[self.cells(feature)].iter().sum()
    }

    /// Whether the model knows a feature.
    #[must_use]
    pub fn knows(&self, feature: u32, settings: &Settings) -> bool {
        self.in_field(feature, self.documents_of(feature), settings)
    }

    /// The labels of a feature with their counts, names included: ascending, none of them 0.
    pub fn smoothed<'a>(&'a self, feature: u32, settings: &'a Settings) -> impl Iterator<Item = (u16, f64)> + 'a {
        self.cells(feature)
            .map(|cell| (self.cell_labels[cell], self.value(cell, self.counts[cell], settings)))
            .filter(|(_, value)| *value > 0.0)
    }

    fn value(&self, cell: usize, count: u32, settings: &Settings) -> f64 {
        f64::from(count) + if self.named[cell] { settings.name_count } else { 0.0 }
    }

    /// What the denominators are made of.
    pub(super) fn totals(&self, settings: &Settings) -> Totals {
        let mut totals = Totals { features: [0.0; FIELDS], counts: vec![vec![0.0; self.labels.len()]; FIELDS] };
        for feature in (0..self.fields.len() as u32).filter(|&feature| self.knows(feature, settings)) {
            let field = self.field(feature).index();
            totals.features[field] += 1.0;
            for (label, value) in self.smoothed(feature, settings) {
                totals.counts[field][usize::from(label)] += value;
            }
        }
        totals
    }

    /// What a feature says about every label it does not stand with, by field and label: `-ln (N(k) + αV)` and its
    /// complement, without the part that is the same for all labels.
    pub(super) fn floors(&self, totals: &Totals, settings: &Settings) -> Vec<Vec<f64>> {
        let floor = |field: usize| -> Vec<f64> {
            let counts = &totals.counts[field];
            let smoothing = settings.alpha * totals.features[field];
            let all: f64 = counts.iter().sum();
            // A field without features says nothing; its floors are never read.
            let log = |value: f64| if value > 0.0 { libm::log(value) } else { 0.0 };
            match settings.event_model {
                EventModel::Multinomial => counts.iter().map(|count| -log(count + smoothing)).collect(),
                EventModel::Complement => counts.iter().map(|count| log(all - count + smoothing)).collect(),
            }
        };
        (0..FIELDS).map(floor).collect()
    }

    /// How far a feature's value for a label it stands with lies above the floor.
    pub(super) fn deviation(value: f64, feature_total: f64, settings: &Settings) -> f64 {
        let alpha = settings.alpha;
        match settings.event_model {
            EventModel::Multinomial => libm::log(value + alpha) - libm::log(alpha),
            EventModel::Complement => libm::log(feature_total + alpha) - libm::log(feature_total - value + alpha),
        }
    }

    /// The model that training without some articles would give. `totals` are those of the whole table under the same
    /// settings.
    pub(super) fn without<'a>(&'a self, left_out: &'a LeftOut, totals: &Totals, settings: &'a Settings) -> View<'a> {
        let floors = if left_out.cells.is_empty() {
            self.floors(totals, settings)
        } else {
            self.floors(&self.reduce(totals, left_out, settings), settings)
        };
        View { table: self, settings, left_out, floors, prior: self.log_prior(left_out) }
    }

    /// Totals without some articles.
    fn reduce(&self, totals: &Totals, left_out: &LeftOut, settings: &Settings) -> Totals {
        let mut totals = totals.clone();
        for same in left_out.cells.chunk_by(|a, b| a.0 == b.0) {
            let feature = same[0].0;
            let cells = self.cells(feature);
            let before: u32 = self.counts[cells.clone()].iter().sum();
            let gone: u32 = same.iter().map(|cell| cell.2).sum();
            if !self.in_field(feature, before, settings) {
                continue;
            }
            let field = self.field(feature).index();
            if self.in_field(feature, before.saturating_sub(gone), settings) {
                for &(_, label, articles) in same {
                    totals.counts[field][usize::from(label)] -= f64::from(articles);
                }
            } else {
                totals.features[field] -= 1.0;
                for cell in cells {
                    let label = usize::from(self.cell_labels[cell]);
                    totals.counts[field][label] -= self.value(cell, self.counts[cell], settings);
                }
            }
        }
        totals
    }

    /// The log prior of every label without some articles.
    #[must_use]
    pub fn log_prior(&self, left_out: &LeftOut) -> Vec<f64> {
        let mut documents: Vec<f64> = self.documents.iter().map(|&n| n as f64 + PRIOR_COUNT).collect();
        for &(label, articles) in &left_out.documents {
            documents[usize::from(label)] -= articles as f64;
        }
        let total: f64 = documents.iter().sum();
        documents.into_iter().map(|n| libm::log(n / total)).collect()
    }
}

/// A table under some settings, without some articles: a model that was never trained.
pub(super) struct View<'a> {
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
    pub(super) fn held_out(&self, label: usize, features: &[u32]) -> HeldOut {
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

#[cfg(test)]
mod tests {
    use super::*;
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
