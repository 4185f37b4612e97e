//! The other side of the door: what a running server says of its models, in the types of our own stores.

mod report;
mod training;

use std::time::Duration;

use jiff::Timestamp;
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

pub use self::training::{RemoteTraining, TrainingAnswer};
use crate::{
    model::{
        ModelFile, Report,
        store::{Activated, Activation, ActivationKind, By, Entry, Expected, Info, Origin, Published, Version},
    },
    proto::v1::{self, export_model_response, import_model_request, model_service_client::ModelServiceClient},
};

/// How long reaching a server may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a server that is silent is asked whether it is there; a training may be so for minutes.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// How long it may take to say so: what is sent on a slow line comes first.
const SAYS_SO: Duration = Duration::from_secs(120);

/// How long a call without files may take; the server gives it a minute.
const CALL_TIMEOUT: Duration = Duration::from_secs(70);

/// Longest message that is read, in bytes: what a server sends by default.
const MAX_MESSAGE: usize = 64 << 20;

/// Bytes of a file in one message.
const CHUNK: usize = 256 << 10;

/// Items on a page.
const PAGE_SIZE: u32 = 1000;

/// Why a server was no help.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// There is no such address.
    #[error("{0:?} is not the address of a server, such as http://127.0.0.1:50051")]
    Address(String),
    /// Nobody answers there.
    #[error("{address}: no connection: {reason}")]
    Unreachable {
        /// Where.
        address: String,
        /// What the system says.
        reason: String,
    },
    /// The server refused.
    #[error("{message}")]
    Refused {
        /// `google.rpc.ErrorInfo.reason`, if there is one.
        reason: String,
        /// What the server says.
        message: String,
        /// Whether the request is at fault.
        is_invalid: bool,
    },
    /// What the server says is not what the contract says.
    #[error("the server answers what makes no sense: {0}")]
    Answer(&'static str),
}

impl From<Status> for RemoteError {
    fn from(status: Status) -> Self {
        RemoteError::Refused {
            reason: status.get_error_details().error_info().map_or_else(String::new, |info| info.reason.clone()),
            message: status.message().to_owned(),
            is_invalid: status.code() == tonic::Code::InvalidArgument,
        }
    }
}

/// What a server tells of one version.
#[derive(Debug)]
pub struct RemoteModel {
    /// As a store lists it. Active is the one by the log; without a log, the one that answers.
    pub entry: Entry,
    /// Its languages.
    pub language_codes: Vec<String>,
    /// As [`crate::model::Model::is_calibrated`].
    pub calibrated: bool,
    /// Settings and figures.
    pub report: Report,
}

/// The models of a running server.
#[derive(Clone, Debug)]
pub struct RemoteModels {
    client: ModelServiceClient<Channel>,
}

impl RemoteModels {
    /// Connects to a server, by its address with `http://` before it.
    ///
    /// # Errors
    ///
    /// [`RemoteError::Address`], [`RemoteError::Unreachable`].
    pub async fn connect(address: &str) -> Result<Self, RemoteError> {
        let no_address = || RemoteError::Address(address.to_owned());
        if !address.starts_with("http://") {
            return Err(no_address());
        }
        let endpoint = Endpoint::from_shared(address.to_owned()).map_err(|_| no_address())?;
        let endpoint =
            endpoint.connect_timeout(CONNECT_TIMEOUT).http2_keep_alive_interval(ASK_AGAIN).keep_alive_timeout(SAYS_SO);
        let channel = endpoint.connect().await.map_err(|error| RemoteError::Unreachable {
            address: address.to_owned(),
            reason: innermost(&error).to_string(),
        })?;
        Ok(Self { client: ModelServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE) })
    }

    /// All versions, ascending, and the active one by the log.
    ///
    /// # Errors
    ///
    /// The server refuses, or answers what makes no sense.
    pub async fn list(&mut self) -> Result<(Vec<Entry>, Option<Version>), RemoteError> {
        let (mut entries, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = timed(v1::ListModelsRequest { page_size: PAGE_SIZE, page_token });
            let page = self.client.list_models(request).await?.into_inner();
            for model in &page.models {
                entries.push(entry(model, &page.active_version)?);
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok((entries, optional(&page.active_version)?));
            }
        }
    }

    /// One version; without a name, the one that answers.
    ///
    /// # Errors
    ///
    /// As [`RemoteModels::list`].
    pub async fn get(&mut self, version: Option<&Version>) -> Result<RemoteModel, RemoteError> {
        let request = timed(v1::GetModelRequest { version: digits(version) });
        let v1::GetModelResponse { model, active_version } = self.client.get_model(request).await?.into_inner();
        let model = model.ok_or(RemoteError::Answer("no model"))?;
        Ok(RemoteModel {
            entry: entry(&model, &active_version)?,
            report: report::of(&model)?,
            language_codes: model.language_codes,
            calibrated: model.calibrated,
        })
    }

    /// As [`Store::activate`](crate::model::store::Store::activate), on the server. Its clock counts.
    ///
    /// # Errors
    ///
    /// As [`RemoteModels::list`].
    pub async fn activate(
        &mut self,
        version: &Version,
        expected: Expected<'_>,
        by: By,
    ) -> Result<Activated, RemoteError> {
        let request = timed(v1::ActivateModelRequest {
            version: version.to_string(),
            expected_current: expectation(expected),
            actor: by.actor,
            why: by.why,
        });
        let v1::ActivateModelResponse { version, previous_version, changed: _ } =
            self.client.activate_model(request).await?.into_inner();
        activated(&previous_version, &version)
    }

    /// As [`Store::rollback`](crate::model::store::Store::rollback), on the server.
    ///
    /// # Errors
    ///
    /// As [`RemoteModels::list`].
    pub async fn rollback(&mut self, expected: Expected<'_>, by: By) -> Result<Activated, RemoteError> {
        let request =
            timed(v1::RollbackModelRequest { expected_current: expectation(expected), actor: by.actor, why: by.why });
        let v1::RollbackModelResponse { version, previous_version } =
            self.client.rollback_model(request).await?.into_inner();
        activated(&previous_version, &version)
    }

    /// As [`Store::delete`](crate::model::store::Store::delete), on the server.
    ///
    /// # Errors
    ///
    /// As [`RemoteModels::list`].
    pub async fn delete(&mut self, version: &Version) -> Result<(), RemoteError> {
        self.client.delete_model(timed(v1::DeleteModelRequest { version: version.to_string() })).await?;
        Ok(())
    }

    /// As [`Store::activations`](crate::model::store::Store::activations), on the server.
    ///
    /// # Errors
    ///
    /// As [`RemoteModels::list`].
    pub async fn activations(
        &mut self,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Activation)>, RemoteError> {
        let (mut activations, mut page_token) = (Vec::new(), String::new());
        while activations.len() < limit {
            let request = timed(v1::ListActivationsRequest { page_size: PAGE_SIZE, page_token });
            let page = self.client.list_activations(request).await?.into_inner();
            let older = page.activations.into_iter().filter(|line| before.is_none_or(|before| line.number < before));
            for line in older {
                activations.push((line.number, activation(line)?));
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        activations.truncate(limit);
        Ok(activations)
    }

    /// The file of a version, all of it checked here too; without a name, that of the active one.
    ///
    /// # Errors
    ///
    /// As [`RemoteModels::list`].
    pub async fn export(&mut self, version: Option<&Version>) -> Result<(Version, Vec<u8>), RemoteError> {
        use export_model_response::Message;
        let request = v1::ExportModelRequest { version: digits(version) };
        let mut answers = self.client.export_model(request).await?.into_inner();
        let Some(Message::Head(head)) = answers.message().await?.and_then(|answer| answer.message) else {
            return Err(RemoteError::Answer("a file without a head"));
        };
        let mut bytes = Vec::new();
        while let Some(answer) = answers.message().await? {
            let Some(Message::Chunk(chunk)) = answer.message else {
                return Err(RemoteError::Answer("two heads of one file"));
            };
            bytes.extend(chunk);
        }
        let file = ModelFile::from_bytes(&bytes).map_err(|_| RemoteError::Answer("the file is no sound model"))?;
        if bytes.len() as u64 != head.size_bytes || file.model.version() != head.version {
            return Err(RemoteError::Answer("the file is not that of its head"));
        }
        Ok((self::version(&head.version)?, bytes))
    }

    /// As [`Store::import`](crate::model::store::Store::import), on the server.
    ///
    /// # Errors
    ///
    /// As [`RemoteModels::list`].
    pub async fn import(&mut self, bytes: Vec<u8>, by: By) -> Result<Published, RemoteError> {
        use import_model_request::Message;
        let request = |message| v1::ImportModelRequest { message: Some(message) };
        let settings = v1::ImportModelSettings { version: String::new(), actor: by.actor, note: by.why };
        let chunk = move |number: usize| {
            let rest = bytes.get(number.checked_mul(CHUNK)?..).filter(|rest| !rest.is_empty())?;
            Some(request(Message::Chunk(rest.get(..CHUNK).unwrap_or(rest).to_vec())))
        };
        // One piece after the other as they are sent, so that the file is in memory once.
        let requests = std::iter::once(request(Message::Settings(settings))).chain((0..).map_while(chunk));
        let response = self.client.import_model(tokio_stream::iter(requests)).await?.into_inner();
        Ok(Published { version: version(&response.version)?, is_new: response.is_new })
    }
}

fn timed<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(CALL_TIMEOUT);
    request
}

/// The cause that says most: those around it say only that there is one.
fn innermost<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error
}

fn digits(version: Option<&Version>) -> String {
    version.map(ToString::to_string).unwrap_or_default()
}

fn version(text: &str) -> Result<Version, RemoteError> {
    Version::new(text).map_err(|_| RemoteError::Answer("a version that is none"))
}

fn optional(text: &str) -> Result<Option<Version>, RemoteError> {
    if text.is_empty() { Ok(None) } else { version(text).map(Some) }
}

fn expectation(expected: Expected<'_>) -> Option<String> {
    match expected {
        Expected::Any => None,
        Expected::Nothing => Some(String::new()),
        Expected::Version(version) => Some(version.to_string()),
    }
}

fn activated(from: &str, to: &str) -> Result<Activated, RemoteError> {
    Ok(Activated { from: optional(from)?, to: version(to)? })
}

fn entry(model: &v1::Model, active_version: &str) -> Result<Entry, RemoteError> {
    Ok(Entry {
        version: version(&model.version)?,
        info: model.provenance.as_ref().map(info).transpose()?,
        bytes: model.size_bytes,
        is_active: if active_version.is_empty() { model.active } else { model.version == active_version },
    })
}

fn info(provenance: &v1::Provenance) -> Result<Info, RemoteError> {
    Ok(Info {
        created: time(provenance.create_time)?,
        actor: provenance.actor.clone(),
        actor_verified: provenance.actor_verified,
        how: match provenance.origin() {
            v1::ModelOrigin::Train => Origin::Train,
            v1::ModelOrigin::Update => Origin::Update,
            v1::ModelOrigin::Import => Origin::Import,
            v1::ModelOrigin::Unspecified => return Err(RemoteError::Answer("a model of no origin")),
        },
        parent: optional(&provenance.parent_version)?,
        note: provenance.note.clone(),
        about: None,
    })
}

fn activation(line: v1::Activation) -> Result<Activation, RemoteError> {
    Ok(Activation {
        at: time(line.time)?,
        kind: match line.kind() {
            v1::ActivationKind::Activate => ActivationKind::Activate,
            v1::ActivationKind::Rollback => ActivationKind::Rollback,
            v1::ActivationKind::Unspecified => return Err(RemoteError::Answer("an activation of no kind")),
        },
        actor: line.actor,
        actor_verified: line.actor_verified,
        from: optional(&line.from_version)?,
        to: version(&line.version)?,
        why: line.why,
    })
}

fn time(time: Option<prost_types::Timestamp>) -> Result<Timestamp, RemoteError> {
    let time = time.unwrap_or_default();
    Timestamp::new(time.seconds, time.nanos).map_err(|_| RemoteError::Answer("a time that is none"))
}
