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
    ActivateIf, Engine, Event, Item, Limits, Message, Order, Outcome, Phase, Progress, Rejected, Rejection, STEPS,
    Task, TrainingError, TrainingLimits,
    spill::{Items, Spill, Spilled},
};
use crate::{
    learn::{
        self, Calibration, Condition, LabelledArticle, NotDone, Part, Stopped, TrainError, Trained, Trainer, Verdict,
        Watch,
    },
    model::{
        Digest, ModelFile, Serving,
        store::{Expected, Info, Origin, Store, StoreError, Version},
    },
};

/// Articles and bytes that are read from the file at a time.
const CHUNK_ARTICLES: usize = 1024;
const CHUNK_BYTES: usize = 8 << 20;

/// Articles that two models are compared on at most: those with the smallest digests, which are a random sample. It is what
/// bounds time and memory; an interval is no wider than half a point then.
const MAX_COMPARED: usize = 20_000;

/// A training, all that it needs at hand.
pub(super) struct Work {
    pub(super) engine: Arc<Engine>,
    pub(super) store: Store,
    pub(super) limits: TrainingLimits,
    pub(super) order: Order,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) stop: CancellationToken,
}

/// What was received.
struct Received {
    spilled: Spilled,
    /// By [`Part`]: articles.
    parts: [u64; 3],
}

/// What became of the articles.
#[derive(Default)]
struct Done {
    /// By [`Part`]: articles with which it was done.
    parts: [u64; 3],
    doubles: u64,
    rejected: u64,
}

impl Work {
    /// Does everything.
    pub(super) fn run(&self, items: mpsc::Receiver<Message>) -> Result<Outcome, TrainingError> {
        let base = self.base()?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.limits.threads.max(1)).build();
        let pool = pool.map_err(|_| TrainingError::Internal)?;
        let mut done = Done::default();
        let mut received = self.receive(items, &mut done)?;
        let (base, mut trainer, serving) = match (base, &self.order.task) {
            (Some(ModelFile { model, counts, serving }), Task::Update { allow_new_labels, .. }) => {
                let version = model.version().to_owned();
                (Some(version), Trainer::from_counts(counts, *allow_new_labels), Some(serving))
            }
            (_, Task::Train { labels }) => (None, Trainer::new(labels.clone()), None),
            (None, Task::Update { .. }) => return Err(TrainingError::Internal),
        };
        pool.install(|| self.count(&mut received, &mut trainer, &mut done))?;
        let anew = serving.is_none() || received.parts[Part::CalibrateOn as usize] > 0;
        if serving.is_some() && anew && trainer.not_calibrated_on() == trainer.articles() {
            return Err(TrainingError::NotCalibrated);
        }
        let calibration = Calibration::of(&trainer, anew);
        let trained = pool.install(|| self.learn(trainer, serving.filter(|_| !anew).as_ref(), done.rejected))?;
        let Trained { model: bytes, not_learnt, .. } = trained;
        let new = ModelFile::from_bytes(&bytes).map_err(TrainError::from)?;
        let version = Version::new(new.model.version())?;
        let compared = match self.order.activate_if {
            Some(condition) => {
                Some(pool.install(|| self.compare(&new, &version, &mut received, condition, done.rejected))?)
            }
            None => None,
        };
        let ModelFile { model, .. } = new;
        drop(received);

        self.go_on()?;
        self.tell(Phase::Publishing, 0, 0, done.rejected);
        let base = base.map(|base| Version::new(&base)).transpose()?;
        let origin = if base.is_some() { Origin::Update } else { Origin::Train };
        let published = self.store.publish(&bytes, &Info::new(self.order.by.clone(), origin, base.clone()))?;
        let activation = compared.map(|compared| self.activate(&version, compared)).transpose()?;
        let [removed, added, _] = done.parts;
        Ok(Outcome {
            version,
            is_new: published.is_new,
            model,
            base,
            added,
            doubles: done.doubles,
            removed,
            rejected: done.rejected,
            calibration,
            not_learnt,
            activation,
        })
    }

    fn tell(&self, phase: Phase, done: u64, of: u64, rejected: u64) {
        let _ = self.events.send(Event::Progress(Progress { phase, done, of, rejected }));
    }

    fn go_on(&self) -> Result<(), TrainError> {
        if self.stop.is_cancelled() { Err(Stopped.into()) } else { Ok(()) }
    }

    /// The model that is changed, of an update.
    fn base(&self) -> Result<Option<ModelFile>, TrainingError> {
        let Task::Update { base, .. } = &self.order.task else { return Ok(None) };
        let version = match base {
            Some(version) => Some(version.clone()),
            None => self.store.current()?,
        };
        self.file(version.as_ref()).map(Some)
    }

    /// A version, or the model that is built in.
    fn file(&self, version: Option<&Version>) -> Result<ModelFile, TrainingError> {
        match version {
            Some(version) => Ok(self.store.load_file(version)?),
            None => Ok(ModelFile::embedded().map_err(TrainError::from)?),
        }
    }

    /// Takes in all articles.
    fn receive(&self, mut items: mpsc::Receiver<Message>, done: &mut Done) -> Result<Received, TrainingError> {
        let mut spill = Spill::new(self.store.directory());
        let (mut parts, mut articles, mut bytes) = ([0; 3], 0_usize, 0_usize);
        self.tell(Phase::Receiving, 0, 0, 0);
        let next = async || {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => None,
                message = items.recv() => message,
            }
        };
        let mut next = next;
        loop {
            let item = match Handle::current().block_on(next()) {
                Some(Message::Item(item)) => item,
                Some(Message::End) => break,
                // Nobody is there any more.
                None => return Err(TrainError::from(Stopped).into()),
            };
            articles += 1;
            let over = |limit, maximum| Err(TrainingError::OverLimit { limit, maximum });
            let TrainingLimits { max_training_articles, max_training_bytes, .. } = self.limits;
            if articles > max_training_articles {
                return over("max_training_articles", max_training_articles);
            }
            bytes = bytes.saturating_add(length(&item.article));
            if bytes > max_training_bytes {
                return over("max_training_bytes", max_training_bytes);
            }
            match too_long(&item.article, self.engine.limits()) {
                Some(rejection) => self.reject(&item, rejection, done),
                None => {
                    parts[item.part as usize] += 1;
                    spill.push(&item)?;
                }
            }
            if articles % CHUNK_ARTICLES == 0 {
                self.tell(Phase::Receiving, articles as u64, 0, done.rejected);
            }
        }
        self.tell(Phase::Receiving, articles as u64, articles as u64, done.rejected);
        Ok(Received { spilled: spill.finish()?, parts })
    }

    /// Tells of an article that cannot be used.
    fn reject(&self, item: &Item, reason: Rejection, done: &mut Done) {
        done.rejected += 1;
        if done.rejected <= self.limits.max_rejected_told as u64 {
            let id = &item.article.id;
            let id = if id.len() <= self.engine.limits().max_id_bytes { id.clone() } else { String::new() };
            let _ = self.events.send(Event::Rejected(Rejected { index: item.index, id, reason }));
        }
    }

    /// Removes, adds, and rebuilds the calibration sample, in this order whatever that of the articles.
    fn count(&self, received: &mut Received, trainer: &mut Trainer, done: &mut Done) -> Result<(), TrainingError> {
        let of = received.parts.iter().sum();
        let mut seen = 0;
        for part in [Part::Remove, Part::Add, Part::CalibrateOn] {
            if received.parts[part as usize] == 0 {
                continue;
            }
            let mut items = received.spilled.items()?;
            loop {
                self.go_on()?;
                self.tell(Phase::Counting, seen, of, done.rejected);
                let (items, articles) = chunk(&mut items, part)?;
                if articles.is_empty() {
                    break;
                }
                seen += articles.len() as u64;
                for (item, result) in items.iter().zip(trainer.change(part, &articles)) {
                    match result {
                        Ok(()) => done.parts[part as usize] += 1,
                        Err(NotDone::Double) if matches!(self.order.task, Task::Train { .. }) => done.doubles += 1,
                        Err(error) => self.reject(item, error.into(), done),
                    }
                }
            }
        }
        Ok(())
    }

    /// The new model: learnt from the counts, or with the settings and fitted values of another one.
    fn learn(&self, trainer: Trainer, base: Option<&Serving>, rejected: u64) -> Result<Trained, TrainingError> {
        self.go_on()?;
        let of = STEPS as u64;
        self.tell(Phase::Learning, 0, of, rejected);
        if let Some(base) = base {
            return Ok(trainer.finish_as(base)?);
        }
        let steps = AtomicU64::new(0);
        let step = || self.tell(Phase::Learning, steps.fetch_add(1, Ordering::Relaxed) + 1, of, rejected);
        Ok(learn::train_while(&trainer.into_counts(), Watch { go_on: &|| !self.stop.is_cancelled(), step: &step })?)
    }

    /// Compares the new version with the active one on the articles of the request that the new one has counted.
    fn compare(
        &self,
        new: &ModelFile,
        version: &Version,
        received: &mut Received,
        condition: Condition,
        rejected: u64,
    ) -> Result<Compared, TrainingError> {
        let active = self.store.current()?;
        if active.as_ref() == Some(version) {
            return Ok(Compared { active, against: version.to_string(), improvement: None });
        }
        self.tell(Phase::Comparing, 0, 0, rejected);
        let before = self.file(active.as_ref())?;
        let against = before.model.version().to_owned();
        // The last number under which an article stands: it is read once however often it was sent.
        let mut chosen: BTreeMap<Digest, u64> = BTreeMap::new();
        for item in received.spilled.items()? {
            let Item { index, part, article } = item?;
            let digest = article.digest();
            if part != Part::Remove && new.counts.contains(&digest) {
                chosen.insert(digest, index);
                if chosen.len() > MAX_COMPARED {
                    chosen.pop_last();
                }
            }
        }
        self.go_on()?;
        let mut failed = None;
        let articles = received.spilled.items()?.map_while(|item| item.map_err(|error| failed = Some(error)).ok());
        let is_chosen =
            |item: &Item| item.part != Part::Remove && chosen.get(&item.article.digest()) == Some(&item.index);
        let articles = articles.filter(is_chosen).map(|item| item.article);
        let improvement = learn::improvement(new, &before, articles, condition, &|| !self.stop.is_cancelled());
        if let Some(error) = failed {
            return Err(error.into());
        }
        Ok(Compared { active, against, improvement: Some(improvement.map_err(TrainError::from)?) })
    }

    /// Makes the new version the active one if it is better, and what it was compared with is still active.
    fn activate(&self, version: &Version, compared: Compared) -> Result<ActivateIf, TrainingError> {
        let Compared { active, against, improvement } = compared;
        let is_better = improvement.as_ref().is_none_or(|improvement| improvement.verdict == Verdict::Better);
        let answer = |is_active, is_overtaken| ActivateIf { is_active, against, improvement, is_overtaken };
        if !is_better {
            return Ok(answer(false, false));
        }
        let expected = active.as_ref().map_or(Expected::Nothing, Expected::Version);
        match self.store.activate(version, expected, self.order.by.clone()) {
            Ok(_) => {}
            Err(StoreError::NotExpected { .. }) => return Ok(answer(false, true)),
            Err(error) => return Err(error.into()),
        }
        // The store has it. What cannot be loaded now is tried again by whoever follows the store.
        let _ = super::super::Follower::new(Arc::clone(&self.engine), self.store.clone()).look();
        Ok(answer(true, false))
    }
}

/// How the new version compares with what was active then.
struct Compared {
    active: Option<Version>,
    against: String,
    improvement: Option<learn::Improvement>,
}

/// Bytes of an article.
fn length(article: &LabelledArticle) -> usize {
    let LabelledArticle { id, title, text, labels, group, source } = article;
    let others = [title, group, source, &labels[0], &labels[1]];
    others.into_iter().flatten().map(String::len).fold(id.len().saturating_add(text.len()), usize::saturating_add)
}

/// What of an article is longer than the server takes.
fn too_long(article: &LabelledArticle, limits: &Limits) -> Option<Rejection> {
    let size = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let read = article.text.len().saturating_add(size(&article.title));
    let names = article.id.len().max(size(&article.group)).max(size(&article.source));
    let over = |limit, maximum, actual| (actual > maximum).then_some(Rejection::OverLimit { limit, maximum, actual });
    over("max_article_bytes", limits.max_article_bytes, read)
        .or_else(|| over("max_id_bytes", limits.max_id_bytes, names))
}

/// The next articles with which one thing is done, and apart from them what they are told by.
fn chunk(items: &mut Items<'_>, part: Part) -> io::Result<(Vec<Item>, Vec<LabelledArticle>)> {
    let (mut told, mut articles, mut bytes) = (Vec::new(), Vec::new(), 0);
    for item in items {
        let Item { index, part: own, article } = item?;
        if own != part {
            continue;
        }
        bytes += length(&article);
        let named = LabelledArticle { id: article.id.clone(), ..LabelledArticle::default() };
        told.push(Item { index, part, article: named });
        articles.push(article);
        if articles.len() == CHUNK_ARTICLES || bytes >= CHUNK_BYTES {
            break;
        }
    }
    Ok((told, articles))
}
