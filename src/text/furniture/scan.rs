//! What a short line consists of: dates, labels with their values, counters, buttons, and other words.

use super::{
    cues::{CUES, Cue, SOURCE_WORDS},
    dates::date_at,
};
use crate::text::lines::{Line, Reader};

/// What a short line consists of.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Dates, labels, counters, bracketed buttons: what prose does not have.
    pub(super) strong: usize,
    pub(super) labels: usize,
    pub(super) counters: usize,
    pub(super) buttons: usize,
    /// Words that are none of it.
    pub(super) remaining: usize,
    /// Whether the line opens with a label.
    pub(super) opens: bool,
}

pub(super) fn scan_line(reader: Reader<'_>, line: &Line) -> Scan {
    let mut scan = Scan::default();
    let mut at = line.tokens.start;
    let end = line.tokens.end;
    while at < end {
        if let Some(length) = date_at(reader, at, end) {
            scan.strong += 1;
            at += length;
            continue;
        }
        let is_number = |at: usize| at < end && reader.is_number(at);
        match CUES.at(reader.tokens(at..end)) {
            Some((length, Cue::Label)) if at + length < end && gap_has_colon(reader, at + length - 1) => {
                scan.opens |= at == line.tokens.start;
                scan.labels += 1;
                scan.strong += 1;
                at += length;
                at += value_length(reader, at, end);
            }
            Some((length, Cue::Counter)) if is_number(at + length) || (at > line.tokens.start && is_number(at - 1)) => {
                scan.counters += 1;
                scan.strong += 1;
                at += length + usize::from(is_number(at + length));
            }
            Some((length, Cue::Tail)) => {
                scan.strong += 1;
                at += length;
            }
            Some((length, Cue::Button | Cue::Counter | Cue::Label | Cue::Link)) => {
                let before = reader.slice(line.start, reader.start(at));
                scan.strong += usize::from(before.trim_end().ends_with(['[', '【']));
                scan.buttons += 1;
                at += length;
            }
            // A number alone is a count whose name is missing.
            None if is_number(at) => at += 1,
            None => {
                scan.remaining += 1;
                at += 1;
            }
        }
    }
    scan
}

pub(super) fn gap_has_colon(reader: Reader<'_>, token: usize) -> bool {
    reader.gap_after(token).trim_start_matches([' ', '\u{3000}', ']', '】']).starts_with([':', '：'])
}

/// Length of the value after a label: up to a wide gap, a bar, a bracket, a date or the next label; at most 8 tokens,
/// otherwise it is prose and nothing is taken.
fn value_length(reader: Reader<'_>, from: usize, end: usize) -> usize {
    let mut at = from;
    while at < end && at - from <= 12 {
        let next_label = match CUES.at(reader.tokens(at..end)) {
            Some((length, Cue::Label)) => gap_has_colon(reader, at + length - 1),
            Some((_, Cue::Tail | Cue::Link | Cue::Counter | Cue::Button)) | None => false,
        };
        if at > from && (next_label || date_at(reader, at, end).is_some()) {
            return at - from;
        }
        at += 1;
        let gap = reader.gap_after(at - 1);
        if at == end || gap.contains("  ") || gap.contains(['|', '[', '【', '\u{3000}', '/', '\t']) {
            break;
        }
    }
    if at - from <= 8 { at - from } else { 0 }
}

pub(super) fn ends_in_source_word(reader: Reader<'_>, tokens: std::ops::Range<usize>) -> bool {
    (tokens.start + 1..tokens.end)
        .rev()
        .take(4)
        .any(|at| SOURCE_WORDS.at(reader.tokens(at..tokens.end)).is_some_and(|(length, ())| at + length == tokens.end))
}
