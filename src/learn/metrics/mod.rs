//! Figures over articles whose true labels are known.

mod bootstrap;
mod curves;
mod inference;

use std::{cmp::Ordering, collections::BTreeMap};

pub(super) use self::bootstrap::{Random, means};
pub use self::inference::{clustered_mean, mcnemar, paired_mean, paired_share_interval, wilson};
use crate::{
    classify::{Calibration, Options},
    model::{AcceptedMetrics, Confusion, LabelMetrics, LabelSetMetrics, Metrics},
};

/// Points of the risk-coverage curve in the report that a model carries: one for each 5% of coverage.
pub const STORED_POINTS: usize = 20;

/// Points of the risk-coverage curve in an evaluation.
pub const EVALUATION_POINTS: usize = 100;

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
    /// Whether the label given is the true one.
    correct: bool,
    /// Whether the true label is one of the two most probable.
    top_two: bool,
    /// The size of the label set and whether it holds the true label.
    label_set: Option<(u32, bool)>,
    /// Whether the label was accepted.
    accepted: Option<bool>,
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
            correct: known == Some(given),
            top_two: known.is_some_and(|label| rank(probabilities, label) < 2),
            label_set: None,
            accepted: None,
        }
    }

    /// With the set of labels that the model gave: how many they are, and whether the true one is among them.
    #[must_use]
    pub fn with_label_set(self, size: usize, holds_truth: bool) -> Self {
        Scored { label_set: Some((u32::try_from(size).unwrap_or(u32::MAX), holds_truth)), ..self }
    }

    /// With the model's decision: whether it accepted the label.
    #[must_use]
    pub fn with_decision(self, accepted: bool) -> Self {
        Scored { accepted: Some(accepted), ..self }
    }

    /// With the label set and the decision that a calibration gives by default to an article like those of training;
    /// `has_evidence` unless the model knows nothing of the article.
    #[must_use]
    pub fn judged(
        self,
        labels: &[String],
        probabilities: &[f64],
        calibration: &Calibration,
        has_evidence: bool,
    ) -> Self {
        if !has_evidence {
            let known = self.known;
            return self.with_label_set(labels.len(), known).with_decision(false);
        }
        let Options { precision, coverage, .. } = Options::default();
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        let size = calibration.label_set(order.iter().map(|&label| probabilities[label]), coverage);
        let holds_truth = order.iter().take(size).any(|&label| labels[label] == self.truth);
        let accepted = self.confidence >= calibration.threshold(precision);
        self.with_label_set(size, holds_truth).with_decision(accepted)
    }

    /// Id of the true label.
    #[must_use]
    pub fn truth(&self) -> &str {
        &self.truth
    }

    /// The label given, as an index into the labels that the probabilities were of.
    #[must_use]
    pub fn given(&self) -> usize {
        self.given
    }

    /// The probability of the label given.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        self.confidence
    }

    /// The probability of the true label; 0 if the model does not have it.
    #[must_use]
    pub fn probability(&self) -> f64 {
        self.probability
    }

    /// Whether the label given is the true one.
    #[must_use]
    pub fn is_correct(&self) -> bool {
        self.correct
    }

    /// `-ln` of the probability of the true label, which is taken as 1e-15 at least: finite too if the model does not
    /// have the label.
    #[must_use]
    pub fn loss(&self) -> f64 {
        -libm::log(self.probability.max(SMALLEST))
    }

    /// Whether the model has the true label.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.known
    }
}

/// Puts articles into an order that their figures alone decide, whatever order they came in: articles that are equal in
/// it add the same to every sum, so that the last digits of sums do not depend on the order of the data.
pub(super) fn sort(articles: &mut [Scored]) {
    let key = |article: &Scored| [article.confidence, article.probability, article.squares];
    articles.sort_unstable_by(|a, b| {
        let pairs = key(a).into_iter().zip(key(b));
        pairs.map(|(a, b)| a.total_cmp(&b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    });
}

/// A probability of 0 given to the truth would make the log loss infinite; a label the model does not have gets this.
const SMALLEST: f64 = 1e-15;

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

/// How many labels stand before one by falling probability, equals in their order.
fn rank(probabilities: &[f64], label: usize) -> usize {
    let own = probabilities.get(label).copied().unwrap_or_default();
    let before = |&(other, p): &(usize, &f64)| *p > own || (*p == own && other < label);
    probabilities.iter().enumerate().filter(before).count()
}

/// All figures over some articles; `labels` are the ids of the model's labels, `points` those that the risk-coverage
/// curve has at most.
#[must_use]
pub fn measure(labels: &[String], articles: &[Scored], points: usize) -> Metrics {
    if articles.is_empty() || labels.is_empty() {
        return Metrics::default();
    }
    let mut by_label: BTreeMap<&str, [u64; 3]> = BTreeMap::new();
    let mut confusions: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut chosen = Vec::with_capacity(articles.len());
    let (mut correct, mut loss, mut brier) = (0_u64, 0.0, 0.0);
    for article in articles {
        let Some(predicted) = labels.get(article.given) else { continue };
        let (truth, predicted) = (article.truth.as_str(), predicted.as_str());
        by_label.entry(truth).or_default()[0] += 1;
        by_label.entry(predicted).or_default()[1] += 1;
        if article.correct {
            correct += 1;
            by_label.entry(truth).or_default()[2] += 1;
        } else {
            *confusions.entry((truth, predicted)).or_default() += 1;
        }
        chosen.push((article.confidence, article.correct));
        loss += article.loss();
        let p = article.probability;
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
    let reliability = curves::reliability(&chosen);
    let (risk_coverage, risk_coverage_area) = curves::risk_coverage(chosen, points);
    Metrics {
        articles: articles.len() as u64,
        accuracy: correct as f64 / n,
        accuracy_interval: wilson(correct as f64 / n, articles.len() as u64),
        top_two_accuracy: articles.iter().filter(|article| article.top_two).count() as f64 / n,
        macro_f1: carried.iter().sum::<f64>() / carried.len().max(1) as f64,
        log_loss: loss / n,
        expected_calibration_error: curves::calibration_error(&reliability),
        brier_score: brier / n,
        reliability,
        risk_coverage,
        risk_coverage_area,
        label_sets: label_sets(articles),
        accepted: accepted(articles),
        labels,
        confusions,
    }
}

fn label_sets(articles: &[Scored]) -> Option<LabelSetMetrics> {
    let sets: Vec<(u32, bool)> = articles.iter().filter_map(|article| article.label_set).collect();
    let n = sets.len() as f64;
    (!sets.is_empty()).then(|| LabelSetMetrics {
        articles: sets.len() as u64,
        mean_size: sets.iter().map(|(size, _)| f64::from(*size)).sum::<f64>() / n,
        coverage: sets.iter().filter(|(_, holds_truth)| *holds_truth).count() as f64 / n,
    })
}

fn accepted(articles: &[Scored]) -> Option<AcceptedMetrics> {
    let decided: Vec<(&Scored, bool)> =
        articles.iter().filter_map(|article| Some((article, article.accepted?))).collect();
    let accepted: Vec<&Scored> =
        decided.iter().filter(|(_, accepted)| *accepted).map(|(article, _)| *article).collect();
    let correct = accepted.iter().filter(|article| article.correct).count();
    (!decided.is_empty()).then(|| AcceptedMetrics {
        articles: decided.len() as u64,
        share: accepted.len() as f64 / decided.len() as f64,
        precision: correct as f64 / accepted.len().max(1) as f64,
    })
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
        let metrics = measure(&labels, &articles, STORED_POINTS);
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
        // Score interval of 2 in 4: 0.5 -+ z sqrt(1/16 + z²/64) / (1 + z²/4).
        close(metrics.accuracy_interval[0] + metrics.accuracy_interval[1], 1.0);
        assert!((metrics.accuracy_interval[0] - 0.150_04).abs() < 1e-5, "{:?}", metrics.accuracy_interval);
        close(metrics.top_two_accuracy, 0.75);
        // By falling probability: right, right, wrong, wrong.
        close(metrics.risk_coverage_area, (0.0 + 0.0 + 1.0 / 3.0 + 0.5) / 4.0);
        assert_eq!(metrics.risk_coverage.len(), 4);
        assert_eq!((metrics.label_sets, metrics.accepted), (None, None));
    }

    #[test]
    fn equal_probabilities_go_to_the_first_labels() {
        let labels = ["a", "b", "c"].map(str::to_owned);
        let even = [1.0 / 3.0; 3];
        for (truth, correct, top_two) in [("a", true, true), ("b", false, true), ("c", false, false)] {
            let scored = Scored::new(truth, &labels, &even);
            assert_eq!((scored.correct, scored.top_two), (correct, top_two), "{truth}");
        }
    }

    #[test]
    fn sets_and_decisions_are_measured_where_there_are_any() {
        let labels = ["a", "b"].map(str::to_owned);
        let right = || Scored::new("a", &labels, &[0.8, 0.2]);
        let wrong = || Scored::new("b", &labels, &[0.8, 0.2]);
        let articles = [
            right().with_label_set(1, true).with_decision(true),
            wrong().with_label_set(2, true).with_decision(true),
            wrong().with_label_set(1, false).with_decision(false),
            right().with_decision(false),
            right(),
        ];
        let metrics = measure(&labels, &articles, STORED_POINTS);
        let sets = LabelSetMetrics { articles: 3, mean_size: 4.0 / 3.0, coverage: 2.0 / 3.0 };
        assert_eq!(metrics.label_sets, Some(sets));
        assert_eq!(metrics.accepted, Some(AcceptedMetrics { articles: 4, share: 0.5, precision: 0.5 }));
        let none = measure(&labels, &[right().with_decision(false)], STORED_POINTS);
        assert_eq!(none.accepted, Some(AcceptedMetrics { articles: 1, share: 0.0, precision: 0.0 }));
    }

    #[test]
    fn nothing_measured_is_all_zero() {
        assert_eq!(measure(&[], &[], STORED_POINTS), Metrics::default());
    }
}
