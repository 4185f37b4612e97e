//! The temperature, and all else that is learnt from scores that the weights have not seen.

use super::fields::loss;
use crate::classify::{Calibration, softmax};

/// Scores of one article, made without it and with weights that were learnt without it.
#[derive(Clone, Debug)]
pub(super) struct Unseen {
    pub(super) label: usize,
    pub(super) scores: Vec<f64>,
}

/// Mean of `-ln P(true label)` under a temperature.
pub(super) fn mean_loss(articles: &[Unseen], temperature: f64) -> f64 {
    let scaled = |scores: &[f64]| scores.iter().map(|score| score / temperature).collect::<Vec<_>>();
    let total: f64 = articles.iter().map(|article| loss(&scaled(&article.scores), article.label)).sum();
    total / articles.len().max(1) as f64
}

/// The temperature of least log loss, by golden-section search over its logarithm. The loss is convex in the inverse
/// temperature, so there is one minimum.
pub(super) fn temperature(articles: &[Unseen]) -> f64 {
    let ratio = (libm::sqrt(5.0) - 1.0) / 2.0;
    let at = |log: f64| mean_loss(articles, libm::exp(log));
    let (mut low, mut high) = (libm::log(0.05), libm::log(20.0));
    let (mut left, mut right) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_left, mut at_right) = (at(left), at(right));
    for _ in 0..30 {
        if at_left <= at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - ratio * (high - low);
            at_left = at(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + ratio * (high - low);
            at_right = at(right);
        }
    }
    libm::exp((low + high) / 2.0)
}

/// Learns what the scores are worth.
pub(super) fn calibrate(articles: &[Unseen]) -> Calibration {
    let temperature = temperature(articles);
    let judge = |article: &Unseen| {
        let probabilities = softmax(&article.scores, temperature);
        let best = (0..probabilities.len()).rev().max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
        let best = best.unwrap_or_default();
        (probabilities[best], best == article.label, probabilities[article.label])
    };
    Calibration::new(temperature, &articles.iter().map(judge).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperature_is_that_of_the_odds() {
        // Scores of ±1 that are right nine times in ten: true odds are 9, so 2 / T = ln 9.
        let article = |i: usize| Unseen { label: usize::from(i % 10 == 9), scores: vec![1.0, -1.0] };
        let articles: Vec<Unseen> = (0..1000).map(article).collect();
        assert!((temperature(&articles) - 2.0 / 9_f64.ln()).abs() < 1e-3);
        let entropy = -(0.9 * 0.9_f64.ln() + 0.1 * 0.1_f64.ln());
        assert!((mean_loss(&articles, temperature(&articles)) - entropy).abs() < 1e-6);
    }
}
