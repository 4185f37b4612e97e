//! A labelled article, and what of it can be read without knowing any other.

use serde::{Deserialize, Serialize};

use super::tally::Row;
use crate::{
    classify::{Names, features},
    model::Digest,
    text::{Article, Document, TokenKind},
};

/// An article with one or two labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelledArticle {
    /// The caller's own name for it; learning does not read it.
    pub id: String,
    /// The headline, if it is held apart from the text.
    pub title: Option<String>,
    /// The text.
    pub text: String,
    /// By [`Axis`](crate::classify::Axis): the label id. At least one.
    pub labels: [Option<String>; 2],
    /// Articles on the same event share it and are held out together. Without one, an article is its own group.
    pub group: Option<String>,
    /// Where the wording comes from.
    pub source: Option<String>,
}

/// An article of which everything that counting needs was read. Reading costs time and knows nothing of other
/// articles, so it is done on all cores.
pub(super) struct Prepared {
    pub(super) digest: Digest,
    pub(super) text: Digest,
    pub(super) group: Digest,
    pub(super) source: Option<String>,
    pub(super) language: usize,
    pub(super) features: Vec<u64>,
    pub(super) terms: Vec<u64>,
}

impl Prepared {
    /// What is counted of it; features and terms are moved out.
    pub(super) fn row(&mut self, labels: [Option<u16>; 2]) -> Row {
        let (features, terms) = (std::mem::take(&mut self.features), std::mem::take(&mut self.terms));
        Row { labels, language: self.language, features, terms }
    }
}

impl LabelledArticle {
    /// The article without its labels, and without space around title and text.
    pub(super) fn article(&self) -> Article<'_> {
        let title = self.title.as_deref().map(str::trim);
        Article { title: title.filter(|title| !title.is_empty()), text: self.text.trim() }
    }

    /// Names the labelled article: title, text, labels and group. (The source is metadata: the same article from two
    /// sources is counted once.)
    #[must_use]
    pub fn digest(&self) -> Digest {
        fn part(value: &Option<String>) -> &str {
            value.as_deref().unwrap_or_default()
        }
        let Article { title, text } = self.article();
        let [first, second] = &self.labels;
        Digest::of(&[title.unwrap_or_default(), text, part(first), part(second), part(&self.group)])
    }

    /// Names what the article says, whatever its labels: by the letters and digits of title and text together. White space,
    /// punctuation, invisible marks and case make no other text of it, nor does it where the title ends.
    #[must_use]
    pub fn text_digest(&self) -> Digest {
        let Article { title, text } = self.article();
        let mut said = String::with_capacity(title.map_or(0, str::len) + text.len());
        for c in title.unwrap_or_default().chars().chain(text.chars()) {
            // Most characters are ASCII, or have no case.
            if c.is_ascii_alphanumeric() {
                said.push(c.to_ascii_lowercase());
            } else if !c.is_ascii() && c.is_alphanumeric() {
                said.extend(c.to_lowercase());
            }
        }
        Digest::of(&["text", &said])
    }

    /// Names the group; an article without one is its own.
    #[must_use]
    pub fn group_digest(&self) -> Digest {
        match self.group.as_deref().filter(|group| !group.is_empty()) {
            Some(group) => Digest::of(&["group", group]),
            None => self.text_digest(),
        }
    }

    /// Reads the article; `names` are those of the catalog it is labelled after.
    pub(super) fn prepare(&self, names: &Names) -> Prepared {
        let document = Document::new(self.article(), None);
        let words = document.tokens.iter().filter(|token| token.kind != TokenKind::Number);
        let mut terms: Vec<u64> = words.map(|token| token.term).collect();
        terms.sort_unstable();
        terms.dedup();
        Prepared {
            digest: self.digest(),
            text: self.text_digest(),
            group: self.group_digest(),
            source: self.source.clone().filter(|source| !source.is_empty()),
            language: document.language as usize,
            features: features::row(&document, names),
            terms,
        }
    }
}
