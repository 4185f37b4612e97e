//! Figures over the probability of the chosen label: the reliability table and the risk-coverage curve.

use crate::model::{ReliabilityBin, RiskPoint};

/// Rows of a reliability table.
const BINS: usize = 15;

/// The bin of a probability. Bins have equal width and own their lower bound; 1 belongs to the last.
fn bin_of(probability: f64) -> usize {
    ((probability * BINS as f64) as usize).min(BINS - 1)
}

/// The reliability table of articles, given as probability of the chosen label and whether that is the true one.
pub(super) fn reliability(articles: &[(f64, bool)]) -> Vec<ReliabilityBin> {
    let mut bins = [(0_u64, 0.0, 0_u64); BINS];
    for &(probability, hit) in articles {
        let (articles, sum, hits) = &mut bins[bin_of(probability)];
        *articles += 1;
        *sum += probability;
        *hits += u64::from(hit);
    }
    let row = |(articles, sum, hits): (u64, f64, u64)| {
        let n = articles.max(1) as f64;
        ReliabilityBin { articles, mean_probability: sum / n, accuracy: hits as f64 / n }
    };
    bins.map(row).to_vec()
}

/// The mean distance between probability and accuracy, weighted by the articles of each bin.
pub(super) fn calibration_error(reliability: &[ReliabilityBin]) -> f64 {
    let articles: u64 = reliability.iter().map(|bin| bin.articles).sum();
    let distance = |bin: &ReliabilityBin| bin.articles as f64 * (bin.mean_probability - bin.accuracy).abs();
    reliability.iter().map(distance).sum::<f64>() / articles.max(1) as f64
}

/// The risk-coverage curve of articles, given as for [`reliability`], in at most `points` points, and the area under
/// the whole of it.
///
/// Articles of equal probability are answered together, since no threshold tells them apart. Where there are more
/// thresholds than points, those are kept that first reach coverage 1/`points`, 2/`points` and so on.
pub(super) fn risk_coverage(mut articles: Vec<(f64, bool)>, points: usize) -> (Vec<RiskPoint>, f64) {
    articles.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let n = articles.len();
    let (mut curve, mut area) = (Vec::new(), 0.0);
    let (mut answered, mut errors, mut next) = (0, 0, 1);
    for equals in articles.chunk_by(|a, b| a.0 == b.0) {
        answered += equals.len();
        errors += equals.iter().filter(|(_, hit)| !hit).count();
        let error_rate = errors as f64 / answered as f64;
        area += error_rate * equals.len() as f64 / n as f64;
        // Of `points` equal steps of coverage, this many are reached.
        let reached = (answered as u128 * points as u128 / n as u128) as usize;
        if reached >= next {
            next = reached + 1;
            let threshold = equals.first().map_or(0.0, |(probability, _)| *probability);
            curve.push(RiskPoint { coverage: answered as f64 / n as f64, error_rate, threshold });
        }
    }
    (curve, area)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(articles: &[(f64, bool)], points: usize, expect: &[(f64, f64, f64)], expect_area: f64) {
        let (curve, area) = risk_coverage(articles.to_vec(), points);
        let curve: Vec<_> = curve.iter().map(|point| (point.coverage, point.error_rate, point.threshold)).collect();
        assert_eq!(curve, expect);
        assert!((area - expect_area).abs() < 1e-12, "{area}");
    }

    #[test]
    fn risk_rises_with_coverage() {
        check(&[], 10, &[], 0.0);
        check(&[(0.5, true)], 1, &[(1.0, 0.0, 0.5)], 0.0);
        let articles = [(0.5, false), (0.9, true), (0.7, false), (0.8, true)];
        let whole = [(0.25, 0.0, 0.9), (0.5, 0.0, 0.8), (0.75, 1.0 / 3.0, 0.7), (1.0, 0.5, 0.5)];
        let area = (0.0 + 0.0 + 1.0 / 3.0 + 0.5) / 4.0;
        check(&articles, 100, &whole, area);
        check(&articles, 4, &whole, area);
        // Half and all; the area does not depend on the points.
        check(&articles, 2, &[whole[1], whole[3]], area);
        check(&articles, 1, &[whole[3]], area);
    }

    #[test]
    fn equal_probabilities_are_answered_together() {
        // 0.9 alone, then three of 0.6 with one error: a quarter covered, then all of it.
        let articles = [(0.6, true), (0.9, true), (0.6, false), (0.6, true)];
        let expect = [(0.25, 0.0, 0.9), (1.0, 0.25, 0.6)];
        check(&articles, 21, &expect, 0.75 * 0.25);
        let reversed: Vec<_> = articles.iter().rev().copied().collect();
        check(&reversed, 21, &expect, 0.75 * 0.25);
    }

    #[test]
    fn bins_have_equal_width() {
        for (probability, bin) in [(0.0, 0), (0.066, 0), (0.067, 1), (0.2, 3), (0.999, 14), (1.0, 14), (f64::NAN, 0)] {
            assert_eq!(bin_of(probability), bin, "{probability}");
        }
        let table = reliability(&[(0.9, true), (0.92, false), (0.5, false)]);
        assert_eq!(table.len(), BINS);
        assert_eq!((table[13].articles, table[13].accuracy), (2, 0.5));
        assert!((table[13].mean_probability - 0.91).abs() < 1e-12);
        assert_eq!((table[7].articles, table[7].accuracy), (1, 0.0));
        assert_eq!(table.iter().map(|bin| bin.articles).sum::<u64>(), 3);
        assert!((calibration_error(&table) - (2.0 * 0.41 + 0.5) / 3.0).abs() < 1e-12);
        assert_eq!(calibration_error(&[]), 0.0);
    }
}
