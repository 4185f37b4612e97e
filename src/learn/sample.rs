//! The calibration sample: which articles' features are kept when there are more than [`MAX_SAMPLE`].

use std::collections::{BTreeMap, btree_map::Entry};

use super::tally::Row;
use crate::model::{Digest, MAX_SAMPLE};

/// The groups with the smallest digests, as long as they hold at most `capacity` articles together: a bottom-k
/// sample (Thorup 2013), which does not depend on the order of articles and can be merged.
#[derive(Debug)]
pub(super) struct Sample {
    /// By group digest and article digest.
    pub(super) groups: BTreeMap<Digest, BTreeMap<Digest, Sampled>>,
    /// Articles in all groups.
    pub(super) articles: usize,
    capacity: usize,
    /// The smallest group that did not fit; neither do those after it.
    pub(super) limit: Option<Digest>,
    /// Whether counting anew would give the same sample.
    pub(super) is_exact: bool,
}

#[derive(Debug)]
pub(super) struct Sampled {
    pub(super) text: Digest,
    pub(super) source: Option<String>,
    pub(super) row: Row,
}

impl Default for Sample {
    fn default() -> Self {
        Self::with_capacity(MAX_SAMPLE)
    }
}

impl Sample {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Sample { groups: BTreeMap::new(), articles: 0, capacity, limit: None, is_exact: true }
    }

    /// A sample of nothing with the same capacity.
    pub(super) fn emptied(&self) -> Self {
        Self::with_capacity(self.capacity)
    }

    /// Whether articles of a group are kept.
    pub(super) fn takes(&self, group: Digest) -> bool {
        self.limit.is_none_or(|limit| group < limit)
    }

    /// Takes an article in, if its group has a place. Of one that is there already, the source is noted.
    pub(super) fn add(&mut self, group: Digest, article: Digest, mut sampled: Sampled) {
        if !self.takes(group) {
            return;
        }
        match self.groups.entry(group).or_default().entry(article) {
            Entry::Occupied(known) => note(known.into_mut(), sampled.source.as_deref()),
            Entry::Vacant(place) => {
                // Rows come with room for repeated features. A copy takes no more than it needs, and what is given back is in
                // one piece.
                sampled.row.ngrams = sampled.row.ngrams.as_slice().into();
                sampled.row.terms = sampled.row.terms.as_slice().into();
                place.insert(sampled);
                self.articles += 1;
            }
        }
        while self.articles > self.capacity {
            let Some((group, articles)) = self.groups.pop_last() else { return };
            self.articles -= articles.len();
            self.limit = Some(group);
        }
    }

    /// Lets go of a group and all after it.
    pub(super) fn limit_to(&mut self, limit: Digest) {
        if self.takes(limit) {
            self.limit = Some(limit);
            let gone = self.groups.split_off(&limit);
            self.articles -= gone.values().map(BTreeMap::len).sum::<usize>();
        }
    }

    /// Lets go of an article that is counted no more.
    pub(super) fn remove(&mut self, group: Digest, article: Digest) {
        // With it gone, groups from the limit on might have found a place; what is in them is not known any more.
        if self.limit.is_some_and(|limit| group <= limit) {
            self.is_exact = false;
        }
        if let Entry::Occupied(mut members) = self.groups.entry(group) {
            self.articles -= usize::from(members.get_mut().remove(&article).is_some());
            if members.get().is_empty() {
                members.remove();
            }
        }
    }

    /// Notes another source of an article that was added before. The first in the order of names is kept, whatever the
    /// order they come in.
    pub(super) fn another_source(&mut self, group: Digest, article: Digest, source: Option<&str>) {
        if let Some(known) = self.groups.get_mut(&group).and_then(|members| members.get_mut(&article)) {
            note(known, source);
        }
    }
}

fn note(known: &mut Sampled, source: Option<&str>) {
    if let Some(other) = source
        && known.source.as_deref().is_none_or(|one| other < one)
    {
        known.source = Some(other.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(sample: &mut Sample, group: u8, article: u8) {
        let row = Row { labels: [None, None], language: 0, ngrams: Vec::new(), terms: Vec::new() };
        let sampled = Sampled { text: Digest([article; 16]), source: None, row };
        sample.add(Digest([group; 16]), Digest([article; 16]), sampled);
    }

    /// By group: articles.
    fn check(sample: &Sample, expect: &[(u8, usize)], limit: Option<u8>) {
        let kept: Vec<(u8, usize)> = sample.groups.iter().map(|(group, of)| (group.0[0], of.len())).collect();
        assert_eq!(kept, expect);
        assert_eq!(sample.articles, expect.iter().map(|(_, articles)| articles).sum::<usize>());
        assert_eq!(sample.limit.map(|limit| limit.0[0]), limit);
    }

    /// Whatever the order, the sample is the longest run of smallest groups that fits.
    #[test]
    fn order_changes_nothing() {
        // Group digest and number of articles: 3 + 1 + 4 fit into 9, the group of 2 does not, nor do those after it.
        let sizes = [(10_u8, 3), (20, 1), (30, 4), (40, 2), (50, 1)];
        let mut all: Vec<(u8, u8)> =
            sizes.iter().flat_map(|&(group, size)| (0..size).map(move |number| (group, number))).collect();
        for turn in 0..all.len() {
            all.rotate_left(1);
            if turn % 2 == 0 {
                all.reverse();
            }
            let mut sample = Sample::with_capacity(9);
            for &(group, number) in all.iter().chain(&all[..turn]) {
                add(&mut sample, group, number);
            }
            check(&sample, &[(10, 3), (20, 1), (30, 4)], Some(40));
        }
    }

    #[test]
    fn what_is_removed_leaves_a_place_that_only_smaller_groups_take() {
        let mut sample = Sample::with_capacity(3);
        for (group, article) in [(10, 1), (20, 1), (30, 1), (40, 1), (50, 1)] {
            add(&mut sample, group, article);
        }
        check(&sample, &[(10, 1), (20, 1), (30, 1)], Some(40));
        sample.remove(Digest([50; 16]), Digest([1; 16]));
        assert!(sample.is_exact, "it would not have been in the sample anyway");
        sample.remove(Digest([20; 16]), Digest([1; 16]));
        assert!(!sample.is_exact);
        check(&sample, &[(10, 1), (30, 1)], Some(40));
        add(&mut sample, 45, 1);
        check(&sample, &[(10, 1), (30, 1)], Some(40));
        add(&mut sample, 25, 1);
        add(&mut sample, 26, 1);
        check(&sample, &[(10, 1), (25, 1), (26, 1)], Some(30));
        sample.limit_to(Digest([26; 16]));
        check(&sample, &[(10, 1), (25, 1)], Some(26));
        sample.limit_to(Digest([30; 16]));
        check(&sample, &[(10, 1), (25, 1)], Some(26));
    }
}
