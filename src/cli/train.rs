//! `chuanda train`: labelled articles in, a model file and its held-out report out.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use serde::Serialize;

use super::{
    CliError, Exit,
    args::{Corpus, Work},
    destination::Destination,
    labelled,
    remote::{Remote, Telling},
    report,
    told::Told,
};
use crate::{
    learn::{STEPS, Trainer, Watch},
    model::{Report, store::Origin},
};

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
  chuanda train --data labelled.jsonl --models models/ --note 'labels of June'
  chuanda train --data corpus/ --data corrections.csv --labels my-labels.toml --output my.chuanda
  chuanda train --data corpus/ --server http://127.0.0.1:50051 --activate-if accuracy
  chuanda analyze --model my.chuanda article.txt

Exit codes: 0 done, 1 some records could not be used or no model could be trained, 2 wrong usage, \
3 server unusable")]
pub(super) struct Args {
    #[command(flatten)]
    corpus: Corpus,
    #[command(flatten)]
    destination: Destination,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    work: Work,
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
    let Args { corpus, destination, remote, work } = args;
    let strict = corpus.strict;
    if let Some(url) = &remote.server {
        let (labels, allow_new_labels) = (corpus.labels.clone(), corpus.allow_new_labels);
        let (_, data) = corpus.open(None)?;
        let tell = Telling { format: work.format, strict };
        return remote.train(url, labels.as_deref(), allow_new_labels, destination.said(), data, tell);
    }
    let (catalog, data) = corpus.open(destination.output())?;
    let target = destination.begin()?;
    let mut told = Told::new(true);
    let mut trainer = Trainer::new(catalog).with_scratch(target.directory());
    let (doubles, trained) = work.pool()?.install(|| {
        let doubles = labelled::count(data, &mut trainer, &mut told, strict)?;
        let steps = AtomicUsize::new(0);
        let step = || {
            let done = steps.fetch_add(1, Ordering::Relaxed) + 1;
            told.doing(format!("choosing settings and fitting, {done} of {STEPS} steps"));
        };
        told.doing("choosing settings and fitting");
        let trained = trainer.finish_while(Watch { go_on: &|| true, step: &step });
        let trained = trained.context("--data")?;
        Ok::<_, CliError>((doubles, trained))
    })?;
    let places = target.publish(&trained.model, Origin::Train, None)?;
    let exit = told.finish();
    report::not_learnt(&trained);

    let articles = trained.report.articles;
    labelled::print(&match work.format {
        report::Format::Text => format!(
            "{}model {} from {articles} articles ({doubles} doubles not counted), {places}\n",
            report::trained(&trained.report),
            trained.version
        ),
        report::Format::Json => {
            let summary = Summary { version: &trained.version, articles, doubles, report: &trained.report };
            serde_json::to_string(&summary).context("the report")? + "\n"
        }
    })?;
    Ok(exit)
}
