//! Furniture at the end of a line of content.

use super::{
    cues::{CUES, Cue},
    scan::{ends_in_source_word, gap_has_colon, scan_line},
};
use crate::text::lines::{Line, Reader, ends_with_stop};

/// Start of the furniture at the end of a line of content, and whether it is a cue that takes all that follows.
pub(super) fn suffix_start(reader: Reader<'_>, line: &Line) -> Option<(usize, bool)> {
    if line.tokens.is_empty() {
        return None;
    }
    bracket_start(reader, line)
        .map(|start| (start, false))
        .or_else(|| cue_start(reader, line))
        .or_else(|| byline_start(reader, line).map(|start| (start, false)))
}

/// Start of a bracket at the end of a line that holds a button, or who wrote it.
fn bracket_start(reader: Reader<'_>, line: &Line) -> Option<usize> {
    let text = reader.line_text(line);
    let (open, square) = match text.chars().next_back()? {
        ')' => ('(', false),
        '）' => ('（', false),
        ']' => ('[', true),
        '】' => ('【', true),
        _ => return None,
    };
    // The look back is bounded to keep long lines linear.
    let (at, _) = text.char_indices().rev().take(160).find(|(_, character)| *character == open)?;
    let start = line.start + at;
    let first = tokens_from(reader, line, start);
    let end = line.tokens.end;
    let is_cue = match CUES.at(reader.tokens(first..end)) {
        Some((_, Cue::Tail)) => true,
        Some((length, Cue::Label)) => gap_has_colon(reader, first + length - 1) || end - first > 1 || square,
        Some((length, Cue::Button | Cue::Link | Cue::Counter)) => {
            square || first + length == end || reader.is_number(first + length)
        }
        None => square && ends_in_source_word(reader, first..end),
    };
    (is_cue && (1..=14).contains(&(end - first)) && start > line.start).then_some(start)
}

/// Start of a cue or a label after the last stop: `... growth. Share this: Twitter`.
fn cue_start(reader: Reader<'_>, line: &Line) -> Option<(usize, bool)> {
    let text = reader.line_text(line);
    let end = line.tokens.end;
    let window = end.saturating_sub(24).max(line.tokens.start + 1);
    for at in window..end {
        if reader.only_space_after(at - 1) {
            continue;
        }
        let before = reader.gap_after(at - 1);
        let opens =
            before.contains(['.', '!', '?', '。', '！', '？', '|', '…', '[', '【', '>', '<']) || before.contains("  ");
        if !opens {
            continue;
        }
        let start = reader.start(at);
        let bracket = before.rfind(['[', '【', '<', '>', '|']).map_or(start, |inside| start - before.len() + inside);
        let Some((length, cue)) = CUES.at(reader.tokens(at..end)) else { continue };
        let colon = gap_has_colon(reader, at + length - 1);
        let rest = || scan_line(reader, &Line { start, end: line.end, tokens: at..end });
        // A sentence with its stop is prose, unless a colon gives the cue away.
        let prose = ends_with_stop(text);
        let found = match cue {
            Cue::Tail => (colon || !prose).then_some(true),
            // `Photos:` with the pictures gone, or a label with its value.
            Cue::Label => (colon && (at + length == end || !prose && rest().remaining <= 1)).then_some(false),
            Cue::Link => (colon && !prose).then_some(true),
            Cue::Counter | Cue::Button => {
                let scan = rest();
                (scan.remaining == 0 && scan.strong > 0).then_some(false)
            }
        };
        if let Some(opens_tail) = found {
            return Some((bracket, opens_tail));
        }
    }
    None
}

/// Start of `by admin` after a headline.
fn byline_start(reader: Reader<'_>, line: &Line) -> Option<usize> {
    let by = line.tokens.end.checked_sub(2).filter(|_| line.tokens.len() > 4)?;
    let is = |at: usize, word: &str| reader.word(at).eq_ignore_ascii_case(word);
    (is(by, "by") && is(by + 1, "admin")).then(|| reader.start(by))
}

/// Start of a source's name at the end of a headline: `_Yongzhou News_Yongzhou Government Network`, ` - Haiqu Focus
/// Net`, `|Sheling County`.
pub(in crate::text) fn source_suffix(reader: Reader<'_>, line: &Line) -> Option<usize> {
    let text = reader.line_text(line);
    if let Some(at) = text.find('_') {
        let rest = reader.words(tokens_from(reader, line, line.start + at)..line.tokens.end);
        let head = reader.words(line.tokens.clone()).saturating_sub(rest);
        return (head >= 3 && rest <= 12).then_some(line.start + at);
    }
    for separator in [" - ", "|", "-", "——"] {
        if let Some(at) = text.rfind(separator) {
            let first = tokens_from(reader, line, line.start + at);
            let rest = line.tokens.end - first;
            let named = ends_in_source_word(reader, first.saturating_sub(1).max(line.tokens.start)..line.tokens.end);
            let head = first - line.tokens.start;
            if rest > 0 && rest <= 5 && head >= 4 && (named || separator == "|") {
                return Some(line.start + at);
            }
        }
    }
    None
}

/// Cuts `line` at the byte `start` and reports the rest as taken.
pub(in crate::text) fn cut_at(reader: Reader<'_>, line: &mut Line, start: usize, taken: &mut Vec<(usize, usize)>) {
    taken.push((start, line.end));
    cut_back(reader, line, start);
}

pub(super) fn cut_back(reader: Reader<'_>, line: &mut Line, start: usize) {
    let kept = reader.slice(line.start, start).trim_end();
    line.end = line.start + kept.len();
    while !line.tokens.is_empty() && reader.end(line.tokens.end - 1) > line.end {
        line.tokens.end -= 1;
    }
}

/// Index of the first token of `line` at or after the byte `start`.
fn tokens_from(reader: Reader<'_>, line: &Line, start: usize) -> usize {
    let tokens = reader.tokens(line.tokens.clone());
    line.tokens.start + tokens.partition_point(|token| (token.start as usize) < start)
}
