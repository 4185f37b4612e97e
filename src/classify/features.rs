//! A document becomes features: the words and word pairs of each zone.
//!
//! A *field* is one zone and one n-gram order. Each field is an event model of its own: its features compete only with
//! each other for probability, and the fields' scores are weighted before they are added. That a word counts
//! differently in a headline than in the body is what tells a meeting's own form from the meetings it conveys.

use crate::text::{Document, Span, TokenKind, Zone, mix, term_hash};

/// Number of fields: unigrams and bigrams of every zone.
pub const FIELDS: usize = Zone::ALL.len() * 2;

/// One zone and one n-gram order, as a number below [`FIELDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(u8);

impl Field {
    /// All fields in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Field> {
        (0..FIELDS as u8).map(Field)
    }

    /// The single terms of a zone.
    #[must_use]
    pub fn unigrams(zone: Zone) -> Self {
        Field(zone as u8 * 2)
    }

    /// The pairs of neighbouring terms of a zone.
    #[must_use]
    pub fn bigrams(zone: Zone) -> Self {
        Field(zone as u8 * 2 + 1)
    }

    /// Whether its features are pairs of terms.
    #[must_use]
    pub fn is_bigrams(self) -> bool {
        !self.0.is_multiple_of(2)
    }

    /// The field of a number; `None` if there is no such field.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (usize::from(number) < FIELDS).then_some(Field(number))
    }

    /// Its number, below [`FIELDS`].
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Name in reports, such as `lead_own bigrams`.
    #[must_use]
    pub fn name(self) -> String {
        let zone = match Zone::ALL[self.index() / 2] {
            Zone::HeadlineOwn => "headline_own",
            Zone::HeadlineConveyed => "headline_conveyed",
            Zone::LeadOwn => "lead_own",
            Zone::LeadConveyed => "lead_conveyed",
            Zone::Body => "body",
        };
        format!("{zone} {}", if self.is_bigrams() { "bigrams" } else { "unigrams" })
    }
}

/// One place where a feature stands.
#[derive(Clone, Copy, Debug)]
pub struct Occurrence {
    /// The feature: hash of n-gram and field.
    pub feature: u64,
    /// The n-gram, whatever its field: hash of its terms.
    pub ngram: u64,
    /// The field.
    pub field: Field,
    /// Where it stands.
    pub span: Span,
}

/// The feature that an n-gram is in a field.
#[must_use]
pub fn feature_id(ngram: u64, field: Field) -> u64 {
    mix(ngram.wrapping_add(u64::from(field.0 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// The n-gram of two terms in order.
#[must_use]
pub fn bigram(first: u64, second: u64) -> u64 {
    mix(first ^ second.rotate_left(23)).wrapping_add(second)
}

/// Calls `visit` for every feature of the document at every place where it stands, in reading order.
///
/// All numbers are one term: which number stands there tells the week, not the label.
pub fn visit(document: &Document<'_>, mut visit: impl FnMut(Occurrence)) {
    let number = term_hash("0");
    let mut previous: Option<(u64, Span)> = None;
    for token in &document.tokens {
        let term = if token.kind == TokenKind::Number { number } else { token.term };
        let span = token.span();
        let field = Field::unigrams(token.zone);
        visit(Occurrence { feature: feature_id(term, field), ngram: term, field, span });
        if let Some((before, start)) = previous.filter(|_| token.joins_previous) {
            let field = Field::bigrams(token.zone);
            let ngram = bigram(before, term);
            let span = Span { start: start.start, ..span };
            visit(Occurrence { feature: feature_id(ngram, field), ngram, field, span });
        }
        previous = Some((term, span));
    }
}

/// The features of one document: each once, however often it stands there, sorted by id.
///
/// Counting a feature once per article ("binarised" multinomial naive Bayes, Jurafsky and Martin, chapter 4) keeps
/// long articles and often repeated names of conveyed meetings from outvoting the lead.
#[must_use]
pub fn row(document: &Document<'_>) -> Vec<(u64, Field)> {
    let mut row = Vec::with_capacity(document.tokens.len() * 2);
    visit(document, |occurrence| row.push((occurrence.feature, occurrence.field)));
    row.sort_unstable();
    row.dedup();
    row
}
