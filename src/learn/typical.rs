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

/// By term: how many of the articles hold it.
fn held_by<'a>(articles: impl IntoIterator<Item = &'a SampleArticle>) -> HashMap<u32, u32> {
    let mut held_by = HashMap::new();
    for term in articles.into_iter().flat_map(|article| &article.terms) {
        *held_by.entry(*term).or_default() += 1;
    }
    held_by
}

/// The limits: from articles of the calibration sample, without their groups and, where there are three or more, their
/// sources (which takes a sample that is the whole corpus).
pub(super) fn limits(counts: &Counts) -> TypicalityLimits {
    TypicalityLimits::new(&against_others(counts))
}

/// How typical each of the articles is of the others.
fn against_others(counts: &Counts) -> Vec<Typicality> {
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
        // Counted once for the group, however large it is.
        let held_by_group = held_by(group.iter().copied());
        let mut of_sources: HashMap<&str, Vec<&SampleArticle>> = HashMap::new();
        for article in group {
            let source = article.source.as_deref().filter(|source| others.contains_key(source));
            source.into_iter().for_each(|source| of_sources.entry(source).or_default().push(article));
        }
        let of_source = |articles: Vec<&SampleArticle>| (articles.len(), held_by(articles));
        let of_sources: HashMap<&str, (usize, HashMap<u32, u32>)> =
            of_sources.into_iter().map(|(source, articles)| (source, of_source(articles))).collect();
        let typicality = |article: &&SampleArticle| {
            let held = article.source.as_deref().and_then(|source| others.get(source));
            // Those of the group that are gone with the source already.
            let gone = article.source.as_deref().and_then(|source| of_sources.get(source));
            let rest = group.len() - gone.map_or(0, |(articles, _)| *articles);
            let held = held.unwrap_or(&whole);
            let idf = Idf::smoothed(held.articles.saturating_sub(rest as u64));
            let words = article.terms.iter().map(|term| {
                let holding = |held_by: &HashMap<u32, u32>| held_by.get(term).copied().unwrap_or_default();
                let less = holding(&held_by_group) - gone.map_or(0, |(_, held_by_source)| holding(held_by_source));
                let documents = held.by_term[*term as usize].saturating_sub(less);
                (documents > 1).then(|| idf(documents))
            });
            Typicality::new(words, idf(1))
        };
        group.iter().map(typicality).collect::<Vec<_>>()
    };
    groups.par_iter().map(of_group).collect::<Vec<_>>().into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{
        LabelledArticle,
        testing::{counts_of, small_corpus},
    };

    /// Each article against those that are of another group and, if sources are left out, of another source.
    fn one_by_one(counts: &Counts, by_source: bool) -> Vec<Typicality> {
        let typicality = |article: &SampleArticle| {
            let is_other = |other: &&SampleArticle| {
                let of_source = by_source && article.source.is_some() && other.source == article.source;
                other.group != article.group && !of_source
            };
            let others: Vec<&SampleArticle> = counts.sample.iter().filter(is_other).collect();
            let idf = Idf::smoothed(others.len() as u64);
            let words = article.terms.iter().map(|term| {
                let documents = others.iter().filter(|other| other.terms.contains(term)).count() as u32;
                (documents > 1).then(|| idf(documents))
            });
            Typicality::new(words, idf(1))
        };
        counts.sample.iter().map(typicality).collect()
    }

    /// Groups of one article and of very many, of one source and of several.
    #[test]
    fn articles_are_measured_against_all_others() {
        let by_figures = |mut all: Vec<Typicality>| {
            all.sort_by(|a, b| a.known.total_cmp(&b.known).then(a.rarity.total_cmp(&b.rarity)));
            all
        };
        let mut seen = Vec::new();
        for (sources, groups) in [(1, 80), (1, 2), (4, 80), (4, 7), (7, 2)] {
            let mut corpus: Vec<LabelledArticle> = Vec::new();
            for number in 0..96 {
                let mut article = small_corpus().swap_remove(number % 24);
                let words = ["harvest", "pension", "reservoir", "vaccine", "orchard"];
                article.text += &format!(" {} {}.", words[number % 5], words[number * 7 % 11 % 5]).repeat(number % 3);
                article.text += &format!(" Unheard{} of{}.", number, number % 40);
                article.group = Some((number * 5 % groups).to_string());
                article.source = (number % 9 > 0).then(|| (number % sources).to_string());
                corpus.push(article);
            }
            let counts = counts_of(&corpus);
            let measured = by_figures(against_others(&counts));
            let expect = by_figures(one_by_one(&counts, sources >= MIN_SOURCES));
            assert_eq!(measured, expect, "{sources} sources, {groups} groups");
            seen.push(measured);
        }
        // Groups and sources both make a difference.
        assert!(seen[0] != seen[1] && seen[2] != seen[3] && seen[0] != seen[2]);
    }
}
