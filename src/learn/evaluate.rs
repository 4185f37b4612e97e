//! How good a model is on labelled articles.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::Serialize;

use super::{
    article::LabelledArticle,
    metrics::{Scored, measure},
    table::{AxisTable, LeftOut, Totals},
    weights::Combination,
};
use crate::{
    classify::{Axis, features::FIELDS, softmax},
    model::{Digest, Metrics, Model, ModelError, ModelFile, SampleArticle, Settings},
    text::{Article, Document},
};

/// The figures of one axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AxisEvaluation {
    /// The axis.
    pub axis: Axis,
    /// Over all articles labelled on the axis.
    pub metrics: Metrics,
    /// Of these, articles whose true label the model does not have.
    pub unknown_labels: u64,
}

/// The figures of a model on a set of articles.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// The model.
    pub model_version: String,
    /// Articles scored.
    pub articles: u64,
    /// Of these, articles the model was trained on: each was scored by the model without it and its group.
    pub trained_on: u64,
    /// Axes that some article is labelled on and the model answers.
    pub axes: Vec<AxisEvaluation>,
}

/// One axis of a model as evaluation needs it.
struct AxisModel {
    axis: Axis,
    table: AxisTable,
    totals: Totals,
    settings: Settings,
    combination: Combination,
}

/// Articles read at a time, on all threads.
const CHUNK: usize = 1024;

/// Scores articles whose labels are known.
///
/// An article the model was trained on is scored by the model without the article and the rest of its group (as far as
/// the calibration sample knows it), under the same settings, weights and temperature.
///
/// # Errors
///
/// The model contradicts itself.
pub fn evaluate(
    file: &ModelFile,
    model: &Model,
    articles: impl IntoIterator<Item = LabelledArticle>,
) -> Result<Evaluation, ModelError> {
    let axes: Vec<AxisModel> = Axis::ALL.into_iter().filter_map(|axis| AxisModel::new(file, axis)).collect();
    let mut groups: HashMap<Digest, Vec<&SampleArticle>> = HashMap::new();
    for article in &file.counts.sample {
        groups.entry(article.group).or_default().push(article);
    }
    let mut scored: Vec<Vec<Scored>> = axes.iter().map(|_| Vec::new()).collect();
    let (mut count, mut trained_on) = (0, 0);
    let mut articles = articles.into_iter();
    loop {
        let chunk: Vec<LabelledArticle> = articles.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            break;
        }
        count += chunk.len() as u64;
        let score = |article: &LabelledArticle| {
            let digest = article.digest();
            if file.counts.contains(&digest) {
                let own = sampled(file, article, digest, &axes);
                let mut group = groups.get(&own.group).cloned().unwrap_or_default();
                if group.iter().all(|member| member.digest != digest) {
                    group.push(&own);
                }
                (true, axes.iter().map(|axis| axis.without(article, &own, &group)).collect::<Vec<_>>())
            } else {
                let title = article.title.as_deref();
                let document = Document::new(Article { title, text: &article.text }, None);
                (false, axes.iter().map(|axis| axis.served(article, model, &document)).collect())
            }
        };
        for (known, results) in chunk.par_iter().map(score).collect::<Vec<_>>() {
            trained_on += u64::from(known);
            for (all, result) in scored.iter_mut().zip(results) {
                all.extend(result);
            }
        }
    }
    let axes = axes.iter().zip(&scored).filter(|(_, scored)| !scored.is_empty()).map(|(axis, scored)| AxisEvaluation {
        axis: axis.axis,
        metrics: measure(&axis.table.labels, scored),
        unknown_labels: scored.iter().filter(|article| article.truth.is_none()).count() as u64,
    });
    Ok(Evaluation { model_version: file.version.clone(), articles: count, trained_on, axes: axes.collect() })
}

/// An article as the calibration sample would hold it.
fn sampled(file: &ModelFile, article: &LabelledArticle, digest: Digest, axes: &[AxisModel]) -> SampleArticle {
    let known = |feature: &u64| file.counts.features.binary_search(feature).ok().map(|index| index as u32);
    let mut labels = [None, None];
    for axis in axes {
        labels[axis.axis as usize] = axis.label(article).map(|label| label as u16);
    }
    SampleArticle {
        digest,
        group: article.group_digest(),
        source: article.source.clone(),
        labels,
        features: article.prepare().features.iter().filter_map(|(feature, _)| known(feature)).collect(),
    }
}

impl AxisModel {
    fn new(file: &ModelFile, axis: Axis) -> Option<Self> {
        let tables = file.serving.tables.axes[axis as usize].as_ref()?;
        let fields: [f64; FIELDS] = tables.weights.as_slice().try_into().ok()?;
        let settings = file.serving.report.axes[axis as usize].as_ref()?.settings;
        let table = AxisTable::new(&file.counts, axis)?;
        Some(AxisModel {
            axis,
            totals: table.totals(&settings),
            table,
            settings,
            combination: Combination { fields, prior: tables.prior_weight, temperature: tables.temperature },
        })
    }

    fn label(&self, article: &LabelledArticle) -> Option<usize> {
        self.table.labels.binary_search(article.labels[self.axis as usize].as_ref()?).ok()
    }

    /// What the model says without the group.
    fn without(&self, article: &LabelledArticle, own: &SampleArticle, group: &[&SampleArticle]) -> Option<Scored> {
        let truth_id = article.labels[self.axis as usize].clone()?;
        let settings = &self.settings;
        let left_out = LeftOut::new(self.axis, group.iter().copied());
        let scores = self.table.field_scores(&own.features, &left_out, &self.totals, settings);
        let truth = self.label(article);
        let scores = scores.held_out(truth.unwrap_or_default(), &self.table.log_prior(&left_out), settings);
        let probabilities = softmax(&scores.combine(&self.combination), self.combination.temperature);
        Some(Scored { truth, truth_id, probabilities })
    }

    /// What the model says.
    fn served(&self, article: &LabelledArticle, model: &Model, document: &Document<'_>) -> Option<Scored> {
        let truth_id = article.labels[self.axis as usize].clone()?;
        let probabilities = model.distribution(document, self.axis).into_iter().map(|(_, _, p)| p).collect();
        Some(Scored { truth: self.label(article), truth_id, probabilities })
    }
}
