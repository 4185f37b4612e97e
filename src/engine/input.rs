//! What comes in through a door, unchecked, and what is refused of it: both doors refuse the same.

use super::OffsetEncoding;
use crate::{
    classify::{self, Axis, is_label_id, near_id},
    model::Model,
    summarize::{self, Budget, Focus, Order},
};

/// Words and phrases that a summary can be asked to favour, and the bytes of each.
const MAX_FOCUS: usize = 20;
const MAX_FOCUS_BYTES: usize = 200;

/// What is refused, and what is not. Units are bytes unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Title and text of one article together. Default 1 MiB.
    pub max_article_bytes: usize,
    /// Articles in one batch. Default 256.
    pub max_batch_articles: usize,
    /// An article's or item's id. Default 1024.
    pub max_id_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_article_bytes: 1 << 20, max_batch_articles: 256, max_id_bytes: 1024 }
    }
}

/// An article as it came through a door, unchecked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArticleInput {
    /// The caller's own name for it; may be empty.
    pub id: String,
    /// The headline; may be empty.
    pub title: String,
    /// The text.
    pub text: String,
    /// BCP 47 code; may be empty.
    pub language_code: String,
}

/// The length of a summary as it came through a door, unchecked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SummaryLength {
    /// 1 to 1,000.
    MaxSentences(u32),
    /// 1 to 100,000.
    MaxWords(u32),
    /// 10 to 1,000,000.
    MaxChars(u32),
    /// Above 0, at most 1.
    Ratio(f64),
}

/// Options as they came through a door, unchecked. `Default` is every option left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptionsInput {
    /// Default: three sentences.
    pub length: Option<SummaryLength>,
    /// Default: as in the document.
    pub order: Order,
    /// 0 to 1; default 0.25.
    pub redundancy: Option<f64>,
    /// 0 to 1; default 1.
    pub lead_bias: Option<f64>,
    /// 0 to 100.
    pub min_sentence_words: u32,
    /// At most 20 words or phrases of at most 200 bytes.
    pub focus: Vec<String>,
    /// Whether the text of the summary begins with the headline.
    pub include_headline: bool,
    /// 0 to 100; default 10.
    pub max_evidence: Option<u32>,
    /// 0 to 100; default 4.
    pub max_alternatives: Option<u32>,
    /// Id of a label to explain on each axis that has it; empty: none.
    pub explain_label: String,
    /// Above 0, at most 1; default 0.95.
    pub precision: Option<f64>,
    /// Above 0, below 1; default 0.9.
    pub coverage: Option<f64>,
    /// Default: UTF-8 bytes.
    pub offset_encoding: OffsetEncoding,
}

/// Options that were checked for a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnalysisOptions {
    pub(super) summary: summarize::Options,
    pub(super) classification: classify::Options,
    pub(super) offset_encoding: OffsetEncoding,
}

/// A field that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct FieldError {
    /// Path of the field as in the contract, such as `summary_options.max_words` or `article.text`.
    pub field: String,
    /// What is wrong with it; names the limit and its value. Never quotes article text.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Missing, empty or blank.
    #[error("required: {0}")]
    Required(&'static str),
    /// Not a value this field can have.
    #[error("{0}")]
    Invalid(String),
    /// Over a limit of the server.
    #[error("{actual} is over the limit {limit} of {maximum}")]
    OverLimit {
        /// Name of the limit.
        limit: &'static str,
        /// Its value.
        maximum: usize,
        /// What was sent.
        actual: usize,
    },
}

impl OptionsInput {
    /// Checks every option, for answers of `model`.
    ///
    /// # Errors
    ///
    /// The first option out of its range, by the name it has in the contract; a label that the model does not have.
    pub fn check(&self, model: &Model) -> Result<AnalysisOptions, FieldError> {
        let summary = self.check_summary()?;
        let labels = classify::Options::default();
        let at_most_100 = |field, value: Option<u32>, default| match value {
            None => Ok(default),
            Some(n) => in_range(field, n, 0, 100),
        };
        let precision = self.precision.unwrap_or(labels.precision);
        if !(precision > 0.0 && precision <= 1.0) {
            let problem = format!("{precision:?} is not above 0 and at most 1");
            return Err(invalid("classification_options.precision", problem));
        }
        let coverage = self.coverage.unwrap_or(labels.coverage);
        if !(coverage > 0.0 && coverage < 1.0) {
            let problem = format!("{coverage:?} is not above 0 and below 1");
            return Err(invalid("classification_options.coverage", problem));
        }
        Ok(AnalysisOptions {
            summary,
            classification: classify::Options {
                max_evidence: at_most_100(
                    "classification_options.max_evidence",
                    self.max_evidence,
                    labels.max_evidence,
                )?,
                max_alternatives: at_most_100(
                    "classification_options.max_alternatives",
                    self.max_alternatives,
                    labels.max_alternatives,
                )?,
                explain: self.explained(model)?,
                precision,
                coverage,
            },
            offset_encoding: self.offset_encoding,
        })
    }

    /// Checks the options of the summary alone, which no model is needed for.
    ///
    /// # Errors
    ///
    /// The first option out of its range, by the name it has in the contract.
    pub fn check_summary(&self) -> Result<summarize::Options, FieldError> {
        let defaults = summarize::Options::default();
        let budget = match self.length {
            None => defaults.budget,
            Some(SummaryLength::MaxSentences(n)) => {
                Budget::Sentences(in_range("summary_options.max_sentences", n, 1, 1_000)?)
            }
            Some(SummaryLength::MaxWords(n)) => Budget::Words(in_range("summary_options.max_words", n, 1, 100_000)?),
            Some(SummaryLength::MaxChars(n)) => Budget::Chars(in_range("summary_options.max_chars", n, 10, 1_000_000)?),
            Some(SummaryLength::Ratio(ratio)) if ratio > 0.0 && ratio <= 1.0 => Budget::Ratio(ratio),
            Some(SummaryLength::Ratio(ratio)) => {
                return Err(invalid("summary_options.ratio", format!("{ratio:?} is not above 0 and at most 1")));
            }
        };
        Ok(summarize::Options {
            budget,
            order: self.order,
            redundancy: share("summary_options.redundancy", self.redundancy, defaults.redundancy)?,
            lead_bias: share("summary_options.lead_bias", self.lead_bias, defaults.lead_bias)?,
            min_sentence_words: in_range("summary_options.min_sentence_words", self.min_sentence_words, 0, 100)?,
            focus: self.focus()?,
            include_headline: self.include_headline,
        })
    }

    /// What the summary is to favour.
    fn focus(&self) -> Result<Vec<Focus>, FieldError> {
        if self.focus.len() > MAX_FOCUS {
            let problem = format!("{} words and phrases are over the maximum of {MAX_FOCUS}", self.focus.len());
            return Err(invalid("summary_options.focus", problem));
        }
        let read = |(number, phrase): (usize, &String)| {
            let refused = |problem: String| invalid(&format!("summary_options.focus[{number}]"), problem);
            if phrase.len() > MAX_FOCUS_BYTES {
                return Err(refused(format!("{} bytes are over the maximum of {MAX_FOCUS_BYTES}", phrase.len())));
            }
            Focus::new(phrase).ok_or_else(|| refused("has no word".to_owned()))
        };
        self.focus.iter().enumerate().map(read).collect()
    }

    /// By axis: the label to explain, if the axis has it.
    fn explained(&self, model: &Model) -> Result<[Option<String>; 2], FieldError> {
        let (field, id) = ("classification_options.explain_label", self.explain_label.as_str());
        if id.is_empty() {
            return Ok([None, None]);
        }
        if !is_label_id(id) {
            let problem = "not a label id: 1 to 128 bytes without white space or control characters";
            return Err(invalid(field, problem.to_owned()));
        }
        let labels = Axis::ALL.map(|axis| model.labels(axis));
        let found = labels.each_ref().map(|labels| labels.contains(&id).then(|| id.to_owned()));
        if found.iter().all(Option::is_none) {
            let near = near_id(labels.iter().flatten().copied(), id);
            let near = near.map(|near| format!("; the nearest is {near:?}")).unwrap_or_default();
            return Err(invalid(field, format!("the model has no label {id:?}{near}")));
        }
        Ok(found)
    }
}

fn invalid(field: &str, problem: String) -> FieldError {
    FieldError { field: field.to_owned(), problem: Problem::Invalid(problem) }
}

/// A share from 0 to 1.
fn share(field: &str, value: Option<f64>, default: f64) -> Result<f64, FieldError> {
    match value {
        None => Ok(default),
        Some(value) if (0.0..=1.0).contains(&value) => Ok(value),
        Some(value) => Err(invalid(field, format!("{value:?} is not between 0 and 1"))),
    }
}

fn in_range(field: &str, value: u32, low: u32, high: u32) -> Result<usize, FieldError> {
    if (low..=high).contains(&value) {
        Ok(value as usize)
    } else {
        Err(invalid(field, format!("{value} is not between {low} and {high}")))
    }
}

impl ArticleInput {
    /// Checks emptiness and limits; `field` is the article's own path, such as `article` or `articles[3]`.
    ///
    /// # Errors
    ///
    /// The first field that is missing, over a limit or has no possible value.
    pub fn check(&self, field: &str, limits: &Limits) -> Result<(), FieldError> {
        let error = |name: &str, problem| Err(FieldError { field: format!("{field}.{name}"), problem });
        if self.id.len() > limits.max_id_bytes {
            let (maximum, actual) = (limits.max_id_bytes, self.id.len());
            return error("id", Problem::OverLimit { limit: "max_id_bytes", maximum, actual });
        }
        let actual = self.text.len().saturating_add(self.title.len());
        if actual > limits.max_article_bytes {
            let maximum = limits.max_article_bytes;
            return error("text", Problem::OverLimit { limit: "max_article_bytes", maximum, actual });
        }
        if self.text.trim().is_empty() {
            return error("text", Problem::Required("must hold a character that is not white space"));
        }
        let well_formed = self.language_code.len() <= 35
            && self.language_code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !well_formed {
            return error("language_code", Problem::Invalid("not a BCP 47 code".to_owned()));
        }
        Ok(())
    }
}
