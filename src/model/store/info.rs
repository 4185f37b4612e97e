//! What is told of a version beside it: none of it is in the model, which is named by its content alone.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::{StoreError, Version};
use crate::model::{Model, Report};

/// Longest name of an actor, in bytes.
pub const MAX_ACTOR_BYTES: usize = 256;

/// Longest reason or note, in bytes.
pub const MAX_NOTE_BYTES: usize = 4096;

/// How a version came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Learnt from articles.
    Train,
    /// Changed from its parent.
    Update,
    /// Brought as a file.
    Import,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Origin::Train => "train",
            Origin::Update => "update",
            Origin::Import => "import",
        })
    }
}

/// Who does something, when, and why. The store reads no clock and asks nobody who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// Now.
    pub at: Timestamp,
    /// In their own words; at most [`MAX_ACTOR_BYTES`].
    pub actor: String,
    /// In their own words; at most [`MAX_NOTE_BYTES`].
    pub why: String,
}

impl By {
    /// Whether the texts are short enough.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        check("actor", &self.actor, MAX_ACTOR_BYTES)?;
        check("why", &self.why, MAX_NOTE_BYTES)
    }
}

fn check(field: &'static str, text: &str, maximum: usize) -> Result<(), StoreError> {
    if text.len() > maximum {
        return Err(StoreError::TooLong { field, maximum, actual: text.len() });
    }
    Ok(())
}

/// What a listing tells of a model, so that it need not be loaded for that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The languages of the training articles, most frequent first.
    pub language_codes: Vec<String>,
    /// As [`Model::is_calibrated`].
    pub calibrated: bool,
    /// As [`Report::short`].
    pub report: Report,
}

impl About {
    /// Of a model.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        Self {
            language_codes: model.languages().into_iter().map(|language| language.code().to_owned()).collect(),
            calibrated: model.is_calibrated(),
            report: model.report().short(),
        }
    }
}

/// The sidecar of a version, as it stands in `VERSION.info.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Info {
    /// When it was published here.
    pub created: Timestamp,
    /// By whom, in their own words.
    pub actor: String,
    /// Whether somebody made sure of that.
    pub actor_verified: bool,
    /// How it came to be.
    pub how: Origin,
    /// What it was changed from.
    pub parent: Option<Version>,
    /// What for, in the actor's words.
    pub note: String,
    /// What stands in the model too. [`Store::publish`](super::Store::publish) fills it in; sidecars that were written
    /// before it did have none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "if_it_can_be_read")]
    pub about: Option<About>,
}

/// Nothing if it has another form than now: it can be had from the model, and the rest of the sidecar counts.
fn if_it_can_be_read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<About>, D::Error> {
    Ok(serde_json::from_value(serde_json::Value::deserialize(deserializer)?).ok())
}

impl Info {
    /// Of a version that is published now.
    #[must_use]
    pub fn new(by: By, how: Origin, parent: Option<Version>) -> Self {
        Self { created: by.at, actor: by.actor, actor_verified: false, how, parent, note: by.why, about: None }
    }

    /// Whether the texts are short enough.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        check("actor", &self.actor, MAX_ACTOR_BYTES)?;
        check("note", &self.note, MAX_NOTE_BYTES)
    }
}
