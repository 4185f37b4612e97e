//! What is told of a training, while it is under way and when it has ended.

use super::{AnalyzeError, FieldError};
use crate::{
    classify::Axis,
    learn::{Improvement, NotDone, TrainError},
    model::{
        Model,
        store::{StoreError, Version},
    },
};

/// Where a training is. Later phases are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Another training is under way.
    Waiting,
    /// Articles come in.
    Receiving,
    /// They are counted.
    Counting,
    /// Settings are chosen, weights and calibration learnt, figures taken.
    Learning,
    /// The new model is compared with the active one.
    Comparing,
    /// It is put into the store, and activated.
    Publishing,
}

/// What became of the articles so far. The first is the sum of the others once all are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArticleCounts {
    /// Those that have come.
    pub received: u64,
    /// Those that were put in.
    pub added: u64,
    /// Those that were taken out.
    pub removed: u64,
    /// Those to be put in that are in already.
    pub doubles: u64,
    /// Those to calibrate on that are in the new model.
    pub calibrated_on: u64,
    /// Those that could not be used, told or not.
    pub rejected: u64,
}

/// How far a training is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Where it is.
    pub phase: Phase,
    /// What became of the articles.
    pub counts: ArticleCounts,
    /// Steps of learning that are done, of [`STEPS`](crate::learn::STEPS) at most.
    pub steps: u64,
}

/// Why an article could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Learning refuses it.
    #[error(transparent)]
    NotDone(#[from] NotDone),
    /// Something in it is too long, in bytes.
    #[error(transparent)]
    TooLong(#[from] FieldError),
}

/// An article that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// As in [`Item::index`](super::Item).
    pub index: u64,
    /// The caller's own name for it, if it is not too long.
    pub id: String,
    /// Why.
    pub reason: Rejection,
}

/// What is told of a training.
#[derive(Debug)]
pub enum Event {
    /// How far it is.
    Progress(Progress),
    /// An article cannot be used; the others are. At most [`MAX_REJECTED_TOLD`](super::MAX_REJECTED_TOLD).
    Rejected(Rejected),
    /// It has ended. The last event.
    Ended(Result<Box<Outcome>, TrainingError>),
}

/// What came of a training.
#[derive(Debug)]
pub struct Outcome {
    /// The new version, in the store.
    pub version: Version,
    /// Whether it was not there before.
    pub is_new: bool,
    /// The version, ready to answer.
    pub model: Model,
    /// What became of the articles.
    pub counts: ArticleCounts,
    /// Articles of the new model that are not among those to calibrate on, if there were any of these.
    pub not_calibrated_on: u64,
    /// Axes that articles are labelled on and that could not be learnt.
    pub not_learnt: Vec<Axis>,
    /// Whether it was activated, if that was asked for.
    pub activation: Option<Activation>,
}

/// Whether a new version was activated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is better, and active now.
    Activated,
    /// It was active before.
    AlreadyActive,
    /// It is not better: [`Verdict::NotBetter`](crate::learn::Verdict).
    NotBetter,
    /// Nobody can tell: [`Verdict::TooFew`](crate::learn::Verdict).
    TooFew,
    /// It is better than what was active when they were compared, and another version is active now and stays so.
    Overtaken,
}

/// What came of the wish to activate a new version if it is better.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    /// What was done.
    pub decision: Decision,
    /// The version that was active before, or the one that answered if none was, and how the two compare; `None` if the
    /// new one was active already.
    pub compared: Option<(String, Improvement)>,
}

/// Why a training came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// Another one is under way, and waiting was not wanted, or too many wait.
    #[error("another training is under way")]
    Busy,
    /// Too much for one training.
    #[error("the articles of one training are over the limit {limit} of {maximum}")]
    OverLimit {
        /// Name of the limit.
        limit: &'static str,
        /// Its value.
        maximum: usize,
        /// What had come when it was passed.
        actual: usize,
    },
    /// What was to be calibrated on is not in the model.
    #[error("none of the articles to calibrate on is an article of the model")]
    NotCalibrated,
    /// Nothing can be learnt.
    #[error(transparent)]
    Learn(#[from] TrainError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No model answers yet that could be changed.
    #[error(transparent)]
    Analyze(#[from] AnalyzeError),
    /// The program is at fault.
    #[error("internal error")]
    Internal,
}
