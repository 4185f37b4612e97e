//! One article in, its line of JSON or its readable view out.

use std::io;

use serde::Serialize;

use super::{terminal::Screen, view};
use crate::{
    engine::{self, Analysis, AnalysisOptions, AnalyzeError, ArticleInput, Limits},
    model::Model,
    records::{Article, Fields, Id, RecordError, RecordErrorKind, Rejected},
};

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// One JSON object per article and line
    Jsonl,
    /// A view for people
    Text,
}

/// Everything an answer depends on besides the article.
pub(super) struct Answerer {
    pub(super) model: Model,
    pub(super) options: AnalysisOptions,
    pub(super) format: Format,
    pub(super) screen: Screen,
}

/// The answers for some articles.
#[derive(Default)]
pub(super) struct Answers {
    /// What is written.
    pub(super) output: Vec<u8>,
    /// How many articles there were, good and bad.
    pub(super) articles: u64,
    /// One message, with file and line, for each that failed.
    pub(super) failures: Vec<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    analysis: &'a Analysis,
    #[serde(skip_serializing_if = "Fields::is_empty")]
    input: &'a Fields,
}

#[derive(Serialize)]
struct FailureLine<'a> {
    id: &'a str,
    error: Failure<'a>,
    #[serde(skip_serializing_if = "Fields::is_empty")]
    input: &'a Fields,
}

#[derive(Serialize)]
struct Failure<'a> {
    code: &'static str,
    message: String,
    file: &'a str,
    line: Option<u64>,
}

impl Answerer {
    /// Answers articles in their order. Never fails: a bad article is one of the failures.
    pub(super) fn answer(&self, items: Vec<Result<Article, Rejected>>) -> Answers {
        let mut answers = Answers::default();
        for item in items {
            answers.articles += 1;
            match item {
                Ok(article) => self.article(article, &mut answers),
                Err(rejected) => {
                    let Rejected { error: RecordError { file, line, kind }, id, other } = &rejected;
                    let error = Failure { code: record_code(kind), message: kind.to_string(), file, line: *line };
                    self.failure(&mut answers, id.as_str(), error, other);
                }
            }
        }
        answers
    }

    fn article(&self, article: Article, answers: &mut Answers) {
        let Article { file, line, id, title, text, language_code, other } = article;
        // A name made here is not the caller's and so not measured against the limit on ids.
        let (given, made) = match id {
            Id::Given(id) => (id, None),
            Id::Position(id) => (String::new(), Some(id)),
        };
        let input = ArticleInput { id: given, title, text, language_code };
        match self.analyze(&input) {
            Ok(mut analysis) => {
                if let Some(id) = made {
                    analysis.article_id = id;
                }
                match self.format {
                    Format::Jsonl => push_line(answers, &Line { analysis: &analysis, input: &other }),
                    Format::Text => {
                        answers.output.extend_from_slice(view::render(&input, &analysis, self.screen).as_bytes());
                    }
                }
            }
            Err(error) => {
                let code = match &error {
                    AnalyzeError::Field(_) => "invalid_argument",
                    AnalyzeError::ModelVersionNotFound(_) => "not_found",
                    AnalyzeError::ModelDamaged(_) => "data_loss",
                    AnalyzeError::StoreUnavailable | AnalyzeError::NoModel => "unavailable",
                    AnalyzeError::Internal => "internal",
                };
                let id = made.unwrap_or(input.id);
                let error = Failure { code, message: error.to_string(), file: &file, line: Some(line) };
                self.failure(answers, &id, error, &other);
            }
        }
    }

    fn analyze(&self, input: &ArticleInput) -> Result<Analysis, AnalyzeError> {
        input.check("article", &Limits::default())?;
        engine::analyze_caught(&self.model, input, &self.options)
    }

    fn failure(&self, answers: &mut Answers, id: &str, error: Failure<'_>, input: &Fields) {
        let Failure { file, message, .. } = &error;
        answers.failures.push(match error.line {
            Some(line) => format!("{file}:{line}: {message}"),
            None => format!("{file}: {message}"),
        });
        match self.format {
            Format::Jsonl => push_line(answers, &FailureLine { id, error, input }),
            // People are told on standard error.
            Format::Text => {}
        }
    }
}

fn push_line(answers: &mut Answers, line: &impl Serialize) {
    // Writing to memory cannot fail, and nothing here has a form that JSON lacks.
    let _ = serde_json::to_writer(&mut answers.output, line);
    answers.output.push(b'\n');
}

/// The status code, by its name in lower case, of a record that cannot be read.
fn record_code(kind: &RecordErrorKind) -> &'static str {
    match kind {
        RecordErrorKind::NotUtf8 { .. }
        | RecordErrorKind::FieldNotUtf8 { .. }
        | RecordErrorKind::NotJson { .. }
        | RecordErrorKind::NotAnObject
        | RecordErrorKind::Missing { .. }
        | RecordErrorKind::NoLabel
        | RecordErrorKind::NotAString { .. }
        | RecordErrorKind::NotACharacter { .. }
        | RecordErrorKind::Repeated { .. }
        | RecordErrorKind::TooLong { .. }
        | RecordErrorKind::FieldCount { .. }
        | RecordErrorKind::TooManyFields { .. }
        | RecordErrorKind::OpenQuote
        | RecordErrorKind::NoColumn { .. } => "invalid_argument",
        RecordErrorKind::Io { kind: io::ErrorKind::NotFound, .. } => "not_found",
        RecordErrorKind::Io { kind: io::ErrorKind::PermissionDenied, .. } => "permission_denied",
        RecordErrorKind::Io {
            kind: io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof,
            ..
        } => "data_loss",
        RecordErrorKind::Io { .. } => "unavailable",
    }
}
