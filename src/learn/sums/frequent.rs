//! The sums of features that come often, which are added up where they stand instead of being gathered and merged.

use super::{
    bytes::{FeatureCells, Writer},
    run::{Change, NONE, Run},
};

/// What the sums of one run's frequent features take at most, in bytes.
const BYTES: usize = 192 << 10;

/// Features at most.
const MAX_FEATURES: usize = 1 << 10;

/// A feature comes often if it does so many times among the changes that are merged at a time.
const OFTEN: usize = 8;

/// A table with one place for each feature by its hash: the first that comes often has it. What finds its place taken is
/// gathered like any other.
#[derive(Debug, Default)]
pub(super) struct Frequent {
    /// By place: the feature that has it.
    ids: Box<[Option<u64>]>,
    /// By axis: labels that there is room for.
    labels: [usize; 2],
    /// By place, by axis, by label: articles since they were given back.
    sums: Box<[u16]>,
    /// Whether some sum can take no more.
    pub(super) is_full: bool,
}

impl Frequent {
    /// The place of a feature: its hash scaled to the number of places (Lemire 2019). Features of one n-gram differ in their
    /// last bits only, so those must count.
    fn place(&self, id: u64) -> usize {
        let hash = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((u128::from(hash) * self.ids.len() as u128) >> u64::BITS) as usize
    }

    /// Where the sums of a place stand.
    fn start(&self, place: usize) -> usize {
        place * (self.labels[0] + self.labels[1])
    }

    /// Counts an article with a feature, if that is one of the table's, which must not be full.
    pub(super) fn add(&mut self, id: u64, labels: [u16; 2]) -> bool {
        let place = self.place(id);
        let has_room = |axis: usize| labels[axis] == NONE || usize::from(labels[axis]) < self.labels[axis];
        if self.ids.get(place) != Some(&Some(id)) || !has_room(0) || !has_room(1) {
            return false;
        }
        let starts = [self.start(place), self.start(place) + self.labels[0]];
        for (start, label) in starts.into_iter().zip(labels).filter(|(_, label)| *label != NONE) {
            let sum = &mut self.sums[start + usize::from(label)];
            *sum += 1;
            self.is_full |= *sum == u16::MAX;
        }
        true
    }

    /// Articles of a label of an axis that were counted here.
    pub(super) fn count(&self, id: u64, axis: usize, label: u16) -> u32 {
        let place = self.place(id);
        if self.ids.get(place) != Some(&Some(id)) || usize::from(label) >= self.labels[axis] {
            return 0;
        }
        self.sums[self.start(place) + axis * self.labels[0] + usize::from(label)].into()
    }

    /// Gives places to the features that come often among changes, which are sorted. If labels come there that there is no
    /// room for, the table is made anew, and what it held is given back.
    pub(super) fn learn(&mut self, changes: &[Change]) -> Option<Run> {
        let labels = [0, 1].map(|axis| {
            let labels = changes.iter().map(|change| change.labels[axis]).filter(|label| *label != NONE);
            labels.max().map_or(0, |label| usize::from(label) + 1)
        });
        let before = (labels[0] > self.labels[0] || labels[1] > self.labels[1]).then(|| {
            let before = self.take();
            // Room for some more, so that labels that come one by one do not make it anew each time.
            self.labels = [0, 1].map(|axis| self.labels[axis].max(labels[axis].next_multiple_of(8)));
            let places = (BYTES / size_of::<u16>() / (self.labels[0] + self.labels[1])).min(MAX_FEATURES);
            self.ids = vec![None; places].into();
            self.sums = vec![0; self.start(places)].into();
            before
        });
        for changes in changes.chunk_by(|a, b| a.id == b.id).filter(|changes| changes.len() >= OFTEN) {
            let place = self.place(changes[0].id);
            if let Some(free) = self.ids.get_mut(place).filter(|id| id.is_none()) {
                *free = Some(changes[0].id);
            }
        }
        before
    }

    /// Gives back what was counted; the features keep their places.
    pub(super) fn take(&mut self) -> Run {
        let mut places: Vec<(u64, usize)> =
            self.ids.iter().enumerate().filter_map(|(place, id)| Some(((*id)?, place))).collect();
        places.sort_unstable();
        let mut writer = Writer::with_capacity(0);
        let mut cells = FeatureCells::default();
        for (id, place) in places {
            let starts = [self.start(place), self.start(place) + self.labels[0]];
            for ((cells, start), labels) in cells.iter_mut().zip(starts).zip(self.labels) {
                let sums = &self.sums[start..start + labels];
                cells.clear();
                cells.extend((0..).zip(sums).filter(|(_, sum)| **sum > 0).map(|(label, sum)| (label, u32::from(*sum))));
            }
            if cells.iter().any(|cells| !cells.is_empty()) {
                writer.write(id, &cells);
            }
        }
        self.sums.fill(0);
        self.is_full = false;
        writer.finish()
    }
}
