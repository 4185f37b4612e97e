//! The command-line door: one module per command; renders reports.

mod analyze;
mod answer;
mod args;
mod count;
mod destination;
mod evaluate;
mod html;
mod labelled;
mod merge;
mod models;
mod output;
mod pipeline;
mod remote;
mod report;
mod serve;
mod source;
mod summaries;
mod terminal;
mod told;
mod train;
mod update;
mod view;

use std::process;

use clap::{Parser, Subcommand};

use crate::telemetry::{self, LogFormat};

/// Reads news about meetings of Chinese local governments: what matters in an article, what kind of meeting it was and
/// which body held it.
#[derive(Debug, Parser)]
#[command(name = "chuanda", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// What is logged on standard error: off, error, warn, info, debug, trace, or directives such as chuanda=debug
    /// [default: info for serve, else warn]
    #[arg(long, global = true, value_name = "LEVEL", env = "CHUANDA_LOG", hide_env_values = true)]
    log_level: Option<String>,
    /// The form of log lines: text or json
    #[arg(long, global = true, value_name = "FORM", env = "CHUANDA_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
}

const EXAMPLES: &str = "\
Examples:
  chuanda analyze article.txt
  chuanda analyze --format jsonl articles/ > answers.jsonl
  chuanda serve --listen 127.0.0.1:50051
  chuanda train --data labelled.jsonl --output my.chuanda
  chuanda evaluate --data labelled.jsonl --model my.chuanda

Exit codes: 0 done, 1 some items failed, 2 wrong usage, 3 model or service unusable";

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Analyze(analyze::Args),
    Train(train::Args),
    Count(count::Args),
    Merge(merge::Args),
    Update(update::Args),
    Evaluate(evaluate::Args),
    Models(models::Args),
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
    /// The model cannot be used, or the server cannot start: 3.
    #[error("{}", chain(.0))]
    Unusable(anyhow::Error),
    /// Anything else: 1.
    #[error("{}", chain(.0))]
    Failed(#[from] anyhow::Error),
}

/// An error with its causes, without those that it tells itself.
fn chain(error: &anyhow::Error) -> String {
    let mut told = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !told.ends_with(&cause) {
            told += &format!(": {cause}");
        }
    }
    told
}

impl CliError {
    /// Writes it to standard error, made safe: it may name files, and whoever named those may mean harm.
    pub fn tell(&self) {
        // A message about a file of settings shows the place in several lines.
        format!("error: {self}").split('\n').for_each(told::note);
    }
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
    /// Sets up logging.
    ///
    /// # Errors
    ///
    /// The level is no level.
    pub fn log(&self) -> Result<(), CliError> {
        let level = self.log_level.as_deref().unwrap_or(match self.command {
            Command::Serve(_) => "info",
            Command::Analyze(_)
            | Command::Train(_)
            | Command::Count(_)
            | Command::Merge(_)
            | Command::Update(_)
            | Command::Evaluate(_)
            | Command::Models(_) => "warn",
        });
        telemetry::init(level, self.log_format).map_err(|error| CliError::Usage(error.to_string()))
    }

    /// Runs the command.
    ///
    /// # Errors
    ///
    /// What stopped it. Items that failed on their own do not: see [`Exit`].
    pub fn run(self) -> Result<Exit, CliError> {
        match self.command {
            Command::Serve(args) => serve::run(&args),
            Command::Analyze(args) => analyze::run(args),
            Command::Train(args) => train::run(args),
            Command::Count(args) => count::run(args),
            Command::Merge(args) => merge::run(&args),
            Command::Update(args) => update::run(&args),
            Command::Evaluate(args) => evaluate::run(args),
            Command::Models(args) => models::run(&args),
        }
    }
}
