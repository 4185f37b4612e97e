//! A run of features: made of changes, found, visited, and merged with another one.

use super::bytes::{FeatureCells, Reader, Writer};

/// Not a label.
pub(super) const NONE: u16 = u16::MAX;

/// Articles of some labels that have a feature.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) id: u64,
    pub(super) labels: [u16; 2],
    pub(super) articles: u32,
}

/// Features one after the other, ascending: the difference to the one before, and the cells: their numbers by axis, then
/// label and articles of each. Cells that are those of the feature before, as of a word that stands in one article only,
/// are a single byte.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) bytes: Box<[u8]>,
    /// By block: its first feature, and where the cells of that begin.
    pub(super) blocks: Box<[(u64, u32)]>,
    pub(super) features: usize,
    pub(super) cells: [usize; 2],
}

impl Run {
    /// What changes come to, which are sorted by feature. A feature may be there without labels.
    pub(super) fn of(changes: &[Change]) -> Self {
        let mut writer = Writer::with_capacity(8 * changes.len());
        let mut cells = FeatureCells::default();
        for changes in changes.chunk_by(|a, b| a.id == b.id) {
            cells.iter_mut().for_each(Vec::clear);
            for change in changes {
                for (cells, label) in cells.iter_mut().zip(change.labels).filter(|(_, label)| *label != NONE) {
                    let cell = cell(cells, label);
                    *cell = cell.saturating_add(change.articles);
                }
            }
            writer.write(changes[0].id, &cells);
        }
        writer.finish()
    }

    pub(super) fn visit(&self, mut visit: impl FnMut(u64, &mut FeatureCells)) {
        let (mut reader, mut cells) = (Reader::new(&self.bytes, 0), FeatureCells::default());
        while let Some(id) = reader.id() {
            reader.cells(&mut cells);
            visit(id, &mut cells);
        }
    }

    pub(super) fn find(&self, id: u64) -> Option<FeatureCells> {
        let block = self.blocks.partition_point(|(first, _)| *first <= id).checked_sub(1)?;
        let &(first, start) = self.blocks.get(block)?;
        let mut reader = Reader::new(self.bytes.get(start as usize..)?, first);
        while reader.id < id {
            reader.packed_cells();
            reader.id()?;
        }
        let mut cells = FeatureCells::default();
        reader.cells(&mut cells);
        (reader.id == id).then_some(cells)
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
        let [mut cells, mut changes] = [const { [const { Vec::new() }; 2] }; 2];
        let mut next = (first.id(), second.id());
        loop {
            match next {
                (Some(id), Some(other)) if id == other => {
                    first.cells(&mut cells);
                    second.cells(&mut changes);
                    combine(&mut cells, &changes, if adds { u32::saturating_add } else { u32::saturating_sub });
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
