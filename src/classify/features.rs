//! A document becomes features: the words and word pairs of each zone and of all zones together, and the names of
//! labels.
//!
//! A *field* is one zone, or all of them, and one n-gram order. Each field is an event model of its own: its features
//! compete only with each other for probability. That a word counts differently in a headline than in the body is what
//! tells a meeting's own form from the meetings it conveys; what does not depend on the place is learnt from more
//! articles when all zones are counted together.
//!
//! A *name field* is one way in which a name of a label can stand in an article (see [`Names`]): the feature says which
//! label is named, and its weight is one for all labels, so that a label with few articles, or none, profits from all
//! others.

#[cfg(test)]
mod tests;

use super::Names;
use crate::text::{Document, Span, Token, TokenKind, Zone, mix, term_hash};

/// Number of fields: unigrams and bigrams of every zone and of all zones together, then the name fields.
pub const FIELDS: usize = TERM_FIELDS + NameField::ALL.len();

/// Fields whose features are words and word pairs; they come first.
pub const TERM_FIELDS: usize = Zone::ALL.len() * 2 + 2;

/// The bits of the fields of single terms of a zone; each next one is that of the pairs there.
const ZONE_UNIGRAMS: u32 = 0x5555_5555 & ((1 << (Zone::ALL.len() * 2)) - 1);

/// One field, as a number below [`FIELDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(u8);

/// How a name of a label stands in an article. The own zones are those outside conveyed clauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameField {
    /// Anywhere in a zone.
    In(Zone),
    /// The first name in the headline's own zone.
    FirstInHeadline,
    /// The first name in the lead's own zone.
    FirstInLead,
    /// The last name in the lead's own zone.
    LastInLead,
    /// The first name in the headline's own zone where the lead's has none.
    HeadlineOnly,
    /// The first name in the body where headline and lead have none in their own zones.
    BodyOnly,
    /// Three times or more in all.
    Often,
    /// The name next before a verb of holding a meeting, or behind it and `by`, in a zone.
    Holder(Zone),
    /// The name next behind a verb of holding a meeting, in a zone.
    Held(Zone),
}

impl NameField {
    /// All name fields, in the order of their numbers.
    pub const ALL: [NameField; 17] = [
        NameField::In(Zone::HeadlineOwn),
        NameField::In(Zone::HeadlineConveyed),
        NameField::In(Zone::LeadOwn),
        NameField::In(Zone::LeadConveyed),
        NameField::In(Zone::Body),
        NameField::FirstInHeadline,
        NameField::FirstInLead,
        NameField::LastInLead,
        NameField::HeadlineOnly,
        NameField::BodyOnly,
        NameField::Often,
        NameField::Holder(Zone::HeadlineOwn),
        NameField::Holder(Zone::LeadOwn),
        NameField::Holder(Zone::Body),
        NameField::Held(Zone::HeadlineOwn),
        NameField::Held(Zone::LeadOwn),
        NameField::Held(Zone::Body),
    ];

    /// The field; `None` for a holder or a meeting held in a conveyed clause.
    #[must_use]
    pub fn field(self) -> Option<Field> {
        NameField::ALL.iter().position(|&kind| kind == self).map(|at| Field((TERM_FIELDS + at) as u8))
    }

    /// What names of plain naive Bayes count: those that stand where an article names its own meeting.
    #[must_use]
    pub fn is_own(self) -> bool {
        match self {
            NameField::In(zone) | NameField::Holder(zone) | NameField::Held(zone) => {
                matches!(zone, Zone::HeadlineOwn | Zone::LeadOwn)
            }
            NameField::FirstInHeadline | NameField::FirstInLead | NameField::HeadlineOnly => true,
            NameField::LastInLead | NameField::BodyOnly | NameField::Often => false,
        }
    }
}

fn zone_name(zone: Zone) -> &'static str {
    match zone {
        Zone::HeadlineOwn => "headline_own",
        Zone::HeadlineConveyed => "headline_conveyed",
        Zone::LeadOwn => "lead_own",
        Zone::LeadConveyed => "lead_conveyed",
        Zone::Body => "body",
    }
}

impl Field {
    /// The single terms of all zones together.
    pub const ANY_UNIGRAMS: Field = Field(Zone::ALL.len() as u8 * 2);

    /// The pairs of neighbouring terms of all zones together.
    pub const ANY_BIGRAMS: Field = Field(Zone::ALL.len() as u8 * 2 + 1);

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

    /// How its names stand; `None` for words and word pairs.
    #[must_use]
    pub fn names(self) -> Option<NameField> {
        self.index().checked_sub(TERM_FIELDS).and_then(|at| NameField::ALL.get(at)).copied()
    }

    /// Whether its features are pairs of terms.
    #[must_use]
    pub fn is_bigrams(self) -> bool {
        !self.is_names() && !self.0.is_multiple_of(2)
    }

    /// Whether its features are names of labels.
    #[must_use]
    pub fn is_names(self) -> bool {
        self.index() >= TERM_FIELDS
    }

    /// The field of a feature by its id; `None` if there is no such field, as a damaged or forged file may have it.
    #[must_use]
    pub fn of(feature: u64) -> Option<Self> {
        let number = field_number(feature);
        (number < FIELDS as u64).then_some(Field(number as u8))
    }

    /// Its number, below [`FIELDS`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The bit of its number, as in [`Occurrence::fields`].
    #[must_use]
    pub fn bit(self) -> u32 {
        1 << self.0
    }

    /// Name in reports, such as `lead_own bigrams`.
    #[must_use]
    pub fn name(self) -> String {
        if let Some(kind) = self.names() {
            return match kind {
                NameField::In(zone) => format!("{} names", zone_name(zone)),
                NameField::FirstInHeadline => "headline_own first name".to_owned(),
                NameField::FirstInLead => "lead_own first name".to_owned(),
                NameField::LastInLead => "lead_own last name".to_owned(),
                NameField::HeadlineOnly => "headline_own only name".to_owned(),
                NameField::BodyOnly => "body only name".to_owned(),
                NameField::Often => "frequent names".to_owned(),
                NameField::Holder(zone) => format!("{} holder", zone_name(zone)),
                NameField::Held(zone) => format!("{} held", zone_name(zone)),
            };
        }
        let zone = Zone::ALL.get(self.index() / 2).map_or("any", |&zone| zone_name(zone));
        format!("{zone} {}", if self.is_bigrams() { "bigrams" } else { "unigrams" })
    }
}

/// One place where an n-gram stands, or a label is named.
#[derive(Clone, Copy, Debug)]
pub struct Occurrence {
    /// The n-gram, or the label that is named: [`ngram_id`].
    pub ngram: u64,
    /// The fields that it stands in by this place: the bit `1 << number` of each.
    pub fields: u32,
    /// The first of its tokens.
    pub first: u32,
    /// The last of its tokens.
    pub last: u32,
}

impl Occurrence {
    /// The token of this number by itself, or with the one before, which is in the same zone.
    pub(super) fn of_term(ngram: u64, token: &Token, at: u32, is_pair: bool) -> Self {
        let pair = u32::from(is_pair);
        let fields = (Field::unigrams(token.zone).bit() | Field::ANY_UNIGRAMS.bit()) << pair;
        Occurrence { ngram, fields, first: at - pair, last: at }
    }

    /// Where it stands; `tokens` are those of the document.
    #[must_use]
    pub fn span(&self, tokens: &[Token]) -> Option<Span> {
        let [first, last] = [self.first, self.last].map(|at| tokens.get(at as usize));
        Some(Span { end: last?.end as usize, ..first?.span() })
    }

    /// The features that it makes.
    pub fn features(self) -> impl Iterator<Item = u64> {
        Ngram { id: self.ngram, fields: self.fields }.features()
    }
}

/// An n-gram, or a label that is named, and the fields it stands in: all its features. Learning holds millions of them, so none
/// takes room for the alignment of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(Rust, packed(4))]
pub struct Ngram {
    /// Its [`ngram_id`].
    pub id: u64,
    /// The bit `1 << number` of each of its fields.
    pub fields: u32,
}

impl Ngram {
    const _SIZE: () = assert!(size_of::<Self>() == 12);

    /// The n-grams that some features, ascending, are of.
    pub(crate) fn all(features: impl Iterator<Item = u64>) -> Vec<Self> {
        let mut all = Vec::with_capacity(features.size_hint().0);
        features.for_each(|feature| Self::push(&mut all, feature));
        all
    }

    /// Adds a feature, which comes after all before, to the n-grams that features are of.
    pub(crate) fn push(all: &mut Vec<Self>, feature: u64) {
        let (id, field) = (ngram_of(feature), 1 << field_number(feature));
        match all.last_mut() {
            Some(last) if last.id == id => last.fields |= field,
            Some(_) | None => all.push(Ngram { id, fields: field }),
        }
    }

    /// Its features, ascending.
    pub fn features(self) -> impl Iterator<Item = u64> {
        numbers(self.fields).map(move |number| self.id | u64::from(number))
    }
}

/// The numbers of the bits that are set, ascending.
fn numbers(mut bits: u32) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let number = bits.trailing_zeros();
        // Clears the lowest bit.
        bits &= bits.wrapping_sub(1);
        (number < u32::BITS).then_some(number)
    })
}

/// The feature that an n-gram is in a field: 59 bits of hash, then the number of the field, so that the features of one
/// n-gram are neighbours, of which a file holds only the differences.
#[must_use]
pub fn feature_id(ngram: u64, field: Field) -> u64 {
    const { assert!(FIELDS <= 1 << FIELD_BITS && FIELDS <= u32::BITS as usize) };
    ngram_id(ngram) | u64::from(field.0)
}

/// What the features of an n-gram have in common: all but the number of the field, which is 0.
#[must_use]
pub fn ngram_id(ngram: u64) -> u64 {
    ngram_of(mix(ngram))
}

/// The n-gram of a feature.
pub(crate) fn ngram_of(feature: u64) -> u64 {
    feature & !FIELD_MASK
}

/// The number of a feature's field.
pub(super) fn field_number(feature: u64) -> u64 {
    feature & FIELD_MASK
}

/// Whether two features are of the same n-gram.
pub(crate) fn same_ngram(a: u64, b: u64) -> bool {
    ngram_of(a) == ngram_of(b)
}

pub(super) const FIELD_BITS: u32 = 5;
/// The bits of a feature that are the number of its field.
pub(crate) const FIELD_MASK: u64 = (1 << FIELD_BITS) - 1;

/// The n-gram of two terms in order.
#[must_use]
pub fn bigram(first: u64, second: u64) -> u64 {
    mix(first ^ second.rotate_left(23)).wrapping_add(second)
}

/// Calls `visit` for every n-gram of the document at every place where it stands: words and pairs in reading order, then
/// names.
pub fn visit(document: &Document<'_>, names: &Names, mut visit: impl FnMut(Occurrence)) {
    visit_terms(document, &mut visit);
    names.visit(document, visit);
}

/// Calls `visit` for every word and pair, in reading order.
///
/// All numbers are one term: which number stands there tells the week, not the label.
pub(super) fn visit_terms(document: &Document<'_>, mut visit: impl FnMut(Occurrence)) {
    let number = term_hash("0");
    let mut previous = 0;
    for (at, token) in (0..).zip(&document.tokens) {
        let term = if token.kind == TokenKind::Number { number } else { token.term };
        let ends_pair = token.joins_previous && at > 0;
        let ngrams = [(term, false), (bigram(previous, term), true)];
        for (ngram, is_pair) in ngrams.into_iter().take(1 + usize::from(ends_pair)) {
            visit(Occurrence::of_term(ngram_id(ngram), token, at, is_pair));
        }
        previous = term;
    }
}

/// Hashes, ascending: spread by their first byte, of which all values are about as frequent, and sorted among the few that
/// share it.
fn sorted_hashes(hashes: &[u64]) -> Vec<u64> {
    let first_byte = |hash: u64| usize::from(hash.to_be_bytes()[0]);
    let mut ends = [0; 257];
    hashes.iter().for_each(|&hash| ends[first_byte(hash) + 1] += 1);
    for byte in 1..ends.len() {
        ends[byte] += ends[byte - 1];
    }
    let mut sorted = vec![0; hashes.len()];
    for &hash in hashes {
        // Where the hashes of this byte begin becomes where they end.
        let end = &mut ends[first_byte(hash)];
        sorted[*end] = hash;
        *end += 1;
    }
    let mut rest = sorted.as_mut_slice();
    let mut start = 0;
    for end in ends {
        let (same, others) = rest.split_at_mut(end - start);
        same.sort_unstable();
        (rest, start) = (others, end);
    }
    sorted
}

/// The features of one document: each once, however often it stands there, by n-gram and sorted by its id.
///
/// Counting a feature once per article ("binarised" multinomial naive Bayes, Jurafsky and Martin, chapter 4) keeps
/// long articles and often repeated names of conveyed meetings from outvoting the lead.
#[must_use]
pub fn row(document: &Document<'_>, names: &Names) -> Vec<Ngram> {
    let any = Field::ANY_UNIGRAMS.bit() | Field::ANY_BIGRAMS.bit();
    let mut sorted = Vec::with_capacity(document.tokens.len() * 2);
    visit(document, names, |occurrence| {
        sorted.extend(Occurrence { fields: occurrence.fields & !any, ..occurrence }.features());
    });
    let mut row = Ngram::all(sorted_hashes(&sorted).into_iter());
    // What stands in a zone stands somewhere; so only half of the features have to be sorted.
    for Ngram { fields, .. } in &mut row {
        *fields |= u32::from(*fields & ZONE_UNIGRAMS != 0) * Field::ANY_UNIGRAMS.bit();
        *fields |= u32::from(*fields & ZONE_UNIGRAMS << 1 != 0) * Field::ANY_BIGRAMS.bit();
    }
    row
}
