//! Integer sums over labelled articles, which grow and shrink by articles and grow by whole counts.

use std::collections::{HashMap, HashSet};

use super::names::name_features;
use crate::{
    classify::{Axis, Catalog},
    model::{AxisCounts, Cells, Counts, SampleArticle},
};

/// What is counted of one article.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// By axis: the tally's number of the label.
    pub(super) labels: [Option<u16>; 2],
    pub(super) language: usize,
    pub(super) features: Vec<u64>,
    pub(super) terms: Vec<u64>,
}

/// Counts that do not hold what an article that is said to be in them must have brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the counts do not hold what their ledger says")]
pub struct Contradiction;

/// The sums. What has sunk to zero stays until [`Tally::layout`] passes over it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    labels: [Labels; 2],
    languages: [u64; 3],
    features: HashMap<u64, Feature>,
    terms: HashMap<u64, u32>,
}

/// The labels of one axis.
#[derive(Debug, Default)]
struct Labels {
    /// The number of each label, given out as labels appear.
    numbers: HashMap<String, u16>,
    /// By number: articles.
    documents: Vec<u64>,
}

/// What is counted of one feature.
#[derive(Debug, Default)]
struct Feature {
    /// By axis: label number and articles, ascending.
    cells: [Vec<(u16, u32)>; 2],
}

impl Feature {
    fn add(&mut self, axis: usize, label: u16, articles: u32) {
        let cells = &mut self.cells[axis];
        match cells.binary_search_by_key(&label, |(number, _)| *number) {
            Ok(at) => cells[at].1 += articles,
            Err(at) => cells.insert(at, (label, articles)),
        }
    }

    fn cell(&mut self, axis: usize, label: u16) -> Option<&mut u32> {
        let cells = &mut self.cells[axis];
        let at = cells.binary_search_by_key(&label, |(number, _)| *number).ok()?;
        Some(&mut cells[at].1)
    }
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

/// Where labels, features and terms of a tally stand in [`Counts`].
pub(super) struct Layout {
    /// By axis, by the tally's number: the label's number there; `None` for a label without articles.
    labels: [Vec<Option<u16>>; 2],
    pub(super) counts: Counts,
}

impl Tally {
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

    /// Counts an article.
    pub(super) fn add(&mut self, row: &Row) {
        self.languages[row.language] += 1;
        for (axis, label) in row.labels.into_iter().enumerate() {
            label.into_iter().for_each(|label| self.labels[axis].documents[usize::from(label)] += 1);
        }
        for &id in &row.features {
            let feature = self.features.entry(id).or_default();
            for (axis, label) in row.labels.into_iter().enumerate() {
                label.into_iter().for_each(|label| feature.add(axis, label, 1));
            }
        }
        for &term in &row.terms {
            *self.terms.entry(term).or_default() += 1;
        }
    }

    /// Forgets an article as often as is said. Nothing is forgotten if some count is too small for it.
    pub(super) fn remove(&mut self, row: &Row, times: u32) -> Result<(), Contradiction> {
        // Once to look, and once to subtract.
        for subtract in [0, times] {
            let less = |count: &mut u32| {
                let enough = *count >= times;
                *count = count.saturating_sub(subtract);
                if enough { Ok(()) } else { Err(Contradiction) }
            };
            let less_of_many = |count: &mut u64| {
                let enough = *count >= u64::from(times);
                *count = count.saturating_sub(subtract.into());
                if enough { Ok(()) } else { Err(Contradiction) }
            };
            less_of_many(self.languages.get_mut(row.language).ok_or(Contradiction)?)?;
            for (axis, label) in row.labels.into_iter().enumerate() {
                let Some(label) = label else { continue };
                less_of_many(self.labels[axis].documents.get_mut(usize::from(label)).ok_or(Contradiction)?)?;
                for id in &row.features {
                    let feature = self.features.get_mut(id).ok_or(Contradiction)?;
                    less(feature.cell(axis, label).ok_or(Contradiction)?)?;
                }
            }
            for term in &row.terms {
                less(self.terms.get_mut(term).ok_or(Contradiction)?)?;
            }
        }
        Ok(())
    }

    /// By axis, by label number in other counts: the number here.
    pub(super) fn numbers(&mut self, counts: &Counts) -> [Vec<u16>; 2] {
        Axis::ALL.map(|axis| counts.axes[axis as usize].labels.iter().map(|id| self.number(axis, id)).collect())
    }

    /// Counts all articles of other counts, and gives the numbers of their labels.
    ///
    /// The sums stay within their types as long as all articles ever counted here are no more than a `u32` holds.
    pub(super) fn add_counts(&mut self, counts: &Counts) -> [Vec<u16>; 2] {
        for (sum, articles) in self.languages.iter_mut().zip(counts.languages) {
            *sum += articles;
        }
        let numbers = self.numbers(counts);
        for (axis, from) in counts.axes.iter().enumerate() {
            for (&number, articles) in numbers[axis].iter().zip(&from.documents) {
                self.labels[axis].documents[usize::from(number)] += articles;
            }
        }
        let mut at = [0, 0];
        for (index, &id) in counts.features.iter().enumerate() {
            let feature = self.features.entry(id).or_default();
            for (axis, AxisCounts { cells, .. }) in counts.axes.iter().enumerate() {
                let own = at[axis]..at[axis] + usize::from(cells.cells[index]);
                at[axis] = own.end;
                for (&label, &articles) in cells.labels[own.clone()].iter().zip(&cells.counts[own]) {
                    feature.add(axis, numbers[axis][usize::from(label)], articles);
                }
            }
        }
        for (&term, articles) in counts.terms.iter().zip(&counts.term_documents) {
            *self.terms.entry(term).or_default() += articles;
        }
        numbers
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
        for &id in &names {
            self.features.entry(id).or_default();
        }
        let is_held = |feature: &Feature| feature.cells.iter().flatten().any(|(_, articles)| *articles > 0);
        let mut counted: Vec<(u64, Feature)> =
            self.features.into_iter().filter(|(id, feature)| is_held(feature) || names.contains(id)).collect();
        counted.sort_unstable_by_key(|(id, _)| *id);
        for (_, feature) in &counted {
            for axis in 0..2 {
                let held = feature.cells[axis].iter().filter(|(_, articles)| *articles > 0);
                let label = |number: u16| labels[axis].get(usize::from(number)).copied().flatten();
                let mut cells: Vec<(u16, u32)> =
                    held.filter_map(|&(number, articles)| Some((label(number)?, articles))).collect();
                cells.sort_unstable();
                let into = &mut axes[axis].cells;
                into.cells.push(cells.len() as u16);
                into.labels.extend(cells.iter().map(|(label, _)| *label));
                into.counts.extend(cells.iter().map(|(_, count)| *count));
            }
        }
        let mut terms: Vec<(u64, u32)> = self.terms.into_iter().filter(|(_, articles)| *articles > 0).collect();
        terms.sort_unstable();
        let (terms, term_documents) = terms.into_iter().unzip();
        let counts = Counts {
            catalog,
            languages: self.languages,
            features: counted.iter().map(|(id, _)| *id).collect(),
            axes,
            terms,
            term_documents,
            sample_is_exact: true,
            ..Counts::default()
        };
        Layout { labels, counts }
    }
}

impl Layout {
    /// Fills in what the calibration sample holds of an article that was counted.
    pub(super) fn place(&self, row: &Row, article: SampleArticle) -> SampleArticle {
        let label = |axis: usize| {
            row.labels[axis].and_then(|number| self.labels[axis].get(usize::from(number)).copied().flatten())
        };
        SampleArticle {
            labels: [label(0), label(1)],
            language: row.language as u8,
            features: positions(&row.features, &self.counts.features),
            terms: positions(&row.terms, &self.counts.terms),
            ..article
        }
    }
}

/// Where some ids stand among all, ascending.
fn positions(ids: &[u64], all: &[u64]) -> Vec<u32> {
    let found = ids.iter().filter_map(|id| all.binary_search(id).ok());
    let mut positions: Vec<u32> = found.map(|position| position as u32).collect();
    positions.sort_unstable();
    positions
}

impl Row {
    /// What counts hold of an article of their sample; `numbers` as [`Tally::numbers`] gives them.
    pub(super) fn of_sample(article: &SampleArticle, counts: &Counts, numbers: &[Vec<u16>; 2]) -> Self {
        let ids = |positions: &[u32], all: &[u64]| positions.iter().map(|&at| all[at as usize]).collect();
        let label = |axis: usize| article.labels[axis].map(|label| numbers[axis][usize::from(label)]);
        Row {
            labels: [label(0), label(1)],
            language: article.language.into(),
            features: ids(&article.features, &counts.features),
            terms: ids(&article.terms, &counts.terms),
        }
    }
}
