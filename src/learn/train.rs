//! Counts become a model: each axis is chosen and learnt, fitted with linfa, measured, and written.

use super::{
    FOLDS,
    articles::{Articles, Member},
    case::Case,
    fit,
    layout::Learnable,
    metrics::{STORED_POINTS, Scored, measure},
    select::{Choice, MAX_FEATURES, choose, outer_fold},
    stop::{self, GoOn, Stopped},
    table::{AxisTable, LeftOut},
    typical,
};
use crate::{
    classify::{Axis, Tables, TypicalityLimits},
    model::{AxisReport, Counts, Digest, MAX_SAMPLE, Metrics, ModelError, ModelFile, PackedCounts, Report, Serving},
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
    /// The model could not be written, or what it goes on from could not be read.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// It was given up.
    #[error(transparent)]
    Stopped(#[from] Stopped),
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
    /// As [`Model::is_calibrated`](crate::model::Model::is_calibrated).
    pub is_calibrated: bool,
}

/// Figures from outer folds by group, inside which everything is chosen and learnt again: of models that do without the
/// article's fold, and of such that do without its source as well.
fn outer_folds(
    table: &mut AxisTable,
    articles: &Articles<'_>,
    Watch { go_on, step }: Watch<'_>,
) -> Result<Option<[Option<Metrics>; 2]>, Stopped> {
    let fold = |fold: u8| -> Result<Option<[Vec<Scored>; 2]>, Stopped> {
        let held_out = articles.filter(|event| outer_fold(event) == fold);
        let rest = articles.filter(|event| outer_fold(event) != fold);
        if held_out.groups() == 0 {
            return Ok(Some([Vec::new(), Vec::new()]));
        }
        if rest.groups() < 2 || rest.labels_seen() < 2 {
            return Ok(None);
        }
        let scored = held_out.without_all(table, |table| outer_fold_scores(table, &held_out, &rest, go_on))?;
        step();
        Ok(scored)
    };
    // One after the other: side by side they would need the memory of all of them.
    let folds: Result<Vec<_>, Stopped> = (0..FOLDS).map(fold).collect();
    let Some(folds) = folds?.into_iter().collect::<Option<Vec<_>>>() else { return Ok(None) };
    let mut all = [Vec::new(), Vec::new()];
    for scored in folds {
        all.iter_mut().zip(scored).for_each(|(all, scored)| all.extend(scored));
    }
    Ok(Some(all.map(|scored| (!scored.is_empty()).then(|| measure(&table.labels, &scored, STORED_POINTS)))))
}

/// The same of the articles of one fold, with a table and a rest without them.
fn outer_fold_scores(
    table: &AxisTable,
    held_out: &Articles<'_>,
    rest: &Articles<'_>,
    go_on: GoOn<'_>,
) -> Result<Option<[Vec<Scored>; 2]>, Stopped> {
    let Some(choice) = choose(table, rest, go_on)? else { return Ok(None) };
    let Choice { settings, parameters, weights, calibration } = choice;
    let score = |member: Member<'_>, case: &Case| {
        let probabilities = case.probabilities(&weights, &calibration.temperature);
        let scored = Scored::new(&table.labels[member.label], &table.labels, &probabilities);
        scored.judged(&table.labels, &probabilities, &calibration, case.is_known())
    };
    let (totals, none) = (table.totals(&settings), LeftOut::default());
    let view = table.without(&none, &totals, &settings);
    let plain =
        held_out.all().map(|member| score(member, &view.case(member.label, &member.article.features, &parameters)));
    let mut scored = [plain.collect(), Vec::new()];
    if rest.has_sources() {
        let cases = held_out.without_source(rest, table, &settings, &parameters);
        scored[1] = held_out.all().zip(cases).map(|(member, case)| score(member, &case)).collect();
    }
    Ok(Some(scored))
}

/// Learns a model from counts: chooses settings, learns weights and calibration, fits likelihoods, takes held-out
/// figures, and writes the model file.
///
/// # Errors
///
/// Too few articles or labels to learn from.
pub fn train(counts: Counts) -> Result<Trained, TrainError> {
    let packed = PackedCounts::new(&counts)?;
    learn(Learnable::whole(counts), packed, Watch { go_on: &|| true, step: &|| {} })
}

/// Steps of learning that are told at most: on each axis, choosing and learning, and one for each outer fold.
pub const STEPS: usize = 2 * (1 + FOLDS as usize);

/// How whoever waits for a model follows it being learnt.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Whether it is still waited for.
    pub go_on: GoOn<'a>,
    /// Told when a step is done; [`STEPS`] at most, fewer where there is less to learn.
    pub step: &'a (dyn Fn() + Sync),
}

/// Learns a model, and writes its file with the counts, of which what can be learnt from may be a part.
pub(super) fn learn(mut learnable: Learnable, packed: PackedCounts, watch: Watch<'_>) -> Result<Trained, TrainError> {
    let axis_tables = learnable.take_tables();
    let Learnable { mut counts, dropped, .. } = learnable;
    let typicality = typical::limits(&counts);
    keep_common_terms(&mut counts);
    let mut tables = Tables { features: std::mem::take(&mut counts.features), axes: [None, None] };
    let mut report = Report { articles: counts.articles(), folds: u32::from(FOLDS), axes: [None, None] };
    let mut is_labelled = false;
    for (axis, table) in Axis::ALL.into_iter().zip(axis_tables) {
        let Some(mut table) = table else { continue };
        is_labelled = true;
        let articles = Articles::of_part(axis, &counts, &dropped);
        let labels_seen = table.documents.iter().filter(|&&documents| documents > 0).count();
        if labels_seen < 2 || articles.groups() < 2 {
            continue;
        }
        let choice = choose(&table, &articles, watch.go_on)?.ok_or(TrainError::TooManyNames { axis: axis.name() })?;
        tables.axes[axis as usize] = Some(fit::tables(&table, &choice)?);
        (watch.step)();
        let [held_out, source_held_out] = outer_folds(&mut table, &articles, watch)?.unwrap_or_default();
        report.axes[axis as usize] = Some(AxisReport {
            settings: choice.settings,
            labels: table.labels.iter().cloned().zip(table.documents.iter().copied()).collect(),
            held_out,
            source_held_out,
        });
    }
    if tables.axes.iter().all(Option::is_none) {
        return Err(if is_labelled { TrainError::TooFew } else { TrainError::NoArticles });
    }
    stop::check(watch.go_on)?;
    let serving = serving(counts, tables, report, typicality, packed.digest());
    publish(serving, packed)
}

/// Lets go of the terms that fewer than two articles hold, which no model knows, and of what is known of the terms of articles:
/// before most memory is taken.
pub(super) fn keep_common_terms(counts: &mut Counts) {
    counts.sample.iter_mut().for_each(|article| article.terms = Vec::new());
    let mut documents = counts.term_documents.iter();
    counts.terms.retain(|_| documents.next().is_some_and(|documents| *documents > 1));
    counts.term_documents.retain(|documents| *documents > 1);
    counts.terms.shrink_to_fit();
    counts.term_documents.shrink_to_fit();
}

/// The serving section of tables and report that were made of counts, of which only common terms were kept.
pub(super) fn serving(
    counts: Counts,
    mut tables: Tables,
    report: Report,
    typicality: TypicalityLimits,
    calibrated_on: Digest,
) -> Serving {
    keep_known(&mut tables);
    let Counts { catalog, languages, terms, term_documents, .. } = counts;
    Serving {
        catalog,
        tables,
        languages,
        terms,
        term_documents,
        typicality,
        report,
        calibrated_on,
        ..Serving::default()
    }
}

/// The model file of a serving section and its counts.
pub(super) fn publish(serving: Serving, counts: PackedCounts) -> Result<Trained, TrainError> {
    let report = serving.report.clone();
    let learnt = serving.tables.axes.each_ref().map(Option::is_some);
    let is_left_out = |&axis: &Axis| counts.is_labelled(axis) && !learnt[axis as usize];
    let not_learnt = Axis::ALL.into_iter().filter(is_left_out).collect();
    let is_calibrated = serving.calibrated_on == counts.digest();
    let (model, version) = ModelFile::write_packed(serving, counts)?;
    Ok(Trained { model, version, report, not_learnt, is_calibrated })
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
    for axis in tables.axes.iter_mut().flatten() {
        filter(&mut axis.cells, &known);
        filter(&mut axis.weights, &known);
    }
}
