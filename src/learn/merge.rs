//! The counts of shards become the counts of the whole, as if all their articles had been counted together.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    fmt,
    path::Path,
};

use super::{
    CatalogChoice, Trainer,
    tally::{Contradiction, Row},
};
use crate::{
    classify::{Axis, Catalog},
    model::{Digest, MAX_SAMPLE, ModelError, SampleArticle, StoredCounts},
};

/// Counts that cannot be merged. Shards are told by the names they were given.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// Counted under different label catalogs.
    #[error("{first} and {second} were counted with different label catalogs: count one of them again with --labels")]
    Catalogs {
        /// The first shard.
        first: String,
        /// The first shard that differs from it.
        second: String,
    },
    /// Articles stand in two shards, and what they brought to the counts of each is in no calibration sample.
    #[error(
        "{first} and {second} have {articles} articles in common that are in no calibration sample, so that they cannot be \
         counted once: count one of the two again without them, or train on the articles themselves"
    )]
    Overlap {
        /// The shards that have most such articles in common.
        first: String,
        /// The other one.
        second: String,
        /// How many these two have.
        articles: usize,
    },
    /// More labels than an axis can have.
    #[error("{axis}: the shards together have more than {} labels", Catalog::MAX_LABELS)]
    TooManyLabels {
        /// The axis.
        axis: &'static str,
    },
    /// More articles than can be counted.
    #[error("the shards together have more than {} articles", u32::MAX)]
    TooManyArticles,
    /// A shard does not hold what its ledger says.
    #[error("{shard}: {reason}")]
    Contradiction {
        /// The shard.
        shard: String,
        /// What is wrong.
        reason: Contradiction,
    },
    /// A shard was another one when it was read again.
    #[error("{shard} changed while it was merged")]
    Changed {
        /// The shard.
        shard: String,
    },
    /// A shard cannot be read, or makes no sense.
    #[error("{shard}: {reason}")]
    Model {
        /// The shard.
        shard: String,
        /// What is wrong.
        reason: ModelError,
    },
}

/// Shards that were merged.
#[derive(Debug)]
pub struct Merged {
    /// Has counted all articles, each once.
    pub trainer: Trainer,
    /// Articles that stand in more than one shard, without those of contained shards.
    pub overlapping: usize,
    /// Shards that add nothing, since all their articles stand in another one: which, and in which, in the order given.
    pub contained: Vec<(usize, usize)>,
}

/// Merges shards. The counts, ledger and sample are those of counting all their articles together, whatever the order of
/// the shards; that needs samples which are exact ([`Counts::sample_is_exact`](crate::model::Counts::sample_is_exact)).
///
/// Each shard is opened two or three times, by its place in `names`, and its features are read from its file: held are the
/// sums, as far as they are not too long, the digests of all articles, and the samples of the sum and of one shard.
/// `scratch` as for [`Trainer::with_scratch`].
///
/// # Errors
///
/// Those of opening; shards that do not fit together, as [`MergeError`] says.
pub fn merge<E: From<MergeError>>(
    names: &[impl fmt::Display],
    scratch: Option<&Path>,
    open: impl FnMut(usize) -> Result<StoredCounts, E>,
) -> Result<Merged, E> {
    merge_with_capacity(names, scratch, open, MAX_SAMPLE)
}

/// What is known of all shards before their counts are added.
struct Survey {
    catalog: Catalog,
    /// By shard: its articles, ascending.
    articles: Vec<Vec<Digest>>,
    /// The shards to add, in an order that does not depend on the one given.
    kept: Vec<usize>,
    /// As in [`Merged`].
    contained: Vec<(usize, usize)>,
}

fn articles(counts: &StoredCounts) -> impl Iterator<Item = Digest> {
    counts.rest().ledger.iter().map(|entry| entry.article)
}

fn survey<E: From<MergeError>>(
    names: &[impl fmt::Display],
    mut open: impl FnMut(usize) -> Result<StoredCounts, E>,
) -> Result<Survey, E> {
    let mut survey =
        Survey { catalog: Catalog::default(), articles: Vec::new(), kept: Vec::new(), contained: Vec::new() };
    let mut labels: [BTreeSet<String>; 2] = Default::default();
    let mut order = Vec::new();
    for shard in 0..names.len() {
        let counts = open(shard)?;
        let rest = counts.rest();
        if shard == 0 {
            survey.catalog = rest.catalog.clone();
        } else if rest.catalog != survey.catalog {
            let (first, second) = (names[0].to_string(), names[shard].to_string());
            return Err(MergeError::Catalogs { first, second }.into());
        }
        for axis in Axis::ALL {
            labels[axis as usize].extend(rest.axes[axis as usize].labels.iter().cloned());
            if labels[axis as usize].len() > Catalog::MAX_LABELS {
                return Err(MergeError::TooManyLabels { axis: axis.name() }.into());
            }
        }
        order.push((Reverse(rest.ledger.len()), counts.digest(), shard));
        survey.articles.push(articles(&counts).collect());
    }
    order.sort_unstable();
    for (_, _, shard) in order {
        let is_in =
            |other: &usize| survey.articles[shard].iter().all(|it| survey.articles[*other].binary_search(it).is_ok());
        match survey.kept.iter().copied().find(is_in) {
            Some(other) => survey.contained.push((shard, other)),
            None => survey.kept.push(shard),
        }
    }
    survey.contained.sort_unstable();
    Ok(survey)
}

impl Survey {
    /// Says between which shards most of some articles stand that are in more than one.
    fn overlap<'a>(&self, names: &[impl fmt::Display], left: impl Iterator<Item = &'a Digest>) -> MergeError {
        let mut pairs: HashMap<(usize, usize), usize> = HashMap::new();
        for article in left {
            let holds = |shard: &usize| self.articles[*shard].binary_search(article).is_ok();
            let mut holders: Vec<usize> = self.kept.iter().copied().filter(holds).collect();
            holders.sort_unstable();
            if let [first, second, ..] = holders[..] {
                *pairs.entry((first, second)).or_default() += 1;
            }
        }
        let most = pairs.into_iter().max_by_key(|&(pair, articles)| (articles, Reverse(pair)));
        let ((first, second), articles) = most.unwrap_or_default();
        MergeError::Overlap { first: names[first].to_string(), second: names[second].to_string(), articles }
    }
}

pub(super) fn merge_with_capacity<E: From<MergeError>>(
    names: &[impl fmt::Display],
    scratch: Option<&Path>,
    mut open: impl FnMut(usize) -> Result<StoredCounts, E>,
    capacity: usize,
) -> Result<Merged, E> {
    let survey = survey(names, &mut open)?;
    let total = survey.kept.iter().map(|&shard| survey.articles[shard].len()).sum::<usize>();
    if u32::try_from(total).is_err() {
        return Err(MergeError::TooManyArticles.into());
    }
    let mut open = |shard: usize| {
        let counts = open(shard)?;
        let is_same =
            counts.rest().catalog == survey.catalog && articles(&counts).eq(survey.articles[shard].iter().copied());
        if is_same { Ok(counts) } else { Err(E::from(MergeError::Changed { shard: names[shard].to_string() })) }
    };
    let unread = |shard: usize| move |reason| MergeError::Model { shard: names[shard].to_string(), reason };

    let catalog = CatalogChoice::GivenOrNew(survey.catalog.clone());
    let mut trainer = Trainer::with_capacity(catalog, capacity).with_scratch(scratch);
    // How often each article was counted too much.
    let mut doubles: HashMap<Digest, u32> = HashMap::new();
    for &shard in &survey.kept {
        for article in trainer.add_counts(open(shard)?).map_err(unread(shard))? {
            *doubles.entry(article).or_default() += 1;
        }
    }
    let overlapping = doubles.len();
    // The sample of a contained shard may know a source that is first by name, or what an overlapping article brought.
    let contained = survey.contained.iter().map(|&(shard, _)| shard);
    let again = if overlapping == 0 { &[][..] } else { &survey.kept };
    for shard in contained.chain(again.iter().copied()) {
        let mut counts = open(shard)?;
        let numbers = trainer.tally.numbers(&counts);
        let (mut known, mut counted): (Vec<SampleArticle>, HashMap<Digest, u32>) = Default::default();
        for article in counts.take_sample() {
            trainer.sample.another_source(article.group, article.digest, article.source.as_deref());
            if let Some(times) = doubles.remove(&article.digest) {
                counted.insert(article.digest, times);
                known.push(article);
            }
        }
        let mut forgotten = Ok(());
        let forget = |article: SampleArticle, row: Row| {
            let times = counted.get(&article.digest).copied().unwrap_or_default();
            forgotten = forgotten.and_then(|()| trainer.tally.remove(&row, times));
        };
        Row::each_of_sample(known, &counts, &numbers, forget).map_err(unread(shard))?;
        // What cannot be read is not there either.
        trainer.check_scratch().map_err(unread(shard))?;
        forgotten.map_err(|reason| MergeError::Contradiction { shard: names[shard].to_string(), reason })?;
        if !survey.kept.contains(&shard) {
            counts.check_columns().map_err(unread(shard))?;
        }
    }
    if !doubles.is_empty() {
        return Err(survey.overlap(names, doubles.keys()).into());
    }
    // What was taken out may have been more than there was.
    trainer.goes_on = true;
    Ok(Merged { trainer, overlapping, contained: survey.contained })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{
        LabelledArticle,
        testing::{counts_of, counts_with_capacity, small_corpus, some_of, stored},
    };
    use crate::model::{Counts, PackedCounts};
    use proptest::prelude::*;

    fn merged(shards: &[Counts], capacity: usize) -> Result<Merged, MergeError> {
        let names: Vec<String> = (0..shards.len()).map(|number| format!("shard {number}")).collect();
        merge_with_capacity(&names, None, |shard| Ok::<_, MergeError>(stored(&shards[shard])), capacity)
    }

    fn error(shards: &[Counts]) -> String {
        merged(shards, MAX_SAMPLE).unwrap_err().to_string()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        /// However a corpus is cut into shards, groups too, and however little the sample holds.
        #[test]
        fn shards_merge_to_the_whole(places in proptest::collection::vec(0_usize..4, 24), capacity in 1_usize..30) {
            let corpus = small_corpus();
            let mut shards: Vec<Vec<LabelledArticle>> = vec![Vec::new(); 4];
            for (article, place) in corpus.iter().zip(places) {
                shards[place].push(article.clone());
            }
            let mut shards: Vec<Counts> = shards.iter().map(|shard| counts_with_capacity(shard, capacity)).collect();
            let whole = counts_with_capacity(&corpus, capacity);
            for _ in 0..4 {
                shards.rotate_left(1);
                let result = merged(&shards, capacity).unwrap();
                prop_assert_eq!(result.overlapping, 0);
                prop_assert_eq!(&result.trainer.into_counts().unwrap(), &whole);
            }
        }

        /// An article in several shards is counted once, if some sample knows it, and the order of the shards does not
        /// decide whether one does.
        #[test]
        fn overlapping_shards_merge_to_their_union(
            bits in proptest::collection::vec(0_u32..1 << 24, 1..4), capacity in prop_oneof![1_usize..24, Just(24)],
        ) {
            let mut shards: Vec<Counts> =
                bits.iter().map(|&bits| counts_with_capacity(&some_of(bits), capacity)).collect();
            let whole = counts_with_capacity(&some_of(bits.iter().fold(0, |all, bits| all | bits)), capacity);
            let mut failed = 0;
            for _ in 0..shards.len() {
                shards.rotate_left(1);
                match merged(&shards, capacity) {
                    Ok(result) => prop_assert_eq!(&result.trainer.into_counts().unwrap(), &whole),
                    Err(MergeError::Overlap { articles, .. }) => {
                        prop_assert!(articles > 0);
                        failed += 1;
                    }
                    Err(other) => prop_assert!(false, "{}", other),
                }
            }
            prop_assert!(failed == 0 || (failed == shards.len() && capacity < 24), "{} of {}", failed, shards.len());
        }
    }

    #[test]
    fn what_overlaps_is_counted_and_told() {
        let (first, second) = (counts_of(&some_of(0xfff)), counts_of(&some_of(0xff_ff00)));
        let result = merged(&[first.clone(), second.clone()], MAX_SAMPLE).unwrap();
        assert_eq!((result.overlapping, result.contained), (4, vec![]));
        let result = merged(&[counts_of(&some_of(0x0f0)), first.clone(), first, second], MAX_SAMPLE).unwrap();
        assert_eq!((result.overlapping, result.contained), (4, vec![(0, 1), (2, 1)]));
        assert_eq!(result.trainer.into_counts().unwrap(), counts_of(&small_corpus()));
    }

    /// Of an article that stands in several shards, the first source by name is kept, even that of a contained shard.
    #[test]
    fn sources_are_kept_as_in_training() {
        let mut corpus = small_corpus();
        let mut part = corpus[3..9].to_vec();
        part.iter_mut().for_each(|article| article.source = Some("a mirror".to_owned()));
        let result = merged(&[counts_of(&corpus), counts_of(&part)], MAX_SAMPLE).unwrap();
        corpus.extend(part);
        assert_eq!(result.trainer.into_counts().unwrap(), counts_of(&corpus));
    }

    #[test]
    fn shards_that_do_not_fit_together_are_named() {
        let (first, mut second) = (counts_of(&some_of(0xfff)), counts_of(&some_of(0xff_ff00)));
        second.catalog = Catalog::default();
        let told = error(&[first.clone(), first.clone(), second]);
        assert!(told.starts_with("shard 0 and shard 2 were counted with different label catalogs"), "{told}");

        let shards = [0x0f_ff00, 0x00_0fff, 0xff_0f00].map(|bits| counts_with_capacity(&some_of(bits), 1));
        let told = error(&shards);
        assert!(told.contains(" articles in common that are in no calibration sample"), "{told}");
        let pair = told.split(" have ").next().unwrap();
        assert!(["shard 0 and shard 1", "shard 0 and shard 2"].contains(&pair), "{told}");

        // A sample that says more of an article than was counted of it.
        let mut forged = counts_of(&some_of(0xff_ff00));
        forged.axes.iter_mut().for_each(|axis| axis.cells.counts.fill(1));
        let mut other = counts_of(&some_of(0x0fff));
        other.axes.iter_mut().for_each(|axis| {
            axis.cells.cells.fill(0);
            axis.cells.labels.clear();
            axis.cells.counts.clear();
        });
        let told = error(&[forged, other]);
        assert!(told.contains("the counts do not hold what their ledger says"), "{told}");

        // An article that two samples hold under different groups.
        let told = (0..12).filter_map(|number| {
            let shards = [0xfff, 0xff_f000 | 1 << number].map(|bits| counts_with_capacity(&some_of(bits), 8));
            let [first, mut second] = shards;
            let double = second.sample.iter_mut().find(|article| first.contains(&article.digest))?;
            first.sample.iter().find(|article| article.digest == double.digest)?;
            double.group = Digest([0; 16]);
            Some(merged(&[first, second], 24).unwrap().trainer.into_counts().unwrap_err().to_string())
        });
        let told: Vec<String> = told.collect();
        assert!(!told.is_empty());
        assert!(told.iter().all(|told| told.contains("the counts do not hold what their ledger says")), "{told:?}");

        // Even a shard that adds nothing must make sense.
        let (whole, mut forged) = (counts_of(&small_corpus()), counts_of(&some_of(0xf)));
        forged.features[0] |= 31;
        let mut bytes = Vec::new();
        let packed = PackedCounts::of(&forged, &forged.catalog, [&[], &[]], None).unwrap();
        packed.write_to(&mut bytes).unwrap();
        let open = |shard: usize| {
            Ok::<_, MergeError>(if shard == 0 {
                stored(&whole)
            } else {
                StoredCounts::from_bytes(bytes.clone()).unwrap()
            })
        };
        let told = merge(&["one", "other"], None, open).unwrap_err().to_string();
        assert!(told.starts_with("other: the counts section is malformed"), "{told}");

        let mut calls = 0;
        let changing = |_| {
            calls += 1;
            Ok::<_, MergeError>(stored(&counts_of(&some_of(0xf << calls))))
        };
        assert!(matches!(merge(&["one"], None, changing), Err(MergeError::Changed { shard }) if shard == "one"));
    }
}
