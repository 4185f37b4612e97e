//! Phrases to be recognised among tokens, compiled once from a readable table.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use super::{Part, Token, tokens::tokenize};

/// Terms are hashes already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// The rest of a phrase after its first term, and what the phrase is.
type Tails<K> = Vec<(Vec<u64>, K)>;

/// A table of phrases, each with a kind; found by their terms, so that case and punctuation do not matter.
pub(super) struct Phrases<K> {
    /// One bit per first term, by its low bits: most words of an article open no phrase, and this says so at once.
    opens: [u64; 64],
    tails: HashMap<u64, Tails<K>, BuildHasherDefault<Identity>>,
}

/// Where the bit of a first term stands in [`Phrases::opens`].
fn bit(term: u64) -> (usize, u64) {
    ((term >> 6) as usize % 64, 1 << (term % 64))
}

impl<K: Copy> Phrases<K> {
    /// Rows of a kind and the phrases of that kind, parted by `|`.
    pub(super) fn new(rows: &[(K, &str)]) -> Self {
        let mut opens = [0; 64];
        let mut map: HashMap<u64, Tails<K>, BuildHasherDefault<Identity>> = HashMap::default();
        for (kind, phrases) in rows {
            for phrase in phrases.split('|') {
                let mut terms = tokenize(phrase, Part::Text).into_iter().map(|token| token.term);
                if let Some(first) = terms.next() {
                    let (word, bit) = bit(first);
                    opens[word] |= bit;
                    map.entry(first).or_default().push((terms.collect(), *kind));
                }
            }
        }
        for tails in map.values_mut() {
            tails.sort_by_key(|(rest, _)| std::cmp::Reverse(rest.len()));
        }
        Self { opens, tails: map }
    }

    /// The longest phrase that begins with the first of `tokens`: its length in tokens and its kind.
    #[inline]
    pub(super) fn at(&self, tokens: &[Token]) -> Option<(usize, K)> {
        let (first, after) = tokens.split_first()?;
        let (word, bit) = bit(first.term);
        if self.opens[word] & bit == 0 { None } else { self.find(first, after) }
    }

    fn find(&self, first: &Token, after: &[Token]) -> Option<(usize, K)> {
        self.tails.get(&first.term)?.iter().find_map(|(rest, kind)| {
            let found = after.get(..rest.len())?;
            found.iter().zip(rest).all(|(token, term)| token.term == *term).then_some((rest.len() + 1, *kind))
        })
    }
}
