//! Numbers and whatever else counts hold, read piece by piece.

use std::io::{BufRead, Read as _};

use serde::de::DeserializeOwned;

use crate::model::{ModelError, Section, codec::unread};

pub(super) const SECTION: Section = Section::Counts;

pub(super) fn malformed(reason: &str) -> ModelError {
    ModelError::malformed(SECTION, reason)
}

/// A column of numbers: where it begins among the bytes of the section, and how many there are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Column {
    pub(super) at: u64,
    pub(super) length: u64,
}

/// The numbers of a column that are left.
pub(super) struct Numbers<R> {
    pub(super) reader: R,
    pub(super) left: u64,
}

impl<R: BufRead> Numbers<R> {
    /// The next number, of so many bits at most.
    fn next(&mut self, bits: u32) -> Result<Option<u64>, ModelError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        // Groups of seven bits, the lowest first.
        let mut number = 0;
        for shift in (0..bits).step_by(7) {
            let next = self.reader.fill_buf().map_err(|error| unread(error, SECTION))?;
            let byte = *next.first().ok_or(ModelError::Damaged { section: SECTION })?;
            self.reader.consume(1);
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                let fits = bits - shift >= 7 || byte >> (bits - shift) == 0;
                return if fits { Ok(Some(number)) } else { Err(malformed("a number that is too large")) };
            }
        }
        Err(malformed("a number that is too large"))
    }

    /// The next number, which must be there.
    pub(super) fn need<T: TryFrom<u64>>(&mut self) -> Result<T, ModelError> {
        let bits = 8 * size_of::<T>() as u32;
        self.next(bits)?.and_then(|number| number.try_into().ok()).ok_or_else(|| malformed("cells"))
    }
}

/// Ids, of which the file holds the differences.
pub(super) struct Ids<R> {
    pub(super) differences: Numbers<R>,
    pub(super) before: Option<u64>,
}

impl<R: BufRead> Ids<R> {
    pub(super) fn next(&mut self) -> Result<Option<u64>, ModelError> {
        let Some(difference) = self.differences.next(u64::BITS)? else { return Ok(None) };
        let next = match self.before {
            None => Some(difference),
            Some(before) => before.checked_add(difference).filter(|id| *id > before),
        };
        self.before = next;
        next.map(Some).ok_or_else(|| malformed("values are not ascending"))
    }
}

/// Bytes of a section while it is gone through for the first time.
pub(super) struct Bytes<'a> {
    reader: &'a mut dyn BufRead,
    /// Read, but not gone through.
    buffer: Vec<u8>,
    start: usize,
    /// Gone through.
    at: u64,
}

/// Nothing that is decoded in one piece is longer. An article of the sample, from a text as long as texts may be, is shorter.
const MAX_PIECE: usize = if cfg!(test) { 1 << 16 } else { 256 << 20 };

/// Bytes that are read at a time.
const READ_AT_ONCE: usize = if cfg!(test) { 16 } else { 1 << 16 };

impl<'a> Bytes<'a> {
    pub(super) fn new(reader: &'a mut dyn BufRead) -> Self {
        Self { reader, buffer: Vec::new(), start: 0, at: 0 }
    }

    /// Reads on; says whether there was anything.
    fn more(&mut self) -> Result<bool, ModelError> {
        self.buffer.drain(..self.start);
        self.start = 0;
        // What did not suffice is tried again from its beginning, so the next attempt is with twice as much.
        let room = MAX_PIECE.checked_sub(self.buffer.len()).filter(|room| *room > 0);
        let room = room.ok_or_else(|| malformed("a piece that is too long"))?;
        let wanted = READ_AT_ONCE.max(self.buffer.len()).min(room) as u64;
        let read = self.reader.take(wanted).read_to_end(&mut self.buffer);
        Ok(read.map_err(|error| unread(error, SECTION))? > 0)
    }

    fn left(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    fn go_on(&mut self, bytes: usize) {
        self.start += bytes;
        self.at += bytes as u64;
    }

    pub(super) fn is_end(&mut self) -> Result<bool, ModelError> {
        Ok(self.left().is_empty() && !self.more()?)
    }

    /// What comes next.
    pub(super) fn decode<T: DeserializeOwned>(&mut self) -> Result<T, ModelError> {
        loop {
            let left = self.left();
            match postcard::take_from_bytes(left).map(|(value, rest)| (value, left.len() - rest.len())) {
                Ok((value, bytes)) => {
                    self.go_on(bytes);
                    return Ok(value);
                }
                Err(postcard::Error::DeserializeUnexpectedEnd) if self.more()? => {}
                Err(error) => return Err(ModelError::malformed(SECTION, &error)),
            }
        }
    }

    /// A sequence of so many at most: some are one byte here and take much more memory.
    pub(super) fn sequence<T: DeserializeOwned>(&mut self, most: usize) -> Result<Vec<T>, ModelError> {
        let length = self.decode::<u64>()?;
        if length > most as u64 {
            return Err(malformed("a sequence that is too long"));
        }
        // Of forged lengths no room is made for more than is there.
        (0..length).map(|_| self.decode()).collect()
    }

    /// Goes past a sequence of numbers.
    pub(super) fn skip_numbers(&mut self) -> Result<Column, ModelError> {
        let length = self.decode()?;
        let column = Column { at: self.at, length };
        let mut left = length;
        while left > 0 {
            if self.is_end()? {
                return Err(malformed("numbers are missing"));
            }
            // The last byte of a number is below 0x80.
            let is_last = |byte: &u8| *byte < 0x80;
            let ends = self.left().iter().filter(|byte| is_last(byte)).count() as u64;
            let bytes = if ends < left {
                self.left().len()
            } else {
                let (nth, own) = (left as usize - 1, self.left());
                own.iter().enumerate().filter(|(_, byte)| is_last(byte)).nth(nth).map_or(own.len(), |(at, _)| at + 1)
            };
            left -= ends.min(left);
            self.go_on(bytes);
        }
        Ok(column)
    }
}
