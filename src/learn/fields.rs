//! One weight for each field and one for the prior: how much each counts, learnt from held-out scores.
//!
//! With `x(i, k)` the centred scores of article `i` for label `k`, one entry per field and one for the prior, the
//! weights minimise
//!
//! ```text
//! mean over the n articles of  -ln softmax(w · x(i, ·))[true label]   +   |w - w0|² / (2n · VARIANCE)
//! ```
//!
//! with every weight 0 or above, but for those of name fields: that a conveyed meeting is named may speak against its
//! label. `w0` is plain naive Bayes, whose weights are all 1, and of names only those count that stand where an article
//! names its own meeting. The problem is convex; it is solved by projected Newton steps (Bertsekas 1982). What is found
//! is where the weights of single features start from (see `attributes`).

use rayon::prelude::*;

use super::case::Case;
use crate::classify::{
    features::{FIELDS, Field, TERM_FIELDS},
    softmax,
};

/// One weight per field, and one for the prior.
const WEIGHTS: usize = FIELDS + 1;

/// Variance of the prior on each weight: wide, so that it decides only what few articles have something to say about.
pub(super) const VARIANCE: f64 = 10.0;

/// Scores that are stored by label: those of the fields of words and word pairs, and of the prior.
const DENSE: usize = TERM_FIELDS + 1;

const MAX_STEPS: usize = 50;

/// Articles that one thread sums over at a time.
const CHUNK: usize = 256;

/// The weights that plain naive Bayes has.
fn plain() -> [f64; WEIGHTS] {
    let mut weights = [1.0; WEIGHTS];
    for (field, weight) in Field::all().zip(&mut weights) {
        if field.names().is_some_and(|kind| !kind.is_own()) {
            *weight = 0.0;
        }
    }
    weights
}

/// Whether a weight may be below 0.
fn is_signed(weight: usize) -> bool {
    (TERM_FIELDS..FIELDS).contains(&weight)
}

/// Scores of one article by field, centred over the labels. As a name field says something of few labels, only that is
/// stored of it.
struct HeldOut {
    /// The true label.
    label: usize,
    /// By label: of each field of words or word pairs, and of the prior.
    dense: Box<[f64]>,
    /// Label, weight, and the score before it is centred, ascending by label.
    names: Box<[(u16, u8, f64)]>,
    /// What is taken from the scores of each name field.
    means: [f64; FIELDS - TERM_FIELDS],
}

impl HeldOut {
    fn new(case: &Case) -> Self {
        let x = case.by_field();
        let labels = case.labels() as f64;
        let mut means = [0.0; WEIGHTS];
        x.chunks_exact(WEIGHTS).for_each(|row| row.iter().zip(&mut means).for_each(|(x, mean)| *mean += x / labels));
        let mut dense = Vec::with_capacity(case.labels() * DENSE);
        let mut names = Vec::new();
        for (label, row) in x.chunks_exact(WEIGHTS).enumerate() {
            dense.extend(row[..TERM_FIELDS].iter().zip(&means).map(|(x, mean)| x - mean));
            dense.push(row[FIELDS] - means[FIELDS]);
            let said = (TERM_FIELDS..FIELDS).filter(|&field| row[field] != 0.0);
            names.extend(said.map(|field| (label as u16, field as u8, row[field])));
        }
        let means = std::array::from_fn(|name| means[TERM_FIELDS + name]);
        HeldOut { label: case.label, dense: dense.into(), names: names.into(), means }
    }

    /// All scores: `x[label][weight]`, into a buffer that is used again.
    fn read(&self, x: &mut Vec<[f64; WEIGHTS]>) {
        x.clear();
        let mut plain = [0.0; WEIGHTS];
        plain[TERM_FIELDS..FIELDS].iter_mut().zip(self.means).for_each(|(x, mean)| *x -= mean);
        x.extend(self.dense.as_chunks::<DENSE>().0.iter().map(|dense| {
            let mut row = plain;
            row[..TERM_FIELDS].copy_from_slice(&dense[..TERM_FIELDS]);
            row[FIELDS] = dense[TERM_FIELDS];
            row
        }));
        for &(label, field, score) in &self.names {
            x[usize::from(label)][usize::from(field)] += score;
        }
    }

    /// The score of every label under some weights, without what is the same for all.
    fn scores(&self, weights: &[f64; WEIGHTS], scores: &mut Vec<f64>) {
        scores.clear();
        let (terms, prior) = (&weights[..TERM_FIELDS], weights[FIELDS]);
        scores.extend(
            self.dense
                .as_chunks::<DENSE>()
                .0
                .iter()
                .map(|dense| dense.iter().zip(terms).map(|(x, w)| x * w).sum::<f64>() + dense[TERM_FIELDS] * prior),
        );
        for &(label, field, score) in &self.names {
            scores[usize::from(label)] += weights[usize::from(field)] * score;
        }
    }
}

/// `-ln softmax(scores)[label]`.
pub(super) fn loss(scores: &[f64], label: usize) -> f64 {
    let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scores.iter().map(|score| libm::exp(score - best)).sum();
    best + libm::log(sum) - scores[label]
}

fn objective(articles: &[HeldOut], weights: &[f64; WEIGHTS]) -> f64 {
    let partial = |chunk: &[HeldOut]| {
        let mut scores = Vec::new();
        let loss = |article: &HeldOut| {
            article.scores(weights, &mut scores);
            loss(&scores, article.label)
        };
        chunk.iter().map(loss).sum::<f64>()
    };
    // Chunks are of a fixed size and added in order, so the sum is the same on any number of threads.
    let sum: f64 = articles.par_chunks(CHUNK).map(partial).collect::<Vec<_>>().into_iter().sum();
    let penalty: f64 = weights.iter().zip(plain()).map(|(w, plain)| (w - plain) * (w - plain)).sum();
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
    let (n, plain) = (articles.len() as f64, plain());
    for i in 0..WEIGHTS {
        gradient[i] = (gradient[i] + (weights[i] - plain[i]) / VARIANCE) / n;
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
    let (mut all, mut scores) = (Vec::new(), Vec::new());
    for article in articles {
        article.read(&mut all);
        article.scores(weights, &mut scores);
        let probabilities = softmax(&scores, 1.0);
        let mut mean = [0.0; WEIGHTS];
        for (x, p) in all.iter().zip(&probabilities).filter(|(_, p)| **p > 1e-12) {
            for i in 0..WEIGHTS {
                let weighted = p * x[i];
                mean[i] += weighted;
                for j in 0..=i {
                    hessian[i][j] += weighted * x[j];
                }
            }
        }
        let own = &all[article.label];
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

/// Learns the weights.
pub(super) fn fit(cases: &[&Case]) -> [f64; WEIGHTS] {
    let mut weights = plain();
    if cases.is_empty() {
        return weights;
    }
    let articles: Vec<HeldOut> = cases.par_iter().map(|case| HeldOut::new(case)).collect();
    let mut value = objective(&articles, &weights);
    for _ in 0..MAX_STEPS {
        let (gradient, hessian) = derivatives(&articles, &weights);
        // A weight at 0 that would only go further down is fixed for this step.
        let free = std::array::from_fn(|i| is_signed(i) || weights[i] > 0.0 || gradient[i] < 0.0);
        let step = solve(hessian, gradient, &free);
        let mut length = 1.0;
        let next = loop {
            let candidate: [f64; WEIGHTS] = std::array::from_fn(|i| {
                let moved = weights[i] - length * step[i];
                if is_signed(i) { moved } else { moved.max(0.0) }
            });
            let reached = objective(&articles, &candidate);
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
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{
        case::Background,
        rows::{Row, Rows},
    };
    use std::sync::Arc;

    /// Two labels told apart by the first field only; one article in ten speaks for the wrong one, so that the best
    /// weight is finite.
    fn cases(number: usize) -> Vec<Case> {
        let floors = vec![vec![0.0; 2]; TERM_FIELDS];
        let background = Arc::new(Background { floors, prior: vec![0.0; 2], is_counted: vec![true; 2] });
        let case = |i: usize| {
            let label = i % 2;
            let mut rows = Rows::with_capacity(2, 1);
            let says = if i % 10 == 9 { 1 - label } else { label };
            let start = rows.push(0, 0, std::iter::once((says as u16, 1.0)));
            rows.push_feature(Row::new(start, if says == label { 1.0 } else { 0.0 }));
            Case::new(label, 0..1, &Arc::new(rows), 0.0, &background)
        };
        (0..number).map(case).collect()
    }

    #[test]
    fn the_weight_of_a_field_is_its_log_odds() {
        let cases = cases(10_000);
        let weights = fit(&cases.iter().collect::<Vec<_>>());
        // Right nine times in ten: the best difference of scores is ln 9.
        assert!((weights[0] - 9_f64.ln()).abs() < 1e-2, "{weights:?}");
    }

    #[test]
    fn what_nothing_is_known_of_stays_plain() {
        let cases = cases(10);
        let weights = fit(&cases.iter().collect::<Vec<_>>());
        for weight in 1..WEIGHTS {
            assert!((weights[weight] - plain()[weight]).abs() < 1e-9, "{weight}: {weights:?}");
        }
    }

    #[test]
    fn derivatives_are_those_of_the_objective() {
        let articles: Vec<HeldOut> = cases(50).iter().map(HeldOut::new).collect();
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
