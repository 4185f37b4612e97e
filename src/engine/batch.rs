//! Several analyses at once, answered in the order they were asked for.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    vec,
};

use tokio_util::task::AbortOnDropHandle;

use super::{Analysis, AnalysisOptions, AnalyzeError, ArticleInput, Engine};
use crate::model::Model;

/// Tasks that run at once, up to a number, and are answered in the order they came. Dropping it drops those that have
/// not begun.
#[derive(Debug)]
pub struct InOrder<T> {
    tasks: VecDeque<AbortOnDropHandle<T>>,
    capacity: usize,
}

impl<T: Send + 'static> InOrder<T> {
    /// An empty one for at most `capacity` tasks; 0 counts as 1.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { tasks: VecDeque::new(), capacity: capacity.max(1) }
    }

    /// Whether another task may be started.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.tasks.len() < self.capacity
    }

    /// Starts a task. The caller asks [`InOrder::has_room`] first.
    pub fn start(&mut self, work: impl Future<Output = T> + Send + 'static) {
        self.tasks.push_back(AbortOnDropHandle::new(tokio::spawn(work)));
    }

    /// The answer of the oldest task; `None` if there is no task. An answer is [`AnalyzeError::Internal`] if the task
    /// itself panicked.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, AnalyzeError>>> {
        let Some(oldest) = self.tasks.front_mut() else { return Poll::Ready(None) };
        let answer = ready!(Pin::new(oldest).poll(cx));
        self.tasks.pop_front();
        Poll::Ready(Some(answer.map_err(|_| AnalyzeError::Internal)))
    }
}

/// The reading of several articles with one model in one way.
#[derive(Debug)]
pub struct Batch {
    engine: Arc<Engine>,
    model: Arc<Model>,
    options: AnalysisOptions,
    articles: std::iter::Enumerate<vec::IntoIter<ArticleInput>>,
    running: InOrder<Result<Analysis, AnalyzeError>>,
}

impl Batch {
    /// Prepares the reading of `articles`; nothing runs before the first [`Batch::next`].
    #[must_use]
    pub fn new(engine: &Arc<Engine>, model: Arc<Model>, articles: Vec<ArticleInput>, options: AnalysisOptions) -> Self {
        let running = InOrder::new(engine.in_flight());
        Self { engine: Arc::clone(engine), model, options, articles: articles.into_iter().enumerate(), running }
    }

    /// The answer for the next article, in their order; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<Analysis, AnalyzeError>> {
        while self.running.has_room()
            && let Some((index, article)) = self.articles.next()
        {
            let (engine, model, options) = (Arc::clone(&self.engine), Arc::clone(&self.model), self.options.clone());
            self.running
                .start(async move { engine.analyze(&model, &format!("articles[{index}]"), article, options).await });
        }
        let answer = poll_fn(|cx| self.running.poll_next(cx)).await?;
        Some(answer.and_then(|answer| answer))
    }
}
