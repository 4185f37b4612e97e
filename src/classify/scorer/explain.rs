//! Why a label has its score: what each n-gram adds to it.

use std::cmp::Ordering;

use super::{
    Hits, Reading,
    axis::{AxisScorer, Said, Scored},
};
use crate::classify::{Evidence, Explanation, features::FIELDS};

impl AxisScorer {
    /// Why a label has its score, in at most so many reasons.
    pub(super) fn explain(&self, reading: &Reading<'_>, scored: &Scored<'_>, label: usize, max: usize) -> Explanation {
        let Reading { document, hits, said } = *reading;
        let mut strongest = Strongest::new(hits, max);
        self.contributions(said, label, &scored.scales, |group, value| strongest.offer(group, value));
        let listed: f64 = strongest.kept.iter().map(|(_, contribution)| contribution).sum();
        Explanation {
            label: self.labels[label].id.clone(),
            display_name: self.labels[label].display.clone(),
            probability: scored.probabilities[label],
            score: scored.scores[label],
            prior_contribution: scored.start[label],
            evidence: hits.evidence(document, &strongest.kept),
            remaining_contribution: scored.scores[label] - scored.start[label] - listed,
        }
    }

    /// What speaks for a label, strongest first: at most so many reasons.
    pub(super) fn evidence(&self, reading: &Reading<'_>, label: usize, max: usize) -> Vec<Evidence> {
        let Reading { document, hits, said } = *reading;
        let mut strongest = Strongest::new(hits, max);
        self.contributions(said, label, &self.scales(said), |group, value| {
            if value > 0.0 {
                strongest.offer(group, value);
            }
        });
        hits.evidence(document, &strongest.kept)
    }

    /// Calls `visit` with the number of each group that the axis knows, and with what its n-gram adds to the label, all
    /// zones together.
    fn contributions(&self, said: &[Said], label: usize, scales: &[f64; FIELDS], mut visit: impl FnMut(u32, f64)) {
        for group in said.chunk_by(|a, b| a.group == b.group) {
            visit(group[0].group, group.iter().map(|said| self.contribution(said, label, scales)).sum());
        }
    }
}

/// The strongest contributions, for or against, strongest first; of equal ones in the order of the ids of their n-grams,
/// which does not depend on the order of reading.
struct Strongest<'a> {
    hits: &'a Hits,
    max: usize,
    /// Groups, by number, and contributions.
    kept: Vec<(u32, f64)>,
    /// Weaker ones than this are not kept.
    weakest: f64,
}

impl<'a> Strongest<'a> {
    fn new(hits: &'a Hits, max: usize) -> Self {
        let weakest = if max == 0 { f64::INFINITY } else { 0.0 };
        Strongest { hits, max, kept: Vec::with_capacity(max.min(hits.groups.len()) + 1), weakest }
    }

    #[inline]
    fn offer(&mut self, group: u32, value: f64) {
        // Most are weaker than all that are kept.
        if value.abs() >= self.weakest {
            self.keep(group, value);
        }
    }

    fn keep(&mut self, group: u32, value: f64) {
        let id = |group: u32| self.hits.groups[group as usize].id;
        let is_before = |kept: &(u32, f64)| {
            kept.1.abs().total_cmp(&value.abs()).then_with(|| id(group).cmp(&id(kept.0))) == Ordering::Greater
        };
        let at = self.kept.partition_point(is_before);
        self.kept.insert(at, (group, value));
        self.kept.truncate(self.max);
        if self.kept.len() == self.max {
            self.weakest = self.kept.last().map_or(0.0, |(_, weakest)| weakest.abs());
        }
    }
}
