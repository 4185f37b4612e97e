//! Crashes at every step that changes something on the disk.

use std::{fs, sync::LazyLock};

use tempfile::TempDir;

use super::{
    files::fault::{Disk, crash_after},
    *,
};
use crate::model::{Counts, ModelFile, Serving};

/// Models that differ and know nothing.
static MODELS: LazyLock<[(Version, Vec<u8>); 3]> = LazyLock::new(|| {
    [1, 2, 3].map(|number| {
        let serving = Serving { languages: [number, 0, 0], ..Serving::default() };
        let (bytes, version) = ModelFile::write(serving, &Counts::default()).unwrap();
        (Version::new(&version).unwrap(), bytes)
    })
});

fn by(why: &str) -> By {
    By { at: jiff::Timestamp::from_second(1_700_000_000).unwrap(), actor: "tester".to_owned(), why: why.to_owned() }
}

/// A store of two versions, both once active, the second now.
fn prepared(directory: &Path) -> Store {
    let store = Store::create(directory).unwrap();
    for (version, bytes) in &MODELS[..2] {
        store.import(bytes, by("")).unwrap();
        store.activate(version, Expected::Any, by("")).unwrap();
    }
    store
}

/// What is in order whatever happened: the active version loads, what is listed loads and has its sidecar, nothing
/// temporary is left.
fn check_order(store: &Store) -> Version {
    let current = store.current().unwrap().unwrap();
    store.load(&current).unwrap();
    for entry in store.list(None, usize::MAX).unwrap() {
        store.load_file(&entry.version).unwrap();
        assert!(entry.info.is_some());
    }
    let expected: usize = store.versions().unwrap().len() * 2 + 3;
    let names = store.names().unwrap();
    assert_eq!(names.len(), expected, "{names:?}");
    assert_eq!(fs::read_to_string(store.directory().join(CURRENT)).unwrap(), format!("{current}\n"));
    current
}

/// The directories that may be found after a crash: of the process, or of the machine in two ways.
fn found(directory: &TempDir, disk: &Disk) -> [TempDir; 3] {
    [None, Some(false), Some(true)].map(|all_names| {
        let found = TempDir::new().unwrap();
        match all_names {
            Some(all_names) => disk.restore(found.path(), all_names),
            None => {
                for entry in fs::read_dir(directory.path()).unwrap() {
                    let entry = entry.unwrap();
                    fs::copy(entry.path(), found.path().join(entry.file_name())).unwrap();
                }
            }
        }
        found
    })
}

/// Runs a change with a crash after each number of steps, then opens what is found of the directory. `done` tells whether
/// the change is there; what was acknowledged has to be.
fn check<T>(change: impl Fn(&Store) -> Result<T, StoreError>, done: impl Fn(&Store) -> bool) {
    for steps in 0.. {
        let directory = TempDir::new().unwrap();
        let before = prepared(directory.path());
        assert!(!done(&before));
        let (result, crashed, disk) = crash_after(directory.path(), steps, || change(&before));
        let acknowledged = result.is_ok();
        assert!(crashed || acknowledged, "the change fails without a crash");
        for (way, found) in found(&directory, &disk).iter().enumerate() {
            let after = Store::open(found.path()).unwrap();
            check_order(&after);
            assert!(done(&after) || !acknowledged, "lost after {steps} steps, way {way}");
            // It can be done again, and then it is there.
            if !done(&after) {
                change(&after).unwrap();
            }
            assert!(done(&after));
            check_order(&after);
        }
        if !crashed {
            assert!(steps >= 3, "the steps are not counted");
            return;
        }
    }
}

#[test]
fn a_crash_at_any_step_of_publishing() {
    let (third, bytes) = &MODELS[2];
    check(|store| store.import(bytes, by("")), |store| store.versions().unwrap().contains(third));
}

#[test]
fn a_crash_at_any_step_of_activating() {
    let (first, _) = &MODELS[0];
    let is_first = |store: &Store| store.current().unwrap().as_ref() == Some(first);
    check(|store| store.activate(first, Expected::Any, by("")), is_first);
    check(|store| store.rollback(Expected::Version(&MODELS[1].0), by("")), is_first);
}

#[test]
fn a_crash_at_any_step_of_deleting() {
    let (first, _) = &MODELS[0];
    check(|store| store.delete(first), |store| !store.versions().unwrap().contains(first));
}

#[test]
fn a_crash_in_the_first_activation_leaves_nothing_active() {
    for steps in 0.. {
        let directory = TempDir::new().unwrap();
        let store = Store::create(directory.path()).unwrap();
        let (version, bytes) = &MODELS[0];
        store.import(bytes, by("")).unwrap();
        let (result, crashed, disk) =
            crash_after(directory.path(), steps, || store.activate(version, Expected::Nothing, by("")));
        for (way, found) in found(&directory, &disk).iter().enumerate() {
            let current = Store::open(found.path()).unwrap().current().unwrap();
            assert!(current.is_none() || current.as_ref() == Some(version));
            assert!(current.is_some() || result.is_err(), "lost after {steps} steps, way {way}");
        }
        if !crashed {
            return;
        }
    }
}
