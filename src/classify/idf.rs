//! How rare each term is: the table of inverse document frequencies.

use super::features::ngram_id;
use crate::text::Home;

/// Inverse document frequencies of plain terms: a hash table with open addressing, half empty, never written to once it
/// is built.
#[derive(Clone, Debug)]
pub struct Idf {
    /// The n-grams of single terms and their values, which are at least 1; 0 is free.
    entries: Vec<(u64, f64)>,
    home: Home,
    unknown: f64,
}

impl Idf {
    /// `ln((1 + N) / (1 + df)) + 1` of a number of documents `df` that hold a term, among `N`.
    pub fn smoothed(documents: u64) -> impl Fn(u32) -> f64 {
        let n = documents as f64;
        move |frequency| libm::log((1.0 + n) / (1.0 + f64::from(frequency).min(n))) + 1.0
    }

    /// A table from the number of documents counted, different terms, and how many of the documents hold each. Terms that
    /// are not in the table count as held by one document.
    #[must_use]
    pub fn new(documents: u64, frequencies: impl ExactSizeIterator<Item = (u64, u32)>) -> Self {
        let smoothed = Self::smoothed(documents);
        let capacity = (frequencies.len() * 2).next_power_of_two().max(2);
        let mut idf = Idf { entries: vec![(0, 0.0); capacity], home: Home::new(capacity), unknown: smoothed(1) };
        // Worked out once, since every word of every article looks one up.
        for (term, frequency) in frequencies {
            let ngram = ngram_id(term);
            let mut at = idf.home.of(ngram);
            while idf.entries[at].1 != 0.0 {
                at = idf.next(at);
            }
            idf.entries[at] = (ngram, smoothed(frequency));
        }
        idf
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.entries.len() - 1)
    }

    /// The inverse document frequency of a term of the table, by the n-gram that it is alone ([`ngram_id`]).
    #[must_use]
    pub fn known(&self, ngram: u64) -> Option<f64> {
        let mut at = self.home.of(ngram);
        loop {
            let (known, value) = self.entries[at];
            if value == 0.0 || known == ngram {
                return (value != 0.0).then_some(value);
            }
            at = self.next(at);
        }
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
        let idf = Idf::new(9, [(1, 9), (2, 4), (3, 1), (4, u32::MAX)].into_iter());
        // ln(10 / 10) + 1, ln(10 / 5) + 1, ln(10 / 2) + 1.
        for (term, expect) in
            [(1, Some(1.0)), (2, Some(1.693_147_18)), (3, Some(2.609_437_91)), (4, Some(1.0)), (7, None)]
        {
            assert_eq!(idf.known(ngram_id(term)).map(|found| (found * 1e8).round() / 1e8), expect, "{term}");
        }
        assert!((idf.unknown() - 2.609_437_91).abs() < 1e-8);
        let empty = Idf::new(0, [].into_iter());
        assert_eq!((empty.unknown().to_bits(), empty.known(0)), (1.0_f64.to_bits(), None));
        let full = Idf::new(1000, (0..1024_u32).map(|term| (u64::from(term), 1)));
        assert!((0..1024).all(|term| full.known(ngram_id(term)).is_some()) && full.known(ngram_id(1024)).is_none());
    }
}
