//! What a summary is asked to favour.

use crate::text::{Article, Document, Token};

/// A word or phrase, as the terms of its words in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Focus(Vec<u64>);

impl Focus {
    /// Reads a word or phrase as the words of an article are read; `None` if it has no word.
    #[must_use]
    pub fn new(phrase: &str) -> Option<Self> {
        let document = Document::new(Article { title: None, text: phrase }, None);
        let terms: Vec<u64> = document.tokens.iter().map(|token| token.term).collect();
        (!terms.is_empty()).then_some(Focus(terms))
    }

    fn stands_in(&self, tokens: &[Token]) -> bool {
        tokens.windows(self.0.len()).any(|window| window.iter().map(|token| token.term).eq(self.0.iter().copied()))
    }
}

/// The share of the phrases that stand in a sentence, from 0 to 1; 0 if there are none.
pub(super) fn share(phrases: &[Focus], tokens: &[Token]) -> f64 {
    let held = phrases.iter().filter(|phrase| phrase.stands_in(tokens)).count();
    held as f64 / phrases.len().max(1) as f64
}
