//! A directory of versions, one of which is active.
//!
//! ```text
//! DIRECTORY/
//!   VERSION.chuanda        the file of a model; never changed, named by its content
//!   VERSION.info.json      when, by whom, how, from what, what for; what a listing tells
//!   activations.jsonl      what was active when; the last line is the truth
//!   CURRENT                the active version, for people and scripts; nothing here reads it
//!   .lock                  empty; locked by whoever reads the log, or changes it or the names here
//!   .store-*.tmp           what is being written now
//! ```
//!
//! A [`Store`] holds the path and nothing else, so any number of them, in any number of processes, may work on one
//! directory and see each other's changes at once. The file system has to offer locks (`flock`), rename files in one step
//! and keep what it was told to sync; local ones and NFS version 4 do.
//!
//! # After a crash
//!
//! Whenever a process or the machine stops, the next look at the directory finds a good version active, and no
//! acknowledged change is lost:
//!
//! - *Publishing* checks the bytes, writes them and the sidecar to temporary files, syncs both, then renames first the
//!   sidecar and then the model, and syncs the directory after each. A version is there if its model file is, so that it
//!   is there whole or not at all. A sidecar alone is swept up by [`Store::open`].
//! - *Activating* loads the version, appends a line to the log and syncs it, all under the lock, and only then returns.
//!   Before the line is whole, the version before is active; after that, the new one is. A torn line is passed over by
//!   readers and cut off by the next writer. `CURRENT` follows, and if it cannot be written the line counts all the same.
//! - *Deleting* looks under the lock whether the version is active, and removes the model before the sidecar.
//! - *A line of the log that makes no sense* and is not torn is no work of a crash. Nothing guesses what it said: whatever
//!   needs the log is refused with the number of the line, and versions can still be loaded and exported.
//! - *Temporary files* are locked by whoever writes them. [`Store::open`] removes those that nobody holds a lock on.
//!
//! # Rolling back
//!
//! Activating a version puts it upon those before; rolling back takes the topmost off. So rolling back twice goes two
//! versions back and does not return to the first. What was rolled back is not come back to, except by activating it by
//! name, which again puts it on top. Versions deleted meanwhile are passed over; one that is there and damaged is refused.

mod active;
mod error;
mod files;
mod info;
mod log;
#[cfg(test)]
mod tests;
mod version;
mod versions;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub use self::{
    active::{Activated, Expected},
    error::StoreError,
    info::{About, By, Info, MAX_ACTOR_BYTES, MAX_NOTE_BYTES, Origin},
    log::{Activation, ActivationKind},
    version::Version,
    versions::{Entry, Published},
};
use self::{
    error::at,
    files::{Lock, Temporary},
    log::Log,
};

const MODEL: &str = ".chuanda";
const INFO: &str = ".info.json";
const CURRENT: &str = "CURRENT";

/// A directory of versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    directory: PathBuf,
}

impl Store {
    /// Opens a directory, and removes what a crash has left in it if it can be written to.
    ///
    /// # Errors
    ///
    /// It is no directory, or cannot be read.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let store = Self { directory: directory.into() };
        let names = store.names()?;
        // Where nobody has ever changed anything there is nothing to remove, and reading makes no files.
        if !names.iter().any(|name| name == files::LOCK) {
            return Ok(store);
        }
        match files::lock(&store.directory) {
            Ok(lock) => store.sweep(&lock)?,
            Err(StoreError::Io { source, .. })
                if [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem].contains(&source.kind()) => {}
            Err(error) => return Err(error),
        }
        Ok(store)
    }

    /// Opens a directory to publish in, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// As [`Store::open`]; or it cannot be made, or not be written to.
    pub fn create(directory: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let directory = directory.into();
        let made: Vec<&Path> = directory.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
        fs::create_dir_all(&directory).map_err(at(&directory))?;
        for parent in made.into_iter().filter_map(Path::parent) {
            files::sync_directory(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })?;
        }
        let store = Self::open(directory)?;
        drop(Temporary::new(&store.directory, &files::lock(&store.directory)?)?);
        Ok(store)
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file of a version, whether it is there or not.
    #[must_use]
    pub fn path(&self, version: &Version) -> PathBuf {
        self.directory.join(format!("{version}{MODEL}"))
    }

    fn info_path(&self, version: &Version) -> PathBuf {
        self.directory.join(format!("{version}{INFO}"))
    }

    /// The names in the directory that are text.
    fn names(&self) -> Result<Vec<String>, StoreError> {
        let entries = fs::read_dir(&self.directory).map_err(at(&self.directory))?;
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry.map_err(at(&self.directory))?.file_name().into_string());
        }
        Ok(names)
    }

    /// Removes what a crash has left. What cannot be removed stays: it harms nobody.
    fn sweep(&self, lock: &Lock) -> Result<(), StoreError> {
        for name in self.names()? {
            let path = self.directory.join(&name);
            let orphan = name.strip_suffix(INFO).and_then(|version| Version::new(version).ok());
            let is_orphan = orphan.is_some_and(|version| !self.path(&version).exists());
            if is_orphan || (files::is_temporary(&name) && files::is_abandoned(&path, lock)) {
                let _ = files::remove(&path);
            }
        }
        // A log that cannot be read is told by whoever asks it.
        if let Ok(log) = Log::read(&self.directory)
            && let Some(current) = log.current()
            && files::read(&self.directory.join(CURRENT)).ok().as_deref() != Some(format!("{current}\n").as_bytes())
        {
            let _ = self.write_current(current, lock);
        }
        Ok(())
    }
}
