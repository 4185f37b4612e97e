//! What requests say, checked.

use super::super::status::Failure;
use crate::{
    engine::{self, AnalyzeError, FieldError, Problem},
    model::store::{By, Expected, MAX_ACTOR_BYTES, MAX_NOTE_BYTES, Version},
};

/// Items on a page if the request does not say.
const DEFAULT_PAGE_SIZE: usize = 100;

/// Most items on a page.
const MAX_PAGE_SIZE: usize = 1000;

/// Longest version that is looked at, in bytes.
const MAX_VERSION_BYTES: usize = 128;

pub(super) fn invalid(field: &str, why: &str) -> FieldError {
    FieldError { field: field.to_owned(), problem: Problem::Invalid(why.to_owned()) }
}

pub(super) fn required(field: &str, what: &'static str) -> FieldError {
    FieldError { field: field.to_owned(), problem: Problem::Required(what) }
}

/// How many items a page has at most.
pub(super) fn page_size(size: u32) -> usize {
    match usize::try_from(size).unwrap_or(usize::MAX) {
        0 => DEFAULT_PAGE_SIZE,
        size => size.min(MAX_PAGE_SIZE),
    }
}

/// Where a page begins, if it is not the first.
pub(super) fn page_token<T>(token: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, FieldError> {
    if token.is_empty() {
        return Ok(None);
    }
    read(token).map(Some).ok_or_else(|| invalid("page_token", "not a token that this server gave"))
}

/// A version that has to be said. What cannot be one is not found.
pub(super) fn version(field: &str, text: &str) -> Result<Version, Failure> {
    if text.is_empty() {
        return Err(required(field, "the version").into());
    }
    check_length(field, text, "max_version_bytes", MAX_VERSION_BYTES)?;
    Version::new(text).map_err(|_| AnalyzeError::ModelVersionNotFound(text.to_owned()).into())
}

/// The same error for a request whose field is called `version`.
pub(super) fn about_version(error: AnalyzeError) -> AnalyzeError {
    match error {
        AnalyzeError::Field(FieldError { problem, .. }) => FieldError { field: "version".to_owned(), problem }.into(),
        AnalyzeError::ModelVersionNotFound(_)
        | AnalyzeError::ModelDamaged(_)
        | AnalyzeError::StoreUnavailable
        | AnalyzeError::NoModel
        | AnalyzeError::Internal => error,
    }
}

fn check_length(field: &str, text: &str, limit: &'static str, maximum: usize) -> Result<(), FieldError> {
    if text.len() <= maximum {
        return Ok(());
    }
    let problem = Problem::OverLimit { limit, maximum, actual: text.len() };
    Err(FieldError { field: field.to_owned(), problem })
}

/// Who does something, and why. `within` is the path of the message that says so, with a point behind it.
pub(super) fn by(within: &str, actor: &str, (why_field, why): (&str, &str)) -> Result<By, FieldError> {
    check_length(&format!("{within}actor"), actor, "max_actor_bytes", MAX_ACTOR_BYTES)?;
    check_length(&format!("{within}{why_field}"), why, "max_note_bytes", MAX_NOTE_BYTES)?;
    Ok(engine::by(Some(actor).filter(|actor| !actor.is_empty()), why))
}

/// What `expected_current` says.
pub(super) enum Expectation {
    Any,
    Nothing,
    Version(Version),
}

impl Expectation {
    pub(super) fn of(field: Option<&str>) -> Result<Self, FieldError> {
        Ok(match field {
            None => Expectation::Any,
            Some("") => Expectation::Nothing,
            Some(text) => Expectation::Version(
                Version::new(text).map_err(|error| invalid("expected_current", &error.to_string()))?,
            ),
        })
    }

    pub(super) fn get(&self) -> Expected<'_> {
        match self {
            Expectation::Any => Expected::Any,
            Expectation::Nothing => Expected::Nothing,
            Expectation::Version(version) => Expected::Version(version),
        }
    }
}
