//! The temperature, and all else that is learnt from scores that the weights have not seen.

use super::{fields::loss, minimize::minimize};
use crate::classify::{Calibration, Temperature, log_entropy, softmax};

/// Scores of one article, made without it and with weights that were learnt without it.
#[derive(Clone, Debug)]
pub(super) struct Unseen {
    pub(super) label: usize,
    pub(super) scores: Vec<f64>,
}

/// Steps and share of the loss to be gained that the temperature is looked for with.
const MAX_STEPS: usize = 50;
const TOLERANCE: f64 = 1e-7;

/// The variance of the slope's Gaussian prior around 0: few articles give plain temperature scaling.
const SLOPE_VARIANCE: f64 = 1.0;

/// What of a temperature is learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scaling {
    /// One temperature for all scores.
    Plain,
    /// One that goes with the entropy.
    Adaptive,
}

/// The temperature of least log loss.
fn temperature(articles: &[Unseen], scaling: Scaling) -> Temperature {
    let entropies: Vec<f64> = articles.iter().map(|article| log_entropy(&article.scores)).collect();
    let evaluate = |x: &[f64]| {
        let temperature = Temperature { slope: x[0], offset: x[1] };
        let mut value = x[0] * x[0] / (2.0 * SLOPE_VARIANCE);
        let mut gradient = vec![x[0] / SLOPE_VARIANCE, 0.0];
        for (article, &entropy) in articles.iter().zip(&entropies) {
            let t = temperature.at(entropy);
            let scaled: Vec<f64> = article.scores.iter().map(|score| score / t).collect();
            value += loss(&scaled, article.label);
            let expected: f64 = softmax(&scaled, 1.0).iter().zip(&scaled).map(|(p, score)| p * score).sum();
            // Of the loss by T; that of T by its argument is 1 - exp(-T).
            let slope = (scaled[article.label] - expected) / t * -libm::expm1(-t);
            gradient[0] += slope * entropy;
            gradient[1] += slope;
        }
        if scaling == Scaling::Plain {
            gradient[0] = 0.0;
        }
        (value, gradient)
    };
    let Temperature { slope, offset } = Temperature::default();
    let (x, _) = minimize(vec![slope, offset], |_| true, |&step| step < MAX_STEPS, TOLERANCE, evaluate);
    Temperature { slope: x[0].clamp(-10.0, 10.0), offset: x[1].clamp(-10.0, 1e3) }
}

/// By article: `-ln P(true label)` under the one temperature of least log loss.
///
/// One that followed the entropy would make up for settings whose scores are too sure or too unsure.
pub(super) fn losses(articles: &[Option<Unseen>]) -> Vec<Option<f64>> {
    let known: Vec<Unseen> = articles.iter().flatten().cloned().collect();
    let temperature = temperature(&known, Scaling::Plain);
    let of = |article: &Unseen| {
        let t = temperature.at(log_entropy(&article.scores));
        loss(&article.scores.iter().map(|score| score / t).collect::<Vec<_>>(), article.label)
    };
    articles.iter().map(|article| article.as_ref().map(of)).collect()
}

/// The temperature where nothing can be learnt: all labels are about equally probable, in the order of their scores.
const UNKNOWN: Temperature = Temperature { slope: 0.0, offset: 1e3 };

/// Learns what the scores are worth.
pub(super) fn calibrate(articles: &[Unseen]) -> Calibration {
    let temperature = if articles.is_empty() { UNKNOWN } else { temperature(articles, Scaling::Adaptive) };
    let judge = |article: &Unseen| {
        let probabilities = temperature.probabilities(&article.scores);
        let best = (0..probabilities.len()).rev().max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
        let best = best.unwrap_or_default();
        (probabilities[best], best == article.label, probabilities[article.label])
    };
    Calibration::new(temperature, &articles.iter().map(judge).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two labels; scores of ±1 that are right nine times in ten: true odds are 9, so 2 / T = ln 9.
    #[test]
    fn temperature_is_that_of_the_odds() {
        let article = |i: usize| Unseen { label: usize::from(i % 10 == 9), scores: vec![1.0, -1.0] };
        let articles: Vec<Unseen> = (0..1000).map(article).collect();
        let found = temperature(&articles, Scaling::Plain);
        assert_eq!(found.slope, 0.0);
        assert!((found.at(log_entropy(&[1.0, -1.0])) - 2.0 / 9_f64.ln()).abs() < 1e-3);
        let entropy = -(0.9 * 0.9_f64.ln() + 0.1 * 0.1_f64.ln());
        let articles: Vec<Option<Unseen>> = articles.into_iter().map(Some).chain([None]).collect();
        let losses = losses(&articles);
        assert!((losses.iter().flatten().sum::<f64>() / 1000.0 - entropy).abs() < 1e-6);
        assert!(losses.len() == 1001 && losses[1000].is_none());
    }

    /// Whatever the scores say, one in ten is wrong: sure scores must be damped more than others.
    #[test]
    fn what_is_wrong_however_sure_is_damped() {
        let articles: Vec<Unseen> = (0..2000)
            .map(|i| Unseen { label: usize::from(i % 10 == 9), scores: vec![[1.0, 4.0, 16.0][i % 3], -1.0] })
            .collect();
        let temperature = temperature(&articles, Scaling::Adaptive);
        assert!(temperature.slope < -0.1, "{temperature:?}");
        for best in [1.0, 4.0, 16.0] {
            let p = temperature.probabilities(&[best, -1.0])[0];
            assert!((p - 0.9).abs() < 0.05, "{best}: {p}");
        }
    }

    #[test]
    fn nothing_to_learn_from_changes_nothing() {
        assert_eq!(temperature(&[], Scaling::Adaptive), Temperature::default());
    }
}
