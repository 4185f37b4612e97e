//! Where sentences end: at stops, also in glued text, but not in names, numbers and abbreviations.

use super::{
    TokenKind,
    lines::{Line, Reader},
};

/// Titles and the like: a name follows, never a new sentence.
const BEFORE_NAMES: [&str; 14] =
    ["mr", "mrs", "ms", "dr", "prof", "gov", "gen", "rep", "sen", "st", "messrs", "capt", "col", "rev"];

/// A number follows, or the point was a full stop.
const BEFORE_NUMBERS: [&str; 17] = [
    "no", "nos", "vol", "fig", "art", "sec", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sept", "oct", "nov",
    "dec",
];

/// May end a sentence: they do if the next word is one that sentences begin with.
const EITHER: [&str; 12] = ["co", "ltd", "inc", "corp", "etc", "jr", "sr", "vs", "approx", "dept", "bros", "al"];

/// Words that open sentences and stand inside names hardly ever.
const OPENERS: [&str; 47] = [
    "the",
    "a",
    "an",
    "in",
    "on",
    "at",
    "he",
    "she",
    "it",
    "they",
    "we",
    "this",
    "that",
    "these",
    "those",
    "his",
    "her",
    "their",
    "its",
    "but",
    "and",
    "after",
    "before",
    "during",
    "when",
    "while",
    "as",
    "for",
    "from",
    "with",
    "by",
    "to",
    "then",
    "there",
    "who",
    "both",
    "all",
    "each",
    "since",
    "if",
    "not",
    "how",
    "what",
    "also",
    "finally",
    "furthermore",
    "additionally",
];

fn is_one_of(word: &str, list: &[&str]) -> bool {
    list.iter().any(|entry| word.eq_ignore_ascii_case(entry))
}

/// A sentence's bytes and tokens.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) tokens: std::ops::Range<usize>,
}

/// The sentences of a paragraph; those without a token are left out.
pub(super) fn split(reader: Reader<'_>, line: &Line, pieces: &mut Vec<Piece>) {
    let mut start = line.start;
    let mut from = line.tokens.start;
    // Stops stand between tokens, so that only the gaps need be read: decimals and dotted dates are tokens.
    for at in line.tokens.start..line.tokens.end.saturating_sub(1) {
        if reader.only_space_after(at) {
            continue;
        }
        let gap = reader.gap_after(at);
        if !gap.contains(['.', '!', '?', '。', '！', '？', '；', '…', '．', '｡']) {
            continue;
        }
        let Some(cut) = boundary(reader, from, at, gap) else { continue };
        let end = reader.end(at) + cut;
        push(reader, start, end, from..at + 1, pieces);
        start = end;
        from = at + 1;
    }
    push(reader, start, line.end, from..line.tokens.end, pieces);
}

fn push(reader: Reader<'_>, start: usize, end: usize, tokens: std::ops::Range<usize>, pieces: &mut Vec<Piece>) {
    if tokens.is_empty() {
        return;
    }
    // What a deletion left before the first word belongs to no sentence.
    let stray = |c: char| {
        c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | '。' | '，' | '、' | '；' | '：' | '!' | '?')
    };
    let piece = reader.slice(start, end);
    let begin = start + (piece.len() - piece.trim_start_matches(stray).len());
    let end = start + piece.trim_end().len();
    pieces.push(Piece { start: begin, end, tokens });
}

/// Whether a sentence ends in the gap after token `at`: the number of bytes of the gap that belong to it.
fn boundary(reader: Reader<'_>, from: usize, at: usize, gap: &str) -> Option<usize> {
    let is_stop = |c: char| matches!(c, '.' | '!' | '?' | '。' | '！' | '？' | '；' | '…' | '．' | '｡');
    let first = gap.find(is_stop)?;
    // Stops may stand in a row, with closing quotes and brackets between and behind them.
    let mut end = first;
    let mut stops = 0;
    let mut strong = false;
    let mut closed = false;
    for (offset, character) in gap.get(first..)?.char_indices() {
        let next = first + offset + character.len_utf8();
        if is_stop(character) {
            if closed && gap.get(..first + offset)?.ends_with(char::is_whitespace) {
                break;
            }
            stops += 1;
            strong |= !matches!(character, '.' | '…');
        } else if matches!(character, '”' | '’' | ')' | '）' | ']' | '】' | '」' | '』' | '》')
            || matches!(character, '"' | '\'') && closes(reader, from, at, gap, first + offset, character)
        {
            closed = true;
        } else {
            break;
        }
        end = next;
    }
    let rest = gap.get(end..)?;
    let spaced = rest.starts_with(char::is_whitespace);
    let next_word = reader.word(at + 1);
    let opening = rest.trim_start().starts_with(['"', '“', '‘', '「', '『', '《', '(', '（', '[', '【', '\'']);
    let next_lower = next_word.starts_with(char::is_lowercase);
    let word = reader.word(at);
    let wide = gap.get(first..end)?.contains(['。', '！', '？', '；', '．', '｡']);
    if wide {
        return Some(end);
    }
    // A comma or dash behind the stop: the sentence goes on.
    if rest.trim_start().starts_with([',', ';', ':', '，', '、', '：', '–', '—']) && stops <= 1 {
        return None;
    }
    // A quotation that ends in the middle of its sentence: `"Go!" he said`.
    if next_lower && (closed || strong || stops > 1) && !opening {
        return (strong && !spaced && !closed).then_some(end);
    }
    if strong || stops > 1 {
        return Some(end);
    }
    single_point(
        reader,
        from,
        at,
        Context { word, next_word, spaced: spaced || opening || closed, closed, leading: first, next_lower },
    )
    .then_some(end)
}

#[derive(Clone, Copy)]
struct Context<'a> {
    word: &'a str,
    next_word: &'a str,
    spaced: bool,
    closed: bool,
    /// Bytes between the word and its point.
    leading: usize,
    next_lower: bool,
}

/// Whether one point between two words ends a sentence.
fn single_point(reader: Reader<'_>, from: usize, at: usize, context: Context<'_>) -> bool {
    let Context { word, next_word, spaced, closed, leading, next_lower } = context;
    let kind = reader.tokens.get(at).map(|token| token.kind);
    let next_kind = reader.tokens.get(at + 1).map(|token| token.kind);
    let opener = is_one_of(next_word, &OPENERS) && next_word.starts_with(char::is_uppercase);
    if closed {
        return true;
    }
    if leading > 0 {
        // A point left alone by a deletion ends a sentence only if the next word looks like a beginning.
        return !next_lower;
    }
    // `1. Strengthen ...`: the number of an item.
    if kind == Some(TokenKind::Number) && at == from {
        return false;
    }
    if is_one_of(word, &BEFORE_NAMES) {
        return false;
    }
    if is_one_of(word, &BEFORE_NUMBERS) {
        return next_kind != Some(TokenKind::Number) && spaced;
    }
    let single = word.chars().count() == 1 && word.starts_with(char::is_alphabetic) && kind == Some(TokenKind::Word);
    if single && (word.starts_with(char::is_uppercase) || next_word.chars().count() == 1) {
        // `J. Smith`, `U.S. President`, `p.m. The`.
        return spaced && opener;
    }
    if single && at > from && reader.gap_after(at - 1) == "." {
        return spaced && opener;
    }
    if is_one_of(word, &EITHER) {
        return spaced && opener;
    }
    if spaced {
        return true;
    }
    // Glued: `done.Li called`, but not `www.city.gov.cn`, `U.S.A`, `file.XLS`.
    let capital_then_lower = {
        let mut characters = next_word.chars();
        let first = characters.next().is_some_and(char::is_uppercase);
        first && characters.next().is_none_or(char::is_lowercase)
    };
    let ends_lower = word.ends_with(|c: char| c.is_lowercase() || c.is_numeric()) || kind == Some(TokenKind::Han);
    capital_then_lower && (ends_lower || word.len() > 3)
        || next_kind == Some(TokenKind::Han)
        || next_kind == Some(TokenKind::Number) && kind == Some(TokenKind::Word) && word.len() > 3 && ends_lower
}

/// Whether a straight quote behind a stop closes: an odd number of them stands open in the sentence so far.
fn closes(reader: Reader<'_>, from: usize, at: usize, gap: &str, offset: usize, quote: char) -> bool {
    let rest = gap.get(offset + quote.len_utf8()..).unwrap_or_default();
    // White space or the end behind it can only mean closing.
    if rest.is_empty() {
        // Glued on both sides: look at what is open. The look back is bounded to keep long texts linear.
        let start = reader.start(from.max(at.saturating_sub(40)));
        let before = reader.slice(start, reader.end(at)).matches(quote).count() + opened_before(reader, from, quote);
        return before % 2 == 1;
    }
    rest.starts_with(|c: char| c.is_whitespace() || !c.is_alphanumeric())
}

/// A quote directly before the first token of the sentence.
fn opened_before(reader: Reader<'_>, from: usize, quote: char) -> usize {
    from.checked_sub(1).map_or(0, |before| usize::from(reader.gap_after(before).ends_with(quote)))
}
