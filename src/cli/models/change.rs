//! What changes a store, or takes files out of it and into it.

use std::{fs, path::Path};

use anyhow::Context as _;
use serde::Serialize;

use super::{
    super::{CliError, output, report::Format},
    Change, called, called_or_active,
    look::json,
};
use crate::model::store::{Activated, By, Expected, Store, Version};

/// The JSON of `activate` and `rollback`.
#[derive(Serialize)]
struct Switched<'a> {
    from: Option<&'a Version>,
    to: &'a Version,
    changed: bool,
}

/// `chuanda models activate`.
pub(super) fn activate(store: &Store, version: &str, change: &Change, format: Format) -> Result<String, CliError> {
    let version = called(store, version)?;
    let expected = Expectation::of(store, change)?;
    switched(&store.activate(&version, expected.get(), change.actor.by(&change.why))?, format)
}

/// `chuanda models rollback`.
pub(super) fn rollback(store: &Store, change: &Change, format: Format) -> Result<String, CliError> {
    let expected = Expectation::of(store, change)?;
    switched(&store.rollback(expected.get(), change.actor.by(&change.why))?, format)
}

/// What `--expect` says.
enum Expectation {
    Any,
    Nothing,
    Version(Version),
}

impl Expectation {
    fn of(store: &Store, change: &Change) -> Result<Self, CliError> {
        Ok(match change.expect.as_deref() {
            None => Expectation::Any,
            Some("none") => Expectation::Nothing,
            Some(version) => Expectation::Version(called(store, version)?),
        })
    }

    fn get(&self) -> Expected<'_> {
        match self {
            Expectation::Any => Expected::Any,
            Expectation::Nothing => Expected::Nothing,
            Expectation::Version(version) => Expected::Version(version),
        }
    }
}

fn switched(activated: &Activated, format: Format) -> Result<String, CliError> {
    let Activated { from, to } = activated;
    if format == Format::Json {
        return json(&Switched { from: from.as_ref(), to, changed: activated.is_change() });
    }
    Ok(match from {
        _ if !activated.is_change() => format!("{to} is active already\n"),
        Some(from) => format!("{to} is active instead of {from}\n"),
        None => format!("{to} is active\n"),
    })
}

/// The JSON of the other commands.
#[derive(Serialize)]
struct Done<'a> {
    version: &'a Version,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<bool>,
}

fn done(version: &Version, new: Option<bool>, text: String, format: Format) -> Result<String, CliError> {
    if format == Format::Json { json(&Done { version, new }) } else { Ok(text) }
}

/// `chuanda models delete`.
pub(super) fn delete(store: &Store, version: &str, format: Format) -> Result<String, CliError> {
    let version = called(store, version)?;
    store.delete(&version)?;
    done(&version, None, format!("{version} is deleted\n"), format)
}

/// `chuanda models export`.
pub(super) fn export(store: &Store, version: Option<&str>, path: &Path, format: Format) -> Result<String, CliError> {
    let version = called_or_active(store, version)?;
    // Files of the store are never written over, not even with their own content.
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let resolve = |directory: &Path| fs::canonicalize(directory).ok();
    if resolve(parent).is_some_and(|parent| Some(parent) == resolve(store.directory())) {
        return Err(CliError::Usage(format!("--output {}: is in the directory of models", path.display())));
    }
    let bytes = store.export(&version)?;
    output::publish(output::begin_result(path)?, path, &bytes)?;
    done(&version, None, format!("{version} is written to {}\n", path.display()), format)
}

/// `chuanda models import`.
pub(super) fn import(directory: &Path, file: &Path, by: By, format: Format) -> Result<String, CliError> {
    let bytes = fs::read(file).with_context(|| file.display().to_string()).map_err(CliError::Unusable)?;
    let store = Store::create(directory).context("--models").map_err(CliError::Unusable)?;
    let published = store.import(&bytes, by).map_err(|error| match CliError::from(error) {
        CliError::Unusable(error) => CliError::Unusable(error.context(file.display().to_string())),
        other @ (CliError::Usage(_) | CliError::Failed(_)) => other,
    })?;
    let version = &published.version;
    let was = if published.is_new { "published" } else { "there already" };
    done(version, Some(published.is_new), format!("{version} is {was}\n"), format)
}
