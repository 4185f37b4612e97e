//! `chuanda merge`: counts of shards in, a model of the whole out.

use std::{fs::File, path::PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use super::{
    CliError, Exit,
    args::Work,
    labelled, output, report,
    told::{self, Told},
};
use crate::{
    learn::{self, MergeError, Merged, TrainError, Trained},
    model::{ModelError, Report, StoredCounts},
};

/// Learn a model from counts, without the articles
///
/// Reads files that count wrote, and models, which hold their counts. The model is the one that train would make of all
/// articles together, byte for byte, in whatever order the files are named. Articles that stand in several files are
/// counted once; so are groups joined that stand in several. (One model alone is learnt anew from its own counts: settings,
/// weights and calibration.)
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  chuanda count --data 2021.jsonl --output 2021.counts
  chuanda merge 2021.counts 2022.counts --output my.chuanda
  chuanda merge my.chuanda 2023.counts --output newer.chuanda

Exit codes: 0 done, 1 the files do not fit together or no model could be trained, 2 wrong usage, 3 a file is unusable")]
pub(super) struct Args {
    /// Files of counts, and models
    #[arg(value_name = "COUNTS", required = true)]
    counts: Vec<PathBuf>,
    /// Where the model is written; it appears when it is whole
    #[arg(long, short, value_name = "MODEL")]
    output: PathBuf,
    #[command(flatten)]
    work: Work,
}

/// What is printed with `--format json`.
#[derive(Serialize)]
struct Summary<'a> {
    version: &'a str,
    /// Distinct articles learnt from.
    articles: u64,
    /// Articles that stand in several files, none of which is contained in another.
    overlapping: usize,
    /// Files all of whose articles stand in another file.
    contained: Vec<&'a str>,
    report: &'a Report,
}

impl From<MergeError> for CliError {
    fn from(error: MergeError) -> Self {
        match error {
            MergeError::Model { reason: ModelError::Scratch(_), .. } => CliError::Failed(error.into()),
            MergeError::Contradiction { .. } | MergeError::Model { .. } | MergeError::Changed { .. } => {
                CliError::Unusable(error.into())
            }
            MergeError::Catalogs { .. }
            | MergeError::Overlap { .. }
            | MergeError::TooManyLabels { .. }
            | MergeError::TooManyArticles => CliError::Failed(error.into()),
        }
    }
}

fn open(path: &PathBuf) -> Result<StoredCounts, CliError> {
    let counts = File::open(path).map_err(anyhow::Error::from).and_then(|file| Ok(StoredCounts::from_file(file)?));
    counts.with_context(|| path.display().to_string()).map_err(CliError::Unusable)
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<Exit, CliError> {
    let identity = output::identity(&args.output);
    if let Some(path) = args.counts.iter().find(|path| identity.is_some() && output::identity(path) == identity) {
        return Err(CliError::Usage(format!("--output: the file is also read: {}", path.display())));
    }
    let destination = output::begin_result(&args.output)?;
    let told = Told::new(true);
    let names: Vec<String> = args.counts.iter().map(|path| path.display().to_string()).collect();
    let (overlapping, contained, is_exact, trained) = args.work.pool()?.install(|| {
        told.doing("adding up");
        let scratch = destination.directory();
        let Merged { trainer, overlapping, contained } =
            learn::merge(&names, scratch, |shard| open(&args.counts[shard]))?;
        told.doing("choosing settings and fitting");
        let is_exact = trainer.sample_is_exact();
        let trained = trainer.finish().map_err(|error| {
            // What only shows when all are together.
            let is_malformed = matches!(error, TrainError::Model(ModelError::Malformed { .. }));
            if is_malformed { CliError::Unusable(error.into()) } else { CliError::Failed(error.into()) }
        })?;
        Ok::<_, CliError>((overlapping, contained, is_exact, trained))
    })?;
    output::publish(destination, &args.output, &trained.model)?;
    told.finish();
    for &(shard, other) in &contained {
        told::note(&format!("{}: adds nothing: all its articles stand in {}", names[shard], names[other]));
    }
    if !is_exact {
        told::note(
            "the calibration sample of a file lacks articles: the model may differ from one that is trained on the articles",
        );
    }
    report::not_learnt(&trained);

    let articles = trained.report.articles;
    labelled::print(&match args.work.format {
        report::Format::Text => format!(
            "{}model {} from {articles} articles ({overlapping} stand in several files and are counted once), written to \
             {}\n",
            report::trained(&trained.report),
            trained.version,
            args.output.display()
        ),
        report::Format::Json => {
            let contained = contained.iter().map(|&(shard, _)| names[shard].as_str()).collect();
            let Trained { version, report, .. } = &trained;
            let summary = Summary { version, articles, overlapping, contained, report };
            serde_json::to_string(&summary).context("the report")? + "\n"
        }
    })?;
    Ok(Exit::Done)
}
