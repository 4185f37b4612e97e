//! A [`Document`] and an [`Idf`] table become a [`Summary`]: centrality, position, selection under a budget.

use std::collections::HashMap;

use crate::text::Document;

/// Inverse document frequencies of plain terms.
#[derive(Clone, Debug, Default)]
pub struct Idf {
    documents: u64,
    frequencies: HashMap<u64, u32>,
}

impl Idf {
    /// A table from the number of documents counted and how many of them hold each term. Terms that are not in the
    /// table count as held by one document.
    #[must_use]
    pub fn new(documents: u64, frequencies: HashMap<u64, u32>) -> Self {
        Self { documents, frequencies }
    }

    /// `ln((1 + N) / (1 + df)) + 1`: the smoothed inverse document frequency, at least 1. Without documents: 1.
    #[must_use]
    pub fn of(&self, term: u64) -> f64 {
        let frequency = self.frequencies.get(&term).copied().unwrap_or(1);
        let (n, df) = (self.documents as f64, f64::from(frequency).min(self.documents as f64));
        libm::log((1.0 + n) / (1.0 + df)) + 1.0
    }
}

/// A hard upper bound on a summary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// Number of sentences, at least 1.
    Sentences(usize),
    /// Number of words of [`Summary::text`], at least 1; a Han character is a word.
    Words(usize),
    /// Length of [`Summary::text`] in Unicode code points, at least 10.
    Chars(usize),
    /// Share of the article's words without furniture, in (0, 1].
    Ratio(f64),
}

/// The order of sentences in a summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As they stand in the article.
    #[default]
    Document,
    /// Most important first.
    Rank,
}

/// How a summary is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The budget. Default: three sentences.
    pub budget: Budget,
    /// The order. Default: as in the document.
    pub order: Order,
    /// How strongly a sentence is held back for repeating those already chosen: 0 not at all, 1 fully. Default 0.5.
    pub redundancy: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { budget: Budget::Sentences(3), order: Order::Document, redundancy: 0.5 }
    }
}

/// One sentence of a summary.
#[derive(Clone, Debug, PartialEq)]
pub struct SummarySentence {
    /// First byte in [`crate::text::Article::text`].
    pub start: usize,
    /// First byte after it. The sentence may be cut: see [`Summary::cut`].
    pub end: usize,
    /// Which of [`Document::sentences`] it is.
    pub index: usize,
    /// Its place in the ranking of all sentences, from 1; independent of the budget.
    pub rank: usize,
    /// Its weight before redundancy is counted; the article's best sentence has 1.
    pub score: f64,
}

/// An extractive summary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// The sentences joined: each trimmed, line breaks turned into spaces, one space between two (none between Han
    /// characters).
    pub text: String,
    /// The chosen sentences in the order asked for.
    pub sentences: Vec<SummarySentence>,
    /// Whether a sentence was cut to fit the budget.
    pub cut: bool,
}

/// Summarises a document.
#[must_use]
pub fn summarize(document: &Document<'_>, _idf: &Idf, _options: &Options) -> Summary {
    // Thin path: the first sentence.
    let Some(first) = document.sentences.first() else { return Summary::default() };
    Summary {
        text: document.article.text[first.start..first.end].to_owned(),
        sentences: vec![SummarySentence { start: first.start, end: first.end, index: 0, rank: 1, score: 1.0 }],
        cut: false,
    }
}
