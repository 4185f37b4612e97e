//! `chuanda models`: the versions in a directory or of a server, and which of them is active.

mod change;
mod look;
mod place;

use std::path::PathBuf;

use self::place::Place;
use super::{CliError, Exit, destination::Actor, report::Format, source};

/// Look at and change a directory of models, or the models of a server
///
/// A directory of models holds versions, each named by its content, and a log of which was active when. `train --models`
/// and `update --models` publish versions there; `serve --models` answers with the active one and follows the log, so that
/// what is activated here answers there a moment later. A version may be called by its first digits, four or more, if no
/// other begins with them.
///
/// With --server, a server that was started with such a directory is asked, and does it; what changes something needs a
/// server with --allow-model-changes, which answers with what is activated from then on.
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
  chuanda models list --server http://127.0.0.1:50051

Exit codes: 0 done, 1 refused (the active version is another one than expected, cannot be deleted, has none before it) or \
the file system failed, 2 wrong usage, 3 a model, the directory or the server is unusable")]
pub(super) struct Args {
    /// The directory of models [env, if there is no flag: CHUANDA_MODELS]
    #[arg(long, global = true, value_name = "DIR")]
    models: Option<PathBuf>,
    /// The server whose models these are
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
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
    // By hand: the parser does not see a conflict between flags before and after the name of the command.
    if args.models.is_some() && args.server.is_some() {
        return Err(CliError::Usage("--models and --server name two places".to_owned()));
    }
    let place = || match &args.server {
        Some(address) => Place::server(address),
        None => Place::directory(&directory(args)?),
    };
    let output = match &args.command {
        Command::List => look::list(&mut place()?, args.format),
        Command::Show { version } => look::show(&mut place()?, version.as_deref(), args.format),
        Command::Log { limit, before } => look::log(&mut place()?, *limit, *before, args.format),
        Command::Activate { version, change } => change::activate(&mut place()?, version, change, args.format),
        Command::Rollback { change } => change::rollback(&mut place()?, change, args.format),
        Command::Delete { version } => change::delete(&mut place()?, version, args.format),
        Command::Export { version, output } => change::export(&mut place()?, version.as_deref(), output, args.format),
        Command::Import { file, actor, note } => {
            let place = || match &args.server {
                Some(address) => Place::server(address),
                None => Place::new_directory(&directory(args)?),
            };
            change::import(place, file, actor.by(note), args.format)
        }
    }?;
    super::labelled::print(&output)?;
    Ok(Exit::Done)
}

/// The directory that a flag names, or else the environment.
fn directory(args: &Args) -> Result<PathBuf, CliError> {
    let directory = args.models.clone().or_else(|| source::variable(source::MODELS).map(PathBuf::from));
    let missing = || {
        CliError::Usage(format!(
            "--models DIR or --server URL is needed, or the environment variable {}",
            source::MODELS
        ))
    };
    directory.ok_or_else(missing)
}
