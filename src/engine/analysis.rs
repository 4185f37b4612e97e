//! One article in, one [`Analysis`] out: what both doors share.

use serde::Serialize;

use super::{
    input::{AnalysisOptions, ArticleInput, FieldError},
    offsets::{self, OffsetEncoding},
};
use crate::{
    classify::{Axis, Classification},
    model::{Model, store::StoreError},
    summarize,
    text::{Article, Document, Language, Part, Span},
};

/// Why there is no answer for an article.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnalyzeError {
    /// The request is at fault.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// There is no such version.
    #[error("there is no model with version {0:?}")]
    ModelVersionNotFound(String),
    /// The file of a version is not what was written.
    #[error("the file of model version {0:?} is damaged")]
    ModelDamaged(String),
    /// The store cannot be read or written to.
    #[error("the directory of models cannot be used now")]
    StoreUnavailable,
    /// Nothing can be answered yet.
    #[error("no model is loaded yet")]
    NoModel,
    /// The program is at fault: a panic was caught.
    #[error("internal error")]
    Internal,
}

impl From<StoreError> for AnalyzeError {
    /// Why a version cannot be loaded. What callers need not know, such as paths, goes to the log.
    fn from(error: StoreError) -> Self {
        if let StoreError::NotFound { version, .. } = error {
            return AnalyzeError::ModelVersionNotFound(version.to_string());
        }
        tracing::error!(%error, "the directory of models cannot be used");
        match error {
            StoreError::Refused { path, .. } | StoreError::Misnamed { path, .. } => {
                AnalyzeError::ModelDamaged(path.file_stem().unwrap_or_default().to_string_lossy().into_owned())
            }
            StoreError::NotFound { .. }
            | StoreError::Unsound(_)
            | StoreError::NotAVersion
            | StoreError::NothingActive { .. }
            | StoreError::NothingBefore { .. }
            | StoreError::NotExpected { .. }
            | StoreError::IsActive { .. }
            | StoreError::Log { .. }
            | StoreError::Info { .. }
            | StoreError::TooLong { .. }
            | StoreError::Io { .. } => AnalyzeError::StoreUnavailable,
        }
    }
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

/// Reads one article that was checked. Never panics on any input; costs CPU time in proportion to the text.
#[must_use]
pub fn analyze(model: &Model, input: &ArticleInput, options: &AnalysisOptions) -> Analysis {
    let title = Some(input.title.as_str()).filter(|title| !title.trim().is_empty());
    let article = Article { title, text: &input.text };
    let language = (!input.language_code.is_empty())
        .then(|| Language::from_code(&input.language_code).unwrap_or(Language::Undetermined));
    let document = Document::new(article, language);
    let summary = summarize::summarize(&document, &options.summary);
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
        let explanations = axes.flat_map(|axis| [Some(&mut axis.chosen), axis.explanation.as_mut()]);
        let evidence = explanations.flatten().flat_map(|explanation| &mut explanation.evidence);
        for span in evidence.flat_map(|evidence| &mut evidence.spans).chain(self.headline.as_mut()) {
            match span.part {
                Part::Text => in_text.extend([&mut span.start, &mut span.end]),
                Part::Title => in_title.extend([&mut span.start, &mut span.end]),
            }
        }
        offsets::convert(&input.text, encoding, in_text);
        offsets::convert(&input.title, encoding, in_title);
    }
}
