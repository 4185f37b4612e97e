//! Where an analysis runs: at once on the caller's thread if it is short, else on a thread of its own under a permit.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{Analysis, AnalysisOptions, AnalyzeError, ArticleInput, Engine, Probe, analyze};
use crate::model::Model;

/// Articles up to this size, title and text together, are read on the task that asks. Reading 16 KiB takes about as long
/// as a few network round trips inside a machine, so a longer article would hold up other connections on the thread.
pub const INLINE_BYTES: usize = 16 << 10;

impl Engine {
    /// Reads one article; `field` is its path in the request, such as `article` or `articles[3]`.
    ///
    /// Dropping the future before it has begun to read drops the work.
    ///
    /// # Errors
    ///
    /// A field of the article is refused, or the program is at fault.
    pub async fn analyze(
        &self,
        model: &Arc<Model>,
        field: &str,
        article: ArticleInput,
        options: AnalysisOptions,
    ) -> Result<Analysis, AnalyzeError> {
        article.check(field, &self.limits)?;
        if article.text.len().saturating_add(article.title.len()) <= INLINE_BYTES {
            return guarded(self.probe.as_ref(), model, &article, &options);
        }
        let (model, probe) = (Arc::clone(model), self.probe.clone());
        // The permit is taken before the thread, so that waiting costs no thread and whoever gives up leaves the queue.
        let permit = {
            let _waiting = Waiting::new(&self.waiting);
            Arc::clone(&self.permits).acquire_owned().await.map_err(|_| AnalyzeError::Internal)?
        };
        let work = move || {
            let _permit = permit;
            guarded(probe.as_ref(), &model, &article, &options)
        };
        tokio::task::spawn_blocking(work).await.unwrap_or(Err(AnalyzeError::Internal))
    }
}

/// Counts an analysis as waiting until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// [`analyze`] with a panic turned into an error, for callers with threads of their own.
///
/// # Errors
///
/// [`AnalyzeError::Internal`] after a panic.
pub fn analyze_caught(
    model: &Model,
    input: &ArticleInput,
    options: &AnalysisOptions,
) -> Result<Analysis, AnalyzeError> {
    guarded(None, model, input, options)
}

fn guarded(
    probe: Option<&Probe>,
    model: &Model,
    input: &ArticleInput,
    options: &AnalysisOptions,
) -> Result<Analysis, AnalyzeError> {
    let run = || {
        if let Some(probe) = probe {
            probe(input);
        }
        analyze(model, input, options)
    };
    // Nothing half-changed can be seen afterwards: model, article and options are only read.
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| {
        // The panic hook has told the place. The text stays out of the log; its size helps to find the cause.
        tracing::error!(text_bytes = input.text.len(), title_bytes = input.title.len(), "an analysis panicked");
        AnalyzeError::Internal
    })
}
