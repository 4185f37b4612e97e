//! What is printed of a training on a server.

use anyhow::Context as _;
use serde::Serialize;

use super::super::{CliError, labelled, report};
use crate::proto::v1;

/// What is printed with `--format json`.
#[derive(Serialize)]
struct Summary {
    version: String,
    /// Distinct articles in the new version.
    articles: u64,
    /// Whether the server did not have it before.
    is_new: bool,
    added: u64,
    removed: u64,
    doubles: u64,
    rejected: u64,
    /// Articles of the new version that --calibrate-on lacks; 0 without it.
    not_calibrated_on: u64,
    /// What came of --activate-if.
    activation: &'static str,
    /// What it was compared with.
    against: String,
    axes: Vec<Axis>,
}

/// How the new version compares with the one before on an axis.
#[derive(Serialize)]
struct Axis {
    axis: &'static str,
    articles: u64,
    groups: u64,
    accuracy: [f64; 2],
    log_loss: [f64; 2],
    advantage: f64,
    advantage_interval: Option<[f64; 2]>,
}

impl Summary {
    fn of(result: &v1::TrainingResult) -> Self {
        use v1::ConditionalActivationOutcome as Outcome;
        let model = result.model.clone().unwrap_or_default();
        let counts = result.counts.unwrap_or_default();
        let activation = result.activation.clone().unwrap_or_default();
        let axis = |axis: &v1::AxisComparison| Axis {
            axis: match axis.axis() {
                v1::Axis::MeetingType => "meeting_type",
                v1::Axis::RelayingDepartment => "relaying_department",
                v1::Axis::Unspecified => "",
            },
            articles: axis.articles,
            groups: axis.groups,
            accuracy: [axis.accuracy, axis.against_accuracy],
            log_loss: [axis.log_loss, axis.against_log_loss],
            advantage: axis.advantage,
            advantage_interval: axis.advantage_interval.map(|interval| [interval.low, interval.high]),
        };
        Summary {
            version: model.version,
            articles: model.articles,
            is_new: result.is_new,
            added: counts.added,
            removed: counts.removed,
            doubles: counts.doubles,
            rejected: counts.rejected,
            not_calibrated_on: result.not_calibrated_on,
            activation: match activation.outcome() {
                Outcome::Unspecified | Outcome::NotAsked => "not_asked",
                Outcome::Activated => "activated",
                Outcome::AlreadyActive => "already_active",
                Outcome::NotBetter => "not_better",
                Outcome::TooFewToTell => "too_few_to_tell",
                Outcome::Overtaken => "overtaken",
            },
            against: activation.against_version.clone(),
            axes: activation.axes.iter().map(axis).collect(),
        }
    }

    fn text(&self) -> String {
        use std::fmt::Write as _;
        let Summary { version, articles, added, removed, doubles, rejected, .. } = self;
        let was = if self.is_new { "published" } else { "there already" };
        let mut text = format!(
            "model {version} from {articles} articles ({added} added, {removed} removed, {doubles} doubles, {rejected} not \
             used), {was} on the server\n"
        );
        for Axis { axis, articles, groups, advantage, advantage_interval, .. } in &self.axes {
            let interval = advantage_interval.map(|[low, high]| format!(" [{low:.4}, {high:.4}]"));
            let interval = interval.unwrap_or_default();
            let _ = writeln!(
                text,
                "{axis}: advantage over model {} {advantage:.4}{interval} on {articles} articles of {groups} groups",
                self.against
            );
        }
        let activation = match self.activation {
            "activated" => "it is active now",
            "already_active" => "it was active before",
            "not_better" => "it is not better than the active version, and not activated",
            "too_few_to_tell" => "too few articles to tell whether it is better: not activated",
            "overtaken" => "another version was activated meanwhile, and stays so",
            _ => return text,
        };
        text + activation + "\n"
    }
}

/// Prints it.
pub(super) fn print(result: &v1::TrainingResult, format: report::Format) -> Result<(), CliError> {
    let summary = Summary::of(result);
    labelled::print(&match format {
        report::Format::Text => summary.text(),
        report::Format::Json => serde_json::to_string(&summary).context("the summary")? + "\n",
    })
}
