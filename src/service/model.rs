//! `chuanda.v1.ModelService`: which models can answer, and what is known of them.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::status::Failure;
use crate::{
    engine::{AnalyzeError, Engine, FieldError, Problem},
    model::Model,
    proto::v1::{self, model_service_server::ModelService},
};

/// Most versions on one page.
const MAX_PAGE_SIZE: u32 = 1000;

/// Answers from the engine's model.
#[derive(Debug)]
pub(super) struct Models {
    pub(super) engine: Arc<Engine>,
}

#[tonic::async_trait]
impl ModelService for Models {
    async fn list_models(
        &self,
        request: Request<v1::ListModelsRequest>,
    ) -> Result<Response<v1::ListModelsResponse>, Status> {
        check_page(request.get_ref()).map_err(|error| Failure::from(error).status())?;
        // There is one version at most, so that every page is the first and the last.
        let models = self.engine.snapshot().iter().map(|model| message(model, Detail::Short)).collect();
        Ok(Response::new(v1::ListModelsResponse { models, next_page_token: String::new() }))
    }

    async fn get_model(&self, request: Request<v1::GetModelRequest>) -> Result<Response<v1::GetModelResponse>, Status> {
        let model = self.engine.model(&request.get_ref().version).map_err(|error| {
            // Elsewhere the field has another name.
            let error = match error {
                AnalyzeError::Field(FieldError { problem, .. }) => {
                    FieldError { field: "version".to_owned(), problem }.into()
                }
                AnalyzeError::ModelVersionNotFound(_) | AnalyzeError::NoModel | AnalyzeError::Internal => error,
            };
            Failure::from(error).status()
        })?;
        Ok(Response::new(v1::GetModelResponse { model: Some(message(&model, Detail::Whole)) }))
    }
}

fn check_page(request: &v1::ListModelsRequest) -> Result<(), FieldError> {
    let error =
        |field: &str, problem: String| Err(FieldError { field: field.to_owned(), problem: Problem::Invalid(problem) });
    if request.page_size > MAX_PAGE_SIZE {
        return error("page_size", format!("{} is not between 0 and {MAX_PAGE_SIZE}", request.page_size));
    }
    if !request.page_token.is_empty() {
        return error("page_token", "not a token that this server gave".to_owned());
    }
    Ok(())
}

/// How much is told of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    /// Without labels and figures of single labels.
    Short,
    /// Everything.
    Whole,
}

/// What is known of a model. The only place that turns one into a message.
fn message(model: &Model, _detail: Detail) -> v1::Model {
    v1::Model {
        version: model.version().to_owned(),
        articles: 0,
        language_codes: Vec::new(),
        axes: Vec::new(),
        active: true,
    }
}
