//! The door from its other side: trainings on a server, for the command line.

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Code, Status, Streaming,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

use crate::proto::v1::{self, model_service_client::ModelServiceClient, train_model_response, update_model_response};

/// Why a server did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It cannot be reached, or is gone, or was not started for this.
    #[error("{0}")]
    Unusable(String),
    /// It refuses this request.
    #[error("{0}")]
    Refused(String),
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        let reason = status.get_error_details().error_info().map(|info| format!(" ({})", info.reason));
        let message = format!("{}{}", status.message(), reason.unwrap_or_default());
        match status.code() {
            Code::InvalidArgument | Code::NotFound | Code::ResourceExhausted | Code::OutOfRange => {
                ClientError::Refused(message)
            }
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
            | Code::Unauthenticated => ClientError::Unusable(message),
        }
    }
}

/// What a server tells of a training.
#[derive(Debug)]
pub enum Answer {
    /// How far it is.
    Progress(v1::TrainingProgress),
    /// An article cannot be used.
    Rejected(v1::RejectedArticle),
    /// What came of it.
    Result(Box<v1::TrainingResult>),
}

/// A training under way on a server. Dropped, it is given up.
#[derive(Debug)]
pub struct Training(Answers);

#[derive(Debug)]
enum Answers {
    Train(Streaming<v1::TrainModelResponse>),
    Update(Streaming<v1::UpdateModelResponse>),
}

async fn connect(url: &str) -> Result<ModelServiceClient<Channel>, ClientError> {
    let unusable = |error: tonic::transport::Error| {
        // The error says only that there is one; what it is stands in its source.
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        ClientError::Unusable(format!("{error}{}", source.unwrap_or_default()))
    };
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(unusable)?;
    let channel = endpoint.connect().await.map_err(unusable)?;
    Ok(ModelServiceClient::new(channel).max_decoding_message_size(usize::MAX))
}

/// Begins `TrainModel`; the first request has to wait in the channel already.
///
/// # Errors
///
/// The server cannot be reached or refuses.
pub async fn train(url: &str, requests: mpsc::Receiver<v1::TrainModelRequest>) -> Result<Training, ClientError> {
    let response = connect(url).await?.train_model(ReceiverStream::new(requests)).await?;
    Ok(Training(Answers::Train(response.into_inner())))
}

/// Begins `UpdateModel`, as [`train`].
///
/// # Errors
///
/// As [`train`].
pub async fn update(url: &str, requests: mpsc::Receiver<v1::UpdateModelRequest>) -> Result<Training, ClientError> {
    let response = connect(url).await?.update_model(ReceiverStream::new(requests)).await?;
    Ok(Training(Answers::Update(response.into_inner())))
}

impl Training {
    /// What the server tells next; `None` when it has told all.
    ///
    /// # Errors
    ///
    /// The training came to nothing.
    pub async fn answer(&mut self) -> Result<Option<Answer>, ClientError> {
        Ok(match &mut self.0 {
            Answers::Train(answers) => {
                use train_model_response::Message;
                answers.message().await?.and_then(|answer| answer.message).map(|message| match message {
                    Message::Progress(progress) => Answer::Progress(progress),
                    Message::Rejected(rejected) => Answer::Rejected(rejected),
                    Message::Result(result) => Answer::Result(Box::new(result)),
                })
            }
            Answers::Update(answers) => {
                use update_model_response::Message;
                answers.message().await?.and_then(|answer| answer.message).map(|message| match message {
                    Message::Progress(progress) => Answer::Progress(progress),
                    Message::Rejected(rejected) => Answer::Rejected(rejected),
                    Message::Result(result) => Answer::Result(Box::new(result)),
                })
            }
        })
    }
}
