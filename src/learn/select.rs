//! Which settings, weights and calibration: chosen and learnt on articles held out from the counts, and from the weights.

use super::{
    FOLDS,
    articles::Articles,
    attributes::{self, Effort, QUICK, THOROUGH},
    calibrate::{Unseen, calibrate, losses},
    case::{Case, Parameters},
    stop::{GoOn, Stopped},
    table::AxisTable,
};
use crate::{
    classify::Calibration,
    model::{Digest, EventModel, Settings},
};

/// Features an axis knows at most; the cut-off by document frequency rises until they fit.
pub(super) const MAX_FEATURES: usize = 800_000;

/// Cells of held-out articles that weights are learnt from at most. Bounds time; articles share their cells, so that memory
/// goes with the features in them: 8 bytes each.
const MAX_CELLS: usize = 120_000_000;

/// The same while settings are compared.
const MAX_SEARCH_CELLS: usize = 12_000_000;

/// Held-out articles times labels at most: what bounds memory where there are thousands of labels.
const MAX_SCORES: usize = 1_000_000;

/// Where the search for settings may begin, but for event model, smoothing and length exponent.
const START: Settings = Settings {
    event_model: EventModel::Multinomial,
    alpha: 0.3,
    min_documents: 2,
    length_exponent: 0.0,
    name_count: 3.0,
    weight_precision: 0.3,
};

/// Each event model with a smoothing that suits it: the search begins with the best of them under some length
/// exponents, since one step from one to another passes through what suits neither.
const STARTS: [(EventModel, f64, f64); 4] = [
    (EventModel::Multinomial, 0.3, 0.0),
    (EventModel::Multinomial, 0.3, 0.5),
    (EventModel::Complement, 3.0, 0.0),
    (EventModel::Complement, 0.3, 0.5),
];

/// The values each setting is tried with.
const ALPHAS: [f64; 7] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];
const MIN_DOCUMENTS: [u32; 4] = [1, 2, 4, 8];
const LENGTH_EXPONENTS: [f64; 3] = [0.0, 0.25, 0.5];
const NAME_COUNTS: [f64; 6] = [0.0, 0.3, 1.0, 3.0, 10.0, 30.0];
const WEIGHT_PRECISIONS: [f64; 6] = [0.03, 0.1, 0.3, 1.0, 3.0, 10.0];

/// How many standard errors another value must gain in log loss: less is noise, and may double the features.
const ERRORS: f64 = 1.0;

/// One of the settings.
#[derive(Clone, Copy)]
enum Place {
    Alpha,
    WeightPrecision,
    LengthExponent,
    MinDocuments,
    NameCount,
}

/// The order in which settings are varied.
const PLACES: [Place; 5] =
    [Place::WeightPrecision, Place::Alpha, Place::LengthExponent, Place::MinDocuments, Place::NameCount];

/// The settings that are one step of the grid away in one place; `None` at its end. A value that is not on the grid (a
/// cut-off that many features made necessary) is not moved.
fn moved(settings: Settings, place: Place, step: isize) -> Option<Settings> {
    fn next<T: Copy + PartialEq>(grid: &[T], current: T, step: isize) -> Option<T> {
        let at = grid.iter().position(|&value| value == current)?;
        grid.get(at.checked_add_signed(step)?).copied()
    }
    let s = settings;
    Some(match place {
        Place::Alpha => Settings { alpha: next(&ALPHAS, s.alpha, step)?, ..s },
        Place::WeightPrecision => {
            Settings { weight_precision: next(&WEIGHT_PRECISIONS, s.weight_precision, step)?, ..s }
        }
        Place::LengthExponent => Settings { length_exponent: next(&LENGTH_EXPONENTS, s.length_exponent, step)?, ..s },
        Place::MinDocuments => Settings { min_documents: next(&MIN_DOCUMENTS, s.min_documents, step)?, ..s },
        Place::NameCount => Settings { name_count: next(&NAME_COUNTS, s.name_count, step)?, ..s },
    })
}

/// What was chosen and learnt for one axis.
pub(super) struct Choice {
    pub(super) settings: Settings,
    pub(super) parameters: Parameters,
    /// By parameter.
    pub(super) weights: Vec<f64>,
    pub(super) calibration: Calibration,
}

/// The lowest cut-off, from that of the settings on, under which the features fit; `None` if the names alone do not.
pub(super) fn lowest_cut_off(table: &AxisTable, settings: &Settings) -> Option<u32> {
    lowest_cut_off_within(table, settings, MAX_FEATURES)
}

fn lowest_cut_off_within(table: &AxisTable, settings: &Settings, max_features: usize) -> Option<u32> {
    // Names are known whatever the cut-off.
    let names = Settings { min_documents: u32::MAX, ..*settings };
    let room = max_features.checked_sub(table.known_terms(&names).count())?;
    let others = Settings { min_documents: 1, name_count: 0.0, ..*settings };
    let mut documents: Vec<u32> = table
        .known_terms(&others)
        .filter(|&feature| !table.knows(feature, &names))
        .map(|feature| table.documents_of(feature))
        .collect();
    documents.sort_unstable_by(|a, b| b.cmp(a));
    // The first feature that does not fit has so many articles, and its equals do not fit either.
    let needed = documents.get(room).map_or(0, |documents| documents.saturating_add(1));
    Some(settings.min_documents.max(needed).max(table.lowest))
}

fn fits(table: &AxisTable, settings: &Settings) -> bool {
    settings.min_documents >= table.lowest && table.known_terms(settings).count() <= MAX_FEATURES
}

/// The fold of an event among the [`FOLDS`] that figures are taken from.
pub(super) fn outer_fold(event: &Digest) -> u8 {
    event.0[15] % FOLDS
}

/// The fold of a group among `folds`, for learning weights on some articles and judging them on others. Another byte
/// decides the outer folds.
pub(super) fn inner_fold(group: &Digest, folds: u8) -> u8 {
    group.0[14] % folds
}

/// A model that knows nothing of the articles of one fold.
pub(super) struct WithoutFold {
    pub(super) table: AxisTable,
    pub(super) parameters: Parameters,
    /// By parameter.
    pub(super) weights: Vec<f64>,
}

impl WithoutFold {
    /// Counts and weights are those of the other articles. (Weights that were learnt with an article in the counts know its
    /// label: a word that stands in two articles helps the one exactly if it helps the other.)
    pub(super) fn new(
        table: &AxisTable,
        judged: &Articles<'_>,
        learnt: &Articles<'_>,
        settings: &Settings,
        effort: Effort,
        go_on: GoOn<'_>,
    ) -> Result<Self, Stopped> {
        let table = judged.minus_all(table);
        let parameters = Parameters::new(&table, settings);
        let cases = learnt.cases(&table, settings, &parameters);
        let weights = attributes::fit(&cases, &parameters, settings.weight_precision, effort, go_on)?;
        Ok(WithoutFold { table, parameters, weights })
    }
}

/// Scores of the articles of one of `folds` folds by a model that knows nothing of them, in an order that settings do not
/// change. `None` for articles of which the model has no feature, since they are answered from the frequencies of labels,
/// and for those of whose label it has no article.
fn unseen(
    table: &AxisTable,
    articles: &Articles<'_>,
    settings: &Settings,
    (fold, folds): (u8, u8),
    effort: Effort,
    go_on: GoOn<'_>,
) -> Result<Vec<Option<Unseen>>, Stopped> {
    let judged = articles.filter(|group| inner_fold(group, folds) == fold);
    let learnt = articles.filter(|group| inner_fold(group, folds) != fold);
    if judged.groups() == 0 || learnt.groups() == 0 {
        return Ok(Vec::new());
    }
    let model = WithoutFold::new(table, &judged, &learnt, settings, effort, go_on)?;
    let WithoutFold { table, parameters, weights } = model;
    let judged = judged.without_source(&learnt, &table, settings, &parameters);
    let unseen = |case: &Case| Unseen { label: case.label, scores: case.scores(&weights) };
    Ok(judged.iter().map(|case| case.teaches().then(|| unseen(case))).collect())
}

/// Folds for comparing settings, and for calibration. With two, weights would be learnt from half the articles, and settings
/// that suit so few would win.
const SEARCH_FOLDS: u8 = 3;
pub(super) const CALIBRATION_FOLDS: u8 = 5;

/// The settings that no step of a single one makes better, by log loss on articles that neither counts nor weights have
/// seen; then weights and calibration under them. `None` if the features do not fit whatever the cut-off.
pub(super) fn choose(table: &AxisTable, articles: &Articles<'_>, go_on: GoOn<'_>) -> Result<Option<Choice>, Stopped> {
    let few = articles.clone().within(table, MAX_SEARCH_CELLS, MAX_SCORES);
    // Scores under other settings than the best so far, if they are better. What is worse by more than chance in some of the
    // folds is not tried in the others (a race: Maron and Moore 1993).
    let better = |settings: &Settings, best: &[Option<Unseen>]| {
        let mut reached = Vec::new();
        for fold in 0..SEARCH_FOLDS {
            reached.extend(unseen(table, &few, settings, (fold, SEARCH_FOLDS), QUICK, go_on)?);
            if let Some(best) = best.get(..reached.len())
                && gains(&losses(&reached), &losses(best))
            {
                return Ok(None);
            }
        }
        let is_better = best.is_empty() || gains(&losses(best), &losses(&reached));
        Ok(is_better.then_some(reached))
    };
    let Some(min_documents) = lowest_cut_off(table, &START) else { return Ok(None) };
    let (mut best, mut least) = (START, Vec::new());
    for (event_model, alpha, length_exponent) in STARTS {
        let settings = Settings { event_model, alpha, length_exponent, min_documents, ..START };
        if let Some(reached) = better(&settings, &least)? {
            (best, least) = (settings, reached);
        }
    }
    for place in PLACES {
        // On in the direction that helps, as far as it does.
        for step in [-1, 1] {
            while let Some(settings) = moved(best, place, step).filter(|settings| fits(table, settings)) {
                let Some(reached) = better(&settings, &least)? else { break };
                (best, least) = (settings, reached);
            }
        }
    }
    learn(table, &learnt(articles, table), best, go_on).map(Some)
}

/// Whether some losses are less than those before by more than chance: by more than the standard error of the mean
/// difference over the articles that both know.
fn gains(before: &[Option<f64>], now: &[Option<f64>]) -> bool {
    let differences: Vec<f64> = before.iter().zip(now).filter_map(|pair| Some((*pair.0)? - (*pair.1)?)).collect();
    let n = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|difference| (difference - mean) * (difference - mean)).sum::<f64>() / n;
    mean > ERRORS * (variance / n).sqrt()
}

/// The articles that weights are learnt from.
pub(super) fn learnt<'a>(articles: &Articles<'a>, table: &AxisTable) -> Articles<'a> {
    articles.clone().within(table, MAX_CELLS, MAX_SCORES)
}

/// Weights and calibration under some settings.
pub(super) fn learn(
    table: &AxisTable,
    articles: &Articles<'_>,
    settings: Settings,
    go_on: GoOn<'_>,
) -> Result<Choice, Stopped> {
    let parameters = Parameters::new(table, &settings);
    let cases = articles.cases(table, &settings, &parameters);
    let weights = attributes::fit(&cases, &parameters, settings.weight_precision, THOROUGH, go_on)?;
    // Calibrating takes as much memory again.
    drop(cases);
    let mut all = Vec::new();
    for fold in 0..CALIBRATION_FOLDS {
        let unseen = unseen(table, articles, &settings, (fold, CALIBRATION_FOLDS), THOROUGH, go_on)?;
        all.extend(unseen.into_iter().flatten());
    }
    let calibration = calibrate(&all);
    Ok(Choice { settings, parameters, weights, calibration })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        classify::Axis,
        learn::testing::{counts_of, small_corpus},
    };

    /// However little room there is beside the names, the cut-off is the lowest under which all fits.
    #[test]
    fn the_cut_off_leaves_room_for_names() {
        let counts = counts_of(&small_corpus());
        for axis in Axis::ALL {
            let table = AxisTable::new(&counts, axis).unwrap();
            let known = |min_documents| table.known_terms(&Settings { min_documents, ..START }).count();
            let (names, all) = (known(u32::MAX), known(START.min_documents));
            assert!(names > 0 && all > names);
            for max in 0..all + 2 {
                let found = lowest_cut_off_within(&table, &START, max);
                let fits = |&cut_off: &u32| known(cut_off) <= max;
                let expect = (max >= names).then(|| (START.min_documents..).find(fits)).flatten();
                assert_eq!(found, expect, "{axis:?} {max}");
            }
        }
    }
}
