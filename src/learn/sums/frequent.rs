//! The sums of features that come often, which are added up where they stand instead of being gathered and merged.

use super::{
    bytes::{FeatureCells, Writer},
    run::{Change, NONE, Run},
};
use crate::classify::features::Ngram;

/// What the sums of one part's frequent features take at most, in bytes.
const BYTES: usize = 192 << 10;

/// Features at most, and places for n-grams.
const MAX_FEATURES: usize = 1 << 10;

/// An n-gram comes often if it does so many times among the changes that are merged at a time.
const OFTEN: usize = 8;

/// A table with one place for each n-gram by its hash: the first that comes often has it, for the fields in which it stood
/// until then. What finds its place taken, or comes in other fields, is gathered like any other.
#[derive(Debug, Default)]
pub(super) struct Frequent {
    places: Box<[Place]>,
    /// By axis: labels that there is room for.
    labels: [usize; 2],
    /// By feature, by axis, by label: articles since they were given back.
    sums: Box<[u16]>,
    /// Features that have sums.
    features: usize,
    /// Whether some sum can take no more.
    pub(super) is_full: bool,
}

/// An n-gram that has a place.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    ngram: u64,
    /// The fields of which it has sums; none if the place is free.
    fields: u32,
    /// The first of these features, counted over all places.
    first: u32,
}

impl Place {
    fn features(self) -> impl Iterator<Item = u64> {
        Ngram { id: self.ngram, fields: self.fields }.features()
    }
}

impl Frequent {
    /// The place of an n-gram: its hash scaled to the number of places (Lemire 2019).
    fn place(&self, ngram: u64) -> usize {
        let hash = ngram.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((u128::from(hash) * self.places.len() as u128) >> u64::BITS) as usize
    }

    /// Where the sums of a feature stand.
    fn start(&self, feature: usize) -> usize {
        feature * (self.labels[0] + self.labels[1])
    }

    /// Counts an article with an n-gram, if the table, which must not be full, has sums for it. Gives the fields that it has
    /// not counted.
    pub(super) fn add(&mut self, Change { ngram, fields, labels }: Change) -> u32 {
        let has_room = |axis: usize| labels[axis] == NONE || usize::from(labels[axis]) < self.labels[axis];
        let place = self.places.get(self.place(ngram)).filter(|place| place.ngram == ngram);
        let Some(&place) = place.filter(|_| has_room(0) && has_room(1)) else { return fields };
        let mut counted = fields & place.fields;
        let left = fields & !place.fields;
        while counted != 0 {
            let before = place.fields & (counted & counted.wrapping_neg()).wrapping_sub(1);
            counted &= counted.wrapping_sub(1);
            let start = self.start(place.first as usize + before.count_ones() as usize);
            let starts = [start, start + self.labels[0]];
            for (start, label) in starts.into_iter().zip(labels).filter(|(_, label)| *label != NONE) {
                let sum = &mut self.sums[start + usize::from(label)];
                *sum += 1;
                self.is_full |= *sum == u16::MAX;
            }
        }
        left
    }

    /// Articles of a label of an axis that were counted here and have a feature.
    pub(super) fn count(&self, ngram: u64, number: u32, axis: usize, label: u16) -> u32 {
        let place = self.places.get(self.place(ngram)).filter(|place| place.ngram == ngram);
        let Some(place) = place.filter(|place| place.fields >> number & 1 == 1) else { return 0 };
        if usize::from(label) >= self.labels[axis] {
            return 0;
        }
        let before = (place.fields & ((1 << number) - 1)).count_ones();
        let start = self.start((place.first + before) as usize);
        self.sums[start + axis * self.labels[0] + usize::from(label)].into()
    }

    /// Gives places to the n-grams that come often among changes, which are sorted. If labels come there that there is no
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
            let features = (BYTES / size_of::<u16>() / (self.labels[0] + self.labels[1])).min(MAX_FEATURES);
            self.places = vec![Place::default(); features].into();
            self.sums = vec![0; self.start(features)].into();
            self.features = 0;
            before
        });
        for changes in changes.chunk_by(|a, b| a.ngram == b.ngram).filter(|changes| changes.len() >= OFTEN) {
            let (ngram, place) = (changes[0].ngram, self.place(changes[0].ngram));
            let fields = changes.iter().fold(0, |all, change| all | change.fields);
            let features = self.features + fields.count_ones() as usize;
            if self.start(features) <= self.sums.len()
                && let Some(free) = self.places.get_mut(place).filter(|place| place.fields == 0)
            {
                *free = Place { ngram, fields, first: self.features as u32 };
                self.features = features;
            }
        }
        before
    }

    /// Gives back what was counted; the n-grams keep their places.
    pub(super) fn take(&mut self) -> Run {
        let mut places: Vec<&Place> = self.places.iter().filter(|place| place.fields != 0).collect();
        places.sort_unstable_by_key(|place| place.ngram);
        let mut writer = Writer::with_capacity(0);
        let mut cells = FeatureCells::default();
        for place in places {
            for (feature, id) in (place.first as usize..).zip(place.features()) {
                let starts = [self.start(feature), self.start(feature) + self.labels[0]];
                for ((cells, start), labels) in cells.iter_mut().zip(starts).zip(self.labels) {
                    let sums = (0..).zip(&self.sums[start..start + labels]);
                    cells.clear();
                    cells.extend(sums.filter(|(_, sum)| **sum > 0).map(|(label, sum)| (label, u32::from(*sum))));
                }
                if cells.iter().any(|cells| !cells.is_empty()) {
                    writer.write(id, &cells);
                }
            }
        }
        self.sums.fill(0);
        self.is_full = false;
        writer.finish()
    }
}
