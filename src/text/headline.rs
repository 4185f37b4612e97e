//! The headline: found among the first lines, also when stacked, repeated or fused with the lead.

use std::sync::LazyLock;

use super::{
    Token, TokenKind,
    furniture::{cut_at, dateline_length, is_prose, source_suffix},
    lines::{Line, Reader, ends_with_stop},
    phrases::Phrases,
};

/// More short lines than this at the start are a list, not a stacked headline.
const MAX_STACKED: usize = 4;

/// Headlines are not longer than this, in words.
const MAX_WORDS: usize = 60;

/// Words that tell the main headline from a slogan above it: what happened, and in which form.
static EVENT: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[(
        (),
        "meeting|meetings|meet|meets|conference|session|symposium|forum|congress|plenary|plenum|seminar|hold|holds|held|\
         convene|convenes|convened|conveys|convey|relays|studies|presides|presided|presides over|opens|launches|inspects|\
         visits|held a|会议|大会|全会|座谈会|召开|举行|传达|学习会|调研",
    )])
});

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

/// The lines of a headline, taken out of the content.
#[derive(Debug, Default)]
pub(super) struct Headline {
    /// Every line of it.
    pub(super) lines: Vec<Line>,
    /// Which of them is the main one.
    pub(super) main: usize,
}

/// Takes the headline out of the content lines. With a title, its repetition is furniture and nothing else is looked
/// for. The last content is never taken: something must be left to be read.
pub(super) fn take(
    reader: Reader<'_>,
    title: Option<&[Token]>,
    lines: &mut Vec<Line>,
    taken: &mut Vec<(usize, usize)>,
) -> Headline {
    match title {
        Some(title) => {
            remove_title(reader, title, lines, taken);
            Headline::default()
        }
        None => {
            let mut headline = stacked(reader, lines, taken);
            if headline.lines.is_empty() {
                headline = fused(reader, lines, taken);
            }
            if let Some(main) = headline.lines.get(headline.main) {
                let main = terms(reader, main);
                remove_repetitions(reader, &main, lines, taken);
            }
            headline
        }
    }
}

fn terms(reader: Reader<'_>, line: &Line) -> Vec<u64> {
    reader.tokens(line.tokens.clone()).iter().map(|token| token.term).collect()
}

/// How many tokens of a line, from its start, are those of `terms`.
fn common(reader: Reader<'_>, line: &Line, terms: &[u64]) -> usize {
    reader.tokens(line.tokens.clone()).iter().zip(terms).take_while(|(token, term)| token.term == **term).count()
}

/// Removes the title where the text repeats it: as lines of its own, or in front of the lead.
fn remove_title(reader: Reader<'_>, title: &[Token], lines: &mut Vec<Line>, taken: &mut Vec<(usize, usize)>) {
    let title: Vec<u64> = title.iter().map(|token| token.term).collect();
    if title.is_empty() {
        return;
    }
    for _ in 0..3 {
        let more = lines.len() > 1;
        let Some(line) = lines.first_mut() else { return };
        let same = common(reader, line, &title);
        if same == line.tokens.len() && more && (same == title.len() || same >= 4) {
            taken.push((line.start, line.end));
            lines.remove(0);
        } else if same == title.len() && same >= 3 && same < line.tokens.len() && !reads_on(reader, line, same) {
            split_front(reader, line, same, taken);
        } else {
            break;
        }
    }
    remove_repetitions(reader, &title, lines, taken);
}

/// Whether the words behind the first `length` tokens of a line go on with the same sentence.
fn reads_on(reader: Reader<'_>, line: &Line, length: usize) -> bool {
    reader.word(line.tokens.start + length).starts_with(char::is_lowercase)
}

fn split_front(reader: Reader<'_>, line: &mut Line, length: usize, taken: &mut Vec<(usize, usize)>) {
    let next = line.tokens.start + length;
    let start = opening(reader, next);
    let piece = reader.slice(line.start, start);
    taken.push((line.start, line.start + piece.trim_end().len()));
    line.start = start;
    line.tokens.start = next;
}

/// Start of a token with the opening quotes and brackets before it.
fn opening(reader: Reader<'_>, token: usize) -> usize {
    let start = reader.tokens.get(token).map_or(reader.text.len(), |token| token.start as usize);
    let gap = if token == 0 { "" } else { reader.gap_after(token - 1) };
    start - (gap.len() - gap.trim_end_matches(['"', '“', '‘', '(', '（', '「', '『', '《', '\'']).len())
}

/// Removes lines between and behind the paragraphs that only repeat the headline, perhaps cut short, perhaps with the
/// caption of a picture.
fn remove_repetitions(reader: Reader<'_>, headline: &[u64], lines: &mut Vec<Line>, taken: &mut Vec<(usize, usize)>) {
    let lead = lines.iter().find(|line| is_prose(reader, line)).map(|line| terms(reader, line)).unwrap_or_default();
    let mut left = lines.len();
    lines.retain(|line| {
        let count = line.tokens.len();
        let same = common(reader, line, headline);
        let repeats_headline = same >= 3.min(headline.len())
            && same >= 2
            && count - same <= 3
            && (same == count || same >= 4)
            && caption_words(reader, line, same);
        // A caption that repeats the lead stops where the lead goes on.
        let repeats_lead =
            count >= 5 && count < lead.len() && common(reader, line, &lead) == count && !is_prose(reader, line);
        let repeated = (repeats_headline || repeats_lead) && left > 1;
        if repeated {
            taken.push((line.start, line.end));
            left -= 1;
        }
        !repeated
    });
}

/// Whether what follows the first `from` tokens of a line is a picture's number and name.
fn caption_words(reader: Reader<'_>, line: &Line, from: usize) -> bool {
    (line.tokens.start + from..line.tokens.end).all(|at| {
        reader.tokens.get(at).is_some_and(|token| token.kind == TokenKind::Number)
            || ["picture", "photo", "photos", "image", "pictures", "caption"]
                .iter()
                .any(|word| reader.word(at).eq_ignore_ascii_case(word))
    })
}

/// Headline lines that stand as paragraphs of their own at the start.
fn stacked(reader: Reader<'_>, lines: &mut Vec<Line>, taken: &mut Vec<(usize, usize)>) -> Headline {
    split_original_title(reader, lines, taken);
    let mut count = lines.iter().take_while(|line| looks_like_headline(reader, line)).count();
    // A first line that comes again is a headline in spite of its final stop.
    if let Some((first, others)) = lines.split_first()
        && count == 0
        && comes_again(reader, first, others)
    {
        count = 1;
    }
    count = count.min(lines.len().saturating_sub(1));
    if count > MAX_STACKED {
        count = 1;
    }
    let mut found: Vec<Line> = lines.drain(..count).collect();
    // Scraped pages often give the headline twice, the second time perhaps cut or with the site's name.
    let mut kept: Vec<Line> = Vec::new();
    for mut line in found.drain(..) {
        if let Some(start) = source_suffix(reader, &line) {
            cut_at(reader, &mut line, start, taken);
        }
        collapse_repetition(reader, &mut line, taken);
        let repeated = kept.iter().any(|earlier| {
            let same = common(reader, &line, &terms(reader, earlier));
            same == line.tokens.len() || (same >= 4 && same == earlier.tokens.len() && line.tokens.len() <= same + 4)
        });
        if repeated || line.tokens.is_empty() {
            taken.push((line.start, line.end));
        } else {
            kept.push(line);
        }
    }
    let score = |line: &Line| {
        let event = line.tokens.clone().any(|at| EVENT.at(reader.tokens(at..line.tokens.end)).is_some());
        usize::from(event) * 2 + usize::from(reader.words(line.tokens.clone()) >= 4)
    };
    let best = kept.iter().map(score).max().unwrap_or(0);
    let main = kept.iter().position(|line| score(line) == best).unwrap_or(0);
    Headline { lines: kept, main }
}

/// Whether one of the next lines is the same.
fn comes_again(reader: Reader<'_>, line: &Line, others: &[Line]) -> bool {
    let terms = terms(reader, line);
    (3..=MAX_WORDS).contains(&terms.len())
        && others
            .iter()
            .take(6)
            .any(|other| other.tokens.len() == terms.len() && common(reader, other, &terms) == terms.len())
}

/// Parts `headline Original title: headline` at the label, which is furniture.
fn split_original_title(reader: Reader<'_>, lines: &mut Vec<Line>, taken: &mut Vec<(usize, usize)>) {
    let Some(line) = lines.first_mut() else { return };
    let label = (line.tokens.start + 1..line.tokens.end.saturating_sub(2)).take(MAX_WORDS).find(|&at| {
        reader.word(at).eq_ignore_ascii_case("original")
            && reader.word(at + 1).eq_ignore_ascii_case("title")
            && reader.gap_after(at + 1).starts_with([':', '：'])
    });
    let Some(label) = label else { return };
    let mut rest = line.clone();
    let start = reader.tokens.get(label).map_or(line.end, |token| token.start as usize);
    cut_at(reader, line, start, taken);
    let open_end = |c: char| matches!(c, ',' | ';' | '，' | '；') || c.is_whitespace();
    line.end = line.start + reader.line_text(line).trim_end_matches(open_end).len();
    rest.tokens.start = label + 2;
    rest.start = opening(reader, label + 2);
    if let Some(last) = taken.last_mut() {
        last.1 = start + reader.slice(start, rest.start).trim_end().len();
    }
    lines.insert(1, rest);
}

/// A short line without a final stop; an exclamation or a question may end a headline.
fn looks_like_headline(reader: Reader<'_>, line: &Line) -> bool {
    let text = reader.line_text(line);
    let words = reader.words(line.tokens.clone());
    let final_stop =
        ends_with_stop(text) && !text.trim_end_matches(['"', '”', '\'', '’']).ends_with(['!', '?', '！', '？', '…']);
    let ends_open = text.ends_with([',', ';', '，', '；', '、', ':', '：']);
    words <= MAX_WORDS && !final_stop && !ends_open && !(words > 25 && has_inner_stop(reader, line))
}

/// Whether a sentence ends inside the line: a stop, white space and a capital.
fn has_inner_stop(reader: Reader<'_>, line: &Line) -> bool {
    (line.tokens.start + 1..line.tokens.end).any(|at| {
        let gap = reader.gap_after(at - 1);
        gap.starts_with(['.', '。'])
            && reader.word(at).starts_with(|c: char| !c.is_lowercase())
            && reader.word(at - 1).len() > 3
    })
}

/// Leaves the first of two or three equal copies in a line; the others are furniture. Says whether there were any.
fn collapse_repetition(reader: Reader<'_>, line: &mut Line, taken: &mut Vec<(usize, usize)>) -> bool {
    let tokens = reader.tokens(line.tokens.clone());
    let Some(period) = period(tokens) else { return false };
    if tokens.len() > 3 * period + 3 {
        return false;
    }
    let start = opening(reader, line.tokens.start + period);
    cut_at(reader, line, start, taken);
    true
}

/// The length after which the tokens begin again: at least three, at most sixty.
fn period(tokens: &[Token]) -> Option<usize> {
    (3..=MAX_WORDS.min(tokens.len() / 2)).find(|&period| {
        tokens.iter().take(period).zip(tokens.iter().skip(period)).all(|(first, again)| first.term == again.term)
    })
}

/// A headline in one line with the lead: said twice, or parted from it only by the way a lead begins.
fn fused(reader: Reader<'_>, lines: &mut Vec<Line>, taken: &mut Vec<(usize, usize)>) -> Headline {
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
        if gap.contains(['.', '。', '!', '?', '；', ';']) {
            break;
        }
        let length = at - line.tokens.start;
        if length < 4 || !gap.trim().is_empty() || !gap.contains(char::is_whitespace) {
            continue;
        }
        let rest = reader.tokens(at..line.tokens.end);
        let capital = reader.word(at).starts_with(char::is_uppercase);
        let title_case = || {
            is_title_case(reader, line.tokens.start..at)
                && GRAMMATICAL.at(rest).is_some()
                && is_lower(reader.word(at + 1))
        };
        let opener = title_case()
            || LEAD_OPENERS
                .at(rest)
                .is_some_and(|(length, needs_date)| !needs_date || DAYS.at(&rest[length..]).is_some());
        let dateline = dateline_length(reader, at, line.tokens.end).filter(|length| {
            (at..at + length).any(|at| reader.tokens.get(at).is_some_and(|token| token.kind == TokenKind::Number))
        });
        // The place of a dateline is the last name before the date; the names before it belong to the headline.
        let later = dateline.is_some() && at + 1 < end && is_name_before_date(reader, at, line.tokens.end);
        if capital && (opener || dateline.is_some()) && !later && !starts_clause(reader, line) {
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
