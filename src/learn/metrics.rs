//! Figures over articles whose true labels are known.

use std::collections::BTreeMap;

use crate::model::{Confusion, LabelMetrics, Metrics};

/// What a model said of one article: as much as the figures need.
#[derive(Clone, Debug)]
pub struct Scored {
    /// Id of the true label.
    truth: String,
    /// Whether the model has that label.
    known: bool,
    /// The most probable label, as an index.
    given: usize,
    /// Its probability.
    confidence: f64,
    /// The probability of the true label.
    probability: f64,
    /// Sum of the squares of all probabilities.
    squares: f64,
}

impl Scored {
    /// From the probabilities of all labels; `labels` are their ids, ascending.
    #[must_use]
    pub fn new(truth: &str, labels: &[String], probabilities: &[f64]) -> Self {
        let known = labels.iter().position(|label| label == truth);
        let given = best(probabilities);
        Scored {
            truth: truth.to_owned(),
            known: known.is_some(),
            given,
            confidence: probabilities.get(given).copied().unwrap_or_default(),
            probability: known.and_then(|label| probabilities.get(label)).copied().unwrap_or_default(),
            squares: probabilities.iter().map(|p| p * p).sum(),
        }
    }

    /// Whether the model has the true label.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.known
    }
}

/// A probability of 0 given to the truth would make the log loss infinite; a label the model does not have gets this.
const SMALLEST: f64 = 1e-15;

const BINS: usize = 15;

/// The most probable label, first in order among equals.
fn best(probabilities: &[f64]) -> usize {
    let mut best = 0;
    for (label, probability) in probabilities.iter().enumerate() {
        if *probability > probabilities[best] {
            best = label;
        }
    }
    best
}

/// All figures over some articles; `labels` are the ids of the model's labels.
#[must_use]
pub fn measure(labels: &[String], articles: &[Scored]) -> Metrics {
    if articles.is_empty() || labels.is_empty() {
        return Metrics::default();
    }
    let mut by_label: BTreeMap<&str, [u64; 3]> = BTreeMap::new();
    let mut confusions: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut bins = [(0_u64, 0.0, 0_u64); BINS];
    let (mut correct, mut loss, mut brier) = (0_u64, 0.0, 0.0);
    for article in articles {
        let Some(predicted) = labels.get(article.given) else { continue };
        let (truth, predicted) = (article.truth.as_str(), predicted.as_str());
        let hit = truth == predicted;
        by_label.entry(truth).or_default()[0] += 1;
        by_label.entry(predicted).or_default()[1] += 1;
        if hit {
            correct += 1;
            by_label.entry(truth).or_default()[2] += 1;
        } else {
            *confusions.entry((truth, predicted)).or_default() += 1;
        }
        let confidence = article.confidence;
        let bin = &mut bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        *bin = (bin.0 + 1, bin.1 + confidence, bin.2 + u64::from(hit));
        let p = article.probability;
        loss -= libm::log(p.max(SMALLEST));
        // Sum over labels of (p - indicator)²; a truth that is not among the labels adds its whole indicator.
        brier += article.squares - 2.0 * p + 1.0;
    }
    let n = articles.len() as f64;
    let ratio = |a: u64, b: u64| if b == 0 { 0.0 } else { a as f64 / b as f64 };
    let labels: Vec<LabelMetrics> = by_label
        .into_iter()
        .map(|(label, [articles, predicted, correct])| LabelMetrics {
            label: label.to_owned(),
            articles,
            predicted,
            correct,
            precision: ratio(correct, predicted),
            recall: ratio(correct, articles),
            f1: ratio(2 * correct, articles + predicted),
        })
        .collect();
    let carried: Vec<f64> = labels.iter().filter(|label| label.articles > 0).map(|label| label.f1).collect();
    let mut confusions: Vec<Confusion> = confusions
        .into_iter()
        .map(|((label, predicted), articles)| Confusion { label: label.into(), predicted: predicted.into(), articles })
        .collect();
    confusions.sort_by_key(|confusion| std::cmp::Reverse(confusion.articles));
    Metrics {
        articles: articles.len() as u64,
        accuracy: correct as f64 / n,
        macro_f1: carried.iter().sum::<f64>() / carried.len().max(1) as f64,
        log_loss: loss / n,
        expected_calibration_error: bins.iter().map(|(_, sum, hits)| (sum - *hits as f64).abs() / n).sum(),
        brier_score: brier / n,
        labels,
        confusions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values worked out by hand.
    #[test]
    fn figures_of_a_small_table() {
        let labels = ["a", "b", "c"].map(str::to_owned);
        let articles = [
            Scored::new("a", &labels, &[0.8, 0.1, 0.1]),
            Scored::new("a", &labels, &[0.3, 0.6, 0.1]),
            Scored::new("b", &labels, &[0.2, 0.7, 0.1]),
            Scored::new("z", &labels, &[0.5, 0.25, 0.25]),
        ];
        let metrics = measure(&labels, &articles);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        close(metrics.accuracy, 0.5);
        // a: 1 of 2 carried, 2 given -> f1 2*1/(2+2); b: 2*1/(1+2); z: 0.
        close(metrics.macro_f1, (0.5 + 2.0 / 3.0 + 0.0) / 3.0);
        close(metrics.log_loss, -(0.8_f64.ln() + 0.3_f64.ln() + 0.7_f64.ln() + SMALLEST.ln()) / 4.0);
        // Each article is alone in its bin: |0.8-1| + |0.6-0| + |0.7-1| + |0.5-0|.
        close(metrics.expected_calibration_error, (0.2 + 0.6 + 0.3 + 0.5) / 4.0);
        let first = 0.04 + 0.01 + 0.01;
        let second = 0.49 + 0.36 + 0.01;
        let third = 0.04 + 0.09 + 0.01;
        let fourth = 0.25 + 0.0625 + 0.0625 + 1.0;
        close(metrics.brier_score, (first + second + third + fourth) / 4.0);
        assert_eq!(metrics.confusions.len(), 2);
    }

    #[test]
    fn nothing_measured_is_all_zero() {
        assert_eq!(measure(&[], &[]), Metrics::default());
    }
}
