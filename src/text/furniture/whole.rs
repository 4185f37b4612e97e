//! Lines that are furniture as a whole.

use super::{
    cues::{BODIES, CUES, Cue, FOOT, GRAMMAR, HOME, TRAILS},
    dates::date_at,
    scan::{ends_in_source_word, gap_has_colon, scan_line},
};
use crate::text::{
    lines::{Line, Reader, ends_with_stop},
    phrases::Phrases,
};

/// Where a line stands among the lines of prose.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The first line of all: perhaps the headline.
    First,
    /// Before the first line of prose.
    Front,
    /// Between lines of prose.
    Middle,
    /// After the last one.
    Back,
}

/// Whether the whole line is furniture; if so, whether what follows at the end of the page is, too.
pub(super) fn whole_line(reader: Reader<'_>, line: &Line, place: Place) -> Option<bool> {
    let words = reader.words(line.tokens.clone());
    let text = reader.line_text(line);
    if words > 40 {
        return None;
    }
    if words == 0 {
        // A rule, an arrow, a row of stars; nothing is lost by it.
        return Some(false);
    }
    if opens_tail(reader, line).is_some() && (place != Place::First || words <= 4) && words <= 25 {
        return Some(place == Place::Back);
    }
    if place != Place::First && place != Place::Middle && words <= 25 && opens_link(reader, line) {
        return Some(false);
    }
    if place != Place::First && is_caption(reader, line) {
        return Some(false);
    }
    if place == Place::Middle && words > 12 {
        return None;
    }
    let scan = scan_line(reader, line);
    if scan.remaining == 0 {
        return (scan.strong > 0 || scan.buttons >= 2 || text.starts_with(['[', '【']) || place == Place::Back)
            .then_some(false);
    }
    if ends_with_stop(text) || words > 24 {
        return None;
    }
    if place == Place::Middle {
        let labelled = scan.labels > 0 && scan.opens && scan.remaining <= 3;
        let dated = scan.strong > 0 && scan.remaining <= 2 && words <= 9 && ends_or_begins_dated(reader, line);
        return (labelled || dated).then_some(false);
    }
    // On the first line a leading date stands before the headline; elsewhere beside the name of a site.
    let leading_date = date_at(reader, line.tokens.start, line.tokens.end).is_some();
    let grammar = holds(&GRAMMAR, reader, line);
    let allowed = if place == Place::First { 4 } else { 5 };
    let dated_label = place != Place::First && leading_date && scan.labels > 0;
    let site = scan.strong > 0
        && scan.remaining <= allowed
        && !grammar
        && !(place == Place::First && leading_date && scan.labels == 0 && scan.counters == 0);
    let label_first = scan.opens && scan.labels > 0 && place != Place::First && scan.remaining <= 12 && !grammar;
    let bracketed = place == Place::Back
        && words <= 12
        && (text.starts_with('(') && text.ends_with(')')
            || text.starts_with('[') && text.ends_with(']')
            || text.starts_with('（') && text.ends_with('）'));
    let source_name =
        place != Place::First && words <= 4 && !grammar && ends_in_source_word(reader, line.tokens.clone());
    let byline = place != Place::First && words <= 8 && is_byline(reader, line);
    let foot = place == Place::Back && words <= 12 && holds(&FOOT, reader, line);
    let signature = place == Place::Back && is_signature(reader, line);
    (site
        || dated_label
        || label_first
        || bracketed
        || source_name
        || byline
        || foot
        || signature
        || is_breadcrumb(reader, line, place))
    .then_some(false)
}

/// The kind of a tail cue at the start of a line.
pub(super) fn opens_tail(reader: Reader<'_>, line: &Line) -> Option<usize> {
    match CUES.at(reader.tokens(line.tokens.clone())) {
        Some((length, Cue::Tail)) => Some(length),
        Some((_, Cue::Label | Cue::Link | Cue::Counter | Cue::Button)) | None => None,
    }
}

/// `Next: ...`, `[previous] ...`, `>>> hot: ...`: a link to another page.
fn opens_link(reader: Reader<'_>, line: &Line) -> bool {
    match CUES.at(reader.tokens(line.tokens.clone())) {
        Some((length, Cue::Link)) => {
            let gap = reader.gap_after(line.tokens.start + length - 1);
            gap_has_colon(reader, line.tokens.start + length - 1) || gap.starts_with([']', '】', '：'])
        }
        Some((_, Cue::Tail | Cue::Label | Cue::Counter | Cue::Button)) | None => false,
    }
}

/// Whether one of the phrases stands anywhere in the line.
fn holds(phrases: &Phrases<()>, reader: Reader<'_>, line: &Line) -> bool {
    line.tokens.clone().any(|at| phrases.at(reader.tokens(at..line.tokens.end)).is_some())
}

/// The name of a body alone: `Organization Department of the Nanhe Municipal Committee`.
fn is_signature(reader: Reader<'_>, line: &Line) -> bool {
    let link = |word: &str| ["of", "and", "the", "for", "at"].contains(&word);
    (2..=12).contains(&line.tokens.len())
        && line.tokens.clone().all(|at| reader.word(at).starts_with(char::is_uppercase) || link(reader.word(at)))
        && holds(&BODIES, reader, line)
}

/// Whether a date is the first or the last thing in a line.
fn ends_or_begins_dated(reader: Reader<'_>, line: &Line) -> bool {
    let end = line.tokens.end;
    line.tokens
        .clone()
        .any(|at| date_at(reader, at, end).is_some_and(|length| at == line.tokens.start || at + length == end))
}

/// `Photo: Participants walk over the bridge.`: what a picture shows, in a line of its own.
fn is_caption(reader: Reader<'_>, line: &Line) -> bool {
    let first = line.tokens.start;
    let opens =
        ["photo", "photos", "picture", "caption"].iter().any(|cue| reader.word(first).eq_ignore_ascii_case(cue));
    opens && reader.start(first) == line.start && gap_has_colon(reader, first)
}

/// `By Mei Yutong`, `Reporter Kou Jing intern Mo Qi`, `Correspondent ...`: a cue and names only.
fn is_byline(reader: Reader<'_>, line: &Line) -> bool {
    let first = reader.word(line.tokens.start);
    let opens = ["by", "reporter", "correspondent", "editor", "photo", "author", "text"]
        .iter()
        .any(|cue| first.eq_ignore_ascii_case(cue));
    let names = line.tokens.clone().skip(1).all(|at| {
        let word = reader.word(at);
        word.starts_with(char::is_uppercase) || ["intern", "by", "and", "correspondent"].contains(&word)
    });
    opens && names && (2..=8).contains(&line.tokens.len()) && !reader.line_text(line).contains('.')
}

/// `home > NEWS`, `City Today / politics / 2022-07-21`: short pieces parted by arrows, or by bars with a home word.
fn is_breadcrumb(reader: Reader<'_>, line: &Line, place: Place) -> bool {
    let text = reader.line_text(line);
    let arrows = text.matches(['>', '»', '›']).count();
    let bars = text.matches(['|', '/', '_', '·', '•']).count();
    let from_home = HOME.at(reader.tokens(line.tokens.clone())).is_some();
    if arrows == 0 && (bars < 2 || (place == Place::First && !from_home)) {
        return false;
    }
    let sentence = place == Place::First
        && TRAILS.at(reader.tokens(line.tokens.clone())).is_none()
        && holds(&GRAMMAR, reader, line);
    !sentence
        && text.split(['>', '»', '›', '|', '/', '_', '·', '•']).all(|piece| piece.split_whitespace().count() <= 8)
        && reader.words(line.tokens.clone()) <= 16
}
