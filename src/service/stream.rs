//! The answers of one `StreamAnalyze` call.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use prost::Message as _;
use tokio_stream::Stream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Status, Streaming};

use super::{
    analysis::{Analyses, sendable},
    convert,
    status::Failure,
};
use crate::{
    engine::{Analysis, Engine, FieldError, InOrder, Problem},
    model::Model,
    proto::v1::{self, stream_analyze_response::Outcome},
};

/// Reads requests while there is room for their work, and answers in their order.
///
/// It is polled only while the client takes answers, and reads only when polled: a client that does not read its answers
/// is not read from either.
pub(super) struct Answers {
    requests: Streaming<v1::StreamAnalyzeRequest>,
    running: InOrder<v1::StreamAnalyzeResponse>,
    draining: Pin<Box<WaitForCancellationFutureOwned>>,
    end: Option<End>,
    work: Arc<Work>,
    max_request_bytes: usize,
}

/// Why no more is read.
enum End {
    /// The client has said all.
    Client,
    /// What is to be told once everything read is answered.
    Failure(Failure),
}

/// What every item needs.
struct Work {
    engine: Arc<Engine>,
    /// The model that was current when the stream began.
    current: Arc<Model>,
    max_response_bytes: usize,
}

impl Answers {
    pub(super) fn new(service: &Analyses, current: Arc<Model>, requests: Streaming<v1::StreamAnalyzeRequest>) -> Self {
        let engine = Arc::clone(&service.engine);
        Self {
            requests,
            running: InOrder::new(engine.in_flight()),
            draining: Box::pin(CancellationToken::clone(&service.draining).cancelled_owned()),
            end: None,
            work: Arc::new(Work { engine, current, max_response_bytes: service.max_response_bytes }),
            max_request_bytes: service.max_request_bytes,
        }
    }

    /// Takes up what has arrived, as far as there is room.
    fn read(&mut self, cx: &mut Context<'_>) {
        while self.end.is_none() && self.running.has_room() {
            if self.draining.as_mut().poll(cx).is_ready() {
                self.end = Some(End::Failure(Failure::ShuttingDown));
                return;
            }
            match Pin::new(&mut self.requests).poll_next(cx) {
                Poll::Pending => return,
                Poll::Ready(None) => self.end = Some(End::Client),
                Poll::Ready(Some(Ok(request))) => {
                    let work = Arc::clone(&self.work);
                    self.running.start(async move { work.answer(request).await });
                }
                Poll::Ready(Some(Err(status))) => {
                    // A message that cannot be decoded ends the stream, since nothing tells where the next one begins.
                    let failure = Failure::from_tonic(&status, self.max_request_bytes);
                    self.end = Some(failure.map_or(End::Client, End::Failure));
                }
            }
        }
    }
}

impl Stream for Answers {
    type Item = Result<v1::StreamAnalyzeResponse, Status>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        this.read(cx);
        match ready!(this.running.poll_next(cx)) {
            Some(Ok(answer)) => Poll::Ready(Some(Ok(answer))),
            Some(Err(error)) => {
                this.end = Some(End::Client);
                Poll::Ready(Some(Err(Failure::from(error).status())))
            }
            None => match this.end.replace(End::Client) {
                Some(End::Client) => Poll::Ready(None),
                Some(End::Failure(failure)) => Poll::Ready(Some(Err(failure.status()))),
                None => {
                    this.end = None;
                    Poll::Pending
                }
            },
        }
    }
}

impl Work {
    async fn answer(&self, request: v1::StreamAnalyzeRequest) -> v1::StreamAnalyzeResponse {
        let v1::StreamAnalyzeRequest {
            item_id,
            article,
            summary_options,
            classification_options,
            offset_encoding,
            model_version,
            follow_active_version,
        } = request;
        let article_id = article.as_ref().map(|article| article.id.clone()).unwrap_or_default();
        let analysis = async {
            self.check_id(&item_id)?;
            let article = convert::article(article)?;
            let options = convert::options(summary_options, classification_options, offset_encoding)?;
            let model = if follow_active_version {
                check_unpinned(&model_version)?;
                self.engine.snapshot()?
            } else if model_version.is_empty() || model_version == self.current.version() {
                Arc::clone(&self.current)
            } else {
                self.engine.model(&model_version).await?
            };
            let options = options.check(&model)?;
            self.engine.analyze(&model, "article", article, options).await.map_err(Failure::from)
        };
        let analysis: Result<Analysis, Failure> = analysis.await;
        let outcome = analysis
            .map_or_else(|failure| Outcome::Error(failure.message()), |analysis| Outcome::Analysis(analysis.into()));
        let mut response = v1::StreamAnalyzeResponse { item_id, article_id, outcome: Some(outcome) };
        if let Err(failure) = sendable(response.encoded_len(), self.max_response_bytes) {
            response.outcome = Some(Outcome::Error(failure.message()));
        }
        response
    }

    fn check_id(&self, item_id: &str) -> Result<(), FieldError> {
        let (maximum, actual) = (self.engine.limits().max_id_bytes, item_id.len());
        if actual <= maximum {
            return Ok(());
        }
        let problem = Problem::OverLimit { limit: "max_id_bytes", maximum, actual };
        Err(FieldError { field: "item_id".to_owned(), problem })
    }
}

/// Whoever follows the active version pins none.
fn check_unpinned(model_version: &str) -> Result<(), FieldError> {
    if model_version.is_empty() {
        return Ok(());
    }
    let problem = Problem::Invalid("not together with model_version".to_owned());
    Err(FieldError { field: "follow_active_version".to_owned(), problem })
}
