//! Whole model files, with the counts that learning goes on from, and files of counts.

use std::{fs::File, io, path::Path};

use serde::Serialize;

use super::{
    Counts, Digest, EMBEDDED, Model, ModelError, Section, Serving, StoredCounts,
    codec::{self, Kind},
    self_test,
};
use crate::classify::{Axis, Catalog};

/// A whole model file: what answers, and what learning goes on from.
#[derive(Debug)]
pub struct ModelFile {
    /// The serving section, ready to answer.
    pub model: Model,
    /// The serving section.
    pub serving: Serving,
    /// The counts section.
    pub counts: Counts,
}

impl ModelFile {
    /// Reads both sections.
    ///
    /// # Errors
    ///
    /// As [`Model::from_bytes`], for either section; or the two are not of one model.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        Self::of(&codec::Container::open(bytes)?)
    }

    /// [`ModelFile::from_bytes`] of a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read; as [`ModelFile::from_bytes`].
    pub fn from_file(file: File) -> Result<Self, ModelError> {
        Self::of(&codec::Container::of(codec::Content::of(file)?)?)
    }

    pub(super) fn of(container: &codec::Container<'_>) -> Result<Self, ModelError> {
        let model = Model::of(container)?;
        let (serving, counts) = (container.section(Section::Serving)?, container.section(Section::Counts)?);
        check_counts(&serving, &counts)?;
        Ok(ModelFile { model, serving, counts })
    }

    /// Checks the whole file in little memory, and reads its serving section.
    ///
    /// # Errors
    ///
    /// As [`Model::from_bytes`]; the counts are damaged. Whether they make sense is not looked at.
    pub fn verify(bytes: &[u8]) -> Result<Model, ModelError> {
        let model = Model::from_bytes(bytes)?;
        codec::Container::open(bytes)?.verify(Section::Counts)?;
        Ok(model)
    }

    /// Both sections of the model that is built into the program.
    ///
    /// # Errors
    ///
    /// As [`Model::from_bytes`]; none in a build whose tests pass.
    pub fn embedded() -> Result<Self, ModelError> {
        Self::from_bytes(EMBEDDED)
    }

    /// The bytes of a model file, and its version: asks the self-test and stores its answers. The same content gives
    /// the same bytes.
    ///
    /// # Errors
    ///
    /// Sections that a reader would refuse.
    pub fn write(serving: Serving, counts: &Counts) -> Result<(Vec<u8>, String), ModelError> {
        Self::write_packed(serving, PackedCounts::new(counts)?)
    }

    /// [`ModelFile::write`] of counts that are packed already.
    ///
    /// # Errors
    ///
    /// As [`ModelFile::write`].
    pub fn write_packed(mut serving: Serving, counts: PackedCounts) -> Result<(Vec<u8>, String), ModelError> {
        serving.self_test = self_test::answers_of(&serving)?;
        check_same_model(labels_of(&serving), (&counts.catalog, counts.labels.each_ref().map(Vec::as_slice)))?;
        let packed = codec::pack(&serving, Section::Serving, None)?;
        // What is packed need not be held while the file is put together.
        drop(serving);
        codec::write(Kind::Model, vec![packed, counts.section])
    }
}

/// Counts as they stand in a file: so they can wait for their model in little memory.
#[derive(Debug)]
pub struct PackedCounts {
    section: codec::Packed,
    catalog: Catalog,
    labels: [Vec<String>; 2],
}

impl PackedCounts {
    /// Packs counts.
    ///
    /// # Errors
    ///
    /// Counts that a reader would refuse.
    pub fn new(counts: &Counts) -> Result<Self, ModelError> {
        check_soundness(counts)?;
        Self::of(counts, &counts.catalog, counts.axes.each_ref().map(|axis| axis.labels.as_slice()), None)
    }

    /// Packs what is serialised as [`Counts`] with this catalog and these labels, by axis, are. If there is a directory, what
    /// is long waits there, in a temporary file without a name.
    ///
    /// # Errors
    ///
    /// Counts that cannot be encoded, or are too large for a file; the temporary file cannot be written.
    pub fn of(
        counts: &impl Serialize,
        catalog: &Catalog,
        labels: [&[String]; 2],
        directory: Option<&Path>,
    ) -> Result<Self, ModelError> {
        let section = codec::pack(counts, Section::Counts, directory)?;
        Ok(Self { section, catalog: catalog.clone(), labels: labels.map(<[String]>::to_vec) })
    }

    /// Writes a file of counts.
    ///
    /// # Errors
    ///
    /// Those of the writer; where they wait they cannot be read.
    pub fn write_to(self, writer: &mut dyn io::Write) -> io::Result<()> {
        codec::write_to(Kind::Counts, vec![self.section], writer)
    }

    /// The digest of the counts, for [`Serving::calibrated_on`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        shortened(&self.section.digest)
    }

    /// Whether some article is labelled on an axis.
    #[must_use]
    pub fn is_labelled(&self, axis: Axis) -> bool {
        !self.labels[axis as usize].is_empty()
    }
}

impl Counts {
    /// Reads a file of counts, or the counts of a model file.
    ///
    /// # Errors
    ///
    /// As [`StoredCounts::from_file`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        StoredCounts::from_bytes(bytes.to_vec())?.load()
    }

    /// The bytes of a file of counts. The same content gives the same bytes.
    ///
    /// # Errors
    ///
    /// Counts that a reader would refuse.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        Ok(codec::write(Kind::Counts, vec![PackedCounts::new(self)?.section])?.0)
    }
}

/// Whether counts are sound.
fn check_soundness(counts: &Counts) -> Result<(), ModelError> {
    let section = Section::Counts;
    counts.catalog.check().map_err(|error| ModelError::malformed(section, &error))?;
    counts.fault().map_or(Ok(()), |fault| Err(ModelError::malformed(section, fault)))
}

/// Whether counts are sound, and of the same model as a serving section.
fn check_counts(serving: &Serving, counts: &Counts) -> Result<(), ModelError> {
    check_soundness(counts)?;
    let labels = counts.axes.each_ref().map(|axis| axis.labels.as_slice());
    check_same_model(labels_of(serving), (&counts.catalog, labels))
}

/// Catalog and labels of a serving section.
fn labels_of(serving: &Serving) -> (&Catalog, [Option<&[String]>; 2]) {
    (&serving.catalog, serving.tables.axes.each_ref().map(|axis| axis.as_ref().map(|tables| tables.labels.as_slice())))
}

/// Whether a serving section and counts with these catalogs and labels are of the same model.
pub(super) fn check_same_model(
    serving: (&Catalog, [Option<&[String]>; 2]),
    counts: (&Catalog, [&[String]; 2]),
) -> Result<(), ModelError> {
    // Labels may be counted, but too little to learn from.
    let same_labels = serving.1.into_iter().zip(counts.1).all(|(own, labels)| own.is_none_or(|own| own == labels));
    if !same_labels || serving.0 != counts.0 {
        return Err(ModelError::malformed(Section::Counts, "not of the same model as the serving section"));
    }
    Ok(())
}

/// The first half of a checksum.
pub(super) fn shortened(checksum: &[u8; 32]) -> Digest {
    let mut digest = Digest::default();
    digest.0.copy_from_slice(&checksum[..16]);
    digest
}
