//! One weight for each feature, learnt from held-out scores: attribute weighting.
//!
//! The likelihoods stay those of naive Bayes; only how much each feature counts is learnt discriminatively, after Zaidi,
//! Cerquides, Carman and Webb (2013), "Alleviating naive Bayes attribute independence assumption by attribute
//! weighting". The weights `w`, 0 or above, minimise
//!
//! ```text
//! sum over articles of  -ln softmax(score(i, ·; w))[true label]   +   precision / 2 · |w - w0|²
//! ```
//!
//! where `score(i, ·)` is that of a model trained without the article, and `w0` the weight that its field has where one
//! weight is learnt for each field: the most probable weights under a Gaussian prior around those. A feature of few
//! articles keeps the weight of its field. Names of labels have one weight for each field, which may be negative.

use rayon::prelude::*;

use super::{
    case::{Case, Parameters},
    fields::{self, VARIANCE, loss},
    minimize::minimize,
    stop::{self, GoOn, Stopped},
};
use crate::classify::softmax;

/// Parts that a sum over articles is cut into. Fixed, and added in order, so that the sum is the same on any number of
/// threads.
const PARTS: usize = 16;

/// How hard weights are looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    pub(super) max_steps: usize,
    /// The share of the objective that a step must gain to go on.
    pub(super) tolerance: f64,
}

/// Enough to compare settings.
pub(super) const QUICK: Effort = Effort { max_steps: 30, tolerance: 1e-3 };

/// Enough to serve with.
pub(super) const THOROUGH: Effort = Effort { max_steps: 100, tolerance: 1e-5 };

/// Weights by parameter.
pub(super) fn fit(
    cases: &[Case],
    parameters: &Parameters,
    precision: f64,
    effort: Effort,
    go_on: GoOn<'_>,
) -> Result<Vec<f64>, Stopped> {
    stop::check(go_on)?;
    let known: Vec<&Case> = cases.iter().filter(|case| case.teaches()).collect();
    let centre = parameters.spread(&fields::fit(&known));
    let terms = parameters.terms();
    let precision_of = |parameter: usize| if parameter < terms { precision } else { 1.0 / VARIANCE };
    let part = known.len().div_ceil(PARTS).max(1);
    let is_signed = |parameter: usize| parameter >= terms && parameter != parameters.prior();
    // What is found once the answer was no is not used, whatever the answer to others.
    let mut is_stopped = false;
    let goes_on = |&step: &usize| {
        is_stopped = is_stopped || !go_on();
        !is_stopped && step < effort.max_steps
    };
    // As many gradients at a time as threads take, in the same memory each time: each has an entry for every parameter.
    let threads = rayon::current_num_threads().clamp(1, PARTS);
    let mut gradients = vec![vec![0.0; centre.len()]; threads];
    let (weights, _) = minimize(centre.clone(), is_signed, goes_on, effort.tolerance, |weights| {
        let sum = |(cases, gradient): (&[&Case], &mut Vec<f64>)| {
            gradient.fill(0.0);
            let mut value = 0.0;
            for case in cases {
                let scores = case.scores(weights);
                value += loss(&scores, case.label);
                let mut slopes = softmax(&scores, 1.0);
                slopes[case.label] -= 1.0;
                case.add_gradient(&slopes, gradient);
            }
            value
        };
        let (mut value, mut gradient) = (0.0, vec![0.0; weights.len()]);
        for (parameter, (weight, centre)) in weights.iter().zip(&centre).enumerate() {
            let (away, precision) = (weight - centre, precision_of(parameter));
            value += precision / 2.0 * away * away;
            gradient[parameter] = precision * away;
        }
        for parts in known.chunks(part * threads) {
            let values: Vec<f64> = parts.par_chunks(part).zip(&mut gradients).map(sum).collect();
            for (own_value, own_gradient) in values.into_iter().zip(&gradients) {
                value += own_value;
                gradient.iter_mut().zip(own_gradient).for_each(|(sum, own)| *sum += own);
            }
        }
        (value, gradient)
    });
    if is_stopped { Err(Stopped) } else { Ok(weights) }
}
