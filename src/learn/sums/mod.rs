//! Sums over very many features in little memory: what changes is gathered, sorted, and merged into compressed runs.
//!
//! A feature that stands in one article, as most do, takes about ten bytes. Runs are cut by the first bits of the
//! features' ids, so that merging needs little memory besides, and goes on in parallel. What came last is in runs of its own
//! until they are a part of the others that is worth merging (a log-structured merge tree: O'Neil et al. 1996), so that the
//! whole is not written anew for every few articles.

mod bytes;
mod run;

use std::collections::HashMap;

use rayon::prelude::*;

pub(super) use self::bytes::FeatureCells;
use self::{
    bytes::Writer,
    run::{Change, NONE, Run},
};

/// Runs that the features are spread over, by the first bits of their ids.
const RUNS: usize = 256;
const RUN_SHIFT: u32 = u64::BITS - RUNS.trailing_zeros();

/// Changes that are gathered before they are merged: 16 bytes each.
const MAX_PENDING: usize = 2 << 20;

/// What was taken and is not merged yet, at most.
const MAX_TAKEN: usize = 1 << 20;

/// What came last is merged with a run when it takes one byte for so many of the run.
const RECENT_SHARE: usize = 4;

/// How many articles of each label have each feature.
#[derive(Debug)]
pub(super) struct Sums {
    runs: Vec<Run>,
    /// What came last, of each run.
    recent: Vec<Run>,
    /// Changes of what came last that are not merged yet.
    pending: usize,
    /// By feature, axis and label.
    taken: HashMap<(u64, u8, u16), u32>,
}

impl Default for Sums {
    fn default() -> Self {
        let runs = || (0..RUNS).map(|_| Run::default()).collect();
        Self { runs: runs(), recent: runs(), pending: 0, taken: HashMap::new() }
    }
}

fn run_of(id: u64) -> usize {
    (id >> RUN_SHIFT) as usize
}

impl Sums {
    /// Counts a feature of articles with some labels. A feature without labels is there without cells.
    pub(super) fn add(&mut self, id: u64, labels: [Option<u16>; 2], articles: u32) {
        let labels = labels.map(|label| label.unwrap_or(NONE));
        let pending = &mut self.recent[run_of(id)].pending;
        let before = pending.len();
        pending.extend(Change::of(id, labels, articles));
        self.pending += pending.len() - before;
        if self.pending >= MAX_PENDING {
            self.settle();
        }
    }

    /// Articles of a label of an axis that have a feature. What was added must have been settled.
    pub(super) fn count(&self, id: u64, axis: usize, label: u16) -> u32 {
        let in_run = |run: &Run| {
            let cells = run.find(id)?;
            cells[axis].iter().find(|(own, _)| *own == label).map(|(_, count)| *count)
        };
        let both = [&self.runs, &self.recent].map(|runs| in_run(&runs[run_of(id)]).unwrap_or_default());
        let taken = self.taken.get(&(id, axis as u8, label)).copied().unwrap_or_default();
        both[0].saturating_add(both[1]).saturating_sub(taken)
    }

    /// Takes articles off a count, which must be as large.
    pub(super) fn take(&mut self, id: u64, axis: usize, label: u16, articles: u32) {
        let taken = self.taken.entry((id, axis as u8, label)).or_default();
        *taken = taken.saturating_add(articles);
        if self.taken.len() >= MAX_TAKEN {
            self.settle();
        }
    }

    /// Merges what was gathered.
    pub(super) fn settle(&mut self) {
        // What is taken was merged before. What was added since then may say that a feature is there without articles, which
        // has the last word.
        if !self.taken.is_empty() {
            self.merge(|_, _| true);
            for ((id, axis, label), articles) in self.taken.drain() {
                let mut labels = [NONE; 2];
                labels[usize::from(axis)] = label;
                let changes = Change::of(id, labels, articles);
                self.runs[run_of(id)].pending.extend(changes.map(|change| change.taken()));
            }
            self.runs.par_iter_mut().for_each(Run::settle);
        }
        if self.pending > 0 {
            self.recent.par_iter_mut().for_each(Run::settle);
            self.pending = 0;
            self.merge(|run, recent| recent.bytes.len() * RECENT_SHARE >= run.bytes.len());
        }
    }

    /// Merges runs of what came last into the others.
    fn merge(&mut self, is_worth_it: impl Fn(&Run, &Run) -> bool + Sync) {
        self.runs.par_iter_mut().zip(&mut self.recent).filter(|(run, recent)| is_worth_it(run, recent)).for_each(
            |(run, recent)| {
                run.take_in(recent);
            },
        );
    }

    /// Merges what was gathered, for the last time: what that takes is given back.
    pub(super) fn finish(&mut self) {
        self.settle();
        self.merge(|_, _| true);
        self.taken = HashMap::new();
        self.runs.iter_mut().chain(&mut self.recent).for_each(|run| run.pending = Vec::new());
    }

    /// Gives labels other numbers, and forgets those that get none.
    pub(super) fn renumber(&mut self, number: impl Fn(usize, u16) -> Option<u16> + Sync) {
        self.finish();
        self.runs.par_iter_mut().for_each(|run| {
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
        self.runs.iter().map(|run| run.features).sum()
    }

    /// Cells of an axis there are. It must have been finished.
    pub(super) fn cells(&self, axis: usize) -> usize {
        self.runs.iter().map(|run| run.cells[axis]).sum()
    }

    /// Calls `visit` for every feature, ascending, with its cells. It must have been finished.
    pub(super) fn visit(&self, mut visit: impl FnMut(u64, &mut FeatureCells)) {
        self.runs.iter().for_each(|run| run.visit(&mut visit));
    }

    /// [`Sums::visit`] for the last time: what was visited is given back.
    pub(super) fn visit_last(self, mut visit: impl FnMut(u64, &mut FeatureCells)) {
        self.runs.into_iter().for_each(|run| run.visit(&mut visit));
    }

    /// Calls `visit` for every run, ascending, with its features.
    pub(super) fn visit_runs(&self, mut visit: impl FnMut(&[(u64, FeatureTotals)])) {
        let mut features = Vec::new();
        for run in &self.runs {
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
    }
}
