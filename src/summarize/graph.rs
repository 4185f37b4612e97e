//! The sentence graph: which sentences share terms, and how much.
//!
//! Similarity is the coefficient of Dice (1945) over content terms: `2 * terms in both / (terms of a + terms of b)`. It is
//! found through an inverted index, never by comparing all pairs. With `T` tokens and `n` sentences it takes at most
//! `T * MAX_POSTINGS / 2` comparisons and keeps at most `n * MAX_EDGES` edges, so the cost is linear in the text.

use super::function_words::is_function_word;
use crate::text::{Document, Numbering, Token, TokenKind, mix};

/// A term in more sentences than this makes no pairs.
pub(super) const MAX_POSTINGS: usize = 128;

/// Of a sentence's links to later ones this many are kept, the strongest.
pub(super) const MAX_EDGES: usize = 64;

/// A link to another vertex.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Edge {
    pub(super) to: usize,
    /// In (0, 1].
    pub(super) similarity: f64,
}

/// An undirected graph over some sentences of a document.
#[derive(Debug)]
pub(super) struct Graph {
    /// The edges of vertex `v` are `edges[starts[v]..starts[v + 1]]`, ordered by their other end.
    starts: Vec<usize>,
    edges: Vec<Edge>,
    /// How many times two sentences were found to share a term: the measure of its cost.
    pub(super) comparisons: usize,
}

impl Graph {
    /// The graph over the sentences with these indices, as vertices `0..vertices.len()`.
    pub(super) fn new(document: &Document<'_>, vertices: &[usize]) -> Self {
        let n = vertices.len();
        let Index { terms, ends, holders, starts } = Index::new(document, vertices);

        // One row at a time: a vertex meets the later vertices among the holders of each of its terms.
        let mut forward: Vec<(usize, Edge)> = Vec::new();
        let mut shared = vec![0_u32; n];
        let mut touched: Vec<usize> = Vec::new();
        let mut comparisons = 0;
        // By term: where its next holder is.
        let mut next = starts.clone();
        let size = |vertex: usize| ends[vertex] - if vertex == 0 { 0 } else { ends[vertex - 1] };
        for vertex in 0..n {
            for &term in &terms[ends[vertex] - size(vertex)..ends[vertex]] {
                let (first, end) = (starts[term as usize], starts[term as usize + 1]);
                next[term as usize] += 1;
                if end - first > MAX_POSTINGS {
                    continue;
                }
                let later = &holders[next[term as usize]..end];
                for &to in later {
                    let to = to as usize;
                    if shared[to] == 0 {
                        touched.push(to);
                    }
                    shared[to] += 1;
                }
                comparisons += later.len();
            }
            touched.sort_unstable();
            let first = forward.len();
            for to in touched.drain(..) {
                let similarity = f64::from(2 * shared[to]) / (size(vertex) + size(to)) as f64;
                forward.push((vertex, Edge { to, similarity }));
                shared[to] = 0;
            }
            keep_strongest(&mut forward, first);
        }
        let (starts, edges) = both_ways(&forward, n);
        Self { starts, edges, comparisons }
    }

    /// Number of vertices.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The links of a vertex, ordered by their other end.
    pub(super) fn edges(&self, vertex: usize) -> &[Edge] {
        &self.edges[self.starts[vertex]..self.starts[vertex + 1]]
    }
}

/// Which vertices hold which terms. Terms are numbers, in the order in which they first come by.
struct Index {
    /// The different terms of each vertex, vertex after vertex.
    terms: Vec<u32>,
    /// By vertex: where its terms end.
    ends: Vec<usize>,
    /// The vertices that hold each term, ascending, term after term.
    holders: Vec<u32>,
    /// Those of term `t` are `holders[starts[t]..starts[t + 1]]`.
    starts: Vec<usize>,
}

impl Index {
    fn new(document: &Document<'_>, vertices: &[usize]) -> Self {
        let tokens_of = |sentence: usize| &document.tokens[document.sentences[sentence].tokens.clone()];
        let most = vertices.iter().map(|&sentence| tokens_of(sentence).len()).sum();
        let mut numbering = Numbering::new(most);
        let mut terms: Vec<u32> = Vec::with_capacity(most);
        // By term: the last vertex that holds it, and how many do.
        let mut held: Vec<(usize, usize)> = vec![(usize::MAX, 0); most];
        let mut ends = Vec::with_capacity(vertices.len());
        for (vertex, &sentence) in vertices.iter().enumerate() {
            let mut previous = None;
            for (token, next) in with_next(tokens_of(sentence)) {
                if let Some(term) = term(token, previous, next) {
                    let number = numbering.number(term);
                    let (last, count) = &mut held[number as usize];
                    if *last != vertex {
                        (*last, *count) = (vertex, *count + 1);
                        terms.push(number);
                    }
                }
                previous = Some(token);
            }
            ends.push(terms.len());
        }
        held.truncate(numbering.len());
        let mut starts = Vec::with_capacity(held.len() + 1);
        starts.push(0);
        starts.extend(held.iter().scan(0, |end, (_, count)| {
            *end += count;
            Some(*end)
        }));
        let mut free = starts.clone();
        let mut holders = vec![0; terms.len()];
        let mut first = 0;
        for (vertex, &end) in (0..).zip(&ends) {
            for &term in &terms[first..end] {
                holders[free[term as usize]] = vertex;
                free[term as usize] += 1;
            }
            first = end;
        }
        Self { terms, ends, holders, starts }
    }
}

fn with_next(tokens: &[Token]) -> impl Iterator<Item = (&Token, Option<&Token>)> {
    tokens.iter().zip(tokens.iter().skip(1).map(Some).chain([None]))
}

/// What a token stands for in a sentence. A Chinese word is most often two characters, so a Han token counts as the pair it
/// makes with the one before; alone, as itself.
fn term(token: &Token, previous: Option<&Token>, next: Option<&Token>) -> Option<u64> {
    let is_han = |token: &Token| token.kind == TokenKind::Han;
    match token.kind {
        TokenKind::Word => (!is_function_word(token.term)).then_some(token.term),
        TokenKind::Number => Some(token.term),
        TokenKind::Han => match previous.filter(|previous| token.joins_previous && is_han(previous)) {
            Some(previous) => Some(han_pair(previous.term, token.term)),
            None if next.is_some_and(|next| next.joins_previous && is_han(next)) => None,
            None => Some(token.term),
        },
    }
}

/// What two Han characters in a row make together, by their terms.
pub(super) fn han_pair(first: u64, second: u64) -> u64 {
    mix(first.rotate_left(1) ^ second)
}

/// Cuts the edges from `first` on to the strongest; of equal ones the nearest stay.
fn keep_strongest(forward: &mut Vec<(usize, Edge)>, first: usize) {
    let row = &mut forward[first..];
    if row.len() > MAX_EDGES {
        row.sort_unstable_by(|(_, a), (_, b)| b.similarity.total_cmp(&a.similarity).then(a.to.cmp(&b.to)));
        row[..MAX_EDGES].sort_unstable_by_key(|(_, edge)| edge.to);
        forward.truncate(first + MAX_EDGES);
    }
}

/// Forward edges, ordered by both ends, become edges in both directions.
fn both_ways(forward: &[(usize, Edge)], n: usize) -> (Vec<usize>, Vec<Edge>) {
    let mut starts = vec![0; n + 1];
    for (from, edge) in forward {
        starts[from + 1] += 1;
        starts[edge.to + 1] += 1;
    }
    for vertex in 0..n {
        starts[vertex + 1] += starts[vertex];
    }
    let mut free = starts.clone();
    let mut edges = vec![Edge { to: 0, similarity: 0.0 }; forward.len() * 2];
    let mut put = |vertex: usize, edge| {
        edges[free[vertex]] = edge;
        free[vertex] += 1;
    };
    // Links to earlier vertices first, so that each row ends up ordered.
    for &(from, edge) in forward {
        put(edge.to, Edge { to: from, similarity: edge.similarity });
    }
    for &(from, edge) in forward {
        put(from, edge);
    }
    (starts, edges)
}
