//! The known features of a document, and the places where they stand.

use crate::{
    classify::{Evidence, MAX_SPANS, Names, features},
    text::{Document, Part, Span},
};

/// A known feature at one of its places.
#[derive(Clone, Copy, Debug)]
struct Hit {
    ngram: u64,
    feature: u32,
    span: Span,
}

/// The known features of a document; `default` has none: what a document in an unknown language is given.
#[derive(Debug, Default)]
pub struct Hits {
    /// At every place, in reading order.
    places: Vec<Hit>,
    /// Each feature once, ascending.
    pub(super) features: Vec<u32>,
    /// Each feature once, with its n-gram, ascending by n-gram.
    pub(super) ngrams: Vec<(u64, u32)>,
}

impl Hits {
    /// The features of a document that `known` has a number for; `names` are those of the labels' catalog.
    pub(super) fn new(document: &Document<'_>, names: &Names, known: impl Fn(u64) -> Option<u32>) -> Self {
        let mut places = Vec::new();
        features::visit(document, names, |occurrence| {
            if let Some(feature) = known(occurrence.feature) {
                places.push(Hit { ngram: occurrence.ngram, feature, span: occurrence.span });
            }
        });
        let mut ngrams: Vec<(u64, u32)> = places.iter().map(|hit| (hit.ngram, hit.feature)).collect();
        ngrams.sort_unstable();
        ngrams.dedup();
        let mut features: Vec<u32> = ngrams.iter().map(|(_, feature)| *feature).collect();
        features.sort_unstable();
        Hits { places, features, ngrams }
    }

    /// N-grams and their contributions with the places where they stand.
    pub(super) fn evidence(&self, document: &Document<'_>, contributions: Vec<(u64, f64)>) -> Vec<Evidence> {
        let evidence = |(ngram, contribution)| {
            let mut spans: Vec<Span> =
                self.places.iter().filter(|hit| hit.ngram == ngram).map(|hit| hit.span).collect();
            // An n-gram stands in several fields at once, and the names of labels are found behind all words.
            spans.sort_unstable_by_key(|span| (span.part == Part::Text, span.start, span.end));
            spans.dedup();
            let occurrences = u32::try_from(spans.len()).unwrap_or(u32::MAX);
            spans.truncate(MAX_SPANS);
            let text = spans.first().map(|span| span.slice(&document.article).to_owned()).unwrap_or_default();
            Evidence { text, spans, contribution, occurrences }
        };
        contributions.into_iter().map(evidence).collect()
    }
}
