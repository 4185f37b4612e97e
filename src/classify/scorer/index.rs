//! Where the features of an n-gram are: one look-up for all its fields.

use std::hint::black_box;

use crate::{
    classify::features::{FIELD_BITS, same_ngram},
    text::Home,
};

/// An n-gram of which an axis knows a feature.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ngram {
    /// Its id.
    pub(super) id: u64,
    /// Its record in [`Rows`](super::rows::Rows); where no n-gram is, 0: the record of what is not known.
    pub(super) start: u32,
    /// By axis: how many of its features are known that have no place of their own in a record.
    pub(super) others: [u8; 2],
    /// Whether two of them are for one place, as in a forged file or where hashes are equal: then they are always read.
    pub(super) is_crowded: bool,
}

impl Ngram {
    pub(super) fn is_known(&self) -> bool {
        self.start != 0
    }
}

/// Features in ascending order, by n-gram.
pub(super) fn ngrams(features: &[u64]) -> impl Iterator<Item = &[u64]> + Clone {
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
        Index::new(&[])
    }
}

impl Index {
    /// Of different n-grams. Those that come first are found soonest.
    pub(super) fn new(ngrams: &[Ngram]) -> Self {
        let capacity = (ngrams.len() * 2).next_power_of_two().max(2);
        let mut index = Index { ngrams: vec![Ngram::default(); capacity], home: Home::new(capacity) };
        for ngram in ngrams {
            let mut at = index.home(ngram.id);
            while index.ngrams[at].is_known() {
                at = index.next(at);
            }
            index.ngrams[at] = *ngram;
        }
        index
    }

    /// Where an n-gram is, if nothing is in its way. The lowest bits of its id are 0.
    fn home(&self, id: u64) -> usize {
        self.home.of(id >> FIELD_BITS)
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.ngrams.len() - 1)
    }

    /// N-grams, in order; one that is not known by default.
    pub(super) fn find_all(&self, ids: &[u64]) -> Vec<Ngram> {
        // All places are asked for before the first is looked at: the table is larger than the caches next to the processor,
        // which so waits for many at a time.
        black_box(ids.iter().fold(0, |all, &id| all ^ self.ngrams[self.home(id)].start));
        ids.iter().map(|&id| self.find(id)).collect()
    }

    fn find(&self, id: u64) -> Ngram {
        let mut at = self.home(id);
        loop {
            let found = self.ngrams[at];
            // 0 if it is the one, or if none is there: which of both cannot be foreseen.
            if (found.id ^ id).min(u64::from(found.start)) == 0 {
                return found;
            }
            at = self.next(at);
        }
    }
}
