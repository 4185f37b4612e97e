//! An engine that follows a store: it switches when the log says so, keeps what it has when it cannot, and answers each
//! article with one whole model.
#![allow(clippy::unwrap_used)]

mod support;

use std::{
    fs,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use chuanda::{
    engine::{ArticleInput, Engine, Limits, OptionsInput, analyze, follow},
    model::store::{By, Expected, Store, StoreError, Version},
};
use jiff::Timestamp;
use support::tiny_model;
use tempfile::TempDir;

/// Two models that give each article the label that the other does not.
static MODELS: LazyLock<[(Version, Vec<u8>); 2]> = LazyLock::new(|| {
    [["study_session", "symposium"], ["symposium", "study_session"]].map(|labels| {
        let trained = tiny_model(labels);
        (Version::new(&trained.version).unwrap(), trained.model)
    })
});

fn by() -> By {
    By { at: Timestamp::UNIX_EPOCH, actor: "tester".to_owned(), why: String::new() }
}

fn store() -> (TempDir, Store) {
    let directory = TempDir::new().unwrap();
    let store = Store::create(directory.path()).unwrap();
    MODELS.iter().for_each(|(_, bytes)| assert!(store.import(bytes, by()).unwrap().is_new));
    (directory, store)
}

fn version(number: usize) -> &'static Version {
    &MODELS[number].0
}

fn activate(store: &Store, number: usize) {
    store.activate(version(number), Expected::Any, by()).unwrap();
}

fn engine(store: &Store) -> Arc<Engine> {
    Arc::new(Engine::new(Limits::default(), 1).with_store(store.clone()))
}

/// Which of the two models the engine answers with.
fn serving(engine: &Engine) -> usize {
    let model = engine.snapshot().unwrap();
    MODELS.iter().position(|(version, _)| version.as_str() == model.version()).unwrap()
}

#[test]
fn the_engine_switches_when_the_log_says_so() {
    let (_directory, store) = store();
    let engine = engine(&store);
    let changes = engine.changes();
    assert_eq!(engine.look().unwrap(), None);
    assert!(engine.snapshot().is_err(), "nothing was activated");
    activate(&store, 0);
    assert_eq!(engine.look().unwrap().as_ref(), Some(version(0)));
    let first = engine.snapshot().unwrap();
    assert!(changes.has_changed().unwrap());
    engine.look().unwrap();
    assert!(Arc::ptr_eq(&first, &engine.snapshot().unwrap()), "nothing is loaded again");
    activate(&store, 1);
    engine.look().unwrap();
    assert_eq!((serving(&engine), first.version()), (1, version(0).as_str()));
    store.rollback(Expected::Any, by()).unwrap();
    engine.look().unwrap();
    assert_eq!(serving(&engine), 0);
}

#[test]
fn what_cannot_be_loaded_is_refused_and_the_model_before_answers_on() {
    let (_directory, store) = store();
    let engine = engine(&store);
    activate(&store, 0);
    engine.look().unwrap();
    activate(&store, 1);
    let (path, log) = (store.path(version(1)), store.directory().join("activations.jsonl"));
    let whole = fs::read(&path).unwrap();
    let other_format = [&whole[..8], b"\x63", &whole[9..]].concat();
    let check = |damage: &dyn Fn(), expect: fn(&StoreError) -> bool| {
        damage();
        for _ in 0..2 {
            let error = engine.look().unwrap_err();
            assert!(expect(&error), "{error}");
            assert_eq!(serving(&engine), 0);
        }
    };
    check(&|| fs::write(&path, &whole[..whole.len() / 2]).unwrap(), |e| matches!(e, StoreError::Refused { .. }));
    check(&|| fs::write(&path, &other_format).unwrap(), |e| matches!(e, StoreError::Refused { .. }));
    check(&|| fs::write(&path, &MODELS[0].1).unwrap(), |e| matches!(e, StoreError::Misnamed { .. }));
    check(&|| fs::remove_file(&path).unwrap(), |e| matches!(e, StoreError::NotFound { .. }));
    let lines = fs::read(&log).unwrap();
    check(&|| fs::write(&log, b"{}\n{}\n").unwrap(), |e| matches!(e, StoreError::Log { line: 1, .. }));
    // Mended, it is taken up.
    fs::write(&log, lines).unwrap();
    store.import(&whole, by()).unwrap();
    engine.look().unwrap();
    assert_eq!(serving(&engine), 1);
}

#[tokio::test(start_paused = true)]
async fn the_log_is_looked_at_again_and_again() {
    let (_directory, store) = store();
    let engine = engine(&store);
    activate(&store, 0);
    let following = tokio::spawn(follow(Arc::clone(&engine), Duration::from_secs(1)));
    let mut changes = engine.changes();
    for number in [1, 0, 1] {
        activate(&store, number);
        while engine.snapshot().is_err() || serving(&engine) != number {
            changes.changed().await.unwrap();
        }
    }
    following.abort();
}

/// Swaps under load: whatever is asked is answered, by the one model that the answer names.
#[test]
fn no_answer_is_of_two_models() {
    const SWAPS: usize = 1000;
    let (_directory, store) = store();
    let engine = engine(&store);
    activate(&store, 0);
    engine.look().unwrap();
    let (done, answered) = (AtomicBool::new(false), [const { AtomicUsize::new(0) }; 2]);
    thread::scope(|scope| {
        for (name, labels) in [("lecture", ["study_session", "symposium"]), ("panel", ["symposium", "study_session"])] {
            let (engine, done, answered) = (&engine, &done, &answered);
            scope.spawn(move || {
                let text = format!("The court of Dongze held a {name}.");
                let article = ArticleInput { text, ..ArticleInput::default() };
                while !done.load(Ordering::Relaxed) {
                    let model = engine.snapshot().unwrap();
                    let analysis = analyze(&model, &article, &OptionsInput::default().check(&model).unwrap());
                    let number = usize::from(analysis.model_version == version(1).as_str());
                    assert_eq!(analysis.model_version, version(number).as_str());
                    assert_eq!(analysis.meeting_type.unwrap().chosen.label, labels[number]);
                    answered[number].fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for swap in 1..=SWAPS {
            if swap % 2 == 1 {
                activate(&store, 1);
            } else {
                store.rollback(Expected::Version(version(1)), by()).unwrap();
            }
            engine.look().unwrap();
            assert_eq!(serving(&engine), swap % 2);
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(answered.iter().all(|number| number.load(Ordering::Relaxed) > 0), "{answered:?}");
    assert_eq!(store.activations(None, usize::MAX).unwrap().len(), SWAPS + 1);
}
