//! Where a new model goes: a file, a store of models, or both; and who it is from.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use super::{
    CliError,
    output::{self, Output},
    source,
};
use crate::{
    engine,
    model::store::{By, Info, Origin, Store, StoreError, Version},
};

/// Where a new model goes.
#[derive(Debug, clap::Args)]
pub(super) struct Destination {
    /// Where the model is written; it appears when it is whole
    #[arg(long, short, value_name = "MODEL")]
    output: Option<PathBuf>,
    /// Publish the model in this directory of models, which is made if it is not there; it is not active by that. Without
    /// --output, the environment variable CHUANDA_MODELS may name it
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    #[command(flatten)]
    actor: Actor,
    /// What is said of the version in the directory of models
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
}

/// Who does something to a store.
#[derive(Debug, clap::Args)]
pub(super) struct Actor {
    /// Who this is done by, kept as said [default: the name of the user]
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
}

impl Actor {
    /// This person, now, for a reason.
    pub(super) fn by(&self, why: &str) -> By {
        engine::by(self.actor.as_deref(), why)
    }
}

/// A destination that can be written to.
pub(super) struct Target {
    file: Option<(Output, PathBuf)>,
    store: Option<Store>,
    by: By,
}

impl Destination {
    /// The file.
    pub(super) fn output(&self) -> Option<&Path> {
        self.output.as_deref()
    }

    /// The store that a flag names.
    pub(super) fn models(&self) -> Option<&Path> {
        self.models.as_deref()
    }

    /// Who does it and what is said of it, in their own words; empty if they do not say.
    pub(super) fn said(&self) -> (String, String) {
        (self.actor.actor.clone().unwrap_or_default(), self.note.clone())
    }

    /// Begins before the work, so that a place that cannot be written to is known before it.
    pub(super) fn begin(&self) -> Result<Target, CliError> {
        let of_environment = || source::variable(source::MODELS).filter(|_| self.output.is_none()).map(PathBuf::from);
        let directory = self.models.clone().or_else(of_environment);
        if self.output.is_none() && directory.is_none() {
            return Err(CliError::Usage("at least one of --output MODEL and --models DIR is needed".to_owned()));
        }
        let usage = |error: StoreError| CliError::Usage(format!("--models: {error}"));
        let store =
            directory.map(|directory| source::opened(&directory, |it| Store::create(it)).map_err(usage)).transpose()?;
        let file = self.output.as_ref().map(|path| Ok::<_, CliError>((output::begin_result(path)?, path.clone())));
        Ok(Target { file: file.transpose()?, store, by: self.actor.by(&self.note) })
    }
}

impl Target {
    /// The directory that the model goes to; `None` for a device or pipe.
    pub(super) fn directory(&self) -> Option<&Path> {
        let of_file = self.file.as_ref().and_then(|(output, _)| output.directory());
        self.store.as_ref().map(Store::directory).or(of_file)
    }

    /// Writes the model to where it goes, and tells where that is.
    pub(super) fn publish(self, bytes: &[u8], how: Origin, parent: Option<Version>) -> Result<String, CliError> {
        let mut places = String::new();
        if let Some((output, path)) = self.file {
            output::publish(output, &path, bytes)?;
            let _ = write!(places, "written to {}", path.display());
        }
        if let Some(store) = self.store {
            let published = store.publish(bytes, &Info::new(self.by, how, parent))?;
            let and = if places.is_empty() { "" } else { " and " };
            let was = if published.is_new { "published" } else { "there already" };
            let _ = write!(places, "{and}{was} in {}", store.directory().display());
        }
        Ok(places)
    }
}
