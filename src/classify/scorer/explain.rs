//! Why a label has its score: what each n-gram adds to it.

use super::{
    Hits, Reading,
    axis::{AxisScorer, Scored},
    rows::{Rows, Said},
};
use crate::classify::{Evidence, Explanation, features::FIELDS};

impl AxisScorer {
    /// Why a label has its score, in at most so many reasons.
    pub(super) fn explain(&self, reading: &Reading<'_>, scored: &Scored<'_>, label: usize, max: usize) -> Explanation {
        let Reading { document, hits, rows, said } = *reading;
        let strongest = strongest(hits, &self.contributions(rows, said, label, &scored.scales), max);
        let listed: f64 = strongest.iter().map(|(_, contribution)| contribution).sum();
        Explanation {
            label: self.labels[label].id.clone(),
            display_name: self.labels[label].display.clone(),
            probability: scored.probabilities[label],
            score: scored.scores[label],
            prior_contribution: scored.start[label],
            evidence: hits.evidence(document, rows, &strongest),
            remaining_contribution: scored.scores[label] - scored.start[label] - listed,
        }
    }

    /// What speaks for a label, strongest first: at most so many reasons.
    pub(super) fn evidence(&self, reading: &Reading<'_>, label: usize, max: usize) -> Vec<Evidence> {
        let Reading { document, hits, rows, said } = *reading;
        let mut contributions = self.contributions(rows, said, label, &self.scales(said));
        contributions.retain(|(_, value)| *value > 0.0);
        hits.evidence(document, rows, &strongest(hits, &contributions, max))
    }

    /// The numbers of the groups that the axis knows, and what the n-gram of each adds to the label, all zones together.
    fn contributions(&self, rows: &Rows, said: &[Said], label: usize, scales: &[f64; FIELDS]) -> Vec<(u32, f64)> {
        let floors: [f64; FIELDS] =
            std::array::from_fn(|field| self.floors.get(field).map_or(0.0, |floor| floor[label]));
        // Neither which rows are dense nor whether a group has another feature can be foreseen, so that no branch asks for it:
        // all rows are read as dense ones, then the others as they are.
        let mut values = Vec::with_capacity(said.len());
        let mut others = vec![0_u32; said.len()];
        let mut number = 0;
        for (at, said) in (0..).zip(said) {
            values.push(f64::from(rows.dense_value(said, label)));
            others[number] = at;
            number += usize::from(!said.shape().is_dense());
        }
        for &at in &others[..number] {
            let (said, value) = (&said[at as usize], &mut values[at as usize]);
            let row = rows.sparse(said);
            let own = row.cells().map(|cells| cells.map(|(own, value)| if own == label { value } else { 0.0 }));
            let own: f32 = own.flatten().sum();
            *value = f64::from(row.weight) * floors[said.field()] + f64::from(own) - f64::from(row.mean);
        }
        let mut sums: Vec<(u32, f64)> = vec![(0, 0.0); said.len()];
        let (mut length, mut before) = (0, u32::MAX);
        for (said, value) in said.iter().zip(values) {
            length += usize::from(said.group != before);
            before = said.group;
            let (group, sum) = &mut sums[length - 1];
            *group = said.group;
            *sum += scales[said.field()] * value;
        }
        sums.truncate(length);
        sums
    }
}

/// The strongest contributions, for or against, strongest first; of equal ones in the order of the ids of their n-grams,
/// which does not depend on the order of reading.
fn strongest(hits: &Hits, contributions: &[(u32, f64)], max: usize) -> Vec<(u32, f64)> {
    let id = |group: u32| hits.ngram(group);
    let order = |a: &(u32, f64), b: &(u32, f64)| b.1.abs().total_cmp(&a.1.abs()).then_with(|| id(a.0).cmp(&id(b.0)));
    // In order; few are asked for, so nearly all of the others are weaker than the last.
    let (first, rest) = contributions.split_at(max.min(contributions.len()));
    let mut strongest = first.to_vec();
    strongest.sort_unstable_by(order);
    for &contribution in rest {
        let Some(last) = strongest.last() else { break };
        if contribution.1.abs() >= last.1.abs() && order(&contribution, last).is_lt() {
            strongest.pop();
            let at = strongest.partition_point(|known| order(known, &contribution).is_lt());
            strongest.insert(at, contribution);
        }
    }
    strongest
}
