//! Labelled articles become counts.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use rayon::prelude::*;

use super::{
    article::{LabelledArticle, Prepared},
    layout::{Layout, Learnable},
    refit::refit,
    sample::{Sample, Sampled},
    stop::{self, GoOn},
    tally::{Row, Tally},
    train::{self, TrainError, Trained, Watch},
};
use crate::{
    classify::{Axis, Catalog, Names, is_label_id, shown},
    model::{
        Counts, Digest, LedgerEntry, MAX_SAMPLE, ModelError, PackedCounts, SampleArticle, Scratch, Section, Serving,
    },
};

/// Which labels are allowed.
#[derive(Clone, Debug)]
pub enum CatalogChoice {
    /// Those of the catalog.
    Given(Catalog),
    /// Those of the catalog and any others in the data.
    GivenOrNew(Catalog),
    /// Whatever the data holds: bare ids.
    FromData,
}

/// What became of an article that was not rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It was counted.
    New,
    /// The same article with the same labels was counted before; it was not counted again.
    Double,
}

/// Why an article cannot be learnt from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RejectedArticle {
    /// No character that is not white space.
    #[error("text: must hold a character that is not white space")]
    BlankText,
    /// No label on either axis.
    #[error("no label: at least one of meeting_type and relaying_department is needed")]
    NoLabel,
    /// Not a label of the catalog.
    #[error("{axis}: {label:?} is not in the label catalog{}", nearest.as_ref().map(|n| format!("; the nearest is {n:?}")).unwrap_or_default())]
    UnknownLabel {
        /// The axis.
        axis: &'static str,
        /// The label.
        label: String,
        /// The nearest id of the catalog.
        nearest: Option<String>,
    },
    /// Not a label id.
    #[error("{axis}: {label:?} is no label id: 1 to 128 bytes without white space or control characters")]
    BadLabel {
        /// The axis.
        axis: &'static str,
        /// The label; of a long one the beginning and an ellipsis.
        label: String,
    },
    /// One label more than an axis can have.
    #[error("{axis}: more than {} labels", Catalog::MAX_LABELS)]
    TooManyLabels {
        /// The axis.
        axis: &'static str,
    },
}

impl LabelledArticle {
    /// Checks all that can be checked without a catalog: what fails cannot be learnt from, and not be evaluated on.
    ///
    /// # Errors
    ///
    /// No text, no label, or a label that is none.
    pub fn check(&self) -> Result<(), RejectedArticle> {
        if self.text.trim().is_empty() {
            return Err(RejectedArticle::BlankText);
        }
        if self.labels.iter().all(Option::is_none) {
            return Err(RejectedArticle::NoLabel);
        }
        for (axis, label) in Axis::ALL.into_iter().zip(&self.labels) {
            if let Some(label) = label.as_ref().filter(|label| !is_label_id(label)) {
                return Err(RejectedArticle::BadLabel { axis: axis.name(), label: shown(label) });
            }
        }
        Ok(())
    }
}

/// Counts labelled articles, one by one or many at a time, in any order.
///
/// It begins with nothing, or with the counts of a model: [`Trainer::from_counts`].
#[derive(Debug)]
pub struct Trainer {
    pub(super) catalog: Catalog,
    pub(super) names: Names,
    pub(super) allow_new: bool,
    /// By axis: the label ids of the catalog.
    pub(super) named: [HashSet<String>; 2],
    pub(super) tally: Tally,
    /// Article and text.
    pub(super) ledger: HashMap<Digest, Digest>,
    pub(super) sample: Sample,
    /// The articles that the sample is being rebuilt from, if it is.
    pub(super) rebuilt_from: Option<HashSet<Digest>>,
    /// Whether it began with counts.
    pub(super) goes_on: bool,
    /// Where what is too long for memory waits: packed counts, and sums.
    scratch: Option<(PathBuf, Arc<Scratch>)>,
}

impl Trainer {
    /// A trainer that has seen nothing.
    #[must_use]
    pub fn new(choice: CatalogChoice) -> Self {
        Self::with_capacity(choice, MAX_SAMPLE)
    }

    /// With a calibration sample of at most so many articles.
    pub(super) fn with_capacity(choice: CatalogChoice, capacity: usize) -> Self {
        let (catalog, allow_new) = match choice {
            CatalogChoice::Given(catalog) => (catalog, false),
            CatalogChoice::GivenOrNew(catalog) => (catalog, true),
            CatalogChoice::FromData => (Catalog::default(), true),
        };
        Trainer {
            named: Axis::ALL.map(|axis| catalog.labels(axis).iter().map(|label| label.id.clone()).collect()),
            names: Names::new(&catalog),
            catalog,
            allow_new,
            tally: Tally::default(),
            ledger: HashMap::new(),
            sample: Sample::with_capacity(capacity),
            rebuilt_from: None,
            goes_on: false,
            scratch: None,
        }
    }

    /// What is too long for memory, of sums and of packed counts, waits in this directory from now on, in temporary files
    /// without names; without a directory, in memory. It stays where it is if there is such a directory already.
    #[must_use]
    pub fn with_scratch(mut self, directory: Option<&Path>) -> Self {
        if self.scratch.is_some() {
            return self;
        }
        self.scratch = directory.map(|directory| (directory.to_owned(), Arc::new(Scratch::new(directory))));
        self.scratch.iter().for_each(|(_, scratch)| self.tally.spill_into(scratch));
        self
    }

    /// Counts one article.
    ///
    /// # Errors
    ///
    /// Why it cannot be learnt from; the trainer is as before.
    pub fn add(&mut self, article: &LabelledArticle) -> Result<Added, RejectedArticle> {
        self.add_all(std::slice::from_ref(article)).remove(0)
    }

    /// Counts many articles, reading them on all threads of the current rayon pool. One result for each, in order.
    pub fn add_all(&mut self, articles: &[LabelledArticle]) -> Vec<Result<Added, RejectedArticle>> {
        let checked: Vec<_> = articles.iter().map(|article| self.check(article)).collect();
        let prepared: Vec<_> = articles
            .par_iter()
            .zip(checked)
            .map(|(article, checked)| checked.map(|()| article.prepare(&self.names)))
            .collect();
        let mut new = Vec::with_capacity(articles.len());
        let mut doubles = Vec::new();
        let mut added = Vec::with_capacity(articles.len());
        for (article, prepared) in articles.iter().zip(prepared) {
            added.push(prepared.and_then(|prepared| self.admit(article, prepared, &mut new, &mut doubles)));
        }
        self.tally.add_words(new.iter().map(|(_, _, sampled)| &sampled.row));
        for (group, digest, sampled) in new {
            self.sample.add(group, digest, sampled);
        }
        for Prepared { group, digest, source, .. } in doubles {
            self.sample.another_source(group, digest, source.as_deref());
        }
        added
    }

    fn check(&self, article: &LabelledArticle) -> Result<(), RejectedArticle> {
        article.check()?;
        for axis in Axis::ALL {
            let Some(label) = &article.labels[axis as usize] else { continue };
            // A label that counted articles carry is no new one, even if the catalog lacks it.
            let known = self.named[axis as usize].contains(label) || self.tally.known(axis, label).is_some();
            if !self.allow_new && !known {
                let nearest = self.catalog.nearest(axis, label).map(str::to_owned);
                return Err(RejectedArticle::UnknownLabel { axis: axis.name(), label: label.clone(), nearest });
            }
        }
        Ok(())
    }

    /// The numbers of an article's labels, given out as labels appear.
    fn label_numbers(&mut self, article: &LabelledArticle) -> Result<[Option<u16>; 2], RejectedArticle> {
        for axis in Axis::ALL {
            let (named, tally) = (&self.named[axis as usize], &self.tally);
            let is_new = |label: &&String| !named.contains(*label) && !tally.is_carried(axis, label);
            if article.labels[axis as usize].as_ref().filter(is_new).is_none() {
                continue;
            }
            // New labels are rare; counting the others is cheap next to reading the article.
            let unnamed = tally.carried(axis).filter(|&label| !named.contains(label)).count();
            if named.len() + unnamed >= Catalog::MAX_LABELS || tally.is_full(axis) {
                return Err(RejectedArticle::TooManyLabels { axis: axis.name() });
            }
        }
        Ok(Axis::ALL.map(|axis| article.labels[axis as usize].as_ref().map(|label| self.tally.number(axis, label))))
    }

    /// Counts an article, but for its words. It is put with the new ones or, if its source is to be noted, with the doubles.
    fn admit(
        &mut self,
        article: &LabelledArticle,
        mut prepared: Prepared,
        new: &mut Vec<(Digest, Digest, Sampled)>,
        doubles: &mut Vec<Prepared>,
    ) -> Result<Added, RejectedArticle> {
        if self.ledger.contains_key(&prepared.digest) {
            doubles.extend((!self.goes_on).then_some(prepared));
            return Ok(Added::Double);
        }
        let row = prepared.row(self.label_numbers(article)?);
        self.tally.add_labels(&row);
        self.ledger.insert(prepared.digest, prepared.text);
        if let Some(rebuilt_from) = &mut self.rebuilt_from {
            rebuilt_from.insert(prepared.digest);
        }
        let sampled = Sampled { text: prepared.text, source: prepared.source, row };
        new.push((prepared.group, prepared.digest, sampled));
        Ok(Added::New)
    }

    /// Distinct articles counted.
    #[must_use]
    pub fn articles(&self) -> usize {
        self.ledger.len()
    }

    /// Of these, articles in the calibration sample.
    #[must_use]
    pub fn sampled(&self) -> usize {
        self.sample.articles
    }

    /// Whether the calibration sample is the one that counting all articles anew would give.
    #[must_use]
    pub fn sample_is_exact(&self) -> bool {
        self.sample.is_exact
    }

    /// The counts in their canonical order.
    ///
    /// # Errors
    ///
    /// What waited in a file cannot be read; counts that were gone on from were not those of their ledger.
    pub fn into_counts(mut self) -> Result<Counts, ModelError> {
        let scratch = self.scratch.take();
        let counts = self.sound_layout(scratch.as_ref())?.into_counts();
        check(scratch.as_ref())?;
        Ok(counts)
    }

    /// The counts as they stand in a file, in less memory than they take as [`Counts`].
    ///
    /// # Errors
    ///
    /// As [`PackedCounts::of`]; as [`Trainer::into_counts`].
    pub fn pack(mut self) -> Result<PackedCounts, ModelError> {
        let scratch = self.scratch.take();
        let layout = self.sound_layout(scratch.as_ref())?;
        let packed = layout.pack(scratch.as_ref().map(|(directory, _)| directory.as_path()));
        check(scratch.as_ref())?;
        packed
    }

    /// Whether all that waited in a file could be read so far.
    pub(super) fn check_scratch(&self) -> Result<(), ModelError> {
        check(self.scratch.as_ref())
    }

    /// What was counted, if that makes sense: what was gone on from may not have been what its ledger says.
    fn sound_layout(self, scratch: Option<&(PathBuf, Arc<Scratch>)>) -> Result<Layout, ModelError> {
        let goes_on = self.goes_on;
        let layout = self.lay_out();
        let sound = if goes_on { layout.check() } else { Ok(()) };
        check(scratch)?;
        sound.map_err(|error| ModelError::malformed(Section::Counts, &error))?;
        Ok(layout)
    }

    pub(super) fn lay_out(self) -> Layout {
        let mut layout = self.tally.layout(self.catalog);
        let mut sample: Vec<(Row, SampleArticle)> = Vec::with_capacity(self.sample.articles);
        for (group, articles) in self.sample.groups {
            for (digest, Sampled { text, source, row }) in articles {
                sample.push((row, SampleArticle { digest, text, group, source, ..SampleArticle::default() }));
            }
        }
        sample.sort_unstable_by_key(|(_, article)| article.digest);
        layout.place(sample);
        let entry = |(article, text)| LedgerEntry { article, text };
        layout.ledger = self.ledger.into_iter().map(entry).collect();
        layout.ledger.sort_unstable();
        (layout.sample_limit, layout.sample_is_exact) = (self.sample.limit, self.sample.is_exact);
        layout
    }

    /// Chooses settings, fits weights, temperature and likelihoods, and writes the model file.
    ///
    /// # Errors
    ///
    /// Too few articles or labels to learn from.
    pub fn finish(self) -> Result<Trained, TrainError> {
        self.finish_while(Watch { go_on: &|| true, step: &|| {} })
    }

    /// [`Trainer::finish`], as long as somebody waits for it. The model is that of [`train`](train::train).
    ///
    /// # Errors
    ///
    /// As [`Trainer::finish`]; [`TrainError::Stopped`].
    pub fn finish_while(self, watch: Watch<'_>) -> Result<Trained, TrainError> {
        let (learnable, packed) = self.split(Layout::learnable)?;
        train::learn(learnable, packed, watch)
    }

    /// Takes settings and fitted values from a model, fits only likelihoods, and writes the model file. The model is read when
    /// the counts are laid out, since both take much memory.
    ///
    /// # Errors
    ///
    /// The model cannot be read; no axis is left that it has settings for and that has articles of two labels;
    /// [`TrainError::Stopped`].
    pub fn finish_as(
        self,
        go_on: GoOn<'_>,
        base: impl FnOnce() -> Result<Serving, ModelError>,
    ) -> Result<Trained, TrainError> {
        let (learnable, packed) = self.split(Layout::refittable)?;
        stop::check(go_on)?;
        let serving = refit(base()?, learnable, go_on)?;
        stop::check(go_on)?;
        train::publish(serving, packed)
    }

    /// What learning reads, and all counts, packed: of most features, which no model knows, only what the file will say is held
    /// while a model is made.
    fn split(mut self, learnable: fn(&Layout) -> Learnable) -> Result<(Learnable, PackedCounts), ModelError> {
        let scratch = self.scratch.take();
        let layout = self.sound_layout(scratch.as_ref())?;
        let directory = scratch.as_ref().map(|(directory, _)| directory.as_path());
        let (packed, learnable) = rayon::join(|| layout.pack(directory), || learnable(&layout));
        check(scratch.as_ref())?;
        Ok((learnable, packed?))
    }
}

/// Whether all that waited in a file could be read.
fn check(scratch: Option<&(PathBuf, Arc<Scratch>)>) -> Result<(), ModelError> {
    scratch.map_or(Ok(()), |(_, scratch)| scratch.check()).map_err(ModelError::Scratch)
}
