//! Models and counts that stay in their files: what learning goes on from is read column by column, so that most of it is
//! never held.

mod read;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    fs::File,
    io::{self, BufRead},
    sync::Arc,
};

use rayon::prelude::*;

use self::read::{Bytes, Column, Ids, Numbers, SECTION, malformed};
use super::{
    AxisCounts, Cells, Counts, Digest, EMBEDDED, LedgerEntry, MAX_SAMPLE, Model, ModelError, ModelFile, SampleArticle,
    Section, Serving,
    codec::{Container, Content, Kind},
    file::{check_same_model, shortened},
};
use crate::classify::{Axis, Catalog, features::Field};

/// A model whose file is read when something of it is asked for.
#[derive(Debug)]
pub struct StoredModel {
    container: Arc<Container<'static>>,
    version: String,
    counts: StoredCounts,
}

impl StoredModel {
    /// Opens a model file, and checks both sections.
    ///
    /// # Errors
    ///
    /// As [`Model::from_file`], for either section; or the two are not of one model.
    pub fn from_file(file: File) -> Result<Self, ModelError> {
        Self::of(Container::of(Content::of(file)?)?)
    }

    /// [`StoredModel::from_file`] of a file that is held.
    ///
    /// # Errors
    ///
    /// As [`StoredModel::from_file`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, ModelError> {
        Self::of(Container::of(Content::Held(Cow::Owned(bytes)))?)
    }

    /// The model that is built into the program.
    ///
    /// # Errors
    ///
    /// As [`Model::from_bytes`]; none in a build whose tests pass.
    pub fn embedded() -> Result<Self, ModelError> {
        Self::of(Container::open(EMBEDDED)?)
    }

    /// Checks what columns of the counts say, which is checked else only when they are read.
    ///
    /// # Errors
    ///
    /// As [`StoredCounts::each_feature`].
    pub fn check_columns(&self) -> Result<(), ModelError> {
        self.counts.check_columns()
    }

    fn of(container: Container<'static>) -> Result<Self, ModelError> {
        let container = Arc::new(container);
        // It answers nothing here, and may be large.
        let model = Model::of(&container)?;
        let (catalog, version) = (model.catalog().clone(), model.version().to_owned());
        let labels = Axis::ALL.map(|axis| model.labels(axis).into_iter().map(str::to_owned).collect::<Vec<_>>());
        drop(model);
        let counts = StoredCounts::of(&container)?;
        let of_model = labels.each_ref().map(|labels| (!labels.is_empty()).then_some(labels.as_slice()));
        let Counts { catalog: counted, axes, .. } = &counts.rest;
        check_same_model((&catalog, of_model), (counted, axes.each_ref().map(|axis| axis.labels.as_slice())))?;
        Ok(Self { container, version, counts })
    }

    /// Content address: 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Reads all of it.
    ///
    /// # Errors
    ///
    /// As [`ModelFile::from_file`].
    pub fn load(&self) -> Result<ModelFile, ModelError> {
        ModelFile::of(&self.container)
    }

    /// Both sections, each to be read when it is needed.
    #[must_use]
    pub fn into_parts(self) -> (StoredServing, StoredCounts) {
        (StoredServing { container: self.container }, self.counts)
    }
}

/// The serving section of a model, which was found sound and is not held.
#[derive(Debug)]
pub struct StoredServing {
    container: Arc<Container<'static>>,
}

impl StoredServing {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not the one any more that was opened.
    pub fn load(&self) -> Result<Serving, ModelError> {
        self.container.section(Section::Serving)
    }
}

/// Counts whose features and terms are read from their file when they are asked for.
#[derive(Debug)]
pub struct StoredCounts {
    container: Arc<Container<'static>>,
    /// Without features, their cells, terms, and in how many articles those stand.
    rest: Counts,
    features: Column,
    /// By axis: numbers of cells, labels, articles.
    cells: [[Column; 3]; 2],
    terms: Column,
    term_documents: Column,
}

impl StoredCounts {
    /// Opens a file of counts or of a model, and checks all but features and terms, which are checked as they are read.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is neither, is damaged (of a model: in either section), or is of a format or feature scheme
    /// that this build does not read.
    pub fn from_file(file: File) -> Result<Self, ModelError> {
        Self::from_content(Content::of(file)?)
    }

    /// [`StoredCounts::from_file`] of a file that is held.
    ///
    /// # Errors
    ///
    /// As [`StoredCounts::from_file`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, ModelError> {
        Self::from_content(Content::Held(Cow::Owned(bytes)))
    }

    fn from_content(content: Content<'static>) -> Result<Self, ModelError> {
        let container = Container::of(content);
        let container =
            container.map_err(|error| if let ModelError::NotAModel = error { ModelError::NotCounts } else { error })?;
        match container.kind() {
            Kind::Model => Ok(StoredModel::of(container)?.counts),
            Kind::Counts => Self::of(&Arc::new(container)),
        }
    }

    fn of(container: &Arc<Container<'static>>) -> Result<Self, ModelError> {
        let counts = container.verified(SECTION, |reader| {
            let mut bytes = Bytes::new(reader);
            let (catalog, languages) = bytes.decode()?;
            let features = bytes.skip_numbers()?;
            let (mut axes, mut cells) = (<[AxisCounts; 2]>::default(), [[Column::default(); 3]; 2]);
            for (axis, cells) in axes.iter_mut().zip(&mut cells) {
                (axis.labels, axis.documents) =
                    (bytes.sequence(Catalog::MAX_LABELS)?, bytes.sequence(Catalog::MAX_LABELS)?);
                for column in cells {
                    *column = bytes.skip_numbers()?;
                }
            }
            let (terms, term_documents) = (bytes.skip_numbers()?, bytes.skip_numbers()?);
            let (ledger, sample) = (bytes.sequence(u32::MAX as usize)?, bytes.sequence(MAX_SAMPLE)?);
            let (sample_limit, sample_is_exact) = bytes.decode()?;
            if !bytes.is_end()? {
                return Err(malformed("bytes left over"));
            }
            let rest =
                Counts { catalog, languages, axes, ledger, sample, sample_limit, sample_is_exact, ..Counts::default() };
            Ok(StoredCounts { container: Arc::clone(container), rest, features, cells, terms, term_documents })
        })?;
        counts.check()?;
        Ok(counts)
    }

    /// Whether all but what columns hold is sound.
    fn check(&self) -> Result<(), ModelError> {
        self.rest.catalog.check().map_err(|error| ModelError::malformed(SECTION, &error))?;
        let fault = self.rest.fault_besides_columns(self.features.length, self.terms.length);
        if let Some(fault) = fault {
            return Err(malformed(fault));
        }
        if self.term_documents.length != self.terms.length {
            return Err(malformed("number of features"));
        }
        let fits = |[numbers, labels, articles]: [Column; 3]| {
            numbers.length == self.features.length && labels.length == articles.length
        };
        if self.cells.into_iter().all(fits) { Ok(()) } else { Err(malformed("cells")) }
    }

    /// All but features and their cells, terms and in how many articles those stand, which are empty here.
    #[must_use]
    pub fn rest(&self) -> &Counts {
        &self.rest
    }

    /// Takes the calibration sample, so that it can be let go of before the rest.
    pub fn take_sample(&mut self) -> Vec<SampleArticle> {
        std::mem::take(&mut self.rest.sample)
    }

    /// Takes the ledger.
    pub fn take_ledger(&mut self) -> Vec<LedgerEntry> {
        std::mem::take(&mut self.rest.ledger)
    }

    /// The digest of the counts, for [`Serving::calibrated_on`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.container.digest(SECTION).map(|digest| shortened(&digest)).unwrap_or_default()
    }

    fn open(&self, column: Column) -> Result<Numbers<impl BufRead>, ModelError> {
        Ok(Numbers { reader: self.container.read_from(SECTION, column.at)?, left: column.length })
    }

    /// Reads feature ids, ascending.
    ///
    /// # Errors
    ///
    /// As [`StoredCounts::each_feature`].
    pub fn each_feature_id(&self, each: impl FnMut(u64)) -> Result<(), ModelError> {
        self.each_id(self.features, each)
    }

    /// Reads terms, ascending.
    ///
    /// # Errors
    ///
    /// As [`StoredCounts::each_feature`].
    pub fn each_term(&self, each: impl FnMut(u64)) -> Result<(), ModelError> {
        self.each_id(self.terms, each)
    }

    fn each_id(&self, column: Column, mut each: impl FnMut(u64)) -> Result<(), ModelError> {
        self.unchanged(|| {
            let mut ids = Ids { differences: self.open(column)?, before: None };
            while let Some(id) = ids.next()? {
                each(id);
            }
            Ok(())
        })
    }

    /// Reads something of a file that must be the same still: what goes wrong else is because of that.
    fn unchanged(&self, read: impl FnOnce() -> Result<(), ModelError>) -> Result<(), ModelError> {
        let read = read();
        let changed = || ModelError::Read(io::Error::other("it changed while it was read"));
        if self.container.is_unchanged() { read } else { Err(changed()) }
    }

    /// Reads features, ascending, with their cells: by axis, labels, ascending, and articles.
    ///
    /// # Errors
    ///
    /// They make no sense; the file cannot be read, or is not the one any more that was opened.
    pub fn each_feature(&self, each: impl FnMut(u64, &[Vec<(u16, u32)>; 2])) -> Result<(), ModelError> {
        self.unchanged(|| self.read_features(each))
    }

    fn read_features(&self, mut each: impl FnMut(u64, &[Vec<(u16, u32)>; 2])) -> Result<(), ModelError> {
        // What lies before a column has to be unpacked to reach it.
        let columns = [self.features].into_iter().chain(self.cells.into_iter().flatten());
        let opened: Result<Vec<_>, _> = columns.collect::<Vec<_>>().into_par_iter().map(|it| self.open(it)).collect();
        let mut opened = opened?.into_iter();
        let Some(differences) = opened.next() else { return Ok(()) };
        let (mut ids, mut columns) = (Ids { differences, before: None }, opened.collect::<Vec<_>>());
        let mut cells = [Vec::new(), Vec::new()];
        while let Some(id) = ids.next()? {
            if Field::of(id).is_none() {
                return Err(malformed("fields"));
            }
            for ((cells, columns), axis) in cells.iter_mut().zip(columns.chunks_mut(3)).zip(&self.rest.axes) {
                let [numbers, labels, articles] = columns else { return Err(malformed("cells")) };
                cells.clear();
                for _ in 0..numbers.need::<u16>()? {
                    cells.push((labels.need()?, articles.need()?));
                }
                if let Some(fault) = axis.fault_of(cells.iter().copied()) {
                    return Err(malformed(fault));
                }
            }
            each(id, &cells);
        }
        if columns.iter().any(|column| column.left > 0) {
            return Err(malformed("cells"));
        }
        Ok(())
    }

    /// Reads terms, ascending, with the number of articles that hold each.
    ///
    /// # Errors
    ///
    /// As [`StoredCounts::each_feature`].
    pub fn each_term_documents(&self, mut each: impl FnMut(u64, u32)) -> Result<(), ModelError> {
        let articles = self.rest.articles();
        self.unchanged(|| {
            let mut ids = Ids { differences: self.open(self.terms)?, before: None };
            let mut documents = self.open(self.term_documents)?;
            while let Some(id) = ids.next()? {
                let documents = documents.need()?;
                if u64::from(documents) > articles {
                    return Err(malformed("term documents"));
                }
                each(id, documents);
            }
            Ok(())
        })
    }

    /// Checks what columns say, where nobody else reads them.
    ///
    /// # Errors
    ///
    /// As [`StoredCounts::each_feature`].
    pub fn check_columns(&self) -> Result<(), ModelError> {
        self.each_feature(|_, _| {})?;
        self.each_term_documents(|_, _| {})
    }

    /// All of them.
    ///
    /// # Errors
    ///
    /// As [`StoredCounts::each_feature`].
    pub fn load(self) -> Result<Counts, ModelError> {
        let (mut features, mut cells) = (Vec::new(), <[Cells; 2]>::default());
        self.each_feature(|id, own| {
            features.push(id);
            cells.iter_mut().zip(own).for_each(|(cells, own)| cells.push(own));
        })?;
        let (mut terms, mut term_documents) = (Vec::new(), Vec::new());
        self.each_term_documents(|term, documents| {
            terms.push(term);
            term_documents.push(documents);
        })?;
        let mut counts = Counts { features, terms, term_documents, ..self.rest };
        counts.axes.iter_mut().zip(cells).for_each(|(axis, cells)| axis.cells = cells);
        Ok(counts)
    }
}
