//! How sentences become running text: line breaks collapsed, nothing between Chinese characters.

/// The text of a piece of an article as it stands in a summary: each run of white space with a line break in it becomes
/// one space, or nothing where both sides are Chinese. All other white space stays.
pub(super) fn rendered(piece: &str) -> Rendered<'_> {
    Rendered { piece, at: 0, plain_until: 0 }
}

/// Puts a piece, as it stands in a summary, behind a text.
pub(super) fn push_rendered(text: &mut String, piece: &str) {
    if piece.contains(is_line_break) {
        text.extend(rendered(piece).map(|(c, _)| c));
    } else {
        text.push_str(piece);
    }
}

/// What stands between two sentences of a summary.
pub(super) fn separator(before: &str, after: &str) -> &'static str {
    if ends_wide(before) && starts_wide(after) { "" } else { " " }
}

/// Characters of a rendered piece, each with the byte of the piece where it ends.
#[derive(Clone, Debug)]
pub(super) struct Rendered<'a> {
    piece: &'a str,
    at: usize,
    /// White space up to here has been looked at and has no line break.
    plain_until: usize,
}

impl Iterator for Rendered<'_> {
    type Item = (char, usize);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.piece.get(self.at..)?;
            let c = rest.chars().next()?;
            if c.is_whitespace() && self.at >= self.plain_until {
                let run = rest.len() - rest.trim_start().len();
                let end = self.at + run;
                if rest[..run].contains(is_line_break) {
                    let gap = separator(&self.piece[..self.at], &self.piece[end..]);
                    self.at = end;
                    match gap.chars().next() {
                        Some(space) => return Some((space, end)),
                        None => continue,
                    }
                }
                self.plain_until = end;
            }
            self.at += c.len_utf8();
            return Some((c, self.at));
        }
    }
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Quotation marks, dashes and ellipses belong to both scripts: the character inside them decides.
fn is_neutral(c: char) -> bool {
    matches!(c, '“' | '”' | '‘' | '’' | '…' | '—' | '·')
}

fn starts_wide(text: &str) -> bool {
    text.chars().find(|&c| !is_neutral(c)).is_some_and(is_wide)
}

fn ends_wide(text: &str) -> bool {
    text.chars().rev().find(|&c| !is_neutral(c)).is_some_and(is_wide)
}

/// Whether Chinese (or Japanese) typesetting puts no space beside the character: Han, kana and full-width punctuation.
fn is_wide(c: char) -> bool {
    matches!(u32::from(c),
        0x2E80..=0x2FDF | 0x3000..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0xFF00..=0xFFEF
        | 0x2_0000..=0x3_FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(piece: &str, expect: &str) {
        assert_eq!(rendered(piece).map(|(c, _)| c).collect::<String>(), expect, "{piece:?}");
        let mut text = "“".to_owned();
        push_rendered(&mut text, piece);
        assert_eq!(text, format!("“{expect}"), "{piece:?}");
    }

    #[test]
    fn line_breaks_collapse_and_other_white_space_stays() {
        check("", "");
        check("one  two\tthree", "one  two\tthree");
        check("one \r\n\t two", "one two");
        check("one\u{2028}two\u{85}three", "one two three");
        check("会议\n强调", "会议强调");
        check("会议， \n 强调", "会议，强调");
        check("会议\nMeeting", "会议 Meeting");
        check("“会议。”\n“强调", "“会议。”“强调");
        check("“Done.”\n“Next", "“Done.” “Next");
    }

    #[test]
    fn ends_point_behind_what_was_rendered() {
        let ends: Vec<_> = rendered("a \n b 会\n议").map(|(_, end)| end).collect();
        assert_eq!(ends, [1, 4, 5, 6, 9, 13]);
    }
}
