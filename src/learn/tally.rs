//! Integer sums over labelled articles, which grow and shrink by articles and grow by whole counts.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use rayon::prelude::*;

use super::{
    layout::Layout,
    names::name_features,
    sums::{FeatureCells, Sums},
};
use crate::{
    classify::{Axis, Catalog, features::Ngram},
    model::{AxisCounts, Cells, Counts, ModelError, SampleArticle, Scratch, StoredCounts},
};

/// What is counted of one article.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// By axis: the tally's number of the label.
    pub(super) labels: [Option<u16>; 2],
    pub(super) language: usize,
    /// Ascending.
    pub(super) ngrams: Vec<Ngram>,
    /// Ascending.
    pub(super) terms: Vec<u64>,
}

/// Counts that do not hold what an article that is said to be in them must have brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the counts do not hold what their ledger says")]
pub struct Contradiction;

/// The sums.
#[derive(Debug)]
pub(super) struct Tally {
    labels: [Labels; 2],
    languages: [u64; 3],
    features: Sums,
    /// All under one label.
    terms: Sums,
}

impl Default for Tally {
    fn default() -> Self {
        let (features, terms) = (Sums::of_fields(), Sums::of_singles());
        Self { labels: Default::default(), languages: [0; 3], features, terms }
    }
}

/// A term as it is counted: an n-gram by itself, in the field of number 0, so that the term is its only feature.
pub(super) fn term(term: u64) -> Ngram {
    Ngram { id: term, fields: 1 }
}

/// The label that terms are counted under.
const TERMS: u16 = 0;

/// The labels of one axis.
#[derive(Debug, Default)]
struct Labels {
    /// The number of each label, given out as labels appear.
    numbers: HashMap<String, u16>,
    /// By number: articles.
    documents: Vec<u64>,
}

impl Labels {
    fn number(&mut self, label: &str) -> u16 {
        if let Some(&number) = self.numbers.get(label) {
            return number;
        }
        let number = self.documents.len() as u16;
        self.numbers.insert(label.to_owned(), number);
        self.documents.push(0);
        number
    }
}

impl Tally {
    /// Sums that are too long for memory wait in this file from now on.
    pub(super) fn spill_into(&mut self, scratch: &Arc<Scratch>) {
        self.features.spill_into(Arc::clone(scratch));
        self.terms.spill_into(Arc::clone(scratch));
    }

    /// The number of a label, which is given one if it has none.
    pub(super) fn number(&mut self, axis: Axis, label: &str) -> u16 {
        self.labels[axis as usize].number(label)
    }

    /// The number of a label, if it has one.
    pub(super) fn known(&self, axis: Axis, label: &str) -> Option<u16> {
        self.labels[axis as usize].numbers.get(label).copied()
    }

    /// Whether no new label of an axis can be given a number.
    pub(super) fn is_full(&self, axis: Axis) -> bool {
        self.labels[axis as usize].documents.len() >= usize::from(u16::MAX)
    }

    /// Whether some article carries a label.
    pub(super) fn is_carried(&self, axis: Axis, label: &str) -> bool {
        let documents = &self.labels[axis as usize].documents;
        self.known(axis, label).is_some_and(|number| documents[usize::from(number)] > 0)
    }

    /// The labels of an axis that some article carries.
    pub(super) fn carried(&self, axis: Axis) -> impl Iterator<Item = &str> {
        let Labels { numbers, documents } = &self.labels[axis as usize];
        numbers.iter().filter(|&(_, &number)| documents[usize::from(number)] > 0).map(|(label, _)| label.as_str())
    }

    /// Counts an article, but for its features and terms.
    pub(super) fn add_labels(&mut self, row: &Row) {
        self.languages[row.language] += 1;
        for (axis, label) in row.labels.into_iter().enumerate() {
            label.into_iter().for_each(|label| self.labels[axis].documents[usize::from(label)] += 1);
        }
    }

    /// Counts features and terms of articles, on all threads of the current rayon pool.
    pub(super) fn add_words<'a>(&mut self, rows: impl Iterator<Item = &'a Row> + Clone) {
        let ngrams: Vec<_> = rows.clone().map(|row| (row.ngrams.as_slice(), row.labels)).collect();
        self.features.add_articles(&ngrams, |ngram| ngram);
        let terms: Vec<_> = rows.map(|row| (row.terms.as_slice(), [Some(TERMS), None])).collect();
        self.terms.add_articles(&terms, term);
    }

    /// Forgets an article as often as is said. Nothing is forgotten if some count is too small for it.
    pub(super) fn remove(&mut self, row: &Row, times: u32) -> Result<(), Contradiction> {
        self.features.settle();
        self.terms.settle();
        let language = self.languages.get_mut(row.language).ok_or(Contradiction)?;
        let mut is_enough = *language >= u64::from(times);
        let labels = row.labels.into_iter().enumerate().filter_map(|(axis, label)| Some((axis, label?)));
        for (axis, label) in labels.clone() {
            let documents = self.labels[axis].documents.get(usize::from(label));
            is_enough &= documents.is_some_and(|&documents| documents >= u64::from(times));
            is_enough &= row.features().all(|id| self.features.count(id, axis, label) >= times);
        }
        is_enough &= row.terms.iter().all(|&term| self.terms.count(term, 0, TERMS) >= times);
        if !is_enough {
            return Err(Contradiction);
        }
        *language -= u64::from(times);
        for (axis, label) in labels {
            self.labels[axis].documents[usize::from(label)] -= u64::from(times);
            row.features().for_each(|id| self.features.take(id, axis, label, times));
        }
        row.terms.iter().for_each(|&term| self.terms.take(term, 0, TERMS, times));
        Ok(())
    }

    /// By axis, by label number in other counts: the number here.
    pub(super) fn numbers(&mut self, counts: &StoredCounts) -> [Vec<u16>; 2] {
        Axis::ALL.map(|axis| counts.rest().axes[axis as usize].labels.iter().map(|id| self.number(axis, id)).collect())
    }

    /// Counts all articles of other counts; `numbers` as [`Tally::numbers`] gives them.
    ///
    /// The sums stay within their types as long as all articles ever counted here are no more than a `u32` holds.
    pub(super) fn add_counts(&mut self, counts: &StoredCounts, numbers: &[Vec<u16>; 2]) -> Result<(), ModelError> {
        let Counts { languages, axes, .. } = counts.rest();
        for (sum, articles) in self.languages.iter_mut().zip(languages) {
            *sum += articles;
        }
        for (axis, from) in axes.iter().enumerate() {
            for (&number, articles) in numbers[axis].iter().zip(&from.documents) {
                self.labels[axis].documents[usize::from(number)] += articles;
            }
        }
        self.features.add_counts(|add| {
            let mut renumbered = FeatureCells::default();
            counts.each_feature(|id, cells| {
                for ((renumbered, cells), numbers) in renumbered.iter_mut().zip(cells).zip(numbers) {
                    renumbered.clear();
                    renumbered.extend(cells.iter().map(|&(label, articles)| (numbers[usize::from(label)], articles)));
                    renumbered.sort_unstable();
                }
                // Those without articles are made anew from the names of labels.
                if renumbered.iter().any(|cells| !cells.is_empty()) {
                    add(id, &renumbered);
                }
            })
        })?;
        self.terms.add_counts(|add| {
            let mut cells = [vec![(TERMS, 0)], Vec::new()];
            counts.each_term_documents(|term, documents| {
                if documents > 0 {
                    cells[0][0].1 = documents;
                    add(term, &cells);
                }
            })
        })
    }

    /// The sums in their canonical order; ledger and sample are left to the caller.
    pub(super) fn layout(mut self, catalog: Catalog) -> Layout {
        // Labels get the numbers of their order by id; those of the catalog are there even without an article, since
        // they can be found by name.
        let ids: [Vec<String>; 2] = Axis::ALL.map(|axis| {
            let mut ids: Vec<String> = self.carried(axis).map(str::to_owned).collect();
            if !ids.is_empty() {
                ids.extend(catalog.labels(axis).iter().map(|label| label.id.clone()));
            }
            ids.sort_unstable();
            ids.dedup();
            ids
        });
        let mut axes = ids.map(|labels| {
            let documents = vec![0; labels.len()];
            AxisCounts { labels, documents, cells: Cells::default() }
        });
        let labels: [Vec<Option<u16>>; 2] = std::array::from_fn(|axis| {
            let into = &mut axes[axis];
            let Labels { numbers, documents } = &self.labels[axis];
            let mut renumbered = vec![None; documents.len()];
            for (id, &number) in numbers {
                let number = usize::from(number);
                if let Ok(position) = into.labels.binary_search(id).map_err(drop)
                    && documents[number] > 0
                {
                    renumbered[number] = Some(position as u16);
                    into.documents[position] = documents[number];
                }
            }
            renumbered
        });

        // The names of labels are features even where no article has them: a label can be found by its name.
        let names: HashSet<u64> = Axis::ALL
            .into_iter()
            .filter(|&axis| !axes[axis as usize].labels.is_empty())
            .flat_map(|axis| catalog.labels(axis).iter().map(move |label| (axis, label)))
            .flat_map(|(axis, label)| name_features(axis, label))
            .collect();
        names.iter().for_each(|&id| self.features.add_bare(id));
        self.features.renumber(|axis, label| labels[axis].get(usize::from(label)).copied().flatten());
        self.terms.finish();
        let Tally { languages, features, terms, .. } = self;
        Layout {
            labels,
            catalog,
            languages,
            axes,
            names,
            features,
            terms,
            ledger: Vec::new(),
            sample: Vec::new(),
            sample_limit: None,
            sample_is_exact: true,
        }
    }
}

impl Row {
    /// Its features, ascending.
    pub(super) fn features(&self) -> impl Iterator<Item = u64> {
        self.ngrams.iter().flat_map(|ngram| ngram.features())
    }

    /// Calls `each` for articles of the sample of counts, with what the counts hold of them; `numbers` as [`Tally::numbers`]
    /// gives them.
    pub(super) fn each_of_sample(
        mut articles: Vec<SampleArticle>,
        counts: &StoredCounts,
        numbers: &[Vec<u16>; 2],
        mut each: impl FnMut(SampleArticle, Self),
    ) -> Result<(), ModelError> {
        while !articles.is_empty() {
            let together = articles.split_off(articles.len().saturating_sub(ARTICLES_TOGETHER));
            let features = together.iter().map(|article| article.features.as_slice()).collect();
            let ngrams = look_up(features, |each| counts.each_feature_id(each), Ngram::push)?;
            let terms = together.iter().map(|article| article.terms.as_slice()).collect();
            let terms = look_up(terms, |each| counts.each_term(each), Vec::push)?;
            for ((article, ngrams), terms) in together.into_iter().zip(ngrams).zip(terms) {
                let label = |axis: usize| article.labels[axis].map(|label| numbers[axis][usize::from(label)]);
                let row = Row { labels: [label(0), label(1)], language: article.language.into(), ngrams, terms };
                each(article, row);
            }
        }
        Ok(())
    }
}

/// Articles of a sample whose features are looked up at a time. What a file says of a feature is where it stands among all,
/// so that they are gone through for that.
const ARTICLES_TOGETHER: usize = if cfg!(test) { 5 } else { 1 << 12 };

/// Ids that are looked up at a time.
const IDS_TOGETHER: usize = if cfg!(test) { 16 } else { 1 << 16 };

/// What the ids come to that stand at the places of each article, which are ascending.
fn look_up<T: Send>(
    places: Vec<&[u32]>,
    each: impl FnOnce(&mut dyn FnMut(u64)) -> Result<(), ModelError>,
    push: impl Fn(&mut Vec<T>, u64) + Sync,
) -> Result<Vec<Vec<T>>, ModelError> {
    let mut searches: Vec<(&[u32], Vec<T>)> = places.into_iter().map(|places| (places, Vec::new())).collect();
    let (mut base, mut ids) = (0, Vec::with_capacity(IDS_TOGETHER));
    let mut find = |base: usize, ids: &[u64]| {
        searches.par_iter_mut().for_each(|(left, found)| {
            while let Some((&place, rest)) = left.split_first()
                && let Some(&id) = ids.get(place as usize - base)
            {
                push(found, id);
                *left = rest;
            }
        });
    };
    each(&mut |id| {
        ids.push(id);
        if ids.len() == IDS_TOGETHER {
            find(base, &ids);
            base += ids.len();
            ids.clear();
        }
    })?;
    find(base, &ids);
    Ok(searches.into_iter().map(|(_, found)| found).collect())
}
