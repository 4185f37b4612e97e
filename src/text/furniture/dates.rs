//! Dates in numbers and words, and the datelines of newspapers.

use std::sync::LazyLock;

use super::cues::GRAMMAR;
use crate::text::{Token, TokenKind, lines::Reader, phrases::Phrases};

/// Months, with the short forms.
pub(in crate::text) static MONTHS: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[(
        (),
        "january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|\
         sep|sept|oct|nov|dec",
    )])
});

fn digits(token: &Token) -> usize {
    if token.kind == TokenKind::Number { (token.end - token.start) as usize } else { 0 }
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && (word.starts_with("19") || word.starts_with("20")) && word.bytes().all(|b| b.is_ascii_digit())
}

/// A date that is one token: `2023.05.09`, and what machines make of Chinese ones, `3moon17Day`.
fn is_date_in_one(word: &str) -> bool {
    let dotted = word.len() >= 8 && word.get(..4).is_some_and(is_year) && word.matches('.').count() == 2;
    let garbled = word.starts_with(|first: char| first.is_ascii_digit());
    dotted || garbled && (word.contains("moon") || word.contains("month"))
}

/// Length in tokens of the numeric or written-out date at `at`, a time of day included; `None` if there is none. A
/// year must stand in it, or a time after it.
pub(super) fn date_at(reader: Reader<'_>, at: usize, end: usize) -> Option<usize> {
    let tokens = reader.tokens(at..end);
    let word = reader.word(at);
    let named = MONTHS.at(tokens).is_some();
    if !named && !word.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let small = |index: usize| tokens.get(index).is_some_and(|token| (1..=2).contains(&digits(token)));
    let gap = |index: usize| reader.gap_after(at + index);
    let month = |index: usize| tokens.get(index..).is_some_and(|rest| MONTHS.at(rest).is_some());
    let year = |index: usize| tokens.get(index).is_some() && is_year(reader.word(at + index));
    let day = |index: usize| {
        small(index)
            || tokens.get(index).is_some_and(|_| {
                let word = reader.word(at + index).trim_end_matches(|c: char| c.is_ascii_alphabetic());
                (1..=2).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit())
            })
    };
    let separated = |index: usize| matches!(gap(index).trim(), "-" | "/" | "." | "");
    let in_digits = is_year(word) && small(1) && small(2) && separated(0) && separated(1) && !gap(0).is_empty();
    let year_last = small(0) && small(1) && year(2) && gap(0) == "-" && gap(1) == "-";
    let with_name = is_year(word) && month(1) && day(2) || named && day(1) && year(2) || day(0) && month(1) && year(2);
    let mut length = if in_digits || year_last || with_name {
        3
    } else if is_year(word)
        && gap(0).is_empty()
        && reader.word(at + 1) == "年"
        && reader.word(at + 3) == "月"
        && tokens.len() > 3
    {
        if reader.word(at + 5) == "日" && tokens.len() > 5 { 6 } else { 4 }
    } else if small(0) && small(1) && gap(0) == "-" && small(2) && small(3) && gap(2) == ":" {
        2
    } else if is_date_in_one(word) {
        1
    } else {
        return None;
    };
    if tokens.get(length).is_some_and(|token| (1..=2).contains(&digits(token)))
        && tokens.get(length + 1).is_some_and(|token| digits(token) == 2)
        && gap(length) == ":"
    {
        length += 2;
        if tokens.get(length).is_some_and(|token| digits(token) == 2) && gap(length - 1) == ":" {
            length += 1;
        }
    }
    Some(length)
}

/// Length of a newspaper's dateline at `from`: `Jiaxing, August 18, 2023 –`, `BEIJING —`, `April 20, 2023, Jinlou –`.
pub(in crate::text) fn dateline_length(reader: Reader<'_>, from: usize, end: usize) -> Option<usize> {
    let mut names = 0;
    let mut dated = false;
    let mut at = from;
    while at < end && at - from < 10 {
        if let Some(length) = date_at(reader, at, end) {
            dated = true;
            at += length;
        } else if MONTHS.at(reader.tokens(at..end)).is_some()
            && reader.tokens.get(at + 1).is_some_and(|token| digits(token) > 0)
        {
            dated = true;
            at += 2;
        } else if reader.word(at).starts_with(char::is_uppercase) && GRAMMAR.at(reader.tokens(at..end)).is_none() {
            names += 1;
            at += 1;
        } else {
            return None;
        }
        let gap = reader.gap_after(at - 1);
        let dash = gap.trim();
        if at < end && (matches!(dash, "–" | "—" | "--" | "——") || (dash == "-" && dated && gap.starts_with(' ')))
        {
            let allowed = if dated { 5 } else { 3 };
            return (names <= allowed && (dated || gap.starts_with(' ') || dash != "–")).then_some(at - from);
        }
        // `Luofang County, May 16, 2018. A delegation ...`
        if at < end && dated && names > 0 && names <= 5 && dash == "." && is_year(reader.word(at - 1)) {
            return Some(at - from);
        }
        if !matches!(dash, "" | "," | "'" | "(" | ")" | "-") {
            return None;
        }
    }
    None
}
