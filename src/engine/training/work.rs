//! What a training does, on a thread that may wait.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{runtime::Handle, sync::mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    Activation, AnalyzeError, ArticleCounts, Decision, Engine, Event, Item, MAX_REJECTED_TOLD, Message, Order, Outcome,
    Phase, Progress, Rejected, Rejection, Task, TrainingError, TrainingLimits,
    spill::{Items, Spill, Spilled},
};
use crate::{
    learn::{self, Condition, LabelledArticle, NotDone, Part, Stopped, TrainError, Trained, Trainer, Verdict, Watch},
    model::{
        Digest, ModelError, ModelFile, StoredModel, StoredServing,
        store::{Expected, Info, Origin, Store, StoreError, Version},
    },
};

/// Articles and bytes that are read from the file at a time.
const CHUNK_ARTICLES: usize = 1024;
const CHUNK_BYTES: usize = 8 << 20;

/// Articles that two models are compared on at most: those with the smallest digests, which is as good as a random sample.
/// It bounds time and memory.
const MAX_COMPARED: usize = 20_000;

/// A training, with all that it needs at hand.
pub(super) struct Work {
    pub(super) engine: Arc<Engine>,
    /// The version that answered when the training was asked for.
    pub(super) answering: Result<String, AnalyzeError>,
    pub(super) store: Store,
    pub(super) limits: TrainingLimits,
    pub(super) order: Order,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) stop: CancellationToken,
    /// What became of the articles so far.
    pub(super) counts: ArticleCounts,
}

/// What was received.
struct Received {
    spilled: Spilled,
    /// By [`Part`]: articles.
    parts: [u64; 3],
}

impl Work {
    /// Does everything.
    pub(super) fn run(mut self, items: mpsc::Receiver<Message>) -> Result<Outcome, TrainingError> {
        let base = self.base()?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.limits.threads.max(1)).build();
        let pool = pool.map_err(|_| TrainingError::Internal)?;
        let mut received = self.receive(items)?;
        let scratch = Some(self.store.directory());
        let (base, mut trainer, serving) = match (base, &self.order.task) {
            (Some(model), Task::Update { allow_new_labels, .. }) => {
                let version = Version::new(model.version())?;
                let (serving, counts) = model.into_parts();
                let trainer = pool.install(|| Trainer::from_counts(counts, *allow_new_labels, scratch));
                let trainer = trainer.map_err(|reason| self.store.refused(&version, reason))?;
                (Some(version), trainer, Some(serving))
            }
            (_, Task::Train { labels }) => (None, Trainer::new(labels.clone()).with_scratch(scratch), None),
            (None, Task::Update { .. }) => return Err(TrainingError::Internal),
        };
        pool.install(|| self.count(&mut received, &mut trainer))?;
        let anew = serving.is_none() || received.parts[Part::CalibrateOn as usize] > 0;
        if trainer.articles() > 0 && trainer.not_calibrated_on() == trainer.articles() {
            return Err(TrainingError::NotCalibrated);
        }
        let not_calibrated_on = trainer.not_calibrated_on() as u64;
        let Trained { model: bytes, version, not_learnt, .. } =
            pool.install(|| self.learn(trainer, base.as_ref().zip(serving.as_ref()).filter(|_| !anew)))?;
        let version = Version::new(&version)?;
        // The counts are read only if articles are to be held out from them.
        let compared = match self.order.activate_if {
            Some(condition) => {
                let new = ModelFile::from_bytes(&bytes).map_err(TrainError::from)?;
                Some(pool.install(|| self.compare(&new, &version, &mut received, condition))?)
            }
            None => None,
        };
        drop(received);

        self.go_on()?;
        self.tell(Phase::Publishing, 0);
        let origin = if base.is_some() { Origin::Update } else { Origin::Train };
        let published = self.store.publish(&bytes, &Info::new(self.order.by.clone(), origin, base))?;
        // The model is loaded when its file is not held any more: both together take much memory.
        drop(bytes);
        let activation = compared.map(|compared| self.activate(&version, compared)).transpose()?;
        let model = self.store.load(&version)?;
        let is_new = published.is_new;
        Ok(Outcome { version, is_new, model, counts: self.counts, not_calibrated_on, not_learnt, activation })
    }

    /// Tells how far it is.
    pub(super) fn tell(&self, phase: Phase, steps: u64) {
        let _ = self.events.send(Event::Progress(Progress { phase, counts: self.counts, steps }));
    }

    fn go_on(&self) -> Result<(), TrainError> {
        if self.stop.is_cancelled() { Err(Stopped.into()) } else { Ok(()) }
    }

    /// The model that is changed, of an update.
    fn base(&self) -> Result<Option<StoredModel>, TrainingError> {
        match &self.order.task {
            Task::Train { .. } => Ok(None),
            Task::Update { base: Some(version), .. } => Ok(Some(self.store.open_model(version)?)),
            Task::Update { base: None, .. } => self.that_answers(&self.answering.clone()?).map(Some),
        }
    }

    /// Looks whether the model that is changed is there: before the wait for those that were here earlier, since that may be
    /// long.
    pub(super) fn find_base(&self) -> Result<(), TrainingError> {
        match &self.order.task {
            Task::Update { base: Some(version), .. } => Ok(self.store.find(version)?),
            Task::Update { base: None, .. } => Ok(self.answering.clone().map(drop)?),
            Task::Train { .. } => Ok(()),
        }
    }

    /// A model that answers or did so.
    fn that_answers(&self, version: &str) -> Result<StoredModel, TrainingError> {
        let version = Version::new(version)?;
        match self.store.open_model(&version) {
            // Before the first activation a model answers that is not of the store.
            Err(error @ StoreError::NotFound { .. }) => {
                let model = StoredModel::embedded().map_err(TrainError::from)?;
                if model.version() == version.as_str() { Ok(model) } else { Err(error.into()) }
            }
            model => Ok(model?),
        }
    }

    /// An error of the files that articles and counts wait in.
    fn unspilled(&self, source: io::Error) -> TrainingError {
        StoreError::Io { path: self.store.directory().to_owned(), source }.into()
    }

    /// Takes in all articles.
    fn receive(&mut self, mut items: mpsc::Receiver<Message>) -> Result<Received, TrainingError> {
        let mut spill = Spill::new(self.store.directory());
        let (mut parts, mut bytes) = ([0; 3], 0_usize);
        self.tell(Phase::Receiving, 0);
        let stop = self.stop.clone();
        let mut next = async || {
            tokio::select! {
                biased;
                () = stop.cancelled() => None,
                message = items.recv() => message,
            }
        };
        loop {
            let message = match Handle::current().block_on(next()) {
                Some(Message::End) => break,
                Some(message) => message,
                // Nobody is there any more.
                None => return Err(TrainError::from(Stopped).into()),
            };
            let TrainingLimits { max_training_articles, max_training_bytes, .. } = self.limits;
            self.counts.received += 1;
            let articles = usize::try_from(self.counts.received).unwrap_or(usize::MAX);
            bytes = bytes.saturating_add(message.size());
            for (limit, maximum, actual) in [
                ("max_training_articles", max_training_articles, articles),
                ("max_training_bytes", max_training_bytes, bytes),
            ] {
                if actual > maximum {
                    return Err(TrainingError::OverLimit { limit, maximum, actual });
                }
            }
            match message {
                Message::Item(item) => {
                    parts[item.part as usize] += 1;
                    spill.push(&item).map_err(|error| self.unspilled(error))?;
                }
                Message::TooLong { index, id, error, .. } => self.reject(index, id, error.into()),
                Message::End => {}
            }
            if self.counts.received.is_multiple_of(CHUNK_ARTICLES as u64) {
                self.tell(Phase::Receiving, 0);
            }
        }
        let spilled = spill.finish().map_err(|error| self.unspilled(error))?;
        Ok(Received { spilled, parts })
    }

    /// Tells of an article that cannot be used.
    fn reject(&mut self, index: u64, id: String, reason: Rejection) {
        self.counts.rejected += 1;
        if self.counts.rejected <= MAX_REJECTED_TOLD {
            let _ = self.events.send(Event::Rejected(Rejected { index, id, reason }));
        }
    }

    /// Removes, adds, and rebuilds the calibration sample, in this order whatever that of the articles.
    fn count(&mut self, received: &mut Received, trainer: &mut Trainer) -> Result<(), TrainingError> {
        for part in [Part::Remove, Part::Add, Part::CalibrateOn] {
            if received.parts[part as usize] == 0 {
                continue;
            }
            let mut items = received.spilled.items().map_err(|error| self.unspilled(error))?;
            loop {
                self.go_on()?;
                self.tell(Phase::Counting, 0);
                let Chunk { names, articles } = chunk(&mut items, part).map_err(|error| self.unspilled(error))?;
                if articles.is_empty() {
                    break;
                }
                for ((index, id), result) in names.into_iter().zip(trainer.change(part, &articles)) {
                    match (result, part) {
                        (Ok(()), Part::Remove) => self.counts.removed += 1,
                        (Ok(()), Part::Add) => self.counts.added += 1,
                        (Ok(()), Part::CalibrateOn) => self.counts.calibrated_on += 1,
                        (Err(NotDone::Double), _) => self.counts.doubles += 1,
                        (Err(error), _) => self.reject(index, id, error.into()),
                    }
                }
            }
        }
        Ok(())
    }

    /// The new model: learnt from the counts, or with the settings and fitted values of another one.
    fn learn(&self, trainer: Trainer, base: Option<(&Version, &StoredServing)>) -> Result<Trained, TrainingError> {
        self.go_on()?;
        self.tell(Phase::Learning, 0);
        let steps = AtomicU64::new(0);
        let step = || self.tell(Phase::Learning, steps.fetch_add(1, Ordering::Relaxed).saturating_add(1));
        let watch = Watch { go_on: &|| !self.stop.is_cancelled(), step: &step };
        let learnt = match base {
            Some((_, serving)) => trainer.finish_as(watch.go_on, || serving.load()),
            None => trainer.finish_while(watch),
        };
        match (learnt, base) {
            (Err(TrainError::Model(ModelError::Scratch(source))), _) => Err(self.unspilled(source)),
            // Only the base is read from a file.
            (
                Err(TrainError::Model(reason @ (ModelError::Read(_) | ModelError::Damaged { .. }))),
                Some((version, _)),
            ) => Err(self.store.refused(version, reason).into()),
            (learnt, _) => Ok(learnt?),
        }
    }

    /// Compares the new version with the active one, or the one that answers if none is, on the articles of the request that
    /// the new one has counted.
    fn compare(
        &self,
        new: &ModelFile,
        version: &Version,
        received: &mut Received,
        condition: Condition,
    ) -> Result<Compared, TrainingError> {
        // What is active is settled when it is told that the two are compared.
        let active = self.store.current()?;
        self.tell(Phase::Comparing, 0);
        if active.as_ref() == Some(version) {
            return Ok(Compared { active, with: None });
        }
        let before = match &active {
            Some(active) => self.store.load_file(active)?,
            None => self.that_answers(self.engine.snapshot()?.version())?.load().map_err(TrainError::from)?,
        };
        // The number under which an article came last: it is compared once however often it was sent.
        let mut chosen: BTreeMap<Digest, u64> = BTreeMap::new();
        for item in received.spilled.items().map_err(|error| self.unspilled(error))? {
            let Item { index, part, article } = item.map_err(|error| self.unspilled(error))?;
            let digest = article.digest();
            if part != Part::Remove && new.counts.contains(&digest) {
                chosen.insert(digest, index);
                if chosen.len() > MAX_COMPARED {
                    chosen.pop_last();
                }
            }
        }
        self.go_on()?;
        let mut unread = None;
        let items = received.spilled.items().map_err(|error| self.unspilled(error))?;
        let items = items.map_while(|item| item.map_err(|error| unread = Some(error)).ok());
        let is_chosen = |item: &Item| chosen.get(&item.article.digest()) == Some(&item.index);
        let articles = items.filter(is_chosen).map(|item| item.article);
        let improvement = learn::improvement(new, &before, articles, condition, &|| !self.stop.is_cancelled());
        if let Some(error) = unread {
            return Err(self.unspilled(error));
        }
        let against = before.model.version().to_owned();
        Ok(Compared { active, with: Some((against, improvement.map_err(TrainError::from)?)) })
    }

    /// Makes the new version the active one if it is better, and what was active when they were compared still is.
    fn activate(&self, version: &Version, compared: Compared) -> Result<Activation, TrainingError> {
        let Compared { active, with } = compared;
        let decision = match with.as_ref().map(|(_, improvement)| improvement.verdict) {
            None => Decision::AlreadyActive,
            Some(Verdict::NotBetter) => Decision::NotBetter,
            Some(Verdict::TooFew) => Decision::TooFew,
            Some(Verdict::Better) => {
                let expected = active.as_ref().map_or(Expected::Nothing, Expected::Version);
                match self.store.activate(version, expected, self.order.by.clone()) {
                    Ok(_) => {
                        // The store has it. What cannot be loaded now is tried again by whoever follows the store.
                        let _ = self.engine.look();
                        Decision::Activated
                    }
                    Err(StoreError::NotExpected { .. }) => Decision::Overtaken,
                    Err(error) => return Err(error.into()),
                }
            }
        };
        Ok(Activation { decision, compared: with })
    }
}

/// How the new version compares with what was active then.
struct Compared {
    active: Option<Version>,
    /// `None` if they are the same.
    with: Option<(String, learn::Improvement)>,
}

/// Articles with which one thing is done together.
struct Chunk {
    /// By article: its number and id.
    names: Vec<(u64, String)>,
    articles: Vec<LabelledArticle>,
}

/// The next articles with which one thing is done.
fn chunk(items: &mut Items<'_>, part: Part) -> io::Result<Chunk> {
    let (mut names, mut articles, mut bytes) = (Vec::new(), Vec::new(), 0);
    for item in items {
        let Item { index, part: own, article } = item?;
        if own != part {
            continue;
        }
        bytes += article.size();
        names.push((index, article.id.clone()));
        articles.push(article);
        if articles.len() == CHUNK_ARTICLES || bytes >= CHUNK_BYTES {
            break;
        }
    }
    Ok(Chunk { names, articles })
}
