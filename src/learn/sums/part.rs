//! The features whose ids begin with the same bits: what came last is gathered, and merged when it is worth it.

use std::borrow::Cow;

use super::{
    bytes::FeatureCells,
    frequent::Frequent,
    run::{Change, Run, Spilled},
};
use crate::model::Scratch;

/// Changes of a part that are gathered before they are merged: 16 bytes each.
const MAX_PENDING: usize = 8 << 10;

/// What came last is merged with the rest when it takes one byte for so many of the rest.
const RECENT_SHARE: usize = 4;

/// The features that begin with some bits. What they come to is the sum of all there is.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// Runs that wait in a file, in the order in which they came.
    pub(super) spilled: Vec<Spilled>,
    pub(super) run: Run,
    /// What came last.
    pub(super) recent: Run,
    /// What came after that.
    pub(super) pending: Vec<Change>,
    pub(super) frequent: Frequent,
}

impl Part {
    /// Counts an article with an n-gram.
    pub(super) fn add(&mut self, change: Change) {
        let fields = self.frequent.add(change);
        if self.frequent.is_full {
            self.recent = std::mem::take(&mut self.recent).plus(self.frequent.take());
        }
        if fields != 0 {
            self.push(Change { fields, ..change });
        }
    }

    fn push(&mut self, change: Change) {
        self.pending.push(change);
        if self.pending.len() >= MAX_PENDING {
            self.merge_pending();
            if let Some(before) = self.frequent.learn(&self.pending) {
                self.recent = std::mem::take(&mut self.recent).plus(before);
            }
            self.pending.clear();
        }
    }

    /// Merges what was gathered, and leaves it there, sorted.
    pub(super) fn merge_pending(&mut self) {
        self.pending.sort_unstable_by_key(|change| change.ngram);
        self.recent = std::mem::take(&mut self.recent).plus(Run::of(&self.pending));
        if self.recent.bytes.len() * RECENT_SHARE >= self.run.bytes.len() {
            self.run = std::mem::take(&mut self.run).plus(std::mem::take(&mut self.recent));
        }
    }

    /// Puts the run into a file.
    pub(super) fn spill(&mut self, scratch: &Scratch) {
        if self.run.features > 0 {
            match std::mem::take(&mut self.run).spill(scratch) {
                Ok(spilled) => self.spilled.push(spilled),
                Err(run) => self.run = run,
            }
        }
    }

    /// Merges everything into one run, and gives back what all that takes.
    pub(super) fn finish(&mut self, scratch: Option<&Scratch>) -> Run {
        self.merge_pending();
        let Part { spilled, run, recent, mut frequent, .. } = std::mem::take(self);
        let take_back = |spilled: &Spilled| {
            let run = scratch.map(|scratch| spilled.load(scratch));
            scratch.into_iter().for_each(|scratch| spilled.give_back(scratch));
            run
        };
        let mut runs: Vec<Run> = spilled.iter().filter_map(take_back).collect();
        runs.extend([run, recent, frequent.take()]);
        // Neighbours by turns, so that no byte is merged more often than needs be.
        while runs.len() > 1 {
            let mut left = runs.into_iter();
            runs = std::iter::from_fn(|| {
                let first = left.next()?;
                Some(match left.next() {
                    Some(second) => first.plus(second),
                    None => first,
                })
            })
            .collect();
        }
        runs.pop().unwrap_or_default()
    }

    /// The only run of a part that was finished.
    pub(super) fn whole(&self, scratch: Option<&Scratch>) -> Cow<'_, Run> {
        match (self.spilled.first(), scratch) {
            (Some(spilled), Some(scratch)) => Cow::Owned(spilled.load(scratch)),
            (_, _) => Cow::Borrowed(&self.run),
        }
    }

    /// Features of a part that was finished, and cells by axis.
    pub(super) fn size(&self) -> (usize, [usize; 2]) {
        self.spilled.first().map_or((self.run.features, self.run.cells), |spilled| (spilled.features, spilled.cells))
    }

    /// Articles of a label of an axis that runs say have a feature.
    pub(super) fn in_runs(&self, scratch: Option<&Scratch>, id: u64, axis: usize, label: u16) -> u32 {
        let articles = |cells: FeatureCells| cells[axis].iter().find(|(own, _)| *own == label).map_or(0, |(_, n)| *n);
        let spilled =
            scratch.into_iter().flat_map(|file| self.spilled.iter().filter_map(move |run| run.find(file, id)));
        let held = [&self.run, &self.recent].into_iter().filter_map(|run| run.find(id));
        spilled.chain(held).map(articles).fold(0, u32::saturating_add)
    }
}
