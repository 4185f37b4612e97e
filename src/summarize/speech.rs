//! Direct speech: how much of a sentence stands between quotation marks.

use crate::text::{Document, Token};

/// What a quotation mark does.
#[derive(Clone, Copy)]
enum Mark {
    Opens,
    Closes,
    /// The straight mark does either.
    Turns,
}

/// The quotation marks of a text, with the bytes where they begin.
fn marks(text: &str) -> impl Iterator<Item = (usize, Mark)> {
    // First bytes of the marks: most texts hold few of them.
    memchr::memchr3_iter(b'"', 0xe2, 0xe3, text.as_bytes()).filter_map(|at| {
        let mark = match text.as_bytes().get(at..)? {
            [b'"', ..] => Mark::Turns,
            // “ 「 『
            [0xe2, 0x80, 0x9c, ..] | [0xe3, 0x80, 0x8c | 0x8e, ..] => Mark::Opens,
            // ” 」 』
            [0xe2, 0x80, 0x9d, ..] | [0xe3, 0x80, 0x8d | 0x8f, ..] => Mark::Closes,
            _ => return None,
        };
        Some((at, mark))
    })
}

/// By sentence, in the order of `indices`: the share of its tokens that are quoted, from 0 to 1. A quotation ends with its
/// paragraph at the latest, so that a mark that was forgotten does no harm to the next one.
pub(super) fn quoted(document: &Document<'_>, indices: &[usize]) -> Vec<f64> {
    let mut shares = vec![0.0; document.sentences.len()];
    let mut marks = marks(document.article.text).peekable();
    let (mut paragraph, mut is_inside) = (usize::MAX, false);
    for (sentence, share) in document.sentences.iter().zip(&mut shares) {
        if sentence.paragraph != paragraph {
            paragraph = sentence.paragraph;
            while marks.next_if(|(at, _)| *at < sentence.start).is_some() {}
            is_inside = false;
        }
        let tokens: &[Token] = document.tokens.get(sentence.tokens.clone()).unwrap_or_default();
        if marks.peek().is_none_or(|(at, _)| *at >= sentence.end) {
            // No mark in it, as in most sentences.
            *share = if is_inside && !tokens.is_empty() { 1.0 } else { 0.0 };
            continue;
        }
        let mut read_to = |end: usize| {
            while let Some((_, mark)) = marks.next_if(|(at, _)| *at < end) {
                is_inside = match mark {
                    Mark::Opens => true,
                    Mark::Closes => false,
                    Mark::Turns => !is_inside,
                };
            }
            is_inside
        };
        let inside = tokens.iter().filter(|token| read_to(token.start as usize)).count();
        read_to(sentence.end);
        *share = inside as f64 / tokens.len().max(1) as f64;
    }
    indices.iter().map(|&index| shares[index]).collect()
}
