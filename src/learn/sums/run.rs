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

    /// Takes in all that another run holds, which holds nothing then.
    pub(super) fn take_in(&mut self, other: &mut Run) {
        let pending = std::mem::take(&mut other.pending);
        let mut other = std::mem::replace(other, Run { pending, ..Run::default() });
        if self.features == 0 {
            std::mem::swap(&mut self.pending, &mut other.pending);
            *self = other;
            return;
        }
        other.visit(|id, cells| {
            let [first, second] = cells.each_ref().map(|cells| cells.as_slice());
            let cells = first.iter().map(|cell| (0, cell)).chain(second.iter().map(|cell| (1, cell)));
            for (axis, &(label, articles)) in cells {
                let mut labels = [NONE; 2];
                labels[axis] = label;
                self.pending.extend(Change::of(id, labels, articles));
            }
            if first.is_empty() && second.is_empty() {
                self.pending.extend(Change::of(id, [NONE; 2], 0));
            }
        });
        drop(other);
        self.settle();
        self.pending = Vec::new();
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

/// Articles of one change at most.
const MAX_CHANGE: u32 = i32::MAX.cast_unsigned();

impl Change {
    /// So many articles more: in several changes, if they are too many for one.
    pub(super) fn of(id: u64, labels: [u16; 2], articles: u32) -> impl Iterator<Item = Change> {
        let last = articles % MAX_CHANGE;
        let full = std::iter::repeat_n(MAX_CHANGE, (articles / MAX_CHANGE) as usize);
        // One at least: a feature may be there without articles.
        let parts = full.chain((last > 0 || articles == 0).then_some(last));
        parts.map(move |articles| Change { id, labels, articles: articles.cast_signed() })
    }

    /// So many articles less.
    pub(super) fn taken(self) -> Self {
        Change { articles: -self.articles, ..self }
    }

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
