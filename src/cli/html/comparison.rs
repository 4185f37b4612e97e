//! The part of a report that sets two models beside each other.

use super::{
    name,
    table::{Cell, share, table},
    writer::Html,
};
use crate::{
    cli::report::{Compared, p_value},
    learn::{AxisComparison, Evaluation},
};

/// Writes both models' figures on every axis that they share.
pub(super) fn write(html: &mut Html, compared: &Compared) {
    let Compared { against: Evaluation { model_version, trained_on, .. }, comparison } = compared;
    html.markup("<h2>Comparison</h2>\n").element(
        "p",
        &[],
        format_args!(
            "With model {model_version} on the same articles; it was trained on {trained_on} of them or of their \
             groups, and is scored without those in the same way. In the charts it is the dashed line and the open dots."
        ),
    );
    html.markup(
        "\n<p class=\"note\">Differences are this model less the other one. Their intervals are normal approximations for \
         paired figures: of Agresti and Min for shares, of the mean of the differences for the log loss. The p-value is \
         that of the exact two-sided McNemar test over the articles that one model alone has right.</p>\n",
    );
    if comparison.is_empty() {
        html.markup("<p>No axis is answered by both models and labelled in the data.</p>\n");
    }
    for axis in comparison {
        compared_axis(html, axis);
    }
}

fn compared_axis(html: &mut Html, axis: &AxisComparison) {
    html.element("h3", &[], name(axis.axis));
    let row = |name: &str, [first, second]: [f64; 2], difference: f64, interval: Option<[f64; 2]>| {
        let interval = interval.map_or("none".to_owned(), |[low, high]| format!("{low:+.3} to {high:+.3}"));
        let difference = Cell::Number(format!("{difference:+.3}"));
        vec![Cell::Text(name.to_owned()), share(first), share(second), difference, Cell::Number(interval)]
    };
    let rows = [
        row("accuracy", axis.accuracy, axis.accuracy_difference, Some(axis.accuracy_difference_interval)),
        row("log loss", axis.log_loss, axis.log_loss_difference, axis.log_loss_difference_interval),
    ];
    table(html, &["", "this model", "the other", "difference", "95% interval"], rows.into_iter());
    let [only_first, only_second] = axis.only_correct;
    html.element(
        "p",
        &[],
        format_args!(
            "Of {} articles, {} are right in both models, {only_first} only in this one, {only_second} only in the other, \
             {} in neither: p {}.",
            axis.articles,
            axis.both_correct,
            axis.neither_correct,
            p_value(axis.p_value)
        ),
    );
    let [first, second] = axis.unknown_labels;
    if first + second > 0 {
        html.element(
            "p",
            &[],
            format_args!(
                "{first} articles carry a label that this model does not have, {second} one that the other does not \
                 have; those count as wrong."
            ),
        );
    }
}
