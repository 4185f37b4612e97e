//! Labelled articles become counts, counts become a model; evaluation. No input or output.
//!
//! ```text
//! LabelledArticle --Trainer--> Counts --AxisTable--> held-out scores --> Settings, weights, temperature
//!                                 \---------------- linfa ------------> fitted values --> model file
//! ```
//!
//! Everything that is chosen or fitted beyond the counts is learnt from held-out scores: the score an article gets from
//! a model trained without the article's whole group. Since naive Bayes is a function of integer counts, such a model
//! costs one subtraction (see [`AxisTable`]).

mod article;
mod compare;
mod counting;
mod errors;
mod evaluate;
mod fit;
mod metrics;
mod names;
mod sample;
mod select;
mod table;
#[cfg(test)]
mod testing;
mod weights;

pub use self::{
    article::LabelledArticle,
    compare::{AxisComparison, Comparison, compare},
    counting::{Added, CatalogChoice, RejectedArticle, Trainer},
    errors::{Excerpt, MAX_ERRORS, WorstError},
    evaluate::{AxisEvaluation, Evaluation, evaluate},
    metrics::{EVALUATION_POINTS, STORED_POINTS, Scored, mcnemar, measure, paired_mean, paired_share_interval, wilson},
    select::{TrainError, Trained},
    table::{AxisTable, LeftOut},
    weights::{Combination, HeldOut},
};

/// Outer folds of the figures in a report.
pub const FOLDS: u8 = 5;
