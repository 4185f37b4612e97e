//! Zones: headline, lead and body, and in the first two the clause that names the conveyed meeting against the clause
//! of the holder's own. Confusing the two is what misleads a reader that only counts words.

mod cues;

use std::ops::Range;

use super::{Token, TokenKind, furniture::MONTHS, lines::Reader};
use cues::{AUXILIARIES, COMPOUND, CUES, Cue, FORM_NOUNS, HOLDING, LINKS, ON, PLACES, TARGETS};

/// The role of a token's place in the article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Zone {
    /// Headline, outside a clause that names a conveyed meeting.
    HeadlineOwn = 0,
    /// The clause of a headline that names the meeting being conveyed, studied, implemented.
    HeadlineConveyed = 1,
    /// Lead, outside a clause that names a conveyed meeting.
    LeadOwn = 2,
    /// The clause of the lead that names the meeting being conveyed, studied, implemented.
    LeadConveyed = 3,
    /// Everything after the lead.
    Body = 4,
}

impl Zone {
    /// All zones, in the order of their numbers.
    pub const ALL: [Zone; 5] =
        [Zone::HeadlineOwn, Zone::HeadlineConveyed, Zone::LeadOwn, Zone::LeadConveyed, Zone::Body];
}

/// The length of the verb of holding a meeting that the tokens begin with: `held`, `presided over`, `主持召开`.
#[must_use]
#[inline]
pub fn holding_verb(tokens: &[Token]) -> Option<usize> {
    HOLDING.at(tokens).map(|(length, ())| length)
}

/// At least this many words of the first sentences are the lead.
const LEAD_WORDS: usize = 40;

/// No word behind this one of a long lead counts as lead.
const MAX_LEAD_WORDS: usize = 80;

/// How many of `sentences` make up the lead, and the token behind its last one.
pub(super) fn lead(reader: Reader<'_>, sentences: impl Iterator<Item = Range<usize>>) -> (usize, usize) {
    let (mut count, mut words, mut end) = (0, 0, 0);
    for tokens in sentences {
        if words >= LEAD_WORDS {
            break;
        }
        let mut room = 2 * MAX_LEAD_WORDS.saturating_sub(words);
        end = tokens.start;
        for token in reader.tokens(tokens.clone()) {
            let width = if token.kind == TokenKind::Han { 1 } else { 2 };
            if room < width {
                break;
            }
            room -= width;
            end += 1;
        }
        words += reader.words(tokens);
        count += 1;
    }
    (count, end)
}

/// Says for each token of one headline line or lead sentence whether it stands in a conveyed clause, by calling
/// `mark` with every such range.
///
/// | seen | then |
/// | --- | --- |
/// | conveying verb | it is own; what follows is conveyed |
/// | the same, passive (`was conveyed`) | it is own; what follows is own |
/// | the same as part of a form's name (`study session`) | own |
/// | holding verb | own again, back to the last comma |
/// | the same as a participle of the conveyed meeting (`the session held in Beijing`) | still conveyed |
/// | another act of the meeting (`discussed`, `arranged`) | own again |
/// | `;`, or `:` not right behind the conveying verb | own again |
/// | 精神 behind a conveying verb | conveyed to here, own behind |
pub(super) fn conveyed(reader: Reader<'_>, tokens: Range<usize>, mut mark: impl FnMut(Range<usize>)) {
    // `... the session and`, `... the session was`: the last word belongs to the verb that follows.
    let links = |at: usize| LINKS.at(reader.tokens(at..at + 1)).is_some();
    let last = tokens.end;
    let mut mark = |marked: Range<usize>| {
        let trimmed = marked.clone().rev().find(|at| marked.end == last || !links(*at));
        if let Some(at) = trimmed {
            mark(marked.start..at + 1);
        }
    };
    let mut open: Option<usize> = None;
    // The token behind the last comma inside the open clause.
    let mut after_comma = None;
    let mut at = tokens.start;
    let end = tokens.end;
    while at < end {
        let plain = at == tokens.start || reader.only_space_after(at - 1);
        let before = if plain { "" } else { reader.gap_after(at - 1) };
        if before.contains([';', '；']) || (before.contains([':', '：']) && open != Some(at)) {
            close(&mut open, at, &mut mark);
        }
        if before.contains([',', '，']) {
            after_comma = Some(at);
            // `To implement the spirit of the conference, on June 3 the bureau ...`
            let date = open.is_some() && ON.at(reader.tokens(at..end)).is_some();
            if date && MONTHS.at(reader.tokens(at + 1..end)).is_some() {
                close(&mut open, at, &mut mark);
            }
        }
        let Some((length, cue)) = CUES.at(reader.tokens(at..end)) else {
            at += 1;
            continue;
        };
        let next = at + length;
        match cue {
            Cue::Form => {}
            Cue::Convey if open.is_none() && ends_form(reader, at, tokens.start) => {}
            Cue::Convey if open.is_none() && compound_end(reader, next, end).is_some() => {
                at = compound_end(reader, next, end).unwrap_or(next);
                continue;
            }
            Cue::Convey if is_noun(reader, at, next) => close(&mut open, at, &mut mark),
            Cue::Convey => {
                let inside =
                    reader.word(at).eq_ignore_ascii_case("spirit") || reader.word(at).eq_ignore_ascii_case("message");
                let relayed =
                    open.is_some() && reader.word(at).ends_with("ed") && TARGETS.at(reader.tokens(next..end)).is_some();
                let passive = at > tokens.start && (relayed || is_passive(reader, at));
                if !(inside && open.is_some()) {
                    // `conveyed and studied`: the word between two such verbs is as own as they are.
                    if open.is_some_and(|start| at - start <= 1) {
                        open = None;
                    }
                    close(&mut open, at, &mut mark);
                    open = (!passive).then_some(next);
                    after_comma = None;
                }
            }
            Cue::SpiritAfter => close(&mut open, next, &mut mark),
            Cue::Hold if open.is_some() && describes_conveyed(reader, at, next, end) => {}
            Cue::Hold => {
                let auxiliary = |at: usize| at > tokens.start && AUXILIARIES.at(reader.tokens(at - 1..at)).is_some();
                let verb = if auxiliary(at) { at - 1 } else { at };
                let from = after_comma.filter(|comma| open.is_some_and(|start| *comma >= start)).unwrap_or(verb);
                close(&mut open, from, &mut mark);
            }
            Cue::Act => {
                // After a comma with a subject of its own (`..., Li Jun stressed`) the subject is own, too.
                let from = after_comma
                    .filter(|comma| open.is_some_and(|start| *comma >= start) && at - comma <= 8)
                    .unwrap_or(at);
                close(&mut open, from, &mut mark);
            }
        }
        at = next;
    }
    close(&mut open, end, &mut mark);
}

/// Whether the conveying word before `next` is a noun, or has no object that could be a meeting: `the study`, `upon
/// study by the committee`, `study, topic is`, `learn it`.
fn is_noun(reader: Reader<'_>, at: usize, next: usize) -> bool {
    let follows = |words: &[&str]| words.iter().any(|word| reader.word(next).eq_ignore_ascii_case(word));
    let before = at.checked_sub(1).map_or("", |before| reader.word(before));
    let article = ["the", "this", "a", "its"].iter().any(|word| before.eq_ignore_ascii_case(word));
    let study = ["study", "learning"].iter().any(|word| reader.word(at).eq_ignore_ascii_case(word));
    follows(&["it", "by", "content"]) || study && (article && !follows(&["of"]) || reader.gap_after(next - 1) == ",")
}

fn close(open: &mut Option<usize>, end: usize, mark: &mut impl FnMut(Range<usize>)) {
    if let Some(start) = open.take()
        && start < end
    {
        mark(start..end);
    }
}

/// Whether the word at `at` ends the name of a form: `center group study`, `collective learning`.
fn ends_form(reader: Reader<'_>, at: usize, start: usize) -> bool {
    let noun = ["study", "learning"].iter().any(|noun| reader.word(at).eq_ignore_ascii_case(noun));
    let before = if at > start { reader.word(at - 1) } else { "" };
    noun && ["group", "collective", "special", "thematic", "concentrated"]
        .iter()
        .any(|word| before.eq_ignore_ascii_case(word))
}

/// The token behind a form noun that makes one name with the conveying verb before `from`.
fn compound_end(reader: Reader<'_>, from: usize, end: usize) -> Option<usize> {
    for at in from..end.min(from + 5) {
        if reader.gap_after(at - 1).contains([',', '，', '.', ':', ';']) {
            return None;
        }
        let rest = reader.tokens(at..end);
        if FORM_NOUNS.at(rest).is_some() {
            // `study meeting spirit`, `implement the session's decisions`: the noun only modifies.
            let modifies =
                reader.word(at + 1).eq_ignore_ascii_case("spirit") || reader.gap_after(at).contains(['\'', '\u{2019}']);
            return (!modifies && !reader.word(at).eq_ignore_ascii_case("plenary")).then_some(at + 1);
        }
        COMPOUND.at(rest)?;
    }
    None
}

/// Whether the conveying verb at `at` is passive: `was conveyed`, `were studied and`.
fn is_passive(reader: Reader<'_>, at: usize) -> bool {
    let participle = reader.word(at).ends_with("ed") || reader.word(at).ends_with("learnt");
    let back = |steps: usize| at.checked_sub(steps).map_or("", |at| reader.word(at));
    let auxiliary = |word: &str| ["was", "were", "is", "are", "been", "being", "be"].contains(&word);
    participle && (auxiliary(back(1)) || auxiliary(back(2)) || (back(1) == "and" && auxiliary(back(3))))
}

/// Whether `held` at `at` only says where or when the conveyed meeting was: `the session held in Beijing`,
/// `the congress, held on August 27,`, `which was held in the capital`.
fn describes_conveyed(reader: Reader<'_>, at: usize, next: usize, end: usize) -> bool {
    let participle = [
        "held",
        "convened",
        "organized",
        "organised",
        "presided",
        "chaired",
        "hosted",
        "attended",
        "opened",
        "launched",
    ]
    .iter()
    .any(|verb| reader.word(at).eq_ignore_ascii_case(verb));
    let Some(before) = at.checked_sub(1) else { return false };
    if !participle || next >= end || PLACES.at(reader.tokens(next..end)).is_none() {
        return false;
    }
    let relative = |word: &str| ["that", "which", "who", "just"].contains(&word);
    if AUXILIARIES.at(reader.tokens(before..end)).is_some() {
        return before.checked_sub(1).is_some_and(|word| relative(reader.word(word)));
    }
    relative(reader.word(before))
        || reader.gap_after(before).contains([',', '(', '（'])
        || FORM_NOUNS.at(reader.tokens(before..end)).is_some()
}
