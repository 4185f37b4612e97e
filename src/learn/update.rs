//! A trainer that goes on from the counts of a model: articles are taken out again, and the calibration sample can be
//! rebuilt.

use std::{collections::HashMap, path::Path};

use rayon::prelude::*;

use super::{
    CatalogChoice, LabelledArticle, Trainer,
    article::Prepared,
    sample::Sampled,
    tally::{Contradiction, Row},
};
use crate::{
    classify::{Axis, Catalog},
    model::{Digest, MAX_SAMPLE, ModelError, SampleArticle, StoredCounts},
};

/// Why an article cannot be taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRemoved {
    /// It was never counted, or was taken out before.
    #[error("not among the articles of the model")]
    Unknown,
    /// It was counted under other labels, or with another group or none.
    #[error("among the articles of the model only with other labels or another group")]
    OtherLabels,
    /// The counts are not those of their ledger.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
}

impl Trainer {
    /// A trainer that has seen what was counted before. Labels that counted articles carry are known to it, those of the
    /// catalog too, and all others only if new ones are allowed or the catalog is empty. An article that is added and was
    /// counted already changes nothing, not even which source is known of it. `scratch` as for [`Trainer::with_scratch`].
    ///
    /// # Errors
    ///
    /// The features or terms of the counts make no sense, or their file cannot be read.
    pub fn from_counts(
        counts: StoredCounts,
        allow_new_labels: bool,
        scratch: Option<&Path>,
    ) -> Result<Self, ModelError> {
        Self::from_counts_with_capacity(counts, allow_new_labels, scratch, MAX_SAMPLE)
    }

    pub(super) fn from_counts_with_capacity(
        counts: StoredCounts,
        allow_new_labels: bool,
        scratch: Option<&Path>,
        capacity: usize,
    ) -> Result<Self, ModelError> {
        let catalog = counts.rest().catalog.clone();
        let choice = match (catalog == Catalog::default(), allow_new_labels) {
            (true, _) => CatalogChoice::FromData,
            (false, true) => CatalogChoice::GivenOrNew(catalog),
            (false, false) => CatalogChoice::Given(catalog),
        };
        let mut trainer = Self::with_capacity(choice, capacity).with_scratch(scratch);
        trainer.add_counts(counts)?;
        trainer.goes_on = true;
        Ok(trainer)
    }

    /// Counts all articles of counts, each of which was not counted before or is taken out again once.
    pub(super) fn add_counts(&mut self, mut counts: StoredCounts) -> Result<Vec<Digest>, ModelError> {
        let numbers = self.tally.numbers(&counts);
        // The sample first, since what it says of features takes more than what is made of it.
        self.add_sample(&mut counts, &numbers)?;
        self.sample.is_exact &= counts.rest().sample_is_exact;
        self.tally.add_counts(&counts, &numbers)?;
        let ledger = counts.take_ledger().into_iter();
        Ok(ledger.filter_map(|entry| self.ledger.insert(entry.article, entry.text).map(|_| entry.article)).collect())
    }

    /// Takes the sample of counts in; `numbers` as [`Tally::numbers`](super::tally::Tally::numbers) gives them.
    fn add_sample(&mut self, counts: &mut StoredCounts, numbers: &[Vec<u16>; 2]) -> Result<(), ModelError> {
        counts.rest().sample_limit.into_iter().for_each(|limit| self.sample.limit_to(limit));
        let mut left = counts.take_sample();
        left.retain(|article| self.sample.takes(article.group));
        Row::each_of_sample(left, counts, numbers, |SampleArticle { digest, text, group, source, .. }, row| {
            self.sample.add(group, digest, Sampled { text, source, row });
        })
    }

    /// Takes many articles out, reading them on all threads of the current rayon pool. One result for each, in order;
    /// of one that cannot be taken out, nothing is.
    ///
    /// The calibration sample stays what counting anew would give, unless groups that did not fit into it would now find
    /// a place: nothing is known of them any more, so their place stays free.
    pub fn remove_all(&mut self, articles: &[LabelledArticle]) -> Vec<Result<(), NotRemoved>> {
        let (ledger, names) = (&self.ledger, &self.names);
        let prepare =
            |article: &LabelledArticle| ledger.contains_key(&article.digest()).then(|| article.prepare(names));
        let prepared: Vec<Option<Prepared>> = articles.par_iter().map(prepare).collect();
        let results: Vec<_> = articles.iter().zip(prepared).map(|(article, it)| self.remove(article, it)).collect();
        let unknown = |(_, result): &(_, &Result<(), NotRemoved>)| **result == Err(NotRemoved::Unknown);
        let mut missed: HashMap<Digest, bool> =
            articles.iter().zip(&results).filter(unknown).map(|(article, _)| (article.text_digest(), false)).collect();
        if missed.is_empty() {
            return results;
        }
        self.ledger.values().for_each(|text| {
            missed.entry(*text).and_modify(|found| *found = true);
        });
        let why = |(article, result): (&LabelledArticle, Result<(), NotRemoved>)| match result {
            Err(NotRemoved::Unknown) if missed.get(&article.text_digest()) == Some(&true) => {
                Err(NotRemoved::OtherLabels)
            }
            other => other,
        };
        articles.iter().zip(results).map(why).collect()
    }

    fn remove(&mut self, article: &LabelledArticle, prepared: Option<Prepared>) -> Result<(), NotRemoved> {
        // An article that stands twice in the list is gone by the second time.
        let mut prepared = prepared.filter(|it| self.ledger.contains_key(&it.digest)).ok_or(NotRemoved::Unknown)?;
        let mut labels = [None, None];
        for axis in Axis::ALL {
            if let Some(label) = &article.labels[axis as usize] {
                labels[axis as usize] = Some(self.tally.known(axis, label).ok_or(Contradiction)?);
            }
        }
        let row = prepared.row(labels);
        self.tally.remove(&row, 1)?;
        self.ledger.remove(&prepared.digest);
        self.sample.remove(prepared.group, prepared.digest);
        if let Some(rebuilt_from) = &mut self.rebuilt_from {
            rebuilt_from.remove(&prepared.digest);
        }
        Ok(())
    }

    /// Rebuilds the calibration sample from articles that are counted, on all threads of the current rayon pool. The
    /// first call empties it; with all counted articles handed over, it is the one that counting them anew would give.
    /// By article, in order: whether it is counted; those that are not are passed over.
    pub fn calibrate_on(&mut self, articles: &[LabelledArticle]) -> Vec<bool> {
        if self.rebuilt_from.is_none() {
            self.sample = self.sample.emptied();
        }
        let mut rebuilt_from = self.rebuilt_from.take().unwrap_or_default();
        let (ledger, sample, names) = (&self.ledger, &self.sample, &self.names);
        let prepare = |article: &LabelledArticle| {
            let is_counted = ledger.contains_key(&article.digest());
            (is_counted, (is_counted && sample.takes(article.group_digest())).then(|| article.prepare(names)))
        };
        let prepared: Vec<(bool, Option<Prepared>)> = articles.par_iter().map(prepare).collect();
        let mut counted = Vec::with_capacity(articles.len());
        for (article, (is_counted, prepared)) in articles.iter().zip(prepared) {
            counted.push(is_counted);
            if is_counted {
                rebuilt_from.insert(article.digest());
            }
            if let Some(mut prepared) = prepared {
                let label = |axis| self.tally.known(axis, article.labels[axis as usize].as_deref()?);
                let row = prepared.row(Axis::ALL.map(label));
                let sampled = Sampled { text: prepared.text, source: prepared.source, row };
                self.sample.add(prepared.group, prepared.digest, sampled);
            }
        }
        self.sample.is_exact = rebuilt_from.len() == self.ledger.len();
        self.rebuilt_from = Some(rebuilt_from);
        counted
    }

    /// Counted articles that the sample was not rebuilt from, though others were: 0 if it was not rebuilt at all.
    #[must_use]
    pub fn not_calibrated_on(&self) -> usize {
        self.rebuilt_from.as_ref().map_or(0, |rebuilt_from| self.ledger.len().saturating_sub(rebuilt_from.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        learn::{
            TrainError,
            testing::{counts_of, counts_with_capacity, goes_on, small_corpus, some_of, stored},
            train,
        },
        model::{AxisCounts, Counts, ModelFile},
    };
    use proptest::prelude::*;

    /// What does not depend on the sample.
    fn without_sample(counts: Counts) -> Counts {
        Counts { sample: Vec::new(), sample_limit: None, sample_is_exact: true, ..counts }
    }

    /// Goes from some articles to others, and says what of the removal and addition was refused.
    fn change(before: u32, after: u32, capacity: usize, scratch: Option<&Path>) -> Trainer {
        let counts = counts_with_capacity(&some_of(before), capacity);
        let mut trainer = Trainer::from_counts_with_capacity(stored(&counts), false, scratch, capacity).unwrap();
        assert!(trainer.remove_all(&some_of(before & !after)).into_iter().all(|result| result.is_ok()));
        assert!(trainer.add_all(&some_of(after & !before)).into_iter().all(|result| result.is_ok()));
        trainer
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        /// From any set of articles to any other one, the counts are those of counting anew; the sample too if it is
        /// rebuilt, or holds all articles, or says so.
        #[test]
        fn changed_counts_are_those_of_counting_anew(
            before in 0_u32..1 << 24, after in 0_u32..1 << 24, capacity in prop_oneof![1_usize..24, Just(24)],
            spills: bool,
        ) {
            let expect = counts_with_capacity(&some_of(after), capacity);
            let directory = tempfile::tempdir().unwrap();
            let trainer = change(before, after, capacity, spills.then_some(directory.path()));
            let is_exact = trainer.sample_is_exact();
            let counts = trainer.into_counts().unwrap();
            prop_assert!(is_exact || capacity < 24);
            prop_assert_eq!(counts.sample_is_exact, is_exact);
            if is_exact {
                prop_assert_eq!(&counts, &expect);
            }
            prop_assert_eq!(without_sample(counts), without_sample(expect.clone()));

            let mut trainer = change(before, after, capacity, None);
            let counted = trainer.calibrate_on(&small_corpus());
            let is_after: Vec<bool> = (0..24).map(|number| after >> number & 1 == 1).collect();
            prop_assert_eq!(counted, is_after);
            prop_assert_eq!(trainer.not_calibrated_on(), 0);
            prop_assert_eq!(trainer.into_counts().unwrap(), expect);
        }

        #[test]
        fn added_and_removed_again_is_as_before(before in 0_u32..1 << 24, more in 0_u32..1 << 24) {
            let counts = counts_of(&some_of(before));
            let mut trainer = goes_on(&counts);
            trainer.add_all(&some_of(more));
            let removed = trainer.remove_all(&some_of(more & !before));
            prop_assert!(removed.into_iter().all(|result| result.is_ok()));
            prop_assert_eq!(trainer.into_counts().unwrap(), counts);
        }
    }

    #[test]
    fn what_cannot_be_done_is_told_and_changes_nothing() {
        let corpus = small_corpus();
        let counts = counts_of(&corpus[..12]);
        let mut trainer = goes_on(&counts);
        let mut relabelled = corpus[0].clone();
        relabelled.labels[0] = None;
        let results = trainer.remove_all(&[corpus[12].clone(), relabelled]);
        assert_eq!(results, [Err(NotRemoved::Unknown), Err(NotRemoved::OtherLabels)]);
        let mut mirrored = corpus[3].clone();
        mirrored.source = Some("a mirror".to_owned());
        assert_eq!(trainer.add_all(&[mirrored]), [Ok(crate::learn::Added::Double)]);
        assert_eq!(trainer.into_counts().unwrap(), counts);

        // Twice in one call.
        let mut trainer = goes_on(&counts);
        let results = trainer.remove_all(&[corpus[0].clone(), corpus[0].clone()]);
        assert_eq!(results, [Ok(()), Err(NotRemoved::Unknown)]);
        assert_eq!(trainer.into_counts().unwrap(), counts_of(&corpus[1..12]));
    }

    #[test]
    fn counts_that_contradict_their_ledger_lose_nothing() {
        let corpus = small_corpus();
        let mut counts = counts_of(&corpus);
        counts.term_documents.fill(0);
        let mut trainer = goes_on(&counts);
        let results = trainer.remove_all(&corpus[..1]);
        assert_eq!(results, [Err(NotRemoved::Contradiction(Contradiction))]);
        assert_eq!(trainer.into_counts().unwrap().axes, counts.axes);
    }

    /// What a reader would refuse is not made a model of.
    #[test]
    fn counts_that_are_more_than_their_articles_make_no_model() {
        let corpus = small_corpus();
        let counts = counts_of(&corpus);
        let base = ModelFile::from_bytes(&train(counts.clone()).unwrap().model).unwrap().serving;
        let finished = |counts: Counts| {
            let mut trainer = goes_on(&counts);
            assert_eq!(trainer.remove_all(&corpus[..1]), [Ok(())]);
            trainer.finish_as(&|| true, || Ok(base.clone()))
        };
        let model = finished(counts.clone()).unwrap().model;
        assert!(ModelFile::from_bytes(&model).is_ok());

        let mut forged = counts.clone();
        for AxisCounts { documents, cells, .. } in &mut forged.axes {
            let most = cells.labels.iter().map(|&label| documents[usize::from(label)] as u32);
            cells.counts = most.collect();
        }
        assert!(matches!(finished(forged), Err(TrainError::Model(ModelError::Malformed { .. }))));
        // The sample holds the article in another group than the one that it is taken out of.
        let mut forged = counts;
        let removed = corpus[0].digest();
        for article in forged.sample.iter_mut().filter(|article| article.digest == removed) {
            article.group = Digest([7; 16]);
        }
        assert!(matches!(finished(forged), Err(TrainError::Model(ModelError::Malformed { .. }))));
    }

    /// Labels that only removed articles carried are gone, and an axis with them.
    #[test]
    fn labels_go_with_their_articles() {
        let mut corpus = small_corpus();
        corpus[0].labels = [Some("tea_party".to_owned()), None];
        let mut bare = Trainer::new(CatalogChoice::FromData);
        bare.add_all(&corpus[..1]).into_iter().for_each(|result| assert!(result.is_ok()));
        let counts = bare.into_counts().unwrap();
        let mut trainer = goes_on(&counts);
        assert!(trainer.add_all(&corpus[1..]).into_iter().all(|result| result.is_ok()), "no catalog allows all labels");
        assert!(trainer.remove_all(&corpus[1..]).into_iter().all(|result| result.is_ok()));
        assert_eq!(trainer.into_counts().unwrap(), counts);

        let counts = counts_of(&small_corpus());
        let new = goes_on(&counts).add_all(&corpus[..1]);
        assert!(new[0].as_ref().is_err_and(|error| error.to_string().contains("tea_party")), "{new:?}");
        assert!(Trainer::from_counts(stored(&counts), true, None).unwrap().add_all(&corpus[..1])[0].is_ok());
    }

    #[test]
    fn a_sample_rebuilt_from_some_articles_says_so() {
        let corpus = small_corpus();
        let mut trainer = goes_on(&counts_of(&corpus));
        trainer.calibrate_on(&corpus[..20]);
        assert_eq!((trainer.not_calibrated_on(), trainer.sample_is_exact()), (4, false));
        trainer.calibrate_on(&corpus[15..]);
        assert_eq!((trainer.not_calibrated_on(), trainer.sample_is_exact()), (0, true));
        assert_eq!(trainer.into_counts().unwrap(), counts_of(&corpus));
    }
}
