//! Articles and labelled articles in and out of files (JSONL, CSV, text, compressed), with positions.
//!
//! | format | an article is | its position |
//! | --- | --- | --- |
//! | `.txt` | the whole file | the file |
//! | `.jsonl` | a line with a JSON object; blank lines are skipped | file and line |
//! | `.csv` (RFC 4180, with a header) | a row; blank lines are skipped | file and the line where the row starts |
//!
//! Each may be compressed as `.gz` (one or more members) or `.zst` (one or more frames). A UTF-8 byte-order mark at the
//! start of a file is not part of its content; lines may end in CRLF. Lines are counted from 1, bytes from 0, columns
//! of a line from 1.
//!
//! A record that cannot be read is an item of its own, [`Rejected`], and reading goes on after it wherever that is
//! possible: only a file that cannot be opened, a device or a compressed stream that breaks off and a CSV file without
//! the columns needed end the reading of their file. Memory is bounded by the largest record, and a record by
//! [`MAX_RECORD_BYTES`]: a longer one is rejected and passed over without being held.

mod article;
mod csv;
mod error;
mod fields;
mod inputs;
mod json;
mod labelled;
mod lines;
mod publish;
mod reader;
mod referenced;

pub use article::{Article, Articles, Id};
pub use error::{RecordError, RecordErrorKind, Rejected};
pub use fields::Fields;
pub use inputs::{Compression, Format, Input, Inputs, UnknownFormat};

pub use labelled::{Labelled, LabelledArticles};
pub use publish::Publication;
pub use referenced::{Referenced, ReferencedArticles};

/// The longest record that is read, in bytes of the uncompressed file: a text file, a line of JSONL, the fields of a
/// CSV row. 32 MiB.
pub const MAX_RECORD_BYTES: usize = 32 << 20;
