//! Two models on the same articles.

use serde::Serialize;

use super::{
    article::LabelledArticle,
    evaluate::{Evaluation, Evaluator, for_each_chunk},
    metrics::{Scored, mcnemar, paired_mean, paired_share_interval},
};
use crate::{classify::Axis, model::ModelFile};

/// A model and the one that it is compared with, on the same articles. Pairs of figures are in that order, and a
/// difference is the first less the second.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The figures of the model.
    pub evaluation: Evaluation,
    /// The figures of the one that it is compared with.
    pub against: Evaluation,
    /// The axes that both answer and some article is labelled on.
    pub axes: Vec<AxisComparison>,
}

/// Two models on one axis. A label that a model does not have is a wrong answer of that model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AxisComparison {
    /// The axis.
    pub axis: Axis,
    /// Articles labelled on it.
    pub articles: u64,
    /// Of these, articles whose true label the model does not have.
    pub unknown_labels: [u64; 2],
    /// Share whose most probable label is the true one.
    pub accuracy: [f64; 2],
    /// The difference between the two.
    pub accuracy_difference: f64,
    /// Where that lies with 95% confidence: normal approximation for paired shares (Agresti and Min 2005).
    pub accuracy_difference_interval: [f64; 2],
    /// Articles that both models label rightly.
    pub both_correct: u64,
    /// Articles that only the one model labels rightly.
    pub only_correct: [u64; 2],
    /// Articles that neither labels rightly.
    pub neither_correct: u64,
    /// How probable so uneven a split of `only_correct` would be if both models were equally accurate: the exact test
    /// of McNemar (1947), two-sided.
    pub p_value: f64,
    /// Mean of -ln of the probability given to the true label.
    pub log_loss: [f64; 2],
    /// The difference between the two.
    pub log_loss_difference: f64,
    /// Where that lies with 95% confidence: normal approximation of the paired differences. `None` for one article.
    pub log_loss_difference_interval: Option<[f64; 2]>,
}

/// Scores articles whose labels are known by two models, each as in [`evaluate`](super::evaluate()).
pub fn compare(
    file: &ModelFile,
    against: &ModelFile,
    articles: impl IntoIterator<Item = LabelledArticle>,
) -> Comparison {
    let (mut first, mut second) = (Evaluator::new(file), Evaluator::new(against));
    // Nobody stops it.
    let _ = for_each_chunk(articles, |chunk| {
        first.add(chunk, &|| true)?;
        second.add(chunk, &|| true)
    });
    let compared = |axis: Axis| {
        let pairs = first.scored(axis).iter().zip(second.scored(axis));
        AxisComparison::new(axis, pairs.filter_map(|(a, b)| Some([a.as_ref()?, b.as_ref()?])))
    };
    let axes = Axis::ALL.into_iter().filter_map(compared).collect();
    Comparison { evaluation: first.finish(), against: second.finish(), axes }
}

impl AxisComparison {
    /// From what both models say of each article; `None` without any.
    pub(super) fn new<'a>(axis: Axis, pairs: impl Iterator<Item = [&'a Scored; 2]>) -> Option<Self> {
        let (mut articles, mut unknown_labels, mut correct, mut only_correct) = (0_u64, [0; 2], [0_u64; 2], [0_u64; 2]);
        let mut losses = Vec::new();
        for pair in pairs {
            articles += 1;
            for side in 0..2 {
                unknown_labels[side] += u64::from(!pair[side].is_known());
                correct[side] += u64::from(pair[side].is_correct());
                only_correct[side] += u64::from(pair[side].is_correct() && !pair[1 - side].is_correct());
            }
            losses.push(pair.map(Scored::loss));
        }
        if articles == 0 {
            return None;
        }
        let n = articles as f64;
        let both_correct = correct[0] - only_correct[0];
        // In an order of their own, so that the last digits of sums do not depend on the order of the articles.
        losses.sort_unstable_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        let log_loss = [0, 1].map(|side| losses.iter().map(|pair| pair[side]).sum::<f64>() / n);
        let differences: Vec<f64> = losses.iter().map(|[first, second]| first - second).collect();
        let (log_loss_difference, log_loss_difference_interval) = paired_mean(&differences);
        Some(AxisComparison {
            axis,
            articles,
            unknown_labels,
            accuracy: correct.map(|correct| correct as f64 / n),
            accuracy_difference: (only_correct[0] as f64 - only_correct[1] as f64) / n,
            accuracy_difference_interval: paired_share_interval(only_correct[0], only_correct[1], articles),
            both_correct,
            only_correct,
            neither_correct: articles - both_correct - only_correct[0] - only_correct[1],
            p_value: mcnemar(only_correct[0], only_correct[1]),
            log_loss,
            log_loss_difference,
            log_loss_difference_interval,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six articles: two right in both, three only in the first, one in neither, whose label the second lacks.
    #[test]
    fn figures_of_a_small_table() {
        let first_labels = ["a", "b", "c"].map(str::to_owned);
        let second_labels = ["a", "b"].map(str::to_owned);
        let both = |truth: &str, p: f64, q: f64| {
            let first = Scored::new(truth, &first_labels, &[p, 0.9 - p, 0.1]);
            [first, Scored::new(truth, &second_labels, &[q, 1.0 - q])]
        };
        let scored = [
            both("a", 0.8, 0.8),
            both("b", 0.1, 0.2),
            both("a", 0.8, 0.4),
            both("a", 0.8, 0.4),
            both("b", 0.1, 0.6),
            both("c", 0.8, 0.6),
        ];
        let pairs = scored.iter().map(|[a, b]| [a, b]);
        let found = AxisComparison::new(Axis::MeetingType, pairs).unwrap();
        assert_eq!((found.articles, found.unknown_labels), (6, [0, 1]));
        assert_eq!((found.both_correct, found.only_correct, found.neither_correct), (2, [3, 0], 1));
        assert_eq!((found.accuracy, found.accuracy_difference), ([5.0 / 6.0, 2.0 / 6.0], 0.5));
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        close(found.p_value, 0.25);
        let first = [0.8_f64, 0.8, 0.8, 0.8, 0.8, 0.1].map(|p| -p.ln());
        let second = [0.8_f64, 0.8, 0.4, 0.4, 0.4, 1e-15].map(|p| -p.ln());
        close(found.log_loss[0], first.iter().sum::<f64>() / 6.0);
        close(found.log_loss[1], second.iter().sum::<f64>() / 6.0);
        close(found.log_loss_difference, found.log_loss[0] - found.log_loss[1]);
        assert_eq!(AxisComparison::new(Axis::MeetingType, std::iter::empty()), None);
    }

    /// To the last digit.
    #[test]
    fn figures_do_not_depend_on_the_order_of_the_articles() {
        let labels = ["a", "b"].map(str::to_owned);
        let scored = |p: f64| Scored::new("a", &labels, &[p, 1.0 - p]);
        let pairs: Vec<[Scored; 2]> =
            (1..100).map(|n| [scored(f64::from(n) / 101.0), scored(f64::from(n * 37 % 101) / 101.0)]).collect();
        let compared = |pairs: &mut dyn Iterator<Item = &[Scored; 2]>| {
            AxisComparison::new(Axis::MeetingType, pairs.map(|[a, b]| [a, b]))
        };
        let expect = compared(&mut pairs.iter());
        assert_eq!(compared(&mut pairs.iter().rev()), expect);
        let (even, odd) = (pairs.iter().step_by(2), pairs.iter().skip(1).step_by(2));
        assert_eq!(compared(&mut odd.chain(even)), expect);
    }
}
