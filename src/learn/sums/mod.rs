//! Sums over very many features in little memory: what changes is gathered, sorted, and merged into compressed runs, but for
//! the features that come often, which are added up where they stand.
//!
//! A feature that stands in one article, as most do, takes about ten bytes. Runs are cut by the first bits of the
//! features' ids, so that merging needs little memory besides, and goes on in parallel. What came last is in runs of its own
//! until they are a part of the others that is worth merging (a log-structured merge tree: O'Neil et al. 1996), so that the
//! whole is not written anew for every few articles. Runs that are too long for memory wait in a file, and are merged part by
//! part in the end.

mod bytes;
mod frequent;
mod part;
mod run;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use rayon::prelude::*;

pub(super) use self::bytes::FeatureCells;
use self::{
    bytes::Writer,
    part::Part,
    run::{Change, NONE},
};
use crate::{
    classify::features::{FIELD_MASK, Ngram},
    model::Scratch,
};

/// Parts that the features are spread over, by the first bits of their ids.
const PARTS: usize = 256;
const PART_SHIFT: u32 = u64::BITS - PARTS.trailing_zeros();

/// Articles whose n-grams are sorted by part at a time: so few that the processor's cache holds them. A thread then adds to
/// one part all that changes there, so that the cache holds that part.
const SORTED_TOGETHER: usize = 64;

/// Features that are visited together are about so many, so that who goes through all articles for them does it a few times
/// only; and of so many parts at least, which are read at the same time.
const STRETCH: usize = if cfg!(test) { 64 } else { 1 << 17 };
const MIN_STRETCH_PARTS: usize = if cfg!(test) { 1 } else { 4 };

/// Bytes that the runs of all parts take at most, without what came last, before they are put into a file, if there is one.
const MAX_HELD: usize = if cfg!(test) { 2048 } else { 192 << 20 };

/// Parts that are read while those before are used.
const READ_AHEAD: usize = 4;

/// What was taken and is not merged yet, at most.
const MAX_TAKEN: usize = 1 << 20;

/// How many articles of each label have each feature.
#[derive(Debug)]
pub(super) struct Sums {
    parts: Vec<Part>,
    /// Features that are there even without articles.
    bare: Vec<u64>,
    /// By feature, axis and label.
    taken: HashMap<(u64, u8, u16), u32>,
    /// The bits of an id that are the number of the field.
    field: u64,
    /// Where runs wait that are too long for memory.
    scratch: Option<Arc<Scratch>>,
}

fn part_of(id: u64) -> usize {
    (id >> PART_SHIFT) as usize
}

/// What of a list, ascending by id, falls to each part.
fn by_part<T>(list: &[T], id: impl Fn(&T) -> u64) -> Vec<&[T]> {
    let mut rest = list;
    let of_part = |number: usize| {
        let (own, others) = rest.split_at(rest.partition_point(|it| part_of(id(it)) <= number));
        rest = others;
        own
    };
    (0..PARTS).map(of_part).collect()
}

/// An article as it is counted: its n-grams, ascending, and its labels.
pub(super) type Counted<'a, T> = (&'a [T], [Option<u16>; 2]);

/// What some articles change, by part.
struct ByPart {
    changes: Vec<Change>,
    /// By part: where its changes begin; then where the last end.
    starts: [u32; PARTS + 1],
}

impl ByPart {
    fn new<T: Copy>(articles: &[Counted<'_, T>], ngram_of: impl Fn(T) -> Ngram) -> Self {
        let labelled = || articles.iter().filter(|(_, labels)| *labels != [None; 2]);
        let mut starts = [0; PARTS + 1];
        labelled().flat_map(|(ngrams, _)| *ngrams).for_each(|&ngram| starts[part_of(ngram_of(ngram).id) + 1] += 1);
        for number in 1..starts.len() {
            starts[number] += starts[number - 1];
        }
        let (mut ends, none) = (starts, Change { ngram: 0, fields: 0, labels: [NONE; 2] });
        let mut changes = vec![none; starts[PARTS] as usize];
        for (ngrams, labels) in labelled() {
            let labels = labels.map(|label| label.unwrap_or(NONE));
            for &ngram in *ngrams {
                let Ngram { id: ngram, fields } = ngram_of(ngram);
                let end = &mut ends[part_of(ngram)];
                changes[*end as usize] = Change { ngram, fields, labels };
                *end += 1;
            }
        }
        Self { changes, starts }
    }

    fn of(&self, part: usize) -> &[Change] {
        &self.changes[self.starts[part] as usize..self.starts[part + 1] as usize]
    }
}

impl Sums {
    /// Nothing, of features that are n-grams in a field: their last bits.
    pub(super) fn of_fields() -> Self {
        Self::new(FIELD_MASK)
    }

    /// Nothing, of features that are all by themselves.
    pub(super) fn of_singles() -> Self {
        Self::new(0)
    }

    fn new(field: u64) -> Self {
        let parts = (0..PARTS).map(|_| Part::default()).collect();
        Self { parts, bare: Vec::new(), taken: HashMap::new(), field, scratch: None }
    }

    /// Runs that are too long for memory wait in this file from now on.
    pub(super) fn spill_into(&mut self, scratch: Arc<Scratch>) {
        self.scratch = Some(scratch);
    }

    fn scratch(&self) -> Option<&Scratch> {
        self.scratch.as_deref()
    }

    /// Bytes of the runs that are in memory, but for what came last.
    fn held(&self) -> usize {
        self.parts.iter().map(|part| part.run.bytes.len()).sum()
    }

    /// Puts the runs into the file if they are too long for memory.
    fn spill(&mut self) {
        let held = self.held();
        if let Some(scratch) = self.scratch.as_deref().filter(|_| held > MAX_HELD) {
            self.parts.par_iter_mut().for_each(|part| part.spill(scratch));
        }
    }

    /// Puts a feature there, if only without cells.
    pub(super) fn add_bare(&mut self, id: u64) {
        self.bare.push(id);
    }

    /// Counts articles. `ngram_of` tells of what they are made of what n-gram it is; a feature may be one by itself.
    pub(super) fn add_articles<T: Copy + Sync>(
        &mut self,
        articles: &[Counted<'_, T>],
        ngram_of: impl Fn(T) -> Ngram + Sync,
    ) {
        let by_part = |articles: &[Counted<'_, T>]| ByPart::new(articles, &ngram_of);
        let by_part: Vec<ByPart> = articles.par_chunks(SORTED_TOGETHER).map(by_part).collect();
        self.parts.par_iter_mut().enumerate().for_each(|(number, part)| {
            by_part.iter().flat_map(|changes| changes.of(number)).for_each(|&change| part.add(change));
        });
        self.spill();
    }

    /// Adds counts: features with their cells, ascending. What was added before an error stays.
    pub(super) fn add_counts<E>(
        &mut self,
        each: impl FnOnce(&mut dyn FnMut(u64, &FeatureCells)) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut held, scratch) = (self.held(), self.scratch.as_deref());
        let (mut parts, mut number, mut writer) = (self.parts.iter_mut(), 0, Writer::with_capacity(0));
        let mut add_run = |writer: &mut Writer| {
            let run = std::mem::replace(writer, Writer::with_capacity(0)).finish();
            held += run.bytes.len();
            if let Some(part) = parts.next() {
                part.run = std::mem::take(&mut part.run).plus(run);
                scratch.filter(|_| held > MAX_HELD).into_iter().for_each(|scratch| part.spill(scratch));
            }
        };
        let added = each(&mut |id, cells| {
            while number < part_of(id) {
                add_run(&mut writer);
                number += 1;
            }
            writer.write(id, cells);
        });
        add_run(&mut writer);
        added
    }

    /// Articles of a label of an axis that have a feature. What was added must have been settled.
    pub(super) fn count(&self, id: u64, axis: usize, label: u16) -> u32 {
        let part = &self.parts[part_of(id)];
        let taken = self.taken.get(&(id, axis as u8, label)).copied().unwrap_or_default();
        let (ngram, number) = (id & !self.field, (id & self.field) as u32);
        let frequent = part.frequent.count(ngram, number, axis, label);
        let counted = part.in_runs(self.scratch(), id, axis, label).saturating_add(frequent);
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
        if self.parts.iter().any(|part| !part.pending.is_empty()) {
            self.parts.par_iter_mut().filter(|part| !part.pending.is_empty()).for_each(|part| {
                part.merge_pending();
                part.pending.clear();
            });
        }
    }

    /// Merges everything, and gives back what that takes.
    pub(super) fn finish(&mut self) {
        let mut taken: Vec<_> = std::mem::take(&mut self.taken).into_iter().collect();
        taken.sort_unstable();
        self.bare.sort_unstable();
        self.bare.dedup();
        let taken_of = by_part(&taken, |((id, _, _), _)| *id);
        let bare_of = by_part(&self.bare, |id| *id);
        let scratch = self.scratch.as_deref();
        let spills = scratch.filter(|_| self.parts.iter().any(|part| !part.spilled.is_empty()));
        self.parts.par_iter_mut().zip(taken_of).zip(bare_of).for_each(|((part, taken), bare)| {
            let mut run = part.finish(scratch);
            if !taken.is_empty() {
                let mut writer = Writer::with_capacity(0);
                for taken in taken.chunk_by(|(a, _), (b, _)| a.0 == b.0) {
                    let mut cells = FeatureCells::default();
                    taken.iter().for_each(|&((_, axis, label), n)| cells[usize::from(axis)].push((label, n)));
                    writer.write(taken[0].0.0, &cells);
                }
                run = run.minus(&writer.finish());
            }
            let mut writer = Writer::with_capacity(0);
            bare.iter().for_each(|&id| writer.write(id, &FeatureCells::default()));
            part.run = run.plus(writer.finish());
            spills.into_iter().for_each(|scratch| part.spill(scratch));
        });
        self.bare.clear();
    }

    /// Gives labels other numbers, and forgets those that get none.
    pub(super) fn renumber(&mut self, number: impl Fn(usize, u16) -> Option<u16> + Sync) {
        self.finish();
        let scratch = self.scratch.as_deref();
        self.parts.par_iter_mut().for_each(|part| {
            let run = part.whole(scratch);
            let mut writer = Writer::with_capacity(run.bytes.len());
            let mut renumbered = FeatureCells::default();
            run.visit(|id, cells| {
                for (axis, (renumbered, cells)) in renumbered.iter_mut().zip(cells).enumerate() {
                    renumbered.clear();
                    renumbered.extend(cells.iter().filter_map(|&(label, n)| Some((number(axis, label)?, n))));
                    renumbered.sort_unstable();
                }
                writer.write(id, &renumbered);
            });
            drop(run);
            part.run = writer.finish();
            if let Some(scratch) = scratch.filter(|_| !part.spilled.is_empty()) {
                part.spilled.drain(..).for_each(|spilled| spilled.give_back(scratch));
                part.spill(scratch);
            }
        });
    }

    /// Whether `is_right` of all cells, with axis, label and articles. It must have been finished.
    pub(super) fn all(&self, is_right: impl Fn(usize, u16, u32) -> bool + Sync) -> bool {
        self.parts.par_iter().all(|part| {
            let mut all = true;
            part.whole(self.scratch()).visit(|_, cells| {
                for (axis, cells) in cells.iter().enumerate() {
                    all &= cells.iter().all(|&(label, articles)| is_right(axis, label, articles));
                }
            });
            all
        })
    }

    /// Features there are. It must have been finished.
    pub(super) fn features(&self) -> usize {
        self.parts.iter().map(|part| part.size().0).sum()
    }

    /// Cells of an axis there are. It must have been finished.
    pub(super) fn cells(&self, axis: usize) -> usize {
        self.parts.iter().map(|part| part.size().1[axis]).sum()
    }

    /// Calls `each` for the numbers that `of` pushes for every feature, ascending; what comes next is read meanwhile. It must
    /// have been finished.
    pub(super) fn numbers(&self, of: impl Fn(u64, &FeatureCells, &mut Vec<u64>) + Sync, mut each: impl FnMut(u64)) {
        let of_part = |part: &Part| {
            let mut numbers = Vec::with_capacity(part.size().0);
            part.whole(self.scratch()).visit(|id, cells| of(id, cells, &mut numbers));
            numbers
        };
        let of_parts = |parts: &[Part]| parts.par_iter().map(of_part).collect::<Vec<_>>();
        let (mut ready, mut next) = (Vec::new(), Vec::new());
        for parts in self.parts.chunks(READ_AHEAD).chain([&[][..]]) {
            rayon::in_place_scope(|scope| {
                scope.spawn(|_| next = of_parts(parts));
                ready.drain(..).flatten().for_each(&mut each);
            });
            std::mem::swap(&mut ready, &mut next);
        }
    }

    /// Calls `visit` for every feature, ascending, with its cells. It must have been finished.
    pub(super) fn visit(&self, mut visit: impl FnMut(u64, &FeatureCells)) {
        self.parts.iter().for_each(|part| part.whole(self.scratch()).visit(&mut visit));
    }

    /// [`Sums::visit`] for the last time: what was visited is given back.
    pub(super) fn visit_last(self, mut visit: impl FnMut(u64, &FeatureCells)) {
        let Sums { parts, scratch, .. } = self;
        parts.into_iter().for_each(|part| part.whole(scratch.as_deref()).visit(&mut visit));
    }

    /// Calls `visit` for many neighbouring features at a time, ascending. It must have been finished.
    pub(super) fn visit_stretches(&self, mut visit: impl FnMut(&[(u64, FeatureTotals)])) {
        let features_of = |part: &Part| {
            let run = part.whole(self.scratch());
            let mut features = Vec::with_capacity(run.features);
            run.visit(|id, cells| {
                let documents =
                    cells.each_ref().map(|cells| cells.iter().fold(0, |sum, &(_, n)| n.saturating_add(sum)));
                let cells = cells.each_ref().map(|cells| cells.len() as u16);
                features.push((id, FeatureTotals { documents, cells }));
            });
            features
        };
        let parts = (STRETCH * PARTS).checked_div(self.features()).unwrap_or(PARTS).clamp(MIN_STRETCH_PARTS, PARTS);
        for parts in self.parts.chunks(parts) {
            let features: Vec<_> = parts.par_iter().flat_map_iter(features_of).collect();
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
