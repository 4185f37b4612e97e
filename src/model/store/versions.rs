//! The versions: publishing, loading, listing, deleting.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _},
};

use super::{
    About, By, Info, MODEL, Origin, Store, StoreError, Version,
    error::{at, reason},
    files::{self, Temporary},
    log::Log,
};
use crate::model::{Model, ModelError, ModelFile, StoredModel};

/// What is told of a version without loading it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name.
    pub version: Version,
    /// Its sidecar; `None` if that cannot be read: [`Store::info`] says why.
    pub info: Option<Info>,
    /// Length of the model file.
    pub bytes: u64,
    /// Whether it is the active one.
    pub is_active: bool,
}

/// What publishing came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The version of the bytes.
    pub version: Version,
    /// Whether it was not there before. If it was, its sidecar stays what it was.
    pub is_new: bool,
}

/// Bytes that are compared at a time.
const COMPARED_AT_ONCE: usize = 1 << 16;

impl Store {
    /// Puts a model into the store. Doing it again is harmless: the version is there already then, and damage to its file
    /// is mended.
    ///
    /// # Errors
    ///
    /// The bytes are no sound model, but for what its counts say; a text of the sidecar is too long; the file system refuses.
    pub fn publish(&self, bytes: &[u8], info: &Info) -> Result<Published, StoreError> {
        info.check()?;
        let model = ModelFile::verify(bytes).map_err(StoreError::Unsound)?;
        let version = Version::new(model.version())?;
        let info = Info { about: Some(About::of(&model)), ..info.clone() };
        drop(model);
        let sidecar = serde_json::to_vec_pretty(&info)
            .map_err(|error| StoreError::Info { path: self.info_path(&version), reason: error.to_string() })?;
        let (mut new_model, mut new_sidecar) = {
            let lock = files::lock(&self.directory)?;
            if self.holds(&version, bytes) && self.info(&version).is_ok() {
                files::sync_directory(&self.directory)?;
                return Ok(Published { version, is_new: false });
            }
            (Temporary::new(&self.directory, &lock)?, Temporary::new(&self.directory, &lock)?)
        };
        // Others work on meanwhile: this is what takes time.
        new_model.write(bytes)?;
        new_sidecar.write(&sidecar)?;

        let _lock = files::lock(&self.directory)?;
        let is_new = !self.path(&version).exists();
        if is_new || self.info(&version).is_err() {
            new_sidecar.put(&self.info_path(&version))?;
            files::sync_directory(&self.directory)?;
        }
        if !self.holds(&version, bytes) {
            new_model.put(&self.path(&version))?;
        }
        files::sync_directory(&self.directory)?;
        Ok(Published { version, is_new })
    }

    /// Whether the file of a version holds just these bytes.
    fn holds(&self, version: &Version, bytes: &[u8]) -> bool {
        let is_equal = |mut file: File| -> io::Result<bool> {
            let (mut rest, mut buffer) = (bytes, vec![0; COMPARED_AT_ONCE]);
            loop {
                let read = file.read(&mut buffer)?;
                match rest.split_at_checked(read) {
                    Some((own, _)) if own != &buffer[..read] => return Ok(false),
                    Some(_) if read == 0 => return Ok(rest.is_empty()),
                    Some((_, after)) => rest = after,
                    None => return Ok(false),
                }
            }
        };
        files::open(&self.path(version)).and_then(is_equal).unwrap_or(false)
    }

    /// Looks whether a version is there.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`]; the file system refuses.
    pub fn find(&self, version: &Version) -> Result<(), StoreError> {
        fs::metadata(self.path(version)).map(drop).map_err(|error| self.not_found_or(error, version))
    }

    /// Loads a version, ready to answer.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`]; [`StoreError::Io`]; [`StoreError::Refused`] if the file is damaged, is of another format or
    /// feature scheme, or fails its self-test; [`StoreError::Misnamed`].
    pub fn load(&self, version: &Version) -> Result<Model, StoreError> {
        let model = Model::from_file(self.file(version)?).map_err(|reason| self.refused(version, reason))?;
        self.check_name(version, model.version())?;
        Ok(model)
    }

    /// Loads a version with what learning goes on from.
    ///
    /// # Errors
    ///
    /// As [`Store::load`].
    pub fn load_file(&self, version: &Version) -> Result<ModelFile, StoreError> {
        let file = ModelFile::from_file(self.file(version)?).map_err(|reason| self.refused(version, reason))?;
        self.check_name(version, file.model.version())?;
        Ok(file)
    }

    /// Opens a version that learning is to go on from; what columns of its counts say is checked when they are read.
    ///
    /// # Errors
    ///
    /// As [`Store::load`].
    pub fn open_model(&self, version: &Version) -> Result<StoredModel, StoreError> {
        let model = StoredModel::from_file(self.file(version)?).map_err(|reason| self.refused(version, reason))?;
        self.check_name(version, model.version())?;
        Ok(model)
    }

    /// The bytes of a version, all of them checked.
    ///
    /// # Errors
    ///
    /// As [`Store::load`].
    pub fn export(&self, version: &Version) -> Result<Vec<u8>, StoreError> {
        let bytes = self.read(version)?;
        self.verify(version, &bytes)?;
        Ok(bytes)
    }

    /// The file of a version, opened at its beginning, and its length. All of it was checked, and it stays what it was
    /// even if the version is deleted.
    ///
    /// # Errors
    ///
    /// As [`Store::load`].
    pub fn open_file(&self, version: &Version) -> Result<(File, u64), StoreError> {
        let (path, mut file) = (self.path(version), self.file(version)?);
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).and_then(|_| file.rewind()).map_err(at(&path))?;
        self.verify(version, &bytes)?;
        Ok((file, bytes.len() as u64))
    }

    fn verify(&self, version: &Version, bytes: &[u8]) -> Result<(), StoreError> {
        let model = ModelFile::verify(bytes).map_err(|reason| self.refused(version, reason))?;
        self.check_name(version, model.version())
    }

    /// Puts a model file from elsewhere into the store: [`Store::publish`] with [`Origin::Import`], once its counts make sense.
    ///
    /// # Errors
    ///
    /// The bytes are no sound model; as [`Store::publish`].
    pub fn import(&self, bytes: &[u8], by: By) -> Result<Published, StoreError> {
        StoredModel::from_bytes(bytes.to_vec()).and_then(|model| model.check_columns()).map_err(StoreError::Unsound)?;
        self.publish(bytes, &Info::new(by, Origin::Import, None))
    }

    fn read(&self, version: &Version) -> Result<Vec<u8>, StoreError> {
        files::read(&self.path(version)).map_err(|error| self.not_found_or(error, version))
    }

    fn file(&self, version: &Version) -> Result<File, StoreError> {
        files::open(&self.path(version)).map_err(|error| self.not_found_or(error, version))
    }

    fn not_found_or(&self, error: io::Error, version: &Version) -> StoreError {
        if error.kind() == io::ErrorKind::NotFound && self.directory.is_dir() {
            return StoreError::NotFound { directory: self.directory.clone(), version: version.clone() };
        }
        at(&self.path(version))(error)
    }

    /// Why a version cannot be used.
    pub(crate) fn refused(&self, version: &Version, reason: ModelError) -> StoreError {
        let path = self.path(version);
        if let ModelError::Read(source) = reason {
            StoreError::Io { path, source }
        } else {
            StoreError::Refused { path, reason }
        }
    }

    fn check_name(&self, version: &Version, found: &str) -> Result<(), StoreError> {
        if found == version.as_str() {
            return Ok(());
        }
        Err(StoreError::Misnamed { path: self.path(version), found: found.to_owned() })
    }

    /// The sidecar of a version.
    ///
    /// # Errors
    ///
    /// It is not there or cannot be read.
    pub fn info(&self, version: &Version) -> Result<Info, StoreError> {
        let path = self.info_path(version);
        let bytes = files::read(&path).map_err(at(&path))?;
        serde_json::from_slice(&bytes).map_err(|error| StoreError::Info { path, reason: reason(&error) })
    }

    /// All versions, ascending.
    ///
    /// # Errors
    ///
    /// The directory cannot be read.
    pub fn versions(&self) -> Result<Vec<Version>, StoreError> {
        let names = self.names()?;
        let mut versions: Vec<Version> =
            names.iter().filter_map(|name| Version::new(name.strip_suffix(MODEL)?).ok()).collect();
        versions.sort_unstable();
        Ok(versions)
    }

    /// At most so many versions after one, ascending by name, so that publishing and deleting between two pages neither
    /// repeats a version nor leaves one out.
    ///
    /// # Errors
    ///
    /// The directory or the log cannot be read.
    pub fn list(&self, after: Option<&Version>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let current = self.current()?;
        let versions = self.versions()?.into_iter().filter(|version| after.is_none_or(|after| version > after));
        // One that is deleted just now is passed over.
        let entry = |version: Version| {
            let bytes = fs::metadata(self.path(&version)).ok()?.len();
            let is_active = current.as_ref() == Some(&version);
            Some(Entry { info: self.info(&version).ok(), bytes, is_active, version })
        };
        Ok(versions.filter_map(entry).take(limit).collect())
    }

    /// Deletes a version.
    ///
    /// # Errors
    ///
    /// [`StoreError::IsActive`], [`StoreError::NotFound`]; the log cannot be read; the file system refuses.
    pub fn delete(&self, version: &Version) -> Result<(), StoreError> {
        let _lock = files::lock(&self.directory)?;
        let log = Log::read(&self.directory)?;
        if log.current() == Some(version) {
            return Err(StoreError::IsActive { version: version.clone() });
        }
        files::remove(&self.path(version)).map_err(|error| self.not_found_or(error, version))?;
        // The version is gone with its model; what stays of it here is swept up by the next opening.
        let _ = files::remove(&self.info_path(version));
        files::sync_directory(&self.directory)
    }
}
