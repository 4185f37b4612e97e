//! Trainings on a server.

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::{RemoteError, RemoteModels};
use crate::proto::v1::{self, train_model_response, update_model_response};

/// What a server tells of a training.
#[derive(Debug)]
pub enum TrainingAnswer {
    /// How far it is.
    Progress(v1::TrainingProgress),
    /// An article cannot be used.
    Rejected(v1::RejectedArticle),
    /// What came of it.
    Result(Box<v1::TrainingResult>),
}

/// A training under way on a server. Dropped, it is given up.
#[derive(Debug)]
pub struct RemoteTraining(Answers);

#[derive(Debug)]
enum Answers {
    Train(Streaming<v1::TrainModelResponse>),
    Update(Streaming<v1::UpdateModelResponse>),
}

impl RemoteModels {
    /// Begins `TrainModel`; the first request has to wait in the channel already.
    ///
    /// # Errors
    ///
    /// As [`RemoteModels::list`].
    pub async fn train(
        &mut self,
        requests: mpsc::Receiver<v1::TrainModelRequest>,
    ) -> Result<RemoteTraining, RemoteError> {
        let response = self.client.train_model(ReceiverStream::new(requests)).await?;
        Ok(RemoteTraining(Answers::Train(response.into_inner())))
    }

    /// Begins `UpdateModel`, as [`RemoteModels::train`].
    ///
    /// # Errors
    ///
    /// As [`RemoteModels::list`].
    pub async fn update(
        &mut self,
        requests: mpsc::Receiver<v1::UpdateModelRequest>,
    ) -> Result<RemoteTraining, RemoteError> {
        let response = self.client.update_model(ReceiverStream::new(requests)).await?;
        Ok(RemoteTraining(Answers::Update(response.into_inner())))
    }
}

impl RemoteTraining {
    /// What the server tells next; `None` when it has told all.
    ///
    /// # Errors
    ///
    /// The training came to nothing.
    pub async fn answer(&mut self) -> Result<Option<TrainingAnswer>, RemoteError> {
        Ok(match &mut self.0 {
            Answers::Train(answers) => {
                use train_model_response::Message;
                answers.message().await?.and_then(|answer| answer.message).map(|message| match message {
                    Message::Progress(progress) => TrainingAnswer::Progress(progress),
                    Message::Rejected(rejected) => TrainingAnswer::Rejected(rejected),
                    Message::Result(result) => TrainingAnswer::Result(Box::new(result)),
                })
            }
            Answers::Update(answers) => {
                use update_model_response::Message;
                answers.message().await?.and_then(|answer| answer.message).map(|message| match message {
                    Message::Progress(progress) => TrainingAnswer::Progress(progress),
                    Message::Rejected(rejected) => TrainingAnswer::Rejected(rejected),
                    Message::Result(result) => TrainingAnswer::Result(Box::new(result)),
                })
            }
        })
    }
}
