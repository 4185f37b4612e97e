//! Text for people to read: escaped, marked, and wrapped to a width.

use std::{
    env,
    fmt::Write as _,
    io::{self, IsTerminal as _},
};

use unicode_width::UnicodeWidthChar as _;

/// Columns where the output is not a terminal.
const PLAIN_WIDTH: usize = 80;

/// Marks on a character, a set of bits.
pub(super) type Marks = u8;
/// Shown bold.
pub(super) const BOLD: Marks = 1;
/// Shown underlined.
pub(super) const UNDERLINED: Marks = 2;

/// What the place that is written to can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Screen {
    /// Columns.
    pub(super) width: usize,
    /// Whether marks are shown by ANSI sequences; by brackets otherwise.
    pub(super) ansi: bool,
}

impl Screen {
    /// For a file or pipe.
    pub(super) const PLAIN: Screen = Screen { width: PLAIN_WIDTH, ansi: false };

    /// For standard output. Colours are off if `NO_COLOR` is set (no-color.org) or the terminal is `dumb`.
    pub(super) fn stdout() -> Self {
        let stdout = io::stdout();
        if !stdout.is_terminal() {
            return Self::PLAIN;
        }
        let columns = terminal_size::terminal_size_of(stdout).map_or(PLAIN_WIDTH, |(width, _)| usize::from(width.0));
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self { width: columns.clamp(20, 120), ansi: !refused && !dumb }
    }
}

/// Whether a character can change what a terminal shows elsewhere: control characters, and the marks that reorder or
/// hide text (bidirectional controls, line separators, zero-width characters that join nothing, tags).
pub(super) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// One line of foreign text, safe to write to a terminal.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Characters with their marks, to be wrapped.
#[derive(Debug, Default)]
pub(super) struct Paragraph(Vec<(char, Marks)>);

impl Paragraph {
    /// Adds foreign text, escaped; tabs become spaces.
    pub(super) fn push(&mut self, text: &str, marks: Marks) {
        for c in text.chars() {
            if c == '\t' {
                self.0.push((' ', marks));
            } else if is_unsafe(c) {
                self.0.extend(c.escape_unicode().map(|c| (c, marks)));
            } else {
                self.0.push((c, marks));
            }
        }
    }

    /// Whether there is nothing but white space.
    pub(super) fn is_blank(&self) -> bool {
        self.0.iter().all(|(c, _)| c.is_whitespace())
    }

    /// Marked words with nothing but spaces between become one marked piece.
    fn join_marks(&mut self) {
        let mut last: Option<(usize, Marks)> = None;
        for index in 0..self.0.len() {
            let Some(&(c, marks)) = self.0.get(index) else { break };
            if c == ' ' && marks == 0 {
                continue;
            }
            if let Some((before, earlier)) = last
                && marks & earlier != 0
            {
                for (_, gap) in self.0.get_mut(before + 1..index).unwrap_or_default() {
                    *gap = marks & earlier;
                }
            }
            last = Some((index, marks));
        }
    }

    /// Puts brackets around marked pieces, for places that cannot show marks.
    fn bracket(&mut self) {
        let mut bracketed = Vec::with_capacity(self.0.len());
        let mut inside = false;
        for &(c, marks) in &self.0 {
            if (marks != 0) != inside {
                bracketed.push((if inside { ']' } else { '[' }, 0));
                inside = !inside;
            }
            bracketed.push((c, 0));
        }
        if inside {
            bracketed.push((']', 0));
        }
        self.0 = bracketed;
    }

    /// Writes the paragraph in lines that fit the screen: the first begins with `first`, the others with as many
    /// spaces. Lines break at spaces and beside characters two columns wide, and inside a word that is longer than a
    /// line.
    pub(super) fn write(mut self, out: &mut String, first: &str, screen: Screen) {
        self.join_marks();
        if !screen.ansi {
            self.bracket();
        }
        let indent = columns(first);
        let width = screen.width.saturating_sub(indent).max(10);
        out.push_str(first);
        let mut line = Vec::new();
        let (mut used, mut break_at) = (0, 0);
        let mut written = 0;
        let mut flush = |line: &[(char, Marks)]| {
            if written > 0 {
                let _ = write!(out, "{:indent$}", "");
            }
            written += 1;
            write_line(out, line);
        };
        for (c, marks) in self.0 {
            let columns = c.width().unwrap_or(0);
            if columns > 1 {
                break_at = line.len();
            }
            if used + columns > width && !line.is_empty() {
                if c == ' ' {
                    break_at = line.len();
                }
                let rest = line.split_off(if break_at == 0 { line.len() } else { break_at });
                flush(&line);
                line = rest;
                used = line.iter().map(|(c, _): &(char, Marks)| c.width().unwrap_or(0)).sum();
                break_at = 0;
            }
            if c == ' ' && line.is_empty() {
                continue;
            }
            line.push((c, marks));
            used += columns;
            if c == ' ' || columns > 1 {
                break_at = line.len();
            }
        }
        flush(&line);
    }
}

/// Columns that a string takes on a terminal.
pub(super) fn columns(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

fn write_line(out: &mut String, line: &[(char, Marks)]) {
    let end = line.iter().rposition(|(c, _)| *c != ' ').map_or(0, |last| last + 1);
    let mut current = 0;
    for &(c, marks) in line.get(..end).unwrap_or_default() {
        if marks != current {
            out.push_str(match marks {
                0 => "\u{1b}[0m",
                BOLD => "\u{1b}[0;1m",
                UNDERLINED => "\u{1b}[0;4m",
                _ => "\u{1b}[0;1;4m",
            });
            current = marks;
        }
        out.push(c);
    }
    if current != 0 {
        out.push_str("\u{1b}[0m");
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[(&str, Marks)], first: &str, screen: Screen, expect: &str) {
        let mut paragraph = Paragraph::default();
        for (text, marks) in pieces {
            paragraph.push(text, *marks);
        }
        let mut out = String::new();
        paragraph.write(&mut out, first, screen);
        assert_eq!(out, expect);
    }

    #[test]
    fn lines_are_wrapped_marked_and_safe() {
        let plain = Screen { width: 14, ansi: false };
        let ansi = Screen { width: 14, ansi: true };
        check(&[], "", plain, "\n");
        check(&[("one two three four", 0)], "", plain, "one two three\nfour\n");
        check(&[("one two three four", 0)], "- ", plain, "- one two\n  three four\n");
        check(&[("unbreakableunbreakable", 0)], "", plain, "unbreakableunb\nreakable\n");
        check(&[("全会精神传达学习会议", 0)], "", plain, "全会精神传达学\n习会议\n");
        check(&[("a ", 0), ("b", BOLD), (" ", 0), ("c", BOLD), (" d", 0)], "", plain, "a [b c] d\n");
        check(&[("a", BOLD), ("b", UNDERLINED | BOLD)], "", ansi, "\u{1b}[0;1ma\u{1b}[0;1;4mb\u{1b}[0m\n");
        check(&[("x\u{1b}[2J\u{9b}\ty", 0)], "", Screen::PLAIN, "x\\u{1b}[2J\\u{9b} y\n");
        check(&[("\u{202e}x", 0)], "", Screen::PLAIN, "\\u{202e}x\n");
    }

    #[test]
    fn marks_go_on_over_a_line_break() {
        let ansi = Screen { width: 10, ansi: true };
        check(&[("aaaa bbbb cccc", BOLD)], "", ansi, "\u{1b}[0;1maaaa bbbb\u{1b}[0m\n\u{1b}[0;1mcccc\u{1b}[0m\n");
    }
}
