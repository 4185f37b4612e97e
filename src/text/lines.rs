//! Lines and paragraphs of a text, each with its tokens.

use std::ops::Range;

use super::{Token, TokenKind};

/// A paragraph, or a line that stands for one.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// First byte of what is left of it; furniture at its ends moves this.
    pub(super) start: usize,
    /// First byte after it.
    pub(super) end: usize,
    /// The tokens inside.
    pub(super) tokens: Range<usize>,
}

/// The text with its tokens: what the rules look at.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a [Token],
}

impl<'a> Reader<'a> {
    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        #[cfg(test)]
        work::count(end.saturating_sub(start) + 1);
        self.text.get(start..end).unwrap_or_default()
    }

    pub(super) fn tokens(&self, range: Range<usize>) -> &'a [Token] {
        #[cfg(test)]
        work::count(1);
        self.tokens.get(range).unwrap_or_default()
    }

    pub(super) fn word(&self, token: usize) -> &'a str {
        self.tokens.get(token).map_or("", |token| self.slice(token.start as usize, token.end as usize))
    }

    /// First byte of a token; the length of the text if there is no such token.
    pub(super) fn start(&self, token: usize) -> usize {
        self.tokens.get(token).map_or(self.text.len(), |token| token.start as usize)
    }

    /// First byte after a token; the length of the text if there is no such token.
    pub(super) fn end(&self, token: usize) -> usize {
        self.tokens.get(token).map_or(self.text.len(), |token| token.end as usize)
    }

    pub(super) fn is_number(&self, token: usize) -> bool {
        self.tokens.get(token).is_some_and(|token| token.kind == TokenKind::Number)
    }

    /// What stands between a token and the next one, at most up to the end of the text.
    pub(super) fn gap_after(&self, token: usize) -> &'a str {
        self.slice(self.end(token), self.start(token + 1))
    }

    /// Whether one space and nothing else stands between a token and the next one: so it is nearly always, and then
    /// no rule about punctuation need be asked.
    #[inline]
    pub(super) fn only_space_after(&self, token: usize) -> bool {
        let Some([before, after]) = self.tokens.get(token..).and_then(|rest| rest.first_chunk()) else { return false };
        before.end + 1 == after.start && self.text.as_bytes().get(before.end as usize) == Some(&b' ')
    }

    /// Length of a range of tokens in words; two Han characters count as one word.
    pub(super) fn words(&self, range: Range<usize>) -> usize {
        #[cfg(test)]
        work::count(range.len());
        let tokens = self.tokens(range);
        let han = tokens.iter().filter(|token| token.kind == TokenKind::Han).count();
        tokens.len() - han + han.div_ceil(2)
    }

    pub(super) fn line_text(&self, line: &Line) -> &'a str {
        self.slice(line.start, line.end)
    }

    /// The line `start..end` without white space at its ends; `None` if nothing is left.
    fn line(&self, start: usize, end: usize, from: &mut usize) -> Option<Line> {
        let piece = self.slice(start, end);
        let start = start + (piece.len() - piece.trim_start().len());
        let end = start + piece.trim().len();
        if start >= end {
            return None;
        }
        let first = *from;
        while self.tokens.get(*from).is_some_and(|token| (token.end as usize) <= end) {
            *from += 1;
        }
        Some(Line { start, end, tokens: first..*from })
    }
}

/// Whether a string ends like a sentence; closing quotes and brackets do not hide the stop.
pub(super) fn ends_with_stop(text: &str) -> bool {
    text.trim_end_matches(|c: char| {
        c.is_whitespace() || matches!(c, '"' | '\'' | '”' | '’' | ')' | '）' | '」' | '』' | ']')
    })
    .ends_with(['.', '!', '?', '。', '！', '？', '；', '…'])
}

/// The lines of a text that hold anything, wrapped ones put together.
pub(super) fn lines(reader: Reader<'_>) -> Vec<Line> {
    let text = reader.text;
    let mut lines: Vec<Line> = Vec::new();
    let mut blank_before = Vec::new();
    let (mut start, mut from, mut blank) = (0, 0, true);
    for (end, next) in breaks(text).chain([(text.len(), text.len())]) {
        match reader.line(start, end, &mut from) {
            Some(line) => {
                lines.push(line);
                blank_before.push(blank);
                blank = false;
            }
            // The empty piece between `\r` and `\n` is not a blank line.
            None => blank |= start != end || text.as_bytes().get(end.wrapping_sub(1)..=end) != Some(b"\r\n"),
        }
        start = next;
    }
    if is_wrapped(reader, &lines, &blank_before) { unwrap_lines(lines, &blank_before) } else { lines }
}

/// Where lines break, and where the next one begins.
fn breaks(text: &str) -> impl Iterator<Item = (usize, usize)> {
    /// Bytes looked at together: the compiler tests them all at once.
    const BLOCK: usize = 32;
    let may_break = |byte: &u8| matches!(byte, b'\n'..=b'\r' | 0xc2 | 0xe2);
    let blocks = text.as_bytes().chunks(BLOCK).enumerate();
    let blocks = blocks.filter(move |(_, block)| block.iter().fold(false, |any, byte| any | may_break(byte)));
    let candidates = blocks.flat_map(|(number, block)| (number * BLOCK..).zip(block));
    candidates.filter(move |(_, byte)| may_break(byte)).filter_map(|(at, _)| {
        let first = text.get(at..)?.chars().next()?;
        matches!(first, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}').then(|| (at, at + first.len_utf8()))
    })
}

/// Whether lines are broken for width: of the lines that follow another without a blank one between, a third go on in
/// lower case after a long line without a final stop.
fn is_wrapped(reader: Reader<'_>, lines: &[Line], blank_before: &[bool]) -> bool {
    let followers =
        lines.iter().zip(lines.iter().skip(1)).zip(blank_before.iter().skip(1)).filter(|(_, blank)| !**blank);
    let (mut pairs, mut going_on) = (0, 0);
    for ((line, next), _) in followers {
        pairs += 1;
        let text = reader.line_text(line);
        let continues = reader.line_text(next).starts_with(char::is_lowercase);
        going_on += usize::from(continues && text.len() >= 40 && !ends_with_stop(text));
    }
    going_on >= 2 && going_on * 3 >= pairs
}

/// Joins lines that no blank line parts, except after a line much shorter than its block is wide.
fn unwrap_lines(lines: Vec<Line>, blank_before: &[bool]) -> Vec<Line> {
    let width = lines.iter().map(|line| line.end - line.start).max().unwrap_or(0).min(120);
    let mut joined: Vec<Line> = Vec::new();
    let mut last_width = 0;
    for (line, blank) in lines.into_iter().zip(blank_before) {
        let this_width = line.end - line.start;
        match joined.last_mut() {
            Some(last) if !blank && last_width * 3 >= width * 2 => {
                last.end = line.end;
                last.tokens.end = line.tokens.end;
            }
            Some(_) | None => joined.push(line),
        }
        last_width = this_width;
    }
    joined
}

/// How many bytes and tokens were handed to the rules on this thread: the measure of cost, free of clocks.
#[cfg(test)]
pub(super) mod work {
    use std::cell::Cell;

    thread_local! {
        static DONE: Cell<usize> = const { Cell::new(0) };
    }

    pub(in crate::text) fn count(done: usize) {
        DONE.set(DONE.get() + done);
    }

    pub(in crate::text) fn during(task: impl FnOnce()) -> usize {
        let before = DONE.get();
        task();
        DONE.get() - before
    }
}
