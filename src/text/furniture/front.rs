//! Furniture at the start of a line of content.

use super::{
    cues::{CUES, Cue},
    dates::{date_at, dateline_length},
    scan::{ends_in_source_word, gap_has_colon},
};
use crate::text::lines::{Line, Reader};

/// Length in tokens of the furniture at the start of a line of content.
pub(super) fn prefix_length(reader: Reader<'_>, line: &Line, front: bool) -> Option<usize> {
    let Line { tokens, .. } = line;
    let (from, end) = (tokens.start, tokens.end);
    let text = reader.line_text(line);
    // ` date 2023-08-14 ` and a bare numeric date, which no sentence begins with.
    let date_word = usize::from(reader.word(from).eq_ignore_ascii_case("date"));
    if let Some(length) = date_at(reader, from + date_word, end) {
        let numeric = reader.word(from + date_word).bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && !reader.word(from + date_word + 1).starts_with(|c: char| c.is_alphabetic());
        if numeric && (date_word == 1 || front) && from + date_word + length < end {
            return Some(date_word + length);
        }
    }
    if from >= end {
        return None;
    }
    // A bracket with a reporter, a source or a channel: `(Reporter Li correspondent/Wang)`, `[laitimes]`.
    if let Some(open) = text.chars().next().filter(|c| matches!(c, '(' | '（' | '[' | '【')) {
        let close = match open {
            '(' => ')',
            '（' => '）',
            '[' => ']',
            _ => '】',
        };
        let inside = text.char_indices().take(120).find(|(_, c)| *c == close).map(|(at, _)| line.start + at)?;
        let length = tokens.clone().take_while(|at| (reader.tokens[*at].start as usize) < inside).count();
        let cue = CUES.at(reader.tokens(from..end)).is_some_and(|(_, cue)| cue == Cue::Label)
            || ends_in_source_word(reader, from..from + length)
            || (matches!(open, '[' | '【') && front && length <= 4);
        return (cue && length > 0 && from + length < end).then_some(length);
    }
    if !front {
        return None;
    }
    // `0 By admin`, `Original title:`, `Home »`, `City Daily:`, `City net news:`.
    if let Some((length, cue)) = CUES.at(reader.tokens(from..end)) {
        if cue == Cue::Label
            && reader.word(from).eq_ignore_ascii_case("original")
                | reader.word(from + 1).eq_ignore_ascii_case("original")
            || cue == Cue::Label && text.starts_with("原标题")
        {
            return gap_has_colon(reader, from + length - 1).then_some(length);
        }
    }
    let mut last_arrow = None;
    for at in from..end.min(from + 12) {
        let gap = reader.gap_after(at);
        if gap.contains(['»', '›', '>']) && at + 1 < end {
            last_arrow = Some(at + 1 - from);
        }
        if gap_has_colon(reader, at) && at + 1 < end {
            if at - from < 5 && ends_in_source_word(reader, from..at + 1) {
                return Some(at + 1 - from);
            }
            break;
        }
        // `Baoji Municipal People's Government Portal-`.
        if gap.trim() == "-" && reader.word(at).eq_ignore_ascii_case("portal") && at + 1 < end {
            return Some(at + 1 - from);
        }
        if gap.contains(['.', '!', '?', '。']) {
            break;
        }
    }
    if last_arrow.is_some() {
        return last_arrow;
    }
    dateline_length(reader, from, end)
}

/// Takes the first `length` tokens of a line away, with the punctuation after them.
pub(super) fn cut_front(reader: Reader<'_>, line: &mut Line, length: usize, taken: &mut Vec<(usize, usize)>) {
    let begin = line.tokens.start + length;
    let next = if begin < line.tokens.end { reader.tokens[begin].start as usize } else { line.end };
    let after = begin.checked_sub(1).and_then(|last| reader.tokens.get(last)).map_or(next, |token| token.end as usize);
    // An opening quote or bracket belongs to what follows.
    let gap = reader.slice(after, next);
    let kept = gap.len() - gap.trim_end_matches(['"', '“', '‘', '(', '（', '「', '『', '《', '[', '【', '\'']).len();
    let cut = next - kept;
    let piece = reader.slice(line.start, cut);
    taken.push((line.start, line.start + piece.trim_end().len()));
    line.start = cut;
    line.tokens.start = begin;
}
