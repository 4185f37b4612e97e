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
pub(super) use dates::dateline_length;

use back::{cut_back, suffix_start};
use front::{cut_front, prefix_length};
use whole::{Place, opens_tail, whole_line};

use super::lines::{Line, Reader, ends_with_stop};

/// Takes the furniture out of `lines`, which keep what is content; returns the byte ranges taken, in no order.
pub(super) fn remove(reader: Reader<'_>, lines: &mut Vec<Line>) -> Vec<(usize, usize)> {
    let mut taken = Vec::new();
    let first_prose = lines.iter().position(|line| is_prose(reader, line));
    let last_prose = lines.iter().rposition(|line| is_prose(reader, line));
    let mut tail = false;
    let mut index = 0;
    let mut content_seen = false;
    lines.retain_mut(|line| {
        let place = match (first_prose, last_prose) {
            (Some(first), Some(last)) => {
                if index == 0 {
                    Place::First
                } else if index < first {
                    Place::Front
                } else if index > last {
                    Place::Back
                } else {
                    Place::Middle
                }
            }
            _ if index == 0 => Place::First,
            _ => Place::Front,
        };
        index += 1;
        if tail && place == Place::Back {
            taken.push((line.start, line.end));
            return false;
        }
        let whole = whole_line(reader, line, place);
        if let Some(opens_tail) = whole {
            tail |= opens_tail && content_seen;
            taken.push((line.start, line.end));
            return false;
        }
        let front = matches!(place, Place::First | Place::Front) || first_prose == Some(index - 1);
        let before = taken.len();
        let tail_cut = trim_ends(reader, line, front, &mut taken);
        let cut = taken.len() > before;
        tail |= tail_cut;
        // What is left of a line of furniture that a cut made recognisable.
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
