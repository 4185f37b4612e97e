//! A [`Document`] becomes a [`Summary`]: centrality, habits of news, selection under a budget.
//!
//! One pass: `ranking` gives every sentence a rank, from the sentence `graph`, the `centrality` in it, its position, the
//! `cues` and the direct `speech` in it, and what the summary is to `focus` on; `select` takes sentences within the
//! budget; `join` makes them running text.

mod centrality;
mod cues;
mod focus;
mod function_words;
mod graph;
mod join;
mod ranking;
mod select;
mod speech;
#[cfg(test)]
mod tests;

use self::select::Selection;
pub use self::{
    centrality::Convergence,
    focus::Focus,
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
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The budget. Default: three sentences.
    pub budget: Budget,
    /// The order. Default: as in the document.
    pub order: Order,
    /// How strongly a sentence is held back for repeating those already chosen: 0 not at all, 1 fully. Default 0.25.
    pub redundancy: f64,
    /// How far the article is written as news of what was decided: from 1 (what matters comes first and is explained
    /// later, quotations illustrate it) to 0 (nothing but how central a sentence is counts). Default 1.
    pub lead_bias: f64,
    /// Sentences of fewer words stand in a summary only if there is no other. A Han character is a word. Default 0.
    pub min_sentence_words: usize,
    /// Words and phrases that the summary should favour. Default none.
    pub focus: Vec<Focus>,
    /// Whether [`Summary::text`] begins with the headline, if there is one and the budget has room for it. Default no.
    pub include_headline: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            budget: Budget::Sentences(3),
            order: Order::Document,
            redundancy: 0.25,
            lead_bias: 1.0,
            min_sentence_words: 0,
            focus: Vec::new(),
            include_headline: false,
        }
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
    /// Its weight before redundancy is counted: 1 for the article's best sentence, 0 for the least.
    pub score: f64,
}

/// An extractive summary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// The sentences joined: each trimmed, line breaks turned into spaces, one space between two (none between Han
    /// characters). Before them, if it was asked for and fits, the headline in a line of its own.
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
pub fn summarize(document: &Document<'_>, options: &Options) -> Summary {
    let ranking = rank(document, options);
    let Selection { headline, sentences, cut } = select::select(document, &ranking, options);
    let mut text = String::new();
    headline.iter().for_each(|headline| join::push_rendered(&mut text, headline));
    if !text.is_empty() && !sentences.is_empty() {
        text.push('\n');
    }
    let mut previous = "";
    for sentence in &sentences {
        let piece = document.article.text.get(sentence.start..sentence.end).unwrap_or_default();
        if !previous.is_empty() {
            text.push_str(join::separator(previous, piece));
        }
        join::push_rendered(&mut text, piece);
        previous = piece;
    }
    Summary { text, sentences, cut, convergence: ranking.convergence }
}
