//! A [`Document`] and an [`Idf`] table become a [`Summary`]: centrality, position, selection under a budget.
//!
//! One pass: `ranking` gives every sentence a rank, from the sentence `graph`, the `centrality` in it and the
//! position; `select` takes sentences within the budget; `join` makes them running text.

mod centrality;
mod graph;
mod idf;
mod join;
mod ranking;
mod select;
#[cfg(test)]
mod tests;

pub use self::{
    centrality::Convergence,
    idf::Idf,
    ranking::{Ranked, Ranking, rank},
};
use crate::text::Document;

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

/// How a summary is made. Values out of range are read as the nearest one in range.
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
    /// How the centrality of sentences was found.
    pub convergence: Convergence,
}

/// Summarises a document. The summary is empty only if the document has no sentence.
#[must_use]
pub fn summarize(document: &Document<'_>, idf: &Idf, options: &Options) -> Summary {
    let ranking = rank(document, idf, options.redundancy);
    let (sentences, cut) = select::select(document, &ranking, options);
    let mut text = String::new();
    let mut previous = "";
    for sentence in &sentences {
        let piece = document.article.text.get(sentence.start..sentence.end).unwrap_or_default();
        if !previous.is_empty() {
            text.push_str(join::separator(previous, piece));
        }
        text.extend(join::rendered(piece).map(|(c, _)| c));
        previous = piece;
    }
    Summary { text, sentences, cut, convergence: ranking.convergence }
}
