//! One article in, one [`Analysis`] out: what both doors share.

use serde::Serialize;

use super::offsets::{self, OffsetEncoding};
use crate::{
    classify::{self, Axis, Classification},
    model::Model,
    summarize::{self, Budget, Order},
    text::{Article, Document, Language, Part, Span},
};

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
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OptionsInput {
    /// Default: three sentences.
    pub length: Option<SummaryLength>,
    /// Default: as in the document.
    pub order: Order,
    /// 0 to 1; default 0.5.
    pub redundancy: Option<f64>,
    /// 0 to 100; default 10.
    pub max_evidence: Option<u32>,
    /// 0 to 100; default 4.
    pub max_alternatives: Option<u32>,
    /// Default: UTF-8 bytes.
    pub offset_encoding: OffsetEncoding,
}

/// Options that were checked.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AnalysisOptions {
    summary: summarize::Options,
    classification: classify::Options,
    offset_encoding: OffsetEncoding,
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

/// Why there is no answer for an article.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnalyzeError {
    /// The request is at fault.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// No such version can answer.
    #[error("no model with version {0:?} is loaded")]
    ModelVersionNotFound(String),
    /// Nothing can be answered yet.
    #[error("no model is loaded yet")]
    NoModel,
    /// The program is at fault: a panic was caught.
    #[error("internal error")]
    Internal,
}

/// Something the caller should know about an answer that was given all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// The article is in a language the model was not trained on.
    LanguageNotInModel,
    /// A sentence was cut to fit the budget.
    SentenceCut,
    /// Nothing but furniture was found; all of the text was read as an article.
    OnlyFurniture,
    /// The text has no words; there is no summary.
    NoWords,
}

/// A warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// For programs.
    pub code: WarningCode,
    /// For people.
    pub message: String,
}

/// A sentence of a summary, with its text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SummarySentence {
    /// Exactly the slice of the text.
    pub text: String,
    /// First unit.
    pub start: usize,
    /// First unit after it.
    pub end: usize,
    /// Which sentence of the article, from 0.
    pub index: usize,
    /// Place in the ranking, from 1.
    pub rank: usize,
    /// Weight, 1 for the best.
    pub score: f64,
}

/// A summary with its sentences' texts.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// The sentences joined.
    pub text: String,
    /// The sentences.
    pub sentences: Vec<SummarySentence>,
}

/// The answer for one article. Serialises with the field names of the contract.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Analysis {
    /// The article's id as sent.
    #[serde(rename = "id")]
    pub article_id: String,
    /// What matters in it.
    pub summary: Summary,
    /// What kind of meeting; `None` if the model does not answer this axis.
    pub meeting_type: Option<Classification>,
    /// Which body; `None` if the model does not answer this axis.
    pub relaying_department: Option<Classification>,
    /// The headline, given or found.
    pub headline: Option<Span>,
    /// BCP 47 primary subtag.
    pub language_code: &'static str,
    /// Version of the model that answered.
    pub model_version: String,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
}

impl OptionsInput {
    /// Checks every option.
    ///
    /// # Errors
    ///
    /// The first option out of its range, by the name it has in the contract.
    pub fn check(&self) -> Result<AnalysisOptions, FieldError> {
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
        let redundancy = self.redundancy.unwrap_or(defaults.redundancy);
        if !(0.0..=1.0).contains(&redundancy) {
            return Err(invalid("summary_options.redundancy", format!("{redundancy:?} is not between 0 and 1")));
        }
        let labels = classify::Options::default();
        let at_most_100 = |field, value: Option<u32>, default| match value {
            None => Ok(default),
            Some(n) => in_range(field, n, 0, 100),
        };
        Ok(AnalysisOptions {
            summary: summarize::Options { budget, order: self.order, redundancy },
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
            },
            offset_encoding: self.offset_encoding,
        })
    }
}

fn invalid(field: &str, problem: String) -> FieldError {
    FieldError { field: field.to_owned(), problem: Problem::Invalid(problem) }
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

/// Reads one article that was checked. Never panics on any input; costs CPU time in proportion to the text.
#[must_use]
pub fn analyze(model: &Model, input: &ArticleInput, options: &AnalysisOptions) -> Analysis {
    let title = Some(input.title.as_str()).filter(|title| !title.trim().is_empty());
    let article = Article { title, text: &input.text };
    let language = (!input.language_code.is_empty())
        .then(|| Language::from_code(&input.language_code).unwrap_or(Language::Undetermined));
    let document = Document::new(article, language);
    let summary = summarize::summarize(&document, model.idf(), &options.summary);
    let [meeting_type, relaying_department] = model.classify(&document, &options.classification);

    let mut warnings = Vec::new();
    let mut warn = |code, message: &str| warnings.push(Warning { code, message: message.to_owned() });
    if !model.knows_language(&document) {
        warn(WarningCode::LanguageNotInModel, "the model was not trained on articles in this language");
    }
    if summary.cut {
        warn(WarningCode::SentenceCut, "a sentence was cut to fit the summary's budget");
    }
    if document.only_furniture {
        warn(WarningCode::OnlyFurniture, "nothing but page furniture was found; all of the text was read");
    }
    if document.sentences.is_empty() {
        warn(WarningCode::NoWords, "the text has no words");
    }
    let sentences = summary.sentences.iter().map(|sentence| SummarySentence {
        text: input.text.get(sentence.start..sentence.end).unwrap_or_default().to_owned(),
        start: sentence.start,
        end: sentence.end,
        index: sentence.index,
        rank: sentence.rank,
        score: sentence.score,
    });
    let mut analysis = Analysis {
        article_id: input.id.clone(),
        summary: Summary { sentences: sentences.collect(), text: summary.text },
        meeting_type,
        relaying_department,
        headline: document.headline,
        language_code: document.language.code(),
        model_version: model.version().to_owned(),
        warnings,
    };
    analysis.recode(input, options.offset_encoding);
    analysis
}

impl Analysis {
    /// The answer on one axis.
    #[must_use]
    pub fn axis(&self, axis: Axis) -> Option<&Classification> {
        match axis {
            Axis::MeetingType => self.meeting_type.as_ref(),
            Axis::RelayingDepartment => self.relaying_department.as_ref(),
        }
    }

    /// Turns all byte offsets into another unit.
    fn recode(&mut self, input: &ArticleInput, encoding: OffsetEncoding) {
        if encoding == OffsetEncoding::Utf8Bytes {
            return;
        }
        let (mut in_text, mut in_title) = (Vec::new(), Vec::new());
        for sentence in &mut self.summary.sentences {
            in_text.extend([&mut sentence.start, &mut sentence.end]);
        }
        let axes = self.meeting_type.iter_mut().chain(self.relaying_department.iter_mut());
        let evidence = axes.flat_map(|axis| &mut axis.evidence).flat_map(|evidence| &mut evidence.spans);
        for span in evidence.chain(self.headline.as_mut()) {
            match span.part {
                Part::Text => in_text.extend([&mut span.start, &mut span.end]),
                Part::Title => in_title.extend([&mut span.start, &mut span.end]),
            }
        }
        offsets::convert(&input.text, encoding, in_text);
        offsets::convert(&input.title, encoding, in_title);
    }
}
