//! A model's settings and fitted values on other counts: what can be had after a change without the articles.

use super::{
    case::Parameters,
    fit,
    layout::Learnable,
    select::{self, Choice},
    stop::{self, GoOn},
    table::AxisTable,
    train::{self, TrainError},
};
use crate::{
    classify::{Axis, AxisTables, Tables},
    model::{AxisReport, Counts, Report, Serving, Settings},
};

/// The serving section of counts under the settings and fitted values of another model. Likelihoods, priors and document
/// frequencies are those that training on the counts would give under these settings; weights, temperature and held-out
/// figures are the other model's, and so is [`Serving::calibrated_on`].
///
/// A feature that the other model does not know gets the mean weight of its field.
///
/// If more features than an axis can know are over the cut-off, the cut-off is raised, as in training.
///
/// # Errors
///
/// No axis is left that the other model has settings for and that has articles of two labels; the work was given up.
pub(super) fn refit(mut base: Serving, mut learnable: Learnable, go_on: GoOn<'_>) -> Result<Serving, TrainError> {
    // Nobody asks what it says of labels and terms, which is most of it.
    (base.terms, base.term_documents) = (Vec::new(), Vec::new());
    for axis in base.tables.axes.iter_mut().flatten() {
        (axis.cell_labels, axis.cell_values) = (Vec::new(), Vec::new());
    }
    let axis_tables = learnable.take_tables();
    // Nothing is learnt from articles.
    let mut counts = Counts { sample: Vec::new(), ..learnable.counts };
    train::keep_common_terms(&mut counts);
    let mut tables = Tables { features: std::mem::take(&mut counts.features), axes: [None, None] };
    let mut report = Report { articles: counts.articles(), axes: [None, None], ..base.report };
    // Fitted one after the other: side by side that would need twice the memory.
    for (axis, table) in Axis::ALL.into_iter().zip(axis_tables) {
        stop::check(go_on)?;
        let Some(table) = table else { continue };
        if let Some((fitted, reported)) = of_axis(&base, axis, table, &tables.features)? {
            (tables.axes[axis as usize], report.axes[axis as usize]) = (Some(fitted), Some(reported));
        }
    }
    if tables.axes.iter().all(Option::is_none) {
        return Err(if counts.articles() == 0 { TrainError::NoArticles } else { TrainError::TooFew });
    }
    Ok(train::serving(counts, tables, report, base.typicality, base.calibrated_on))
}

/// The same of one axis with the features of its table; `None` if there is nothing to tell apart, or the other model has no
/// settings.
fn of_axis(
    base: &Serving,
    axis: Axis,
    table: AxisTable,
    features: &[u64],
) -> Result<Option<(AxisTables, AxisReport)>, TrainError> {
    let (Some(known), Some(fitted)) = (&base.report.axes[axis as usize], &base.tables.axes[axis as usize]) else {
        return Ok(None);
    };
    if table.documents.iter().filter(|&&documents| documents > 0).count() < 2 {
        return Ok(None);
    }
    let min_documents = select::lowest_cut_off(&table, &known.settings);
    let min_documents = min_documents.ok_or(TrainError::TooManyNames { axis: axis.name() })?;
    let settings = Settings { min_documents, ..known.settings };
    let parameters = Parameters::new(&table, &settings);
    let weights = parameters.served(&base.tables.features, fitted, features);
    let calibration = fitted.calibration.clone();
    let choice = Choice { settings, parameters, weights, calibration };
    let tables = fit::tables(&table, &choice)?;
    let report = AxisReport {
        settings,
        labels: table.labels.into_iter().zip(table.documents).collect(),
        held_out: known.held_out.clone(),
        source_held_out: known.source_held_out.clone(),
    };
    Ok(Some((tables, report)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::testing::{counts_of, small_corpus};
    use crate::model::{ModelFile, PackedCounts};

    /// On the model's own counts everything comes out as it was.
    #[test]
    fn a_model_is_its_own_refit() {
        let counts = counts_of(&small_corpus());
        let file = ModelFile::from_bytes(&train::train(counts.clone()).unwrap().model).unwrap();
        let again = refit(file.serving.clone(), Learnable::whole(file.counts), &|| true).unwrap();
        assert_eq!(again, Serving { self_test: Vec::new(), ..file.serving });
    }

    /// Under given settings the tables are those of training; what articles are needed for is the base's.
    #[test]
    fn likelihoods_are_new_and_fitted_values_are_not() {
        let corpus = small_corpus();
        let base = ModelFile::from_bytes(&train::train(counts_of(&corpus[..20])).unwrap().model).unwrap().serving;
        let counts = counts_of(&corpus);
        let other = refit(base.clone(), Learnable::whole(counts.clone()), &|| true).unwrap();
        assert_eq!(other.calibrated_on, base.calibrated_on);
        assert_ne!(other.calibrated_on, PackedCounts::new(&counts).unwrap().digest());
        assert_eq!(other.report.articles, 24);
        for axis in Axis::ALL {
            let (old, new) = (base.tables.axes[axis as usize].clone(), other.tables.axes[axis as usize].clone());
            let (old, new) = (old.unwrap(), new.unwrap());
            assert_eq!((&old.calibration, old.prior_weight), (&new.calibration, new.prior_weight));
            assert_ne!(old.prior, new.prior);
            let settings = base.report.axes[axis as usize].clone().unwrap().settings;
            let table = AxisTable::new(&counts, axis).unwrap();
            assert_eq!(new.floors, table.floors(&table.totals(&settings), &settings));
        }
    }
}
