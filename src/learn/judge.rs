//! What one axis of a model says of labelled articles, of those that it was trained on too.

use std::borrow::Cow;

use super::{
    article::LabelledArticle,
    articles::Articles,
    attributes::THOROUGH,
    case::Parameters,
    metrics::Scored,
    select::{CALIBRATION_FOLDS, WithoutFold, inner_fold, learnt},
    stop::{GoOn, Stopped},
    table::{AxisTable, LeftOut, Totals},
};
use crate::{
    classify::{Axis, Calibration},
    model::{Digest, Model, ModelFile, SampleArticle, Settings},
    text::Document,
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

    /// The fold whose model knows nothing of the articles; `None` if the weights were not learnt from any of them.
    fn fold_of(&self, articles: &[Cow<'_, SampleArticle>]) -> Option<u8> {
        let event = articles.iter().find_map(|article| self.articles.event(article.group))?;
        Some(inner_fold(&event, CALIBRATION_FOLDS))
    }

    /// Learns what scoring without these articles of training takes.
    pub(super) fn prepare(&mut self, left_out: &[Cow<'_, SampleArticle>], go_on: GoOn<'_>) -> Result<(), Stopped> {
        let Some(number) = self.fold_of(left_out) else { return Ok(()) };
        if self.folds.get(usize::from(number)).is_some_and(Option::is_none) {
            let judged = self.articles.filter(|group| inner_fold(group, CALIBRATION_FOLDS) == number);
            let learnt = self.articles.filter(|group| inner_fold(group, CALIBRATION_FOLDS) != number);
            if learnt.groups() > 0 {
                let model = WithoutFold::new(&self.table, &judged, &learnt, &self.settings, THOROUGH, go_on)?;
                let totals = model.table.totals(&self.settings);
                self.folds[usize::from(number)] = Some(Fold { model, totals });
            }
        }
        Ok(())
    }

    /// What the model says without some articles of training, for which it was prepared.
    pub(super) fn without(
        &self,
        article: &LabelledArticle,
        own: &SampleArticle,
        left_out: &[Cow<'_, SampleArticle>],
    ) -> Option<Scored> {
        let truth = article.labels[self.axis as usize].as_ref()?;
        let number = self.fold_of(left_out);
        let fold = number.and_then(|number| self.folds.get(usize::from(number))).and_then(Option::as_ref);
        let probabilities = match fold {
            Some(Fold { model: WithoutFold { table, parameters, weights }, totals }) => {
                let is_gone = |group: &Digest| {
                    let event = self.articles.event(*group);
                    event.is_some_and(|event| Some(inner_fold(&event, CALIBRATION_FOLDS)) == number)
                };
                let left_out = left_out.iter().map(Cow::as_ref).filter(|article| !is_gone(&article.group));
                self.probabilities((table, totals, parameters, weights), own, left_out)
            }
            None => {
                let model = (&self.table, &self.totals, &self.parameters, self.weights.as_slice());
                self.probabilities(model, own, left_out.iter().map(Cow::as_ref))
            }
        };
        let scored = Scored::new(truth, &self.table.labels, &probabilities);
        Some(scored.judged(&self.table.labels, &probabilities, &self.calibration, false))
    }

    fn probabilities<'b>(
        &self,
        (table, totals, parameters, weights): (&AxisTable, &Totals, &Parameters, &[f64]),
        own: &SampleArticle,
        left_out: impl Iterator<Item = &'b SampleArticle>,
    ) -> Vec<f64> {
        let left_out = LeftOut::new(self.axis, left_out);
        let case = table.without(&left_out, totals, &self.settings).case(0, &own.features, parameters);
        case.probabilities(weights, &self.calibration.temperature)
    }

    /// What the model says.
    pub(super) fn served(&self, article: &LabelledArticle, model: &Model, document: &Document<'_>) -> Option<Scored> {
        let truth = article.labels[self.axis as usize].as_ref()?;
        let probabilities: Vec<f64> = model.distribution(document, self.axis).into_iter().map(|(_, _, p)| p).collect();
        let scored = Scored::new(truth, &self.table.labels, &probabilities);
        Some(scored.judged(&self.table.labels, &probabilities, &self.calibration, model.is_foreign(document)))
    }
}
