//! `chuanda evaluate`: how good a model is on labelled articles.

use std::path::PathBuf;

use anyhow::Context as _;

use super::{
    CliError, Exit,
    labelled::{self, Data},
    load_model_file, report,
    told::{self, Told},
    update,
};
use crate::learn;

/// Measure a model on labelled articles
///
/// Reads what train reads. Articles that the model was trained on are recognised by their text and scored as if it had
/// been trained without them and the rest of their group. A record that cannot be used is told on standard error with file and line,
/// and the others are scored.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  chuanda evaluate --data held-out.jsonl
  chuanda evaluate --data held-out.jsonl --model my.chuanda --format json \\
    | jq '.axes[].metrics.accuracy'

Exit codes: 0 done, 1 some records could not be used, 2 wrong usage, 3 model unusable")]
pub(super) struct Args {
    /// Files and directories of labelled articles
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// Measure the model in this file instead of the one that is built in
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    /// How the figures are written
    #[arg(long, default_value = "text")]
    format: report::Format,
    /// Threads [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

/// Runs the command.
pub(super) fn run(args: Args) -> Result<Exit, CliError> {
    let data = Data::new(args.data, None)?;
    let file = load_model_file(args.model.as_deref())?;
    let mut told = Told::new(true);
    let evaluation = labelled::pool(args.threads)?.install(|| {
        let articles = data.filter_map(|record| match record {
            Ok(labelled) => {
                told.add(1, Vec::new());
                Some(labelled.article)
            }
            Err(error) => {
                told.add(1, vec![error.to_string()]);
                None
            }
        });
        learn::evaluate(&file, articles)
    });
    let exit = told.finish();
    if evaluation.articles == 0 {
        return Err(CliError::Failed(anyhow::Error::msg("--data: no labelled articles")));
    }
    if !file.model.is_calibrated() {
        told::note(update::NOT_CALIBRATED);
    }
    labelled::print(&match args.format {
        report::Format::Text => report::evaluated(&evaluation),
        report::Format::Json => serde_json::to_string(&evaluation).context("the figures")? + "\n",
    })?;
    Ok(exit)
}
