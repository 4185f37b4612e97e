//! Articles to be analysed.

use std::sync::Arc;

use super::{
    Fields, Input, RecordError, RecordErrorKind, Rejected,
    reader::{Reader, Record},
};

/// An article as its file has it.
#[derive(Clone, Debug)]
pub struct Article {
    /// The file as it was named, `-` for standard input.
    pub file: Arc<str>,
    /// The line where the record starts, from 1; 1 for a text file.
    pub line: u64,
    /// What it is called.
    pub id: Id,
    /// Field `title`; empty if not given.
    pub title: String,
    /// Field `text`, or the whole text file.
    pub text: String,
    /// Field `language_code`; empty if not given.
    pub language_code: String,
    /// All other fields, in the order of the file.
    pub other: Fields,
}

impl Article {
    /// Bytes that it takes in memory, about.
    #[must_use]
    pub fn size(&self) -> usize {
        let Article { file: _, line: _, id, title, text, language_code, other } = self;
        size_of::<Self>() + id.as_str().len() + title.len() + text.len() + language_code.len() + other.size()
    }
}

/// What a record is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Id {
    /// Its field `id`, which is not empty.
    Given(String),
    /// Where it stands: `file:line`, or `file` for a text file or a file that cannot be used.
    Position(String),
}

impl Id {
    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Id::Given(id) | Id::Position(id) => id,
        }
    }
}

/// The articles of one file, in order.
pub struct Articles(Reader);

impl Articles {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or is CSV without a column `text`.
    pub fn open(input: &Input) -> Result<Self, RecordError> {
        Reader::open(input).map(Self)
    }

    /// Whether asking for the next article may have to wait for whoever writes the file.
    #[must_use]
    pub fn may_wait(&self) -> bool {
        self.0.may_wait()
    }
}

impl Iterator for Articles {
    type Item = Result<Article, Rejected>;

    fn next(&mut self) -> Option<Self::Item> {
        let Record { line, fields } = self.0.next()?;
        let (mut other, broken) = match fields {
            Ok(fields) => (fields, None),
            Err(kind) => (Fields::default(), Some(kind)),
        };
        let given = other.take("id");
        let id = match &given {
            Ok(Some(id)) => Id::Given(id.clone()),
            Ok(None) | Err(_) => self.0.position(line),
        };
        // Every field is taken out first, so that what is left is the same whether the record is good or bad.
        let (text, title, language_code) =
            (other.take_required("text"), other.take("title"), other.take("language_code"));
        let whole = || -> Result<_, RecordErrorKind> {
            broken.map_or(Ok(()), Err)?;
            given?;
            Ok((text?, title?.unwrap_or_default(), language_code?.unwrap_or_default()))
        };
        Some(match whole() {
            Ok((text, title, language_code)) => {
                Ok(Article { file: self.0.file.clone(), line, id, title, text, language_code, other })
            }
            Err(kind) => Err(Rejected { error: self.0.error(line, kind), id, other }),
        })
    }
}
