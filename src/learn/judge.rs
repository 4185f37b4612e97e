//! What one axis of a model says of labelled articles, of those that it was trained on too.

use std::collections::BTreeMap;

use super::{
    article::LabelledArticle,
    articles::Articles,
    attributes::THOROUGH,
    case::Parameters,
    known::Known,
    metrics::Scored,
    select::{CALIBRATION_FOLDS, WithoutFold, inner_fold, learnt},
    stop::{GoOn, Stopped},
    table::{AxisTable, LeftOut, Totals},
};
use crate::{
    classify::{Axis, Calibration, Classification, Decision},
    model::{ModelFile, SampleArticle, Settings},
};

/// One axis of a model as evaluation needs it.
pub(super) struct AxisModel<'a> {
    pub(super) axis: Axis,
    pub(super) table: AxisTable,
    totals: Totals,
    settings: Settings,
    parameters: Parameters,
    /// By parameter.
    weights: Vec<f64>,
    calibration: Calibration,
    /// Those that the weights were learnt from.
    articles: Articles<'a>,
    /// Models without a fold of these articles, as far as they are needed.
    folds: [Option<Fold>; CALIBRATION_FOLDS as usize],
}

/// A model without a fold, ready to score.
struct Fold {
    model: WithoutFold,
    totals: Totals,
}

impl<'a> AxisModel<'a> {
    pub(super) fn new(file: &'a ModelFile, axis: Axis) -> Option<Self> {
        let tables = file.serving.tables.axes[axis as usize].as_ref()?;
        let settings = file.serving.report.axes[axis as usize].as_ref()?.settings;
        let table = AxisTable::new(&file.counts, axis)?;
        let parameters = Parameters::new(&table, &settings);
        let weights = parameters.served(&file.serving.tables.features, tables, &file.counts.features);
        Some(AxisModel {
            axis,
            totals: table.totals(&settings),
            articles: learnt(&Articles::of(axis, &file.counts), &table),
            table,
            settings,
            parameters,
            weights,
            calibration: tables.calibration.clone(),
            folds: Default::default(),
        })
    }

    /// The number of the article's label, if the axis has it.
    pub(super) fn label(&self, article: &LabelledArticle) -> Option<usize> {
        self.table.labels.binary_search(article.labels[self.axis as usize].as_ref()?).ok()
    }

    /// The fold whose model knows nothing of an article; `None` if the weights were learnt neither from its text nor from its
    /// group. If these are on two events, that of the text, on which it was trained, is the one whose labels are its own.
    pub(super) fn fold_of(&self, known: &Known) -> Option<u8> {
        let of_text = known.of_text.and_then(|group| self.articles.event(group));
        let event = of_text.or_else(|| self.articles.event(known.own.group))?;
        Some(inner_fold(&event, CALIBRATION_FOLDS))
    }

    /// Learns what scoring an article takes that the model was trained on.
    pub(super) fn prepare(&mut self, known: &Known, go_on: GoOn<'_>) -> Result<(), Stopped> {
        let Some(number) = self.fold_of(known) else { return Ok(()) };
        if self.folds.get(usize::from(number)).is_some_and(Option::is_none) {
            let judged = self.articles.filter(|group| inner_fold(group, CALIBRATION_FOLDS) == number);
            let learnt = self.articles.filter(|group| inner_fold(group, CALIBRATION_FOLDS) != number);
            // With no group left to learn from, weights are what they are before any learning.
            let model = WithoutFold::new(&self.table, &judged, &learnt, &self.settings, THOROUGH, go_on)?;
            let totals = model.table.totals(&self.settings);
            self.folds[usize::from(number)] = Some(Fold { model, totals });
        }
        Ok(())
    }

    /// What the model says of articles that it was trained on, and was prepared for, without what it knows of them, which is
    /// the same for all.
    pub(super) fn without(
        &self,
        asked: &[(&LabelledArticle, &Known)],
        left_out: &[&SampleArticle],
    ) -> Vec<Option<Scored>> {
        let mut by_fold: BTreeMap<Option<u8>, Vec<usize>> = BTreeMap::new();
        for (place, (_, known)) in asked.iter().enumerate() {
            by_fold.entry(self.fold_of(known)).or_default().push(place);
        }
        let mut scored = vec![None; asked.len()];
        for (number, places) in by_fold {
            let fold = number.and_then(|number| self.folds.get(usize::from(number))).and_then(Option::as_ref);
            let (table, totals, parameters, weights) = match fold {
                Some(Fold { model: WithoutFold { table, parameters, weights }, totals }) => {
                    (table, totals, parameters, weights)
                }
                None => (&self.table, &self.totals, &self.parameters, &self.weights),
            };
            let is_gone = |article: &SampleArticle| {
                let event = self.articles.event(article.group).filter(|_| fold.is_some());
                event.is_some_and(|event| Some(inner_fold(&event, CALIBRATION_FOLDS)) == number)
            };
            let left_out = left_out.iter().copied().filter(|article| !is_gone(article));
            let left_out = LeftOut::new(self.axis, left_out);
            let view = table.without(&left_out, totals, &self.settings);
            for place in places {
                let (article, known) = asked[place];
                let Some(truth) = &article.labels[self.axis as usize] else { continue };
                let case = view.case(0, &known.own.features, parameters);
                let probabilities = case.probabilities(weights, &self.calibration.temperature);
                let own = Scored::new(truth, &self.table.labels, &probabilities);
                let own = own.judged(&self.table.labels, &probabilities, &self.calibration, case.is_known());
                scored[place] = Some(own);
            }
        }
        scored
    }

    /// What an answer of the model is worth, which has all labels.
    pub(super) fn served(&self, article: &LabelledArticle, answer: &Classification) -> Option<Scored> {
        let truth = article.labels[self.axis as usize].as_ref()?;
        let labels = &self.table.labels;
        let mut probabilities = vec![0.0; labels.len()];
        let chosen = (&answer.chosen.label, answer.chosen.probability);
        let others = answer.alternatives.iter().map(|other| (&other.label, other.probability));
        for (label, probability) in others.chain([chosen]) {
            if let Ok(at) = labels.binary_search(label) {
                probabilities[at] = probability;
            }
        }
        let scored = Scored::new(truth, labels, &probabilities);
        let scored = scored.with_label_set(answer.label_set.len(), answer.label_set.contains(truth));
        Some(scored.with_decision(answer.decision == Decision::Accepted))
    }
}
