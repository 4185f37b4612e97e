//! The known features of a document, and the places where they stand.

use super::index::{Index, Ngram};
use crate::{
    classify::{
        Evidence, MAX_SPANS, Names,
        features::{self, Occurrence},
    },
    text::{Document, Numbering, Part, Span},
};

/// Look-ups that are begun before the first of them is used: a table is larger than the caches next to the processor, and
/// so it waits for many at a time.
const AT_ONCE: usize = 16;

/// Ends the chain of the places of an n-gram.
const NONE: u32 = u32::MAX;

/// A known feature.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) feature: u32,
    /// The number of its group.
    pub(super) group: u32,
    /// The number of its field.
    pub(super) field: u32,
}

/// A known n-gram, or a label that is named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) id: u64,
    /// The first and last of its places.
    first: u32,
    last: u32,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    span: Span,
    /// The next place of the same n-gram.
    next: u32,
}

/// The known features of a document; `default` has none: what a document in an unknown language is given.
#[derive(Debug, Default)]
pub struct Hits {
    places: Vec<Place>,
    /// In the order of their first places.
    pub(super) groups: Vec<Group>,
    /// Each feature once, group after group.
    pub(super) features: Vec<Known>,
}

impl Hits {
    /// The features of a document that an index holds; `names` are those of the labels' catalog.
    pub(super) fn new(document: &Document<'_>, names: &Names, index: &Index) -> Self {
        let mut occurrences: Vec<Occurrence> = Vec::with_capacity(document.tokens.len() * 2 + 16);
        features::visit(document, names, |occurrence| occurrences.push(occurrence));

        let mut hits = Hits { places: Vec::with_capacity(occurrences.len()), ..Hits::default() };
        let mut seen = Numbering::new(occurrences.len());
        // Of each group the n-gram, and the fields that it stands in here.
        let mut of_groups: Vec<(Ngram, u32)> = Vec::new();
        for part in occurrences.chunks(AT_ONCE) {
            let mut found = [(0, Ngram::default()); AT_ONCE];
            for (found, occurrence) in found.iter_mut().zip(part) {
                let home = index.home(occurrence.ngram);
                *found = (home, index.at(home));
            }
            for (&(at, ngram), occurrence) in found.iter().zip(part) {
                let Some(ngram) = index.find(occurrence.ngram, at, ngram) else { continue };
                let fields = ngram.fields & occurrence.fields;
                if fields == 0 {
                    continue;
                }
                let place = hits.places.len() as u32;
                hits.places.push(Place { span: occurrence.span, next: NONE });
                let (group, is_new) = seen.number(occurrence.ngram);
                if is_new {
                    hits.groups.push(Group { id: occurrence.ngram, first: place, last: place });
                    of_groups.push((ngram, fields));
                } else {
                    let known = &mut hits.groups[group as usize];
                    hits.places[known.last as usize].next = place;
                    known.last = place;
                    of_groups[group as usize].1 |= fields;
                }
            }
        }
        hits.features.reserve(2 * of_groups.len());
        for (group, (ngram, fields)) in (0..).zip(of_groups) {
            hits.features.extend(ngram.features(fields).map(|(feature, field)| Known { feature, group, field }));
        }
        hits
    }

    /// Groups, by number, and their contributions, with the places where they stand.
    pub(super) fn evidence(&self, document: &Document<'_>, contributions: &[(u32, f64)]) -> Vec<Evidence> {
        let evidence = |&(group, contribution): &(u32, f64)| {
            let first = self.groups[group as usize].first;
            let places =
                std::iter::successors(self.places.get(first as usize), |place| self.places.get(place.next as usize));
            let mut spans: Vec<Span> = places.map(|place| place.span).collect();
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
