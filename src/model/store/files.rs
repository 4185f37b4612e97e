//! What the store does to files: locks, temporary files, and writing that is on the disk before it returns.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    process,
};

use super::{StoreError, error::at};

/// Locked by whoever reads or changes the log or the names in the directory. It stays empty and in its place.
pub(super) const LOCK: &str = ".lock";

/// Temporary files are called `.store-PROCESS-NUMBER.tmp`.
const TEMPORARY: (&str, &str) = (".store-", ".tmp");

/// Names tried for a temporary file before the directory is thought to be beyond help.
const MAX_NAMES: u32 = 10_000;

/// A lock on the store, held until it is dropped or the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would do, but for a child process that is just being started and has the file still.
        let _ = self.file.unlock();
    }
}

/// Waits until nobody else reads or writes.
pub(super) fn lock(directory: &Path) -> Result<Lock, StoreError> {
    let path = directory.join(LOCK);
    let locked = || -> io::Result<Lock> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
        file.lock()?;
        Ok(Lock { file })
    };
    locked().map_err(at(&path))
}

/// Waits until nobody writes. `None` if nobody ever has: a store that is only read may lie where no file can be made. A
/// directory that is not there any more is no such store.
pub(super) fn lock_shared(directory: &Path) -> Result<Option<Lock>, StoreError> {
    let path = directory.join(LOCK);
    let locked = || -> io::Result<Lock> {
        let file = File::open(&path)?;
        file.lock_shared()?;
        Ok(Lock { file })
    };
    match locked() {
        Ok(lock) => Ok(Some(lock)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && directory.is_dir() => Ok(None),
        Err(error) => Err(at(&path)(error)),
    }
}

/// Opens a file to read it. Anything else of that name, such as a pipe, might keep whoever reads it waiting.
pub(super) fn open(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("is no file"));
    }
    File::open(path)
}

/// What a file holds.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A file that is being written, locked for as long as it is. Dropped before [`Temporary::put`], it is removed.
#[derive(Debug)]
pub(super) struct Temporary {
    file: File,
    path: PathBuf,
}

impl Temporary {
    /// A new file in a directory, on which the caller holds the lock: so nobody takes it for abandoned between its
    /// creation and its own lock.
    pub(super) fn new(directory: &Path, _held: &Lock) -> Result<Self, StoreError> {
        let (prefix, suffix) = TEMPORARY;
        for number in 0..MAX_NAMES {
            let path = directory.join(format!("{prefix}{}-{number}{suffix}", process::id()));
            let created = fault::step(Step::Create, &[&path])
                .and_then(|()| File::options().write(true).create_new(true).open(&path))
                .and_then(|file| file.lock().map(|()| file));
            match created {
                Ok(file) => return Ok(Self { file, path }),
                // Another thread's, or that of a process before this one or on another machine.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(at(&path)(error)),
            }
        }
        Err(at(directory)(io::ErrorKind::AlreadyExists.into()))
    }

    /// Writes the content, so that it is on the disk.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let written = write(&mut self.file, bytes).and_then(|()| sync(&self.file, &self.path));
        written.map_err(at(&self.path))
    }

    /// Gives the file its name, in place of what had it. Lasting once the directory is synced.
    pub(super) fn put(self, target: &Path) -> Result<(), StoreError> {
        // There is nothing left to remove under the old name once this is done.
        fault::step(Step::Rename, &[&self.path, target])
            .and_then(|()| fs::rename(&self.path, target))
            .map_err(at(target))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed now is removed when the store is next opened.
        let _ = remove(&self.path);
    }
}

/// Whether a name is that of a temporary file of the store.
pub(super) fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1)
}

/// Whether nobody writes a temporary file any more. The caller holds the lock on the store.
///
/// A lock goes with the process that holds it, however that ends. The number of a process would not do: numbers are used
/// again, and containers that share a directory number their processes each for itself.
pub(super) fn is_abandoned(path: &Path, _held: &Lock) -> bool {
    open(path).is_ok_and(|file| match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
    })
}

/// Removes a file.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    fault::step(Step::Remove, &[path])?;
    fs::remove_file(path)
}

/// Makes the names in a directory lasting.
pub(super) fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    // Where a directory cannot be opened as a file, it cannot be synced either; names are lasting there by themselves.
    if cfg!(unix) {
        fault::step(Step::SyncDirectory, &[directory])
            .and_then(|()| File::open(directory)?.sync_all())
            .map_err(at(directory))?;
    }
    Ok(())
}

/// Appends to what a file holds up to `end`, cutting off what stands behind it, and makes the file if it is not there. On
/// the disk, with its name, when it returns; on an error the file is as it was up to `end`, as far as the system still
/// lets that be done. The caller holds the lock.
pub(super) fn append(directory: &Path, path: &Path, end: u64, bytes: &[u8]) -> Result<(), StoreError> {
    let create = || -> io::Result<File> {
        fault::step(Step::Create, &[path])?;
        File::options().write(true).create(true).truncate(false).open(path)
    };
    let mut file = create().map_err(at(path))?;
    // Before the bytes, so that nothing can fail after them. Each time, since whoever made the file may not have come here.
    sync_directory(directory)?;
    let mut appended = || {
        if file.metadata()?.len() != end {
            set_length(&file, end)?;
        }
        file.seek(SeekFrom::Start(end))?;
        let written = write(&mut file, bytes).and_then(|()| sync(&file, path));
        if written.is_err() {
            // What stays behind after a failure here is either a torn line, which the next writer cuts, or a whole one.
            let _ = set_length(&file, end).and_then(|()| sync(&file, path));
        }
        written
    };
    appended().map_err(at(path))
}

/// Makes lasting what another process has written to a file, if it was stopped before it did so.
pub(super) fn sync_file(path: &Path) -> Result<(), StoreError> {
    // A directory may let files be read that cannot be opened for writing; syncing needs neither.
    File::open(path).and_then(|file| sync(&file, path)).map_err(at(path))
}

fn set_length(file: &File, length: u64) -> io::Result<()> {
    fault::step(Step::Write, &[])?;
    file.set_len(length)
}

fn sync(file: &File, path: &Path) -> io::Result<()> {
    fault::step(Step::Sync, &[path])?;
    file.sync_all()
}

fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    let pieces = if cfg!(test) { 3 } else { 1 };
    for piece in bytes.chunks(bytes.len().div_ceil(pieces).max(1)) {
        fault::step(Step::Write, &[])?;
        file.write_all(piece)?;
    }
    Ok(())
}

/// What is about to change on the disk: where tests stop the world.
#[derive(Clone, Copy)]
enum Step {
    Create,
    /// Of bytes into a file, or of its length.
    Write,
    /// Of what a file holds.
    Sync,
    /// From the first path to the second.
    Rename,
    Remove,
    /// Of the names in it.
    SyncDirectory,
}

#[cfg(not(test))]
mod fault {
    //! Nothing fails on purpose outside of tests.

    pub(super) fn step(_: super::Step, _: &[&std::path::Path]) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod fault;
