//! Confidence intervals of means by the bootstrap (Efron and Tibshirani 1993, "An introduction to the bootstrap",
//! section 13.3: percentile intervals), for figures whose distribution is not known.

use rayon::prelude::*;

use crate::text::mix;

/// Samples drawn: the bounds of an interval rest on 250 of them each.
const RESAMPLES: u64 = 10_000;

/// The step of SplitMix64 (Steele, Lea and Flood 2014).
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of random numbers that its seed decides.
pub(in crate::learn) struct Random(u64);

impl Random {
    /// Seeds that differ at all give streams that have nothing in common.
    pub(in crate::learn) fn new(seed: u64) -> Self {
        Random(mix(seed.wrapping_add(STEP)))
    }

    /// A number below `n`, or 0 if `n` is 0, each as likely as the others to one part in 2^64 / n (Lemire 2019).
    pub(in crate::learn) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(STEP);
        // The product's upper half is below `n`.
        ((u128::from(mix(self.0)) * n as u128) >> 64) as usize
    }
}

/// A mean, and the 95% interval of it; no interval from fewer than two rows.
pub(in crate::learn) type Mean = (f64, Option<[f64; 2]>);

/// The means of columns of figures. Whole rows are drawn, so that the interval of a column of differences is that of
/// paired figures. The same rows in the same order always give the same intervals.
pub(in crate::learn) fn means<const N: usize>(rows: &[[f64; N]]) -> [Mean; N] {
    let mean = |sum: [f64; N]| sum.map(|sum| sum / rows.len().max(1) as f64);
    let add = |mut sum: [f64; N], row: &[f64; N]| {
        sum.iter_mut().zip(row).for_each(|(sum, figure)| *sum += figure);
        sum
    };
    let drawn = |number: u64| {
        let mut random = Random::new(number);
        mean((0..rows.len()).filter_map(|_| rows.get(random.below(rows.len()))).fold([0.0; N], add))
    };
    let found = mean(rows.iter().fold([0.0; N], add));
    if rows.len() < 2 {
        return found.map(|mean| (mean, None));
    }
    let samples: Vec<[f64; N]> = (0..RESAMPLES).into_par_iter().map(drawn).collect();
    std::array::from_fn(|column| {
        let mut means: Vec<f64> = samples.iter().map(|sample| sample[column]).collect();
        means.sort_unstable_by(f64::total_cmp);
        (found[column], Some([0.025, 0.975].map(|share| quantile(&means, share))))
    })
}

/// A quantile of ascending numbers, between two of them in proportion.
fn quantile(ascending: &[f64], share: f64) -> f64 {
    let place = share * ascending.len().saturating_sub(1) as f64;
    let at = |place: f64| ascending.get(place as usize).copied().unwrap_or_default();
    at(place.floor()) + (place - place.floor()) * (at(place.ceil()) - at(place.floor()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_numbers() {
        for (share, expect) in [(0.0, 1.0), (0.5, 2.5), (0.9, 5.8), (1.0, 7.0)] {
            let found = quantile(&[1.0, 2.0, 3.0, 7.0], share);
            assert!((found - expect).abs() < 1e-9, "{share}: {found}");
        }
        assert_eq!((quantile(&[5.0], 0.975), quantile(&[], 0.5)), (5.0, 0.0));
    }

    #[test]
    fn numbers_below_a_bound_are_spread_over_it() {
        let mut counts = [0_u32; 7];
        let mut random = Random::new(3);
        (0..70_000).for_each(|_| counts[random.below(7)] += 1);
        assert!(counts.iter().all(|&count| (9_600..10_400).contains(&count)), "{counts:?}");
        assert_eq!((random.below(1), random.below(0)), (0, 0));
    }

    /// Of a mean of many independent figures, the interval is that of the normal distribution.
    #[test]
    fn intervals_of_means() {
        let mut random = Random::new(1);
        let rows: Vec<[f64; 3]> = (0..400)
            .map(|_| {
                let (a, b) = (random.below(1000) as f64, random.below(1000) as f64);
                [a, a + b / 100.0, b / 100.0]
            })
            .collect();
        let found = means(&rows);
        for (column, (mean, interval)) in found.into_iter().enumerate() {
            let figures: Vec<f64> = rows.iter().map(|row| row[column]).collect();
            let (expect, normal) = crate::learn::paired_mean(&figures);
            let ([low, high], [found_low, found_high]) = (normal.unwrap(), interval.unwrap());
            assert!((mean - expect).abs() < 1e-9, "{mean} {expect}");
            let within = 0.05 * (high - low);
            assert!(
                (found_low - low).abs() < within && (found_high - high).abs() < within,
                "{interval:?} {low} {high}"
            );
        }
        assert_eq!(means(&rows), found);
    }

    #[test]
    fn few_rows() {
        assert_eq!(means::<1>(&[]), [(0.0, None)]);
        assert_eq!(means(&[[2.0, 3.0]]), [(2.0, None), (3.0, None)]);
        assert_eq!(means(&[[2.0], [2.0]]), [(2.0, Some([2.0, 2.0]))]);
        assert_eq!(means(&[[0.0], [1.0]]), [(0.5, Some([0.0, 1.0]))]);
    }
}
