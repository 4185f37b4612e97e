//! `chuanda models`: the versions in a directory, and which of them is active.

mod change;
mod look;

use std::path::PathBuf;

use super::{CliError, Exit, destination::Actor, report::Format, source};
use crate::model::store::{Store, StoreError, Version};

/// Fewest digits that a version may be called by.
const MIN_DIGITS: usize = 4;

/// Look at and change a directory of models
///
/// A directory of models holds versions, each named by its content, and a log of which was active when. `train --models`
/// and `update --models` publish versions there; `serve --models` answers with the active one and follows the log, so that
/// what is activated here answers there a moment later. A version may be called by its first digits, four or more, if no
/// other begins with them.
///
/// Rolling back makes the version active that was so before the present one; rolling back again goes further back.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  chuanda train --data labelled.jsonl --models models/
  chuanda models list --models models/
  chuanda models activate 4e0c00dc --models models/ --why 'labels of June'
  chuanda models rollback --models models/
  chuanda models log --models models/ --format json

Exit codes: 0 done, 1 refused (the active version is another one than expected, cannot be deleted, has none before it) or \
the file system failed, 2 wrong usage, 3 a model or the directory is unusable")]
pub(super) struct Args {
    /// The directory of models
    #[arg(long, global = true, value_name = "DIR", env = source::MODELS, hide_env_values = true)]
    models: Option<PathBuf>,
    /// How the answer is written
    #[arg(long, global = true, default_value = "text")]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the versions, newest first
    List,
    /// Show what is known of a version, with its held-out figures
    Show {
        /// The version [default: the active one]
        version: Option<String>,
    },
    /// Make a version the active one, once it has been loaded
    Activate {
        /// The version
        version: String,
        #[command(flatten)]
        change: Change,
    },
    /// Make the version active that was so before the present one
    Rollback {
        #[command(flatten)]
        change: Change,
    },
    /// Delete a version that is not active
    Delete {
        /// The version
        version: String,
    },
    /// Write the model file of a version, all of it checked
    Export {
        /// The version [default: the active one]
        version: Option<String>,
        /// Where it is written; it appears when it is whole
        #[arg(long, short, value_name = "MODEL")]
        output: PathBuf,
    },
    /// Publish a model file, all of it checked; the directory is made if it is not there
    Import {
        /// The model file
        #[arg(value_name = "MODEL")]
        file: PathBuf,
        #[command(flatten)]
        actor: Actor,
        /// What is said of the version
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        note: String,
    },
    /// Show what was active when, newest first
    Log {
        /// Lines at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
        /// Only lines with a lower number: the next page
        #[arg(long, value_name = "NUMBER")]
        before: Option<u64>,
    },
}

/// What activating and rolling back have in common.
#[derive(Debug, clap::Args)]
struct Change {
    /// Do it only if this version is active, or none
    #[arg(long, value_name = "VERSION|none")]
    expect: Option<String>,
    /// Why, for the log
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    why: String,
    #[command(flatten)]
    actor: Actor,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Exit, CliError> {
    let Some(directory) = &args.models else {
        return Err(CliError::Usage(format!("--models DIR is needed, or the environment variable {}", source::MODELS)));
    };
    let open = || source::open(directory);
    let output = match &args.command {
        Command::List => look::list(&open()?, args.format),
        Command::Show { version } => look::show(&open()?, version.as_deref(), args.format),
        Command::Log { limit, before } => look::log(&open()?, *limit, *before, args.format),
        Command::Activate { version, change } => change::activate(&open()?, version, change, args.format),
        Command::Rollback { change } => change::rollback(&open()?, change, args.format),
        Command::Delete { version } => change::delete(&open()?, version, args.format),
        Command::Export { version, output } => change::export(&open()?, version.as_deref(), output, args.format),
        Command::Import { file, actor, note } => change::import(directory, file, actor.by(note), args.format),
    }?;
    super::labelled::print(&output)?;
    Ok(Exit::Done)
}

/// The version that a text calls, by all of its digits or the first of them.
fn called(store: &Store, text: &str) -> Result<Version, CliError> {
    if let Ok(version) = Version::new(text) {
        return Ok(version);
    }
    if text.len() < MIN_DIGITS || !text.bytes().all(|c| c.is_ascii_hexdigit()) {
        return Err(CliError::Usage(format!("{text:?} is not a version: {MIN_DIGITS} to 32 hexadecimal digits")));
    }
    let mut found = store.versions()?;
    found.retain(|version| version.as_str().starts_with(text));
    match <[Version; 1]>::try_from(found) {
        Ok([version]) => Ok(version),
        Err(none) if none.is_empty() => {
            let directory = store.directory().display();
            Err(CliError::Unusable(anyhow::Error::msg(format!("{directory}: there is no version {text}"))))
        }
        Err(several) => {
            let names: Vec<&str> = several.iter().map(Version::as_str).collect();
            Err(CliError::Usage(format!("{text} may be any of {}", names.join(", "))))
        }
    }
}

/// The version that is called, or else the active one.
fn called_or_active(store: &Store, text: Option<&str>) -> Result<Version, CliError> {
    text.map_or_else(|| Ok(source::active(store)?), |text| called(store, text))
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
