//! The likelihoods that serving scores with, estimated by `linfa-bayes`.

use std::collections::HashMap;

use linfa::{DatasetBase, traits::Fit as _};
use linfa_bayes::MultinomialNb;
use ndarray::{Array1, Array2};
use rayon::prelude::*;
use serde::Deserialize;

use super::{
    select::Choice,
    table::{AxisTable, LeftOut},
    train::TrainError,
};
use crate::{
    classify::{AxisTables, features::TERM_FIELDS},
    model::{EventModel, Settings},
};

/// The serialised form of linfa's model, which is the only way to its private values. The encoding is read field by
/// field in order; names do not matter.
#[derive(Deserialize)]
struct Fitted {
    class_info: HashMap<usize, FittedClass>,
}

#[derive(Deserialize)]
struct FittedClass {
    _class_count: usize,
    _prior: f64,
    _feature_count: Array1<f64>,
    feature_log_prob: Array1<f64>,
}

/// `ln P(feature | label)` of some labels, one row of counts per label, by linfa's multinomial naive Bayes.
///
/// The oracle tests compare these with the closed form of [`AxisTable`].
pub(super) fn log_probabilities(counts: Array2<f64>, alpha: f64) -> Result<Vec<Array1<f64>>, TrainError> {
    let rows = counts.nrows();
    // linfa accepts an alpha that is not a number, and an empty matrix, and panics later.
    if !(alpha.is_finite() && alpha > 0.0) || rows == 0 || counts.ncols() == 0 {
        return Err(TrainError::Fit(format!("alpha {alpha}, {rows} labels, {} features", counts.ncols())));
    }
    let targets = Array1::from_iter(0..rows);
    let model = MultinomialNb::params()
        .alpha(alpha)
        .fit(&DatasetBase::new(counts, targets))
        .map_err(|error| TrainError::Fit(error.to_string()))?;
    let encoded = postcard::to_stdvec(&model).map_err(|error| TrainError::Fit(error.to_string()))?;
    let mut fitted: Fitted = postcard::from_bytes(&encoded).map_err(|error| TrainError::Fit(error.to_string()))?;
    let row = |label| fitted.class_info.remove(&label).map(|class| class.feature_log_prob);
    (0..rows).map(row).collect::<Option<_>>().ok_or_else(|| TrainError::Fit("a label is missing".to_owned()))
}

/// A deviation as it is stored: a multiple of 2^-20 nats, so that the last bits of a platform's logarithm, which linfa
/// takes, leave no trace in a file.
fn on_grid(deviation: f64) -> f32 {
    const GRID: f64 = (1 << 20) as f64;
    ((deviation * GRID).round() / GRID) as f32
}

/// What one label has of one feature.
#[derive(Clone, Copy, Default)]
struct Cell {
    /// Where it stands among all cells.
    at: u32,
    /// The number of the feature among those that the model knows.
    feature: u32,
    value: f64,
}

/// By cell of a label in a field of so many features, which come to `total` under all labels, and each to its own by its
/// number: how far it lies above the label's floor, as it is stored.
///
/// The features that the label does not stand with are one column of the matrix, which holds what they come to together:
/// the denominators are the same, and linfa is not asked for a hundred times as many logarithms as anybody reads.
fn deviations(
    cells: &[Cell],
    (features, total, totals): (usize, f64, &[f64]),
    floor: f64,
    settings: &Settings,
) -> Result<Vec<f32>, TrainError> {
    if cells.is_empty() {
        return Ok(Vec::new());
    }
    let alpha = settings.alpha;
    let total_of = |cell: &Cell| totals[cell.feature as usize];
    let counted = |cell: &Cell| match settings.event_model {
        EventModel::Multinomial => cell.value,
        EventModel::Complement => total_of(cell) - cell.value,
    };
    let mut counts: Vec<f64> = cells.iter().map(counted).collect();
    if let Some(others) = (features - cells.len()).checked_sub(1) {
        let total = match settings.event_model {
            EventModel::Multinomial => 0.0,
            EventModel::Complement => total - cells.iter().map(total_of).sum::<f64>(),
        };
        // linfa smooths it once.
        counts.push(total + alpha * others as f64);
    }
    let counts =
        Array2::from_shape_vec((1, counts.len()), counts).map_err(|error| TrainError::Fit(error.to_string()))?;
    let fitted = log_probabilities(counts, alpha)?.swap_remove(0);
    // What all labels share in a feature leaves no trace after centring.
    let above_shared = |(cell, log_probability): (&Cell, &f64)| match settings.event_model {
        EventModel::Multinomial => log_probability - libm::log(alpha),
        EventModel::Complement => libm::log(total_of(cell) + alpha) - log_probability,
    };
    Ok(cells.iter().zip(&fitted).map(above_shared).map(|value| on_grid(value - floor)).collect())
}

/// The tables that serving scores with: linfa's log-probabilities as sparse deviations from per-label floors.
pub(super) fn tables(table: &AxisTable, choice: &Choice) -> Result<AxisTables, TrainError> {
    let Choice { settings, parameters, weights, calibration } = choice;
    let labels = table.labels.len();
    let totals = table.totals(settings);
    let floors = table.floors(&totals, settings);
    let known: Vec<u32> = table.known_terms(settings).collect();
    let cells_of = |feature: u32| table.smoothed(feature, settings).map(|(label, value)| (usize::from(label), value));
    let total = |&feature: &u32| cells_of(feature).map(|(_, value)| value).sum();
    let feature_totals: Vec<f64> = known.iter().map(total).collect();

    // Labels of all cells; their values come field by field. There are very many: they are not held twice.
    let names = (0..table.features() as u32).filter(|&feature| table.named_label(feature).is_some()).count();
    let number = names + known.iter().map(|&feature| cells_of(feature).count()).sum::<usize>();
    let mut cells = vec![0; table.features()];
    let (mut cell_labels, mut cell_values) = (Vec::with_capacity(number), vec![0.0; number]);
    let mut starts = Vec::with_capacity(known.len());
    let mut terms = known.iter().peekable();
    for feature in 0..table.features() as u32 {
        let start = cell_labels.len();
        if let Some(label) = table.named_label(feature) {
            cell_values[start] = 1.0;
            cell_labels.push(label);
        } else if terms.next_if_eq(&&feature).is_some() {
            starts.push(start);
            cell_labels.extend(table.smoothed(feature, settings).map(|(label, _)| label));
        }
        cells[feature as usize] = (cell_labels.len() - start) as u16;
    }
    for field in 0..TERM_FIELDS {
        let columns: Vec<usize> = (0..known.len()).filter(|&at| table.field(known[at]).index() == field).collect();
        let total = columns.iter().map(|&at| feature_totals[at]).sum();
        let mut ends = vec![0; labels + 1];
        columns.iter().flat_map(|&at| cells_of(known[at])).for_each(|(label, _)| ends[label + 1] += 1);
        for label in 1..ends.len() {
            ends[label] += ends[label - 1];
        }
        let ranges: Vec<_> = ends.windows(2).map(|ends| ends[0]..ends[1]).collect();
        let mut of_labels = vec![Cell::default(); ends[labels]];
        for at in columns.iter().copied() {
            for (cell, (label, value)) in (starts[at]..).zip(cells_of(known[at])) {
                // Where the cells of this label begin becomes where they end.
                let end = &mut ends[label];
                of_labels[*end] = Cell { at: cell as u32, feature: at as u32, value };
                *end += 1;
            }
        }
        let fit = |(cells, floor): (&std::ops::Range<usize>, &f64)| {
            deviations(&of_labels[cells.clone()], (columns.len(), total, &feature_totals), *floor, settings)
        };
        let fitted: Vec<Vec<f32>> = ranges.par_iter().zip(&floors[field]).map(fit).collect::<Result<_, _>>()?;
        let values = fitted.into_iter().flatten();
        of_labels.iter().zip(values).for_each(|(cell, value)| cell_values[cell.at as usize] = value);
    }

    let weight = |feature| parameters.of(feature).map_or(0.0, |parameter| weights[parameter as usize] as f32);
    Ok(AxisTables {
        labels: table.labels.clone(),
        prior: table.log_prior(&LeftOut::default()),
        prior_weight: weights[parameters.prior()],
        floors,
        length_exponent: settings.length_exponent,
        calibration: calibration.clone(),
        weights: (0..table.features() as u32).map(weight).collect(),
        cells,
        cell_labels,
        cell_values,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{
        case::Parameters,
        testing::{catalog, counts_of, small_corpus, some_settings},
    };
    use crate::{
        classify::{Axis, Calibration, Names, Scorer, Tables, Temperature},
        text::Document,
    };

    /// linfa's estimates and the closed form say the same of every feature and label.
    #[test]
    fn linfa_and_closed_form_agree() {
        let counts = counts_of(&small_corpus());
        for axis in Axis::ALL {
            let table = AxisTable::new(&counts, axis).unwrap();
            for settings in some_settings() {
                let totals = table.totals(&settings);
                let floors = table.floors(&totals, &settings);
                for field in 0..TERM_FIELDS {
                    let features: Vec<u32> =
                        table.known_terms(&settings).filter(|&f| table.field(f).index() == field).collect();
                    if features.is_empty() {
                        continue;
                    }
                    let mut matrix = Array2::zeros((table.labels.len(), features.len()));
                    for (column, &feature) in features.iter().enumerate() {
                        let cells: Vec<(u16, f64)> = table.smoothed(feature, &settings).collect();
                        let total: f64 = cells.iter().map(|(_, value)| value).sum();
                        if settings.event_model == EventModel::Complement {
                            matrix.column_mut(column).fill(total);
                        }
                        for (label, value) in cells {
                            let cell = &mut matrix[(usize::from(label), column)];
                            *cell = if settings.event_model == EventModel::Complement { *cell - value } else { value };
                        }
                    }
                    let fitted = log_probabilities(matrix, settings.alpha).unwrap();
                    for (column, &feature) in features.iter().enumerate() {
                        let cells: Vec<(u16, f64)> = table.smoothed(feature, &settings).collect();
                        let total: f64 = cells.iter().map(|(_, value)| value).sum();
                        for label in 0..table.labels.len() {
                            let value = cells.iter().find(|(l, _)| usize::from(*l) == label).map_or(0.0, |(_, v)| *v);
                            let shared = match settings.event_model {
                                EventModel::Multinomial => libm::log(settings.alpha),
                                EventModel::Complement => -libm::log(total + settings.alpha),
                            };
                            let closed = shared + floors[field][label] + AxisTable::deviation(value, total, &settings);
                            let linfa = match settings.event_model {
                                EventModel::Multinomial => fitted[label][column],
                                EventModel::Complement => -fitted[label][column],
                            };
                            assert!((closed - linfa).abs() < 1e-12, "{settings:?} {closed} {linfa}");
                        }
                    }
                }
            }
        }
    }

    /// Asked label by label, linfa says what it says of the whole matrix: of a label that stands with all features, with all
    /// but one, with few, and with none.
    #[test]
    fn a_label_by_itself_is_fitted_as_in_the_matrix() {
        let matrix = [[1.0, 2.0, 3.0, 4.0, 1.0], [5.0, 0.0, 1.5, 1.0, 9.0], [0.0, 0.0, 0.0, 2.0, 0.0], [0.0; 5]];
        let totals = [0, 1, 2, 3, 4].map(|column| matrix.iter().map(|row| row[column]).sum::<f64>());
        for settings in some_settings() {
            let counted = |label: usize, column: usize| match settings.event_model {
                EventModel::Multinomial => matrix[label][column],
                EventModel::Complement => totals[column] - matrix[label][column],
            };
            let whole = Array2::from_shape_fn((4, 5), |(label, column)| counted(label, column));
            let whole = log_probabilities(whole, settings.alpha).unwrap();
            for (label, row) in matrix.iter().enumerate() {
                let columns: Vec<usize> = (0..5).filter(|&column| row[column] > 0.0).collect();
                let cell = |&at: &usize| Cell { at: at as u32, feature: at as u32, value: row[at] };
                let cells: Vec<Cell> = columns.iter().map(cell).collect();
                let own = deviations(&cells, (5, totals.iter().sum(), &totals), 0.25, &settings).unwrap();
                let expect = columns.iter().map(|&column| match settings.event_model {
                    EventModel::Multinomial => whole[label][column] - libm::log(settings.alpha),
                    EventModel::Complement => libm::log(totals[column] + settings.alpha) - whole[label][column],
                });
                assert_eq!(own.len(), columns.len());
                for (own, expect) in own.into_iter().zip(expect) {
                    assert!((f64::from(own) - (expect - 0.25)).abs() < 1e-6, "{settings:?} {label}: {own} {expect}");
                }
            }
        }
    }

    /// What serving scores with gives what the counts give.
    #[test]
    fn tables_and_counts_agree() {
        let corpus = small_corpus();
        let counts = counts_of(&corpus);
        let names = Names::new(&catalog());
        for settings in some_settings() {
            let axes = Axis::ALL.map(|axis| AxisTable::new(&counts, axis).unwrap());
            let choices = axes.each_ref().map(|table| {
                let parameters = Parameters::new(table, &settings);
                let weights = (0..parameters.len()).map(|i| 0.25 * (i % 7) as f64).collect();
                let calibration =
                    Calibration { temperature: Temperature { slope: -0.2, offset: 1.3 }, ..Calibration::default() };
                Choice { settings, parameters, weights, calibration }
            });
            let mut served = Tables { features: counts.features.clone(), axes: [None, None] };
            for axis in 0..2 {
                served.axes[axis] = Some(tables(&axes[axis], &choices[axis]).unwrap());
            }
            let scorer = Scorer::new(&served, names.clone(), |_, id| id.to_owned()).unwrap();
            for article in &corpus {
                let document = Document::new(article.article(), None);
                let hits = scorer.hits(&document);
                let ids = article.prepare(&names).row([None; 2]);
                let features: Vec<u32> =
                    ids.features().map(|id| counts.features.binary_search(&id).unwrap() as u32).collect();
                for (axis, (table, choice)) in axes.iter().zip(&choices).enumerate() {
                    let (none, totals) = (LeftOut::default(), table.totals(&settings));
                    let case = table.without(&none, &totals, &settings).case(0, &features, &choice.parameters);
                    let closed = case.probabilities(&choice.weights, &choice.calibration.temperature);
                    let (_, sparse) = scorer.scores(axis, &hits).unwrap();
                    assert_eq!(closed.len(), sparse.len());
                    for (a, b) in closed.iter().zip(sparse) {
                        assert!((a - b).abs() < 1e-5, "{settings:?} {a} {b}");
                    }
                }
            }
        }
    }

    #[test]
    fn linfa_is_not_asked_what_it_would_panic_on() {
        for (counts, alpha) in [
            (Array2::zeros((2, 2)), f64::NAN),
            (Array2::zeros((2, 2)), 0.0),
            (Array2::zeros((2, 2)), f64::INFINITY),
            (Array2::zeros((0, 2)), 1.0),
            (Array2::zeros((2, 0)), 1.0),
        ] {
            assert!(matches!(log_probabilities(counts, alpha), Err(TrainError::Fit(_))));
        }
    }
}
