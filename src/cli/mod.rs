//! The command-line door: one module per command; renders reports.

mod analyze;
mod answer;
mod output;
mod pipeline;
mod terminal;
mod told;
mod view;

use std::{fs, path::Path, process};

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::model::Model;

/// Reads news about meetings of Chinese local governments: what matters in an article, what kind of meeting it was and
/// which body held it.
#[derive(Debug, Parser)]
#[command(name = "chuanda", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  chuanda analyze article.txt
  chuanda analyze --format jsonl articles/ > answers.jsonl

Exit codes: 0 done, 1 some items failed, 2 wrong usage, 3 model unusable";

#[derive(Debug, Subcommand)]
enum Command {
    Analyze(analyze::Args),
}

/// How a command that did its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done: 0.
    Done,
    /// Some items failed; each was told: 1.
    SomeFailed,
}

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// It was called in a way that cannot work: 2. Names the flag.
    #[error("{0}")]
    Usage(String),
    /// The model cannot be used: 3.
    #[error("{0:#}")]
    Unusable(anyhow::Error),
    /// Anything else: 1.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

impl From<Exit> for process::ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::SomeFailed => Self::from(1),
        }
    }
}

impl From<&CliError> for process::ExitCode {
    fn from(error: &CliError) -> Self {
        match error {
            CliError::Usage(_) => Self::from(2),
            CliError::Unusable(_) => Self::from(3),
            CliError::Failed(_) => Self::from(1),
        }
    }
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    ///
    /// What stopped it. Items that failed on their own do not: see [`Exit`].
    pub fn run(self) -> Result<Exit, CliError> {
        match self.command {
            Command::Analyze(args) => analyze::run(args),
        }
    }
}

/// The model in a file, or else the one that is built in.
fn load_model(file: Option<&Path>) -> Result<Model, CliError> {
    let load = || match file {
        None => Model::embedded().context("the model that is built in"),
        Some(path) => {
            let bytes = fs::read(path).with_context(|| format!("--model {}", path.display()))?;
            Model::from_bytes(&bytes).with_context(|| format!("--model {}", path.display()))
        }
    };
    load().map_err(CliError::Unusable)
}
