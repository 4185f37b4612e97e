//! `chuanda evaluate --summaries`: how close summaries come to references.

use std::{fmt::Write as _, iter, path::PathBuf, str::FromStr};

use anyhow::Context as _;
use rayon::prelude::*;
use serde::Serialize;

use super::{
    CliError, Exit,
    args::{self, Ranking, Work},
    labelled, report,
    told::Told,
};
use crate::{
    learn::{AgainstBaselines, Estimate, EvaluationLength, SummaryEvaluation, SummaryScores},
    records::{Inputs, RecordError, Referenced, ReferencedArticles},
    summarize,
};

/// Articles read at a time, on all threads.
const CHUNK_ARTICLES: usize = 256;

/// The longest summary that is measured, in words.
const MAX_WORDS: usize = 100_000;

/// What is measured if summaries are.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Summaries")]
pub(super) struct Summaries {
    /// Measure summaries instead of a model, on files and directories of articles whose records have "text" and
    /// "reference" (one sentence per line, or free text), and perhaps "title"
    #[arg(
        long, value_name = "FILE", num_args = 1..,
        conflicts_with_all = ["model", "models", "against", "report"],
    )]
    summaries: Vec<PathBuf>,
    /// Words of each summary (what white space separates, and each Han character), 1 to 100000, or as many as its reference
    /// has; the last sentence taken is cut to land exactly there [default: reference]
    #[arg(long, value_name = "N|reference", conflicts_with = "sentences")]
    words: Option<Words>,
    /// Sentences of each summary, 1 to 1000, whole
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    sentences: Option<u16>,
    #[command(flatten)]
    ranking: Ranking,
}

/// A number of words, or that of the reference.
#[derive(Clone, Copy, Debug)]
struct Words(EvaluationLength);

impl FromStr for Words {
    type Err = String;

    fn from_str(words: &str) -> Result<Self, String> {
        if words == "reference" {
            return Ok(Words(EvaluationLength::Reference));
        }
        let number = words.parse().ok().filter(|number| (1..=MAX_WORDS).contains(number));
        let problem = || format!("neither a number from 1 to {MAX_WORDS} nor the word reference");
        number.map(|number| Words(EvaluationLength::Words(number))).ok_or_else(problem)
    }
}

/// What is written as JSON.
#[derive(Serialize)]
struct Figures {
    #[serde(flatten)]
    evaluation: SummaryEvaluation,
    options: Options,
}

/// How sentences were ranked.
#[derive(Serialize)]
struct Options {
    redundancy: f64,
    lead_bias: f64,
    min_sentence_words: usize,
}

impl Summaries {
    /// Whether summaries are to be measured.
    pub(super) fn are_asked_for(&self) -> bool {
        !self.summaries.is_empty()
    }

    /// Measures them.
    pub(super) fn run(self, work: Work) -> Result<Exit, CliError> {
        let Summaries { summaries, words, sentences, ranking } = self;
        let options = ranking.options().check_summary().map_err(|error| args::refused(&error))?;
        let whole = sentences.map(|number| EvaluationLength::Sentences(usize::from(number)));
        let length = whole.or(words.map(|Words(length)| length)).unwrap_or(EvaluationLength::Reference);
        let inputs = Inputs::new(summaries, None).map_err(|error| CliError::Usage(format!("--summaries: {error}")))?;
        let mut records = inputs.flat_map(|input| -> Box<dyn Iterator<Item = Result<Referenced, RecordError>>> {
            match input.and_then(|input| ReferencedArticles::open(&input)) {
                Ok(articles) => Box::new(articles),
                Err(error) => Box::new(iter::once(Err(error))),
            }
        });

        let mut told = Told::new(true);
        let pool = work.pool()?;
        let score = |record: Result<Referenced, RecordError>| {
            let Referenced { file, line, article } = record.map_err(|error| error.to_string())?;
            article.score(&options, length).map_err(|error| format!("{file}:{line}: {error}"))
        };
        let mut scores: Vec<SummaryScores> = Vec::new();
        loop {
            let chunk: Vec<_> = records.by_ref().take(CHUNK_ARTICLES).collect();
            if chunk.is_empty() {
                break;
            }
            let scored: Vec<_> = pool.install(|| chunk.into_par_iter().map(score).collect());
            let items = scored.len() as u64;
            let mut failures = Vec::new();
            for result in scored {
                match result {
                    Ok(found) => scores.push(found),
                    Err(failure) => failures.push(failure),
                }
            }
            told.add(items, failures);
        }
        let evaluation = pool.install(|| SummaryEvaluation::new(length, &scores));
        let exit = told.finish();
        if scores.is_empty() {
            let problem = "--summaries: no articles: name files whose records have \"text\" and \"reference\"";
            return Err(CliError::Failed(anyhow::Error::msg(problem)));
        }
        labelled::print(&match work.format {
            report::Format::Text => text(&evaluation),
            report::Format::Json => {
                let summarize::Options { redundancy, lead_bias, min_sentence_words, .. } = options;
                let options = Options { redundancy, lead_bias, min_sentence_words };
                serde_json::to_string(&Figures { evaluation, options }).context("the figures")? + "\n"
            }
        })?;
        Ok(exit)
    }
}

/// The figures as a table for people.
fn text(evaluation: &SummaryEvaluation) -> String {
    let SummaryEvaluation { articles, length, rouge1, rouge2, rouge_l, rouge_lsum, sentence_f1, words } = evaluation;
    let mut out = String::new();
    let _ = match length {
        EvaluationLength::Words(n) => writeln!(out, "{articles} articles, summaries of {n} words"),
        EvaluationLength::Reference => {
            writeln!(out, "{articles} articles, summaries of as many words as the reference")
        }
        EvaluationLength::Sentences(n) => writeln!(out, "{articles} articles, summaries of {n} sentences"),
    };
    let _ = writeln!(
        out,
        "words on average: {:.1}; of Lead (sentences as they stand) {:.1}, of a random order {:.1}\n\nF1 x 100 with 95% \
         intervals, and by how much it is above the baselines, paired by article:\n",
        words.summary.mean, words.lead.mean, words.random.mean
    );
    let _ = writeln!(
        out,
        "{:<11}  {:>22}  {:>6}  {:>22}  {:>6}  {:>23}",
        "", "summary", "Lead", "above Lead", "random", "above random"
    );
    let mut row = |name: &str, figures: &AgainstBaselines| {
        let AgainstBaselines { summary, lead, random, over_lead, over_random } = figures;
        let _ = writeln!(
            out,
            "{name:<11}  {:>22}  {:>6.2}  {:>22}  {:>6.2}  {:>23}",
            plain(summary),
            100.0 * lead.mean,
            signed(over_lead),
            100.0 * random.mean,
            signed(over_random)
        );
    };
    row("ROUGE-1", rouge1);
    row("ROUGE-2", rouge2);
    row("ROUGE-L", rouge_l);
    row("ROUGE-Lsum", rouge_lsum);
    if let Some(figures) = sentence_f1 {
        row("sentences", figures);
        out.push_str(
            "\nsentences: every reference is an extract; the share of it among as many sentences of the highest rank\n",
        );
    }
    out
}

fn plain(Estimate { mean, interval }: &Estimate) -> String {
    let interval = interval.map(|[low, high]| format!(" ({:.2} to {:.2})", 100.0 * low, 100.0 * high));
    format!("{:.2}{}", 100.0 * mean, interval.unwrap_or_default())
}

fn signed(Estimate { mean, interval }: &Estimate) -> String {
    let interval = interval.map(|[low, high]| format!(" ({:+.2} to {:+.2})", 100.0 * low, 100.0 * high));
    format!("{:+.2}{}", 100.0 * mean, interval.unwrap_or_default())
}
