//! Longest common subsequences of words, by rows of bits.
//!
//! The table of lengths grows by at most one from cell to cell, so a row of it is a row of bits, and one addition works
//! on 64 cells (Hyyrö 2004, "Bit-parallel LCS-length computation revisited").

use foldhash::{HashMap, HashMapExt as _};

/// The rows of the table, one for each word of the second text.
struct Rows<'a> {
    /// For each word of the first text, where it stands.
    places: HashMap<u32, Vec<u64>>,
    /// One bit for each word of the first text, 0 where the length grows with that word.
    row: Vec<u64>,
    second: std::slice::Iter<'a, u32>,
}

impl<'a> Rows<'a> {
    fn new(first: &[u32], second: &'a [u32]) -> Self {
        let row = vec![u64::MAX; first.len().div_ceil(64)];
        let mut places: HashMap<u32, Vec<u64>> = HashMap::new();
        for (place, word) in first.iter().enumerate() {
            let bits = places.entry(*word).or_insert_with(|| vec![0; row.len()]);
            if let Some(bits) = bits.get_mut(place / 64) {
                *bits |= 1 << (place % 64);
            }
        }
        Rows { places, row, second: second.iter() }
    }

    /// Goes on to the row of the next word.
    fn advance(&mut self) -> Option<&[u64]> {
        let word = self.second.next()?;
        if let Some(places) = self.places.get(word) {
            let mut carry = false;
            for (bits, places) in self.row.iter_mut().zip(places) {
                let matched = *bits & places;
                let (sum, first) = bits.overflowing_add(matched);
                let (sum, second) = sum.overflowing_add(u64::from(carry));
                carry = first || second;
                *bits = sum | (*bits & !places);
            }
        }
        Some(&self.row)
    }
}

/// The length of the longest common subsequence.
pub(super) fn length(first: &[u32], second: &[u32]) -> usize {
    let mut rows = Rows::new(first, second);
    while rows.advance().is_some() {}
    (0..first.len()).filter(|&place| grows(&rows.row, place)).count()
}

/// Whether the length grows with a word of the first text.
fn grows(row: &[u64], place: usize) -> bool {
    row.get(place / 64).is_some_and(|bits| bits >> (place % 64) & 1 == 0)
}

/// The places in the first text of one of the longest common subsequences, last first. Which one it is matters to what
/// several of them hold together: it is found from the end, and where either text may be gone back in, it is the first.
pub(super) fn common(first: &[u32], second: &[u32]) -> Vec<usize> {
    let mut rows = Rows::new(first, second);
    let width = rows.row.len();
    let mut table: Vec<u64> = Vec::with_capacity(second.len().saturating_mul(width));
    while let Some(row) = rows.advance() {
        table.extend_from_slice(row);
    }
    let mut places = Vec::new();
    let (mut before, mut above) = (first.len().checked_sub(1), second.len().checked_sub(1));
    while let (Some(place), Some(number)) = (before, above) {
        let matches = first.get(place) == second.get(number);
        let is_kept = !matches && table.get(number * width..).is_some_and(|rows| grows(rows, place));
        if matches {
            places.push(place);
        }
        if !is_kept {
            before = place.checked_sub(1);
        }
        if matches || is_kept {
            above = number.checked_sub(1);
        }
    }
    places
}
