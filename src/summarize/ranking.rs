//! The order of importance of all sentences: weight first, then what each adds to those ranked before it.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

use super::{
    Options,
    centrality::{Convergence, centrality},
    cues::Cues,
    focus,
    graph::Graph,
    speech,
};
use crate::text::{Document, Role, Sentence};

// What follows is what a sentence of news gains or loses beside the centrality of the most central one, which is 1. The
// values were chosen on articles with summaries by people; CHANGELOG.md tells what others gave.

/// What the first place adds. Human summaries of news take from the start far more than centrality alone would.
const POSITION_WEIGHT: f64 = 0.6;

/// After this many sentences the position counts `1/e` of what it does for the first.
const POSITION_DECAY: f64 = 3.0;

/// What is lost if the whole sentence is direct speech: who writes a summary says it in words of his own.
const SPEECH_WEIGHT: f64 = 0.4;

/// What is gained if the sentence says what is to be done or was decided.
const BONUS_WEIGHT: f64 = 0.4;

/// What is lost if it says who was there, or how weighty the occasion is.
const STIGMA_WEIGHT: f64 = 0.5;

/// What a sentence gains that holds all that the summary is to favour: more than all else together.
const FOCUS_WEIGHT: f64 = 3.0;

/// A sentence with its place in the ranking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Which of [`Document::sentences`] it is.
    pub index: usize,
    /// Its place, from 1.
    pub rank: usize,
    /// Its weight before redundancy is counted: 1 for the best sentence, 0 for the least that competes and for those that
    /// do not.
    pub score: f64,
}

/// All sentences of a document, best first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranking {
    /// Every sentence once.
    pub sentences: Vec<Ranked>,
    /// How many of them, from the front, may stand in a summary. The others are too short, padded conclusions, repeat an
    /// earlier sentence word by word, or have no words.
    pub competing: usize,
    /// How the centrality was found.
    pub convergence: Convergence,
    /// How many times two sentences were found to share a term: the measure of cost, free of clocks.
    pub comparisons: usize,
}

/// Whether a sentence may stand in a summary; those that may not are ranked in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Competes,
    Short,
    Closing,
    Wordless,
    Repeats,
}

/// Ranks all sentences of a document by marginal gain: weight less [`Options::redundancy`] times the greatest similarity
/// to a sentence ranked before (maximal marginal relevance, Carbonell and Goldstein 1998). The budget is not looked at.
#[must_use]
pub fn rank(document: &Document<'_>, options: &Options) -> Ranking {
    let standings = standings(document, options);
    // If there is nothing better than short sentences, or conclusions, or sentences without words, those compete.
    let Some(&best) = standings.iter().min() else { return Ranking::default() };
    let vertices: Vec<usize> = (0..standings.len()).filter(|&index| standings[index] == best).collect();

    let graph = Graph::new(document, &vertices);
    let lead_bias = within_one(options.lead_bias);
    let (centralities, convergence) = centrality(&graph, lead_bias);
    let weights = weights(document, &vertices, &centralities, lead_bias, &options.focus);
    let order = by_marginal_gain(&graph, &weights, within_one(options.redundancy));

    let mut sentences: Vec<Ranked> = Vec::with_capacity(standings.len());
    let mut push = |index, score| sentences.push(Ranked { index, rank: sentences.len() + 1, score });
    order.iter().for_each(|&vertex| push(vertices[vertex], weights[vertex]));
    for standing in [Standing::Short, Standing::Closing, Standing::Wordless, Standing::Repeats] {
        let held_back = |&index: &usize| standing != best && standings[index] == standing;
        (0..standings.len()).filter(held_back).for_each(|index| push(index, 0.0));
    }
    Ranking { sentences, competing: vertices.len(), convergence, comparisons: graph.comparisons }
}

/// The standing of each sentence. Of equal sentences the first that is not a conclusion is kept. A conclusion competes if it
/// holds what the summary is to favour.
fn standings(document: &Document<'_>, options: &Options) -> Vec<Standing> {
    let tokens = |sentence: &Sentence| &document.tokens[sentence.tokens.clone()];
    let words = |index: usize| tokens(&document.sentences[index]).iter().map(|t| t.term);
    let mut standings: Vec<Standing> = document
        .sentences
        .iter()
        .map(|sentence| match sentence.role {
            Role::Lead | Role::Body if sentence.tokens.is_empty() => Standing::Wordless,
            Role::Lead | Role::Body if sentence.tokens.len() < options.min_sentence_words => Standing::Short,
            Role::Lead | Role::Body => Standing::Competes,
            Role::Closing if focus::share(&options.focus, tokens(sentence)) > 0.0 => Standing::Competes,
            Role::Closing => Standing::Closing,
        })
        .collect();
    let mixed = |hash: u64, term: u64| crate::text::mix(hash.wrapping_add(term));
    let fingerprint = |index| words(index).fold(0, mixed);
    let mut alike: Vec<(u64, Standing, usize)> =
        standings.iter().enumerate().map(|(index, &standing)| (fingerprint(index), standing, index)).collect();
    alike.sort_unstable();
    // Symbols are read only where words are equal, as those of few sentences are.
    for group in alike.chunk_by_mut(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
        for (hash, _, index) in group.iter_mut() {
            *hash = symbols(document, *index).map(u64::from).fold(*hash, mixed);
        }
        group.sort_unstable();
        for group in group.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
            let first = group[0].2;
            // Read once: there may be little in its sentence but marks that are no symbols.
            let of_first: Vec<char> = symbols(document, first).collect();
            for &(_, _, index) in &group[1..] {
                // Equal fingerprints of unequal sentences would be chance; a summary must not lose a sentence to it.
                if words(index).eq(words(first)) && symbols(document, index).eq(of_first.iter().copied()) {
                    standings[index] = Standing::Repeats;
                }
            }
        }
    }
    standings
}

/// What a sentence holds beside words, white space and punctuation: `+5%` is not `-5%`, though their words are the same.
fn symbols<'a>(document: &'a Document<'_>, index: usize) -> impl Iterator<Item = char> + 'a {
    let sentence = &document.sentences[index];
    let text = document.article.text.get(sentence.start..sentence.end).unwrap_or_default();
    let is_symbol = |c: &char| !c.is_alphanumeric() && !c.is_whitespace() && !PUNCTUATION.contains(*c);
    text.chars().filter(is_symbol)
}

/// Marks that repeated sentences may differ in.
const PUNCTUATION: &str =
    ".,;:!?\"'()[]\u{2018}\u{2019}\u{201c}\u{201d}…·。，、；：！？「」『』（）《》〈〉【】\u{ad}\u{200b}\u{feff}";

/// What each vertex is worth by itself, scaled so that the best has 1 and the least 0.
fn weights(
    document: &Document<'_>,
    vertices: &[usize],
    centralities: &[f64],
    lead_bias: f64,
    focus: &[focus::Focus],
) -> Vec<f64> {
    let most_central = centralities.iter().copied().fold(0.0, f64::max);
    let quoted = speech::quoted(document, vertices);
    let weight = |vertex: usize| {
        let tokens = &document.tokens[document.sentences[vertices[vertex]].tokens.clone()];
        let position = POSITION_WEIGHT * libm::exp(-(vertex as f64) / POSITION_DECAY);
        let cues = Cues::of(tokens);
        let bonus = if cues.bonus { BONUS_WEIGHT } else { 0.0 };
        let stigma = if cues.stigma { STIGMA_WEIGHT } else { 0.0 };
        let habits = position + bonus - stigma - SPEECH_WEIGHT * quoted[vertex];
        centralities[vertex] / most_central + lead_bias * habits + FOCUS_WEIGHT * focus::share(focus, tokens)
    };
    let weights: Vec<f64> = (0..vertices.len()).map(weight).collect();
    let least = weights.iter().copied().fold(f64::INFINITY, f64::min);
    let best = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let scaled = |weight: &f64| if best > least { (weight - least) / (best - least) } else { 1.0 };
    weights.iter().map(scaled).collect()
}

/// The nearest value from 0 to 1; what is not a number becomes 0.
fn within_one(value: f64) -> f64 {
    if value > 0.0 { value.min(1.0) } else { 0.0 }
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
