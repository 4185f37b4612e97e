//! Whether one model is better than another, by enough and beyond the doubt that the articles leave.

use std::collections::BTreeMap;

use super::{
    article::LabelledArticle,
    compare::AxisComparison,
    evaluate::{Evaluator, for_each_chunk},
    metrics::{Scored, clustered_mean},
    stop::{GoOn, Stopped},
};
use crate::{
    classify::Axis,
    model::{Digest, ModelFile},
};

/// With fewer groups of articles than this the normal approximation is not to be trusted.
pub const MIN_GROUPS: usize = 30;

/// What models are compared by. A label that a model does not have is a wrong answer of that model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The share of articles whose most probable label is the true one. Higher is better.
    Accuracy,
    /// The mean of -ln of the probability given to the true label, at most 34.5 (a probability of 1e-15). Lower is better.
    LogLoss,
}

/// By how much a model has to be better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// On which axis; `None`: on each that some article is labelled on and both models answer.
    pub axis: Option<Axis>,
    /// In what.
    pub measure: Measure,
    /// In the units of the measure, a number. Below 0: it may be worse by less than so much.
    pub margin: f64,
}

/// Whether a condition is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval of the advantage is above the margin, on every axis that is compared.
    Better,
    /// On some axis none of the interval is above the margin; or the new model does not answer an axis that the one before
    /// does.
    NotBetter,
    /// Otherwise: an interval holds the margin, there are fewer than [`MIN_GROUPS`] groups, or nothing can be compared.
    /// More articles may say either.
    TooFew,
}

/// One axis of two models on the same articles. Pairs of figures are of the new model and of the one before.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisImprovement {
    /// The figures.
    pub comparison: AxisComparison,
    /// Groups that the articles are of.
    pub groups: u64,
    /// How much better the new model is by the measure of the condition: above 0 is better, whatever the measure.
    pub advantage: f64,
    /// Where that lies with 95% confidence, whole groups being drawn: see [`clustered_mean`]. For the accuracy, one article
    /// that only the one and one that only the other labels rightly are added, each a group of its own (Bonett and Price
    /// 2012, "Adjusted Wald confidence interval for a difference of binomial proportions based on paired data"), so that
    /// two models that always agree are not thought to agree for ever. `None` with fewer than two groups.
    pub interval: Option<[f64; 2]>,
    /// What it says of this axis.
    pub verdict: Verdict,
}

/// A condition, held against two models on the same articles.
#[derive(Clone, Debug, PartialEq)]
pub struct Improvement {
    /// What came of it.
    pub verdict: Verdict,
    /// The axes that were compared.
    pub axes: Vec<AxisImprovement>,
}

/// Compares a new model with the one before on articles whose labels are known, each scored as in
/// [`evaluate`](super::evaluate()): without itself where a model was trained on it.
///
/// # Errors
///
/// It was given up.
pub fn improvement(
    new: &ModelFile,
    before: &ModelFile,
    articles: impl IntoIterator<Item = LabelledArticle>,
    condition: Condition,
    go_on: GoOn<'_>,
) -> Result<Improvement, Stopped> {
    let (mut first, mut second) = (Evaluator::new(new), Evaluator::new(before));
    let mut groups = Vec::new();
    for_each_chunk(articles, |chunk| {
        groups.extend(chunk.iter().map(LabelledArticle::group_digest));
        first.add(chunk, go_on)?;
        second.add(chunk, go_on)
    })?;
    let is_asked = |axis: &Axis| condition.axis.is_none_or(|asked| asked == *axis);
    let compared = |axis: Axis| {
        let pairs = first.scored(axis).iter().zip(second.scored(axis)).zip(&groups);
        let pairs = pairs.filter_map(|((a, b), group)| Some((*group, [a.as_ref()?, b.as_ref()?])));
        AxisImprovement::new(axis, condition, &pairs.collect::<Vec<_>>())
    };
    let axes: Vec<AxisImprovement> = Axis::ALL.into_iter().filter(is_asked).filter_map(compared).collect();
    let answers = |file: &ModelFile, axis: Axis| file.serving.tables.axes[axis as usize].is_some();
    let is_lost = Axis::ALL.into_iter().any(|axis| answers(before, axis) && !answers(new, axis));
    Ok(Improvement { verdict: overall(is_lost, &axes), axes })
}

fn overall(is_lost: bool, axes: &[AxisImprovement]) -> Verdict {
    if is_lost || axes.iter().any(|axis| axis.verdict == Verdict::NotBetter) {
        Verdict::NotBetter
    } else if !axes.is_empty() && axes.iter().all(|axis| axis.verdict == Verdict::Better) {
        Verdict::Better
    } else {
        Verdict::TooFew
    }
}

impl AxisImprovement {
    /// From the group of each article and what both models say of it; `None` without any.
    fn new(axis: Axis, condition: Condition, scored: &[(Digest, [&Scored; 2])]) -> Option<Self> {
        let comparison = AxisComparison::new(axis, scored.iter().map(|(_, pair)| *pair))?;
        let better = |[new, before]: &[&Scored; 2]| match condition.measure {
            Measure::Accuracy => f64::from(u8::from(new.is_correct())) - f64::from(u8::from(before.is_correct())),
            Measure::LogLoss => before.loss() - new.loss(),
        };
        let mut groups: BTreeMap<Digest, Vec<f64>> = BTreeMap::new();
        scored.iter().for_each(|(group, pair)| groups.entry(*group).or_default().push(better(pair)));
        // In an order of their own, so that the last digits of sums do not depend on the order of the articles.
        groups.values_mut().for_each(|members| members.sort_unstable_by(f64::total_cmp));
        let mut clusters: Vec<(f64, u64)> =
            groups.values().map(|members| (members.iter().sum(), members.len() as u64)).collect();
        let advantage = clustered_mean(&clusters).0;
        if condition.measure == Measure::Accuracy && clusters.len() > 1 {
            clusters.extend([(1.0, 1), (-1.0, 1)]);
        }
        let interval = clustered_mean(&clusters).1;
        let verdict = match interval {
            Some([low, _]) if groups.len() >= MIN_GROUPS && low > condition.margin => Verdict::Better,
            Some([_, high]) if groups.len() >= MIN_GROUPS && high <= condition.margin => Verdict::NotBetter,
            Some(_) | None => Verdict::TooFew,
        };
        Some(AxisImprovement { comparison, groups: groups.len() as u64, advantage, interval, verdict })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: [&str; 2] = ["a", "b"];

    fn scored(p: f64) -> Scored {
        Scored::new("a", &LABELS.map(str::to_owned), &[p, 1.0 - p])
    }

    fn judged(measure: Measure, margin: f64, pairs: &[[f64; 2]], size: usize) -> AxisImprovement {
        let condition = Condition { axis: None, measure, margin };
        let pairs: Vec<[Scored; 2]> = pairs.iter().map(|pair| pair.map(scored)).collect();
        let group = |number: usize| Digest::of(&[&(number / size).to_string()]);
        let mut grouped: Vec<_> = pairs.iter().enumerate().map(|(n, [a, b])| (group(n), [a, b])).collect();
        let found = AxisImprovement::new(Axis::MeetingType, condition, &grouped).unwrap();
        grouped.reverse();
        assert_eq!(AxisImprovement::new(Axis::MeetingType, condition, &grouped).unwrap(), found);
        found
    }

    /// So many articles that the new model alone, the one before alone, and both label rightly, `size` to a group.
    fn check([new, before, both]: [usize; 3], size: usize, margin: f64, expect: Verdict) -> AxisImprovement {
        let kinds = [([0.8, 0.2], new), ([0.2, 0.8], before), ([0.8, 0.8], both)];
        let pairs: Vec<_> = kinds.into_iter().flat_map(|(pair, n)| std::iter::repeat_n(pair, n)).collect();
        let found = judged(Measure::Accuracy, margin, &pairs, size);
        assert_eq!(found.verdict, expect, "{new} {before} {both} {size} {margin}: {found:?}");
        found
    }

    #[test]
    fn better_by_the_margin_beyond_doubt() {
        let found = check([20, 0, 80], 1, 0.0, Verdict::Better);
        assert_eq!((found.comparison.articles, found.groups, found.comparison.accuracy), (100, 100, [1.0, 0.8]));
        assert!((found.advantage - 0.2).abs() < 1e-12);
        // b = 21, c = 1 of 102: 20/102, and 1.96 sqrt((22/102 - (20/102)^2) / 101).
        let [low, high] = found.interval.unwrap();
        assert!((low - 0.113_98).abs() < 1e-4 && (high - 0.278_17).abs() < 1e-4, "{low} {high}");
        check([20, 0, 80], 1, 0.1, Verdict::Better);
        check([20, 0, 80], 1, 0.2, Verdict::TooFew);
        check([20, 0, 80], 1, 0.3, Verdict::NotBetter);
        check([0, 20, 80], 1, 0.0, Verdict::NotBetter);
        // As even as can be: a few more articles may say either.
        check([10, 10, 80], 1, 0.0, Verdict::TooFew);
        check([0, 0, 100], 1, 0.0, Verdict::TooFew);
        // Not worse by more than so much.
        check([0, 0, 1000], 1, -0.01, Verdict::Better);
        check([0, 0, 100], 1, -0.01, Verdict::TooFew);
    }

    /// Ten copies of an article are not ten articles.
    #[test]
    fn groups_are_what_is_counted() {
        check([29, 0, 0], 1, 0.0, Verdict::TooFew);
        check([30, 0, 0], 1, 0.0, Verdict::Better);
        check([290, 0, 0], 10, 0.0, Verdict::TooFew);
        check([40, 10, 250], 1, 0.0, Verdict::Better);
        check([40, 10, 250], 10, 0.0, Verdict::TooFew);
        check([5, 0, 0], 5, 0.0, Verdict::TooFew);
    }

    #[test]
    fn less_loss_is_better() {
        let check = |pair: [f64; 2], expect: Verdict| {
            let pairs: Vec<[f64; 2]> = (0..40).map(|n| pair.map(|p| p + 0.001 * f64::from(n))).collect();
            let found = judged(Measure::LogLoss, 0.1, &pairs, 1);
            assert_eq!((found.verdict, found.advantage > 0.0), (expect, pair[0] > pair[1]), "{found:?}");
        };
        check([0.9, 0.6], Verdict::Better);
        check([0.62, 0.6], Verdict::NotBetter);
        check([0.6, 0.9], Verdict::NotBetter);
    }

    #[test]
    fn every_axis_has_to_be_better() {
        let better = || check([20, 0, 80], 1, 0.0, Verdict::Better);
        let worse = || check([0, 20, 80], 1, 0.0, Verdict::NotBetter);
        let even = || check([10, 10, 80], 1, 0.0, Verdict::TooFew);
        assert_eq!(overall(false, &[better(), better()]), Verdict::Better);
        assert_eq!(overall(false, &[better(), even()]), Verdict::TooFew);
        assert_eq!(overall(false, &[worse(), even()]), Verdict::NotBetter);
        assert_eq!(overall(false, &[]), Verdict::TooFew);
        assert_eq!(overall(true, &[better()]), Verdict::NotBetter);
    }
}
