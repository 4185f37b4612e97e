//! Which sentences of a ranking make a summary of a given length.

use serde::Serialize;

use crate::text::is_han;

/// How long summaries are that are compared with references.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EvaluationLength {
    /// Exactly so many words, if the text has them: the last sentence taken is cut.
    Words(usize),
    /// Exactly as many words as the reference has.
    Reference,
    /// So many whole sentences.
    Sentences(usize),
}

/// A summary.
pub(super) struct Chosen {
    /// The sentences in the order of the document, one in a line.
    pub(super) lines: String,
    /// Words in it.
    pub(super) words: usize,
}

/// Takes sentences in an order of preference until the summary is as long as asked for.
pub(super) fn choose(sentences: &[&str], order: &[usize], length: EvaluationLength, reference: &str) -> Chosen {
    let (max_sentences, max_words) = match length {
        EvaluationLength::Words(n) => (usize::MAX, n),
        EvaluationLength::Reference => (usize::MAX, word_ends(reference).len()),
        EvaluationLength::Sentences(n) => (n, usize::MAX),
    };
    let mut chosen = Vec::new();
    let mut words = 0;
    for &index in order.iter().take(max_sentences) {
        if words >= max_words {
            break;
        }
        let Some(&sentence) = sentences.get(index) else { continue };
        let ends = word_ends(sentence);
        let taken = ends.len().min(max_words - words);
        let end = if taken < ends.len() { taken.checked_sub(1).and_then(|last| ends.get(last).copied()) } else { None };
        let piece = sentence.get(..end.unwrap_or(sentence.len())).unwrap_or_default();
        chosen.push((index, piece.split_whitespace().collect::<Vec<_>>().join(" ")));
        words += taken;
    }
    chosen.sort_unstable();
    Chosen { lines: chosen.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n"), words }
}

/// Where the words of a text end, in bytes. A word is what white space separates; in a piece with Han characters, each of
/// these and each run of other letters and digits is one, since Chinese has no spaces.
pub(super) fn word_ends(text: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut start = 0;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        if word.contains(is_han) {
            let mut characters = word.char_indices().peekable();
            while let Some((at, c)) = characters.next() {
                let goes_on = characters.peek().is_some_and(|&(_, next)| !is_han(next) && next.is_alphanumeric());
                if is_han(c) || (c.is_alphanumeric() && !goes_on) {
                    ends.push(start + at + c.len_utf8());
                }
            }
        } else if !word.is_empty() {
            ends.push(start + word.len());
        }
        start += piece.len();
    }
    ends
}
