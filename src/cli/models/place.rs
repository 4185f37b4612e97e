//! Where versions are: in a directory, or with a server that runs.

use std::path::Path;

use anyhow::Context as _;
use tokio::runtime::Runtime;

use super::super::{CliError, source};
use crate::{
    model::{
        Report,
        store::{About, Activated, Activation, By, Entry, Expected, Info, Published, Store, StoreError, Version},
    },
    service::{RemoteError, RemoteModels},
};

/// Fewest digits that a version may be called by.
const MIN_DIGITS: usize = 4;

/// Where versions are.
pub(super) enum Place {
    /// In a directory of this machine.
    Store(Store),
    /// With a server.
    Server {
        /// Waits for its answers.
        runtime: Runtime,
        /// What it is asked with.
        models: Box<RemoteModels>,
        /// Where it is.
        address: String,
    },
}

/// What is known of one version.
pub(super) struct Known {
    pub(super) version: Version,
    pub(super) is_active: bool,
    /// Its file, if it is on this machine.
    pub(super) file: Option<String>,
    pub(super) info: Option<Info>,
    pub(super) language_codes: Vec<String>,
    pub(super) calibrated: bool,
    pub(super) report: Report,
}

impl Place {
    /// A directory that is there.
    pub(super) fn directory(directory: &Path) -> Result<Self, CliError> {
        source::open(directory).map(Place::Store)
    }

    /// A directory that is made if it is not there.
    pub(super) fn new_directory(directory: &Path) -> Result<Self, CliError> {
        source::opened(directory, |it| Store::create(it))
            .context("--models")
            .map_err(CliError::Unusable)
            .map(Place::Store)
    }

    /// A server that runs.
    pub(super) fn server(address: &str) -> Result<Self, CliError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("the runtime").map_err(CliError::Unusable)?;
        let models = Box::new(runtime.block_on(RemoteModels::connect(address))?);
        Ok(Place::Server { runtime, models, address: address.to_owned() })
    }

    /// What it is called in errors.
    fn name(&self) -> String {
        match self {
            Place::Store(store) => store.directory().display().to_string(),
            Place::Server { address, .. } => address.clone(),
        }
    }

    /// The version that a text calls, by all of its digits or the first of them.
    pub(super) fn called(&mut self, text: &str) -> Result<Version, CliError> {
        if let Ok(version) = Version::new(text) {
            return Ok(version);
        }
        if text.len() < MIN_DIGITS || !text.bytes().all(|c| c.is_ascii_hexdigit()) {
            return Err(CliError::Usage(format!("{text:?} is not a version: {MIN_DIGITS} to 32 hexadecimal digits")));
        }
        let mut found = match self {
            Place::Store(store) => store.versions()?,
            Place::Server { .. } => self.list()?.0.into_iter().map(|entry| entry.version).collect(),
        };
        found.retain(|version| version.as_str().starts_with(text));
        match <[Version; 1]>::try_from(found) {
            Ok([version]) => Ok(version),
            Err(none) if none.is_empty() => {
                Err(CliError::Unusable(anyhow::Error::msg(format!("{}: there is no version {text}", self.name()))))
            }
            Err(several) => {
                let names: Vec<&str> = several.iter().map(Version::as_str).collect();
                Err(CliError::Usage(format!("{text} may be any of {}", names.join(", "))))
            }
        }
    }

    /// All versions, and the active one by the log.
    pub(super) fn list(&mut self) -> Result<(Vec<Entry>, Option<Version>), CliError> {
        match self {
            Place::Store(store) => Ok((store.list(None, usize::MAX)?, store.current()?)),
            Place::Server { runtime, models, .. } => Ok(runtime.block_on(models.list())?),
        }
    }

    /// One version, or else the active one.
    pub(super) fn get(&mut self, version: Option<&Version>) -> Result<Known, CliError> {
        match self {
            Place::Store(store) => {
                let version = version.cloned().map_or_else(|| source::active(store), Ok)?;
                let model = store.load(&version)?;
                let About { language_codes, calibrated, report: _ } = About::of(&model);
                Ok(Known {
                    is_active: store.current()?.as_ref() == Some(&version),
                    file: Some(store.path(&version).display().to_string()),
                    info: store.info(&version).ok(),
                    version,
                    language_codes,
                    calibrated,
                    report: model.report().clone(),
                })
            }
            Place::Server { runtime, models, .. } => {
                let found = runtime.block_on(models.get(version))?;
                Ok(Known {
                    version: found.entry.version,
                    is_active: found.entry.is_active,
                    file: None,
                    info: found.entry.info,
                    language_codes: found.language_codes,
                    calibrated: found.calibrated,
                    report: found.report,
                })
            }
        }
    }

    pub(super) fn activations(
        &mut self,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Activation)>, CliError> {
        match self {
            Place::Store(store) => Ok(store.activations(before, limit)?),
            Place::Server { runtime, models, .. } => Ok(runtime.block_on(models.activations(before, limit))?),
        }
    }

    pub(super) fn activate(
        &mut self,
        version: &Version,
        expected: Expected<'_>,
        by: By,
    ) -> Result<Activated, CliError> {
        match self {
            Place::Store(store) => Ok(store.activate(version, expected, by)?),
            Place::Server { runtime, models, .. } => Ok(runtime.block_on(models.activate(version, expected, by))?),
        }
    }

    pub(super) fn rollback(&mut self, expected: Expected<'_>, by: By) -> Result<Activated, CliError> {
        match self {
            Place::Store(store) => Ok(store.rollback(expected, by)?),
            Place::Server { runtime, models, .. } => Ok(runtime.block_on(models.rollback(expected, by))?),
        }
    }

    pub(super) fn delete(&mut self, version: &Version) -> Result<(), CliError> {
        match self {
            Place::Store(store) => Ok(store.delete(version)?),
            Place::Server { runtime, models, .. } => Ok(runtime.block_on(models.delete(version))?),
        }
    }

    /// The file of a version, or else of the active one.
    pub(super) fn export(&mut self, version: Option<&Version>) -> Result<(Version, Vec<u8>), CliError> {
        match self {
            Place::Store(store) => {
                let version = version.cloned().map_or_else(|| source::active(store), Ok)?;
                let bytes = store.export(&version)?;
                Ok((version, bytes))
            }
            Place::Server { runtime, models, .. } => Ok(runtime.block_on(models.export(version))?),
        }
    }

    pub(super) fn import(&mut self, bytes: Vec<u8>, by: By) -> Result<Published, CliError> {
        match self {
            Place::Store(store) => Ok(store.import(&bytes, by)?),
            Place::Server { runtime, models, .. } => Ok(runtime.block_on(models.import(bytes, by))?),
        }
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotAVersion | StoreError::TooLong { .. } => CliError::Usage(error.to_string()),
            StoreError::Unsound(_)
            | StoreError::NotFound { .. }
            | StoreError::Refused { .. }
            | StoreError::Misnamed { .. }
            | StoreError::Log { .. }
            | StoreError::NothingActive { .. } => CliError::Unusable(error.into()),
            StoreError::NothingBefore { .. }
            | StoreError::NotExpected { .. }
            | StoreError::IsActive { .. }
            | StoreError::Info { .. }
            | StoreError::Io { .. } => CliError::Failed(error.into()),
        }
    }
}

/// Reasons of a server that are the same as those of a directory, or of articles that nothing can be learnt from.
const REFUSED: [&str; 7] = [
    "TOO_LITTLE_TO_LEARN",
    "ARTICLE_NOT_IN_MODEL",
    "NOTHING_BEFORE",
    "CURRENT_VERSION_DIFFERS",
    "MODEL_IS_ACTIVE",
    "STORE_FULL",
    "STORE_UNAVAILABLE",
];

impl From<RemoteError> for CliError {
    fn from(error: RemoteError) -> Self {
        match &error {
            RemoteError::Address(_) => CliError::Usage(format!("--server: {error}")),
            RemoteError::Refused { reason, .. } if REFUSED.contains(&reason.as_str()) => CliError::Failed(error.into()),
            RemoteError::Refused { reason, is_invalid: true, .. } if reason != "MODEL_REFUSED" => {
                CliError::Usage(error.to_string())
            }
            RemoteError::Refused { .. } | RemoteError::Unreachable { .. } | RemoteError::Answer(_) => {
                CliError::Unusable(anyhow::Error::from(error).context("--server"))
            }
        }
    }
}
