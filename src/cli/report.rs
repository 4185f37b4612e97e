//! Figures of a model as tables for people.

use std::fmt::Write as _;

use serde::Serialize;

use super::{
    terminal::{columns, escape},
    told,
};
use crate::{
    classify::Axis,
    learn::{AxisComparison, AxisEvaluation, Evaluation, Trained},
    model::{AcceptedMetrics, AxisReport, LabelSetMetrics, Metrics, Report},
};

/// Confusions listed for each axis; the whole list is in the JSON form.
const MAX_CONFUSIONS: usize = 20;

/// How figures are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Tables for people
    Text,
    /// One JSON object
    Json,
}

/// What `evaluate` found. In JSON, what is compared stands beside the figures of the model.
#[derive(Serialize)]
pub(super) struct Figures {
    #[serde(flatten)]
    pub(super) evaluation: Evaluation,
    #[serde(flatten)]
    pub(super) compared: Option<Compared>,
}

/// What `--against` adds.
#[derive(Serialize)]
pub(super) struct Compared {
    /// The figures of the other model on the same articles.
    pub(super) against: Evaluation,
    /// Both models article by article.
    pub(super) comparison: Vec<AxisComparison>,
}

/// The report of a trained model.
pub(super) fn trained(report: &Report) -> String {
    let mut out = String::new();
    for (axis, known) in Axis::ALL.into_iter().zip(&report.axes) {
        let Some(AxisReport { settings, labels, held_out, source_held_out }) = known else {
            let _ = writeln!(out, "{}: no labelled articles\n", axis.name());
            continue;
        };
        let articles: u64 = labels.iter().map(|(_, articles)| articles).sum();
        let _ = writeln!(out, "{}: {} labels in {articles} articles", axis.name(), labels.len());
        let _ = writeln!(out, "settings: {settings}");
        match held_out {
            Some(figures) => {
                let _ = writeln!(out, "held out by group, {} folds:", report.folds);
                metrics(&mut out, figures);
            }
            None => out.push_str("too few groups to hold any out: no figures\n"),
        }
        if let Some(figures) = source_held_out {
            let _ = writeln!(out, "held out by group and source:");
            metrics(&mut out, figures);
        }
        out.push('\n');
    }
    out
}

/// Notes the axes of a model that could not be learnt.
pub(super) fn not_learnt(trained: &Trained) {
    for axis in &trained.not_learnt {
        told::note(&format!("{}: not learnt: it takes articles of two labels and of two groups", axis.name()));
    }
}

/// The figures of a model on a set of articles, and beside them those of another.
pub(super) fn evaluated(figures: &Figures) -> String {
    let Evaluation { model_version, articles, trained_on, not_held_out, axes } = &figures.evaluation;
    let mut out = String::new();
    let _ = writeln!(out, "model {model_version}");
    let _ = writeln!(
        out,
        "{articles} articles; the model was trained on {trained_on} of them or of their groups (such are scored without \
         themselves and their group, by counts and weights that do not know them)"
    );
    if *not_held_out > 0 {
        let _ = writeln!(out, "{not_held_out} of these could not be held out, and their figures flatter");
    }
    for AxisEvaluation { axis, metrics: figures, unknown_labels, worst_errors: _ } in axes {
        let _ = writeln!(out, "\n{}: {} articles", axis.name(), figures.articles);
        if *unknown_labels > 0 {
            let _ = writeln!(out, "{unknown_labels} of them carry a label that the model does not have");
        }
        metrics(&mut out, figures);
    }
    if let Some(added) = &figures.compared {
        compared(&mut out, added);
    }
    out
}

fn compared(out: &mut String, compared: &Compared) {
    let Compared { against, comparison } = compared;
    let _ = writeln!(
        out,
        "\ncompared with model {}, trained on {} of them or of their groups",
        against.model_version, against.trained_on
    );
    for axis in comparison {
        let [first, second] = axis.accuracy;
        let [low, high] = axis.accuracy_difference_interval;
        let [only_first, only_second] = axis.only_correct;
        let _ = writeln!(out, "\n{}: {} articles", axis.axis.name(), axis.articles);
        let _ = writeln!(
            out,
            "accuracy {first:.3} against {second:.3}: difference {:+.3} (95% interval {low:+.3} to {high:+.3})\nright in \
             this model only {only_first}, in the other only {only_second}: p {} (exact McNemar test)",
            axis.accuracy_difference,
            p_value(axis.p_value)
        );
        let [first, second] = axis.log_loss;
        let _ = write!(out, "log loss {first:.3} against {second:.3}: difference {:+.3}", axis.log_loss_difference);
        if let Some([low, high]) = axis.log_loss_difference_interval {
            let _ = write!(out, " (95% interval {low:+.3} to {high:+.3})");
        }
        out.push('\n');
        if axis.unknown_labels != [0, 0] {
            let [first, second] = axis.unknown_labels;
            let _ = writeln!(out, "labels that this model does not have {first}, the other {second}: counted as wrong");
        }
    }
}

/// A p-value as people read it, with the sign before it.
pub(super) fn p_value(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { format!("= {p:.4}") }
}

fn metrics(out: &mut String, figures: &Metrics) {
    let Metrics {
        accuracy,
        accuracy_interval: [low, high],
        top_two_accuracy,
        macro_f1,
        log_loss,
        expected_calibration_error,
        brier_score,
        risk_coverage_area,
        label_sets,
        accepted,
        labels,
        confusions,
        articles: _,
        reliability: _,
        risk_coverage: _,
    } = figures;
    let _ = writeln!(
        out,
        "accuracy {accuracy:.3} (95% interval {low:.3} to {high:.3}), in the first two {top_two_accuracy:.3}, macro F1 \
         {macro_f1:.3},\nlog loss {log_loss:.3}, calibration error {expected_calibration_error:.3}, Brier score \
         {brier_score:.3}, area under risk-coverage {risk_coverage_area:.3}"
    );
    if let Some(AcceptedMetrics { share, precision, .. }) = accepted {
        let _ = writeln!(out, "accepted {share:.3} of the labels, {precision:.3} of these rightly");
    }
    if let Some(LabelSetMetrics { mean_size, coverage, .. }) = label_sets {
        let _ = writeln!(out, "label sets of {mean_size:.2} labels hold the true one in {coverage:.3}");
    }
    out.push('\n');
    let mut rows = vec![["label", "articles", "precision", "recall", "F1"].map(str::to_owned).to_vec()];
    for label in labels {
        rows.push(vec![
            escape(&label.label),
            label.articles.to_string(),
            format!("{:.3}", label.precision),
            format!("{:.3}", label.recall),
            format!("{:.3}", label.f1),
        ]);
    }
    table(out, &rows);
    if confusions.is_empty() {
        return;
    }
    out.push('\n');
    let mut rows = vec![["true label", "articles", "given label"].map(str::to_owned).to_vec()];
    for confusion in confusions.iter().take(MAX_CONFUSIONS) {
        rows.push(vec![escape(&confusion.label), confusion.articles.to_string(), escape(&confusion.predicted)]);
    }
    table(out, &rows);
    if let Some(more) = confusions.len().checked_sub(MAX_CONFUSIONS).filter(|more| *more > 0) {
        let _ = writeln!(out, "  ... and {more} more pairs");
    }
}

/// Rows of cells in columns as wide as their widest cell. Columns whose second cell begins with a digit stand to the
/// right, the others to the left.
pub(super) fn table(out: &mut String, rows: &[Vec<String>]) {
    let count = rows.first().map_or(0, Vec::len);
    let cell = |row: &Vec<String>, column: usize| row.get(column).cloned().unwrap_or_default();
    let numbers: Vec<bool> = (0..count)
        .map(|column| rows.get(1).is_some_and(|row| cell(row, column).starts_with(|c: char| c.is_ascii_digit())))
        .collect();
    let widths: Vec<usize> =
        (0..count).map(|column| rows.iter().map(|row| columns(&cell(row, column))).max().unwrap_or(0)).collect();
    for row in rows {
        let mut line = String::new();
        for (column, (width, number)) in widths.iter().zip(&numbers).enumerate() {
            let text = cell(row, column);
            let gap = " ".repeat(width - columns(&text).min(*width));
            line.push_str("  ");
            line.push_str(&if *number { gap + &text } else { text + &gap });
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: &[&[&str]], expect: &str) {
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
        let mut out = String::new();
        table(&mut out, &rows);
        assert_eq!(out, expect);
    }

    #[test]
    fn columns_are_aligned_by_display_width() {
        check(&[], "");
        check(&[&["label", "n"], &["a", "1"], &["bb", "100"]], "  label    n\n  a        1\n  bb     100\n");
        check(&[&["label", "n"], &["市政府", "1"]], "  label   n\n  市政府  1\n");
    }
}
