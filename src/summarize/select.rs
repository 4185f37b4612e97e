//! The choice of sentences under a budget, and the cut of a sentence that alone is over it.
//!
//! The rule: walk down the ranking, take each sentence that fits into what is left, and stop when the budget is full or
//! [`MAX_MISFITS`] sentences in a row did not fit, since what would still fit is by then short and unimportant. If the
//! best sentence is over the budget by itself, it is cut and is the summary. A headline is taken before all of them, if
//! the best sentence fits beside it.

use std::collections::BTreeMap;

use unicode_segmentation::UnicodeSegmentation;

use super::{
    Budget, Options, Order, SummarySentence,
    join::{rendered, separator},
    ranking::Ranking,
};
use crate::text::{Document, Sentence, Token};

/// How many sentences in a row may fail to fit before the walk ends.
const MAX_MISFITS: usize = 5;

/// What a summary is made of.
pub(super) struct Selection<'a> {
    /// The headline, if it was asked for and fits.
    pub(super) headline: Option<&'a str>,
    /// The chosen sentences in the order asked for.
    pub(super) sentences: Vec<SummarySentence>,
    /// Whether one was cut.
    pub(super) cut: bool,
}

/// Chooses what a summary is made of.
pub(super) fn select<'a>(document: &Document<'a>, ranking: &Ranking, options: &Options) -> Selection<'a> {
    let limit = Limit::new(options.budget, document);
    let competing = &ranking.sentences[..ranking.competing];
    let mut chosen: BTreeMap<usize, SummarySentence> = BTreeMap::new();
    let headline = options.include_headline.then(|| headline(document, limit)).flatten();
    let best = competing.first().map_or(0, |best| limit.alone(document, &document.sentences[best.index]));
    let headline = headline.filter(|(_, cost)| cost.saturating_add(best) <= limit.size());
    let (headline, mut used) = headline.map_or((None, 0), |(headline, cost)| (Some(headline), cost));
    let mut misfits = 0;
    for ranked in competing {
        let sentence = &document.sentences[ranked.index];
        let key = match options.order {
            Order::Document => ranked.index,
            Order::Rank => ranked.rank,
        };
        let candidate = SummarySentence {
            start: sentence.start,
            end: sentence.end,
            index: ranked.index,
            rank: ranked.rank,
            score: ranked.score,
        };
        let cost = match limit {
            Limit::Sentences(_) => 1,
            Limit::Words(_) => sentence.tokens.len(),
            Limit::Chars(_) => {
                let before = chosen.range(..key).next_back().map(|(_, sentence)| sentence);
                let after = chosen.range(key..).next().map(|(_, sentence)| sentence);
                added_chars(document.article.text, before, &candidate, after)
            }
        };
        if cost <= limit.size() - used {
            used += cost;
            misfits = 0;
            chosen.insert(key, candidate);
        } else if chosen.is_empty() {
            let end = cut(document, sentence, limit);
            return Selection { headline, sentences: vec![SummarySentence { end, ..candidate }], cut: true };
        } else {
            misfits += 1;
        }
        if used == limit.size() || misfits == MAX_MISFITS {
            break;
        }
    }
    Selection { headline, sentences: chosen.into_values().collect(), cut: false }
}

/// The headline, and what it costs with the line break after it.
fn headline<'a>(document: &Document<'a>, limit: Limit) -> Option<(&'a str, usize)> {
    let span = document.headline?;
    let headline = span.slice(&document.article).trim();
    let is_inside =
        |token: &&Token| token.part == span.part && (span.start..span.end).contains(&(token.start as usize));
    let cost = match limit {
        Limit::Sentences(_) => 0,
        Limit::Words(_) => document.tokens.iter().filter(is_inside).count(),
        Limit::Chars(_) => rendered(headline).count() + 1,
    };
    (!headline.is_empty()).then_some((headline, cost))
}

/// A budget as a whole number of units, at least the minimum.
#[derive(Clone, Copy, Debug)]
enum Limit {
    Sentences(usize),
    Words(usize),
    Chars(usize),
}

impl Limit {
    fn new(budget: Budget, document: &Document<'_>) -> Self {
        match budget {
            Budget::Sentences(n) => Limit::Sentences(n.max(1)),
            Budget::Words(n) => Limit::Words(n.max(1)),
            Budget::Chars(n) => Limit::Chars(n.max(10)),
            Budget::Ratio(ratio) => {
                let words: usize = document.sentences.iter().map(|sentence| sentence.tokens.len()).sum();
                // Rounds down; what is not a number becomes 0.
                Limit::Words(((words as f64 * ratio) as usize).clamp(1, words.max(1)))
            }
        }
    }

    /// What a sentence costs that is the only one.
    fn alone(self, document: &Document<'_>, sentence: &Sentence) -> usize {
        match self {
            Limit::Sentences(_) => 1,
            Limit::Words(_) => sentence.tokens.len(),
            Limit::Chars(_) => {
                rendered(document.article.text.get(sentence.start..sentence.end).unwrap_or_default()).count()
            }
        }
    }

    fn size(self) -> usize {
        match self {
            Limit::Sentences(n) | Limit::Words(n) | Limit::Chars(n) => n,
        }
    }
}

/// By how many code points a summary grows when a sentence is put between these two. At least 1, since a sentence is
/// not empty and takes away no more than the one space it adds.
fn added_chars(
    text: &str,
    before: Option<&SummarySentence>,
    candidate: &SummarySentence,
    after: Option<&SummarySentence>,
) -> usize {
    let piece = |sentence: &SummarySentence| text.get(sentence.start..sentence.end).unwrap_or_default();
    let gap = |a: Option<&SummarySentence>, b: Option<&SummarySentence>| match (a, b) {
        (Some(a), Some(b)) => separator(piece(a), piece(b)).len(),
        (None, _) | (_, None) => 0,
    };
    let own = rendered(piece(candidate)).count();
    (own + gap(before, Some(candidate)) + gap(Some(candidate), after)).saturating_sub(gap(before, after))
}

/// Where a sentence over the budget ends so that it fits: before the last clause mark, if that keeps at least half of
/// what fits; else after the last whole word; else after the last whole grapheme; else, for a grapheme longer than the
/// budget, after a code point.
fn cut(document: &Document<'_>, sentence: &Sentence, limit: Limit) -> usize {
    let text = document.article.text.get(sentence.start..sentence.end).unwrap_or_default();
    let tokens = &document.tokens[sentence.tokens.clone()];
    let fits = match limit {
        Limit::Sentences(_) => text.len(),
        Limit::Words(n) => tokens.get(n).map_or(text.len(), |token| token.start as usize - sentence.start),
        Limit::Chars(n) => rendered(text).take(n).last().map_or(0, |(_, end)| end),
    };
    let clause = clause_ends(text, fits).last().filter(|&end| end >= fits / 2);
    let word = || tokens.iter().map(|token| token.end as usize - sentence.start).take_while(|&end| end <= fits).last();
    let grapheme = || text.grapheme_indices(true).map(|(at, g)| at + g.len()).take_while(|&end| end <= fits).last();
    let end = clause.or_else(word).or_else(grapheme).unwrap_or(fits);
    sentence.start + text.get(..end).unwrap_or_default().trim_end().len()
}

/// Where clauses end within the first `fits` bytes of a sentence: before commas, semicolons, colons and dashes. A mark
/// inside a number or a name, such as `1,000` or `10:30`, ends no clause.
fn clause_ends(text: &str, fits: usize) -> impl Iterator<Item = usize> {
    text.char_indices().take_while(move |&(at, _)| at <= fits).filter_map(|(at, c)| {
        let (before, rest) = (&text[..at], &text[at + c.len_utf8()..]);
        let marks = match c {
            '，' | '、' | '；' | '：' => true,
            ',' | ';' | ':' => rest.starts_with(char::is_whitespace),
            '–' | '—' => rest.starts_with(char::is_whitespace) && before.ends_with(char::is_whitespace),
            _ => false,
        };
        // Asked of marks only, which are no space themselves: so no space is looked back over twice.
        marks.then(|| before.trim_end().len()).filter(|&end| end > 0)
    })
}
