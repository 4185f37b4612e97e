//! Tables of terms, which are hashes already: numbers for the terms of a document, and a filter for look-ups.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::LazyLock,
};

/// An odd number drawn at random when the program starts, for multiply-shift hashing (Dietzfelbinger and others 1997): the
/// words of an article, or the ids in a file, may be made to crowd a hash that is known.
static MULTIPLIER: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0) | 1);

/// Where the search for a hash begins in a table of a power of two entries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home {
    multiplier: u64,
    shift: u32,
}

impl Home {
    /// In a table of so many entries, at least 2.
    pub(crate) fn new(entries: usize) -> Self {
        Home { multiplier: *MULTIPLIER, shift: u64::BITS - entries.trailing_zeros() }
    }

    /// The entry with which the search begins.
    #[inline]
    pub(crate) fn of(self, hash: u64) -> usize {
        (hash.wrapping_mul(self.multiplier) >> self.shift) as usize
    }
}

/// Gives numbers to terms, in the order in which they first come by: a hash table with open addressing that fits the
/// document, and so most often the cache next to the processor.
///
/// Whether a word has come by before cannot be foreseen by a processor, which loses more time by a wrong guess than all else
/// here takes. So no branch asks for it.
#[derive(Debug)]
pub struct Numbering {
    /// The number of a term plus 1; 0 is free.
    entries: Vec<u32>,
    home: Home,
    /// By number plus 1; behind those that came by, room for all others and one more.
    terms: Vec<u64>,
    length: usize,
}

impl Numbering {
    /// For so many terms at most, counted with repetitions.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let capacity = ((most + 1) * 2).next_power_of_two();
        Numbering { entries: vec![0; capacity], home: Home::new(capacity), terms: vec![0; most + 2], length: 0 }
    }

    /// The number of a term, below that of the terms there are. Of more terms than room was made for, those that are one too
    /// many get the last number.
    #[inline]
    pub fn number(&mut self, term: u64) -> u32 {
        let (at, entry) = self.find(term);
        if self.length + 1 == self.terms.len() {
            return if entry == 0 { self.length as u32 } else { entry } - 1;
        }
        let is_new = entry == 0;
        // Overwritten by the next new term unless it is one.
        self.terms[self.length + 1] = term;
        self.length += usize::from(is_new);
        let entry = if is_new { self.length as u32 } else { entry };
        self.entries[at] = entry;
        entry - 1
    }

    /// Where a term is or may be put, and what is there.
    #[inline]
    fn find(&self, term: u64) -> (usize, u32) {
        let mut at = self.home.of(term);
        loop {
            let entry = self.entries[at];
            // 0 if either is.
            if u64::from(entry).min(self.terms[entry as usize] ^ term) == 0 {
                return (at, entry);
            }
            at = (at + 1) & (self.entries.len() - 1);
        }
    }

    /// The different terms that came by, by number.
    #[must_use]
    pub fn into_terms(mut self) -> Vec<u64> {
        self.terms.truncate(self.length + 1);
        self.terms.remove(0);
        self.terms
    }

    /// How many different terms came by.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether no term came by.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// Says at once of most terms that they are not in a small table: one bit for all that share their low bits (a Bloom filter
/// of one hash).
#[derive(Clone, Debug)]
pub struct TermFilter([u64; 64]);

impl Default for TermFilter {
    fn default() -> Self {
        TermFilter([0; 64])
    }
}

impl TermFilter {
    fn bit(term: u64) -> (usize, u64) {
        ((term >> 6) as usize % 64, 1 << (term % 64))
    }

    /// Adds a term.
    pub fn insert(&mut self, term: u64) {
        let (word, bit) = Self::bit(term);
        self.0[word] |= bit;
    }

    /// Whether the table may hold a term; if not, it does not.
    #[inline]
    #[must_use]
    pub fn may_hold(&self, term: u64) -> bool {
        let (word, bit) = Self::bit(term);
        self.0[word] & bit != 0
    }
}

impl<'a> FromIterator<&'a u64> for TermFilter {
    fn from_iter<T: IntoIterator<Item = &'a u64>>(terms: T) -> Self {
        let mut filter = TermFilter::default();
        terms.into_iter().for_each(|&term| filter.insert(term));
        filter
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        /// Numbers are those that a plain map gives, crowded or not, and a filter forgets nothing.
        #[test]
        fn numbers_are_given_in_order(
            terms in proptest::collection::vec(prop_oneof![0_u64..50, any::<u64>()], 0..300),
            is_crowded: bool,
        ) {
            let (mut numbering, mut plain) = (Numbering::new(terms.len()), HashMap::new());
            if is_crowded {
                // Small terms all begin their search with the first entry.
                numbering.home.multiplier = 1;
            }
            for &term in &terms {
                let next = plain.len() as u32;
                let number = *plain.entry(term).or_insert(next);
                prop_assert_eq!(numbering.number(term), number);
            }
            prop_assert_eq!(numbering.len(), plain.len());
            let all = numbering.into_terms();
            prop_assert!(all.len() == plain.len() && all.iter().zip(0..).all(|(term, number)| plain[term] == number));
            let filter: TermFilter = terms.iter().collect();
            prop_assert!(terms.iter().all(|&term| filter.may_hold(term)));
        }
    }

    #[test]
    fn a_full_table_goes_on_answering() {
        let mut numbering = Numbering::new(1);
        assert_eq!([1, 2, 3, 1, 2].map(|term| numbering.number(term)), [0, 1, 1, 0, 1]);
        let empty = TermFilter::default();
        assert!((0..4096).all(|term| !empty.may_hold(term)));
    }
}
