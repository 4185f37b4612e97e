//! Labelled articles become counts, counts become a model; evaluation. Of files it knows counts that are gone on
//! from, and temporary ones, both by [`model`](crate::model).
//!
//! ```text
//! LabelledArticle --Trainer--> Counts --table--> held-out scores --> Settings, weights, calibration
//!                                 \------------- linfa -----------> fitted values --> model file
//! ```
//!
//! Everything that is chosen or fitted beyond the counts is learnt from held-out scores: those an article gets from a
//! model trained without its whole group and, where there are three sources or more, without its source. Since naive
//! Bayes is a function of integer counts, such a model costs one subtraction. What is *judged* (settings, calibration,
//! figures) is judged on articles that neither the counts nor the weights have seen.
//!
//! Counts add up: [`merge`] makes of the counts of shards those of the whole, and a [`Trainer`] that begins with the counts
//! of a model takes articles in and out again. What then can be fitted without the articles is in [`Trainer::finish_as`].

mod article;
mod articles;
mod attributes;
mod calibrate;
mod case;
mod change;
mod compare;
mod counting;
mod errors;
mod evaluate;
mod fields;
mod fit;
mod improve;
mod judge;
mod known;
mod layout;
mod merge;
mod metrics;
mod minimize;
mod names;
mod refit;
mod rows;
mod sample;
mod select;
mod stop;
mod summaries;
mod sums;
mod table;
mod tally;
#[cfg(test)]
mod testing;
mod train;
mod typical;
mod update;

pub use self::{
    article::LabelledArticle,
    change::{Calibration, NotDone, Part},
    compare::{AxisComparison, Comparison, compare},
    counting::{Added, CatalogChoice, RejectedArticle, Trainer},
    errors::{Excerpt, MAX_ERRORS, WorstError},
    evaluate::{AxisEvaluation, Evaluation, evaluate},
    improve::{AxisImprovement, Condition, Improvement, MIN_GROUPS, Measure, Verdict, improvement},
    merge::{MergeError, Merged, merge},
    metrics::{
        EVALUATION_POINTS, STORED_POINTS, Scored, clustered_mean, mcnemar, measure, paired_mean, paired_share_interval,
        wilson,
    },
    stop::{GoOn, Stopped},
    summaries::{
        AgainstBaselines, Estimate, EvaluationLength, ReferencedArticle, RejectedReference, Rouge, SummaryEvaluation,
        SummaryScores,
    },
    tally::Contradiction,
    train::{STEPS, TrainError, Trained, Watch, train},
    update::NotRemoved,
};

/// Outer folds of the figures in a report.
pub const FOLDS: u8 = 5;
