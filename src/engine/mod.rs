//! The running service without a network: current model, limits, CPU work, batch.

mod analysis;
mod offsets;

pub use analysis::{
    Analysis, AnalysisOptions, AnalyzeError, ArticleInput, FieldError, Limits, OptionsInput, Problem, Summary,
    SummaryLength, SummarySentence, Warning, WarningCode, analyze,
};
pub use offsets::OffsetEncoding;
