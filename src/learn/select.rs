//! Settings are chosen, weights and temperature learnt, figures taken, and the model put together.

use std::collections::HashMap;

use rayon::prelude::*;

use super::{
    FOLDS, fit,
    metrics::{Scored, measure},
    table::{AxisTable, LeftOut},
    weights::{Combination, HeldOut},
};
use crate::{
    classify::{Axis, Tables, features::FIELDS, softmax},
    model::{
        AxisReport, Counts, Digest, EventModel, Metrics, Model, ModelError, ModelFile, Report, SampleArticle, Serving,
        Settings, digest_of,
    },
};

/// Why no model could be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Nothing was labelled.
    #[error("no labelled articles")]
    NoArticles,
    /// There is nothing to tell apart.
    #[error("{axis}: articles of at least two labels are needed, and of at least two groups")]
    TooFew {
        /// The axis.
        axis: &'static str,
    },
    /// The estimates could not be fitted.
    #[error("fitting failed: {0}")]
    Fit(String),
    /// The model could not be written.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// A trained model.
#[derive(Debug)]
pub struct Trained {
    /// The model file.
    pub model: Vec<u8>,
    /// Its version.
    pub version: String,
    /// Settings and held-out figures.
    pub report: Report,
}

/// Features an axis knows at most; the cut-off by document frequency rises until they fit.
const MAX_FEATURES: usize = 400_000;

/// Where the search for settings begins.
const START: Settings = Settings {
    event_model: EventModel::Complement,
    alpha: 0.1,
    min_documents: 2,
    length_exponent: 0.5,
    name_count: 1.0,
};

/// The values each setting is tried with.
const EVENT_MODELS: [EventModel; 2] = [EventModel::Multinomial, EventModel::Complement];
const ALPHAS: [f64; 7] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];
const MIN_DOCUMENTS: [u32; 4] = [1, 2, 4, 8];
const LENGTH_EXPONENTS: [f64; 3] = [0.0, 0.5, 1.0];
const NAME_COUNTS: [f64; 6] = [0.0, 0.3, 1.0, 3.0, 10.0, 30.0];

/// The settings that differ from `settings` in one place, place by place.
fn neighbours(settings: Settings) -> [Vec<Settings>; 5] {
    [
        EVENT_MODELS.iter().map(|&event_model| Settings { event_model, ..settings }).collect(),
        ALPHAS.iter().map(|&alpha| Settings { alpha, ..settings }).collect(),
        LENGTH_EXPONENTS.iter().map(|&length_exponent| Settings { length_exponent, ..settings }).collect(),
        NAME_COUNTS.iter().map(|&name_count| Settings { name_count, ..settings }).collect(),
        MIN_DOCUMENTS.iter().map(|&min_documents| Settings { min_documents, ..settings }).collect(),
    ]
}

/// Articles of one axis, with the articles that are held out with each.
struct Articles<'a> {
    axis: Axis,
    articles: Vec<(&'a SampleArticle, usize)>,
    groups: HashMap<Digest, Vec<&'a SampleArticle>>,
}

impl<'a> Articles<'a> {
    fn new(axis: Axis, sample: impl IntoIterator<Item = &'a SampleArticle>) -> Self {
        let labelled = |article: &'a SampleArticle| Some((article, usize::from(article.labels[axis as usize]?)));
        let articles: Vec<_> = sample.into_iter().filter_map(labelled).collect();
        let mut groups: HashMap<Digest, Vec<&SampleArticle>> = HashMap::new();
        for (article, _) in &articles {
            groups.entry(article.group).or_default().push(article);
        }
        Articles { axis, articles, groups }
    }

    fn left_out_with(&self, article: &SampleArticle) -> LeftOut {
        let group = self.groups.get(&article.group).map(Vec::as_slice).unwrap_or_default();
        LeftOut::new(self.axis, group.iter().copied())
    }

    /// What a model trained without each article's group says of it, in order.
    fn held_out(&self, table: &AxisTable, settings: &Settings) -> Vec<HeldOut> {
        let totals = table.totals(settings);
        let score = |(article, label): &(&SampleArticle, usize)| {
            let left_out = self.left_out_with(article);
            let scores = table.field_scores(&article.features, &left_out, &totals, settings);
            scores.held_out(*label, &table.log_prior(&left_out), settings)
        };
        self.articles.par_iter().map(score).collect()
    }
}

impl super::table::FieldScores {
    /// The scores of an article as the weights are learnt from and applied to them.
    pub(super) fn held_out(mut self, label: usize, prior: &[f64], settings: &Settings) -> HeldOut {
        let labels = prior.len();
        for field in 0..FIELDS {
            if self.lengths[field] > 0 {
                let divisor = libm::pow(f64::from(self.lengths[field]), settings.length_exponent);
                self.scores[field * labels..(field + 1) * labels].iter_mut().for_each(|score| *score /= divisor);
            }
        }
        HeldOut::new(label, labels, &self.scores, prior)
    }
}

/// What was chosen and learnt for one axis.
struct Choice {
    settings: Settings,
    combination: Combination,
    loss: f64,
}

/// The settings of least held-out log loss, found by changing one at a time until no change helps.
fn choose(table: &AxisTable, articles: &Articles<'_>) -> Choice {
    let fits = |settings: &Settings| {
        (0..table.features() as u32).filter(|&feature| table.knows(feature, settings)).count() <= MAX_FEATURES
    };
    let learn = |settings: Settings| {
        let (combination, loss) = Combination::fit(&articles.held_out(table, &settings));
        Choice { settings, combination, loss }
    };
    let mut start = START;
    while !fits(&start) && start.min_documents < u32::MAX / 2 {
        start.min_documents *= 2;
    }
    let mut tried = vec![start];
    let mut best = learn(start);
    loop {
        let before = best.settings;
        for place in 0..neighbours(before).len() {
            let new = |settings: &Settings| !tried.contains(settings) && fits(settings);
            let candidates: Vec<Settings> =
                neighbours(best.settings).into_iter().nth(place).unwrap_or_default().into_iter().filter(new).collect();
            for settings in candidates {
                tried.push(settings);
                let choice = learn(settings);
                if choice.loss < best.loss - 1e-9 {
                    best = choice;
                }
            }
        }
        if best.settings == before {
            return best;
        }
    }
}

/// Figures from outer folds by group, inside which everything is chosen and learnt again.
fn outer_folds(table: &AxisTable, sample: &[SampleArticle], axis: Axis) -> Option<Metrics> {
    let fold_of = |article: &SampleArticle| article.group.0[15] % FOLDS;
    let mut scored = Vec::new();
    for fold in 0..FOLDS {
        let held_out = Articles::new(axis, sample.iter().filter(|article| fold_of(article) == fold));
        let rest = Articles::new(axis, sample.iter().filter(|article| fold_of(article) != fold));
        if held_out.articles.is_empty() || rest.groups.len() < 2 {
            return None;
        }
        let table = table.minus(&LeftOut::new(axis, held_out.articles.iter().map(|(article, _)| *article)));
        let Choice { settings, combination, .. } = choose(&table, &rest);
        let (totals, none) = (table.totals(&settings), LeftOut::default());
        let prior = table.log_prior(&none);
        let score = |(article, label): &(&SampleArticle, usize)| {
            let scores = table.field_scores(&article.features, &none, &totals, &settings);
            let scores = scores.held_out(*label, &prior, &settings).combine(&combination);
            Scored {
                truth: Some(*label),
                truth_id: table.labels[*label].clone(),
                probabilities: softmax(&scores, combination.temperature),
            }
        };
        scored.extend(held_out.articles.par_iter().map(score).collect::<Vec<_>>());
    }
    Some(measure(&table.labels, &scored))
}

/// Trains a model on counts.
pub(super) fn train(counts: &Counts) -> Result<Trained, TrainError> {
    let mut tables = Tables { features: counts.features.clone(), fields: counts.fields.clone(), axes: [None, None] };
    let mut report = Report { articles: counts.ledger.len() as u64, folds: u32::from(FOLDS), axes: [None, None] };
    for axis in Axis::ALL {
        let Some(table) = AxisTable::new(counts, axis) else { continue };
        let articles = Articles::new(axis, &counts.sample);
        let labels_seen = table.documents.iter().filter(|&&documents| documents > 0).count();
        if labels_seen < 2 || articles.groups.len() < 2 {
            return Err(TrainError::TooFew { axis: axis.name() });
        }
        let choice = choose(&table, &articles);
        tables.axes[axis as usize] = Some(fit::tables(&table, &choice.settings, &choice.combination)?);
        report.axes[axis as usize] = Some(AxisReport {
            settings: choice.settings,
            labels: table.labels.iter().cloned().zip(table.documents.iter().copied()).collect(),
            held_out: outer_folds(&table, &counts.sample, axis),
        });
    }
    if tables.axes.iter().all(Option::is_none) {
        return Err(TrainError::NoArticles);
    }
    keep_known(&mut tables);
    let common = counts.terms.iter().zip(&counts.term_documents).filter(|(_, documents)| **documents > 1);
    let (terms, term_documents) = common.map(|(term, documents)| (*term, *documents)).unzip();
    let serving = Serving {
        catalog: counts.catalog.clone(),
        tables,
        languages: counts.languages,
        terms,
        term_documents,
        report: report.clone(),
        calibrated_on: digest_of(counts)?,
        ..Serving::default()
    };
    let model = ModelFile::write(serving, counts)?;
    let version = Model::from_bytes(&model)?.version().to_owned();
    Ok(Trained { model, version, report })
}

/// Drops the features that neither axis knows.
fn keep_known(tables: &mut Tables) {
    let known: Vec<bool> = (0..tables.features.len())
        .map(|feature| tables.axes.iter().flatten().any(|axis| axis.cells[feature] > 0))
        .collect();
    fn filter<T>(values: &mut Vec<T>, known: &[bool]) {
        let mut keep = known.iter();
        values.retain(|_| keep.next().is_some_and(|keep| *keep));
    }
    filter(&mut tables.features, &known);
    filter(&mut tables.fields, &known);
    for axis in tables.axes.iter_mut().flatten() {
        filter(&mut axis.cells, &known);
    }
}
