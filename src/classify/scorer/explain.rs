//! Why a label has its score: what each n-gram adds to it.

use super::{
    Hits, Reading,
    axis::{AxisScorer, Scored},
};
use crate::classify::{
    Evidence, Explanation,
    features::{FIELDS, Field},
};

impl AxisScorer {
    /// Why a label has its score, in at most so many reasons.
    pub(super) fn explain(&self, reading: &Reading<'_>, scored: &Scored<'_>, label: usize, max: usize) -> Explanation {
        let Reading { document, fields, hits } = *reading;
        let mut contributions = self.contributions(fields, hits, label, &scored.scales);
        let total: f64 = contributions.iter().map(|(_, contribution)| contribution).sum();
        contributions.sort_unstable_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        contributions.truncate(max);
        let listed: f64 = contributions.iter().map(|(_, contribution)| contribution).sum();
        Explanation {
            label: self.labels[label].id.clone(),
            display_name: self.labels[label].display.clone(),
            probability: scored.probabilities[label],
            score: scored.scores[label],
            prior_contribution: scored.start[label],
            evidence: hits.evidence(document, contributions),
            remaining_contribution: total - listed,
        }
    }

    /// What speaks for a label, strongest first: at most so many reasons.
    pub(super) fn evidence(&self, reading: &Reading<'_>, label: usize, max: usize) -> Vec<Evidence> {
        let Reading { document, fields, hits } = *reading;
        let scales = self.scales(fields, &hits.features);
        let mut contributions = self.contributions(fields, hits, label, &scales);
        contributions.retain(|(_, contribution)| *contribution > 0.0);
        contributions.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        contributions.truncate(max);
        hits.evidence(document, contributions)
    }

    /// What each n-gram that the axis knows adds to the label, all its zones together; ascending by n-gram.
    fn contributions(&self, fields: &[Field], hits: &Hits, label: usize, scales: &[f64; FIELDS]) -> Vec<(u64, f64)> {
        let mut contributions: Vec<(u64, f64)> = Vec::with_capacity(hits.ngrams.len());
        for &(ngram, feature) in &hits.ngrams {
            let Some(value) = self.contribution(fields[feature as usize], feature, label, scales) else { continue };
            match contributions.last_mut() {
                Some((last, sum)) if *last == ngram => *sum += value,
                Some(_) | None => contributions.push((ngram, value)),
            }
        }
        contributions
    }
}
