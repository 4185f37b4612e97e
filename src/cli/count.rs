//! `chuanda count`: labelled articles in, a file of counts out, to be merged with others.

use std::path::PathBuf;

use anyhow::Context as _;
use serde::Serialize;

use super::{
    CliError, Exit,
    args::{Corpus, Work},
    labelled, output, report,
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
    #[command(flatten)]
    corpus: Corpus,
    /// Where the counts are written; the file appears when it is whole
    #[arg(long, short, value_name = "COUNTS")]
    output: PathBuf,
    #[command(flatten)]
    work: Work,
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
    let Args { corpus, output, work } = args;
    let strict = corpus.strict;
    let (catalog, data) = corpus.open(Some(&output))?;
    let destination = output::begin_result(&output)?;
    let mut told = Told::new(true);
    let mut trainer = Trainer::new(catalog).with_scratch(destination.directory());
    let pool = work.pool()?;
    let counted = pool.install(|| labelled::count(data, &mut trainer, &mut told, strict));
    let summary = Summary { doubles: counted?, articles: trainer.articles() as u64 };
    told.doing("writing");
    let packed = pool.install(|| trainer.pack()).map_err(|error| CliError::Failed(error.into()))?;
    let exit = told.finish();
    output::publish_with(destination, &output, |writer| packed.write_to(writer))?;

    let Summary { articles, doubles } = summary;
    let output = output.display();
    labelled::print(&match work.format {
        report::Format::Text => {
            format!("counts of {articles} articles ({doubles} doubles not counted), written to {output}\n")
        }
        report::Format::Json => serde_json::to_string(&summary).context("the summary")? + "\n",
    })?;
    Ok(exit)
}
