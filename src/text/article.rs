//! What the caller sends, and positions in it.

/// One article as the caller sent it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Article<'a> {
    /// The headline, if the caller holds it apart from the text. A blank title counts as none.
    pub title: Option<&'a str>,
    /// The text as it was scraped.
    pub text: &'a str,
}

/// Which of the two strings of an [`Article`] a position points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// [`Article::title`].
    Title,
    /// [`Article::text`].
    Text,
}

/// A piece of an article: the half-open byte range `start..end` of one of its strings, on char boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Span {
    /// First byte inside.
    pub start: usize,
    /// First byte after the piece.
    pub end: usize,
    /// The string that the range points into.
    pub part: Part,
}

impl Span {
    /// The piece itself; empty if the span does not fit the article.
    #[must_use]
    pub fn slice<'a>(&self, article: &Article<'a>) -> &'a str {
        let string = match self.part {
            Part::Title => article.title.unwrap_or_default(),
            Part::Text => article.text,
        };
        string.get(self.start..self.end).unwrap_or_default()
    }
}
