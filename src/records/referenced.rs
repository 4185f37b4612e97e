//! Articles with references to measure summaries by.

use std::sync::Arc;

use super::{
    Fields, Input, RecordError, RecordErrorKind,
    reader::{Reader, Record},
};
use crate::learn::ReferencedArticle;

/// An article with a reference, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referenced {
    /// The file as it was named, `-` for standard input.
    pub file: Arc<str>,
    /// The line where the record starts, from 1.
    pub line: u64,
    /// The article: fields `text`, `reference` and perhaps `title`.
    pub article: ReferencedArticle,
}

/// The articles of one file that have references, in order.
pub struct ReferencedArticles(Reader);

impl ReferencedArticles {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or is CSV without a column `text`.
    pub fn open(input: &Input) -> Result<Self, RecordError> {
        Reader::open(input).map(Self)
    }

    fn referenced(&self, line: u64, mut fields: Fields) -> Result<Referenced, RecordErrorKind> {
        let (text, reference) = (fields.take_required("text")?, fields.take_required("reference")?);
        let article = ReferencedArticle { title: fields.take("title")?, text, reference };
        Ok(Referenced { file: self.0.file.clone(), line, article })
    }
}

impl Iterator for ReferencedArticles {
    type Item = Result<Referenced, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Record { line, fields } = self.0.next()?;
        let referenced = fields.and_then(|fields| self.referenced(line, fields));
        Some(referenced.map_err(|kind| self.0.error(line, kind)))
    }
}
