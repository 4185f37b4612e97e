//! The known features of a document, and the places where they stand.

use super::{
    index::{Index, Ngram},
    rows::{Rows, Said},
};
use crate::{
    classify::{
        Evidence, MAX_SPANS, Names,
        features::{self, Field, Occurrence, ngram_id},
    },
    text::{Document, Numbering, Part, Span, term_hash},
};

/// Ends the chain of the places of an n-gram.
const NONE: u32 = u32::MAX;

/// An n-gram of the document, or a label that is named in it.
#[derive(Clone, Copy, Debug)]
struct Group {
    /// The fields in which it stands here, as bits.
    fields: u32,
    /// The first and last of its places.
    first: u32,
    last: u32,
}

/// The known features of a document; `default` has none: what a document in an unknown language is given.
///
/// Its *places* are two for each token, one for the word and one for the pair that it ends, and behind them one for each way
/// in which a label is named.
#[derive(Debug, Default)]
pub struct Hits {
    /// By place: the next one of the same n-gram.
    next: Vec<u32>,
    /// What stands at the places of names.
    names: Vec<Occurrence>,
    /// The n-grams of the groups, which are numbered in the order of their first places.
    ngrams: Vec<u64>,
    groups: Vec<Group>,
    /// By group: what the tables know of it.
    found: Vec<Ngram>,
    /// By axis: what it knows of them, group after group.
    pub(super) said: [Vec<Said>; 2],
}

impl Hits {
    /// The features of a document that an index holds; `names` are those of the labels' catalog.
    pub(super) fn new(document: &Document<'_>, names: &Names, index: &Index, rows: &Rows) -> Self {
        let mut hits = Hits::grouped(document, names);
        hits.found = index.find_all(&hits.ngrams);
        rows.touch(&hits.found);
        hits.said = rows.read(hits.groups.iter().map(|group| group.fields).zip(&hits.found));
        hits
    }

    /// All n-grams and names of a document, by group; nothing has been looked up.
    fn grouped(document: &Document<'_>, names: &Names) -> Self {
        let mut named = Vec::new();
        names.visit(document, |occurrence| named.push(occurrence));
        let terms = 2 * document.tokens.len();
        let places = terms + named.len();
        let mut seen = Numbering::new(places);
        let nowhere = places as u32;
        let mut groups = vec![Group { fields: 0, first: nowhere, last: nowhere }; places];
        // One more than places: what comes before the first place of a group is written there, and never read.
        let mut next = vec![NONE; places + 1];
        let mut put = |place: u32, ngram: u64, fields: u32| {
            let group = &mut groups[seen.number(ngram) as usize];
            group.fields |= fields;
            group.first = group.first.min(place);
            next[group.last as usize] = place;
            group.last = place;
        };
        features::visit_terms(document, |Occurrence { ngram, fields, first, last }| {
            put(2 * last + u32::from(first != last), ngram, fields);
        });
        (terms as u32..).zip(&named).for_each(|(place, name)| put(place, name.ngram, name.fields));
        groups.truncate(seen.len());
        Hits { next, names: named, ngrams: seen.into_terms(), groups, ..Hits::default() }
    }

    /// What names a group, in whatever order the document is read.
    pub(super) fn ngram(&self, group: u32) -> u64 {
        self.ngrams[group as usize]
    }

    /// The n-grams of the different words of the document, numbers left out.
    #[must_use]
    pub fn words(&self) -> Vec<u64> {
        let number = ngram_id(term_hash("0"));
        let mut words = vec![0; self.groups.len()];
        let mut length = 0;
        for (&ngram, group) in self.ngrams.iter().zip(&self.groups) {
            // Overwritten unless it is one: words and pairs follow each other without a pattern.
            words[length] = ngram;
            length += usize::from((group.fields & Field::ANY_UNIGRAMS.bit() != 0) & (ngram != number));
        }
        words.truncate(length);
        words
    }

    /// Groups, by number, and their contributions, with the places where they stand.
    pub(super) fn evidence(&self, document: &Document<'_>, rows: &Rows, contributions: &[(u32, f64)]) -> Vec<Evidence> {
        let evidence = |&(group, contribution): &(u32, f64)| {
            let Group { first, fields, .. } = self.groups[group as usize];
            let known = fields & rows.fields(&self.found[group as usize]);
            let next = |&place: &u32| self.next.get(place as usize).copied().filter(|next| *next != NONE);
            let places =
                std::iter::successors(Some(first), next).filter_map(|place| self.occurrence(document, group, place));
            let places = places.filter(|occurrence| occurrence.fields & known != 0);
            let mut spans: Vec<Span> = places.filter_map(|occurrence| occurrence.span(&document.tokens)).collect();
            // A label may be named in several ways at one place.
            spans.sort_unstable_by_key(|span| (span.part == Part::Text, span.start, span.end));
            spans.dedup();
            let occurrences = u32::try_from(spans.len()).unwrap_or(u32::MAX);
            spans.truncate(MAX_SPANS);
            let text = spans.first().map(|span| span.slice(&document.article).to_owned()).unwrap_or_default();
            Evidence { text, spans, contribution, occurrences }
        };
        contributions.iter().map(evidence).collect()
    }

    /// What stands at a place of a group.
    fn occurrence(&self, document: &Document<'_>, group: u32, place: u32) -> Option<Occurrence> {
        let ngram = self.ngram(group);
        match document.tokens.get(place as usize / 2) {
            Some(token) => Some(Occurrence::of_term(ngram, token, place / 2, place % 2 == 1)),
            None => self.names.get(place as usize - 2 * document.tokens.len()).copied(),
        }
    }
}
