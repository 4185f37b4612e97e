//! `chuanda.v1.AnalysisService`: one article, several, or a stream of them.

use std::sync::Arc;

use prost::Message;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::{convert, status::Failure, stream::Answers};
use crate::{
    engine::{AnalyzeError, ArticleInput, Batch, Engine, FieldError, Problem},
    proto::v1::{self, analysis_result, analysis_service_server::AnalysisService},
};

/// Answers with the engine.
#[derive(Debug)]
pub(super) struct Analyses {
    pub(super) engine: Arc<Engine>,
    pub(super) max_request_bytes: usize,
    pub(super) max_response_bytes: usize,
    /// Ends streams that wait for their client.
    pub(super) draining: CancellationToken,
}

#[tonic::async_trait]
impl AnalysisService for Analyses {
    async fn analyze(&self, request: Request<v1::AnalyzeRequest>) -> Result<Response<v1::AnalyzeResponse>, Status> {
        self.one(request.into_inner()).await.map(Response::new).map_err(|failure| failure.status())
    }

    async fn batch_analyze(
        &self,
        request: Request<v1::BatchAnalyzeRequest>,
    ) -> Result<Response<v1::BatchAnalyzeResponse>, Status> {
        self.batch(request.into_inner()).await.map(Response::new).map_err(|failure| failure.status())
    }

    type StreamAnalyzeStream = Answers;

    async fn stream_analyze(
        &self,
        request: Request<Streaming<v1::StreamAnalyzeRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let current = self.engine.snapshot().map_err(|error| Failure::from(error).status())?;
        Ok(Response::new(Answers::new(self, current, request.into_inner())))
    }
}

impl Analyses {
    async fn one(&self, request: v1::AnalyzeRequest) -> Result<v1::AnalyzeResponse, Failure> {
        let v1::AnalyzeRequest { article, summary_options, classification_options, offset_encoding, model_version } =
            request;
        let article = convert::article(article)?;
        let options = convert::options(summary_options, classification_options, offset_encoding)?;
        let model = self.engine.model(&model_version).await?;
        let options = options.check(&model)?;
        let analysis = self.engine.analyze(&model, "article", article, options).await?;
        let response = v1::AnalyzeResponse { analysis: Some(analysis.into()) };
        sendable(response.encoded_len(), self.max_response_bytes)?;
        Ok(response)
    }

    async fn batch(&self, request: v1::BatchAnalyzeRequest) -> Result<v1::BatchAnalyzeResponse, Failure> {
        let v1::BatchAnalyzeRequest {
            articles,
            summary_options,
            classification_options,
            offset_encoding,
            model_version,
        } = request;
        self.check_count(articles.len())?;
        let options = convert::options(summary_options, classification_options, offset_encoding)?;
        let model = self.engine.model(&model_version).await?;
        let options = options.check(&model)?;
        let ids: Vec<String> = articles.iter().map(|article| article.id.clone()).collect();
        let articles: Vec<ArticleInput> = articles.into_iter().map(Into::into).collect();

        let mut response = v1::BatchAnalyzeResponse {
            results: Vec::with_capacity(ids.len()),
            model_version: model.version().to_owned(),
        };
        let mut bytes = response.encoded_len();
        let mut batch = Batch::new(&self.engine, model, articles, options);
        for article_id in ids {
            let outcome = match batch.next().await.unwrap_or(Err(AnalyzeError::Internal)) {
                Ok(analysis) => analysis_result::Outcome::Analysis(analysis.into()),
                Err(error) => analysis_result::Outcome::Error(Failure::from(error).message()),
            };
            let result = v1::AnalysisResult { article_id, outcome: Some(outcome) };
            // Counted as it grows, so that an answer that cannot be sent is given up early.
            bytes = bytes.saturating_add(result.encoded_len()).saturating_add(MAX_FIELD_HEAD);
            sendable(bytes, self.max_response_bytes)?;
            response.results.push(result);
        }
        Ok(response)
    }

    fn check_count(&self, actual: usize) -> Result<(), FieldError> {
        let maximum = self.engine.limits().max_batch_articles;
        let problem = if actual == 0 {
            Problem::Required("at least one article")
        } else if actual > maximum {
            Problem::OverLimit { limit: "max_batch_articles", maximum, actual }
        } else {
            return Ok(());
        };
        Err(FieldError { field: "articles".to_owned(), problem })
    }
}

/// Most bytes that tag and length of a repeated field take.
pub(super) const MAX_FIELD_HEAD: usize = 6;

/// Refuses an answer of `bytes` bytes if it is over the limit.
pub(super) fn sendable(bytes: usize, maximum: usize) -> Result<(), Failure> {
    if bytes > maximum { Err(Failure::ResponseTooLarge { maximum }) } else { Ok(()) }
}
