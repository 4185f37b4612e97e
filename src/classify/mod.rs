//! A [`Document`](crate::text::Document) and scoring tables become two labels with probabilities, decisions and evidence.

mod calibration;
mod catalog;
pub mod features;
mod idf;
mod names;
mod scorer;
mod tables;
mod temperature;
mod typicality;

use serde::{Deserialize, Serialize};

pub(crate) use self::catalog::shown;
pub use self::{
    calibration::Calibration,
    catalog::{AxisCatalog, Catalog, CatalogError, Label, is_label_id, near_id},
    idf::Idf,
    names::{Names, name_feature, name_tokens},
    scorer::{Hits, Scorer},
    tables::{AxisTables, Tables, TablesError, delta},
    temperature::{Temperature, log_entropy, softmax},
    typicality::{Typicality, TypicalityLimits},
};
use crate::text::Span;

/// One of the two label dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// What kind of meeting it was.
    MeetingType = 0,
    /// Which body held it.
    RelayingDepartment = 1,
}

impl Axis {
    /// Both axes, in the order of their numbers.
    pub const ALL: [Axis; 2] = [Axis::MeetingType, Axis::RelayingDepartment];

    /// The name used in records and reports: `meeting_type`, `relaying_department`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Axis::MeetingType => "meeting_type",
            Axis::RelayingDepartment => "relaying_department",
        }
    }
}

/// What an answer says about the labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Evidence items per axis. Default 10.
    pub max_evidence: usize,
    /// Other labels per axis. Default 4.
    pub max_alternatives: usize,
    /// By [`Axis`]: the id of a label to explain besides the chosen one. Default none.
    pub explain: [Option<String>; 2],
    /// Answers are [`Decision::Accepted`] from the probability on that gave this share of right answers on held-out
    /// articles; in (0, 1]. Default 0.95.
    pub precision: f64,
    /// How often a label set is to hold the true label, on articles like those of training; in (0, 1). Default 0.9.
    pub coverage: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_evidence: 10, max_alternatives: 4, explain: [None, None], precision: 0.95, coverage: 0.9 }
    }
}

/// What may be done with a label. The first that holds is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The model knows nothing of what stands in the article; the answer is its prior.
    NoEvidence,
    /// The article is not like those the model was trained on, whatever their labels: its probabilities mean nothing.
    OutOfDistribution,
    /// The probability is below the one that reaches the precision asked for.
    Uncertain,
    /// The label can be taken.
    Accepted,
}

/// Words of the article that spoke for or against a label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    /// The words as they stand at the first of `spans`.
    pub text: String,
    /// The places where they stand, in reading order: the first [`MAX_SPANS`].
    pub spans: Vec<Span>,
    /// What they add to the label's score, in nats, relative to the mean over all labels.
    pub contribution: f64,
    /// How many places there are in all.
    pub occurrences: u32,
}

/// Spans listed for one piece of evidence: enough to show it, and a bound on the length of an answer, since a text of
/// a million bytes may hold one word half a million times.
pub const MAX_SPANS: usize = 20;

/// A label that was not chosen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelProbability {
    /// Its id.
    pub label: String,
    /// Its probability.
    pub probability: f64,
}

/// Why a label has its score: `prior_contribution` + the sum of the evidence + `remaining_contribution` = `score`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Id of the label.
    pub label: String,
    /// Its English name.
    pub display_name: String,
    /// Its calibrated probability.
    pub probability: f64,
    /// Its score before calibration, in nats, relative to the mean over all labels.
    pub score: f64,
    /// The part of the score that comes from the label's frequency in training.
    pub prior_contribution: f64,
    /// The strongest reasons for and against it, by absolute contribution.
    pub evidence: Vec<Evidence>,
    /// What all other words add.
    pub remaining_contribution: f64,
}

/// The answer on one axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Classification {
    /// What may be done with the label.
    pub decision: Decision,
    /// The most probable label, and why it has its score.
    #[serde(flatten)]
    pub chosen: Explanation,
    /// The next labels, most probable first.
    pub alternatives: Vec<LabelProbability>,
    /// A small set of labels that holds the true one with the coverage asked for, most probable first; all labels without
    /// evidence.
    pub label_set: Vec<String>,
    /// Why the label that was asked about has its score; `None` if none was, or the axis does not have it.
    pub explanation: Option<Explanation>,
}
