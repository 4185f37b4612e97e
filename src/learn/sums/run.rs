//! A run of features: found, visited, and merged with changes.

use super::bytes::{FeatureCells, Reader, Writer};

/// Not a label.
pub(super) const NONE: u16 = u16::MAX;

/// Articles of some labels more, or less, that have a feature.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) id: u64,
    pub(super) labels: [u16; 2],
    pub(super) articles: i32,
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
    pub(super) pending: Vec<Change>,
}

impl Run {
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

    /// Merges what was gathered.
    pub(super) fn settle(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        // Its memory is kept for what comes next.
        let mut pending = std::mem::take(&mut self.pending);
        pending.sort_unstable_by_key(|change| change.id);
        let mut writer = Writer::with_capacity(self.bytes.len() + 8 * pending.len());
        let mut reader = Reader::new(&self.bytes, 0);
        let mut own = reader.id();
        let mut cells = FeatureCells::default();
        for changes in pending.chunk_by(|a, b| a.id == b.id) {
            let id = changes[0].id;
            while let Some(before) = own.filter(|own| *own < id) {
                writer.copy(before, &mut reader);
                own = reader.id();
            }
            if own == Some(id) {
                reader.cells(&mut cells);
                own = reader.id();
            } else {
                cells.iter_mut().for_each(Vec::clear);
            }
            changes.iter().for_each(|change| change.apply(&mut cells));
            cells.iter_mut().for_each(|cells| cells.retain(|(_, articles)| *articles > 0));
            let is_held = cells.iter().any(|cells| !cells.is_empty());
            if is_held || changes.iter().any(|change| change.labels == [NONE; 2]) {
                writer.write(id, &cells);
            }
        }
        while let Some(before) = own {
            writer.copy(before, &mut reader);
            own = reader.id();
        }
        *self = writer.finish();
        pending.clear();
        self.pending = pending;
    }
}

impl Change {
    pub(super) fn apply(&self, cells: &mut FeatureCells) {
        for (cells, label) in cells.iter_mut().zip(self.labels).filter(|(_, label)| *label != NONE) {
            let at = cells.binary_search_by_key(&label, |(number, _)| *number).unwrap_or_else(|at| {
                cells.insert(at, (label, 0));
                at
            });
            cells[at].1 = cells[at].1.saturating_add_signed(self.articles);
        }
    }
}
