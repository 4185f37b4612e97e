//! The fitted values of a model as its file holds them, and what makes them fit for use.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{
    Calibration,
    features::{Field, TERM_FIELDS, ngram_of},
};

/// Fitted values of one axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisTables {
    /// Label ids in ascending order.
    pub labels: Vec<String>,
    /// Log prior of each label, in nats.
    pub prior: Vec<f64>,
    /// The weight of the log prior, 0 or above.
    pub prior_weight: f64,
    /// By field of words or word pairs, by label: what a feature of the field says about a label it was not seen with, in
    /// nats.
    pub floors: Vec<Vec<f64>>,
    /// How much the score of such a field is divided by its length, 0 to 1.
    pub length_exponent: f64,
    /// What the scores are worth.
    pub calibration: Calibration,
    /// By feature: the weight of what it says. All names of labels that stand in the same way have the same.
    pub weights: Vec<f32>,
    /// By feature: how many cells it has; 0 if the axis does not know it.
    pub cells: Vec<u16>,
    /// Labels of all cells, feature after feature, ascending within a feature.
    pub cell_labels: Vec<u16>,
    /// Deviations of all cells from the floor, in nats.
    pub cell_values: Vec<f32>,
}

/// Fitted values of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tables {
    /// Feature ids in ascending order.
    #[serde(with = "delta")]
    pub features: Vec<u64>,
    /// By axis; `None` for an axis without labelled articles.
    pub axes: [Option<AxisTables>; 2],
}

/// Ascending integers as the differences between them, which variable-length encoding makes small.
pub mod delta {
    use std::{fmt, marker::PhantomData};

    use serde::{
        Deserializer, Serialize, Serializer,
        de::{Error as _, SeqAccess, Visitor},
    };

    /// No room is made for more values than this before they are read, whatever a forged file promises.
    const MOST_AT_ONCE: usize = 1 << 12;

    /// What makes values of differences.
    struct Values<T>(PhantomData<T>);

    impl<'de, T: TryFrom<u64>> Visitor<'de> for Values<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the differences of ascending integers")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut differences: A) -> Result<Vec<T>, A::Error> {
            let mut values = Vec::with_capacity(differences.size_hint().unwrap_or_default().min(MOST_AT_ONCE));
            let mut previous: Option<u64> = None;
            while let Some(difference) = differences.next_element::<u64>()? {
                let sum = previous.map_or(Some(difference), |previous| {
                    previous.checked_add(difference).filter(|sum| *sum > previous)
                });
                previous = sum;
                let value = sum.and_then(|sum| T::try_from(sum).ok());
                values.push(value.ok_or_else(|| A::Error::custom("values are not ascending"))?);
            }
            Ok(values)
        }
    }

    /// Writes the differences.
    ///
    /// # Errors
    ///
    /// The serializer's.
    pub fn serialize<T: Copy + Into<u64>, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        let mut previous = 0;
        let differences: Vec<u64> = values
            .iter()
            .map(|&value| {
                let difference = value.into().wrapping_sub(previous);
                previous = value.into();
                difference
            })
            .collect();
        differences.serialize(serializer)
    }

    /// Reads the differences.
    ///
    /// # Errors
    ///
    /// The deserializer's, or values that are not strictly ascending, or too large.
    pub fn deserialize<'de, T: TryFrom<u64>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(Values(PhantomData))
    }
}

/// Why tables were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the scoring tables contradict themselves: {0}")]
pub struct TablesError(&'static str);

/// Log-probabilities and weights are nowhere near this; sums of a million such values are still finite.
const LARGEST: f64 = 1e6;

fn finite(values: &[f64]) -> bool {
    values.iter().all(|value| value.abs() <= LARGEST)
}

impl AxisTables {
    /// Whether the values fit each other and are finite, as those of a damaged or forged file may not be.
    fn check(&self, features: usize) -> Result<(), TablesError> {
        let labels = self.labels.len();
        if labels == 0 || labels > usize::from(u16::MAX) {
            return Err(TablesError("number of labels"));
        }
        if !self.labels.is_sorted_by(|a, b| a < b) {
            return Err(TablesError("labels out of order"));
        }
        let weight = self.prior_weight;
        if self.prior.len() != labels || !finite(&self.prior) || !finite(&[weight]) || weight < 0.0 {
            return Err(TablesError("prior"));
        }
        if self.floors.len() != TERM_FIELDS || self.floors.iter().any(|f| f.len() != labels || !finite(f)) {
            return Err(TablesError("floors"));
        }
        if self.weights.len() != features || self.weights.iter().any(|&weight| !finite(&[f64::from(weight)])) {
            return Err(TablesError("weights"));
        }
        if !(0.0..=1.0).contains(&self.length_exponent) {
            return Err(TablesError("length exponent"));
        }
        if !self.calibration.is_sound() {
            return Err(TablesError("calibration"));
        }
        if self.cells.len() != features
            || self.cell_labels.len() != self.cell_values.len()
            || u32::try_from(self.cell_labels.len()).is_err()
            || self.cells.iter().map(|&n| usize::from(n)).sum::<usize>() != self.cell_labels.len()
        {
            return Err(TablesError("number of cells"));
        }
        let mut at = 0;
        for &cells in &self.cells {
            let next = at + usize::from(cells);
            // The number of cells was checked, so the range is inside.
            if !self.cell_labels[at..next].is_sorted_by(|a, b| a < b) {
                return Err(TablesError("cells out of order"));
            }
            at = next;
        }
        if self.cell_labels.iter().any(|&label| usize::from(label) >= labels)
            || self.cell_values.iter().any(|value| !finite(&[f64::from(*value)]))
        {
            return Err(TablesError("cells"));
        }
        Ok(())
    }
}

impl Tables {
    /// The features of some n-grams, with all that is said of them. The tables must be sound.
    #[must_use]
    pub fn of_ngrams(&self, ngrams: &HashSet<u64>) -> Self {
        let is_kept = |feature: &u64| ngrams.contains(&ngram_of(*feature));
        let of_axis = |axis: &AxisTables| {
            let mut kept = AxisTables {
                labels: axis.labels.clone(),
                prior: axis.prior.clone(),
                prior_weight: axis.prior_weight,
                floors: axis.floors.clone(),
                length_exponent: axis.length_exponent,
                calibration: axis.calibration.clone(),
                weights: Vec::new(),
                cells: Vec::new(),
                cell_labels: Vec::new(),
                cell_values: Vec::new(),
            };
            let mut at = 0;
            for ((feature, &weight), &cells) in self.features.iter().zip(&axis.weights).zip(&axis.cells) {
                let own = at..at + usize::from(cells);
                at = own.end;
                if is_kept(feature) {
                    kept.weights.push(weight);
                    kept.cells.push(cells);
                    kept.cell_labels.extend_from_slice(&axis.cell_labels[own.clone()]);
                    kept.cell_values.extend_from_slice(&axis.cell_values[own]);
                }
            }
            kept
        };
        let features = self.features.iter().copied().filter(is_kept).collect();
        Tables { features, axes: self.axes.each_ref().map(|axis| axis.as_ref().map(of_axis)) }
    }

    /// Whether the values fit each other and are finite.
    ///
    /// # Errors
    ///
    /// Names what does not fit, as in a damaged or forged file.
    pub fn check(&self) -> Result<(), TablesError> {
        let features = self.features.len();
        if u32::try_from(features).is_err() {
            return Err(TablesError("number of features"));
        }
        if !self.features.is_sorted_by(|a, b| a < b) {
            return Err(TablesError("features out of order"));
        }
        if self.features.iter().any(|&feature| Field::of(feature).is_none()) {
            return Err(TablesError("fields"));
        }
        self.axes.iter().flatten().try_for_each(|axis| axis.check(features))
    }
}
