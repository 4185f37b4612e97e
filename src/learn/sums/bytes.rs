//! How features and their cells are written one after the other, and read again.

use super::run::Run;

/// Features of which one is found without reading those before it.
const BLOCK: usize = 64;

/// Stands for the cells of the feature before. No number of cells is as large.
const SAME: u8 = u8::MAX;

/// Numbers of cells below this are one byte together.
const FEW: usize = 15;

/// By axis: label and articles, ascending.
pub(in crate::learn) type FeatureCells = [Vec<(u16, u32)>; 2];

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

fn read_cells(bytes: &mut &[u8], cells: &mut FeatureCells) {
    let numbers = read_numbers(bytes);
    for (cells, number) in cells.iter_mut().zip(numbers) {
        cells.clear();
        for _ in 0..number {
            let label = read_number(bytes);
            cells.push(((label >> 1) as u16, if label & 1 == 0 { 1 } else { read_number(bytes) as u32 }));
        }
    }
}

/// Reads a run.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    /// The last feature read.
    pub(super) id: u64,
    /// The bytes of the cells before.
    last: &'a [u8],
    /// What they say, if they were read for it.
    cells: FeatureCells,
    is_read: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], id: u64) -> Self {
        Self { bytes, id, last: &[], cells: FeatureCells::default(), is_read: false }
    }

    /// The next feature; `None` after the last.
    pub(super) fn id(&mut self) -> Option<u64> {
        if self.bytes.is_empty() {
            return None;
        }
        self.id = self.id.wrapping_add(read_number(&mut self.bytes));
        Some(self.id)
    }

    /// The bytes of its cells.
    pub(super) fn packed_cells(&mut self) -> &'a [u8] {
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
        (self.last, self.is_read) = (&start[..start.len() - self.bytes.len()], false);
        self.last
    }

    /// Its cells.
    pub(super) fn cells(&mut self) -> &FeatureCells {
        if let Some((&SAME, rest)) = self.bytes.split_first() {
            self.bytes = rest;
            if !self.is_read {
                read_cells(&mut { self.last }, &mut self.cells);
            }
        } else {
            let start = self.bytes;
            read_cells(&mut self.bytes, &mut self.cells);
            self.last = &start[..start.len() - self.bytes.len()];
        }
        self.is_read = true;
        &self.cells
    }
}

/// Writes a run.
pub(super) struct Writer {
    bytes: Vec<u8>,
    blocks: Vec<(u64, u32)>,
    features: usize,
    cells: [usize; 2],
    /// The last feature written.
    pub(super) id: u64,
    /// Its cells, and those to be written.
    last: Vec<u8>,
    next: Vec<u8>,
}

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
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

    pub(super) fn write(&mut self, id: u64, cells: &FeatureCells) {
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

    /// Writes a feature with the cells of the one before.
    pub(super) fn write_same(&mut self, id: u64) {
        self.next.clone_from(&self.last);
        self.write_next(id);
    }

    /// Writes what is read next.
    pub(super) fn copy(&mut self, id: u64, reader: &mut Reader<'_>) {
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

    pub(super) fn finish(self) -> Run {
        let Writer { bytes, blocks, features, cells, .. } = self;
        Run { bytes: bytes.into(), blocks: blocks.into(), features, cells }
    }
}
