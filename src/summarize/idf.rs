//! How rare each term is: the table of inverse document frequencies, and the English words that carry no content.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use foldhash::fast::RandomState;

use crate::text::term_hash;

/// Inverse document frequencies of plain terms.
#[derive(Clone, Debug)]
pub struct Idf {
    known: HashMap<u64, f64, RandomState>,
    unknown: f64,
}

impl Default for Idf {
    fn default() -> Self {
        Self { known: HashMap::default(), unknown: 1.0 }
    }
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
        // Worked out once, since every token of every article looks one up.
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

    /// The smoothed inverse document frequency of a term, at least 1. Without documents: 1.
    #[must_use]
    pub fn of(&self, term: u64) -> f64 {
        self.known(term).unwrap_or(self.unknown)
    }
}

/// Whether a term is an English function word. They are left out of sentence vectors under every table: with an empty
/// table nothing else tells "with" from a name, and a short article has too few sentences to count by.
pub(super) fn is_function_word(term: u64) -> bool {
    FUNCTION_WORDS.contains(&term)
}

static FUNCTION_WORDS: LazyLock<HashSet<u64, RandomState>> = LazyLock::new(|| {
    "a about above after again against all also although am among an and another any are as at be because been before
     being between both but by can could did do does doing down during each either else even ever every few for from
     further had has have having he her here hers him himself his how however i if in into is it its itself just like
     may me might more most much must my neither no nor not now of off on once one only onto or other our ours out over
     own per quite rather s same shall she should since so some such t than that the their theirs them themselves then
     there these they this those though through thus to too toward towards under until up upon us very was we were what
     when where whether which while who whom whose why will with within without would yet you your yours"
        .split_whitespace()
        .map(term_hash)
        .collect()
});
