//! How scores become probabilities.

use serde::{Deserialize, Serialize};

/// Adaptive temperature scaling (Balanya, Maroñas and Ramos 2024, "Adaptive temperature scaling for robust calibration of
/// deep neural networks", entropy-based): scores are divided by
///
/// ```text
/// T = ln(1 + exp(slope · ln h + offset)),   h = entropy of softmax(scores) / ln(number of labels)
/// ```
///
/// before they become probabilities. With a slope of 0 this is plain temperature scaling (Guo, Pleiss, Sun and Weinberger
/// 2017); with a slope below 0 the surer the scores, the more they are damped. The order of labels never changes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Temperature {
    /// How `T` goes with the logarithm of the entropy; −10 to 10.
    pub slope: f64,
    /// What `T` is for the greatest entropy; −10 to 1000.
    pub offset: f64,
}

impl Default for Temperature {
    /// 1 for all scores.
    fn default() -> Self {
        Temperature { slope: 0.0, offset: libm::log(libm::expm1(1.0)) }
    }
}

/// Keeps the logarithm of an entropy finite.
const LEAST_ENTROPY: f64 = 1e-6;

/// `T` is never less.
const LEAST: f64 = 1e-3;

impl Temperature {
    /// The probability of every label.
    #[must_use]
    pub fn probabilities(&self, scores: &[f64]) -> Vec<f64> {
        softmax(scores, self.at(log_entropy(scores)))
    }

    /// `T` for scores whose entropy has this logarithm.
    #[must_use]
    pub fn at(&self, log_entropy: f64) -> f64 {
        let x = self.slope * log_entropy + self.offset;
        // ln(1 + exp(x)), which does not overflow.
        (x.max(0.0) + libm::log1p(libm::exp(-x.abs()))).max(LEAST)
    }

    /// Whether the values are in their ranges.
    pub(super) fn is_sound(&self) -> bool {
        (-10.0..=10.0).contains(&self.slope) && (-10.0..=1e3).contains(&self.offset)
    }
}

/// The logarithm of the entropy of `softmax(scores)`, as a share of the greatest there can be.
#[must_use]
pub fn log_entropy(scores: &[f64]) -> f64 {
    let entropy: f64 = softmax(scores, 1.0).into_iter().filter(|&p| p > 0.0).map(|p| -p * libm::log(p)).sum();
    libm::log(entropy / libm::log(scores.len().max(2) as f64) + LEAST_ENTROPY)
}

/// Probabilities of scores divided by a temperature, by log-sum-exp.
#[must_use]
pub fn softmax(scores: &[f64], temperature: f64) -> Vec<f64> {
    let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut powers: Vec<f64> = scores.iter().map(|score| libm::exp((score - best) / temperature)).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter_mut().for_each(|power| *power /= sum);
    powers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sure_scores_are_damped_more_with_a_slope_below_zero() {
        let damped = Temperature { slope: -0.5, ..Temperature::default() };
        for (scores, even) in [(vec![0.0, 0.0, 0.0], true), (vec![9.0, 0.0, 0.0], false)] {
            let (plain, damped) = (Temperature::default().probabilities(&scores), damped.probabilities(&scores));
            assert!((plain.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!(softmax(&scores, 1.0).iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-12));
            assert_eq!((plain[0] - damped[0]).abs() < 1e-12, even);
            assert!(plain[0] >= damped[0]);
        }
    }

    proptest! {
        #[test]
        fn the_order_stays_and_probabilities_sum_to_one(
            scores in proptest::collection::vec(-1e4_f64..1e4, 1..9), slope in -10.0_f64..10.0, offset in -10.0_f64..1e3,
        ) {
            let temperature = Temperature { slope, offset };
            prop_assert!(temperature.is_sound());
            let probabilities = temperature.probabilities(&scores);
            prop_assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            for (a, p) in scores.iter().zip(&probabilities) {
                for (b, q) in scores.iter().zip(&probabilities) {
                    prop_assert!(a > b || p <= q);
                }
            }
        }
    }
}
