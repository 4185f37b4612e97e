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
mod articles;
mod attributes;
mod calibrate;
mod case;
mod counting;
mod evaluate;
mod fields;
mod fit;
mod metrics;
mod minimize;
mod names;
mod sample;
mod select;
mod table;
#[cfg(test)]
mod testing;
mod train;

pub use self::{
    article::LabelledArticle,
    counting::{Added, CatalogChoice, RejectedArticle, Trainer},
    evaluate::{AxisEvaluation, Evaluation, evaluate},
    metrics::{Scored, measure},
    train::{TrainError, Trained},
};

/// Outer folds of the figures in a report.
pub const FOLDS: u8 = 5;
