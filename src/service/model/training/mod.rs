//! Trainings over the network: articles to the engine, what it tells to the client, until one of them has enough.

mod message;
mod request;

use std::pin::pin;

use prost::Message as _;
use tokio::sync::mpsc;
use tonic::Streaming;

use self::request::Said;
use super::{Answers, Models, list, request as common};
use crate::{
    engine::training::{Event, Intake, Item, Order, Outcome, Phase},
    model::store::Store,
    proto::v1,
    service::{analysis::sendable, status::Failure},
};

/// Answers that wait for the client.
const AHEAD: usize = 16;

/// What the two calls, which have messages of their own, have in common.
trait Call: Send + 'static {
    /// One message of the client.
    type Request: Send + 'static;
    /// One message of the server.
    type Response: prost::Message + Send + 'static;

    /// What a message says; nothing if it is empty.
    fn said(request: Self::Request) -> Option<Said>;
    fn progress(progress: v1::TrainingProgress) -> Self::Response;
    fn rejected(rejected: v1::RejectedArticle) -> Self::Response;
    fn result(result: v1::TrainingResult) -> Self::Response;
}

/// `TrainModel`.
struct Train;

/// `UpdateModel`.
struct Update;

/// The answers of both calls differ in the name of their type alone.
macro_rules! answers {
    ($response:ident, $message:path) => {
        fn progress(progress: v1::TrainingProgress) -> v1::$response {
            use $message as Message;
            v1::$response { message: Some(Message::Progress(progress)) }
        }

        fn rejected(rejected: v1::RejectedArticle) -> v1::$response {
            use $message as Message;
            v1::$response { message: Some(Message::Rejected(rejected)) }
        }

        fn result(result: v1::TrainingResult) -> v1::$response {
            use $message as Message;
            v1::$response { message: Some(Message::Result(result)) }
        }
    };
}

impl Call for Train {
    type Request = v1::TrainModelRequest;
    type Response = v1::TrainModelResponse;

    fn said(request: v1::TrainModelRequest) -> Option<Said> {
        Some(request::said_to_train(request.message?))
    }

    answers!(TrainModelResponse, v1::train_model_response::Message);
}

impl Call for Update {
    type Request = v1::UpdateModelRequest;
    type Response = v1::UpdateModelResponse;

    fn said(request: v1::UpdateModelRequest) -> Option<Said> {
        Some(request::said_to_update(request.message?))
    }

    answers!(UpdateModelResponse, v1::update_model_response::Message);
}

impl Models {
    pub(super) async fn train(
        &self,
        requests: Streaming<v1::TrainModelRequest>,
    ) -> Result<Answers<v1::TrainModelResponse>, Failure> {
        self.learn::<Train>(requests).await
    }

    pub(super) async fn update(
        &self,
        requests: Streaming<v1::UpdateModelRequest>,
    ) -> Result<Answers<v1::UpdateModelResponse>, Failure> {
        self.learn::<Update>(requests).await
    }

    async fn learn<C: Call>(&self, mut requests: Streaming<C::Request>) -> Result<Answers<C::Response>, Failure> {
        let store = self.store_to_change()?;
        let Some(Said::Settings(settings)) = self.said::<C>(&mut requests).await? else {
            return Err(common::required("settings", "the first message has to be the settings").into());
        };
        let order = (*settings)?;
        let (sender, end, answers) = Answers::new(AHEAD);
        let this = self.clone();
        tokio::spawn(async move {
            let told = tokio::select! {
                biased;
                // Nobody is there any more. What is dropped here gives the training up.
                () = sender.closed() => Ok(()),
                () = this.draining.cancelled() => Err(Failure::ShuttingDown),
                told = this.follow::<C>(store, order, requests, &sender) => told,
            };
            end.send(told)
        });
        Ok(answers)
    }

    /// Hands articles on and tells what comes of them. While the training waits for another one, or an answer for the client,
    /// nothing is read from the client; one that takes no answer for too long is not waited for either.
    async fn follow<C: Call>(
        &self,
        store: Store,
        order: Order,
        requests: Streaming<C::Request>,
        answers: &mpsc::Sender<C::Response>,
    ) -> Result<(), Failure> {
        let (intake, mut job) = self.trainings.begin(store.clone(), order);
        let mut taking = pin!(self.take::<C>(requests, intake));
        let (mut is_waiting, mut is_taken) = (true, false);
        loop {
            let event = tokio::select! {
                biased;
                event = job.event() => event,
                taken = &mut taking, if !is_waiting && !is_taken => {
                    taken?;
                    is_taken = true;
                    continue;
                }
            };
            let (answer, is_last) = match event {
                None => return Err(Failure::Internal),
                Some(Event::Progress(progress)) => {
                    is_waiting = progress.phase == Phase::Waiting;
                    (C::progress(message::progress(progress)), false)
                }
                Some(Event::Rejected(rejected)) => (C::rejected(message::rejected(rejected)), false),
                Some(Event::Ended(ended)) => {
                    let result = self.result(store.clone(), *ended?).await?;
                    let answer = C::result(result);
                    sendable(answer.encoded_len(), self.max_response_bytes)?;
                    (answer, true)
                }
            };
            let is_gone = self.unless_silent(answers.send(answer)).await?.is_err();
            if is_gone || is_last {
                return Ok(());
            }
        }
    }

    /// Takes all articles.
    async fn take<C: Call>(&self, mut requests: Streaming<C::Request>, intake: Intake) -> Result<(), Failure> {
        let mut index = 0;
        while let Some(said) = self.said::<C>(&mut requests).await? {
            let Said::Article(part, article) = said else {
                return Err(common::invalid("settings", "they come once, in the first message").into());
            };
            if !intake.send(Item { index, part, article }).await {
                // The training has ended, and says why itself.
                return Ok(());
            }
            index += 1;
        }
        intake.end().await;
        Ok(())
    }

    /// What the client says next; `None` when it has said all.
    async fn said<C: Call>(&self, requests: &mut Streaming<C::Request>) -> Result<Option<Said>, Failure> {
        let missing = || common::required("message", "settings or an article").into();
        self.next(requests).await?.map(|request| C::said(request).ok_or_else(missing)).transpose()
    }

    async fn result(&self, store: Store, outcome: Outcome) -> Result<v1::TrainingResult, Failure> {
        let mut result = message::result(outcome);
        let this = self.clone();
        self.at_work(move || {
            if let Some(model) = &mut result.model {
                model.active = this.is_serving(&model.version);
                list::add_sidecar(model, &store);
            }
            Ok(result)
        })
        .await
    }
}
