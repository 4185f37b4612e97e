//! Sums over very many features in little memory: what changes is gathered, sorted, and merged into compressed runs.
//!
//! A feature that stands in one article, as most do, takes about ten bytes. Runs are cut by the first bits of the
//! features' ids, so that merging needs little memory besides, and goes on in parallel.

use std::collections::HashMap;

use rayon::prelude::*;

/// Runs that the features are spread over, by the first bits of their ids.
const RUNS: usize = 256;
const RUN_SHIFT: u32 = u64::BITS - RUNS.trailing_zeros();

/// Changes that are gathered before they are merged: 16 bytes each.
const MAX_PENDING: usize = 2 << 20;

/// What was taken and is not merged yet, at most.
const MAX_TAKEN: usize = 1 << 20;

/// Features of which one is found without reading those before it.
const BLOCK: usize = 64;

/// Stands for the cells of the feature before. No number of cells is as large.
const SAME: u8 = u8::MAX;

/// Numbers of cells below this are one byte together.
const FEW: usize = 15;

/// Not a label.
const NONE: u16 = u16::MAX;

/// By axis: label and articles, ascending.
pub(super) type FeatureCells = [Vec<(u16, u32)>; 2];

#[derive(Clone, Copy, Debug)]
struct Change {
    id: u64,
    labels: [u16; 2],
    articles: i32,
}

/// How many articles of each label have each feature.
#[derive(Debug)]
pub(super) struct Sums {
    runs: Vec<Run>,
    pending: usize,
    /// By feature, axis and label.
    taken: HashMap<(u64, u8, u16), u32>,
}

/// Features one after the other, ascending: the difference to the one before, and the cells: their numbers by axis, then
/// label and articles of each. Cells that are those of the feature before, as of a word that stands in one article only,
/// are a single byte.
#[derive(Debug, Default)]
struct Run {
    bytes: Box<[u8]>,
    /// By block: its first feature, and where the cells of that begin.
    blocks: Box<[(u64, u32)]>,
    features: usize,
    cells: [usize; 2],
    pending: Vec<Change>,
}

impl Default for Sums {
    fn default() -> Self {
        Self { runs: (0..RUNS).map(|_| Run::default()).collect(), pending: 0, taken: HashMap::new() }
    }
}

fn run_of(id: u64) -> usize {
    (id >> RUN_SHIFT) as usize
}

impl Sums {
    /// Counts a feature of articles with some labels. A feature without labels is there without cells.
    pub(super) fn add(&mut self, id: u64, labels: [Option<u16>; 2], articles: u32) {
        let labels = labels.map(|label| label.unwrap_or(NONE));
        let half = (articles / 2) as i32;
        // What does not fit into one change is two.
        let parts =
            if articles > i32::MAX as u32 { [half, half + (articles % 2) as i32] } else { [articles as i32, 0] };
        for articles in parts.into_iter().filter(|&part| part > 0 || labels == [NONE; 2]) {
            self.runs[run_of(id)].pending.push(Change { id, labels, articles });
            self.pending += 1;
        }
        if self.pending >= MAX_PENDING {
            self.settle();
        }
    }

    /// Articles of a label of an axis that have a feature. What was added must have been settled.
    pub(super) fn count(&self, id: u64, axis: usize, label: u16) -> u32 {
        let cells = self.runs[run_of(id)].find(id);
        let cell = cells.and_then(|cells| cells[axis].iter().find(|(own, _)| *own == label).map(|(_, count)| *count));
        let taken = self.taken.get(&(id, axis as u8, label)).copied().unwrap_or_default();
        cell.unwrap_or_default().saturating_sub(taken)
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
        for ((id, axis, label), mut articles) in self.taken.drain() {
            let mut labels = [NONE; 2];
            labels[usize::from(axis)] = label;
            while articles > 0 {
                let part = articles.min(i32::MAX as u32);
                self.runs[run_of(id)].pending.push(Change { id, labels, articles: -(part as i32) });
                self.pending += 1;
                articles -= part;
            }
        }
        if self.pending > 0 {
            self.runs.par_iter_mut().for_each(Run::settle);
            self.pending = 0;
        }
    }

    /// Merges what was gathered, for the last time: what that takes is given back.
    pub(super) fn finish(&mut self) {
        self.settle();
        self.taken = HashMap::new();
        self.runs.iter_mut().for_each(|run| run.pending = Vec::new());
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

    /// Features there are.
    pub(super) fn features(&self) -> usize {
        self.runs.iter().map(|run| run.features).sum()
    }

    /// Cells of an axis there are.
    pub(super) fn cells(&self, axis: usize) -> usize {
        self.runs.iter().map(|run| run.cells[axis]).sum()
    }

    /// Calls `visit` for every feature, ascending, with its cells. What was added must have been settled.
    pub(super) fn visit(&self, mut visit: impl FnMut(u64, &mut FeatureCells)) {
        self.runs.iter().for_each(|run| run.visit(&mut visit));
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

impl Run {
    fn visit(&self, mut visit: impl FnMut(u64, &mut FeatureCells)) {
        let (mut reader, mut cells) = (Reader::new(&self.bytes, 0), FeatureCells::default());
        while let Some(id) = reader.id() {
            reader.cells(&mut cells);
            visit(id, &mut cells);
        }
    }

    fn find(&self, id: u64) -> Option<FeatureCells> {
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
    fn settle(&mut self) {
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
    fn apply(&self, cells: &mut FeatureCells) {
        for (cells, label) in cells.iter_mut().zip(self.labels).filter(|(_, label)| *label != NONE) {
            let at = cells.binary_search_by_key(&label, |(number, _)| *number).unwrap_or_else(|at| {
                cells.insert(at, (label, 0));
                at
            });
            cells[at].1 = cells[at].1.saturating_add_signed(self.articles);
        }
    }
}

/// A number in groups of seven bits, the lowest first.
fn read_number(bytes: &mut &[u8]) -> u64 {
    let (mut number, mut shift) = (0, 0);
    while let Some((&byte, rest)) = bytes.split_first() {
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
        shift += 7;
    }
    number
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Numbers of cells by axis: both in one byte if they are small.
fn read_numbers(bytes: &mut &[u8]) -> [usize; 2] {
    let first = bytes.split_off_first().copied().unwrap_or_default();
    if usize::from(first >> 4) < FEW {
        return [usize::from(first >> 4), usize::from(first & 15)];
    }
    [read_number(bytes) as usize, read_number(bytes) as usize]
}

fn write_numbers(bytes: &mut Vec<u8>, numbers: [usize; 2]) {
    if numbers.iter().all(|&number| number < FEW) {
        bytes.push((numbers[0] << 4 | numbers[1]) as u8);
    } else {
        bytes.push((FEW << 4) as u8);
        numbers.iter().for_each(|&number| write_number(bytes, number as u64));
    }
}

/// Reads a run.
struct Reader<'a> {
    bytes: &'a [u8],
    /// The last feature read.
    id: u64,
    /// The bytes of the cells before.
    last: &'a [u8],
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], id: u64) -> Self {
        Self { bytes, id, last: &[] }
    }

    /// The next feature; `None` after the last.
    fn id(&mut self) -> Option<u64> {
        if self.bytes.is_empty() {
            return None;
        }
        self.id = self.id.wrapping_add(read_number(&mut self.bytes));
        Some(self.id)
    }

    /// The bytes of its cells.
    fn packed_cells(&mut self) -> &'a [u8] {
        if let Some((&SAME, rest)) = self.bytes.split_first() {
            self.bytes = rest;
            return self.last;
        }
        let start = self.bytes;
        let [first, second] = read_numbers(&mut self.bytes);
        for _ in 0..first + second {
            if read_number(&mut self.bytes) & 1 == 1 {
                read_number(&mut self.bytes);
            }
        }
        self.last = &start[..start.len() - self.bytes.len()];
        self.last
    }

    /// Its cells.
    fn cells(&mut self, cells: &mut FeatureCells) {
        let mut bytes = self.packed_cells();
        let numbers = read_numbers(&mut bytes);
        for (cells, number) in cells.iter_mut().zip(numbers) {
            cells.clear();
            for _ in 0..number {
                let label = read_number(&mut bytes);
                cells.push(((label >> 1) as u16, if label & 1 == 0 { 1 } else { read_number(&mut bytes) as u32 }));
            }
        }
    }
}

/// Writes a run.
struct Writer {
    bytes: Vec<u8>,
    blocks: Vec<(u64, u32)>,
    features: usize,
    cells: [usize; 2],
    /// The last feature written.
    id: u64,
    /// Its cells, and those to be written.
    last: Vec<u8>,
    next: Vec<u8>,
}

impl Writer {
    fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            blocks: Vec::new(),
            features: 0,
            cells: [0; 2],
            id: 0,
            last: Vec::new(),
            next: Vec::new(),
        }
    }

    fn write(&mut self, id: u64, cells: &FeatureCells) {
        self.next.clear();
        write_numbers(&mut self.next, cells.each_ref().map(Vec::len));
        for &(label, articles) in cells.iter().flatten() {
            write_number(&mut self.next, u64::from(label) << 1 | u64::from(articles != 1));
            if articles != 1 {
                write_number(&mut self.next, articles.into());
            }
        }
        self.write_next(id);
    }

    /// Writes what is read next.
    fn copy(&mut self, id: u64, reader: &mut Reader<'_>) {
        self.next.clear();
        self.next.extend_from_slice(reader.packed_cells());
        self.write_next(id);
    }

    fn write_next(&mut self, id: u64) {
        write_number(&mut self.bytes, id.wrapping_sub(self.id));
        let begins_block = self.features.is_multiple_of(BLOCK);
        if begins_block {
            self.blocks.push((id, self.bytes.len() as u32));
        }
        if self.next == self.last && !begins_block {
            self.bytes.push(SAME);
        } else {
            self.bytes.extend_from_slice(&self.next);
        }
        let numbers = read_numbers(&mut self.next.as_slice());
        self.cells.iter_mut().zip(numbers).for_each(|(sum, cells)| *sum += cells);
        (self.id, self.features) = (id, self.features + 1);
        std::mem::swap(&mut self.last, &mut self.next);
    }

    fn finish(self) -> Run {
        let Writer { bytes, blocks, features, cells, .. } = self;
        Run { bytes: bytes.into(), blocks: blocks.into(), features, cells, pending: Vec::new() }
    }
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
                }
            }
            sums.settle();
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
            sums.settle();
            check(&sums, &plain);
        }
    }
}
