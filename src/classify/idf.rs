//! How rare each term is: the table of inverse document frequencies.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// Inverse document frequencies of plain terms.
#[derive(Clone, Debug)]
pub struct Idf {
    known: HashMap<u64, f64, RandomState>,
    unknown: f64,
}

impl Idf {
    /// `ln((1 + N) / (1 + df)) + 1` of a number of documents `df` that hold a term, among `N`.
    pub fn smoothed(documents: u64) -> impl Fn(u32) -> f64 {
        let n = documents as f64;
        move |frequency| libm::log((1.0 + n) / (1.0 + f64::from(frequency).min(n))) + 1.0
    }

    /// A table from the number of documents counted and how many of them hold each term. Terms that are not in the
    /// table count as held by one document.
    #[must_use]
    pub fn new(documents: u64, frequencies: HashMap<u64, u32>) -> Self {
        let smoothed = Self::smoothed(documents);
        // Worked out once, since every word of every article looks one up.
        Self {
            unknown: smoothed(1),
            known: frequencies.into_iter().map(|(term, frequency)| (term, smoothed(frequency))).collect(),
        }
    }

    /// The inverse document frequency of a term of the table.
    #[must_use]
    pub fn known(&self, term: u64) -> Option<f64> {
        self.known.get(&term).copied()
    }

    /// That of terms that are not in the table.
    #[must_use]
    pub fn unknown(&self) -> f64 {
        self.unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_unknown_terms() {
        let idf = Idf::new(9, HashMap::from([(1, 9), (2, 4), (3, 1), (4, u32::MAX)]));
        // ln(10 / 10) + 1, ln(10 / 5) + 1, ln(10 / 2) + 1.
        for (term, expect) in
            [(1, Some(1.0)), (2, Some(1.693_147_18)), (3, Some(2.609_437_91)), (4, Some(1.0)), (7, None)]
        {
            assert_eq!(idf.known(term).map(|found| (found * 1e8).round() / 1e8), expect, "{term}");
        }
        assert!((idf.unknown() - 2.609_437_91).abs() < 1e-8);
        assert_eq!(Idf::new(0, HashMap::new()).unknown().to_bits(), 1.0_f64.to_bits());
    }
}
