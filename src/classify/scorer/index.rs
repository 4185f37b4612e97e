//! Where the features of an n-gram are: one look-up for all its fields.

use crate::{
    classify::features::{FIELD_BITS, field_number, ngram_of, same_ngram},
    text::Home,
};

/// The features of an n-gram that the tables know.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ngram {
    /// Its id.
    id: u64,
    /// Its record in [`Rows`](super::rows::Rows).
    pub(super) start: u32,
    /// The fields that it has a feature in, as bits; 0 where no n-gram is.
    pub(super) fields: u32,
}

/// Features in ascending order, by n-gram.
pub(super) fn ngrams(features: &[u64]) -> impl Iterator<Item = &[u64]> {
    features.chunk_by(|&a, &b| same_ngram(a, b))
}

/// A hash table with open addressing, half empty, whose entries fill a quarter of a cache line each. It is never written
/// to once it is built.
#[derive(Debug)]
pub(super) struct Index {
    ngrams: Vec<Ngram>,
    home: Home,
}

impl Default for Index {
    fn default() -> Self {
        Index::new(&[], &[])
    }
}

impl Index {
    /// Of features in ascending order; `starts` are the places of the records of their n-grams.
    pub(super) fn new(features: &[u64], starts: &[u32]) -> Self {
        let capacity = (starts.len() * 2).next_power_of_two().max(2);
        let mut index = Index { ngrams: vec![Ngram::default(); capacity], home: Home::new(capacity) };
        for (own, &start) in ngrams(features).zip(starts) {
            let fields = own.iter().fold(0, |fields, feature| fields | 1 << field_number(*feature));
            let mut at = index.home(own[0]);
            while index.ngrams[at].fields != 0 {
                at = index.next(at);
            }
            index.ngrams[at] = Ngram { id: ngram_of(own[0]), start, fields };
        }
        index
    }

    /// Where an n-gram is, if nothing is in its way. The lowest bits of its id are 0, those of a feature do not count.
    pub(super) fn home(&self, id: u64) -> usize {
        self.home.of(id >> FIELD_BITS)
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.ngrams.len() - 1)
    }

    /// What is there.
    pub(super) fn at(&self, at: usize) -> Ngram {
        self.ngrams[at]
    }

    /// An n-gram, whose search begins at its home, where `found` is.
    pub(super) fn find(&self, id: u64, mut at: usize, mut found: Ngram) -> Option<Ngram> {
        while found.fields != 0 {
            if found.id == id {
                return Some(found);
            }
            at = self.next(at);
            found = self.at(at);
        }
        None
    }
}
