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

/// Look-ups that are begun before the first of them is used: a table is larger than the caches next to the processor, and
/// so it waits for many at a time.
const AT_ONCE: usize = 16;

/// Ends the chain of the places of an n-gram.
const NONE: u32 = u32::MAX;

/// An n-gram of the document, or a label that is named in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) id: u64,
    /// The fields in which it stands here, as bits.
    fields: u32,
    /// Those of them that the tables know it in.
    known: u32,
    /// The first and last of its places.
    first: u32,
    last: u32,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    occurrence: Occurrence,
    /// The next place of the same n-gram.
    next: u32,
}

/// The known features of a document; `default` has none: what a document in an unknown language is given.
#[derive(Debug, Default)]
pub struct Hits {
    places: Vec<Place>,
    /// In the order of their first places.
    pub(super) groups: Vec<Group>,
    /// By axis: what it knows of them, group after group.
    pub(super) said: [Vec<Said>; 2],
}

impl Hits {
    /// The features of a document that an index holds; `names` are those of the labels' catalog.
    pub(super) fn new(document: &Document<'_>, names: &Names, index: &Index, rows: &Rows) -> Self {
        let most = document.tokens.len() * 2 + 16;
        let mut hits = Hits { places: Vec::with_capacity(most), ..Hits::default() };
        features::visit(document, names, |occurrence| hits.places.push(Place { occurrence, next: NONE }));

        hits.groups.reserve(hits.places.len());
        let mut seen = Numbering::new(hits.places.len());
        for at in 0..hits.places.len() {
            let Occurrence { ngram: id, fields, .. } = hits.places[at].occurrence;
            let (group, is_new) = seen.number(id);
            let at = at as u32;
            if is_new {
                hits.groups.push(Group { id, fields, known: 0, first: at, last: at });
            } else {
                let group = &mut hits.groups[group as usize];
                hits.places[group.last as usize].next = at;
                group.fields |= fields;
                group.last = at;
            }
        }

        hits.said = [0, 1].map(|_| Vec::with_capacity(hits.groups.len() * 2));
        for (number, part) in (0..).step_by(AT_ONCE).zip(hits.groups.chunks_mut(AT_ONCE)) {
            let mut found = [(0, Ngram::default()); AT_ONCE];
            for (found, group) in found.iter_mut().zip(&*part) {
                let home = index.home(group.id);
                *found = (home, index.at(home));
            }
            for ((at, ngram), group) in found.iter_mut().zip(&*part) {
                *ngram = index.find(group.id, *at, *ngram).unwrap_or_default();
            }
            // All records are asked for before the first is looked at.
            std::hint::black_box(found.map(|(_, ngram)| rows.touch(ngram)));
            for (number, (&(_, ngram), own)) in (number..).zip(found.iter().zip(part)) {
                own.known = own.fields & ngram.fields;
                if own.known != 0 {
                    rows.read(ngram, own.known, number, &mut hits.said);
                }
            }
        }
        hits
    }

    /// The n-grams of the different words of the document, numbers left out.
    pub fn words(&self) -> impl Iterator<Item = u64> {
        let number = ngram_id(term_hash("0"));
        let words = self.groups.iter().filter(|group| group.fields & Field::ANY_UNIGRAMS.bit() != 0);
        words.map(|group| group.id).filter(move |id| *id != number)
    }

    /// Groups, by number, and their contributions, with the places where they stand.
    pub(super) fn evidence(&self, document: &Document<'_>, contributions: &[(u32, f64)]) -> Vec<Evidence> {
        let evidence = |&(group, contribution): &(u32, f64)| {
            let Group { first, known, .. } = self.groups[group as usize];
            let places =
                std::iter::successors(self.places.get(first as usize), |place| self.places.get(place.next as usize));
            let places = places.map(|place| place.occurrence).filter(|occurrence| occurrence.fields & known != 0);
            let mut spans: Vec<Span> = places.filter_map(|occurrence| occurrence.span(&document.tokens)).collect();
            // The names of labels are found behind all words, and in several ways at one place.
            spans.sort_unstable_by_key(|span| (span.part == Part::Text, span.start, span.end));
            spans.dedup();
            let occurrences = u32::try_from(spans.len()).unwrap_or(u32::MAX);
            spans.truncate(MAX_SPANS);
            let text = spans.first().map(|span| span.slice(&document.article).to_owned()).unwrap_or_default();
            Evidence { text, spans, contribution, occurrences }
        };
        contributions.iter().map(evidence).collect()
    }
}
