//! What a model is: counts, settings, fitted values, report data; the codec of its file.

use crate::{
    classify::{self, Classification},
    summarize::Idf,
    text::Document,
};

/// A model, loaded and ready to answer: one immutable version.
#[derive(Debug, Default)]
pub struct Model {
    version: String,
    idf: Idf,
}

/// Why a model file was refused.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Not a model file.
    #[error("not a chuanda model file")]
    NotAModel,
}

impl Model {
    /// Reads the serving part of a model file.
    ///
    /// # Errors
    ///
    /// The file is not a model, is damaged, or is of a version that this build does not read.
    pub fn from_bytes(_bytes: &[u8]) -> Result<Self, ModelError> {
        Ok(Self::default())
    }

    /// The model that is built into the program.
    ///
    /// # Errors
    ///
    /// As [`Model::from_bytes`].
    pub fn embedded() -> Result<Self, ModelError> {
        Self::from_bytes(&[])
    }

    /// Content address: 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The document frequencies that the summariser weighs terms with.
    #[must_use]
    pub fn idf(&self) -> &Idf {
        &self.idf
    }

    /// Whether the model was trained on articles in the document's language.
    #[must_use]
    pub fn knows_language(&self, _document: &Document<'_>) -> bool {
        true
    }

    /// Both labels of a document, indexed by [`classify::Axis`]. An axis the model was not trained on is `None`.
    #[must_use]
    pub fn classify(&self, _document: &Document<'_>, _options: &classify::Options) -> [Option<Classification>; 2] {
        [None, None]
    }
}
