//! A labelled article, and what of it can be read without knowing any other.

use serde::{Deserialize, Serialize};

use super::tally::Row;
use crate::{
    classify::{
        Names,
        features::{self, Ngram},
    },
    model::Digest,
    text::{Article, Document, FOLDED, TokenKind},
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
    pub(super) ngrams: Vec<Ngram>,
    pub(super) terms: Vec<u64>,
}

impl Prepared {
    /// What is counted of it; n-grams and terms are moved out.
    pub(super) fn row(&mut self, labels: [Option<u16>; 2]) -> Row {
        let (ngrams, terms) = (std::mem::take(&mut self.ngrams), std::mem::take(&mut self.terms));
        Row { labels, language: self.language, ngrams, terms }
    }
}

/// Adds the letters and digits of ASCII text. Each character is written where the next letter belongs, whether it is one or
/// not: a processor would often guess wrong.
fn push_said(said: &mut Vec<u8>, ascii: &[u8]) {
    let mut end = said.len();
    said.resize(end + ascii.len(), 0);
    for byte in ascii {
        let letter = FOLDED[usize::from(*byte)];
        said[end] = letter;
        end += usize::from(letter != 0);
    }
    said.truncate(end);
}

impl LabelledArticle {
    /// Bytes of all that it says.
    #[must_use]
    pub fn size(&self) -> usize {
        let LabelledArticle { id, title, text, labels, group, source } = self;
        let others = [title, group, source, &labels[0], &labels[1]];
        others.into_iter().flatten().map(String::len).fold(id.len().saturating_add(text.len()), usize::saturating_add)
    }

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
        let mut said = Vec::with_capacity(title.map_or(0, str::len) + text.len());
        for mut left in [title.unwrap_or_default(), text] {
            while !left.is_empty() {
                let ascii = left.bytes().position(|byte| !byte.is_ascii()).unwrap_or(left.len());
                let (plain, others) = left.split_at(ascii);
                push_said(&mut said, plain.as_bytes());
                let other = others.chars().next();
                let letters = other.filter(|c| c.is_alphanumeric()).into_iter().flat_map(char::to_lowercase);
                letters.for_each(|c| said.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()));
                left = &others[other.map_or(0, char::len_utf8)..];
            }
        }
        Digest::of(&[b"text".as_slice(), &said])
    }

    /// Names the group; an article without one is its own.
    #[must_use]
    pub fn group_digest(&self) -> Digest {
        self.group_digest_of(|| self.text_digest())
    }

    /// The same where the digest of the text is known.
    fn group_digest_of(&self, text: impl FnOnce() -> Digest) -> Digest {
        match self.group.as_deref().filter(|group| !group.is_empty()) {
            Some(group) => Digest::of(&["group", group]),
            None => text(),
        }
    }

    /// Reads the article; `names` are those of the catalog it is labelled after.
    pub(super) fn prepare(&self, names: &Names) -> Prepared {
        let document = Document::new(self.article(), None);
        let words = document.tokens.iter().filter(|token| token.kind != TokenKind::Number);
        let mut terms: Vec<u64> = words.map(|token| token.term).collect();
        terms.sort_unstable();
        terms.dedup();
        let text = self.text_digest();
        Prepared {
            digest: self.digest(),
            text,
            group: self.group_digest_of(|| text),
            source: self.source.clone().filter(|source| !source.is_empty()),
            language: document.language as usize,
            ngrams: features::row(&document, names),
            terms,
        }
    }
}
