//! Whether one model is better than another, by enough and beyond the doubt that the articles leave.

use std::collections::BTreeMap;

use super::{
    article::LabelledArticle,
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

/// What models are compared by. Of an article it is the mean over the axes that it is labelled on and either model answers;
/// a model that does not answer an axis, or does not have the label, is wrong there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The share of labels that are right. Higher is better.
    Accuracy,
    /// The mean of -ln of the probability given to the true label, at most 34.5 (a probability of 1e-15). Lower is better.
    LogLoss,
}

/// By how much a model has to be better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// In what.
    pub measure: Measure,
    /// In the units of the measure, a number. Below 0: it may be worse by so much.
    pub margin: f64,
}

/// Whether a condition is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval of the improvement is above the margin.
    Better,
    /// None of the interval is above the margin.
    NotBetter,
    /// The interval holds the margin, or there are fewer than [`MIN_GROUPS`] groups: more articles may say either.
    TooFew,
}

/// A condition, held against two models on the same articles.
#[derive(Clone, Debug, PartialEq)]
pub struct Improvement {
    /// What came of it.
    pub verdict: Verdict,
    /// Articles that both were scored on.
    pub articles: u64,
    /// Groups that these articles are of.
    pub groups: u64,
    /// The measure of the new model and of the one before; 0 without articles.
    pub values: [f64; 2],
    /// How much better the new one is: above 0 is better, whatever the measure.
    pub improvement: f64,
    /// Where that lies with 95% confidence, whole groups being drawn: see [`clustered_mean`]. For the accuracy, one article
    /// that only the one and one that only the other labels rightly are added, each a group of its own (Bonett and Price
    /// 2012, "Adjusted Wald confidence interval for a difference of binomial proportions based on paired data"), so that
    /// two models that always agree are not thought to agree for ever. `None` with fewer than two groups.
    pub interval: Option<[f64; 2]>,
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
    let of = |number: usize| {
        let pairs = Axis::ALL.map(|axis| [&first, &second].map(|side| side.scored(axis)[number].as_ref()));
        mean_of(condition.measure, pairs)
    };
    let scored = groups.iter().enumerate().filter_map(|(number, group)| Some((*group, of(number)?)));
    Ok(Improvement::new(condition, scored))
}

/// The measure of both models on one article; `None` if neither answers an axis that it is labelled on.
fn mean_of(measure: Measure, axes: [[Option<&Scored>; 2]; 2]) -> Option<[f64; 2]> {
    let value = |scored: Option<&Scored>| match measure {
        Measure::Accuracy => f64::from(u8::from(scored.is_some_and(Scored::is_correct))),
        Measure::LogLoss => scored.map_or_else(Scored::greatest_loss, Scored::loss),
    };
    let answered: Vec<_> = axes.into_iter().filter(|pair| pair.iter().any(Option::is_some)).collect();
    let mean = |side: usize| answered.iter().map(|pair| value(pair[side])).sum::<f64>() / answered.len() as f64;
    (!answered.is_empty()).then(|| [mean(0), mean(1)])
}

impl Improvement {
    /// From group and measures of each article.
    fn new(condition: Condition, scored: impl Iterator<Item = (Digest, [f64; 2])>) -> Self {
        let mut groups: BTreeMap<Digest, Vec<[f64; 2]>> = BTreeMap::new();
        scored.for_each(|(group, values)| groups.entry(group).or_default().push(values));
        // In an order of their own, so that the last digits of sums do not depend on the order of the articles.
        for members in groups.values_mut() {
            members.sort_unstable_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        }
        let articles = groups.values().map(|members| members.len() as u64).sum::<u64>();
        let mean =
            |side: usize| groups.values().flatten().map(|values| values[side]).sum::<f64>() / (articles.max(1) as f64);
        let values = [mean(0), mean(1)];
        let better = |[new, before]: &[f64; 2]| match condition.measure {
            Measure::Accuracy => new - before,
            Measure::LogLoss => before - new,
        };
        let mut clusters: Vec<(f64, u64)> =
            groups.values().map(|members| (members.iter().map(better).sum(), members.len() as u64)).collect();
        if condition.measure == Measure::Accuracy && clusters.len() > 1 {
            clusters.extend([(1.0, 1), (-1.0, 1)]);
        }
        let interval = clustered_mean(&clusters).1;
        let verdict = match interval {
            Some([low, high]) if groups.len() >= MIN_GROUPS => {
                if low > condition.margin {
                    Verdict::Better
                } else if high <= condition.margin {
                    Verdict::NotBetter
                } else {
                    Verdict::TooFew
                }
            }
            Some(_) | None => Verdict::TooFew,
        };
        let improvement = better(&values);
        Improvement { verdict, articles, groups: groups.len() as u64, values, improvement, interval }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many articles that the new model alone, the old alone, and both label rightly, `size` to a group.
    fn articles([new, before, both]: [usize; 3], size: usize) -> Vec<(Digest, [f64; 2])> {
        let kinds = [([1.0, 0.0], new), ([0.0, 1.0], before), ([1.0, 1.0], both)];
        let values = kinds.into_iter().flat_map(|(values, n)| std::iter::repeat_n(values, n));
        values.enumerate().map(|(n, values)| (Digest::of(&[&(n / size).to_string()]), values)).collect()
    }

    fn check(counts: [usize; 3], size: usize, margin: f64, expect: Verdict) -> Improvement {
        let condition = Condition { measure: Measure::Accuracy, margin };
        let mut articles = articles(counts, size);
        let found = Improvement::new(condition, articles.iter().copied());
        assert_eq!(found.verdict, expect, "{counts:?} {size} {margin}: {found:?}");
        articles.reverse();
        assert_eq!(Improvement::new(condition, articles.into_iter()), found);
        found
    }

    #[test]
    fn better_by_the_margin_beyond_doubt() {
        let found = check([20, 0, 80], 1, 0.0, Verdict::Better);
        assert_eq!((found.articles, found.groups, found.values), (100, 100, [1.0, 0.8]));
        assert!((found.improvement - 0.2).abs() < 1e-12);
        // b = 21, c = 1 of 102, with n / (n - 1): 20/102 and 1.96 sqrt((22/102 - (20/102)^2) / 101).
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
        check([0, 0, 0], 1, 0.0, Verdict::TooFew);
        check([5, 0, 0], 5, 0.0, Verdict::TooFew);
    }

    #[test]
    fn an_article_is_the_mean_of_its_axes() {
        let labels = ["a", "b"].map(str::to_owned);
        let [right, wrong] = [0.8, 0.4].map(|p| Scored::new("a", &labels, &[p, 1.0 - p]));
        let (right, wrong) = (Some(&right), Some(&wrong));
        let check = |measure, axes, expect: Option<[f64; 2]>| match (mean_of(measure, axes), expect) {
            (Some(found), Some(expect)) => {
                (0..2).for_each(|n| assert!((found[n] - expect[n]).abs() < 1e-9, "{found:?}"))
            }
            (found, expect) => assert_eq!(found, expect),
        };
        check(Measure::Accuracy, [[right, wrong], [right, right]], Some([1.0, 0.5]));
        check(Measure::Accuracy, [[right, wrong], [None, None]], Some([1.0, 0.0]));
        check(Measure::Accuracy, [[right, None], [None, right]], Some([0.5, 0.5]));
        check(Measure::Accuracy, [[None, None], [None, None]], None);
        let (good, bad) = (-0.8_f64.ln(), -0.4_f64.ln());
        check(Measure::LogLoss, [[right, wrong], [wrong, right]], Some([(good + bad) / 2.0; 2]));
        check(Measure::LogLoss, [[wrong, None], [None, None]], Some([bad, -1e-15_f64.ln()]));
    }

    #[test]
    fn less_loss_is_better() {
        let articles =
            |a: f64, b: f64| (0..40).map(move |n| (Digest::of(&[&n.to_string()]), [a + 0.01 * f64::from(n), b]));
        let condition = Condition { measure: Measure::LogLoss, margin: 0.1 };
        let verdict = |a, b| Improvement::new(condition, articles(a, b)).verdict;
        assert_eq!((verdict(0.1, 0.8), verdict(0.1, 0.2)), (Verdict::Better, Verdict::NotBetter));
        assert!(Improvement::new(condition, articles(0.1, 0.8)).improvement > 0.4);
    }
}
