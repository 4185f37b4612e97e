//! What scores are worth: temperature, the thresholds of decisions, and label sets.

use serde::{Deserialize, Serialize};

use super::Temperature;

/// How the scores of one axis become probabilities and decisions: learnt from articles that the scores knew nothing of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// How scores become probabilities.
    pub temperature: Temperature,
    /// Both columns ascending: a probability, and the share of right answers among the held-out articles whose chosen
    /// label had at least that. Of points with the same share only the lowest is here.
    pub precision: Vec<(f32, f32)>,
    /// At place `j` the probability that the true label must have for a label set of coverage `1 - j / STEPS`;
    /// ascending.
    pub true_label: Vec<f32>,
}

/// The steps of coverage that label sets can be asked for with.
const STEPS: usize = 1000;

/// Points of the precision column are at least this far apart.
const PRECISION_STEP: f32 = 0.0005;

impl Calibration {
    /// From a temperature and, for each held-out article, the probability of its chosen label, whether that was the
    /// true one, and the probability of the true label.
    #[must_use]
    pub fn new(temperature: Temperature, held_out: &[(f64, bool, f64)]) -> Self {
        let mut chosen: Vec<(f64, bool)> = held_out.iter().map(|&(p, right, _)| (p, right)).collect();
        chosen.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
        let mut points: Vec<(f32, f32)> = Vec::new();
        let mut right = 0;
        for (at, &(p, is_right)) in chosen.iter().enumerate() {
            right += usize::from(is_right);
            if chosen.get(at + 1).is_none_or(|next| next.0 < p) {
                points.push((p as f32, (right as f64 / (at + 1) as f64) as f32));
            }
        }
        let mut precision: Vec<(f32, f32)> = Vec::new();
        for point in points.into_iter().rev() {
            if precision.last().is_none_or(|last| point.0 > last.0 && point.1 >= last.1 + PRECISION_STEP) {
                precision.push(point);
            }
        }

        let mut truth: Vec<f64> = held_out.iter().map(|&(_, _, p)| p).collect();
        truth.sort_unstable_by(f64::total_cmp);
        // Split conformal prediction (Vovk, Gammerman and Shafer 2005): of n held-out articles and a new one like them,
        // at most k have a true label less probable than that of the k-th of the n.
        let quantile = |step: usize| {
            let k = (truth.len() + 1) * step / STEPS;
            k.min(truth.len()).checked_sub(1).and_then(|at| truth.get(at)).map_or(0.0, |&p| p as f32)
        };
        Calibration { temperature, precision, true_label: (0..=STEPS).map(quantile).collect() }
    }

    /// The least probability of the chosen label with which held-out articles were right in at least this share of
    /// cases; infinite if no threshold reaches it.
    #[must_use]
    pub fn threshold(&self, precision: f64) -> f64 {
        let at = self.precision.partition_point(|&(_, reached)| f64::from(reached) < precision);
        self.precision.get(at).map_or(f64::INFINITY, |&(p, _)| f64::from(p))
    }

    /// How many labels a set of this coverage holds, of probabilities in falling order; one at least. It holds all labels
    /// that are probable enough for held-out articles to be covered, and goes on until the labels in it have this
    /// probability together: where articles are harder than those of training, sure answers are rarer, and sets grow.
    #[must_use]
    pub fn label_set(&self, falling: impl IntoIterator<Item = f64>, coverage: f64) -> usize {
        let least = self.least_probability(coverage);
        let mut together = 0.0;
        let is_in = |&p: &f64| {
            let is_in = together < coverage || p >= least;
            together += p;
            is_in
        };
        falling.into_iter().take_while(is_in).count().max(1)
    }

    /// The least probability of a label in a label set of this coverage: the smallest sets on average are those of all
    /// labels above one threshold (Sadinle, Lei and Wasserman 2019). 0 if only the set of all labels has it.
    fn least_probability(&self, coverage: f64) -> f64 {
        let step = ((1.0 - coverage) * STEPS as f64 + 1e-9).floor().clamp(0.0, STEPS as f64) as usize;
        self.true_label.get(step).map_or(0.0, |&p| f64::from(p))
    }

    /// Whether the values are in their ranges and order.
    pub(super) fn is_sound(&self) -> bool {
        let probability = |p: f32| (0.0..=1.0).contains(&p);
        self.temperature.is_sound()
            && self.precision.iter().all(|&(p, share)| probability(p) && probability(share))
            && self.precision.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1)
            && self.true_label.len() <= STEPS + 1
            && self.true_label.iter().all(|&p| probability(p))
            && self.true_label.is_sorted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_keep_their_precision() {
        let held_out: Vec<(f64, bool, f64)> = (1..=100)
            .map(|i| {
                let p = f64::from(i) / 100.0;
                // Every other one below 0.5 is wrong, all above are right.
                (p, i > 50 || i % 2 == 0, p)
            })
            .collect();
        let calibration = Calibration::new(Temperature::default(), &held_out);
        assert!(calibration.is_sound());
        for target in [0.5, 0.75, 0.8, 0.9, 0.95, 1.0] {
            let threshold = calibration.threshold(target);
            let above: Vec<bool> = held_out.iter().filter(|a| a.0 >= threshold - 1e-6).map(|a| a.1).collect();
            let share = above.iter().filter(|right| **right).count() as f64 / above.len() as f64;
            assert!(share >= target - 1e-6, "{target}: {share} at {threshold}");
        }
        assert!((calibration.threshold(1.0) - 0.5).abs() < 1e-6, "50 is right as well");
        assert_eq!(Calibration::default().threshold(0.5), f64::INFINITY);
    }

    #[test]
    fn label_sets_hold_the_true_label_often_enough() {
        let held_out: Vec<(f64, bool, f64)> = (1..=999).map(|i| (1.0, true, f64::from(i) / 1000.0)).collect();
        let calibration = Calibration::new(Temperature::default(), &held_out);
        assert!((calibration.least_probability(0.9) - 0.1).abs() < 1e-6);
        assert!((calibration.least_probability(0.999) - 0.001).abs() < 1e-6);
        assert_eq!(calibration.least_probability(1.0), 0.0);
        assert_eq!(Calibration::default().least_probability(0.9), 0.0);

        // A sure answer stands alone; an unsure one has what it takes to be 0.9 sure; all that is probable enough is in.
        assert_eq!(calibration.label_set([0.95, 0.05], 0.9), 1);
        assert_eq!(calibration.label_set([0.6, 0.25, 0.06, 0.05, 0.04], 0.9), 3);
        assert_eq!(calibration.label_set([0.5, 0.2, 0.15, 0.15], 0.8), 3);
        assert_eq!(calibration.label_set([0.4, 0.4, 0.21], 0.8), 3, "0.2 is the least for 0.8");
        assert_eq!(Calibration::default().label_set([0.9, 0.1], 0.9), 2, "nothing is known of coverage");
    }
}
