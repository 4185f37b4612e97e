//! How much the other sentences speak for a sentence: a stationary distribution on the sentence graph.
//!
//! LexRank (Erkan and Radev 2004) with the direction of PacSum (Zheng and Lapata 2019): each sentence shares its vote
//! among those it resembles, and a vote from a later sentence counts more than one from an earlier sentence, since news
//! says first what it then explains. `p(i) = (1 - d) / n + d * sum over j of p(j) * w(j, i) / sum over k of w(j, k)`.

use super::graph::{Edge, Graph};

/// `d`: the share of a sentence's centrality that comes from votes.
const DAMPING: f64 = 0.85;

/// What a vote from an earlier sentence counts in news; one from a later sentence counts 1.
const FROM_EARLIER: f64 = 0.3;

/// Iteration stops after this many rounds,
const MAX_ITERATIONS: u32 = 100;

/// or when a round changes all values together by less than this.
const TOLERANCE: f64 = 1e-5;

/// How the power iteration ended.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Convergence {
    /// Rounds made, at most 100.
    pub iterations: u32,
    /// Sum of absolute changes in the last round; the values sum to 1. Below 1e-5, since each
    /// round shrinks it by the damping.
    pub residual: f64,
}

/// What a sentence gives to one that it resembles.
struct Vote {
    from: usize,
    similarity: f64,
    /// 1, or less if it is from an earlier sentence. Not asked for anew in every round: a processor cannot foresee it.
    counts: f64,
}

/// The centrality of each vertex. They sum to 1. With a `lead_bias` of 0 all votes count alike, with 1 those from earlier
/// sentences count as in news.
pub(super) fn centrality(graph: &Graph, lead_bias: f64) -> (Vec<f64>, Convergence) {
    let n = graph.len();
    let from_earlier = 1.0 - lead_bias * (1.0 - FROM_EARLIER);
    let counts = |from: usize, to: usize| if from < to { from_earlier } else { 1.0 };
    // By vertex: the votes it receives.
    let mut votes: Vec<Vote> = Vec::new();
    let mut ends = Vec::with_capacity(n);
    let mut given = vec![0.0; n];
    for (vertex, given) in given.iter_mut().enumerate() {
        for &Edge { to: other, similarity } in graph.edges(vertex) {
            votes.push(Vote { from: other, similarity, counts: counts(other, vertex) });
            *given += similarity * counts(vertex, other);
        }
        ends.push(votes.len());
    }
    let mut values = vec![1.0 / n as f64; n];
    let mut shares = vec![0.0; n];
    let mut next = vec![0.0; n];
    let mut convergence = Convergence::default();
    while convergence.iterations < MAX_ITERATIONS {
        // A sentence that resembles none votes for all alike.
        let mut unspent = 0.0;
        for vertex in 0..n {
            shares[vertex] = if given[vertex] > 0.0 { values[vertex] / given[vertex] } else { 0.0 };
            unspent += if given[vertex] > 0.0 { 0.0 } else { values[vertex] };
        }
        let base = (1.0 - DAMPING + DAMPING * unspent) / n as f64;
        let mut first = 0;
        for (value, &end) in next.iter_mut().zip(&ends) {
            let received = |sum: f64, vote: &Vote| sum + shares[vote.from] * vote.similarity * vote.counts;
            *value = base + DAMPING * votes[first..end].iter().fold(0.0, received);
            first = end;
        }
        convergence.iterations += 1;
        convergence.residual = values.iter().zip(&next).map(|(a, b)| (a - b).abs()).sum();
        std::mem::swap(&mut values, &mut next);
        if convergence.residual < TOLERANCE {
            break;
        }
    }
    (values, convergence)
}
