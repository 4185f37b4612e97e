//! A report from the message that tells of it.

use super::RemoteError;
use crate::{
    classify::Axis,
    model::{
        AcceptedMetrics, AxisReport, Confusion, LabelMetrics, LabelSetMetrics, Metrics, ReliabilityBin, Report,
        RiskPoint,
    },
    proto::v1,
};

/// The report of a whole model.
pub(super) fn of(model: &v1::Model) -> Result<Report, RemoteError> {
    let mut report = Report { articles: model.articles, folds: model.folds, axes: [None, None] };
    for axis in &model.axes {
        let at = match axis.axis() {
            v1::Axis::MeetingType => Axis::MeetingType,
            v1::Axis::RelayingDepartment => Axis::RelayingDepartment,
            v1::Axis::Unspecified => return Err(RemoteError::Answer("an axis that is none")),
        };
        report.axes[at as usize] = Some(AxisReport {
            settings: axis.settings.parse().map_err(|_| RemoteError::Answer("settings of another kind"))?,
            labels: axis.labels.iter().map(|label| (label.id.clone(), label.articles)).collect(),
            held_out: axis.held_out.as_ref().map(metrics),
            source_held_out: axis.source_held_out.as_ref().map(metrics),
        });
    }
    Ok(report)
}

fn metrics(metrics: &v1::Metrics) -> Metrics {
    let interval = metrics.accuracy_interval.unwrap_or_default();
    Metrics {
        articles: metrics.articles,
        accuracy: metrics.accuracy,
        accuracy_interval: [interval.low, interval.high],
        top_two_accuracy: metrics.top_two_accuracy,
        macro_f1: metrics.macro_f1,
        log_loss: metrics.log_loss,
        expected_calibration_error: metrics.expected_calibration_error,
        brier_score: metrics.brier_score,
        reliability: metrics.reliability.iter().map(reliability_bin).collect(),
        risk_coverage: metrics.risk_coverage.iter().map(risk_point).collect(),
        risk_coverage_area: metrics.risk_coverage_area,
        label_sets: metrics.label_sets.as_ref().map(label_sets),
        accepted: metrics.accepted.as_ref().map(accepted),
        labels: metrics.labels.iter().map(label).collect(),
        confusions: metrics.confusions.iter().map(confusion).collect(),
    }
}

fn reliability_bin(bin: &v1::ReliabilityBin) -> ReliabilityBin {
    let v1::ReliabilityBin { low: _, high: _, articles, mean_probability, accuracy } = *bin;
    ReliabilityBin { articles, mean_probability, accuracy }
}

fn risk_point(point: &v1::RiskPoint) -> RiskPoint {
    let v1::RiskPoint { coverage, error_rate, threshold } = *point;
    RiskPoint { coverage, error_rate, threshold }
}

fn label_sets(sets: &v1::LabelSetMetrics) -> LabelSetMetrics {
    let v1::LabelSetMetrics { articles, mean_size, coverage } = *sets;
    LabelSetMetrics { articles, mean_size, coverage }
}

fn accepted(accepted: &v1::AcceptedMetrics) -> AcceptedMetrics {
    let v1::AcceptedMetrics { articles, share, precision } = *accepted;
    AcceptedMetrics { articles, share, precision }
}

fn label(label: &v1::LabelMetrics) -> LabelMetrics {
    let v1::LabelMetrics { label, articles, precision, recall, f1, predicted } = label;
    LabelMetrics {
        label: label.clone(),
        articles: *articles,
        predicted: *predicted,
        // Recall is this over `articles`, so that rounding finds it again.
        correct: (recall * *articles as f64).round() as u64,
        precision: *precision,
        recall: *recall,
        f1: *f1,
    }
}

fn confusion(confusion: &v1::Confusion) -> Confusion {
    let v1::Confusion { label, predicted, articles } = confusion;
    Confusion { label: label.clone(), predicted: predicted.clone(), articles: *articles }
}
