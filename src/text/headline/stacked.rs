//! Headlines that stand as lines of their own, perhaps several.

use std::sync::LazyLock;

use super::{
    Headline, MAX_WORDS, common, opening,
    repetition::{collapse_repetition, comes_again},
    terms,
};
use crate::text::{
    furniture::{cut_at, source_suffix},
    lines::{Line, Reader, ends_with_stop},
    phrases::Phrases,
};

/// More short lines than this at the start are a list, not a stacked headline.
const MAX_STACKED: usize = 4;

/// Words that tell the main headline from a slogan above it: what happened, and in which form.
static EVENT: LazyLock<Phrases<()>> = LazyLock::new(|| {
    Phrases::new(&[(
        (),
        "meeting|meetings|meet|meets|conference|session|symposium|forum|congress|plenary|plenum|seminar|hold|holds|held|\
         convene|convenes|convened|conveys|convey|relays|studies|presides|presided|presides over|opens|launches|inspects|\
         visits|held a|会议|大会|全会|座谈会|召开|举行|传达|学习会|调研",
    )])
});

/// Headline lines that stand as paragraphs of their own at the start.
pub(super) fn stacked(reader: Reader<'_>, lines: &mut Vec<Line>, taken: &mut Vec<(usize, usize)>) -> Headline {
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
    !final_stop && !ends_open && words <= MAX_WORDS && (words <= 25 || !has_inner_stop(reader, line))
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
