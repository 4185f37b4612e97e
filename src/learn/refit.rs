//! A model's settings and fitted values on other counts: what can be had after a change without the articles.

use super::{
    case::Parameters,
    fit,
    select::{self, Choice},
    table::AxisTable,
    train::{self, TrainError},
};
use crate::{
    classify::{Axis, Tables},
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
/// No axis is left that the other model has settings for and that has articles of two labels.
pub fn refit(base: &Serving, counts: &Counts) -> Result<Serving, TrainError> {
    let mut tables = Tables { features: counts.features.clone(), axes: [None, None] };
    let mut report = Report { articles: counts.articles(), axes: [None, None], ..base.report };
    for axis in Axis::ALL {
        let (Some(table), Some(known), Some(fitted)) =
            (AxisTable::new(counts, axis), &base.report.axes[axis as usize], &base.tables.axes[axis as usize])
        else {
            continue;
        };
        if table.documents.iter().filter(|&&documents| documents > 0).count() < 2 {
            continue;
        }
        let min_documents = select::lowest_cut_off(&table, &known.settings);
        let min_documents = min_documents.ok_or(TrainError::TooManyNames { axis: axis.name() })?;
        let settings = Settings { min_documents, ..known.settings };
        let parameters = Parameters::new(&table, &settings);
        let weights = parameters.served(&base.tables.features, fitted, &counts.features);
        let calibration = fitted.calibration.clone();
        let choice = Choice { settings, parameters, weights, calibration };
        tables.axes[axis as usize] = Some(fit::tables(&table, &choice)?);
        report.axes[axis as usize] = Some(AxisReport {
            settings,
            labels: table.labels.into_iter().zip(table.documents).collect(),
            held_out: known.held_out.clone(),
            source_held_out: known.source_held_out.clone(),
        });
    }
    if tables.axes.iter().all(Option::is_none) {
        return Err(if counts.ledger.is_empty() { TrainError::NoArticles } else { TrainError::TooFew });
    }
    Ok(train::serving(counts, tables, report, base.typicality, base.calibrated_on))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::testing::{counts_of, small_corpus};
    use crate::model::{ModelFile, digest_of};

    /// On the model's own counts everything comes out as it was.
    #[test]
    fn a_model_is_its_own_refit() {
        let counts = counts_of(&small_corpus());
        let file = ModelFile::from_bytes(&train::train(counts.clone()).unwrap().model).unwrap();
        let again = refit(&file.serving, &file.counts).unwrap();
        assert_eq!(again, Serving { self_test: Vec::new(), ..file.serving });
    }

    /// Under given settings the tables are those of training; what articles are needed for is the base's.
    #[test]
    fn likelihoods_are_new_and_fitted_values_are_not() {
        let corpus = small_corpus();
        let base = ModelFile::from_bytes(&train::train(counts_of(&corpus[..20])).unwrap().model).unwrap().serving;
        let counts = counts_of(&corpus);
        let other = refit(&base, &counts).unwrap();
        assert_eq!(other.calibrated_on, base.calibrated_on);
        assert_ne!(other.calibrated_on, digest_of(&counts).unwrap());
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
