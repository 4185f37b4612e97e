//! What changes versions, or takes files out and in.

use std::{fs, path::Path};

use anyhow::Context as _;
use serde::Serialize;

use super::{
    super::{CliError, output, report::Format},
    Change, Place,
    look::json,
};
use crate::model::store::{Activated, By, Expected, Version};

/// The JSON of `activate` and `rollback`.
#[derive(Serialize)]
struct Switched<'a> {
    from: Option<&'a Version>,
    to: &'a Version,
    changed: bool,
}

/// `chuanda models activate`.
pub(super) fn activate(place: &mut Place, version: &str, change: &Change, format: Format) -> Result<String, CliError> {
    let version = place.called(version)?;
    let expected = Expectation::of(place, change)?;
    switched(&place.activate(&version, expected.get(), change.actor.by(&change.why))?, format)
}

/// `chuanda models rollback`.
pub(super) fn rollback(place: &mut Place, change: &Change, format: Format) -> Result<String, CliError> {
    let expected = Expectation::of(place, change)?;
    switched(&place.rollback(expected.get(), change.actor.by(&change.why))?, format)
}

/// What `--expect` says.
enum Expectation {
    Any,
    Nothing,
    Version(Version),
}

impl Expectation {
    fn of(place: &mut Place, change: &Change) -> Result<Self, CliError> {
        Ok(match change.expect.as_deref() {
            None => Expectation::Any,
            Some("none") => Expectation::Nothing,
            Some(version) => Expectation::Version(place.called(version)?),
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
pub(super) fn delete(place: &mut Place, version: &str, format: Format) -> Result<String, CliError> {
    let version = place.called(version)?;
    place.delete(&version)?;
    done(&version, None, format!("{version} is deleted\n"), format)
}

/// `chuanda models export`.
pub(super) fn export(
    place: &mut Place,
    version: Option<&str>,
    path: &Path,
    format: Format,
) -> Result<String, CliError> {
    // Files of the store are never written over, not even with their own content.
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let resolve = |directory: &Path| fs::canonicalize(directory).ok();
    if let Place::Store(store) = place
        && resolve(parent).is_some_and(|parent| Some(parent) == resolve(store.directory()))
    {
        return Err(CliError::Usage(format!("--output {}: is in the directory of models", path.display())));
    }
    let version = version.map(|version| place.called(version)).transpose()?;
    let destination = output::begin_result(path)?;
    let (version, bytes) = place.export(version.as_ref())?;
    output::publish(destination, path, &bytes)?;
    done(&version, None, format!("{version} is written to {}\n", path.display()), format)
}

/// `chuanda models import`.
pub(super) fn import(
    place: impl FnOnce() -> Result<Place, CliError>,
    file: &Path,
    by: By,
    format: Format,
) -> Result<String, CliError> {
    let bytes = fs::read(file).with_context(|| file.display().to_string()).map_err(CliError::Unusable)?;
    let published = place()?.import(bytes, by).map_err(|error| match error {
        CliError::Unusable(error) => CliError::Unusable(error.context(file.display().to_string())),
        other @ (CliError::Usage(_) | CliError::Failed(_)) => other,
    })?;
    let version = &published.version;
    let was = if published.is_new { "published" } else { "there already" };
    done(version, Some(published.is_new), format!("{version} is {was}\n"), format)
}
