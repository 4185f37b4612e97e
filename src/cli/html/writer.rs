//! HTML in the making. Markup is written as constants of this program; whatever is not one is escaped, and the types
//! leave no other way.

use std::fmt::{self, Display, Write};

use crate::cli::terminal::is_unsafe;

/// An attribute: its name and its value, which is escaped.
pub(super) type Attribute<'a> = (&'static str, &'a dyn Display);

/// A document or a piece of one.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Adds markup.
    pub(super) fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds text, escaped.
    pub(super) fn text(&mut self, text: impl Display) -> &mut Self {
        // Writing to a string cannot fail, and what is shown here has no errors of its own.
        let _ = write!(Escaped(&mut self.0), "{text}");
        self
    }

    /// Adds a start tag.
    pub(super) fn open(&mut self, name: &'static str, attributes: &[Attribute<'_>]) -> &mut Self {
        self.markup("<").markup(name);
        for (name, value) in attributes {
            self.markup(" ").markup(name).markup("=\"").text(value).markup("\"");
        }
        self.markup(">")
    }

    /// Adds an end tag.
    pub(super) fn close(&mut self, name: &'static str) -> &mut Self {
        self.markup("</").markup(name).markup(">")
    }

    /// Adds an element that holds text.
    pub(super) fn element(
        &mut self,
        name: &'static str,
        attributes: &[Attribute<'_>],
        text: impl Display,
    ) -> &mut Self {
        self.open(name, attributes).text(text).close(name)
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Puts everything that markup could begin with, in text or in an attribute, into a character reference; and shows
/// characters that hide or reorder others as their number.
struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\r' | '\t' => self.0.push(c),
                c if is_unsafe(c) => self.0.extend(c.escape_unicode()),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let mut html = Html::default();
        html.element("p", &[("title", &text)], text);
        assert_eq!(html.finish(), format!("<p title=\"{expect}\">{expect}</p>"));
    }

    #[test]
    fn what_is_not_markup_is_escaped() {
        check("plain 会议\n\tx", "plain 会议\n\tx");
        check("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;");
        check("\" onload='x' &lt;", "&quot; onload=&#39;x&#39; &amp;lt;");
        check("a\u{0}b\u{1b}c\u{202e}d\u{feff}", "a\\u{0}b\\u{1b}c\\u{202e}d\\u{feff}");
    }
}
