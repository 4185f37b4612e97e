//! Counts as the truth, by its public names: shards that are counted apart and merged, articles that enter a model and
//! leave it, files of counts that are damaged.
#![allow(clippy::unwrap_used)]

use chuanda::{
    classify::Axis,
    learn::{self, Added, CatalogChoice, LabelledArticle, MergeError, Trainer},
    model::{Counts, Model, ModelError, ModelFile, StoredCounts},
};
use proptest::prelude::*;

/// Articles of two types of meeting and two departments; two of every place are on one event.
fn corpus() -> Vec<LabelledArticle> {
    let mut corpus = Vec::new();
    for (place, day) in [("Linhe", 1), ("Beishan", 2), ("Qiaotou", 3), ("Wanping", 4), ("Dongze", 5)] {
        for (department, body) in [("court", "People's Court"), ("finance_bureau", "Finance Bureau")] {
            for (form, name) in [("study_session", "study session"), ("work_conference", "work conference")] {
                let text = format!(
                    "{body} of {place} holds {name}\n\nOn May {day}, the {body} of {place} held a {name}. All staff \
                     took part.\n\nThe year's tasks were laid down one by one."
                );
                corpus.push(LabelledArticle {
                    id: format!("{place} {department} {form}"),
                    text,
                    labels: [Some(form.to_owned()), Some(department.to_owned())],
                    group: (department == "court").then(|| place.to_owned()),
                    ..LabelledArticle::default()
                });
            }
        }
    }
    corpus
}

fn trainer(corpus: &[LabelledArticle]) -> Trainer {
    let mut trainer = Trainer::new(CatalogChoice::FromData);
    for result in trainer.add_all(corpus) {
        assert_eq!(result, Ok(Added::New));
    }
    trainer
}

fn train(corpus: &[LabelledArticle]) -> Vec<u8> {
    trainer(corpus).finish().unwrap().model
}

/// What `chuanda count` and `chuanda merge` do, through the bytes of files.
fn merge(files: &[Vec<u8>]) -> Vec<u8> {
    let names: Vec<usize> = (0..files.len()).collect();
    let open = |shard: usize| Ok::<_, MergeError>(StoredCounts::from_bytes(files[shard].clone()).unwrap());
    learn::merge(&names, None, open).unwrap().trainer.finish().unwrap().model
}

/// A trainer that goes on from counts, as `chuanda update` does, through the bytes of a file.
fn goes_on(counts: &Counts) -> Trainer {
    Trainer::from_counts(StoredCounts::from_bytes(counts.to_bytes().unwrap()).unwrap(), false, None).unwrap()
}

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// Cut anywhere, through groups and with articles in two shards, in any order and on any number of threads.
    #[test]
    fn merged_shards_are_the_trained_model(
        places in proptest::collection::vec(0_usize..3, 20), doubles in proptest::collection::vec(0_usize..20, 0..5),
    ) {
        let corpus = corpus();
        let mut shards: Vec<Vec<LabelledArticle>> = vec![Vec::new(); 3];
        for (article, &place) in corpus.iter().zip(&places) {
            shards[place].push(article.clone());
        }
        let doubles: std::collections::BTreeSet<usize> = doubles.into_iter().collect();
        doubles.iter().for_each(|&double| shards[(places[double] + 1) % 3].push(corpus[double].clone()));
        let mut files: Vec<Vec<u8>> =
            shards.iter().map(|shard| trainer(shard).into_counts().unwrap().to_bytes().unwrap()).collect();
        let expect = on_threads(1, || train(&corpus));
        prop_assert!(on_threads(3, || merge(&files)) == expect);
        files.reverse();
        files[0] = train(&corpus);
        prop_assert!(on_threads(1, || merge(&files)) == expect, "a model's counts are as good as a file's");
    }

    /// Removed, added and calibrated on the whole: retraining. Without the articles: the counts of retraining, the
    /// fitted values of the base, and the model says so.
    #[test]
    fn an_updated_model_is_the_retrained_one(removed in 1_usize..6, turn in 0_usize..20) {
        let mut corpus = corpus();
        corpus.rotate_left(turn);
        let (before, after) = (corpus[..16].to_vec(), corpus[removed..].to_vec());
        let base = ModelFile::from_bytes(&train(&before)).unwrap();
        prop_assert!(base.model.is_calibrated());
        let change = || {
            let mut trainer = goes_on(&base.counts);
            prop_assert!(trainer.remove_all(&corpus[..removed]).into_iter().all(|result| result.is_ok()));
            prop_assert!(trainer.add_all(&corpus[16..]).into_iter().all(|result| result == Ok(Added::New)));
            Ok(trainer)
        };
        let retrained = train(&after);
        let mut calibrated = change()?;
        prop_assert!(calibrated.calibrate_on(&after).into_iter().all(|is_counted| is_counted));
        prop_assert!(calibrated.finish().unwrap().model == retrained);

        let updated = change()?.finish_as(&|| true, || Ok(base.serving.clone())).unwrap();
        let file = ModelFile::from_bytes(&updated.model).unwrap();
        prop_assert!(!file.model.is_calibrated());
        prop_assert_eq!(&file.counts, &ModelFile::from_bytes(&retrained).unwrap().counts);
        for axis in Axis::ALL {
            let (old, new) = (&base.serving.tables.axes[axis as usize], &file.serving.tables.axes[axis as usize]);
            let (old, new) = (old.as_ref().unwrap(), new.as_ref().unwrap());
            prop_assert_eq!((&old.calibration, old.prior_weight), (&new.calibration, new.prior_weight));
            let new_features = &file.serving.tables.features;
            for ((id, weight), cells) in base.serving.tables.features.iter().zip(&old.weights).zip(&old.cells) {
                // A feature that fell below the cut-off is gone.
                let kept = new_features.binary_search(id).ok().filter(|&at| *cells > 0 && new.cells[at] > 0);
                prop_assert!(kept.is_none_or(|at| new.weights[at] == *weight));
            }
        }
        // Its sample holds all articles, so that they can be learnt from anew without their texts.
        prop_assert!(merge(&[updated.model]) == retrained);

        // There and back again: what was never gone has kept its weight.
        let mut trainer = goes_on(&base.counts);
        prop_assert!(trainer.add_all(&corpus[16..]).into_iter().all(|result| result == Ok(Added::New)));
        let more = ModelFile::from_bytes(&trainer.finish_as(&|| true, || Ok(base.serving.clone())).unwrap().model).unwrap();
        let mut trainer = goes_on(&more.counts);
        prop_assert!(trainer.remove_all(&corpus[16..]).into_iter().all(|result| result.is_ok()));
        prop_assert!(trainer.finish_as(&|| true, || Ok(more.serving)).unwrap().model == train(&before));
    }
}

#[test]
fn nothing_left_is_no_model() {
    let corpus = corpus();
    let base = ModelFile::from_bytes(&train(&corpus)).unwrap();
    let finish = |rest: usize| {
        let mut trainer = goes_on(&base.counts);
        assert!(trainer.remove_all(&corpus[rest..]).into_iter().all(|result| result.is_ok()));
        trainer
            .finish_as(&|| true, || Ok(base.serving.clone()))
            .map(|trained| trained.not_learnt)
            .map_err(|error| error.to_string())
    };
    assert_eq!(finish(0).unwrap_err(), "no labelled articles");
    assert!(finish(1).unwrap_err().contains("at least two labels"));
    assert_eq!(finish(2).unwrap(), [Axis::RelayingDepartment]);
}

#[test]
fn files_of_counts_and_models_are_told_apart() {
    let corpus = corpus();
    let (counts, model) = (trainer(&corpus).into_counts().unwrap(), train(&corpus));
    let file = counts.to_bytes().unwrap();
    assert_eq!(Counts::from_bytes(&file).unwrap(), counts);
    assert_eq!(Counts::from_bytes(&model).unwrap(), counts);
    for error in [Model::from_bytes(&file).unwrap_err(), ModelFile::from_bytes(&file).unwrap_err()] {
        assert!(matches!(error, ModelError::OnlyCounts), "{error}");
    }
    for other in [&b""[..], b"PK\x03\x04", b"CHUAND"] {
        assert!(matches!(Counts::from_bytes(other), Err(ModelError::NotCounts)));
    }
}

/// A damaged file is refused, or the damage is in a bit that means nothing and the counts are the same.
#[test]
fn every_damage_to_a_file_of_counts_is_found() {
    let counts = trainer(&corpus()[..4]).into_counts().unwrap();
    let file = counts.to_bytes().unwrap();
    let mut harmless = 0;
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 1 << (at % 8);
        if let Ok(read) = Counts::from_bytes(&damaged) {
            assert_eq!(read, counts, "byte {at}");
            harmless += 1;
        }
        let error = Counts::from_bytes(&file[..at]).unwrap_err();
        assert!(matches!(error, ModelError::NotCounts | ModelError::Truncated { .. }), "{at}: {error}");
    }
    assert!(harmless <= 12, "bits of a zstd frame that mean nothing: {harmless}");
}

/// Counts that contradict themselves are neither written nor read.
#[test]
fn forged_counts_are_refused() {
    let counts = trainer(&corpus()).into_counts().unwrap();
    let check = |expect: &str, forge: fn(&mut Counts)| {
        let mut forged = counts.clone();
        forge(&mut forged);
        let error = forged.to_bytes().unwrap_err().to_string();
        assert!(error.contains(expect), "{expect}: {error}");
    };
    check("out of order", |counts| counts.sample.reverse());
    check("sample", |counts| counts.sample[0].language = 3);
    check("sample", |counts| counts.sample[0].terms.reverse());
    check("sample", |counts| counts.sample[0].terms = vec![u32::MAX]);
    check("sample", |counts| counts.sample_limit = Some(counts.sample[0].group));
    check("more articles in the sample", |counts| counts.sample.iter_mut().for_each(|it| it.labels[0] = Some(0)));
    check("number of articles", |counts| counts.languages = [0; 3]);
}
