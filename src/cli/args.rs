//! Arguments that several commands share.

use std::path::{Path, PathBuf};

use super::{
    CliError,
    labelled::{self, Data},
    output, report,
};
use crate::{
    engine::{FieldError, OptionsInput},
    learn::CatalogChoice,
};

/// The labelled articles that a command learns from, and which labels they may carry.
#[derive(Debug, clap::Args)]
pub(super) struct Corpus {
    /// Files and directories of labelled articles
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// The catalog of labels (TOML), or none: whatever labels the data holds; the same for all parts of a corpus that are
    /// counted apart [default: the catalog that is built in]
    #[arg(long, value_name = "FILE|none")]
    pub(super) labels: Option<PathBuf>,
    /// Take labels that are not in the catalog, which are records that cannot be used otherwise
    #[arg(long)]
    pub(super) allow_new_labels: bool,
    /// Stop at the first record that cannot be used
    #[arg(long)]
    pub(super) strict: bool,
}

impl Corpus {
    /// The labels and the articles; neither is read from the file that `--output` names.
    pub(super) fn open(self, output: Option<&Path>) -> Result<(CatalogChoice, Data), CliError> {
        if let (Some(labels), Some(output)) = (&self.labels, output) {
            output::differs("--output", output, "--labels", labels)?;
        }
        let catalog = labelled::choose_catalog(self.labels.as_deref(), self.allow_new_labels)?;
        Ok((catalog, Data::new("--data", self.data, output.map(|output| ("--output", output)))?))
    }
}

/// How the sentences of summaries are ranked.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Ranking {
    /// How strongly a sentence is held back for repeating those already chosen, 0 to 1 [default: 0.25]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    redundancy: Option<f64>,
    /// How far the articles are written as news of what was decided, from 1 to 0 (nothing but how central a sentence is
    /// counts) [default: 1]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    lead_bias: Option<f64>,
    /// Sentences of fewer words stand in the summary only if there is no other, 0 to 100
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_sentence_words: u32,
}

impl Ranking {
    /// The options, unchecked; all others are left out.
    pub(super) fn options(self) -> OptionsInput {
        let Ranking { redundancy, lead_bias, min_sentence_words } = self;
        OptionsInput { redundancy, lead_bias, min_sentence_words, ..OptionsInput::default() }
    }
}

/// The error that an option is refused, by the name of its flag.
pub(super) fn refused(error: &FieldError) -> CliError {
    let field = error.field.rsplit('.').next().unwrap_or_default();
    let flag = if field == "explain_label" { "explain".to_owned() } else { field.replace('_', "-") };
    CliError::Usage(format!("--{flag}: {}", error.problem))
}

/// How a command works and tells what came of it.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Work {
    /// How the report is written
    #[arg(long, default_value = "text")]
    pub(super) format: report::Format,
    /// Threads [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl Work {
    /// The threads to learn and evaluate on.
    pub(super) fn pool(&self) -> Result<rayon::ThreadPool, CliError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads.map_or(0, usize::from)).build();
        pool.map_err(|error| CliError::Failed(anyhow::Error::from(error).context("--threads")))
    }
}
