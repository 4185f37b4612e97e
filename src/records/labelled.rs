//! Labelled articles to learn from.

use std::sync::Arc;

use super::{
    Fields, Id, Input, RecordError, RecordErrorKind,
    reader::{Reader, Record},
};
use crate::{classify::Axis, learn::LabelledArticle};

/// A labelled article and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// The file as it was named, `-` for standard input.
    pub file: Arc<str>,
    /// The line where the record starts, from 1.
    pub line: u64,
    /// The article. Its labels are those of the fields `meeting_type` and `relaying_department`, not checked against any
    /// catalog; a field that is missing, `null` or empty is no label. Without an `id` it is called by its place.
    pub article: LabelledArticle,
}

/// The labelled articles of one file, in order.
pub struct LabelledArticles(Reader);

impl LabelledArticles {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or is CSV without a column `text`.
    pub fn open(input: &Input) -> Result<Self, RecordError> {
        Reader::open(input).map(Self)
    }

    fn labelled(&self, line: u64, mut fields: Fields) -> Result<Labelled, RecordErrorKind> {
        let text = fields.take_required("text")?;
        let mut labels = [None, None];
        for (label, axis) in labels.iter_mut().zip(Axis::ALL) {
            *label = fields.take(axis.name())?;
        }
        if labels.iter().all(Option::is_none) {
            return Err(RecordErrorKind::NoLabel);
        }
        let id = match fields.take("id")?.map_or_else(|| self.0.position(line), Id::Given) {
            Id::Given(id) | Id::Position(id) => id,
        };
        let (title, group, source) = (fields.take("title")?, fields.take("group")?, fields.take("source")?);
        let article = LabelledArticle { id, title, text, labels, group, source };
        Ok(Labelled { file: self.0.file.clone(), line, article })
    }
}

impl Iterator for LabelledArticles {
    type Item = Result<Labelled, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Record { line, fields } = self.0.next()?;
        let labelled = fields.and_then(|fields| self.labelled(line, fields));
        Some(labelled.map_err(|kind| self.0.error(line, kind)))
    }
}
