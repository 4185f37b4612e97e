//! ROUGE (Lin 2004, "ROUGE: a package for automatic evaluation of summaries"): how much of a reference a summary says.
//!
//! The figures are those of Google's `rouge-score` 0.1.2 with `use_stemmer=True`: text in lower case, everything but
//! `a` to `z` and digits parts words, and words of more than three letters are stemmed. Beyond that, each Han character
//! is a word of its own, which `rouge-score` does not see; texts without any have the same figures as there.

use foldhash::{HashMap, HashMapExt as _};

use super::{
    lcs::{common, length},
    porter,
};
use crate::text::is_han;

/// The F1 of each kind of ROUGE, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rouge {
    /// Words in common.
    pub rouge1: f64,
    /// Pairs of neighbouring words in common.
    pub rouge2: f64,
    /// The longest common subsequence of the words of the whole texts.
    pub rouge_l: f64,
    /// Line by line of the reference, what longest common subsequences with the lines of the summary hold together.
    pub rouge_lsum: f64,
}

/// Gives equal words equal numbers.
#[derive(Default)]
pub(super) struct Words(HashMap<String, u32>);

/// The words of a text, line by line.
pub(super) struct Lines(Vec<Vec<u32>>);

impl Words {
    /// The words of a text.
    pub(super) fn lines(&mut self, text: &str) -> Lines {
        Lines(text.split('\n').map(|line| self.line(line)).collect())
    }

    fn line(&mut self, line: &str) -> Vec<u32> {
        let mut words = Vec::new();
        let mut word = String::new();
        // The line's own end closes its last word.
        for c in line.chars().flat_map(char::to_lowercase).chain(['\n']) {
            if c.is_ascii_alphanumeric() {
                word.push(c);
                continue;
            }
            if !word.is_empty() {
                let stemmed = if word.len() > 3 { porter::stem(&word) } else { word.clone() };
                words.push(self.number(stemmed));
                word.clear();
            }
            if is_han(c) {
                words.push(self.number(c.to_string()));
            }
        }
        words
    }

    fn number(&mut self, word: String) -> u32 {
        // A record is too short for more words than that.
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        *self.0.entry(word).or_insert(next)
    }
}

impl Lines {
    /// Whether there is no word.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }
}

/// Compares a summary with a reference; both were read with the same [`Words`].
pub(super) fn rouge(reference: &Lines, summary: &Lines) -> Rouge {
    let [a, b] = [reference, summary].map(|text| text.0.concat());
    let single = [&a, &b].map(|words| words.iter().map(|&word| [word]).collect::<Vec<_>>());
    let pairs = [&a, &b].map(|words| words.array_windows::<2>().copied().collect::<Vec<_>>());
    Rouge {
        rouge1: f1(in_common(&single[0], &single[1]), a.len(), b.len()),
        rouge2: f1(in_common(&pairs[0], &pairs[1]), pairs[0].len(), pairs[1].len()),
        rouge_l: f1(length(&a, &b), a.len(), b.len()),
        rouge_lsum: f1(union_length(&reference.0, &summary.0), a.len(), b.len()),
    }
}

/// The harmonic mean of precision and recall; 0 if nothing is in common.
fn f1(hits: usize, reference: usize, summary: usize) -> f64 {
    let (precision, recall) = (hits as f64 / summary.max(1) as f64, hits as f64 / reference.max(1) as f64);
    if hits == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) }
}

/// How many times each item stands in a list.
fn counts<T: std::hash::Hash + Eq + Copy>(items: &[T]) -> HashMap<T, usize> {
    let mut counts = HashMap::new();
    for &item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts
}

/// How many items two lists share, repeated ones as often as in both.
fn in_common<T: std::hash::Hash + Eq + Copy>(a: &[T], b: &[T]) -> usize {
    let b = counts(b);
    counts(a).iter().map(|(item, &count)| count.min(b.get(item).copied().unwrap_or_default())).sum()
}

/// How many words of the summary stand, line by line of the reference, in the union of the longest common subsequences
/// with the lines of the summary; none more often than in the summary.
fn union_length(reference: &[Vec<u32>], summary: &[Vec<u32>]) -> usize {
    let mut union = Vec::new();
    for line in reference {
        let mut places: Vec<usize> = summary.iter().flat_map(|other| common(line, other)).collect();
        places.sort_unstable();
        places.dedup();
        union.extend(places.into_iter().filter_map(|place| line.get(place)));
    }
    in_common(&union, &summary.iter().flatten().collect::<Vec<_>>())
}
