//! Labelled articles become counts.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::{
    article::{LabelledArticle, Prepared},
    names::name_features,
    sample::{Sample, Sampled},
    train::{self, TrainError, Trained},
};
use crate::{
    classify::{Axis, Catalog, Label, Names, features::Field, is_label_id, name_feature},
    model::{AxisCounts, Cells, Counts, Digest, LedgerEntry, SampleArticle},
};

/// Which labels are allowed.
#[derive(Clone, Debug)]
pub enum CatalogChoice {
    /// Those of the catalog.
    Given(Catalog),
    /// Those of the catalog and any others in the data.
    GivenOrNew(Catalog),
    /// Whatever the data holds: bare ids.
    FromData,
}

/// What became of an article that was not rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It was counted.
    New,
    /// The same article with the same labels was counted before; it was not counted again.
    Double,
}

/// Why an article cannot be learnt from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectedArticle {
    /// No character that is not white space.
    #[error("text: must hold a character that is not white space")]
    BlankText,
    /// No label on either axis.
    #[error("no label: at least one of meeting_type and relaying_department is needed")]
    NoLabel,
    /// Not a label of the catalog.
    #[error("{axis}: {label:?} is not in the label catalog{}", nearest.as_ref().map(|n| format!("; the nearest is {n:?}")).unwrap_or_default())]
    UnknownLabel {
        /// The axis.
        axis: &'static str,
        /// The label.
        label: String,
        /// The nearest id of the catalog.
        nearest: Option<String>,
    },
    /// Not a label id.
    #[error("{axis}: {label:?} is no label id: 1 to 128 bytes without white space or control characters")]
    BadLabel {
        /// The axis.
        axis: &'static str,
        /// The label.
        label: String,
    },
    /// One label more than an axis can have.
    #[error("{axis}: more than {} labels", Catalog::MAX_LABELS)]
    TooManyLabels {
        /// The axis.
        axis: &'static str,
    },
}

/// Counts labelled articles, one by one or many at a time, in any order.
#[derive(Debug)]
pub struct Trainer {
    catalog: Catalog,
    names: Names,
    allow_new: bool,
    /// By axis: the label ids of the catalog.
    named: [HashSet<String>; 2],
    /// By axis: the number of each label seen, in the order first seen.
    labels: [HashMap<String, u16>; 2],
    documents: [Vec<u64>; 2],
    languages: [u64; 3],
    features: HashMap<u64, Feature>,
    terms: HashMap<u64, u32>,
    /// Article and text.
    ledger: HashMap<Digest, Digest>,
    sample: Sample,
}

/// What is counted of one feature.
#[derive(Debug)]
struct Feature {
    field: Field,
    /// By axis: label number and articles.
    cells: [Vec<(u16, u32)>; 2],
}

impl Trainer {
    /// A trainer that has seen nothing.
    #[must_use]
    pub fn new(choice: CatalogChoice) -> Self {
        let (catalog, allow_new) = match choice {
            CatalogChoice::Given(catalog) => (catalog, false),
            CatalogChoice::GivenOrNew(catalog) => (catalog, true),
            CatalogChoice::FromData => (Catalog::default(), true),
        };
        Trainer {
            named: Axis::ALL.map(|axis| catalog.labels(axis).iter().map(|label| label.id.clone()).collect()),
            names: Names::new(&catalog),
            catalog,
            allow_new,
            labels: Default::default(),
            documents: Default::default(),
            languages: [0; 3],
            features: HashMap::new(),
            terms: HashMap::new(),
            ledger: HashMap::new(),
            sample: Sample::default(),
        }
    }

    /// Counts one article.
    ///
    /// # Errors
    ///
    /// Why it cannot be learnt from; the trainer is as before.
    pub fn add(&mut self, article: &LabelledArticle) -> Result<Added, RejectedArticle> {
        self.check(article)?;
        self.count(article, article.prepare(&self.names))
    }

    /// Counts many articles, reading them on all threads of the current rayon pool. One result for each, in order.
    pub fn add_all(&mut self, articles: &[LabelledArticle]) -> Vec<Result<Added, RejectedArticle>> {
        let checked: Vec<_> = articles.iter().map(|article| self.check(article)).collect();
        let prepared: Vec<_> =
            articles.par_iter().zip(checked).map(|(article, checked)| checked.map(|()| article.prepare(&self.names))).collect();
        articles.iter().zip(prepared).map(|(article, prepared)| self.count(article, prepared?)).collect()
    }

    fn check(&self, article: &LabelledArticle) -> Result<(), RejectedArticle> {
        if article.text.trim().is_empty() {
            return Err(RejectedArticle::BlankText);
        }
        if article.labels.iter().all(Option::is_none) {
            return Err(RejectedArticle::NoLabel);
        }
        for axis in Axis::ALL {
            let Some(label) = &article.labels[axis as usize] else { continue };
            if !is_label_id(label) {
                return Err(RejectedArticle::BadLabel { axis: axis.name(), label: label.clone() });
            }
            if !self.allow_new && !self.named[axis as usize].contains(label) {
                let nearest = self.catalog.nearest(axis, label).map(str::to_owned);
                return Err(RejectedArticle::UnknownLabel { axis: axis.name(), label: label.clone(), nearest });
            }
        }
        Ok(())
    }

    /// The numbers of an article's labels, given out as labels appear.
    fn label_numbers(&mut self, article: &LabelledArticle) -> Result<[Option<u16>; 2], RejectedArticle> {
        for axis in Axis::ALL {
            let (seen, named) = (&self.labels[axis as usize], &self.named[axis as usize]);
            let unnamed = |label: &String| !named.contains(label);
            let new = article.labels[axis as usize].as_ref().is_some_and(|l| unnamed(l) && !seen.contains_key(l));
            // Labels beyond the catalog are few or new; counting them is cheap next to reading the article.
            if new && named.len() + seen.keys().filter(|label| unnamed(label)).count() >= Catalog::MAX_LABELS {
                return Err(RejectedArticle::TooManyLabels { axis: axis.name() });
            }
        }
        let mut numbers = [None, None];
        for axis in 0..2 {
            if let Some(label) = &article.labels[axis] {
                let next = self.labels[axis].len() as u16;
                let number = *self.labels[axis].entry(label.clone()).or_insert(next);
                if number == next {
                    self.documents[axis].push(0);
                }
                self.documents[axis][usize::from(number)] += 1;
                numbers[axis] = Some(number);
            }
        }
        Ok(numbers)
    }

    fn count(&mut self, article: &LabelledArticle, prepared: Prepared) -> Result<Added, RejectedArticle> {
        if self.ledger.contains_key(&prepared.digest) {
            self.sample.another_source(prepared.group, prepared.digest, prepared.source.as_deref());
            return Ok(Added::Double);
        }
        let labels = self.label_numbers(article)?;
        self.ledger.insert(prepared.digest, prepared.text);
        self.languages[prepared.language] += 1;
        for &(feature, field) in &prepared.features {
            let counted =
                self.features.entry(feature).or_insert_with(|| Feature { field, cells: [Vec::new(), Vec::new()] });
            for (cells, label) in counted.cells.iter_mut().zip(labels) {
                let Some(label) = label else { continue };
                match cells.binary_search_by_key(&label, |(number, _)| *number) {
                    Ok(at) => cells[at].1 += 1,
                    Err(at) => cells.insert(at, (label, 1)),
                }
            }
        }
        for term in prepared.terms {
            *self.terms.entry(term).or_default() += 1;
        }
        let features = prepared.features.into_iter().map(|(feature, _)| feature).collect();
        let Prepared { digest, text, source, .. } = prepared;
        let sampled = Sampled { digest, text, source, labels, features };
        self.sample.add(prepared.group, sampled);
        Ok(Added::New)
    }

    /// Distinct articles counted.
    #[must_use]
    pub fn articles(&self) -> usize {
        self.ledger.len()
    }

    /// The counts in their canonical order.
    #[must_use]
    pub fn into_counts(mut self) -> Counts {
        // Labels get the numbers of their order by id; those of the catalog are there even without an article, since
        // they can be found by name.
        let ids: [Vec<String>; 2] = Axis::ALL.map(|axis| {
            let seen = &self.labels[axis as usize];
            if seen.is_empty() {
                return Vec::new();
            }
            let named = self.catalog.labels(axis).iter().map(|label| label.id.clone());
            let mut ids: Vec<String> = named.chain(seen.keys().cloned()).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        });
        let renumbered: [Vec<u16>; 2] = std::array::from_fn(|axis| {
            let mut numbers = vec![0; self.labels[axis].len()];
            for (id, &seen) in &self.labels[axis] {
                if let Ok(position) = ids[axis].binary_search(id) {
                    numbers[usize::from(seen)] = position as u16;
                }
            }
            numbers
        });

        // The names of labels are features even where no article has them: a label can be found by its name.
        for axis in Axis::ALL.into_iter().filter(|&axis| !ids[axis as usize].is_empty()) {
            let naming = |label: &Label| {
                let fields = Field::all().filter(|field| field.is_names());
                fields.map(|field| (name_feature(axis, &label.id, field), field)).collect::<Vec<_>>()
            };
            let labels = self.catalog.labels(axis);
            for (id, field) in labels.iter().flat_map(name_features).chain(labels.iter().flat_map(naming)) {
                self.features.entry(id).or_insert_with(|| Feature { field, cells: [Vec::new(), Vec::new()] });
            }
        }
        let mut counted: Vec<(u64, Feature)> = self.features.into_iter().collect();
        counted.sort_unstable_by_key(|(id, _)| *id);
        let mut axes: [AxisCounts; 2] = std::array::from_fn(|axis| {
            let mut documents = vec![0; ids[axis].len()];
            for (&number, &articles) in renumbered[axis].iter().zip(&self.documents[axis]) {
                documents[usize::from(number)] = articles;
            }
            AxisCounts { labels: ids[axis].clone(), documents, cells: Cells::default() }
        });
        for (_, feature) in &mut counted {
            for axis in 0..2 {
                let cells = &mut feature.cells[axis];
                cells.iter_mut().for_each(|(label, _)| *label = renumbered[axis][usize::from(*label)]);
                cells.sort_unstable();
                let into = &mut axes[axis].cells;
                into.cells.push(cells.len() as u16);
                into.labels.extend(cells.iter().map(|(label, _)| *label));
                into.counts.extend(cells.iter().map(|(_, count)| *count));
            }
        }
        let features: Vec<u64> = counted.iter().map(|(id, _)| *id).collect();
        let fields = counted.iter().map(|(_, feature)| feature.field.index() as u8).collect();

        let mut sample: Vec<SampleArticle> = Vec::with_capacity(self.sample.articles);
        for (group, articles) in self.sample.groups {
            for article in articles {
                let indices = article.features.iter().filter_map(|id| features.binary_search(id).ok());
                let mut indices: Vec<u32> = indices.map(|index| index as u32).collect();
                indices.sort_unstable();
                let number = |axis: usize| article.labels[axis].map(|label| renumbered[axis][usize::from(label)]);
                sample.push(SampleArticle {
                    digest: article.digest,
                    text: article.text,
                    group,
                    labels: [number(0), number(1)],
                    source: article.source,
                    features: indices,
                });
            }
        }
        sample.sort_unstable_by_key(|article| article.digest);

        let mut terms: Vec<(u64, u32)> = self.terms.into_iter().collect();
        terms.sort_unstable();
        let entry = |(article, text)| LedgerEntry { article, text };
        let mut ledger: Vec<LedgerEntry> = self.ledger.into_iter().map(entry).collect();
        ledger.sort_unstable();
        let (terms, term_documents) = terms.into_iter().unzip();
        Counts {
            catalog: self.catalog,
            languages: self.languages,
            features,
            fields,
            axes,
            terms,
            term_documents,
            ledger,
            sample,
        }
    }

    /// Chooses settings, fits weights, temperature and likelihoods, and writes the model file.
    ///
    /// # Errors
    ///
    /// Too few articles or labels to learn from.
    pub fn finish(self) -> Result<Trained, TrainError> {
        train::train(&self.into_counts())
    }
}
