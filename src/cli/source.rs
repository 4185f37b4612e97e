//! Where a model comes from: a file, the active version of a store, or the program itself.

use std::{
    env,
    ffi::OsString,
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;

use super::{CliError, told};
use crate::model::{
    Model, ModelError, ModelFile, StoredModel,
    store::{Store, StoreError, Version},
};

/// Names the store where no flag does.
pub(super) const MODELS: &str = "CHUANDA_MODELS";

/// Names a model file where no flag does.
const MODEL: &str = "CHUANDA_MODEL";

/// The model that a command works with. The environment is asked by hand: a flag goes before all of it, also before the
/// variable of the other flag.
#[derive(Debug, clap::Args)]
pub(super) struct Choice {
    /// Use the model in this file instead of the one that is built in [env, if there is no flag: CHUANDA_MODEL]
    #[arg(long, value_name = "FILE", conflicts_with = "models")]
    model: Option<PathBuf>,
    /// Use the active version of the models in this directory [env, if there is no flag: CHUANDA_MODELS]
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
}

/// What was chosen.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// The model that is built in.
    Embedded,
    /// A model file.
    File(PathBuf),
    /// The active version of a store.
    Store(Store),
}

impl Choice {
    /// The model file that a flag names.
    pub(super) fn file(&self) -> Option<&Path> {
        self.model.as_deref()
    }

    /// What the flags say, or else the environment.
    pub(super) fn source(&self) -> Result<Source, CliError> {
        Source::of(self.model.as_deref(), self.models.as_deref())
    }
}

/// What a variable of the environment says, if anything.
pub(super) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// Opens a store that is to be read.
pub(super) fn open(directory: &Path) -> Result<Store, CliError> {
    opened(directory, |directory| Store::open(directory)).context("--models").map_err(CliError::Unusable)
}

/// Opening a store that takes longer is told: some process may hold the lock.
const SLOW: Duration = Duration::from_secs(2);

/// Opens a store in one of the ways, and says so if that has to wait.
pub(super) fn opened(
    directory: &Path,
    open: impl FnOnce(&Path) -> Result<Store, StoreError>,
) -> Result<Store, StoreError> {
    let message = format!("{}: waiting; another process may hold its .lock", directory.display());
    told::if_slow(SLOW, move || told::note(&message), || open(directory))
}

impl Source {
    /// What flags say that name a file or a store, or else the environment.
    pub(super) fn of(model: Option<&Path>, models: Option<&Path>) -> Result<Self, CliError> {
        match (model, models) {
            (Some(file), _) => Ok(Source::File(file.to_owned())),
            (None, Some(directory)) => Ok(Source::Store(open(directory)?)),
            (None, None) => match (variable(MODEL), variable(MODELS)) {
                (Some(_), Some(_)) => Err(CliError::Usage(format!("{MODEL} and {MODELS} are both set"))),
                (Some(file), None) => Ok(Source::File(file.into())),
                (None, Some(directory)) => Ok(Source::Store(open(Path::new(&directory))?)),
                (None, None) => Ok(Source::Embedded),
            },
        }
    }

    /// The model, ready to answer.
    pub(super) fn load(&self) -> Result<Model, CliError> {
        self.read(Model::embedded, Model::from_file, Store::load)
    }

    /// The model with what learning goes on from.
    pub(super) fn load_file(&self) -> Result<ModelFile, CliError> {
        self.read(ModelFile::embedded, ModelFile::from_file, Store::load_file)
    }

    /// The model in its file, for learning to go on from.
    pub(super) fn open(&self) -> Result<StoredModel, CliError> {
        self.read(StoredModel::embedded, StoredModel::from_file, Store::open_model)
    }

    fn read<T>(
        &self,
        embedded: impl FnOnce() -> Result<T, ModelError>,
        from_file: impl FnOnce(File) -> Result<T, ModelError>,
        from_store: impl FnOnce(&Store, &Version) -> Result<T, StoreError>,
    ) -> Result<T, CliError> {
        let model = match self {
            Source::Embedded => embedded().map_err(anyhow::Error::from),
            Source::File(path) => File::open(path).map_err(anyhow::Error::from).and_then(|file| Ok(from_file(file)?)),
            Source::Store(store) => Ok(active(store).and_then(|version| from_store(store, &version))?),
        };
        model.map_err(|reason| self.unusable(reason))
    }

    /// Says where a model comes from that cannot be used.
    pub(super) fn unusable(&self, reason: impl Into<anyhow::Error>) -> CliError {
        let name = match self {
            Source::Embedded => "the model that is built in".to_owned(),
            Source::File(path) => format!("--model {}", path.display()),
            Source::Store(_) => "--models".to_owned(),
        };
        CliError::Unusable(reason.into().context(name))
    }
}

/// The active version of a store; that there is none is an error.
pub(super) fn active(store: &Store) -> Result<Version, StoreError> {
    store.current()?.ok_or_else(|| StoreError::NothingActive { directory: store.directory().to_owned() })
}
