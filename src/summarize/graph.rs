//! The sentence graph: which sentences share terms, and how much.
//!
//! Similarity is the coefficient of Dice (1945) over content terms: `2 * terms in both / (terms of a + terms of b)`. It is
//! found through an inverted index, never by comparing all pairs. With `T` tokens and `n` sentences it takes at most
//! `T * MAX_POSTINGS / 2` comparisons and keeps at most `n * MAX_EDGES` edges, so the cost is linear in the text.

use super::function_words::is_function_word;
use crate::text::{Document, Token, TokenKind, mix};

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

/// A term of a vertex.
#[derive(Clone, Copy, Debug)]
struct Entry {
    term: u64,
    vertex: u32,
}

impl Graph {
    /// The graph over the sentences with these indices, as vertices `0..vertices.len()`.
    pub(super) fn new(document: &Document<'_>, vertices: &[usize]) -> Self {
        let n = vertices.len();
        let Index { entries, ends, sizes } = Index::new(document, vertices);
        let rows = rows(&entries, n);

        // One row at a time: a vertex meets the later vertices in the postings of each of its terms.
        let mut forward: Vec<(usize, Edge)> = Vec::new();
        let mut shared = vec![0_u32; n];
        let mut touched: Vec<usize> = Vec::new();
        let mut comparisons = 0;
        for (vertex, row) in rows.iter().enumerate() {
            for &at in row.iter() {
                for other in &entries[at + 1..ends[at]] {
                    let to = other.vertex as usize;
                    if shared[to] == 0 {
                        touched.push(to);
                    }
                    shared[to] += 1;
                }
                comparisons += ends[at] - at - 1;
            }
            touched.sort_unstable();
            let first = forward.len();
            for to in touched.drain(..) {
                let similarity = f64::from(2 * shared[to]) / f64::from(sizes[vertex] + sizes[to]);
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

/// Which sentences hold which terms.
struct Index {
    /// Ordered by term and vertex; without terms that are in too many sentences.
    entries: Vec<Entry>,
    /// For each entry, the end of its term's postings.
    ends: Vec<usize>,
    /// By vertex: its different terms, those in too many sentences among them.
    sizes: Vec<u32>,
}

impl Index {
    fn new(document: &Document<'_>, vertices: &[usize]) -> Self {
        let mut all = Vec::new();
        for (vertex, &sentence) in vertices.iter().enumerate() {
            let mut previous = None;
            for (token, next) in with_next(&document.tokens[document.sentences[sentence].tokens.clone()]) {
                if let Some(term) = term(token, previous, next) {
                    all.push(Entry { term, vertex: vertex as u32 });
                }
                previous = Some(token);
            }
        }
        all.sort_unstable_by_key(|entry| (entry.term, entry.vertex));
        all.dedup_by_key(|entry| (entry.term, entry.vertex));
        let mut sizes = vec![0; vertices.len()];
        all.iter().for_each(|entry| sizes[entry.vertex as usize] += 1);
        let mut entries = Vec::with_capacity(all.len());
        let mut ends = Vec::with_capacity(all.len());
        for postings in all.chunk_by(|a, b| a.term == b.term).filter(|postings| postings.len() <= MAX_POSTINGS) {
            entries.extend_from_slice(postings);
            ends.resize(entries.len(), entries.len());
        }
        Self { entries, ends, sizes }
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

/// The places of each vertex's entries.
fn rows(entries: &[Entry], n: usize) -> Rows {
    let mut starts = vec![0; n + 1];
    for entry in entries {
        starts[entry.vertex as usize + 1] += 1;
    }
    for vertex in 0..n {
        starts[vertex + 1] += starts[vertex];
    }
    let mut free = starts.clone();
    let mut places = vec![0; entries.len()];
    for (at, entry) in entries.iter().enumerate() {
        let slot = &mut free[entry.vertex as usize];
        places[*slot] = at;
        *slot += 1;
    }
    Rows { starts, places }
}

struct Rows {
    starts: Vec<usize>,
    places: Vec<usize>,
}

impl Rows {
    fn iter(&self) -> impl Iterator<Item = &[usize]> {
        self.starts.windows(2).map(|range| &self.places[range[0]..range[1]])
    }
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
