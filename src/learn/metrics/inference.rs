//! What a sample says about what it was drawn from: confidence intervals and the test of two models on the same articles.

/// The normal distribution has 95% of its mass within this many standard deviations.
const Z: f64 = 1.959_963_984_540_054;

/// The 95% score interval of a share of `n` (Wilson 1927, "Probable inference, the law of succession, and statistical
/// inference"); all of 0 to 1 if `n` is 0.
#[must_use]
pub fn wilson(share: f64, n: u64) -> [f64; 2] {
    if n == 0 {
        return [0.0, 1.0];
    }
    let n = n as f64;
    let centre = share + Z * Z / (2.0 * n);
    let half = Z * libm::sqrt(share * (1.0 - share) / n + Z * Z / (4.0 * n * n));
    let scale = 1.0 + Z * Z / n;
    // At a share of 0 or 1 the bound there is exactly that, whatever the rounding.
    let low = if share > 0.0 { ((centre - half) / scale).max(0.0) } else { 0.0 };
    let high = if share < 1.0 { ((centre + half) / scale).min(1.0) } else { 1.0 };
    [low, high]
}

/// The exact test of McNemar (1947): the two-sided p-value of the discordant pairs falling `first` to `second` if each
/// falls either way with probability one half.
#[must_use]
pub fn mcnemar(first: u64, second: u64) -> f64 {
    let (n, fewer) = (first.saturating_add(second) as f64, first.min(second));
    let log_factorial = |k: f64| libm::lgamma(k + 1.0);
    let all = log_factorial(n) - n * std::f64::consts::LN_2;
    let mut tail = 0.0;
    // From the largest term down, which ends the sum once terms no longer change it.
    for k in (0..=fewer).rev().map(|k| k as f64) {
        let term = libm::exp(all - log_factorial(k) - log_factorial(n - k));
        if tail + term == tail {
            break;
        }
        tail += term;
    }
    (2.0 * tail).min(1.0)
}

/// The 95% interval of a difference of two shares over the same `n` articles, of which `first` and `second` are hits of
/// one side only: the normal approximation after half an article is added to each of the four cells (Agresti and Min
/// 2005, "Simple improved confidence intervals for comparing matched proportions").
#[must_use]
pub fn paired_share_interval(first: u64, second: u64, n: u64) -> [f64; 2] {
    let (first, second, n) = (first as f64 + 0.5, second as f64 + 0.5, n as f64 + 2.0);
    let difference = (first - second) / n;
    let half = Z * libm::sqrt((first + second) / n - difference * difference) / libm::sqrt(n);
    [(difference - half).max(-1.0), (difference + half).min(1.0)]
}

/// The mean of paired differences and its 95% interval by the normal approximation; no interval from fewer than two.
#[must_use]
pub fn paired_mean(differences: &[f64]) -> (f64, Option<[f64; 2]>) {
    let n = differences.len() as f64;
    if differences.is_empty() {
        return (0.0, None);
    }
    let mean = differences.iter().sum::<f64>() / n;
    let squares: f64 = differences.iter().map(|difference| (difference - mean) * (difference - mean)).sum();
    let half = Z * libm::sqrt(squares / (n - 1.0) / n);
    (mean, half.is_finite().then_some([mean - half, mean + half]))
}

/// The mean over articles of differences that come in clusters, and its 95% interval by the normal approximation with the
/// variance between clusters (Cameron and Miller 2015, "A practitioner's guide to cluster-robust inference"): articles of
/// a cluster may be as alike as they please. Of each cluster: the sum of its differences and their number. No interval
/// from fewer than two clusters.
#[must_use]
pub fn clustered_mean(clusters: &[(f64, u64)]) -> (f64, Option<[f64; 2]>) {
    let (sum, n) = clusters.iter().fold((0.0, 0.0), |(sum, n), (own, articles)| (sum + own, n + *articles as f64));
    if n == 0.0 {
        return (0.0, None);
    }
    let mean = sum / n;
    let away = |&(own, articles): &(f64, u64)| own - mean * articles as f64;
    let squares: f64 = clusters.iter().map(|cluster| away(cluster) * away(cluster)).sum();
    let clusters = clusters.len() as f64;
    let half = Z * libm::sqrt(squares * clusters / (clusters - 1.0)) / n;
    (mean, half.is_finite().then_some([mean - half, mean + half]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: impl IntoIterator<Item = f64>, expect: &[f64], within: f64) {
        let found: Vec<f64> = found.into_iter().collect();
        assert_eq!(found.len(), expect.len());
        for (a, b) in found.iter().zip(expect) {
            assert!((a - b).abs() < within, "{found:?} {expect:?}");
        }
    }

    /// The first four from Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I.
    #[test]
    fn score_interval() {
        check(wilson(81.0 / 263.0, 263), &[0.2553, 0.3662], 5e-5);
        check(wilson(15.0 / 148.0, 148), &[0.0624, 0.1605], 5e-5);
        check(wilson(0.0, 20), &[0.0, 0.1611], 5e-5);
        check(wilson(1.0 / 29.0, 29), &[0.0061, 0.1718], 5e-5);
        check(wilson(1.0, 20), &[0.8389, 1.0], 5e-5);
        check(wilson(0.0, 0), &[0.0, 1.0], 1e-15);
    }

    /// Sums of binomial coefficients over powers of two.
    #[test]
    fn exact_test() {
        for (first, second, expect) in [
            (0, 0, 1.0),
            (3, 3, 1.0),
            (1, 0, 1.0),
            (0, 5, 2.0 / 32.0),
            (5, 0, 2.0 / 32.0),
            (2, 8, 2.0 * (1.0 + 10.0 + 45.0) / 1024.0),
            (4, 5, 1.0),
            (0, 40, 2.0 / 1_099_511_627_776.0),
        ] {
            let p = mcnemar(first, second);
            assert!((p / expect - 1.0).abs() < 1e-9, "{first} {second}: {p} {expect}");
        }
        // Large counts are finite and agree with the normal approximation: 5,000 against 5,200 is 1.98 deviations.
        check([mcnemar(5000, 5200)], &[0.0487], 5e-4);
        check([mcnemar(50_000_000, 50_000_000)], &[1.0], 1e-6);
    }

    /// b = 9, c = 3 of 100: cells 9.5 and 3.5 of 102, difference 6/102, standard error
    /// sqrt(13/102 - (6/102)^2) / sqrt(102).
    #[test]
    fn difference_of_paired_shares() {
        check(paired_share_interval(9, 3, 100), &[0.058_823_5 - 0.068_334_9, 0.058_823_5 + 0.068_334_9], 1e-6);
        check(paired_share_interval(3, 9, 100), &[-0.058_823_5 - 0.068_334_9, -0.058_823_5 + 0.068_334_9], 1e-6);
        let [low, high] = paired_share_interval(0, 0, 100);
        assert!(low == -high && (0.0..0.02).contains(&high), "{low} {high}");
        let [low, high] = paired_share_interval(10, 0, 10);
        assert!((0.5..1.0).contains(&low) && high == 1.0, "{low} {high}");
    }

    /// 1, 2, 3, 6: mean 3, sum of squares 14, standard error sqrt(14 / 3 / 4).
    #[test]
    fn mean_of_paired_differences() {
        let (mean, interval) = paired_mean(&[1.0, 2.0, 3.0, 6.0]);
        check([mean], &[3.0], 1e-12);
        check(interval.unwrap(), &[3.0 - Z * 1.080_123_45, 3.0 + Z * 1.080_123_45], 1e-7);
        assert_eq!(paired_mean(&[]), (0.0, None));
        let (mean, clustered) = clustered_mean(&[(1.0, 1), (2.0, 1), (3.0, 1), (6.0, 1)]);
        check([mean], &[3.0], 1e-12);
        check(clustered.unwrap(), &interval.unwrap(), 1e-12);
        // Twice the same four articles say no more than four: the interval is that of the means.
        let (mean, clustered) = clustered_mean(&[(2.0, 2), (4.0, 2), (6.0, 2), (12.0, 2)]);
        check([mean], &[3.0], 1e-12);
        check(clustered.unwrap(), &interval.unwrap(), 1e-12);
        assert_eq!(clustered_mean(&[]), (0.0, None));
        assert_eq!(clustered_mean(&[(2.0, 3)]).1, None);
        assert_eq!(paired_mean(&[2.0]), (2.0, None));
        assert_eq!(paired_mean(&[0.0, 0.0]), (0.0, Some([0.0, 0.0])));
    }
}
