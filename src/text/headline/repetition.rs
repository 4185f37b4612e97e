//! Titles and headlines that a page repeats.

use super::{MAX_WORDS, common, opening, split_front, terms};
use crate::text::{
    Token,
    furniture::{cut_at, is_prose},
    lines::{Line, Reader, ends_with_stop},
};

/// Removes the title where the text repeats it: as lines of its own, or in front of the lead.
pub(super) fn remove_title(
    reader: Reader<'_>,
    title: &[Token],
    lines: &mut Vec<Line>,
    taken: &mut Vec<(usize, usize)>,
) {
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

/// Removes lines between and behind the paragraphs that only repeat the headline, perhaps cut short, perhaps with the
/// caption of a picture.
pub(super) fn remove_repetitions(
    reader: Reader<'_>,
    headline: &[u64],
    lines: &mut Vec<Line>,
    taken: &mut Vec<(usize, usize)>,
) {
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
        // Mirrors cut headlines in the middle of a word.
        let cut_short = same >= 5 && same + 1 == count && !ends_with_stop(reader.line_text(line));
        // A caption that repeats the lead stops where the lead goes on.
        let repeats_lead =
            count >= 5 && count < lead.len() && common(reader, line, &lead) == count && !is_prose(reader, line);
        let repeated = (repeats_headline || cut_short || repeats_lead) && left > 1;
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
        reader.is_number(at)
            || ["picture", "photo", "photos", "image", "pictures", "caption"]
                .iter()
                .any(|word| reader.word(at).eq_ignore_ascii_case(word))
    })
}

/// Whether one of the next lines is the same.
pub(super) fn comes_again(reader: Reader<'_>, line: &Line, others: &[Line]) -> bool {
    let terms = terms(reader, line);
    (3..=MAX_WORDS).contains(&terms.len())
        && others
            .iter()
            .take(6)
            .any(|other| other.tokens.len() == terms.len() && common(reader, other, &terms) == terms.len())
}

/// Leaves the first of two or three equal copies in a line; the others are furniture. Says whether there were any.
pub(super) fn collapse_repetition(reader: Reader<'_>, line: &mut Line, taken: &mut Vec<(usize, usize)>) -> bool {
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
pub(super) fn period(tokens: &[Token]) -> Option<usize> {
    (3..=MAX_WORDS.min(tokens.len() / 2)).find(|&period| {
        tokens.iter().take(period).zip(tokens.iter().skip(period)).all(|(first, again)| first.term == again.term)
    })
}
