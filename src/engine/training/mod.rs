//! Models learnt from articles that come in one by one while the server answers on.
//!
//! ```text
//! Intake --channel--> [wait for the slot, receive, count, learn, compare, publish, activate] --events--> Job
//!          bounded                     one blocking thread, a rayon pool of its own
//! ```
//!
//! One training is under way at a time; before it waits, an update looks whether its base is there. It works on threads of
//! its own, so that the cores left answer. Articles wait in a file, so that memory does not grow with their text. Whoever
//! drops the [`Job`] or, before its end, the [`Intake`] gives the training up: that is looked at between chunks of articles
//! and between the steps of each fit. Nothing of it is left then, since publishing comes last; once that has begun it goes
//! through to the end.

mod event;
mod spill;
mod work;

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, TryAcquireError, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::event::{
    Activation, ArticleCounts, Decision, Event, Outcome, Phase, Progress, Rejected, Rejection, TrainingError,
};
use self::work::Work;
use super::{AnalyzeError, Engine, FieldError, Limits, Problem};
use crate::{
    classify::Axis,
    learn::{CatalogChoice, Condition, LabelledArticle, Part, Stopped, TrainError},
    model::store::{By, Store, Version},
};

/// Items that wait between whoever sends them and the training.
const WAITING_ITEMS: usize = 16;

/// Trainings that wait in line at most: each holds a call open, and what was sent on it before it is read.
const WAITING_TRAININGS: usize = 16;

/// Articles of one training that cannot be used and are told one by one; more are only counted.
pub const MAX_REJECTED_TOLD: u64 = 1_000;

/// What one training may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainingLimits {
    /// Threads it learns on. Default: half of the cores, one at least.
    pub threads: usize,
    /// Articles in one training, whatever is done with them. Default 2,000,000.
    pub max_training_articles: usize,
    /// Bytes of all articles of one training together. They go to the disk that holds the directory of models. Default
    /// 8 GiB.
    pub max_training_bytes: usize,
}

impl Default for TrainingLimits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { threads: (cores / 2).max(1), max_training_articles: 2_000_000, max_training_bytes: 8 << 30 }
    }
}

/// What a training makes.
#[derive(Clone, Debug)]
pub enum Task {
    /// A model of the articles alone.
    Train {
        /// Which labels they may carry.
        labels: CatalogChoice,
    },
    /// A model of another one's articles, changed.
    Update {
        /// The other one; by default the one that answers when the training is asked for.
        base: Option<Version>,
        /// Whether labels are taken that neither the base's catalog nor its articles have.
        allow_new_labels: bool,
    },
}

/// What comes of a second training while one is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenBusy {
    /// It waits.
    Wait,
    /// It is refused.
    Refuse,
}

/// A training that is asked for.
#[derive(Clone, Debug)]
pub struct Order {
    /// What is made.
    pub task: Task,
    /// Who asks for it, when, and what for.
    pub by: By,
    /// If it is to be activated, under which condition.
    pub activate_if: Option<Condition>,
    /// If another training is under way.
    pub when_busy: WhenBusy,
}

/// An article and what is done with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its number, from 0, by which it is told if it cannot be used.
    pub index: u64,
    /// What is done with it.
    pub part: Part,
    /// The article.
    pub article: LabelledArticle,
}

/// The trainings of one server: one at a time.
#[derive(Clone, Debug)]
pub struct Trainings {
    engine: Arc<Engine>,
    limits: TrainingLimits,
    slot: Arc<Semaphore>,
    line: Arc<Semaphore>,
}

/// Takes the articles of a training. Dropped before [`Intake::end`], it gives the training up.
#[derive(Debug)]
pub struct Intake {
    items: mpsc::Sender<Message>,
    limits: Limits,
}

/// What comes through an intake.
#[derive(Debug)]
enum Message {
    Item(Item),
    /// An article of so many bytes that is not kept, since something in it is too long; its id is empty if that is.
    TooLong {
        index: u64,
        id: String,
        size: usize,
        error: FieldError,
    },
    End,
}

impl Message {
    /// Of an article that keeps to the limits, or what is wrong with it.
    fn of(item: Item, limits: &Limits) -> Self {
        let Some(error) = too_long(&item.article, limits) else { return Message::Item(item) };
        let (index, size, id) = (item.index, item.article.size(), item.article.id);
        Message::TooLong { index, id: if id.len() <= limits.max_id_bytes { id } else { String::new() }, size, error }
    }

    /// Bytes of the article.
    fn size(&self) -> usize {
        match self {
            Message::Item(item) => item.article.size(),
            Message::TooLong { size, .. } => *size,
            Message::End => 0,
        }
    }
}

/// What of an article is longer than the server takes.
fn too_long(article: &LabelledArticle, limits: &Limits) -> Option<FieldError> {
    let LabelledArticle { id, title, text, labels, group, source } = article;
    let size = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let names = [
        ("id", id.len()),
        (Axis::ALL[0].name(), size(&labels[0])),
        (Axis::ALL[1].name(), size(&labels[1])),
        ("group", size(group)),
        ("source", size(source)),
    ];
    let names = names.map(|(field, actual)| (field, "max_id_bytes", limits.max_id_bytes, actual));
    let read = ("text", "max_article_bytes", limits.max_article_bytes, text.len().saturating_add(size(title)));
    let mut all = std::iter::once(read).chain(names);
    all.find(|(.., maximum, actual)| actual > maximum).map(|(field, limit, maximum, actual)| FieldError {
        field: field.to_owned(),
        problem: Problem::OverLimit { limit, maximum, actual },
    })
}

/// A training under way. Dropped, it is given up.
#[derive(Debug)]
pub struct Job {
    events: mpsc::UnboundedReceiver<Event>,
    _stop: DropGuard,
}

impl Trainings {
    /// For an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>, limits: TrainingLimits) -> Self {
        let [slot, line] = [1, WAITING_TRAININGS].map(|permits| Arc::new(Semaphore::new(permits)));
        Self { engine, limits, slot, line }
    }

    /// Begins a training whose model is published in a store, or waits in line for it. To be called in a tokio runtime.
    #[must_use]
    pub fn begin(&self, store: Store, order: Order) -> (Intake, Job) {
        let (intake, items) = mpsc::channel(WAITING_ITEMS);
        // Bounded by the limits: what is told is told once in many articles.
        let (sender, events) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let (slot, line, when_busy) = (Arc::clone(&self.slot), Arc::clone(&self.line), order.when_busy);
        let work = Work {
            answering: self.engine.snapshot().map(|model| model.version().to_owned()),
            engine: Arc::clone(&self.engine),
            store,
            limits: self.limits,
            order,
            events: sender.clone(),
            stop: stop.clone(),
            counts: ArticleCounts::default(),
        };
        let run = async move {
            let find_base = move || work.find_base().map(|()| work);
            let work = tokio::task::spawn_blocking(find_base).await.unwrap_or(Err(TrainingError::Internal))?;
            let permit = match Arc::clone(&slot).try_acquire_owned() {
                Ok(permit) => permit,
                Err(TryAcquireError::NoPermits) if when_busy == WhenBusy::Wait => {
                    let _place = line.try_acquire().map_err(|_| TrainingError::Busy)?;
                    work.tell(Phase::Waiting, 0);
                    tokio::select! {
                        biased;
                        () = work.stop.cancelled() => return Err(TrainError::from(Stopped).into()),
                        permit = slot.acquire_owned() => permit.map_err(|_| TrainingError::Internal)?,
                    }
                }
                Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => return Err(TrainingError::Busy),
            };
            let run = move || {
                let _permit = permit;
                work.run(items)
            };
            // The panic hook has told the place.
            tokio::task::spawn_blocking(run).await.unwrap_or(Err(TrainingError::Internal))
        };
        tokio::spawn(async move {
            let ended = run.await;
            match &ended {
                Ok(outcome) => tracing::info!(model = %outcome.version, rejected = outcome.counts.rejected, "trained"),
                Err(error) => tracing::info!(%error, "a training came to nothing"),
            }
            let _ = sender.send(Event::Ended(ended.map(Box::new)));
        });
        let intake = Intake { items: intake, limits: *self.engine.limits() };
        (intake, Job { events, _stop: stop.drop_guard() })
    }
}

impl Intake {
    /// Hands over an article, and waits while others are before it. False if the training has ended: the events say why.
    pub async fn send(&self, item: Item) -> bool {
        self.items.send(Message::of(item, &self.limits)).await.is_ok()
    }

    /// Says that these were all.
    pub async fn end(self) {
        // A training that has ended says why itself.
        let _ = self.items.send(Message::End).await;
    }
}

impl Job {
    /// The next event; `None` after the last.
    pub async fn event(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// The same for streams.
    pub fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.events.poll_recv(cx)
    }
}
