//! How good a model is on labelled articles.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;
use serde::Serialize;

use super::{
    article::LabelledArticle,
    metrics::{Scored, measure},
    case::Parameters,
    table::{AxisTable, LeftOut, Totals},
};
use crate::{
    classify::{Axis, Names},
    model::{Digest, Metrics, Model, ModelFile, SampleArticle, Settings},
    text::Document,
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
    /// Of these, articles whose text the model was trained on, under whatever labels.
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
    parameters: Parameters,
    /// By parameter.
    weights: Vec<f64>,
    temperature: f64,
}

/// What a model was trained on, found by text and by group.
struct Training<'a> {
    file: &'a ModelFile,
    names: Names,
    texts: HashSet<Digest>,
    groups: HashMap<Digest, Vec<&'a SampleArticle>>,
    groups_of_text: HashMap<Digest, Vec<Digest>>,
}

/// Articles read at a time, on all threads.
const CHUNK: usize = 1024;

/// Scores articles whose labels are known.
///
/// An article whose text the model was trained on is scored by the model without that text and all of its group, and of
/// the group the article is given here, as far as the calibration sample holds them; settings, weights and temperature
/// stay. An article of the ledger that is not in the sample is left out alone.
pub fn evaluate(file: &ModelFile, articles: impl IntoIterator<Item = LabelledArticle>) -> Evaluation {
    let axes: Vec<AxisModel> = Axis::ALL.into_iter().filter_map(|axis| AxisModel::new(file, axis)).collect();
    let training = Training::new(file);
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
            let known = training.texts.contains(&article.text_digest());
            let results: Vec<Option<Scored>> = if known {
                let own = training.sampled(article, &axes);
                let left_out = training.left_out(article, &own);
                axes.iter().map(|axis| axis.without(article, &own, left_out.values().copied())).collect()
            } else {
                let document = Document::new(article.article(), None);
                axes.iter().map(|axis| axis.served(article, &file.model, &document)).collect()
            };
            (known, results)
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
        unknown_labels: scored.iter().filter(|article| !article.is_known()).count() as u64,
    });
    let model_version = file.model.version().to_owned();
    Evaluation { model_version, articles: count, trained_on, axes: axes.collect() }
}

impl<'a> Training<'a> {
    fn new(file: &'a ModelFile) -> Self {
        let mut groups: HashMap<Digest, Vec<&SampleArticle>> = HashMap::new();
        let mut groups_of_text: HashMap<Digest, Vec<Digest>> = HashMap::new();
        for article in &file.counts.sample {
            groups.entry(article.group).or_default().push(article);
            groups_of_text.entry(article.text).or_default().push(article.group);
        }
        let texts = file.counts.ledger.iter().map(|entry| entry.text).collect();
        Training { file, names: Names::new(&file.counts.catalog), texts, groups, groups_of_text }
    }

    /// An article as the calibration sample would hold it.
    fn sampled(&self, article: &LabelledArticle, axes: &[AxisModel]) -> SampleArticle {
        let prepared = article.prepare(&self.names);
        let index = |feature: &u64| self.file.counts.features.binary_search(feature).ok().map(|index| index as u32);
        let mut labels = [None, None];
        for axis in axes {
            labels[axis.axis as usize] = axis.label(article).map(|label| label as u16);
        }
        SampleArticle {
            digest: prepared.digest,
            text: prepared.text,
            group: prepared.group,
            source: prepared.source,
            labels,
            features: prepared.features.iter().filter_map(|(feature, _)| index(feature)).collect(),
            ..SampleArticle::default()
        }
    }

    /// The training articles that scoring an article must do without, by digest.
    fn left_out<'b>(
        &'b self,
        article: &LabelledArticle,
        own: &'b SampleArticle,
    ) -> BTreeMap<Digest, &'b SampleArticle> {
        let of_text = self.groups_of_text.get(&own.text).into_iter().flatten().copied();
        let groups = of_text.chain([article.group_digest()]);
        let members = groups.filter_map(|group| self.groups.get(&group)).flatten().copied();
        let mut left_out: BTreeMap<Digest, &SampleArticle> = members.map(|member| (member.digest, member)).collect();
        if self.file.counts.contains(&own.digest) {
            left_out.entry(own.digest).or_insert(own);
        }
        left_out
    }
}

impl AxisModel {
    fn new(file: &ModelFile, axis: Axis) -> Option<Self> {
        let tables = file.serving.tables.axes[axis as usize].as_ref()?;
        let settings = file.serving.report.axes[axis as usize].as_ref()?.settings;
        let table = AxisTable::new(&file.counts, axis)?;
        let parameters = Parameters::new(&table, &settings);
        let weights = parameters.served(&file.serving.tables.features, tables, &file.counts.features);
        let temperature = tables.calibration.temperature;
        Some(AxisModel { axis, totals: table.totals(&settings), table, settings, parameters, weights, temperature })
    }

    fn label(&self, article: &LabelledArticle) -> Option<usize> {
        self.table.labels.binary_search(article.labels[self.axis as usize].as_ref()?).ok()
    }

    /// What the model says without some articles.
    fn without<'a>(
        &self,
        article: &LabelledArticle,
        own: &SampleArticle,
        left_out: impl Iterator<Item = &'a SampleArticle>,
    ) -> Option<Scored> {
        let truth = article.labels[self.axis as usize].as_ref()?;
        let left_out = LeftOut::new(self.axis, left_out);
        let view = self.table.without(&left_out, &self.totals, &self.settings);
        let case = view.case(self.label(article).unwrap_or_default(), &own.features, &self.parameters);
        Some(Scored::new(truth, &self.table.labels, &case.probabilities(&self.weights, self.temperature)))
    }

    /// What the model says.
    fn served(&self, article: &LabelledArticle, model: &Model, document: &Document<'_>) -> Option<Scored> {
        let truth = article.labels[self.axis as usize].as_ref()?;
        let probabilities: Vec<f64> = model.distribution(document, self.axis).into_iter().map(|(_, _, p)| p).collect();
        Some(Scored::new(truth, &self.table.labels, &probabilities))
    }
}
