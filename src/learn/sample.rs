//! The calibration sample: which articles' features are kept when there are more than [`MAX_SAMPLE`].

use std::collections::BTreeMap;

use crate::model::{Digest, MAX_SAMPLE};

/// The groups with the smallest digests, as long as they hold at most `capacity` articles together: a bottom-k
/// sample (Thorup 2013), which does not depend on the order of articles and can be merged.
#[derive(Debug)]
pub(super) struct Sample {
    /// By group digest.
    pub(super) groups: BTreeMap<Digest, Vec<Sampled>>,
    /// Articles in all groups.
    pub(super) articles: usize,
    capacity: usize,
    /// The smallest group that did not fit; neither do those after it.
    first_left_out: Option<Digest>,
}

#[derive(Debug)]
pub(super) struct Sampled {
    pub(super) digest: Digest,
    pub(super) text: Digest,
    pub(super) source: Option<String>,
    /// By axis: the trainer's number of the label.
    pub(super) labels: [Option<u16>; 2],
    pub(super) features: Vec<u64>,
}

impl Default for Sample {
    fn default() -> Self {
        Sample { groups: BTreeMap::new(), articles: 0, capacity: MAX_SAMPLE, first_left_out: None }
    }
}

impl Sample {
    pub(super) fn add(&mut self, group: Digest, article: Sampled) {
        if self.first_left_out.is_some_and(|limit| group >= limit) {
            return;
        }
        self.groups.entry(group).or_default().push(article);
        self.articles += 1;
        while self.articles > self.capacity {
            let Some((group, articles)) = self.groups.pop_last() else { return };
            self.articles -= articles.len();
            self.first_left_out = Some(group);
        }
    }
}

impl Sample {
    /// Notes another source of an article that was added before. The first in the order of names is kept, whatever the
    /// order they come in.
    pub(super) fn another_source(&mut self, group: Digest, article: Digest, source: Option<&str>) {
        let members = self.groups.get_mut(&group).into_iter().flatten();
        for known in members.filter(|known| known.digest == article) {
            if let Some(other) = source
                && known.source.as_deref().is_none_or(|one| other < one)
            {
                known.source = Some(other.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let mut sample = Sample { capacity: 9, ..Sample::default() };
            for &(group, number) in &all {
                let digest = Digest([number; 16]);
                let article =
                    Sampled { digest, text: digest, source: None, labels: [None, None], features: Vec::new() };
                sample.add(Digest([group; 16]), article);
            }
            let kept: Vec<(u8, usize)> = sample.groups.iter().map(|(group, of)| (group.0[0], of.len())).collect();
            assert_eq!(kept, [(10, 3), (20, 1), (30, 4)]);
            assert_eq!(sample.articles, 8);
        }
    }
}
