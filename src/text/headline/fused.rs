//! Headlines in one line with the lead.

use std::sync::LazyLock;

use super::{Headline, MAX_WORDS, opening, repetition::period, split_front};
use crate::text::{
    furniture::dateline_length,
    lines::{Line, Reader},
    phrases::Phrases,
};

/// Words that open a lead right behind a headline that has no final stop. The flag: a date must follow.
static LEAD_OPENERS: LazyLock<Phrases<bool>> = LazyLock::new(|| {
    Phrases::new(&[
        (true, "on|from|in"),
        (
            false,
            "on the morning of|on the afternoon of|on the evening of|yesterday|recently|a few days ago|the day before yesterday",
        ),
    ])
});

/// Words with a capital that open a sentence when a word in lower case follows and title case goes before.
static GRAMMATICAL: LazyLock<Phrases<()>> =
    LazyLock::new(|| Phrases::new(&[((), "the|a|an|in|at|to|during|this|under|with|after|recently|yesterday|as")]));

static DAYS: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[(
        (),
        "january|february|march|april|may|june|july|august|september|october|november|december|monday|tuesday|wednesday|\
         thursday|friday|saturday|sunday|the morning|the afternoon|the evening|the 1st|the 2nd|the 3rd",
    )])
});

/// A headline in one line with the lead: said twice, or parted from it only by the way a lead begins.
pub(super) fn fused(reader: Reader<'_>, lines: &mut [Line], taken: &mut Vec<(usize, usize)>) -> Headline {
    let Some(line) = lines.first_mut() else { return Headline::default() };
    let tokens = reader.tokens(line.tokens.clone());
    if let Some(period) = period(tokens) {
        let copies = tokens
            .chunks(period)
            .take_while(|chunk| chunk.iter().zip(tokens).all(|(a, b)| a.term == b.term) && chunk.len() == period)
            .count();
        // More copies, or a stop inside, and it is a text that repeats itself.
        let stop_inside = (line.tokens.start..line.tokens.start + period - 1)
            .any(|at| reader.gap_after(at).starts_with(['.', '。', ';', '；']));
        if copies <= 3 && !stop_inside && copies * period < tokens.len() {
            let headline = cut_headline(reader, line, period);
            split_front(reader, line, (copies - 1) * period, taken);
            return headline;
        }
    }
    let end = line.tokens.end.min(line.tokens.start + MAX_WORDS);
    for at in line.tokens.start + 1..end {
        let gap = reader.gap_after(at - 1);
        if !reader.only_space_after(at - 1) && gap.contains(['.', '。', '!', '?', '；', ';']) {
            break;
        }
        let length = at - line.tokens.start;
        let capital = reader.word(at).starts_with(char::is_uppercase);
        if length < 4 || !capital || !gap.trim().is_empty() || gap.is_empty() {
            continue;
        }
        let rest = reader.tokens(at..line.tokens.end);
        let title_case = || {
            is_title_case(reader, line.tokens.start..at)
                && GRAMMATICAL.at(rest).is_some()
                && is_lower(reader.word(at + 1))
        };
        let opener = title_case()
            || LEAD_OPENERS.at(rest).is_some_and(|(length, needs_date)| {
                !needs_date || rest.get(length..).and_then(|day| DAYS.at(day)).is_some()
            });
        let dateline = dateline_length(reader, at, line.tokens.end)
            .filter(|length| (at..at + length).any(|at| reader.is_number(at)));
        // The place of a dateline is the last name before the date; the names before it belong to the headline.
        let later = dateline.is_some() && at + 1 < end && is_name_before_date(reader, at, line.tokens.end);
        if (opener || dateline.is_some()) && !later && !starts_clause(reader, line) {
            let headline = cut_headline(reader, line, length);
            if let Some(length) = dateline {
                split_front(reader, line, length, taken);
            }
            return headline;
        }
    }
    Headline::default()
}

/// Whether a dateline also begins at the token after `at`, parted from it by nothing but white space.
fn is_name_before_date(reader: Reader<'_>, at: usize, end: usize) -> bool {
    let next = reader.word(at + 1);
    let is_name = next.starts_with(char::is_uppercase) && DAYS.at(reader.tokens(at + 1..end)).is_none();
    is_name && reader.gap_after(at).trim().is_empty() && dateline_length(reader, at + 1, end).is_some()
}

/// Whether the line opens as a lead does, so that a later date belongs to its own sentence.
fn starts_clause(reader: Reader<'_>, line: &Line) -> bool {
    LEAD_OPENERS.at(reader.tokens(line.tokens.clone())).is_some()
}

fn is_lower(word: &str) -> bool {
    word.starts_with(char::is_lowercase)
}

/// Whether four words in five begin with a capital, the short ones left out, and the last does.
fn is_title_case(reader: Reader<'_>, tokens: std::ops::Range<usize>) -> bool {
    let last = tokens.end.checked_sub(1).is_some_and(|at| !is_lower(reader.word(at)));
    let long = tokens.filter(|at| reader.word(*at).len() > 3);
    let (all, lower) = long.fold((0, 0), |(all, lower), at| (all + 1, lower + usize::from(is_lower(reader.word(at)))));
    last && all >= 4 && lower * 5 <= all
}

fn cut_headline(reader: Reader<'_>, line: &mut Line, length: usize) -> Headline {
    let next = line.tokens.start + length;
    let start = opening(reader, next);
    let piece = reader.slice(line.start, start);
    let found = Line { start: line.start, end: line.start + piece.trim_end().len(), tokens: line.tokens.start..next };
    line.start = start;
    line.tokens.start = next;
    Headline { lines: vec![found], main: 0 }
}
