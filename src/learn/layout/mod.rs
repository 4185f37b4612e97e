//! What was counted, in the canonical order of [`Counts`], still compressed: it becomes counts, or the bytes of their section
//! and the part of them that learning reads.

mod learnable;

use std::{collections::HashSet, ops::Range, path::Path};

use rayon::prelude::*;
use serde::{Serialize, Serializer, ser::SerializeSeq as _};

pub(super) use self::learnable::Learnable;
use super::{sums::Sums, tally::Row};
use crate::{
    classify::Catalog,
    model::{AxisCounts, Cells, Counts, Digest, LedgerEntry, ModelError, PackedCounts, SampleArticle},
};

/// All that [`Counts`] hold.
#[derive(Debug)]
pub(super) struct Layout {
    /// By axis, by the tally's number: the label's number; `None` for a label without articles.
    pub(super) labels: [Vec<Option<u16>>; 2],
    pub(super) catalog: Catalog,
    pub(super) languages: [u64; 3],
    /// Without cells.
    pub(super) axes: [AxisCounts; 2],
    /// The features that the names of labels are.
    pub(super) names: HashSet<u64>,
    pub(super) features: Sums,
    pub(super) terms: Sums,
    pub(super) ledger: Vec<LedgerEntry>,
    pub(super) sample: Vec<SampleArticle>,
    pub(super) sample_limit: Option<Digest>,
    pub(super) sample_is_exact: bool,
}

/// A column of counts: how many values, and what calls for each.
struct Column<F>(usize, F);

impl<F: Fn(&mut dyn FnMut(u64))> Serialize for Column<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.0))?;
        let mut result = Ok(());
        (self.1)(&mut |value| {
            if result.is_ok() {
                result = sequence.serialize_element(&value);
            }
        });
        result?;
        sequence.end()
    }
}

/// The values of ascending ids as they are written: the differences between them.
fn differences(sums: &Sums, each: &mut dyn FnMut(u64)) {
    let mut previous = 0;
    sums.visit(|id, _| {
        each(id.wrapping_sub(previous));
        previous = id;
    });
}

impl Layout {
    /// Fills in what the sample holds of articles that were counted.
    pub(super) fn place(&mut self, sample: Vec<(Row, SampleArticle)>) {
        let label = |axis: usize, number: u16| self.labels[axis].get(usize::from(number)).copied().flatten();
        let (rows, mut articles): (Vec<Row>, Vec<SampleArticle>) = sample.into_iter().unzip();
        for (row, article) in rows.iter().zip(&mut articles) {
            article.labels = [0, 1].map(|axis| row.labels[axis].and_then(|number| label(axis, number)));
            article.language = row.language as u8;
        }
        let features = Positions::new(&self.features, rows.iter().map(|row| row.features.as_slice()));
        let terms = Positions::new(&self.terms, rows.iter().map(|row| row.terms.as_slice()));
        // The memory of the rows is given back before anything is put above it.
        drop(rows);
        for ((article, features), terms) in articles.iter_mut().zip(features.each()).zip(terms.each()) {
            (article.features, article.terms) = (features, terms);
        }
        self.sample = articles;
    }

    /// As counts.
    pub(super) fn into_counts(self) -> Counts {
        self.counts(|| true, || true)
    }

    /// The counts, with the features and the terms of which is said so, one after the other.
    fn counts(self, mut has_feature: impl FnMut() -> bool, mut has_term: impl FnMut() -> bool) -> Counts {
        let (mut features, mut axes) = (Vec::new(), self.axes);
        self.features.visit_last(|id, cells| {
            if has_feature() {
                features.push(id);
                axes.iter_mut().zip(cells).for_each(|(axis, own)| push(&mut axis.cells, own));
            }
        });
        let (mut terms, mut term_documents) = (Vec::new(), Vec::new());
        self.terms.visit_last(|term, [cells, _]| {
            if has_term() {
                terms.push(term);
                term_documents.push(cells.iter().map(|(_, articles)| *articles).sum());
            }
        });
        Counts {
            catalog: self.catalog,
            languages: self.languages,
            features,
            axes,
            terms,
            term_documents,
            ledger: self.ledger,
            sample: self.sample,
            sample_limit: self.sample_limit,
            sample_is_exact: self.sample_is_exact,
        }
    }

    /// As the section of a file: what packing the counts would give. A long one waits in the directory, if there is one.
    pub(super) fn pack(&self, directory: Option<&Path>) -> Result<PackedCounts, ModelError> {
        let (features, terms) = (&self.features, &self.terms);
        let axis = |axis: usize| {
            let AxisCounts { labels, documents, .. } = &self.axes[axis];
            let numbers = Column(features.features(), move |each: &mut dyn FnMut(u64)| {
                features.visit(|_, cells| each(cells[axis].len() as u64));
            });
            let of_cells = move |value: fn(&(u16, u32)) -> u64| {
                Column(features.cells(axis), move |each: &mut dyn FnMut(u64)| {
                    features.visit(|_, cells| cells[axis].iter().map(value).for_each(&mut *each));
                })
            };
            (labels, documents, (numbers, of_cells(|cell| cell.0.into()), of_cells(|cell| cell.1.into())))
        };
        let whole = (
            &self.catalog,
            self.languages,
            Column(features.features(), |each: &mut dyn FnMut(u64)| differences(features, each)),
            (axis(0), axis(1)),
            Column(terms.features(), |each: &mut dyn FnMut(u64)| differences(terms, each)),
            Column(terms.features(), |each: &mut dyn FnMut(u64)| {
                terms.visit(|_, [cells, _]| each(cells.iter().map(|(_, articles)| u64::from(*articles)).sum()));
            }),
            &self.ledger,
            &self.sample,
            self.sample_limit,
            self.sample_is_exact,
        );
        PackedCounts::of(&whole, &self.catalog, self.axes.each_ref().map(|axis| axis.labels.as_slice()), directory)
    }
}

/// The numbers of cells, and the cells, of one more feature.
fn push(into: &mut Cells, cells: &[(u16, u32)]) {
    into.cells.push(cells.len() as u16);
    into.labels.extend(cells.iter().map(|(label, _)| *label));
    into.counts.extend(cells.iter().map(|(_, articles)| *articles));
}

/// Where the ids of articles stand among all: of all articles in one piece, and of each where it begins and how many.
struct Positions {
    all: Vec<u32>,
    articles: Vec<Range<usize>>,
}

/// An article whose ids are being looked for.
struct Search<'a> {
    left: &'a [u64],
    places: &'a mut [u32],
    found: usize,
}

/// Features that are looked for at a time.
const SEARCHED_TOGETHER: usize = 1 << 16;

/// Looks for what articles have of the next features; `base` is where the first of these stands among all.
fn find(searches: &mut [Search<'_>], features: &[u64], base: u32) {
    let (Some(&first), Some(&last)) = (features.first(), features.last()) else { return };
    // As ids are hashes, a table of where those begin that share their first bits leaves few to look among.
    let shift = u64::BITS - ((last - first) | 1).leading_zeros();
    let shift = shift.saturating_sub(features.len().ilog2());
    let bucket = |id: u64| ((id - first) >> shift) as usize;
    let mut starts = vec![0; bucket(last) + 2];
    features.iter().for_each(|&id| starts[bucket(id) + 1] += 1);
    for number in 1..starts.len() {
        starts[number] += starts[number - 1];
    }
    searches.par_iter_mut().for_each(|Search { left, places, found }| {
        while let Some((&id, rest)) = left.split_first().filter(|(id, _)| **id <= last) {
            *left = rest;
            // What comes before the first is not there.
            let Some(number) = id.checked_sub(first).map(|_| bucket(id)) else { continue };
            let start = starts[number];
            if let Ok(place) = features[start..starts[number + 1]].binary_search(&id) {
                places[*found] = base + (start + place) as u32;
                *found += 1;
            }
        }
    });
}

impl Positions {
    fn new<'a>(sums: &Sums, articles: impl Iterator<Item = &'a [u64]> + Clone) -> Self {
        let mut all = vec![0; articles.clone().map(<[u64]>::len).sum()];
        let mut rest = all.as_mut_slice();
        let search = |left: &'a [u64]| {
            let (places, others) = std::mem::take(&mut rest).split_at_mut(left.len());
            rest = others;
            Search { left, places, found: 0 }
        };
        let mut searches: Vec<Search<'_>> = articles.clone().map(search).collect();
        // Some runs at a time, so that each article is gone to a few times only.
        let (mut ids, mut base): (Vec<u64>, u32) = (Vec::new(), 0);
        sums.visit_runs(|run| {
            ids.extend(run.iter().map(|(id, _)| *id));
            if ids.len() >= SEARCHED_TOGETHER {
                find(&mut searches, &ids, base);
                base += ids.len() as u32;
                ids.clear();
            }
        });
        find(&mut searches, &ids, base);
        let found: Vec<usize> = searches.into_iter().map(|search| search.found).collect();
        let starts = articles.scan(0, |next, ids| Some(std::mem::replace(next, *next + ids.len())));
        let articles = starts.zip(found).map(|(start, found)| start..start + found).collect();
        Positions { all, articles }
    }

    /// By article.
    fn each(&self) -> impl Iterator<Item = Vec<u32>> {
        self.articles.iter().map(|own| self.all[own.clone()].to_vec())
    }
}
