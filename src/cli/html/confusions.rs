//! Which labels a model confuses: the most frequent pairs, and the whole matrix.

use std::collections::HashMap;

use super::{
    table::{Cell, count, table},
    writer::Html,
};
use crate::model::Metrics;

/// Pairs of confused labels listed.
const MAX_CONFUSIONS: usize = 30;

/// Labels of the largest confusion matrix shown: the number of its cells is the square of that.
const MAX_MATRIX: usize = 150;

/// Writes the pairs and the matrix of one axis.
pub(super) fn write(html: &mut Html, metrics: &Metrics) {
    html.markup("<h3>Confusions</h3>\n");
    if metrics.confusions.is_empty() {
        html.markup("<p>None.</p>\n");
        return;
    }
    let listed = metrics.confusions.len().min(MAX_CONFUSIONS);
    let pairs = metrics.confusions.len();
    html.element("p", &[("class", &"note")], format_args!("The {listed} most frequent of {pairs} pairs."));
    let rows = metrics
        .confusions
        .iter()
        .take(MAX_CONFUSIONS)
        .map(|pair| vec![Cell::Text(pair.label.clone()), Cell::Text(pair.predicted.clone()), count(pair.articles)]);
    table(html, &["true label", "label given", "articles"], rows);
    if metrics.labels.len() <= MAX_MATRIX {
        html.markup("<details><summary>The whole confusion matrix</summary>\n<div class=\"wide\">\n");
        matrix(html, metrics);
        html.markup("</div></details>\n");
    }
}

/// A row for each true label, a column for each given one. Columns are numbered as the rows are; cells off the diagonal
/// are shaded by their share of the row.
fn matrix(html: &mut Html, metrics: &Metrics) {
    let pairs = metrics.confusions.iter().map(|pair| ((pair.label.as_str(), pair.predicted.as_str()), pair.articles));
    let pairs: HashMap<(&str, &str), u64> = pairs.collect();
    html.markup("<table>\n<thead><tr><th scope=\"col\">true label, by row; given, by column</th>");
    for number in 1..=metrics.labels.len() {
        html.element("th", &[("class", &"n"), ("scope", &"col")], number);
    }
    html.markup("</tr></thead>\n<tbody>\n");
    for (number, truth) in metrics.labels.iter().enumerate() {
        html.markup("<tr>").element("th", &[("scope", &"row")], format_args!("{} {}", number + 1, truth.label));
        for given in &metrics.labels {
            let (articles, class) = if given.label == truth.label {
                (truth.correct, "n hit")
            } else {
                let articles = pairs.get(&(truth.label.as_str(), given.label.as_str())).copied().unwrap_or_default();
                let class = match articles as f64 / truth.articles.max(1) as f64 {
                    share if share >= 0.25 => "n miss3",
                    share if share >= 0.1 => "n miss2",
                    _ => "n miss1",
                };
                (articles, class)
            };
            if articles == 0 {
                html.markup("<td></td>");
            } else {
                html.element("td", &[("class", &class)], articles);
            }
        }
        html.markup("</tr>\n");
    }
    html.markup("</tbody></table>\n");
}
