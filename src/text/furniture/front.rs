//! Furniture at the start of a line of content.

use super::{
    cues::{CUES, Cue, ORIGINAL_TITLE},
    dates::{date_at, dateline_length},
    scan::{ends_in_source_word, gap_has_colon},
};
use crate::text::lines::{Line, Reader};

/// Length in tokens of the furniture at the start of a line of content. Only where the article begins, at its `front`,
/// may it be more than a date or a bracket.
pub(super) fn prefix_length(reader: Reader<'_>, line: &Line, front: bool) -> Option<usize> {
    if line.tokens.is_empty() {
        return None;
    }
    if let Some(length) = date_prefix(reader, line, front) {
        return Some(length);
    }
    let first = reader.line_text(line).chars().next();
    if let Some(close) = first.and_then(closing_bracket) {
        return bracket_prefix(reader, line, front, close);
    }
    if !front {
        return None;
    }
    original_title_prefix(reader, line)
        .or_else(|| source_prefix(reader, line))
        .or_else(|| dateline_length(reader, line.tokens.start, line.tokens.end))
}

/// ` date 2023-08-14 ` and a bare numeric date, which no sentence begins with.
fn date_prefix(reader: Reader<'_>, line: &Line, front: bool) -> Option<usize> {
    let (from, end) = (line.tokens.start, line.tokens.end);
    let label = usize::from(reader.word(from).eq_ignore_ascii_case("date"));
    let length = date_at(reader, from + label, end)?;
    let numeric = reader.word(from + label).bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && !reader.word(from + label + 1).starts_with(char::is_alphabetic);
    (numeric && (label == 1 || front) && from + label + length < end).then_some(label + length)
}

fn closing_bracket(open: char) -> Option<char> {
    match open {
        '(' => Some(')'),
        '（' => Some('）'),
        '[' => Some(']'),
        '【' => Some('】'),
        _ => None,
    }
}

/// A bracket with a reporter, a source or a channel: `(Reporter Li correspondent/Wang)`, `[laitimes]`.
fn bracket_prefix(reader: Reader<'_>, line: &Line, front: bool, close: char) -> Option<usize> {
    let (from, end) = (line.tokens.start, line.tokens.end);
    // The look ahead is bounded to keep long lines linear.
    let (inside, _) = reader.line_text(line).char_indices().take(120).find(|(_, character)| *character == close)?;
    let length = (from..end).take_while(|at| reader.start(*at) < line.start + inside).count();
    let cue = CUES.at(reader.tokens(from..end)).is_some_and(|(_, cue)| cue == Cue::Label)
        || ends_in_source_word(reader, from..from + length)
        || (matches!(close, ']' | '】') && front && length <= 4);
    (cue && length > 0 && from + length < end).then_some(length)
}

/// `Original title:`.
fn original_title_prefix(reader: Reader<'_>, line: &Line) -> Option<usize> {
    let from = line.tokens.start;
    let (length, _) = ORIGINAL_TITLE.at(reader.tokens(line.tokens.clone()))?;
    gap_has_colon(reader, from + length - 1).then_some(length)
}

/// `Home »`, `City Daily:`, `City net news:`, `Baoji Municipal People's Government Portal-`.
fn source_prefix(reader: Reader<'_>, line: &Line) -> Option<usize> {
    let (from, end) = (line.tokens.start, line.tokens.end);
    let mut last_arrow = None;
    for at in from..end.saturating_sub(1).min(from + 12) {
        if reader.only_space_after(at) {
            continue;
        }
        let gap = reader.gap_after(at);
        let length = at + 1 - from;
        if gap.contains(['»', '›', '>']) {
            last_arrow = Some(length);
        }
        if gap_has_colon(reader, at) {
            if length <= 5 && ends_in_source_word(reader, from..at + 1) {
                return Some(length);
            }
            break;
        }
        if gap.trim() == "-" && reader.word(at).eq_ignore_ascii_case("portal") {
            return Some(length);
        }
        if gap.contains(['.', '!', '?', '。']) {
            break;
        }
    }
    last_arrow
}

/// Takes the first `length` tokens of a line away, with the punctuation after them.
pub(super) fn cut_front(reader: Reader<'_>, line: &mut Line, length: usize, taken: &mut Vec<(usize, usize)>) {
    let begin = line.tokens.start + length;
    let next = if begin < line.tokens.end { reader.start(begin) } else { line.end };
    let after = begin.checked_sub(1).map_or(next, |last| reader.end(last));
    // An opening quote or bracket belongs to what follows.
    let gap = reader.slice(after, next);
    let kept = gap.len() - gap.trim_end_matches(['"', '“', '‘', '(', '（', '「', '『', '《', '[', '【', '\'']).len();
    let cut = next - kept;
    let piece = reader.slice(line.start, cut);
    taken.push((line.start, line.start + piece.trim_end().len()));
    line.start = cut;
    line.tokens.start = begin;
}
