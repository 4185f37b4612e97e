//! The order of importance of all sentences: weight first, then what each adds to those ranked before it.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

use super::{
    centrality::{Convergence, centrality},
    graph::Graph,
    idf::Idf,
};
use crate::text::{Document, Role};

/// The weight of the first place beside the weight of the most central sentence, which is 1. Human summaries of news
/// take from the start far more than centrality alone would.
const POSITION_WEIGHT: f64 = 0.6;

/// After this many sentences the position counts `1/e` of what it does for the first.
const POSITION_DECAY: f64 = 3.0;

/// A sentence with its place in the ranking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Which of [`Document::sentences`] it is.
    pub index: usize,
    /// Its place, from 1.
    pub rank: usize,
    /// Its weight before redundancy is counted; the best sentence has 1, one that does not compete 0.
    pub score: f64,
}

/// All sentences of a document, best first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranking {
    /// Every sentence once.
    pub sentences: Vec<Ranked>,
    /// How many of them, from the front, may stand in a summary. The others are padded conclusions, repeat an earlier
    /// sentence word by word, or have no words.
    pub competing: usize,
    /// How the centrality was found.
    pub convergence: Convergence,
    /// Products of term weights that were added up to compare sentences: the measure of cost, free of clocks.
    pub products: usize,
}

/// Whether a sentence may stand in a summary; those that may not are ranked in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Competes,
    Closing,
    Wordless,
    Repeats,
}

/// Ranks all sentences of a document by marginal gain: weight less `redundancy` (0 to 1) times the greatest similarity
/// to a sentence ranked before (maximal marginal relevance, Carbonell and Goldstein 1998).
#[must_use]
pub fn rank(document: &Document<'_>, idf: &Idf, redundancy: f64) -> Ranking {
    let standings = standings(document);
    // If there is nothing better than conclusions, or than sentences without words, those compete.
    let Some(&best) = standings.iter().min() else { return Ranking::default() };
    let vertices: Vec<usize> = (0..standings.len()).filter(|&index| standings[index] == best).collect();

    let graph = Graph::new(document, &vertices, idf);
    let (centralities, convergence) = centrality(&graph);
    let weights = weights(&centralities);
    let order = by_marginal_gain(&graph, &weights, redundancy);

    let mut sentences: Vec<Ranked> = Vec::with_capacity(standings.len());
    let mut push = |index, score| sentences.push(Ranked { index, rank: sentences.len() + 1, score });
    order.iter().for_each(|&vertex| push(vertices[vertex], weights[vertex]));
    for standing in [Standing::Closing, Standing::Wordless, Standing::Repeats] {
        let held_back = |&index: &usize| standing != best && standings[index] == standing;
        (0..standings.len()).filter(held_back).for_each(|index| push(index, 0.0));
    }
    Ranking { sentences, competing: vertices.len(), convergence, products: graph.products }
}

/// The standing of each sentence. Of equal sentences the first that is not a conclusion is kept.
fn standings(document: &Document<'_>) -> Vec<Standing> {
    let words = |index: usize| document.tokens[document.sentences[index].tokens.clone()].iter().map(|t| t.term);
    let mut standings: Vec<Standing> = document
        .sentences
        .iter()
        .map(|sentence| match sentence.role {
            Role::Lead | Role::Body if sentence.tokens.is_empty() => Standing::Wordless,
            Role::Lead | Role::Body => Standing::Competes,
            Role::Closing => Standing::Closing,
        })
        .collect();
    let fingerprint = |index| words(index).fold(0_u64, |hash, term| crate::text::mix(hash.wrapping_add(term)));
    let mut alike: Vec<(u64, Standing, usize)> =
        standings.iter().enumerate().map(|(index, &standing)| (fingerprint(index), standing, index)).collect();
    alike.sort_unstable();
    for group in alike.chunk_by(|a, b| a.0 == b.0) {
        for &(_, _, index) in &group[1..] {
            // Equal fingerprints of unequal sentences would be chance; a summary must not lose a sentence to it.
            if words(index).eq(words(group[0].2)) {
                standings[index] = Standing::Repeats;
            }
        }
    }
    standings
}

/// Centrality and position together, scaled so that the best is 1.
fn weights(centralities: &[f64]) -> Vec<f64> {
    let most_central = centralities.iter().copied().fold(0.0, f64::max);
    let weight = |(vertex, value): (usize, &f64)| {
        value / most_central + POSITION_WEIGHT * libm::exp(-(vertex as f64) / POSITION_DECAY)
    };
    let weights: Vec<f64> = centralities.iter().enumerate().map(weight).collect();
    let best = weights.iter().copied().fold(0.0, f64::max);
    weights.iter().map(|weight| weight / best).collect()
}

/// A vertex with the gain it had when it was last looked at.
#[derive(Debug, PartialEq)]
struct Candidate {
    gain: f64,
    vertex: Reverse<usize>,
}

impl Eq for Candidate {}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain.total_cmp(&other.gain).then(self.vertex.cmp(&other.vertex))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Vertices by marginal gain, ties by index. Gains only ever fall, so a candidate whose gain is still what the heap
/// says is the best of all (lazy evaluation, Minoux 1978); each edge is looked at twice.
fn by_marginal_gain(graph: &Graph, weights: &[f64], redundancy: f64) -> Vec<usize> {
    let redundancy = if redundancy > 0.0 { redundancy.min(1.0) } else { 0.0 };
    let mut nearest = vec![0.0_f64; weights.len()];
    let gain = |vertex: usize, nearest: &[f64]| weights[vertex] - redundancy * nearest[vertex];
    let mut heap: BinaryHeap<Candidate> = weights
        .iter()
        .enumerate()
        .map(|(vertex, &weight)| Candidate { gain: weight, vertex: Reverse(vertex) })
        .collect();
    let mut order = Vec::with_capacity(weights.len());
    while let Some(Candidate { gain: seen, vertex: Reverse(vertex) }) = heap.pop() {
        let now = gain(vertex, &nearest);
        if now < seen {
            heap.push(Candidate { gain: now, vertex: Reverse(vertex) });
            continue;
        }
        order.push(vertex);
        for edge in graph.edges(vertex) {
            nearest[edge.to] = nearest[edge.to].max(edge.similarity);
        }
    }
    order
}
