//! What is read: `list`, `show`, `log`.

use std::fmt::Write as _;

use anyhow::Context as _;
use serde::Serialize;

use super::{
    super::{
        CliError,
        report::{self, Format},
        terminal::escape,
    },
    place::{Known, Place},
};
use crate::model::{
    Report,
    store::{Activation, Info, Version},
};

/// A version in the JSON of `list`.
#[derive(Serialize)]
struct Listed<'a> {
    version: &'a Version,
    active: bool,
    bytes: u64,
    info: &'a Option<Info>,
}

/// The JSON of `list`.
#[derive(Serialize)]
struct Listing<'a> {
    current: Option<&'a Version>,
    versions: Vec<Listed<'a>>,
}

/// One line of JSON.
pub(super) fn json(value: &impl Serialize) -> Result<String, CliError> {
    Ok(serde_json::to_string(value).context("the answer")? + "\n")
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// `chuanda models list`.
pub(super) fn list(place: &mut Place, format: Format) -> Result<String, CliError> {
    let (mut entries, current) = place.list()?;
    // What the model says of itself is told by `show`.
    entries.iter_mut().filter_map(|entry| entry.info.as_mut()).for_each(|info| info.about = None);
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.info.as_ref().map(|info| info.created)));
    if format == Format::Json {
        let versions = entries.iter().map(|entry| Listed {
            version: &entry.version,
            active: entry.is_active,
            bytes: entry.bytes,
            info: &entry.info,
        });
        return json(&Listing { current: current.as_ref(), versions: versions.collect() });
    }
    if entries.is_empty() {
        return Ok("no versions\n".to_owned());
    }
    let mut rows = vec![row(["version", "state", "bytes", "created", "how", "by", "note"])];
    for entry in &entries {
        let info = entry.info.as_ref();
        let text = |text: fn(&Info) -> String| info.map_or_else(|| "?".to_owned(), |info| escape(&text(info)));
        rows.push(vec![
            entry.version.to_string(),
            if entry.is_active { "active" } else { "-" }.to_owned(),
            entry.bytes.to_string(),
            text(|info| format!("{:.0}", info.created)),
            text(|info| info.how.to_string()),
            text(|info| info.actor.clone()),
            text(|info| info.note.clone()),
        ]);
    }
    let mut out = String::new();
    report::table(&mut out, &rows);
    Ok(out)
}

/// The JSON of `show`.
#[derive(Serialize)]
struct Shown<'a> {
    version: &'a Version,
    active: bool,
    /// Absent if it is not on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    info: Option<Info>,
    /// Distinct articles learnt from.
    articles: u64,
    language_codes: Vec<String>,
    /// Whether settings and fitted values were learnt from those articles.
    calibrated: bool,
    report: &'a Report,
}

/// `chuanda models show`.
pub(super) fn show(place: &mut Place, version: Option<&str>, format: Format) -> Result<String, CliError> {
    let version = version.map(|version| place.called(version)).transpose()?;
    let Known { version, is_active, file, info, language_codes, calibrated, report } = place.get(version.as_ref())?;
    let shown = Shown {
        version: &version,
        active: is_active,
        file,
        // What it says of the model stands in the report.
        info: info.map(|info| Info { about: None, ..info }),
        articles: report.articles,
        language_codes,
        calibrated,
        report: &report,
    };
    if format == Format::Json {
        return json(&shown);
    }
    let mut out = format!("version {version}{}\n", if shown.active { ", active" } else { "" });
    if let Some(file) = &shown.file {
        let _ = writeln!(out, "file {}", escape(file));
    }
    match &shown.info {
        Some(Info { created, actor, actor_verified, how, parent, note, about: _ }) => {
            let verified = if *actor_verified { "" } else { " (unverified)" };
            let _ = writeln!(out, "created {created:.0} by {}{verified}: {how}", escape(actor));
            if let Some(parent) = parent {
                let _ = writeln!(out, "changed from {parent}");
            }
            if !note.is_empty() {
                let _ = writeln!(out, "note: {}", escape(note));
            }
        }
        None => out.push_str("who made it and when cannot be read\n"),
    }
    let calibrated = if shown.calibrated { "" } else { ", settings and fitted values older than these" };
    let _ = writeln!(out, "{} articles in {}{calibrated}\n", shown.articles, shown.language_codes.join(", "));
    out.push_str(report::trained(shown.report).trim_end());
    out.push('\n');
    Ok(out)
}

/// A line in the JSON of `log`.
#[derive(Serialize)]
struct Logged {
    number: u64,
    #[serde(flatten)]
    activation: Activation,
}

/// The JSON of `log`.
#[derive(Serialize)]
struct Logs {
    activations: Vec<Logged>,
}

/// `chuanda models log`.
pub(super) fn log(place: &mut Place, limit: usize, before: Option<u64>, format: Format) -> Result<String, CliError> {
    let activations = place.activations(before, limit)?;
    if format == Format::Json {
        let logged = activations.into_iter().map(|(number, activation)| Logged { number, activation });
        return json(&Logs { activations: logged.collect() });
    }
    if activations.is_empty() {
        return Ok("no activations\n".to_owned());
    }
    let mut rows = vec![row(["number", "at", "kind", "version", "by", "why"])];
    for (number, Activation { at, actor, kind, to, why, .. }) in activations {
        let at = format!("{at:.0}");
        rows.push(vec![number.to_string(), at, kind.to_string(), to.to_string(), escape(&actor), escape(&why)]);
    }
    let mut out = String::new();
    report::table(&mut out, &rows);
    Ok(out)
}
