//! Furniture at the end of a line of content.

use super::{
    cues::{CUES, Cue},
    scan::{ends_in_source_word, gap_has_colon, scan_line},
};
use crate::text::{
    TokenKind,
    lines::{Line, Reader, ends_with_stop},
};

/// Start of the furniture at the end of a line of content, and whether it is a tail cue.
pub(super) fn suffix_start(reader: Reader<'_>, line: &Line) -> Option<(usize, bool)> {
    let text = reader.line_text(line);
    let (from, end) = (line.tokens.start, line.tokens.end);
    if from >= end {
        return None;
    }
    // A bracket at the end: buttons, or who wrote it.
    if let Some(close) = text.chars().next_back().filter(|c| matches!(c, ')' | '）' | ']' | '】')) {
        let open = match close {
            ')' => '(',
            '）' => '（',
            ']' => '[',
            _ => '【',
        };
        let window_start = floor_boundary(text, text.len().saturating_sub(160));
        if let Some(at) = text[window_start..].rfind(open) {
            let start = line.start + window_start + at;
            let first = tokens_from(reader, line, start);
            let length = end - first;
            let cue = CUES.at(reader.tokens(first..end));
            let is_cue = match cue {
                Some((_, Cue::Tail)) => true,
                Some((length, Cue::Label)) => {
                    gap_has_colon(reader, first + length - 1) || first + 1 < end || close != ')'
                }
                Some((cue_length, Cue::Button | Cue::Link | Cue::Counter)) => {
                    matches!(close, ']' | '】')
                        || cue_length == length
                        || first + cue_length < end && reader.tokens[first + cue_length].kind == TokenKind::Number
                }
                None => ends_in_source_word(reader, first..end) && matches!(close, ']' | '】'),
            };
            if is_cue && length > 0 && length <= 14 && start > line.start {
                return Some((start, false));
            }
        }
    }
    // A tail cue or a label after the last stop: `... growth. Share this: Twitter`.
    let window = end.saturating_sub(24).max(from + 1);
    for at in window..end {
        let before = reader.gap_after(at - 1);
        let opens =
            before.contains(['.', '!', '?', '。', '！', '？', '|', '…', '[', '【', '>', '<']) || before.contains("  ");
        if !opens {
            continue;
        }
        let start = reader.tokens[at].start as usize;
        let bracket = before.rfind(['[', '【', '<', '>', '|']).map_or(start, |inside| start - before.len() + inside);
        match CUES.at(reader.tokens(at..end)) {
            // A sentence with its stop is prose, unless a colon gives the cue away.
            Some((length, Cue::Tail)) if !ends_with_stop(text) || gap_has_colon(reader, at + length - 1) => {
                return Some((bracket, true));
            }
            Some((length, Cue::Label)) if at + length < end && gap_has_colon(reader, at + length - 1) => {
                let rest = Line { start, end: line.end, tokens: at..end };
                if !ends_with_stop(text) && scan_line(reader, &rest).remaining <= 1 {
                    return Some((bracket, false));
                }
            }
            // `Photos:` with the pictures gone.
            Some((length, Cue::Label)) if at + length == end && gap_has_colon(reader, end - 1) => {
                return Some((bracket, false));
            }
            Some((length, Cue::Link)) if gap_has_colon(reader, at + length - 1) && !ends_with_stop(text) => {
                return Some((bracket, true));
            }
            Some((_, Cue::Counter | Cue::Button)) => {
                let scan = scan_line(reader, &Line { start, end: line.end, tokens: at..end });
                if scan.remaining == 0 && scan.strong > 0 {
                    return Some((bracket, false));
                }
            }
            Some((_, Cue::Tail | Cue::Label | Cue::Link)) | None => {}
        }
    }
    // `... by admin` after a headline.
    if end - from > 4
        && reader.word(end - 1).eq_ignore_ascii_case("admin")
        && reader.word(end - 2).eq_ignore_ascii_case("by")
    {
        return Some((reader.tokens[end - 2].start as usize, false));
    }
    None
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
    while line.tokens.end > line.tokens.start && reader.tokens[line.tokens.end - 1].end as usize > line.end {
        line.tokens.end -= 1;
    }
}

/// Index of the first token of `line` at or after the byte `start`.
fn tokens_from(reader: Reader<'_>, line: &Line, start: usize) -> usize {
    let tokens = reader.tokens(line.tokens.clone());
    line.tokens.start + tokens.partition_point(|token| (token.start as usize) < start)
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
