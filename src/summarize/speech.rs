//! Direct speech: how much of a sentence stands between quotation marks.

use crate::text::{Document, Token};

/// By sentence, in the order of `indices`: the share of its tokens that are quoted, from 0 to 1. A quotation ends with its
/// paragraph at the latest, so that a mark that was forgotten does no harm to the next one.
pub(super) fn quoted(document: &Document<'_>, indices: &[usize]) -> Vec<f64> {
    let mut shares = vec![0.0; document.sentences.len()];
    let (mut paragraph, mut at, mut is_inside) = (usize::MAX, 0, false);
    for (sentence, share) in document.sentences.iter().zip(&mut shares) {
        if sentence.paragraph != paragraph {
            (paragraph, at, is_inside) = (sentence.paragraph, sentence.start, false);
        }
        let mut read_to = |end: usize| {
            let piece = document.article.text.get(at..end).unwrap_or_default();
            at = end.max(at);
            piece.chars().for_each(|c| match c {
                '"' => is_inside = !is_inside,
                '\u{201c}' | '「' | '『' => is_inside = true,
                '\u{201d}' | '」' | '』' => is_inside = false,
                _ => {}
            });
            is_inside
        };
        let tokens: &[Token] = document.tokens.get(sentence.tokens.clone()).unwrap_or_default();
        let inside = tokens.iter().filter(|token| read_to(token.start as usize)).count();
        read_to(sentence.end);
        *share = inside as f64 / tokens.len().max(1) as f64;
    }
    indices.iter().map(|&index| shares[index]).collect()
}
