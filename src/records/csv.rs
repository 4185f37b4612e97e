//! Rows of a CSV file with a header, one at a time, each no longer than a limit.
//!
//! Built on the pure parser of the `csv` crate rather than on its reader, which would hold a row of any length: one
//! stray quote makes the rest of a file one row.

use std::{
    io::{self, BufRead},
    sync::Arc,
};

use csv_core::ReadRecordResult;

use super::{
    Fields, MAX_RECORD_BYTES, RecordErrorKind,
    fields::{MAX_FIELDS, Value},
    lines::Stream,
};
use crate::classify::shown;

/// The longest header, in bytes of its fields: each row takes as much memory again as the names of its columns.
const MAX_HEADER_BYTES: usize = 256 << 10;

/// A row, or what is wrong with it.
type Row = Result<Fields, RecordErrorKind>;

/// Reads rows.
pub(super) struct Rows {
    stream: Stream,
    parser: csv_core::Reader,
    header: Option<Vec<Arc<str>>>,
    output: Vec<u8>,
    ends: Vec<usize>,
    /// Line ends passed so far.
    passed: u64,
    /// The line where the row read last starts, from 1.
    pub(super) number: u64,
}

/// How a row ended.
enum Ended {
    /// Bytes and fields it has.
    Row { bytes: usize, fields: usize },
    /// With more bytes or more fields than are held.
    Over(RecordErrorKind),
    /// Inside quotes, at the end of the file.
    OpenQuote,
}

impl Rows {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            parser: csv_core::Reader::new(),
            header: None,
            output: vec![0; 8 << 10],
            ends: vec![0; MAX_FIELDS + 1],
            passed: 0,
            number: 1,
        }
    }

    /// Reads the header and says which of the columns asked for it lacks.
    pub(super) fn open(&mut self, needed: &'static str) -> io::Result<Result<(), RecordErrorKind>> {
        let missing = RecordErrorKind::NoColumn { column: needed };
        let Some(ended) = self.read()? else { return Ok(Err(missing)) };
        let (bytes, fields) = match ended {
            Ended::Row { bytes, fields } => (bytes, fields),
            Ended::Over(kind) => return Ok(Err(kind)),
            Ended::OpenQuote => return Ok(Err(RecordErrorKind::OpenQuote)),
        };
        if bytes > MAX_HEADER_BYTES {
            return Ok(Err(RecordErrorKind::TooLong { maximum: MAX_HEADER_BYTES }));
        }
        let mut header: Vec<Arc<str>> = Vec::with_capacity(fields);
        for column in self.columns(bytes, fields) {
            match std::str::from_utf8(column) {
                Ok(name) => header.push(name.trim().into()),
                Err(error) => {
                    let field = format!("{} of the header", header.len() + 1);
                    return Ok(Err(RecordErrorKind::FieldNotUtf8 { field, byte: error.valid_up_to() }));
                }
            }
        }
        if !header.iter().any(|name| &**name == needed) {
            return Ok(Err(missing));
        }
        self.header = Some(header);
        Ok(Ok(()))
    }

    /// The next row, `None` at the end of the file. [`Rows::open`] comes first.
    pub(super) fn next(&mut self) -> io::Result<Option<Row>> {
        Ok(match self.read()? {
            None => None,
            Some(Ended::Over(kind)) => Some(Err(kind)),
            Some(Ended::OpenQuote) => Some(Err(RecordErrorKind::OpenQuote)),
            Some(Ended::Row { bytes, fields }) => Some(self.row(bytes, fields)),
        })
    }

    /// Whether asking for the next row may have to wait for whoever writes the stream.
    pub(super) fn may_wait(&self) -> bool {
        self.stream.buffer().is_empty()
    }

    fn row(&self, bytes: usize, fields: usize) -> Row {
        let header = self.header.as_deref().unwrap_or_default();
        if fields != header.len() {
            return Err(RecordErrorKind::FieldCount { expected: header.len(), found: fields });
        }
        let mut row = Vec::with_capacity(fields);
        for (name, cell) in header.iter().zip(self.columns(bytes, fields)) {
            let cell = std::str::from_utf8(cell)
                .map_err(|error| RecordErrorKind::FieldNotUtf8 { field: shown(name), byte: error.valid_up_to() })?;
            row.push((name.to_string(), Value::Cell(cell.to_owned())));
        }
        Ok(Fields(row))
    }

    /// The fields of the row read last.
    fn columns(&self, bytes: usize, fields: usize) -> impl Iterator<Item = &[u8]> {
        let ends = self.ends.get(..fields).unwrap_or_default();
        let mut start = 0;
        ends.iter().map(move |&end| {
            let column = self.output.get(start..end.min(bytes)).unwrap_or_default();
            start = end;
            column
        })
    }

    fn read(&mut self) -> io::Result<Option<Ended>> {
        if self.output.len() > 1 << 20 {
            self.output = vec![0; 8 << 10];
        }
        let (mut bytes, mut fields) = (0, 0);
        let (mut begun, mut at_end) = (false, false);
        let mut over = None;
        loop {
            let available = match self.stream.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            // A line end after the last byte closes a row that lacks it; inside quotes it does not, which tells the two
            // apart.
            let finish: &[u8] = if at_end { b"" } else { b"\n" };
            let input = if available.is_empty() { finish } else { available };
            let output = self.output.get_mut(bytes..).unwrap_or_default();
            let ends = self.ends.get_mut(fields..).unwrap_or_default();
            let (result, consumed, written, ended) = self.parser.read_record(input, output, ends);
            let read = input.get(..consumed).unwrap_or_default();
            if available.is_empty() {
                at_end = true;
            } else {
                if !begun {
                    let blank = read.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
                    self.number = self.passed + 1 + blank.filter(|&&byte| byte == b'\n').count() as u64;
                    begun = read.iter().any(|byte| !matches!(byte, b'\r' | b'\n'));
                }
                self.passed += memchr::memchr_iter(b'\n', read).count() as u64;
                self.stream.consume(consumed);
            }
            bytes += written;
            fields += ended;
            match result {
                ReadRecordResult::InputEmpty if at_end => {
                    return Ok(begun.then_some(over.map_or(Ended::OpenQuote, Ended::Over)));
                }
                ReadRecordResult::InputEmpty => {}
                // What was read of a row over a limit is given up; the parser keeps its place in it.
                ReadRecordResult::OutputFull if self.output.len() > MAX_RECORD_BYTES => {
                    over = Some(RecordErrorKind::TooLong { maximum: MAX_RECORD_BYTES });
                    bytes = 0;
                }
                ReadRecordResult::OutputFull => {
                    self.output.resize(self.output.len().saturating_mul(2).min(MAX_RECORD_BYTES + 1), 0);
                }
                ReadRecordResult::OutputEndsFull => {
                    over = over.or(Some(RecordErrorKind::TooManyFields { maximum: MAX_FIELDS }));
                    fields = 0;
                }
                ReadRecordResult::Record => {
                    return Ok(Some(over.map_or(Ended::Row { bytes, fields }, Ended::Over)));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }
}
