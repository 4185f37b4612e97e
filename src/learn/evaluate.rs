//! How good a model is on labelled articles.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;
use serde::Serialize;

use super::{
    article::LabelledArticle,
    case::Parameters,
    errors::{WorstError, WorstErrors},
    metrics::{EVALUATION_POINTS, Scored, measure, sort},
    table::{AxisTable, LeftOut, Totals},
};
use crate::{
    classify::{Axis, Calibration, Names},
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
    /// The wrong labels with the highest probability, most probable first, those of one probability in the order of the
    /// articles: at most [`MAX_ERRORS`](super::MAX_ERRORS).
    pub worst_errors: Vec<WorstError>,
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
    calibration: Calibration,
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
/// the group the article is given here, as far as the calibration sample holds them. Settings, weights and calibration,
/// which were learnt with it, stay: figures over such articles flatter the model. An article of the ledger that is not in the sample is left out alone.
pub fn evaluate(file: &ModelFile, articles: impl IntoIterator<Item = LabelledArticle>) -> Evaluation {
    let mut evaluator = Evaluator::new(file);
    for_each_chunk(articles, |chunk| evaluator.add(chunk));
    evaluator.finish()
}

/// Hands over the articles some at a time.
pub(super) fn for_each_chunk(
    articles: impl IntoIterator<Item = LabelledArticle>,
    mut work: impl FnMut(&[LabelledArticle]),
) {
    let mut articles = articles.into_iter();
    loop {
        let chunk: Vec<LabelledArticle> = articles.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            break;
        }
        work(&chunk);
    }
}

/// A model while it is evaluated.
pub(super) struct Evaluator<'a> {
    file: &'a ModelFile,
    axes: Vec<AxisModel>,
    training: Training<'a>,
    articles: u64,
    trained_on: u64,
    /// By [`Axis`], by article: `None` if it is not labelled on the axis or the model does not answer the axis.
    scored: [Vec<Option<Scored>>; 2],
    /// By [`Axis`].
    errors: [WorstErrors; 2],
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(file: &'a ModelFile) -> Self {
        Evaluator {
            file,
            axes: Axis::ALL.into_iter().filter_map(|axis| AxisModel::new(file, axis)).collect(),
            training: Training::new(file),
            articles: 0,
            trained_on: 0,
            scored: Default::default(),
            errors: Default::default(),
        }
    }

    /// What the model says of every article so far.
    pub(super) fn scored(&self, axis: Axis) -> &[Option<Scored>] {
        &self.scored[axis as usize]
    }

    /// Scores articles.
    pub(super) fn add(&mut self, articles: &[LabelledArticle]) {
        let results: Vec<_> = articles.par_iter().map(|article| self.score(article)).collect();
        for (article, (known, results)) in articles.iter().zip(results) {
            for (axis, scored) in Axis::ALL.into_iter().zip(results) {
                if let Some(scored) = &scored {
                    self.errors[axis as usize].consider(&self.file.model, axis, self.articles, article, scored);
                }
                self.scored[axis as usize].push(scored);
            }
            self.articles += 1;
            self.trained_on += u64::from(known);
        }
    }

    /// Whether the model was trained on the article's text, and what it says of it, by [`Axis`].
    fn score(&self, article: &LabelledArticle) -> (bool, [Option<Scored>; 2]) {
        let mut results = [None, None];
        let known = self.training.texts.contains(&article.text_digest());
        if known {
            let own = self.training.sampled(article, &self.axes);
            let left_out = self.training.left_out(article, &own);
            for axis in &self.axes {
                results[axis.axis as usize] = axis.without(article, &own, left_out.values().copied());
            }
        } else {
            let document = Document::new(article.article(), None);
            for axis in &self.axes {
                results[axis.axis as usize] = axis.served(article, &self.file.model, &document);
            }
        }
        (known, results)
    }

    /// The figures.
    pub(super) fn finish(mut self) -> Evaluation {
        let mut axes = Vec::new();
        for AxisModel { axis, table, .. } in &self.axes {
            let scored = std::mem::take(&mut self.scored[*axis as usize]);
            let mut scored: Vec<Scored> = scored.into_iter().flatten().collect();
            sort(&mut scored);
            if !scored.is_empty() {
                axes.push(AxisEvaluation {
                    axis: *axis,
                    metrics: measure(&table.labels, &scored, EVALUATION_POINTS),
                    unknown_labels: scored.iter().filter(|article| !article.is_known()).count() as u64,
                    worst_errors: std::mem::take(&mut self.errors[*axis as usize]).finish(),
                });
            }
        }
        let model_version = self.file.model.version().to_owned();
        Evaluation { model_version, articles: self.articles, trained_on: self.trained_on, axes }
    }
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
        let calibration = tables.calibration.clone();
        Some(AxisModel { axis, totals: table.totals(&settings), table, settings, parameters, weights, calibration })
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
        let probabilities = case.probabilities(&self.weights, &self.calibration.temperature);
        let scored = Scored::new(truth, &self.table.labels, &probabilities);
        Some(scored.judged(&self.table.labels, &probabilities, &self.calibration, false))
    }

    /// What the model says.
    fn served(&self, article: &LabelledArticle, model: &Model, document: &Document<'_>) -> Option<Scored> {
        let truth = article.labels[self.axis as usize].as_ref()?;
        let probabilities: Vec<f64> = model.distribution(document, self.axis).into_iter().map(|(_, _, p)| p).collect();
        let scored = Scored::new(truth, &self.table.labels, &probabilities);
        Some(scored.judged(&self.table.labels, &probabilities, &self.calibration, model.is_foreign(document)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::testing::{counts_of, small_corpus};

    /// To the last digit.
    #[test]
    fn figures_do_not_depend_on_the_order_of_the_articles() {
        let file = ModelFile::from_bytes(&crate::learn::train(&counts_of(&small_corpus())).unwrap().model).unwrap();
        let labels = file.counts.axes[0].labels.clone();
        let share = |n: usize| (n * 37 % 101) as f64 / 101.0;
        let scored = |n: usize| Some(Scored::new(&labels[n % 2], &labels, &[share(n), 1.0 - share(n), 0.0]));
        let figures = |numbers: &mut dyn Iterator<Item = usize>| {
            let mut evaluator = Evaluator::new(&file);
            evaluator.scored[0] = numbers.map(scored).collect();
            evaluator.finish().axes
        };
        let expect = figures(&mut (0..100));
        assert_eq!(figures(&mut (0..100).rev()), expect);
        assert_eq!(figures(&mut (50..100).chain(0..50)), expect);
    }
}
