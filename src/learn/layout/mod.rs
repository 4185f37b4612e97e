//! What was counted, in the canonical order of [`Counts`], still compressed: it becomes counts, or the bytes of their section
//! and the part of them that learning reads.

mod learnable;

use std::{collections::HashSet, ops::Range, path::Path};

use rayon::prelude::*;
use serde::{Serialize, Serializer, ser::SerializeSeq as _};

pub(super) use self::learnable::Learnable;
use super::{
    sums::{FeatureCells, Sums},
    tally::{Contradiction, Row, term},
};
use crate::{
    classify::{
        Catalog,
        features::{self, Ngram},
    },
    model::{AxisCounts, Counts, Digest, LedgerEntry, ModelError, PackedCounts, SampleArticle},
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
    let difference = |id| each(u64::wrapping_sub(id, std::mem::replace(&mut previous, id)));
    sums.numbers(|id, _, ids| ids.push(id), difference);
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
        let features = Positions::new(&self.features, rows.iter().map(|row| row.ngrams.as_slice()), |ngram| ngram);
        let terms = Positions::new(&self.terms, rows.iter().map(|row| row.terms.as_slice()), term);
        // The memory of the rows is given back before anything is put above it.
        drop(rows);
        for ((article, features), terms) in articles.iter_mut().zip(features.each()).zip(terms.each()) {
            (article.features, article.terms) = (features, terms);
        }
        self.sample = articles;
    }

    /// As counts.
    pub(super) fn into_counts(mut self) -> Counts {
        let (ledger, sample) = (std::mem::take(&mut self.ledger), std::mem::take(&mut self.sample));
        let features = std::mem::replace(&mut self.features, Sums::of_fields());
        let terms = std::mem::replace(&mut self.terms, Sums::of_singles());
        Counts { ledger, ..self.counts(sample, |push| features.visit_last(push), |push| terms.visit_last(push)) }
    }

    /// The counts without a ledger, with this sample, and the features and terms that the two call for.
    fn counts(
        &self,
        sample: Vec<SampleArticle>,
        each_feature: impl FnOnce(&mut dyn FnMut(u64, &FeatureCells)),
        each_term: impl FnOnce(&mut dyn FnMut(u64, &FeatureCells)),
    ) -> Counts {
        let (mut features, mut axes) = (Vec::new(), self.axes.clone());
        each_feature(&mut |id, cells| {
            features.push(id);
            axes.iter_mut().zip(cells).for_each(|(axis, own)| axis.cells.push(own));
        });
        let (mut terms, mut term_documents) = (Vec::new(), Vec::new());
        each_term(&mut |term, [cells, _]| {
            terms.push(term);
            term_documents.push(cells.iter().map(|(_, articles)| *articles).sum());
        });
        Counts {
            catalog: self.catalog.clone(),
            languages: self.languages,
            features,
            axes,
            terms,
            term_documents,
            ledger: Vec::new(),
            sample,
            sample_limit: self.sample_limit,
            sample_is_exact: self.sample_is_exact,
        }
    }

    /// Checks what removing articles or adding up counts can have broken, if the counts before did not hold what their ledger
    /// says.
    ///
    /// # Errors
    ///
    /// A reader would refuse the counts.
    pub(super) fn check(&self) -> Result<(), Contradiction> {
        let articles = self.ledger.len() as u64;
        let documents = self.axes.each_ref().map(|axis| axis.documents.as_slice());
        let counted = |axis: usize, label: u16| documents[axis].get(usize::from(label)).copied().unwrap_or_default();
        let mut sampled = documents.map(|documents| vec![0_u64; documents.len()]);
        for article in &self.sample {
            for (sampled, label) in sampled.iter_mut().zip(article.labels) {
                label.into_iter().for_each(|label| sampled[usize::from(label)] += 1);
            }
        }
        let is_in_ledger =
            |article: &SampleArticle| self.ledger.binary_search_by_key(&article.digest, |entry| entry.article).is_ok();
        let is_sound = self.languages.iter().sum::<u64>() == articles
            && documents.iter().all(|documents| documents.iter().sum::<u64>() <= articles)
            && sampled.iter().zip(documents).all(|(sampled, all)| sampled.iter().zip(all).all(|(few, all)| few <= all))
            && self.sample.is_sorted_by(|a, b| a.digest < b.digest)
            && self.sample.iter().all(is_in_ledger)
            && self.features.all(|axis, label, articles| u64::from(articles) <= counted(axis, label))
            && self.terms.all(|_, _, documents| u64::from(documents) <= articles);
        if is_sound { Ok(()) } else { Err(Contradiction) }
    }

    /// As the section of a file: what packing the counts would give. A long one waits in the directory, if there is one.
    pub(super) fn pack(&self, directory: Option<&Path>) -> Result<PackedCounts, ModelError> {
        let (features, terms) = (&self.features, &self.terms);
        let axis = |axis: usize| {
            let AxisCounts { labels, documents, .. } = &self.axes[axis];
            let numbers = Column(features.features(), move |each: &mut dyn FnMut(u64)| {
                features.numbers(|_, cells, numbers| numbers.push(cells[axis].len() as u64), each);
            });
            let of_cells = move |value: fn(&(u16, u32)) -> u64| {
                Column(features.cells(axis), move |each: &mut dyn FnMut(u64)| {
                    features.numbers(|_, cells, values| values.extend(cells[axis].iter().map(value)), each);
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
                let documents = |cells: &[(u16, u32)]| cells.iter().map(|(_, articles)| u64::from(*articles)).sum();
                terms.numbers(|_, [cells, _], numbers| numbers.push(documents(cells)), each);
            }),
            &self.ledger,
            &self.sample,
            self.sample_limit,
            self.sample_is_exact,
        );
        PackedCounts::of(&whole, &self.catalog, self.axes.each_ref().map(|axis| axis.labels.as_slice()), directory)
    }
}

/// Where the features of articles stand among all: of all articles in one piece, and of each where it begins and how many.
struct Positions {
    all: Vec<u32>,
    articles: Vec<Range<usize>>,
}

/// An article whose features are being looked for.
struct Search<'a, T> {
    /// Its n-grams, ascending.
    left: &'a [T],
    places: &'a mut [u32],
    found: usize,
}

/// Features that are looked for at a time: so many that the processor's cache holds them.
const SEARCHED_TOGETHER: usize = if cfg!(test) { 16 } else { 1 << 16 };

/// Looks for what articles have of the next features, which hold n-grams whole; `base` is where the first of these stands
/// among all.
fn find<T: Copy + Sync>(
    searches: &mut [Search<'_, T>],
    features: &[u64],
    base: u32,
    ngram_of: impl Fn(T) -> Ngram + Sync,
) {
    let (Some(&first), Some(&last)) = (features.first(), features.last()) else { return };
    // An n-gram may begin before the first feature that is there of it.
    let first = features::ngram_of(first);
    // As ids are hashes, a table of where those begin that share their first bits leaves few to look among.
    let shift = u64::BITS - ((last - first) | 1).leading_zeros();
    let shift = shift.saturating_sub(features.len().ilog2());
    let bucket = |id: u64| ((id - first) >> shift) as usize;
    let mut starts = vec![0_u32; bucket(last) + 2];
    features.iter().for_each(|&id| starts[bucket(id) + 1] += 1);
    for number in 1..starts.len() {
        starts[number] += starts[number - 1];
    }
    searches.par_iter_mut().for_each(|Search { left, places, found }| {
        while let Some((ngram, rest)) = left.split_first().map(|(&next, rest)| (ngram_of(next), rest)) {
            if ngram.id > last {
                break;
            }
            *left = rest;
            // What comes before the first is not there.
            let Some(number) = ngram.id.checked_sub(first).map(|_| bucket(ngram.id)) else { continue };
            let in_bucket = starts[number] as usize..starts[number + 1] as usize;
            let mut place = in_bucket.start + features[in_bucket].partition_point(|&feature| feature < ngram.id);
            for feature in ngram.features() {
                // What lies between are its other features.
                place += features[place..].iter().take_while(|&&other| other < feature).count();
                if features.get(place) == Some(&feature) {
                    places[*found] = base + place as u32;
                    *found += 1;
                }
            }
        }
    });
}

impl Positions {
    /// `ngram_of` as in [`Sums::add_articles`].
    fn new<'a, T: Copy + Sync + 'a>(
        sums: &Sums,
        articles: impl Iterator<Item = &'a [T]> + Clone,
        ngram_of: impl Fn(T) -> Ngram + Sync,
    ) -> Self {
        let features =
            |ngrams: &[T]| ngrams.iter().map(|&ngram| ngram_of(ngram).fields.count_ones() as usize).sum::<usize>();
        let mut all = vec![0; articles.clone().map(features).sum()];
        let mut rest = all.as_mut_slice();
        let search = |left: &'a [T]| {
            let (places, others) = std::mem::take(&mut rest).split_at_mut(features(left));
            rest = others;
            Search { left, places, found: 0 }
        };
        let mut searches: Vec<Search<'_, T>> = articles.clone().map(search).collect();
        let mut base = 0;
        sums.visit_stretches(|stretch| {
            let ids: Vec<u64> = stretch.iter().map(|(id, _)| *id).collect();
            let mut left = ids.as_slice();
            while !left.is_empty() {
                let mut end = SEARCHED_TOGETHER.min(left.len());
                while end < left.len() && features::same_ngram(left[end - 1], left[end]) {
                    end += 1;
                }
                let (together, rest) = left.split_at(end);
                find(&mut searches, together, base, &ngram_of);
                base += together.len() as u32;
                left = rest;
            }
        });
        let found: Vec<usize> = searches.into_iter().map(|search| search.found).collect();
        let starts = articles.scan(0, |next, ngrams| Some(std::mem::replace(next, *next + features(ngrams))));
        let articles = starts.zip(found).map(|(start, found)| start..start + found).collect();
        Positions { all, articles }
    }

    /// By article.
    fn each(&self) -> impl Iterator<Item = Vec<u32>> {
        self.articles.iter().map(|own| self.all[own.clone()].to_vec())
    }
}
