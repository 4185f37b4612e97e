//! A run of features: made of changes, found, visited, and merged with another one.

use super::bytes::{FeatureCells, Reader, Writer};
use crate::{classify::features::Ngram, model::Scratch};

/// Not a label.
pub(super) const NONE: u16 = u16::MAX;

/// An article of some labels that has some features of an n-gram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) ngram: u64,
    /// The bit of each field.
    pub(super) fields: u32,
    pub(super) labels: [u16; 2],
}

impl Change {
    pub(super) fn features(self) -> impl Iterator<Item = u64> {
        Ngram { id: self.ngram, fields: self.fields }.features()
    }
}

/// Features one after the other, ascending: the difference to the one before, and the cells: their numbers by axis, then
/// label and articles of each. Cells that are those of the feature before, as of a word that stands in one article only,
/// are a single byte.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    pub(super) bytes: Box<[u8]>,
    /// By block: its first feature, and where the cells of that begin.
    pub(super) blocks: Box<[(u64, u32)]>,
    pub(super) features: usize,
    pub(super) cells: [usize; 2],
}

/// A run whose bytes wait in a file.
#[derive(Debug)]
pub(super) struct Spilled {
    at: u64,
    length: usize,
    /// As in [`Run`].
    blocks: Box<[(u64, u32)]>,
    pub(super) features: usize,
    pub(super) cells: [usize; 2],
}

impl Spilled {
    /// Gives its room back: it is not read again.
    pub(super) fn give_back(&self, scratch: &Scratch) {
        scratch.give_back(self.at, self.length);
    }

    /// The run.
    pub(super) fn load(&self, scratch: &Scratch) -> Run {
        let Spilled { at, length, ref blocks, features, cells } = *self;
        Run { bytes: scratch.get(at, length).into(), blocks: blocks.clone(), features, cells }
    }

    pub(super) fn find(&self, scratch: &Scratch, id: u64) -> Option<FeatureCells> {
        let block = block_of(&self.blocks, id)?;
        let (first, start) = self.blocks[block];
        let end = self.blocks.get(block + 1).map_or(self.length, |(_, next)| *next as usize);
        // What comes before the next block is the difference to its first feature, which is not asked for.
        let bytes = scratch.get(self.at + u64::from(start), end.saturating_sub(start as usize));
        find(&bytes, first, id)
    }
}

/// The block that a feature stands in if it is there.
fn block_of(blocks: &[(u64, u32)], id: u64) -> Option<usize> {
    blocks.partition_point(|(first, _)| *first <= id).checked_sub(1)
}

/// The cells of a feature, from those of the first of its block on.
fn find(bytes: &[u8], first: u64, id: u64) -> Option<FeatureCells> {
    let mut reader = Reader::new(bytes, first);
    while reader.id < id {
        reader.packed_cells();
        reader.id()?;
    }
    (reader.id == id).then(|| reader.cells().clone())
}

impl Run {
    /// What changes come to, which are sorted by n-gram.
    pub(super) fn of(changes: &[Change]) -> Self {
        let mut writer = Writer::with_capacity(8 * changes.len());
        let mut cells = FeatureCells::default();
        for changes in changes.chunk_by(|a, b| a.ngram == b.ngram) {
            let fields = changes.iter().fold(0, |fields, change| fields | change.fields);
            let mut before = 0;
            for id in (Change { fields, ..changes[0] }).features() {
                let field = 1 << (id - changes[0].ngram);
                // Most features of an n-gram are of the same articles.
                if before != 0 && changes.iter().all(|it| (it.fields & before == 0) == (it.fields & field == 0)) {
                    writer.write_same(id);
                    continue;
                }
                before = field;
                cells.iter_mut().for_each(Vec::clear);
                for change in changes.iter().filter(|change| change.fields & field != 0) {
                    for (cells, label) in cells.iter_mut().zip(change.labels).filter(|(_, label)| *label != NONE) {
                        let cell = cell(cells, label);
                        *cell = cell.saturating_add(1);
                    }
                }
                writer.write(id, &cells);
            }
        }
        writer.finish()
    }

    pub(super) fn visit(&self, mut visit: impl FnMut(u64, &FeatureCells)) {
        let mut reader = Reader::new(&self.bytes, 0);
        while let Some(id) = reader.id() {
            visit(id, reader.cells());
        }
    }

    pub(super) fn find(&self, id: u64) -> Option<FeatureCells> {
        let (first, start) = self.blocks[block_of(&self.blocks, id)?];
        find(self.bytes.get(start as usize..)?, first, id)
    }

    /// Puts the bytes into a file. A run that cannot be put there stays what it was.
    pub(super) fn spill(self, scratch: &Scratch) -> Result<Spilled, Run> {
        match scratch.put(&self.bytes) {
            Some(at) => {
                let Run { bytes, blocks, features, cells } = self;
                Ok(Spilled { at, length: bytes.len(), blocks, features, cells })
            }
            None => Err(self),
        }
    }

    /// With all that another run holds.
    pub(super) fn plus(self, other: Run) -> Run {
        match (self.features, other.features) {
            (0, _) => other,
            (_, 0) => self,
            (_, _) => self.merge(&other, true),
        }
    }

    /// Without what another run holds. A feature of which nothing is left goes.
    pub(super) fn minus(self, other: &Run) -> Run {
        self.merge(other, false)
    }

    fn merge(self, other: &Run, adds: bool) -> Run {
        let more = if adds { other.bytes.len() } else { 0 };
        let mut writer = Writer::with_capacity(self.bytes.len() + more);
        let [mut first, mut second] = [&self, other].map(|run| Reader::new(&run.bytes, 0));
        let mut cells = FeatureCells::default();
        let mut next = (first.id(), second.id());
        loop {
            match next {
                (Some(id), Some(other)) if id == other => {
                    cells.clone_from(first.cells());
                    combine(&mut cells, second.cells(), if adds { u32::saturating_add } else { u32::saturating_sub });
                    if adds || cells.iter().any(|cells| !cells.is_empty()) {
                        writer.write(id, &cells);
                    }
                    next = (first.id(), second.id());
                }
                (Some(id), other) if other.is_none_or(|other| id < other) => {
                    writer.copy(id, &mut first);
                    next.0 = first.id();
                }
                (_, Some(id)) => {
                    if adds {
                        writer.copy(id, &mut second);
                    } else {
                        second.packed_cells();
                    }
                    next.1 = second.id();
                }
                (_, None) => return writer.finish(),
            }
        }
    }
}

/// Changes the cells of a feature; those that are 0 then go.
fn combine(cells: &mut FeatureCells, changes: &FeatureCells, combined: fn(u32, u32) -> u32) {
    for (cells, changes) in cells.iter_mut().zip(changes) {
        for &(label, articles) in changes {
            let cell = cell(cells, label);
            *cell = combined(*cell, articles);
        }
        cells.retain(|(_, articles)| *articles > 0);
    }
}

/// The cell of a label, which is 0 if there was none.
fn cell(cells: &mut Vec<(u16, u32)>, label: u16) -> &mut u32 {
    let at = cells.binary_search_by_key(&label, |(number, _)| *number).unwrap_or_else(|at| {
        cells.insert(at, (label, 0));
        at
    });
    &mut cells[at].1
}
