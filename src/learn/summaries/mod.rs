//! How close the summariser comes to references: summaries that people wrote, or sentences that they chose.
//!
//! Every article is summarised three times by one rule, so that only the order of the sentences differs: in the order of
//! the summariser, in that of the document (Lead), and in a random one. ROUGE compares each with the reference; means
//! over articles have 95% intervals, and so have the differences, which are paired by article.

mod lcs;
mod length;
mod porter;
mod rouge;
#[cfg(test)]
mod tests;

use std::{array, collections::HashMap};

use serde::Serialize;

pub use self::{length::EvaluationLength, rouge::Rouge};
use self::{
    length::{Chosen, choose},
    rouge::{Words, rouge},
};
use super::metrics::{Random, means};
use crate::{
    summarize::{Options, rank},
    text::{self, Article, Document},
};

/// The longest title and text together, in bytes.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// The longest reference, in bytes: the work on one article grows with the product of both lengths.
const MAX_REFERENCE_BYTES: usize = 32 << 10;

/// The most lines of a reference, each of which is compared with each sentence of a summary.
const MAX_REFERENCE_LINES: usize = 200;

/// An article with a reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReferencedArticle {
    /// The headline, if it is held apart from the text.
    pub title: Option<String>,
    /// The text.
    pub text: String,
    /// What a summary should say: one sentence per line, or free text.
    pub reference: String,
}

/// Why an article cannot be scored. Holds none of its words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectedReference {
    /// Nothing to choose from.
    #[error("text: has no sentence")]
    NoSentence,
    /// Nothing that a summary could have in common with the reference.
    #[error("reference: has no word that ROUGE counts, of a to z and digits or of Han characters")]
    NoWord,
    /// Over a limit.
    #[error("{what}: {actual} {unit} are over the limit of {maximum}")]
    TooLong {
        /// The field.
        what: &'static str,
        /// What is counted.
        unit: &'static str,
        /// How many there are.
        actual: usize,
        /// The limit.
        maximum: usize,
    },
}

/// What is measured of each summary of an article: the kinds of ROUGE, words, and the share of the extract.
const MEASURES: usize = 6;

/// How the summaries of one article did.
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryScores {
    /// By summary (the summariser's, Lead, the random one), by measure.
    systems: [[f64; MEASURES]; 3],
    /// Whether the reference is an extract, without which the last measure has no meaning.
    is_extract: bool,
}

/// The mean of a figure over articles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its 95% percentile bootstrap interval, articles drawn; none from fewer than two articles.
    pub interval: Option<[f64; 2]>,
}

/// A figure of the summariser and of what it is held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct AgainstBaselines {
    /// The summariser.
    pub summary: Estimate,
    /// The sentences in the order of the document.
    pub lead: Estimate,
    /// The sentences in a random order.
    pub random: Estimate,
    /// What the summariser has more than Lead, paired by article.
    pub over_lead: Estimate,
    /// What the summariser has more than the random order, paired by article.
    pub over_random: Estimate,
}

/// How the summariser did on a set of articles.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SummaryEvaluation {
    /// Articles scored.
    pub articles: u64,
    /// How long the summaries were.
    pub length: EvaluationLength,
    /// F1 of words.
    pub rouge1: AgainstBaselines,
    /// F1 of pairs of words.
    pub rouge2: AgainstBaselines,
    /// F1 of longest common subsequences of whole texts.
    pub rouge_l: AgainstBaselines,
    /// F1 of longest common subsequences line by line.
    pub rouge_lsum: AgainstBaselines,
    /// Only if every reference is an extract, that is, if each of its lines is a sentence of the text, white space apart:
    /// among as many sentences of the highest rank as the extract has, the share that stands in it, which is precision,
    /// recall and F1 in one. The length of the summaries does not matter to it.
    pub sentence_f1: Option<AgainstBaselines>,
    /// Words of the summaries: what white space separates; of a piece with Han characters, each of these and each run of
    /// other letters and digits.
    pub words: AgainstBaselines,
}

impl ReferencedArticle {
    /// Summarises the article and compares with its reference. The options say how sentences are ranked; the length is
    /// `length`, whatever budget they have.
    ///
    /// # Errors
    ///
    /// The text has no sentence, the reference no word, or either is too long.
    pub fn score(&self, options: &Options, length: EvaluationLength) -> Result<SummaryScores, RejectedReference> {
        let title = self.title.as_deref();
        let bytes = self.text.len().saturating_add(title.map_or(0, str::len));
        at_most("text", "bytes", bytes, MAX_TEXT_BYTES)?;
        at_most("reference", "bytes", self.reference.len(), MAX_REFERENCE_BYTES)?;
        at_most("reference", "lines", self.reference.lines().count(), MAX_REFERENCE_LINES)?;
        let document = Document::new(Article { title, text: &self.text }, None);
        let sentences: Vec<&str> =
            document.sentences.iter().filter_map(|sentence| self.text.get(sentence.start..sentence.end)).collect();
        if sentences.is_empty() {
            return Err(RejectedReference::NoSentence);
        }
        let mut words = Words::default();
        let reference = words.lines(&self.reference);
        if reference.is_empty() {
            return Err(RejectedReference::NoWord);
        }

        let ranked = rank(&document, options).sentences.into_iter().map(|ranked| ranked.index).collect();
        let in_order: Vec<usize> = (0..sentences.len()).collect();
        let shuffled = shuffled(in_order.clone(), text::term_hash(&self.text));
        let extract = extract(&sentences, &self.reference);
        let systems = [ranked, in_order, shuffled].map(|order: Vec<usize>| {
            let Chosen { lines, words: count } = choose(&sentences, &order, length, &self.reference);
            let Rouge { rouge1, rouge2, rouge_l, rouge_lsum } = rouge(&reference, &words.lines(&lines));
            let share = extract.as_ref().map_or(0.0, |extract| share_in(extract, &sentences, &order));
            [rouge1, rouge2, rouge_l, rouge_lsum, count as f64, share]
        });
        Ok(SummaryScores { systems, is_extract: extract.is_some() })
    }
}

fn at_most(what: &'static str, unit: &'static str, actual: usize, maximum: usize) -> Result<(), RejectedReference> {
    if actual <= maximum { Ok(()) } else { Err(RejectedReference::TooLong { what, unit, actual, maximum }) }
}

/// The items in an order that the seed decides, each as likely as any other (Fisher and Yates 1938).
fn shuffled(mut items: Vec<usize>, seed: u64) -> Vec<usize> {
    let mut random = Random::new(seed);
    for last in (1..items.len()).rev() {
        items.swap(last, random.below(last + 1));
    }
    items
}

/// A text without its white space.
fn bare(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The lines of the reference, if each is a sentence, as often as it is one.
fn extract(sentences: &[&str], reference: &str) -> Option<Vec<String>> {
    let mut left: HashMap<String, usize> = HashMap::new();
    sentences.iter().for_each(|sentence| *left.entry(bare(sentence)).or_default() += 1);
    let mut take = |line: String| {
        let left = left.get_mut(&line)?;
        *left = left.checked_sub(1)?;
        Some(line)
    };
    reference.lines().map(bare).filter(|line| !line.is_empty()).map(&mut take).collect()
}

/// Among as many sentences from the front as the extract has, the share that stands in it; which of several equal ones does
/// not matter.
fn share_in(extract: &[String], sentences: &[&str], order: &[usize]) -> f64 {
    let mut left = extract.to_vec();
    let mut is_hit = |index: &&usize| {
        let sentence = bare(sentences[**index]);
        let found = left.iter().position(|line| *line == sentence);
        found.map(|at| left.swap_remove(at)).is_some()
    };
    let hits = order.iter().take(extract.len()).filter(&mut is_hit).count();
    hits as f64 / extract.len().max(1) as f64
}

impl SummaryEvaluation {
    /// From the scores of all articles. The same scores in the same order always give the same figures.
    #[must_use]
    pub fn new(length: EvaluationLength, scores: &[SummaryScores]) -> Self {
        const COLUMNS: usize = 5;
        let row = |scores: &SummaryScores| -> [f64; COLUMNS * MEASURES] {
            array::from_fn(|place| {
                let [summary, lead, random] = scores.systems.map(|system| system[place / COLUMNS]);
                [summary, lead, random, summary - lead, summary - random][place % COLUMNS]
            })
        };
        let found = means(&scores.iter().map(row).collect::<Vec<_>>());
        let (measures, _) = found.as_chunks::<COLUMNS>();
        let figures = |measure: usize| {
            let estimates = measures[measure].map(|(mean, interval)| Estimate { mean, interval });
            let [summary, lead, random, over_lead, over_random] = estimates;
            AgainstBaselines { summary, lead, random, over_lead, over_random }
        };
        let are_extracts = scores.iter().all(|scores| scores.is_extract);
        Self {
            articles: scores.len() as u64,
            length,
            rouge1: figures(0),
            rouge2: figures(1),
            rouge_l: figures(2),
            rouge_lsum: figures(3),
            sentence_f1: are_extracts.then(|| figures(5)),
            words: figures(4),
        }
    }
}
