//! `chuanda.v1.ModelService`: which models can answer, what is known of them, how they come and go.

mod answers;
mod list;
mod message;
mod request;
mod training;
mod transfer;

use std::{sync::Arc, time::Duration};

use prost::Message as _;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use self::{answers::Answers, request::Expectation};
use super::{
    analysis::sendable,
    status::{Failure, Need},
};
use crate::{
    engine::{Engine, training::Trainings},
    model::store::{Activated, Store},
    proto::v1::{self, model_service_server::ModelService},
};

/// Calls that work on the store at once; more wait. A store that hangs, on a network for one, then holds no more threads
/// than these, and analyses have theirs.
const MAX_AT_WORK: usize = 8;

/// Files that come in at once, since each takes its length of the disk; more wait.
const MAX_IMPORTS: usize = 4;

/// Answers from the engine and its store.
#[derive(Clone, Debug)]
pub(super) struct Models {
    pub(super) engine: Arc<Engine>,
    pub(super) allow_changes: bool,
    pub(super) max_model_bytes: usize,
    pub(super) max_request_bytes: usize,
    pub(super) max_response_bytes: usize,
    /// Ends calls that wait for their client.
    pub(super) draining: CancellationToken,
    at_work: Arc<Semaphore>,
    imports: Arc<Semaphore>,
    whole_files: Arc<Semaphore>,
    trainings: Trainings,
    /// How long a client that trains, or sends or takes a file, may say or take nothing.
    max_silence: Duration,
}

impl Models {
    pub(super) fn new(engine: &Arc<Engine>, settings: &super::Settings, draining: &CancellationToken) -> Self {
        Self {
            engine: Arc::clone(engine),
            allow_changes: settings.allow_model_changes,
            max_model_bytes: settings.max_model_bytes,
            max_request_bytes: settings.max_request_bytes,
            max_response_bytes: settings.max_response_bytes,
            draining: draining.clone(),
            at_work: Arc::new(Semaphore::new(MAX_AT_WORK)),
            imports: Arc::new(Semaphore::new(MAX_IMPORTS)),
            whole_files: Arc::new(Semaphore::new(1)),
            trainings: Trainings::new(Arc::clone(engine), settings.training),
            max_silence: settings.unary_timeout,
        }
    }

    /// The store.
    fn store(&self) -> Result<Store, Failure> {
        self.engine.store().cloned().ok_or(Failure::Needs(Need::Store))
    }

    /// The store, for a call that changes it.
    fn store_to_change(&self) -> Result<Store, Failure> {
        let store = self.store()?;
        if self.allow_changes { Ok(store) } else { Err(Failure::Needs(Need::Leave)) }
    }

    /// Does what reads and writes files, on a thread for that. It is done to the end even if the call is given up.
    async fn at_work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        in_turn(&self.at_work, work).await
    }

    /// The same with what holds a whole model file in memory: one at a time, since files may be large.
    async fn with_whole_file<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        in_turn(&self.whole_files, work).await
    }

    /// The next message of a client; `None` when it has said all. Ends when the server drains, and when the client says nothing
    /// for too long, since others wait meanwhile.
    async fn next<T>(&self, requests: &mut Streaming<T>) -> Result<Option<T>, Failure> {
        let message = tokio::select! {
            biased;
            message = self.unless_silent(requests.message()) => message?,
            () = self.draining.cancelled() => return Err(Failure::ShuttingDown),
        };
        // Whatever else ends the stream, nobody waits for an answer.
        message.map_err(|status| Failure::from_tonic(&status, self.max_request_bytes).unwrap_or(Failure::ShuttingDown))
    }

    /// What a client says next, or when it takes an answer, unless it is silent for too long.
    async fn unless_silent<T>(&self, next: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::time::timeout(self.max_silence, next).await.map_err(|_| Failure::Silent)
    }

    async fn get(&self, request: v1::GetModelRequest) -> Result<v1::GetModelResponse, Failure> {
        let loaded = self.engine.model(&request.version).await.map_err(request::about_version)?;
        let this = self.clone();
        self.at_work(move || {
            let mut model = message::whole(&loaded);
            model.active = this.is_serving(&model.version);
            let mut active_version = String::new();
            if let Some(store) = this.engine.store() {
                active_version = list::digits(store.current()?.as_ref());
                list::add_sidecar(&mut model, store);
            }
            let response = v1::GetModelResponse { model: Some(model), active_version };
            sendable(response.encoded_len(), this.max_response_bytes)?;
            Ok(response)
        })
        .await
    }

    /// Whether this version answers requests that pin none.
    fn is_serving(&self, version: &str) -> bool {
        self.engine.snapshot().is_ok_and(|model| model.version() == version)
    }

    /// Changes which version is active, and lets the engine follow at once.
    async fn switch(
        &self,
        change: impl FnOnce(&Store) -> Result<Activated, Failure> + Send + 'static,
    ) -> Result<Activated, Failure> {
        let store = self.store_to_change()?;
        let engine = Arc::clone(&self.engine);
        self.at_work(move || {
            let activated = change(&store)?;
            engine.look()?;
            Ok(activated)
        })
        .await
    }

    async fn activate(&self, request: v1::ActivateModelRequest) -> Result<v1::ActivateModelResponse, Failure> {
        self.store_to_change()?;
        let v1::ActivateModelRequest { version, expected_current, actor, why } = request;
        let version = request::version("version", &version)?;
        let expected = Expectation::of(expected_current.as_deref())?;
        let by = request::by("", &actor, ("why", &why))?;
        let activated = self.switch(move |store| Ok(store.activate(&version, expected.get(), by)?)).await?;
        Ok(v1::ActivateModelResponse {
            changed: activated.is_change(),
            version: activated.to.to_string(),
            previous_version: list::digits(activated.from.as_ref()),
        })
    }

    async fn rollback(&self, request: v1::RollbackModelRequest) -> Result<v1::RollbackModelResponse, Failure> {
        self.store_to_change()?;
        let v1::RollbackModelRequest { expected_current, actor, why } = request;
        let expected = Expectation::of(expected_current.as_deref())?;
        let by = request::by("", &actor, ("why", &why))?;
        let activated = self.switch(move |store| Ok(store.rollback(expected.get(), by)?)).await?;
        Ok(v1::RollbackModelResponse {
            version: activated.to.to_string(),
            previous_version: list::digits(activated.from.as_ref()),
        })
    }

    async fn delete(&self, request: v1::DeleteModelRequest) -> Result<v1::DeleteModelResponse, Failure> {
        let store = self.store_to_change()?;
        let version = request::version("version", &request.version)?;
        let engine = Arc::clone(&self.engine);
        self.at_work(move || {
            store.delete(&version)?;
            // Whatever is wrong with the active version, this one is deleted, and forgotten by the engine.
            let _ = engine.look();
            Ok(v1::DeleteModelResponse {})
        })
        .await
    }

    async fn activations(&self, request: v1::ListActivationsRequest) -> Result<v1::ListActivationsResponse, Failure> {
        let size = request::page_size(request.page_size);
        let before = request::page_token(&request.page_token, |token| token.parse::<u64>().ok())?;
        let Some(store) = self.engine.store().cloned() else { return Ok(v1::ListActivationsResponse::default()) };
        let maximum = self.max_response_bytes;
        self.at_work(move || {
            let activations = store.activations(before, size.saturating_add(1))?;
            let activations = activations.into_iter().map(message::activation).collect();
            let (activations, next_page_token) =
                list::page(activations, size, maximum, |activation| activation.number.to_string())?;
            Ok(v1::ListActivationsResponse { activations, next_page_token })
        })
        .await
    }
}

/// Works under a permit, on a thread for work that waits.
async fn in_turn<T: Send + 'static>(
    permits: &Arc<Semaphore>,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let permit = Arc::clone(permits).acquire_owned().await.map_err(|_| Failure::Internal)?;
    let work = move || {
        let _permit = permit;
        work()
    };
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Failure::Internal))
}

/// What a call answers, or the status that says why not.
fn told<T>(answer: Result<T, Failure>) -> Result<Response<T>, Status> {
    answer.map(Response::new).map_err(|failure| failure.status())
}

#[tonic::async_trait]
impl ModelService for Models {
    async fn list_models(
        &self,
        request: Request<v1::ListModelsRequest>,
    ) -> Result<Response<v1::ListModelsResponse>, Status> {
        told(self.list(request.into_inner()).await)
    }

    async fn get_model(&self, request: Request<v1::GetModelRequest>) -> Result<Response<v1::GetModelResponse>, Status> {
        told(self.get(request.into_inner()).await)
    }

    type TrainModelStream = Answers<v1::TrainModelResponse>;

    async fn train_model(
        &self,
        request: Request<Streaming<v1::TrainModelRequest>>,
    ) -> Result<Response<Self::TrainModelStream>, Status> {
        told(self.train(request.into_inner()).await)
    }

    type UpdateModelStream = Answers<v1::UpdateModelResponse>;

    async fn update_model(
        &self,
        request: Request<Streaming<v1::UpdateModelRequest>>,
    ) -> Result<Response<Self::UpdateModelStream>, Status> {
        told(self.update(request.into_inner()).await)
    }

    async fn activate_model(
        &self,
        request: Request<v1::ActivateModelRequest>,
    ) -> Result<Response<v1::ActivateModelResponse>, Status> {
        told(self.activate(request.into_inner()).await)
    }

    async fn rollback_model(
        &self,
        request: Request<v1::RollbackModelRequest>,
    ) -> Result<Response<v1::RollbackModelResponse>, Status> {
        told(self.rollback(request.into_inner()).await)
    }

    async fn delete_model(
        &self,
        request: Request<v1::DeleteModelRequest>,
    ) -> Result<Response<v1::DeleteModelResponse>, Status> {
        told(self.delete(request.into_inner()).await)
    }

    async fn list_activations(
        &self,
        request: Request<v1::ListActivationsRequest>,
    ) -> Result<Response<v1::ListActivationsResponse>, Status> {
        told(self.activations(request.into_inner()).await)
    }

    type ExportModelStream = Answers<v1::ExportModelResponse>;

    async fn export_model(
        &self,
        request: Request<v1::ExportModelRequest>,
    ) -> Result<Response<Self::ExportModelStream>, Status> {
        told(self.export(request.into_inner()).await)
    }

    async fn import_model(
        &self,
        request: Request<Streaming<v1::ImportModelRequest>>,
    ) -> Result<Response<v1::ImportModelResponse>, Status> {
        told(self.import(request.into_inner()).await)
    }
}
