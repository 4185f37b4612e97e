//! Sums over very many features in little memory: what changes is gathered, sorted, and merged into compressed runs, but for
//! the features that come often, which are added up where they stand.
//!
//! A feature that stands in one article, as most do, takes about ten bytes. Runs are cut by the first bits of the
//! features' ids, so that merging needs little memory besides, and goes on in parallel. What came last is in runs of its own
//! until they are a part of the others that is worth merging (a log-structured merge tree: O'Neil et al. 1996), so that the
//! whole is not written anew for every few articles.

mod bytes;
mod frequent;
mod part;
mod run;

use std::collections::HashMap;

use rayon::prelude::*;

pub(super) use self::bytes::FeatureCells;
use self::{
    bytes::Writer,
    part::Part,
    run::{Change, NONE, Run},
};

/// Parts that the features are spread over, by the first bits of their ids.
const PARTS: usize = 256;
const PART_SHIFT: u32 = u64::BITS - PARTS.trailing_zeros();

/// Parts that a thread adds to at a time: what they take together stays in the processor's cache.
const TOGETHER: usize = 4;

/// Single changes that are gathered before they are merged, on all threads.
const MAX_ADDED: usize = 2 << 20;

/// What was taken and is not merged yet, at most.
const MAX_TAKEN: usize = 1 << 20;

/// How many articles of each label have each feature.
#[derive(Debug)]
pub(super) struct Sums {
    parts: Vec<Part>,
    /// Changes that were added one by one since the last were merged.
    added: usize,
    /// Features that are there even without articles.
    bare: Vec<u64>,
    /// By feature, axis and label.
    taken: HashMap<(u64, u8, u16), u32>,
}

impl Default for Sums {
    fn default() -> Self {
        Self { parts: (0..PARTS).map(|_| Part::default()).collect(), added: 0, bare: Vec::new(), taken: HashMap::new() }
    }
}

fn part_of(id: u64) -> usize {
    (id >> PART_SHIFT) as usize
}

impl Sums {
    /// Counts a feature of articles with some labels. A feature without labels is there without cells.
    pub(super) fn add(&mut self, id: u64, labels: [Option<u16>; 2], articles: u32) {
        let labels = labels.map(|label| label.unwrap_or(NONE));
        if labels == [NONE; 2] {
            self.bare.push(id);
        } else if articles > 0 {
            self.parts[part_of(id)].pending.push(Change { id, labels, articles });
            self.added += 1;
            if self.added >= MAX_ADDED {
                self.settle();
            }
        }
    }

    /// Counts articles by their features, ascending, and their labels.
    pub(super) fn add_articles(&mut self, articles: &[(&[u64], [Option<u16>; 2])]) {
        // By article: where the features of each thread's parts begin.
        let starts = |&(ids, _): &(&[u64], _)| {
            let mut starts = [0; PARTS / TOGETHER + 1];
            ids.iter().for_each(|&id| starts[part_of(id) / TOGETHER + 1] += 1);
            for number in 1..starts.len() {
                starts[number] += starts[number - 1];
            }
            starts
        };
        let starts: Vec<[usize; PARTS / TOGETHER + 1]> = articles.par_iter().map(starts).collect();
        self.parts.par_chunks_mut(TOGETHER).enumerate().for_each(|(number, parts)| {
            for (&(ids, labels), starts) in articles.iter().zip(&starts) {
                let labels = labels.map(|label| label.unwrap_or(NONE));
                for &id in &ids[starts[number]..starts[number + 1]] {
                    parts[part_of(id) % TOGETHER].add(id, labels);
                }
            }
        });
    }

    /// Articles of a label of an axis that have a feature. What was added must have been settled.
    pub(super) fn count(&self, id: u64, axis: usize, label: u16) -> u32 {
        let part = &self.parts[part_of(id)];
        let in_run = |run: &Run| {
            let cells = run.find(id)?;
            cells[axis].iter().find(|(own, _)| *own == label).map(|(_, count)| *count)
        };
        let runs = [&part.run, &part.recent].map(|run| in_run(run).unwrap_or_default());
        let taken = self.taken.get(&(id, axis as u8, label)).copied().unwrap_or_default();
        let counted = runs[0].saturating_add(runs[1]).saturating_add(part.frequent.count(id, axis, label));
        counted.saturating_sub(taken)
    }

    /// Takes articles off a count, which must be as large.
    pub(super) fn take(&mut self, id: u64, axis: usize, label: u16, articles: u32) {
        let taken = self.taken.entry((id, axis as u8, label)).or_default();
        *taken = taken.saturating_add(articles);
        if self.taken.len() >= MAX_TAKEN {
            self.finish();
        }
    }

    /// Merges what was gathered, so that it can be counted.
    pub(super) fn settle(&mut self) {
        self.added = 0;
        if self.parts.iter().any(|part| !part.pending.is_empty()) {
            self.parts.par_iter_mut().filter(|part| !part.pending.is_empty()).for_each(|part| {
                part.merge_pending();
                part.pending.clear();
            });
        }
    }

    /// Merges everything, and gives back what that takes.
    pub(super) fn finish(&mut self) {
        let mut taken: Vec<Change> = Vec::with_capacity(self.taken.len());
        for ((id, axis, label), articles) in std::mem::take(&mut self.taken) {
            let mut labels = [NONE; 2];
            labels[usize::from(axis)] = label;
            taken.push(Change { id, labels, articles });
        }
        taken.sort_unstable_by_key(|change| change.id);
        let mut bare: Vec<Change> =
            self.bare.drain(..).map(|id| Change { id, labels: [NONE; 2], articles: 0 }).collect();
        bare.sort_unstable_by_key(|change| change.id);
        self.parts.par_iter_mut().enumerate().for_each(|(number, part)| {
            let of_part = |changes: &[Change]| {
                let [start, end] = [number, number + 1].map(|n| changes.partition_point(|it| part_of(it.id) < n));
                Run::of(&changes[start..end])
            };
            part.finish();
            let (taken, bare) = (of_part(&taken), of_part(&bare));
            if taken.features > 0 {
                part.run = std::mem::take(&mut part.run).minus(&taken);
            }
            part.run = std::mem::take(&mut part.run).plus(bare);
            *part = Part { run: std::mem::take(&mut part.run), ..Part::default() };
        });
    }

    /// Gives labels other numbers, and forgets those that get none.
    pub(super) fn renumber(&mut self, number: impl Fn(usize, u16) -> Option<u16> + Sync) {
        self.finish();
        self.parts.par_iter_mut().for_each(|Part { run, .. }| {
            let mut writer = Writer::with_capacity(run.bytes.len());
            run.visit(|id, cells| {
                for (axis, cells) in cells.iter_mut().enumerate() {
                    cells.retain_mut(|(label, _)| number(axis, *label).map(|number| *label = number).is_some());
                    cells.sort_unstable();
                }
                writer.write(id, cells);
            });
            *run = writer.finish();
        });
    }

    /// Features there are. It must have been finished.
    pub(super) fn features(&self) -> usize {
        self.parts.iter().map(|part| part.run.features).sum()
    }

    /// Cells of an axis there are. It must have been finished.
    pub(super) fn cells(&self, axis: usize) -> usize {
        self.parts.iter().map(|part| part.run.cells[axis]).sum()
    }

    /// Calls `visit` for every feature, ascending, with its cells. It must have been finished.
    pub(super) fn visit(&self, mut visit: impl FnMut(u64, &mut FeatureCells)) {
        self.parts.iter().for_each(|part| part.run.visit(&mut visit));
    }

    /// [`Sums::visit`] for the last time: what was visited is given back.
    pub(super) fn visit_last(self, mut visit: impl FnMut(u64, &mut FeatureCells)) {
        self.parts.into_iter().for_each(|part| part.run.visit(&mut visit));
    }

    /// Calls `visit` for the run of every part, ascending, with its features.
    pub(super) fn visit_runs(&self, mut visit: impl FnMut(&[(u64, FeatureTotals)])) {
        let mut features = Vec::new();
        for Part { run, .. } in &self.parts {
            features.clear();
            run.visit(|id, cells| {
                let documents =
                    cells.each_ref().map(|cells| cells.iter().fold(0, |sum, &(_, n)| n.saturating_add(sum)));
                features
                    .push((id, FeatureTotals { documents, cells: cells.each_ref().map(|cells| cells.len() as u16) }));
            });
            visit(&features);
        }
    }
}

/// What a feature's cells come to, by axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct FeatureTotals {
    /// Articles.
    pub(super) documents: [u32; 2],
    pub(super) cells: [u16; 2],
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// By feature, axis and label.
    type Plain = BTreeMap<u64, [BTreeMap<u16, u32>; 2]>;

    fn check(sums: &Sums, expect: &Plain) {
        let mut found = Plain::new();
        let (mut features, mut cells_of) = (0, [0; 2]);
        sums.visit(|id, cells| {
            features += 1;
            cells_of.iter_mut().zip(cells.iter()).for_each(|(sum, cells)| *sum += cells.len());
            let before = found.insert(id, cells.each_ref().map(|cells| cells.iter().copied().collect()));
            assert!(before.is_none() && found.last_key_value().is_some_and(|(last, _)| *last == id), "ascending");
        });
        assert_eq!(&found, expect);
        assert_eq!((sums.features(), [0, 1].map(|axis| sums.cells(axis))), (features, cells_of));
        for (&id, axes) in expect {
            for (axis, cells) in axes.iter().enumerate() {
                cells.iter().for_each(|(&label, &articles)| assert_eq!(sums.count(id, axis, label), articles));
                assert_eq!(sums.count(id, axis, 999), 0);
            }
            assert_eq!(sums.count(id ^ 1 << 40, 0, 999), 0);
        }
    }

    fn label() -> impl Strategy<Value = Option<u16>> {
        prop_oneof![Just(None), (0_u16..3).prop_map(Some), (0_u16..400).prop_map(Some)]
    }

    /// Features that are neighbours, far apart, and at both ends.
    fn id() -> impl Strategy<Value = u64> {
        prop_oneof![0_u64..200, (0_u64..40).prop_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)), Just(u64::MAX)]
    }

    proptest! {
        /// However the changes are gathered, the sums are those of a plain map.
        #[test]
        fn sums_are_those_of_a_map(
            added in proptest::collection::vec((id(), label(), label(), 1_u32..u32::MAX / 500, any::<bool>()), 0..400),
            taken in proptest::collection::vec(any::<prop::sample::Index>(), 0..50),
        ) {
            let (mut sums, mut plain) = (Sums::default(), Plain::new());
            for (id, first, second, articles, settle) in added {
                sums.add(id, [first, second], articles);
                let axes = plain.entry(id).or_default();
                for (axis, label) in [first, second].into_iter().enumerate() {
                    label.into_iter().for_each(|label| *axes[axis].entry(label).or_default() += articles);
                }
                if settle {
                    sums.settle();
                    for (axis, cells) in plain[&id].iter().enumerate() {
                        cells.iter().for_each(|(&label, &articles)| assert_eq!(sums.count(id, axis, label), articles));
                    }
                }
            }
            sums.finish();
            check(&sums, &plain);
            for index in taken {
                let cells = plain.iter().flat_map(|(&id, axes)| {
                    axes.iter().enumerate().flat_map(move |(axis, cells)| cells.keys().map(move |&label| (id, axis, label)))
                });
                let cells: Vec<(u64, usize, u16)> = cells.collect();
                if cells.is_empty() {
                    break;
                }
                let (id, axis, label) = cells[index.index(cells.len())];
                let articles = sums.count(id, axis, label);
                sums.take(id, axis, label, articles);
                prop_assert_eq!(sums.count(id, axis, label), 0);
                let axes = plain.get_mut(&id).unwrap();
                axes[axis].remove(&label);
                if axes.iter().all(BTreeMap::is_empty) {
                    plain.remove(&id);
                }
            }
            sums.finish();
            check(&sums, &plain);
        }

        /// Of so many articles that features come often, that labels come later, and that some are taken off between.
        #[test]
        fn articles_are_added_up(seed: u64, label_limits in proptest::collection::vec(1_u64..40, 2..5)) {
            let mut state = seed;
            let mut random = |below: u64| {
                state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                crate::text::mix(state) % below
            };
            let (mut sums, mut plain, mut has_frequent) = (Sums::default(), Plain::new(), false);
            for limit in label_limits {
                let articles: Vec<(Vec<u64>, [Option<u16>; 2])> = (0..1500)
                    .map(|_| {
                        // Common ones, rare ones and such as differ in their last bits, most of them in one part.
                        let id = |random: &mut dyn FnMut(u64) -> u64| match random(4) {
                            0 => random(8),
                            1 => random(400) << 40,
                            2 => crate::text::mix(random(50)),
                            _ => random(1 << 50),
                        };
                        let mut ids: Vec<u64> = (0..12).map(|_| id(&mut random)).collect();
                        ids.sort_unstable();
                        ids.dedup();
                        let second = random(limit + 1).checked_sub(1);
                        (ids, [Some(random(limit) as u16), second.map(|label| label as u16)])
                    })
                    .collect();
                let rows: Vec<_> = articles.iter().map(|(ids, labels)| (ids.as_slice(), *labels)).collect();
                sums.add_articles(&rows);
                for (ids, labels) in &articles {
                    for &id in ids {
                        let axes = plain.entry(id).or_default();
                        for (axis, label) in labels.iter().enumerate() {
                            label.iter().for_each(|&label| *axes[axis].entry(label).or_default() += 1);
                        }
                    }
                }
                sums.settle();
                has_frequent |= (0..8).any(|id| sums.parts[0].frequent.count(id, 0, 0) > 0);
                for (&id, axes) in plain.iter_mut().step_by(7) {
                    let Some((label, articles)) = axes[0].pop_first() else { continue };
                    prop_assert_eq!(sums.count(id, 0, label), articles);
                    sums.take(id, 0, label, articles);
                    prop_assert_eq!(sums.count(id, 0, label), 0);
                }
                plain.retain(|_, axes| axes.iter().any(|cells| !cells.is_empty()));
            }
            prop_assert!(has_frequent);
            sums.finish();
            check(&sums, &plain);
        }
    }
}
