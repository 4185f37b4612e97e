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
//!
//! In a name field `v` is 1 for the label that is named and 0 for all others, whatever the counts: what a name is worth
//! is the weight of the field.

mod view;

use std::sync::Arc;

pub(super) use self::view::Draft;
use super::names::name_ngrams;
use crate::{
    classify::{
        Axis, Catalog,
        features::{Field, TERM_FIELDS},
        name_feature,
    },
    model::{Counts, EventModel, SampleArticle, Settings},
};

/// The counts of one axis, laid out for scoring articles that are left out.
#[derive(Clone, Debug)]
pub(super) struct AxisTable {
    /// Label ids, ascending.
    pub(super) labels: Vec<String>,
    /// By label: articles.
    pub(super) documents: Vec<u64>,
    /// No cut-off is below: features of fewer articles may be missing.
    pub(super) lowest: u32,
    shape: Arc<Shape>,
    /// By cell.
    counts: Vec<u32>,
    /// By feature: the sum of its cells.
    totals: Vec<u32>,
}

/// What is the same in a table and in those made of it by leaving articles out.
#[derive(Debug, Default)]
struct Shape {
    /// The field of each feature.
    fields: Vec<Field>,
    /// Cells of feature `f` are `starts[f]..starts[f + 1]`.
    starts: Vec<u32>,
    cell_labels: Vec<u16>,
    /// By cell: whether the feature is an n-gram of a name of the label.
    named: Vec<bool>,
    /// By feature: whether it is an n-gram of any label's name, or says that a label is named.
    any_name: Vec<bool>,
}

/// Articles that a model is to be imagined without.
#[derive(Clone, Debug, Default)]
pub(super) struct LeftOut {
    /// Feature, label, articles; ascending, each feature and label once.
    cells: Vec<(u32, u16, u32)>,
    /// Label, articles.
    documents: Vec<(u16, u64)>,
}

impl LeftOut {
    /// These articles of one axis.
    pub(super) fn new<'a>(axis: Axis, articles: impl IntoIterator<Item = &'a SampleArticle>) -> Self {
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
    features: [f64; TERM_FIELDS],
    /// By field, by label: sum of counts, names included.
    counts: Vec<Vec<f64>>,
}

/// Joins the cells that were counted with the names of the labels.
fn with_names(counts: &Counts, axis: Axis, catalog: &Catalog) -> AxisTable {
    let source = &counts.axes[axis as usize];
    let mut named_by_label: Vec<Vec<u32>> = Vec::new();
    for id in &source.labels {
        let features = catalog.get(axis, id).map(name_ngrams).unwrap_or_default();
        let mut known: Vec<u32> = features
            .into_iter()
            .filter_map(|feature| counts.features.binary_search(&feature).ok())
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
    // The features that say that a label is named, in their order in the counts.
    let mut naming: Vec<(u32, u16)> = Vec::new();
    for (label, id) in source.labels.iter().enumerate() {
        for field in Field::all().filter(|field| field.is_names()) {
            let feature = counts.features.binary_search(&name_feature(axis, id, field));
            naming.extend(feature.ok().map(|feature| (feature as u32, label as u16)));
        }
    }
    naming.sort_unstable();

    let (features, cells) = (counts.features.len(), source.cells.labels.len() + names.len() + naming.len());
    let mut shape = Shape {
        fields: counts.features.iter().filter_map(|&feature| Field::of(feature)).collect(),
        starts: Vec::with_capacity(features + 1),
        cell_labels: Vec::with_capacity(cells),
        named: Vec::with_capacity(cells),
        any_name: Vec::with_capacity(features),
    };
    shape.starts.push(0);
    let mut counts = Vec::with_capacity(cells);
    let (mut at, mut name) = (0, 0);
    for (feature, &cells) in source.cells.cells.iter().enumerate() {
        let end = at + usize::from(cells);
        if shape.fields[feature].is_names() {
            let named = naming.binary_search_by_key(&(feature as u32), |(feature, _)| *feature);
            if let Ok(found) = named {
                shape.cell_labels.push(naming[found].1);
                counts.push(0);
                shape.named.push(false);
            }
            shape.any_name.push(named.is_ok());
            shape.starts.push(shape.cell_labels.len() as u32);
            at = end;
            continue;
        }
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
            shape.cell_labels.push(label);
            counts.push(count);
            shape.named.push(own_names.iter().any(|&(_, named)| named == label));
        }
        shape.any_name.push(!own_names.is_empty());
        shape.starts.push(shape.cell_labels.len() as u32);
        at = end;
    }
    let (labels, documents) = (source.labels.clone(), source.documents.clone());
    let total = |ends: &[u32]| counts[ends[0] as usize..ends[1] as usize].iter().sum();
    let totals = shape.starts.windows(2).map(total).collect();
    AxisTable { labels, documents, lowest: 0, shape: Arc::new(shape), counts, totals }
}

/// Keeps the prior of a label without an article above zero.
const PRIOR_COUNT: f64 = 1.0;

impl AxisTable {
    /// The counts of an axis; `None` if no article is labelled on it.
    #[must_use]
    pub(super) fn new(counts: &Counts, axis: Axis) -> Option<Self> {
        (!counts.axes[axis as usize].labels.is_empty()).then(|| with_names(counts, axis, &counts.catalog))
    }

    /// A table in which features of fewer articles are missing.
    pub(super) fn with_lowest(self, lowest: u32) -> Self {
        Self { lowest, ..self }
    }

    fn cells(&self, feature: u32) -> std::ops::Range<usize> {
        let starts = &self.shape.starts;
        starts[feature as usize] as usize..starts[feature as usize + 1] as usize
    }

    /// The table without some articles of its axis, which must be in it.
    #[must_use]
    pub(super) fn minus<'a>(&self, axis: Axis, articles: impl Iterator<Item = &'a SampleArticle>) -> Self {
        let mut table = self.clone();
        table.take_out(axis, articles);
        table
    }

    /// Takes articles of its axis out, which must be in it.
    pub(super) fn take_out<'a>(&mut self, axis: Axis, articles: impl Iterator<Item = &'a SampleArticle>) {
        for article in articles {
            let Some(label) = article.labels[axis as usize] else { continue };
            for &feature in &article.features {
                if let Some(cell) = self.cell_of(feature, label).filter(|cell| self.counts[*cell] > 0) {
                    self.counts[cell] -= 1;
                    self.totals[feature as usize] -= 1;
                }
            }
            let documents = &mut self.documents[usize::from(label)];
            *documents = documents.saturating_sub(1);
        }
    }

    /// Puts articles in again that were taken out. (Counts that lacked some of theirs, as forged ones may, are larger then.)
    /// How often a label is named is not counted.
    pub(super) fn put_back<'a>(&mut self, axis: Axis, articles: impl Iterator<Item = &'a SampleArticle>) {
        for article in articles {
            let Some(label) = article.labels[axis as usize] else { continue };
            for &feature in &article.features {
                if let Some(cell) = self.cell_of(feature, label).filter(|_| !self.field(feature).is_names()) {
                    self.counts[cell] = self.counts[cell].saturating_add(1);
                    self.totals[feature as usize] = self.totals[feature as usize].saturating_add(1);
                }
            }
            self.documents[usize::from(label)] += 1;
        }
    }

    /// How many cells features have together.
    pub(super) fn cells_of(&self, features: &[u32]) -> usize {
        features.iter().map(|&feature| self.cells(feature).len()).sum()
    }

    /// Number of features, known or not.
    #[must_use]
    pub(super) fn features(&self) -> usize {
        self.shape.fields.len()
    }

    /// The field of a feature.
    #[must_use]
    pub(super) fn field(&self, feature: u32) -> Field {
        self.shape.fields[feature as usize]
    }

    /// Whether a feature held by this many articles is in its field.
    fn in_field(&self, feature: u32, documents: u32, settings: &Settings) -> bool {
        if self.field(feature).is_names() {
            return self.shape.any_name[feature as usize];
        }
        documents >= settings.min_documents || (settings.name_count > 0.0 && self.shape.any_name[feature as usize])
    }

    /// The label that a feature of a name field names; `None` for other features.
    #[must_use]
    pub(super) fn named_label(&self, feature: u32) -> Option<u16> {
        if self.field(feature).is_names() { self.shape.cell_labels[self.cells(feature)].first().copied() } else { None }
    }

    /// Articles with a feature.
    #[must_use]
    pub(super) fn documents_of(&self, feature: u32) -> u32 {
        self.totals[feature as usize]
    }

    /// The cell of a feature and a label.
    fn cell_of(&self, feature: u32, label: u16) -> Option<usize> {
        let cells = self.cells(feature);
        self.shape.cell_labels[cells.clone()].binary_search(&label).ok().map(|at| cells.start + at)
    }

    /// Whether the model knows a feature.
    #[must_use]
    pub(super) fn knows(&self, feature: u32, settings: &Settings) -> bool {
        self.in_field(feature, self.documents_of(feature), settings)
    }

    /// The labels of a word or word pair with their counts, names included: ascending, none of them 0.
    pub(super) fn smoothed<'a>(
        &'a self,
        feature: u32,
        settings: &'a Settings,
    ) -> impl Iterator<Item = (u16, f64)> + 'a {
        self.cells(feature)
            .map(|cell| (self.shape.cell_labels[cell], self.value(cell, self.counts[cell], settings)))
            .filter(|(_, value)| *value > 0.0)
    }

    fn value(&self, cell: usize, count: u32, settings: &Settings) -> f64 {
        f64::from(count) + if self.shape.named[cell] { settings.name_count } else { 0.0 }
    }

    /// The words and word pairs that the model knows, ascending.
    pub(super) fn known_terms(&self, settings: &Settings) -> impl Iterator<Item = u32> {
        let all = (0..self.shape.fields.len() as u32).filter(|&feature| !self.field(feature).is_names());
        all.filter(|&feature| self.knows(feature, settings))
    }

    /// What the denominators are made of.
    pub(super) fn totals(&self, settings: &Settings) -> Totals {
        let mut totals =
            Totals { features: [0.0; TERM_FIELDS], counts: vec![vec![0.0; self.labels.len()]; TERM_FIELDS] };
        for feature in self.known_terms(settings) {
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
        (0..TERM_FIELDS).map(floor).collect()
    }

    /// How far a feature's value for a label it stands with lies above the floor.
    pub(super) fn deviation(value: f64, feature_total: f64, settings: &Settings) -> f64 {
        let alpha = settings.alpha;
        match settings.event_model {
            EventModel::Multinomial => libm::log(value + alpha) - libm::log(alpha),
            EventModel::Complement => {
                // The rows that articles share hold cells that nobody reads, whose values may be above the total.
                libm::log(feature_total + alpha) - libm::log((feature_total - value).max(0.0) + alpha)
            }
        }
    }

    /// Totals without some articles.
    fn reduce(&self, totals: &Totals, left_out: &LeftOut, settings: &Settings) -> Totals {
        let mut totals = totals.clone();
        for same in left_out.cells.chunk_by(|a, b| a.0 == b.0) {
            let feature = same[0].0;
            let cells = self.cells(feature);
            let before = self.documents_of(feature);
            let gone: u32 = same.iter().map(|cell| cell.2).sum();
            if self.field(feature).is_names() || !self.in_field(feature, before, settings) {
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
                    let label = usize::from(self.shape.cell_labels[cell]);
                    totals.counts[field][label] -= self.value(cell, self.counts[cell], settings);
                }
            }
        }
        totals
    }

    /// The log prior of every label without some articles.
    #[must_use]
    pub(super) fn log_prior(&self, left_out: &LeftOut) -> Vec<f64> {
        let documents: Vec<f64> =
            self.documents_without(left_out).into_iter().map(|n| n as f64 + PRIOR_COUNT).collect();
        let total: f64 = documents.iter().sum();
        documents.into_iter().map(|n| libm::log(n / total)).collect()
    }

    /// Articles by label without some articles.
    pub(super) fn documents_without(&self, left_out: &LeftOut) -> Vec<u64> {
        let mut documents = self.documents.clone();
        for &(label, articles) in &left_out.documents {
            let documents = &mut documents[usize::from(label)];
            *documents = documents.saturating_sub(articles);
        }
        documents
    }
}
