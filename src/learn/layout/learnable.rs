//! The part of counts that learning reads.

use rayon::prelude::*;

use super::Layout;
use crate::{
    classify::{Axis, features::Field},
    learn::{
        FOLDS,
        articles::Events,
        select::{MAX_FEATURES, outer_fold},
        sums::{FeatureTotals, Sums},
        table::AxisTable,
    },
    model::{Cells, Counts, SampleArticle},
};

/// Numbers of articles above which features are told apart no more.
const MAX_DOCUMENTS: usize = 1 << 12;

/// The part of counts that learning reads.
#[derive(Debug)]
pub(in crate::learn) struct Learnable {
    /// Without the features that no model knows: those of fewer articles than the lowest cut-off under which the features
    /// fit; without terms of one article that is not in the sample; without the ledger; and, to be refitted, without the
    /// sample.
    pub(in crate::learn) counts: Counts,
    /// By axis: that cut-off.
    pub(in crate::learn) lowest: [u32; 2],
    /// By article of the sample, by axis: cells of its features that are not there.
    pub(in crate::learn) dropped: Vec<[u32; 2]>,
}

impl Learnable {
    /// All of some counts.
    pub(in crate::learn) fn whole(counts: Counts) -> Self {
        let counts = Counts { ledger: Vec::new(), ..counts };
        Self { counts, lowest: [0; 2], dropped: Vec::new() }
    }

    /// The tables of the axes that articles are labelled on. What is in them the counts hold no more.
    pub(in crate::learn) fn take_tables(&mut self) -> [Option<AxisTable>; 2] {
        let table = |axis: Axis| Some(AxisTable::new(&self.counts, axis)?.with_lowest(self.lowest[axis as usize]));
        let [first, second] = Axis::ALL;
        let (first, second) = rayon::join(|| table(first), || table(second));
        self.counts.axes.iter_mut().for_each(|axis| axis.cells = Cells::default());
        [first, second]
    }
}

impl Layout {
    /// What learning reads.
    pub(in crate::learn) fn learnable(&self) -> Learnable {
        self.learnable_of(MAX_FEATURES, &self.sample)
    }

    /// What fitting likelihoods reads: all but the sample, which is much of it.
    pub(in crate::learn) fn refittable(&self) -> Learnable {
        self.learnable_of(MAX_FEATURES, &[])
    }

    /// What learning reads of this sample if a model knows so many features at most.
    fn learnable_of(&self, max_features: usize, sample: &[SampleArticle]) -> Learnable {
        let lowest = self.lowest(max_features);
        let is_known = |id: u64, documents: [u32; 2], _| {
            Field::of(id).is_none_or(Field::is_names)
                || documents.iter().zip(lowest).any(|(&documents, lowest)| documents >= lowest)
                || self.names.contains(&id)
        };
        let of_sample = sample.iter().map(|article| article.features.as_slice()).collect();
        let (features, dropped) = keep(&self.features, of_sample, is_known);
        let is_read = |_, [documents, _]: [u32; 2], is_sampled| documents > 1 || is_sampled;
        let (terms, _) = keep(&self.terms, sample.iter().map(|article| article.terms.as_slice()).collect(), is_read);
        // Their places are put down when it is known how many there are: lists that grow would leave as much behind again.
        let kept = |article: &SampleArticle| SampleArticle {
            features: features.of(&article.features),
            terms: terms.of(&article.terms),
            source: article.source.clone(),
            ..*article
        };
        let (mut is_feature, mut is_term) = (features.each(), terms.each());
        let counts = self.counts(
            sample.par_iter().map(kept).collect(),
            |push| {
                self.features.visit(|id, cells| {
                    if is_feature.next() == Some(true) {
                        push(id, cells);
                    }
                });
            },
            |push| {
                self.terms.visit(|id, cells| {
                    if is_term.next() == Some(true) {
                        push(id, cells);
                    }
                });
            },
        );
        Learnable { counts, lowest, dropped }
    }

    /// By axis: the lowest cut-off under which the features fit in the model, or in one that figures are taken from, which is
    /// learnt without one of the outer folds.
    fn lowest(&self, max_features: usize) -> [u32; 2] {
        let events = Events::new(&self.sample);
        let folds: Vec<u8> = self.sample.iter().map(|article| outer_fold(&events.of(article.group))).collect();
        let places: Vec<&[u32]> = self.sample.iter().map(|article| article.features.as_slice()).collect();
        // By fold, by axis, by number of articles: features.
        let mut features_of = [0; FOLDS as usize].map(|_| [0; 2].map(|_| vec![0_usize; MAX_DOCUMENTS]));
        walk(&self.features, places, |stretch, base, own| {
            features_of.par_iter_mut().enumerate().for_each(|(fold, features_of)| {
                let mut left_out = vec![[0_u32; 2]; stretch.len()];
                let held_out = |(_, own): &(_, &u8)| usize::from(**own) == fold;
                for ((article, own), _) in self.sample.iter().zip(own).zip(&folds).filter(held_out) {
                    let labelled = article.labels.map(|label| u32::from(label.is_some()));
                    for &place in *own {
                        left_out[(place - base) as usize].iter_mut().zip(labelled).for_each(|(sum, one)| *sum += one);
                    }
                }
                for ((id, totals), left_out) in stretch.iter().zip(left_out) {
                    if Field::of(*id).is_some_and(|field| !field.is_names()) {
                        for axis in 0..2 {
                            let documents = totals.documents[axis].saturating_sub(left_out[axis]) as usize;
                            features_of[axis][documents.min(MAX_DOCUMENTS - 1)] += 1;
                        }
                    }
                }
            });
        });
        let lowest = |features_of: &Vec<usize>| {
            let mut features = 0;
            let too_many = |&documents: &usize| {
                features += features_of[documents];
                features > max_features
            };
            (1..MAX_DOCUMENTS).rev().find(too_many).map_or(1, |documents| documents as u32 + 1)
        };
        // Without a fold there are no more features than with it.
        [0, 1].map(|axis| features_of.iter().map(|fold| lowest(&fold[axis])).min().unwrap_or_default())
    }
}

/// Calls `visit` for every stretch, with the place of its first feature and, by article, the article's places in it.
fn walk<'a>(
    sums: &Sums,
    mut articles: Vec<&'a [u32]>,
    mut visit: impl FnMut(&[(u64, FeatureTotals)], u32, &[&'a [u32]]),
) {
    let mut base = 0;
    sums.visit_stretches(|stretch| {
        let end = base + stretch.len() as u32;
        let own = articles.iter_mut().map(|left| {
            let (own, rest) = left.split_at(left.iter().take_while(|&&place| place < end).count());
            *left = rest;
            own
        });
        visit(stretch, base, &own.collect::<Vec<_>>());
        base = end;
    });
}

/// Which of some features are kept: a set of bits in which the set ones before each can be counted (Jacobson 1989).
#[derive(Default)]
struct Kept {
    /// Bits of 64 features, and how many are set before.
    words: Vec<(u64, u32)>,
    /// How many features there are, kept or not.
    features: usize,
    kept: u32,
}

impl Kept {
    fn push(&mut self, is_kept: bool) {
        let bit = self.features % u64::BITS as usize;
        if bit == 0 {
            self.words.push((0, self.kept));
        }
        if let Some((bits, _)) = self.words.last_mut() {
            *bits |= u64::from(is_kept) << bit;
        }
        self.features += 1;
        self.kept += u32::from(is_kept);
    }

    /// Where a feature stands among those that are kept, if it is.
    fn place(&self, place: u32) -> Option<u32> {
        let &(bits, before) = self.words.get((place / u64::BITS) as usize)?;
        let bit = 1 << (place % u64::BITS);
        (bits & bit != 0).then(|| before + (bits & (bit - 1)).count_ones())
    }

    /// Where those of some features that are kept stand among them.
    fn of(&self, places: &[u32]) -> Vec<u32> {
        let mut kept = Vec::with_capacity(places.iter().filter_map(|place| self.place(*place)).count());
        kept.extend(places.iter().filter_map(|place| self.place(*place)));
        kept
    }

    /// Of each feature whether it is kept.
    fn each(&self) -> impl Iterator<Item = bool> {
        (0..self.features as u32).map(|place| self.place(place).is_some())
    }
}

/// Says which features are kept, of which `is_wanted` says so, given id, articles, and whether some article of the sample has
/// it; and by article and axis how many cells are not. `articles` are where the features of each stand.
fn keep(sums: &Sums, articles: Vec<&[u32]>, is_wanted: impl Fn(u64, [u32; 2], bool) -> bool) -> (Kept, Vec<[u32; 2]>) {
    let mut dropped = vec![[0_u32; 2]; articles.len()];
    let mut kept = Kept { words: Vec::with_capacity(sums.features().div_ceil(u64::BITS as usize)), ..Kept::default() };
    walk(sums, articles, |stretch, base, own| {
        let mut is_sampled = vec![false; stretch.len()];
        own.iter().copied().flatten().for_each(|place| is_sampled[(place - base) as usize] = true);
        for ((id, totals), is_sampled) in stretch.iter().zip(is_sampled) {
            kept.push(is_wanted(*id, totals.documents, is_sampled));
        }
        own.par_iter().zip(&mut dropped).for_each(|(own, dropped)| {
            for &place in own.iter().filter(|place| kept.place(**place).is_none()) {
                let cells = stretch[(place - base) as usize].1.cells;
                dropped.iter_mut().zip(cells).for_each(|(sum, n)| *sum += u32::from(n));
            }
        });
    });
    (kept, dropped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        learn::{
            CatalogChoice, Trainer,
            refit::refit,
            testing::{catalog, small_corpus, some_settings},
            train,
        },
        model::{ModelFile, PackedCounts},
    };

    fn trainer() -> Trainer {
        let mut trainer = Trainer::new(CatalogChoice::Given(catalog()));
        trainer.add_all(&small_corpus()).into_iter().for_each(|added| assert!(added.is_ok()));
        trainer
    }

    #[test]
    fn a_packed_layout_is_the_packed_counts() {
        let digest = PackedCounts::new(&trainer().into_counts().unwrap()).unwrap().digest();
        assert_eq!(trainer().lay_out().pack(None).unwrap().digest(), digest);
        assert_eq!(trainer().finish().unwrap().model, train(trainer().into_counts().unwrap()).unwrap().model);
    }

    /// However few features fit, all that a model can know is there, and what an article is without is told.
    #[test]
    fn what_no_model_knows_is_dropped() {
        let whole = trainer().into_counts().unwrap();
        let mut before = whole.features.len();
        for max_features in [usize::MAX, 150, 60, 20] {
            let layout = trainer().lay_out();
            let Learnable { counts, lowest, dropped } = layout.learnable_of(max_features, &layout.sample);
            assert!(counts.features.len() <= before, "{max_features}: {} of {before}", counts.features.len());
            before = counts.features.len();
            for axis in Axis::ALL {
                let lowest = lowest[axis as usize];
                let tables = [&whole, &counts].map(|counts| AxisTable::new(counts, axis).unwrap());
                for settings in some_settings().into_iter().filter(|settings| settings.min_documents >= lowest) {
                    let [all, known] = tables.each_ref().map(|table| table.floors(&table.totals(&settings), &settings));
                    assert_eq!(all, known, "{settings:?}");
                }
                if max_features < usize::MAX {
                    let fits = |cut_off: u32| {
                        let of_more = |&feature: &u32| tables[0].documents_of(feature) >= cut_off;
                        (0..whole.features.len() as u32).filter(of_more).count() <= max_features
                    };
                    assert!(lowest == 1 || !fits(lowest - 1), "{lowest}");
                }
                for ((all, known), dropped) in whole.sample.iter().zip(&counts.sample).zip(&dropped) {
                    let cells = tables[1].cells_of(&known.features) + dropped[axis as usize] as usize;
                    assert_eq!(cells, tables[0].cells_of(&all.features));
                    let ids: Vec<u64> = known.features.iter().map(|&at| counts.features[at as usize]).collect();
                    let expect = all.features.iter().map(|&at| whole.features[at as usize]);
                    assert_eq!(ids, expect.filter(|id| counts.features.contains(id)).collect::<Vec<_>>());
                }
            }
        }
        assert!(before < whole.features.len());
    }

    /// A model is fitted from a part of the features, and without the sample, as from all, if it can know no others.
    #[test]
    fn a_part_is_fitted_as_the_whole() {
        let whole = trainer().into_counts().unwrap();
        let serving = ModelFile::from_bytes(&trainer().finish().unwrap().model).unwrap().serving;
        let mut least = whole.features.len();
        for max_features in [150, 60, 20] {
            let layout = trainer().lay_out();
            for sample in [layout.sample.as_slice(), &[]] {
                let learnable = layout.learnable_of(max_features, sample);
                least = least.min(learnable.counts.features.len());
                let mut base = serving.clone();
                for (report, lowest) in base.report.axes.iter_mut().flatten().zip(learnable.lowest) {
                    report.settings.min_documents = report.settings.min_documents.max(lowest);
                }
                let expect = refit(base.clone(), Learnable::whole(whole.clone()), &|| true).unwrap();
                assert_eq!(refit(base, learnable, &|| true).unwrap(), expect);
            }
        }
        assert!(least < whole.features.len());
    }
}
