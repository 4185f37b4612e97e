//! Figures of a model as tables for people.

use std::fmt::Write as _;

use super::terminal::{columns, escape};
use crate::{
    classify::Axis,
    learn::{AxisEvaluation, Evaluation},
    model::{AxisReport, EventModel, Metrics, Report, Settings},
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

/// The report of a trained model.
pub(super) fn trained(report: &Report) -> String {
    let mut out = String::new();
    for (axis, known) in Axis::ALL.into_iter().zip(&report.axes) {
        let Some(AxisReport { settings, labels, held_out }) = known else {
            let _ = writeln!(out, "{}: no labelled articles\n", axis.name());
            continue;
        };
        let articles: u64 = labels.iter().map(|(_, articles)| articles).sum();
        let _ = writeln!(out, "{}: {} labels in {articles} articles", axis.name(), labels.len());
        let Settings { event_model, alpha, min_documents, length_exponent, name_count } = settings;
        let event_model = match event_model {
            EventModel::Multinomial => "multinomial",
            EventModel::Complement => "complement",
        };
        let _ = writeln!(
            out,
            "settings: {event_model}, alpha {alpha}, min_documents {min_documents}, length_exponent {length_exponent}, \
             name_count {name_count}"
        );
        match held_out {
            Some(figures) => {
                let _ = writeln!(out, "held out by group, {} folds:", report.folds);
                metrics(&mut out, figures);
            }
            None => out.push_str("too few groups to hold any out: no figures\n"),
        }
        out.push('\n');
    }
    out
}

/// The figures of a model on a set of articles.
pub(super) fn evaluated(evaluation: &Evaluation) -> String {
    let Evaluation { model_version, articles, trained_on, axes } = evaluation;
    let mut out = String::new();
    let _ = writeln!(out, "model {model_version}");
    let _ = writeln!(
        out,
        "{articles} articles; the model was trained on {trained_on} of them (such are scored without themselves and their \
         group)"
    );
    for AxisEvaluation { axis, metrics: figures, unknown_labels, worst_errors: _ } in axes {
        let _ = writeln!(out, "\n{}: {} articles", axis.name(), figures.articles);
        if *unknown_labels > 0 {
            let _ = writeln!(out, "{unknown_labels} of them carry a label that the model does not have");
        }
        metrics(&mut out, figures);
    }
    out
}

fn metrics(out: &mut String, figures: &Metrics) {
    let Metrics { accuracy, macro_f1, log_loss, expected_calibration_error, brier_score, labels, confusions, .. } =
        figures;
    let _ = writeln!(
        out,
        "accuracy {accuracy:.3}, macro F1 {macro_f1:.3}, log loss {log_loss:.3}, calibration error \
         {expected_calibration_error:.3}, Brier score {brier_score:.3}\n"
    );
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
fn table(out: &mut String, rows: &[Vec<String>]) {
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
