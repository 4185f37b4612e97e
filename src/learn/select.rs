//! Settings are chosen, weights and temperature learnt, figures taken, and the model put together.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{
    FOLDS, fit,
    metrics::{STORED_POINTS, Scored, measure},
    table::{AxisTable, LeftOut},
    weights::{Combination, HeldOut},
};
use crate::{
    classify::{Axis, Tables},
    model::{
        AxisReport, Counts, Digest, EventModel, MAX_SAMPLE, Metrics, ModelError, ModelFile, Report, SampleArticle,
        Serving, Settings, digest_of,
    },
};

/// Why no model could be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Nothing was labelled.
    #[error("no labelled articles")]
    NoArticles,
    /// There is nothing to tell apart on any axis.
    #[error(
        "articles of at least two labels on one axis are needed, and of at least two groups (a group counts only if the \
         calibration sample of {MAX_SAMPLE} articles can hold it whole)"
    )]
    TooFew,
    /// Names of labels are features that are never left out.
    #[error("{axis}: the names and aliases of the label catalog have more than {MAX_FEATURES} words and word pairs")]
    TooManyNames {
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
    /// Axes that some article is labelled on but that could not be learnt: there are not two labels, or not two groups.
    pub not_learnt: Vec<Axis>,
}

/// Features an axis knows at most; the cut-off by document frequency rises until they fit.
const MAX_FEATURES: usize = 400_000;

/// Held-out articles times labels that weights and settings are learnt from at most: what bounds time and memory when
/// there are thousands of labels. A hundred labels leave room for the whole calibration sample.
const MAX_HELD_OUT: usize = 2_000_000;

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

/// The settings that differ from `settings` in one place.
fn vary(settings: Settings, place: Place) -> Vec<Settings> {
    match place {
        Place::EventModel => EVENT_MODELS.map(|event_model| Settings { event_model, ..settings }).to_vec(),
        Place::Alpha => ALPHAS.map(|alpha| Settings { alpha, ..settings }).to_vec(),
        Place::LengthExponent => {
            LENGTH_EXPONENTS.map(|length_exponent| Settings { length_exponent, ..settings }).to_vec()
        }
        Place::NameCount => NAME_COUNTS.map(|name_count| Settings { name_count, ..settings }).to_vec(),
        Place::MinDocuments => MIN_DOCUMENTS.map(|min_documents| Settings { min_documents, ..settings }).to_vec(),
    }
}

/// One of the settings.
#[derive(Clone, Copy)]
enum Place {
    EventModel,
    Alpha,
    LengthExponent,
    NameCount,
    MinDocuments,
}

/// The order in which settings are varied.
const PLACES: [Place; 5] =
    [Place::EventModel, Place::Alpha, Place::LengthExponent, Place::NameCount, Place::MinDocuments];

/// The articles of one axis, by group: those of a group are left out together.
struct Articles<'a> {
    groups: Vec<Group<'a>>,
}

struct Group<'a> {
    members: Vec<(&'a SampleArticle, usize)>,
    left_out: LeftOut,
}

impl<'a> Articles<'a> {
    fn new(axis: Axis, sample: impl IntoIterator<Item = &'a SampleArticle>) -> Self {
        let mut groups: BTreeMap<Digest, Vec<(&SampleArticle, usize)>> = BTreeMap::new();
        for article in sample {
            if let Some(label) = article.labels[axis as usize] {
                groups.entry(article.group).or_default().push((article, usize::from(label)));
            }
        }
        let group = |members: Vec<(&'a SampleArticle, usize)>| Group {
            left_out: LeftOut::new(axis, members.iter().map(|(article, _)| *article)),
            members,
        };
        Articles { groups: groups.into_values().map(group).collect() }
    }

    /// As many of the first groups, in the order of their digests, as [`MAX_HELD_OUT`] allows, and two at least.
    fn within(mut self, labels: usize) -> Self {
        let mut scores = 0;
        let fit = self.groups.iter().take_while(|group| {
            scores += group.members.len() * labels;
            scores <= MAX_HELD_OUT
        });
        let keep = fit.count().max(2);
        self.groups.truncate(keep);
        self
    }

    fn all(&self) -> impl Iterator<Item = (&'a SampleArticle, usize)> {
        self.groups.iter().flat_map(|group| group.members.iter().copied())
    }

    /// What a model trained without each article's group says of it, group by group.
    fn held_out(&self, table: &AxisTable, settings: &Settings) -> Vec<HeldOut> {
        let totals = table.totals(settings);
        let score = |group: &Group<'_>| {
            let view = table.without(&group.left_out, &totals, settings);
            group.members.iter().map(|(article, label)| view.held_out(*label, &article.features)).collect::<Vec<_>>()
        };
        self.groups.par_iter().map(score).collect::<Vec<_>>().into_iter().flatten().collect()
    }
}

/// What was chosen and learnt for one axis.
struct Choice {
    settings: Settings,
    combination: Combination,
    loss: f64,
}

/// The lowest cut-off, from that of [`START`] on, under which the features fit; `None` if the names alone do not.
fn lowest_cut_off(table: &AxisTable) -> Option<u32> {
    let mut documents: Vec<u32> = (0..table.features() as u32).map(|feature| table.documents_of(feature)).collect();
    documents.sort_unstable_by(|a, b| b.cmp(a));
    // The first feature that does not fit has so many articles, and its equals do not fit either.
    let needed = documents.get(MAX_FEATURES).map_or(0, |documents| documents.saturating_add(1));
    let start = Settings { min_documents: START.min_documents.max(needed), ..START };
    fits(table, &start).then_some(start.min_documents)
}

fn fits(table: &AxisTable, settings: &Settings) -> bool {
    (0..table.features() as u32).filter(|&feature| table.knows(feature, settings)).count() <= MAX_FEATURES
}

/// The settings that no change of a single one makes better, by held-out log loss; found by changing one at a time.
/// `None` if the features do not fit whatever the cut-off.
fn choose(table: &AxisTable, articles: &Articles<'_>) -> Option<Choice> {
    let learn = |settings: Settings| {
        let (combination, loss) = Combination::fit(&articles.held_out(table, &settings));
        Choice { settings, combination, loss }
    };
    let start = Settings { min_documents: lowest_cut_off(table)?, ..START };
    let mut tried = vec![start];
    let mut best = learn(start);
    loop {
        let before = best.settings;
        for place in PLACES {
            for settings in vary(best.settings, place) {
                if tried.contains(&settings) || !fits(table, &settings) {
                    continue;
                }
                tried.push(settings);
                let choice = learn(settings);
                if choice.loss < best.loss - 1e-9 {
                    best = choice;
                }
            }
        }
        if best.settings == before {
            return Some(best);
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
        let rest = rest.within(table.labels.len());
        if held_out.groups.is_empty() {
            continue;
        }
        if rest.groups.len() < 2 {
            return None;
        }
        let table = table.minus(&LeftOut::new(axis, held_out.all().map(|(article, _)| article)));
        let Choice { settings, combination, .. } = choose(&table, &rest)?;
        let (totals, none) = (table.totals(&settings), LeftOut::default());
        let view = table.without(&none, &totals, &settings);
        let articles: Vec<_> = held_out.all().collect();
        let score = |&(article, label): &(&SampleArticle, usize)| {
            let probabilities = view.held_out(label, &article.features).probabilities(&combination);
            Scored::new(&table.labels[label], &table.labels, &probabilities)
        };
        scored.extend(articles.par_iter().map(score).collect::<Vec<_>>());
    }
    Some(measure(&table.labels, &scored, STORED_POINTS))
}

/// Trains a model on counts.
pub(super) fn train(counts: &Counts) -> Result<Trained, TrainError> {
    let mut tables = Tables { features: counts.features.clone(), fields: counts.fields.clone(), axes: [None, None] };
    let mut report = Report { articles: counts.ledger.len() as u64, folds: u32::from(FOLDS), axes: [None, None] };
    let mut not_learnt = Vec::new();
    for axis in Axis::ALL {
        let Some(table) = AxisTable::new(counts, axis) else { continue };
        let articles = Articles::new(axis, &counts.sample).within(table.labels.len());
        let labels_seen = table.documents.iter().filter(|&&documents| documents > 0).count();
        if labels_seen < 2 || articles.groups.len() < 2 {
            not_learnt.push(axis);
            continue;
        }
        let choice = choose(&table, &articles).ok_or(TrainError::TooManyNames { axis: axis.name() })?;
        tables.axes[axis as usize] = Some(fit::tables(&table, &choice.settings, &choice.combination)?);
        report.axes[axis as usize] = Some(AxisReport {
            settings: choice.settings,
            labels: table.labels.iter().cloned().zip(table.documents.iter().copied()).collect(),
            held_out: outer_folds(&table, &counts.sample, axis),
        });
    }
    if tables.axes.iter().all(Option::is_none) {
        return Err(if not_learnt.is_empty() { TrainError::NoArticles } else { TrainError::TooFew });
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
    let (model, version) = ModelFile::write(serving, counts)?;
    Ok(Trained { model, version, report, not_learnt })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::testing::{counts_of, small_corpus};

    #[test]
    fn many_labels_mean_fewer_articles() {
        let counts = counts_of(&small_corpus());
        let groups = |labels: usize| Articles::new(Axis::MeetingType, &counts.sample).within(labels).groups.len();
        let all = Articles::new(Axis::MeetingType, &counts.sample).groups.len();
        assert_eq!(groups(3), all);
        assert_eq!(groups(MAX_HELD_OUT + 1), 2);
        let some = groups(MAX_HELD_OUT / 10);
        assert!((3..all).contains(&some), "{some} of {all}");
    }
}
