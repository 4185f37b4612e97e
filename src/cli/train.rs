//! `chuanda train`: labelled articles in, a model file and its held-out report out.

use std::path::PathBuf;

use anyhow::Context as _;
use serde::Serialize;

use super::{
    CliError, Exit,
    labelled::{self, Data},
    output, report,
    told::Told,
};
use crate::{learn::Trainer, model::Report};

/// Learn a model from labelled articles
///
/// Reads .jsonl files (one JSON object per line) and .csv files (with a header), each perhaps compressed (.gz, .zst), and
/// directories of them. Fields: "text"; "meeting_type" and "relaying_department" (one of them at least); and perhaps
/// "id", "title", "group" (articles on the same event share it: they are held out together) and "source" (where the
/// wording comes from).
///
/// Settings are chosen and figures taken from articles held out by group; the figures are printed. The same articles
/// give the same model, in any order and on any number of threads. A record that cannot be used is told on standard
/// error with file and line, and the others are learnt from.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  chuanda train --data labelled.jsonl --output my.chuanda
  chuanda train --data corpus/ --data corrections.csv --labels my-labels.toml --output my.chuanda
  chuanda analyze --model my.chuanda article.txt

Exit codes: 0 done, 1 some records could not be used or no model could be trained, 2 wrong usage")]
pub(super) struct Args {
    /// Files and directories of labelled articles
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// Where the model is written; it appears when it is whole
    #[arg(long, short, value_name = "MODEL")]
    output: PathBuf,
    /// The catalog of labels (TOML), or none: whatever labels the data holds [default: the catalog that is built in]
    #[arg(long, value_name = "FILE|none")]
    labels: Option<PathBuf>,
    /// Take labels that are not in the catalog, which are records that cannot be used otherwise
    #[arg(long)]
    allow_new_labels: bool,
    /// Stop at the first record that cannot be used
    #[arg(long)]
    strict: bool,
    /// How the report is written
    #[arg(long, default_value = "text")]
    format: report::Format,
    /// Threads [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

/// What is printed with `--format json`.
#[derive(Serialize)]
struct Summary<'a> {
    version: &'a str,
    /// Distinct articles learnt from.
    articles: u64,
    /// Articles that were there before with the same labels.
    doubles: u64,
    report: &'a Report,
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
    let (doubles, trained) = labelled::pool(args.threads)?.install(|| {
        let doubles = labelled::count(data, &mut trainer, &mut told, args.strict)?;
        told.doing("choosing settings and fitting");
        let trained = trainer.finish().context("--data")?;
        Ok::<_, CliError>((doubles, trained))
    })?;
    output::publish(publication, &args.output, &trained.model)?;
    let exit = told.finish();
    report::not_learnt(&trained);

    let articles = trained.report.articles;
    labelled::print(&match args.format {
        report::Format::Text => format!(
            "{}model {} from {articles} articles ({doubles} doubles not counted), written to {}\n",
            report::trained(&trained.report),
            trained.version,
            args.output.display()
        ),
        report::Format::Json => {
            let summary = Summary { version: &trained.version, articles, doubles, report: &trained.report };
            serde_json::to_string(&summary).context("the report")? + "\n"
        }
    })?;
    Ok(exit)
}
