//! `chuanda count`: labelled articles in, a file of counts out, to be merged with others.

use std::path::PathBuf;

use anyhow::Context as _;
use serde::Serialize;

use super::{
    CliError, Exit,
    labelled::{self, Data},
    output, report,
    told::Told,
};
use crate::learn::Trainer;

/// Count labelled articles, to learn from them later
///
/// Reads what train reads and does its first half: the file of counts holds all that learning needs of the articles,
/// without their texts. Shards of a corpus can be counted at different times and places; merge makes one model of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  chuanda count --data 2021.jsonl --output 2021.counts
  chuanda count --data 2022/ --labels my-labels.toml --output 2022.counts
  chuanda merge 2021.counts 2022.counts --output my.chuanda

Exit codes: 0 done, 1 some records could not be used, 2 wrong usage")]
pub(super) struct Args {
    /// Files and directories of labelled articles
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// Where the counts are written; the file appears when it is whole
    #[arg(long, short, value_name = "COUNTS")]
    output: PathBuf,
    /// The catalog of labels (TOML), or none: whatever labels the data holds; the same for all shards that are to be merged
    /// [default: the catalog that is built in]
    #[arg(long, value_name = "FILE|none")]
    labels: Option<PathBuf>,
    /// Take labels that are not in the catalog, which are records that cannot be used otherwise
    #[arg(long)]
    allow_new_labels: bool,
    /// Stop at the first record that cannot be used
    #[arg(long)]
    strict: bool,
    /// How the summary is written
    #[arg(long, default_value = "text")]
    format: report::Format,
    /// Threads [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

/// What is printed with `--format json`.
#[derive(Serialize)]
struct Summary {
    /// Distinct articles counted.
    articles: u64,
    /// Articles that were there before with the same labels.
    doubles: u64,
}

/// Runs the command.
pub(super) fn run(args: Args) -> Result<Exit, CliError> {
    if let Some(labels) = &args.labels {
        output::differs("--output", &args.output, "--labels", labels)?;
    }
    let catalog = labelled::choose_catalog(args.labels.as_deref(), args.allow_new_labels)?;
    let data = Data::new(args.data, Some(("--output", &args.output)))?;
    let publication = output::begin_result(&args.output)?;
    let mut told = Told::new(true);
    let mut trainer = Trainer::new(catalog);
    let counted = labelled::pool(args.threads)?.install(|| labelled::count(data, &mut trainer, &mut told, args.strict));
    let summary = Summary { doubles: counted?, articles: trainer.articles() as u64 };
    told.doing("writing");
    let bytes = trainer.into_counts().to_bytes().map_err(|error| CliError::Failed(error.into()))?;
    let exit = told.finish();
    output::publish(publication, &args.output, &bytes)?;

    let Summary { articles, doubles } = summary;
    let output = args.output.display();
    labelled::print(&match args.format {
        report::Format::Text => {
            format!("counts of {articles} articles ({doubles} doubles not counted), written to {output}\n")
        }
        report::Format::Json => serde_json::to_string(&summary).context("the summary")? + "\n",
    })?;
    Ok(exit)
}
