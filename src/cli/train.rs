//! `chuanda train`: labelled articles in, a model file and its held-out report out.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::Serialize;

use super::{
    CliError, Exit,
    labelled::{self, Data},
    output, report,
    told::{self, Told},
};
use crate::{
    classify::Catalog,
    learn::{Added, CatalogChoice, LabelledArticle, Trainer},
    model::Report,
    records::{Labelled, Publication},
};

/// Articles counted at a time, on all threads.
const CHUNK_ARTICLES: usize = 1024;

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
    let catalog = choose_catalog(args.labels.as_deref(), args.allow_new_labels)?;
    let data = Data::new(args.data, Some(("--output", &args.output)))?;
    if args.output.is_dir() {
        return Err(CliError::Usage(format!("--output {}: is a directory", args.output.display())));
    }
    // Begun before the work, so that a place that cannot be written to is known before it.
    let publication = output::begin(&args.output)
        .map_err(|error| CliError::Usage(format!("--output {}: {error}", args.output.display())))?;
    let mut told = Told::new(true);
    let mut trainer = Trainer::new(catalog);
    let (doubles, trained) = labelled::pool(args.threads)?.install(|| {
        let doubles = count(data, &mut trainer, &mut told, args.strict)?;
        told.doing("choosing settings and fitting");
        let trained = trainer.finish().map_err(|error| CliError::Failed(error.into()))?;
        Ok::<_, CliError>((doubles, trained))
    })?;
    publish(publication, &trained.model).with_context(|| format!("--output {}", args.output.display()))?;
    let exit = told.finish();
    for axis in &trained.not_learnt {
        told::note(&format!("{}: not learnt: it takes articles of two labels and of two groups", axis.name()));
    }

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

fn choose_catalog(labels: Option<&Path>, allow_new: bool) -> Result<CatalogChoice, CliError> {
    let catalog = match labels {
        Some(path) if path.as_os_str() == "none" => return Ok(CatalogChoice::FromData),
        Some(path) => {
            let usage =
                |error: &dyn std::fmt::Display| CliError::Usage(format!("--labels {}: {error}", path.display()));
            let toml = fs::read_to_string(path).map_err(|error| usage(&error))?;
            Catalog::from_toml(&toml).map_err(|error| usage(&error))?
        }
        None => Catalog::builtin().context("the catalog that is built in")?,
    };
    Ok(if allow_new { CatalogChoice::GivenOrNew(catalog) } else { CatalogChoice::Given(catalog) })
}

/// Counts all articles, and says how many were there twice.
fn count(mut data: Data, trainer: &mut Trainer, told: &mut Told, strict: bool) -> Result<u64, CliError> {
    let mut doubles = 0;
    loop {
        let (mut places, mut articles, mut failures) = (Vec::new(), Vec::<LabelledArticle>::new(), Vec::new());
        for record in data.by_ref().take(CHUNK_ARTICLES) {
            match record {
                Ok(Labelled { file, line, article }) => {
                    places.push((file, line));
                    articles.push(article);
                }
                Err(error) => {
                    failures.push(error.to_string());
                    if strict {
                        break;
                    }
                }
            }
        }
        let mut rejected = Vec::new();
        for ((file, line), added) in places.into_iter().zip(trainer.add_all(&articles)) {
            match added {
                Ok(Added::New) => {}
                Ok(Added::Double) => doubles += 1,
                Err(error) => rejected.push(format!("{file}:{line}: {error}")),
            }
        }
        let items = articles.len().saturating_add(failures.len());
        if items == 0 {
            return Ok(doubles);
        }
        // With `strict`, what the trainer rejects stands before the record that ended the reading.
        rejected.extend(failures);
        if strict && let Some(first) = rejected.first() {
            return Err(CliError::Failed(anyhow::Error::msg(first.clone())));
        }
        told.add(items as u64, rejected);
    }
}

fn publish(mut publication: Publication, model: &[u8]) -> std::io::Result<()> {
    publication.write_all(model)?;
    publication.commit()
}
