//! What can be wrong with a record, and where it stands. Never holds text of the article.

use std::{fmt, io, sync::Arc};

use super::{Fields, Id};

/// A record or a file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{kind}", Place { file, line: *line })]
pub struct RecordError {
    /// The file as it was named, `-` for standard input.
    pub file: Arc<str>,
    /// The line where the record starts, from 1; `None` if the file as a whole cannot be used.
    pub line: Option<u64>,
    /// What is wrong.
    pub kind: RecordErrorKind,
}

/// `file:line: `, without the line if there is none.
struct Place<'a> {
    file: &'a str,
    line: Option<u64>,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: ", self.file),
            None => write!(f, "{}: ", self.file),
        }
    }
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordErrorKind {
    /// The line or text file is not UTF-8.
    #[error("not UTF-8 at byte {byte}")]
    NotUtf8 {
        /// The first byte that is not, counted from 0 at the start of the record.
        byte: usize,
    },
    /// A field of a CSV row is not UTF-8.
    #[error("field {field}: not UTF-8 at byte {byte} of the field")]
    FieldNotUtf8 {
        /// Name of the column; of a long one the beginning and an ellipsis.
        field: String,
        /// The first byte that is not, counted from 0 at the start of the field.
        byte: usize,
    },
    /// The line is not JSON.
    #[error("not JSON at column {column}")]
    NotJson {
        /// The byte of the line, from 1, where reading stopped.
        column: usize,
    },
    /// The line is JSON, and not an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// A field that every record needs is not there.
    #[error("field {field} is missing")]
    Missing {
        /// Its name.
        field: &'static str,
    },
    /// A labelled record without a label.
    #[error("neither meeting_type nor relaying_department is given")]
    NoLabel,
    /// A field is of another type than a string.
    #[error("field {field} must be a string and is {found}")]
    NotAString {
        /// Its name.
        field: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A JSON string with an escape that stands for no character (half a surrogate pair).
    #[error("field {field} holds an escape that stands for no character")]
    NotACharacter {
        /// Its name.
        field: &'static str,
    },
    /// A field that stands twice in one record.
    #[error("field {field} is given more than once")]
    Repeated {
        /// Its name.
        field: &'static str,
    },
    /// Longer than [`super::MAX_RECORD_BYTES`].
    #[error("longer than the limit of {maximum} bytes")]
    TooLong {
        /// The limit.
        maximum: usize,
    },
    /// A CSV row with more or fewer fields than the header.
    #[error("{found} fields where the header has {expected}")]
    FieldCount {
        /// Columns of the header.
        expected: usize,
        /// Fields of the row.
        found: usize,
    },
    /// A row or an object with more fields than are read.
    #[error("more than the limit of {maximum} fields")]
    TooManyFields {
        /// The limit.
        maximum: usize,
    },
    /// A quote that opens a CSV field and is closed nowhere in the file.
    #[error("a quoted field is never closed")]
    OpenQuote,
    /// The CSV header lacks a column that every row needs. Nothing of the file is read.
    #[error("the header has no column {column}")]
    NoColumn {
        /// The column.
        column: &'static str,
    },
    /// The file could not be opened, read, or decompressed. Nothing more of the file is read.
    #[error("{message}")]
    Io {
        /// What happened, for programs.
        kind: io::ErrorKind,
        /// What happened, for people.
        message: String,
    },
}

impl From<io::Error> for RecordErrorKind {
    fn from(error: io::Error) -> Self {
        RecordErrorKind::Io { kind: error.kind(), message: error.to_string() }
    }
}

/// A record that was rejected, with what of it could be read.
#[derive(Debug)]
pub struct Rejected {
    /// Why, and where it stands.
    pub error: RecordError,
    /// Its id.
    pub id: Id,
    /// Its other fields, as in [`super::Article::other`].
    pub other: Fields,
}

impl Rejected {
    /// Bytes that it takes in memory, about.
    #[must_use]
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.id.as_str().len() + self.other.size()
    }
}

impl From<RecordError> for Rejected {
    /// A file that cannot be used.
    fn from(error: RecordError) -> Self {
        let id = Id::Position(error.file.to_string());
        Self { error, id, other: Fields::default() }
    }
}
