//! The features whose ids begin with the same bits: what came last is gathered, and merged when it is worth it.

use super::{
    frequent::Frequent,
    run::{Change, Run},
};

/// Changes of a part that are gathered before they are merged: 16 bytes each.
const MAX_PENDING: usize = 8 << 10;

/// What came last is merged with the rest when it takes one byte for so many of the rest.
const RECENT_SHARE: usize = 4;

/// The features that begin with some bits. What they come to is the sum of all four.
#[derive(Debug, Default)]
pub(super) struct Part {
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

    /// Merges everything into one run.
    pub(super) fn finish(&mut self) {
        self.merge_pending();
        self.pending.clear();
        let recent = std::mem::take(&mut self.recent).plus(self.frequent.take());
        self.run = std::mem::take(&mut self.run).plus(recent);
    }
}
