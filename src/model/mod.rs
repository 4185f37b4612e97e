//! What a model is: counts, settings, fitted values, report data; the codec of its file; the directory of versions.
//!
//! A model file holds two sections. *Serving* is all that answering needs; *counts* is what learning goes on from.
//! [`Model`] is the first, ready to answer; [`ModelFile`] is both. A file of counts holds the second alone.

mod codec;
mod counts;
mod error;
mod file;
mod report;
mod scratch;
mod self_test;
pub mod store;
mod stored;

use std::{collections::HashSet, fs::File};

use serde::{Deserialize, Serialize};

pub(crate) use self::scratch::Scratch;
pub use self::{
    codec::Section,
    counts::{AxisCounts, Cells, Counts, Digest, LedgerEntry, MAX_SAMPLE, SampleArticle},
    error::ModelError,
    file::{ModelFile, PackedCounts},
    report::{
        AcceptedMetrics, AxisReport, Confusion, EventModel, LabelMetrics, LabelSetMetrics, Metrics, ReliabilityBin,
        Report, RiskPoint, Settings,
    },
    self_test::Answer as SelfTestAnswer,
    stored::{StoredCounts, StoredModel, StoredServing},
};
use crate::{
    classify::{
        self, Axis, Catalog, Classification, Evidence, Hits, Idf, Names, Scorer, Tables, Typicality, TypicalityLimits,
        delta,
    },
    text::{Document, Language},
};

/// The file of the embedded model, as `chuanda train` wrote it from `models/default/corpus`.
const EMBEDDED: &[u8] = include_bytes!("../../models/default/default.chuanda");

/// The fitted layer and all else that answering needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Serving {
    /// Definitions and names of the labels.
    pub catalog: Catalog,
    /// Fitted values.
    pub tables: Tables,
    /// By language (English, Chinese, undetermined): training articles.
    pub languages: [u64; 3],
    /// Terms held by more than one training article, ascending.
    #[serde(with = "delta")]
    pub terms: Vec<u64>,
    /// By term: how many articles hold it.
    pub term_documents: Vec<u32>,
    /// How far from typical of the training articles an article may be.
    pub typicality: TypicalityLimits,
    /// What is known of the model.
    pub report: Report,
    /// Digest of the counts that settings, weights and temperature were learnt from.
    pub calibrated_on: Digest,
    /// Answers to the built-in texts; [`ModelFile::write`] fills them in.
    pub self_test: Vec<SelfTestAnswer>,
}

/// A model, loaded and ready to answer: one immutable version.
#[derive(Debug)]
pub struct Model {
    version: String,
    catalog: Catalog,
    scorer: Scorer,
    idf: Idf,
    limits: TypicalityLimits,
    languages: [u64; 3],
    report: Report,
    is_calibrated: bool,
}

impl Model {
    /// Reads the serving section of a model file and asks it the self-test.
    ///
    /// # Errors
    ///
    /// The file is not a model, is damaged, is of a format or feature scheme that this build does not read, or fails
    /// its self-test.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        Self::of(&codec::Container::open(bytes)?)
    }

    /// [`Model::from_bytes`] of a file, without reading its counts.
    ///
    /// # Errors
    ///
    /// The file cannot be read; as [`Model::from_bytes`].
    pub fn from_file(file: File) -> Result<Self, ModelError> {
        Self::of(&codec::Container::of(codec::Content::of(file)?)?)
    }

    fn of(container: &codec::Container<'_>) -> Result<Self, ModelError> {
        let mut serving: Serving = container.section(Section::Serving)?;
        let answers = std::mem::take(&mut serving.self_test);
        let own =
            container.digest(Section::Counts).is_some_and(|digest| file::shortened(&digest) == serving.calibrated_on);
        let model = Self { is_calibrated: own, ..Self::new(container.version(), &serving, None)? };
        drop(serving);
        self_test::check(&model, &answers)?;
        Ok(model)
    }

    /// The model of a serving section; if there are some, one that knows these n-grams only.
    fn new(version: String, serving: &Serving, ngrams: Option<&HashSet<u64>>) -> Result<Self, ModelError> {
        let section = Section::Serving;
        serving.catalog.check().map_err(|error| ModelError::malformed(section, &error))?;
        if serving.terms.len() != serving.term_documents.len() {
            return Err(ModelError::malformed(section, "number of terms"));
        }
        if !serving.typicality.is_sound() {
            return Err(ModelError::malformed(section, "typicality"));
        }
        for (report, tables) in serving.report.axes.iter().zip(&serving.tables.axes) {
            let fits = match (report, tables) {
                (None, None) => true,
                (Some(report), Some(tables)) => {
                    report.settings.are_valid() && report.settings.length_exponent == tables.length_exponent
                }
                (None, Some(_)) | (Some(_), None) => false,
            };
            if !fits {
                return Err(ModelError::malformed(section, "settings"));
            }
        }
        let catalog = serving.catalog.clone();
        let display = |axis: usize, id: &str| {
            let name = Axis::ALL.get(axis).and_then(|&axis| catalog.get(axis, id)).map(|label| label.name_en.as_str());
            name.filter(|name| !name.is_empty()).unwrap_or(id).to_owned()
        };
        let malformed = |error| ModelError::malformed(section, &error);
        let part = ngrams.map(|ngrams| serving.tables.check().map(|()| serving.tables.of_ngrams(ngrams)));
        let part = part.transpose().map_err(malformed)?;
        let tables = part.as_ref().unwrap_or(&serving.tables);
        let scorer = Scorer::new(tables, Names::new(&catalog), display).map_err(malformed)?;
        let frequencies = serving.terms.iter().copied().zip(serving.term_documents.iter().copied());
        Ok(Model {
            version,
            idf: Idf::new(serving.report.articles, frequencies),
            scorer,
            catalog,
            limits: serving.typicality,
            languages: serving.languages,
            report: serving.report.clone(),
            is_calibrated: true,
        })
    }

    /// The model that is built into the program.
    ///
    /// # Errors
    ///
    /// As [`Model::from_bytes`]; none in a build whose tests pass.
    pub fn embedded() -> Result<Self, ModelError> {
        Self::from_bytes(EMBEDDED)
    }

    /// Content address: 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Definitions and names of the labels. Labels that stand only in the data are not in it.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Settings and held-out figures.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Whether settings and fitted values were learnt from the very counts that the model holds, by their calibration
    /// sample. They were not if articles have been added or removed since; the held-out figures of the report then are of
    /// the model before.
    #[must_use]
    pub fn is_calibrated(&self) -> bool {
        self.is_calibrated
    }

    /// The languages of the training articles, most frequent first.
    #[must_use]
    pub fn languages(&self) -> Vec<Language> {
        let all = [Language::English, Language::Chinese, Language::Undetermined];
        let mut languages: Vec<(u64, Language)> = self.languages.into_iter().zip(all).filter(|(n, _)| *n > 0).collect();
        languages.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
        languages.into_iter().map(|(_, language)| language).collect()
    }

    /// Whether the model was trained on articles in the document's language: at least one in a hundred.
    #[must_use]
    pub fn knows_language(&self, document: &Document<'_>) -> bool {
        let total = self.languages.iter().fold(0_u64, |sum, &articles| sum.saturating_add(articles));
        let articles = self.languages[document.language as usize];
        document.language == Language::Undetermined || articles.saturating_mul(100) >= total.max(1)
    }

    /// Both labels of a document, indexed by [`Axis`]. An axis the model was not trained on is `None`.
    ///
    /// A document in a language the model was not trained on is answered from the prior alone: the odd year or Latin
    /// abbreviation in it proves nothing.
    #[must_use]
    pub fn classify(&self, document: &Document<'_>, options: &classify::Options) -> [Option<Classification>; 2] {
        let hits = self.hits(document);
        let typicality = Typicality::new(hits.words().into_iter().map(|word| self.idf.known(word)), self.idf.unknown());
        self.scorer.classify(document, &hits, typicality.is_foreign(&self.limits), options)
    }

    fn hits(&self, document: &Document<'_>) -> Hits {
        if self.knows_language(document) { self.scorer.hits(document) } else { Hits::default() }
    }

    /// Scores and probabilities of all labels of an axis, with their ids, ascending by id. Empty without the axis.
    #[must_use]
    pub fn distribution(&self, document: &Document<'_>, axis: Axis) -> Vec<(&str, f64, f64)> {
        let hits = self.hits(document);
        let Some((scores, probabilities)) = self.scorer.scores(axis as usize, &hits) else { return Vec::new() };
        let values = scores.into_iter().zip(probabilities);
        self.scorer.labels(axis as usize).into_iter().zip(values).map(|(id, (score, p))| (id, score, p)).collect()
    }

    /// The ids of all labels of an axis, ascending. Empty without the axis.
    #[must_use]
    pub fn labels(&self, axis: Axis) -> Vec<&str> {
        self.scorer.labels(axis as usize)
    }

    /// The words of a document that speak for a label, chosen or not, strongest first. Empty if the axis does not have
    /// the label.
    #[must_use]
    pub fn evidence(&self, document: &Document<'_>, axis: Axis, label: &str, max: usize) -> Vec<Evidence> {
        let hits = self.hits(document);
        self.scorer.evidence(axis as usize, label, document, &hits, max)
    }
}
