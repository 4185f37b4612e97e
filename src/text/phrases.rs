//! Phrases to be recognised among tokens, compiled once from a readable table.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use super::{Part, TermFilter, Token, tokens::tokenize};

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
    /// The first terms: most words of an article open no phrase.
    opens: TermFilter,
    tails: HashMap<u64, Tails<K>, BuildHasherDefault<Identity>>,
}

impl<K: Copy> Phrases<K> {
    /// Rows of a kind and the phrases of that kind, parted by `|`.
    pub(super) fn new(rows: &[(K, &str)]) -> Self {
        let mut opens = TermFilter::default();
        let mut map: HashMap<u64, Tails<K>, BuildHasherDefault<Identity>> = HashMap::default();
        for (kind, phrases) in rows {
            for phrase in phrases.split('|') {
                let mut terms = tokenize(phrase, Part::Text).into_iter().map(|token| token.term);
                if let Some(first) = terms.next() {
                    opens.insert(first);
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
        if self.opens.may_hold(first.term) { self.find(first, after) } else { None }
    }

    fn find(&self, first: &Token, after: &[Token]) -> Option<(usize, K)> {
        self.tails.get(&first.term)?.iter().find_map(|(rest, kind)| {
            let found = after.get(..rest.len())?;
            found.iter().zip(rest).all(|(token, term)| token.term == *term).then_some((rest.len() + 1, *kind))
        })
    }
}
