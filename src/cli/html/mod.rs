//! The report of an evaluation as one HTML page: no script, and nothing from elsewhere.

mod charts;
mod comparison;
mod confusions;
mod errors;
mod table;
mod writer;

use self::{
    table::{Cell, count, share, table},
    writer::Html,
};
use super::report::Figures;
use crate::{
    classify::Axis,
    learn::{AxisEvaluation, Evaluation},
    model::Metrics,
};

fn name(axis: Axis) -> &'static str {
    match axis {
        Axis::MeetingType => "Meeting type",
        Axis::RelayingDepartment => "Relaying department",
    }
}

/// The page.
pub(super) fn page(figures: &Figures) -> String {
    let Evaluation { model_version, articles, trained_on, not_held_out, axes } = &figures.evaluation;
    let mut html = Html::default();
    // The policy forbids what the page does not hold, should anything that is not markup ever be taken for it.
    html.markup(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
    );
    html.element("title", &[], format_args!("Evaluation of model {model_version}"));
    html.markup("\n<style>\n").markup(include_str!("style.css")).markup("</style>\n</head>\n<body>\n");
    html.element("h1", &[], format_args!("Evaluation of model {model_version}"));
    html.element(
        "p",
        &[],
        format_args!(
            "{articles} articles. The model was trained on {trained_on} of them or of their groups; such are scored \
             without themselves and their group, by counts and weights that do not know them ({not_held_out} could not be \
             held out, and their figures flatter). Measured with chuanda {}.",
            env!("CARGO_PKG_VERSION")
        ),
    );
    html.markup(
        "\n<p class=\"note\">Intervals hold with 95% confidence if the articles are a random sample of those that the \
         model is meant for. The page shows the beginning of some articles: share it as you would share them.</p>\n",
    );
    if let Some(compared) = &figures.compared {
        comparison::write(&mut html, compared);
    }
    for axis in axes {
        let others = figures.compared.iter().flat_map(|compared| &compared.against.axes);
        axis_section(&mut html, axis, others.into_iter().find(|other| other.axis == axis.axis));
    }
    html.markup("</body>\n</html>\n");
    html.finish()
}

fn axis_section(html: &mut Html, evaluation: &AxisEvaluation, against: Option<&AxisEvaluation>) {
    let AxisEvaluation { axis, metrics, unknown_labels, worst_errors } = evaluation;
    html.element("h2", &[], name(*axis));
    key_figures(html, metrics, *unknown_labels);
    let against = against.map(|other| &other.metrics);

    html.markup("<div class=\"charts\">\n<figure>\n");
    charts::reliability(html, metrics, against);
    html.markup(
        "\n<figcaption>Reliability. Bars: share of right labels among those given with such a probability; on the \
         diagonal, probabilities are what they say. Lines: 95% interval.</figcaption>\n",
    );
    reliability_table(html, metrics);
    html.markup("</figure>\n<figure>\n");
    charts::risk_coverage(html, metrics, against);
    html.markup(
        "\n<figcaption>Risk and coverage. The error rate if only the labels of highest probability are used.</figcaption>\n",
    );
    risk_table(html, metrics);
    html.markup("</figure>\n</div>\n");

    confusions::write(html, metrics);

    html.markup("<h3>Labels</h3>\n");
    let rows = metrics.labels.iter().map(|label| {
        vec![
            Cell::Text(label.label.clone()),
            count(label.articles),
            count(label.predicted),
            count(label.correct),
            share(label.precision),
            share(label.recall),
            share(label.f1),
        ]
    });
    table(html, &["label", "articles", "given", "right", "precision", "recall", "F1"], rows);

    html.markup("<h3>Worst errors</h3>\n");
    if worst_errors.is_empty() {
        html.markup("<p>None.</p>\n");
        return;
    }
    html.markup(
        "<p class=\"note\">Wrong labels of the highest probability. The words are those that speak most for the label given \
         in the model as it is served, with what each adds to the label's score, and are marked in the beginning of the \
         article.</p>\n",
    );
    errors::write(html, worst_errors);
}

fn key_figures(html: &mut Html, metrics: &Metrics, unknown_labels: u64) {
    let [low, high] = metrics.accuracy_interval;
    let row = |name: &str, value: String| vec![Cell::Text(name.to_owned()), Cell::Number(value)];
    let mut rows = vec![
        row("articles", metrics.articles.to_string()),
        row("accuracy", format!("{:.3} (95% interval {low:.3} to {high:.3})", metrics.accuracy)),
        row("true label among the two most probable", format!("{:.3}", metrics.top_two_accuracy)),
        row("macro F1", format!("{:.3}", metrics.macro_f1)),
        row("log loss, nats", format!("{:.3}", metrics.log_loss)),
        row("expected calibration error, 15 bins", format!("{:.3}", metrics.expected_calibration_error)),
        row("Brier score", format!("{:.3}", metrics.brier_score)),
        row("area under the risk-coverage curve", format!("{:.3}", metrics.risk_coverage_area)),
    ];
    if let Some(accepted) = metrics.accepted {
        rows.push(row("share of labels accepted", format!("{:.3}", accepted.share)));
        rows.push(row("precision of accepted labels", format!("{:.3}", accepted.precision)));
    }
    if let Some(sets) = metrics.label_sets {
        rows.push(row("mean size of label sets", format!("{:.2}", sets.mean_size)));
        rows.push(row("share of label sets that hold the true label", format!("{:.3}", sets.coverage)));
    }
    if unknown_labels > 0 {
        rows.push(row("articles with a label that the model does not have", unknown_labels.to_string()));
    }
    table(html, &["figure", "value"], rows.into_iter());
}

fn reliability_table(html: &mut Html, metrics: &Metrics) {
    let bins = metrics.reliability.len() as f64;
    html.markup("<details><summary>The reliability table</summary>\n");
    let rows = metrics.reliability.iter().enumerate().map(|(number, bin)| {
        let (from, to) = (number as f64 / bins, (number + 1) as f64 / bins);
        let range = Cell::Text(format!("{from:.3} to {to:.3}"));
        vec![range, count(bin.articles), share(bin.mean_probability), share(bin.accuracy)]
    });
    table(html, &["probability", "articles", "mean", "right"], rows);
    html.markup("</details>\n");
}

/// The curve at the points that first reach each twentieth of coverage.
fn risk_table(html: &mut Html, metrics: &Metrics) {
    html.markup("<details><summary>The curve as a table</summary>\n");
    let mut reached = 0.0;
    let twentieths = metrics.risk_coverage.iter().filter(|point| {
        let twentieth = (point.coverage * 20.0 + 1e-9).floor();
        let is_next = twentieth > reached;
        reached = twentieth.max(reached);
        is_next
    });
    let rows = twentieths.map(|point| vec![share(point.coverage), share(point.error_rate), share(point.threshold)]);
    table(html, &["answered", "error rate", "threshold"], rows);
    html.markup("</details>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        classify::Evidence,
        cli::report::Compared,
        learn::{AxisComparison, EVALUATION_POINTS, Excerpt, Scored, WorstError, measure},
        text::{Part, Span},
    };

    /// A page on which every string that can come from a file is one of three.
    fn page_with([first, second, words]: [&str; 3]) -> String {
        let mut labels = [first, second].map(str::to_owned);
        labels.sort();
        let scored = [
            Scored::new(first, &labels, &[0.9, 0.1]),
            Scored::new(second, &labels, &[0.8, 0.2]),
            Scored::new(words, &labels, &[0.3, 0.7]),
        ];
        let end = words.len();
        let error = WorstError {
            article: 7,
            id: words.to_owned(),
            truth: first.to_owned(),
            truth_probability: Some(0.1),
            given: second.to_owned(),
            given_probability: 0.9,
            evidence: vec![Evidence {
                text: words.to_owned(),
                spans: [Part::Title, Part::Text].map(|part| Span { start: 0, end, part }).to_vec(),
                contribution: 1.5,
                occurrences: 2,
            }],
            excerpt: Excerpt { title: Some(words.to_owned()), text: words.repeat(2), is_cut: true },
        };
        let evaluation = Evaluation {
            model_version: words.to_owned(),
            articles: 3,
            trained_on: 0,
            not_held_out: 0,
            axes: vec![AxisEvaluation {
                axis: Axis::MeetingType,
                metrics: measure(&labels, &scored, EVALUATION_POINTS),
                unknown_labels: 1,
                worst_errors: vec![error],
            }],
        };
        let comparison = AxisComparison {
            axis: Axis::MeetingType,
            articles: 3,
            unknown_labels: [1, 0],
            accuracy: [1.0 / 3.0, 2.0 / 3.0],
            accuracy_difference: -1.0 / 3.0,
            accuracy_difference_interval: [-0.9, 0.4],
            both_correct: 1,
            only_correct: [0, 1],
            neither_correct: 1,
            p_value: 1.0,
            log_loss: [2.0, 1.0],
            log_loss_difference: 1.0,
            log_loss_difference_interval: None,
        };
        let compared = Some(Compared { against: evaluation.clone(), comparison: vec![comparison] });
        page(&Figures { evaluation, compared })
    }

    /// The tags of a page with all that stands in them.
    fn tags(page: &str) -> Vec<&str> {
        page.split('<').skip(1).map(|rest| rest.split_once('>').map_or(rest, |(tag, _)| tag)).collect()
    }

    #[test]
    fn what_files_hold_never_becomes_markup() {
        let plain = page_with(["a", "b", "c"]);
        for hostile in [
            ["a<script>alert(1)</script>", "b</style><style>*{display:none}</style>", "c<img src=x onerror=alert(1)>"],
            ["a\"><svg onload=alert(1)>", "b' onmouseover='alert(1)", "c</title></td></table><!--"],
            ["a&lt;script&gt;", "b<!DOCTYPE", "c]]><![CDATA[<b>"],
            ["a\0<\u{202e}>", "b\u{1b}[2J", "c\r\n<"],
        ] {
            assert_eq!(tags(&page_with(hostile)), tags(&plain), "{hostile:?}");
        }
        let page = page_with(["a&lt;", "b", "<c>"]);
        assert!(page.contains("a&amp;lt;") && page.contains("<mark>&lt;c&gt;</mark>"), "{page}");
    }

    #[test]
    fn the_page_is_whole_and_needs_nothing_else() {
        let page = page_with(["one", "two", "three"]);
        let mut open = Vec::new();
        for tag in tags(&page) {
            let name = tag.split(' ').next().unwrap();
            match name.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name), "{tag}"),
                None if ["!DOCTYPE", "meta"].contains(&name) => {}
                None => open.push(name),
            }
        }
        assert_eq!(open, [""; 0]);
        for foreign in ["<script", "<link", "<img", "src=", "href=", "url(", "@import", "://"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        for part in ["0.333 (95% interval ", "Comparison", "-0.333", "= 1.0000", "(article 8 of the data)"] {
            assert!(page.contains(part), "{part}");
        }
    }
}
