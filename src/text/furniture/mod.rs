//! Page furniture: what a web page puts around an article. The rules are cautious: what may be content is content.
//!
//! A line is furniture as a whole if it opens with a sure cue, or consists of dates, labels with their values, counters
//! and buttons, with at most a few words (a site's name) besides. A line of prose loses furniture at its two ends only.

mod back;
mod cues;
mod dates;
mod front;
mod scan;
mod whole;

pub(super) use back::{cut_at, source_suffix};
pub(super) use dates::{MONTHS, dateline_length};

use back::{cut_back, suffix_start};
use front::{cut_front, prefix_length};
use whole::{Place, opens_tail, whole_line};

use super::lines::{Line, Reader, ends_with_stop};

/// Takes the furniture out of `lines`, which keep what is content; returns the byte ranges taken, in no order.
pub(super) fn remove(reader: Reader<'_>, lines: &mut Vec<Line>) -> Vec<(usize, usize)> {
    let mut taken = Vec::new();
    let mut prose = lines.iter().enumerate().filter(|(_, line)| is_prose(reader, line));
    let first_prose =
        prose.find(|(index, line)| *index > 0 || !asks(reader, line)).map_or(lines.len(), |(first, _)| first);
    let last_prose = lines.iter().rposition(|line| is_prose(reader, line)).unwrap_or(lines.len());
    // From a cue such as `See also` on, all that follows the last line of prose is furniture.
    let mut tail = false;
    let mut content_seen = false;
    let mut index = 0;
    lines.retain_mut(|line| {
        let place = match index {
            0 => Place::First,
            _ if index < first_prose => Place::Front,
            _ if index > last_prose => Place::Back,
            _ => Place::Middle,
        };
        let front = index <= first_prose;
        index += 1;
        let whole = if tail && place == Place::Back { Some(true) } else { whole_line(reader, line, place) };
        if let Some(opens_tail) = whole {
            tail |= opens_tail && content_seen;
            taken.push((line.start, line.end));
            return false;
        }
        let before = taken.len();
        tail |= trim_ends(reader, line, front, &mut taken);
        // A cut may leave what can now be recognised as furniture.
        let cut = taken.len() > before;
        if cut && !line.tokens.is_empty() && whole_line(reader, line, place).is_some() {
            taken.push((line.start, line.end));
            return false;
        }
        content_seen |= !line.tokens.is_empty();
        !line.tokens.is_empty()
    });
    taken
}

/// Whether a line is surely part of an article's text: long, or a sentence with its stop.
pub(super) fn is_prose(reader: Reader<'_>, line: &Line) -> bool {
    let words = reader.words(line.tokens.clone());
    words > 40 || (words >= 8 && ends_with_stop(reader.line_text(line)) && opens_tail(reader, line).is_none())
}

/// Whether a line may be a headline in spite of its stop, which is a mark of question or exclamation.
fn asks(reader: Reader<'_>, line: &Line) -> bool {
    reader.words(line.tokens.clone()) <= 25 && reader.line_text(line).ends_with(['?', '!', '？', '！'])
}

/// Cuts furniture off both ends of a line of content. Says whether a tail cue was cut off its end.
fn trim_ends(reader: Reader<'_>, line: &mut Line, front: bool, taken: &mut Vec<(usize, usize)>) -> bool {
    // Each round takes at least one token, and a page has few labels in a row.
    for _ in 0..6 {
        let Some(length) = prefix_length(reader, line, front) else { break };
        cut_front(reader, line, length, taken);
    }
    let mut tail = false;
    for _ in 0..6 {
        let Some((start, opens_tail)) = suffix_start(reader, line) else { break };
        tail |= opens_tail;
        taken.push((start, line.end));
        cut_back(reader, line, start);
    }
    tail
}
