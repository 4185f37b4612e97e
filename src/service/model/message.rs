//! What is known of models, as messages of the contract.

use jiff::Timestamp;

use crate::{
    classify::{Axis, Catalog, Label},
    model::{
        AcceptedMetrics, AxisReport, Confusion, LabelMetrics, LabelSetMetrics, Metrics, Model, ReliabilityBin, Report,
        RiskPoint,
        store::{About, Activation, ActivationKind, Info, Origin},
    },
    proto::v1,
};

/// How much is told of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    /// Without lists: labels, figures by label, tables and curves.
    Short,
    /// Everything.
    Whole,
}

/// A model without what takes up room.
pub(super) fn short(version: &str, about: &About) -> v1::Model {
    message(version, about, &about.report, &Catalog::default(), Detail::Short)
}

/// A model with everything.
pub(super) fn whole(model: &Model) -> v1::Model {
    message(model.version(), &About::of(model), model.report(), model.catalog(), Detail::Whole)
}

fn message(version: &str, about: &About, report: &Report, catalog: &Catalog, detail: Detail) -> v1::Model {
    let axes = Axis::ALL.into_iter().zip(&report.axes);
    v1::Model {
        version: version.to_owned(),
        articles: report.articles,
        language_codes: about.language_codes.clone(),
        axes: axes.filter_map(|(axis, report)| Some(axis_message(catalog, axis, report.as_ref()?, detail))).collect(),
        calibrated: about.calibrated,
        folds: report.folds,
        ..v1::Model::default()
    }
}

/// Where a version comes from.
pub(super) fn provenance(info: &Info) -> v1::Provenance {
    let Info { created, actor, actor_verified, how, parent, note, about: _ } = info;
    v1::Provenance {
        create_time: Some(time(*created)),
        actor: actor.clone(),
        actor_verified: *actor_verified,
        origin: match how {
            Origin::Train => v1::ModelOrigin::Train,
            Origin::Update => v1::ModelOrigin::Update,
            Origin::Import => v1::ModelOrigin::Import,
        }
        .into(),
        parent_version: parent.as_ref().map(ToString::to_string).unwrap_or_default(),
        note: note.clone(),
    }
}

/// A line of the log with its number.
pub(super) fn activation((number, activation): (u64, Activation)) -> v1::Activation {
    let Activation { at, actor, actor_verified, kind, from, to, why } = activation;
    v1::Activation {
        number,
        time: Some(time(at)),
        actor,
        actor_verified,
        kind: match kind {
            ActivationKind::Activate => v1::ActivationKind::Activate,
            ActivationKind::Rollback => v1::ActivationKind::Rollback,
        }
        .into(),
        from_version: from.map(|version| version.to_string()).unwrap_or_default(),
        version: to.to_string(),
        why,
    }
}

fn time(at: Timestamp) -> prost_types::Timestamp {
    // Nanoseconds count upwards in the contract, also before 1970.
    let nanos = at.as_nanosecond().rem_euclid(NANOS);
    let seconds = at.as_nanosecond().div_euclid(NANOS);
    prost_types::Timestamp {
        seconds: i64::try_from(seconds).unwrap_or_default(),
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

/// In a second.
const NANOS: i128 = 1_000_000_000;

fn axis_message(catalog: &Catalog, axis: Axis, report: &AxisReport, detail: Detail) -> v1::ModelAxis {
    let label = |(id, articles): &(String, u64)| {
        let named = catalog.get(axis, id);
        let text = |field: fn(&Label) -> &String| named.map(|label| field(label).clone()).unwrap_or_default();
        v1::Label {
            id: id.clone(),
            name_en: text(|label| &label.name_en),
            name_zh: text(|label| &label.name_zh),
            definition: text(|label| &label.definition),
            articles: *articles,
        }
    };
    v1::ModelAxis {
        axis: match axis {
            Axis::MeetingType => v1::Axis::MeetingType,
            Axis::RelayingDepartment => v1::Axis::RelayingDepartment,
        }
        .into(),
        labels: match detail {
            Detail::Short => Vec::new(),
            Detail::Whole => report.labels.iter().map(label).collect(),
        },
        articles: report.labels.iter().map(|(_, articles)| articles).sum(),
        settings: report.settings.to_string(),
        held_out: report.held_out.as_ref().map(|metrics| metrics_message(metrics, detail)),
        source_held_out: report.source_held_out.as_ref().map(|metrics| metrics_message(metrics, detail)),
    }
}

fn metrics_message(metrics: &Metrics, detail: Detail) -> v1::Metrics {
    let [low, high] = metrics.accuracy_interval;
    let figures =
        v1::Metrics {
            articles: metrics.articles,
            accuracy: metrics.accuracy,
            accuracy_interval: Some(v1::Interval { low, high }),
            top_two_accuracy: metrics.top_two_accuracy,
            macro_f1: metrics.macro_f1,
            log_loss: metrics.log_loss,
            expected_calibration_error: metrics.expected_calibration_error,
            brier_score: metrics.brier_score,
            risk_coverage_area: metrics.risk_coverage_area,
            label_sets: metrics.label_sets.map(|LabelSetMetrics { articles, mean_size, coverage }| {
                v1::LabelSetMetrics { articles, mean_size, coverage }
            }),
            accepted: metrics.accepted.map(|AcceptedMetrics { articles, share, precision }| v1::AcceptedMetrics {
                articles,
                share,
                precision,
            }),
            ..v1::Metrics::default()
        };
    match detail {
        Detail::Short => figures,
        Detail::Whole => v1::Metrics {
            reliability: reliability(&metrics.reliability),
            risk_coverage: metrics.risk_coverage.iter().map(risk_point).collect(),
            labels: metrics.labels.iter().map(label_metrics).collect(),
            confusions: metrics.confusions.iter().map(confusion).collect(),
            ..figures
        },
    }
}

fn reliability(bins: &[ReliabilityBin]) -> Vec<v1::ReliabilityBin> {
    let bound = |bin: usize| bin as f64 / bins.len() as f64;
    let row = |(number, bin): (usize, &ReliabilityBin)| {
        let ReliabilityBin { articles, mean_probability, accuracy } = *bin;
        v1::ReliabilityBin { low: bound(number), high: bound(number + 1), articles, mean_probability, accuracy }
    };
    bins.iter().enumerate().map(row).collect()
}

fn risk_point(point: &RiskPoint) -> v1::RiskPoint {
    let RiskPoint { coverage, error_rate, threshold } = *point;
    v1::RiskPoint { coverage, error_rate, threshold }
}

fn label_metrics(metrics: &LabelMetrics) -> v1::LabelMetrics {
    let LabelMetrics { label, articles, predicted, correct: _, precision, recall, f1 } = metrics;
    v1::LabelMetrics {
        label: label.clone(),
        articles: *articles,
        predicted: *predicted,
        precision: *precision,
        recall: *recall,
        f1: *f1,
    }
}

fn confusion(confusion: &Confusion) -> v1::Confusion {
    let Confusion { label, predicted, articles } = confusion;
    v1::Confusion { label: label.clone(), predicted: predicted.clone(), articles: *articles }
}
