//! What went wrong becomes a gRPC status: the whole table, in one place.

use std::{io, time::Duration};

use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _, pb};

use crate::{
    classify::{Axis, Catalog},
    engine::{
        AnalyzeError, FieldError, Problem,
        training::{Rejection, TrainingError},
    },
    learn::{NotDone, NotRemoved, RejectedArticle, TrainError},
    model::store::{StoreError, Version},
};

/// `google.rpc.ErrorInfo.domain` of every error.
const DOMAIN: &str = "chuanda.v1";
/// When a client may try again after being turned away.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a call, or one item of it, has no answer. No variant carries article text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// What the engine found.
    #[error(transparent)]
    Analyze(#[from] AnalyzeError),
    /// The server was not started with what the call needs.
    #[error("{0}")]
    Needs(Need),
    /// Another version is active than the caller expected; empty is none.
    #[error("expected version {expected:?} to be active, and it is {current:?}")]
    NotExpected {
        /// By the caller.
        expected: String,
        /// The active one.
        current: String,
    },
    /// The active version cannot be deleted.
    #[error("version {0} is active and cannot be deleted")]
    ModelIsActive(String),
    /// No version was activated yet.
    #[error("no version is active")]
    NothingActive,
    /// Nothing that is still there was active before the present version.
    #[error("nothing to roll back to: no version that is still there was active before")]
    NothingBefore,
    /// What was to be published is not a sound model, or another one than was said.
    #[error("the model was refused: {0}")]
    ModelRefused(String),
    /// The activation log or a sidecar is not what was written.
    #[error("the directory of models is damaged")]
    StoreDamaged,
    /// Another training is under way.
    #[error("another training is under way")]
    TrainingBusy,
    /// No model can be learnt from the articles.
    #[error("too little to learn: {0}")]
    TooLittle(String),
    /// An article cannot be used.
    #[error(transparent)]
    Rejected(#[from] NotDone),
    /// None of the articles to calibrate on is in the model.
    #[error("none of the articles to calibrate on is among those of the model")]
    NotCalibrated,
    /// There is no room on the disk.
    #[error("there is no room in the directory of models")]
    StoreFull,
    /// A message from the client is longer than the server reads.
    #[error("the request message is over the limit max_request_bytes of {maximum}")]
    RequestTooLarge {
        /// The limit in bytes.
        maximum: usize,
    },
    /// The answer would be longer than the server sends.
    #[error("the response message is over the limit max_response_bytes of {maximum}")]
    ResponseTooLarge {
        /// The limit in bytes.
        maximum: usize,
    },
    /// A message from the client is not what the contract says.
    #[error("the request message cannot be decoded")]
    MalformedRequest,
    /// The contract has no such method, or the message is compressed in a way the server cannot read.
    #[error("no such method, or an encoding that is not supported (gzip and zstd are)")]
    Unimplemented,
    /// The time that the client or the server gives a call is over.
    #[error("the deadline of the call has passed")]
    DeadlineExceeded,
    /// A client said or took nothing for longer than a call with one answer may take.
    #[error("nothing was said or taken for longer than a call with one answer may take")]
    Silent,
    /// The server takes no more work.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// The program is at fault.
    #[error("internal error")]
    Internal,
}

/// What a server has to be started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Need {
    /// A directory of models.
    #[error("the server has no directory of models; start it with --models DIR")]
    Store,
    /// Leave to change that.
    #[error("the server does not let models be changed; start it with --allow-model-changes")]
    Leave,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotExpected { expected, actual } => {
                let digits = |version: Option<Version>| version.map_or_else(String::new, |it| it.to_string());
                Failure::NotExpected { expected: digits(expected), current: digits(actual) }
            }
            StoreError::IsActive { version } => Failure::ModelIsActive(version.to_string()),
            StoreError::NothingActive { .. } => Failure::NothingActive,
            StoreError::NothingBefore { .. } => Failure::NothingBefore,
            StoreError::Unsound(reason) => Failure::ModelRefused(reason.to_string()),
            StoreError::NotAVersion => {
                FieldError { field: "version".to_owned(), problem: Problem::Invalid(error.to_string()) }.into()
            }
            StoreError::TooLong { field, maximum, actual } => {
                let limit = if field == "actor" { "max_actor_bytes" } else { "max_note_bytes" };
                FieldError { field: field.to_owned(), problem: Problem::OverLimit { limit, maximum, actual } }.into()
            }
            StoreError::Log { .. } | StoreError::Info { .. } => {
                tracing::error!(%error, "the directory of models is damaged");
                Failure::StoreDamaged
            }
            StoreError::Io { ref source, .. } if is_full(source) => {
                tracing::error!(%error, "no room");
                Failure::StoreFull
            }
            StoreError::NotFound { .. }
            | StoreError::Refused { .. }
            | StoreError::Misnamed { .. }
            | StoreError::Io { .. } => Failure::Analyze(error.into()),
        }
    }
}

impl From<TrainingError> for Failure {
    fn from(error: TrainingError) -> Self {
        match error {
            TrainingError::Busy => Failure::TrainingBusy,
            TrainingError::OverLimit { limit, maximum, actual } => {
                let problem = Problem::OverLimit { limit, maximum, actual };
                FieldError { field: "message".to_owned(), problem }.into()
            }
            TrainingError::NotCalibrated => Failure::NotCalibrated,
            TrainingError::Learn(
                error @ (TrainError::NoArticles | TrainError::TooFew | TrainError::TooManyNames { .. }),
            ) => Failure::TooLittle(error.to_string()),
            // Nobody waits any more.
            TrainingError::Learn(TrainError::Stopped(_)) => Failure::ShuttingDown,
            TrainingError::Learn(error @ (TrainError::Fit(_) | TrainError::Model(_))) => {
                tracing::error!(%error, "a training failed");
                Failure::Internal
            }
            TrainingError::Store(error) => error.into(),
            TrainingError::Analyze(error) => error.into(),
            TrainingError::Internal => Failure::Internal,
        }
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::NotDone(error) => error.into(),
            Rejection::TooLong(error) => error.into(),
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::FileTooLarge].contains(&error.kind())
}

impl From<FieldError> for Failure {
    fn from(error: FieldError) -> Self {
        Failure::Analyze(error.into())
    }
}

/// Name and value of a limit, for `ErrorInfo.metadata`.
type Metadata = Vec<(&'static str, String)>;

impl Failure {
    /// The status of a whole call.
    pub(super) fn status(&self) -> Status {
        let message = self.to_string();
        let mut details = ErrorDetails::new();
        let none = Metadata::new();
        let limit = |name: &str, maximum: usize| vec![("limit", name.to_owned()), ("maximum", maximum.to_string())];
        let (code, reason, metadata) = match self {
            Failure::Analyze(AnalyzeError::Field(FieldError { field, problem })) => {
                details.add_bad_request_violation(field, problem.to_string());
                match problem {
                    Problem::Required(_) => (Code::InvalidArgument, "FIELD_REQUIRED", none),
                    Problem::Invalid(_) => (Code::InvalidArgument, "FIELD_INVALID", none),
                    Problem::OverLimit { limit: name, maximum, actual } => {
                        let mut metadata = limit(name, *maximum);
                        metadata.push(("actual", actual.to_string()));
                        (Code::InvalidArgument, "LIMIT_EXCEEDED", metadata)
                    }
                }
            }
            Failure::Analyze(AnalyzeError::ModelVersionNotFound(version)) => {
                details.set_resource_info("chuanda.v1.Model", version, "", "there is no model of this version");
                (Code::NotFound, "MODEL_VERSION_NOT_FOUND", none)
            }
            Failure::Analyze(AnalyzeError::NoModel) => {
                details.set_retry_info(Some(RETRY_AFTER));
                (Code::Unavailable, "MODEL_NOT_LOADED", none)
            }
            Failure::Analyze(AnalyzeError::ModelDamaged(version)) => {
                (Code::DataLoss, "MODEL_DAMAGED", vec![("version", version.clone())])
            }
            Failure::Analyze(AnalyzeError::StoreUnavailable) => {
                details.set_retry_info(Some(RETRY_AFTER));
                (Code::Unavailable, "STORE_UNAVAILABLE", none)
            }
            Failure::Needs(Need::Store) => {
                (Code::FailedPrecondition, "MODEL_STORE_REQUIRED", vec![("flag", "--models".to_owned())])
            }
            Failure::Needs(Need::Leave) => {
                let flag = vec![("flag", "--allow-model-changes".to_owned())];
                (Code::FailedPrecondition, "MODEL_CHANGES_NOT_ALLOWED", flag)
            }
            Failure::NotExpected { expected, current } => {
                let versions = vec![("expected", expected.clone()), ("current", current.clone())];
                (Code::FailedPrecondition, "CURRENT_VERSION_DIFFERS", versions)
            }
            Failure::ModelIsActive(version) => {
                (Code::FailedPrecondition, "MODEL_IS_ACTIVE", vec![("version", version.clone())])
            }
            Failure::NothingActive => (Code::FailedPrecondition, "NOTHING_ACTIVE", none),
            Failure::NothingBefore => (Code::FailedPrecondition, "NOTHING_BEFORE", none),
            Failure::ModelRefused(_) => (Code::InvalidArgument, "MODEL_REFUSED", none),
            Failure::StoreDamaged => (Code::DataLoss, "STORE_DAMAGED", none),
            Failure::TrainingBusy => {
                details.set_retry_info(Some(RETRY_AFTER));
                (Code::Unavailable, "TRAINING_BUSY", none)
            }
            Failure::TooLittle(_) => (Code::InvalidArgument, "TOO_LITTLE_TO_LEARN", none),
            Failure::NotCalibrated => (Code::InvalidArgument, "ARTICLE_NOT_IN_MODEL", none),
            Failure::Rejected(rejection) => {
                let (field, reason, metadata) = rejected(rejection);
                if let Some(field) = field {
                    details.add_bad_request_violation(field, message.clone());
                }
                (Code::InvalidArgument, reason, metadata)
            }
            Failure::StoreFull => (Code::ResourceExhausted, "STORE_FULL", none),
            Failure::RequestTooLarge { maximum } => {
                (Code::ResourceExhausted, "LIMIT_EXCEEDED", limit("max_request_bytes", *maximum))
            }
            Failure::ResponseTooLarge { maximum } => {
                (Code::ResourceExhausted, "LIMIT_EXCEEDED", limit("max_response_bytes", *maximum))
            }
            Failure::MalformedRequest => (Code::InvalidArgument, "MALFORMED_REQUEST", none),
            Failure::Unimplemented => (Code::Unimplemented, "UNIMPLEMENTED", none),
            Failure::DeadlineExceeded | Failure::Silent => (Code::DeadlineExceeded, "DEADLINE_EXCEEDED", none),
            Failure::ShuttingDown => {
                details.set_retry_info(Some(RETRY_AFTER));
                (Code::Unavailable, "SHUTTING_DOWN", none)
            }
            Failure::Analyze(AnalyzeError::Internal) | Failure::Internal => (Code::Internal, "INTERNAL", none),
        };
        let metadata = metadata.into_iter().map(|(name, value)| (name.to_owned(), value));
        details.set_error_info(reason, DOMAIN, metadata.collect::<std::collections::HashMap<_, _>>());
        Status::with_error_details(code, message, details)
    }

    /// The same as a message, for one item of a batch or a stream.
    pub(super) fn message(&self) -> pb::Status {
        let status = self.status();
        // The details of a status are such a message, encoded.
        pb::Status::decode(status.details()).unwrap_or_else(|_| pb::Status {
            code: status.code().into(),
            message: status.message().to_owned(),
            details: Vec::new(),
        })
    }

    /// What a status means that tonic made while it read the request. `None` if it is none of tonic's own: those have
    /// no details, ours always have.
    pub(super) fn from_tonic(status: &Status, max_request_bytes: usize) -> Option<Self> {
        if !status.details().is_empty() {
            return None;
        }
        match status.code() {
            // Resource exhausted is a compressed message that grows over the limit.
            Code::OutOfRange | Code::ResourceExhausted => Some(Failure::RequestTooLarge { maximum: max_request_bytes }),
            // Tonic blames itself for a message it cannot decode.
            Code::Internal | Code::InvalidArgument => Some(Failure::MalformedRequest),
            Code::Unimplemented => Some(Failure::Unimplemented),
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::Unavailable
            | Code::DataLoss
            | Code::Unauthenticated => None,
        }
    }
}

/// Of an article that cannot be used: the field at fault if it is one, reason and metadata.
fn rejected(rejection: &NotDone) -> (Option<&'static str>, &'static str, Metadata) {
    let none = Metadata::new();
    match rejection {
        NotDone::Rejected(error) => match error {
            RejectedArticle::BlankText => (Some("text"), "FIELD_REQUIRED", none),
            RejectedArticle::NoLabel => (Some(Axis::ALL[0].name()), "FIELD_REQUIRED", none),
            RejectedArticle::BadLabel { axis, .. } => (Some(axis), "FIELD_INVALID", none),
            RejectedArticle::UnknownLabel { axis, label, nearest } => {
                let nearest = nearest.iter().map(|nearest| ("nearest", nearest.clone()));
                let known = [("axis", (*axis).to_owned()), ("label", label.clone())];
                (Some(axis), "LABEL_UNKNOWN", known.into_iter().chain(nearest).collect())
            }
            RejectedArticle::TooManyLabels { axis } => (
                Some(axis),
                "LIMIT_EXCEEDED",
                vec![
                    ("limit", "max_labels".to_owned()),
                    ("maximum", Catalog::MAX_LABELS.to_string()),
                    ("axis", (*axis).to_owned()),
                ],
            ),
        },
        NotDone::NotRemoved(NotRemoved::Unknown) | NotDone::NotCounted => (None, "ARTICLE_NOT_IN_MODEL", none),
        NotDone::NotRemoved(NotRemoved::OtherLabels) => (None, "ARTICLE_HAS_OTHER_LABELS", none),
        NotDone::NotRemoved(NotRemoved::Contradiction(_)) => (None, "ARTICLE_CONTRADICTS", none),
        // It is counted as a double, and not told.
        NotDone::Double => (None, "ARTICLE_IN_MODEL", none),
    }
}
