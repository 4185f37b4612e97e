//! How the scores of fields, the prior and the temperature are combined: learnt from held-out scores.
//!
//! The likelihoods stay those of naive Bayes; only how much each field counts is learnt discriminatively, after Zaidi,
//! Cerquides, Carman and Webb (2013), "Alleviating naive Bayes attribute independence assumption by attribute
//! weighting". With `x(i, k)` the centred scores of article `i` for label `k`, one entry per field and one for the
//! prior, the weights minimise
//!
//! ```text
//! mean over the n articles of  -ln softmax(w · x(i, ·))[true label]   +   |w - 1|² / (2n · VARIANCE)
//! ```
//!
//! with every weight 0 or above: the most probable weights under a Gaussian prior around plain naive Bayes, whose
//! weights are all 1. The problem is convex; it is solved by projected Newton steps (Bertsekas 1982).

use rayon::prelude::*;

use crate::classify::{features::FIELDS, softmax};

/// One weight per field, and one for the prior.
pub(super) const WEIGHTS: usize = FIELDS + 1;

const PRIOR: usize = FIELDS;

/// Variance of the prior on each weight: wide, so that it decides only what few articles have something to say about.
const VARIANCE: f64 = 10.0;

const MAX_STEPS: usize = 50;

/// Articles that one thread sums over at a time.
const CHUNK: usize = 256;

/// Weights and temperature of one axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Combination {
    /// By field.
    pub fields: [f64; FIELDS],
    /// Of the log prior.
    pub prior: f64,
    /// What weighted scores are divided by before they become probabilities.
    pub temperature: f64,
}

/// Held-out scores of one article, all centred over the labels.
#[derive(Clone, Debug)]
pub struct HeldOut {
    /// The true label.
    label: usize,
    /// Whether the model knows a feature of it.
    known: bool,
    /// `x[label * WEIGHTS + weight]`.
    x: Vec<f64>,
}

impl HeldOut {
    /// From unweighted scores by field and label, already divided by the fields' lengths, and the log prior.
    pub(super) fn new(label: usize, known: bool, field_scores: &[f64], prior: &[f64]) -> Self {
        let labels = prior.len();
        let mut x = vec![0.0; labels * WEIGHTS];
        for (weight, scores) in field_scores.chunks_exact(labels).chain([prior]).enumerate() {
            let mean = scores.iter().sum::<f64>() / labels as f64;
            scores.iter().enumerate().for_each(|(k, score)| x[k * WEIGHTS + weight] = score - mean);
        }
        HeldOut { label, known, x }
    }

    fn scores(&self, weights: &[f64; WEIGHTS]) -> Vec<f64> {
        let dot = |x: &[f64]| x.iter().zip(weights).map(|(x, w)| x * w).sum();
        self.x.chunks_exact(WEIGHTS).map(dot).collect()
    }

    /// The probability of every label. Of an article without a known feature the frequencies of labels are all that can
    /// be said, as when serving.
    #[must_use]
    pub fn probabilities(&self, combination: &Combination) -> Vec<f64> {
        if self.known {
            softmax(&self.scores(&combination.weights()), combination.temperature)
        } else {
            softmax(&self.x.iter().skip(PRIOR).step_by(WEIGHTS).copied().collect::<Vec<_>>(), 1.0)
        }
    }
}

/// `-ln softmax(scores)[label]`.
fn loss(scores: &[f64], label: usize) -> f64 {
    let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scores.iter().map(|score| libm::exp(score - best)).sum();
    best + libm::log(sum) - scores[label]
}

fn objective(articles: &[HeldOut], weights: &[f64; WEIGHTS]) -> f64 {
    let partial = |chunk: &[HeldOut]| chunk.iter().map(|a| loss(&a.scores(weights), a.label)).sum::<f64>();
    // Chunks are of a fixed size and added in order, so the sum is the same on any number of threads.
    let sum: f64 = articles.par_chunks(CHUNK).map(partial).collect::<Vec<_>>().into_iter().sum();
    let penalty: f64 = weights.iter().map(|w| (w - 1.0) * (w - 1.0)).sum();
    (sum + penalty / (2.0 * VARIANCE)) / articles.len() as f64
}

type Matrix = [[f64; WEIGHTS]; WEIGHTS];

/// First and second derivatives of the objective.
fn derivatives(articles: &[HeldOut], weights: &[f64; WEIGHTS]) -> ([f64; WEIGHTS], Matrix) {
    let (mut gradient, mut hessian) = ([0.0; WEIGHTS], [[0.0; WEIGHTS]; WEIGHTS]);
    let partial = |chunk: &[HeldOut]| partial_derivatives(chunk, weights);
    for (own_gradient, own_hessian) in articles.par_chunks(CHUNK).map(partial).collect::<Vec<_>>() {
        for i in 0..WEIGHTS {
            gradient[i] += own_gradient[i];
            for j in 0..=i {
                hessian[i][j] += own_hessian[i][j];
            }
        }
    }
    let n = articles.len() as f64;
    for i in 0..WEIGHTS {
        gradient[i] = (gradient[i] + (weights[i] - 1.0) / VARIANCE) / n;
        hessian[i][i] += 1.0 / VARIANCE;
        for j in 0..=i {
            hessian[i][j] /= n;
            hessian[j][i] = hessian[i][j];
        }
    }
    (gradient, hessian)
}

/// Sums over some articles, of the lower triangle only.
fn partial_derivatives(articles: &[HeldOut], weights: &[f64; WEIGHTS]) -> ([f64; WEIGHTS], Matrix) {
    let (mut gradient, mut hessian) = ([0.0; WEIGHTS], [[0.0; WEIGHTS]; WEIGHTS]);
    for article in articles {
        let probabilities = softmax(&article.scores(weights), 1.0);
        let mut mean = [0.0; WEIGHTS];
        for (x, p) in article.x.chunks_exact(WEIGHTS).zip(&probabilities).filter(|(_, p)| **p > 1e-12) {
            for i in 0..WEIGHTS {
                mean[i] += p * x[i];
                for j in 0..=i {
                    hessian[i][j] += p * x[i] * x[j];
                }
            }
        }
        let own = &article.x[article.label * WEIGHTS..];
        for i in 0..WEIGHTS {
            gradient[i] += mean[i] - own[i];
            for j in 0..=i {
                hessian[i][j] -= mean[i] * mean[j];
            }
        }
    }
    (gradient, hessian)
}

/// Solves `matrix · x = right` for the rows and columns that are free; the others stay 0. The matrix is positive
/// definite, so elimination needs no pivoting.
fn solve(mut matrix: Matrix, mut right: [f64; WEIGHTS], free: &[bool; WEIGHTS]) -> [f64; WEIGHTS] {
    for i in 0..WEIGHTS {
        if !free[i] {
            matrix[i] = [0.0; WEIGHTS];
            matrix.iter_mut().for_each(|row| row[i] = 0.0);
            matrix[i][i] = 1.0;
            right[i] = 0.0;
        }
    }
    for i in 0..WEIGHTS {
        for j in i + 1..WEIGHTS {
            let factor = matrix[j][i] / matrix[i][i];
            let pivot = matrix[i];
            matrix[j].iter_mut().zip(pivot).for_each(|(value, above)| *value -= factor * above);
            right[j] -= factor * right[i];
        }
    }
    for i in (0..WEIGHTS).rev() {
        let known: f64 = (i + 1..WEIGHTS).map(|j| matrix[i][j] * right[j]).sum();
        right[i] = (right[i] - known) / matrix[i][i];
    }
    right
}

impl Combination {
    fn weights(&self) -> [f64; WEIGHTS] {
        std::array::from_fn(|i| if i == PRIOR { self.prior } else { self.fields[i] })
    }

    /// Learns weights and temperature; also returns the log loss they reach on the same held-out scores.
    pub(super) fn fit(articles: &[HeldOut]) -> (Self, f64) {
        let mut weights = [1.0; WEIGHTS];
        let mut value = objective(articles, &weights);
        for _ in 0..MAX_STEPS {
            let (gradient, hessian) = derivatives(articles, &weights);
            // A weight at 0 that would only go further down is fixed for this step.
            let free = std::array::from_fn(|i| weights[i] > 0.0 || gradient[i] < 0.0);
            let step = solve(hessian, gradient, &free);
            let mut length = 1.0;
            let next = loop {
                let candidate: [f64; WEIGHTS] = std::array::from_fn(|i| (weights[i] - length * step[i]).max(0.0));
                let reached = objective(articles, &candidate);
                if reached < value {
                    break Some((candidate, reached));
                }
                length /= 2.0;
                if length < 1e-6 {
                    break None;
                }
            };
            let Some((candidate, reached)) = next else { break };
            let gained = value - reached;
            (weights, value) = (candidate, reached);
            if gained < 1e-9 {
                break;
            }
        }
        let scores: Vec<(Vec<f64>, usize)> = articles.iter().map(|a| (a.scores(&weights), a.label)).collect();
        let temperature = fit_temperature(&scores);
        let loss = mean_loss(&scores, temperature);
        let fields = std::array::from_fn(|i| weights[i]);
        (Combination { fields, prior: weights[PRIOR], temperature }, loss)
    }
}

fn mean_loss(scores: &[(Vec<f64>, usize)], temperature: f64) -> f64 {
    let scaled = |scores: &[f64]| scores.iter().map(|score| score / temperature).collect::<Vec<_>>();
    scores.iter().map(|(scores, label)| loss(&scaled(scores), *label)).sum::<f64>() / scores.len() as f64
}

/// The temperature of least log loss, by golden-section search over its logarithm (temperature scaling: Guo, Pleiss, Sun
/// and Weinberger 2017). The loss is convex in the inverse temperature, so there is one minimum.
fn fit_temperature(scores: &[(Vec<f64>, usize)]) -> f64 {
    let ratio = (libm::sqrt(5.0) - 1.0) / 2.0;
    let at = |log: f64| mean_loss(scores, libm::exp(log));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Two labels told apart by the first field only; the second field has nothing to say.
    fn articles(number: usize) -> Vec<HeldOut> {
        let mut all = Vec::new();
        for i in 0..number {
            let label = i % 2;
            let mut scores = vec![0.0; FIELDS * 2];
            // One in ten speaks for the wrong label, so that the best weight is finite.
            scores[if i % 10 == 9 { 1 - label } else { label }] = 1.0;
            all.push(HeldOut::new(label, true, &scores, &[0.0, 0.0]));
        }
        all
    }

    #[test]
    fn the_weight_of_a_field_is_its_log_odds() {
        let (combination, loss) = Combination::fit(&articles(10_000));
        // Right nine times in ten: the best difference of scores is ln 9.
        assert!((combination.fields[0] - 9_f64.ln()).abs() < 1e-2, "{combination:?}");
        assert!((combination.temperature - 1.0).abs() < 1e-2);
        let entropy = -(0.9 * 0.9_f64.ln() + 0.1 * 0.1_f64.ln());
        assert!((loss - entropy).abs() < 1e-4, "{loss} {entropy}");
    }

    #[test]
    fn what_nothing_is_known_of_stays_plain() {
        let (combination, _) = Combination::fit(&articles(10));
        assert!((combination.fields[1] - 1.0).abs() < 1e-9);
        assert!((combination.prior - 1.0).abs() < 1e-9);
    }

    #[test]
    fn derivatives_are_those_of_the_objective() {
        let articles = articles(50);
        let weights: [f64; WEIGHTS] = std::array::from_fn(|i| 0.3 + 0.1 * i as f64);
        let (gradient, hessian) = derivatives(&articles, &weights);
        let h = 1e-4;
        for i in 0..WEIGHTS {
            let moved = |by: f64| {
                let mut moved = weights;
                moved[i] += by;
                moved
            };
            let slope = (objective(&articles, &moved(h)) - objective(&articles, &moved(-h))) / (2.0 * h);
            assert!((slope - gradient[i]).abs() < 1e-6, "{i}: {slope} {}", gradient[i]);
            let (up, down) = (derivatives(&articles, &moved(h)).0, derivatives(&articles, &moved(-h)).0);
            for j in 0..WEIGHTS {
                let second = (up[j] - down[j]) / (2.0 * h);
                assert!((second - hessian[i][j]).abs() < 1e-6, "{i} {j}: {second} {}", hessian[i][j]);
            }
        }
    }
}
