//! How far from typical the articles of training are, each measured against the others.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use crate::{
    classify::{Idf, Typicality, TypicalityLimits},
    model::{Counts, Digest, SampleArticle},
};

/// With fewer sources than this, leaving one out leaves too little; with more than [`MAX_SOURCES`], their counts would take
/// too much memory.
const MIN_SOURCES: usize = 3;
const MAX_SOURCES: usize = 64;

/// Documents that hold each term, and how many there are in all.
struct Held {
    by_term: Vec<u32>,
    articles: u64,
}

/// The limits: from articles of the calibration sample, without their groups and, where there are three or more, their
/// sources (which takes a sample that is the whole corpus).
pub(super) fn limits(counts: &Counts) -> TypicalityLimits {
    let mut groups: BTreeMap<Digest, Vec<&SampleArticle>> = BTreeMap::new();
    let mut sources: HashMap<&str, Vec<&SampleArticle>> = HashMap::new();
    for article in &counts.sample {
        groups.entry(article.group).or_default().push(article);
        article.source.as_deref().into_iter().for_each(|source| sources.entry(source).or_default().push(article));
    }
    let by_source =
        counts.sample.len() as u64 == counts.articles() && (MIN_SOURCES..=MAX_SOURCES).contains(&sources.len());
    let without = |articles: &[&SampleArticle]| {
        let mut by_term = counts.term_documents.clone();
        for term in articles.iter().flat_map(|article| &article.terms) {
            by_term[*term as usize] = by_term[*term as usize].saturating_sub(1);
        }
        Held { by_term, articles: counts.articles().saturating_sub(articles.len() as u64) }
    };
    let whole = without(&[]);
    let others: HashMap<&str, Held> = if by_source {
        sources.into_par_iter().map(|(source, articles)| (source, without(&articles))).collect()
    } else {
        HashMap::new()
    };
    let groups: Vec<Vec<&SampleArticle>> = groups.into_values().collect();
    let of_group = |group: &Vec<&SampleArticle>| {
        let typicality = |article: &&SampleArticle| {
            let source = article.source.as_deref();
            let held = source.and_then(|source| others.get(source));
            let rest: Vec<&SampleArticle> =
                group.iter().copied().filter(|other| held.is_none() || other.source != article.source).collect();
            let held = held.unwrap_or(&whole);
            let idf = Idf::smoothed(held.articles.saturating_sub(rest.len() as u64));
            let words = article.terms.iter().map(|term| {
                let less = rest.iter().filter(|other| other.terms.binary_search(term).is_ok()).count();
                let documents = held.by_term[*term as usize].saturating_sub(less as u32);
                (documents > 1).then(|| idf(documents))
            });
            Typicality::new(words, idf(1))
        };
        group.iter().map(typicality).collect::<Vec<_>>()
    };
    let all: Vec<Typicality> = groups.par_iter().map(of_group).collect::<Vec<_>>().into_iter().flatten().collect();
    TypicalityLimits::new(&all)
}
