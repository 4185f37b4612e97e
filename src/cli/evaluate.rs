//! `chuanda evaluate`: how good a model is on labelled articles, and whether it is better than another; or how good
//! summaries are.

use std::{
    fmt::Display,
    fs,
    path::{Path, PathBuf},
};

use super::{
    CliError, Exit,
    args::Work,
    html,
    labelled::{self, Data},
    output::{self, Output},
    report::{self, Compared, Figures},
    source,
    summaries::Summaries,
    told::{self, Told},
    update,
};
use crate::{
    learn::{self, Comparison, Evaluation},
    model::ModelFile,
    records::Labelled,
};
use anyhow::Context as _;

/// Measure a model on labelled articles, or summaries against references
///
/// Reads what train reads. Articles that the model was trained on are recognised by their text or their group and scored
/// without themselves and the rest of their group, as far as the calibration sample of the model holds it: these are
/// subtracted from the counts, and the weights learnt again on other groups, which takes a while. Articles that are not
/// recognised, as others on an event of training that are given without its group, or those removed since, are not held
/// out. A record that cannot be used is told on standard error with file and line, and the others are scored.
///
/// With --summaries no model is needed: articles are summarised and compared with a reference by ROUGE, beside the first
/// sentences and random ones of the same length.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("measured").required(true).args(["data", "summaries"]), after_help = "\
Examples:
  chuanda evaluate --data held-out.jsonl
  chuanda evaluate --data held-out.jsonl --model my.chuanda --report report.html
  chuanda evaluate --data held-out.jsonl --model new.chuanda --against old.chuanda
  chuanda evaluate --data held-out.jsonl --model my.chuanda --format json \\
    | jq '.axes[].metrics.accuracy'
  chuanda evaluate --summaries references.jsonl --words 60

Exit codes: 0 done, 1 some records could not be used, 2 wrong usage, 3 model unusable")]
pub(super) struct Args {
    /// Files and directories of labelled articles
    // Not "requires" on the other side, which clap passes over where it would contradict a flag that is given.
    #[arg(
        long,
        value_name = "FILE",
        num_args = 1..,
        conflicts_with_all = ["words", "sentences", "redundancy", "lead_bias", "min_sentence_words"],
    )]
    data: Vec<PathBuf>,
    #[command(flatten)]
    model: source::Choice,
    /// Compare with the model in this file on the same articles: differences with intervals and a paired test
    #[arg(long, value_name = "MODEL")]
    against: Option<PathBuf>,
    /// Write a page with tables, charts and the worst errors. It shows the beginning of the articles it tells of
    #[arg(long, value_name = "HTML")]
    report: Option<PathBuf>,
    #[command(flatten)]
    work: Work,
    #[command(flatten)]
    summaries: Summaries,
}

/// Runs the command.
pub(super) fn run(args: Args) -> Result<Exit, CliError> {
    let Args { data, model, against, report, work, summaries } = args;
    if summaries.are_asked_for() {
        return summaries.run(work);
    }
    if let Some(report) = &report {
        let models = [("--model", model.file()), ("--against", against.as_deref())];
        for (flag, path) in models.into_iter().filter_map(|(flag, path)| Some((flag, path?))) {
            output::differs("--report", report, flag, path)?;
        }
    }
    let mut data = Data::new("--data", data, report.as_deref().map(|report| ("--report", report)))?;
    let file = model.source()?.load_file()?;
    let against = against.map(|path| read("--against", &path)).transpose()?;
    // Begun before the work, so that a place that cannot be written to is known before it.
    let page = match &report {
        None => None,
        Some(path) => Some((path, Output::open(Some(path)).map_err(|error| CliError::Usage(at(path, &error)))?)),
    };

    let mut told = Told::new(true);
    let figures = work.pool()?.install(|| {
        let articles = data.by_ref().filter_map(|record| {
            let checked = record.map_err(|error| error.to_string()).and_then(|Labelled { file, line, article }| {
                let named = |error| format!("{file}:{line}: {error}");
                article.check().map_err(named).map(|()| article)
            });
            told.add(1, checked.as_ref().err().into_iter().cloned().collect());
            checked.ok()
        });
        match &against {
            None => Figures { evaluation: learn::evaluate(&file, articles), compared: None },
            Some(against) => {
                let Comparison { evaluation, against, axes } = learn::compare(&file, against, articles);
                Figures { evaluation, compared: Some(Compared { against, comparison: axes }) }
            }
        }
    });
    let exit = told.finish();
    if figures.evaluation.articles == 0 {
        return Err(data.no_articles());
    }
    let Evaluation { trained_on, not_held_out, .. } = figures.evaluation;
    if not_held_out > 0 {
        told::note(&format!(
            "{not_held_out} articles are scored by the model as it is, which flatters: it was trained on them with other \
             labels or another group, and they are not in its calibration sample"
        ));
    }
    let (sampled, counted) = (file.counts.sample.len(), file.counts.ledger.len());
    if sampled < counted && trained_on > 0 {
        told::note(&format!(
            "the calibration sample of the model holds {sampled} of its {counted} articles: the group of an article is \
             held out with it only as far as it is among these"
        ));
    }
    if !file.model.is_calibrated() {
        told::note(update::NOT_CALIBRATED);
    }
    if let Some((path, mut page)) = page {
        let written = page.write(html::page(&figures).as_bytes()).and_then(|()| page.finish());
        written.map_err(|error| CliError::Failed(anyhow::Error::msg(at(path, &error))))?;
    }
    labelled::print(&match work.format {
        report::Format::Text => report::evaluated(&figures),
        report::Format::Json => serde_json::to_string(&figures).context("the figures")? + "\n",
    })?;
    Ok(exit)
}

fn at(path: &Path, error: &dyn Display) -> String {
    format!("--report {}: {error}", path.display())
}

/// Reads the model file that a flag names.
fn read(flag: &str, path: &Path) -> Result<ModelFile, CliError> {
    let bytes = fs::read(path).map_err(anyhow::Error::from);
    let file = bytes.and_then(|bytes| Ok(ModelFile::from_bytes(&bytes)?));
    file.with_context(|| format!("{flag} {}", path.display())).map_err(CliError::Unusable)
}
