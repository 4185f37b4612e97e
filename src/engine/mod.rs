//! The running service without a network: current model and the store it is from, limits, CPU work, batch.

mod actor;
mod analysis;
mod batch;
mod compute;
mod follow;
mod input;
mod offsets;
mod pinned;
pub mod training;

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use arc_swap::ArcSwapOption;
use tokio::sync::{Semaphore, watch};

pub use actor::by;
pub use analysis::{Analysis, AnalyzeError, Summary, SummarySentence, Warning, WarningCode, analyze};
pub use batch::{Batch, InOrder};
pub use compute::{INLINE_BYTES, analyze_caught};
pub use follow::follow;
pub use input::{AnalysisOptions, ArticleInput, FieldError, Limits, OptionsInput, Problem, SummaryLength};
pub use offsets::OffsetEncoding;

use self::pinned::Pinned;
use crate::model::{Model, store::Store};

/// Runs before each analysis, on its thread.
type Probe = Arc<dyn Fn(&ArticleInput) + Send + Sync>;

/// The current model, the limits, and the processor cores that large articles share. One for the whole process; every
/// request works on the model that was current when it began.
pub struct Engine {
    model: ArcSwapOption<Model>,
    /// Tells that `model` was stored, for those who follow it.
    changes: watch::Sender<()>,
    store: Option<Store>,
    pinned: Arc<Pinned>,
    /// What was wrong at the last look at the store; locked while one looks.
    trouble: Mutex<Option<String>>,
    limits: Limits,
    cores: usize,
    /// One permit for each core; held by the analysis of a large article.
    permits: Arc<Semaphore>,
    /// Analyses that wait for a permit.
    waiting: AtomicUsize,
    probe: Option<Probe>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("limits", &self.limits).field("cores", &self.cores).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine without a model, which answers nothing before [`Engine::activate`]. `cores` is how many large articles
    /// are read at once; 0 counts as 1.
    #[must_use]
    pub fn new(limits: Limits, cores: usize) -> Self {
        let cores = cores.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            model: ArcSwapOption::empty(),
            changes: watch::Sender::new(()),
            store: None,
            pinned: Arc::default(),
            trouble: Mutex::new(None),
            limits,
            cores,
            permits: Arc::new(Semaphore::new(cores)),
            waiting: AtomicUsize::new(0),
            probe: None,
        }
    }

    /// The same with a store: its active version becomes the current model at the next [`Engine::look`], and all its
    /// versions answer to those who ask for them.
    #[must_use]
    pub fn with_store(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }

    /// The same with a function that runs before each analysis, on its thread and inside what catches its panics. For
    /// tests, which block and panic in it.
    #[doc(hidden)]
    #[must_use]
    pub fn with_probe(mut self, probe: impl Fn(&ArticleInput) + Send + Sync + 'static) -> Self {
        self.probe = Some(Arc::new(probe));
        self
    }

    /// Makes a model the current one. Requests under way keep the one they began with.
    pub fn activate(&self, model: Model) {
        self.model.store(Some(Arc::new(model)));
        self.changes.send_replace(());
    }

    /// The current model.
    ///
    /// # Errors
    ///
    /// [`AnalyzeError::NoModel`] before the first [`Engine::activate`].
    pub fn snapshot(&self) -> Result<Arc<Model>, AnalyzeError> {
        self.model.load_full().ok_or(AnalyzeError::NoModel)
    }

    /// The store, if there is one. Its methods read and write files, so they are not for a thread that serves calls.
    #[must_use]
    pub fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Wakes whenever another model became the current one.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// What is refused.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How many large articles wait for a core.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How many analyses one caller may have under way: enough to keep every core busy while answers are sent.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.cores.saturating_mul(2)
    }
}
