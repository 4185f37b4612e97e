//! The store of versions under damage, crashes, competition and want of space: a wrong model never loads, and what was
//! acknowledged stays.
#![allow(clippy::unwrap_used)]

mod support;

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Barrier, LazyLock},
    thread,
};

use chuanda::model::{
    Counts, ModelError, ModelFile, PackedCounts, Serving,
    store::{About, Activation, ActivationKind, By, Expected, Info, Origin, Store, StoreError, Version},
};
use jiff::Timestamp;
use support::{Random, tiny_model};
use tempfile::TempDir;

type Bytes = Vec<u8>;

/// A model of a few articles, so that its every byte can be damaged in turn.
static SMALL: LazyLock<(Version, Bytes)> = LazyLock::new(|| {
    let trained = tiny_model(["study_session", "work_conference"]);
    (Version::new(&trained.version).unwrap(), trained.model)
});

/// Models that differ and know next to nothing.
static EMPTY: LazyLock<Vec<(Version, Bytes)>> = LazyLock::new(|| models(0));

/// The same, large enough that writing one takes its time.
static LARGE: LazyLock<Vec<(Version, Bytes)>> = LazyLock::new(|| models(20_000));

/// Eight models with so many terms.
fn models(terms: u64) -> Vec<(Version, Bytes)> {
    let model = |number| {
        let languages = [number, 0, 0];
        let mut term = 0_u64;
        let mut next = |step: u64| {
            term += step.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
            term
        };
        let (terms, term_documents) = (1..=terms).map(|step| (next(step), 2)).unzip();
        let serving = Serving { languages, terms, term_documents, ..Serving::default() };
        let (bytes, version) = ModelFile::write(serving, &Counts::default()).unwrap();
        (Version::new(&version).unwrap(), bytes)
    };
    (1..=8).map(model).collect()
}

fn by(why: &str) -> By {
    By { at: Timestamp::from_second(1_700_000_000).unwrap(), actor: "tester".to_owned(), why: why.to_owned() }
}

/// A store with some of the empty models in it, none active.
fn store(models: usize) -> (TempDir, Store) {
    let directory = TempDir::new().unwrap();
    let store = Store::create(directory.path().join("models")).unwrap();
    for (_, bytes) in &EMPTY[..models] {
        store.import(bytes, by("")).unwrap();
    }
    (directory, store)
}

/// Activates the models with these numbers, one after the other.
fn activate(store: &Store, numbers: &[usize]) {
    for &number in numbers {
        store.activate(&EMPTY[number].0, Expected::Any, by("")).unwrap();
    }
}

fn version(number: usize) -> Version {
    EMPTY[number].0.clone()
}

fn names(store: &Store) -> Vec<String> {
    let names = fs::read_dir(store.directory()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn log_path(store: &Store) -> PathBuf {
    store.directory().join("activations.jsonl")
}

// ---- versions

#[test]
fn publishing_again_changes_nothing_and_mends_damage() {
    let (_directory, store) = store(0);
    let (version, bytes) = &*SMALL;
    let info = Info::new(by("first"), Origin::Train, None);
    let published = store.publish(bytes, &info).unwrap();
    assert_eq!((&published.version, published.is_new), (version, true));
    assert!(!store.import(bytes, by("second")).unwrap().is_new);
    // What a listing tells is put beside what the caller said.
    let info = Info { about: Some(About::of(&store.load(version).unwrap())), ..info };
    assert_eq!(store.info(version).unwrap(), info);
    assert_eq!(names(&store), [".lock".to_owned(), format!("{version}.chuanda"), format!("{version}.info.json")]);

    fs::write(store.path(version), &bytes[..100]).unwrap();
    assert!(matches!(store.load(version), Err(StoreError::Refused { .. })));
    assert!(!store.import(bytes, by("third")).unwrap().is_new);
    assert_eq!(store.export(version).unwrap(), *bytes);
    assert_eq!(store.info(version).unwrap(), info);

    fs::write(store.directory().join(format!("{version}.info.json")), "{").unwrap();
    assert!(matches!(store.info(version), Err(StoreError::Info { .. })));
    assert_eq!(store.list(None, 9).unwrap()[0].info, None);
    store.load(version).unwrap();
    store.import(bytes, by("fourth")).unwrap();
    assert_eq!(store.info(version).unwrap().note, "fourth");
}

#[test]
fn what_is_no_sound_model_is_not_published() {
    let (_directory, store) = store(0);
    let bytes = &SMALL.1;
    // The counts come last: a server could do without them, and a store does not take half a model.
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for bad in [&[][..], b"no model", &bytes[..bytes.len() - 1], &damaged] {
        let error = store.import(bad, by("")).unwrap_err();
        assert!(matches!(error, StoreError::Unsound(_)), "{error}");
    }
    // Checksums are right, and what the columns of the counts say makes no sense.
    let ModelFile { serving, mut counts, .. } = ModelFile::from_bytes(bytes).unwrap();
    for forge in [
        |counts: &mut Counts| counts.features[0] |= 31,
        |counts: &mut Counts| counts.axes[0].cells.counts[0] = 1_000,
        |counts: &mut Counts| counts.term_documents[0] = 1_000,
    ] {
        let before = counts.clone();
        forge(&mut counts);
        let labels = counts.axes.each_ref().map(|axis| axis.labels.as_slice());
        let packed = PackedCounts::of(&counts, &counts.catalog, labels, None).unwrap();
        let (forged, _) = ModelFile::write_packed(serving.clone(), packed).unwrap();
        let error = store.import(&forged, by("")).unwrap_err();
        assert!(matches!(error, StoreError::Unsound(ModelError::Malformed { .. })), "{error}");
        counts = before;
    }
    let long = By { actor: "x".repeat(257), ..by("") };
    assert!(matches!(
        store.import(bytes, long),
        Err(StoreError::TooLong { field: "actor", maximum: 256, actual: 257 })
    ));
    let long = by(&"x".repeat(4097));
    assert!(matches!(store.import(bytes, long), Err(StoreError::TooLong { field: "note", maximum: 4096, .. })));
    assert_eq!(names(&store), [".lock"]);
}

#[test]
fn versions_are_listed_page_by_page() {
    let (_directory, store) = store(8);
    activate(&store, &[3]);
    // What is no version is none.
    for name in ["notes.txt", "0123.chuanda", "ABCDEF0123456789ABCDEF0123456789.chuanda"] {
        fs::write(store.directory().join(name), "x").unwrap();
    }
    let mut after = None;
    let mut all = Vec::new();
    loop {
        let page = store.list(after.as_ref(), 3).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.version.clone());
        all.extend(page);
    }
    let mut expect: Vec<Version> = (0..8).map(version).collect();
    expect.sort();
    assert_eq!(all.iter().map(|entry| entry.version.clone()).collect::<Vec<_>>(), expect);
    for entry in all {
        assert_eq!(entry.is_active, entry.version == version(3));
        assert_eq!(entry.bytes, fs::metadata(store.path(&entry.version)).unwrap().len());
        assert_eq!(entry.info.unwrap().how, Origin::Import);
    }
}

#[test]
fn the_active_version_is_never_deleted() {
    let (_directory, store) = store(2);
    activate(&store, &[0, 1]);
    assert!(matches!(store.delete(&version(1)), Err(StoreError::IsActive { .. })));
    store.delete(&version(0)).unwrap();
    assert!(matches!(store.delete(&version(0)), Err(StoreError::NotFound { .. })));
    assert!(matches!(store.activate(&version(0), Expected::Any, by("")), Err(StoreError::NotFound { .. })));
    assert_eq!(store.versions().unwrap(), [version(1)]);
    store.load(&version(1)).unwrap();
}

#[test]
fn only_32_digits_are_a_version() {
    for text in ["", "..", "../../etc/passwd", "0123456789ABCDEF0123456789ABCDEF", &"0".repeat(31), &"0".repeat(33)] {
        assert!(matches!(Version::new(text), Err(StoreError::NotAVersion)), "{text}");
    }
    assert_eq!(Version::new(&"0a".repeat(16)).unwrap().as_str(), "0a".repeat(16));
}

/// Models of each format that was ever written are read, or refused by name once a build reads them no more.
#[test]
fn stored_formats_load() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models");
    let (_directory, store) = store(0);
    let formats = [("format-1.chuanda", "7a8ef0fb0505671e3951da7fbc4fdf94", 20)];
    formats.iter().for_each(|&(name, version, articles)| {
        let bytes = fs::read(directory.join(name)).unwrap();
        let published = store.import(&bytes, by("")).unwrap();
        assert_eq!(published.version.as_str(), version, "{name}");
        store.activate(&published.version, Expected::Any, by("")).unwrap();
        assert_eq!(store.load_file(&published.version).unwrap().counts.ledger.len(), articles);
        assert_eq!(store.export(&published.version).unwrap(), bytes);
    });
}

// ---- damage

/// Puts bytes into the place of the small model and loads it in each way: either it is refused by the name of its file,
/// or the damage is in a bit that means nothing and the model is the same.
fn check_damage(store: &Store, whole: &ModelFile, bytes: &[u8], what: &str) -> bool {
    let (version, _) = &*SMALL;
    let path = store.path(version);
    fs::write(&path, bytes).unwrap();
    let is_refusal = |error: &StoreError| matches!(error, StoreError::Refused { path: named, .. } | StoreError::Misnamed { path: named, .. } if *named == path);
    match store.load(version) {
        Ok(model) => assert_eq!(model.version(), version.as_str(), "{what}"),
        Err(error) => {
            assert!(is_refusal(&error), "{what}: {error}");
            let error = store.activate(version, Expected::Any, by("")).unwrap_err();
            assert!(is_refusal(&error), "{what}: {error}");
        }
    }
    match store.load_file(version) {
        Ok(file) => {
            assert_eq!(file.model.version(), version.as_str(), "{what}");
            assert_eq!((&file.serving, &file.counts), (&whole.serving, &whole.counts), "{what}");
            true
        }
        Err(error) => {
            assert!(is_refusal(&error), "{what}: {error}");
            false
        }
    }
}

#[test]
fn a_damaged_file_is_never_a_wrong_model() {
    let (_directory, store) = store(1);
    activate(&store, &[0]);
    let (_, bytes) = &*SMALL;
    store.import(bytes, by("")).unwrap();
    let whole = ModelFile::from_bytes(bytes).unwrap();
    let mut harmless = 0;
    for at in 0..bytes.len() {
        assert!(!check_damage(&store, &whole, &bytes[..at], &format!("cut at {at}")));
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        harmless += usize::from(check_damage(&store, &whole, &damaged, &format!("bit {} of byte {at}", at % 8)));
    }
    assert!(harmless <= 24, "bits of two zstd frames that mean nothing: {harmless}");
    assert_eq!(store.current().unwrap(), Some(version(0)), "what was active is active still");
    store.load(&version(0)).unwrap();
}

#[test]
fn other_formats_other_models_and_missing_files_are_told() {
    let (_directory, store) = store(2);
    activate(&store, &[0, 1]);
    let path = store.path(&version(1));
    let mut bytes = EMPTY[1].1.clone();
    bytes[8] = 99;
    fs::write(&path, &bytes).unwrap();
    let error = store.load(&version(1)).unwrap_err();
    assert!(matches!(error, StoreError::Refused { reason: ModelError::Format { found: 99, .. }, .. }), "{error}");
    assert!(error.to_string().starts_with(&format!("{}: the file has format 99", path.display())), "{error}");
    fs::write(&path, &EMPTY[0].1).unwrap();
    let error = store.load(&version(1)).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: the file holds version {}", path.display(), version(0)));
    fs::remove_file(&path).unwrap();
    assert_eq!(store.current().unwrap(), Some(version(1)), "the log has it still");
    assert!(matches!(store.load(&version(1)), Err(StoreError::NotFound { version: v, .. }) if v == version(1)));
    assert_eq!(store.rollback(Expected::Any, by("")).unwrap().to, version(0));
}

#[test]
fn a_directory_that_is_none_is_told() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    for name in ["missing", "file"] {
        let path = directory.path().join(name);
        assert!(matches!(Store::open(&path), Err(StoreError::Io { path: named, .. }) if named == path));
    }
    assert!(Store::create(directory.path().join("file")).is_err());
    Store::create(directory.path().join("a/b/c")).unwrap();
    assert!(!directory.path().join("missing").exists(), "opening makes nothing");
    fs::create_dir(directory.path().join("empty")).unwrap();
    let empty = Store::open(directory.path().join("empty")).unwrap();
    assert_eq!((empty.current().unwrap(), empty.list(None, 9).unwrap(), names(&empty)), (None, vec![], vec![]));
}

// ---- what is active

/// A directory that is gone is not one in which nothing is active.
#[test]
fn a_directory_that_goes_away_is_told() {
    let (directory, store) = store(2);
    activate(&store, &[0]);
    fs::rename(store.directory(), directory.path().join("elsewhere")).unwrap();
    let told = |result: Result<(), StoreError>| {
        let error = result.unwrap_err();
        assert!(matches!(error, StoreError::Io { .. }), "{error}");
    };
    told(store.current().map(drop));
    told(store.activations(None, 10).map(drop));
    told(store.load(&version(0)).map(drop));
    told(store.find(&version(0)));
    told(store.list(None, 10).map(drop));
}

/// Whoever reads a pipe of that name would wait for a writer.
#[cfg(unix)]
#[test]
fn a_version_is_a_file() {
    let (_directory, store) = store(2);
    for path in [store.path(&version(1)), store.directory().join(format!("{}.info.json", version(0)))] {
        fs::remove_file(&path).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    }
    let refused =
        [store.load(&version(1)).map(drop), store.export(&version(1)).map(drop), store.info(&version(0)).map(drop)];
    for result in refused {
        let error = result.unwrap_err().to_string();
        assert!(error.contains("is no file"), "{error}");
    }
    assert_eq!(store.list(None, 10).unwrap().len(), 2);
    assert!(store.load(&version(0)).is_ok());
    // Nor does opening wait at one, and it makes CURRENT what it should be.
    activate(&store, &[0]);
    let current = store.directory().join("CURRENT");
    fs::remove_file(&current).unwrap();
    for path in [&current, &store.directory().join(".store-1-1.tmp")] {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }
    Store::open(store.directory()).unwrap();
    assert_eq!(fs::read_to_string(&current).unwrap(), format!("{}\n", version(0)));
}

/// What stands in a file that is none of the store's may be secret, and of any length.
#[test]
fn errors_quote_neither_log_nor_sidecar() {
    let (_directory, store) = store(1);
    let secret = format!("{{\"at\": \"{}\"}}\n", "secret".repeat(1_000));
    fs::write(log_path(&store), &secret).unwrap();
    fs::write(store.directory().join(format!("{}.info.json", version(0))), &secret).unwrap();
    for error in [store.current().unwrap_err(), store.info(&version(0)).unwrap_err()] {
        let told = error.to_string();
        assert!(told.contains("column") && !told.contains("secret"), "{told}");
    }
}

#[test]
fn roll_back_goes_back_step_by_step_and_passes_over_what_is_deleted() {
    let (_directory, store) = store(4);
    assert!(matches!(store.rollback(Expected::Any, by("")), Err(StoreError::NothingActive { .. })));
    assert_eq!(store.current().unwrap(), None);
    activate(&store, &[0, 1, 2, 3]);
    store.delete(&version(1)).unwrap();
    let rollback = |expected: usize, to: usize| {
        let expected = version(expected);
        let done = store.rollback(Expected::Version(&expected), by("oops")).unwrap();
        assert_eq!((done.from.as_ref(), &done.to), (Some(&expected), &version(to)));
        assert_eq!(Store::open(store.directory()).unwrap().current().unwrap(), Some(version(to)));
    };
    rollback(3, 2);
    rollback(2, 0);
    let error = store.rollback(Expected::Any, by("")).unwrap_err();
    assert!(matches!(&error, StoreError::NothingBefore { current, .. } if *current == version(0)), "{error}");
    // Forward again, and back to where that began.
    activate(&store, &[3]);
    rollback(3, 0);

    let activations: Vec<(u64, Activation)> = store.activations(None, 100).unwrap();
    assert_eq!(activations.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [8, 7, 6, 5, 4, 3, 2, 1]);
    let newest = &activations[0].1;
    assert_eq!((newest.kind, newest.why.as_str(), newest.actor_verified), (ActivationKind::Rollback, "oops", false));
    assert_eq!(activations[7].1.from, None);
    assert_eq!(store.activations(Some(7), 2).unwrap(), activations[2..4]);
    assert_eq!(store.activations(Some(1), 2).unwrap(), []);
    assert_eq!(fs::read_to_string(store.directory().join("CURRENT")).unwrap(), format!("{}\n", version(0)));
}

#[test]
fn what_is_active_already_is_not_logged_again() {
    let (_directory, store) = store(2);
    activate(&store, &[0, 1]);
    let again = store.activate(&version(1), Expected::Version(&version(1)), by("")).unwrap();
    assert!(!again.is_change());
    assert_eq!(store.activations(None, 9).unwrap().len(), 2);
    let error = store.activate(&version(1), Expected::Version(&version(0)), by("")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("expected version {} to be active, and it is version {}", version(0), version(1))
    );
    let error = store.activate(&version(0), Expected::Nothing, by("")).unwrap_err();
    assert!(matches!(error, StoreError::NotExpected { expected: None, actual: Some(_) }), "{error}");
}

#[test]
fn a_torn_line_is_passed_over_and_cut() {
    let (_directory, store) = store(3);
    activate(&store, &[0, 1]);
    let whole = fs::read(log_path(&store)).unwrap();
    activate(&store, &[2]);
    let longer = fs::read(log_path(&store)).unwrap();
    let torn: Vec<&[u8]> =
        (whole.len()..longer.len()).map(|end| &longer[whole.len()..end]).chain([&[0; 5000][..]]).collect();
    for torn in torn {
        fs::write(log_path(&store), [&whole, torn].concat()).unwrap();
        assert_eq!(store.current().unwrap(), Some(version(1)));
        assert_eq!(fs::read(log_path(&store)).unwrap().len(), whole.len() + torn.len(), "readers change nothing");
        activate(&store, &[0]);
        assert_eq!(store.current().unwrap(), Some(version(0)));
        let log = fs::read_to_string(log_path(&store)).unwrap();
        assert!(log.as_bytes().starts_with(&whole) && log.lines().count() == 3 && log.ends_with('\n'), "{log}");
    }
    // Not the last line: no crash does that.
    fs::write(log_path(&store), [&whole[..whole.len() - 9], &longer[whole.len()..]].concat()).unwrap();
    for error in [
        store.current().unwrap_err(),
        store.activate(&version(0), Expected::Any, by("")).unwrap_err(),
        store.delete(&version(0)).unwrap_err(),
        store.list(None, 9).unwrap_err(),
    ] {
        assert!(matches!(&error, StoreError::Log { line: 2, path, .. } if *path == log_path(&store)), "{error}");
    }
    let store = Store::open(store.directory()).unwrap();
    store.load(&version(0)).unwrap();
}

#[test]
fn two_handles_see_each_other() {
    let (_directory, first) = store(3);
    let second = Store::open(first.directory()).unwrap();
    activate(&first, &[0]);
    assert_eq!(second.current().unwrap(), Some(version(0)));
    activate(&second, &[1]);
    assert_eq!(first.current().unwrap(), Some(version(1)));
    assert!(first.activate(&version(2), Expected::Version(&version(0)), by("")).is_err());
    second.rollback(Expected::Any, by("")).unwrap();
    assert_eq!(first.current().unwrap(), Some(version(0)));
    second.import(&SMALL.1, by("")).unwrap();
    first.load(&SMALL.0).unwrap();
}

/// Of many who saw the same version active, exactly one replaces it.
#[test]
fn of_competing_activations_one_wins() {
    const ROUNDS: usize = 50;
    let (_directory, store) = store(EMPTY.len());
    activate(&store, &[0]);
    let (start, seen) = (Barrier::new(EMPTY.len() - 1), Barrier::new(EMPTY.len() - 1));
    let wins: Vec<usize> = thread::scope(|scope| {
        let compete = |own: usize| {
            let store = Store::open(store.directory()).unwrap();
            let mut wins = 0;
            for _ in 0..ROUNDS {
                start.wait();
                let current = store.current().unwrap().unwrap();
                seen.wait();
                // Whoever is active steps aside for the one model that nobody competes with.
                let own = if current == version(own) { 0 } else { own };
                match store.activate(&version(own), Expected::Version(&current), by("")) {
                    Ok(done) => {
                        assert!(done.is_change());
                        wins += 1;
                    }
                    Err(error) => assert!(matches!(error, StoreError::NotExpected { .. }), "{error}"),
                }
            }
            wins
        };
        let threads: Vec<_> = (1..EMPTY.len()).map(|own| scope.spawn(move || compete(own))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(wins.iter().sum::<usize>(), ROUNDS, "{wins:?}");
    assert_eq!(store.activations(None, usize::MAX).unwrap().len(), 1 + ROUNDS);
}

#[test]
fn competing_publications_of_one_version_leave_it_whole() {
    let (_directory, store) = store(0);
    let results: Vec<bool> = thread::scope(|scope| {
        let publish = || Store::open(store.directory()).unwrap().import(&SMALL.1, by("")).unwrap().is_new;
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(publish)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(results.into_iter().filter(|is_new| *is_new).count(), 1);
    assert_eq!(names(&store).len(), 3, "{:?}", names(&store));
    assert_eq!(store.export(&SMALL.0).unwrap(), SMALL.1);
}

#[test]
fn only_abandoned_temporary_files_are_removed() {
    let (_directory, store) = store(1);
    let [left, held, foreign] =
        [".store-1-0.tmp", ".store-1-1.tmp", "other.tmp"].map(|name| store.directory().join(name));
    for path in [&left, &held, &foreign] {
        fs::write(path, "half a mod").unwrap();
    }
    let orphan = store.directory().join(format!("{}.info.json", version(5)));
    fs::write(&orphan, "{}").unwrap();
    let writer = fs::File::open(&held).unwrap();
    writer.lock().unwrap();
    Store::open(store.directory()).unwrap();
    assert_eq!([&left, &held, &foreign, &orphan].map(|path| path.exists()), [false, true, true, false]);
    writer.unlock().unwrap();
    Store::open(store.directory()).unwrap();
    assert!(!held.exists());
    store.load(&version(0)).unwrap();
}

// ---- processes of their own

/// What this program does when a test calls it: `ROLE DIRECTORY`.
const ROLE: &str = "CHUANDA_TEST_STORE_ROLE";

/// A call of this program that plays a role in a directory.
fn role(program: &[&str], role: &str, store: &Store) -> Command {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).args(["--exact", "a_role_of_another_test", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, format!("{role} {}", store.directory().display())).stdout(Stdio::piped());
    command
}

/// Passes unless another test calls it: then it is the process that is killed, starved or locked out.
#[test]
fn a_role_of_another_test() {
    let Ok(role) = env::var(ROLE) else { return };
    let (role, directory) = role.split_once(' ').unwrap();
    let store = Store::open(directory);
    match role {
        "work" => work(&store.unwrap()),
        "starve" => starve(&store.unwrap()),
        "read" => read(&store.unwrap()),
        other => panic!("no role {other}"),
    }
}

/// Tells the test that called what is done. Not more than one line at once, and each at once.
fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(format!("@{line}\n").as_bytes()).unwrap();
    stdout.flush().unwrap();
}

/// Changes a store for ever, and says before and after each change what it is.
fn work(store: &Store) {
    let mut number = store.activations(None, 1).unwrap().first().map_or(0, |(number, _)| *number);
    for step in number as usize.. {
        let (version, bytes) = &LARGE[step % LARGE.len()];
        store.import(bytes, by("")).unwrap();
        say(&format!("have {version}"));
        number += 1;
        let done = store.activate(version, Expected::Any, by(&format!("a{number}"))).unwrap();
        if done.is_change() {
            say(&format!("done a{number}"));
        }
        if step % 3 == 2 && store.rollback(Expected::Any, by(&format!("r{number}"))).is_ok() {
            say(&format!("done r{number}"));
        }
        let other = &LARGE[(step + 3) % LARGE.len()].0;
        // Whether it goes or not: it may be active, or gone.
        say(&format!("drop {other}"));
        let _ = store.delete(other);
    }
}

/// Kills at random moments: of each process, after a random number of changes and of idle turns of this one.
#[test]
fn no_kill_loses_what_was_acknowledged() {
    let kills: usize = env::var("CHUANDA_TEST_KILLS").map_or(30, |kills| kills.parse().unwrap());
    let (_directory, store) = store(1);
    activate(&store, &[0]);
    let program = env::current_exe().unwrap();
    let mut random = Random::new();
    let (mut acknowledged, mut present) = (Vec::<String>::new(), vec![version(0).to_string()]);
    let mut leftovers = 0;
    for kill in 0..kills {
        let mut child = role(&[program.to_str().unwrap()], "work", &store).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut heard = String::new();
        for _ in 0..random.below(12) {
            lines.read_line(&mut heard).unwrap();
        }
        for turn in 0..random.below(10_000_000) {
            std::hint::black_box(turn);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        lines.read_to_string(&mut heard).unwrap();
        assert!(!heard.contains("panicked"), "{heard}");
        // The harness of the tests writes lines of its own, and its first one does not end before ours.
        for said in heard.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')?.split_once('@')) {
            match said.1.split_once(' ').unwrap() {
                ("have", version) => present.push(version.to_owned()),
                ("drop", version) => present.retain(|other| other != version),
                ("done", number) => acknowledged.push(number.to_owned()),
                other => panic!("{other:?}"),
            }
        }

        leftovers += names(&store).iter().filter(|name| name.ends_with(".tmp")).count();
        let store = Store::open(store.directory()).unwrap();
        let log = store.activations(None, usize::MAX).unwrap();
        let current = store.current().unwrap().unwrap();
        store.load(&current).unwrap_or_else(|error| panic!("kill {kill}: {error}"));
        let logged: std::collections::HashSet<&str> = log.iter().map(|(_, line)| line.why.as_str()).collect();
        let lost: Vec<&String> = acknowledged.iter().filter(|number| !logged.contains(number.as_str())).collect();
        assert!(lost.is_empty(), "kill {kill}: {lost:?} of {}", acknowledged.len());
        for version in &present {
            store.export(&Version::new(version).unwrap()).unwrap_or_else(|error| panic!("kill {kill}: {error}"));
        }
        assert_eq!(fs::read_to_string(store.directory().join("CURRENT")).unwrap(), format!("{current}\n"));
        let names = names(&store);
        assert!(names.iter().all(|name| !name.ends_with(".tmp")), "kill {kill}: {names:?}");
    }
    assert!(acknowledged.len() > kills, "too few changes to prove anything: {}", acknowledged.len());
    say(&format!("{kills} kills, {} acknowledged activations, {leftovers} files swept up", acknowledged.len()));
}

/// Works on a store until the log cannot grow any more, and then publishes what is too large.
fn starve(store: &Store) {
    let refused = |error: StoreError| assert!(matches!(error, StoreError::Io { .. }), "{error}");
    let mut active = store.current().unwrap().unwrap();
    let mut activations = 1;
    let error = loop {
        let other = if active == version(0) { version(1) } else { version(0) };
        match store.activate(&other, Expected::Version(&active), by(&activations.to_string())) {
            Ok(_) => (active, activations) = (other, activations + 1),
            Err(error) => break error,
        }
        assert!(activations < 1000, "nothing limits the size of files");
    };
    refused(error);
    assert_eq!(store.current().unwrap(), Some(active.clone()));
    refused(store.rollback(Expected::Any, by("")).unwrap_err());
    refused(store.import(&LARGE[0].1, by("")).unwrap_err());
    assert_eq!(store.current().unwrap(), Some(active.clone()));
    store.load(&active).unwrap();
    say(&format!("done {activations} {active}"));
}

/// What does not fit on the disk is refused, and what was there is there. A limit on the size of files stands for the
/// disk: writes stop in the middle there as well.
#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing() {
    let (_directory, store) = store(2);
    activate(&store, &[0]);
    let program = env::current_exe().unwrap();
    // Units of 512 bytes. A write beyond is told as an error, and not by a signal.
    let limit = ["sh", "-c", "trap '' XFSZ; ulimit -f 4; exec \"$0\" \"$@\"", program.to_str().unwrap()];
    let output = role(&limit, "starve", &store).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, said) = said.lines().find_map(|line| line.split_once("@done ")).unwrap_or_else(|| panic!("{output:?}"));
    let (activations, active) = said.split_once(' ').unwrap();
    let reopened = Store::open(store.directory()).unwrap();
    assert_eq!(reopened.current().unwrap().unwrap().as_str(), active);
    assert_eq!(reopened.activations(None, usize::MAX).unwrap().len().to_string(), activations);
    assert_eq!(names(&store), names(&reopened));
    assert!(names(&reopened).iter().all(|name| !name.ends_with(".tmp")), "{:?}", names(&reopened));
    assert_eq!(fs::read_to_string(store.directory().join("CURRENT")).unwrap(), format!("{active}\n"));
    // With room again, it goes on.
    reopened.import(&SMALL.1, by("")).unwrap();
    reopened.activate(&SMALL.0, Expected::Any, by("")).unwrap();
}

/// Reads a store that it may not write to.
fn read(store: &Store) {
    let refused = |error: StoreError| {
        let StoreError::Io { source, .. } = &error else { panic!("{error}") };
        assert_eq!(source.kind(), std::io::ErrorKind::PermissionDenied, "{error}");
    };
    let current = store.current().unwrap().unwrap();
    store.load(&current).unwrap();
    assert_eq!(store.list(None, 9).unwrap().len(), 2);
    assert_eq!(store.activations(None, 9).unwrap().len(), 2);
    refused(store.import(&SMALL.1, by("")).unwrap_err());
    refused(store.activate(&version(0), Expected::Any, by("")).unwrap_err());
    refused(store.rollback(Expected::Any, by("")).unwrap_err());
    refused(store.delete(&version(0)).unwrap_err());
    refused(Store::create(store.directory()).unwrap_err());
    say(&format!("read {current}"));
}

#[cfg(unix)]
#[test]
fn a_directory_that_cannot_be_written_to_is_read() {
    use std::os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    };
    let (directory, store) = store(2);
    activate(&store, &[0, 1]);
    let allow = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    allow(directory.path(), 0o755);
    let mut program = env::current_exe().unwrap();
    let is_root = fs::metadata(directory.path()).unwrap().uid() == 0;
    if is_root {
        // Nobody may perhaps not come to where the program lies.
        let copy = directory.path().join("program");
        fs::copy(&program, &copy).unwrap();
        program = copy;
    }
    for name in names(&store) {
        allow(&store.directory().join(name), 0o444);
    }
    allow(store.directory(), 0o555);
    let mut command = role(&[program.to_str().unwrap()], "read", &store);
    if is_root {
        // Permissions are nothing to root.
        command.uid(65_534).gid(65_534);
    }
    let output = command.current_dir("/").output().unwrap();
    allow(store.directory(), 0o755);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains(&format!("@read {}\n", version(1))), "{output:?}");
}
