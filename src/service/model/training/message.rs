//! What a training tells, as messages of the contract.

use super::super::message;
use crate::{
    classify::Axis,
    engine::training::{Activation, ArticleCounts, Decision, Outcome, Phase, Progress, Rejected},
    learn::{AxisImprovement, STEPS},
    proto::v1::{self, ConditionalActivationOutcome, TrainingPhase},
    service::status::Failure,
};

pub(super) fn progress(progress: Progress) -> v1::TrainingProgress {
    let phase = match progress.phase {
        Phase::Waiting => TrainingPhase::Waiting,
        Phase::Receiving => TrainingPhase::Receiving,
        Phase::Counting => TrainingPhase::Counting,
        Phase::Learning => TrainingPhase::Learning,
        Phase::Comparing => TrainingPhase::Comparing,
        Phase::Publishing => TrainingPhase::Publishing,
    };
    v1::TrainingProgress {
        phase: phase.into(),
        counts: Some(counts(progress.counts)),
        steps_done: u32::try_from(progress.steps).unwrap_or(u32::MAX),
        steps: if progress.phase == Phase::Learning { STEPS as u32 } else { 0 },
    }
}

fn counts(counts: ArticleCounts) -> v1::TrainingCounts {
    let ArticleCounts { received, added, removed, doubles, calibrated_on, rejected } = counts;
    v1::TrainingCounts { received, added, removed, doubles, calibrated_on, rejected }
}

pub(super) fn rejected(rejected: Rejected) -> v1::RejectedArticle {
    let Rejected { index, id, reason } = rejected;
    v1::RejectedArticle { index, article_id: id, error: Some(Failure::from(reason).message()) }
}

pub(super) fn result(outcome: Outcome) -> v1::TrainingResult {
    let Outcome { version: _, is_new, model, counts: articles, not_calibrated_on, not_learnt, activation } = outcome;
    v1::TrainingResult {
        model: Some(message::whole(&model)),
        is_new,
        counts: Some(counts(articles)),
        axes_not_learnt: not_learnt.into_iter().map(|number| axis(number).into()).collect(),
        not_calibrated_on,
        activation: Some(conditional(activation)),
    }
}

fn axis(axis: Axis) -> v1::Axis {
    match axis {
        Axis::MeetingType => v1::Axis::MeetingType,
        Axis::RelayingDepartment => v1::Axis::RelayingDepartment,
    }
}

fn conditional(activation: Option<Activation>) -> v1::ConditionalActivation {
    let outcome = match activation.as_ref().map(|activation| activation.decision) {
        None => ConditionalActivationOutcome::NotAsked,
        Some(Decision::Activated) => ConditionalActivationOutcome::Activated,
        Some(Decision::AlreadyActive) => ConditionalActivationOutcome::AlreadyActive,
        Some(Decision::NotBetter) => ConditionalActivationOutcome::NotBetter,
        Some(Decision::TooFew) => ConditionalActivationOutcome::TooFewToTell,
        Some(Decision::Overtaken) => ConditionalActivationOutcome::Overtaken,
    };
    let compared = activation.and_then(|activation| activation.compared);
    let (against_version, axes) = compared.map(|(against, it)| (against, it.axes)).unwrap_or_default();
    let axes = axes.into_iter().map(comparison).collect();
    v1::ConditionalActivation { outcome: outcome.into(), against_version, axes }
}

fn comparison(improvement: AxisImprovement) -> v1::AxisComparison {
    let AxisImprovement { comparison, groups, advantage, interval: advantage_interval, verdict: _ } = improvement;
    let interval = |[low, high]: [f64; 2]| v1::Interval { low, high };
    let [accuracy, against_accuracy] = comparison.accuracy;
    let [log_loss, against_log_loss] = comparison.log_loss;
    let [unknown_labels, against_unknown_labels] = comparison.unknown_labels;
    let [only_correct, against_only_correct] = comparison.only_correct;
    v1::AxisComparison {
        axis: axis(comparison.axis).into(),
        articles: comparison.articles,
        unknown_labels,
        against_unknown_labels,
        accuracy,
        against_accuracy,
        accuracy_advantage_interval: Some(interval(comparison.accuracy_difference_interval)),
        log_loss,
        against_log_loss,
        log_loss_advantage_interval: comparison
            .log_loss_difference_interval
            .map(|[low, high]| v1::Interval { low: -high, high: -low }),
        only_correct,
        against_only_correct,
        p_value: comparison.p_value,
        groups,
        advantage,
        advantage_interval: advantage_interval.map(interval),
    }
}
