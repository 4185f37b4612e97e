//! Messages of the contract become what the engine takes, and what it answers becomes messages.

use crate::{
    classify::{Classification, Decision, Evidence, Explanation},
    engine::{
        Analysis, ArticleInput, FieldError, OffsetEncoding, OptionsInput, Problem, Summary, SummaryLength,
        SummarySentence, Warning, WarningCode,
    },
    proto::v1,
    summarize::Order,
    text::{Part, Span},
};

/// The article of a request.
///
/// # Errors
///
/// No article is given.
pub(super) fn article(article: Option<v1::Article>) -> Result<ArticleInput, FieldError> {
    let missing = || FieldError { field: "article".to_owned(), problem: Problem::Required("the article to read") };
    article.map(ArticleInput::from).ok_or_else(missing)
}

impl From<v1::Article> for ArticleInput {
    fn from(article: v1::Article) -> Self {
        let v1::Article { id, title, text, language_code } = article;
        ArticleInput { id, title, text, language_code }
    }
}

/// The options of a request.
///
/// # Errors
///
/// An enum has a number that the contract does not know.
pub(super) fn options(
    summary: Option<v1::SummaryOptions>,
    classification: Option<v1::ClassificationOptions>,
    offset_encoding: i32,
) -> Result<OptionsInput, FieldError> {
    let summary = summary.unwrap_or_default();
    let classification = classification.unwrap_or_default();
    let order = v1::SummaryOrder::try_from(summary.order);
    let order = order.map_err(|_| unknown_number("summary_options.order", "SummaryOrder", summary.order))?;
    let encoding = v1::OffsetEncoding::try_from(offset_encoding);
    let encoding = encoding.map_err(|_| unknown_number("offset_encoding", "OffsetEncoding", offset_encoding))?;
    Ok(OptionsInput {
        length: summary.length.map(|length| match length {
            v1::summary_options::Length::MaxSentences(n) => SummaryLength::MaxSentences(n),
            v1::summary_options::Length::MaxWords(n) => SummaryLength::MaxWords(n),
            v1::summary_options::Length::MaxChars(n) => SummaryLength::MaxChars(n),
            v1::summary_options::Length::Ratio(ratio) => SummaryLength::Ratio(ratio),
        }),
        order: match order {
            v1::SummaryOrder::Unspecified | v1::SummaryOrder::Document => Order::Document,
            v1::SummaryOrder::Rank => Order::Rank,
        },
        redundancy: summary.redundancy,
        lead_bias: summary.lead_bias,
        min_sentence_words: summary.min_sentence_words,
        focus: summary.focus,
        include_headline: summary.include_headline,
        max_evidence: classification.max_evidence,
        max_alternatives: classification.max_alternatives,
        explain_label: classification.explain_label,
        precision: classification.precision,
        coverage: classification.coverage,
        offset_encoding: match encoding {
            v1::OffsetEncoding::Unspecified | v1::OffsetEncoding::Utf8Bytes => OffsetEncoding::Utf8Bytes,
            v1::OffsetEncoding::Utf16CodeUnits => OffsetEncoding::Utf16CodeUnits,
            v1::OffsetEncoding::CodePoints => OffsetEncoding::CodePoints,
        },
    })
}

fn unknown_number(field: &str, name: &str, number: i32) -> FieldError {
    FieldError { field: field.to_owned(), problem: Problem::Invalid(format!("{number} is no {name}")) }
}

impl From<Analysis> for v1::Analysis {
    fn from(analysis: Analysis) -> Self {
        let Analysis {
            article_id,
            summary,
            meeting_type,
            relaying_department,
            headline,
            language_code,
            model_version,
            warnings,
        } = analysis;
        v1::Analysis {
            article_id,
            summary: Some(summary.into()),
            meeting_type: meeting_type.map(Into::into),
            relaying_department: relaying_department.map(Into::into),
            headline: headline.map(Into::into),
            language_code: language_code.to_owned(),
            model_version,
            warnings: warnings.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Summary> for v1::Summary {
    fn from(summary: Summary) -> Self {
        v1::Summary { text: summary.text, sentences: summary.sentences.into_iter().map(Into::into).collect() }
    }
}

impl From<SummarySentence> for v1::SummarySentence {
    fn from(sentence: SummarySentence) -> Self {
        let SummarySentence { text, start, end, index, rank, score } = sentence;
        v1::SummarySentence {
            text,
            start: start as u64,
            end: end as u64,
            index: u32::try_from(index).unwrap_or(u32::MAX),
            rank: u32::try_from(rank).unwrap_or(u32::MAX),
            score,
        }
    }
}

impl From<Classification> for v1::Classification {
    fn from(classification: Classification) -> Self {
        let Classification { decision, chosen, alternatives, label_set, explanation } = classification;
        let v1::Explanation {
            label,
            display_name,
            probability,
            score,
            prior_contribution,
            evidence,
            remaining_contribution,
        } = chosen.into();
        v1::Classification {
            label,
            display_name,
            probability,
            decision: v1::Decision::from(decision).into(),
            score,
            prior_contribution,
            evidence,
            remaining_contribution,
            alternatives: alternatives
                .into_iter()
                .map(|other| v1::LabelProbability { label: other.label, probability: other.probability })
                .collect(),
            label_set,
            explanation: explanation.map(Into::into),
        }
    }
}

impl From<Explanation> for v1::Explanation {
    fn from(explanation: Explanation) -> Self {
        let Explanation {
            label,
            display_name,
            probability,
            score,
            prior_contribution,
            evidence,
            remaining_contribution,
        } = explanation;
        v1::Explanation {
            label,
            display_name,
            probability,
            score,
            prior_contribution,
            evidence: evidence.into_iter().map(Into::into).collect(),
            remaining_contribution,
        }
    }
}

impl From<Evidence> for v1::Evidence {
    fn from(evidence: Evidence) -> Self {
        let Evidence { text, spans, contribution, occurrences } = evidence;
        v1::Evidence { text, spans: spans.into_iter().map(Into::into).collect(), contribution, occurrences }
    }
}

impl From<Decision> for v1::Decision {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Accepted => v1::Decision::Accepted,
            Decision::NoEvidence => v1::Decision::NoEvidence,
            Decision::OutOfDistribution => v1::Decision::OutOfDistribution,
            Decision::Uncertain => v1::Decision::Uncertain,
        }
    }
}

impl From<Span> for v1::Span {
    fn from(span: Span) -> Self {
        let part = match span.part {
            Part::Text => v1::Part::Text,
            Part::Title => v1::Part::Title,
        };
        v1::Span { start: span.start as u64, end: span.end as u64, part: part.into() }
    }
}

impl From<Warning> for v1::Warning {
    fn from(warning: Warning) -> Self {
        let code = match warning.code {
            WarningCode::LanguageNotInModel => v1::WarningCode::LanguageNotInModel,
            WarningCode::SentenceCut => v1::WarningCode::SentenceCut,
            WarningCode::OnlyFurniture => v1::WarningCode::OnlyFurniture,
            WarningCode::NoWords => v1::WarningCode::NoWords,
        };
        v1::Warning { code: code.into(), message: warning.message }
    }
}
