//! The records of one file, whatever its format.

use std::{
    io::{self, Read},
    sync::Arc,
};

use super::{
    Fields, Id, MAX_RECORD_BYTES, RecordError, RecordErrorKind,
    csv::Rows,
    fields::Value,
    inputs::{Format, Input},
    json,
    lines::{Line, Lines, Stream, without_mark},
};

/// One record: where it stands, and its fields or what is wrong with it.
pub(super) struct Record {
    pub(super) line: u64,
    pub(super) fields: Result<Fields, RecordErrorKind>,
}

/// The records of a file, in order.
pub(super) struct Reader {
    pub(super) file: Arc<str>,
    /// Whether the file is one article.
    one_record: bool,
    format: State,
}

enum State {
    Text(Stream),
    Jsonl(Lines),
    Csv(Box<Rows>),
    Done,
}

impl Reader {
    /// Opens a file; for CSV, reads its header.
    pub(super) fn open(input: &Input) -> Result<Self, RecordError> {
        let fail = |line, kind| RecordError { file: input.name().clone(), line, kind };
        let stream = input.stream().map_err(|error| fail(None, error.into()))?;
        let format = match input.format() {
            Format::Text => State::Text(stream),
            Format::Jsonl => State::Jsonl(Lines::new(stream)),
            Format::Csv => {
                let mut rows = Box::new(Rows::new(stream));
                match rows.open("text") {
                    Ok(Ok(())) => State::Csv(rows),
                    Ok(Err(kind)) => return Err(fail(Some(rows.number), kind)),
                    Err(error) => return Err(fail(Some(rows.number), error.into())),
                }
            }
        };
        let one_record = input.format() == Format::Text;
        Ok(Self { file: input.name().clone(), one_record, format })
    }

    /// The next record, `None` after the last.
    pub(super) fn next(&mut self) -> Option<Record> {
        let (line, fields) = match &mut self.format {
            State::Done => return None,
            State::Text(stream) => {
                let fields = read_text(stream);
                self.format = State::Done;
                return Some(Record { line: 1, fields: fields.unwrap_or_else(|error| Err(error.into())) });
            }
            State::Jsonl(lines) => match next_object(lines) {
                Ok(None) => return None,
                Ok(Some(fields)) => (lines.number, Ok(fields)),
                Err(error) => (lines.number.max(1), Err(error)),
            },
            State::Csv(rows) => match rows.next() {
                Ok(None) => return None,
                Ok(Some(fields)) => (rows.number, Ok(fields)),
                Err(error) => (rows.number, Err(error)),
            },
        };
        let fields = fields.unwrap_or_else(|error| {
            self.format = State::Done;
            Err(error.into())
        });
        Some(Record { line, fields })
    }

    /// Whether asking for the next record may have to wait for whoever writes the stream.
    pub(super) fn may_wait(&self) -> bool {
        match &self.format {
            State::Text(_) | State::Done => false,
            State::Jsonl(lines) => lines.may_wait(),
            State::Csv(rows) => rows.may_wait(),
        }
    }

    /// An error at a place in this file.
    pub(super) fn error(&self, line: u64, kind: RecordErrorKind) -> RecordError {
        RecordError { file: self.file.clone(), line: Some(line), kind }
    }

    /// What the record of a line is called if it has no id.
    pub(super) fn position(&self, line: u64) -> Id {
        Id::Position(if self.one_record { self.file.to_string() } else { format!("{}:{line}", self.file) })
    }
}

fn read_text(stream: &mut Stream) -> io::Result<Result<Fields, RecordErrorKind>> {
    let mut bytes = Vec::new();
    stream.take(MAX_RECORD_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_RECORD_BYTES {
        return Ok(Err(RecordErrorKind::TooLong { maximum: MAX_RECORD_BYTES }));
    }
    Ok(match std::str::from_utf8(without_mark(&bytes)) {
        Ok(text) => Ok(Fields(vec![("text".to_owned(), Value::Cell(text.to_owned()))])),
        Err(error) => Err(RecordErrorKind::NotUtf8 { byte: error.valid_up_to() }),
    })
}

fn next_object(lines: &mut Lines) -> io::Result<Option<Result<Fields, RecordErrorKind>>> {
    loop {
        match lines.next()? {
            None => return Ok(None),
            Some(Line::TooLong) => return Ok(Some(Err(RecordErrorKind::TooLong { maximum: MAX_RECORD_BYTES }))),
            Some(Line::Bytes(line)) if line.trim_ascii().is_empty() => {}
            Some(Line::Bytes(line)) => return Ok(Some(json::parse(line))),
        }
    }
}
