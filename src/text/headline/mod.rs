//! The headline: found among the first lines, also when stacked, repeated or fused with the lead.

mod fused;
mod repetition;
mod stacked;

use super::{
    Token,
    lines::{Line, Reader},
};

/// Headlines are not longer than this, in words.
const MAX_WORDS: usize = 60;

/// The lines of a headline, taken out of the content.
#[derive(Debug, Default)]
pub(super) struct Headline {
    /// Every line of it.
    pub(super) lines: Vec<Line>,
    /// Which of them is the main one.
    pub(super) main: usize,
}

/// Takes the headline out of the content lines. With a title, its repetition is furniture and nothing else is looked
/// for. The last content is never taken: something must be left to be read.
pub(super) fn take(
    reader: Reader<'_>,
    title: Option<&[Token]>,
    lines: &mut Vec<Line>,
    taken: &mut Vec<(usize, usize)>,
) -> Headline {
    match title {
        Some(title) => {
            repetition::remove_title(reader, title, lines, taken);
            Headline::default()
        }
        None => {
            let mut headline = stacked::stacked(reader, lines, taken);
            if headline.lines.is_empty() {
                headline = fused::fused(reader, lines, taken);
            }
            if let Some(main) = headline.lines.get(headline.main) {
                let main = terms(reader, main);
                repetition::remove_repetitions(reader, &main, lines, taken);
            }
            headline
        }
    }
}

fn terms(reader: Reader<'_>, line: &Line) -> Vec<u64> {
    reader.tokens(line.tokens.clone()).iter().map(|token| token.term).collect()
}

/// How many tokens of a line, from its start, are those of `terms`.
fn common(reader: Reader<'_>, line: &Line, terms: &[u64]) -> usize {
    reader.tokens(line.tokens.clone()).iter().zip(terms).take_while(|(token, term)| token.term == **term).count()
}

fn split_front(reader: Reader<'_>, line: &mut Line, length: usize, taken: &mut Vec<(usize, usize)>) {
    let next = line.tokens.start + length;
    let start = opening(reader, next);
    let piece = reader.slice(line.start, start);
    taken.push((line.start, line.start + piece.trim_end().len()));
    line.start = start;
    line.tokens.start = next;
}

/// Start of a token with the opening quotes and brackets before it.
fn opening(reader: Reader<'_>, token: usize) -> usize {
    let start = reader.tokens.get(token).map_or(reader.text.len(), |token| token.start as usize);
    let gap = if token == 0 { "" } else { reader.gap_after(token - 1) };
    start - (gap.len() - gap.trim_end_matches(['"', '“', '‘', '(', '（', '「', '『', '《', '\'']).len())
}
