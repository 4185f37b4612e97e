//! The running service without a network: current model, limits, CPU work, batch.

mod analysis;
mod batch;
mod compute;
mod follow;
mod input;
mod offsets;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use arc_swap::ArcSwapOption;
use tokio::sync::{Semaphore, watch};

pub use analysis::{Analysis, AnalyzeError, Summary, SummarySentence, Warning, WarningCode, analyze};
pub use batch::{Batch, InOrder};
pub use compute::{INLINE_BYTES, analyze_caught};
pub use follow::Follower;
pub use input::{AnalysisOptions, ArticleInput, FieldError, Limits, OptionsInput, Problem, SummaryLength};
pub use offsets::OffsetEncoding;

use crate::model::Model;

/// Runs before each analysis, on its thread.
type Probe = Arc<dyn Fn(&ArticleInput) + Send + Sync>;

/// Longest model version that is looked up, in bytes; what is longer cannot be one.
const MAX_VERSION_BYTES: usize = 128;

/// The current model, the limits, and the processor cores that large articles share. One for the whole process; every
/// request works on the model that was current when it began.
pub struct Engine {
    model: ArcSwapOption<Model>,
    /// Tells that `model` was stored, for those who follow it.
    changes: watch::Sender<()>,
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
            limits,
            cores,
            permits: Arc::new(Semaphore::new(cores)),
            waiting: AtomicUsize::new(0),
            probe: None,
        }
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

    /// The model of a version; the current one if `version` is empty.
    ///
    /// # Errors
    ///
    /// No model is loaded, or none of this version.
    pub fn model(&self, version: &str) -> Result<Arc<Model>, AnalyzeError> {
        let current = self.snapshot()?;
        if version.is_empty() || version == current.version() {
            return Ok(current);
        }
        if version.len() > MAX_VERSION_BYTES {
            let problem =
                Problem::OverLimit { limit: "max_version_bytes", maximum: MAX_VERSION_BYTES, actual: version.len() };
            return Err(FieldError { field: "model_version".to_owned(), problem }.into());
        }
        Err(AnalyzeError::ModelVersionNotFound(version.to_owned()))
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
